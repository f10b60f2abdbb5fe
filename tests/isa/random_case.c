#include "tests/isa/random_case.h"

#include "sim/core/check.h"
#include "tests/isa/random_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 16

struct isa_generator {
    struct form *forms;
    unsigned count;
    unsigned first[24], size[24], families; /* forms by family */
    uint8_t wheel[64]; /* families, as often as their weights say */
    unsigned wheel_size;
    uint8_t image[IMAGES][ISA_DATA_SIZE];
    uint8_t fixed[ISA_FIXED_SIZE];
};

/* Families of instructions that mostly fault in a user's program get less attention, the x87
 * more. */
static const struct {
    const char *name;
    const struct row_family *family;
    unsigned weight;
} family_names[] = {
    {"arith", &family_arith, 3},     {"shift", &family_shift, 3},
    {"muldiv", &family_muldiv, 3},   {"bit", &family_bit, 3},
    {"move", &family_move, 3},       {"stack", &family_stack, 3},
    {"string", &family_string, 3},   {"control", &family_control, 3},
    {"flag", &family_flag, 2},       {"io", &family_io, 1},
    {"far", &family_far, 2},         {"segment", &family_segment, 2},
    {"system", &family_system, 1},   {"x87", &family_x87, 5},
    {"packed", &family_packed, 4},   {"vector-move", &family_vector_move, 3},
    {"vector-state", &family_vector_state, 1},
    {"sse", &family_sse, 4},         {"sse-convert", &family_sse_convert, 2},
};

/* --- the generator ---------------------------------------------------------------------------- */
static void parse_operands(struct form *f)
{
    const char *p = f->row->operands;
    while (*p) {
        size_t n = strcspn(p, ",");
        CHECK(f->operands < 3 && n < 4);
        memcpy(f->operand[f->operands++], p, n);
        p += n;
        p += *p == ',';
    }
}

static void parse_code(struct form *f)
{
    const body_fn *body = f->row->body;
    f->code = row_code_parse(f->row->code);
    f->may_reg = body[0] || body[2];
    f->may_mem = body[1] || body[3];
    if (f->code.shape == CODE_MODRM && !f->code.two && (f->code.opcode & 0xF8) == 0xD8)
        f->may_reg = false;
}

/* Encodings that this process must not run, see tests/isa/silicon.h. */
static bool is_forbidden(const struct row *r)
{
    return strcmp(r->name, "SYSENTER") == 0 || strcmp(r->name, "SYSCALL") == 0 ||
           strcmp(r->name, "SYSEXIT") == 0 || strcmp(r->name, "SYSRET") == 0;
}

static void make_images(struct isa_generator *g)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < IMAGES; i++) {
        for (unsigned at = 0; at + 10 <= ISA_DATA_SIZE; at += 2 + isa_below(&state, 8)) {
            uint32_t v = isa_random_u32(&state);
            memcpy(g->image[i] + at, &v, 4);
            if (i & 1 && isa_percent(&state, 30))
                isa_random_f80(&state, g->image[i] + at);
        }
    }
    for (unsigned at = 0; at < ISA_FIXED_SIZE; at += 4) {
        uint32_t v = isa_random_u32(&state);
        memcpy(g->fixed + at, &v, 4);
    }
}

static void add_family(struct isa_generator *g, const struct row_family *family, unsigned weight,
                       uint32_t features)
{
    g->first[g->families] = g->count;
    for (unsigned i = 0; i < family->count; i++) {
        const struct row *r = &family->rows[i];
        if ((r->feature != FEATURE_BASE && !(features >> r->feature & 1)) || is_forbidden(r))
            continue;
        struct form *f = &g->forms[g->count++];
        *f = (struct form){.row = r, .family = (uint8_t)g->families};
        parse_code(f);
        parse_operands(f);
    }
    g->size[g->families] = g->count - g->first[g->families];
    if (g->size[g->families] == 0)
        return;
    for (unsigned i = 0; i < weight; i++)
        g->wheel[g->wheel_size++] = (uint8_t)g->families;
    g->families++;
}

