/* The caches and DRAM as accesses meet them: exact levels, states, victims and log entries. Paging
 * is off, so that addresses are physical, except where a page's attributes matter. */
#include "tests/unit/mmu_bench.h"

#define A 0x100000u /* three lines of one L1 set, in three DRAM rows of banks 0, 1 and 2 */
#define B (A + 0x1000)
#define C (A + 0x2000)

static int setup(void **state)
{
    *state = bench_new(true);
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void read_miss_fills_exclusive_and_then_hits(void **state)
{
    struct bench *b = *state;
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_ROW, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_EXCLUSIVE);
    bench_expect(b, ACCESS_READ, A + 28, LEVEL_L1, 0);
    bench_expect(b, ACCESS_READ, A + 32, LEVEL_DRAM_HIT, 0);
    assert_int_equal(b->m.l1d.misses, 2);
    assert_int_equal(b->m.l2.misses, 2);
}

static void dram_rows_stay_open_by_bank(void **state)
{
    struct bench *b = *state;
    bench_expect(b, ACCESS_READ, A, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_READ, B, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_READ, A + 64, LEVEL_DRAM_HIT, 0);
    bench_expect(b, ACCESS_READ, A + 0x4000, LEVEL_DRAM_MISS, 0);
    bench_expect(b, ACCESS_READ, A + 96, LEVEL_DRAM_MISS, 0);
    bench_expect(b, ACCESS_READ, B + 96, LEVEL_DRAM_HIT, 0);
}

static void least_recently_used_way_is_evicted(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_read(b, B, 4);
    bench_read(b, A, 4);
    bench_read(b, C, 4); /* evicts B */
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
    assert_int_equal(bench_state(&b->m.l1d, B), LINE_INVALID);
    bench_expect(b, ACCESS_READ, B, LEVEL_L2, 0); /* evicts A */
    bench_expect(b, ACCESS_READ, C, LEVEL_L1, 0);
    bench_expect(b, ACCESS_READ, A, LEVEL_L2, 0);
}

static void write_miss_goes_to_the_bus_and_allocates_nowhere(void **state)
{
    struct bench *b = *state;
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_DRAM_HIT, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    assert_int_equal(b->m.l1d.misses, 2);
}

static void write_miss_that_hits_l2_modifies_it_there(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_read(b, B, 4);
    bench_read(b, C, 4);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_L2, 0);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_MODIFIED);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
}

static void write_hit_makes_the_line_modified(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_L1, ACCESS_HIT_M);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_MODIFIED);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_L1, ACCESS_HIT_M);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_EXCLUSIVE);
}

static void modified_victim_is_written_back_to_l2(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_write(b, A, 4, 1);
    bench_read(b, B, 4);
    bench_expect(b, ACCESS_READ, C, LEVEL_DRAM_ROW, ACCESS_EVICT_DIRTY);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_MODIFIED);
    assert_int_equal(b->m.l1d.writebacks, 1);
}

/* A + 256 KB has A's place in L2 and takes it; A's line is then written past L2 into memory, where
 * it closes the row that the fill opened. */
static void modified_victim_absent_from_l2_is_written_to_memory(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_write(b, A, 4, 1);
    bench_read(b, B, 4);
    bench_expect(b, ACCESS_READ, A + 0x40000, LEVEL_DRAM_MISS, ACCESS_EVICT_DIRTY);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
    bench_expect(b, ACCESS_READ, A + 0x40000 + 32, LEVEL_DRAM_MISS, 0);
}

static void modified_l2_victim_is_flagged(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_read(b, B, 4);
    bench_read(b, C, 4);
    bench_write(b, A, 4, 1); /* A is modified in L2 and not in L1 */
    bench_expect(b, ACCESS_READ, A + 0x40000, LEVEL_DRAM_MISS, ACCESS_EVICT_L2);
    assert_int_equal(b->m.l2.writebacks, 1);
    assert_int_equal(bench_state(&b->m.l2, A + 0x40000), LINE_EXCLUSIVE);
}

