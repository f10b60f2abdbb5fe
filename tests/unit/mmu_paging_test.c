/* The page walk and what the TLBs remember of it; accesses that cross pages; devices; onlookers.
 * The semantics are the same timed or not: every test runs on both. */
#include "tests/unit/mmu_bench.h"

#include "sim/core/snap.h"

#define LA 0x08048000u
#define PA 0x300000u
#define RWU (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define LARGE_LA 0x40000000u
#define LARGE_PA 0x800000u

static int setup_timed(void **state)
{
    *state = bench_new(true);
    return 0;
}

static int setup_untimed(void **state)
{
    *state = bench_new(false);
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void no_paging_maps_addresses_to_themselves(void **state)
{
    struct bench *b = *state;
    bench_write(b, PA + 3, 4, 0xAABBCCDD);
    assert_int_equal(bench_u32(b, PA + 3), 0xAABBCCDD);
    assert_int_equal(b->m.dtlb.misses, 0);
}

static void a20_gate_folds_the_second_megabyte(void **state)
{
    struct bench *b = *state;
    bench_write(b, 0x5000, 4, 1);
    bench_write(b, 0x105000, 4, 2);
    mmu_set_a20(&b->m, false);
    assert_int_equal(bench_read(b, 0x105000, 4), 1);
    mmu_set_a20(&b->m, true);
    assert_int_equal(bench_read(b, 0x105000, 4), 2);
}

static void read_sets_a_and_write_sets_d(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_put(b, PA, 123);
    bench_paging(b, false, false);
    assert_int_equal(bench_read(b, LA, 4), 123);
    assert_int_equal(bench_u32(b, bench_pde(LA)) & 0x60, PTE_ACCESSED);
    assert_int_equal(bench_u32(b, bench_pte(LA)) & 0x60, PTE_ACCESSED);
    assert_int_equal(b->m.dtlb.misses, 1);
    bench_write(b, LA, 4, 5);
    assert_int_equal(bench_u32(b, bench_pde(LA)) & 0x60, PTE_ACCESSED);
    assert_int_equal(bench_u32(b, bench_pte(LA)) & 0x60, PTE_ACCESSED | PTE_DIRTY);
    assert_int_equal(b->m.dtlb.misses, 1); /* the entry was there, only clean */
    bench_put(b, bench_pte(LA), PA | RWU);
    bench_write(b, LA, 4, 6); /* dirty already: the tables are not asked */
    assert_int_equal(bench_u32(b, bench_pte(LA)), PA | RWU);
}

static void rmw_sets_d_in_its_first_half(void **state)
{
    struct bench *b = *state;
    uint64_t value = 0;
    bench_map(b, LA, PA, RWU);
    bench_paging(b, false, false);
    assert_int_equal(bench_access(b, LA, 4, ACCESS_RMW, true, &value), MMU_OK);
    assert_true(bench_u32(b, bench_pte(LA)) & PTE_DIRTY);
}

static void missing_entries_fault_with_p_clear(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU & ~PTE_PRESENT);
    bench_paging(b, false, false);
    bench_faults(b, LA + 8, ACCESS_READ, false, 0);
    bench_faults(b, LA + 8, ACCESS_WRITE, false, FAULT_WRITE);
    bench_faults(b, LA + 8, ACCESS_RMW, true, FAULT_WRITE | FAULT_USER);
    assert_true(bench_u32(b, bench_pde(LA)) & PTE_ACCESSED);
    assert_false(bench_u32(b, bench_pte(LA)) & PTE_ACCESSED);
    bench_faults(b, 0xC0000000, ACCESS_READ, true, FAULT_USER);
}

/* Not-present entries are not cached: making one present needs no INVLPG. */
static void missing_entry_is_not_remembered(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, 0);
    bench_paging(b, false, false);
    bench_faults(b, LA, ACCESS_READ, false, 0);
    bench_map(b, LA, PA, RWU);
    bench_read(b, LA, 4);
}

