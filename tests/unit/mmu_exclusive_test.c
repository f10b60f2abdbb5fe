/* The caches and TLBs of a K7 or K8 as accesses meet them: exact levels, states, victims, notes. */
#include "tests/unit/mmu_bench.h"

#include "mmu/types.h"

#define A 0x100000u /* three lines of one L1 set */
#define B (A + 0x8000)
#define C (A + 0x10000)
#define RWU (PTE_PRESENT | PTE_WRITE | PTE_USER)

static const struct mmu_geometry k8 = {
    .itlb = {32, 32},
    .itlb_large = {8, 8},
    .dtlb = {32, 32},
    .dtlb_large = {8, 8},
    .itlb2 = {512, 4},
    .dtlb2 = {512, 4},
    .directory_entries = 24,
    .l1i = {65536, 2, 64},
    .l1d = {65536, 2, 64},
    .l2 = {524288, 16, 64},
    .dram = {16384, 8},
    .l2_exclusive = true,
    .l2_prefetch = true,
    .access_bytes = 8,
    .physical_bits = 40,
};

static int setup(void **state)
{
    *state = bench_new_part(&k8, true);
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void miss_fills_the_first_level_alone(void **state)
{
    struct bench *b = *state;
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_ROW, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    bench_expect(b, ACCESS_READ, A + 60, LEVEL_L1, 0);
}

static void victim_goes_down_and_a_hit_comes_up(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_read(b, B, 4);
    bench_read(b, C, 4); /* A goes to L2 */
    assert_int_equal(bench_state(&b->m.l2, A), LINE_EXCLUSIVE);
    bench_expect(b, ACCESS_READ, A, LEVEL_L2, ACCESS_VICTIM); /* B goes */
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    assert_int_equal(bench_state(&b->m.l2, B), LINE_EXCLUSIVE);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
}

static void write_miss_allocates(void **state)
{
    struct bench *b = *state;
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_ROW, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_MODIFIED);
    bench_expect(b, ACCESS_WRITE, A + 4, LEVEL_L1, ACCESS_HIT_M);
    bench_read(b, B, 4);
    bench_read(b, C, 4);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_MODIFIED);
    bench_expect(b, ACCESS_READ, A, LEVEL_L2, ACCESS_VICTIM);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_MODIFIED);
}

/* 16 ways of L2 and two of L1: the 19th line of a set drives the first one, modified, to memory. */
static void modified_line_leaves_l2_for_memory(void **state)
{
    struct bench *b = *state;
    bench_write(b, A, 4, 1);
    for (unsigned i = 1; i < 18; i++) {
        bench_read(b, A + 0x8000 * i, 4);
        assert_int_equal(b->log.list[0].flags, i < 2 ? 0 : ACCESS_VICTIM);
    }
    bench_read(b, A + 0x8000 * 18, 4);
    assert_int_equal(b->log.list[0].flags, ACCESS_EVICT_L2 | ACCESS_VICTIM);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    assert_int_equal(b->m.l2.writebacks, 1);
}

static void locked_access_keeps_its_line(void **state)
{
    struct bench *b = *state;
    uint64_t value;
    bench_write(b, A, 4, 5);
    b->m.locked = true;
    assert_int_equal(bench_access(b, A, 4, ACCESS_RMW, false, &value), MMU_OK);
    mmu_rmw_commit(&b->m, 4, 6);
    b->m.locked = false;
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_RMW, LEVEL_L1, ACCESS_LOCKED, A);
    bench_logged(b, 1, ACCESS_WRITE, LEVEL_L1, ACCESS_LOCKED | ACCESS_HIT_M, A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_MODIFIED);
}

