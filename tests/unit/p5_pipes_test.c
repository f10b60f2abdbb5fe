/* p5_pipes_test: what pairs, what stalls, and what it takes, in exact clocks on p133. */
#include "cycles_bench.h"

#define COPIES 16

/* Clocks of the copy in the middle of a warm loop: what its instructions were charged. */
static uint64_t run(struct cycles_result *r, const char *setup, size_t setup_size, const char *code,
                    size_t size)
{
    uint64_t clocks = 0;
    *r = bench_cycles("p133", COPIES, setup, setup_size, code, size);
    for (size_t i = 0; i < r->line_count; i++)
        clocks += r->lines[i].cycles;
    return clocks;
}

#define EXPECT(clocks, setup, code)                                                                \
    do {                                                                                           \
        struct cycles_result r_;                                                                   \
        uint64_t here_ = run(&r_, setup, sizeof(setup) - 1, code, sizeof(code) - 1);               \
        cycles_free(&r_);                                                                          \
        assert_int_equal(here_, clocks);                                                           \
    } while (0)

/* Why the last instruction of a copy did not pair with the one before it. */
static void expect_reason(const char *expected, const char *code, size_t size)
{
    struct cycles_result r;
    run(&r, "", 0, code, size);
    const char *why = r.lines[r.line_count - 1].last.why_not;
    cycles_free(&r);
    assert_string_equal(why ? why : "paired", expected);
}

#define EXPECT_REASON(text, code) expect_reason(text, code, sizeof(code) - 1)

static void independent_moves_pair(void **state)
{
    (void)state;
    EXPECT(1, "", "\x89\xC0\x89\xDB");                 /* mov eax,eax; mov ebx,ebx */
    EXPECT(2, "", "\x89\xC3\x89\xD8");                 /* mov ebx,eax; mov eax,ebx */
    EXPECT(2, "", "\x89\xC3\x89\xCB");                 /* mov ebx,eax; mov ebx,ecx */
    EXPECT_REASON("paired", "\xFC\x89\xC0\x89\xDB");   /* cld; mov eax,eax; mov ebx,ebx */
    EXPECT_REASON("needs a register that U writes", "\xFC\x89\xC3\x89\xD8");
    EXPECT_REASON("writes a register that U writes", "\xFC\x89\xC3\x89\xCB");
}

static void shifts_issue_in_u_only(void **state)
{
    (void)state;
    EXPECT(1, "", "\xC1\xE0\x03\x89\xDB"); /* shl eax,3; mov ebx,ebx */
    EXPECT(3, "", "\x89\xDB\xC1\xE0\x03\xD9\xD0"); /* mov ebx,ebx; shl eax,3; fnop */
    EXPECT_REASON("issues in U only", "\xFC\x89\xDB\xC1\xE0\x03");
}

static void a_prefix_costs_a_clock_and_keeps_out_of_v(void **state)
{
    (void)state;
    EXPECT(2, "", "\x66\x90");                 /* 66 nop */
    EXPECT(3, "", "\x66\x66\x90");
    EXPECT(3, "", "\x0F\xB6\xC0");             /* movzx eax,al: 0F is hidden by the one before */
    EXPECT_REASON("a prefix: U only", "\xFC\x89\xDB\x66\x90");
}

static void displacement_with_immediate_does_not_pair(void **state)
{
    (void)state;
    EXPECT_REASON("displacement and immediate",
                  "\xFC\x89\xDB\xC7\x05\x00\x00\x10\x00\x01\x00\x00\x00"); /* mov [buf],1 */
}

static void pushes_and_pops_share_the_stack_pointer(void **state)
{
    (void)state;
    EXPECT(2, "", "\x50\x53\x58\x5B"); /* push eax; push ebx; pop eax; pop ebx */
    EXPECT(2, "", "\x50\x58");         /* push eax; pop eax */
}