/* Rights are what both levels grant; a supervisor writes anything unless WP is set [SDM3 4.11]. */
static void protection_follows_both_levels_and_wp(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 32; i++) {
        uint32_t pde = i & 3, pte = i >> 2 & 3; /* bit 0 R/W, bit 1 U/S */
        bool wp = i >> 4, user_page = pde & pte & 2, writable = pde & pte & 1;
        bench_map(b, LA, PA, PTE_PRESENT | pte << 1);
        bench_put(b, bench_pde(LA), (bench_pte(LA) & 0xFFFFF000u) | PTE_PRESENT | pde << 1);
        for (unsigned access = 0; access < 4; access++) {
            bool write = access & 1, user = access & 2;
            bool allowed = user ? user_page && (!write || writable) : !write || writable || !wp;
            uint64_t value = 0;
            bench_paging(b, wp, false);
            for (unsigned again = 0; again < 2; again++) { /* from the tables, then from the TLB */
                enum mmu_status status =
                    bench_access(b, LA, 4, write ? ACCESS_WRITE : ACCESS_READ, user, &value);
                assert_int_equal(status, allowed ? MMU_OK : MMU_FAULT);
                if (!allowed)
                    assert_int_equal(b->m.fault_code, FAULT_PRESENT | (write ? FAULT_WRITE : 0) |
                                                          (user ? FAULT_USER : 0));
            }
        }
    }
}

static void denied_access_sets_neither_a_nor_d_in_the_page_table(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, PTE_PRESENT | PTE_USER);
    bench_paging(b, false, false);
    bench_faults(b, LA, ACCESS_WRITE, true, FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
    assert_int_equal(bench_u32(b, bench_pte(LA)), PA | PTE_PRESENT | PTE_USER);
}

static void changing_wp_needs_no_flush(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, PTE_PRESENT | PTE_DIRTY);
    bench_paging(b, false, false);
    bench_write(b, LA, 4, 1);
    mmu_set_control(&b->m, true, true, false, false);
    assert_null(mmu_fast(&b->m, LA, 4, ACCESS_WRITE));
    bench_faults(b, LA, ACCESS_WRITE, false, FAULT_PRESENT | FAULT_WRITE);
    mmu_set_control(&b->m, true, false, false, false);
    bench_write(b, LA, 4, 2);
}

static void user_fast_entries_are_apart_from_the_kernels(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, PTE_PRESENT | PTE_WRITE);
    bench_paging(b, false, false);
    bench_read(b, LA, 4);
    assert_non_null(mmu_fast(&b->m, LA, 4, ACCESS_READ));
    mmu_set_user(&b->m, true);
    assert_null(mmu_fast(&b->m, LA, 4, ACCESS_READ));
    bench_faults(b, LA, ACCESS_READ, true, FAULT_PRESENT | FAULT_USER);
}

static void stale_entry_serves_until_invlpg(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_put(b, PA, 1);
    bench_put(b, PA + 0x1000, 2);
    bench_paging(b, false, false);
    assert_int_equal(bench_read(b, LA, 4), 1);
    bench_map(b, LA, PA + 0x1000, RWU);
    assert_int_equal(bench_read(b, LA, 4), 1);
    mmu_invalidate_page(&b->m, LA + 0x1234);
    assert_int_equal(bench_read(b, LA, 4), 1); /* that was the next page */
    mmu_invalidate_page(&b->m, LA + 0xFFF);
    assert_null(mmu_fast(&b->m, LA, 4, ACCESS_READ));
    assert_int_equal(bench_read(b, LA, 4), 2);
}

static void stale_entry_serves_until_cr3_is_loaded(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_paging(b, false, false);
    bench_read(b, LA, 4);
    bench_map(b, LA, PA, 0);
    bench_read(b, LA, 4);
    mmu_set_cr3(&b->m, DIRECTORY);
    bench_faults(b, LA, ACCESS_READ, false, 0);
}

/* Granting more rights needs no INVLPG, at the price of one fault: it drops the entry
 * [SDM3 4.10.4.1]. */
static void stale_denial_faults_once(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, PTE_PRESENT | PTE_USER);
    bench_paging(b, false, false);
    bench_read(b, LA, 4);
    bench_map(b, LA, PA, RWU);
    bench_faults(b, LA, ACCESS_WRITE, true, FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
    uint64_t value = 9;
    assert_int_equal(bench_access(b, LA, 4, ACCESS_WRITE, true, &value), MMU_OK);
}

