/* The MC146818A, one behaviour a test, at exact edges of its crystal. */
#include "devices/rtc_mc146818.h"
#include "sim/core/check.h"
#include "sim/core/snap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 32768u
#define UIP_LENGTH (8u + 65u) /* 244 us and 1984 us, in periods of the crystal */

/* The clock's chip alone; a cycle is a period of the crystal unless the test says otherwise. */
struct board {
    struct clock clock;
    struct rtc rtc;
    cycle_t changed[8]; /* when the interrupt wire changed; it begins low */
    unsigned changes;
    bool nmi_masked;
};

static void on_irq(void *owner, int n, bool level)
{
    struct board *b = owner;
    assert_int_equal(n, 8);
    assert_int_equal(level, b->changes % 2 == 0);
    assert_true(b->changes < ARRAY_COUNT(b->changed));
    b->changed[b->changes++] = b->clock.now;
}

static void on_nmi_mask(void *owner, int n, bool level)
{
    (void)n;
    ((struct board *)owner)->nmi_masked = level;
}

static void start(struct board *b, struct ratio crystal, int64_t seconds)
{
    rtc_init(&b->rtc, (struct rtc_config){.clock = &b->clock,
                                          .crystal = crystal,
                                          .irq = {on_irq, b, 8},
                                          .nmi_mask = {on_nmi_mask, b, 0},
                                          .start_seconds = seconds});
}

