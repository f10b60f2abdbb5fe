/* MMX and SSE instructions around what they compute: availability, pending x87 exceptions, tags,
 * alignment, FXSAVE's image, MXCSR. What they compute is tests/isa/differential's. */
#include "cpu/x87.h"
#include "insn_bench.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

#define AT 0x3000 /* ESI of every test */
#define VECTOR_FEATURES                                                                            \
    (1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT | 1u << FEATURE_FXSR | 1u << FEATURE_SSE |          \
     1u << FEATURE_SSE2 | 1u << FEATURE_SSE3 | 1u << FEATURE_CLFLUSH)

#define PADDB_MMX "\x0F\xFC\xC1"
#define EMMS "\x0F\x77"
#define PADDB_XMM "\x66\x0F\xFC\xC1"
#define PADDB_XMM_M "\x66\x0F\xFC\x06"
#define MOVAPS_LOAD "\x0F\x28\x06"
#define MOVAPS_STORE "\x0F\x29\x06"
#define MOVUPS_LOAD "\x0F\x10\x06"
#define MOVQ_LOAD "\x0F\x6F\x06"
#define MOVDQ2Q "\xF2\x0F\xD6\xC1"
#define FXSAVE "\x0F\xAE\x06"
#define FXRSTOR "\x0F\xAE\x0E"
#define LDMXCSR "\x0F\xAE\x16"
#define STMXCSR "\x0F\xAE\x1E"

static const struct identity with_sse = {
    .part = "with SSE3", .features = VECTOR_FEATURES, .cr4_writable = 0x67F, .mxcsr_mask = 0xFFFF};
static const struct identity with_mmx = {
    .part = "with MMX and FXSAVE",
    .features = 1u << FEATURE_MMX | 1u << FEATURE_FXSR,
    .cr4_writable = 0x27F};

static struct bench *vector_new(void)
{
    struct bench *b = bench_new_part(&with_sse);
    b->cpu.r[ESI] = AT;
    b->cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    assert_int_equal(RUN(b, "\xDB\xE3"), BENCH_NO_FAULT); /* fninit */
    return b;
}

/* --- availability ----------------------------------------------------------------------------- */

TEST(a_part_without_the_feature_calls_it_invalid)
{
    UNUSED;
    struct bench *none = bench_new(), *mmx = bench_new_part(&with_mmx);
    assert_int_equal(RUN(none, "\x0F\xFC"), EXC_UD);
    assert_int_equal(RUN(none, "\x0F\xAE"), EXC_UD);
    assert_int_equal(RUN(mmx, PADDB_MMX), BENCH_NO_FAULT);
    mmx->cpu.cr4 = CR4_OSFXSR;
    assert_int_equal(RUN(mmx, "\x0F\x28"), EXC_UD);
    assert_int_equal(RUN(mmx, PADDB_XMM), EXC_UD);
    assert_int_equal(RUN(mmx, LDMXCSR), EXC_UD);
    bench_free(none);
    bench_free(mmx);
}

TEST(em_is_ud_and_ts_is_nm_but_fxsave_knows_nm_only)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.cr0 |= CR0_EM;
    assert_int_equal(RUN(b, PADDB_MMX), EXC_UD);
    assert_int_equal(RUN(b, EMMS), EXC_UD);
    assert_int_equal(RUN(b, PADDB_XMM), EXC_UD);
    assert_int_equal(RUN(b, STMXCSR), EXC_UD);
    assert_int_equal(RUN(b, FXSAVE), EXC_NM);
    b->cpu.cr0 |= CR0_TS; /* both: #UD goes first */
    assert_int_equal(RUN(b, PADDB_MMX), EXC_UD);
    b->cpu.cr0 &= ~(uint32_t)CR0_EM;
    assert_int_equal(RUN(b, PADDB_MMX), EXC_NM);
    assert_int_equal(RUN(b, EMMS), EXC_NM);
    assert_int_equal(RUN(b, PADDB_XMM), EXC_NM);
    assert_int_equal(RUN(b, STMXCSR), EXC_NM);
    assert_int_equal(RUN(b, FXRSTOR), EXC_NM);
    b->cpu.cr0 |= CR0_EM;
    assert_int_equal(RUN(b, "\x0F\xC3\x06"), BENCH_NO_FAULT); /* movnti */
    assert_int_equal(RUN(b, "\x0F\xAE\xF8"), BENCH_NO_FAULT); /* sfence */
    bench_free(b);
}