static void two_misses_in_a_row_prefetch_the_second_next(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    assert_int_equal(b->log.count, 1);
    bench_read(b, A + 64, 4);
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_NOTE, (enum access_level)NOTE_LINE_PREFETCHED, 0, A + 3 * 64);
    bench_logged(b, 1, ACCESS_READ, LEVEL_DRAM_HIT, 0, A + 64);
    assert_int_equal(bench_state(&b->m.l2, A + 3 * 64), LINE_EXCLUSIVE);
    bench_read(b, A + 3 * 64, 4);
    assert_int_equal(b->log.list[b->log.count - 1].level, LEVEL_L2);
}

static void prefetches_stay_in_the_page(void **state)
{
    struct bench *b = *state;
    bench_read(b, A + 0x1000 - 3 * 64, 4);
    bench_read(b, A + 0x1000 - 2 * 64, 4);
    assert_int_equal(b->log.count, 1);
}

static void prefetch_instructions_bring_lines_into_the_first_level(void **state)
{
    struct bench *b = *state;
    mmu_prefetch(&b->m, A, PREFETCH_READ, false);
    assert_int_equal(b->log.count, 1);
    assert_int_equal(b->log.list[0].la, LEVEL_DRAM_ROW);
    bench_logged(b, 0, ACCESS_NOTE, (enum access_level)NOTE_LINE_PREFETCHED, ACCESS_BY_REQUEST, A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
    mmu_prefetch(&b->m, B, PREFETCH_WRITE, false);
    assert_int_equal(bench_state(&b->m.l1d, B), LINE_MODIFIED);
    mmu_prefetch(&b->m, C, PREFETCH_READ, false);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_EXCLUSIVE); /* C displaced it */
    b->log.count = 0;
    mmu_prefetch(&b->m, C, PREFETCH_READ, false);
    assert_int_equal(b->log.list[0].la, LEVEL_L1);
    mmu_prefetch(&b->m, A, PREFETCH_READ, false);
    assert_int_equal(b->log.list[1].la, LEVEL_L2);
    mmu_prefetch(&b->m, DEVICE_PA, PREFETCH_READ, false);
    assert_int_equal(b->log.count, 2);
    bench_expect(b, ACCESS_READ, A, LEVEL_L1, 0);
}

static void what_prefetchnta_brings_from_memory_goes_past_the_second_level(void **state)
{
    struct bench *b = *state;
    mmu_prefetch(&b->m, A, PREFETCH_PASSING, false);
    bench_expect(b, ACCESS_READ, A, LEVEL_L1, 0);
    bench_read(b, B, 4);
    bench_expect(b, ACCESS_READ, C, LEVEL_DRAM_ROW, 0); /* A is gone */
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    mmu_prefetch(&b->m, A, PREFETCH_PASSING, false); /* B goes to L2 */
    bench_write(b, A, 4, 1);
    bench_read(b, C, 4);
    mmu_prefetch(&b->m, B, PREFETCH_PASSING, false); /* A to memory, B comes from L2 */
    assert_int_equal(b->log.list[b->log.count - 1].flags, ACCESS_BY_REQUEST | ACCESS_EVICT_L2);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    bench_read(b, C, 4);
    bench_read(b, A, 4);
    assert_int_equal(bench_state(&b->m.l2, B), LINE_EXCLUSIVE); /* and goes back there */
}

static void code_miss_brings_the_next_line(void **state)
{
    struct bench *b = *state;
    b->log.count = 0;
    mmu_fetch_line(&b->m, A, A);
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_NOTE, (enum access_level)NOTE_LINE_PREFETCHED, ACCESS_CODE_SIDE,
                 A + 64);
    bench_logged(b, 1, ACCESS_FETCH, LEVEL_DRAM_ROW, 0, A);
    b->log.count = 0;
    mmu_fetch_line(&b->m, A + 64, A + 64);
    bench_logged(b, 0, ACCESS_FETCH, LEVEL_L1, 0, A + 64);
}

