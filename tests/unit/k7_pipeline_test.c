/* k7_pipeline_test: lines, lanes, dependencies, windows, branches and microcode of the K7 and K8 in
 * exact clocks: what ten more copies of some code take in a warm loop. */
#include "cycles_bench.h"

#include "cpu/models/k7/slots.h"

#define COPIES 60

/* Clocks of COPIES copies. */
static int64_t run(const char *machine, const char *setup, size_t setup_size, const char *code,
                   size_t size)
{
    struct cycles_result r = bench_cycles(machine, COPIES, setup, setup_size, code, size);
    int64_t clocks = r.cycles / 16; /* loops */
    cycles_free(&r);
    return clocks;
}

#define EXPECT_K7(clocks, setup, code)                                                             \
    assert_int_equal(run("k7-1400", setup, sizeof(setup) - 1, code, sizeof(code) - 1), clocks)
#define EXPECT_K8(clocks, setup, code)                                                             \
    assert_int_equal(run("a64-2200", setup, sizeof(setup) - 1, code, sizeof(code) - 1), clocks)
#define EXPECT_BOTH(clocks, setup, code)                                                           \
    do {                                                                                           \
        EXPECT_K7(clocks, setup, code);                                                            \
        EXPECT_K8(clocks, setup, code);                                                            \
    } while (0)

static void three_independent_operations_make_a_line(void **state)
{
    (void)state;
    EXPECT_BOTH(COPIES, "", "\x40\x43\x41");         /* inc eax; inc ebx; inc ecx */
    EXPECT_BOTH(COPIES, "", "\x31\xC0\x31\xC0\x31\xC0"); /* xor eax,eax waits for nothing */
}

static void a_chain_takes_its_latencies(void **state)
{
    (void)state;
    EXPECT_BOTH(3 * COPIES, "", "\x01\xC3\x01\xD8\x01\xC3"); /* add ebx,eax; add eax,ebx ... */
    EXPECT_K7(4 * COPIES, "", "\x0F\xAF\xC0");               /* imul eax,eax */
    EXPECT_K8(3 * COPIES, "", "\x0F\xAF\xC0");
}

static void the_multiplier_takes_one_a_clock_on_the_k8(void **state)
{
    (void)state;
    EXPECT_K8(2 * COPIES, "", "\x0F\xAF\xC1\x0F\xAF\xD9\x89\xC8\x89\xCB"); /* imul twice, mov */
}

static void the_front_delivers_sixteen_bytes_a_clock(void **state)
{
    (void)state;
    /* eight additions of six bytes are three windows */
    EXPECT_BOTH(3 * COPIES, "",
                "\x81\xC3\x00\x00\x10\x00\x81\xC1\x00\x00\x10\x00\x81\xC2\x00\x00\x10\x00"
                "\x81\xC6\x00\x00\x10\x00\x81\xC7\x00\x00\x10\x00\x81\xC5\x00\x00\x10\x00"
                "\x81\xC3\x00\x00\x10\x00\x81\xC1\x00\x00\x10\x00");
}

static void microcode_has_lines_of_its_own(void **state)
{
    (void)state;
    EXPECT_BOTH(4 * COPIES, "", "\x87\xC9\x43\x87\xD2\x45"); /* xchg; inc; xchg; inc: four lines */
}

static void a_load_takes_three_clocks_and_a_byte_four(void **state)
{
    (void)state;
    EXPECT_BOTH(3 * COPIES, BUFFER_IN_ESI "\x89\x36", "\x8B\x36"); /* mov esi,[esi] */
    EXPECT_BOTH(4 * COPIES, "", "\x0F\xB6\x80\x00\x00\x10\x00"); /* movzx eax,byte [eax+buf] */
}

static void two_loads_reach_the_cache_in_a_clock(void **state)
{
    (void)state;
    /* mov eax,[esi]; mov ebx,[esi+8]; mov ecx,[esi+16]; mov edx,[esi+24] */
    EXPECT_BOTH(2 * COPIES, BUFFER_IN_ESI, "\x8B\x06\x8B\x5E\x08\x8B\x4E\x10\x8B\x56\x18");
}

static void a_store_forwards_to_a_load_of_the_same_place(void **state)
{
    (void)state;
    EXPECT_BOTH(7 * COPIES, BUFFER_IN_ESI, "\x01\x06"); /* add [esi],eax */
}

