/* The 8254 and port 61h, one behaviour a test, at exact CLK pulses and exact cycles. */
#include "devices/pit_8254.h"
#include "devices/port_61.h"
#include "sim/core/check.h"
#include "sim/core/snap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A board with an 8254 and nothing else. OUT0 is wired to a recorder. */
struct board {
    struct clock clock;
    struct pit pit;
    struct port_61 port_61;
    cycle_t changed[16]; /* when OUT0 changed; even entries are rises of an OUT that began low */
    unsigned changes;
    bool out0;
    bool speaker;
};

static void on_out0(void *owner, int n, bool level)
{
    struct board *b = owner;
    assert_int_equal(n, 0);
    assert_true(level != b->out0);
    assert_true(b->changes < ARRAY_COUNT(b->changed));
    b->out0 = level;
    b->changed[b->changes++] = b->clock.now;
}

static void on_speaker(void *owner, int n, bool level)
{
    (void)n;
    ((struct board *)owner)->speaker = level;
}

static struct board *board_at(struct ratio period)
{
    struct board *b = xalloc(1, sizeof *b);
    clock_init(&b->clock);
    pit_init(&b->pit,
             (struct pit_config){.clock = &b->clock, .period = period, .out = {{on_out0, b, 0}}});
    port_61_init(&b->port_61, (struct port_61_config){.gate2 = {pit_set_gate, &b->pit, 2},
                                                      .speaker = {on_speaker, b, 0},
                                                      .timer_out = pit_out,
                                                      .timer_out_rises = pit_out_rises,
                                                      .timer = &b->pit});
    return b;
}

static int setup(void **state)
{
    *state = board_at((struct ratio){1, 1}); /* a cycle is a CLK pulse */
    return 0;
}

static int setup_p133(void **state)
{
    *state = board_at(ratio_of_clocks(400000000, 3, 315000000, 264));
    return 0;
}

static int teardown(void **state)
{
    struct board *b = *state;
    clock_free(&b->clock);
    free(b);
    return 0;
}

static void run_to(struct board *b, cycle_t cycle)
{
    while (clock_next(&b->clock) <= cycle) {
        b->clock.now = clock_next(&b->clock);
        clock_dispatch(&b->clock);
    }
    b->clock.now = cycle;
}

static void program(struct board *b, unsigned counter, unsigned mode_bits, unsigned count)
{
    pit_write(&b->pit, PIT_CONTROL, (uint8_t)(counter << 6 | 0x30 | mode_bits));
    pit_write(&b->pit, counter, (uint8_t)count);
    pit_write(&b->pit, counter, (uint8_t)(count >> 8));
}

static unsigned read_count(struct board *b, unsigned counter)
{
    unsigned low = pit_read(&b->pit, counter);
    return low | (unsigned)pit_read(&b->pit, counter) << 8;
}

#define assert_count_at(b, counter, cycle, count)                                                  \
    do {                                                                                           \
        run_to(b, cycle);                                                                          \
        assert_int_equal(read_count(b, counter), count);                                           \
    } while (0)

#define assert_changes(b, ...)                                                                     \
    do {                                                                                           \
        const cycle_t expected[] = {__VA_ARGS__};                                                  \
        assert_int_equal((b)->changes, ARRAY_COUNT(expected));                                     \
        assert_memory_equal((b)->changed, expected, sizeof expected);                              \
    } while (0)

/* ---- modes ---- */

static void pit_mode_0_raises_out_n_plus_1_pulses_after_the_count(void **state)
{
    struct board *b = *state;
    program(b, 0, 0 << 1, 5);
    assert_count_at(b, 0, 1, 5); /* the pulse that loads does not count */
    assert_count_at(b, 0, 5, 1);
    assert_false(pit_out(&b->pit, 0));
    assert_count_at(b, 0, 6, 0);
    assert_changes(b, 6);
    assert_count_at(b, 0, 8, 0xFFFE); /* it counts on, silently */
    run_to(b, 200000);
    assert_changes(b, 6);
}

