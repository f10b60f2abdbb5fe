/* 3DNow! at the ends of its range, where tests/isa/now.sh has no judge; and what its encoding,
 * whose last byte is part of the opcode, is decoded into. [APM5] */
#include "insn_bench.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

#define NOW(suffix) "\x0F\x0F\xC1" suffix /* mm0, mm1 */
#define PFADD NOW("\x9E")
#define PFMUL NOW("\xB4")
#define PF2ID NOW("\x1D")
#define PF2IW NOW("\x1C")
#define PFRCP NOW("\x96")
#define PFRSQRT NOW("\x97")

enum { ONE = 0x3F800000, LARGEST = 0x7F7FFFFF, SMALLEST = 0x00800000 };
#define MINUS 0x80000000u

static const struct identity part = {
    .part = "with 3DNow!",
    .features = 1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT | 1u << FEATURE_3DNOW |
                1u << FEATURE_3DNOW_EXT,
};

static uint32_t run(const char *bytes, uint32_t a, uint32_t b)
{
    struct bench *t = bench_new_part(&part);
    t->cpu.x87.r[0].mantissa = a;
    t->cpu.x87.r[1].mantissa = b;
    assert_int_equal(bench_run(t, bytes, 4), BENCH_NO_FAULT);
    uint32_t low = (uint32_t)t->cpu.x87.r[0].mantissa;
    assert_int_equal(t->cpu.x87.empty, 0);
    bench_free(t);
    return low;
}

TEST(a_result_too_large_is_the_largest_number)
{
    UNUSED;
    assert_int_equal(run(PFADD, LARGEST, LARGEST), LARGEST);
    assert_int_equal(run(PFMUL, MINUS | LARGEST, LARGEST), MINUS | LARGEST);
    assert_int_equal(run(PFRCP, 0, 0), LARGEST);
    assert_int_equal(run(PFRCP, 0, MINUS), MINUS | LARGEST);
    assert_int_equal(run(PFRSQRT, 0, 0), LARGEST);
}

TEST(a_result_too_small_and_a_denormal_operand_are_zero)
{
    UNUSED;
    assert_int_equal(run(PFMUL, SMALLEST, ONE - SMALLEST), 0);
    assert_int_equal(run(PFADD, SMALLEST - 1, ONE), ONE);
    assert_int_equal(run(PFRCP, 0, LARGEST), 0);
}

TEST(a_negative_operands_root_has_its_sign)
{
    UNUSED;
    assert_int_equal(run(PFRSQRT, 0, MINUS | 0x40800000), MINUS | 0x3F000000);
}

TEST(conversions_truncate_and_saturate)
{
    UNUSED;
    assert_int_equal(run(PF2ID, 0, 0xBFFFFFFF), UINT32_MAX);
    assert_int_equal(run(PF2ID, 0, 0x4F000000), 0x7FFFFFFF);
    assert_int_equal(run(PF2ID, 0, 0xCF800000), 0x80000000);
    assert_int_equal(run(PF2IW, 0, 0x47000000), 0x7FFF);
    assert_int_equal(run(PF2IW, 0, 0xC7800000), 0xFFFF8000);
}

TEST(the_last_byte_chooses_and_an_unknown_one_is_ud)
{
    UNUSED;
    struct bench *b = bench_new_part(&part);
    assert_int_equal(RUN(b, NOW("\x00")), EXC_UD);
    assert_int_equal(RUN(b, NOW("\xFF")), EXC_UD);
    b->cpu.r[ESI] = 0x3000;
    assert_int_equal(RUN(b, "\x0F\x0F\x86\x10\x00\x00\x00\x9E"), BENCH_NO_FAULT);
    assert_string_equal(b->op.row->name, "PFADD");
    assert_int_equal(RUN(b, "\xF3\x0F\x0F\xC1\xB4"), BENCH_NO_FAULT); /* ignored prefix */
    assert_string_equal(b->op.row->name, "PFMUL");
    b->cpu.cr0 |= CR0_TS;
    assert_int_equal(RUN(b, PFADD), EXC_NM);
    b->cpu.cr0 |= CR0_EM;
    assert_int_equal(RUN(b, PFADD), EXC_UD);
    assert_int_equal(RUN(b, "\x0F\x0E"), EXC_UD); /* femms */
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_too_large_is_the_largest_number),
        cmocka_unit_test(a_result_too_small_and_a_denormal_operand_are_zero),
        cmocka_unit_test(a_negative_operands_root_has_its_sign),
        cmocka_unit_test(conversions_truncate_and_saturate),
        cmocka_unit_test(the_last_byte_chooses_and_an_unknown_one_is_ud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