static void line_moves_between_the_first_levels(void **state)
{
    struct bench *b = *state;
    bench_write(b, A, 4, 1);
    b->log.count = 0;
    mmu_fetch_line(&b->m, A, A);
    assert_int_equal(b->log.list[b->log.count - 1].level, LEVEL_L2);
    assert_int_equal(b->log.list[b->log.count - 1].flags,
                     ACCESS_EVICT_L2 | ACCESS_VICTIM);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_L2, ACCESS_VICTIM);
    assert_int_equal(bench_state(&b->m.l1i, A), LINE_INVALID);
}

/* --- memory types --- */

static void type_of_everything(struct bench *b, enum memory_type type)
{
    struct memory_types t = {.present = true, .on = true, .otherwise = (uint8_t)type};
    mmu_set_types(&b->m, &t);
}

static void uncached_memory_is_kept_nowhere(void **state)
{
    struct bench *b = *state;
    type_of_everything(b, TYPE_UC);
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_ROW, ACCESS_UNCACHED);
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_HIT, ACCESS_UNCACHED);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_HIT, ACCESS_LINE_SHARED);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
}

static void combining_writes_are_told(void **state)
{
    struct bench *b = *state;
    type_of_everything(b, TYPE_WC);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_ROW, ACCESS_LINE_SHARED | ACCESS_COMBINED);
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_HIT, ACCESS_UNCACHED);
}

static void written_through_lines_stay(void **state)
{
    struct bench *b = *state;
    type_of_everything(b, TYPE_WT);
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_ROW, ACCESS_THROUGH);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_SHARED);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_HIT, ACCESS_LINE_SHARED | ACCESS_THROUGH);
    bench_expect(b, ACCESS_READ, A, LEVEL_L1, 0);
    bench_expect(b, ACCESS_WRITE, B, LEVEL_DRAM_ROW, ACCESS_LINE_SHARED | ACCESS_THROUGH);
    assert_int_equal(bench_state(&b->m.l1d, B), LINE_INVALID);
}

static void write_protected_lines_are_dropped_by_a_write(void **state)
{
    struct bench *b = *state;
    type_of_everything(b, TYPE_WP);
    bench_read(b, A, 4);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_SHARED);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_HIT, ACCESS_LINE_SHARED);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
}

static void wbinvd_empties_the_second_level_too(void **state)
{
    struct bench *b = *state;
    bench_write(b, A, 4, 1);
    bench_read(b, B, 4);
    bench_read(b, C, 4); /* A, modified, is in L2 */
    bench_write(b, B, 4, 1);
    b->log.count = 0;
    mmu_invalidate_caches(&b->m, true);
    assert_int_equal(b->log.count, 1);
    bench_logged(b, 0, ACCESS_NOTE, (enum access_level)NOTE_CACHES_WRITTEN, 0, 0);
    assert_int_equal(b->log.list[0].la, 2);
    assert_int_equal(bench_state(&b->m.l1d, B), LINE_INVALID);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
}

static void eight_bytes_are_the_natural_boundary(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_expect(b, ACCESS_READ, A + 3, LEVEL_L1, 0);
    bench_expect(b, ACCESS_READ, A + 5, LEVEL_L1, ACCESS_MISALIGNED);
}

/* --- TLBs --- */

/* Maps pages of one region, one after the other. */
static void map_pages(struct bench *b, laddr_t la, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bench_map(b, la + 0x1000 * i, 0x200000 + 0x1000 * (i & 255), RWU);
    bench_paging(b, false, true);
}

static unsigned notes(const struct bench *b, unsigned note)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < b->log.count; i++)
        n += b->log.list[i].kind == ACCESS_NOTE && b->log.list[i].level == note;
    return n;
}

static unsigned walks(const struct bench *b)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < b->log.count; i++)
        n += b->log.list[i].kind == ACCESS_WALK;
    return n;
}