static int setup(void **state)
{
    struct board *b = xalloc(1, sizeof *b);
    clock_init(&b->clock);
    start(b, (struct ratio){1, 1}, 825598799); /* Thursday, 1996-02-29 12:59:59 UTC */
    *state = b;
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

static uint8_t get(struct board *b, unsigned index)
{
    rtc_write(&b->rtc, 0, (uint8_t)index);
    return rtc_read(&b->rtc, 1);
}

static void put(struct board *b, unsigned index, unsigned value)
{
    rtc_write(&b->rtc, 0, (uint8_t)index);
    rtc_write(&b->rtc, 1, (uint8_t)value);
}

/* SET, the seven bytes, SET off, leaving B as given. */
static void set_time(struct board *b, unsigned reg_b, const uint8_t time[7])
{
    static const uint8_t indexes[7] = {RTC_HOURS, RTC_MINUTES, RTC_SECONDS, RTC_DAY_OF_WEEK,
                                       RTC_DATE,  RTC_MONTH,   RTC_YEAR};
    put(b, RTC_B, reg_b | 0x80);
    for (unsigned i = 0; i < 7; i++)
        put(b, indexes[i], time[i]);
    put(b, RTC_B, reg_b);
}

#define set_time_to(b, reg_b, ...) set_time(b, reg_b, (const uint8_t[7]){__VA_ARGS__})

/* hours, minutes, seconds, day of week, date, month, year */
#define assert_time(b, ...)                                                                        \
    do {                                                                                           \
        const uint8_t expected[7] = {__VA_ARGS__};                                                 \
        const uint8_t actual[7] = {                                                                \
            get(b, RTC_HOURS), get(b, RTC_MINUTES), get(b, RTC_SECONDS), get(b, RTC_DAY_OF_WEEK),  \
            get(b, RTC_DATE),  get(b, RTC_MONTH),   get(b, RTC_YEAR)};                             \
        assert_memory_equal(actual, expected, 7);                                                  \
    } while (0)

#define assert_changes(b, ...)                                                                     \
    do {                                                                                           \
        const cycle_t expected[] = {__VA_ARGS__};                                                  \
        assert_int_equal((b)->changes, ARRAY_COUNT(expected));                                     \
        assert_memory_equal((b)->changed, expected, sizeof expected);                              \
    } while (0)

/* ---- the date ---- */

static void rtc_starts_at_the_date_of_the_manifest(void **state)
{
    struct board *b = *state;
    assert_time(b, 0x12, 0x59, 0x59, 5, 0x29, 0x02, 0x96);
    assert_int_equal(get(b, RTC_CENTURY), 0x19);
    assert_int_equal(get(b, RTC_A), 0x26);
    assert_int_equal(get(b, RTC_B), 0x02);
    assert_int_equal(get(b, RTC_D), 0x80);
}

static void rtc_knows_dates_before_1970_and_after_2100(void **state)
{
    struct board *b = *state;
    start(b, (struct ratio){1, 1}, -1);
    assert_time(b, 0x23, 0x59, 0x59, 4, 0x31, 0x12, 0x69);
    start(b, (struct ratio){1, 1}, 4107542400); /* Monday, 2100-03-01: not the day after 02-29 */
    assert_time(b, 0x00, 0x00, 0x00, 2, 0x01, 0x03, 0x00);
    assert_int_equal(get(b, RTC_CENTURY), 0x21);
    start(b, (struct ratio){1, 1}, 253402300799);
    assert_time(b, 0x23, 0x59, 0x59, 6, 0x31, 0x12, 0x99);
    assert_int_equal(get(b, RTC_CENTURY), 0x99);
}

static void rtc_carries_from_second_to_hour(void **state)
{
    struct board *b = *state;
    run_to(b, SECOND + UIP_LENGTH - 1);
    assert_time(b, 0x12, 0x59, 0x59, 5, 0x29, 0x02, 0x96);
    run_to(b, SECOND + UIP_LENGTH);
    assert_time(b, 0x13, 0x00, 0x00, 5, 0x29, 0x02, 0x96);
}

static void rtc_february_has_29_days_when_four_divides_the_year(void **state)
{
    struct board *b = *state;
    set_time_to(b, 0x02, 0x23, 0x59, 0x59, 4, 0x28, 0x02, 0x96);
    run_to(b, 3 * SECOND / 2);
    assert_time(b, 0x00, 0x00, 0x00, 5, 0x29, 0x02, 0x96);
    set_time_to(b, 0x02, 0x23, 0x59, 0x59, 6, 0x28, 0x02, 0x97);
    run_to(b, 5 * SECOND / 2);
    assert_time(b, 0x00, 0x00, 0x00, 7, 0x01, 0x03, 0x97);
}

static void rtc_year_99_wraps_and_leaves_the_century_to_software(void **state)
{
    struct board *b = *state;
    set_time_to(b, 0x02, 0x23, 0x59, 0x59, 6, 0x31, 0x12, 0x99);
    run_to(b, 2 * SECOND);
    assert_time(b, 0x00, 0x00, 0x00, 7, 0x01, 0x01, 0x00);
    assert_int_equal(get(b, RTC_CENTURY), 0x19);
}

static void rtc_binary_mode_counts_in_binary(void **state)
{
    struct board *b = *state;
    set_time_to(b, 0x06, 19, 29, 59, 1, 30, 9, 49);
    run_to(b, 2 * SECOND);
    assert_time(b, 19, 30, 0, 1, 30, 9, 49);
}

static void rtc_12_hour_mode_turns_at_noon_and_midnight(void **state)
{
    struct board *b = *state;
    set_time_to(b, 0x00, 0x11, 0x59, 0x59, 1, 0x01, 0x01, 0x00);
    run_to(b, 3 * SECOND / 2);
    assert_time(b, 0x92, 0x00, 0x00, 1, 0x01, 0x01, 0x00);
    set_time_to(b, 0x00, 0x92, 0x59, 0x59, 1, 0x01, 0x01, 0x00);
    run_to(b, 5 * SECOND / 2);
    assert_time(b, 0x81, 0x00, 0x00, 1, 0x01, 0x01, 0x00);
    set_time_to(b, 0x00, 0x91, 0x59, 0x59, 1, 0x01, 0x01, 0x00);
    run_to(b, 7 * SECOND / 2);
    assert_time(b, 0x12, 0x00, 0x00, 2, 0x02, 0x01, 0x00);
}

static void rtc_daylight_saving_skips_an_hour_in_april_and_repeats_one_in_october(void **state)
{
    struct board *b = *state;
    set_time_to(b, 0x03, 0x01, 0x59, 0x59, 1, 0x28, 0x04, 0x96);
    run_to(b, 3 * SECOND / 2);
    assert_time(b, 0x03, 0x00, 0x00, 1, 0x28, 0x04, 0x96);
    set_time_to(b, 0x03, 0x01, 0x59, 0x59, 1, 0x27, 0x10, 0x96);
    run_to(b, 5 * SECOND / 2);
    assert_time(b, 0x01, 0x00, 0x00, 1, 0x27, 0x10, 0x96);
    run_to(b, 3600 * SECOND + 5 * SECOND / 2);
    assert_time(b, 0x02, 0x00, 0x00, 1, 0x27, 0x10, 0x96);
}

/* ---- the update cycle ---- */

static void rtc_uip_leads_the_update_by_244_us_and_lasts_to_its_end(void **state)
{
    struct board *b = *state;
    run_to(b, SECOND - 1);
    assert_int_equal(get(b, RTC_A), 0x26);
    run_to(b, SECOND);
    assert_int_equal(get(b, RTC_A), 0xA6);
    run_to(b, SECOND + UIP_LENGTH - 1);
    assert_int_equal(get(b, RTC_A), 0xA6);
    assert_int_equal(get(b, RTC_C), 0x40);
    run_to(b, SECOND + UIP_LENGTH);
    assert_int_equal(get(b, RTC_A), 0x26);
    assert_int_equal(get(b, RTC_C) & 0x10, 0x10);
}

static void rtc_set_inhibits_updates_and_aborts_the_one_in_progress(void **state)
{
    struct board *b = *state;
    run_to(b, SECOND + 20);
    put(b, RTC_B, 0x82);
    assert_int_equal(get(b, RTC_A), 0x26);
    put(b, RTC_B, 0x02);
    assert_int_equal(get(b, RTC_A), 0x26); /* this second's update is lost */
    run_to(b, 2 * SECOND);
    assert_time(b, 0x12, 0x59, 0x59, 5, 0x29, 0x02, 0x96);
    run_to(b, 2 * SECOND + UIP_LENGTH);
    assert_time(b, 0x13, 0x00, 0x00, 5, 0x29, 0x02, 0x96);
    put(b, RTC_B, 0x82);
    run_to(b, 10 * SECOND);
    assert_time(b, 0x13, 0x00, 0x00, 5, 0x29, 0x02, 0x96);
}

static void rtc_divider_reset_restarts_with_half_a_second(void **state)
{
    struct board *b = *state;
    run_to(b, 1000);
    put(b, RTC_A, 0x76);
    run_to(b, 100000);
    assert_time(b, 0x12, 0x59, 0x59, 5, 0x29, 0x02, 0x96);
    put(b, RTC_A, 0x26);
    run_to(b, 100000 + SECOND / 2 - 1);
    assert_int_equal(get(b, RTC_A), 0x26);
    run_to(b, 100000 + SECOND / 2);
    assert_int_equal(get(b, RTC_A), 0xA6);
}

static void rtc_faster_crystal_settings_slow_the_clock_down(void **state)
{
    struct board *b = *state;
    put(b, RTC_A, 0x06); /* the divider for 4.194304 MHz: 128 times as long */
    run_to(b, 128 * SECOND + 1024 + 1040 - 1);
    assert_int_equal(get(b, RTC_SECONDS), 0x59);
    run_to(b, 128 * SECOND + 1024 + 1040);
    assert_int_equal(get(b, RTC_SECONDS), 0x00);
}

/* ---- interrupts ---- */

static void rtc_update_ended_interrupt_comes_at_the_fall_of_uip(void **state)
{
    struct board *b = *state;
    put(b, RTC_B, 0x12);
    run_to(b, 3 * SECOND);
    assert_changes(b, SECOND + UIP_LENGTH); /* once: nobody read C */
    assert_int_equal(get(b, RTC_C), 0xD0);  /* IRQF, UF, and PF without its enable */
    run_to(b, 4 * SECOND);
    assert_changes(b, SECOND + UIP_LENGTH, 3 * SECOND, 3 * SECOND + UIP_LENGTH);
}

static void rtc_periodic_interrupt_has_fifteen_rates(void **state)
{
    struct board *b = *state;
    static const unsigned periods[16] = {0,   128, 256, 4,    8,    16,   32,   64,
                                         128, 256, 512, 1024, 2048, 4096, 8192, 16384};
    for (unsigned rate = 0; rate < 16; rate++) {
        b->clock.now = 0;
        b->changes = 0;
        start(b, (struct ratio){1, 1}, 0);
        put(b, RTC_A, 0x20 | rate);
        put(b, RTC_B, 0x42);
        run_to(b, 20000);
        unsigned period = periods[rate];
        if (rate == 0) {
            assert_int_equal(b->changes, 0);
            continue;
        }
        assert_changes(b, period / 2);
        assert_int_equal(get(b, RTC_C) & 0xC0, 0xC0);
        unsigned next = 20000 + period / 2 + period - 1;
        next -= next % period;
        next = next - period / 2 > 20000 ? next - period / 2 : next + period / 2;
        run_to(b, next);
        assert_changes(b, period / 2, 20000, next);
    }
}

static void rtc_periodic_flag_is_set_half_a_period_from_uip(void **state)
{
    struct board *b = *state;
    put(b, RTC_A, 0x2F); /* 500 ms */
    run_to(b, SECOND / 4 - 1);
    assert_int_equal(get(b, RTC_C), 0x00);
    run_to(b, SECOND / 4);
    assert_int_equal(get(b, RTC_C), 0x40);
    run_to(b, 3 * SECOND / 4);
    assert_int_equal(get(b, RTC_C), 0x40);
}

static void rtc_alarm_matches_three_bytes(void **state)
{
    struct board *b = *state;
    put(b, RTC_SECONDS_ALARM, 0x01);
    put(b, RTC_MINUTES_ALARM, 0x00);
    put(b, RTC_HOURS_ALARM, 0x13);
    put(b, RTC_B, 0x22);
    run_to(b, 90000 * UINT64_C(32768));
    assert_changes(b, 2 * SECOND + UIP_LENGTH);
    assert_int_equal(get(b, RTC_C), 0xF0);
}

static void rtc_alarm_bytes_of_c0_and_above_match_any_time(void **state)
{
    struct board *b = *state;
    put(b, RTC_SECONDS_ALARM, 0x30);
    put(b, RTC_MINUTES_ALARM, 0xFF);
    put(b, RTC_HOURS_ALARM, 0xC0);
    put(b, RTC_B, 0x22);
    run_to(b, 40 * SECOND);
    assert_int_equal(get(b, RTC_C), 0xF0);
    run_to(b, 100 * SECOND);
    assert_changes(b, 31 * SECOND + UIP_LENGTH, 40 * SECOND, 91 * SECOND + UIP_LENGTH);
}

static void rtc_enabling_a_flag_that_is_set_interrupts_at_once(void **state)
{
    struct board *b = *state;
    run_to(b, 2 * SECOND);
    put(b, RTC_B, 0x12);
    assert_changes(b, 2 * SECOND);
    put(b, RTC_B, 0x02);
    assert_changes(b, 2 * SECOND, 2 * SECOND);
    assert_int_equal(get(b, RTC_C), 0x50); /* IRQF follows the enables */
    assert_int_equal(get(b, RTC_C), 0x00);
}

static void rtc_set_clears_the_update_interrupt_enable(void **state)
{
    struct board *b = *state;
    put(b, RTC_B, 0x72);
    put(b, RTC_B, 0xF2);
    assert_int_equal(get(b, RTC_B), 0xE2);
}

static void rtc_reset_stops_interrupts_and_keeps_the_time(void **state)
{
    struct board *b = *state;
    put(b, RTC_B, 0x7B);
    put(b, 0x40, 0x5A);
    run_to(b, 2 * SECOND);
    rtc_reset(&b->rtc);
    assert_int_equal(b->changes % 2, 0);
    assert_int_equal(get(b, RTC_B), 0x03);
    assert_int_equal(get(b, RTC_C), 0x00);
    assert_int_equal(get(b, 0x40), 0x5A);
    assert_time(b, 0x13, 0x00, 0x00, 5, 0x29, 0x02, 0x96);
}

static void rtc_schedules_nothing_while_no_interrupt_is_enabled(void **state)
{
    struct board *b = *state;
    assert_int_equal(clock_next(&b->clock), CYCLE_NEVER);
    b->clock.now = 86400 * UINT64_C(32768);
    assert_time(b, 0x12, 0x59, 0x58, 6, 0x01, 0x03, 0x96); /* this second's update still runs */
    assert_int_equal(get(b, RTC_C), 0x70);
}

/* On the Pentium 133 a period of the crystal is 390625/96 cycles; ten seconds are 4/3 of 10^9 and
 * the end of the tenth update is where the exact fraction puts it. */
static void rtc_does_not_drift_on_a_fractional_clock(void **state)
{
    struct board *b = *state;
    start(b, ratio_of_clocks(400000000, 3, 32768, 1), 0);
    put(b, RTC_SECONDS_ALARM, 0x10);
    put(b, RTC_B, 0x22);
    run_to(b, 2000000000);
    assert_changes(b, 1333630372);
}

/* ---- ports ---- */

static void rtc_index_bit_7_masks_nmi(void **state)
{
    struct board *b = *state;
    assert_true(b->nmi_masked);
    rtc_write(&b->rtc, 0, 0x0D);
    assert_false(b->nmi_masked);
    assert_false(rtc_nmi_masked(&b->rtc));
    rtc_write(&b->rtc, 0, 0x8D);
    assert_true(b->nmi_masked);
    assert_int_equal(rtc_read(&b->rtc, 1), 0x80); /* the index is still 0Dh */
    assert_int_equal(rtc_read(&b->rtc, 0), 0xFF);
}

static void rtc_read_only_bits_stay(void **state)
{
    struct board *b = *state;
    put(b, RTC_A, 0xA6);
    assert_int_equal(get(b, RTC_A), 0x26);
    put(b, RTC_C, 0xFF);
    assert_int_equal(get(b, RTC_C), 0x00);
    put(b, RTC_D, 0x00);
    assert_int_equal(get(b, RTC_D), 0x80);
    put(b, RTC_SECONDS, 0xA5);
    assert_int_equal(get(b, RTC_SECONDS), 0x25);
}

static void rtc_ram_keeps_114_bytes(void **state)
{
    struct board *b = *state;
    for (unsigned i = 0x0E; i < 0x80; i++)
        put(b, i, i ^ 0x5A);
    rtc_set_ram(&b->rtc, 0x17, 0x80);
    for (unsigned i = 0x0E; i < 0x80; i++)
        assert_int_equal(get(b, i), i == 0x17 ? 0x80 : i ^ 0x5A);
}

static void rtc_snapshot_continues_where_it_was_saved(void **state)
{
    struct board *b = *state;
    struct snap save, load, before, after;
    put(b, RTC_B, 0x12);
    run_to(b, SECOND + 10); /* an update cycle is in progress */
    snap_begin_hash(&before);
    rtc_snapshot(&b->rtc, &before);
    snap_begin_save(&save);
    rtc_snapshot(&b->rtc, &save);
    put(b, RTC_A, 0x70);
    put(b, RTC_B, 0x80);
    snap_begin_load(&load, save.data, save.size);
    rtc_snapshot(&b->rtc, &load);
    assert_false(load.failed);
    snap_free(&save);
    get(b, RTC_A); /* a look moves the lazy state, but not what it means */
    get(b, RTC_B);
    snap_begin_hash(&after);
    rtc_snapshot(&b->rtc, &after);
    assert_true(before.hash == after.hash);
    run_to(b, SECOND + UIP_LENGTH);
    assert_changes(b, SECOND + UIP_LENGTH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rtc_starts_at_the_date_of_the_manifest),
        TEST(rtc_knows_dates_before_1970_and_after_2100),
        TEST(rtc_carries_from_second_to_hour),
        TEST(rtc_february_has_29_days_when_four_divides_the_year),
        TEST(rtc_year_99_wraps_and_leaves_the_century_to_software),
        TEST(rtc_binary_mode_counts_in_binary),
        TEST(rtc_12_hour_mode_turns_at_noon_and_midnight),
        TEST(rtc_daylight_saving_skips_an_hour_in_april_and_repeats_one_in_october),
        TEST(rtc_uip_leads_the_update_by_244_us_and_lasts_to_its_end),
        TEST(rtc_set_inhibits_updates_and_aborts_the_one_in_progress),
        TEST(rtc_divider_reset_restarts_with_half_a_second),
        TEST(rtc_faster_crystal_settings_slow_the_clock_down),
        TEST(rtc_update_ended_interrupt_comes_at_the_fall_of_uip),
        TEST(rtc_periodic_interrupt_has_fifteen_rates),
        TEST(rtc_periodic_flag_is_set_half_a_period_from_uip),
        TEST(rtc_alarm_matches_three_bytes),
        TEST(rtc_alarm_bytes_of_c0_and_above_match_any_time),
        TEST(rtc_enabling_a_flag_that_is_set_interrupts_at_once),
        TEST(rtc_set_clears_the_update_interrupt_enable),
        TEST(rtc_reset_stops_interrupts_and_keeps_the_time),
        TEST(rtc_schedules_nothing_while_no_interrupt_is_enabled),
        TEST(rtc_does_not_drift_on_a_fractional_clock),
        TEST(rtc_index_bit_7_masks_nmi),
        TEST(rtc_read_only_bits_stay),
        TEST(rtc_ram_keeps_114_bytes),
        TEST(rtc_snapshot_continues_where_it_was_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
