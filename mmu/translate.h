/* translate: from a linear address to the page's bytes: fast entry, TLB, walk. */
#pragma once

#include "mmu/fast.h"
#include "mmu/physical.h"
#include "sim/core/check.h"

/* False: a page fault; fault_la and fault_code are set. */
NOINLINE bool translate_slow(struct mmu *m, laddr_t la, bool write, bool user, struct target *t);

/* Without a walk: false where no TLB has the page, or the page denies a read. */
bool translate_resident(struct mmu *m, laddr_t la, bool user, struct target *t);

/* A fast entry spares the look-up after an L1 miss; it does to the TLB what the look-up would do.
 */
static ALWAYS_INLINE bool translate(struct mmu *m, laddr_t la, bool write, bool user,
                                    struct target *t)
{
    const struct fast_entry *f = &m->fast_table[user][fast_slot(la)];
    if (UNLIKELY((write ? f->tag_write : f->tag_read) != (la & PAGE_ADDRESS)))
        return translate_slow(m, la, write, user, t);
    *f->plru = (uint8_t)((*f->plru & f->plru_and) | f->plru_or);
    t->pa = f->pa | (la & PAGE_OFFSET);
    t->host = f->host + (la & PAGE_OFFSET);
    t->attributes = f->attributes;
    t->fast = true;
    return true;
}

/* An access makes at most 9 log entries a page: a refill, two walks with their updates, and two
 * lines with a prefetch each. */
static inline void check_log(const struct mmu *m) { CHECK(m->log->count + 18 <= ACCESS_LOG_MAX); }

/* On timed models before each access of the slow path. */
static inline void begin_slow(struct mmu *m)
{
    mmu_settle(m);
    check_log(m);
}
