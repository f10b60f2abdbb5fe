/* x87_mpfr: F2XM1 FYL2X FYL2XP1 FPATAN FSIN FCOS FPTAN. [SDM1 8.3] [SDM2]
 *
 * Arguments of the trigonometric functions are reduced exactly by the parts' 66-bit approximation
 * of pi [SDM1 8.3.8]; the reduced argument goes through MPFR once. Its result is truncated to 128
 * bits with a sticky bit and then rounded like every other x87 result, so that rounding control,
 * denormal results and wrapped exponents need no code of their own, and no host gives another bit.
 * Results are the true ones rounded: within one unit in the last place of the part's, not claimed
 * to be equal. */
#include "cpu/x87_round.h"

#include <gmp.h>
#define MPFR_USE_INTMAX_T
#include <mpfr.h>

/* Bits carried between two MPFR operations, so that only the last rounding can be seen. */
#define WORKING_BITS 320
#define RESULT_BITS 128

static void set_number(mpfr_t r, struct x87_number n)
{
    mpfr_set_uj_2exp(r, n.mantissa, n.exponent - F80_BIAS - 63, MPFR_RNDN);
    if (n.sign)
        mpfr_neg(r, r, MPFR_RNDN);
}

/* Any operand that is no NaN. */
static void set_f80(mpfr_t r, struct f80 a)
{
    enum x87_class class = x87_classify(a);
    int sign = f80_sign(a) ? -1 : 1;
    if (class == X87_ZERO)
        mpfr_set_zero(r, sign);
    else if (class == X87_INFINITE)
        mpfr_set_inf(r, sign);
    else
        set_number(r, x87_unpack(a));
}

/* Rounds r, of which `inexact` says whether it already stands for a longer value, to an 80-bit
 * result. r is rounded toward zero so far. The parts report every result other than zero as
 * inexact, even the few that are exact (Zen 4 measured; Raptor Lake reported). */
static struct f80 result_of(const mpfr_t r, bool inexact, struct x87_env *e)
{
    bool sign = mpfr_signbit(r) != 0;
    if (mpfr_zero_p(r))
        return f80_zero(sign);
    mpfr_t truncated;
    mpz_t integer;
    mpfr_init2(truncated, RESULT_BITS);
    mpz_init(integer);
    inexact |= mpfr_set(truncated, r, MPFR_RNDZ) != 0;
    long power = (long)mpfr_get_z_2exp(integer, truncated);
    uint64_t words[2] = {0, 0};
    mpz_export(words, NULL, -1, sizeof words[0], 0, 0, integer);
    mpfr_clear(truncated);
    mpz_clear(integer);
    u128 significand = (u128)words[1] << 64 | words[0] | inexact;
    int32_t exponent = (int32_t)(power + RESULT_BITS - 1 + F80_BIAS);
    struct f80 result = x87_round(sign, exponent, significand, 0, e);
    e->flags |= (uint16_t)(X87_PE | (f80_exponent(result) == 0 ? X87_UE : 0));
    return result;
}

/* --- F2XM1 ------------------------------------------------------------------------------------ */

/* 2^x - 1 for 0 < |x| < 1. */
static struct f80 exp2_minus_1(struct x87_number n, struct x87_env *e)
{
    mpfr_t x, ln2;
    mpfr_inits2(WORKING_BITS, x, ln2, (mpfr_ptr)0);
    set_number(x, n);
    mpfr_const_log2(ln2, MPFR_RNDN);
    mpfr_mul(x, x, ln2, MPFR_RNDN);
    mpfr_expm1(x, x, MPFR_RNDZ);
    struct f80 r = result_of(x, true, e);
    mpfr_clears(x, ln2, (mpfr_ptr)0);
    return r;
}

/* Outside -1..1 the result is undefined [SDM2 F2XM1]: the operand stays, and counts as inexact. */
struct f80 x87_f2xm1(struct f80 a, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return x87_nan_result(a, e);
    if (class == X87_ZERO)
        return a;
    if (class == X87_INFINITE)
        return f80_sign(a) ? f80_one(true) : a;
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    struct x87_number n = x87_unpack(a);
    if (n.exponent < F80_BIAS)
        return exp2_minus_1(n, e);
    e->flags |= X87_PE;
    if (n.exponent == F80_BIAS && n.mantissa == F80_INTEGER)
        return n.sign ? f80_make(true, F80_BIAS - 1, F80_INTEGER) : a;
    return a;
}

/* --- FYL2X, FYL2XP1 --------------------------------------------------------------------------- */

