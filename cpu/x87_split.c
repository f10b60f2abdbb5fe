/* x87_split: FRNDINT FSCALE FXTRACT FPREM FPREM1, which take a number apart. [SDM2] */
#include "cpu/x87_round.h"

/* --- FRNDINT ---------------------------------------------------------------------------------- */

/* The magnitude below one rounds to zero or one. */
static struct f80 round_below_one(struct x87_number n, struct x87_env *e)
{
    unsigned shift = (unsigned)(F80_BIAS - n.exponent); /* at least 1 */
    u128 fraction = x87_shift_sticky((u128)n.mantissa << 64, shift - 1);
    bool inexact_low = (uint64_t)fraction != 0;
    uint64_t high = (uint64_t)(fraction >> 64) | inexact_low;
    bool up = x87_rounds_up(e->control, n.sign, false, high);
    e->flags |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
    return up ? f80_one(n.sign) : f80_zero(n.sign);
}

struct f80 x87_round_to_integer(struct f80 a, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return x87_nan_result(a, e);
    if (class == X87_ZERO || class == X87_INFINITE)
        return a;
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    struct x87_number n = x87_unpack(a);
    int32_t power = n.exponent - F80_BIAS;
    if (power >= 63)
        return a;
    if (power < 0)
        return round_below_one(n, e);
    unsigned dropped = (unsigned)(63 - power);
    uint64_t unit = UINT64_C(1) << dropped;
    uint64_t fraction = a.mantissa << (power + 1);
    uint64_t kept = a.mantissa & ~(unit - 1);
    if (!fraction)
        return a;
    bool up = x87_rounds_up(e->control, n.sign, kept & unit, fraction);
    e->flags |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
    kept += up ? unit : 0;
    if (up && kept == 0)
        return f80_make(n.sign, n.exponent + 1, F80_INTEGER);
    return f80_make(n.sign, n.exponent, kept);
}

/* --- FSCALE ----------------------------------------------------------------------------------- */

/* Far beyond what any exponent, wrapped or not, can reach. */
#define SCALE_MAX 0x10000

/* b's integer part, limited to +-SCALE_MAX. */
static int32_t scale_of(struct x87_number b)
{
    int32_t power = b.exponent - F80_BIAS;
    if (power < 0)
        return 0;
    int32_t magnitude = power >= 16 ? SCALE_MAX : (int32_t)(b.mantissa >> (63 - power));
    return b.sign ? -magnitude : magnitude;
}

static struct f80 scale_by_infinity(struct f80 a, enum x87_class ca, bool down, struct x87_env *e)
{
    if (down ? ca == X87_INFINITE : ca == X87_ZERO)
        return x87_invalid(e);
    if (ca == X87_DENORMAL)
        e->flags |= X87_DE;
    return down ? f80_zero(f80_sign(a)) : f80_infinity(f80_sign(a));
}

struct f80 x87_scale(struct f80 a, struct f80 b, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb))
        return x87_nan_result_2(a, b, e);
    if (cb == X87_INFINITE)
        return scale_by_infinity(a, ca, f80_sign(b), e);
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    if (ca == X87_INFINITE || ca == X87_ZERO)
        return a;
    struct x87_number n = x87_unpack(a);
    if (cb != X87_ZERO)
        n.exponent += scale_of(x87_unpack(b));
    return x87_round(n.sign, n.exponent, (u128)n.mantissa << 64, 0, e);
}

/* --- FXTRACT ---------------------------------------------------------------------------------- */

struct f80 x87_extract(struct f80 a, struct f80 *exponent, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return *exponent = x87_nan_result(a, e);
    if (class == X87_INFINITE) {
        *exponent = f80_infinity(false);
        return a;
    }
    if (class == X87_ZERO) {
        e->flags |= X87_ZE;
        *exponent = f80_infinity(true);
        return a;
    }
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    struct x87_number n = x87_unpack(a);
    *exponent = x87_from_int(n.exponent - F80_BIAS);
    return f80_make(n.sign, F80_BIAS, n.mantissa);
}

/* --- FPREM, FPREM1 ---------------------------------------------------------------------------- */

/* A remainder is exact: rounding only normalises, and raises underflow if that is unmasked. */
static struct f80 remainder_value(bool sign, int32_t exponent, uint64_t rest, struct x87_env *e)
{
    if (!rest)
        return f80_zero(sign);
    int shift = __builtin_clzll(rest);
    return x87_round(sign, exponent - shift, (u128)rest << shift << 64, 0, e);
}

static uint16_t quotient_condition(uint64_t quotient)
{
    return (uint16_t)((quotient & 4 ? X87_C0 : 0) | (quotient & 2 ? X87_C3 : 0) |
                      (quotient & 1 ? X87_C1 : 0));
}

/* The exponents lie at least 64 apart: reduce by 32 to 63 bits and ask for another round. */
static struct x87_remainder remainder_partial(struct x87_number a, struct x87_number b,
                                              int32_t difference, struct x87_env *e)
{
    unsigned bits = 32 + (unsigned)difference % 32;
    uint64_t rest = (uint64_t)(((u128)a.mantissa << bits) % b.mantissa);
    struct f80 value = remainder_value(a.sign, a.exponent - (int32_t)bits, rest, e);
    return (struct x87_remainder){value, true, X87_C2, difference};
}

static struct x87_remainder remainder_numbers(struct x87_number a, struct x87_number b,
                                              bool nearest, struct x87_env *e)
{
    int32_t difference = a.exponent - b.exponent;
    if (difference >= 64)
        return remainder_partial(a, b, difference, e);
    uint64_t quotient = 0, rest = a.mantissa;
    bool sign = a.sign;
    int32_t exponent = a.exponent;
    if (difference >= 0) {
        u128 dividend = (u128)a.mantissa << difference;
        quotient = (uint64_t)(dividend / b.mantissa);
        rest = (uint64_t)(dividend % b.mantissa);
        exponent = b.exponent;
    }
    if (nearest && difference >= -1) {
        /* One less in the exponent counts the divisor twice. */
        u128 divisor = (u128)b.mantissa << (difference < 0), twice = (u128)rest << 1;
        if (twice > divisor || (twice == divisor && (quotient & 1))) {
            rest = (uint64_t)(divisor - rest);
            sign = !sign;
            quotient++;
        }
    }
    struct f80 value = remainder_value(rest ? sign : a.sign, exponent, rest, e);
    return (struct x87_remainder){value, true, quotient_condition(quotient), difference};
}

struct x87_remainder x87_remainder(struct f80 a, struct f80 b, bool nearest, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb))
        return (struct x87_remainder){x87_nan_result_2(a, b, e), false, 0, 0};
    if (ca == X87_INFINITE || cb == X87_ZERO)
        return (struct x87_remainder){x87_invalid(e), false, 0, 0};
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    if (ca == X87_ZERO)
        return (struct x87_remainder){a, true, 0, 0};
    if (cb == X87_INFINITE) {
        struct x87_number n = x87_unpack(a);
        struct f80 value = remainder_value(n.sign, n.exponent, n.mantissa, e);
        return (struct x87_remainder){value, true, 0, 0};
    }
    return remainder_numbers(x87_unpack(a), x87_unpack(b), nearest, e);
}
