/* insn_3dnow: pairs of singles in MMX registers, AMD's 3DNow! and its extensions. [3DNOW] [APM5]
 *
 * The format is IEEE's without denormals, infinities and NaNs: a result too small is zero, one too
 * large the largest number; rounding is to nearest; nothing is reported. What an operand with an
 * exponent of all ones gives is undefined: here, IEEE's result without infinities. */
#include "cpu/rows.h"
#include "cpu/sse.h"
#include "cpu/vector.h"

#define HALF_WIDE UINT64_C(0x3FE0000000000000)
#define ONE_WIDE UINT64_C(0x3FF0000000000000)
#define INFINITE 0x7F800000u

static const struct sse_env now = {
    .mxcsr = SSE_FZ | SSE_DAZ | SSE_EXCEPTIONS << SSE_MASK_SHIFT};

static uint32_t saturate(uint64_t v)
{
    return (uint32_t)v - ((v & 0x7FFFFFFF) == INFINITE);
}

/* --- lanes ------------------------------------------------------------------------------------ */

#define BINARY(name, expression)                                                                   \
    static ALWAYS_INLINE union vec do_##name(union vec x, union vec y, unsigned n)                 \
    {                                                                                              \
        (void)n;                                                                                   \
        struct sse_env e = now;                                                                    \
        (void)e;                                                                                   \
        for (unsigned i = 0; i < 2; i++) {                                                         \
            const uint32_t a = x.d[i], b = y.d[i];                                                 \
            x.d[i] = expression;                                                                   \
        }                                                                                          \
        return x;                                                                                  \
    }                                                                                              \
    static void name(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_##name, 8); }

#define COMPARED(a, b) sse_compare(a, b, true, false, &e)

BINARY(pfadd, saturate(sse_add(a, b, false, &e)))
BINARY(pfsub, saturate(sse_sub(a, b, false, &e)))
BINARY(pfsubr, saturate(sse_sub(b, a, false, &e)))
BINARY(pfmul, saturate(sse_mul(a, b, false, &e)))
BINARY(pfcmpeq, COMPARED(a, b) == SSE_EQUAL ? UINT32_MAX : 0)
BINARY(pfcmpgt, COMPARED(a, b) == SSE_GREATER ? UINT32_MAX : 0)
BINARY(pfcmpge, COMPARED(a, b) == SSE_GREATER || COMPARED(a, b) == SSE_EQUAL ? UINT32_MAX : 0)
BINARY(pfmax, (uint32_t)sse_max(a, b, false, &e))
BINARY(pfmin, (uint32_t)sse_min(a, b, false, &e))

/* To integers: toward zero, to the nearest end of the range. */
static uint32_t to_int(uint32_t v, int32_t least, int32_t most)
{
    struct sse_env e = {now.mxcsr | SSE_RC_ZERO, 0};
    int32_t i = (int32_t)sse_to_int(v, false, &e);
    if (e.flags & SSE_IE)
        i = v >> 31 ? INT32_MIN : INT32_MAX;
    return (uint32_t)(i < least ? least : i > most ? most : i);
}

BINARY(pf2id, ((void)a, to_int(b, INT32_MIN, INT32_MAX)))
BINARY(pf2iw, ((void)a, to_int(b, INT16_MIN, INT16_MAX)))
BINARY(pi2fd, ((void)a, (uint32_t)sse_from_int((int32_t)b, false, &e)))
BINARY(pi2fw, ((void)a, (uint32_t)sse_from_int((int16_t)b, false, &e)))

/* --- across a register ------------------------------------------------------------------------ */

#define PAIR(name, low, high)                                                                      \
    static ALWAYS_INLINE union vec do_##name(union vec a, union vec b, unsigned n)                 \
    {                                                                                              \
        (void)n;                                                                                   \
        struct sse_env e = now;                                                                    \
        return (union vec){.d = {saturate(low(a.d[0], a.d[1], false, &e)),                         \
                                 saturate(high(b.d[0], b.d[1], false, &e))}};                      \
    }                                                                                              \
    static void name(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_##name, 8); }

PAIR(pfacc, sse_add, sse_add)
PAIR(pfnacc, sse_sub, sse_sub)
PAIR(pfpnacc, sse_sub, sse_add)

static ALWAYS_INLINE union vec do_pswapd(union vec a, union vec b, unsigned n)
{
    (void)a;
    (void)n;
    return (union vec){.d = {b.d[1], b.d[0]}};
}

static void pswapd(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_pswapd, 8); }

/* --- reciprocals ---------------------------------------------------------------------------------
 *
 * Programs compute them in steps: PFRCP gives x = 1/b to 14 bits, PFRCPIT1 a correction from b and
 * x, PFRCPIT2 the corrected x; likewise PFRSQRT to 15 bits, PFMUL of x with itself, PFRSQIT1,
 * PFRCPIT2. The correction's form is undocumented: here it is what x is multiplied with, less one,
 * so that the end differs from the true value by less than one unit of the last place [3DNOW]. */

enum { RECIPROCAL_BITS = 14, ROOT_BITS = 15 };

/* Of the low single of the source, into both. */
static ALWAYS_INLINE void approximate(struct cpu *c, const struct op *o, bool root)
{
    if (!mmx_begin(c))
        return;
    uint32_t b = (uint32_t)q_read(c, o, 8), sign = b & 0x80000000u;
    uint32_t r = root ? sign | sse_reciprocal_root(b & 0x7FFFFFFF, ROOT_BITS)
                      : sse_reciprocal(b, RECIPROCAL_BITS);
    mmx_write(c, o->reg, saturate(r) * UINT64_C(0x100000001));
}

static void pfrcp(struct cpu *c, const struct op *o) { approximate(c, o, false); }
static void pfrsqrt(struct cpu *c, const struct op *o) { approximate(c, o, true); }

/* scale * (1 - a * b): the product of two singles is exact in a double. */
static uint32_t correction(uint32_t a, uint32_t b, uint64_t scale)
{
    struct sse_env e = now;
    uint64_t product = sse_mul(sse_widen(a, &e), sse_widen(b, &e), true, &e);
    uint64_t rest = sse_mul(sse_sub(ONE_WIDE, product, true, &e), scale, true, &e);
    return saturate(sse_narrow(rest, &e));
}

static uint32_t corrected(uint32_t by, uint32_t x)
{
    struct sse_env e = now;
    uint64_t factor = sse_add(ONE_WIDE, sse_widen(by, &e), true, &e);
    return saturate(sse_narrow(sse_mul(factor, sse_widen(x, &e), true, &e), &e));
}

BINARY(pfrcpit1, correction(a, b, ONE_WIDE))
BINARY(pfrsqit1, correction(a, b, HALF_WIDE))
BINARY(pfrcpit2, corrected(a, b))

/* --- integers --------------------------------------------------------------------------------- */

static ALWAYS_INLINE union vec do_pavgusb(union vec a, union vec b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        a.b[i] = (uint8_t)((a.b[i] + b.b[i] + 1) >> 1);
    return a;
}

static ALWAYS_INLINE union vec do_pmulhrw(union vec a, union vec b, unsigned n)
{
    for (unsigned i = 0; i < n / 2; i++)
        a.sw[i] = (int16_t)((a.sw[i] * b.sw[i] + 0x8000) >> 16);
    return a;
}

static void pavgusb(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_pavgusb, 8); }
static void pmulhrw(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_pmulhrw, 8); }

