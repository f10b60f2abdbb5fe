/* recency: a fully associative cache with true LRU replacement, of records known by numbers.
 *
 * It holds the N records that were touched last. Every touch puts the record at the end of a ring,
 * notes the position as its stamp, and takes it from where it was in the ring. A record is held if
 * its stamp is not older than the position of the oldest entry, which only moves forward, so that a
 * touch costs a few instructions whatever N is. A full ring is compacted.
 *
 * Records are the caller's: several of these may have theirs beside each other, so that what is
 * looked at together lies together. */
#pragma once

#include "sim/core/types.h"

#define RECENCY_TAKEN UINT32_MAX

struct record {
    uint32_t stamp; /* position of its last touch; of one that is held, or too old */
    uint32_t gone;  /* the caller's */
};

struct recency {
    uint32_t capacity;    /* N */
    uint32_t held;        /* records, at most N */
    uint32_t now, oldest; /* positions of the last touch and of the oldest entry */
    uint32_t *ring;
    uint32_t mask;
    struct record *record; /* number i is record[i * stride] */
    uint32_t stride, records;
    uint32_t now_most; /* positions begin anew behind it */
};

void recency_init(struct recency *s, uint32_t capacity, struct record *record, uint32_t stride,
                  uint32_t records);
void recency_free(struct recency *s);

NOINLINE void recency_compact(struct recency *s);

static ALWAYS_INLINE struct record *recency_record(const struct recency *s, uint32_t i)
{
    return &s->record[(size_t)i * s->stride];
}

static inline bool recency_holds(const struct recency *s, uint32_t i)
{
    return s->held && recency_record(s, i)->stamp >= s->oldest;
}

/* The first entry at or behind a position that was not taken out. */
static ALWAYS_INLINE uint32_t recency_live(const struct recency *s, uint32_t position)
{
    while (s->ring[position & s->mask] == RECENCY_TAKEN)
        position++;
    return position;
}

/* The record is now the one touched last; the least recently touched makes room for it. */
static ALWAYS_INLINE void recency_touch(struct recency *s, uint32_t i)
{
    if (UNLIKELY(s->now - s->oldest >= s->mask) && s->held)
        recency_compact(s);
    struct record *r = recency_record(s, i);
    uint32_t before = r->stamp, position = ++s->now;
    s->ring[position & s->mask] = i;
    r->stamp = position;
    if (LIKELY(before >= s->oldest) && s->held) {
        s->ring[before & s->mask] = RECENCY_TAKEN;
        if (before == s->oldest)
            s->oldest = recency_live(s, before);
    } else if (s->held < s->capacity) {
        s->held++;
    } else {
        s->oldest = recency_live(s, s->oldest + 1);
    }
}
