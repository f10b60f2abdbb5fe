/* Replacement among 16 ways, against a tree written out as a tree. */
#include "mmu/plru.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* node[n]: which half of node n to evict next; the root is node 1. */
static void tree_touch(bool node[16], uint32_t way)
{
    uint32_t n = 1;
    for (int bit = 3; bit >= 0; bit--) {
        bool upper = way >> bit & 1;
        node[n] = !upper;
        n = 2 * n + upper;
    }
}

static uint32_t tree_victim(const bool node[16])
{
    uint32_t n = 1;
    while (n < 16)
        n = 2 * n + node[n];
    return n - 16;
}

static void sixteen_ways_are_one_tree(void **state)
{
    (void)state;
    bool node[16] = {false};
    uint8_t pair[2] = {0, 0};
    uint32_t seed = 1;
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(plru_victim_16(pair), tree_victim(node));
        seed = seed * 1664525 + 1013904223;
        tree_touch(node, seed >> 28);
        plru_touch_16(pair, seed >> 28);
    }
}

static void victims_in_turn_are_all_ways(void **state)
{
    (void)state;
    uint8_t pair[2] = {0, 0};
    uint32_t seen = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t way = plru_victim_16(pair);
        seen |= 1u << way;
        plru_touch_16(pair, way);
    }
    assert_int_equal(seen, 0xFFFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_ways_are_one_tree),
        cmocka_unit_test(victims_in_turn_are_all_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
