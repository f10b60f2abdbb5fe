/* SSE arithmetic around its results: which exceptions are raised and reported, what stays as it
 * was. Results are tests/isa/differential's; those that no host can judge to the bit are here: the
 * bounds of approximations. */
#include "cpu/sse.h"
#include "insn_bench.h"

#include <math.h>

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

#define ADDPS "\x0F\x58\xC1" /* xmm0, xmm1 */
#define DIVPS "\x0F\x5E\xC1"
#define MULSS "\xF3\x0F\x59\xC1"
#define MINPS "\x0F\x5D\xC1"
#define COMISS "\x0F\x2F\xC1"
#define UCOMISS "\x0F\x2E\xC1"
#define CVTSS2SI "\xF3\x0F\x2D\xC1" /* eax, xmm1 */

enum {
    ONE = 0x3F800000, LARGEST = 0x7F7FFFFF, SMALLEST = 0x00800000, DENORMAL = 0x00000001,
    QUIET = 0x7FC00001, SIGNALLING = 0x7F800001, INFINITE = 0x7F800000,
};
#define MASKED 0x1F80u
#define UNMASKED(flag) (MASKED & ~((uint32_t)(flag) << SSE_MASK_SHIFT))

static const struct identity part = {
    .part = "with SSE2",
    .features = 1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT | 1u << FEATURE_FXSR |
                1u << FEATURE_SSE | 1u << FEATURE_SSE2,
    .cr4_writable = 0x67F,
    .mxcsr_mask = 0xFFFF,
};

static struct bench *sse_new(uint32_t a, uint32_t b)
{
    struct bench *t = bench_new_part(&part);
    t->cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    t->cpu.xmm[0].d[0] = a;
    t->cpu.xmm[1].d[0] = b;
    t->cpu.xmm[0].d[1] = t->cpu.xmm[1].d[1] = ONE;
    return t;
}

TEST(an_unmasked_exception_is_xm_and_leaves_the_register)
{
    UNUSED;
    struct bench *b = sse_new(ONE, 0);
    b->cpu.mxcsr = UNMASKED(SSE_ZE);
    b->cpu.xmm[1].d[1] = ONE;
    assert_int_equal(RUN(b, DIVPS), EXC_XM);
    assert_false(b->cpu.fault_has_code);
    assert_int_equal(b->cpu.xmm[0].d[0], ONE);
    assert_int_equal(b->cpu.xmm[0].d[1], ONE);
    assert_true(b->cpu.mxcsr & SSE_ZE);
    bench_free(b);
}

TEST(without_osxmmexcpt_it_is_ud)
{
    UNUSED;
    struct bench *b = sse_new(ONE, 0);
    b->cpu.mxcsr = UNMASKED(SSE_ZE);
    b->cpu.cr4 = CR4_OSFXSR;
    assert_int_equal(RUN(b, DIVPS), EXC_UD);
    assert_true(b->cpu.mxcsr & SSE_ZE);
    bench_free(b);
}

TEST(a_flag_that_was_set_before_raises_nothing)
{
    UNUSED;
    struct bench *b = sse_new(ONE, ONE);
    b->cpu.mxcsr = UNMASKED(SSE_ZE) | SSE_ZE;
    assert_int_equal(RUN(b, ADDPS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].d[0], 0x40000000);
    bench_free(b);
}

TEST(an_unmasked_operand_exception_hides_what_other_lanes_would_report)
{
    UNUSED;
    struct bench *b = sse_new(SIGNALLING, ONE); /* the second lane is inexact */
    b->cpu.xmm[1].d[1] = DENORMAL | SMALLEST;
    b->cpu.mxcsr = UNMASKED(SSE_IE);
    assert_int_equal(RUN(b, ADDPS), EXC_XM);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, SSE_IE);
    b->cpu.mxcsr = MASKED;
    assert_int_equal(RUN(b, ADDPS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, SSE_IE | SSE_PE);
    assert_int_equal(b->cpu.xmm[0].d[0], SIGNALLING | 0x400000);
    bench_free(b);
}

TEST(the_first_operands_nan_wins)
{
    UNUSED;
    struct bench *b = sse_new(QUIET, SIGNALLING + 1);
    assert_int_equal(RUN(b, ADDPS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].d[0], QUIET);
    assert_true(b->cpu.mxcsr & SSE_IE);
    b->cpu.xmm[0].d[0] = QUIET;
    b->cpu.xmm[1].d[0] = SIGNALLING;
    assert_int_equal(RUN(b, MINPS), BENCH_NO_FAULT); /* MIN: the second, as it is */
    assert_int_equal(b->cpu.xmm[0].d[0], SIGNALLING);
    bench_free(b);
}

TEST(flush_to_zero_needs_a_masked_underflow)
{
    UNUSED;
    struct bench *b = sse_new(SMALLEST, 0x3F000000); /* one half */
    b->cpu.mxcsr = MASKED | SSE_FZ;
    assert_int_equal(RUN(b, MULSS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].d[0], 0);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, SSE_UE | SSE_PE);
    b->cpu.xmm[0].d[0] = SMALLEST;
    b->cpu.mxcsr = MASKED; /* exact: no underflow */
    assert_int_equal(RUN(b, MULSS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].d[0], SMALLEST / 2);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, 0);
    b->cpu.xmm[0].d[0] = SMALLEST;
    b->cpu.mxcsr = UNMASKED(SSE_UE) | SSE_FZ;
    assert_int_equal(RUN(b, MULSS), EXC_XM);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, SSE_UE);
    bench_free(b);
}

