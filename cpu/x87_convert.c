/* x87_convert: between the 80-bit format and singles, doubles, integers and packed decimals; the
 * constants. [SDM1 4.2, 4.7] [SDM2] */
#include "cpu/x87_round.h"

/* A floating-point format of memory: its significand's bits (the hidden one counted) and bias. */
struct format {
    unsigned precision;
    int32_t bias;
};

#define SINGLE ((struct format){24, 127})
#define DOUBLE ((struct format){53, 1023})

static ALWAYS_INLINE int32_t exponent_max(struct format f) { return 2 * f.bias + 1; }

/* --- loading ---------------------------------------------------------------------------------- */

static ALWAYS_INLINE struct f80 from_format(bool sign, int32_t exponent, uint64_t fraction,
                                            struct format f, struct x87_env *e)
{
    uint64_t mantissa = fraction << (64 - f.precision);
    if (LIKELY((unsigned)(exponent - 1) < (unsigned)exponent_max(f) - 1))
        return f80_make(sign, exponent - f.bias + F80_BIAS, F80_INTEGER | mantissa);
    if (exponent)
        return f80_make(sign, 0x7FFF, F80_INTEGER | mantissa);
    if (!mantissa)
        return f80_zero(sign);
    e->flags |= X87_DE;
    int shift = __builtin_clzll(mantissa);
    return f80_make(sign, F80_BIAS - f.bias + 1 - shift, mantissa << shift);
}

struct f80 x87_from_f32(uint32_t v, struct x87_env *e)
{
    return from_format(v >> 31, v >> 23 & 0xFF, v & 0x7FFFFF, SINGLE, e);
}

struct f80 x87_from_f64(uint64_t v, struct x87_env *e)
{
    return from_format(v >> 63, v >> 52 & 0x7FF, v & ((UINT64_C(1) << 52) - 1), DOUBLE, e);
}

struct f80 x87_quieten(struct f80 a, struct x87_env *e)
{
    if (UNLIKELY(x87_classify(a) == X87_SIGNALLING)) {
        e->flags |= X87_IE;
        a.mantissa |= F80_QUIET;
    }
    return a;
}

struct f80 x87_from_int(int64_t v)
{
    if (v == 0)
        return f80_zero(false);
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    int shift = __builtin_clzll(magnitude);
    return f80_make(v < 0, F80_BIAS + 63 - shift, magnitude << shift);
}

struct f80 x87_from_bcd(const uint8_t bcd[10])
{
    int64_t v = 0;
    for (int i = 8; i >= 0; i--)
        v = v * 100 + (bcd[i] >> 4) * 10 + (bcd[i] & 15);
    struct f80 r = x87_from_int(v);
    r.sign_exponent |= (uint16_t)((bcd[9] & 0x80) << 8);
    return r;
}

/* --- storing singles and doubles -------------------------------------------------------------- */

/* A stored value before its parts are put together. */
struct packed {
    bool sign;
    int32_t exponent;
    uint64_t fraction;
};

static struct packed pack_nan(struct f80 a, struct format f, struct x87_env *e)
{
    struct f80 r = x87_nan_result(a, e);
    return (struct packed){f80_sign(r), exponent_max(f), (r.mantissa << 1) >> (65 - f.precision)};
}

static struct packed pack_overflow(bool sign, struct format f, struct x87_env *e)
{
    unsigned rc = X87_RC(e->control);
    bool infinite = rc == X87_RC_NEAREST || (rc == X87_RC_DOWN && sign) ||
                    (rc == X87_RC_UP && !sign);
    e->flags |= X87_OE;
    if (e->control & X87_OE)
        e->flags = (uint16_t)(e->flags | X87_PE | (infinite ? X87_C1 : 0));
    if (infinite)
        return (struct packed){sign, exponent_max(f), 0};
    return (struct packed){sign, exponent_max(f) - 1, (UINT64_C(1) << (f.precision - 1)) - 1};
}

/* Rounds at the format's precision, or further left for a result below its normal range. Unmasked
 * overflow and underflow store nothing: then only the flags count. */
static struct packed pack_number(struct x87_number n, struct format f, struct x87_env *e)
{
    int32_t exponent = n.exponent - F80_BIAS + f.bias;
    unsigned dropped = 64 - f.precision;
    uint64_t unit = UINT64_C(1) << dropped;
    uint64_t fraction = n.mantissa << (64 - dropped), kept = n.mantissa & ~(unit - 1);
    bool up = x87_rounds_up(e->control, n.sign, kept & unit, fraction);
    bool carry = up && kept + unit == 0;
    if (exponent + carry >= exponent_max(f))
        return pack_overflow(n.sign, f, e);
    bool tiny = exponent + carry < 1;
    if (UNLIKELY(tiny)) {
        u128 wide = x87_shift_sticky((u128)n.mantissa << 64, (unsigned)(1 - exponent));
        uint64_t high = (uint64_t)(wide >> 64);
        fraction = high << (64 - dropped) | ((uint64_t)wide != 0);
        kept = high & ~(unit - 1);
        up = x87_rounds_up(e->control, n.sign, kept & unit, fraction);
        exponent = 0;
        if (fraction || !(e->control & X87_UE))
            e->flags |= X87_UE;
    }
    kept += up ? unit : 0;
    if (fraction)
        e->flags |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
    if (tiny)
        exponent = (int32_t)(kept >> 63);
    else if (carry)
        exponent++;
    return (struct packed){n.sign, exponent, kept << 1 >> (65 - f.precision)};
}