/* It walks for nothing, so that A is set by accesses alone, and never faults. */
static void prefetch_instructions_need_the_page_in_a_tlb(void **state)
{
    struct bench *b = *state;
    map_pages(b, A, 1);
    mmu_set_cr3(&b->m, DIRECTORY);
    b->log.count = 0;
    mmu_prefetch(&b->m, A, PREFETCH_READ, true);
    assert_int_equal(b->log.count, 0);
    bench_read(b, A + 64, 4);
    mmu_prefetch(&b->m, A, PREFETCH_READ, true);
    assert_int_equal(notes(b, NOTE_LINE_PREFETCHED), 1);
    assert_int_equal(bench_state(&b->m.l1d, 0x200000), LINE_EXCLUSIVE);
}

static void second_level_refills_the_first(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 40);
    for (unsigned i = 0; i < 33; i++)
        bench_read(b, 0x40000000 + 0x1000 * i, 4);
    assert_int_equal(b->m.dtlb.misses, 33);
    bench_read(b, 0x40000000, 4); /* the hand took the first entry for the 33rd page */
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 1);
    assert_int_equal(walks(b), 0);
    assert_int_equal(b->m.dtlb.misses, 33);
    bench_read(b, 0x40000000, 4);
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 0);
}

static void the_hand_passes_what_was_used(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 40);
    for (unsigned i = 0; i < 33; i++) /* the hand has cleared all bits and stands behind page 0 */
        bench_read(b, 0x40000000 + 0x1000 * i, 4);
    bench_read(b, 0x40001000, 4);
    bench_read(b, 0x40021000, 4); /* takes the entry of page 2 */
    bench_read(b, 0x40001000, 4);
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 0);
    bench_read(b, 0x40002000, 4);
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 1);
}

static void directory_entries_are_remembered(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 4);
    bench_read(b, 0x40000000, 4);
    assert_int_equal(walks(b), 2);
    bench_read(b, 0x40001000, 4);
    assert_int_equal(walks(b), 1);
    mmu_invalidate_page(&b->m, 0x12345000);
    bench_read(b, 0x40002000, 4);
    assert_int_equal(walks(b), 2);
    mmu_set_cr3(&b->m, DIRECTORY);
    bench_read(b, 0x40002000, 4);
    assert_int_equal(walks(b), 2);
}

static void invlpg_and_cr3_reach_the_second_level(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 40);
    for (unsigned i = 0; i < 40; i++)
        bench_read(b, 0x40000000 + 0x1000 * i, 4);
    mmu_invalidate_page(&b->m, 0x40000000);
    bench_read(b, 0x40000000, 4);
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 0);
    mmu_set_cr3(&b->m, DIRECTORY);
    bench_read(b, 0x40001000, 4);
    assert_int_equal(notes(b, NOTE_TLB_REFILL), 0);
    assert_true(walks(b) > 0);
}

static void large_code_pages_are_held_whole(void **state)
{
    struct bench *b = *state;
    paddr_t pa;
    bench_map_large(b, 0x40000000, 0x400000, RWU);
    bench_paging(b, false, true);
    assert_int_equal(mmu_fetch_slow(&b->m, 0x40001234, &pa), MMU_OK);
    assert_int_equal(pa, 0x401234);
    b->log.count = 0;
    assert_int_equal(mmu_fetch_slow(&b->m, 0x401F5678, &pa), MMU_OK);
    assert_int_equal(pa, 0x5F5678);
    assert_int_equal(b->log.count, 0);
    assert_true(tlb_find(&b->m.itlb_large, 0x40000000 >> 21) >= 0);
}

/* --- the flush filter --- */

static int setup_filter(void **state)
{
    static struct mmu_geometry g;
    g = k8;
    g.flush_filter = 1;
    struct bench *b = bench_new_part(&g, true);
    mmu_set_flush_filter(&b->m, true);
    *state = b;
    return 0;
}

#define OTHER_DIRECTORY 0x20000u

/* A second space: its directory has the same tables. */
static void second_space(struct bench *b)
{
    memcpy(b->phys.ram + OTHER_DIRECTORY, b->phys.ram + DIRECTORY, 0x1000);
}

static bool walked(struct bench *b, laddr_t la)
{
    bench_read(b, la, 4);
    return walks(b) > 0;
}

