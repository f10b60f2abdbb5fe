#include "cpu/decode.h"

#include "cpu/rows.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 15

enum immediate { IMM_NONE, IMM_B, IMM_SB, IMM_W, IMM_Z, IMM_JB, IMM_JZ, IMM_FAR };

/* A row with what the decoder needs of its strings. */
struct form {
    const struct row *row;
    uint8_t immediate[2];
    bool modrm;
    bool plus_r;
    bool moffs;
    bool string;
    bool register_only; /* control and debug registers: the mod field is ignored */
    uint8_t fixed_rm; /* AL, eAX as E operand: register number */
};

/* Opcodes of one byte, and those behind 0F without and with the prefixes that are part of them. */
enum map { MAP_ONE, MAP_0F, MAP_0F_66, MAP_0F_F3, MAP_0F_F2, MAP_COUNT };

struct decoder {
    struct form *forms;
    unsigned form_count;
    const struct form *map[MAP_COUNT][256][2][8]; /* [opcode][register form][reg field] */
    const struct form *suffixed[256], *any_suffixed;
    const struct form *x87[8][64];        /* [opcode - D8][ModRM - C0] */
    struct row invalid, invalid_x87, too_long;
};

static enum map map_of(uint8_t prefix)
{
    return prefix == 0x66   ? MAP_0F_66
           : prefix == 0xF3 ? MAP_0F_F3
           : prefix == 0xF2 ? MAP_0F_F2
                            : MAP_0F;
}

static void body_invalid(struct cpu *c, const struct op *o)
{
    (void)o;
    cpu_raise(c, EXC_UD);
}

/* An undefined x87 encoding raises #NM where a defined one would [SDM3 22.18.6.6]. */
static void body_invalid_x87(struct cpu *c, const struct op *o)
{
    (void)o;
    cpu_raise(c, c->cr0 & (CR0_EM | CR0_TS) ? EXC_NM : EXC_UD);
}

static void body_general(struct cpu *c, const struct op *o)
{
    (void)o;
    cpu_raise_code(c, EXC_GP, 0);
}

/* --- building the tables ---------------------------------------------------------------------- */

static enum immediate immediate_of(const char *operand, size_t n)
{
    if (n != 2)
        return IMM_NONE;
    switch (operand[0]) {
    case 'I':
        return operand[1] == 's'   ? IMM_SB
               : operand[1] == 'w' ? IMM_W
               : operand[1] == 'b' ? IMM_B
                                   : IMM_Z;
    case 'J':
        return operand[1] == 'b' ? IMM_JB : IMM_JZ;
    case 'A':
        return operand[1] == 'p' ? IMM_FAR : IMM_NONE;
    default:
        return IMM_NONE;
    }
}

static void parse_operands(struct form *f, const char *text)
{
    unsigned immediates = 0;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        enum immediate k = immediate_of(p, n);
        bool letter_pair = n == 2 && p[1] >= 'a' && p[1] <= 'z';
        if (letter_pair && k != IMM_NONE) {
            CHECK(immediates < 2);
            f->immediate[immediates++] = (uint8_t)k;
        }
        if (letter_pair && p[0] == 'R')
            f->register_only = true;
        if (letter_pair && p[0] == 'O')
            f->moffs = true;
        if (letter_pair && p[0] == 'Z') /* also in single opcodes of a +r group (91-97) */
            f->plus_r = true;
        if (letter_pair && (p[0] == 'X' || p[0] == 'Y'))
            f->string = true;
        p += n;
        p += *p == ',';
    }
}

static void set(const struct form **slot, const struct form *f)
{
    CHECK(*slot == NULL); /* two rows may not share an encoding */
    *slot = f;
}

static void fill_forms(struct decoder *d, const struct form *f, enum map map, unsigned opcode,
                       unsigned reg)
{
    if (f->row->body[1] || f->row->body[3] || !f->modrm)
        set(&d->map[map][opcode][0][reg], f);
    if (f->row->body[0] || f->row->body[2] || !f->modrm)
        set(&d->map[map][opcode][1][reg], f);
}

static void fill_map(struct decoder *d, const struct form *f, enum map map,
                     const struct row_code *code)
{
    unsigned variants = code->shape == CODE_PLUS_R ? 8 : 1;
    for (unsigned r = 0; r < variants; r++)
        for (unsigned i = 0; i < 8; i++)
            if (code->digit < 0 || i == (unsigned)code->digit)
                fill_forms(d, f, map, code->opcode + r, i);
}

