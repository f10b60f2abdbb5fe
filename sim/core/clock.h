/* clock: the cycle counter, exact clock ratios, and totally ordered events.
 *
 * The unit is the processor cycle. A slower clock is a ratio: the exact number of processor cycles
 * in one of its periods, as a fraction. Its n-th edge is computed from n in 128-bit integers, so no
 * rounding accumulates. An event is embedded in its owner and is scheduled at most once; events
 * that fall due are dispatched in the order cycle, then priority, then scheduling sequence.
 *
 * Only ledger_charge (ledger.h) advances the clock while a guest runs. */
#pragma once

#include "sim/core/types.h"

#define CYCLE_NEVER UINT64_MAX

/* Processor cycles per period of the slower clock, num/den. Both nonzero. */
struct ratio {
    uint64_t num;
    uint64_t den;
};

/* The ratio of a processor at cpu_hz = cpu_num/cpu_den Hz to a clock at hz = num/den Hz,
 * reduced. */
struct ratio ratio_of_clocks(uint64_t cpu_num, uint64_t cpu_den, uint64_t num, uint64_t den);

/* The first processor cycle at or after the n-th edge (edge 0 is at cycle 0). */
cycle_t ratio_edge(struct ratio r, uint64_t n);

/* How many edges after edge 0 have happened by the given cycle: the largest n with
 * ratio_edge(r, n) <= cycle. */
uint64_t ratio_count(struct ratio r, cycle_t cycle);

struct clock;

struct event {
    cycle_t when;
    uint64_t sequence;
    void (*fire)(void *owner);
    void *owner;
    uint32_t priority; /* lower first among events of one cycle */
    int32_t position;  /* index in its heap, -1 when not scheduled */
    bool observer;     /* scheduled by an observer: in the other heap */
};

#define EVENTS_MAX 64 /* of each kind, scheduled at once */

struct event_heap {
    struct event *list[EVENTS_MAX];
    uint32_t count;
};

struct clock {
    cycle_t now;
    cycle_t next;       /* cycle of the next event of any kind, CYCLE_NEVER if there is none */
    cycle_t next_guest; /* of the next one that belongs to the machine */
    cycle_t firing;     /* when the event that is fired now fell due; CYCLE_NEVER between them */
    uint64_t sequence;
    struct event_heap guest, observer;
};

void clock_init(struct clock *c);
/* Forgets every scheduled event. */
void clock_free(struct clock *c);

void event_init(struct event *e, void (*fire)(void *owner), void *owner, uint32_t priority);

/* Schedules e at the given cycle (now at the earliest); moves it if it is scheduled already. */
void event_schedule(struct clock *c, struct event *e, cycle_t when);
/* The same for an observer's event, in a heap of its own: it leaves no trace in the machine's state
 * and no choice of the machine depends on it. Of one cycle it fires after the machine's own events.
 * Its owner may look, may stop the run, and may hand in an input of the run, such as a character;
 * else it never touches the machine. */
void event_schedule_observer(struct clock *c, struct event *e, cycle_t when);
void event_cancel(struct clock *c, struct event *e);
static inline bool event_pending(const struct event *e) { return e->position >= 0; }

/* The cycle of the next event, CYCLE_NEVER if there is none. */
static inline cycle_t clock_next(const struct clock *c) { return c->next; }

/* Fires every event with when <= now, in order. */
void clock_dispatch(struct clock *c);

struct snap;
void clock_snapshot(struct clock *c, struct snap *s);
/* Saves and restores one event: whether it is scheduled, its cycle and its sequence. */
void event_snapshot(struct clock *c, struct event *e, struct snap *s, const char *name);
