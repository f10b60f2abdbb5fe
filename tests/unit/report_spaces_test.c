/* spaces: which address space and thread a cycle belongs to, told from directories, segment bases
 * and kernel stacks; and their names, by rules over the guest's memory. */
#include "sim/report/guest_names.h"
#include "sim/report/spaces.h"

#include "cpu/models/p5/p5.h"
#include "tests/unit/guest.h"

#define OTHER_DIRECTORY (GUEST_FREE + 0x1000)
#define TABLE(n)        (GUEST_FREE + 0x2000 + (n) * 0x1000)
#define SMALL_BASE      0xC0000000u
#define PRESENT_USER    7u

static struct guest *g;
static struct watch watch;
static struct spaces spaces;

static void tell(bool delivery)
{
    struct cpu *c = &g->cpu;
    c->on_priced(c->priced_owner, c, &c->idle_op, delivery);
    c->log.count = 0;
}

static void charge(cycle_t n) { ledger_charge(&g->ledger, CAUSE_ISSUE, n, QUALITY_READ); }

static void enter_kernel(void)
{
    charge(20);
    g->cpu.cpl = 0;
    tell(true);
}

static void leave_to(uint32_t cr3, uint32_t base)
{
    charge(10);
    g->cpu.cr3 = cr3;
    g->cpu.seg[CS].base = base;
    g->cpu.cpl = 3;
    tell(false);
}

static void run_program(cycle_t n)
{
    charge(n);
    tell(false);
}

/* The kernel puts a table into a directory. */
static void write_entry(uint32_t directory, unsigned index, uint32_t table)
{
    struct access_log *log = &g->cpu.log;
    uint32_t at = directory + index * 4;
    guest_poke(g, at, 4, table ? table | PRESENT_USER : 0);
    log->list[log->count++] =
        (struct access){.la = at, .pa = at, .kind = ACCESS_WRITE, .size = 4};
    charge(1);
    tell(false);
}