static void setting_d_walks_and_takes_the_new_translation(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_paging(b, false, false);
    bench_read(b, LA, 4);
    bench_map(b, LA, PA + 0x1000, RWU);
    bench_write(b, LA, 4, 0x77);
    assert_int_equal(bench_u32(b, PA), 0);
    assert_int_equal(bench_u32(b, PA + 0x1000), 0x77);
    assert_int_equal(bench_read(b, LA, 4), 0x77);
    if (b->m.timed)
        assert_int_equal(b->log.list[0].kind, ACCESS_READ);
}

static void evicted_entry_takes_its_fast_entry_along(void **state)
{
    struct bench *b = *state;
    unsigned stride = b->m.dtlb.sets * 0x1000, ways = b->m.dtlb.ways;
    for (unsigned i = 0; i <= ways; i++)
        bench_map(b, 0x400000 + i * stride, PA, RWU);
    bench_paging(b, false, false);
    bench_read(b, 0x400000, 4);
    assert_non_null(mmu_fast(&b->m, 0x400000, 4, ACCESS_READ));
    for (unsigned i = 1; i <= ways; i++)
        bench_read(b, 0x400000 + i * stride, 4);
    assert_null(mmu_fast(&b->m, 0x400000, 4, ACCESS_READ));
    assert_int_equal(b->m.dtlb.misses, ways + 1);
}

/* --- 4 MB pages --- */

static void large_page_reaches_all_of_its_4_mb(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LARGE_LA, LARGE_PA, RWU);
    bench_paging(b, false, true);
    bench_write(b, LARGE_LA + 0x3FFFFC, 4, 0x55);
    assert_int_equal(bench_u32(b, LARGE_PA + 0x3FFFFC), 0x55);
    assert_int_equal(bench_u32(b, bench_pde(LARGE_LA)),
                     LARGE_PA | RWU | PTE_LARGE | PTE_ACCESSED | PTE_DIRTY);
    bench_read(b, LARGE_LA, 4);
    assert_int_equal(b->m.dtlb.misses, 1);
    assert_int_equal(tlb_find(&b->m.dtlb, LARGE_LA >> 12), -1);
    assert_true(tlb_find(&b->m.dtlb_large, LARGE_LA >> 22) >= 0);
}

static void large_bit_is_ignored_without_pse(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_put(b, bench_pde(LA), bench_u32(b, bench_pde(LA)) | PTE_LARGE);
    bench_put(b, PA, 31);
    bench_paging(b, false, false);
    assert_int_equal(bench_read(b, LA, 4), 31);
}

static void reserved_bits_of_a_large_entry_fault(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LARGE_LA, LARGE_PA | 0x1000, RWU);
    bench_paging(b, false, true);
    bench_faults(b, LARGE_LA, ACCESS_READ, false, FAULT_PRESENT | FAULT_RESERVED);
    bench_faults(b, LARGE_LA, ACCESS_WRITE, true,
                 FAULT_PRESENT | FAULT_RESERVED | FAULT_WRITE | FAULT_USER);
    assert_false(bench_u32(b, bench_pde(LARGE_LA)) & PTE_ACCESSED);
}

static void invlpg_drops_a_large_page_by_any_of_its_addresses(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LARGE_LA, LARGE_PA, RWU);
    bench_paging(b, false, true);
    bench_read(b, LARGE_LA + 0x5000, 4);
    assert_non_null(mmu_fast(&b->m, LARGE_LA + 0x5000, 4, ACCESS_READ));
    mmu_invalidate_page(&b->m, LARGE_LA + 0x3FF000);
    assert_null(mmu_fast(&b->m, LARGE_LA + 0x5000, 4, ACCESS_READ));
    assert_int_equal(tlb_find(&b->m.dtlb_large, LARGE_LA >> 22), -1);
}

static void clearing_pse_flushes(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LARGE_LA, LARGE_PA, RWU);
    bench_paging(b, false, true);
    bench_read(b, LARGE_LA, 4);
    mmu_set_control(&b->m, true, false, false, false);
    assert_int_equal(tlb_find(&b->m.dtlb_large, LARGE_LA >> 22), -1);
}