static void a_load_waits_for_a_store_that_does_not_hold_it(void **state)
{
    (void)state;
    EXPECT_BOTH(3 * COPIES, BUFFER_IN_ESI, "\x89\x06\x8B\x06"); /* mov [esi],eax; mov eax,[esi] */
    /* too narrow: mov [esi],ax; mov eax,[esi]; elsewhere: mov [esi],eax; mov ax,[esi+2] */
    EXPECT_BOTH(16 * COPIES / 3, BUFFER_IN_ESI, "\x66\x89\x06\x8B\x06");
    EXPECT_BOTH(19 * COPIES / 3, BUFFER_IN_ESI, "\x89\x06\x66\x8B\x46\x02");
}

static void two_lines_of_a_bank_take_two_clocks(void **state)
{
    (void)state;
    EXPECT_BOTH(2 * COPIES, BUFFER_IN_ESI, "\x8B\x06\x8B\x5E\x40"); /* mov ebx,[esi+64] */
    EXPECT_BOTH(COPIES, BUFFER_IN_ESI, "\x8B\x06\x8B\x5E\x48"); /* mov ebx,[esi+72] */
    EXPECT_BOTH(COPIES, BUFFER_IN_ESI, "\x8B\x06\x8B\x5E\x04"); /* mov ebx,[esi+4] */
}

/* PAT entry 1 becomes WC, the page at 108000h gets PWT, and ESI points there. */
#define COMBINED_PAGE_IN_ESI                                                                       \
    "\xB9\x77\x02\x00\x00\x0F\x32\xB4\x01\x0F\x30" /* mov ecx,277h; rdmsr; mov ah,1; wrmsr */   \
    "\x80\x0D\x20\x14\x01\x00\x08"                 /* or byte ptr [11420h],8 */                 \
    "\x0F\x20\xD8\x0F\x22\xD8\xBE\x00\x80\x10\x00" /* mov eax,cr3; mov cr3,eax; mov esi,108000h */
#define K8_BUS_LINE 22 /* 64 bytes on the memory bus, in clocks */
#define K7_BUS_LINE 42
#define STORE_LINES_2 "\x89\x06\x89\x46\x40"       /* mov [esi],eax; mov [esi+64],eax */
#define STORE_LINES_3_TO_5                                                                         \
    "\x89\x86\x80\x00\x00\x00\x89\x86\xC0\x00\x00\x00\x89\x86\x00\x01\x00\x00"

/* The K7 combines one line at a time, this K8 four [22007 C; 25112 B]. */
static void writes_to_a_few_lines_are_combined(void **state)
{
    (void)state;
    EXPECT_BOTH(COPIES, COMBINED_PAGE_IN_ESI, "\x89\x06\x89\x46\x04"); /* one line */
    EXPECT_K8(COPIES, COMBINED_PAGE_IN_ESI, STORE_LINES_2);
    EXPECT_K7(2 * K7_BUS_LINE * COPIES, COMBINED_PAGE_IN_ESI, STORE_LINES_2);
    EXPECT_K8(5 * K8_BUS_LINE * COPIES, COMBINED_PAGE_IN_ESI, STORE_LINES_2 STORE_LINES_3_TO_5);
    /* mov [esi],eax; lock inc dword ptr [esp]; mov [esi+4],eax */
    EXPECT_K8(K8_BUS_LINE * COPIES, COMBINED_PAGE_IN_ESI,
              "\x89\x06\xF0\xFF\x04\x24\x89\x46\x04");
}

/* depth calls within each other, then as many returns; clocks of one. */
static int64_t nest(const char *machine, uint8_t depth)
{
    /* mov ecx,depth; call 1f; jmp 2f; 1: dec ecx; jz 3f; call 1b; 3: ret; 2: */
    char code[] = "\xB9\x00\x00\x00\x00\xE8\x02\x00\x00\x00\xEB\x09"
                  "\x49\x74\x05\xE8\xF8\xFF\xFF\xFF\xC3";
    code[1] = (char)depth;
    struct cycles_result r = bench_cycles(machine, 1, "", 0, code, sizeof code - 1);
    int64_t clocks = r.cycles / 16;
    cycles_free(&r);
    return clocks;
}

static void the_return_stack_holds_twelve(void **state)
{
    (void)state;
    assert_int_equal(nest("a64-2200", 12) - nest("a64-2200", 11), 5);
    assert_int_equal(nest("a64-2200", 13) - nest("a64-2200", 12), 19); /* and a misprediction */
    assert_int_equal(nest("k7-1400", 12) - nest("k7-1400", 11), 5);
    assert_int_equal(nest("k7-1400", 13) - nest("k7-1400", 12), 17);
}

