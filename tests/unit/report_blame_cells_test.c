/* blame_cells: nothing is lost when the lists grow. */
#include "sim/report/blame_cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MANY = 5000 }; /* beyond the room that the lists begin with, several times over */

/* blame_count once counted into a list that finding the cell had just moved. */
static void cells_keep_their_counts_while_the_list_grows(void **state)
{
    (void)state;
    struct blame_cells c;
    uint64_t misses = 0, cycles = 0;
    blame_cells_init(&c);
    for (uint32_t i = 0; i < MANY; i++)
        blame_count(&c, (struct blame_cell){.array = BLAME_L2, .charged = i, .misses = 1,
                                            .cycles = i});
    assert_int_equal(c.count, MANY);
    for (uint32_t i = 0; i < c.count; i++) {
        assert_int_equal(c.cell[i].cycles, c.cell[i].charged);
        misses += c.cell[i].misses;
        cycles += c.cell[i].cycles;
    }
    assert_int_equal(misses, MANY);
    assert_int_equal(cycles, (uint64_t)MANY * (MANY - 1) / 2);
    blame_cells_free(&c);
}

static void whos_keep_their_numbers_while_the_list_grows(void **state)
{
    (void)state;
    struct blame_cells c;
    blame_cells_init(&c);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(blame_who(&c, (struct blame_who){.place = i, .deed = DEED_CODE}), i + 1);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(blame_who(&c, (struct blame_who){.place = i, .deed = DEED_CODE}), i + 1);
    blame_cells_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_keep_their_counts_while_the_list_grows),
        cmocka_unit_test(whos_keep_their_numbers_while_the_list_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
