#include "sim/core/clock.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

#include <stdlib.h>

typedef unsigned __int128 wide_t;

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

struct ratio ratio_of_clocks(uint64_t cpu_num, uint64_t cpu_den, uint64_t num, uint64_t den)
{
    CHECK(cpu_num && cpu_den && num && den);
    uint64_t g1 = gcd(cpu_num, num), g2 = gcd(den, cpu_den);
    return (struct ratio){(cpu_num / g1) * (den / g2), (cpu_den / g2) * (num / g1)};
}

cycle_t ratio_edge(struct ratio r, uint64_t n)
{
    return (cycle_t)(((wide_t)n * r.num + r.den - 1) / r.den);
}

uint64_t ratio_count(struct ratio r, cycle_t cycle)
{
    return (uint64_t)((wide_t)cycle * r.den / r.num);
}

void clock_init(struct clock *c)
{
    *c = (struct clock){.capacity = 32};
    c->heap = xalloc(c->capacity, sizeof *c->heap);
}

void clock_free(struct clock *c) { free(c->heap); }

void event_init(struct event *e, void (*fire)(void *owner), void *owner, uint32_t priority)
{
    *e = (struct event){.fire = fire, .owner = owner, .priority = priority, .position = -1};
}

static bool earlier(const struct event *a, const struct event *b)
{
    if (a->when != b->when)
        return a->when < b->when;
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->sequence < b->sequence;
}

static void place(struct clock *c, uint32_t i, struct event *e)
{
    c->heap[i] = e;
    e->position = (int32_t)i;
}

static void sift_up(struct clock *c, uint32_t i, struct event *e)
{
    while (i > 0 && earlier(e, c->heap[(i - 1) / 2])) {
        place(c, i, c->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(c, i, e);
}

static void sift_down(struct clock *c, uint32_t i, struct event *e)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= c->count)
            break;
        if (child + 1 < c->count && earlier(c->heap[child + 1], c->heap[child]))
            child++;
        if (!earlier(c->heap[child], e))
            break;
        place(c, i, c->heap[child]);
        i = child;
    }
    place(c, i, e);
}

static void insert(struct clock *c, struct event *e)
{
    CHECK(c->count < c->capacity);
    c->count++;
    sift_up(c, c->count - 1, e);
}

void event_schedule(struct clock *c, struct event *e, cycle_t when)
{
    event_cancel(c, e);
    e->when = when < c->now ? c->now : when;
    e->sequence = c->sequence++;
    insert(c, e);
}

void event_schedule_observer(struct clock *c, struct event *e, cycle_t when)
{
    event_cancel(c, e);
    e->when = when < c->now ? c->now : when;
    e->sequence = UINT64_MAX;
    insert(c, e);
}

void event_cancel(struct clock *c, struct event *e)
{
    if (e->position < 0)
        return;
    uint32_t i = (uint32_t)e->position;
    struct event *last = c->heap[--c->count];
    e->position = -1;
    if (last == e)
        return;
    if (i > 0 && earlier(last, c->heap[(i - 1) / 2]))
        sift_up(c, i, last);
    else
        sift_down(c, i, last);
}

void clock_dispatch(struct clock *c)
{
    while (c->count && c->heap[0]->when <= c->now) {
        struct event *e = c->heap[0];
        event_cancel(c, e);
        e->fire(e->owner);
    }
}

void clock_snapshot(struct clock *c, struct snap *s)
{
    snap_enter(s, "clock");
    snap_u64(s, "now", &c->now);
    snap_u64(s, "sequence", &c->sequence);
    snap_leave(s);
}

void event_snapshot(struct clock *c, struct event *e, struct snap *s, const char *name)
{
    bool pending = event_pending(e);
    cycle_t when = pending ? e->when : 0;
    uint64_t sequence = pending ? e->sequence : 0;
    snap_enter(s, name);
    snap_bool(s, "pending", &pending);
    snap_u64(s, "when", &when);
    snap_u64(s, "sequence", &sequence);
    snap_leave(s);
    if (snap_loading(s)) {
        event_cancel(c, e);
        if (pending) {
            e->when = when;
            e->sequence = sequence;
            insert(c, e);
        }
    }
}
