#include "mmu/hierarchy.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/dram.h"

/* --- the bus: L2 and DRAM --------------------------------------------------------------------- */

/* The L2 victim goes to the chip set's posted write buffer while the new line is read from DRAM. */
static void l2_allocate(struct mmu *m, paddr_t pa, unsigned *flags)
{
    struct cache *l2 = &m->l2;
    uint32_t victim = cache_victim(l2, pa);
    if (l2->state[victim] == LINE_MODIFIED) {
        dram_access(&m->dram, cache_address(l2, victim));
        l2->writebacks++;
        *flags |= ACCESS_EVICT_L2;
    }
    cache_fill(l2, victim, pa, LINE_EXCLUSIVE);
}

static unsigned bus_read(struct mmu *m, paddr_t pa, bool whole_line, unsigned *flags)
{
    struct cache *l2 = &m->l2;
    int index = cache_find(l2, pa);
    if (index >= 0) {
        l2->hits++;
        cache_touch(l2, (uint32_t)index);
        return LEVEL_L2;
    }
    unsigned level = dram_access(&m->dram, pa);
    if (cache_exists(l2)) {
        l2->misses++;
        if (whole_line)
            l2_allocate(m, pa, flags);
    }
    return level;
}

static unsigned bus_write(struct mmu *m, paddr_t pa)
{
    struct cache *l2 = &m->l2;
    int index = cache_find(l2, pa);
    if (index < 0) {
        l2->misses += cache_exists(l2);
        return dram_access(&m->dram, pa);
    }
    l2->hits++;
    l2->state[index] = LINE_MODIFIED;
    cache_touch(l2, (uint32_t)index);
    return LEVEL_L2;
}

/* --- the first level -------------------------------------------------------------------------- */

static bool cacheable(const struct mmu *m, unsigned attributes)
{
    return !(attributes & TLB_UNCACHED) && !m->caches_off;
}

/* For the log: what the page says of a line that left the first level. */
static unsigned told(unsigned attributes)
{
    return (attributes & TLB_UNCACHED ? ACCESS_UNCACHED : 0u) |
           (attributes & TLB_THROUGH ? ACCESS_THROUGH : 0u);
}

static unsigned write_back(struct mmu *m, uint32_t index)
{
    m->l1d.writebacks++;
    return bus_write(m, cache_address(&m->l1d, index));
}

/* L1D gives the line of pa up; a modified one is written back. */
static void l1d_drop(struct mmu *m, paddr_t pa, unsigned *flags)
{
    int index = cache_find(&m->l1d, pa);
    if (index < 0)
        return;
    if (m->l1d.state[index] == LINE_MODIFIED) {
        write_back(m, (uint32_t)index);
        *flags |= ACCESS_EVICT_DIRTY;
    }
    cache_drop(&m->l1d, (uint32_t)index);
}

static void l1i_drop(struct mmu *m, paddr_t pa)
{
    int index = cache_find(&m->l1i, pa);
    if (index >= 0)
        cache_drop(&m->l1i, (uint32_t)index);
}

static void l1d_fill(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    struct cache *l1d = &m->l1d;
    uint32_t victim = cache_victim(l1d, pa);
    if (l1d->state[victim] == LINE_MODIFIED) {
        write_back(m, victim);
        *flags |= ACCESS_EVICT_DIRTY;
    }
    cache_fill(l1d, victim, pa, attributes & TLB_THROUGH ? LINE_SHARED : LINE_EXCLUSIVE);
}

static unsigned read_line(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    int index = cache_find(&m->l1d, pa);
    if (index >= 0) {
        cache_touch(&m->l1d, (uint32_t)index);
        return LEVEL_L1;
    }
    m->l1d.misses++;
    l1i_drop(m, pa);
    *flags |= told(attributes);
    bool fill = cacheable(m, attributes);
    unsigned level = bus_read(m, pa, fill, flags);
    if (fill && cache_exists(&m->l1d))
        l1d_fill(m, pa, attributes, flags);
    return level;
}

