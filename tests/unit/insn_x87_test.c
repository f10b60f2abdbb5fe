/* x87 instructions around the arithmetic: availability, pending exceptions, environment formats,
 * faults of memory operands, the register stack. */
#include "cpu/x87.h"
#include "insn_bench.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

#define AT 0x3000 /* ESI of every test */

static struct bench *fpu_new(void)
{
    struct bench *b = bench_new();
    b->cpu.r[ESI] = AT;
    assert_int_equal(RUN(b, "\xDB\xE3"), BENCH_NO_FAULT); /* fninit */
    return b;
}

static void put_double(struct bench *b, uint32_t at, double v) { memcpy(b->ram + at, &v, 8); }

static void load(struct bench *b, double v)
{
    put_double(b, AT, v);
    assert_int_equal(RUN(b, "\xDD\x06"), BENCH_NO_FAULT); /* fld qword [esi] */
}

static double top(struct bench *b)
{
    double v;
    assert_int_equal(RUN(b, "\xDD\x16"), BENCH_NO_FAULT); /* fst qword [esi] */
    memcpy(&v, b->ram + AT, 8);
    return v;
}

static uint16_t status(struct bench *b)
{
    assert_int_equal(RUN(b, "\xDF\xE0"), BENCH_NO_FAULT); /* fnstsw ax */
    return (uint16_t)b->cpu.r[EAX];
}

static void control(struct bench *b, uint16_t v)
{
    bench_put(b, AT, 2, v);
    assert_int_equal(RUN(b, "\xD9\x2E"), BENCH_NO_FAULT); /* fldcw [esi] */
}

/* --- availability ----------------------------------------------------------------------------- */

TEST(em_and_ts_raise_nm_for_waiting_control_and_undefined_encodings)
{
    UNUSED;
    static const uint32_t bits[] = {CR0_EM, CR0_TS};
    struct bench *b = fpu_new();
    for (unsigned i = 0; i < 2; i++) {
        b->cpu.cr0 |= bits[i];
        assert_int_equal(RUN(b, "\xD8\xC1"), EXC_NM);
        assert_int_equal(RUN(b, "\xDB\xE3"), EXC_NM);
        assert_int_equal(RUN(b, "\xDF\xE0"), EXC_NM);
        assert_int_equal(RUN(b, "\xDB\xE0"), EXC_NM);
        assert_int_equal(RUN(b, "\xD9\xD1"), EXC_NM);
        b->cpu.cr0 &= ~bits[i];
    }
    assert_int_equal(RUN(b, "\xD9\xD1"), EXC_UD);
    assert_int_equal(RUN(b, "\xDA\xC1"), EXC_UD); /* fcmovb: not on this part */
    assert_int_equal(RUN(b, "\xDB\xE0"), BENCH_NO_FAULT);
    bench_free(b);
}

TEST(wait_raises_nm_only_for_mp_with_ts)
{
    UNUSED;
    struct bench *b = fpu_new();
    b->cpu.cr0 |= CR0_TS;
    assert_int_equal(RUN(b, "\x9B"), BENCH_NO_FAULT);
    b->cpu.cr0 |= CR0_MP;
    assert_int_equal(RUN(b, "\x9B"), EXC_NM);
    b->cpu.cr0 = (b->cpu.cr0 & ~(uint32_t)CR0_TS) | CR0_EM;
    assert_int_equal(RUN(b, "\x9B"), BENCH_NO_FAULT);
    bench_free(b);
}

/* --- pending exceptions ----------------------------------------------------------------------- */

static void divide_by_zero(struct bench *b)
{
    control(b, 0x37F & ~X87_ZE);
    assert_int_equal(RUN(b, "\xD9\xE8"), BENCH_NO_FAULT); /* fld1 */
    assert_int_equal(RUN(b, "\xD9\xEE"), BENCH_NO_FAULT); /* fldz */
    assert_int_equal(RUN(b, "\xD8\xF9"), BENCH_NO_FAULT); /* fdivr st,st(1): 1/0 */
}

