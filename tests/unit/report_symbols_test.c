/* symbols: which name covers an address, and how far a place of the ledger reaches. */
#include "sim/report/symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct symbols s;

static int setup(void **state)
{
    (void)state;
    symbols_init(&s);
    symbols_add_text(&s, "1000 10 sized\n1020 0 label\n1030 0 next\n80000000 0 last\n", "text");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    symbols_free(&s);
    return 0;
}

static void says(laddr_t la, const char *wanted)
{
    char text[64];
    symbols_format(&s, la, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void a_symbol_covers_its_size(void **state)
{
    (void)state;
    says(0x0FFF, "");
    says(0x1000, "sized");
    says(0x100F, "sized+f");
    says(0x1010, "");
}

/* Labels of assembly and System.map have no sizes. */
static void one_without_a_size_reaches_to_the_next_one_but_not_far(void **state)
{
    (void)state;
    says(0x102F, "label+f");
    says(0x1030, "next");
    says(0x1030 + 0xFFFF, "next+ffff");
    says(0x1030 + 0x10000, "");
    says(0x8000FFFF, "last+ffff");
    says(0xC0000000, "");
}

static void a_place_ends_where_its_symbol_does(void **state)
{
    laddr_t end;
    (void)state;
    uint32_t label = symbols_place(&s, 0x1024, false, &end);
    assert_int_equal(end, 0x1030);
    assert_string_equal(symbols_place_name(&s, label), "label");
    symbols_place(&s, 0x1040, false, &end);
    assert_int_equal(end, 0x1030 + 0x10000);
    assert_int_equal(symbols_place(&s, 0x20000, false, &end), 0);
    assert_int_equal(end, 0x80000000);
    symbols_place(&s, 0x1004, false, &end);
    assert_int_equal(end, 0x1010);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_symbol_covers_its_size, setup, teardown),
        cmocka_unit_test_setup_teardown(one_without_a_size_reaches_to_the_next_one_but_not_far,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_ends_where_its_symbol_does, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