/* 3DNow!: the maps lead to the first of the rows, from whose imm the decoder finds the right
 * one. */
static void place_suffixed(struct decoder *d, struct form *f, const struct row_code *code)
{
    f->immediate[0] = IMM_B;
    set(&d->suffixed[code->suffix], f);
    if (d->any_suffixed)
        return;
    for (enum map map = MAP_0F; map < MAP_COUNT; map++)
        fill_map(d, f, map, code);
    d->any_suffixed = f;
}

static void place_form(struct decoder *d, struct form *f)
{
    const struct row_code code = row_code_parse(f->row->code);
    bool x87 = !code.two && code.opcode >= 0xD8 && code.opcode <= 0xDF;
    f->modrm = x87 || code.shape == CODE_MODRM;
    f->plus_r |= code.shape == CODE_PLUS_R;
    if (code.suffix >= 0) {
        place_suffixed(d, f, &code);
    } else if (code.shape == CODE_X87) {
        CHECK(x87);
        for (unsigned i = 0; i < code.count; i++)
            set(&d->x87[code.opcode - 0xD8][code.modrm - 0xC0 + i], f);
    } else if (x87) { /* the memory forms */
        set(&d->map[MAP_ONE][code.opcode][0][code.digit], f);
    } else if (code.exact) {
        fill_map(d, f, map_of(code.prefix), &code);
    } else {
        enum map first = code.two ? MAP_0F : MAP_ONE, last = code.two ? MAP_0F_F2 : MAP_ONE;
        for (enum map map = first; map <= last; map++)
            fill_map(d, f, map, &code);
    }
}

struct decoder *decoder_new(const struct identity *identity)
{
    struct decoder *d = xalloc(1, sizeof *d);
    for (unsigned i = 0; families[i]; i++)
        d->form_count += families[i]->count;
    d->forms = xalloc(d->form_count, sizeof *d->forms);
    struct form *f = d->forms;
    for (unsigned i = 0; families[i]; i++) {
        for (unsigned k = 0; k < families[i]->count; k++) {
            f->row = &families[i]->rows[k];
            parse_operands(f, f->row->operands);
            uint8_t feature = f->row->feature;
            if (feature == FEATURE_BASE || (identity->features >> feature & 1))
                place_form(d, f);
            f++;
        }
    }
    d->invalid = (struct row){.code = "", .name = "(bad)", .operands = "", .timing = "ud",
                              .body = ANYFORM(body_invalid), .attributes = A_END};
    d->invalid_x87 = d->invalid;
    for (unsigned i = 0; i < 4; i++)
        d->invalid_x87.body[i] = body_invalid_x87;
    d->too_long = (struct row){.code = "", .name = "(too long)", .operands = "", .timing = "ud",
                               .body = ANYFORM(body_general), .attributes = A_END};
    return d;
}

void decoder_free(struct decoder *d)
{
    if (d)
        free(d->forms);
    free(d);
}

/* --- decoding --------------------------------------------------------------------------------- */

struct cursor {
    const uint8_t *bytes;
    unsigned available;
    unsigned at;
    bool short_of_bytes;
};

static uint32_t take(struct cursor *s, unsigned n)
{
    uint32_t v = 0;
    if (s->at + n > s->available) {
        s->short_of_bytes = true;
        s->at += n;
        return 0;
    }
    memcpy(&v, s->bytes + s->at, n);
    s->at += n;
    return v;
}