TEST(unmasked_zero_divide_waits_for_the_next_waiting_instruction)
{
    UNUSED;
    struct bench *b = fpu_new();
    divide_by_zero(b);
    assert_int_equal(status(b) & 0xFF, X87_ES | X87_ZE);
    assert_int_equal(b->cpu.x87.r[b->cpu.x87.top].mantissa, 0); /* the divisor stays */
    assert_int_equal(RUN(b, "\xD9\xC0"), EXC_MF);
    assert_int_equal(RUN(b, "\x9B"), EXC_MF);
    assert_int_equal(RUN(b, "\xD9\x2E"), EXC_MF);
    assert_int_equal(RUN(b, "\xD9\x3E"), BENCH_NO_FAULT); /* fnstcw */
    assert_int_equal(RUN(b, "\xDB\xE2"), BENCH_NO_FAULT); /* fnclex */
    assert_int_equal(RUN(b, "\xD9\xC0"), BENCH_NO_FAULT);
    bench_free(b);
}

TEST(fldcw_that_unmasks_a_set_flag_makes_it_pending)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 1);
    load(b, 3);
    assert_int_equal(RUN(b, "\xD8\xF9"), BENCH_NO_FAULT); /* 1/3 is inexact */
    assert_int_equal(status(b) & (X87_ES | X87_PE), X87_PE);
    control(b, 0x37F & ~X87_PE);
    assert_int_equal(status(b) & (X87_B | X87_ES | X87_PE), X87_B | X87_ES | X87_PE);
    assert_int_equal(RUN(b, "\xD9\xC0"), EXC_MF);
    bench_free(b);
}

static void note_level(void *owner, bool level) { *(int *)owner = level; }

TEST(without_ne_the_processor_asserts_ferr_and_waits_before_the_instruction)
{
    UNUSED;
    struct bench *b = fpu_new();
    int ferr = -1;
    b->cpu.ferr = note_level;
    b->cpu.ferr_owner = &ferr;
    b->cpu.cr0 &= ~(uint32_t)CR0_NE;
    divide_by_zero(b);
    assert_int_equal(ferr, -1);
    uint8_t before = b->cpu.x87.top;
    uint32_t eip = b->cpu.eip;
    assert_int_equal(RUN(b, "\xD9\xE8"), BENCH_NO_FAULT);
    assert_int_equal(ferr, 1);
    assert_true(b->cpu.halted);
    assert_int_equal(b->cpu.eip, eip);
    assert_int_equal(b->cpu.x87.top, before);
    b->cpu.halted = false;
    b->cpu.ignne = true; /* the handler may use the x87 */
    assert_int_equal(RUN(b, "\xD9\xE8"), BENCH_NO_FAULT);
    assert_false(b->cpu.halted);
    assert_int_equal(b->cpu.x87.top, (before - 1) & 7);
    assert_int_equal(RUN(b, "\xDB\xE2"), BENCH_NO_FAULT);
    assert_int_equal(ferr, 0);
    bench_free(b);
}

/* --- memory operands -------------------------------------------------------------------------- */

TEST(faulting_store_changes_nothing)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 1);
    load(b, 3);
    RUN(b, "\xD8\xF9");
    struct x87 before = b->cpu.x87;
    b->cpu.seg[DS].limit = b->cpu.seg[DS].fast_limit = AT + 2;
    assert_int_equal(RUN(b, "\xD9\x1E"), EXC_GP); /* fstp dword */
    assert_int_equal(RUN(b, "\xDB\x3E"), EXC_GP); /* fstp tbyte */
    assert_int_equal(RUN(b, "\xDF\x36"), EXC_GP); /* fbstp */
    assert_int_equal(RUN(b, "\xDD\x06"), EXC_GP); /* fld qword */
    assert_int_equal(RUN(b, "\xDD\x36"), EXC_GP); /* fnsave */
    assert_memory_equal(&before, &b->cpu.x87, sizeof before);
    bench_free(b);
}

