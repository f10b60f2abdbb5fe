/* blame_misses: what made a miss one, and the list of those of a log. For blame_log.c and
 * blame_plain.c. */
#pragma once

#include "sim/report/blame_hits.h"

static ALWAYS_INLINE enum blame_kind blame_kind_of(struct mirror *m, uint32_t record,
                                                   uint32_t *caused)
{
    uint32_t gone = mirror_gone(m, record);
    *caused = gone >> REMOVAL_BITS;
    switch ((enum removal)(gone & ((1u << REMOVAL_BITS) - 1))) {
    case NEVER_SEEN: return BLAME_COMPULSORY;
    case REPLACED: return recency_holds(&m->shadow, record) ? BLAME_CONFLICT : BLAME_CAPACITY;
    case FLUSHED: return BLAME_FLUSH;
    case GIVEN_UP: return BLAME_COHERENCE;
    case NEVER_HELD: break;
    }
    return BLAME_UNHELD;
}

static ALWAYS_INLINE struct blame_miss *blame_add(struct blame *b, enum blame_array array,
                                                  enum blame_kind kind, enum blame_bucket bucket,
                                                  uint32_t caused)
{
    struct blame_miss *m = &b->miss[b->misses++];
    b->sharers[bucket]++;
    m->array = (uint8_t)array;
    m->kind = (uint8_t)kind;
    m->bucket = (uint8_t)bucket;
    m->updates = false;
    m->caused = caused;
    m->cycles = 0;
    m->line = m->also = MIRROR_NONE;
    return m;
}

/* A record that is not there, of a line or page (`unit`). Writes are not counted by set. */
static ALWAYS_INLINE struct blame_miss *blame_missed(struct blame *b, struct mirror *m,
                                                     enum blame_array array, uint32_t unit,
                                                     uint32_t record, enum blame_bucket bucket)
{
    uint32_t caused;
    enum blame_kind kind = blame_kind_of(m, record, &caused);
    if (array != BLAME_L1D_WRITE && array != BLAME_L2_WRITE)
        mirror_count(m, unit, kind == BLAME_CONFLICT);
    return blame_add(b, array, kind, bucket, caused);
}