static void rmw_logs_a_read_half_and_a_write_half(void **state)
{
    struct bench *b = *state;
    bench_put(b, A, 41);
    uint64_t value = 0;
    assert_int_equal(bench_access(b, A, 4, ACCESS_RMW, false, &value), MMU_OK);
    assert_int_equal(value, 41);
    assert_int_equal(b->log.count, 1);
    mmu_rmw_commit(&b->m, 4, value + 1);
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_RMW, LEVEL_DRAM_ROW, 0, A);
    bench_logged(b, 1, ACCESS_WRITE, LEVEL_L1, ACCESS_HIT_M, A);
    assert_int_equal(bench_u32(b, A), 42);
}

static void locked_rmw_of_a_modified_line_writes_it_back_and_works_on_the_bus(void **state)
{
    struct bench *b = *state;
    uint64_t value = 0;
    bench_read(b, A, 4);
    bench_write(b, A, 4, 7);
    b->m.locked = true;
    assert_int_equal(bench_access(b, A, 4, ACCESS_RMW, false, &value), MMU_OK);
    mmu_rmw_commit(&b->m, 4, value + 1);
    b->m.locked = false;
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_RMW, LEVEL_L2, ACCESS_LOCKED | ACCESS_EVICT_DIRTY, A);
    bench_logged(b, 1, ACCESS_WRITE, LEVEL_L2, ACCESS_LOCKED, A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
    assert_int_equal(bench_u32(b, A), 8);
}

static void locked_rmw_that_misses_everywhere_allocates_nothing(void **state)
{
    struct bench *b = *state;
    uint64_t value = 0;
    b->m.locked = true;
    assert_int_equal(bench_access(b, A, 4, ACCESS_RMW, false, &value), MMU_OK);
    mmu_rmw_commit(&b->m, 4, 1);
    bench_logged(b, 0, ACCESS_RMW, LEVEL_DRAM_ROW, ACCESS_LOCKED, A);
    bench_logged(b, 1, ACCESS_WRITE, LEVEL_DRAM_HIT, ACCESS_LOCKED, A);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
}

static void fetch(struct bench *b, paddr_t pa, enum access_level level, unsigned flags)
{
    b->log.count = 0;
    mmu_fetch_line(&b->m, pa, pa);
    assert_int_equal(b->log.count, 1);
    bench_logged(b, 0, ACCESS_FETCH, level, flags, pa);
}

static void code_lines_are_shared_and_hit(void **state)
{
    struct bench *b = *state;
    fetch(b, A, LEVEL_DRAM_ROW, 0);
    assert_int_equal(bench_state(&b->m.l1i, A), LINE_SHARED);
    fetch(b, A + 16, LEVEL_L1, 0);
    assert_int_equal(b->m.l1i.misses, 1);
}

static void fetch_of_a_modified_line_writes_it_back_first(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_write(b, A, 4, 1);
    fetch(b, A, LEVEL_L2, ACCESS_EVICT_DIRTY);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_MODIFIED);
}

static void write_to_a_code_line_invalidates_it(void **state)
{
    struct bench *b = *state;
    fetch(b, A, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_WRITE, A, LEVEL_L2, 0);
    assert_int_equal(bench_state(&b->m.l1i, A), LINE_INVALID);
    fetch(b, A, LEVEL_L2, 0);
}

static void line_is_never_in_both_first_level_caches(void **state)
{
    struct bench *b = *state;
    fetch(b, A, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_READ, A, LEVEL_L2, 0);
    assert_int_equal(bench_state(&b->m.l1i, A), LINE_INVALID);
    fetch(b, A, LEVEL_L2, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
}

static void access_across_lines_logs_each_line(void **state)
{
    struct bench *b = *state;
    bench_put(b, A + 30, 0x44332211);
    bench_read(b, A, 4);
    assert_int_equal(bench_read(b, A + 30, 4), 0x44332211);
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_READ, LEVEL_L1, ACCESS_MISALIGNED, A + 30);
    bench_logged(b, 1, ACCESS_READ, LEVEL_DRAM_HIT, 0, A + 32);
    assert_int_equal(b->log.list[0].size, 2);
    assert_int_equal(b->log.list[1].size, 2);
}