/* Identity-maps the first megabyte; the page at `missing` is not present. */
static void paging(struct bench *b, uint32_t missing)
{
    enum { DIRECTORY = 0x80000, TABLE = 0x81000 };
    bench_put(b, DIRECTORY, 4, TABLE | 7);
    for (uint32_t i = 0; i < 256; i++)
        bench_put(b, TABLE + 4 * i, 4, i << 12 | (i << 12 == missing ? 0 : 7));
    mmu_set_cr3(&b->mmu, DIRECTORY);
    b->cpu.cr0 |= CR0_PG;
    cpu_mode_changed(&b->cpu);
}

TEST(store_across_pages_faults_before_the_first_byte)
{
    UNUSED;
    static const struct {
        const char *code;
        uint32_t before; /* bytes that lie in the page that is present */
    } cases[] = {{"\xDB\x3E", 4}, {"\xDF\x36", 8}, {"\xD9\x36", 12}, {"\xDD\x36", 60}};
    struct bench *b = fpu_new();
    load(b, 1);
    paging(b, 0x5000);
    struct x87 x87 = b->cpu.x87;
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        b->cpu.r[ESI] = 0x5000 - cases[i].before;
        assert_int_equal(bench_run(b, cases[i].code, 2), EXC_PF);
        assert_int_equal(b->cpu.cr2, 0x5000);
        for (uint32_t at = 0x4F00; at < 0x5000; at++)
            assert_int_equal(b->ram[at], 0);
        assert_memory_equal(&x87, &b->cpu.x87, sizeof x87);
    }
    bench_free(b);
}

TEST(unmasked_invalid_store_writes_nothing_and_does_not_pop)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 1e300);
    control(b, 0x37F & ~X87_IE);
    bench_put(b, AT, 4, 0x11111111);
    assert_int_equal(RUN(b, "\xDB\x1E"), BENCH_NO_FAULT); /* fistp dword */
    assert_int_equal(bench_word(b, AT, 4), 0x11111111);
    assert_int_equal(b->cpu.x87.top, 7);
    assert_int_equal(status(b) & 0xFF, X87_ES | X87_IE);
    bench_free(b);
}

/* --- environment ------------------------------------------------------------------------------ */

static void set_pointers(struct bench *b)
{
    load(b, 0);
    load(b, 1);
    b->cpu.x87.opcode = 0x5A3;
    b->cpu.x87.code_selector = 0x1234;
    b->cpu.x87.code_offset = 0x89ABCDEF;
    b->cpu.x87.data_selector = 0x4321;
    b->cpu.x87.data_offset = 0x76543210;
}

static void expect_words(struct bench *b, unsigned size, const uint32_t words[7])
{
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(bench_word(b, AT + size * i, size), words[i]);
}

TEST(environment_of_32_bits_in_protected_mode)
{
    UNUSED;
    struct bench *b = fpu_new();
    set_pointers(b);
    b->cpu.x87.control = 0x360;
    assert_int_equal(RUN(b, "\xD9\x36"), BENCH_NO_FAULT);
    static const uint32_t words[7] = {0xFFFF0360, 0xFFFF3000, 0xFFFF4FFF, 0x89ABCDEF,
                                      0x05A31234, 0x76543210, 0xFFFF4321};
    expect_words(b, 4, words);
    assert_int_equal(b->cpu.x87.control, 0x37F); /* all masked afterwards */
    struct x87 before = b->cpu.x87;
    assert_int_equal(RUN(b, "\xDB\xE3"), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, "\xD9\x26"), BENCH_NO_FAULT); /* fldenv */
    before.control = 0x360;
    assert_memory_equal(&before, &b->cpu.x87, sizeof before);
    bench_free(b);
}

TEST(environment_of_16_bits_in_protected_mode)
{
    UNUSED;
    struct bench *b = fpu_new();
    set_pointers(b);
    assert_int_equal(RUN(b, "\x66\xD9\x36"), BENCH_NO_FAULT);
    static const uint32_t words[7] = {0x037F, 0x3000, 0x4FFF, 0xCDEF, 0x1234, 0x3210, 0x4321};
    expect_words(b, 2, words);
    assert_int_equal(bench_word(b, AT + 14, 2), 0);
    bench_free(b);
}