/* A hit on an E or M line stays inside. A hit on an S line also goes to the bus; the line may be
 * written back from then on unless WB/WT# or PWT said write-through [pairing-p5.md D5]. */
static unsigned write_line(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    int index = cache_find(&m->l1d, pa);
    if (index < 0) {
        m->l1d.misses++;
        l1i_drop(m, pa);
        return bus_write(m, pa);
    }
    cache_touch(&m->l1d, (uint32_t)index);
    uint8_t *state = &m->l1d.state[index];
    if (*state != LINE_SHARED) {
        *state = LINE_MODIFIED;
        *flags |= ACCESS_HIT_M;
        return LEVEL_L1;
    }
    *flags |= ACCESS_LINE_SHARED;
    if (!(attributes & TLB_THROUGH) && cacheable(m, attributes)) {
        *state = LINE_EXCLUSIVE;
        *flags |= ACCESS_TAKES_LINE;
    }
    return bus_write(m, pa);
}

static unsigned locked_read(struct mmu *m, paddr_t pa, unsigned *flags)
{
    l1d_drop(m, pa, flags);
    l1i_drop(m, pa);
    return bus_read(m, pa, false, flags);
}

static unsigned locked_write(struct mmu *m, paddr_t pa, unsigned *flags)
{
    l1d_drop(m, pa, flags);
    l1i_drop(m, pa);
    return bus_write(m, pa);
}

static unsigned walk(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    int index = cache_find(&m->l1d, pa);
    if (index >= 0) {
        cache_touch(&m->l1d, (uint32_t)index);
        return LEVEL_L1;
    }
    *flags |= told(attributes);
    return bus_read(m, pa, cacheable(m, attributes), flags);
}

static unsigned fetch(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    struct cache *l1i = &m->l1i;
    int index = cache_find(l1i, pa);
    if (LIKELY(index >= 0)) {
        cache_touch(l1i, (uint32_t)index);
        return LEVEL_L1;
    }
    l1i->misses++;
    l1d_drop(m, pa, flags);
    *flags |= told(attributes);
    bool fill = cacheable(m, attributes);
    unsigned level = bus_read(m, pa, fill, flags);
    if (fill && cache_exists(l1i))
        cache_fill(l1i, cache_victim(l1i, pa), pa, LINE_SHARED);
    return level;
}

static void flush_line(struct mmu *m, paddr_t pa, unsigned *flags)
{
    struct cache *l2 = &m->l2;
    l1d_drop(m, pa, flags);
    l1i_drop(m, pa);
    int index = cache_find(l2, pa);
    if (index < 0)
        return;
    if (l2->state[index] == LINE_MODIFIED) {
        dram_access(&m->dram, pa);
        l2->writebacks++;
        *flags |= ACCESS_EVICT_L2;
    }
    cache_drop(l2, (uint32_t)index);
}

/* L2 keeps its lines: every cycle to memory passes it, so it never holds anything stale. */
static void flush(struct mmu *m, bool write_back_modified)
{
    struct cache *l1d = &m->l1d;
    for (uint32_t i = 0; write_back_modified && i < l1d->sets * l1d->ways; i++) {
        if (l1d->state[i] != LINE_MODIFIED)
            continue;
        paddr_t pa = cache_address(l1d, i);
        unsigned level = write_back(m, i);
        access_log_put(m, pa, pa, ACCESS_WRITE, level, ACCESS_EVICT_DIRTY, 1u << l1d->line_shift);
    }
    cache_clear(l1d);
    cache_clear(&m->l1i);
}

const struct hierarchy hierarchy_p5 = {
    .read = read_line,
    .write = write_line,
    .locked_read = locked_read,
    .locked_write = locked_write,
    .walk = walk,
    .fetch = fetch,
    .flush_line = flush_line,
    .flush = flush,
};
