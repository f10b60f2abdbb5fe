/* What later parts' paging has: PAE, NX, global pages, PSE-36, large pages of two sizes. */
#include "tests/unit/mmu_bench.h"

#define POINTERS 0x1000u  /* the four directory pointers */
#define DIRECTORIES 0x2000u
#define TABLE 0x6000u
#define LA 0x80403000u    /* directory 2, entry 2, table entry 3 */
#define PA 0x300000u
#define RWU (PTE_PRESENT | PTE_WRITE | PTE_USER)

static const struct mmu_geometry k8 = {
    .l1i = {65536, 2, 64},
    .l1d = {65536, 2, 64},
    .l2 = {524288, 16, 64},
    .dram = {16384, 8},
    .physical_bits = 40,
};

static void put64(struct bench *b, paddr_t pa, uint64_t v) { memcpy(b->phys.ram + pa, &v, 8); }

static uint64_t get64(const struct bench *b, paddr_t pa)
{
    uint64_t v;
    memcpy(&v, b->phys.ram + pa, 8);
    return v;
}

static paddr_t pde_pa(laddr_t la)
{
    return DIRECTORIES + 0x1000 * (la >> 30) + (la >> 21 & 511) * 8;
}

static paddr_t pte_pa(laddr_t la) { return TABLE + (la >> 12 & 511) * 8; }

static void map(struct bench *b, laddr_t la, uint64_t entry)
{
    put64(b, pde_pa(la), TABLE | RWU);
    put64(b, pte_pa(la), entry);
}

static void paging(struct bench *b, bool global, bool no_execute)
{
    for (unsigned i = 0; i < 4; i++)
        put64(b, POINTERS + 8 * i, (DIRECTORIES + 0x1000 * i) | PTE_PRESENT);
    assert_true(mmu_load_pointers(&b->m, POINTERS));
    mmu_set_extensions(&b->m, true, global, no_execute);
    mmu_set_cr3(&b->m, POINTERS);
    mmu_set_control(&b->m, true, true, false, false);
}