static void only_natural_boundaries_are_misalignments(void **state)
{
    struct bench *b = *state;
    static const struct {
        unsigned offset, size, flags;
    } cases[] = {
        {1, 2, 0},
        {2, 2, 0},
        {3, 2, ACCESS_MISALIGNED},
        {3, 1, 0},
        {0, 4, 0},
        {1, 4, ACCESS_MISALIGNED},
        {8, 8, 0},
        {4, 8, ACCESS_MISALIGNED},
    };
    bench_read(b, A, 4);
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        bench_read(b, A + cases[i].offset, cases[i].size);
        assert_int_equal(b->log.count, 1);
        bench_logged(b, 0, ACCESS_READ, LEVEL_L1, cases[i].flags, A + cases[i].offset);
    }
}

static void caches_off_reads_without_allocating_but_still_hits(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    mmu_set_control(&b->m, false, false, true, false);
    bench_expect(b, ACCESS_READ, A, LEVEL_L1, 0);
    bench_expect(b, ACCESS_READ, B, LEVEL_DRAM_ROW, 0);
    bench_expect(b, ACCESS_READ, B, LEVEL_DRAM_HIT, 0);
    fetch(b, C, LEVEL_DRAM_ROW, 0);
    fetch(b, C, LEVEL_DRAM_HIT, 0);
    assert_int_equal(bench_state(&b->m.l2, B), LINE_INVALID);
}

static void device_is_never_cached(void **state)
{
    struct bench *b = *state;
    b->device_value = 0x12345678;
    bench_expect(b, ACCESS_READ, DEVICE_PA, LEVEL_DEVICE, 0);
    bench_expect(b, ACCESS_READ, DEVICE_PA, LEVEL_DEVICE, 0);
    bench_expect(b, ACCESS_WRITE, DEVICE_PA, LEVEL_DEVICE, 0);
    fetch(b, DEVICE_PA, LEVEL_DEVICE, 0);
    assert_int_equal(b->device_reads, 2);
    assert_int_equal(b->device_writes, 1);
    assert_int_equal(bench_state(&b->m.l1d, DEVICE_PA), LINE_INVALID);
    bench_expect(b, ACCESS_READ, RAM_BYTES, LEVEL_DEVICE, 0); /* open bus */
}

/* A ROM's lines stay shared, so that every write goes out and vanishes there. */
static void rom_lines_are_cached_shared(void **state)
{
    struct bench *b = *state;
    bench_put(b, ROM_PA, 5);
    bench_expect(b, ACCESS_READ, ROM_PA, LEVEL_DRAM_ROW, ACCESS_THROUGH);
    assert_int_equal(bench_state(&b->m.l1d, ROM_PA), LINE_SHARED);
    bench_expect(b, ACCESS_WRITE, ROM_PA, LEVEL_L2, ACCESS_LINE_SHARED);
    assert_int_equal(bench_state(&b->m.l1d, ROM_PA), LINE_SHARED);
    assert_int_equal(bench_read(b, ROM_PA, 4), 5);
}

/* --- pages with attributes, and the walker --- */

static void write_through_page_keeps_its_lines_shared(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x400000, A, PTE_PRESENT | PTE_WRITE | PTE_THROUGH | PTE_ACCESSED | PTE_DIRTY);
    bench_map(b, 0x401000, A, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
    bench_paging(b, false, false);
    bench_read(b, 0x400000, 4);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_SHARED);
    bench_write(b, 0x400000, 4, 1);
    bench_logged(b, 0, ACCESS_WRITE, LEVEL_L2, ACCESS_LINE_SHARED, A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_SHARED);
    /* A write through a page without PWT goes out once more, and the line may be owned then. */
    bench_read(b, 0x401000, 4);
    bench_write(b, 0x401000, 4, 1);
    bench_logged(b, 0, ACCESS_WRITE, LEVEL_L2, ACCESS_LINE_SHARED | ACCESS_TAKES_LINE, A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_EXCLUSIVE);
    bench_write(b, 0x401000, 4, 1);
    bench_logged(b, 0, ACCESS_WRITE, LEVEL_L1, ACCESS_HIT_M, A);
}

