/* sse_arith: addition, multiplication, division, square root, comparison of singles and doubles.
 * [SDM1 11.5.2] [SDM2] */
#include "cpu/sse_round.h"

/* --- NaNs ------------------------------------------------------------------------------------- */

static uint64_t invalid(bool wide, struct sse_env *e)
{
    e->flags |= SSE_IE;
    return sse_indefinite(wide);
}

/* One of two operands is a NaN: the first that is, quiet. */
static uint64_t nan_result(const struct sse_number *a, const struct sse_number *b, bool wide,
                           struct sse_env *e)
{
    if (a->class == SSE_SIGNALLING || b->class == SSE_SIGNALLING)
        e->flags |= SSE_IE;
    return (a->class >= SSE_QUIET ? a->bits : b->bits) | sse_quiet_bit(wide);
}

static bool any_nan(const struct sse_number *a, const struct sse_number *b)
{
    return a->class >= SSE_QUIET || b->class >= SSE_QUIET;
}

static void note_denormals(const struct sse_number *a, const struct sse_number *b,
                           struct sse_env *e)
{
    if (a->denormal || b->denormal)
        e->flags |= SSE_DE;
}

/* --- addition --------------------------------------------------------------------------------- */

static uint64_t add_numbers(struct sse_number a, struct sse_number b, bool wide, struct sse_env *e)
{
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        struct sse_number t = a;
        a = b;
        b = t;
    }
    u128 big = (u128)a.mantissa << 63;
    u128 small = x87_shift_sticky((u128)b.mantissa << 63, (unsigned)(a.exponent - b.exponent));
    if (a.sign == b.sign)
        return sse_normalise(a.sign, a.exponent + 1, big + small, wide, e);
    if (big == small)
        return sse_zero(sse_rounds_down(e), wide);
    return sse_normalise(a.sign, a.exponent + 1, big - small, wide, e);
}

static uint64_t add(uint64_t x, uint64_t y, bool subtract, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e), b = sse_unpack(y, wide, e);
    if (any_nan(&a, &b))
        return nan_result(&a, &b, wide, e);
    b.sign ^= subtract;
    if (a.class == SSE_INFINITE && b.class == SSE_INFINITE && a.sign != b.sign)
        return invalid(wide, e);
    note_denormals(&a, &b, e);
    if (a.class == SSE_INFINITE || b.class == SSE_INFINITE)
        return sse_infinity(a.class == SSE_INFINITE ? a.sign : b.sign, wide);
    if (a.class == SSE_ZERO && b.class == SSE_ZERO)
        return sse_zero(a.sign == b.sign ? a.sign : sse_rounds_down(e), wide);
    if (b.class == SSE_ZERO)
        return sse_round(a.sign, a.exponent, (u128)a.mantissa << 64, wide, e);
    if (a.class == SSE_ZERO)
        return sse_round(b.sign, b.exponent, (u128)b.mantissa << 64, wide, e);
    return add_numbers(a, b, wide, e);
}

uint64_t sse_add(uint64_t a, uint64_t b, bool wide, struct sse_env *e)
{
    return add(a, b, false, wide, e);
}

uint64_t sse_sub(uint64_t a, uint64_t b, bool wide, struct sse_env *e)
{
    return add(a, b, true, wide, e);
}

/* --- multiplication and division -------------------------------------------------------------- */

uint64_t sse_mul(uint64_t x, uint64_t y, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e), b = sse_unpack(y, wide, e);
    if (any_nan(&a, &b))
        return nan_result(&a, &b, wide, e);
    bool sign = a.sign ^ b.sign, zero = a.class == SSE_ZERO || b.class == SSE_ZERO;
    bool infinite = a.class == SSE_INFINITE || b.class == SSE_INFINITE;
    if (infinite && zero)
        return invalid(wide, e);
    note_denormals(&a, &b, e);
    if (infinite)
        return sse_infinity(sign, wide);
    if (zero)
        return sse_zero(sign, wide);
    int32_t exponent = a.exponent + b.exponent - sse_bias(wide) + 1;
    return sse_normalise(sign, exponent, (u128)a.mantissa * b.mantissa, wide, e);
}

uint64_t sse_div(uint64_t x, uint64_t y, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e), b = sse_unpack(y, wide, e);
    if (any_nan(&a, &b))
        return nan_result(&a, &b, wide, e);
    bool sign = a.sign ^ b.sign;
    if (a.class == b.class && (a.class == SSE_ZERO || a.class == SSE_INFINITE))
        return invalid(wide, e);
    if (b.class == SSE_ZERO && a.class != SSE_INFINITE) {
        e->flags |= SSE_ZE;
        return sse_infinity(sign, wide);
    }
    note_denormals(&a, &b, e);
    if (a.class == SSE_INFINITE)
        return sse_infinity(sign, wide);
    if (a.class == SSE_ZERO || b.class == SSE_INFINITE)
        return sse_zero(sign, wide);
    bool smaller = a.mantissa < b.mantissa;
    u128 dividend = (u128)a.mantissa << (63 + smaller);
    u128 quotient = dividend / b.mantissa << 64 | (dividend % b.mantissa != 0);
    return sse_round(sign, a.exponent - b.exponent + sse_bias(wide) - smaller, quotient, wide, e);
}