static void pit_mode_0_stops_between_the_bytes_of_a_new_count(void **state)
{
    struct board *b = *state;
    program(b, 0, 0 << 1, 100);
    run_to(b, 11);
    pit_write(&b->pit, 0, 4);
    assert_count_at(b, 0, 50, 90);
    pit_write(&b->pit, 0, 0);
    assert_count_at(b, 0, 51, 4);
    run_to(b, 60);
    assert_changes(b, 55);
    pit_write(&b->pit, 0, 9); /* the first byte of the next count brings OUT down at once */
    assert_changes(b, 55, 60);
}

static void pit_mode_0_gate_suspends_counting_but_not_loading(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 0, false);
    program(b, 0, 0 << 1, 5);
    assert_count_at(b, 0, 20, 5);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 30);
    assert_changes(b, 25);
}

static void pit_mode_1_fires_on_the_pulse_after_a_trigger_and_retriggers(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 0, false);
    program(b, 0, 1 << 1, 5);
    run_to(b, 10);
    assert_changes(b, 0);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 12);
    pit_set_gate(&b->pit, 0, false); /* the level does not matter */
    run_to(b, 14);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 40);
    assert_changes(b, 0, 11, 20);
}

static void pit_mode_1_new_count_waits_for_the_next_trigger(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 0, false);
    program(b, 0, 1 << 1, 5);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 3);
    pit_write(&b->pit, 0, 2);
    pit_write(&b->pit, 0, 0);
    run_to(b, 20);
    pit_set_gate(&b->pit, 0, false);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 40);
    assert_changes(b, 0, 1, 6, 21, 23);
}

static void pit_mode_1_trigger_without_a_count_is_lost(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 0, false);
    pit_write(&b->pit, PIT_CONTROL, 0x12);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 2);
    pit_write(&b->pit, 0, 3);
    run_to(b, 40);
    assert_changes(b, 0);
}

static void pit_mode_2_is_low_for_the_last_of_n_pulses(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 4);
    assert_count_at(b, 0, 1, 4);
    assert_count_at(b, 0, 4, 1);
    assert_count_at(b, 0, 5, 4);
    run_to(b, 12);
    assert_changes(b, 0, 4, 5, 8, 9, 12);
}

static void pit_mode_2_new_count_is_loaded_after_the_period(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 4);
    run_to(b, 2);
    pit_write(&b->pit, 0, 6);
    pit_write(&b->pit, 0, 0);
    run_to(b, 16);
    assert_changes(b, 0, 4, 5, 10, 11, 16);
}

static void pit_mode_2_gate_raises_out_at_once_and_restarts_the_period(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 4);
    run_to(b, 4);
    assert_false(pit_out(&b->pit, 0));
    pit_set_gate(&b->pit, 0, false);
    assert_true(pit_out(&b->pit, 0));
    run_to(b, 30);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 34);
    assert_changes(b, 0, 4, 4, 34);
}

static void pit_mode_3_splits_an_even_count_in_halves(void **state)
{
    struct board *b = *state;
    program(b, 0, 3 << 1, 4);
    assert_count_at(b, 0, 1, 4);
    assert_count_at(b, 0, 2, 2);
    assert_count_at(b, 0, 3, 4);
    run_to(b, 9);
    assert_changes(b, 0, 3, 5, 7, 9);
}

static void pit_mode_3_gives_the_odd_pulse_to_the_high_half(void **state)
{
    struct board *b = *state;
    program(b, 0, 3 << 1, 5);
    assert_count_at(b, 0, 1, 4);
    assert_count_at(b, 0, 3, 0);
    assert_count_at(b, 0, 4, 4);
    run_to(b, 11);
    assert_changes(b, 0, 4, 6, 9, 11);
}

static void pit_mode_3_new_count_is_loaded_after_the_half(void **state)
{
    struct board *b = *state;
    program(b, 0, 3 << 1, 8);
    run_to(b, 2);
    pit_write(&b->pit, 0, 4);
    pit_write(&b->pit, 0, 0);
    run_to(b, 9);
    assert_changes(b, 0, 5, 7, 9);
}

static void pit_modes_2_and_3_with_a_count_of_1_keep_out_high(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 1);
    run_to(b, 20);
    program(b, 0, 3 << 1, 1);
    run_to(b, 40);
    assert_changes(b, 0);
    program(b, 1, 3 << 1, 1);
    run_to(b, 100);
    assert_int_equal(pit_out_rises(&b->pit, 1), 1);
}