/* y times a logarithm that is infinite or zero. */
static struct f80 log_special(bool log_negative, bool log_infinite, struct f80 y,
                              struct x87_env *e)
{
    enum x87_class class = x87_classify(y);
    if (class == (log_infinite ? X87_ZERO : X87_INFINITE))
        return x87_invalid(e);
    bool sign = f80_sign(y) ^ log_negative;
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    return log_infinite ? f80_infinity(sign) : f80_zero(sign);
}

/* Below this 1 + x would not fit WORKING_BITS. */
#define LOG1P_EXPONENT (F80_BIAS - 200)

/* r := log2(1 + x); whether that is inexact. */
static bool log2_plus_one(mpfr_t r, struct f80 x)
{
    set_f80(r, x);
    if (f80_exponent(x) > LOG1P_EXPONENT) {
        mpfr_add_ui(r, r, 1, MPFR_RNDN);
        return mpfr_log2(r, r, MPFR_RNDN) != 0;
    }
    mpfr_t ln2;
    mpfr_init2(ln2, WORKING_BITS);
    mpfr_const_log2(ln2, MPFR_RNDN);
    mpfr_log1p(r, r, MPFR_RNDN);
    mpfr_div(r, r, ln2, MPFR_RNDN);
    mpfr_clear(ln2);
    return true;
}

/* y * log2(x), or y * log2(1 + x), of finite operands: the logarithm is finite and not zero. */
static struct f80 log_product(struct f80 x, struct f80 y, bool plus_one, struct x87_env *e)
{
    mpfr_t log, factor;
    mpfr_inits2(WORKING_BITS, log, factor, (mpfr_ptr)0);
    bool inexact;
    if (plus_one) {
        inexact = log2_plus_one(log, x);
    } else {
        set_f80(log, x);
        inexact = mpfr_log2(log, log, MPFR_RNDN) != 0;
    }
    set_f80(factor, y);
    inexact |= mpfr_mul(log, log, factor, MPFR_RNDZ) != 0;
    struct f80 r = result_of(log, inexact, e);
    mpfr_clears(log, factor, (mpfr_ptr)0);
    return r;
}

static bool log_negative(struct f80 x) { return f80_exponent(x) < F80_BIAS; }

/* y is zero or infinite, the logarithm neither. */
static struct f80 log_times_special(struct f80 y, bool negative)
{
    y.sign_exponent ^= (uint16_t)(negative << 15);
    return y;
}

struct f80 x87_yl2x(struct f80 x, struct f80 y, struct x87_env *e)
{
    enum x87_class cx = x87_classify(x), cy = x87_classify(y);
    if (x87_is_nan(cx) || x87_is_nan(cy))
        return x87_nan_result_2(x, y, e);
    if (cx == X87_ZERO) {
        if (cy == X87_ZERO)
            return x87_invalid(e);
        if (cy != X87_INFINITE)
            e->flags = X87_ZE;
        return f80_infinity(!f80_sign(y));
    }
    if (f80_sign(x))
        return x87_invalid(e);
    if (cx == X87_INFINITE)
        return log_special(false, true, y, e);
    if (cx == X87_NORMAL && f80_exponent(x) == F80_BIAS && x.mantissa == F80_INTEGER)
        return log_special(false, false, y, e);
    if (cx == X87_DENORMAL || cy == X87_DENORMAL)
        e->flags |= X87_DE;
    if (cy == X87_ZERO || cy == X87_INFINITE)
        return log_times_special(y, log_negative(x));
    return log_product(x, y, false, e);
}

/* x outside -(1 - sqrt(1/2)) .. sqrt(2) - 1 is undefined [SDM2 FYL2XP1]: the formula holds as long
 * as it can; from -1 down the result is x, inexact (Zen 4 measured). */
struct f80 x87_yl2xp1(struct f80 x, struct f80 y, struct x87_env *e)
{
    enum x87_class cx = x87_classify(x), cy = x87_classify(y);
    if (x87_is_nan(cx) || x87_is_nan(cy))
        return x87_nan_result_2(x, y, e);
    if (cx == X87_ZERO)
        return log_special(f80_sign(x), false, y, e);
    if (cx == X87_INFINITE)
        return f80_sign(x) ? x87_invalid(e) : log_special(false, true, y, e);
    if (cx == X87_DENORMAL || cy == X87_DENORMAL)
        e->flags |= X87_DE;
    if (cy == X87_ZERO || cy == X87_INFINITE)
        return log_times_special(y, f80_sign(x));
    if (f80_sign(x) && f80_exponent(x) >= F80_BIAS) {
        e->flags |= X87_PE;
        return x;
    }
    return log_product(x, y, true, e);
}

