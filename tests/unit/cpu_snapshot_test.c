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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(data_breakpoint_holds_after_a_load),
        TEST(chunk_ends_in_the_same_place_whatever_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
