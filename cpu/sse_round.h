/* sse_round: unpacking, rounding and packing of singles and doubles, for the sse_*.c files. */
#pragma once

#include "cpu/sse.h"
#include "cpu/x87_round.h"

enum sse_class { SSE_ZERO, SSE_NORMAL, SSE_INFINITE, SSE_QUIET, SSE_SIGNALLING };

/* An operand; of a finite one that is not zero the significand is normalised: bit 63 is set. */
struct sse_number {
    enum sse_class class;
    bool sign, denormal;
    int32_t exponent; /* biased as the format is; below 1 for a denormal */
    uint64_t mantissa, bits;
};

static inline unsigned sse_fraction_bits(bool wide) { return wide ? 52 : 23; }
static inline int32_t sse_exponent_max(bool wide) { return wide ? 0x7FF : 0xFF; }
static inline int32_t sse_bias(bool wide) { return wide ? 1023 : 127; }
static inline uint64_t sse_quiet_bit(bool wide)
{
    return UINT64_C(1) << (sse_fraction_bits(wide) - 1);
}
static inline uint64_t sse_zero(bool sign, bool wide) { return (uint64_t)sign << (wide ? 63 : 31); }
static inline uint64_t sse_infinity(bool sign, bool wide)
{
    return sse_zero(sign, wide) | (uint64_t)sse_exponent_max(wide) << sse_fraction_bits(wide);
}
/* The real indefinite: what a masked invalid operation gives. */
static inline uint64_t sse_indefinite(bool wide)
{
    return sse_infinity(true, wide) | sse_quiet_bit(wide);
}

/* The rounding control where the x87's functions look for it. */
static inline uint16_t sse_control(const struct sse_env *e) { return (uint16_t)(e->mxcsr >> 3); }
static inline bool sse_rounds_down(const struct sse_env *e)
{
    return X87_RC(sse_control(e)) == X87_RC_DOWN;
}

struct sse_number sse_unpack(uint64_t bits, bool wide, const struct sse_env *e);
/* The operand as it is, but a zero for a denormal under DAZ. */
uint64_t sse_flush_operand(uint64_t bits, bool wide, const struct sse_env *e);

/* The value significand * 2^(exponent - bias - 127), bit 127 of significand set and its lowest bit
 * sticky, rounded and packed. */
uint64_t sse_round(bool sign, int32_t exponent, u128 significand, bool wide, struct sse_env *e);
/* The same of any significand but zero. */
uint64_t sse_normalise(bool sign, int32_t exponent, u128 significand, bool wide,
                       struct sse_env *e);