/* A large page became small behind a clean entry's back: the walk for D must not leave both. */
static void page_that_changed_size_has_one_entry(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LA & 0xFFC00000u, LARGE_PA, RWU);
    bench_paging(b, false, true);
    bench_read(b, LA, 4);
    bench_map(b, LA, PA, RWU);
    bench_write(b, LA, 4, 0x99);
    assert_int_equal(bench_u32(b, PA), 0x99);
    assert_int_equal(tlb_find(&b->m.dtlb_large, LA >> 22), -1);
    assert_null(mmu_fast(&b->m, LA + 0x1000, 4, ACCESS_READ));
}

/* --- code --- */

static paddr_t fetch(struct bench *b, laddr_t la)
{
    paddr_t pa = 0;
    b->log.count = 0;
    assert_int_equal(mmu_fetch_slow(&b->m, la, &pa), MMU_OK);
    return pa;
}

static void fetch_uses_the_itlb_and_marks_its_walks(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_paging(b, false, false);
    assert_int_equal(fetch(b, LA + 0x123), PA + 0x123);
    assert_int_equal(b->m.itlb.misses, 1);
    assert_int_equal(b->m.dtlb.misses, 0);
    if (b->m.timed) {
        assert_int_equal(b->log.count, 4);
        bench_logged(b, 0, ACCESS_WALK, LEVEL_DRAM_ROW, ACCESS_CODE_SIDE, bench_pde(LA));
        bench_logged(b, 1, ACCESS_UPDATE, LEVEL_L2, ACCESS_CODE_SIDE | ACCESS_LOCKED,
                     bench_pde(LA));
    }
    assert_int_equal(fetch(b, LA), PA);
    assert_int_equal(b->m.itlb.misses, 1);
    assert_int_equal(b->m.fast_code[0][LA >> 12 & 127].tag, LA);
    assert_int_equal(b->m.fast_code[0][LA >> 12 & 127].pa, PA);
    mmu_invalidate_page(&b->m, LA);
    assert_int_equal(b->m.fast_code[0][LA >> 12 & 127].tag, 8);
}

static void user_fetch_from_a_supervisor_page_faults(void **state)
{
    struct bench *b = *state;
    paddr_t pa;
    bench_map(b, LA, PA, PTE_PRESENT);
    bench_paging(b, false, false);
    fetch(b, LA); /* the supervisor's entry is there */
    mmu_set_user(&b->m, true);
    assert_int_equal(mmu_fetch_slow(&b->m, LA, &pa), MMU_FAULT);
    assert_int_equal(b->m.fault_code, FAULT_PRESENT | FAULT_USER);
    assert_int_equal(b->m.fault_la, LA);
}

static void large_code_page_becomes_small_entries_that_invlpg_finds(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, LARGE_LA, LARGE_PA, RWU);
    bench_paging(b, false, true);
    assert_int_equal(fetch(b, LARGE_LA + 0x3040), LARGE_PA + 0x3040);
    assert_int_equal(fetch(b, LARGE_LA + 0x7040), LARGE_PA + 0x7040);
    assert_int_equal(b->m.itlb.misses, 2);
    mmu_invalidate_page(&b->m, LARGE_LA);
    assert_int_equal(b->m.fast_code[0][(LARGE_LA + 0x3000) >> 12 & 127].tag, 8);
    fetch(b, LARGE_LA + 0x3040);
    fetch(b, LARGE_LA + 0x7040);
    assert_int_equal(b->m.itlb.misses, 4);
}

/* --- two pages, devices, decoded code --- */