/* --- rows ------------------------------------------------------------------------------------- */

#define ROW(suffix, name, body, attributes, feature, timing)                                       \
    {"0F 0F /r " suffix, name, "Pq,Qq", ANYFORM(body), 0, 0, 0, attributes, feature, 0, 0, timing}
#define W A_DEST_WRITE

static const struct row rows[] = {
    ROW("0C", "PI2FW", pi2fw, W, FEATURE_3DNOW_EXT, "pf2id"),
    ROW("0D", "PI2FD", pi2fd, W, FEATURE_3DNOW, "pf2id"),
    ROW("1C", "PF2IW", pf2iw, W, FEATURE_3DNOW_EXT, "pf2id"),
    ROW("1D", "PF2ID", pf2id, W, FEATURE_3DNOW, "pf2id"),
    ROW("8A", "PFNACC", pfnacc, 0, FEATURE_3DNOW_EXT, "pfadd"),
    ROW("8E", "PFPNACC", pfpnacc, 0, FEATURE_3DNOW_EXT, "pfadd"),
    ROW("90", "PFCMPGE", pfcmpge, 0, FEATURE_3DNOW, "pfmax"),
    ROW("94", "PFMIN", pfmin, 0, FEATURE_3DNOW, "pfmax"),
    ROW("96", "PFRCP", pfrcp, W, FEATURE_3DNOW, "pfrcp"),
    ROW("97", "PFRSQRT", pfrsqrt, W, FEATURE_3DNOW, "pfrcp"),
    ROW("9A", "PFSUB", pfsub, 0, FEATURE_3DNOW, "pfadd"),
    ROW("9E", "PFADD", pfadd, 0, FEATURE_3DNOW, "pfadd"),
    ROW("A0", "PFCMPGT", pfcmpgt, 0, FEATURE_3DNOW, "pfmax"),
    ROW("A4", "PFMAX", pfmax, 0, FEATURE_3DNOW, "pfmax"),
    ROW("A6", "PFRCPIT1", pfrcpit1, 0, FEATURE_3DNOW, "pfmul"),
    ROW("A7", "PFRSQIT1", pfrsqit1, 0, FEATURE_3DNOW, "pfmul"),
    ROW("AA", "PFSUBR", pfsubr, 0, FEATURE_3DNOW, "pfadd"),
    ROW("AE", "PFACC", pfacc, 0, FEATURE_3DNOW, "pfadd"),
    ROW("B0", "PFCMPEQ", pfcmpeq, 0, FEATURE_3DNOW, "pfmax"),
    ROW("B4", "PFMUL", pfmul, 0, FEATURE_3DNOW, "pfmul"),
    ROW("B6", "PFRCPIT2", pfrcpit2, 0, FEATURE_3DNOW, "pfmul"),
    ROW("B7", "PMULHRW", pmulhrw, 0, FEATURE_3DNOW, "mmx_mul"),
    ROW("BB", "PSWAPD", pswapd, W, FEATURE_3DNOW_EXT, "mmx_alu"),
    ROW("BF", "PAVGUSB", pavgusb, 0, FEATURE_3DNOW, "mmx_alu"),
};

const struct row_family family_3dnow = {rows, ARRAY_COUNT(rows)};
