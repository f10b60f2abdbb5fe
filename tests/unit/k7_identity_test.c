/* Who the Athlons and the Athlon 64 say they are. */
#include "insn_bench.h"

#include "cpu/models/k7/k7.h"

static void ask(const struct identity *id, uint32_t leaf, uint32_t out[4])
{
    struct bench *b = bench_new();
    b->cpu.identity = id;
    b->cpu.r[EAX] = leaf;
    assert_int_equal(RUN(b, "\x0F\xA2"), BENCH_NO_FAULT);
    out[0] = b->cpu.r[EAX], out[1] = b->cpu.r[EBX], out[2] = b->cpu.r[ECX], out[3] = b->cpu.r[EDX];
    bench_free(b);
}

static void vendor_and_largest_leaf(void **state)
{
    (void)state;
    static const struct identity *const parts[] = {&k7_thunderbird, &k7_palomino, &k8_manchester};
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++) {
        uint32_t r[4];
        ask(parts[i], 0, r);
        assert_int_equal(r[0], 1);
        assert_memory_equal(&r[1], "Auth", 4);
        assert_memory_equal(&r[3], "enti", 4);
        assert_memory_equal(&r[2], "cAMD", 4);
        ask(parts[i], 1, r);
        assert_int_equal(r[0], parts[i]->signature);
    }
}

static void name_in_three_leaves(void **state)
{
    (void)state;
    char name[49] = "";
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t r[4];
        ask(&k8_manchester, 0x80000002 + i, r);
        memcpy(name + 16 * i, r, 16);
    }
    assert_string_equal(name, "AMD Athlon(tm) 64 X2 Dual Core Processor 4200+");
}

static void leaf_that_does_not_exist_reads_as_zeros(void **state)
{
    (void)state;
    uint32_t r[4], zeros[4] = {0};
    ask(&k7_thunderbird, 2, r);
    assert_memory_equal(r, zeros, sizeof r);
    ask(&k8_manchester, 0x80000019, r);
    assert_memory_equal(r, zeros, sizeof r);
}

/* Long mode and the second core are masked. */
static void manchester_is_one_core_in_legacy_mode(void **state)
{
    (void)state;
    uint32_t r[4];
    ask(&k8_manchester, 0x80000001, r);
    assert_int_equal(r[3] & 1u << 29, 0);
    assert_int_equal(r[2] & 2, 0);
    ask(&k8_manchester, 1, r);
    assert_int_equal(r[3] & 1u << 28, 0);
    ask(&k8_manchester, 0x80000008, r);
    assert_int_equal(r[2], 0);
    assert_int_equal(r[0], 0x3028);
}

/* The flags of leaf 1 are the dump's for what the identity has, and nothing else. */
static void flags_are_of_what_is_there(void **state)
{
    (void)state;
    struct identity all = k7_thunderbird, none = k7_thunderbird;
    uint32_t r[4];
    all.features = UINT32_MAX;
    none.features = 0;
    ask(&all, 1, r);
    assert_int_equal(r[3], 0x0183F9FF);
    ask(&none, 1, r);
    assert_int_equal(r[3], 0x000001BF);
    ask(&all, 0x80000001, r);
    assert_int_equal(r[3], 0xC1C7F9FF);
}

static void geometry_is_the_cpuid_leaves(void **state)
{
    (void)state;
    static const struct {
        const struct identity *identity;
        const struct mmu_geometry *geometry;
    } parts[] = {{&k7_thunderbird, &k7_thunderbird_geometry},
                 {&k7_palomino, &k7_palomino_geometry},
                 {&k8_manchester, &k8_manchester_geometry}};
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++) {
        const struct mmu_geometry *g = parts[i].geometry;
        uint32_t r[4];
        ask(parts[i].identity, 0x80000005, r);
        assert_int_equal(r[0] & 0xFF, g->itlb_large.entries);
        assert_int_equal(r[0] >> 16 & 0xFF, g->dtlb_large.entries);
        assert_int_equal(r[1] & 0xFF, g->itlb.entries);
        assert_int_equal(r[1] >> 16 & 0xFF, g->dtlb.entries);
        assert_int_equal((r[2] >> 24) << 10, g->l1d.size_bytes);
        assert_int_equal(r[2] >> 16 & 0xFF, g->l1d.ways);
        assert_int_equal(r[2] & 0xFF, g->l1d.line_bytes);
        assert_int_equal((r[3] >> 24) << 10, g->l1i.size_bytes);
        ask(parts[i].identity, 0x80000006, r);
        assert_int_equal((r[2] >> 16) << 10, g->l2.size_bytes);
        assert_int_equal(r[2] >> 12 & 0xF, 8); /* stands for 16 ways */
        assert_int_equal(g->l2.ways, 16);
        assert_int_equal(r[1] & 0xFFF, g->itlb2.entries);
        assert_int_equal(r[1] >> 16 & 0xFFF, g->dtlb2.entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vendor_and_largest_leaf),
        cmocka_unit_test(name_in_three_leaves),
        cmocka_unit_test(leaf_that_does_not_exist_reads_as_zeros),
        cmocka_unit_test(manchester_is_one_core_in_legacy_mode),
        cmocka_unit_test(flags_are_of_what_is_there),
        cmocka_unit_test(geometry_is_the_cpuid_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