static void a_taken_branch_costs_a_window(void **state)
{
    (void)state;
    /* jmp over 14 bytes: one in each window */
    EXPECT_BOTH(2 * COPIES, "", "\xEB\x0E\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90");
}

static void a_fourth_branch_of_a_block_evicts_another(void **state)
{
    (void)state;
    const char code[] = "\xEB\x00"; /* eight in each block of 16 bytes */
    assert_true(run("a64-2200", "", 0, code, sizeof code - 1) > 10 * COPIES);
}

static void history_learns_a_pattern(void **state)
{
    (void)state;
    const char code[] = "\x43\xF6\xC3\x01\x74\x01\x90"; /* inc ebx; test bl,1; jz +1; nop */
    int64_t clocks = run("a64-2200", "", 0, code, sizeof code - 1);
    assert_true(clocks < 5 * COPIES);
}

/* clflush [esi]; mfence; and then, or not, prefetcht0 [esi]; 60 clocks of imul eax,eax; and eax,0;
 * mov ebx,[esi+eax]; add eax,ebx */
#define AFTER_A_FLUSH(prefetch)                                                                    \
    "\x0F\xAE\x3E\x0F\xAE\xF0" prefetch IMUL IMUL IMUL IMUL "\x83\xE0\x00\x8B\x1C\x06\x01\xD8"
#define IMUL "\x0F\xAF\xC0\x0F\xAF\xC0\x0F\xAF\xC0\x0F\xAF\xC0\x0F\xAF\xC0"

static int64_t clocks_k8(const char *code, size_t size)
{
    return run("a64-2200", BUFFER_IN_ESI, sizeof BUFFER_IN_ESI - 1, code, size);
}

static void a_prefetched_line_comes_while_others_work(void **state)
{
    (void)state;
    static const char with[] = AFTER_A_FLUSH("\x0F\x18\x0E"), without[] = AFTER_A_FLUSH("");
    int64_t saved = clocks_k8(without, sizeof without - 1) - clocks_k8(with, sizeof with - 1);
    assert_in_range(saved, 50 * COPIES, 62 * COPIES);
}

static void serialising_instructions_take_what_was_measured(void **state)
{
    (void)state;
    /* mov eax,0; cpuid: 44 and 48 clocks [IL] */
    int64_t k7 = run("k7-1400", "", 0, "\xB8\x00\x00\x00\x00\x0F\xA2", 7);
    int64_t k8 = run("a64-2200", "", 0, "\xB8\x00\x00\x00\x00\x0F\xA2", 7);
    assert_in_range(k7, 43 * COPIES, 46 * COPIES);
    assert_in_range(k8, 47 * COPIES, 50 * COPIES);
}

static void a_unit_gives_the_first_free_clock(void **state)
{
    (void)state;
    struct slots s = {.word = {0}};
    assert_int_equal(slots_take(&s, 1000), 1000);
    assert_int_equal(slots_take(&s, 1000), 1001);
    assert_int_equal(slots_take(&s, 990), 990); /* asked later, for an earlier clock */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(slots_take(&s, 2000), 2000 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_independent_operations_make_a_line),
        cmocka_unit_test(a_chain_takes_its_latencies),
        cmocka_unit_test(the_multiplier_takes_one_a_clock_on_the_k8),
        cmocka_unit_test(the_front_delivers_sixteen_bytes_a_clock),
        cmocka_unit_test(microcode_has_lines_of_its_own),
        cmocka_unit_test(a_load_takes_three_clocks_and_a_byte_four),
        cmocka_unit_test(two_loads_reach_the_cache_in_a_clock),
        cmocka_unit_test(a_store_forwards_to_a_load_of_the_same_place),
        cmocka_unit_test(a_load_waits_for_a_store_that_does_not_hold_it),
        cmocka_unit_test(two_lines_of_a_bank_take_two_clocks),
        cmocka_unit_test(writes_to_a_few_lines_are_combined),
        cmocka_unit_test(the_return_stack_holds_twelve),
        cmocka_unit_test(a_taken_branch_costs_a_window),
        cmocka_unit_test(a_fourth_branch_of_a_block_evicts_another),
        cmocka_unit_test(history_learns_a_pattern),
        cmocka_unit_test(a_prefetched_line_comes_while_others_work),
        cmocka_unit_test(serialising_instructions_take_what_was_measured),
        cmocka_unit_test(a_unit_gives_the_first_free_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
