/* Addition, subtraction, multiplication, division and square root against MPFR, on every host: all
 * rounding and precision controls, results at both ends of the range, masked responses. The seed is
 * printed, and may be given as argument. */
#include "cpu/x87.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <gmp.h>
#include <inttypes.h>
#include <stdio.h>
#define MPFR_USE_INTMAX_T
#include <mpfr.h>

#define CASES 200000

static uint64_t random_state;

static uint64_t random_64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static unsigned pick(unsigned n) { return (unsigned)((random_64() >> 33) % n); }

/* A finite number, not zero. */
static struct f80 random_number(int32_t near)
{
    uint64_t m = random_64() | F80_INTEGER;
    if (pick(2))
        m &= UINT64_MAX << pick(64);
    bool sign = pick(2);
    switch (pick(6)) {
    case 0: return f80_make(sign, 0, m >> (1 + pick(63)) | 1);
    case 1: return f80_make(sign, 1 + (int32_t)pick(70), m);
    case 2: return f80_make(sign, 0x7FFE - (int32_t)pick(70), m);
    case 3: return f80_make(sign, 1 + (int32_t)pick(0x7FFE), m);
    default: near += (int32_t)pick(140) - 70; break;
    }
    return f80_make(sign, near < 1 ? 1 : near > 0x7FFE ? 0x7FFE : near, m);
}

static void to_mpfr(mpfr_t r, struct f80 a)
{
    int32_t exponent = f80_exponent(a) + (f80_exponent(a) == 0);
    mpfr_set_uj_2exp(r, a.mantissa, exponent - F80_BIAS - 63, MPFR_RNDN);
    if (f80_sign(a))
        mpfr_neg(r, r, MPFR_RNDN);
}

static struct f80 from_mpfr(const mpfr_t r)
{
    bool sign = mpfr_signbit(r) != 0;
    if (mpfr_zero_p(r))
        return f80_zero(sign);
    if (mpfr_inf_p(r))
        return f80_infinity(sign);
    mpz_t z;
    mpz_init(z);
    int32_t exponent = (int32_t)mpfr_get_z_2exp(z, r) + F80_BIAS + 63;
    mpz_abs(z, z);
    uint64_t m = 0;
    mpz_export(&m, NULL, -1, sizeof m, 0, 0, z);
    mpz_clear(z);
    int shift = __builtin_clzll(m);
    m <<= shift;
    exponent -= shift;
    if (exponent < 1)
        return f80_make(sign, 0, m >> (1 - exponent));
    return f80_make(sign, exponent, m);
}

enum operation { ADD, SUBTRACT, MULTIPLY, DIVIDE, ROOT, OPERATIONS };

static mpfr_rnd_t rounding_of(uint16_t control)
{
    static const mpfr_rnd_t modes[] = {MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ};
    return modes[X87_RC(control)];
}

/* The result and its inexactness: 0, or the sign of the error. */
static struct f80 expected(enum operation op, struct f80 a, struct f80 b, uint16_t control,
                           int *ternary)
{
    static const unsigned precisions[] = {24, 64, 53, 64};
    unsigned precision = precisions[control >> 8 & 3];
    mpfr_rnd_t mode = rounding_of(control);
    mpfr_t x, y, r;
    mpfr_set_emin(-100000);
    mpfr_set_emax(100000);
    mpfr_inits2(64, x, y, (mpfr_ptr)0);
    mpfr_init2(r, precision);
    to_mpfr(x, a);
    to_mpfr(y, b);
    int t = op == ADD        ? mpfr_add(r, x, y, mode)
            : op == SUBTRACT ? mpfr_sub(r, x, y, mode)
            : op == MULTIPLY ? mpfr_mul(r, x, y, mode)
            : op == DIVIDE   ? mpfr_div(r, x, y, mode)
                             : mpfr_sqrt(r, x, mode);
    /* Only now the format's range: MPFR wants operands within it, and denormal ones are not. */
    mpfr_set_emin(-16382 + 2 - (long)precision);
    mpfr_set_emax(16384);
    t = mpfr_check_range(r, t, mode);
    *ternary = mpfr_subnormalize(r, t, mode);
    struct f80 result = from_mpfr(r);
    mpfr_clears(x, y, r, (mpfr_ptr)0);
    return result;
}