TEST(denormals_are_zeros_reports_no_denormal)
{
    UNUSED;
    struct bench *b = sse_new(DENORMAL, ONE);
    b->cpu.mxcsr = UNMASKED(SSE_DE);
    assert_int_equal(RUN(b, MULSS), EXC_XM);
    b->cpu.mxcsr = UNMASKED(SSE_DE) | SSE_DAZ;
    assert_int_equal(RUN(b, MULSS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].d[0], 0);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, 0);
    bench_free(b);
}

TEST(a_comparison_that_raises_leaves_eflags)
{
    UNUSED;
    struct bench *b = sse_new(QUIET, ONE);
    cpu_set_flags(&b->cpu, F_OF | F_SF | F_AF);
    b->cpu.mxcsr = UNMASKED(SSE_IE);
    assert_int_equal(RUN(b, COMISS), EXC_XM);
    assert_int_equal(cpu_get_flags(&b->cpu) & F_ARITH, F_OF | F_SF | F_AF);
    b->cpu.mxcsr &= ~(uint32_t)SSE_IE;
    assert_int_equal(RUN(b, UCOMISS), BENCH_NO_FAULT); /* quiet */
    assert_int_equal(cpu_get_flags(&b->cpu) & F_ARITH, F_ZF | F_PF | F_CF);
    bench_free(b);
}

TEST(a_number_that_is_no_integer_of_32_bits_is_invalid)
{
    UNUSED;
    struct bench *b = sse_new(0, 0x4F000000); /* 2^31 */
    assert_int_equal(RUN(b, CVTSS2SI), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0x80000000);
    assert_int_equal(b->cpu.mxcsr & SSE_EXCEPTIONS, SSE_IE);
    b->cpu.r[EAX] = 7;
    b->cpu.mxcsr = UNMASKED(SSE_IE);
    assert_int_equal(RUN(b, CVTSS2SI), EXC_XM);
    assert_int_equal(b->cpu.r[EAX], 7);
    b->cpu.xmm[1].d[0] = 0xCF000000; /* -2^31 is one */
    assert_int_equal(RUN(b, CVTSS2SI), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0x80000000);
    bench_free(b);
}

/* --- approximations --------------------------------------------------------------------------- */

static float single(uint32_t v)
{
    float f;
    memcpy(&f, &v, 4);
    return f;
}

static void check_bound(uint32_t x, unsigned bits)
{
    double bound = ldexp(1, -(int)bits), v = single(x);
    double r = single(sse_reciprocal(x, bits)) * v - 1;
    double q = single(sse_reciprocal_root(x, bits)) * sqrt(v) - 1;
    assert_true(fabs(r) <= bound * 1.0000001);
    assert_true(fabs(q) <= bound * 1.0000001);
}

TEST(reciprocals_are_as_near_as_their_bits_allow)
{
    UNUSED;
    uint32_t x = 0x20000000;
    for (unsigned i = 0; i < 20000; i++, x += 0xB51D)
        check_bound(x, 13);
    for (unsigned i = 0; i < 20000; i++, x += 0x1357)
        check_bound(x, 15);
    for (uint32_t power = 0x3F000000; power < 0x40000000; power += 0x00800000) {
        check_bound(power - 1, 13);
        check_bound(power, 13);
        check_bound(power + 1, 13);
    }
}

TEST(reciprocals_of_what_is_no_positive_number)
{
    UNUSED;
    assert_int_equal(sse_reciprocal(0x80000000, 13), 0x80000000 | INFINITE);
    assert_int_equal(sse_reciprocal(DENORMAL, 13), INFINITE);
    assert_int_equal(sse_reciprocal(INFINITE, 13), 0);
    assert_int_equal(sse_reciprocal(LARGEST, 13), 0); /* a denormal would be flushed */
    assert_int_equal(sse_reciprocal(SIGNALLING, 13), SIGNALLING | 0x400000);
    assert_int_equal(sse_reciprocal_root(0x80000000, 13), 0x80000000 | INFINITE);
    assert_int_equal(sse_reciprocal_root(0x80000000 | ONE, 13), 0xFFC00000);
    assert_int_equal(sse_reciprocal_root(INFINITE, 13), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unmasked_exception_is_xm_and_leaves_the_register),
        cmocka_unit_test(without_osxmmexcpt_it_is_ud),
        cmocka_unit_test(a_flag_that_was_set_before_raises_nothing),
        cmocka_unit_test(an_unmasked_operand_exception_hides_what_other_lanes_would_report),
        cmocka_unit_test(the_first_operands_nan_wins),
        cmocka_unit_test(flush_to_zero_needs_a_masked_underflow),
        cmocka_unit_test(denormals_are_zeros_reports_no_denormal),
        cmocka_unit_test(a_comparison_that_raises_leaves_eflags),
        cmocka_unit_test(a_number_that_is_no_integer_of_32_bits_is_invalid),
        cmocka_unit_test(reciprocals_are_as_near_as_their_bits_allow),
        cmocka_unit_test(reciprocals_of_what_is_no_positive_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
