/* access: the inlined fast path of a data access, "TLB hit and L1 hit". Anything else, and every
 * misaligned access, goes to mmu_access. Leaves exactly the state the slow path would have left. */
#pragma once

#include "mmu/mmu.h"

#include <string.h>

static ALWAYS_INLINE void access_log_put(struct mmu *m, laddr_t la, paddr_t pa, unsigned kind,
                                         unsigned level, unsigned flags, unsigned size)
{
    struct access_log *log = m->log;
    log->list[log->count++] = (struct access){la,
                                              pa,
                                              (uint8_t)kind,
                                              (uint8_t)level,
                                              (uint8_t)flags,
                                              (uint8_t)size};
}

/* Two-way L1 data cache of 4 KB ways: the set is in the page offset. Returns the way or -1. */
static ALWAYS_INLINE int l1d_find(const struct mmu *m, paddr_t pa)
{
    const uint32_t *tags = &m->l1d.tag[((pa >> 5) & 127) * 2];
    uint32_t tag = pa >> 5;
    if (LIKELY(tags[0] == tag))
        return 0;
    return tags[1] == tag ? 1 : -1;
}

/* The host address of an aligned access that hits everywhere, else NULL. */
static ALWAYS_INLINE uint8_t *mmu_fast(struct mmu *m, laddr_t la, unsigned size, unsigned kind)
{
    const struct fast_entry *f = &m->fast[(la >> 12) & (FAST_COUNT - 1)];
    uint32_t tag = kind == ACCESS_READ ? f->tag_read : f->tag_write;
    if (UNLIKELY((la & (0xFFFFF000u | (size - 1))) != tag))
        return NULL;
    if (m->timed) {
        paddr_t pa = f->pa | (la & 0xFFF);
        int way = l1d_find(m, pa);
        if (UNLIKELY(way < 0))
            return NULL;
        uint32_t set = (pa >> 5) & 127;
        if (kind != ACCESS_READ) {
            uint8_t *state = &m->l1d.state[set * 2 + (unsigned)way];
            if (UNLIKELY(*state == LINE_SHARED))
                return NULL;
            if (kind == ACCESS_WRITE)
                *state = LINE_MODIFIED;
        }
        m->l1d.lru[set] = (uint8_t)(way ^ 1);
        *f->plru = (uint8_t)((*f->plru & f->plru_and) | f->plru_or);
        access_log_put(m, la, pa, kind, LEVEL_L1, kind == ACCESS_WRITE ? ACCESS_HIT_M : 0, size);
    }
    return f->host + (la & 0xFFF);
}