TEST(without_osfxsr_xmm_registers_are_ud_and_mmx_registers_work)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.cr4 = 0;
    assert_int_equal(RUN(b, PADDB_XMM), EXC_UD);
    assert_int_equal(RUN(b, MOVDQ2Q), EXC_UD);
    assert_int_equal(RUN(b, LDMXCSR), EXC_UD);
    b->cpu.cr0 |= CR0_TS;
    assert_int_equal(RUN(b, PADDB_XMM), EXC_UD);
    assert_int_equal(RUN(b, PADDB_MMX), EXC_NM);
    b->cpu.cr0 &= ~(uint32_t)CR0_TS;
    assert_int_equal(RUN(b, PADDB_MMX), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    bench_free(b);
}

TEST(a_prefix_that_makes_no_instruction_is_ud)
{
    UNUSED;
    struct bench *b = vector_new();
    assert_int_equal(RUN(b, "\xF3\x0F\xFC\xC1"), EXC_UD);
    assert_int_equal(RUN(b, "\xF2\x66\x0F\xFC\xC1"), EXC_UD); /* F2 counts, not 66 */
    assert_int_equal(RUN(b, "\x66\x0F\x77"), EXC_UD);
    assert_int_equal(RUN(b, "\xF0\x0F\xFC\xC1"), EXC_UD);
    bench_free(b);
}

/* --- the x87 behind MMX ----------------------------------------------------------------------- */

TEST(mmx_reports_a_pending_x87_exception_and_sse_does_not)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.x87.status |= X87_ZE | X87_ES;
    assert_int_equal(RUN(b, PADDB_MMX), EXC_MF);
    assert_int_equal(RUN(b, EMMS), EXC_MF);
    assert_int_equal(RUN(b, MOVQ_LOAD), EXC_MF);
    assert_int_equal(RUN(b, MOVDQ2Q), EXC_MF);
    assert_int_equal(RUN(b, PADDB_XMM), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    b->cpu.cr0 &= ~(uint32_t)CR0_NE; /* waits for the interrupt that FERR# makes */
    assert_int_equal(RUN(b, PADDB_MMX), BENCH_NO_FAULT);
    assert_true(b->cpu.halted);
    assert_int_equal(b->cpu.x87.empty, 0xFF);
    bench_free(b);
}

TEST(an_mmx_write_makes_every_x87_register_valid_and_emms_empties_all)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.x87.top = 5;
    bench_put(b, AT, 4, 0x89ABCDEF);
    bench_put(b, AT + 4, 4, 0x01234567);
    assert_int_equal(RUN(b, "\x0F\x6F\x16"), BENCH_NO_FAULT); /* movq mm2, [esi] */
    assert_int_equal(b->cpu.x87.top, 0);
    assert_int_equal(b->cpu.x87.empty, 0);
    assert_int_equal(b->cpu.x87.r[2].mantissa, 0x0123456789ABCDEF);
    assert_int_equal(b->cpu.x87.r[2].sign_exponent, 0xFFFF);
    assert_int_equal(RUN(b, EMMS), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.x87.empty, 0xFF);
    assert_int_equal(b->cpu.x87.r[2].mantissa, 0x0123456789ABCDEF);
    bench_free(b);
}

TEST(an_mmx_load_that_faults_leaves_tags_alone)
{
    UNUSED;
    struct bench *b = vector_new();
    bench_segments(b, 0x40, 0xFFF, 0);
    assert_int_equal(RUN(b, MOVQ_LOAD), EXC_GP);
    assert_int_equal(b->cpu.x87.empty, 0xFF);
    bench_free(b);
}

/* --- alignment -------------------------------------------------------------------------------- */

TEST(a_misaligned_128_bit_operand_is_gp_unless_the_instruction_allows_it)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.r[ESI] = AT + 8;
    assert_int_equal(RUN(b, MOVAPS_LOAD), EXC_GP);
    assert_int_equal(RUN(b, MOVAPS_STORE), EXC_GP);
    assert_int_equal(RUN(b, PADDB_XMM_M), EXC_GP);
    assert_int_equal(RUN(b, FXSAVE), EXC_GP);
    assert_int_equal(RUN(b, FXRSTOR), EXC_GP);
    assert_int_equal(b->cpu.fault_code, 0);
    assert_int_equal(RUN(b, MOVUPS_LOAD), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, "\xF2\x0F\xF0\x06"), BENCH_NO_FAULT); /* lddqu */
    assert_int_equal(RUN(b, MOVQ_LOAD), BENCH_NO_FAULT);
    b->cpu.seg[DS].base = 8; /* the linear address counts */
    assert_int_equal(RUN(b, MOVAPS_LOAD), BENCH_NO_FAULT);
    bench_free(b);
}

