/* MSRs, CR4, counters and fast calls of the Athlons and the Athlon 64. */
#include "guest.h"

#include "cpu/models/k7/k7.h"
#include "cpu/msr.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static struct guest *k8_new(void)
{
    return guest_new_part(&k8_manchester, &k8_manchester_geometry);
}

/* Runs code from a fresh EIP with ECX and EDX:EAX loaded. */
#define RUN_WITH(g, ecx, value, text)                                                              \
    ((g)->cpu.r[ECX] = (ecx), (g)->cpu.r[EAX] = (uint32_t)(value),                                 \
     (g)->cpu.r[EDX] = (uint32_t)((uint64_t)(value) >> 32),                                        \
     guest_bytes(g, GUEST_CODE, text), blocks_flush((g)->cpu.blocks), (g)->cpu.eip = GUEST_CODE,   \
     guest_run(g))
#define WRMSR(g, number, value) RUN_WITH(g, number, value, "\x0F\x30\xF4")

static int rdmsr(struct guest *g, uint32_t number, uint64_t *value)
{
    int end = RUN_WITH(g, number, 0, "\x0F\x32\xF4");
    *value = g->cpu.r[EAX] | (uint64_t)g->cpu.r[EDX] << 32;
    return end;
}

static void expect(struct guest *g, uint32_t number, uint64_t value)
{
    uint64_t v;
    assert_int_equal(rdmsr(g, number, &v), GUEST_HLT);
    assert_int_equal(v, value);
}

/* Back to ring 0 after an exception that a HLT in its handler took. */
static void again(struct guest *g)
{
    g->cpu.r[ESP] = GUEST_STACK;
    g->cpu.stop = STOP_NONE;
}

TEST(tables_are_in_order)
{
    UNUSED;
    static const struct msr_table *const tables[] = {&k7_msrs, &k8_msrs};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 1; k < tables[i]->count; k++)
            assert_true(tables[i]->rows[k - 1].number < tables[i]->rows[k].number);
}

TEST(unknown_numbers_raise_gp)
{
    UNUSED;
    static const uint32_t numbers[] = {0x00, 0x11, 0x12, 0x1A0, 0x210, 0x414, 0xC0000082,
                                       0xC0000100, 0xC0010008, 0xC0010114};
    struct guest *g = k8_new();
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++) {
        uint64_t v;
        assert_int_equal(rdmsr(g, numbers[i], &v), EXC_GP);
        again(g);
        assert_int_equal(WRMSR(g, numbers[i], 0), EXC_GP);
        again(g);
    }
    guest_free(g);
}

TEST(every_register_reads_its_reset_value)
{
    UNUSED;
    struct guest *g = k8_new();
    for (unsigned i = 0; i < k8_msrs.count; i++)
        if (k8_msrs.rows[i].kind != MSR_CLOCK)
            expect(g, k8_msrs.rows[i].number, k8_msrs.rows[i].reset);
    guest_free(g);
}

/* One bit at a time: what a row allows is kept, anything else raises #GP and changes nothing. */
TEST(plain_registers_keep_what_their_rows_allow)
{
    UNUSED;
    struct guest *g = k8_new();
    for (unsigned i = 0; i < k8_msrs.count; i++) {
        const struct msr_row *r = &k8_msrs.rows[i];
        if (r->kind != MSR_PLAIN && r->kind != MSR_READ_ONLY)
            continue;
        for (unsigned bit = 0; bit < 64; bit += 3) {
            uint64_t value = 1ull << bit;
            bool allowed = r->kind == MSR_PLAIN && (r->writable & value);
            if (allowed)
                assert_int_equal(WRMSR(g, r->number, r->reset), GUEST_HLT);
            assert_int_equal(WRMSR(g, r->number, value), allowed ? GUEST_HLT : EXC_GP);
            again(g);
            expect(g, r->number, allowed ? value : r->reset);
            if (allowed)
                assert_int_equal(WRMSR(g, r->number, r->reset), GUEST_HLT);
        }
    }
    guest_free(g);
}

TEST(memory_types_that_do_not_exist_raise_gp)
{
    UNUSED;
    struct guest *g = k8_new();
    static const uint64_t types[] = {0, 1, 4, 5, 6};
    for (uint64_t type = 0; type < 256; type++) {
        bool good = false;
        for (unsigned i = 0; i < ARRAY_COUNT(types); i++)
            good |= types[i] == type;
        assert_int_equal(WRMSR(g, 0x200, type), good ? GUEST_HLT : EXC_GP);
        again(g);
        assert_int_equal(WRMSR(g, 0x250, type << 24), good ? GUEST_HLT : EXC_GP);
        again(g);
        assert_int_equal(WRMSR(g, 0x277, type << 56), good || type == 7 ? GUEST_HLT : EXC_GP);
        again(g);
    }
    assert_int_equal(WRMSR(g, 0x2FF, 0xC06), GUEST_HLT);
    assert_true(g->mmu.types.on && g->mmu.types.fixed_on);
    assert_int_equal(g->mmu.types.otherwise, TYPE_WB);
    assert_int_equal(WRMSR(g, 0x2FF, 0x106), EXC_GP);
    guest_free(g);
}

