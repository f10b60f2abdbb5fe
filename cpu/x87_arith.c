/* x87_arith: FADD FSUB FMUL FDIV FSQRT and comparison. [SDM1 8.5] [SDM2] */
#include "cpu/x87_round.h"

enum x87_class x87_classify(struct f80 a)
{
    if (f80_exponent(a) == 0)
        return a.mantissa ? X87_DENORMAL : X87_ZERO;
    if (!(a.mantissa & F80_INTEGER))
        return X87_UNSUPPORTED;
    if (f80_exponent(a) != 0x7FFF)
        return X87_NORMAL;
    if (!(a.mantissa << 1))
        return X87_INFINITE;
    return a.mantissa & F80_QUIET ? X87_QUIET : X87_SIGNALLING;
}

unsigned x87_tag(struct f80 a)
{
    enum x87_class class = x87_classify(a);
    return class == X87_NORMAL ? 0 : class == X87_ZERO ? 1 : 2;
}

/* --- rounding at the ends of the exponent range ----------------------------------------------- */

/* What an unmasked overflow or underflow subtracts from or adds to the exponent [SDM1 8.5.4]. */
#define EXPONENT_WRAP 24576

struct rounded {
    uint64_t kept;
    bool carry; /* the significand grew to the next power of two, and kept is that power */
    bool inexact, up;
};

static struct rounded round_significand(bool sign, u128 significand, unsigned dropped,
                                        uint16_t control)
{
    struct rounded r = {.kept = (uint64_t)(significand >> 64)};
    uint64_t fraction = (uint64_t)significand;
    uint64_t unit = UINT64_C(1) << dropped;
    if (dropped) {
        fraction = r.kept << (64 - dropped) | (fraction != 0);
        r.kept &= ~(unit - 1);
    }
    r.inexact = fraction != 0;
    r.up = x87_rounds_up(control, sign, r.kept & unit, fraction);
    r.kept += r.up ? unit : 0;
    r.carry = r.up && r.kept == 0;
    if (r.carry)
        r.kept = F80_INTEGER;
    return r;
}

static void add_rounding_flags(const struct rounded *r, struct x87_env *e)
{
    e->flags |= (uint16_t)((r->inexact ? X87_PE : 0) | (r->up ? X87_C1 : 0));
}

/* FSCALE can leave even the wrapped range: then infinity or zero is stored, inexact
 * [SDM1 8.5.4, 8.5.5]. */
static struct f80 overflow(bool sign, int32_t exponent, const struct rounded *r, unsigned dropped,
                           struct x87_env *e)
{
    if (!(e->control & X87_OE)) {
        e->flags |= X87_OE;
        add_rounding_flags(r, e);
        exponent -= EXPONENT_WRAP;
        if (exponent < 0x7FFF)
            return f80_make(sign, exponent, r->kept);
        e->flags |= X87_PE | X87_C1;
        return f80_infinity(sign);
    }
    unsigned rc = X87_RC(e->control);
    bool infinite = rc == X87_RC_NEAREST || (rc == X87_RC_DOWN && sign) ||
                    (rc == X87_RC_UP && !sign);
    e->flags |= (uint16_t)(X87_OE | X87_PE | (infinite ? X87_C1 : 0));
    return infinite ? f80_infinity(sign) : f80_make(sign, 0x7FFE, UINT64_MAX << dropped);
}

static struct f80 underflow(bool sign, int32_t exponent, u128 significand,
                            const struct rounded *unbounded, unsigned dropped, struct x87_env *e)
{
    if (!(e->control & X87_UE)) {
        e->flags |= X87_UE;
        add_rounding_flags(unbounded, e);
        exponent += unbounded->carry + EXPONENT_WRAP;
        if (exponent > 0)
            return f80_make(sign, exponent, unbounded->kept);
        e->flags |= X87_PE;
        return f80_zero(sign);
    }
    significand = x87_shift_sticky(significand, (unsigned)(1 - exponent));
    struct rounded r = round_significand(sign, significand, dropped, e->control);
    add_rounding_flags(&r, e);
    if (r.inexact)
        e->flags |= X87_UE;
    return f80_make(sign, (int32_t)(r.kept >> 63), r.kept);
}

/* A result is tiny if it would lie below the normal range after rounding with an unbounded
 * exponent. */
struct f80 x87_round_edge(bool sign, int32_t exponent, u128 significand, unsigned dropped,
                          struct x87_env *e)
{
    struct rounded r = round_significand(sign, significand, dropped, e->control);
    int32_t final = exponent + r.carry;
    if (final > 0x7FFE)
        return overflow(sign, final, &r, dropped, e);
    if (final < 1)
        return underflow(sign, exponent, significand, &r, dropped, e);
    add_rounding_flags(&r, e);
    return f80_make(sign, final, r.kept);
}

/* --- NaNs ------------------------------------------------------------------------------------- */

struct f80 x87_nan_result(struct f80 a, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (class == X87_UNSUPPORTED)
        return x87_invalid(e);
    e->flags = class == X87_SIGNALLING ? X87_IE : 0;
    a.mantissa |= F80_QUIET;
    return a;
}