static void read_modify_write_pairs_by_the_matrix(void **state)
{
    (void)state;
    EXPECT(5, BUFFER_IN_ESI, "\xFF\x06\xFF\x46\x04");         /* inc [esi]; inc [esi+4] */
    EXPECT(6, BUFFER_IN_ESI, "\xFF\x06\xFF\x46\x20");         /* the same bank */
    EXPECT(2, BUFFER_IN_ESI, "\x03\x06\x03\x5E\x04");         /* add eax,[esi]; add ebx,[esi+4] */
    EXPECT(3, BUFFER_IN_ESI, "\x03\x06\x03\x5E\x20");         /* the same bank */
}

static void a_misaligned_access_takes_three_clocks_more(void **state)
{
    (void)state;
    EXPECT(4, BUFFER_IN_ESI, "\x8B\x46\x02\x90"); /* mov eax,[esi+2]; nop */
}

static void an_address_written_just_before_costs_a_clock(void **state)
{
    (void)state;
    EXPECT(2, "", "\x8D\x40\x01");                 /* lea eax,[eax+1] */
    EXPECT(2, BUFFER_IN_ESI "\x89\x36", "\x8B\x36"); /* mov [esi],esi; mov esi,[esi] */
    EXPECT(2, "", "\x8D\x40\x01\x90"); /* lea eax,[eax+1]; nop */
}

static void x87_results_are_waited_for(void **state)
{
    (void)state;
    EXPECT(3, "\xDB\xE3\xD9\xE8\xD9\xE8", "\xDC\xC1");         /* fadd st(1),st */
    EXPECT(4, "\xDB\xE3\xD9\xE8\xD9\xE8\xD9\xE8", "\xDC\xC9\xDC\xCA"); /* fmul st(1); fmul st(2) */
    EXPECT(3, "\xDB\xE3\xD9\xE8\xD9\xE8", "\xD8\xC9\xD9\xC9"); /* fmul st,st(1); fxch st(1) */
}

/* FCOM, FNSTSW AX, SAHF: nine clocks [MPR93]. */
static void a_comparison_to_flags_takes_nine(void **state)
{
    (void)state;
    EXPECT(9, "\xDB\xE3\xD9\xE8\xD9\xE8", "\xD8\xD1\xDF\xE0\x9E"); /* fcom st(1); fnstsw ax; sahf */
}

static void a_predicted_branch_pairs(void **state)
{
    (void)state;
    EXPECT(1, "", "\x90\x74\x00"); /* nop; jz to the next instruction, not taken */
    EXPECT(1, "", "\x90\xEB\x00"); /* nop; jmp to the next instruction */
}

static void repeated_moves_take_a_clock_an_element(void **state)
{
    struct cycles_result r;
    (void)state;
    /* mov esi,buf; mov edi,buf+256; mov ecx,32; rep movsd; both in the first level after a read */
    static const char setup[] = "\x8B\x05\x00\x01\x10\x00\x8B\x05\x20\x01\x10\x00"
                                "\x8B\x05\x40\x01\x10\x00\x8B\x05\x60\x01\x10\x00";
    static const char code[] = "\xBE\x00\x00\x10\x00\xBF\x00\x01\x10\x00"
                               "\xB9\x20\x00\x00\x00\xF3\xA5";
    uint64_t here = run(&r, setup, sizeof setup - 1, code, sizeof code - 1);
    cycles_free(&r);
    assert_int_equal(here, 2 + 13 + 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_moves_pair),
        cmocka_unit_test(shifts_issue_in_u_only),
        cmocka_unit_test(a_prefix_costs_a_clock_and_keeps_out_of_v),
        cmocka_unit_test(displacement_with_immediate_does_not_pair),
        cmocka_unit_test(pushes_and_pops_share_the_stack_pointer),
        cmocka_unit_test(read_modify_write_pairs_by_the_matrix),
        cmocka_unit_test(a_misaligned_access_takes_three_clocks_more),
        cmocka_unit_test(an_address_written_just_before_costs_a_clock),
        cmocka_unit_test(x87_results_are_waited_for),
        cmocka_unit_test(a_comparison_to_flags_takes_nine),
        cmocka_unit_test(a_predicted_branch_pairs),
        cmocka_unit_test(repeated_moves_take_a_clock_an_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