static void pit_mode_4_strobes_one_pulse_once(void **state)
{
    struct board *b = *state;
    program(b, 0, 4 << 1, 5);
    run_to(b, 200000);
    assert_changes(b, 0, 6, 7);
}

static void pit_mode_4_strobe_ends_though_the_gate_is_low(void **state)
{
    struct board *b = *state;
    program(b, 0, 4 << 1, 5);
    run_to(b, 6);
    pit_set_gate(&b->pit, 0, false);
    assert_count_at(b, 0, 10, 0);
    assert_changes(b, 0, 6, 7);
}

static void pit_mode_5_strobes_after_each_trigger(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 0, false);
    program(b, 0, 5 << 1, 3);
    run_to(b, 10);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 20);
    pit_set_gate(&b->pit, 0, false);
    pit_set_gate(&b->pit, 0, true);
    run_to(b, 30);
    assert_changes(b, 0, 14, 15, 24, 25);
}

static void pit_modes_6_and_7_are_2_and_3(void **state)
{
    struct board *b = *state;
    program(b, 0, 6 << 1, 4);
    run_to(b, 5);
    assert_changes(b, 0, 4, 5);
    pit_write(&b->pit, PIT_CONTROL, 0xE2); /* the status shows the mode as written */
    assert_int_equal(pit_read(&b->pit, 0), 0x80 | 0x3C);
}

/* ---- counts ---- */

static void pit_count_0_is_the_whole_range(void **state)
{
    struct board *b = *state;
    program(b, 0, 0 << 1, 0);
    run_to(b, 65537);
    assert_changes(b, 65537);
    program(b, 0, 0 << 1 | 1, 0);
    run_to(b, 65537 + 10001);
    assert_changes(b, 65537, 65537, 65537 + 10001);
}

static void pit_bcd_borrows_across_digits(void **state)
{
    struct board *b = *state;
    program(b, 0, 0 << 1 | 1, 0x1000);
    assert_count_at(b, 0, 2, 0x0999);
    assert_count_at(b, 0, 1 + 901, 0x0099);
    assert_count_at(b, 0, 1 + 1001, 0x9999);
    assert_changes(b, 1001);
}

static void pit_single_byte_counts_clear_the_other_byte(void **state)
{
    struct board *b = *state;
    program(b, 0, 0 << 1, 0x1234);
    pit_write(&b->pit, PIT_CONTROL, 0x20);
    pit_write(&b->pit, 0, 0x02);
    run_to(b, 1);
    assert_int_equal(pit_read(&b->pit, 0), 0x02); /* reads the high byte only, too */
    run_to(b, 600);
    assert_changes(b, 513);
}

/* ---- reading ---- */

static void pit_latch_holds_the_count_until_both_bytes_are_read(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 0x1000);
    run_to(b, 2);
    pit_write(&b->pit, PIT_CONTROL, 0x00);
    run_to(b, 0x300);
    pit_write(&b->pit, PIT_CONTROL, 0x00); /* ignored: the first is not read yet */
    assert_int_equal(pit_read(&b->pit, 0), 0xFF);
    run_to(b, 0x400);
    assert_int_equal(pit_read(&b->pit, 0), 0x0F);
    assert_int_equal(read_count(b, 0), 0x1000 - 0x3FF);
}

static void pit_readback_latches_both_bytes(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 0x1234);
    run_to(b, 1 + 0x10);
    pit_write(&b->pit, PIT_CONTROL, 0xC2); /* count and status of counter 0 */
    run_to(b, 0x500);
    assert_int_equal(pit_read(&b->pit, 0), 0xB4); /* OUT, not null, both bytes, mode 2 */
    assert_int_equal(pit_read(&b->pit, 0), 0x24);
    assert_int_equal(pit_read(&b->pit, 0), 0x12);
    assert_int_equal(read_count(b, 0), 0x1234 - 0x4FF);
}

static void pit_readback_of_several_counters_latches_them_together(void **state)
{
    struct board *b = *state;
    pit_set_gate(&b->pit, 2, true);
    program(b, 0, 2 << 1, 0x100);
    program(b, 2, 2 << 1, 0x200);
    run_to(b, 1 + 0x10);
    pit_write(&b->pit, PIT_CONTROL, 0xDA); /* counts of 0 and 2 */
    run_to(b, 1 + 0x20);
    assert_int_equal(read_count(b, 0), 0xF0);
    assert_int_equal(read_count(b, 2), 0x1F0);
    assert_int_equal(read_count(b, 0), 0xE0);
}