/* The larger significand wins, then the positive sign; a quiet NaN wins over a signalling one, and
 * any NaN over a number [SDM1 table 4-7]. */
struct f80 x87_nan_result_2(struct f80 a, struct f80 b, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (ca == X87_UNSUPPORTED || cb == X87_UNSUPPORTED)
        return x87_invalid(e);
    e->flags = ca == X87_SIGNALLING || cb == X87_SIGNALLING ? X87_IE : 0;
    bool first = x87_is_nan(ca);
    if (first && x87_is_nan(cb)) {
        if (ca != cb)
            first = ca == X87_QUIET;
        else if (a.mantissa != b.mantissa)
            first = a.mantissa > b.mantissa;
        else
            first = !f80_sign(a);
    }
    struct f80 r = first ? a : b;
    r.mantissa |= F80_QUIET;
    return r;
}

/* --- addition --------------------------------------------------------------------------------- */

/* a and b with bit 63 of each mantissa set; b already has the sign it is added with. */
static ALWAYS_INLINE struct f80 add_numbers(struct x87_number a, struct x87_number b,
                                            struct x87_env *e)
{
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        struct x87_number t = a;
        a = b;
        b = t;
    }
    unsigned dropped = x87_dropped_bits(e->control);
    u128 big = (u128)a.mantissa << 63;
    u128 small = x87_shift_sticky((u128)b.mantissa << 63, (unsigned)(a.exponent - b.exponent));
    if (a.sign == b.sign) {
        u128 sum = big + small;
        if (sum >> 127)
            return x87_round(a.sign, a.exponent + 1, sum, dropped, e);
        return x87_round(a.sign, a.exponent, sum << 1, dropped, e);
    }
    u128 difference = big - small;
    uint64_t high = (uint64_t)(difference >> 64), low = (uint64_t)difference;
    if (!(high | low))
        return f80_zero(X87_RC(e->control) == X87_RC_DOWN);
    int shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    return x87_round(a.sign, a.exponent + 1 - shift, difference << shift, dropped, e);
}

/* Adding zero still rounds to the precision asked for. */
static struct f80 add_zero(struct f80 a, bool sign, struct x87_env *e)
{
    struct x87_number n = x87_unpack(a);
    return x87_round(sign, n.exponent, (u128)n.mantissa << 64, x87_dropped_bits(e->control), e);
}

static NOINLINE struct f80 add_special(struct f80 a, struct f80 b, bool subtract,
                                       struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb))
        return x87_nan_result_2(a, b, e);
    bool sign_a = f80_sign(a), sign_b = f80_sign(b) ^ subtract;
    if (ca == X87_INFINITE && cb == X87_INFINITE && sign_a != sign_b)
        return x87_invalid(e);
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    if (ca == X87_INFINITE)
        return a;
    if (cb == X87_INFINITE)
        return f80_infinity(sign_b);
    if (ca == X87_ZERO && cb == X87_ZERO)
        return f80_zero(sign_a == sign_b ? sign_a : X87_RC(e->control) == X87_RC_DOWN);
    if (ca == X87_ZERO)
        return add_zero(b, sign_b, e);
    if (cb == X87_ZERO)
        return add_zero(a, sign_a, e);
    struct x87_number nb = x87_unpack(b);
    nb.sign = sign_b;
    return add_numbers(x87_unpack(a), nb, e);
}

static ALWAYS_INLINE struct f80 add(struct f80 a, struct f80 b, bool subtract, struct x87_env *e)
{
    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b)))
        return add_special(a, b, subtract, e);
    struct x87_number na = {f80_sign(a), f80_exponent(a), a.mantissa};
    struct x87_number nb = {f80_sign(b) ^ subtract, f80_exponent(b), b.mantissa};
    return add_numbers(na, nb, e);
}

struct f80 x87_add(struct f80 a, struct f80 b, struct x87_env *e) { return add(a, b, false, e); }
struct f80 x87_sub(struct f80 a, struct f80 b, struct x87_env *e) { return add(a, b, true, e); }

/* --- multiplication --------------------------------------------------------------------------- */

static ALWAYS_INLINE struct f80 mul_numbers(struct x87_number a, struct x87_number b,
                                            struct x87_env *e)
{
    u128 product = (u128)a.mantissa * b.mantissa;
    int32_t exponent = a.exponent + b.exponent - F80_BIAS;
    bool carry = product >> 127;
    return x87_round(a.sign ^ b.sign, exponent + carry, carry ? product : product << 1,
                     x87_dropped_bits(e->control), e);
}

static NOINLINE struct f80 mul_special(struct f80 a, struct f80 b, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb))
        return x87_nan_result_2(a, b, e);
    bool sign = f80_sign(a) ^ f80_sign(b);
    bool infinite = ca == X87_INFINITE || cb == X87_INFINITE;
    bool zero = ca == X87_ZERO || cb == X87_ZERO;
    if (infinite && zero)
        return x87_invalid(e);
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    if (infinite)
        return f80_infinity(sign);
    if (zero)
        return f80_zero(sign);
    return mul_numbers(x87_unpack(a), x87_unpack(b), e);
}

