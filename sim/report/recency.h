/* recency: a fully associative cache with true LRU replacement, of records known by numbers.
 *
 * It holds the N records that were touched last. Every touch puts the record at the end of a ring
 * and notes the position as its stamp; an entry of the ring whose record was touched again since is
 * dead. A record is held if its stamp is not older than that of the oldest live entry, which only
 * moves forward, so that a touch costs a few instructions whatever N is. A full ring is compacted
 * to its live entries. */
#pragma once

#include "sim/core/types.h"

struct recency {
    uint32_t capacity;    /* N */
    uint32_t held;        /* records, at most N */
    uint64_t now, oldest; /* positions of the last touch and of the oldest live entry */
    uint32_t *ring;
    uint32_t mask;
    uint64_t *stamp; /* by record: position of its last touch, 0: never touched */
};

/* records: how many numbers there are at first. */
void recency_init(struct recency *s, uint32_t capacity, uint32_t records);
void recency_free(struct recency *s);
/* There are more numbers from now on. */
void recency_grow(struct recency *s, uint32_t before, uint32_t records);

NOINLINE void recency_compact(struct recency *s);

static inline bool recency_holds(const struct recency *s, uint32_t record)
{
    return s->stamp[record] && s->stamp[record] >= s->oldest;
}

/* The oldest live entry at or behind a position. */
static ALWAYS_INLINE uint64_t recency_live(const struct recency *s, uint64_t position)
{
    while (s->stamp[s->ring[position & s->mask]] != position)
        position++;
    return position;
}

/* The record is now the one touched last; the least recently touched makes room for it. */
static ALWAYS_INLINE void recency_touch(struct recency *s, uint32_t record)
{
    if (UNLIKELY(s->now - s->oldest >= s->mask) && s->held)
        recency_compact(s);
    uint64_t before = s->stamp[record], position = ++s->now;
    s->ring[position & s->mask] = record;
    s->stamp[record] = position;
    if (LIKELY(before > s->oldest))
        return;
    if (before == s->oldest && before)
        s->oldest = recency_live(s, before);
    else if (s->held < s->capacity)
        s->held++;
    else
        s->oldest = recency_live(s, s->oldest + 1);
}
