/* hierarchy_exclusive: the caches of the K7 and K8, all on the die; rules are in hierarchy.h. */
#include "mmu/hierarchy.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/dram.h"
#include "mmu/physical.h"

#include <string.h>

/* --- the second level, and memory ------------------------------------------------------------- */

/* L2 takes a line that a first level gave up, or that was prefetched. Its own victim leaves. */
static void l2_take(struct mmu *m, paddr_t pa, enum line_state state, unsigned *flags)
{
    struct cache *l2 = &m->l2;
    uint32_t victim = cache_victim(l2, pa);
    if (l2->state[victim] == LINE_MODIFIED) {
        dram_access(&m->dram, cache_address(l2, victim));
        l2->writebacks++;
        *flags |= ACCESS_EVICT_L2;
    }
    cache_fill(l2, victim, pa, state);
}

static enum line_state state_of(const struct cache *c, uint32_t index)
{
    return (enum line_state)(c->state[index] & ~LINE_PASSING);
}

/* Who has the line of pa outside the first level that missed; it is gone from there. *state is what
 * it was, exclusive if it comes from memory. */
static unsigned take_from_outside(struct mmu *m, paddr_t pa, enum line_state *state)
{
    struct cache *l2 = &m->l2;
    int index = cache_find(l2, pa);
    *state = LINE_EXCLUSIVE;
    if (index < 0) {
        l2->misses++;
        return dram_access(&m->dram, pa);
    }
    l2->hits++;
    *state = (enum line_state)l2->state[index];
    cache_drop(l2, (uint32_t)index);
    return LEVEL_L2;
}

/* What is not L2's goes to memory, if it was modified. */
static void pass(struct mmu *m, paddr_t pa, enum line_state state, unsigned *flags)
{
    if (state != LINE_MODIFIED)
        return;
    dram_access(&m->dram, pa);
    *flags |= ACCESS_EVICT_L2;
}

/* Makes room in a first level: what was there goes to L2, or past it. */
static uint32_t make_room(struct mmu *m, struct cache *l1, paddr_t pa, unsigned *flags)
{
    uint32_t victim = cache_victim(l1, pa);
    enum line_state state = state_of(l1, victim);
    bool passing = l1->state[victim] & LINE_PASSING;
    if (state == LINE_INVALID)
        return victim;
    paddr_t address = cache_address(l1, victim);
    cache_drop(l1, victim);
    l1->writebacks += state == LINE_MODIFIED;
    if (passing) {
        pass(m, address, state, flags);
        return victim;
    }
    *flags |= ACCESS_VICTIM;
    l2_take(m, address, l1 == &m->l1i ? LINE_EXCLUSIVE : state, flags);
    return victim;
}

/* A line that the other first level holds moves to L2 first. */
static void give_up(struct mmu *m, struct cache *l1, paddr_t pa, unsigned *flags)
{
    int index = cache_find(l1, pa);
    if (index < 0)
        return;
    enum line_state state = state_of(l1, (uint32_t)index);
    cache_drop(l1, (uint32_t)index);
    *flags |= ACCESS_VICTIM;
    l2_take(m, pa, l1 == &m->l1i ? LINE_EXCLUSIVE : state, flags);
}

/* A line leaves a cache for good: memory gets it if it was modified. */
static void expel(struct mmu *m, struct cache *cache, paddr_t pa, unsigned *flags)
{
    int index = cache_find(cache, pa);
    if (index < 0)
        return;
    if (state_of(cache, (uint32_t)index) == LINE_MODIFIED) {
        dram_access(&m->dram, pa);
        cache->writebacks++;
        *flags |= ACCESS_EVICT_L2;
    }
    cache_drop(cache, (uint32_t)index);
}

/* --- prefetching ------------------------------------------------------------------------------ */

static bool is_held(const struct mmu *m, paddr_t pa)
{
    return cache_find(&m->l1d, pa) >= 0 || cache_find(&m->l1i, pa) >= 0 ||
           cache_find(&m->l2, pa) >= 0;
}

/* Misses of lines n and n + 1 bring n + 3 into L2, descending ones n - 3, within a page
 * [25112 5, AF-MA 20.15]. */