TEST(bios_covers_memory_with_the_fewest_ranges)
{
    UNUSED;
    struct guest *g = k8_new();
    msr_firmware_done(&g->cpu, 320u << 20);
    expect(g, 0x200, 6);
    expect(g, 0x201, 0xFFF0000800ull);
    expect(g, 0x202, 0x10000006);
    expect(g, 0x203, 0xFFFC000800ull);
    expect(g, 0x205, 0);
    expect(g, 0x259, 0);
    expect(g, 0xC001001A, 320u << 20);
    guest_free(g);
}

TEST(efer_takes_what_the_part_has)
{
    UNUSED;
    struct guest *g = k8_new(), *k7 = guest_new_part(&k7_thunderbird, &k7_thunderbird_geometry);
    assert_int_equal(WRMSR(g, 0xC0000080, EFER_SCE | EFER_NXE), GUEST_HLT);
    assert_int_equal(WRMSR(g, 0xC0000080, 1 << 8), EXC_GP); /* LME: long mode is masked */
    assert_int_equal(WRMSR(k7, 0xC0000080, EFER_SCE), GUEST_HLT);
    assert_int_equal(WRMSR(k7, 0xC0000080, EFER_NXE), EXC_GP);
    guest_free(g);
    guest_free(k7);
}

TEST(cr4_takes_what_the_part_has)
{
    UNUSED;
    struct guest *g = k8_new();
    for (unsigned bit = 0; bit < 32; bit++) {
        bool good = k8_manchester.cr4_writable >> bit & 1;
        assert_int_equal(RUN_WITH(g, 0, 1ull << bit, "\x0F\x22\xE0\xF4"),
                         good ? GUEST_HLT : EXC_GP);
        again(g);
    }
    assert_true(k8_manchester.cr4_writable & CR4_PAE && k8_manchester.cr4_writable & CR4_PGE);
    guest_free(g);
}

TEST(four_counters_of_48_bits)
{
    UNUSED;
    struct guest *g = k8_new();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(WRMSR(g, 0xC0010004 + i, 0xABCD123456789000ull + i), GUEST_HLT);
        assert_int_equal(RUN_WITH(g, i, 0, "\x0F\x33\xF4"), GUEST_HLT);
        assert_int_equal(g->cpu.r[EAX], 0x56789000 + i);
        assert_int_equal(g->cpu.r[EDX], 0x1234);
    }
    assert_int_equal(RUN_WITH(g, 4, 0, "\x0F\x33\xF4"), EXC_GP);
    guest_free(g);
}

TEST(counters_are_read_at_user_level_with_pce)
{
    UNUSED;
    struct guest *g = k8_new();
    guest_user(g);
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x33\xF4"), EXC_GP);
    guest_free(g);
    g = k8_new();
    g->cpu.cr4 |= CR4_PCE;
    guest_user(g);
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x33\xCD\x30"), 0x30);
    guest_free(g);
}

/* --- fast calls ------------------------------------------------------------------------------- */

static void check_flat(const struct guest *g, unsigned seg, unsigned selector, unsigned dpl)
{
    const struct segment *s = &g->cpu.seg[seg];
    assert_int_equal(s->selector, selector);
    assert_int_equal(s->base, 0);
    assert_int_equal(s->limit, UINT32_MAX);
    assert_int_equal(s->access, (seg == CS ? 0x9B : 0x93) | dpl << 5);
}

static void sysenter_msrs(struct guest *g)
{
    g->cpu.msrs.sysenter_cs = GUEST_CODE0;
    g->cpu.msrs.sysenter_esp = GUEST_STACK0 - 64;
    g->cpu.msrs.sysenter_eip = GUEST_HANDLERS + 16 * 0x77;
}

TEST(sysenter_takes_everything_from_msrs)
{
    UNUSED;
    struct guest *g = k8_new();
    sysenter_msrs(g);
    guest_user(g);
    g->cpu.eflags |= F_IF;
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x34"), 0x77);
    assert_int_equal(g->cpu.cpl, 0);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK0 - 64);
    assert_int_equal(g->cpu.eflags & F_IF, 0);
    check_flat(g, CS, GUEST_CODE0, 0);
    check_flat(g, SS, GUEST_DATA0, 0);
    assert_int_equal(g->ledger.path, PATH_SYSENTER);
    guest_free(g);
}