static NOINLINE struct packed pack_special(struct f80 a, struct format f, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (x87_is_nan(class))
        return pack_nan(a, f, e);
    if (class == X87_INFINITE)
        return (struct packed){f80_sign(a), exponent_max(f), 0};
    if (class == X87_ZERO)
        return (struct packed){f80_sign(a), 0, 0};
    return pack_number(x87_unpack(a), f, e);
}

static ALWAYS_INLINE struct packed pack(struct f80 a, struct format f, struct x87_env *e)
{
    int32_t exponent = f80_exponent(a) - F80_BIAS + f.bias;
    uint64_t low = a.mantissa << f.precision;
    if (LIKELY(!low && (unsigned)(exponent - 1) < (unsigned)exponent_max(f) - 1 &&
               a.mantissa >> 63))
        return (struct packed){f80_sign(a), exponent, a.mantissa << 1 >> (65 - f.precision)};
    return pack_special(a, f, e);
}

uint32_t x87_to_f32(struct f80 a, struct x87_env *e)
{
    struct packed p = pack(a, SINGLE, e);
    return (uint32_t)p.sign << 31 | (uint32_t)p.exponent << 23 | (uint32_t)p.fraction;
}

uint64_t x87_to_f64(struct f80 a, struct x87_env *e)
{
    struct packed p = pack(a, DOUBLE, e);
    return (uint64_t)p.sign << 63 | (uint64_t)p.exponent << 52 | p.fraction;
}

/* --- storing integers and packed decimals ----------------------------------------------------- */

/* The magnitude rounded to an integer; false if it needs more than 64 bits. */
static bool magnitude_of(struct f80 a, uint64_t *magnitude, struct x87_env *e)
{
    struct x87_number n = x87_unpack(a);
    int32_t power = n.exponent - F80_BIAS;
    if (power > 63)
        return false;
    u128 wide = x87_shift_sticky((u128)n.mantissa << 64, (unsigned)(63 - power));
    uint64_t fraction = (uint64_t)wide;
    *magnitude = (uint64_t)(wide >> 64);
    if (!fraction)
        return true;
    bool up = x87_rounds_up(e->control, n.sign, *magnitude & 1, fraction);
    e->flags |= (uint16_t)(X87_PE | (up ? X87_C1 : 0));
    *magnitude += up;
    return !(up && *magnitude == 0);
}

int64_t x87_to_int(struct f80 a, unsigned width, struct x87_env *e)
{
    enum x87_class class = x87_classify(a);
    if (class == X87_ZERO)
        return 0;
    uint64_t magnitude = 0, limit = UINT64_C(1) << (width - 1);
    bool finite = class == X87_NORMAL || class == X87_DENORMAL;
    if (!finite || !magnitude_of(a, &magnitude, e) || magnitude > limit - !f80_sign(a)) {
        e->flags = X87_IE;
        return (int64_t)(0 - limit);
    }
    return (int64_t)(f80_sign(a) ? 0 - magnitude : magnitude);
}

void x87_to_bcd(struct f80 a, uint8_t bcd[10], struct x87_env *e)
{
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
    enum x87_class class = x87_classify(a);
    uint64_t v = 0;
    bool finite = class == X87_NORMAL || class == X87_DENORMAL;
    bool fits = class == X87_ZERO ||
                (finite && magnitude_of(a, &v, e) && v < UINT64_C(1000000000000000000));
    if (!fits)
        e->flags = X87_IE;
    for (int i = 0; i < 9; i++) {
        bcd[i] = fits ? (uint8_t)(v / 10 % 10 << 4 | v % 10) : indefinite[i];
        v /= 100;
    }
    bcd[9] = fits ? (uint8_t)(f80_sign(a) << 7) : indefinite[9];
}

/* --- constants -------------------------------------------------------------------------------- */

/* Each constant truncated to 64 bits, and whether the first dropped bit is one. All are inexact. */
struct f80 x87_constant(enum x87_constant which, uint16_t control)
{
    static const struct {
        uint64_t mantissa;
        int16_t power;
        bool above_half;
    } table[] = {
        [X87_L2T] = {UINT64_C(0xD49A784BCD1B8AFE), 1, false},
        [X87_L2E] = {UINT64_C(0xB8AA3B295C17F0BB), 0, true},
        [X87_PI] = {UINT64_C(0xC90FDAA22168C234), 1, true},
        [X87_LG2] = {UINT64_C(0x9A209A84FBCFF798), -2, true},
        [X87_LN2] = {UINT64_C(0xB17217F7D1CF79AB), -1, true},
    };
    if (which == X87_1)
        return f80_one(false);
    if (which == X87_0)
        return f80_zero(false);
    unsigned rc = X87_RC(control);
    bool up = rc == X87_RC_UP || (rc == X87_RC_NEAREST && table[which].above_half);
    return f80_make(false, F80_BIAS + table[which].power, table[which].mantissa + up);
}