static int setup(void **state)
{
    *state = bench_new_part(&k8, false);
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void three_levels_find_the_page_and_set_its_bits(void **state)
{
    struct bench *b = *state;
    map(b, LA, PA | RWU);
    paging(b, false, false);
    bench_put(b, PA + 8, 0x12345678);
    assert_int_equal(bench_read(b, LA + 8, 4), 0x12345678);
    assert_int_equal(get64(b, pde_pa(LA)), TABLE | RWU | PTE_ACCESSED);
    assert_int_equal(get64(b, pte_pa(LA)), PA | RWU | PTE_ACCESSED);
    bench_write(b, LA, 4, 1);
    assert_int_equal(get64(b, pte_pa(LA)), PA | RWU | PTE_ACCESSED | PTE_DIRTY);
}

static void absent_pointer_is_a_page_fault(void **state)
{
    struct bench *b = *state;
    map(b, LA, PA | RWU);
    paging(b, false, false);
    put64(b, POINTERS + 16, 0);
    bench_read(b, LA, 4); /* the pointers in memory are looked at when CR3 is loaded */
    assert_true(mmu_load_pointers(&b->m, POINTERS));
    mmu_set_cr3(&b->m, POINTERS);
    bench_faults(b, LA, ACCESS_READ, true, FAULT_USER);
}

static void pointer_with_reserved_bits_cannot_be_loaded(void **state)
{
    struct bench *b = *state;
    static const uint64_t bad[] = {1ull << 1, 1ull << 5, 1ull << 8, 1ull << 40, 1ull << 63};
    paging(b, false, true);
    for (unsigned i = 0; i < 5; i++) {
        put64(b, POINTERS + 8, DIRECTORIES | PTE_PRESENT | bad[i]);
        assert_false(mmu_load_pointers(&b->m, POINTERS));
        put64(b, POINTERS + 8, bad[i]); /* not present: nobody looks */
        assert_true(mmu_load_pointers(&b->m, POINTERS));
    }
}

static void reserved_bits_of_entries_fault(void **state)
{
    struct bench *b = *state;
    paging(b, false, false);
    map(b, LA, PA | RWU | 1ull << 40);
    bench_faults(b, LA, ACCESS_READ, false, FAULT_PRESENT | FAULT_RESERVED);
    map(b, LA, PA | RWU | PTE_NO_CODE); /* reserved without EFER.NXE */
    bench_faults(b, LA, ACCESS_WRITE, true,
                 FAULT_PRESENT | FAULT_RESERVED | FAULT_WRITE | FAULT_USER);
    put64(b, pde_pa(LA), 0x400000 | RWU | PTE_LARGE | 1 << 13);
    bench_faults(b, LA, ACCESS_READ, false, FAULT_PRESENT | FAULT_RESERVED);
}

static void large_pages_are_of_two_megabytes_whatever_pse_says(void **state)
{
    struct bench *b = *state;
    paging(b, false, false);
    put64(b, pde_pa(0x80600000), 0x400000 | RWU | PTE_LARGE);
    put64(b, pde_pa(0x80800000), 0x600000 | RWU | PTE_LARGE);
    bench_put(b, 0x5FFFF0, 11);
    bench_put(b, 0x600010, 22);
    assert_int_equal(bench_read(b, 0x807FFFF0, 4), 11);
    assert_int_equal(bench_read(b, 0x80800010, 4), 22);
    put64(b, pde_pa(0x80800000), 0x400000 | RWU | PTE_LARGE);
    mmu_invalidate_page(&b->m, 0x809FF000);
    bench_put(b, 0x400010, 33);
    assert_int_equal(bench_read(b, 0x80800010, 4), 33);
}

static uint32_t fetch_fault(struct bench *b, laddr_t la)
{
    paddr_t pa;
    assert_int_equal(mmu_fetch_slow(&b->m, la, &pa), MMU_FAULT);
    return b->m.fault_code;
}

static void code_is_not_fetched_from_nx_pages(void **state)
{
    struct bench *b = *state;
    paddr_t pa;
    paging(b, false, true);
    map(b, LA, PA | RWU | PTE_NO_CODE);
    bench_read(b, LA, 4);
    assert_int_equal(fetch_fault(b, LA), FAULT_PRESENT | FAULT_CODE);
    map(b, LA, PA | RWU);
    put64(b, pde_pa(LA), TABLE | RWU | PTE_NO_CODE);
    mmu_set_cr3(&b->m, POINTERS);
    assert_int_equal(fetch_fault(b, LA), FAULT_PRESENT | FAULT_CODE);
    map(b, LA, PA | RWU);
    mmu_set_cr3(&b->m, POINTERS);
    assert_int_equal(mmu_fetch_slow(&b->m, LA, &pa), MMU_OK);
    assert_int_equal(pa, PA);
    map(b, LA, 0);
    mmu_invalidate_page(&b->m, LA);
    assert_int_equal(fetch_fault(b, LA), FAULT_CODE);
}

static void fetch_faults_look_like_reads_without_nx(void **state)
{
    struct bench *b = *state;
    paging(b, false, false);
    assert_int_equal(fetch_fault(b, LA), 0);
}

static void global_pages_survive_cr3_and_not_invlpg(void **state)
{
    struct bench *b = *state;
    paging(b, true, false);
    map(b, LA, PA | RWU | PTE_GLOBAL);
    map(b, LA + 0x1000, (PA + 0x1000) | RWU);
    bench_put(b, PA, 1);
    bench_put(b, PA + 0x1000, 2);
    bench_read(b, LA, 4);
    bench_read(b, LA + 0x1000, 4);
    map(b, LA, 0);
    map(b, LA + 0x1000, 0);
    mmu_set_cr3(&b->m, POINTERS);
    assert_int_equal(bench_read(b, LA, 4), 1);
    bench_faults(b, LA + 0x1000, ACCESS_READ, false, 0);
    mmu_invalidate_page(&b->m, LA);
    bench_faults(b, LA, ACCESS_READ, false, 0);
}

static void changing_pge_empties_the_tlbs(void **state)
{
    struct bench *b = *state;
    paging(b, true, false);
    map(b, LA, PA | RWU | PTE_GLOBAL);
    bench_read(b, LA, 4);
    map(b, LA, 0);
    mmu_set_extensions(&b->m, true, false, false);
    bench_faults(b, LA, ACCESS_READ, false, 0);
}

/* Without PAE a page of 4 MB takes two entries; INVLPG of either half drops both. */
static void four_megabyte_page_takes_two_entries(void **state)
{
    struct bench *b = *state;
    bench_map_large(b, 0x40000000, 0x400000, RWU);
    bench_paging(b, false, true);
    bench_put(b, 0x400004, 5);
    bench_put(b, 0x600004, 6);
    assert_int_equal(bench_read(b, 0x40000004, 4), 5);
    assert_int_equal(bench_read(b, 0x40200004, 4), 6);
    assert_true(tlb_find(&b->m.dtlb_large, 0x40000000 >> 21) >= 0);
    assert_true(tlb_find(&b->m.dtlb_large, 0x40200000 >> 21) >= 0);
    bench_map_large(b, 0x40000000, 0x800000, RWU);
    mmu_invalidate_page(&b->m, 0x40200000);
    bench_put(b, 0x800004, 7);
    assert_int_equal(bench_read(b, 0x40000004, 4), 7);
}

static void pse36_has_reserved_bits_above_the_part_s_address(void **state)
{
    struct bench *b = *state;
    struct mmu_geometry narrow = k8;
    bench_paging(b, false, true);
    bench_map_large(b, 0x40000000, 0x400000, RWU | 1u << 21);
    bench_faults(b, 0x40000000, ACCESS_READ, false, FAULT_PRESENT | FAULT_RESERVED);
    bench_map_large(b, 0x40000000, 0x400000, RWU | 1u << 12); /* PAT, and no type known */
    bench_read(b, 0x40000000, 4);
    narrow.physical_bits = 34;
    b->m.geometry = narrow;
    mmu_invalidate_page(&b->m, 0x40000000);
    bench_map_large(b, 0x40000000, 0x400000, RWU | 1u << 15); /* address bit 34 */
    bench_faults(b, 0x40000000, ACCESS_READ, false, FAULT_PRESENT | FAULT_RESERVED);
}

static void snapshot_holds_pointers_and_modes(void **state)
{
    struct bench *b = *state;
    struct snap s;
    paging(b, true, true);
    map(b, LA, PA | RWU | PTE_NO_CODE);
    bench_read(b, LA, 4);
    snap_begin_hash(&s);
    mmu_snapshot(&b->m, &s);
    uint64_t hash = s.hash;
    b->m.pdpte[3] ^= 0x1000;
    snap_begin_hash(&s);
    mmu_snapshot(&b->m, &s);
    assert_true(s.hash != hash);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(three_levels_find_the_page_and_set_its_bits),
        T(absent_pointer_is_a_page_fault),
        T(pointer_with_reserved_bits_cannot_be_loaded),
        T(reserved_bits_of_entries_fault),
        T(large_pages_are_of_two_megabytes_whatever_pse_says),
        T(code_is_not_fetched_from_nx_pages),
        T(fetch_faults_look_like_reads_without_nx),
        T(global_pages_survive_cr3_and_not_invlpg),
        T(changing_pge_empties_the_tlbs),
        T(four_megabyte_page_takes_two_entries),
        T(pse36_has_reserved_bits_above_the_part_s_address),
        T(snapshot_holds_pointers_and_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
