/* Shifts and rotates at the edges of their counts. */
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

static void shift_by_zero_keeps_every_flag(void **state)
{
    struct bench *b = *state;
    cpu_set_flags(&b->cpu, F_ARITH | 2);
    b->cpu.r[ECX] = 0xFFFFFF20; /* 32 is 0 modulo 32 */
    b->cpu.r[EAX] = 5;
    assert_int_equal(RUN(b, "\xD3\xE0"), BENCH_NO_FAULT); /* SHL EAX, CL */
    assert_int_equal(b->cpu.r[EAX], 5);
    assert_int_equal(cpu_get_flags(&b->cpu), F_ARITH | 2);
}

static void shld_by_zero_keeps_flags_and_operand(void **state)
{
    struct bench *b = *state;
    cpu_set_flags(&b->cpu, F_CF | F_ZF | 2);
    b->cpu.r[EAX] = 0x12345678;
    b->cpu.r[EDX] = 0xFFFFFFFF;
    assert_int_equal(RUN(b, "\x0F\xA4\xD0\x20"), BENCH_NO_FAULT); /* SHLD EAX, EDX, 32 */
    assert_int_equal(b->cpu.r[EAX], 0x12345678);
    assert_int_equal(cpu_get_flags(&b->cpu), F_CF | F_ZF | 2);
}

static void shrd_takes_bits_from_the_source(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0x12345678;
    b->cpu.r[EDX] = 0x9ABCDEF0;
    assert_int_equal(RUN(b, "\x0F\xAC\xD0\x08"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0xF0123456);
    assert_false(get_cf(&b->cpu));
}

static void rcl_of_a_byte_has_nine_positions(void **state)
{
    struct bench *b = *state;
    set_carries(&b->cpu, true, false, false);
    b->cpu.r[EAX] = 0x55;
    assert_int_equal(RUN(b, "\xC0\xD0\x09"), BENCH_NO_FAULT); /* RCL AL, 9 */
    assert_int_equal(b->cpu.r[EAX], 0x55);
    assert_true(get_cf(&b->cpu));
    assert_int_equal(RUN(b, "\xC0\xD0\x0A"), BENCH_NO_FAULT); /* RCL AL, 10: by one */
    assert_int_equal(b->cpu.r[EAX], 0xAB);
    assert_false(get_cf(&b->cpu));
}

static void rol_by_its_width_changes_carry_only(void **state)
{
    struct bench *b = *state;
    cpu_set_flags(&b->cpu, F_ZF | F_AF | 2);
    b->cpu.r[EAX] = 0x81;
    assert_int_equal(RUN(b, "\xC0\xC0\x08"), BENCH_NO_FAULT); /* ROL AL, 8 */
    assert_int_equal(b->cpu.r[EAX], 0x81);
    assert_true(get_cf(&b->cpu));
    assert_true(get_zf(&b->cpu) && get_af(&b->cpu));
}

static void sar_of_a_word_by_31_leaves_the_sign(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 0xAAAA8000;
    assert_int_equal(RUN(b, "\x66\xC1\xF8\x1F"), BENCH_NO_FAULT); /* SAR AX, 31 */
    assert_int_equal(b->cpu.r[EAX], 0xAAAAFFFF);
    assert_true(get_cf(&b->cpu));
}

static void slash_six_is_shl(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 3;
    assert_int_equal(RUN(b, "\xD1\xF0"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shift_by_zero_keeps_every_flag, setup, teardown),
        cmocka_unit_test_setup_teardown(shld_by_zero_keeps_flags_and_operand, setup, teardown),
        cmocka_unit_test_setup_teardown(shrd_takes_bits_from_the_source, setup, teardown),
        cmocka_unit_test_setup_teardown(rcl_of_a_byte_has_nine_positions, setup, teardown),
        cmocka_unit_test_setup_teardown(rol_by_its_width_changes_carry_only, setup, teardown),
        cmocka_unit_test_setup_teardown(sar_of_a_word_by_31_leaves_the_sign, setup, teardown),
        cmocka_unit_test_setup_teardown(slash_six_is_shl, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