/* --- FPATAN ----------------------------------------------------------------------------------- */

struct f80 x87_atan(struct f80 x, struct f80 y, struct x87_env *e)
{
    enum x87_class cx = x87_classify(x), cy = x87_classify(y);
    if (x87_is_nan(cx) || x87_is_nan(cy))
        return x87_nan_result_2(x, y, e);
    if (cx == X87_DENORMAL || cy == X87_DENORMAL)
        e->flags |= X87_DE;
    mpfr_t mx, my;
    mpfr_inits2(RESULT_BITS, mx, my, (mpfr_ptr)0);
    set_f80(mx, x);
    set_f80(my, y);
    bool inexact = mpfr_atan2(my, my, mx, MPFR_RNDZ) != 0;
    struct f80 r = result_of(my, inexact, e);
    mpfr_clears(mx, my, (mpfr_ptr)0);
    return r;
}

/* --- FSIN, FCOS, FPTAN ------------------------------------------------------------------------ */

/* Half of the parts' pi, 66 bits of pi, in units of 2^-65. */
#define HALF_PI ((u128)3 << 64 | UINT64_C(0x243F6A8885A308D3))

static void set_units(mpfr_t r, u128 units)
{
    mpfr_t low;
    mpfr_init2(low, 64);
    mpfr_set_uj_2exp(r, (uint64_t)(units >> 64), 64 - 65, MPFR_RNDN);
    mpfr_set_uj_2exp(low, (uint64_t)units, -65, MPFR_RNDN);
    mpfr_add(r, r, low, MPFR_RNDN);
    mpfr_clear(low);
}

/* Sets r to |n| minus the nearest multiple of pi/2, which is never zero, and returns that multiple
 * modulo 4. |n| < 2^63, so that it is an integer of 128 bits in units of 2^-65; below 1/2 there is
 * nothing to reduce. */
static unsigned reduce(mpfr_t r, struct x87_number n)
{
    n.sign = false;
    int32_t power = n.exponent - F80_BIAS;
    if (power < -1) {
        set_number(r, n);
        return 0;
    }
    u128 units = (u128)n.mantissa << (power + 2);
    u128 quotient = units / HALF_PI, rest = units % HALF_PI;
    bool beyond = rest > HALF_PI / 2;
    if (beyond)
        rest = HALF_PI - rest;
    set_units(r, rest);
    if (beyond)
        mpfr_neg(r, r, MPFR_RNDN);
    return (unsigned)(quotient + beyond) & 3;
}

enum trigonometric { SINE, COSINE, TANGENT };

static struct f80 trigonometric(struct f80 a, enum trigonometric f, struct x87_env *e)
{
    struct x87_number n = x87_unpack(a);
    mpfr_t r;
    mpfr_init2(r, RESULT_BITS);
    unsigned quadrant = reduce(r, n);
    bool negate;
    if (f == TANGENT) {
        negate = n.sign ^ (quadrant & 1);
        if (quadrant & 1)
            mpfr_cot(r, r, MPFR_RNDZ);
        else
            mpfr_tan(r, r, MPFR_RNDZ);
    } else {
        quadrant += f == COSINE;
        negate = (quadrant & 2) != 0;
        negate ^= f == SINE && n.sign;
        if (quadrant & 1)
            mpfr_cos(r, r, MPFR_RNDZ);
        else
            mpfr_sin(r, r, MPFR_RNDZ);
    }
    if (negate)
        mpfr_neg(r, r, MPFR_RNDZ);
    struct f80 result = result_of(r, true, e);
    mpfr_clear(r);
    return result;
}

static struct f80 trigonometric_any(struct f80 a, enum trigonometric f, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return x87_nan_result(a, e);
    if (class == X87_INFINITE)
        return x87_invalid(e);
    if (class == X87_ZERO)
        return f == COSINE ? f80_one(false) : a;
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    return trigonometric(a, f, e);
}

struct f80 x87_sin(struct f80 a, struct x87_env *e) { return trigonometric_any(a, SINE, e); }
struct f80 x87_cos(struct f80 a, struct x87_env *e) { return trigonometric_any(a, COSINE, e); }
struct f80 x87_tan(struct f80 a, struct x87_env *e) { return trigonometric_any(a, TANGENT, e); }
