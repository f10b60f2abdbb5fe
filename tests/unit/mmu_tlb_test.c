/* tlb: exact hits, misses and victims. */
#include "tests/unit/mmu_bench.h"

static struct tlb tlb;

static uint32_t fill(uint32_t tag)
{
    uint32_t evicted;
    tlb_fill(&tlb, tag, tag + 100, TLB_WRITE, &evicted);
    return evicted;
}

static void touch(uint32_t tag)
{
    int index = tlb_find(&tlb, tag);
    assert_true(index >= 0);
    tlb_touch(&tlb, (uint32_t)index);
}

static void tlb_without_entries_never_hits(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){0, 0});
    assert_int_equal(tlb_find(&tlb, 0), -1);
    assert_int_equal(tlb_find(&tlb, TLB_INVALID), -1);
    assert_false(tlb_invalidate(&tlb, 0));
}

static void fill_is_found_in_its_set_with_its_page_and_flags(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){64, 4});
    assert_int_equal(fill(0x12345), TLB_INVALID);
    int index = tlb_find(&tlb, 0x12345);
    assert_int_equal(index, 5 * 4); /* set 5 of 16, way 0 */
    assert_int_equal(tlb.entry[index].page, 0x12345 + 100);
    assert_int_equal(tlb.entry[index].flags, TLB_WRITE);
    assert_int_equal(tlb_find(&tlb, 0x12355), -1);
}

static void invalid_ways_are_filled_before_any_is_evicted(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){64, 4});
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(fill(16 * i), TLB_INVALID);
    assert_true(tlb_invalidate(&tlb, 16 * 2));
    assert_false(tlb_invalidate(&tlb, 16 * 2));
    assert_int_equal(fill(16 * 9), TLB_INVALID);
    assert_int_equal(tlb_find(&tlb, 16 * 9), 2);
}

/* After filling ways 0 1 2 3 in order the tree points at 0, then at 2, 1 and 3: each victim turns
 * the root to the other half. */
static void four_ways_are_evicted_in_tree_order(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){64, 4});
    for (uint32_t i = 0; i < 4; i++)
        fill(16 * i);
    assert_int_equal(fill(16 * 4), 16 * 0);
    assert_int_equal(fill(16 * 5), 16 * 2);
    assert_int_equal(fill(16 * 6), 16 * 1);
    assert_int_equal(fill(16 * 7), 16 * 3);
}

/* True LRU would evict 1 here; the tree has forgotten the order inside the other half. */
static void tree_is_only_pseudo_lru(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){64, 4});
    for (uint32_t i = 0; i < 4; i++)
        fill(16 * i);
    touch(16 * 0);
    assert_int_equal(fill(16 * 4), 16 * 2);
    touch(16 * 3);
    assert_int_equal(fill(16 * 5), 16 * 1);
}

static void refilling_a_tag_takes_its_own_place(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){32, 4});
    fill(8 * 1);
    fill(8 * 2);
    assert_int_equal(fill(8 * 1), 8 * 1);
    assert_int_equal(tlb_find(&tlb, 8 * 1), 0);
    assert_int_equal(tlb_find(&tlb, 8 * 2), 1);
}

static void sets_do_not_disturb_each_other(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){8, 4});
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(fill(i), TLB_INVALID);
    assert_int_equal(fill(8), 0);
    assert_int_equal(fill(9), 1);
    assert_true(tlb_find(&tlb, 2) >= 0 && tlb_find(&tlb, 3) >= 0);
}

static void flush_empties_every_set_and_fills_start_again(void **state)
{
    (void)state;
    tlb_init(&tlb, (struct tlb_geometry){512, 4});
    for (uint32_t i = 0; i < 512; i++)
        fill(i * 7);
    tlb_flush(&tlb);
    for (uint32_t i = 0; i < 512; i++) {
        assert_int_equal(tlb_find(&tlb, i * 7), -1);
        assert_int_equal(tlb.entry[i].tag, TLB_INVALID);
    }
    assert_int_equal(fill(3), TLB_INVALID);
    tlb_flush(&tlb);
    assert_int_equal(tlb_find(&tlb, 3), -1);
}

/* The table against the definition: a hit points every node on its path away from itself. */
static void plru_table_is_the_tree(void **state)
{
    (void)state;
    for (uint32_t ways = 1; ways <= 8; ways *= 2)
        for (uint32_t way = 0; way < ways; way++)
            for (unsigned before = 0; before < 256; before++) {
                uint8_t byte = (uint8_t)before, expected = byte;
                for (uint32_t node = way + ways; node > 1; node /= 2) {
                    uint8_t bit = (uint8_t)(1u << (node / 2 - 1));
                    expected = (uint8_t)(node & 1 ? expected & ~bit : expected | bit);
                }
                plru_touch(&byte, ways, way);
                assert_int_equal(byte, expected);
                assert_true(ways == 1 || plru_victim(byte, ways) != way);
                assert_true(plru_victim(byte, ways) < ways);
            }
}

static void two_ways_hold_the_way_to_evict(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2; way++) {
        uint8_t byte = 0;
        plru_touch(&byte, 2, way);
        assert_int_equal(byte, way ^ 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tlb_without_entries_never_hits),
        cmocka_unit_test(fill_is_found_in_its_set_with_its_page_and_flags),
        cmocka_unit_test(invalid_ways_are_filled_before_any_is_evicted),
        cmocka_unit_test(four_ways_are_evicted_in_tree_order),
        cmocka_unit_test(tree_is_only_pseudo_lru),
        cmocka_unit_test(refilling_a_tag_takes_its_own_place),
        cmocka_unit_test(sets_do_not_disturb_each_other),
        cmocka_unit_test(flush_empties_every_set_and_fills_start_again),
        cmocka_unit_test(plru_table_is_the_tree),
        cmocka_unit_test(two_ways_hold_the_way_to_evict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
