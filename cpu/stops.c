#include "cpu/stops.h"

#include <string.h>

/* The first entry at or above la. */
static uint32_t lower_bound(const struct cpu_stops *s, laddr_t la)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->la[middle] < la)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int stops_find(const struct cpu_stops *s, laddr_t la)
{
    uint32_t i = lower_bound(s, la);
    return i < s->count && s->la[i] == la ? (int)i : -1;
}

/* Moves the entries from i on by one place, up or down. */
static void shift(struct cpu_stops *s, uint32_t i, int by)
{
    uint32_t from = by > 0 ? i : i + 1, to = by > 0 ? i + 1 : i, n = s->count - from;
    memmove(&s->la[to], &s->la[from], n * sizeof s->la[0]);
    memmove(&s->keep[to], &s->keep[from], n * sizeof s->keep[0]);
    memmove(&s->once[to], &s->once[from], n * sizeof s->once[0]);
    s->count += (uint32_t)by;
}

bool stops_add(struct cpu_stops *s, laddr_t la, bool once)
{
    uint32_t i = lower_bound(s, la);
    if (i == s->count || s->la[i] != la) {
        if (s->count == CPU_STOPS_MAX)
            return false;
        shift(s, i, 1);
        s->la[i] = la;
        s->keep[i] = s->once[i] = false;
    }
    *(once ? &s->once[i] : &s->keep[i]) = true;
    return true;
}

bool stops_remove(struct cpu_stops *s, laddr_t la)
{
    int i = stops_find(s, la);
    if (i < 0 || !s->keep[i])
        return false;
    s->keep[i] = false;
    if (!s->once[i])
        shift(s, (uint32_t)i, -1);
    return true;
}

bool stops_arrive(struct cpu_stops *s, laddr_t la)
{
    bool passed = s->passed && s->passed_la == la;
    s->passed = false;
    int i = passed ? -1 : stops_find(s, la);
    if (i < 0)
        return false;
    s->passed = true;
    s->passed_la = la;
    s->once[i] = false;
    if (!s->keep[i])
        shift(s, (uint32_t)i, -1);
    return true;
}

static bool same(const struct cpu_watch *a, const struct cpu_watch *b)
{
    return a->la == b->la && a->size == b->size && a->on_read == b->on_read &&
           a->on_write == b->on_write;
}

bool watches_add(struct cpu_watches *w, struct cpu_watch watch)
{
    if (w->count == CPU_WATCHES_MAX || watch.size == 0 || watch.la + (watch.size - 1) < watch.la)
        return false;
    w->list[w->count++] = watch;
    return true;
}

bool watches_remove(struct cpu_watches *w, struct cpu_watch watch)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (!same(&w->list[i], &watch))
            continue;
        w->list[i] = w->list[--w->count];
        return true;
    }
    return false;
}

bool watches_touch(struct cpu_watches *w, laddr_t la, unsigned size, bool write)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct cpu_watch *k = &w->list[i];
        bool overlaps = la - k->la < k->size || k->la - la < size;
        if (!overlaps || !(write ? k->on_write : k->on_read))
            continue;
        w->hit = true;
        w->hit_la = la - k->la < k->size ? la : k->la;
        w->hit_watch = *k;
        return true;
    }
    return false;
}