static int set_up(void **state)
{
    (void)state;
    g = guest_new();
    memset(&watch, 0, sizeof watch);
    memset(&spaces, 0, sizeof spaces);
    g->mmu.geometry.large_pages_split_in_itlb = true;
    cpu_set_model(&g->cpu, model_p5_new(&p5_p133));
    guest_poke(g, GUEST_PAGES, 4, TABLE(0) | PRESENT_USER);
    guest_poke(g, GUEST_PAGES + 4, 4, TABLE(1) | PRESENT_USER);
    guest_poke(g, OTHER_DIRECTORY, 4, TABLE(2) | PRESENT_USER);
    spaces_start(&spaces, &watch, &g->cpu);
    leave_to(GUEST_PAGES, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spaces_free(&spaces, &watch);
    guest_free(g);
    return 0;
}

static void a_directory_that_was_used_before_is_the_same_space(void **state)
{
    (void)state;
    uint32_t first = spaces.now;
    enter_kernel();
    leave_to(OTHER_DIRECTORY, 0);
    assert_int_not_equal(spaces.now, first);
    enter_kernel();
    leave_to(GUEST_PAGES, 0);
    assert_int_equal(spaces.now, first);
}

/* exec, or fork into a frame that a dead process left: all tables are others. */
static void a_directory_with_new_tables_is_a_new_space(void **state)
{
    (void)state;
    uint32_t first = spaces.now;
    enter_kernel();
    write_entry(GUEST_PAGES, 0, TABLE(3));
    write_entry(GUEST_PAGES, 1, TABLE(4));
    leave_to(GUEST_PAGES, 0);
    assert_int_not_equal(spaces.now, first);
    assert_int_equal(spaces.list[spaces.now].cr3, spaces.list[first].cr3);
    assert_true(spaces.list[spaces.now].born > spaces.list[first].born);
}

/* mmap and munmap: one table stays. */
static void a_directory_that_keeps_a_table_is_the_same_space(void **state)
{
    (void)state;
    uint32_t first = spaces.now;
    enter_kernel();
    write_entry(GUEST_PAGES, 0, 0);
    write_entry(GUEST_PAGES, 2, TABLE(3));
    leave_to(GUEST_PAGES, 0);
    assert_int_equal(spaces.now, first);
    enter_kernel();
    write_entry(GUEST_PAGES, 1, TABLE(4)); /* what it began with is gone, what came later stays */
    leave_to(GUEST_PAGES, 0);
    assert_int_equal(spaces.now, first);
}

/* Written while another space runs, looked at when it runs again. */
static void a_frame_that_is_used_again_behind_its_back_is_a_new_space(void **state)
{
    (void)state;
    uint32_t first = spaces.now;
    enter_kernel();
    leave_to(OTHER_DIRECTORY, 0);
    enter_kernel();
    write_entry(GUEST_PAGES, 0, TABLE(3));
    write_entry(GUEST_PAGES, 1, 0);
    leave_to(OTHER_DIRECTORY, 0);
    enter_kernel();
    leave_to(GUEST_PAGES, 0);
    assert_int_not_equal(spaces.now, first);
    assert_int_equal(spaces.count, 4);
}

static void small_spaces_of_one_directory_differ_in_their_base(void **state)
{
    (void)state;
    uint32_t large = spaces.now;
    enter_kernel();
    leave_to(GUEST_PAGES, SMALL_BASE);
    uint32_t small = spaces.now;
    assert_int_not_equal(small, large);
    enter_kernel();
    leave_to(GUEST_PAGES, SMALL_BASE + 0x800000);
    assert_int_not_equal(spaces.now, small);
    enter_kernel();
    leave_to(GUEST_PAGES, SMALL_BASE);
    assert_int_equal(spaces.now, small);
}

static void threads_of_a_space_differ_in_their_kernel_stack(void **state)
{
    (void)state;
    uint32_t first = spaces.thread_now;
    enter_kernel();
    guest_poke(g, GUEST_TSS + 4, 4, GUEST_STACK0 - 0x1000);
    leave_to(GUEST_PAGES, 0);
    assert_int_not_equal(spaces.thread_now, first);
    assert_int_equal(spaces.thread[spaces.thread_now].space, spaces.thread[first].space);
    enter_kernel();
    guest_poke(g, GUEST_TSS + 4, 4, GUEST_STACK0);
    leave_to(GUEST_PAGES, 0);
    assert_int_equal(spaces.thread_now, first);
}

/* Linux: ESP0 is the same trampoline for all, ESP1 the thread's stack. */
static void threads_of_one_trampoline_differ_in_esp1(void **state)
{
    (void)state;
    uint32_t first = spaces.thread_now;
    enter_kernel();
    guest_poke(g, GUEST_TSS + 12, 4, GUEST_STACK0 - 0x1000);
    leave_to(GUEST_PAGES, 0);
    assert_int_not_equal(spaces.thread_now, first);
}

static void many_threads_keep_their_numbers(void **state)
{
    (void)state;
    uint32_t number[100];
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 100; i++) {
            enter_kernel();
            guest_poke(g, GUEST_TSS + 4, 4, 0x10000 + i * 64);
            leave_to(GUEST_PAGES, 0);
            if (round)
                assert_int_equal(number[i], spaces.thread_now);
            number[i] = spaces.thread_now;
        }
    assert_int_equal(spaces.thread_count, 102); /* and the kernel's, and the first */
}

static void an_idle_processor_belongs_to_the_kernel(void **state)
{
    (void)state;
    uint32_t program = spaces.now;
    enter_kernel();
    g->cpu.halted = true;
    charge(1);
    tell(false);
    assert_int_equal(spaces.now, SPACE_KERNEL);
    g->cpu.halted = false;
    charge(5000);
    tell(true);
    leave_to(GUEST_PAGES, 0);
    assert_int_equal(spaces.now, program);
    assert_int_equal(spaces.list[SPACE_KERNEL].kernel, 5000 + 10 + 10); /* and the start's exit */
}

static void cycles_go_to_who_was_interrupted(void **state)
{
    (void)state;
    uint32_t first = spaces.now;
    run_program(100);
    enter_kernel();                /* 20 */
    leave_to(OTHER_DIRECTORY, 0);  /* 10 */
    run_program(7);
    assert_int_equal(spaces.list[first].user, 100);
    assert_int_equal(spaces.list[first].kernel, 30);
    assert_int_equal(spaces.list[first].entries, 1);
    json_t *list = spaces_json(&spaces); /* checks the sum */
    const json_t *now = json_array_get(list, spaces.now);
    assert_int_equal(json_integer_value(json_object_get(now, "user")), 7);
    assert_int_equal(json_integer_value(json_object_get(now, "kernel")), 0);
    json_decref(list);
    json_decref(spaces_threads_json(&spaces));
}