struct isa_generator *isa_generator_new(const char *family, uint32_t features)
{
    struct isa_generator *g = xalloc(1, sizeof *g);
    unsigned total = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(family_names); i++)
        total += family_names[i].family->count;
    g->forms = xalloc(total + 1, sizeof *g->forms);
    for (unsigned i = 0; i < ARRAY_COUNT(family_names); i++)
        if (!family || strcmp(family, family_names[i].name) == 0)
            add_family(g, family_names[i].family, family_names[i].weight, features);
    if (g->count == 0) {
        fprintf(stderr, "no family '%s'; there are:", family ? family : "");
        for (unsigned i = 0; i < ARRAY_COUNT(family_names); i++)
            fprintf(stderr, " %s", family_names[i].name);
        fprintf(stderr, "\n");
        isa_generator_free(g);
        return NULL;
    }
    make_images(g);
    return g;
}

void isa_generator_free(struct isa_generator *g)
{
    free(g->forms);
    free(g);
}

/* --- a case ----------------------------------------------------------------------------------- */
static void choose_segments(struct draft *d)
{
    static const uint16_t data[] = {ISA_FLAT_DATA, ISA_LIMITED, ISA_READ_ONLY, ISA_DOWN,
                                    ISA_CODE_32,   ISA_CODE_16, ISA_DATA_16,   ISA_DOWN_16,
                                    ISA_SHIFTED,   0};
    uint16_t *s = d->k->start.selector;
    for (int i = 0; i < 6; i++) {
        unsigned odd = i >= 4 ? 60 : i == 0 ? 15 : 6;
        s[i] = isa_percent(&d->random, odd) ? data[isa_below(&d->random, ARRAY_COUNT(data))]
                                            : ISA_FLAT_DATA;
    }
    d->code16 = isa_percent(&d->random, 12);
    s[CS] = d->code16 ? ISA_CODE_16 : isa_percent(&d->random, 5) ? ISA_CODE_32 : ISA_FLAT_CODE;
    if (!isa_can_enter(s[CS], d->k->code_at))
        s[CS] = ISA_FLAT_CODE;
    s[SS] = isa_percent(&d->random, d->code16 ? 60 : 4) ? ISA_DATA_16 : ISA_FLAT_DATA;
    if (isa_percent(&d->random, 2))
        s[SS] = ISA_LIMITED;
}

static void choose_stack(struct draft *d)
{
    uint32_t esp = ISA_DATA + 0x200 + isa_below(&d->random, ISA_DATA_SIZE - 0x400);
    if (isa_percent(&d->random, 85))
        esp &= ~3u;
    if (isa_percent(&d->random, 3))
        esp = (isa_percent(&d->random, 50) ? ISA_DATA : ISA_FIXED) - 16 +
              isa_below(&d->random, 48);
    if (d->k->start.selector[SS] == ISA_LIMITED)
        esp = (esp - ISA_DATA) & 0xFFF;
    d->k->start.r[ESP] = esp;
    d->assigned |= RM_ESP;
}

static void choose_flags(struct draft *d)
{
    uint32_t v = (uint32_t)isa_random(&d->random);
    uint32_t flags = 0x202 | (v & F_ARITH);
    if (v >> 24 < 40)
        flags |= F_DF;
    if (isa_percent(&d->random, 2))
        flags |= v & (F_NT | F_ID | F_AC);
    if (isa_below(&d->random, 1000) < 5)
        flags |= F_TF;
    d->k->start.eflags = flags;
}

static void choose_code_place(struct draft *d)
{
    d->k->code_at = ISA_CODE + 0x100 + isa_below(&d->random, 64);
    if (isa_percent(&d->random, 2)) /* runs off the end of the page */
        d->k->code_at = ISA_CODE + ISA_CODE_SIZE - 1 - isa_below(&d->random, 30);
    if (isa_percent(&d->random, 3)) /* where it can overwrite itself */
        d->k->code_at = ISA_DATA + 0x1800 + isa_below(&d->random, 64);
    d->k->start.eip = d->k->code_at;
}

/* An instruction after this one: its address as an offset in the case's code. */
static unsigned later(struct draft *d, unsigned instruction)
{
    unsigned i = instruction + 1 + isa_below(&d->random, d->k->count - instruction);
    return i >= d->k->count ? d->k->code_size : d->k->list[i].at;
}

