/* tlb: a translation lookaside buffer: set-associative with tree pseudo-LRU, a byte a set, or
 * fully associative, of more than 8 entries, with a bit an entry, set by a hit, and a hand that
 * goes round, clears the bits it meets and takes the first entry that has none (an estimate: what
 * AMD's do is not known).
 *
 * Tags are linear page numbers: of 4 KB pages, or of 4 MB pages in a TLB that holds those. A fill
 * takes the first invalid way of its set, else the pseudo-LRU one [SDM3A table 10-1; MPR93];
 * invalidation leaves the replacement bits alone. Protection is the caller's business. */
#pragma once

#include "mmu/mmu.h"
#include "mmu/plru.h"

/* Entries and ways are powers of two, 8 ways at most, or there is one set; 0 entries make a TLB
 * that never hits. */
void tlb_init(struct tlb *t, struct tlb_geometry g);

/* The index of the entry with this tag, -1 if it is absent. No replacement effect. */
static inline int tlb_find(const struct tlb *t, uint32_t tag)
{
    if (!t->entries)
        return -1;
    uint32_t first = (tag & (t->sets - 1)) * t->ways;
    for (uint32_t way = 0; way < t->ways; way++)
        if (t->entry[first + way].tag == tag)
            return (int)(first + way);
    return -1;
}

/* The same by address (>> 12, or >> large_shift), in the present space, or global. */
static inline int tlb_find_page(const struct mmu *m, const struct tlb *t, uint32_t unit)
{
    int index = tlb_find(t, m->space_tag | unit);
    return index < 0 && UNLIKELY(m->global_tag) ? tlb_find(t, m->global_tag | unit) : index;
}

static inline uint32_t tlb_tag(const struct mmu *m, uint32_t unit, unsigned flags)
{
    return unit | (flags & TLB_GLOBAL ? m->global_tag : m->space_tag);
}

static inline uint8_t *tlb_plru(struct tlb *t, uint32_t index)
{
    return &t->plru[t->ways > 8 ? index / 8 : index >> __builtin_ctz(t->ways)];
}

static inline struct plru_effect tlb_effect(const struct tlb *t, uint32_t index)
{
    if (t->ways > 8)
        return (struct plru_effect){0xFF, (uint8_t)(1u << index % 8)};
    return plru_effect(t->ways, index & (t->ways - 1));
}

static inline void tlb_touch(struct tlb *t, uint32_t index)
{
    struct plru_effect e = tlb_effect(t, index);
    uint8_t *bits = tlb_plru(t, index);
    *bits = (uint8_t)((*bits & e.keep) | e.set);
}

/* How many bytes of replacement state there are. */
static inline uint32_t tlb_plru_bytes(const struct tlb *t)
{
    return t->ways > 8 ? (t->entries + 7) / 8 : t->sets;
}

/* Puts a translation in (over an entry with the same tag, if there is one) and touches it. Gives
 * its index; *evicted is the tag that was displaced, or TLB_INVALID. */
uint32_t tlb_fill(struct tlb *t, uint32_t tag, uint32_t page, uint16_t flags, uint32_t *evicted);

/* Whether the tag was there. */
bool tlb_invalidate(struct tlb *t, uint32_t tag);
/* By address, in the present space and global: whether there was one. */
bool tlb_drop(const struct mmu *m, struct tlb *t, uint32_t unit);
void tlb_flush(struct tlb *t);
/* All but the entries of global pages. */
void tlb_flush_space(struct tlb *t);