TEST(sysenter_without_a_segment_raises_gp)
{
    UNUSED;
    struct guest *g = k8_new();
    sysenter_msrs(g);
    g->cpu.msrs.sysenter_cs = 3;
    guest_user(g);
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x34"), EXC_GP);
    guest_free(g);
}

TEST(sysenter_is_unknown_to_the_pentium)
{
    UNUSED;
    struct guest *g = guest_new();
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x34"), EXC_UD);
    guest_free(g);
}

TEST(sysexit_goes_to_the_two_selectors_behind)
{
    UNUSED;
    struct guest *g = k8_new();
    sysenter_msrs(g);
    guest_bytes(g, GUEST_FREE, "\xCD\x30");
    g->cpu.r[EDX] = GUEST_FREE;
    assert_int_equal(RUN_WITH(g, GUEST_STACK3, (uint64_t)GUEST_FREE << 32, "\x0F\x35"), 0x30);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP], 4), GUEST_FREE + 2);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP] + 4, 4), GUEST_CODE3);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP] + 12, 4), GUEST_STACK3);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP] + 16, 4), GUEST_DATA3);
    guest_free(g);
}

TEST(sysexit_is_privileged)
{
    UNUSED;
    struct guest *g = k8_new();
    sysenter_msrs(g);
    guest_user(g);
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x35"), EXC_GP);
    guest_free(g);
}

TEST(syscall_is_invalid_without_sce)
{
    UNUSED;
    struct guest *g = k8_new();
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x05"), EXC_UD);
    again(g);
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x07"), EXC_UD);
    guest_free(g);
}

TEST(syscall_keeps_esp_and_leaves_eip_in_ecx)
{
    UNUSED;
    struct guest *g = k8_new();
    g->cpu.msrs.efer = EFER_SCE;
    g->cpu.msrs.star = (uint64_t)GUEST_CODE0 << 32 | (GUEST_HANDLERS + 16 * 0x78);
    guest_user(g);
    g->cpu.eflags |= F_IF;
    assert_int_equal(RUN_WITH(g, 0, 0, "\x0F\x05"), 0x78);
    assert_int_equal(g->cpu.r[ECX], GUEST_CODE + 2);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK3);
    assert_int_equal(g->cpu.eflags & F_IF, 0);
    check_flat(g, CS, GUEST_CODE0, 0);
    check_flat(g, SS, GUEST_DATA0, 0);
    guest_free(g);
}

TEST(sysret_sets_if)
{
    UNUSED;
    struct guest *g = k8_new();
    g->cpu.msrs.efer = EFER_SCE;
    g->cpu.msrs.star = (uint64_t)(GUEST_CODE3 & ~3u) << 48;
    guest_bytes(g, GUEST_FREE, "\xCD\x30");
    assert_int_equal(RUN_WITH(g, GUEST_FREE, 0, "\x0F\x07"), 0x30);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP] + 4, 4), GUEST_CODE3);
    assert_int_equal(guest_peek(g, g->cpu.r[ESP] + 16, 4), GUEST_DATA3);
    assert_true(guest_peek(g, g->cpu.r[ESP] + 8, 4) & F_IF);
    guest_free(g);
}

/* --- PAE by the guest's own hand -------------------------------------------------------------- */

TEST(bad_directory_pointers_raise_gp_and_change_nothing)
{
    UNUSED;
    struct guest *g = k8_new();
    guest_paging(g);
    guest_poke(g, GUEST_FREE, 4, GUEST_PAGES | 7); /* bits 2..1 are reserved */
    g->cpu.cr3 = GUEST_FREE;
    assert_int_equal(RUN_WITH(g, 0, CR4_PAE, "\x0F\x22\xE0\xF4"), EXC_GP);
    assert_int_equal(g->cpu.cr4, 0);
    assert_false(g->mmu.pae);
    guest_free(g);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(tables_are_in_order),
        T(unknown_numbers_raise_gp),
        T(every_register_reads_its_reset_value),
        T(plain_registers_keep_what_their_rows_allow),
        T(memory_types_that_do_not_exist_raise_gp),
        T(bios_covers_memory_with_the_fewest_ranges),
        T(efer_takes_what_the_part_has),
        T(cr4_takes_what_the_part_has),
        T(four_counters_of_48_bits),
        T(counters_are_read_at_user_level_with_pce),
        T(sysenter_takes_everything_from_msrs),
        T(sysenter_without_a_segment_raises_gp),
        T(sysenter_is_unknown_to_the_pentium),
        T(sysexit_goes_to_the_two_selectors_behind),
        T(sysexit_is_privileged),
        T(syscall_is_invalid_without_sce),
        T(syscall_keeps_esp_and_leaves_eip_in_ecx),
        T(sysret_sets_if),
        T(bad_directory_pointers_raise_gp_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