static void prefetch_data(struct mmu *m, paddr_t pa, unsigned *flags)
{
    uint32_t line = pa >> m->l1d.line_shift, before = m->last_miss;
    m->last_miss = line;
    if (!m->geometry.l2_prefetch || (line != before + 1 && line != before - 1))
        return;
    paddr_t wanted = (line + 2 * (line - before)) << m->l1d.line_shift;
    if ((wanted ^ pa) & PAGE_ADDRESS || is_held(m, wanted))
        return;
    unsigned level = dram_access(&m->dram, wanted);
    l2_take(m, wanted, LINE_EXCLUSIVE, flags);
    access_log_put(m, level, wanted, ACCESS_NOTE, NOTE_LINE_PREFETCHED, 0, 0);
}

/* A miss fetches the next line of the page, too [25112 A.5; 22007]. */
static void prefetch_code(struct mmu *m, paddr_t pa)
{
    struct cache *l1i = &m->l1i;
    unsigned flags = ACCESS_CODE_SIDE;
    enum line_state state;
    paddr_t next = (pa & ~((1u << l1i->line_shift) - 1)) + (1u << l1i->line_shift);
    if ((next ^ pa) & PAGE_ADDRESS || cache_find(l1i, next) >= 0 || cache_find(&m->l1d, next) >= 0)
        return;
    unsigned level = take_from_outside(m, next, &state);
    if (state == LINE_MODIFIED)
        dram_access(&m->dram, next);
    cache_fill(l1i, make_room(m, l1i, next, &flags), next, LINE_SHARED);
    access_log_put(m, level, next, ACCESS_NOTE, NOTE_LINE_PREFETCHED, flags, 0);
}

/* --- accesses --------------------------------------------------------------------------------- */

static bool cacheable(const struct mmu *m, unsigned attributes)
{
    return !(attributes & TLB_UNCACHED) && !m->caches_off;
}

static unsigned told(unsigned attributes)
{
    return (attributes & TLB_UNCACHED ? ACCESS_UNCACHED : 0u) |
           (attributes & TLB_THROUGH ? ACCESS_THROUGH : 0u);
}

/* The line comes into L1D, for reading or for writing. */
static unsigned bring(struct mmu *m, paddr_t pa, bool write, bool through, unsigned *flags)
{
    enum line_state state;
    m->l1d.misses++;
    give_up(m, &m->l1i, pa, flags);
    unsigned level = take_from_outside(m, pa, &state);
    if (write)
        state = LINE_MODIFIED;
    else if (through && state == LINE_EXCLUSIVE)
        state = LINE_SHARED;
    cache_fill(&m->l1d, make_room(m, &m->l1d, pa, flags), pa, state);
    prefetch_data(m, pa, flags);
    return level;
}

static unsigned read_line(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    int index = cache_find(&m->l1d, pa);
    if (LIKELY(index >= 0)) {
        cache_touch(&m->l1d, (uint32_t)index);
        return LEVEL_L1;
    }
    *flags |= told(attributes);
    if (cacheable(m, attributes))
        return bring(m, pa, false, attributes & TLB_THROUGH, flags);
    expel(m, &m->l2, pa, flags);
    return dram_access(&m->dram, pa);
}

/* A write that memory gets at once: through a shared line, which stays; or past all caches, which
 * keep no copy of a write-protected or uncached line. */
static unsigned write_outside(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    bool keeps = attributes & TLB_THROUGH && !(attributes & (TLB_PROTECT | TLB_UNCACHED));
    *flags |= ACCESS_LINE_SHARED | (attributes & TLB_COMBINE ? ACCESS_COMBINED : 0u) |
              (keeps ? ACCESS_THROUGH : 0u);
    give_up(m, &m->l1i, pa, flags);
    if (!keeps) {
        expel(m, &m->l1d, pa, flags);
        expel(m, &m->l2, pa, flags);
    }
    return dram_access(&m->dram, pa);
}

static unsigned write_line(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    bool back = cacheable(m, attributes) && !(attributes & TLB_THROUGH);
    int index = cache_find(&m->l1d, pa);
    if (!back) {
        if (index >= 0)
            cache_touch(&m->l1d, (uint32_t)index);
        return write_outside(m, pa, attributes, flags);
    }
    if (UNLIKELY(index < 0))
        return bring(m, pa, true, false, flags);
    cache_touch(&m->l1d, (uint32_t)index);
    m->l1d.state[index] |= LINE_MODIFIED;
    *flags |= ACCESS_HIT_M;
    return LEVEL_L1;
}

/* A locked access has its line like any other, and keeps it [25112 5]. Where its page's type is not
 * known it is write-back: descriptors and table entries lie in such memory. */
static unsigned locked_read(struct mmu *m, paddr_t pa, unsigned *flags)
{
    return read_line(m, pa, 0, flags);
}

static unsigned locked_write(struct mmu *m, paddr_t pa, unsigned *flags)
{
    return write_line(m, pa, 0, flags);
}

