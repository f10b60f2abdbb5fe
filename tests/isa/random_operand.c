#include "tests/isa/random_draft.h"

#include "sim/core/check.h"

#include <string.h>

#define PERCENT(p) isa_percent(&d->random, p)
#define BELOW(n) isa_below(&d->random, n)

static void emit(struct draft *d, uint32_t v, unsigned size)
{
    CHECK(d->k->code_size + size <= ISA_CODE_BYTES_MAX);
    memcpy(d->k->code + d->k->code_size, &v, size);
    d->k->code_size += size;
}

/* Gives register r the start value v unless it has one already; says whether it will hold v. */
static bool assign(struct draft *d, unsigned r, uint32_t v)
{
    if (d->lost >> r & 1)
        return false;
    if (d->assigned >> r & 1)
        return d->k->start.r[r] == v;
    d->assigned |= (uint8_t)(1 << r);
    d->k->start.r[r] = v;
    return true;
}

static uint32_t base_of(uint16_t selector)
{
    return selector & 4 ? (uint32_t)(isa_ldt[selector >> 3] >> 16 & 0xFFFFFF) : 0;
}

/* A patch of the data window; returns its number, or -1 if the address is elsewhere. */
static int patch(struct draft *d, uint32_t linear, const void *bytes, unsigned size)
{
    struct isa_case *k = d->k;
    if (linear < ISA_DATA || linear + size > ISA_DATA + ISA_DATA_SIZE ||
        k->patch_count == ISA_PATCHES_MAX)
        return -1;
    struct isa_patch *p = &k->patches[k->patch_count];
    p->offset = (uint16_t)(linear - ISA_DATA);
    p->size = (uint8_t)size;
    memcpy(p->bytes, bytes, size);
    return (int)k->patch_count++;
}

/* Where a memory operand should lie. */
static uint32_t random_target(struct draft *d)
{
    uint32_t where = BELOW(100);
    if (d->k->code_at >= ISA_DATA && PERCENT(30)) /* its own code */
        return d->k->code_at + BELOW(48);
    if (where < 88) {
        uint32_t offset = 64 + BELOW(ISA_DATA_SIZE - 256);
        return ISA_DATA + (PERCENT(60) ? offset & ~15u : offset);
    }
    if (where < 90)
        return ISA_DATA + 0x1000 - BELOW(16);
    if (where < 93)
        return (PERCENT(50) ? ISA_DATA : ISA_FIXED) - BELOW(12) + 2;
    if (where < 95)
        return ISA_FIXED + BELOW(ISA_FIXED_SIZE + 4);
    if (where < 97)
        return ISA_CODE + BELOW(ISA_CODE_SIZE);
    return (uint32_t)isa_random(&d->random);
}

/* A window pointer for an implied address register (ESI, EDI, EBX), usually. */
static void aim_register(struct draft *d, unsigned r)
{
    if (d->assigned >> r & 1)
        return;
    uint32_t v = random_target(d);
    if (PERCENT(5))
        v |= BELOW(0x10000) << 16;
    assign(d, r, v);
}

