/* mirror: what one cache or TLB holds, kept in step with it from the access log alone, and the
 * history of everything that it ever held.
 *
 * A record is the history of one line of memory (its number is the line's) or of one translation (a
 * linear page together with the frame behind it, so that the same page in two spaces is two). How a
 * record came to be outside is one word: never seen, seen but never held, or removed: how, and by
 * whom. Whether it would be outside in a fully associative array of the same size is the shadow's
 * to say. */
#pragma once

#include "mmu/mmu.h"
#include "sim/report/recency.h"

#define MIRROR_NONE UINT32_MAX

enum removal { NEVER_SEEN, NEVER_HELD, REPLACED, FLUSHED, GIVEN_UP };

/* Low bits: enum removal; above: who (blame_cells.h). */
#define REMOVAL_BITS 3

struct mirror {
    uint32_t sets, ways; /* sets 0: there is no such array */
    uint32_t shift;      /* of a cache: from an address to its line */
    uint32_t *tag;       /* [set * ways + way], as in the array; MIRROR_NONE: empty */
    uint32_t *record;    /* the record that is there; of a cache that is the tag */
    bool *split;         /* a 4 KB entry made of a 4 MB page */
    uint8_t *lru;        /* by set, as it is between instructions */
    uint32_t last;       /* the record touched last: touching it again changes nothing */

    struct recency shadow; /* has the records; their word `gone` says how they went */
    struct record *own;    /* a TLB's records, `records` of them; there is room for more */
    uint32_t records, room;
    uint64_t *key;  /* of each: tag and frame */
    uint32_t *slot; /* hash of keys: records + 1 */
    uint32_t slots;

    struct mirror_set {
        uint64_t misses, conflicts;
    } *set;
};

/* Of a cache of memory with so many lines. Its records are every stride-th of a list. */
void mirror_init_cache(struct mirror *m, const struct cache *c, struct record *records,
                       uint32_t stride, uint32_t lines);
void mirror_init_tlb(struct mirror *m, const struct tlb *t);
void mirror_free(struct mirror *m);

/* The record of a translation; made if there is none. */
uint32_t mirror_translation(struct mirror *m, uint32_t tag, uint32_t frame);

/* The index of a tag, -1 if it is absent. */
static inline int mirror_find(const struct mirror *m, uint32_t tag)
{
    if (!m->sets)
        return -1;
    uint32_t first = (tag & (m->sets - 1)) * m->ways;
    if (m->tag[first] == tag)
        return (int)first;
    for (uint32_t way = 1; way < m->ways; way++)
        if (m->tag[first + way] == tag)
            return (int)(first + way);
    return -1;
}

static ALWAYS_INLINE void mirror_count(struct mirror *m, uint32_t tag, bool conflict)
{
    struct mirror_set *set = &m->set[tag & (m->sets - 1)];
    set->misses++;
    set->conflicts += conflict;
}

/* How a record went, and by whom. */
static inline uint32_t mirror_gone(const struct mirror *m, uint32_t record)
{
    return recency_record(&m->shadow, record)->gone;
}

/* A hit: replacement bits and shadow. */
void mirror_touch(struct mirror *m, uint32_t index);

/* Puts a record in at an index, over whatever is there, which `by` has displaced. */
void mirror_fill(struct mirror *m, uint32_t index, uint32_t tag, uint32_t record, uint32_t by);
/* The index that a fill of the tag takes. */
uint32_t mirror_victim(const struct mirror *m, uint32_t tag);

void mirror_drop(struct mirror *m, uint32_t index, enum removal how, uint32_t by);
void mirror_flush(struct mirror *m, enum removal how, uint32_t by);

/* A reference that leaves the record where it is: outside. */
static inline void mirror_pass(struct mirror *m, uint32_t record)
{
    struct record *r = recency_record(&m->shadow, record);
    if (r->gone == NEVER_SEEN)
        r->gone = NEVER_HELD;
    if (!recency_holds(&m->shadow, record))
        return;
    recency_touch(&m->shadow, record);
    m->last = MIRROR_NONE;
}