static void crossing_write_faults_before_its_first_byte(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_map(b, LA + 0x1000, PA + 0x5000, PTE_PRESENT | PTE_USER);
    bench_paging(b, false, false);
    uint64_t value = 0x11223344;
    assert_int_equal(bench_access(b, LA + 0xFFE, 4, ACCESS_WRITE, true, &value), MMU_FAULT);
    assert_int_equal(b->m.fault_la, LA + 0x1000);
    assert_int_equal(b->m.fault_code, FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
    assert_int_equal(bench_u32(b, PA + 0xFFC), 0);
}

static void crossing_access_joins_two_frames(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_map(b, LA + 0x1000, PA + 0x5000, RWU);
    bench_paging(b, false, false);
    bench_write(b, LA + 0xFFD, 8, 0x8877665544332211);
    assert_int_equal(bench_u32(b, PA + 0xFFC), 0x33221100);
    assert_int_equal(bench_u32(b, PA + 0x5000), 0x77665544);
    assert_int_equal(bench_read(b, LA + 0xFFD, 8), 0x8877665544332211);
    uint64_t value = 0;
    assert_int_equal(bench_access(b, LA + 0xFFE, 4, ACCESS_RMW, false, &value), MMU_OK);
    mmu_rmw_commit(&b->m, 4, value + 1);
    assert_int_equal(bench_read(b, LA + 0xFFE, 4), value + 1);
}

static void crossing_entries_are_logged_apart(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU | PTE_DIRTY);
    bench_map(b, LA + 0x1000, PA + 0x5000, RWU | PTE_DIRTY);
    bench_paging(b, false, false);
    bench_read(b, LA, 4);
    bench_read(b, LA + 0x1000, 4);
    bench_read(b, LA + 0xFFF, 4);
    if (!b->m.timed)
        return;
    assert_int_equal(b->log.count, 2);
    bench_logged(b, 0, ACCESS_READ, LEVEL_DRAM_HIT, ACCESS_MISALIGNED, PA + 0xFFF);
    bench_logged(b, 1, ACCESS_READ, LEVEL_L1, 0, PA + 0x5000);
    assert_int_equal(b->log.list[0].size, 1);
    assert_int_equal(b->log.list[1].size, 3);
    assert_int_equal(b->log.list[1].la, LA + 0x1000);
}

static void address_space_wraps_at_4_gb(void **state)
{
    struct bench *b = *state;
    bench_map(b, 0xFFFFF000u, PA, RWU);
    bench_map(b, 0, PA + 0x1000, RWU);
    bench_paging(b, false, false);
    bench_write(b, 0xFFFFFFFEu, 4, 0xAABBCCDD);
    assert_int_equal(bench_u32(b, PA + 0xFFC) >> 16, 0xCCDD);
    assert_int_equal(bench_u32(b, PA + 0x1000), 0xAABB);
    assert_int_equal(mmu_probe(&b->m, 0xFFFFFFFEu, 4, true, false), MMU_OK);
}

static void device_is_read_once_and_written_once_by_an_rmw(void **state)
{
    struct bench *b = *state;
    uint64_t value = 0;
    bench_map(b, LA, DEVICE_PA, RWU);
    bench_paging(b, false, false);
    b->device_value = 0x40;
    assert_int_equal(bench_access(b, LA + 2, 2, ACCESS_RMW, false, &value), MMU_OK);
    assert_int_equal(value, 0x40);
    assert_int_equal(b->device_size, 2);
    assert_int_equal(b->device_writes, 0);
    mmu_rmw_commit(&b->m, 2, 0x41);
    assert_int_equal(b->device_value, 0x41);
    assert_int_equal(b->device_reads, 1);
    assert_int_equal(b->device_writes, 1);
    assert_null(mmu_fast(&b->m, LA, 4, ACCESS_READ));
}

static void open_bus_gives_ones(void **state)
{
    struct bench *b = *state;
    assert_int_equal(bench_read(b, 0xF0000000u, 4), 0xFFFFFFFF);
    assert_int_equal(bench_read(b, 0xF0000000u, 8), 0xFFFFFFFFFFFFFFFF);
    bench_write(b, 0xF0000000u, 4, 0);
}

static void decoded_code_is_told_before_the_bytes_change(void **state)
{
    struct bench *b = *state;
    bench_write(b, PA, 1, 0x90);
    b->phys.page_flags[PA >> 12] = PAGE_CODE;
    mmu_forget_fast(&b->m, PA >> 12);
    bench_write(b, PA, 2, 0xCCCC);
    assert_int_equal(b->code_calls, 1);
    assert_int_equal(b->code_pa, PA);
    assert_int_equal(b->code_size, 2);
    assert_int_equal(b->code_byte_before, 0x90);
    bench_read(b, PA, 2);
    assert_null(mmu_fast(&b->m, PA, 2, ACCESS_WRITE));
    assert_non_null(mmu_fast(&b->m, PA, 2, ACCESS_READ));
    uint64_t value = 0;
    bench_access(b, PA, 2, ACCESS_RMW, false, &value);
    assert_int_equal(b->code_calls, 1);
    mmu_rmw_commit(&b->m, 2, 1);
    assert_int_equal(b->code_calls, 2);
}