/* 16-bit addressing: ModRM r/m 0..7. */
static const uint8_t base16[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
static const uint8_t index16[8] = {ESI, EDI, ESI, EDI, REG_ZERO, REG_ZERO, REG_ZERO, REG_ZERO};

static void address_16(struct cursor *s, struct op *o, unsigned mod, unsigned rm)
{
    o->base = base16[rm];
    o->index = index16[rm];
    if (mod == 0 && rm == 6) {
        o->base = REG_ZERO;
        o->disp = take(s, 2);
        o->flags |= OP_DISP;
    } else if (mod == 1) {
        o->disp = (uint32_t)(int32_t)(int8_t)take(s, 1);
        o->flags |= OP_DISP;
    } else if (mod == 2) {
        o->disp = take(s, 2);
        o->flags |= OP_DISP;
    }
}

static void address_32(struct cursor *s, struct op *o, unsigned mod, unsigned rm)
{
    o->base = (uint8_t)rm;
    if (rm == 4) {
        uint32_t sib = take(s, 1);
        o->base = sib & 7;
        o->index = (sib >> 3 & 7) == 4 ? REG_ZERO : (uint8_t)(sib >> 3 & 7);
        o->scale = (uint8_t)(sib >> 6);
    }
    if (mod == 0 && o->base == EBP) {
        o->base = REG_ZERO;
        o->disp = take(s, 4);
        o->flags |= OP_DISP;
    } else if (mod == 1) {
        o->disp = (uint32_t)(int32_t)(int8_t)take(s, 1);
        o->flags |= OP_DISP;
    } else if (mod == 2) {
        o->disp = take(s, 4);
        o->flags |= OP_DISP;
    }
}

static void modrm(struct cursor *s, struct op *o, unsigned byte)
{
    o->reg = byte >> 3 & 7;
    o->rm = byte & 7;
    if (byte >> 6 == 3)
        return;
    o->flags |= OP_MEM;
    if (o->flags & OP_ADDR16)
        address_16(s, o, byte >> 6, byte & 7);
    else
        address_32(s, o, byte >> 6, byte & 7);
    if (!(o->flags & OP_SEGMENT) && (o->base == EBP || o->base == ESP))
        o->seg = SS;
}

static void immediate(struct cursor *s, struct op *o, const struct form *f)
{
    unsigned z = o->flags & OP_DATA16 ? 2 : 4;
    for (unsigned i = 0; i < 2 && f->immediate[i] != IMM_NONE; i++) {
        uint32_t v = 0;
        switch ((enum immediate)f->immediate[i]) {
        case IMM_B: v = take(s, 1); break;
        case IMM_SB:
        case IMM_JB: v = (uint32_t)(int32_t)(int8_t)take(s, 1); break;
        case IMM_W: v = take(s, 2); break;
        case IMM_Z: v = take(s, z); break;
        case IMM_JZ:
            v = take(s, z);
            v = z == 2 ? (uint32_t)(int32_t)(int16_t)v : v;
            break;
        case IMM_FAR:
            v = take(s, z);
            o->imm2 = (uint16_t)take(s, 2);
            break;
        case IMM_NONE: break;
        }
        if (f->immediate[i] != IMM_JB && f->immediate[i] != IMM_JZ)
            o->flags |= OP_IMM;
        if (i == 0)
            o->imm = v;
        else
            o->imm2 = (uint16_t)v;
    }
}

/* Consumes prefixes; returns the opcode byte. */
static unsigned prefixes(struct cursor *s, struct op *o)
{
    for (;;) {
        unsigned b = take(s, 1);
        if (s->short_of_bytes)
            return 0x90;
        switch (b) {
        case 0x26: o->seg = ES; o->flags |= OP_SEGMENT; break;
        case 0x2E: o->seg = CS; o->flags |= OP_SEGMENT; break;
        case 0x36: o->seg = SS; o->flags |= OP_SEGMENT; break;
        case 0x3E: o->seg = DS; o->flags |= OP_SEGMENT; break;
        case 0x64: o->seg = FS; o->flags |= OP_SEGMENT; break;
        case 0x65: o->seg = GS; o->flags |= OP_SEGMENT; break;
        case 0x66: o->flags |= OP_OPSIZE; break;
        case 0x67: o->flags |= OP_ADDRSIZE; break;
        case 0xF0: o->flags |= OP_LOCK; break;
        case 0xF2: o->flags = (uint16_t)((o->flags & ~OP_REPE) | OP_REPNE); break;
        case 0xF3: o->flags = (uint16_t)((o->flags & ~OP_REPNE) | OP_REPE); break;
        default: return b;
        }
        o->prefixes++;
        if (s->at > LENGTH_MAX)
            return 0x90;
    }
}

/* Why the row's instruction may not run as encoded: NULL, or the body that raises. */
static body_fn refused(const struct row *r, const struct op *o, uint32_t mode)
{
    bool real = !(mode & MODE_PROTECTED);
    if ((r->attributes & A_NO_REAL) && real)
        return body_invalid;
    if ((o->flags & OP_LOCK) && !((r->attributes & A_LOCK) && (o->flags & OP_MEM)))
        return body_invalid;
    bool privileged = (mode >> MODE_CPL_SHIFT & 3) == 0;
    if ((r->attributes & A_CPL0) && !privileged)
        return body_general;
    return NULL;
}

/* Whether the opcode's rows have a ModRM byte (all of them, or none, whatever the prefix). */
static bool has_modrm(const struct decoder *d, bool two, unsigned opcode)
{
    enum map last = two ? MAP_0F_F2 : MAP_ONE;
    for (enum map map = two ? MAP_0F : MAP_ONE; map <= last; map++)
        for (unsigned i = 0; i < 16; i++) {
            const struct form *f = d->map[map][opcode][i >> 3][i & 7];
            if (f)
                return f->modrm;
        }
    return false;
}

static enum map map_for(const struct op *o)
{
    return !(o->flags & OP_0F)      ? MAP_ONE
           : o->flags & OP_REPE     ? MAP_0F_F3
           : o->flags & OP_REPNE    ? MAP_0F_F2
           : o->flags & OP_OPSIZE   ? MAP_0F_66
                                    : MAP_0F;
}

static const struct form *find(const struct decoder *d, struct cursor *s, struct op *o,
                               bool *x87)
{
    unsigned opcode = prefixes(s, o);
    bool two = opcode == 0x0F;
    if (two) {
        opcode = take(s, 1);
        o->flags |= OP_0F;
    }
    unsigned m = s->at < s->available ? s->bytes[s->at] : 0;
    if (s->at >= LENGTH_MAX && has_modrm(d, two, opcode))
        s->at++; /* over-long, whatever the ModRM byte says */
    else if (s->at >= s->available && has_modrm(d, two, opcode))
        s->short_of_bytes = true; /* which row it is cannot be known yet */
    o->rm = opcode & 7; /* +r forms; ModRM overwrites it */
    *x87 = !two && opcode >= 0xD8 && opcode <= 0xDF;
    if (*x87)
        o->imm2 = (uint16_t)((opcode & 7) << 8 | m);
    if (*x87 && m >= 0xC0)
        return d->x87[opcode - 0xD8][m - 0xC0];
    const struct form *f = d->map[map_for(o)][opcode][m >= 0xC0][m >> 3 & 7];
    if (!f && !*x87 && has_modrm(d, two, opcode))
        s->at++; /* the ModRM byte made it invalid: it is part of what was decoded */
    return f;
}

unsigned decode(const struct decoder *d, uint32_t mode, uint32_t eip, const uint8_t *bytes,
                unsigned available, struct op *o)
{
    struct cursor s = {.bytes = bytes, .available = available};
    *o = (struct op){.eip = eip, .base = REG_ZERO, .index = REG_ZERO, .seg = DS};
    bool x87;
    const struct form *f = find(d, &s, o, &x87);
    bool big = mode & MODE_32;
    bool data32 = big != !!(o->flags & OP_OPSIZE), addr32 = big != !!(o->flags & OP_ADDRSIZE);
    o->flags |= (uint16_t)((data32 ? 0 : OP_DATA16) | (addr32 ? 0 : OP_ADDR16));
    o->amask = addr32 ? 0xFFFFFFFFu : 0xFFFFu;
    if (x87 || (f && f->modrm))
        modrm(&s, o, take(&s, 1) | (f && f->register_only ? 0xC0 : 0));
    if (f && !f->modrm && !f->plus_r)
        o->rm = EAX;
    if (f && f->moffs) {
        o->disp = take(&s, addr32 ? 4 : 2);
        o->flags |= OP_MEM | OP_DISP;
    }
    if (f)
        immediate(&s, o, f);
    if (UNLIKELY(f && f == d->any_suffixed))
        f = d->suffixed[o->imm];
    o->row = f ? f->row : x87 ? &d->invalid_x87 : &d->invalid;
    if (s.at > LENGTH_MAX) {
        o->row = &d->too_long;
        s.at = LENGTH_MAX;
        s.short_of_bytes = available < LENGTH_MAX;
    }
    if (s.short_of_bytes)
        return 0;
    o->length = (uint8_t)s.at;
    o->next_eip = eip + s.at;
    if (!data32 && !big && o->next_eip > 0xFFFF && !(mode & MODE_PROTECTED))
        o->next_eip &= 0xFFFF;
    body_fn body = o->row == &d->too_long ? body_general : refused(o->row, o, mode);
    if (!body)
        body = o->row->body[(data32 ? 2 : 0) + (o->flags & OP_MEM ? 1 : 0)];
    o->body = body ? body : body_invalid;
    return s.at;
}

const struct row *decoder_row(const struct decoder *d, bool two_byte, uint8_t opcode, uint8_t m)
{
    const struct form *f = !two_byte && opcode >= 0xD8 && opcode <= 0xDF && m >= 0xC0
                               ? d->x87[opcode - 0xD8][m - 0xC0]
                               : d->map[two_byte ? MAP_0F : MAP_ONE][opcode][m >= 0xC0][m >> 3 & 7];
    return f ? f->row : NULL;
}