TEST(misalignment_goes_before_the_stack_segments_limit)
{
    UNUSED;
    struct bench *b = vector_new();
    bench_segments(b, 0x40, 0xFFF, 0);
    b->cpu.r[EBP] = 0x2001;
    assert_int_equal(RUN(b, "\x0F\x28\x45\x00"), EXC_GP); /* movaps xmm0, [ebp] */
    b->cpu.r[EBP] = 0x2000;
    assert_int_equal(RUN(b, "\x0F\x28\x45\x00"), EXC_SS);
    bench_free(b);
}

/* --- FXSAVE and MXCSR ------------------------------------------------------------------------- */

TEST(fxsave_writes_its_image_and_nothing_behind_xmm7)
{
    UNUSED;
    struct bench *b = vector_new();
    memset(b->ram + AT, 0xA5, 512);
    b->cpu.x87.top = 3;
    b->cpu.x87.empty = 0xF0;
    b->cpu.x87.r[3].mantissa = 0x1122334455667788;
    b->cpu.x87.r[3].sign_exponent = 0x9ABC;
    b->cpu.xmm[7].q[1] = 0xFEDCBA9876543210;
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, AT, 2), 0x37F);
    assert_int_equal(bench_word(b, AT + 2, 2), 3 << 11);
    assert_int_equal(bench_word(b, AT + 4, 2), 0x0F);
    assert_int_equal(bench_word(b, AT + 6, 2), 0xA5A5); /* no exception pending: no pointers */
    assert_int_equal(bench_word(b, AT + 8, 4), 0xA5A5A5A5);
    assert_int_equal(bench_word(b, AT + 24, 4), 0x1F80);
    assert_int_equal(bench_word(b, AT + 28, 4), 0xFFFF);
    assert_int_equal(bench_word(b, AT + 32, 4), 0x55667788); /* ST0 */
    assert_int_equal(bench_word(b, AT + 40, 4), 0x9ABC);
    assert_int_equal(bench_word(b, AT + 284, 4), 0xFEDCBA98);
    assert_int_equal(bench_word(b, AT + 288, 4), 0xA5A5A5A5);
    assert_int_equal(bench_word(b, AT + 508, 4), 0xA5A5A5A5);
    bench_free(b);
}

TEST(fxsave_saves_the_pointers_of_a_pending_exception)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.x87.status = X87_ZE | X87_ES | X87_B;
    b->cpu.x87.control &= (uint16_t)~X87_ZE;
    b->cpu.x87.opcode = 0x5F1;
    b->cpu.x87.code_offset = 0x12345678;
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, AT + 6, 2), 0x5F1);
    assert_int_equal(bench_word(b, AT + 8, 4), 0x12345678);
    b->cpu.x87.code_offset = 0;
    assert_int_equal(RUN(b, FXRSTOR), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.x87.code_offset, 0x12345678);
    assert_true(b->cpu.x87.status & X87_ES);
    bench_free(b);
}

TEST(fxrstor_brings_back_what_fxsave_saved)
{
    UNUSED;
    struct bench *b = vector_new();
    for (unsigned i = 0; i < 8; i++) {
        b->cpu.xmm[i] = (union vec){.q = {0x1111111111111111 * i, ~0ull - i}};
        b->cpu.x87.r[i] = (struct f80){0x0101010101010101 * i, (uint16_t)(0x4000 + i)};
    }
    b->cpu.x87.empty = 0x3C;
    b->cpu.x87.top = 6;
    b->cpu.mxcsr = 0x5FA1;
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    memset(b->cpu.xmm, 0, sizeof b->cpu.xmm);
    memset(b->cpu.x87.r, 0, sizeof b->cpu.x87.r);
    assert_int_equal(RUN(b, "\xDB\xE3"), BENCH_NO_FAULT);
    b->cpu.mxcsr = 0;
    assert_int_equal(RUN(b, FXRSTOR), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.mxcsr, 0x5FA1);
    assert_int_equal(b->cpu.x87.top, 6);
    assert_int_equal(b->cpu.x87.empty, 0x3C);
    assert_int_equal(b->cpu.x87.r[5].mantissa, 0x0505050505050505);
    b->cpu.r[ESI] = AT + 512;
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    assert_memory_equal(b->ram + AT, b->ram + AT + 512, 288);
    bench_free(b);
}

