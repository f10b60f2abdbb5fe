/* lines: what of a window's accesses becomes a cache line, and whose. */
#include "sim/report/lines.h"

#include "tests/unit/guest.h"

static struct guest *g;
static struct lines lines;

static int set_up(void **state)
{
    (void)state;
    g = guest_new();
    g->mmu.l1d.line_shift = 5;
    lines_init(&lines, &g->cpu);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lines_free(&lines);
    guest_free(g);
    return 0;
}

static void touched(paddr_t pa, enum access_kind kind, enum access_level level)
{
    g->cpu.log.list[g->cpu.log.count++] = (struct access){
        .la = pa, .pa = pa, .kind = (uint8_t)kind, .level = (uint8_t)level, .size = 4};
}

static void add(laddr_t la, unsigned length, bool kernel_code, bool kernel_data)
{
    lines_add(&lines, &g->cpu, la, length, kernel_code, kernel_data);
    g->cpu.log.count = 0;
}

/* The only line of this kind, or NULL; fails if there are more. */
static const struct line *only(enum line_kind kind)
{
    const struct line *found = NULL;
    for (uint32_t i = 0; i < LINES_SIZE; i++)
        if (lines.slot[i].by && lines.slot[i].kind == kind) {
            assert_null(found);
            found = &lines.slot[i];
        }
    return found;
}

static void code_across_a_line_is_two_lines(void **state)
{
    (void)state;
    add(GUEST_CODE + 30, 5, false, false);
    assert_int_equal(lines.count, 2);
    add(GUEST_CODE + 8, 2, false, false);
    assert_int_equal(lines.count, 2);
}

static void bytes_of_one_line_are_one_line_of_data(void **state)
{
    (void)state;
    touched(GUEST_FREE + 4, ACCESS_READ, LEVEL_DRAM_ROW);
    touched(GUEST_FREE + 28, ACCESS_WRITE, LEVEL_L1);
    add(GUEST_CODE, 2, true, true);
    const struct line *l = only(LINE_DATA);
    assert_int_equal(l->pa, GUEST_FREE);
    assert_int_equal(l->touches, 2);
    assert_int_equal(l->misses, 1);
    assert_int_equal(l->by, LINE_BY_KERNEL);
}

/* INT in a program: its bytes are the program's, the gate and the stack the kernel's. */
static void entry_reads_the_programs_code_and_the_kernels_data(void **state)
{
    (void)state;
    touched(GUEST_IDT, ACCESS_READ, LEVEL_L1);
    add(GUEST_CODE, 2, false, true);
    assert_int_equal(only(LINE_CODE)->by, LINE_BY_USER);
    assert_int_equal(only(LINE_DATA)->by, LINE_BY_KERNEL);
}

static void a_line_of_both_is_one_line(void **state)
{
    (void)state;
    touched(GUEST_FREE, ACCESS_WRITE, LEVEL_L1);
    add(GUEST_CODE, 2, false, false);
    touched(GUEST_FREE, ACCESS_READ, LEVEL_L1);
    add(GUEST_CODE, 2, true, true);
    assert_int_equal(only(LINE_DATA)->by, LINE_BY_USER | LINE_BY_KERNEL);
}

static void walks_are_apart_and_devices_and_notes_are_none(void **state)
{
    (void)state;
    touched(GUEST_PAGES, ACCESS_WALK, LEVEL_L2);
    touched(0xB8000, ACCESS_WRITE, LEVEL_DEVICE);
    touched(7, ACCESS_NOTE, LEVEL_L1);
    add(GUEST_CODE, 0, false, false);
    assert_int_equal(lines.count, 1);
    assert_int_equal(only(LINE_TABLE)->misses, 1);
}

static void too_many_lines_are_said_to_be_too_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= LINES_SIZE / 2; i++) {
        touched(i * 32, ACCESS_READ, LEVEL_L1);
        add(0, 0, true, true);
    }
    assert_true(lines.overflowed);
    assert_int_equal(lines.count, LINES_SIZE / 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(code_across_a_line_is_two_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_of_one_line_are_one_line_of_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entry_reads_the_programs_code_and_the_kernels_data, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_line_of_both_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_are_apart_and_devices_and_notes_are_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_lines_are_said_to_be_too_many, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
