#include "sim/report/recency.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define RING_FACTOR 8 /* entries of the ring a record held: how rarely it is compacted */

void recency_init(struct recency *s, uint32_t capacity, uint32_t records)
{
    uint32_t size = 64;
    memset(s, 0, sizeof *s);
    while (size < capacity * RING_FACTOR)
        size *= 2;
    s->capacity = capacity;
    s->oldest = 1;
    s->mask = size - 1;
    s->ring = xalloc(size, sizeof *s->ring);
    s->stamp = xalloc(records ? records : 1, sizeof *s->stamp);
}

void recency_free(struct recency *s)
{
    free(s->ring);
    free(s->stamp);
}

void recency_grow(struct recency *s, uint32_t before, uint32_t records)
{
    s->stamp = realloc(s->stamp, records * sizeof *s->stamp);
    CHECK(s->stamp != NULL);
    memset(s->stamp + before, 0, (records - before) * sizeof *s->stamp);
}

/* The live entries, in their order, get the next positions. An entry is read before its place in
 * the ring is written: the live ones are never more than those passed. */
void recency_compact(struct recency *s)
{
    uint64_t end = s->now, first = end + 1;
    CHECK(end - s->oldest == s->mask);
    for (uint64_t at = s->oldest; at <= end; at++) {
        uint32_t record = s->ring[at & s->mask];
        if (s->stamp[record] != at)
            continue;
        s->ring[++s->now & s->mask] = record;
        s->stamp[record] = s->now;
    }
    s->oldest = first;
    CHECK(s->now - end == s->held);
}
