#include "sim/report/recency.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define RING_FACTOR 8 /* entries of the ring a record held: how rarely it is compacted */
#define NOW_MOST (UINT32_MAX / 2)

void recency_init(struct recency *s, uint32_t capacity, struct record *record, uint32_t stride,
                  uint32_t records)
{
    uint32_t size = 64;
    memset(s, 0, sizeof *s);
    while (size < capacity * RING_FACTOR)
        size *= 2;
    s->capacity = capacity;
    s->oldest = 1;
    s->mask = size - 1;
    s->ring = xalloc(size, sizeof *s->ring);
    s->record = record;
    s->stride = stride;
    s->records = records;
    s->now_most = NOW_MOST;
}

void recency_free(struct recency *s) { free(s->ring); }

/* Position 0 again; what is not held is as if it had never been touched, which is all the same. */
static void begin_anew(struct recency *s, const uint32_t *live)
{
    for (uint32_t i = 0; i < s->records; i++)
        recency_record(s, i)->stamp = 0;
    for (uint32_t k = 0; k < s->held; k++) {
        s->ring[(k + 1) & s->mask] = live[k];
        recency_record(s, live[k])->stamp = k + 1;
    }
    s->oldest = 1;
    s->now = s->held;
}

/* The entries that are left, in their order, get the next positions. */
void recency_compact(struct recency *s)
{
    uint32_t *live = xalloc(s->held, sizeof *live), count = 0;
    for (uint32_t at = s->oldest; at <= s->now; at++) {
        uint32_t i = s->ring[at & s->mask];
        if (i != RECENCY_TAKEN)
            live[count++] = i;
    }
    CHECK(count == s->held);
    if (s->now > s->now_most) {
        begin_anew(s, live);
    } else {
        s->oldest = s->now + 1;
        for (uint32_t k = 0; k < count; k++) {
            s->ring[++s->now & s->mask] = live[k];
            recency_record(s, live[k])->stamp = s->now;
        }
    }
    free(live);
}
