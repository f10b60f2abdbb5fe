/* The stack pointer's own traps, and who may change which flag. */
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

static void push_esp_pushes_the_value_before(void **state)
{
    struct bench *b = *state;
    assert_int_equal(RUN(b, "\x54"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[ESP], 0x7FFC);
    assert_int_equal(bench_word(b, 0x7FFC, 4), 0x8000);
}

static void pop_esp_takes_the_popped_value(void **state)
{
    struct bench *b = *state;
    bench_put(b, 0x8000, 4, 0x1234);
    assert_int_equal(RUN(b, "\x5C"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[ESP], 0x1234);
}

static void pop_to_esp_relative_memory_uses_the_new_esp(void **state)
{
    struct bench *b = *state;
    bench_put(b, 0x8000, 4, 0xCAFE);
    assert_int_equal(RUN(b, "\x8F\x44\x24\x04"), BENCH_NO_FAULT); /* POP [ESP + 4] */
    assert_int_equal(bench_word(b, 0x8008, 4), 0xCAFE);
    assert_int_equal(b->cpu.r[ESP], 0x8004);
}

static void pop_whose_write_faults_leaves_esp(void **state)
{
    struct bench *b = *state;
    b->cpu.seg[DS].limit = b->cpu.seg[DS].fast_limit = 0xFFF;
    assert_int_equal(RUN(b, "\x8F\x05\x00\x20\x00\x00"), EXC_GP);
    assert_int_equal(b->cpu.r[ESP], 0x8000);
}

static void sixteen_bit_stack_wraps_inside_sp(void **state)
{
    struct bench *b = *state;
    bench_real(b);
    b->cpu.r[ESP] = 0xABCD0000;
    b->cpu.r[EAX] = 0x5678;
    assert_int_equal(RUN(b, "\x50"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[ESP], 0xABCDFFFE);
    assert_int_equal(bench_word(b, 0xFFFE, 2), 0x5678);
}

static void pusha_saves_the_esp_from_before(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 8; i++)
        if (i != ESP)
            b->cpu.r[i] = 0x100 + i;
    assert_int_equal(RUN(b, "\x60"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[ESP], 0x7FE0);
    assert_int_equal(bench_word(b, 0x7FFC, 4), 0x100 + EAX);
    assert_int_equal(bench_word(b, 0x7FEC, 4), 0x8000);
    assert_int_equal(bench_word(b, 0x7FE0, 4), 0x100 + EDI);
    bench_put(b, 0x7FEC, 4, 0xDEAD);
    assert_int_equal(RUN(b, "\x61"), BENCH_NO_FAULT); /* POPA skips it */
    assert_int_equal(b->cpu.r[ESP], 0x8000);
}

static void enter_copies_thirty_frame_pointers_at_level_31(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EBP] = 0x9000;
    for (uint32_t i = 1; i <= 30; i++)
        bench_put(b, 0x9000 - 4 * i, 4, 0xF000 + i);
    assert_int_equal(RUN(b, "\xC8\x10\x00\xFF"), BENCH_NO_FAULT); /* level FF is 31 modulo 32 */
    assert_int_equal(bench_word(b, 0x7FFC, 4), 0x9000);
    assert_int_equal(bench_word(b, 0x7FF8, 4), 0xF001);
    assert_int_equal(bench_word(b, 0x7FFC - 4 * 30, 4), 0xF01E);
    assert_int_equal(bench_word(b, 0x7FFC - 4 * 31, 4), 0x7FFC); /* its own */
    assert_int_equal(b->cpu.r[EBP], 0x7FFC);
    assert_int_equal(b->cpu.r[ESP], 0x7FFC - 4 * 31 - 0x10);
    assert_int_equal(RUN(b, "\xC9"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[ESP], 0x8000);
    assert_int_equal(b->cpu.r[EBP], 0x9000);
}

static void enter_that_leaves_the_segment_changes_nothing(void **state)
{
    struct bench *b = *state;
    bench_real(b);
    b->cpu.seg[SS].limit = b->cpu.seg[SS].fast_limit = 0x8FFF;
    b->cpu.r[EBP] = 0x1111;
    b->cpu.r[ESP] = 0x10;
    assert_int_equal(RUN(b, "\xC8\x20\x00\x00"), EXC_SS); /* SP would wrap to FFEE */
    assert_int_equal(b->cpu.r[EBP], 0x1111);
    assert_int_equal(b->cpu.r[ESP], 0x10);
}

static void popf_at_cpl_3_keeps_iopl_and_if(void **state)
{
    struct bench *b = *state;
    bench_cpl(b, 3);
    cpu_set_flags(&b->cpu, F_IF | 2);
    bench_put(b, 0x8000, 4, F_IOPL | F_CF | F_ID | F_VIP);
    assert_int_equal(RUN(b, "\x9D"), BENCH_NO_FAULT);
    assert_int_equal(cpu_get_flags(&b->cpu), F_IF | F_CF | F_ID | 2);
}

static void enter_v86(struct bench *b, unsigned iopl)
{
    bench_segments(b, 0, 0xFFFF, 3);
    cpu_set_flags(&b->cpu, F_VM | iopl << 12 | 2);
    cpu_set_cpl(&b->cpu, 3);
}

static void pushf_in_v86_needs_iopl_3_or_vme(void **state)
{
    struct bench *b = *state;
    enter_v86(b, 0);
    assert_int_equal(RUN(b, "\x9C"), EXC_GP);
    b->cpu.cr4 = CR4_VME;
    b->cpu.eflags |= F_VIF;
    assert_int_equal(RUN(b, "\x9C"), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, 0x7FFE, 2), F_IOPL | F_IF | 2);
    assert_int_equal(RUN(b, "\x66\x9C"), EXC_GP); /* never the 32-bit form */
}

static void popf_in_v86_with_vme_moves_if_to_vif(void **state)
{
    struct bench *b = *state;
    enter_v86(b, 0);
    b->cpu.cr4 = CR4_VME;
    bench_put(b, 0x8000, 2, F_IF | F_CF);
    assert_int_equal(RUN(b, "\x9D"), BENCH_NO_FAULT);
    assert_int_equal(cpu_get_flags(&b->cpu), F_VM | F_VIF | F_CF | 2);
    b->cpu.eflags |= F_VIP; /* an interrupt is pending: to the monitor */
    bench_put(b, 0x8002, 2, F_IF);
    assert_int_equal(RUN(b, "\x9D"), EXC_GP);
    assert_int_equal(b->cpu.r[ESP], 0x8002);
}

static void sti_opens_a_shadow_only_when_if_was_clear(void **state)
{
    struct bench *b = *state;
    assert_int_equal(RUN(b, "\xFB"), BENCH_NO_FAULT);
    assert_true(b->cpu.shadow);
    b->cpu.shadow = false;
    assert_int_equal(RUN(b, "\xFB"), BENCH_NO_FAULT);
    assert_false(b->cpu.shadow);
}

static void cli_at_cpl_3_clears_vif_with_pvi(void **state)
{
    struct bench *b = *state;
    bench_cpl(b, 3);
    cpu_set_flags(&b->cpu, F_IF | F_VIF | 2);
    assert_int_equal(RUN(b, "\xFA"), EXC_GP);
    b->cpu.cr4 = CR4_PVI;
    assert_int_equal(RUN(b, "\xFA"), BENCH_NO_FAULT);
    assert_int_equal(cpu_get_flags(&b->cpu), F_IF | 2);
}

static void call_beyond_the_limit_pushes_nothing(void **state)
{
    struct bench *b = *state;
    b->cpu.seg[CS].limit = 0xFFFF;
    assert_int_equal(RUN(b, "\xE8\x00\x00\x10\x00"), EXC_GP);
    assert_int_equal(b->cpu.r[ESP], 0x8000);
    assert_int_equal(bench_word(b, 0x7FFC, 4), 0);
}

static void loop_counts_cx_with_16_bit_addresses(void **state)
{
    struct bench *b = *state;
    b->cpu.r[ECX] = 0xFFFF0001;
    assert_int_equal(RUN(b, "\x67\xE2\x10"), BENCH_NO_FAULT);
    assert_false(b->cpu.branched);
    assert_int_equal(b->cpu.r[ECX], 0xFFFF0000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(push_esp_pushes_the_value_before),
        TEST(pop_esp_takes_the_popped_value),
        TEST(pop_to_esp_relative_memory_uses_the_new_esp),
        TEST(pop_whose_write_faults_leaves_esp),
        TEST(sixteen_bit_stack_wraps_inside_sp),
        TEST(pusha_saves_the_esp_from_before),
        TEST(enter_copies_thirty_frame_pointers_at_level_31),
        TEST(enter_that_leaves_the_segment_changes_nothing),
        TEST(popf_at_cpl_3_keeps_iopl_and_if),
        TEST(pushf_in_v86_needs_iopl_3_or_vme),
        TEST(popf_in_v86_with_vme_moves_if_to_vif),
        TEST(sti_opens_a_shadow_only_when_if_was_clear),
        TEST(cli_at_cpl_3_clears_vif_with_pvi),
        TEST(call_beyond_the_limit_pushes_nothing),
        TEST(loop_counts_cx_with_16_bit_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