static void rom_keeps_its_bytes(void **state)
{
    struct bench *b = *state;
    bench_put(b, ROM_PA, 0x1234);
    bench_write(b, ROM_PA, 4, 0);
    assert_int_equal(bench_read(b, ROM_PA, 4), 0x1234);
    assert_null(mmu_fast(&b->m, ROM_PA, 4, ACCESS_WRITE));
}

/* --- probes and onlookers --- */

static void probe_checks_every_page_and_touches_no_byte(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_map(b, LA + 0x1000, PA, RWU);
    bench_map(b, LA + 0x2000, PA, PTE_PRESENT | PTE_USER);
    bench_paging(b, false, false);
    assert_int_equal(mmu_probe(&b->m, LA + 4, 0x1FFC, true, true), MMU_OK);
    assert_true(bench_u32(b, bench_pte(LA)) & PTE_DIRTY);
    assert_int_equal(mmu_probe(&b->m, LA + 4, 0x1FFD, true, true), MMU_FAULT);
    assert_int_equal(b->m.fault_la, LA + 0x2000);
    assert_int_equal(mmu_probe(&b->m, LA + 4, 0x2FFC, false, true), MMU_OK);
}

static uint64_t hash_of(struct bench *b)
{
    struct snap s;
    snap_begin_hash(&s);
    mmu_snapshot(&b->m, &s);
    return s.hash;
}

static void peek_and_poke_leave_no_trace(void **state)
{
    struct bench *b = *state;
    uint32_t v = 0;
    bench_map(b, LA, PA, PTE_PRESENT);
    bench_map(b, LA + 0x1000, PA + 0x7000, PTE_PRESENT);
    bench_map(b, LA + 0x2000, DEVICE_PA, PTE_PRESENT);
    bench_map_large(b, LARGE_LA, LARGE_PA, PTE_PRESENT);
    bench_paging(b, true, true);
    bench_read(b, LA + 0x1000, 4);
    uint64_t before = hash_of(b);
    v = 0xCAFEBABE;
    assert_true(mmu_poke(&b->m, LA + 0xFFE, &v, 4));
    v = 0;
    assert_true(mmu_peek(&b->m, LA + 0xFFE, &v, 4));
    assert_int_equal(v, 0xCAFEBABE);
    assert_int_equal(bench_u32(b, PA + 0xFFC) >> 16, 0xBABE);
    assert_int_equal(bench_u32(b, PA + 0x7000), 0xCAFE);
    assert_true(mmu_poke(&b->m, LARGE_LA + 0x123450, &v, 4));
    assert_int_equal(bench_u32(b, LARGE_PA + 0x123450), 0xCAFEBABE);
    assert_false(mmu_peek(&b->m, LA + 0x2000, &v, 4));
    assert_false(mmu_poke(&b->m, LA + 0x1FFE, &v, 4)); /* half is no memory: nothing written */
    assert_int_equal(bench_u32(b, PA + 0x7FFC), 0);
    assert_false(mmu_peek(&b->m, LA + 0x3000, &v, 4));
    assert_int_equal(bench_u32(b, bench_pte(LA)), PA | PTE_PRESENT);
    assert_int_equal(b->device_reads, 0);
    assert_int_equal(hash_of(b), before);
}

static void physical_access_is_for_memory_only(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[16] = {1, 2, 3};
    assert_true(phys_write(&b->phys, RAM_BYTES - 16, bytes, 16));
    assert_true(phys_read(&b->phys, RAM_BYTES - 16, bytes, 16));
    assert_false(phys_read(&b->phys, RAM_BYTES - 15, bytes, 16));
    assert_false(phys_read(&b->phys, 0xFFFFFFF8u, bytes, 16));
    assert_false(phys_write(&b->phys, DEVICE_PA - 8, bytes, 16));
    assert_true(phys_write(&b->phys, ROM_PA, bytes, 16));
}