/* --- operands --------------------------------------------------------------------------------- */
static const uint8_t base16[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
static const uint8_t index16[8] = {ESI, EDI, ESI, EDI, REG_ZERO, REG_ZERO, REG_ZERO, REG_ZERO};

static uint32_t start_value(struct draft *d, unsigned r)
{
    if (r == REG_ZERO)
        return 0;
    if (!(d->assigned >> r & 1))
        assign(d, r, isa_random_u32(&d->random));
    return d->k->start.r[r];
}

struct address {
    unsigned base, index, scale;
    bool has_disp32;
    unsigned disp_size;
};

/* The operand's displacement or base so that its offset becomes `offset`; false if that cannot
 * be. */
static bool solve(struct draft *d, const struct address *a, uint32_t offset, bool addr16,
                  uint32_t *disp)
{
    uint32_t mask = addr16 ? 0xFFFF : UINT32_MAX;
    bool lost = (d->lost >> a->base & 1) || (d->lost >> a->index & 1); /* REG_ZERO never is */
    uint32_t index = start_value(d, a->index) << a->scale;
    if (a->disp_size >= 2) {
        *disp = (offset - start_value(d, a->base) - index) & mask;
        return !lost;
    }
    *disp = a->disp_size ? (uint32_t)(int8_t)isa_random(&d->random) : 0;
    if (a->base == REG_ZERO || lost)
        return false;
    uint32_t want = (offset - index - *disp) & mask;
    if (a->base == a->index)
        return false;
    assign(d, a->base, want);
    return (d->k->start.r[a->base] & mask) == want;
}

static uint16_t segment_of(const struct draft *d, const struct emission *e, unsigned fallback)
{
    return d->k->start.selector[e->segment >= 0 ? (unsigned)e->segment : fallback];
}

/* An operand of 128 bits or more, which mostly must be aligned. */
static bool is_wide(const struct form *f)
{
    for (unsigned i = 0; i < f->operands; i++)
        if (f->operand[i][1] == 'o')
            return true;
    return f->row->feature == FEATURE_FXSR;
}

static void emit_memory(struct draft *d, struct emission *e, unsigned reg)
{
    struct address a = {.base = REG_ZERO, .index = REG_ZERO};
    unsigned mod = BELOW(3), rm = BELOW(8), sib = 0;
    bool has_sib = false;
    if (e->addr16) {
        a.base = base16[rm];
        a.index = index16[rm];
        a.disp_size = mod;
        if (mod == 0 && rm == 6) {
            a.base = REG_ZERO;
            a.disp_size = 2;
        }
    } else {
        a.disp_size = mod == 2 ? 4 : mod;
        a.base = rm;
        if (rm == 4) {
            has_sib = true;
            sib = BELOW(256);
            a.base = sib & 7;
            a.index = (sib >> 3 & 7) == 4 ? REG_ZERO : sib >> 3 & 7;
            a.scale = sib >> 6;
        }
        if (mod == 0 && a.base == EBP) {
            a.base = REG_ZERO;
            a.disp_size = 4;
        }
    }
    bool stack = a.base == EBP || a.base == ESP;
    uint32_t target = random_target(d), disp;
    if (is_wide(e->f) && PERCENT(85))
        target &= ~15u;
    uint32_t base = base_of(segment_of(d, e, stack ? SS : DS));
    e->known = solve(d, &a, target - base, e->addr16, &disp);
    e->linear = target;
    e->is_memory = true;
    emit(d, mod << 6 | reg << 3 | rm, 1);
    if (has_sib)
        emit(d, sib, 1);
    emit(d, disp, a.disp_size);
}

static void emit_moffs(struct draft *d, struct emission *e)
{
    uint32_t target = random_target(d);
    emit(d, target - base_of(segment_of(d, e, DS)), e->addr16 ? 2 : 4);
    e->known = e->is_memory = true;
    e->linear = target;
}

static uint32_t random_immediate(struct draft *d, const struct emission *e, const char *name)
{
    (void)e;
    if (strcmp(name, "AAM") == 0 || strcmp(name, "AAD") == 0)
        return PERCENT(50) ? 10 : BELOW(16);
    if (strcmp(name, "INT") == 0) {
        uint32_t n = BELOW(256);
        return n == 0x80 ? 3 : n;
    }
    return isa_random_u32(&d->random);
}

static void emit_jump(struct draft *d, const struct emission *e, unsigned size)
{
    d->jumps[d->jump_count].at = (uint8_t)d->k->code_size;
    d->jumps[d->jump_count].size = (uint8_t)size;
    d->jumps[d->jump_count++].instruction = (uint8_t)e->number;
    emit(d, 0, size);
}

static void emit_immediate(struct draft *d, struct emission *e, const char *operand)
{
    unsigned z = e->data16 ? 2 : 4;
    const char *name = e->f->row->name;
    if (operand[0] == 'I') {
        bool level = strcmp(name, "ENTER") == 0;
        uint32_t v = random_immediate(d, e, name);
        if (level)
            v = PERCENT(90) ? BELOW(operand[1] == 'b' ? 5 : 64) : v;
        emit(d, v, operand[1] == 'w' ? 2 : operand[1] == 'b' || operand[1] == 's' ? 1 : z);
    } else if (operand[0] == 'J') {
        emit_jump(d, e, operand[1] == 'b' ? 1 : z);
    } else if (operand[0] == 'A') {
        emit_jump(d, e, z);
        static const uint16_t code[] = {ISA_FLAT_CODE, ISA_FLAT_CODE, ISA_FLAT_CODE, ISA_CODE_32,
                                        ISA_CODE_16,   ISA_EXECUTE_ONLY, ISA_FLAT_DATA, ISA_ABSENT};
        emit(d, PERCENT(90) ? code[BELOW(ARRAY_COUNT(code))] : isa_random_selector(&d->random), 2);
    } else if (operand[0] == 'O') {
        emit_moffs(d, e);
    }
}

/* --- values that particular instructions want ------------------------------------------------- */
static bool row_starts(const struct row *r, const char *code)
{
    return strncmp(r->code, code, strlen(code)) == 0;
}

static void patch_x87(struct draft *d, const struct emission *e)
{
    uint8_t b[ISA_PATCH_BYTES_MAX];
    unsigned digit = e->f->code.digit < 0 ? 0 : (unsigned)e->f->code.digit;
    unsigned size = 0;
    for (unsigned i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)isa_random(&d->random);
    uint32_t integer = isa_random_u32(&d->random);
    switch (e->f->code.opcode) {
    case 0xD8: isa_random_f32(&d->random, b); size = 4; break;
    case 0xD9:
        if (digit == 4 || digit == 5) { /* environment, control word: its low byte */
            struct isa_x87 x;
            isa_random_x87(&d->random, &x);
            memcpy(b, &x.control, 2);
            memcpy(b + (e->data16 ? 2 : 4), &x.status, 2);
            size = digit == 5 ? 2 : 28;
        } else {
            isa_random_f32(&d->random, b);
            size = 4;
        }
        break;
    case 0xDA: memcpy(b, &integer, 4); size = 4; break;
    case 0xDB:
        if (digit == 5)
            isa_random_f80(&d->random, b);
        else
            memcpy(b, &integer, 4);
        size = digit == 5 ? 10 : 4;
        break;
    case 0xDC: isa_random_f64(&d->random, b); size = 8; break;
    case 0xDD:
        if (digit == 4) {
            struct isa_x87 x;
            isa_random_x87(&d->random, &x);
            memcpy(b, &x.control, 2);
            memcpy(b + (e->data16 ? 2 : 4), &x.status, 2);
            size = 28;
        } else {
            isa_random_f64(&d->random, b);
            size = 8;
        }
        break;
    case 0xDE: memcpy(b, &integer, 2); size = 2; break;
    case 0xDF:
        if (digit == 4)
            isa_random_bcd(&d->random, b);
        else
            memcpy(b, &integer, digit == 5 ? 4 : 2);
        size = digit == 4 ? 10 : digit == 5 ? 8 : 2;
        break;
    default: return;
    }
    if (size)
        patch(d, e->linear, b, size);
}

/* The head of FXSAVE's image, for FXRSTOR; MXCSR alone. */
static void patch_state(struct draft *d, const struct emission *e)
{
    uint8_t b[ISA_PATCH_BYTES_MAX] = {0};
    struct isa_x87 x;
    uint32_t mxcsr = isa_random_mxcsr(&d->random);
    if (PERCENT(3))
        mxcsr |= 1u << (18 + BELOW(14));
    isa_random_x87(&d->random, &x);
    memcpy(b, &x.control, 2);
    memcpy(b + 2, &x.status, 2);
    b[4] = x.full;
    memcpy(b + 24, &mxcsr, 4);
    if (e->f->code.digit == 1)
        patch(d, e->linear, b, sizeof b);
    else
        patch(d, e->linear, &mxcsr, 4);
}

static void patch_vector(struct draft *d, const struct emission *e)
{
    uint8_t b[16];
    isa_random_vec(&d->random, b);
    patch(d, e->linear, b, sizeof b);
}

static void add_label(struct draft *d, const struct emission *e, bool is_register, unsigned reg,
                      int patch_number)
{
    if (!is_register && patch_number < 0)
        return;
    d->labels[d->label_count].is_register = is_register;
    d->labels[d->label_count].reg = (uint8_t)reg;
    d->labels[d->label_count].patch = (uint8_t)patch_number;
    d->labels[d->label_count].size = e->data16 ? 2 : 4;
    d->labels[d->label_count++].instruction = (uint8_t)e->number;
}

static uint16_t random_code_selector(struct draft *d)
{
    static const uint16_t code[] = {ISA_FLAT_CODE, ISA_FLAT_CODE,     ISA_FLAT_CODE, ISA_FLAT_CODE,
                                    ISA_FLAT_CODE, ISA_CODE_32,       ISA_CODE_16,   ISA_CODE_16,
                                    ISA_FLAT_DATA, ISA_ABSENT,        ISA_FLAT_CODE & ~3,
                                    ISA_FLAT_CODE & ~2, ISA_CODE_32 & ~3};
    return PERCENT(90) ? code[BELOW(ARRAY_COUNT(code))] : isa_random_selector(&d->random);
}

/* Far pointers in memory: offset, selector. */
static void patch_far_pointer(struct draft *d, const struct emission *e, bool to_code)
{
    uint8_t b[6];
    uint32_t offset = isa_random_u32(&d->random);
    uint16_t selector = to_code ? random_code_selector(d) : isa_random_selector(&d->random);
    memcpy(b, &offset, 4);
    memcpy(b + (e->data16 ? 2 : 4), &selector, 2);
    int n = patch(d, e->linear, b, e->data16 ? 4 : 6);
    if (to_code && PERCENT(90))
        add_label(d, e, false, 0, n);
}

/* The stack top, for what pops a return address, a selector or flags. */
static void patch_stack(struct draft *d, const struct emission *e)
{
    const struct row *r = e->f->row;
    uint8_t opcode = e->f->code.opcode;
    bool two = e->f->code.two;
    if (d->lost >> ESP & 1)
        return;
    uint32_t top = start_value(d, ESP) + base_of(d->k->start.selector[SS]);
    unsigned w = e->data16 ? 2 : 4;
    uint8_t b[12];
    for (unsigned i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)isa_random(&d->random);
    if (two ? (opcode & 0xC7) == 0x81 : r->attributes & A_BRANCH) {
        uint16_t selector = two ? isa_random_selector(&d->random) : random_code_selector(d);
        uint32_t flags = 0x202 | (PERCENT(10) ? (uint32_t)isa_random(&d->random) & 0x254FD7 : 0);
        memcpy(b + (two ? 0 : w), &selector, 2);
        if (!two && opcode == 0xCF)
            memcpy(b + 2 * w, &flags, w);
        int n = patch(d, top, b, two ? w : opcode == 0xCF ? 3 * w : 2 * w);
        if (!two && PERCENT(92))
            add_label(d, e, false, 0, n);
    } else if (opcode == 0x9D) {
        /* TF ends most sequences at once: rarely. */
        uint32_t flags = (uint32_t)isa_random(&d->random) & (PERCENT(10) ? UINT32_MAX : ~0x40100u);
        patch(d, top, &flags, w);
    } else if (opcode == 0x07 || opcode == 0x17 || opcode == 0x1F) {
        uint16_t selector = isa_random_selector(&d->random);
        patch(d, top, &selector, 2);
    }
}

static void patch_operand(struct draft *d, const struct emission *e)
{
    const struct form *f = e->f;
    uint16_t selector = isa_random_selector(&d->random);
    int8_t digit = f->code.digit;
    bool group_5 = !f->code.two && f->code.opcode == 0xFF;
    bool wants_selector = f->operand[0][0] == 'S' || f->operand[1][0] == 'S' ||
                          (f->code.two && f->code.opcode <= 3);
    if (!e->is_memory) {
        if (wants_selector)
            assign(d, e->rm, selector);
        else if (group_5 && (digit == 2 || digit == 4))
            add_label(d, e, true, e->rm, 0);
        return;
    }
    if (!e->known)
        return;
    if (wants_selector)
        patch(d, e->linear, &selector, 2);
    else if ((f->row->attributes & A_X87) != 0)
        patch_x87(d, e);
    else if (f->code.two && f->code.opcode == 0xAE)
        patch_state(d, e);
    else if (strchr("VW", f->operand[0][0]) && f->operands > 1)
        patch_vector(d, e);
    else if (f->operand[1][0] == 'M' && f->operand[1][1] == 'p')
        patch_far_pointer(d, e, false);
    else if (group_5 && (digit == 3 || digit == 5))
        patch_far_pointer(d, e, true);
    else if (group_5 && (digit == 2 || digit == 4)) {
        uint32_t any = isa_random_u32(&d->random);
        int n = patch(d, e->linear, &any, e->data16 ? 2 : 4);
        if (PERCENT(92))
            add_label(d, e, false, 0, n);
    } else if (PERCENT(40)) {
        uint32_t v = isa_random_u32(&d->random);
        patch(d, e->linear, &v, 4);
    }
}

/* Implied operands: string pointers, counts, the divisor's other half ... */
static void aim_implied(struct draft *d, const struct emission *e)
{
    const struct row *r = e->f->row;
    if (strstr(r->operands, "X") || strstr(r->operands, "Y") || row_starts(r, "D7")) {
        if (PERCENT(95))
            aim_register(d, ESI);
        if (PERCENT(95))
            aim_register(d, EDI);
        if (row_starts(r, "D7") && !(d->assigned >> EBX & 1))
            aim_register(d, EBX);
        if (PERCENT(90))
            assign(d, ECX, BELOW(24));
    }
    if (row_starts(r, "E0") || row_starts(r, "E1") || row_starts(r, "E2") || row_starts(r, "E3"))
        if (PERCENT(60))
            assign(d, ECX, BELOW(3) | (PERCENT(30) ? 0x10000 : 0));
    if (row_starts(r, "F7 /6") || row_starts(r, "F7 /7"))
        if (PERCENT(80))
            assign(d, EDX, BELOW(4) - 1);
    if (strstr(r->operands, "CL") && PERCENT(70))
        assign(d, ECX, (isa_random_u32(&d->random) & 0xFFFFFF00u) | BELOW(40));
    if (strncmp(r->name, "MASKMOV", 7) == 0)
        aim_register(d, EDI);
    if (strcmp(r->name, "LEAVE") == 0 || strcmp(r->name, "ENTER") == 0)
        aim_register(d, EBP);
    if (row_starts(r, "9D") || row_starts(r, "C3") || row_starts(r, "C2") || row_starts(r, "CA") ||
        row_starts(r, "CB") || row_starts(r, "CF") || row_starts(r, "07") || row_starts(r, "17") ||
        row_starts(r, "1F") || row_starts(r, "0F A1") || row_starts(r, "0F A9"))
        patch_stack(d, e);
}

/* --- one instruction -------------------------------------------------------------------------- */
static bool is_bit_scan(const struct row *r)
{
    return strcmp(r->name, "BSF") == 0 || strcmp(r->name, "BSR") == 0;
}

static void emit_prefixes(struct draft *d, struct emission *e)
{
    static const uint8_t override[6] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    const struct row *r = e->f->row;
    uint8_t list[8];
    unsigned n = 0;
    const struct row_code *code = &e->f->code;
    bool opsize = PERCENT(code->exact ? 2 : 25), addrsize = PERCENT(12);
    if (code->prefix)
        list[n++] = code->prefix;
    if (opsize && code->prefix != 0x66)
        list[n++] = 0x66;
    opsize |= code->prefix == 0x66;
    if (addrsize)
        list[n++] = 0x67;
    if (PERCENT(14)) {
        e->segment = (int)BELOW(6);
        list[n++] = override[e->segment];
    }
    if (PERCENT(r->attributes & A_LOCK ? 15 : 1))
        list[n++] = 0xF0;
    /* Newer processors give 0F opcodes with F2 or F3 other meanings (BSF's and BSR's are on the
     * list); where a prefix is part of the opcode, so does the modelled part. */
    bool repeats = !code->two || code->exact || is_bit_scan(r);
    if (repeats && PERCENT(r->attributes & (A_REP | A_REPZ) ? 60 : 1))
        list[n++] = PERCENT(50) ? 0xF3 : 0xF2;
    for (unsigned i = n; i > 1; i--) {
        unsigned other = BELOW(i);
        uint8_t swap = list[i - 1];
        list[i - 1] = list[other];
        list[other] = swap;
    }
    if (n && isa_below(&d->random, 1000) < 3) /* repeated until near, or over, the longest */
        for (unsigned i = BELOW(13); i > 0; i--)
            emit(d, list[0], 1);
    for (unsigned i = 0; i < n; i++)
        emit(d, list[i], 1);
    e->data16 = d->code16 != opsize;
    e->addr16 = d->code16 != addrsize;
}

static void emit_modrm(struct draft *d, struct emission *e)
{
    const struct form *f = e->f;
    if (f->code.shape == CODE_X87) {
        emit(d, f->code.modrm + BELOW(f->code.count), 1);
        return;
    }
    unsigned reg = f->code.digit >= 0 ? (unsigned)f->code.digit : BELOW(8);
    bool segment_operand = f->operand[0][0] == 'S' || f->operand[1][0] == 'S';
    if (segment_operand && PERCENT(85))
        reg = BELOW(6);
    bool memory = f->may_mem && (!f->may_reg || PERCENT(50));
    if (memory) {
        emit_memory(d, e, reg);
        return;
    }
    e->rm = (uint8_t)BELOW(8);
    emit(d, 0xC0u | reg << 3 | e->rm, 1);
}

/* Start registers that the instruction may change: later operands cannot rely on them. */
static void lose_results(struct draft *d, const struct emission *e, unsigned modrm_or_opcode)
{
    const struct form *f = e->f;
    bool bytes = f->operand[0][1] == 'b';
    unsigned low = modrm_or_opcode & 7, reg = modrm_or_opcode >> 3 & 7;
    uint8_t mask = f->row->sets;
    if (!(f->row->attributes & A_DEST_READ)) {
        if (f->operand[0][0] == 'Z' || (f->operand[0][0] == 'E' && !e->is_memory))
            mask |= (uint8_t)(1 << (bytes ? low & 3 : low));
        if (f->operand[0][0] == 'G')
            mask |= (uint8_t)(1 << (bytes ? reg & 3 : reg));
        if (f->operand[0][0] == 'e' || f->operand[0][0] == 'A')
            mask |= RM_EAX;
    }
    if (f->row->attributes & A_SECOND_WRITE)
        mask |= (uint8_t)(1 << reg | 1 << (reg & 3));
    d->lost |= mask;
}

void isa_emit(struct draft *d, const struct form *f, unsigned number)
{
    struct emission e = {.f = f, .number = number, .segment = -1};
    d->k->list[number].row = f->row;
    d->k->list[number].at = (uint8_t)d->k->code_size;
    emit_prefixes(d, &e);
    aim_implied(d, &e);
    if (f->code.two)
        emit(d, 0x0F, 1);
    unsigned variant = f->code.opcode;
    if (f->code.shape == CODE_PLUS_R)
        emit(d, variant += BELOW(8), 1);
    else
        emit(d, variant, 1);
    if (f->code.shape == CODE_MODRM || f->code.shape == CODE_X87) {
        unsigned at = d->k->code_size;
        emit_modrm(d, &e);
        variant = d->k->code[at];
    }
    for (unsigned i = 0; i < f->operands; i++)
        if (f->operand[i][1] >= 'a' && f->operand[i][1] <= 'z')
            emit_immediate(d, &e, f->operand[i]);
    if (f->code.shape == CODE_MODRM || f->code.shape == CODE_X87)
        patch_operand(d, &e);
    lose_results(d, &e, variant);
}