static void pit_null_count_falls_when_the_count_is_loaded(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 4);
    pit_write(&b->pit, PIT_CONTROL, 0xE2);
    assert_int_equal(pit_read(&b->pit, 0), 0x80 | 0x40 | 0x34);
    run_to(b, 1);
    pit_write(&b->pit, PIT_CONTROL, 0xE2);
    assert_int_equal(pit_read(&b->pit, 0), 0x80 | 0x34);
    pit_write(&b->pit, 0, 9); /* half a count is none */
    pit_write(&b->pit, PIT_CONTROL, 0xE2);
    assert_int_equal(pit_read(&b->pit, 0), 0x80 | 0x34);
    pit_write(&b->pit, 0, 0);
    run_to(b, 4);
    pit_write(&b->pit, PIT_CONTROL, 0xE2);
    assert_int_equal(pit_read(&b->pit, 0), 0x40 | 0x34);
    run_to(b, 5);
    pit_write(&b->pit, PIT_CONTROL, 0xE2);
    assert_int_equal(pit_read(&b->pit, 0), 0x80 | 0x34);
}

static void pit_control_word_drops_what_was_latched(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 0x1234);
    run_to(b, 1);
    pit_write(&b->pit, PIT_CONTROL, 0xC2);
    program(b, 0, 2 << 1, 0x0042);
    run_to(b, 2);
    assert_int_equal(read_count(b, 0), 0x0042);
}

static void pit_control_port_reads_as_open_bus(void **state)
{
    struct board *b = *state;
    assert_int_equal(pit_read(&b->pit, PIT_CONTROL), 0xFF);
}

/* ---- time ---- */

/* 100 Hz on the Pentium 133, where a CLK pulse is 7040/63 cycles: the thousandth tick stands where
 * the exact fraction puts it, not where a thousand rounded periods would. */
static void pit_ticks_do_not_drift_on_a_fractional_clock(void **state)
{
    struct board *b = *state;
    program(b, 0, 2 << 1, 11932);
    run_to(b, 112 - 1);
    assert_int_equal(pit_out_rises(&b->pit, 0), 1);
    run_to(b, 1333466);
    assert_changes(b, 0, 1333354, 1333466);
    for (unsigned tick = 2; tick <= 1000; tick++) {
        b->changes = 1;
        run_to(b, ratio_edge(b->pit.config.period, tick * 11932u + 1));
        assert_int_equal(b->changes, 3);
    }
    assert_int_equal(b->changed[2], 1333353763);
}

static void pit_unwired_counter_schedules_nothing_and_is_derived(void **state)
{
    struct board *b = *state;
    program(b, 1, 2 << 1, 18);
    assert_int_equal(clock_next(&b->clock), CYCLE_NEVER);
    b->clock.now = 1 + UINT64_C(18) * 1000000000;
    assert_int_equal(pit_out_rises(&b->pit, 1), 1 + 1000000000);
    assert_int_equal(read_count(b, 1), 18);
}

static void pit_looking_changes_no_state_and_no_schedule(void **state)
{
    struct board *b = *state;
    struct snap first, second;
    program(b, 0, 3 << 1, 10000);
    program(b, 2, 2 << 1, 77);
    run_to(b, 12345);
    struct pit copy = b->pit;
    snap_begin_hash(&first);
    pit_snapshot(&b->pit, &first);
    pit_out(&b->pit, 2);
    pit_out_rises(&b->pit, 0);
    assert_memory_equal(&copy, &b->pit, sizeof copy);
    read_count(b, 0); /* a guest's read moves the lazy state, but not what it means */
    read_count(b, 2);
    snap_begin_hash(&second);
    pit_snapshot(&b->pit, &second);
    assert_true(first.hash == second.hash);
}

static void pit_snapshot_continues_where_it_was_saved(void **state)
{
    struct board *b = *state;
    struct snap save, load;
    program(b, 0, 0 << 1, 100);
    run_to(b, 50);
    snap_begin_save(&save);
    pit_snapshot(&b->pit, &save);
    pit_reset(&b->pit);
    assert_int_equal(clock_next(&b->clock), CYCLE_NEVER);
    snap_begin_load(&load, save.data, save.size);
    pit_snapshot(&b->pit, &load);
    assert_false(load.failed);
    snap_free(&save);
    run_to(b, 200);
    assert_changes(b, 101);
}

