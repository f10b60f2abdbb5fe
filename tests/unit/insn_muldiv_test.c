/* Division's faults and the decimal adjustments. */
#include "tests/unit/insn_bench.h"

static int setup(void **state)
{
    *state = bench_new();
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void div_faults_when_the_quotient_does_not_fit(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->r[EDX] = 5;
    c->r[EAX] = 0;
    c->r[ECX] = 5; /* 5:0 / 5 = 1:0, one too many */
    assert_int_equal(RUN(b, "\xF7\xF1"), EXC_DE);
    assert_int_equal(c->r[EDX], 5);
    assert_int_equal(c->r[EAX], 0);
    c->r[EDX] = 4;
    c->r[EAX] = 0xFFFFFFFF;
    assert_int_equal(RUN(b, "\xF7\xF1"), BENCH_NO_FAULT);
    assert_int_equal(c->r[EAX], 0xFFFFFFFF);
    assert_int_equal(c->r[EDX], 4);
}

static void div_by_zero_faults_at_every_width(void **state)
{
    struct bench *b = *state;
    b->cpu.r[ECX] = 0;
    assert_int_equal(RUN(b, "\xF6\xF1"), EXC_DE);
    assert_int_equal(RUN(b, "\x66\xF7\xF1"), EXC_DE);
    assert_int_equal(RUN(b, "\xF7\xF9"), EXC_DE);
}

static void idiv_of_the_most_negative_number_by_minus_one_faults(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->r[ECX] = 0xFFFFFFFF;
    c->r[EDX] = 0xFFFFFFFF;
    c->r[EAX] = 0x80000000;
    assert_int_equal(RUN(b, "\xF7\xF9"), EXC_DE);
    c->r[EDX] = 0x80000000; /* the host's own overflow */
    c->r[EAX] = 0;
    assert_int_equal(RUN(b, "\xF7\xF9"), EXC_DE);
}

static void idiv_rounds_towards_zero(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0xFFF9; /* -7 */
    b->cpu.r[ECX] = 2;
    assert_int_equal(RUN(b, "\xF6\xF9"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0xFFFD); /* AL = -3, AH = -1 */
}

static void imul_of_words_sets_carry_when_the_upper_half_matters(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0xFFFF0100;
    b->cpu.r[ECX] = 0x80;
    assert_int_equal(RUN(b, "\x66\x0F\xAF\xC1"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0xFFFF8000);
    assert_true(get_cf(&b->cpu) && get_of(&b->cpu));
}

static void aam_with_base_zero_divides_by_zero(void **state)
{
    struct bench *b = *state;
    assert_int_equal(RUN(b, "\xD4\x00"), EXC_DE);
}

static void das_keeps_the_borrow_of_the_lower_digit(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0x05;
    set_carries(&b->cpu, false, false, true);
    assert_int_equal(RUN(b, "\x2F"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0xFF);
    assert_true(get_cf(&b->cpu));
}

static void aaa_carries_out_of_al_into_ah(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0x00FA;
    assert_int_equal(RUN(b, "\x37"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0x0200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(div_faults_when_the_quotient_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(div_by_zero_faults_at_every_width, setup, teardown),
        cmocka_unit_test_setup_teardown(idiv_of_the_most_negative_number_by_minus_one_faults, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(idiv_rounds_towards_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(imul_of_words_sets_carry_when_the_upper_half_matters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(aam_with_base_zero_divides_by_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(das_keeps_the_borrow_of_the_lower_digit, setup, teardown),
        cmocka_unit_test_setup_teardown(aaa_carries_out_of_al_into_ah, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
