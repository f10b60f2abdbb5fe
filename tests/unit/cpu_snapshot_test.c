/* What tests/fuzz/fuzz_guest taught about runs that go on from a snapshot. */
#include "tests/unit/guest.h"

static int setup(void **state)
{
    *state = guest_new();
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

static void save_and_load(struct cpu *c)
{
    struct snap save, load;
    snap_begin_save(&save);
    cpu_snapshot(c, &save);
    snap_begin_load(&load, save.data, save.size);
    cpu_snapshot(c, &load);
    assert_false(load.failed);
    snap_free(&save);
}

static void data_breakpoint_holds_after_a_load(void **state)
{
    struct guest *g = *state;
    g->cpu.dr[0] = GUEST_FREE;
    g->cpu.dr[7] |= 1 | 1 << 16; /* one byte, writes */
    cpu_mode_changed(&g->cpu);
    save_and_load(&g->cpu);
    /* The first store makes the page's fast entry, if there were one to be made. */
    guest_bytes(g, GUEST_CODE, "\xA2\x08\x00\x06\x00\xA2\x00\x00\x06\x00\xF4");
    assert_int_equal(guest_run(g), EXC_DB);
}

/* A run that goes on from a snapshot has decoded less. */
static void chunk_ends_in_the_same_place_whatever_is_decoded(void **state)
{
    struct guest *g = *state;
    guest_bytes(g, GUEST_FREE + 0x10, "\x90\xF4");
    g->cpu.eip = GUEST_FREE + 0x10;
    assert_int_equal(guest_run(g), GUEST_HLT);
    guest_bytes(g, GUEST_CODE, "\xF3\xAA\xF4"); /* REP STOSB */
    g->cpu.r[ECX] = 600;
    g->cpu.r[EDI] = GUEST_FREE;
    g->cpu.eip = GUEST_CODE;
    g->cpu.halted = false;
    cpu_step(&g->cpu);
    assert_int_equal(g->cpu.r[ECX], 600 - 256);
}

/* A part with SSE has its registers in the snapshot; one without does not, nor room for them. */
static void vector_registers_are_saved_where_there_are_any(void **state)
{
    static const struct identity part = {
        .part = "with SSE", .features = 1u << FEATURE_SSE, .mxcsr_mask = 0xFFFF};
    struct guest *without = *state, *with = guest_new_part(&part, NULL);
    struct snap small, large, load;
    with->cpu.xmm[5].q[1] = 0x123456789ABCDEF0;
    with->cpu.mxcsr = 0x5FA0;
    snap_begin_save(&small);
    cpu_snapshot(&without->cpu, &small);
    snap_begin_save(&large);
    cpu_snapshot(&with->cpu, &large);
    assert_true(large.size >= small.size + 8 * 16 + 4);
    with->cpu.xmm[5].q[1] = with->cpu.mxcsr = 0;
    snap_begin_load(&load, large.data, large.size);
    cpu_snapshot(&with->cpu, &load);
    assert_false(load.failed);
    assert_int_equal(with->cpu.xmm[5].q[1], 0x123456789ABCDEF0);
    assert_int_equal(with->cpu.mxcsr, 0x5FA0);
    snap_free(&small);
    snap_free(&large);
    guest_free(with);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(data_breakpoint_holds_after_a_load),
        TEST(vector_registers_are_saved_where_there_are_any),
        TEST(chunk_ends_in_the_same_place_whatever_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
