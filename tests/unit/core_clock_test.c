#include "sim/core/clock.h"

#include "sim/core/snap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORDER_MAX 16

struct fixture {
    struct clock clock;
    struct event events[4];
    struct note {
        struct fixture *fixture;
        int number;
    } notes[4];
    int order[ORDER_MAX];
    int count;
};

static void fired(void *owner)
{
    struct note *n = owner;
    n->fixture->order[n->fixture->count++] = n->number;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    static const uint32_t priorities[4] = {5, 5, 1, 9};
    clock_init(&f->clock);
    for (int i = 0; i < 4; i++) {
        f->notes[i] = (struct note){f, i};
        event_init(&f->events[i], fired, &f->notes[i], priorities[i]);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    clock_free(&f->clock);
    free(f);
    return 0;
}

static void ratio_is_reduced(void **state)
{
    (void)state;
    /* 133 1/3 MHz against the 8254's 315/264 MHz: 7040/63 cycles a tick. */
    struct ratio r = ratio_of_clocks(400000000, 3, 315000000, 264);
    assert_int_equal(r.num, 7040);
    assert_int_equal(r.den, 63);
}

static void ratio_edges_never_accumulate_rounding(void **state)
{
    (void)state;
    struct ratio r = {7040, 63};
    assert_int_equal(ratio_edge(r, 0), 0);
    assert_int_equal(ratio_edge(r, 1), 112); /* 111.75 */
    assert_int_equal(ratio_edge(r, 63), 7040);
    assert_int_equal(ratio_edge(r, 63ull << 40), 7040ull << 40);
}

static void ratio_count_is_the_inverse_of_edge(void **state)
{
    (void)state;
    struct ratio r = {7040, 63};
    for (uint64_t n = 0; n < 100000; n += 7) {
        assert_int_equal(ratio_count(r, ratio_edge(r, n)), n);
        if (n > 0)
            assert_true(ratio_count(r, ratio_edge(r, n) - 1) == n - 1);
    }
}

static void events_fire_by_cycle_then_priority_then_sequence(void **state)
{
    struct fixture *f = *state;
    event_schedule(&f->clock, &f->events[0], 10);
    event_schedule(&f->clock, &f->events[1], 10);
    event_schedule(&f->clock, &f->events[2], 10);
    event_schedule(&f->clock, &f->events[3], 9);
    f->clock.now = 10;
    clock_dispatch(&f->clock);
    assert_int_equal(f->count, 4);
    static const int expected[] = {3, 2, 0, 1};
    assert_memory_equal(f->order, expected, sizeof expected);
    assert_true(clock_next(&f->clock) == CYCLE_NEVER);
}

static void an_event_does_not_fire_before_its_cycle(void **state)
{
    struct fixture *f = *state;
    event_schedule(&f->clock, &f->events[0], 10);
    f->clock.now = 9;
    clock_dispatch(&f->clock);
    assert_int_equal(f->count, 0);
    assert_true(event_pending(&f->events[0]));
}

static void scheduling_again_moves_the_event(void **state)
{
    struct fixture *f = *state;
    event_schedule(&f->clock, &f->events[0], 10);
    event_schedule(&f->clock, &f->events[0], 20);
    assert_int_equal(f->clock.guest.count, 1);
    assert_int_equal(clock_next(&f->clock), 20);
    event_cancel(&f->clock, &f->events[0]);
    assert_false(event_pending(&f->events[0]));
}

static void the_past_is_now(void **state)
{
    struct fixture *f = *state;
    f->clock.now = 100;
    event_schedule(&f->clock, &f->events[0], 50);
    assert_int_equal(clock_next(&f->clock), 100);
}

static void an_observers_event_leaves_no_trace_and_comes_last(void **state)
{
    struct fixture *f = *state;
    uint64_t before = f->clock.sequence;
    event_schedule_observer(&f->clock, &f->events[2], 10);
    assert_int_equal(f->clock.sequence, before);
    assert_true(f->clock.next_guest == CYCLE_NEVER);
    assert_int_equal(clock_next(&f->clock), 10);
    event_schedule(&f->clock, &f->events[1], 10);
    f->clock.now = 10;
    clock_dispatch(&f->clock);
    assert_int_equal(f->order[0], 1);
    assert_int_equal(f->order[1], 2);
}

static void a_snapshot_brings_events_back_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct snap save, load;
    event_schedule(&f->clock, &f->events[0], 10);
    event_schedule(&f->clock, &f->events[1], 10);
    snap_begin_save(&save);
    clock_snapshot(&f->clock, &save);
    event_snapshot(&f->clock, &f->events[0], &save, "zero");
    event_snapshot(&f->clock, &f->events[1], &save, "one");
    event_cancel(&f->clock, &f->events[0]);
    event_schedule(&f->clock, &f->events[1], 5);
    snap_begin_load(&load, save.data, save.size);
    clock_snapshot(&f->clock, &load);
    event_snapshot(&f->clock, &f->events[0], &load, "zero");
    event_snapshot(&f->clock, &f->events[1], &load, "one");
    assert_false(load.failed);
    f->clock.now = 10;
    clock_dispatch(&f->clock);
    static const int expected[] = {0, 1};
    assert_int_equal(f->count, 2);
    assert_memory_equal(f->order, expected, sizeof expected);
    snap_free(&save);
}

int main(void)
{
#define IN_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratio_is_reduced),
        cmocka_unit_test(ratio_edges_never_accumulate_rounding),
        cmocka_unit_test(ratio_count_is_the_inverse_of_edge),
        IN_FIXTURE(events_fire_by_cycle_then_priority_then_sequence),
        IN_FIXTURE(an_event_does_not_fire_before_its_cycle),
        IN_FIXTURE(scheduling_again_moves_the_event),
        IN_FIXTURE(the_past_is_now),
        IN_FIXTURE(an_observers_event_leaves_no_trace_and_comes_last),
        IN_FIXTURE(a_snapshot_brings_events_back_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