uint64_t sse_sqrt(uint64_t x, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e);
    if (a.class >= SSE_QUIET)
        return nan_result(&a, &a, wide, e);
    if (a.class == SSE_ZERO)
        return sse_zero(a.sign, wide);
    if (a.sign)
        return invalid(wide, e);
    note_denormals(&a, &a, e);
    if (a.class == SSE_INFINITE)
        return sse_infinity(false, wide);
    int32_t power = a.exponent - sse_bias(wide);
    bool odd = power & 1;
    u128 rest;
    u128 root = x87_integer_root((u128)a.mantissa << (63 + odd), &rest);
    return sse_round(false, (power - odd) / 2 + sse_bias(wide), root << 64 | (rest != 0), wide, e);
}

/* --- comparison ------------------------------------------------------------------------------- */

static enum sse_relation relation(const struct sse_number *a, const struct sse_number *b)
{
    if (a->class == SSE_ZERO && b->class == SSE_ZERO)
        return SSE_EQUAL;
    if (a->sign != b->sign)
        return a->sign ? SSE_LESS : SSE_GREATER;
    if (a->exponent == b->exponent && a->mantissa == b->mantissa)
        return SSE_EQUAL;
    bool smaller = a->exponent != b->exponent ? a->exponent < b->exponent
                                              : a->mantissa < b->mantissa;
    return smaller != a->sign ? SSE_LESS : SSE_GREATER;
}

enum sse_relation sse_compare(uint64_t x, uint64_t y, bool quiet, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e), b = sse_unpack(y, wide, e);
    if (any_nan(&a, &b)) {
        if (!quiet || a.class == SSE_SIGNALLING || b.class == SSE_SIGNALLING)
            e->flags |= SSE_IE;
        return SSE_UNORDERED;
    }
    note_denormals(&a, &b, e);
    return relation(&a, &b);
}

/* What DAZ makes a zero comes out as one. */
static uint64_t choose(uint64_t a, uint64_t b, enum sse_relation wanted, bool wide,
                       struct sse_env *e)
{
    bool first = sse_compare(a, b, false, wide, e) == wanted;
    return sse_flush_operand(first ? a : b, wide, e);
}

uint64_t sse_min(uint64_t a, uint64_t b, bool wide, struct sse_env *e)
{
    return choose(a, b, SSE_LESS, wide, e);
}

uint64_t sse_max(uint64_t a, uint64_t b, bool wide, struct sse_env *e)
{
    return choose(a, b, SSE_GREATER, wide, e);
}

/* --- conversions ------------------------------------------------------------------------------ */

/* A NaN keeps the leading bits of its payload. */
uint32_t sse_narrow(uint64_t x, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, true, e);
    switch (a.class) {
    case SSE_ZERO: return (uint32_t)sse_zero(a.sign, false);
    case SSE_INFINITE: return (uint32_t)sse_infinity(a.sign, false);
    case SSE_SIGNALLING: e->flags |= SSE_IE; /* fall through */
    case SSE_QUIET:
        return (uint32_t)(sse_infinity(a.sign, false) | sse_quiet_bit(false) |
                          (x >> 29 & 0x7FFFFF));
    case SSE_NORMAL: break;
    }
    note_denormals(&a, &a, e);
    int32_t exponent = a.exponent - sse_bias(true) + sse_bias(false);
    return (uint32_t)sse_round(a.sign, exponent, (u128)a.mantissa << 64, false, e);
}

uint64_t sse_widen(uint32_t x, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, false, e);
    switch (a.class) {
    case SSE_ZERO: return sse_zero(a.sign, true);
    case SSE_INFINITE: return sse_infinity(a.sign, true);
    case SSE_SIGNALLING: e->flags |= SSE_IE; /* fall through */
    case SSE_QUIET:
        return sse_infinity(a.sign, true) | sse_quiet_bit(true) | (uint64_t)(x & 0x7FFFFF) << 29;
    case SSE_NORMAL: break;
    }
    note_denormals(&a, &a, e);
    int32_t exponent = a.exponent - sse_bias(false) + sse_bias(true);
    return sse_round(a.sign, exponent, (u128)a.mantissa << 64, true, e);
}

uint64_t sse_from_int(int32_t v, bool wide, struct sse_env *e)
{
    if (v == 0)
        return 0;
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return sse_normalise(v < 0, sse_bias(wide) + 127, magnitude, wide, e);
}

/* Denormals are inexact like any other number below one half: no SSE_DE. */
uint32_t sse_to_int(uint64_t x, bool wide, struct sse_env *e)
{
    struct sse_number a = sse_unpack(x, wide, e);
    if (a.class == SSE_ZERO)
        return 0;
    int32_t power = a.exponent - sse_bias(wide);
    if (a.class != SSE_NORMAL || power > 31) {
        e->flags |= SSE_IE;
        return 0x80000000u;
    }
    /* The integer in the high half, the fraction in the low one. */
    u128 value = (u128)a.mantissa << 1;
    value = power < 0 ? x87_shift_sticky(value, (unsigned)-power) : value << power;
    uint64_t kept = (uint64_t)(value >> 64), fraction = (uint64_t)value;
    kept += x87_rounds_up(sse_control(e), a.sign, kept & 1, fraction);
    if (kept > 0x7FFFFFFFu + (uint64_t)a.sign) {
        e->flags |= SSE_IE;
        return 0x80000000u;
    }
    e->flags |= fraction ? SSE_PE : 0;
    return a.sign ? 0u - (uint32_t)kept : (uint32_t)kept;
}
