/* Memory types: what MTRRs say of an address, and with the PAT of a page. */
#include "mmu/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct memory_types usual(void)
{
    struct memory_types t = {.present = true, .on = true, .fixed_on = true, .otherwise = TYPE_UC};
    for (unsigned i = 0; i < FIXED_RANGES; i++)
        t.fixed[i] = i < 16 ? TYPE_WB : i < 24 ? TYPE_UC : TYPE_WP;
    t.range[0].mask = 0xFFF0000; /* 256 MB at 0 */
    t.range[0].type = TYPE_WB;
    return t;
}

static void fixed_ranges_of_three_sizes(void **state)
{
    (void)state;
    struct memory_types t = usual();
    t.fixed[7] = TYPE_WT;       /* 70000 */
    t.fixed[8] = TYPE_WC;       /* 80000, 16 KB */
    t.fixed[24 + 1] = TYPE_WT;  /* C1000, 4 KB */
    assert_int_equal(types_of(&t, 0x6FFFF), TYPE_WB);
    assert_int_equal(types_of(&t, 0x70000), TYPE_WT);
    assert_int_equal(types_of(&t, 0x83FFF), TYPE_WC);
    assert_int_equal(types_of(&t, 0x84000), TYPE_WB);
    assert_int_equal(types_of(&t, 0xA0000), TYPE_UC);
    assert_int_equal(types_of(&t, 0xC0FFF), TYPE_WP);
    assert_int_equal(types_of(&t, 0xC1000), TYPE_WT);
    assert_int_equal(types_of(&t, 0xFFFFF), TYPE_WP);
    assert_int_equal(types_of(&t, 0x100000), TYPE_WB);
    t.fixed_on = false;
    assert_int_equal(types_of(&t, 0xA0000), TYPE_WB);
}

static void variable_ranges_overlap(void **state)
{
    (void)state;
    struct memory_types t = usual();
    assert_int_equal(types_of(&t, 0x10000000), TYPE_UC);
    t.range[1] = (typeof(t.range[1])){.base = 0x8000, .mask = 0xFFFF000, .type = TYPE_WT};
    assert_int_equal(types_of(&t, 0x8000000), TYPE_WT);
    assert_int_equal(types_of(&t, 0x9000000), TYPE_WB);
    t.range[2] = (typeof(t.range[2])){.base = 0x8000, .mask = 0xFFFFF00, .type = TYPE_UC};
    assert_int_equal(types_of(&t, 0x8000000), TYPE_UC);
    assert_int_equal(types_of(&t, 0x8100000), TYPE_WT);
}

static void everything_is_uncached_while_they_are_off(void **state)
{
    (void)state;
    struct memory_types t = usual();
    t.on = false;
    assert_int_equal(types_of(&t, 0x200000), TYPE_UC);
    assert_true(types_uniform(&t, 0, 1u << 22));
}

static void regions_of_several_types_are_told(void **state)
{
    (void)state;
    struct memory_types t = usual();
    assert_false(types_uniform(&t, 0, 1u << 21));
    assert_true(types_uniform(&t, 0x200000, 1u << 21));
    t.range[1] = (typeof(t.range[1])){.base = 0x700, .mask = 0xFFFFF00, .type = TYPE_UC};
    assert_true(types_uniform(&t, 0x400000, 1u << 21));
    assert_false(types_uniform(&t, 0x600000, 1u << 21));
    assert_false(types_uniform(&t, 0x400000, 1u << 22));
}

/* [SDM3 table 10-7]: rows by the PAT's type, columns UC WC WT WP WB. */
static void page_and_range_make_one_type(void **state)
{
    (void)state;
    static const enum memory_type ranges[] = {TYPE_UC, TYPE_WC, TYPE_WT, TYPE_WP, TYPE_WB};
    static const struct {
        enum memory_type page;
        enum memory_type is[5];
    } table[] = {
        {TYPE_UC, {TYPE_UC, TYPE_UC, TYPE_UC, TYPE_UC, TYPE_UC}},
        {TYPE_UC_MINUS, {TYPE_UC, TYPE_WC, TYPE_UC, TYPE_UC, TYPE_UC}},
        {TYPE_WC, {TYPE_WC, TYPE_WC, TYPE_WC, TYPE_WC, TYPE_WC}},
        {TYPE_WT, {TYPE_UC, TYPE_UC, TYPE_WT, TYPE_WP, TYPE_WT}},
        {TYPE_WP, {TYPE_UC, TYPE_UC, TYPE_WP, TYPE_WP, TYPE_WP}},
        {TYPE_WB, {TYPE_UC, TYPE_WC, TYPE_WT, TYPE_WP, TYPE_WB}},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(table); i++)
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(types_attributes(ranges[k], table[i].page),
                             types_attributes(table[i].is[k], TYPE_WB));
}

static void attributes_tell_types_apart(void **state)
{
    (void)state;
    assert_int_equal(types_attributes(TYPE_WB, TYPE_WB), 0);
    assert_int_equal(types_attributes(TYPE_WT, TYPE_WB), TLB_THROUGH);
    assert_int_equal(types_attributes(TYPE_WP, TYPE_WB), TLB_THROUGH | TLB_PROTECT);
    assert_int_equal(types_attributes(TYPE_WC, TYPE_WB), TLB_UNCACHED | TLB_COMBINE);
    assert_int_equal(types_attributes(TYPE_UC, TYPE_WB), TLB_UNCACHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_ranges_of_three_sizes),
        cmocka_unit_test(variable_ranges_overlap),
        cmocka_unit_test(everything_is_uncached_while_they_are_off),
        cmocka_unit_test(regions_of_several_types_are_told),
        cmocka_unit_test(page_and_range_make_one_type),
        cmocka_unit_test(attributes_tell_types_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
