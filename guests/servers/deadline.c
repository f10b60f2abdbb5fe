// deadline.c: a thread with a deadline. Channel 0 of the interval timer [8254] interrupts each
// period=MICROSECONDS (1000); a filter's step is to be done within deadline=MICROSECONDS (400) of
// that. How late it is it reads from the same channel, which counts from one edge to the next.
#include <l4/deadline.h>

#include <l4/library.h>
#include <l4/names.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/server.h>
#include <l4/string.h>
#include <l4/task.h>

#define TIMER_LINE 0u
#define CHANNEL_0 0x40
#define CONTROL 0x43
#define LATCH_0 0x00
#define RATE_GENERATOR_0 0x34 // both bytes, mode 2
#define TIMER_HZ 1193182u
#define TICKS_MAX 65535u
#define TAPS 64u

struct deadline {
    struct l4_deadline state;
    word_t period_ticks, period_us;
    l4_clock last; // when the beat before was seen
    bool begun;    // the first beat may be for an edge from before the timer was set
    int32_t samples[TAPS], output;
    word_t next;
};

static struct deadline deadline;

static word_t elapsed_ticks(const struct deadline *d)
{
    l4_out8(CONTROL, LATCH_0);
    word_t low = l4_in8(CHANNEL_0), count = low | (word_t)l4_in8(CHANNEL_0) << 8;
    return d->period_ticks - count;
}

static word_t nanoseconds(word_t ticks)
{
    return (word_t)((uint64_t)ticks * 1000000000u / TIMER_HZ);
}

static void keep_worst(word_t *worst, word_t value)
{
    if (value > *worst)
        *worst = value;
}

// A beat's work: one step of a filter.
static void filter(struct deadline *d)
{
    int32_t sum = 0;
    d->samples[d->next] = (int32_t)d->state.beats;
    for (word_t i = 0; i < TAPS; i++)
        sum += d->samples[(d->next + i) % TAPS] * (int32_t)(i + 1);
    d->next = (d->next + 1) % TAPS;
    d->output = sum;
}

// A late beat is one whose successor's edge may have come already: the clock tells, for the timer
// counts only from the last edge.
static word_t periods_late(struct deadline *d)
{
    l4_clock now = l4_system_clock(), passed = now - d->last;
    d->last = now;
    word_t periods = (word_t)(passed + d->period_us / 2) / d->period_us;
    return periods > 1 ? periods - 1 : 0;
}

static enum l4_disposition on_beat(void *context, l4_thread_id from, l4_tag tag)
{
    struct deadline *d = context;
    word_t start = elapsed_ticks(d);
    (void)from, (void)tag;
    word_t late = periods_late(d) * d->period_ticks;
    filter(d);
    word_t end = elapsed_ticks(d);
    l4_msg_begin(0);
    if (!d->begun) {
        d->begun = true;
        return L4_REPLY;
    }
    if (end < start)
        end += d->period_ticks;
    d->state.beats++;
    d->state.lost += late / d->period_ticks;
    keep_worst(&d->state.start_ns, nanoseconds(start + late));
    keep_worst(&d->state.end_ns, nanoseconds(end + late));
    d->state.missed += nanoseconds(end + late) > d->state.deadline_ns;
    return L4_REPLY;
}

static enum l4_disposition on_state(void *context, l4_thread_id from, l4_tag tag)
{
    struct deadline *d = context;
    const word_t *words = &d->state.beats;
    (void)from, (void)tag;
    l4_msg_begin(0);
    for (word_t i = 0; i < sizeof(d->state) / sizeof(word_t); i++)
        l4_msg_word(words[i]);
    d->state = (struct l4_deadline){.deadline_ns = d->state.deadline_ns};
    return L4_REPLY;
}

static const struct l4_operation operations[] = {
    {L4_LABEL_INTERRUPT, 0, on_beat},
    {L4_DEADLINE_STATE, 0, on_state},
};

static word_t microseconds(const char *command_line, const char *name, word_t usual)
{
    char text[16];
    return l4_option(command_line, name, text, sizeof(text)) ? strtoul(text, NULL, 10) : usual;
}

static void start_timer(struct deadline *d)
{
    l4_out8(CONTROL, RATE_GENERATOR_0);
    l4_out8(CHANNEL_0, (uint8_t)d->period_ticks);
    l4_out8(CHANNEL_0, (uint8_t)(d->period_ticks >> 8));
    d->last = l4_system_clock();
}

int l4_main(const char *command_line)
{
    struct deadline *d = &deadline;
    word_t limit = microseconds(command_line, "deadline", 400);
    d->period_us = microseconds(command_line, "period", 1000);
    d->period_ticks = (word_t)((uint64_t)d->period_us * TIMER_HZ / 1000000);
    if (d->period_ticks == 0 || d->period_ticks > TICKS_MAX || limit == 0 || limit > d->period_us)
        l4_panic("period= is 1 to 54924 microseconds, deadline= 1 to that");
    if (!l4_names_register("deadline"))
        l4_panic("there is a deadline already");
    // What a beat touches is there before the first one.
    start_timer(d);
    on_beat(d, L4_NIL_THREAD, 0);
    d->begun = false;
    d->state = (struct l4_deadline){.deadline_ns = limit * 1000};
    if (l4_root_irq(TIMER_LINE, true) != L4_ROOT_OK)
        l4_panic("the root server does not give us interrupt %u", TIMER_LINE);
    l4_root_serve();
    start_timer(d);
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = d,
    };
    l4_server_run(&server);
}