TEST(environment_in_real_mode_holds_linear_addresses)
{
    UNUSED;
    struct bench *b = fpu_new();
    set_pointers(b);
    b->cpu.x87.code_offset = 0xCDEF;
    b->cpu.x87.data_offset = 0x3210;
    bench_real(b);
    b->cpu.r[ESI] = AT;
    assert_int_equal(RUN(b, "\xD9\x34"), BENCH_NO_FAULT); /* fnstenv [si] */
    /* 1234:CDEF is 1F12F, 4321:3210 is 46420 */
    static const uint32_t words[7] = {0x037F, 0x3000, 0x4FFF, 0xF12F, 0x15A3, 0x6420, 0x4000};
    expect_words(b, 2, words);
    assert_int_equal(RUN(b, "\x66\xD9\x34"), BENCH_NO_FAULT);
    static const uint32_t wide[7] = {0xFFFF037F, 0xFFFF3000, 0xFFFF4FFF, 0xFFFFF12F,
                                     0x000015A3, 0xFFFF6420, 0x00004000};
    expect_words(b, 4, wide);
    assert_int_equal(RUN(b, "\x66\xD9\x24"), BENCH_NO_FAULT); /* fldenv */
    assert_int_equal(b->cpu.x87.code_selector, 0);
    assert_int_equal(b->cpu.x87.code_offset, 0x1F12F);
    assert_int_equal(b->cpu.x87.data_offset, 0x46420);
    bench_free(b);
}

/* Saved, restored and saved again: the same image. */
TEST(fnsave_and_frstor_are_inverse_in_both_sizes)
{
    UNUSED;
    enum { AGAIN = 0x3800 };
    static const char *const save[] = {"\xDD\x36", "\x66\xDD\x36"};
    static const char *const restore[] = {"\xDD\x26", "\x66\xDD\x26"};
    for (unsigned i = 0; i < 2; i++) {
        unsigned environment = i ? 14 : 28;
        struct bench *b = fpu_new();
        load(b, 2.5);
        load(b, -7);
        load(b, 0);
        assert_int_equal(bench_run(b, save[i], 2 + i), BENCH_NO_FAULT);
        assert_int_equal(b->cpu.x87.empty, 0xFF);
        assert_int_equal(bench_word(b, AT + environment + 18, 2), 0xC001); /* ST(1) is -7 */
        assert_int_equal(bench_word(b, AT + environment + 80, 4), 0);
        assert_int_equal(bench_run(b, restore[i], 2 + i), BENCH_NO_FAULT);
        b->cpu.r[ESI] = AGAIN;
        assert_int_equal(bench_run(b, save[i], 2 + i), BENCH_NO_FAULT);
        assert_memory_equal(b->ram + AT, b->ram + AGAIN, environment + 80);
        bench_free(b);
    }
}

