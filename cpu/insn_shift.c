/* insn_shift: SHL SHR SAR ROL ROR RCL RCR, SHLD SHRD. [SDM2]
 *
 * Counts are taken modulo 32 by the processor. A count of zero changes no flag; it still reads and
 * writes a memory operand. What the manual leaves undefined: AF after a shift (kept), OF for counts
 * other than one (computed as for a count of one), CF when a byte or word is shifted by more than
 * its width (the bit that fell out last, as if the operand were continued with zeros or signs). */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

/* Each operation takes the operand a and a count already reduced to 1..31. */

static ALWAYS_INLINE uint32_t do_shl(struct cpu *c, uint32_t a, unsigned n, int w)
{
    uint64_t r = (uint64_t)a << n;
    bool cf = r >> (8 * w) & 1, msb = r >> (8 * w - 1) & 1;
    set_carries(c, cf, cf ^ msb, get_af(c));
    flags_result(c, (uint32_t)r, w);
    return (uint32_t)r;
}

static ALWAYS_INLINE uint32_t do_shr(struct cpu *c, uint32_t a, unsigned n, int w)
{
    uint32_t r = a >> n;
    set_carries(c, a >> (n - 1) & 1, (r << 1 ^ r) >> (8 * w - 1) & 1, get_af(c));
    flags_result(c, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_sar(struct cpu *c, uint32_t a, unsigned n, int w)
{
    int32_t s = (int32_t)sign_extend(a, w);
    uint32_t r = (uint32_t)(s >> n);
    set_carries(c, s >> (n - 1) & 1, false, get_af(c));
    flags_result(c, r, w);
    return r;
}

/* Rotates change CF and OF only. */
static ALWAYS_INLINE void flags_rotate(struct cpu *c, bool cf, bool of)
{
    set_carries(c, cf, of, get_af(c));
}

static ALWAYS_INLINE uint32_t do_rol(struct cpu *c, uint32_t a, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    n &= bits - 1;
    uint32_t r = n ? a << n | a >> (bits - n) : a;
    bool cf = r & 1;
    flags_rotate(c, cf, cf ^ (r >> (bits - 1) & 1));
    return r;
}

static ALWAYS_INLINE uint32_t do_ror(struct cpu *c, uint32_t a, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    n &= bits - 1;
    uint32_t r = n ? a >> n | a << (bits - n) : a;
    bool cf = r >> (bits - 1) & 1;
    flags_rotate(c, cf, cf ^ (r >> (bits - 2) & 1));
    return r;
}

/* Through the carry the operand has one bit more than its width: 9, 17 or 33 positions. */
static ALWAYS_INLINE uint32_t do_rcl(struct cpu *c, uint32_t a, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    n = w == 4 ? n : n % (bits + 1);
    if (n == 0)
        return a;
    uint64_t v = (uint64_t)get_cf(c) << bits | a;
    v = v << n | v >> (bits + 1 - n);
    bool cf = v >> bits & 1;
    flags_rotate(c, cf, cf ^ (v >> (bits - 1) & 1));
    return (uint32_t)v;
}

static ALWAYS_INLINE uint32_t do_rcr(struct cpu *c, uint32_t a, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    n = w == 4 ? n : n % (bits + 1);
    if (n == 0)
        return a;
    uint64_t v = (uint64_t)get_cf(c) << bits | a;
    v = v >> n | v << (bits + 1 - n);
    flags_rotate(c, v >> bits & 1, (v >> (bits - 1) ^ v >> (bits - 2)) & 1);
    return (uint32_t)v;
}

/* Each operation by one, by an immediate and by CL. */
#define SHIFT_BY(name, by, count)                                                                  \
    static ALWAYS_INLINE void name##_##by(struct cpu *c, const struct op *o, int w, bool mem)      \
    {                                                                                              \
        uint32_t a = e_modify(c, o, w, mem);                                                       \
        unsigned n = (count)&31;                                                                   \
        e_update(c, o, n ? do_##name(c, a, n, w) : a, w, mem);                                     \
    }                                                                                              \
    BODIES(name##_##by)
#define SHIFT(name)                                                                                \
    SHIFT_BY(name, 1, 1)                                                                           \
    SHIFT_BY(name, imm, o->imm)                                                                    \
    SHIFT_BY(name, cl, c->r[ECX])

SHIFT(shl)
SHIFT(shr)
SHIFT(sar)
SHIFT(rol)
SHIFT(ror)

/* Through the carry by more than one bit the processor loops: the model wants the count. */
static ALWAYS_INLINE uint32_t counted(struct cpu *c, uint32_t n)
{
    note(c, NOTE_COUNT, n & 31);
    return n;
}

SHIFT_BY(rcl, 1, 1)
SHIFT_BY(rcl, imm, counted(c, o->imm))
SHIFT_BY(rcl, cl, counted(c, c->r[ECX]))
SHIFT_BY(rcr, 1, 1)
SHIFT_BY(rcr, imm, counted(c, o->imm))
SHIFT_BY(rcr, cl, counted(c, c->r[ECX]))

/* --- double shifts -------------------------------------------------------------------------------
 *
 * A word shifted by more than 16 has an undefined result; the parts shift the 48 bits
 * destination:source:destination, which the definition for smaller counts is a part of. */

static ALWAYS_INLINE uint32_t do_shld(struct cpu *c, uint32_t a, uint32_t b, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    uint64_t v = w == 2 ? (uint64_t)a << 32 | b << 16 | a : (uint64_t)a << 32 | b;
    unsigned top = w == 2 ? 48 : 64;
    uint32_t r = (uint32_t)(v << n >> (top - bits)) & width_mask(w);
    bool cf = v >> (top - n) & 1, msb = r >> (bits - 1);
    set_carries(c, cf, cf ^ msb, get_af(c));
    flags_result(c, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_shrd(struct cpu *c, uint32_t a, uint32_t b, unsigned n, int w)
{
    unsigned bits = 8 * (unsigned)w;
    uint64_t v = w == 2 ? (uint64_t)a << 32 | b << 16 | a : (uint64_t)b << 32 | a;
    uint32_t r = (uint32_t)(v >> n) & width_mask(w);
    set_carries(c, v >> (n - 1) & 1, (r >> (bits - 1) ^ r >> (bits - 2)) & 1, get_af(c));
    flags_result(c, r, w);
    return r;
}

#define DOUBLE_BY(name, by, count)                                                                 \
    static ALWAYS_INLINE void name##_##by(struct cpu *c, const struct op *o, int w, bool mem)      \
    {                                                                                              \
        uint32_t a = e_modify(c, o, w, mem);                                                       \
        unsigned n = (count)&31;                                                                   \
        e_update(c, o, n ? do_##name(c, a, g_read(c, o, w), n, w) : a, w, mem);                    \
    }                                                                                              \
    BODIES_V(name##_##by)

DOUBLE_BY(shld, imm, o->imm)
DOUBLE_BY(shld, cl, c->r[ECX])
DOUBLE_BY(shrd, imm, o->imm)
DOUBLE_BY(shrd, cl, c->r[ECX])

#define F_ROTATE (F_CF | F_OF)
#define F_UNDEFINED (F_AF | F_OF)

/* READ: flags the operation itself reads. A count of zero keeps every flag, so the forms with a
 * variable count read what they write. T1, TI, TC: timing classes by one, by immediate, by CL. */
#define SHIFT_ROWS(n, digit, NAME, READ, WRITTEN, LOST1, LOST, T1, TI, TC)                         \
    {"D0 /" digit, NAME, "Eb,1", BFORM(n##_1), READ, WRITTEN, LOST1, 0, 0, 0, 0, T1},              \
    {"D1 /" digit, NAME, "Ev,1", VFORM(n##_1), READ, WRITTEN, LOST1, 0, 0, 0, 0, T1},              \
    {"C0 /" digit, NAME, "Eb,Ib", BFORM(n##_imm), READ, WRITTEN, LOST, 0, 0, 0, 0, TI},            \
    {"C1 /" digit, NAME, "Ev,Ib", VFORM(n##_imm), READ, WRITTEN, LOST, 0, 0, 0, 0, TI},            \
    {"D2 /" digit, NAME, "Eb,CL", BFORM(n##_cl), (READ) | (WRITTEN), WRITTEN, LOST, 0, 0, 0, 0,    \
     TC},                                                                                          \
    {"D3 /" digit, NAME, "Ev,CL", VFORM(n##_cl), (READ) | (WRITTEN), WRITTEN, LOST, 0, 0, 0, 0, TC}

#define SHIFT_T "shift_1", "shift_imm", "shift_cl"
#define ROTATE_T "rotate_1", "rotate_imm", "rotate_cl"
#define RCL_T "rotate_1", "rcl_imm", "rcl_cl"
/* The macro above expands its arguments once more, so that the three names count as three. */
#define SHIFT_ROWS_(...) SHIFT_ROWS(__VA_ARGS__)

static const struct row rows[] = {
    SHIFT_ROWS_(rol, "0", "ROL", 0, F_ROTATE, 0, F_OF, ROTATE_T),
    SHIFT_ROWS_(ror, "1", "ROR", 0, F_ROTATE, 0, F_OF, ROTATE_T),
    SHIFT_ROWS_(rcl, "2", "RCL", F_CF, F_ROTATE, 0, F_OF, RCL_T),
    SHIFT_ROWS_(rcr, "3", "RCR", F_CF, F_ROTATE, 0, F_OF, RCL_T),
    SHIFT_ROWS_(shl, "4", "SHL", 0, F_ARITH, F_AF, F_UNDEFINED, SHIFT_T),
    SHIFT_ROWS_(shr, "5", "SHR", 0, F_ARITH, F_AF, F_UNDEFINED, SHIFT_T),
    SHIFT_ROWS_(shl, "6", "SHL", 0, F_ARITH, F_AF, F_UNDEFINED, SHIFT_T), /* SAL, undocumented */
    SHIFT_ROWS_(sar, "7", "SAR", 0, F_ARITH, F_AF, F_UNDEFINED, SHIFT_T),

    {"0F A4 /r", "SHLD", "Ev,Gv,Ib", VFORM(shld_imm), 0, F_ARITH, F_UNDEFINED, 0, 0, 0, 0,
     "shld_imm"},
    {"0F A5 /r", "SHLD", "Ev,Gv,CL", VFORM(shld_cl), F_ARITH, F_ARITH, F_UNDEFINED, 0, 0, 0, 0,
     "shld_cl"},
    {"0F AC /r", "SHRD", "Ev,Gv,Ib", VFORM(shrd_imm), 0, F_ARITH, F_UNDEFINED, 0, 0, 0, 0,
     "shld_imm"},
    {"0F AD /r", "SHRD", "Ev,Gv,CL", VFORM(shrd_cl), F_ARITH, F_ARITH, F_UNDEFINED, 0, 0, 0, 0,
     "shld_cl"},
};

const struct row_family family_shift = {rows, ARRAY_COUNT(rows)};