/* --- names ------------------------------------------------------------------------------------ */

static uint32_t value_of(const char *expression, bool *has)
{
    static const struct guest_kernel kernel = {
        .rule = {{"twice", "[0x60000] * 2"}, {"loop", "loop + 1"}}, .count = 2};
    struct symbols symbols;
    struct guest_names names = {.symbols = &symbols};
    uint32_t value = 0;
    symbols_init(&symbols);
    symbols_add_names(&symbols, "d 60000 4 counter\n", "test");
    guest_poke(g, GUEST_FREE, 4, 0x12345678);
    memcpy(g->ram + GUEST_FREE + 8, "xxswapswapper/0", 16);
    *has = guest_names_value(&names, &kernel, &g->cpu, expression, &value);
    symbols_free(&symbols);
    return value;
}

static void expressions_have_cs_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t value;
    } cases[] = {
        {"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"10 - 3 - 2", 5}, {"1 << 4 | 1", 17},
        {"0x10 >> 2 == 4", 1}, {"7 & 3 == 3", 1}, {"~0 - 1", 0xFFFFFFFE}, {"100 / 7 % 4", 2},
        {"3 < 4", 1}, {"3 > 4", 0}, {"3 != 3", 0}, {"[counter]", 0x12345678},
        {"byte[0x60001]", 0x56}, {"half[0x60002]", 0x1234}, {"twice", 0x2468ACF0},
        {"esp0", GUEST_STACK0}, {"find(0x60008, 16, \"swapper\") - 0x60008", 6},
        {"1 << 32", 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool has;
        uint32_t value = value_of(cases[i].text, &has);
        if (!has || value != cases[i].value)
            fail_msg("%s: %s %x, expected %x", cases[i].text, has ? "is" : "has no value", value,
                     cases[i].value);
    }
}

static void what_cannot_be_had_has_no_value(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "nowhere", "[0xFFFFFFF0]", "1 / 0", "1 +", "(1", "loop", "find(0x60008, 4, \"swapper\")",
        "1 2", "",
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool has;
        value_of(cases[i], &has);
        if (has)
            fail_msg("%s has a value", cases[i]);
    }
}

static const char *space_b(void *owner)
{
    (void)owner;
    return "b";
}

static void symbols_of_a_space_come_before_those_of_all(void **state)
{
    (void)state;
    struct symbols s;
    symbols_init(&s);
    symbols_add_text(&s, "1000 0 common\n3000 10 end\n", "test");
    symbols_add_names(&s, "s 1000 100 of_a a\ns 1000 100 of_b b\ns 1200 100 late_a a\n", "test");
    assert_string_equal(symbols_find(&s, 0x1010)->name, "common"); /* no space is known */
    s.space_of = space_b;
    assert_string_equal(symbols_find(&s, 0x1010)->name, "of_b");
    assert_string_equal(symbols_find(&s, 0x1210)->name, "common");
    assert_string_equal(symbols_find(&s, 0x3008)->name, "end");
    symbols_free(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_that_was_used_before_is_the_same_space),
        TEST(a_directory_with_new_tables_is_a_new_space),
        TEST(a_directory_that_keeps_a_table_is_the_same_space),
        TEST(a_frame_that_is_used_again_behind_its_back_is_a_new_space),
        TEST(small_spaces_of_one_directory_differ_in_their_base),
        TEST(threads_of_a_space_differ_in_their_kernel_stack),
        TEST(threads_of_one_trampoline_differ_in_esp1),
        TEST(many_threads_keep_their_numbers),
        TEST(an_idle_processor_belongs_to_the_kernel),
        TEST(cycles_go_to_who_was_interrupted),
        TEST(expressions_have_cs_meaning),
        TEST(what_cannot_be_had_has_no_value),
        TEST(symbols_of_a_space_come_before_those_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
