/* x87_round: rounding and packing of 80-bit results, shared by the x87_*.c files. */
#pragma once

#include "cpu/x87.h"

typedef unsigned __int128 u128;

/* A finite nonzero operand, its significand normalised: bit 63 is set. */
struct x87_number {
    bool sign;
    int32_t exponent; /* biased; below 1 for a denormal */
    uint64_t mantissa;
};

/* Denormals and pseudo-denormals have exponent 1 with fewer significant bits. */
static inline struct x87_number x87_unpack(struct f80 a)
{
    int32_t exponent = f80_exponent(a);
    uint64_t mantissa = a.mantissa;
    if (exponent == 0) {
        int shift = __builtin_clzll(mantissa);
        exponent = 1 - shift;
        mantissa <<= shift;
    }
    return (struct x87_number){f80_sign(a), exponent, mantissa};
}

/* Bits that precision control drops from a 64-bit significand. The reserved encoding 01 works as
 * extended precision. */
static ALWAYS_INLINE unsigned x87_dropped_bits(uint16_t control)
{
    switch (control >> 8 & 3) {
    case 0: return 40;
    case 2: return 11;
    default: return 0;
    }
}

/* Whether a value with the given kept low bit and fraction (of 2^64) rounds away from zero. */
static ALWAYS_INLINE bool x87_rounds_up(uint16_t control, bool sign, bool odd, uint64_t fraction)
{
    switch (X87_RC(control)) {
    case X87_RC_NEAREST: return fraction >> 63 && (fraction << 1 || odd);
    case X87_RC_DOWN: return sign && fraction;
    case X87_RC_UP: return !sign && fraction;
    default: return false;
    }
}

/* Shifts right, keeping in the lowest bit whether ones were lost. */
static ALWAYS_INLINE u128 x87_shift_sticky(u128 v, unsigned count)
{
    if (count > 127)
        return v != 0;
    u128 shifted = v >> count;
    return shifted | (shifted << count != v);
}

/* floor(sqrt(v)) and the rest, a bit at a time; v has bit 127 or 126 set. */
uint64_t x87_integer_root(u128 v, u128 *rest);

/* Exponents that may leave the format: overflow, underflow. */
struct f80 x87_round_edge(bool sign, int32_t exponent, u128 significand, unsigned dropped,
                          struct x87_env *e);

/* The value significand * 2^(exponent - bias - 127), bit 127 of significand set and its lowest bit
 * sticky, rounded to 64 - dropped bits. Adds to e->flags. */
static ALWAYS_INLINE struct f80 x87_round(bool sign, int32_t exponent, u128 significand,
                                          unsigned dropped, struct x87_env *e)
{
    if (UNLIKELY((uint32_t)(exponent - 1) >= 0x7FFDu))
        return x87_round_edge(sign, exponent, significand, dropped, e);
    uint64_t kept = (uint64_t)(significand >> 64), fraction = (uint64_t)significand;
    uint64_t unit = UINT64_C(1) << dropped;
    if (dropped) {
        fraction = kept << (64 - dropped) | (fraction != 0);
        kept &= ~(unit - 1);
    }
    if (fraction) {
        bool up = x87_rounds_up(e->control, sign, kept & unit, fraction);
        kept += up ? unit : 0;
        e->flags |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
        if (UNLIKELY(kept < unit)) {
            kept = F80_INTEGER;
            exponent++;
        }
    }
    return f80_make(sign, exponent, kept);
}

/* The masked response to an invalid operation. */
static inline struct f80 x87_invalid(struct x87_env *e)
{
    e->flags = X87_IE;
    return f80_indefinite();
}

static inline bool x87_is_nan(enum x87_class c) { return c >= X87_QUIET; }

/* One operand, or two, of which some are NaNs or unsupported: the result and its flags. */
struct f80 x87_nan_result(struct f80 a, struct x87_env *e);
struct f80 x87_nan_result_2(struct f80 a, struct f80 b, struct x87_env *e);