static void uncached_page_reads_the_bus_every_time(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x400000, A, PTE_PRESENT | PTE_UNCACHED | PTE_ACCESSED);
    bench_paging(b, false, false);
    bench_read(b, 0x400000, 4);
    bench_read(b, 0x400000, 4);
    assert_int_equal(b->log.count, 1);
    bench_logged(b, 0, ACCESS_READ, LEVEL_DRAM_HIT, ACCESS_UNCACHED, A);
    assert_int_equal(bench_state(&b->m.l2, A), LINE_INVALID);
}

static void walker_fills_l2_and_not_l1(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x400000, A, PTE_PRESENT | PTE_ACCESSED);
    bench_put(b, bench_pde(0x400000), bench_u32(b, bench_pde(0x400000)) | PTE_ACCESSED);
    bench_paging(b, false, false);
    bench_read(b, 0x400000, 4);
    assert_int_equal(b->log.count, 3);
    bench_logged(b, 0, ACCESS_WALK, LEVEL_DRAM_ROW, 0, bench_pde(0x400000));
    bench_logged(b, 1, ACCESS_WALK, LEVEL_DRAM_ROW, 0, bench_pte(0x400000));
    bench_logged(b, 2, ACCESS_READ, LEVEL_DRAM_ROW, 0, A);
    assert_int_equal(bench_state(&b->m.l1d, bench_pte(0x400000)), LINE_INVALID);
    mmu_set_cr3(&b->m, DIRECTORY);
    bench_read(b, 0x400000, 4);
    bench_logged(b, 0, ACCESS_WALK, LEVEL_L2, 0, bench_pde(0x400000));
    bench_logged(b, 1, ACCESS_WALK, LEVEL_L2, 0, bench_pte(0x400000));
    bench_logged(b, 2, ACCESS_READ, LEVEL_L1, 0, A);
}

static void walker_finds_a_modified_entry_in_l1(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x400000, A, PTE_PRESENT | PTE_ACCESSED);
    bench_put(b, bench_pde(0x400000), bench_u32(b, bench_pde(0x400000)) | PTE_ACCESSED);
    bench_read(b, bench_pte(0x400000), 4);
    bench_write(b, bench_pte(0x400000), 4, B | PTE_PRESENT | PTE_ACCESSED);
    bench_paging(b, false, false);
    bench_put(b, B, 77);
    assert_int_equal(bench_read(b, 0x400000, 4), 77);
    bench_logged(b, 1, ACCESS_WALK, LEVEL_L1, 0, bench_pte(0x400000));
    assert_int_equal(bench_state(&b->m.l1d, bench_pte(0x400000)), LINE_MODIFIED);
}

static void accessed_bit_is_set_by_a_locked_update(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0x400000, A, PTE_PRESENT);
    bench_put(b, bench_pde(0x400000), bench_u32(b, bench_pde(0x400000)) | PTE_ACCESSED);
    bench_read(b, bench_pte(0x400000), 4);
    bench_write(b, bench_pte(0x400000), 4, A | PTE_PRESENT);
    bench_paging(b, false, false);
    bench_read(b, 0x400000, 4);
    assert_int_equal(b->log.count, 4);
    bench_logged(b, 1, ACCESS_WALK, LEVEL_L1, 0, bench_pte(0x400000));
    bench_logged(b, 2, ACCESS_UPDATE, LEVEL_L2, ACCESS_LOCKED | ACCESS_EVICT_DIRTY,
                 bench_pte(0x400000));
    assert_int_equal(bench_state(&b->m.l1d, bench_pte(0x400000)), LINE_INVALID);
    assert_int_equal(bench_u32(b, bench_pte(0x400000)), A | PTE_PRESENT | PTE_ACCESSED);
}

/* --- the whole --- */