/* ---- port 61h ---- */

static void port_61_gates_counter_2_and_reads_out2(void **state)
{
    struct board *b = *state;
    program(b, 2, 0 << 1, 10);
    run_to(b, 50);
    assert_int_equal(port_61_read(&b->port_61), 0x00); /* reset left the gate low */
    port_61_write(&b->port_61, 0x01);
    run_to(b, 59);
    assert_int_equal(port_61_read(&b->port_61), 0x01);
    run_to(b, 60);
    assert_int_equal(port_61_read(&b->port_61), 0x21);
}

static void port_61_refresh_bit_turns_at_each_rise_of_out1(void **state)
{
    struct board *b = *state;
    program(b, 1, 2 << 1, 18);
    assert_int_equal(port_61_read(&b->port_61) & 0x10, 0x10); /* mode 2 set raised OUT1 */
    run_to(b, 18);
    assert_int_equal(port_61_read(&b->port_61) & 0x10, 0x10);
    run_to(b, 19);
    assert_int_equal(port_61_read(&b->port_61) & 0x10, 0x00);
    run_to(b, 19 + 18);
    assert_int_equal(port_61_read(&b->port_61) & 0x10, 0x10);
}

static void port_61_keeps_four_bits_and_enables_the_speaker(void **state)
{
    struct board *b = *state;
    port_61_write(&b->port_61, 0xFE);
    assert_true(b->speaker);
    assert_int_equal(port_61_read(&b->port_61), 0x0E);
    port_61_reset(&b->port_61);
    assert_false(b->speaker);
    assert_int_equal(port_61_read(&b->port_61), 0x00);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pit_mode_0_raises_out_n_plus_1_pulses_after_the_count),
        TEST(pit_mode_0_stops_between_the_bytes_of_a_new_count),
        TEST(pit_mode_0_gate_suspends_counting_but_not_loading),
        TEST(pit_mode_1_fires_on_the_pulse_after_a_trigger_and_retriggers),
        TEST(pit_mode_1_new_count_waits_for_the_next_trigger),
        TEST(pit_mode_1_trigger_without_a_count_is_lost),
        TEST(pit_mode_2_is_low_for_the_last_of_n_pulses),
        TEST(pit_mode_2_new_count_is_loaded_after_the_period),
        TEST(pit_mode_2_gate_raises_out_at_once_and_restarts_the_period),
        TEST(pit_mode_3_splits_an_even_count_in_halves),
        TEST(pit_mode_3_gives_the_odd_pulse_to_the_high_half),
        TEST(pit_mode_3_new_count_is_loaded_after_the_half),
        TEST(pit_modes_2_and_3_with_a_count_of_1_keep_out_high),
        TEST(pit_mode_4_strobes_one_pulse_once),
        TEST(pit_mode_4_strobe_ends_though_the_gate_is_low),
        TEST(pit_mode_5_strobes_after_each_trigger),
        TEST(pit_modes_6_and_7_are_2_and_3),
        TEST(pit_count_0_is_the_whole_range),
        TEST(pit_bcd_borrows_across_digits),
        TEST(pit_single_byte_counts_clear_the_other_byte),
        TEST(pit_latch_holds_the_count_until_both_bytes_are_read),
        TEST(pit_readback_latches_both_bytes),
        TEST(pit_readback_of_several_counters_latches_them_together),
        TEST(pit_null_count_falls_when_the_count_is_loaded),
        TEST(pit_control_word_drops_what_was_latched),
        TEST(pit_control_port_reads_as_open_bus),
        cmocka_unit_test_setup_teardown(pit_ticks_do_not_drift_on_a_fractional_clock, setup_p133,
                                        teardown),
        TEST(pit_unwired_counter_schedules_nothing_and_is_derived),
        TEST(pit_looking_changes_no_state_and_no_schedule),
        TEST(pit_snapshot_continues_where_it_was_saved),
        TEST(port_61_gates_counter_2_and_reads_out2),
        TEST(port_61_refresh_bit_turns_at_each_rise_of_out1),
        TEST(port_61_keeps_four_bits_and_enables_the_speaker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
