// clock.c: the clock and what is said with it: clauses 13 to 18 [L4X2 4.6, 6].
#include "suite.h"

#include <l4/ports.h>

// Microseconds that a thread may wake late: several of the clock's interrupts. A busy host makes
// its virtual machine late now and then, so that of several tries one must be in time.
#define LATE 60000u
#define TRIES 6

// The 8254's channel 2 counts 65535 down, 54925 us, while the gate in port 0x61 is open.
static void wait_on_channel_2(void)
{
    uint8_t gate = l4_in8(0x61) & 0xFC;
    l4_out8(0x61, gate);
    l4_out8(0x43, 0xB0); // channel 2, both bytes, mode 0
    l4_out8(0x42, 0xFF);
    l4_out8(0x42, 0xFF);
    l4_out8(0x61, gate | 1);
    while (!(l4_in8(0x61) & 0x20)) {
    }
    l4_out8(0x61, gate);
}

static void c013_the_clock_never_goes_back_and_counts_microseconds(void)
{
    l4_clock last = l4_system_clock();
    for (unsigned i = 0; i < 20000; i++) {
        l4_clock now = l4_system_clock();
        HOLDS(now >= last);
        last = now;
    }
    word_t shortest = 0xFFFFFFFF;
    for (unsigned i = 0; i < TRIES; i++) {
        l4_clock before = l4_system_clock();
        wait_on_channel_2();
        word_t took = (word_t)(l4_system_clock() - before);
        shortest = took < shortest ? took : shortest;
    }
    BETWEEN(shortest, 54000, 56500);
}

static void c014_system_clock_keeps_ecx_ebx_and_ebp(void)
{
    struct l4_registers r = {.eax = 1, .ecx = 0x12345678, .ebx = 0x9ABCDEF0, .ebp = 0x0F1E2D3C};
    l4_raw_system_clock(&r);
    EQUAL(r.ecx, 0x12345678);
    EQUAL(r.ebx, 0x9ABCDEF0);
    EQUAL(r.ebp, 0x0F1E2D3C);
    BETWEEN(l4_system_clock() - ((l4_clock)r.edx << 32 | r.eax), 0, 1000000);
}

static void c015_a_receive_from_itself_lasts_as_long_as_its_timeout(void)
{
    l4_clock before = l4_system_clock();
    l4_tag tag = receive(l4_my_global_id(), l4_period(500000), NULL);
    word_t took = (word_t)(l4_system_clock() - before);
    EQUAL(outcome(tag), L4_IPC_RECEIVE_TIMEOUT);
    BETWEEN(took, 500000, 900000);
}

static void c016_zero_fails_at_once_and_never_waits_for_ever(void)
{
    l4_clock before = l4_system_clock();
    for (unsigned i = 0; i < 100; i++)
        EQUAL(outcome(receive(l4_my_local_id(), L4_ZERO_TIME, NULL)), L4_IPC_RECEIVE_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 0, 10 * LATE);
    struct transfer *t = transfer_new(tester_id); // never, never
    struct helper h = helper_start(root, receive_once, t);
    sleep_us(300000);
    EQUAL(t->count, 0);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
    EQUAL(outcome(send_tag(h.id, 0, L4_ZERO_TIME)), 0);
    EQUAL(t->error, 0);
    EQUAL(t->count, 1);
}

// A point whose granularity is 2^exponent microseconds.
static l4_time point(l4_clock when, word_t exponent)
{
    word_t bits = (word_t)(when >> exponent);
    return 0x8000 | exponent << 11 | (bits & 0x400) | (bits & 0x3FF);
}

// Waits until the point; how late it woke.
static word_t wait_until(l4_time t, l4_clock expected)
{
    l4_tag tag = receive(l4_my_local_id(), t, NULL);
    l4_clock now = l4_system_clock();
    EQUAL(outcome(tag), L4_IPC_RECEIVE_TIMEOUT);
    HOLDS(now >= expected);
    return (word_t)(now - expected);
}

static void c017_a_time_point_wakes_at_that_clock_value(void)
{
    for (word_t exponent = 6; exponent <= 8; exponent++) {
        word_t late = LATE + 1;
        for (unsigned i = 0; i < TRIES && late > LATE; i++) {
            l4_clock target = l4_system_clock() + (40000u << (exponent - 6));
            target &= ~(((l4_clock)1 << exponent) - 1);
            late = wait_until(point(target, exponent), target);
        }
        BETWEEN(late, 0, LATE);
    }
}

static void c018_a_past_time_point_means_its_next_match(void)
{
    const word_t exponent = 6;
    word_t late = LATE + 1;
    for (unsigned i = 0; i < TRIES && late > LATE; i++) {
        l4_clock past = (l4_system_clock() - 3000) & ~(((l4_clock)1 << exponent) - 1);
        late = wait_until(point(past, exponent), past + ((l4_clock)1 << (exponent + 11)));
    }
    BETWEEN(late, 0, LATE);
}

const struct test clock_tests[] = {
    TEST(c013_the_clock_never_goes_back_and_counts_microseconds),
    TEST(c014_system_clock_keeps_ecx_ebx_and_ebp),
    TEST(c015_a_receive_from_itself_lasts_as_long_as_its_timeout),
    TEST(c016_zero_fails_at_once_and_never_waits_for_ever),
    TEST(c017_a_time_point_wakes_at_that_clock_value),
    TEST(c018_a_past_time_point_means_its_next_match),
    TESTS_END,
};