static void resolve(struct draft *d)
{
    struct isa_case *k = d->k;
    for (unsigned i = 0; i < d->jump_count; i++) {
        unsigned at = d->jumps[i].at, size = d->jumps[i].size;
        bool is_far = size > 1 && at > 0 && (k->code[at - 1] == 0x9A || k->code[at - 1] == 0xEA);
        uint32_t to = k->code_at + later(d, d->jumps[i].instruction);
        uint32_t from = is_far ? 0 : k->code_at + at + size;
        uint32_t v = to - from;
        if (size > 1 && isa_percent(&d->random, 5))
            v = (uint32_t)isa_random(&d->random);
        memcpy(k->code + at, &v, size);
    }
    for (unsigned i = 0; i < d->label_count; i++) {
        uint32_t to = k->code_at + later(d, d->labels[i].instruction);
        unsigned reg = d->labels[i].reg;
        if (!d->labels[i].is_register) {
            memcpy(k->patches[d->labels[i].patch].bytes, &to, d->labels[i].size);
        } else if (!(d->assigned >> reg & 1)) {
            d->assigned |= (uint8_t)(1 << reg);
            k->start.r[reg] = to;
        }
    }
}

/* Uses an MMX or XMM register, or all of them. */
static bool is_vector(const struct form *f)
{
    for (unsigned i = 0; i < f->operands; i++)
        if (strchr("PQNVWU", f->operand[i][0]) && f->operand[i][1] >= 'a')
            return true;
    return f->row->feature == FEATURE_FXSR;
}

static const struct form *choose_form(const struct isa_generator *g, struct draft *d)
{
    unsigned family = g->wheel[isa_below(&d->random, g->wheel_size)];
    return &g->forms[g->first[family] + isa_below(&d->random, g->size[family])];
}

/* And no x87 exception pending, which most MMX instructions would only report. */
static void random_sse(uint64_t *random, struct isa_state *s)
{
    s->mxcsr = isa_random_mxcsr(random);
    for (unsigned i = 0; i < 8; i++)
        isa_random_vec(random, s->xmm[i]);
    if (isa_percent(random, 90))
        s->x87.status &= 0x7F40;
}

void isa_case_make(const struct isa_generator *g, uint64_t seed, struct isa_case *k)
{
    struct draft d = {.k = k, .random = seed * 0x2545F4914F6CDD1Du};
    *k = (struct isa_case){.seed = seed};
    choose_code_place(&d);
    choose_segments(&d);
    choose_stack(&d);
    choose_flags(&d);
    k->image = isa_below(&d.random, IMAGES);
    bool x87 = isa_percent(&d.random, 2), vector = isa_percent(&d.random, 2);
    unsigned family = 99;
    k->count = isa_percent(&d.random, 40) ? 1 : 1 + isa_below(&d.random, ISA_INSTRUCTIONS_MAX);
    for (unsigned i = 0; i < k->count; i++) {
        const struct form *f = choose_form(g, &d);
        /* x87 and vector instructions come in company: alone they see only the start state. */
        if (family != 99 && isa_percent(&d.random, 60))
            f = &g->forms[g->first[family] + isa_below(&d.random, g->size[family])];
        vector |= is_vector(f);
        family = f->row->attributes & A_X87 || is_vector(f) ? f->family : 99;
        x87 |= family != 99;
        isa_emit(&d, f, i);
    }
    resolve(&d);
    for (unsigned r = 0; r < 8; r++)
        if (!(d.assigned >> r & 1))
            k->start.r[r] = isa_random_u32(&d.random);
    if (isa_is_16_bit(k->start.selector[SS]) && isa_percent(&d.random, 10))
        k->start.r[ESP] |= isa_below(&d.random, 0x10000) << 16;
    k->start.x87.control = 0x37F;
    k->start.mxcsr = 0x1F80;
    if (x87)
        isa_random_x87(&d.random, &k->start.x87);
    if (vector)
        random_sse(&d.random, &k->start);
}

void isa_case_place(const struct isa_generator *g, const struct isa_case *k,
                    const struct isa_memory *m)
{
    memset(m->code, 0xCC, ISA_CODE_SIZE);
    memcpy(m->data, g->image[k->image], ISA_DATA_SIZE);
    for (unsigned i = 0; i < k->patch_count; i++)
        memcpy(m->data + k->patches[i].offset, k->patches[i].bytes, k->patches[i].size);
    if (k->code_at >= ISA_DATA) {
        uint8_t *code = m->data + (k->code_at - ISA_DATA);
        memset(code, 0xCC, ISA_CODE_BYTES_MAX);
        memcpy(code, k->code, k->code_size);
    } else {
        unsigned at = k->code_at - ISA_CODE, room = ISA_CODE_SIZE - at;
        memcpy(m->code + at, k->code, k->code_size < room ? k->code_size : room);
    }
}

void isa_generator_fixed(const struct isa_generator *g, const struct isa_memory *m)
{
    memcpy(m->fixed, g->fixed, ISA_FIXED_SIZE);
}
