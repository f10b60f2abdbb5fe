/* sse_round: from bits to numbers and back. Tininess is found after rounding [SDM1 4.9.1.5]. */
#include "cpu/sse_round.h"

/* Below every denormal's, for comparisons. */
#define ZERO_EXPONENT (-4096)

struct sse_number sse_unpack(uint64_t bits, bool wide, const struct sse_env *e)
{
    unsigned fraction_bits = sse_fraction_bits(wide);
    uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
    struct sse_number n = {.bits = bits, .sign = bits >> (wide ? 63 : 31) & 1};
    n.exponent = (int32_t)(bits >> fraction_bits) & sse_exponent_max(wide);
    n.mantissa = fraction << (63 - fraction_bits) | F80_INTEGER;
    if (n.exponent == sse_exponent_max(wide)) {
        n.class = !fraction                        ? SSE_INFINITE
                  : fraction & sse_quiet_bit(wide) ? SSE_QUIET
                                                   : SSE_SIGNALLING;
    } else if (n.exponent) {
        n.class = SSE_NORMAL;
    } else if (fraction && !(e->mxcsr & SSE_DAZ)) {
        n.mantissa = fraction << (64 - fraction_bits);
        int shift = __builtin_clzll(n.mantissa);
        n.mantissa <<= shift;
        n.exponent = -shift;
        n.denormal = true;
        n.class = SSE_NORMAL;
    } else {
        n.class = SSE_ZERO;
        n.exponent = ZERO_EXPONENT;
        n.mantissa = 0;
    }
    return n;
}

uint64_t sse_flush_operand(uint64_t bits, bool wide, const struct sse_env *e)
{
    uint64_t magnitude = bits & ~sse_zero(true, wide);
    bool flushed = e->mxcsr & SSE_DAZ && magnitude >> sse_fraction_bits(wide) == 0;
    return flushed ? bits & sse_zero(true, wide) : bits;
}

struct rounded {
    uint64_t kept; /* with the integer bit; one more than all ones after a carry */
    bool inexact;
};

static struct rounded round_significand(bool sign, u128 significand, bool wide,
                                        const struct sse_env *e)
{
    unsigned fraction_bits = sse_fraction_bits(wide);
    struct rounded r = {.kept = (uint64_t)(significand >> (127 - fraction_bits))};
    u128 rest = significand << (fraction_bits + 1);
    uint64_t fraction = (uint64_t)(rest >> 64) | ((uint64_t)rest != 0);
    r.inexact = fraction != 0;
    r.kept += x87_rounds_up(sse_control(e), sign, r.kept & 1, fraction);
    return r;
}

static uint64_t overflow(bool sign, bool inexact, bool wide, struct sse_env *e)
{
    unsigned rc = X87_RC(sse_control(e));
    bool infinite = rc == X87_RC_NEAREST || (rc == X87_RC_DOWN && sign) ||
                    (rc == X87_RC_UP && !sign);
    bool masked = e->mxcsr & SSE_OE << SSE_MASK_SHIFT;
    e->flags |= SSE_OE | (masked || inexact ? SSE_PE : 0u);
    return sse_infinity(sign, wide) - !infinite;
}

/* inexact: with an unbounded exponent, which is what an unmasked exception reports. */
static uint64_t underflow(bool sign, int32_t exponent, u128 significand, bool inexact, bool wide,
                          struct sse_env *e)
{
    if (!(e->mxcsr & SSE_UM)) {
        e->flags |= SSE_UE | (inexact ? SSE_PE : 0u);
        return 0;
    }
    if (e->mxcsr & SSE_FZ) {
        e->flags |= SSE_UE | SSE_PE;
        return sse_zero(sign, wide);
    }
    significand = x87_shift_sticky(significand, (unsigned)(1 - exponent));
    struct rounded r = round_significand(sign, significand, wide, e);
    e->flags |= r.inexact ? SSE_PE | SSE_UE : 0u;
    return sse_zero(sign, wide) | r.kept; /* a carry makes it the smallest normal number */
}

uint64_t sse_round(bool sign, int32_t exponent, u128 significand, bool wide, struct sse_env *e)
{
    unsigned fraction_bits = sse_fraction_bits(wide);
    struct rounded r = round_significand(sign, significand, wide, e);
    int32_t final = exponent + (int32_t)(r.kept >> (fraction_bits + 1));
    if (final >= sse_exponent_max(wide))
        return overflow(sign, r.inexact, wide, e);
    if (final < 1)
        return underflow(sign, exponent, significand, r.inexact, wide, e);
    e->flags |= r.inexact ? SSE_PE : 0u;
    uint64_t integer = UINT64_C(1) << fraction_bits;
    return sse_zero(sign, wide) | ((uint64_t)final << fraction_bits) | (r.kept & (integer - 1));
}

uint64_t sse_normalise(bool sign, int32_t exponent, u128 significand, bool wide,
                       struct sse_env *e)
{
    uint64_t high = (uint64_t)(significand >> 64), low = (uint64_t)significand;
    int shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    return sse_round(sign, exponent - shift, significand << shift, wide, e);
}