static struct f80 computed(enum operation op, struct f80 a, struct f80 b, struct x87_env *e)
{
    switch (op) {
    case ADD: return x87_add(a, b, e);
    case SUBTRACT: return x87_sub(a, b, e);
    case MULTIPLY: return x87_mul(a, b, e);
    case DIVIDE: return x87_div(a, b, e);
    default: return x87_sqrt(a, e);
    }
}

static void check_case(enum operation op, struct f80 a, struct f80 b, uint16_t control)
{
    struct x87_env e = {control, 0};
    int ternary;
    struct f80 want = expected(op, a, b, control, &ternary);
    struct f80 got = computed(op, a, b, &e);
    bool inexact = e.flags & X87_PE;
    bool up = e.flags & X87_C1, want_up = f80_sign(want) ? ternary < 0 : ternary > 0;
    if (want.mantissa == got.mantissa && want.sign_exponent == got.sign_exponent &&
        inexact == (ternary != 0) && up == want_up)
        return;
    print_message("operation %d control %04x: %04x.%016" PRIx64 " %04x.%016" PRIx64 "\n", op,
                  control, a.sign_exponent, a.mantissa, b.sign_exponent, b.mantissa);
    print_message("want %04x.%016" PRIx64 " error %d, got %04x.%016" PRIx64 " flags %x\n",
                  want.sign_exponent, want.mantissa, ternary, got.sign_exponent, got.mantissa,
                  e.flags);
    fail();
}

/* Just above half of the smallest 24-bit denormal: silicon rounds it up. */
static void tiny_sums_round_once(void **state)
{
    (void)state;
    check_case(ADD, f80_make(true, 0, 0x2AD), f80_make(true, 0, 0x8000000001), 0x007F);
}

static void basic_operations_equal_mpfr(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        enum operation op = (enum operation)pick(OPERATIONS);
        uint16_t control = (uint16_t)(0x7F | pick(4) << 10 | pick(4) << 8);
        struct f80 a = random_number(F80_BIAS);
        struct f80 b = random_number(f80_exponent(a));
        if (op == ROOT)
            a.sign_exponent &= 0x7FFF;
        check_case(op, a, b, control);
    }
}

/* FSIN of the nearest 80-bit number to pi is minus the gap between that and the 66-bit pi:
 * 2^-64. */
static void sine_of_pi_shows_the_66_bits(void **state)
{
    (void)state;
    struct x87_env e = {0x37F, 0};
    struct f80 r = x87_sin(x87_constant(X87_PI, 0x37F), &e);
    assert_int_equal(r.sign_exponent, 0x8000 + F80_BIAS - 64);
    assert_true(r.mantissa == F80_INTEGER);
    assert_true(e.flags & X87_PE);
}

/* log2 10 from FYL2X agrees with the constant that FLDL2T loads. */
static void fyl2x_of_ten_is_fldl2t(void **state)
{
    (void)state;
    for (uint16_t control = 0x37F; control < 0x1000; control += 0x400) {
        struct x87_env e = {control, 0};
        struct f80 r = x87_yl2x(x87_from_int(10), f80_one(false), &e);
        struct f80 want = x87_constant(X87_L2T, control);
        assert_true(r.mantissa == want.mantissa);
        assert_int_equal(r.sign_exponent, want.sign_exponent);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    random_state = seed * 2 + 1;
    printf("seed %" PRIu64 "\n", seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_operations_equal_mpfr),
        cmocka_unit_test(tiny_sums_round_once),
        cmocka_unit_test(sine_of_pi_shows_the_66_bits),
        cmocka_unit_test(fyl2x_of_ten_is_fldl2t),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