TEST(pointers_follow_instructions_that_are_not_control)
{
    UNUSED;
    struct bench *b = fpu_new();
    b->cpu.seg[CS].selector = 0x73;
    b->cpu.seg[DS].selector = 0x7B;
    b->cpu.eip = 0x1000;
    load(b, 1); /* DD 06 at 1000 */
    assert_int_equal(b->cpu.x87.opcode, 0x506);
    assert_int_equal(b->cpu.x87.code_offset, 0x1000);
    assert_int_equal(b->cpu.x87.code_selector, 0x73);
    assert_int_equal(b->cpu.x87.data_offset, AT);
    assert_int_equal(b->cpu.x87.data_selector, 0x7B);
    assert_int_equal(RUN(b, "\xD9\xC0"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.x87.opcode, 0x1C0);
    assert_int_equal(b->cpu.x87.code_offset, 0x1002);
    assert_int_equal(b->cpu.x87.data_offset, AT);
    assert_int_equal(RUN(b, "\xD9\x3E"), BENCH_NO_FAULT); /* fnstcw leaves them */
    assert_int_equal(b->cpu.x87.opcode, 0x1C0);
    bench_free(b);
}

/* --- the stack, and functions that may do nothing --------------------------------------------- */

TEST(overflow_and_underflow_of_the_stack)
{
    UNUSED;
    struct bench *b = fpu_new();
    assert_int_equal(RUN(b, "\xD9\xE0"), BENCH_NO_FAULT); /* fchs of an empty register */
    assert_int_equal(status(b) & (X87_SF | X87_IE | X87_C1), X87_SF | X87_IE);
    assert_int_equal(b->cpu.x87.empty, 0xFE); /* the indefinite is in it */
    assert_int_equal(b->cpu.x87.r[0].sign_exponent, 0xFFFF);
    RUN(b, "\xDB\xE3");
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(RUN(b, "\xD9\xE8"), BENCH_NO_FAULT); /* fld1 */
    assert_int_equal(status(b) & (X87_SF | X87_IE | X87_C1), X87_SF | X87_IE | X87_C1);
    assert_int_equal(b->cpu.x87.r[b->cpu.x87.top].sign_exponent, 0xFFFF);
    bench_free(b);
}

TEST(ffreep_empties_and_pops)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 1);
    load(b, 2);
    assert_int_equal(RUN(b, "\xDF\xC1"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.x87.empty, 0xFF);
    assert_int_equal(b->cpu.x87.top, 7);
    bench_free(b);
}

TEST(sine_out_of_range_sets_c2_only)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 9223372036854775808.0);
    assert_int_equal(RUN(b, "\xD9\xFE"), BENCH_NO_FAULT);
    assert_true(status(b) & X87_C2);
    assert_true(top(b) == 9223372036854775808.0);
    load(b, 0.5);
    assert_int_equal(RUN(b, "\xD9\xF2"), BENCH_NO_FAULT); /* fptan pushes 1 */
    assert_false(status(b) & X87_C2);
    assert_true(top(b) == 1);
    assert_int_equal(RUN(b, "\xDD\xD8"), BENCH_NO_FAULT);
    assert_true(top(b) == 0x1.17b4f5bf3474ap-1);
    bench_free(b);
}

TEST(fprem_needs_rounds_until_c2_is_clear)
{
    UNUSED;
    struct bench *b = fpu_new();
    load(b, 7);
    load(b, 1e30);
    unsigned rounds = 0;
    do {
        assert_int_equal(RUN(b, "\xD9\xF8"), BENCH_NO_FAULT);
        rounds++;
    } while (status(b) & X87_C2);
    assert_int_equal(rounds, 2);
    assert_true(top(b) == 5); /* (10^30 as a double) mod 7 */
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(em_and_ts_raise_nm_for_waiting_control_and_undefined_encodings),
        cmocka_unit_test(wait_raises_nm_only_for_mp_with_ts),
        cmocka_unit_test(unmasked_zero_divide_waits_for_the_next_waiting_instruction),
        cmocka_unit_test(fldcw_that_unmasks_a_set_flag_makes_it_pending),
        cmocka_unit_test(without_ne_the_processor_asserts_ferr_and_waits_before_the_instruction),
        cmocka_unit_test(faulting_store_changes_nothing),
        cmocka_unit_test(store_across_pages_faults_before_the_first_byte),
        cmocka_unit_test(unmasked_invalid_store_writes_nothing_and_does_not_pop),
        cmocka_unit_test(environment_of_32_bits_in_protected_mode),
        cmocka_unit_test(environment_of_16_bits_in_protected_mode),
        cmocka_unit_test(environment_in_real_mode_holds_linear_addresses),
        cmocka_unit_test(fnsave_and_frstor_are_inverse_in_both_sizes),
        cmocka_unit_test(pointers_follow_instructions_that_are_not_control),
        cmocka_unit_test(overflow_and_underflow_of_the_stack),
        cmocka_unit_test(ffreep_empties_and_pops),
        cmocka_unit_test(sine_out_of_range_sets_c2_only),
        cmocka_unit_test(fprem_needs_rounds_until_c2_is_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