struct f80 x87_mul(struct f80 a, struct f80 b, struct x87_env *e)
{
    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b)))
        return mul_special(a, b, e);
    struct x87_number na = {f80_sign(a), f80_exponent(a), a.mantissa};
    struct x87_number nb = {f80_sign(b), f80_exponent(b), b.mantissa};
    return mul_numbers(na, nb, e);
}

/* --- division --------------------------------------------------------------------------------- */

static struct f80 div_numbers(struct x87_number a, struct x87_number b, struct x87_env *e)
{
    bool smaller = a.mantissa < b.mantissa;
    int32_t exponent = a.exponent - b.exponent + F80_BIAS - smaller;
    u128 dividend = (u128)a.mantissa << (63 + smaller);
    uint64_t quotient = (uint64_t)(dividend / b.mantissa);
    uint64_t rest = (uint64_t)(dividend - (u128)quotient * b.mantissa);
    /* The fraction's first bit is whether twice the rest reaches the divisor. */
    uint64_t fraction = 0;
    if (rest) {
        bool half = rest >> 63 || rest << 1 >= b.mantissa;
        fraction = (uint64_t)half << 63 | (!half || rest << 1 != b.mantissa);
    }
    return x87_round(a.sign ^ b.sign, exponent, (u128)quotient << 64 | fraction,
                     x87_dropped_bits(e->control), e);
}

static NOINLINE struct f80 div_special(struct f80 a, struct f80 b, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb))
        return x87_nan_result_2(a, b, e);
    bool sign = f80_sign(a) ^ f80_sign(b);
    if ((ca == X87_INFINITE || ca == X87_ZERO) && ca == cb)
        return x87_invalid(e);
    if (cb == X87_ZERO && ca != X87_INFINITE) {
        e->flags = X87_ZE;
        return f80_infinity(sign);
    }
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    if (ca == X87_INFINITE)
        return f80_infinity(sign);
    if (ca == X87_ZERO || cb == X87_INFINITE)
        return f80_zero(sign);
    return div_numbers(x87_unpack(a), x87_unpack(b), e);
}

struct f80 x87_div(struct f80 a, struct f80 b, struct x87_env *e)
{
    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b)))
        return div_special(a, b, e);
    struct x87_number na = {f80_sign(a), f80_exponent(a), a.mantissa};
    struct x87_number nb = {f80_sign(b), f80_exponent(b), b.mantissa};
    return div_numbers(na, nb, e);
}

/* --- square root ------------------------------------------------------------------------------ */

uint64_t x87_integer_root(u128 v, u128 *rest)
{
    u128 root = 0;
    for (u128 bit = (u128)1 << 126; bit; bit >>= 2) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    *rest = v;
    return (uint64_t)root;
}

struct f80 x87_sqrt(struct f80 a, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return x87_nan_result(a, e);
    if (class == X87_ZERO)
        return a;
    if (f80_sign(a))
        return x87_invalid(e);
    if (class == X87_INFINITE)
        return a;
    if (class == X87_DENORMAL)
        e->flags |= X87_DE;
    struct x87_number n = x87_unpack(a);
    int32_t power = n.exponent - F80_BIAS;
    bool odd = power & 1;
    u128 rest;
    uint64_t root = x87_integer_root((u128)n.mantissa << (63 + odd), &rest);
    /* The root lies above the half unit exactly if the rest exceeds the root; it is never a tie. */
    uint64_t fraction = rest == 0 ? 0 : (uint64_t)(rest > root) << 63 | 1;
    return x87_round(false, (power - odd) / 2 + F80_BIAS, (u128)root << 64 | fraction,
                     x87_dropped_bits(e->control), e);
}

/* --- comparison ------------------------------------------------------------------------------- */

static int compare_magnitude(struct f80 a, struct f80 b)
{
    /* A pseudo-denormal has the exponent of the smallest normal. */
    int32_t ea = f80_exponent(a) + (f80_exponent(a) == 0);
    int32_t eb = f80_exponent(b) + (f80_exponent(b) == 0);
    if (a.mantissa == 0 || b.mantissa == 0)
        return (a.mantissa != 0) - (b.mantissa != 0);
    if (ea != eb)
        return ea < eb ? -1 : 1;
    return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
}

enum x87_relation x87_compare(struct f80 a, struct f80 b, bool quiet, struct x87_env *e)
{
    enum x87_class ca = x87_classify(a), cb = x87_classify(b);
    if (x87_is_nan(ca) || x87_is_nan(cb)) {
        bool signals = ca > X87_QUIET || cb > X87_QUIET || !quiet;
        e->flags = signals ? X87_IE : 0;
        return X87_UNORDERED;
    }
    if (ca == X87_DENORMAL || cb == X87_DENORMAL)
        e->flags |= X87_DE;
    int order;
    if (f80_sign(a) != f80_sign(b) && !(ca == X87_ZERO && cb == X87_ZERO))
        order = f80_sign(a) ? -1 : 1;
    else
        order = f80_sign(a) ? -compare_magnitude(a, b) : compare_magnitude(a, b);
    return order < 0 ? X87_LESS : order > 0 ? X87_GREATER : X87_EQUAL;
}