/* The walker reads L1D and L2 where they are, and brings into L2 what neither has. */
static unsigned walk(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    struct cache *l2 = &m->l2;
    int index = cache_find(&m->l1d, pa);
    if (index >= 0) {
        cache_touch(&m->l1d, (uint32_t)index);
        return LEVEL_L1;
    }
    *flags |= told(attributes);
    index = cache_find(l2, pa);
    if (index >= 0) {
        l2->hits++;
        cache_touch(l2, (uint32_t)index);
        return LEVEL_L2;
    }
    l2->misses++;
    unsigned level = dram_access(&m->dram, pa);
    if (cacheable(m, attributes) && cache_find(&m->l1i, pa) < 0)
        l2_take(m, pa, LINE_EXCLUSIVE, flags);
    return level;
}

/* Lines of L1I are clean: a modified one is written to memory on its way there. */
static unsigned fetch(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags)
{
    struct cache *l1i = &m->l1i;
    enum line_state state;
    int index = cache_find(l1i, pa);
    if (LIKELY(index >= 0)) {
        cache_touch(l1i, (uint32_t)index);
        return LEVEL_L1;
    }
    l1i->misses++;
    *flags |= told(attributes);
    if (!cacheable(m, attributes)) {
        expel(m, &m->l1d, pa, flags);
        expel(m, &m->l2, pa, flags);
        return dram_access(&m->dram, pa);
    }
    give_up(m, &m->l1d, pa, flags);
    unsigned level = take_from_outside(m, pa, &state);
    if (state == LINE_MODIFIED) {
        dram_access(&m->dram, pa);
        *flags |= ACCESS_EVICT_L2;
    }
    cache_fill(l1i, make_room(m, l1i, pa, flags), pa, LINE_SHARED);
    prefetch_code(m, pa);
    return level;
}

/* A line for writing comes modified, as AMD has it [3DNOW PREFETCHW]. The hardware's prefetching
 * looks at misses alone. What is to be used once and comes from memory will not go to L2; other
 * steppings than the modelled ones keep it in one way of L1D, too [25112 5.6]. */
static void prefetch(struct mmu *m, paddr_t pa, unsigned attributes, enum mmu_prefetch how)
{
    unsigned flags = ACCESS_BY_REQUEST | told(attributes), level = LEVEL_L1;
    bool through = attributes & TLB_THROUGH;
    int index = cache_find(&m->l1d, pa);
    if (!cacheable(m, attributes))
        return;
    if (index >= 0) {
        cache_touch(&m->l1d, (uint32_t)index);
    } else {
        enum line_state state;
        give_up(m, &m->l1i, pa, &flags);
        level = take_from_outside(m, pa, &state);
        if (through && state == LINE_EXCLUSIVE)
            state = LINE_SHARED;
        else if (how == PREFETCH_WRITE && !through)
            state = LINE_MODIFIED;
        uint32_t room = make_room(m, &m->l1d, pa, &flags);
        cache_fill(&m->l1d, room, pa, state);
        if (how == PREFETCH_PASSING && level != LEVEL_L2 && !through)
            m->l1d.state[room] |= LINE_PASSING;
    }
    access_log_put(m, level, pa, ACCESS_NOTE, NOTE_LINE_PREFETCHED, flags, how);
}

/* --- emptying --------------------------------------------------------------------------------- */

static void flush_line(struct mmu *m, paddr_t pa, unsigned *flags)
{
    expel(m, &m->l1d, pa, flags);
    expel(m, &m->l1i, pa, flags);
    expel(m, &m->l2, pa, flags);
}

static uint32_t count_modified(const struct cache *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->sets * c->ways; i++)
        count += state_of(c, i) == LINE_MODIFIED;
    return count;
}

static void flush(struct mmu *m, bool write_back)
{
    uint32_t lines = count_modified(&m->l1d) + count_modified(&m->l2);
    if (write_back) {
        dram_close(&m->dram);
        access_log_put(m, lines, 0, ACCESS_NOTE, NOTE_CACHES_WRITTEN, 0, 0);
    }
    cache_clear(&m->l1d);
    cache_clear(&m->l1i);
    cache_clear(&m->l2);
}

const struct hierarchy hierarchy_exclusive = {
    .read = read_line,
    .write = write_line,
    .locked_read = locked_read,
    .locked_write = locked_write,
    .walk = walk,
    .fetch = fetch,
    .prefetch = prefetch,
    .flush_line = flush_line,
    .flush = flush,
};
