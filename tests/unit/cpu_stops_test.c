/* Tests of where a run stops for a debugger: the sets, and a processor that meets them. */
#include "tests/unit/guest.h"

#include "cpu/stops.h"

/* --- the sets -------------------------------------------------------------------------------- */

static void addresses_are_kept_in_order_and_once(void **state)
{
    struct cpu_stops s = {0};
    (void)state;
    for (unsigned i = 0; i < 2 * CPU_STOPS_MAX; i++)
        assert_int_equal(stops_add(&s, (i * 37 % 64) << 20, false), true);
    assert_int_equal(s.count, CPU_STOPS_MAX);
    for (unsigned i = 1; i < s.count; i++)
        assert_true(s.la[i - 1] < s.la[i]);
    assert_false(stops_add(&s, 5, false));
    assert_true(stops_remove(&s, 7 << 20));
    assert_int_equal(stops_find(&s, 7 << 20), -1);
    assert_false(stops_remove(&s, 7 << 20));
    assert_true(stops_add(&s, 5, false));
    assert_int_equal(stops_find(&s, 5), 1);
}

static void an_arrival_stops_until_it_is_passed(void **state)
{
    struct cpu_stops s = {0};
    (void)state;
    stops_add(&s, 100, false);
    assert_false(stops_arrive(&s, 99));
    assert_true(stops_arrive(&s, 100));
    assert_false(stops_arrive(&s, 100)); /* the run goes on from here */
    assert_true(stops_arrive(&s, 100));
    assert_false(stops_arrive(&s, 101));
    assert_true(stops_arrive(&s, 100));
}

static void a_stop_once_goes_and_a_breakpoint_there_stays(void **state)
{
    struct cpu_stops s = {0};
    (void)state;
    stops_add(&s, 100, true);
    stops_add(&s, 200, true);
    stops_add(&s, 200, false);
    assert_false(stops_remove(&s, 100)); /* not what a debugger has added */
    assert_true(stops_arrive(&s, 100));
    assert_true(stops_arrive(&s, 200));
    assert_int_equal(s.count, 1);
    assert_true(stops_remove(&s, 200));
    assert_int_equal(s.count, 0);
}

static void watches_meet_every_overlap(void **state)
{
    struct cpu_watches w = {0};
    struct cpu_watch read = {1000, 4, true, false}, last = {0xFFFFFFFF, 1, false, true};
    (void)state;
    assert_true(watches_add(&w, read));
    assert_true(watches_add(&w, last));
    assert_false(watches_add(&w, (struct cpu_watch){0xFFFFFFFE, 3, true, true}));
    assert_false(watches_add(&w, (struct cpu_watch){0, 0, true, true}));
    assert_false(watches_touch(&w, 996, 4, false));
    assert_true(watches_touch(&w, 996, 5, false));
    assert_int_equal(w.hit_la, 1000);
    assert_true(watches_touch(&w, 1003, 1, false));
    assert_false(watches_touch(&w, 1004, 4, false));
    assert_false(watches_touch(&w, 1000, 4, true));
    assert_true(watches_touch(&w, 0xFFFFFFFC, 4, true));
    assert_false(watches_touch(&w, 0, 4, true));
    assert_true(watches_remove(&w, read));
    assert_false(watches_remove(&w, read));
}

/* --- a processor ----------------------------------------------------------------------------- */

static int set_up(void **state)
{
    *state = guest_new();
    return 0;
}

static int tear_down(void **state)
{
    guest_free(*state);
    return 0;
}

/* Runs until a stop; returns EIP. */
static uint32_t run(struct guest *g)
{
    g->cpu.stop = STOP_NONE;
    cpu_run(&g->cpu);
    return g->cpu.eip;
}

static void a_breakpoint_in_a_block_cuts_it(void **state)
{
    struct guest *g = *state;
    guest_bytes(g, GUEST_CODE, "\x40\x41\x42\x43\x40\x41\x42\x43\xEB\xF6");
    g->cpu.stop = STOP_NONE;
    cpu_stop_at(&g->cpu, GUEST_CODE + 8);
    assert_int_equal(run(g), GUEST_CODE + 8); /* the block is decoded whole */
    cpu_break_add(&g->cpu, GUEST_CODE + 3);
    assert_int_equal(run(g), GUEST_CODE + 3);
    assert_int_equal(g->clock.now, 12);
    assert_int_equal(run(g), GUEST_CODE + 3);
    assert_int_equal(g->clock.now, 21);
}

static void a_watched_word_stops_after_the_instruction(void **state)
{
    struct guest *g = *state;
    /* push eax; mov [GUEST_FREE],eax; inc eax */
    guest_bytes(g, GUEST_CODE, "\x50\xA3\x00\x00\x06\x00\x40\xF4");
    cpu_watch_add(&g->cpu, (struct cpu_watch){GUEST_STACK - 1, 1, false, true});
    cpu_watch_add(&g->cpu, (struct cpu_watch){GUEST_FREE, 4, false, true});
    assert_int_equal(run(g), GUEST_CODE + 1);
    assert_int_equal(g->cpu.watches.hit_la, GUEST_STACK - 1);
    assert_int_equal(run(g), GUEST_CODE + 6);
    assert_int_equal(g->cpu.watches.hit_la, GUEST_FREE);
}

/* The stack of an inner privilege is written by the processor itself. */
static void a_watched_inner_stack_stops_at_the_handler(void **state)
{
    struct guest *g = *state;
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xCD\x80");
    cpu_watch_add(&g->cpu, (struct cpu_watch){GUEST_STACK0 - 4, 4, false, true});
    assert_int_equal(run(g), GUEST_HANDLERS + 16 * 0x80);
    assert_true(g->cpu.watches.hit);
}

/* Found by fuzz_gdb: the table that sends every access the slow way had entries that an odd word in
 * page 0 matched. The same went for the guest's own data breakpoints. */
static void an_odd_word_in_page_0_is_read_while_data_is_watched(void **state)
{
    struct guest *g = *state;
    guest_poke(g, 0x561, 4, 0x12345678);
    /* mov eax,[561h]; mov dr7,ebx; mov ecx,[561h]; hlt */
    guest_bytes(g, GUEST_CODE, "\xA1\x61\x05\x00\x00\x0F\x23\xFB\x8B\x0D\x61\x05\x00\x00\xF4");
    g->cpu.r[EBX] = 0x10001; /* DR0, writes */
    g->cpu.dr[0] = GUEST_FREE;
    cpu_watch_add(&g->cpu, (struct cpu_watch){GUEST_FREE, 4, false, true});
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX], 0x12345678);
    assert_int_equal(g->cpu.r[ECX], 0x12345678);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_kept_in_order_and_once),
        cmocka_unit_test(an_arrival_stops_until_it_is_passed),
        cmocka_unit_test(a_stop_once_goes_and_a_breakpoint_there_stays),
        cmocka_unit_test(watches_meet_every_overlap),
        TEST(a_breakpoint_in_a_block_cuts_it),
        TEST(a_watched_word_stops_after_the_instruction),
        TEST(a_watched_inner_stack_stops_at_the_handler),
        TEST(an_odd_word_in_page_0_is_read_while_data_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
