#include "sim/core/clock.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

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
    *c = (struct clock){.next = CYCLE_NEVER, .next_guest = CYCLE_NEVER, .firing = CYCLE_NEVER};
}

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

static void place(struct event_heap *h, uint32_t i, struct event *e)
{
    h->list[i] = e;
    e->position = (int32_t)i;
}

static void sift_up(struct event_heap *h, uint32_t i, struct event *e)
{
    while (i > 0 && earlier(e, h->list[(i - 1) / 2])) {
        place(h, i, h->list[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, e);
}

static void sift_down(struct event_heap *h, uint32_t i, struct event *e)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && earlier(h->list[child + 1], h->list[child]))
            child++;
        if (!earlier(h->list[child], e))
            break;
        place(h, i, h->list[child]);
        i = child;
    }
    place(h, i, e);
}

static cycle_t first_of(const struct event_heap *h)
{
    return h->count ? h->list[0]->when : CYCLE_NEVER;
}

static void note_next(struct clock *c)
{
    cycle_t observer = first_of(&c->observer);
    c->next_guest = first_of(&c->guest);
    c->next = observer < c->next_guest ? observer : c->next_guest;
}

static void insert(struct clock *c, struct event *e)
{
    struct event_heap *h = e->observer ? &c->observer : &c->guest;
    CHECK(h->count < EVENTS_MAX);
    h->count++;
    sift_up(h, h->count - 1, e);
    note_next(c);
}

void event_schedule(struct clock *c, struct event *e, cycle_t when)
{
    event_cancel(c, e);
    e->when = when < c->now ? c->now : when;
    e->sequence = c->sequence++;
    e->observer = false;
    insert(c, e);
}

void event_schedule_observer(struct clock *c, struct event *e, cycle_t when)
{
    event_cancel(c, e);
    e->when = when < c->now ? c->now : when;
    e->sequence = 0;
    e->observer = true;
    insert(c, e);
}

void event_cancel(struct clock *c, struct event *e)
{
    if (e->position < 0)
        return;
    struct event_heap *h = e->observer ? &c->observer : &c->guest;
    uint32_t i = (uint32_t)e->position;
    struct event *last = h->list[--h->count];
    e->position = -1;
    if (last != e) {
        if (i > 0 && earlier(last, h->list[(i - 1) / 2]))
            sift_up(h, i, last);
        else
            sift_down(h, i, last);
    }
    note_next(c);
}

void clock_free(struct clock *c)
{
    while (c->guest.count)
        event_cancel(c, c->guest.list[0]);
    while (c->observer.count)
        event_cancel(c, c->observer.list[0]);
}

void clock_dispatch(struct clock *c)
{
    while (c->next <= c->now) {
        struct event *e = (c->next_guest <= c->now ? &c->guest : &c->observer)->list[0];
        event_cancel(c, e);
        c->firing = e->when;
        e->fire(e->owner);
    }
    c->firing = CYCLE_NEVER;
}

void clock_snapshot(struct clock *c, struct snap *s)
{
    snap_enter(s, "clock");
    cycle_t now = c->now;
    snap_u64(s, "now", &now);
    if (snap_loading(s) && now > s->cycle_most)
        snap_refuse(s, "now", "a cycle that the saved state cannot be of");
    else
        c->now = now;
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
            e->observer = false;
            insert(c, e);
        }
    }
}
