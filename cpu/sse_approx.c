/* sse_approx: reciprocals of singles, and of their roots, to fewer bits than a single has. */
#include "cpu/sse_round.h"

/* Denormals are zeros on both sides, everything rounds to nearest, nothing is reported. */
static const struct sse_env quiet = {
    .mxcsr = SSE_FZ | SSE_DAZ | SSE_EXCEPTIONS << SSE_MASK_SHIFT};

/* 2^(63 - power) / m, rounded to nearest with `bits` significant bits; bit 63 of m is set. below:
 * the true divisor is greater than m. */
static uint32_t inverse(bool sign, uint64_t m, bool below, int32_t power, unsigned bits)
{
    struct sse_env e = quiet;
    u128 one = (u128)1 << 127, quotient = one / m;
    int32_t exponent = sse_bias(false) - power;
    if (quotient >> 64) /* m is the power of two */
        return (uint32_t)sse_round(sign, exponent, one, false, &e);
    uint64_t unit = UINT64_C(1) << (64 - bits), kept = (uint64_t)quotient & ~(unit - 1);
    uint64_t fraction = (uint64_t)quotient << bits | (one % m != 0 || below);
    kept += fraction >> 63 && (fraction << 1 || kept & unit) ? unit : 0;
    u128 significand = kept ? (u128)kept << 64 : one;
    return (uint32_t)sse_round(sign, exponent - (kept != 0), significand, false, &e);
}

uint32_t sse_reciprocal(uint32_t x, unsigned bits)
{
    struct sse_number a = sse_unpack(x, false, &quiet);
    switch (a.class) {
    case SSE_ZERO: return (uint32_t)sse_infinity(a.sign, false);
    case SSE_INFINITE: return (uint32_t)sse_zero(a.sign, false);
    case SSE_QUIET:
    case SSE_SIGNALLING: return x | (uint32_t)sse_quiet_bit(false);
    case SSE_NORMAL: break;
    }
    return inverse(a.sign, a.mantissa, false, a.exponent - sse_bias(false), bits);
}

uint32_t sse_reciprocal_root(uint32_t x, unsigned bits)
{
    struct sse_number a = sse_unpack(x, false, &quiet);
    if (a.class >= SSE_QUIET)
        return x | (uint32_t)sse_quiet_bit(false);
    if (a.class == SSE_ZERO)
        return (uint32_t)sse_infinity(a.sign, false);
    if (a.sign)
        return (uint32_t)sse_indefinite(false);
    if (a.class == SSE_INFINITE)
        return 0;
    int32_t power = a.exponent - sse_bias(false);
    bool odd = power & 1;
    u128 rest;
    uint64_t root = x87_integer_root((u128)a.mantissa << (63 + odd), &rest);
    return inverse(false, root, rest != 0, (power - odd) / 2, bits);
}
