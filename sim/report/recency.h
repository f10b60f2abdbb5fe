/* recency: a fully associative cache with true LRU replacement, of records known by numbers.
 *
 * It holds the N records that were touched last. Every touch has a stamp, one more than the touch
 * before. Stamps are cut into buckets, and a record is of the bucket that its last touch is of. To
 * touch it once more within a bucket, which is most of what happens, is to write its stamp. Of each
 * bucket is known how many records it has left, so that the one in which the N-th most recent lies
 * is kept in step; those of older buckets are not held, those of younger ones are, and in that one
 * stamps decide. Buckets lie in a ring; when it is full they are packed.
 *
 * Records are the caller's: several of these may have theirs beside each other, so that what is
 * looked at together lies together. */
#pragma once

#include "sim/core/types.h"

#define RECENCY_SHIFT 7 /* stamps in a bucket, as a shift */
#define RECENCY_BUCKET (1u << RECENCY_SHIFT)

struct record {
    uint32_t stamp; /* of its last touch; 0: never touched */
    uint32_t gone;  /* the caller's */
};

struct recency_bucket {
    uint32_t listed; /* records that were touched in it, each once, but those known to have left */
    uint32_t list[RECENCY_BUCKET];
};

struct recency {
    uint32_t capacity; /* N, less the holes */
    uint32_t holes;    /* that records left which were taken out */
    uint32_t now;      /* stamp of the last touch */
    uint32_t oldest;   /* the bucket of the N-th most recent; while there are fewer, the first */
    uint32_t younger;  /* records of buckets younger than that: fewer than N */
    struct recency_bucket *bucket;
    uint32_t *left;        /* of each bucket, beside each other: records touched in none since */
    uint32_t mask;         /* buckets in the ring, less one */
    struct record *record; /* number i is record[i * stride] */
    uint32_t stride, records;
    uint32_t now_most; /* stamps begin anew behind it */
};

void recency_init(struct recency *s, uint32_t capacity, struct record *record, uint32_t stride,
                  uint32_t records);
void recency_free(struct recency *s);

/* For recency_touch: it is of another bucket now, which may be a new one. */
NOINLINE void recency_move(struct recency *s, uint32_t i, uint32_t before);
/* For recency_holds: of a record of the oldest bucket. */
NOINLINE bool recency_is_young(struct recency *s, uint32_t stamp);

static ALWAYS_INLINE struct record *recency_record(const struct recency *s, uint32_t i)
{
    return &s->record[(size_t)i * s->stride];
}

static inline bool recency_holds(struct recency *s, uint32_t i)
{
    uint32_t stamp = recency_record(s, i)->stamp, bucket = stamp >> RECENCY_SHIFT;
    return bucket > s->oldest || (bucket == s->oldest && recency_is_young(s, stamp));
}

/* The record is taken out, if it is held: there is a hole, which the next one fills that comes by
 * recency_put, so that nothing need make room for it. */
void recency_remove(struct recency *s, uint32_t i);

/* The record is now the one touched last; the least recently touched makes room for it. */
static ALWAYS_INLINE void recency_touch(struct recency *s, uint32_t i)
{
    struct record *r = recency_record(s, i);
    uint32_t before = r->stamp, stamp = ++s->now;
    r->stamp = stamp;
    if (UNLIKELY((before ^ stamp) >> RECENCY_SHIFT))
        recency_move(s, i, before);
}

/* The same where records are taken out, too. */
static inline void recency_put(struct recency *s, uint32_t i)
{
    bool fills = s->holes && !recency_holds(s, i);
    s->holes -= fills;
    s->capacity += fills;
    recency_touch(s, i);
}