static void wbinvd_logs_modified_lines_and_empties_both(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    bench_write(b, A, 4, 1);
    bench_read(b, B, 4);
    fetch(b, C, LEVEL_DRAM_ROW, 0);
    b->log.count = 0;
    mmu_invalidate_caches(&b->m, true);
    assert_int_equal(b->log.count, 1);
    bench_logged(b, 0, ACCESS_WRITE, LEVEL_L2, ACCESS_EVICT_DIRTY, A);
    assert_int_equal(b->log.list[0].size, 32);
    bench_expect(b, ACCESS_READ, A, LEVEL_L2, 0);
    bench_expect(b, ACCESS_READ, B, LEVEL_L2, 0);
    fetch(b, C, LEVEL_L2, 0);
    b->log.count = 0;
    mmu_invalidate_caches(&b->m, false);
    assert_int_equal(b->log.count, 0);
}

static void untimed_leaves_caches_and_log_alone(void **state)
{
    struct bench *b = *state;
    mmu_set_timed(&b->m, false);
    bench_write(b, A, 4, 9);
    assert_int_equal(bench_read(b, A, 4), 9);
    assert_int_equal(b->log.count, 0);
    assert_int_equal(b->m.l1d.misses + b->m.l2.misses, 0);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_INVALID);
}

static void fast_path_takes_over_after_a_slow_access(void **state)
{
    struct bench *b = *state;
    assert_null(mmu_fast(&b->m, A, 4, ACCESS_READ));
    bench_read(b, A, 4);
    b->log.count = 0;
    assert_ptr_equal(mmu_fast(&b->m, A + 4, 4, ACCESS_READ), b->phys.ram + A + 4);
    bench_logged(b, 0, ACCESS_READ, LEVEL_L1, 0, A + 4);
    assert_null(mmu_fast(&b->m, A + 32, 4, ACCESS_READ)); /* another line */
    assert_null(mmu_fast(&b->m, A + 2, 4, ACCESS_READ));  /* misaligned */
    assert_ptr_equal(mmu_fast(&b->m, A, 4, ACCESS_WRITE), b->phys.ram + A);
    assert_int_equal(bench_state(&b->m.l1d, A), LINE_MODIFIED);
}

static void fast_path_leaves_shared_lines_to_the_slow_one(void **state)
{
    struct bench *b = *state;
    bench_read(b, A, 4);
    b->m.l1d.state[cache_find(&b->m.l1d, A)] = LINE_SHARED;
    assert_null(mmu_fast(&b->m, A, 4, ACCESS_WRITE));
    assert_null(mmu_fast(&b->m, A, 4, ACCESS_RMW));
    assert_non_null(mmu_fast(&b->m, A, 4, ACCESS_READ));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(read_miss_fills_exclusive_and_then_hits),
        T(dram_rows_stay_open_by_bank),
        T(least_recently_used_way_is_evicted),
        T(write_miss_goes_to_the_bus_and_allocates_nowhere),
        T(write_miss_that_hits_l2_modifies_it_there),
        T(write_hit_makes_the_line_modified),
        T(modified_victim_is_written_back_to_l2),
        T(modified_victim_absent_from_l2_is_written_to_memory),
        T(modified_l2_victim_is_flagged),
        T(rmw_logs_a_read_half_and_a_write_half),
        T(locked_rmw_of_a_modified_line_writes_it_back_and_works_on_the_bus),
        T(locked_rmw_that_misses_everywhere_allocates_nothing),
        T(code_lines_are_shared_and_hit),
        T(fetch_of_a_modified_line_writes_it_back_first),
        T(write_to_a_code_line_invalidates_it),
        T(line_is_never_in_both_first_level_caches),
        T(access_across_lines_logs_each_line),
        T(only_natural_boundaries_are_misalignments),
        T(caches_off_reads_without_allocating_but_still_hits),
        T(device_is_never_cached),
        T(rom_lines_are_cached_shared),
        T(write_through_page_keeps_its_lines_shared),
        T(uncached_page_reads_the_bus_every_time),
        T(walker_fills_l2_and_not_l1),
        T(walker_finds_a_modified_entry_in_l1),
        T(accessed_bit_is_set_by_a_locked_update),
        T(wbinvd_logs_modified_lines_and_empties_both),
        T(untimed_leaves_caches_and_log_alone),
        T(fast_path_takes_over_after_a_slow_access),
        T(fast_path_leaves_shared_lines_to_the_slow_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