static void filter_keeps_entries_of_both_spaces(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 4);
    second_space(b);
    assert_true(walked(b, 0x40000000));
    mmu_set_cr3(&b->m, OTHER_DIRECTORY);
    assert_true(walked(b, 0x40000000));
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_false(walked(b, 0x40000000));
    mmu_set_cr3(&b->m, OTHER_DIRECTORY);
    assert_false(walked(b, 0x40000000));
}

static void spaces_do_not_see_each_other_s_pages(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 1);
    second_space(b);
    bench_put(b, OTHER_DIRECTORY + (0x40000000 >> 22) * 4, 0);
    bench_read(b, 0x40000000, 4);
    mmu_set_cr3(&b->m, OTHER_DIRECTORY);
    bench_faults(b, 0x40000000, ACCESS_READ, false, 0);
}

/* The guest's own store, through a mapping of the table. */
static void store_into_a_table_makes_the_next_cr3_flush(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x50400000, bench_pte(0x40000000) & 0xFFFFF000u, RWU);
    map_pages(b, 0x40000000, 4);
    bench_read(b, 0x40000000, 4);
    bench_write(b, 0x50400FF0, 4, 0); /* another entry of the same table */
    assert_true(b->m.filter.written);
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_false(b->m.filter.written);
    assert_true(walked(b, 0x40000000));
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_false(walked(b, 0x40000000));
}

static void accessed_and_dirty_bits_do_not_count(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 1);
    bench_write(b, 0x40000000, 4, 1);
    assert_false(b->m.filter.written);
}

static void ninth_space_flushes(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 1);
    bench_read(b, 0x40000000, 4);
    for (uint32_t i = 0; i < 7; i++)
        mmu_set_cr3(&b->m, OTHER_DIRECTORY + 0x1000 * i);
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_false(walked(b, 0x40000000));
    mmu_set_cr3(&b->m, OTHER_DIRECTORY + 0x7000);
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_true(walked(b, 0x40000000));
}

static void switched_off_it_keeps_nothing(void **state)
{
    struct bench *b = *state;
    map_pages(b, 0x40000000, 1);
    mmu_set_flush_filter(&b->m, false);
    bench_read(b, 0x40000000, 4);
    mmu_set_cr3(&b->m, DIRECTORY);
    assert_true(walked(b, 0x40000000));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define F(name) cmocka_unit_test_setup_teardown(name, setup_filter, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(miss_fills_the_first_level_alone),
        T(victim_goes_down_and_a_hit_comes_up),
        T(write_miss_allocates),
        T(modified_line_leaves_l2_for_memory),
        T(locked_access_keeps_its_line),
        T(two_misses_in_a_row_prefetch_the_second_next),
        T(prefetches_stay_in_the_page),
        T(prefetch_instructions_bring_lines_into_the_first_level),
        T(prefetch_instructions_need_the_page_in_a_tlb),
        T(what_prefetchnta_brings_from_memory_goes_past_the_second_level),
        T(code_miss_brings_the_next_line),
        T(line_moves_between_the_first_levels),
        T(uncached_memory_is_kept_nowhere),
        T(combining_writes_are_told),
        T(written_through_lines_stay),
        T(write_protected_lines_are_dropped_by_a_write),
        T(wbinvd_empties_the_second_level_too),
        T(eight_bytes_are_the_natural_boundary),
        T(second_level_refills_the_first),
        T(the_hand_passes_what_was_used),
        T(directory_entries_are_remembered),
        T(invlpg_and_cr3_reach_the_second_level),
        T(large_code_pages_are_held_whole),
        F(filter_keeps_entries_of_both_spaces),
        F(spaces_do_not_see_each_other_s_pages),
        F(store_into_a_table_makes_the_next_cr3_flush),
        F(accessed_and_dirty_bits_do_not_count),
        F(ninth_space_flushes),
        F(switched_off_it_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