static void saved_state_restores_and_hashes_alike(void **state)
{
    struct bench *b = *state;
    struct bench *other = bench_new(!b->m.timed);
    struct snap save, load, diff;
    bench_map(b, LA, PA, RWU);
    bench_map_large(b, LARGE_LA, LARGE_PA, RWU);
    bench_paging(b, true, true);
    bench_write(b, LA, 4, 1);
    bench_read(b, LARGE_LA, 4);
    fetch(b, LARGE_LA);
    mmu_set_user(&b->m, true);
    snap_begin_save(&save);
    mmu_snapshot(&b->m, &save);
    snap_begin_load(&load, save.data, save.size);
    mmu_snapshot(&other->m, &load);
    assert_false(load.failed);
    assert_int_equal(hash_of(other), hash_of(b));
    snap_begin_diff(&diff, save.data, save.size);
    mmu_snapshot(&other->m, &diff);
    assert_false(diff.failed);
    assert_ptr_equal(other->m.fast, other->m.fast_table[1]);
    assert_null(mmu_fast(&other->m, LA, 4, ACCESS_READ));
    mmu_set_cr3(&other->m, DIRECTORY); /* a flush after loading finds every entry */
    assert_int_equal(tlb_find(&other->m.dtlb, LA >> 12), -1);
    snap_free(&save);
    bench_free(other);
}

static void reset_leaves_nothing_behind(void **state)
{
    struct bench *b = *state;
    bench_map(b, LA, PA, RWU);
    bench_paging(b, true, false);
    mmu_set_user(&b->m, true);
    bench_read(b, LA, 4);
    mmu_reset(&b->m);
    assert_false(b->m.paging);
    assert_true(b->m.caches_off);
    assert_ptr_equal(b->m.fast, b->m.fast_table[0]);
    assert_int_equal(tlb_find(&b->m.dtlb, LA >> 12), -1);
    assert_int_equal(bench_state(&b->m.l2, PA), LINE_INVALID);
}

#define BOTH(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, setup_timed, teardown),                                  \
        cmocka_unit_test_setup_teardown(name, setup_untimed, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(no_paging_maps_addresses_to_themselves),
        BOTH(a20_gate_folds_the_second_megabyte),
        BOTH(read_sets_a_and_write_sets_d),
        BOTH(rmw_sets_d_in_its_first_half),
        BOTH(missing_entries_fault_with_p_clear),
        BOTH(missing_entry_is_not_remembered),
        BOTH(protection_follows_both_levels_and_wp),
        BOTH(denied_access_sets_neither_a_nor_d_in_the_page_table),
        BOTH(changing_wp_needs_no_flush),
        BOTH(user_fast_entries_are_apart_from_the_kernels),
        BOTH(stale_entry_serves_until_invlpg),
        BOTH(stale_entry_serves_until_cr3_is_loaded),
        BOTH(stale_denial_faults_once),
        BOTH(setting_d_walks_and_takes_the_new_translation),
        BOTH(evicted_entry_takes_its_fast_entry_along),
        BOTH(large_page_reaches_all_of_its_4_mb),
        BOTH(large_bit_is_ignored_without_pse),
        BOTH(reserved_bits_of_a_large_entry_fault),
        BOTH(invlpg_drops_a_large_page_by_any_of_its_addresses),
        BOTH(clearing_pse_flushes),
        BOTH(page_that_changed_size_has_one_entry),
        BOTH(fetch_uses_the_itlb_and_marks_its_walks),
        BOTH(user_fetch_from_a_supervisor_page_faults),
        BOTH(large_code_page_becomes_small_entries_that_invlpg_finds),
        BOTH(crossing_write_faults_before_its_first_byte),
        BOTH(crossing_access_joins_two_frames),
        BOTH(crossing_entries_are_logged_apart),
        BOTH(address_space_wraps_at_4_gb),
        BOTH(device_is_read_once_and_written_once_by_an_rmw),
        BOTH(open_bus_gives_ones),
        BOTH(decoded_code_is_told_before_the_bytes_change),
        BOTH(rom_keeps_its_bytes),
        BOTH(probe_checks_every_page_and_touches_no_byte),
        BOTH(peek_and_poke_leave_no_trace),
        BOTH(physical_access_is_for_memory_only),
        BOTH(saved_state_restores_and_hashes_alike),
        BOTH(reset_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