TEST(xmm_registers_are_in_the_image_only_with_osfxsr)
{
    UNUSED;
    struct bench *b = vector_new();
    b->cpu.cr4 = 0;
    b->cpu.xmm[0].q[0] = 1;
    memset(b->ram + AT, 0xA5, 512);
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, AT + 160, 4), 0xA5A5A5A5);
    assert_int_equal(bench_word(b, AT + 24, 4), 0x1F80);
    assert_int_equal(RUN(b, FXRSTOR), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.xmm[0].q[0], 1);
    bench_free(b);
}

TEST(reserved_bits_of_mxcsr_are_gp_and_change_nothing)
{
    UNUSED;
    struct bench *b = vector_new();
    assert_int_equal(RUN(b, FXSAVE), BENCH_NO_FAULT);
    bench_put(b, AT + 24, 4, 0x10000);
    b->cpu.x87.control = 0x27F;
    assert_int_equal(RUN(b, FXRSTOR), EXC_GP);
    assert_int_equal(b->cpu.x87.control, 0x27F);
    bench_put(b, AT, 4, 0x10000);
    assert_int_equal(RUN(b, LDMXCSR), EXC_GP);
    assert_int_equal(b->cpu.mxcsr, 0x1F80);
    bench_put(b, AT, 4, 0x9FC0);
    assert_int_equal(RUN(b, LDMXCSR), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, STMXCSR), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, AT, 4), 0x9FC0);
    bench_free(b);
}

/* --- caches ----------------------------------------------------------------------------------- */

TEST(prefetches_never_fault_and_clflush_faults_as_a_load)
{
    UNUSED;
    static const struct identity part = {
        .part = "with hints", .features = VECTOR_FEATURES | 1u << FEATURE_HINT_NOP};
    struct bench *b = bench_new_part(&part);
    bench_segments(b, 0x40, 0xFFF, 0);
    b->cpu.r[ESI] = AT;
    assert_int_equal(RUN(b, "\x0F\x18\x06"), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, "\x0F\xAE\x3E"), EXC_GP);
    b->cpu.r[ESI] = 0x800;
    assert_int_equal(RUN(b, "\x0F\xAE\x3E"), BENCH_NO_FAULT);
    /* CLFLUSH, but no load, by a segment that may only be executed; both keep to its limit. */
    b->cpu.seg[DS].access = 0xF8;
    b->cpu.seg[DS].fast_limit = 0;
    assert_int_equal(RUN(b, "\x0F\xAE\x3E"), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, "\x8A\x06"), EXC_GP);
    b->cpu.r[ESI] = AT;
    assert_int_equal(RUN(b, "\x0F\xAE\x3E"), EXC_GP);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_without_the_feature_calls_it_invalid),
        cmocka_unit_test(em_is_ud_and_ts_is_nm_but_fxsave_knows_nm_only),
        cmocka_unit_test(without_osfxsr_xmm_registers_are_ud_and_mmx_registers_work),
        cmocka_unit_test(a_prefix_that_makes_no_instruction_is_ud),
        cmocka_unit_test(mmx_reports_a_pending_x87_exception_and_sse_does_not),
        cmocka_unit_test(an_mmx_write_makes_every_x87_register_valid_and_emms_empties_all),
        cmocka_unit_test(an_mmx_load_that_faults_leaves_tags_alone),
        cmocka_unit_test(a_misaligned_128_bit_operand_is_gp_unless_the_instruction_allows_it),
        cmocka_unit_test(misalignment_goes_before_the_stack_segments_limit),
        cmocka_unit_test(fxsave_writes_its_image_and_nothing_behind_xmm7),
        cmocka_unit_test(fxsave_saves_the_pointers_of_a_pending_exception),
        cmocka_unit_test(fxrstor_brings_back_what_fxsave_saved),
        cmocka_unit_test(xmm_registers_are_in_the_image_only_with_osfxsr),
        cmocka_unit_test(reserved_bits_of_mxcsr_are_gp_and_change_nothing),
        cmocka_unit_test(prefetches_never_fault_and_clflush_faults_as_a_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
