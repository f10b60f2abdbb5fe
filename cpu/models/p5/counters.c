/* counters: the two performance counters, and the event counts they choose from [SDM3B 18.21].
 *
 *   CESR:  25   24-22  21-16   9    8-6   5-0
 *          PC1  CC1    ES1     PC0  CC0   ES0
 *
 * CC: 000 off, 001 privilege 0-2, 010 privilege 3, 011 both; with bit 2 set, clocks instead of events.
 * Every event is counted always, by privilege; a counter is a difference. Events that nothing here can
 * cause (snoops, the P55C's) stay 0. */
#include "cpu/models/p5/core.h"

/* Writes that hit are not counted a second time as writes, nor reads and writes as accesses. */
static uint64_t count_of(const uint64_t *counts, unsigned event)
{
    uint64_t writes = counts[EVENT_DATA_WRITE] + counts[EVENT_WRITE_HIT];
    switch (event) {
    case EVENT_DATA_WRITE: return writes;
    case EVENT_DATA: return writes + counts[EVENT_DATA_READ];
    case EVENT_DATA_MISS: return counts[EVENT_READ_MISS] + counts[EVENT_WRITE_MISS];
    default: return counts[event];
    }
}

static uint64_t selected(const struct p5 *p, const struct cpu *c, unsigned index)
{
    uint32_t control = c->cesr >> (16 * index);
    unsigned event = control & 0x3F, mode = control >> 6 & 7;
    const uint64_t(*from)[P5_EVENTS] = mode & 4 ? p->durations : p->events;
    /* What lasts one clock each time is not timed apart. */
    if (mode & 4 && p->durations[0][event] + p->durations[1][event] == 0)
        from = p->events;
    return (mode & 1 ? count_of(from[0], event) : 0) + (mode & 2 ? count_of(from[1], event) : 0);
}

static uint64_t read_counter(void *owner, unsigned index)
{
    const struct p5 *p = owner;
    return selected(p, p->cpu, index) - p->counter_base[index];
}

static void counter_changed(void *owner, unsigned index)
{
    struct p5 *p = owner;
    p->counter_base[index] = selected(p, p->cpu, index);
}

void p5_counters_attach(struct p5 *p, struct cpu *c)
{
    c->read_counter = read_counter;
    c->counter_changed = counter_changed;
    c->counter_owner = p;
    counter_changed(p, 0);
    counter_changed(p, 1);
}

/* The model goes: what was counted stays in the counters. */
void p5_counters_detach(struct cpu *c)
{
    for (unsigned i = 0; i < 2; i++)
        c->counter[i] += read_counter(c->counter_owner, i);
    c->read_counter = NULL;
    c->counter_changed = NULL;
    c->counter_owner = NULL;
}

const uint64_t *model_p5_events(const struct model *m)
{
    const struct p5 *p = (const struct p5 *)m;
    for (unsigned i = 0; i < P5_EVENTS; i++)
        p->event_sum[i] = count_of(p->events[0], i) + count_of(p->events[1], i);
    return p->event_sum;
}
