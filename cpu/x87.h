/* x87: the arithmetic of the 387 and its successors on 80-bit operands, bit for bit.
 *
 * Everything here is integer arithmetic on the operands as memory holds them, and pure: operands
 * and the control word in, result and exception flags out. It knows nothing of the register stack;
 * that is cpu/insn_x87*.c. The host's own x87 is not used: loading a control word, three memory
 * operands and reading the status word costs 150 host cycles an operation, an integer addition 15,
 * and this way every host gives the same bits. The host's unit is the tests' oracle instead.
 * Transcendental functions (cpu/x87_mpfr.c) reduce their argument in integers and round one MPFR
 * result.
 *
 * An operation answers with the result of the masked response for pre-computation exceptions
 * (invalid, zero divide, denormal) and, for overflow and underflow, with the response that the
 * control word asks for: the masked one or the result with its exponent wrapped by 24576 [SDM1
 * 8.5]. Whether the result may be stored is the caller's to decide from flags and masks.
 *
 * Not modelled: the 287's and earlier parts' formats (projective infinity, unnormal arithmetic). */
#pragma once

#include "cpu/cpu.h"

/* Status word, and in its low six bits the masks of the control word too [SDM1 8.1.3]:
 *
 *   15  14  13-11  10   9   8   7   6   5   4   3   2   1   0
 *   B   C3   TOP   C2  C1  C0  ES  SF  PE  UE  OE  ZE  DE  IE  */
enum {
    X87_IE = 1 << 0, X87_DE = 1 << 1, X87_ZE = 1 << 2, X87_OE = 1 << 3, X87_UE = 1 << 4,
    X87_PE = 1 << 5, X87_SF = 1 << 6, X87_ES = 1 << 7, X87_C0 = 1 << 8, X87_C1 = 1 << 9,
    X87_C2 = 1 << 10, X87_C3 = 1 << 14, X87_B = 1 << 15,
    X87_EXCEPTIONS = 0x3F,
    X87_CONDITION = X87_C0 | X87_C1 | X87_C2 | X87_C3,
};

/* Control word: rounding control in bits 11-10, precision control in bits 9-8. */
enum { X87_RC_NEAREST, X87_RC_DOWN, X87_RC_UP, X87_RC_ZERO };
#define X87_RC(control) ((control) >> 10 & 3)

enum x87_class {
    X87_NORMAL,
    X87_ZERO,
    X87_DENORMAL, /* also the pseudo-denormals: exponent 0 with the integer bit set */
    X87_INFINITE,
    X87_QUIET,
    X87_SIGNALLING,
    X87_UNSUPPORTED, /* unnormals, pseudo-infinities, pseudo-NaNs */
};

/* What an operation is told and what it tells. An operand that was converted from a denormal single
 * or double puts X87_DE into flags before the operation, which drops it again if NaNs or an invalid
 * operation take precedence. The result's flags: exceptions, and X87_C1 if rounding went up. */
struct x87_env {
    uint16_t control;
    uint16_t flags;
};

#define F80_BIAS 16383
#define F80_INTEGER (UINT64_C(1) << 63)
#define F80_QUIET (UINT64_C(1) << 62)

static inline struct f80 f80_make(bool sign, int32_t exponent, uint64_t mantissa)
{
    return (struct f80){mantissa, (uint16_t)((unsigned)sign << 15 | (unsigned)exponent)};
}
static inline bool f80_sign(struct f80 a) { return a.sign_exponent >> 15; }
static inline int32_t f80_exponent(struct f80 a) { return a.sign_exponent & 0x7FFF; }
static inline struct f80 f80_zero(bool sign) { return f80_make(sign, 0, 0); }
static inline struct f80 f80_infinity(bool sign) { return f80_make(sign, 0x7FFF, F80_INTEGER); }
static inline struct f80 f80_one(bool sign) { return f80_make(sign, F80_BIAS, F80_INTEGER); }
/* The real indefinite: what a masked invalid operation gives. */
static inline struct f80 f80_indefinite(void) { return f80_make(true, 0x7FFF, UINT64_C(3) << 62); }

static ALWAYS_INLINE bool f80_is_normal(struct f80 a)
{
    return (unsigned)(f80_exponent(a) - 1) < 0x7FFEu && a.mantissa >> 63;
}

enum x87_class x87_classify(struct f80 a);
/* The two bits of the full tag word: 0 valid, 1 zero, 2 special [SDM1 8.1.7]. */
unsigned x87_tag(struct f80 a);

/* --- arithmetic (rounds as precision and rounding control say) -------------------------------- */

struct f80 x87_add(struct f80 a, struct f80 b, struct x87_env *e);
struct f80 x87_sub(struct f80 a, struct f80 b, struct x87_env *e);
struct f80 x87_mul(struct f80 a, struct f80 b, struct x87_env *e);
struct f80 x87_div(struct f80 a, struct f80 b, struct x87_env *e);
struct f80 x87_sqrt(struct f80 a, struct x87_env *e);

/* --- operations that ignore precision control ------------------------------------------------- */

struct f80 x87_round_to_integer(struct f80 a, struct x87_env *e);
/* a times two to the integer part of b. */
struct f80 x87_scale(struct f80 a, struct f80 b, struct x87_env *e);
/* Splits a: the exponent as a number in *exponent, the significand as the result. */
struct f80 x87_extract(struct f80 a, struct f80 *exponent, struct x87_env *e);

struct x87_remainder {
    struct f80 value;
    bool quotient_known;         /* else only C1 and C2 are cleared: NaN, invalid operation */
    uint16_t condition;          /* C0, C3, C1: quotient bits 2, 1, 0; C2: not reduced to the end */
    int32_t exponent_difference; /* of the operands; 0 where a special case decided */
};
/* FPREM (quotient truncated) and FPREM1 (to nearest). */
struct x87_remainder x87_remainder(struct f80 a, struct f80 b, bool nearest, struct x87_env *e);

enum x87_relation { X87_GREATER, X87_LESS, X87_EQUAL, X87_UNORDERED };
/* quiet: FUCOM, which takes quiet NaNs without an exception. */
enum x87_relation x87_compare(struct f80 a, struct f80 b, bool quiet, struct x87_env *e);

/* --- conversions ------------------------------------------------------------------------------ */

/* Exact. A denormal is normalised and sets X87_DE; a signalling NaN stays signalling. */
struct f80 x87_from_f32(uint32_t v, struct x87_env *e);
struct f80 x87_from_f64(uint64_t v, struct x87_env *e);
struct f80 x87_from_int(int64_t v);
/* FLD of a single or double: as above, but a signalling NaN becomes quiet and sets X87_IE. */
struct f80 x87_quieten(struct f80 a, struct x87_env *e);
/* Packed decimal as in memory: bcd[9] holds the sign. A nibble above 9 counts as its value. */
struct f80 x87_from_bcd(const uint8_t bcd[10]);

uint32_t x87_to_f32(struct f80 a, struct x87_env *e);
uint64_t x87_to_f64(struct f80 a, struct x87_env *e);
/* width: 16, 32 or 64 bits. Out of range: X87_IE and the integer indefinite. */
int64_t x87_to_int(struct f80 a, unsigned width, struct x87_env *e);
void x87_to_bcd(struct f80 a, uint8_t bcd[10], struct x87_env *e);

/* --- transcendental functions (precision control ignored) ------------------------------------- */

struct f80 x87_f2xm1(struct f80 a, struct x87_env *e);
struct f80 x87_yl2x(struct f80 x, struct f80 y, struct x87_env *e);   /* y * log2(x) */
struct f80 x87_yl2xp1(struct f80 x, struct f80 y, struct x87_env *e); /* y * log2(x + 1) */
struct f80 x87_atan(struct f80 x, struct f80 y, struct x87_env *e);   /* angle of (x, y) */

/* True where the argument is too large for the trigonometric functions: they then only set C2. */
static inline bool x87_angle_out_of_range(struct f80 a)
{
    return f80_exponent(a) >= F80_BIAS + 63 && f80_is_normal(a);
}
struct f80 x87_sin(struct f80 a, struct x87_env *e);
struct f80 x87_cos(struct f80 a, struct x87_env *e);
struct f80 x87_tan(struct f80 a, struct x87_env *e);

enum x87_constant { X87_1, X87_L2T, X87_L2E, X87_PI, X87_LG2, X87_LN2, X87_0 };
/* FLD1 ... FLDZ, rounded as rounding control says; never inexact [SDM2 FLD1]. */
struct f80 x87_constant(enum x87_constant which, uint16_t control);
