#include "mmu/mmu.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/dram.h"
#include "mmu/hierarchy.h"
#include "mmu/paging.h"
#include "mmu/physical.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"

#include <string.h>

/* Translation's outcome for one page's part of an access. */
struct target {
    uint8_t *host; /* NULL: a device or open bus */
    paddr_t pa;
    uint8_t attributes; /* TLB_UNCACHED, TLB_THROUGH */
    bool writable;      /* at this privilege, and already dirty */
    bool fast;          /* a fast entry said so: there is nothing to fill */
    uint8_t *plru;
    struct plru_effect effect;
};

/* --- fast entries: derived from TLB entries, forgotten at any time ------------------------------------ */

/* No aligned linear page equals 1. */
enum { FAST_NEVER = 1 };

static unsigned fast_slot(laddr_t la) { return (la >> 12) & (FAST_COUNT - 1); }

static void forget_data_slot(struct mmu *m, unsigned user, unsigned slot)
{
    m->fast_table[user][slot].tag_read = FAST_NEVER;
    m->fast_table[user][slot].tag_write = FAST_NEVER;
}

static void forget_all_data(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < FAST_COUNT; i += 64) {
            uint64_t used = m->fast_used[user][i / 64];
            m->fast_used[user][i / 64] = 0;
            for (; used; used &= used - 1)
                forget_data_slot(m, user, i + (unsigned)__builtin_ctzll(used));
        }
}

static void forget_all_code(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < FAST_COUNT; i += 64) {
            uint64_t used = m->code_used[user][i / 64];
            m->code_used[user][i / 64] = 0;
            for (; used; used &= used - 1)
                m->fast_code[user][i + (unsigned)__builtin_ctzll(used)].tag = FAST_NEVER;
        }
}

static void forget_data_page(struct mmu *m, laddr_t page)
{
    for (unsigned user = 0; user < 2; user++)
        if (m->fast_table[user][fast_slot(page)].tag_read == page)
            forget_data_slot(m, user, fast_slot(page));
}

static void forget_code_page(struct mmu *m, laddr_t page)
{
    for (unsigned user = 0; user < 2; user++)
        if (m->fast_code[user][fast_slot(page)].tag == page)
            m->fast_code[user][fast_slot(page)].tag = FAST_NEVER;
}

static void forget_data_region(struct mmu *m, uint32_t large_page)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            uint32_t tag = m->fast_table[user][slot].tag_read;
            if (tag != FAST_NEVER && tag >> 22 == large_page)
                forget_data_slot(m, user, slot);
        }
}

void mmu_forget_fast(struct mmu *m, uint32_t physical_page)
{
    paddr_t pa = physical_page << 12;
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            if (m->fast_table[user][slot].pa == pa)
                forget_data_slot(m, user, slot);
            if (m->fast_code[user][slot].pa == pa)
                m->fast_code[user][slot].tag = FAST_NEVER;
        }
}

static void fill_data(struct mmu *m, laddr_t la, bool user, const struct target *t)
{
    if (!m->fast_enabled || !t->host)
        return;
    unsigned slot = fast_slot(la);
    bool plain = !(m->phys.page_flags[t->pa >> 12] & (PAGE_CODE | PAGE_ROM));
    laddr_t page = la & PAGE_ADDRESS;
    m->fast_table[user][slot] = (struct fast_entry){
        .tag_read = page,
        .tag_write = t->writable && plain ? page : FAST_NEVER,
        .host = t->host - (t->pa & PAGE_OFFSET),
        .plru = t->plru,
        .plru_and = t->effect.keep,
        .plru_or = t->effect.set,
        .attributes = t->attributes,
        .pa = t->pa & PAGE_ADDRESS,
    };
    m->fast_used[user][slot / 64] |= 1ull << (slot % 64);
}

/* The inlined data path knows one shape of L1D: 128 sets of two 32-byte lines. */
static void update_fast_enabled(struct mmu *m)
{
    const struct cache *d = &m->l1d;
    bool standard = d->sets == 128 && d->ways == 2 && d->line_shift == 5;
    m->fast_enabled = !m->fast_forbidden && (!m->timed || standard);
    forget_all_data(m);
    forget_all_code(m);
}

/* --- life -------------------------------------------------------------------------------------------- */

static void reset_fast(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            forget_data_slot(m, user, slot);
            m->fast_code[user][slot].tag = FAST_NEVER;
        }
}

/* Untimed, the TLBs are caches of translations for speed alone, so they may be large. */
static void init_tlbs(struct mmu *m)
{
    static const struct tlb_geometry big = {512, 4}, big_large = {64, 4};
    const struct mmu_geometry *g = &m->geometry;
    if (m->timed && g->itlb.entries && !g->large_pages_split_in_itlb)
        unimplemented("instruction TLBs that hold 4 MB pages whole");
    tlb_init(&m->itlb, m->timed ? g->itlb : big);
    tlb_init(&m->dtlb, m->timed ? g->dtlb : big);
    tlb_init(&m->dtlb_large, m->timed ? g->dtlb_large : big_large);
    CHECK(m->itlb.entries && m->dtlb.entries);
    m->itlb_split = m->dtlb_split = false;
}

void mmu_init(struct mmu *m, const struct mmu_geometry *g, const struct phys *phys, bool timed)
{
    memset(m, 0, sizeof *m);
    CHECK(phys->size % PAGE_BYTES_4K == 0);
    m->geometry = *g;
    m->phys = *phys;
    m->timed = timed;
    m->a20_mask = UINT32_MAX;
    cache_init(&m->l1d, g->l1d);
    cache_init(&m->l1i, g->l1i);
    cache_init(&m->l2, g->l2);
    dram_init(&m->dram, g->dram);
    init_tlbs(m);
    reset_fast(m);
    update_fast_enabled(m);
    mmu_reset(m);
}

void mmu_free(struct mmu *m)
{
    cache_free(&m->l1d);
    cache_free(&m->l1i);
    cache_free(&m->l2);
    dram_free(&m->dram);
}

static void clear_caches(struct mmu *m)
{
    cache_clear(&m->l1d);
    cache_clear(&m->l1i);
    cache_clear(&m->l2);
    dram_close(&m->dram);
}

static void flush_tlbs(struct mmu *m)
{
    tlb_flush(&m->itlb);
    tlb_flush(&m->dtlb);
    tlb_flush(&m->dtlb_large);
    m->itlb_split = m->dtlb_split = false;
    forget_all_data(m);
    forget_all_code(m);
}

/* RESET. The A20 gate is the board's and stays; the rest follows CR0 = 60000010h [SDM3 9.1]. */
void mmu_reset(struct mmu *m)
{
    flush_tlbs(m);
    clear_caches(m);
    m->paging = false;
    m->write_protect = false;
    m->large_enabled = false;
    m->caches_off = true;
    m->cr3 = 0;
    m->locked = false;
    m->code_was_hit = false;
    m->fault_la = 0;
    m->fault_code = 0;
    memset(&m->rmw, 0, sizeof m->rmw);
    mmu_set_user(m, false);
}

void mmu_set_timed(struct mmu *m, bool timed)
{
    m->timed = timed;
    init_tlbs(m);
    clear_caches(m);
    update_fast_enabled(m);
}

void mmu_set_fast(struct mmu *m, bool allowed)
{
    m->fast_forbidden = !allowed;
    update_fast_enabled(m);
}

/* --- control registers and pins ------------------------------------------------------------------------ */

void mmu_set_control(struct mmu *m, bool paging, bool write_protect, bool caches_off,
                     bool large_enabled)
{
    bool flush = paging != m->paging || large_enabled != m->large_enabled;
    if (flush)
        flush_tlbs(m);
    else if (write_protect != m->write_protect)
        forget_all_data(m);
    m->paging = paging;
    m->write_protect = write_protect;
    m->caches_off = caches_off;
    m->large_enabled = large_enabled;
}

/* Without paging the TLBs are empty already, and fast entries do not come from CR3. */
void mmu_set_cr3(struct mmu *m, uint32_t cr3)
{
    m->cr3 = cr3;
    if (m->paging)
        flush_tlbs(m);
}

void mmu_set_user(struct mmu *m, bool user)
{
    m->user = user;
    m->fast = m->fast_table[user];
}

/* The gate masks addresses after translation, so TLB entries stay good; fast entries do not. */
void mmu_set_a20(struct mmu *m, bool enabled)
{
    uint32_t mask = enabled ? UINT32_MAX : ~(1u << 20);
    if (mask == m->a20_mask)
        return;
    m->a20_mask = mask;
    forget_all_data(m);
    forget_all_code(m);
}

/* Drops the 4 KB entries that were made of one 4 MB page: software cannot know of them, so INVLPG of
 * any address in the page must find them all [SDM3 4.10.2.3]. */
static void invalidate_split(struct mmu *m, struct tlb *t, uint32_t large_page,
                             void (*forget)(struct mmu *m, laddr_t page))
{
    for (uint32_t i = 0; i < t->entries; i++) {
        const struct tlb_entry *e = &t->entry[i];
        if (e->tag == TLB_INVALID || !(e->flags & TLB_LARGE) || e->tag >> 10 != large_page)
            continue;
        laddr_t page = e->tag << 12;
        tlb_invalidate(t, e->tag);
        forget(m, page);
    }
}

void mmu_invalidate_page(struct mmu *m, laddr_t la)
{
    laddr_t page = la & PAGE_ADDRESS;
    if (tlb_invalidate(&m->dtlb, la >> 12))
        forget_data_page(m, page);
    if (tlb_invalidate(&m->dtlb_large, la >> 22))
        forget_data_region(m, la >> 22);
    if (tlb_invalidate(&m->itlb, la >> 12))
        forget_code_page(m, page);
    if (m->dtlb_split)
        invalidate_split(m, &m->dtlb, la >> 22, forget_data_page);
    if (m->itlb_split)
        invalidate_split(m, &m->itlb, la >> 22, forget_code_page);
}

void mmu_invalidate_caches(struct mmu *m, bool write_back)
{
    if (m->timed)
        hierarchy_flush(m, write_back);
}

/* --- translation --------------------------------------------------------------------------------------- */

/* A page fault also drops what the TLBs hold for the address, so that it cannot recur once the tables
 * allow the access [SDM3 4.10.4.1]. */
static bool fail(struct mmu *m, laddr_t la)
{
    mmu_invalidate_page(m, la);
    return false;
}

static bool deny(struct mmu *m, laddr_t la, bool write, bool user)
{
    m->fault_la = la;
    m->fault_code = paging_fault_code(write, user) | FAULT_PRESENT;
    return fail(m, la);
}

static uint32_t fill_dtlb(struct mmu *m, laddr_t la, const struct translation *w, struct tlb **tlb)
{
    uint32_t evicted, index;
    if ((w->flags & TLB_LARGE) && m->dtlb_large.entries) {
        *tlb = &m->dtlb_large;
        index = tlb_fill(*tlb, la >> 22, w->page, w->flags, &evicted);
        if (evicted != TLB_INVALID)
            forget_data_region(m, evicted);
        return index;
    }
    uint32_t page = w->page;
    if (w->flags & TLB_LARGE) {
        page += la >> 12 & 0x3FF;
        m->dtlb_split = true;
    }
    *tlb = &m->dtlb;
    index = tlb_fill(*tlb, la >> 12, page, w->flags, &evicted);
    if (evicted != TLB_INVALID)
        forget_data_page(m, evicted << 12);
    return index;
}

/* The entry that translates la, walking if there is none, or if a write finds it clean: then the walk
 * sets D, and the entry is made anew. NULL: a page fault. */
static const struct tlb_entry *find_entry(struct mmu *m, laddr_t la, bool write, bool user,
                                          struct tlb **tlb)
{
    *tlb = &m->dtlb;
    int index = tlb_find(&m->dtlb, la >> 12);
    if (index < 0) {
        *tlb = &m->dtlb_large;
        index = tlb_find(&m->dtlb_large, la >> 22);
    }
    if (LIKELY(index >= 0)) {
        const struct tlb_entry *e = &(*tlb)->entry[index];
        if (!paging_permits(m, e->flags, write, user))
            return deny(m, la, write, user), NULL;
        if (!write || (e->flags & TLB_DIRTY)) {
            tlb_touch(*tlb, (uint32_t)index);
            return e;
        }
    } else {
        m->dtlb.misses++;
    }
    struct translation walked;
    if (!paging_walk(m, la, write, user, false, &walked))
        return fail(m, la), NULL;
    struct tlb *old = *tlb;
    uint32_t at = fill_dtlb(m, la, &walked, tlb);
    if (index >= 0 && old != *tlb) { /* the tables changed the page's size meanwhile */
        tlb_invalidate(old, old == &m->dtlb ? la >> 12 : la >> 22);
        forget_data_region(m, la >> 22);
    }
    return &(*tlb)->entry[at];
}

static void locate(struct mmu *m, struct target *t)
{
    t->host = physical_host(&m->phys, t->pa);
    if (t->host && (m->phys.page_flags[t->pa >> 12] & PAGE_ROM))
        t->attributes |= TLB_THROUGH;
}

static NOINLINE bool translate_slow(struct mmu *m, laddr_t la, bool write, bool user,
                                    struct target *t)
{
    t->fast = false;
    if (!m->paging) {
        t->pa = la & m->a20_mask;
        t->attributes = 0;
        t->writable = true;
        t->plru = &m->plru_none;
        t->effect = (struct plru_effect){0, 0};
        locate(m, t);
        return true;
    }
    struct tlb *tlb;
    const struct tlb_entry *e = find_entry(m, la, write, user, &tlb);
    if (!e)
        return false;
    uint32_t index = (uint32_t)(e - tlb->entry);
    uint32_t within = tlb == &m->dtlb_large ? 0x3FFFFF : PAGE_OFFSET;
    t->pa = (e->page << 12 | (la & within)) & m->a20_mask;
    t->attributes = e->flags & (TLB_UNCACHED | TLB_THROUGH);
    t->writable = (e->flags & TLB_DIRTY) && paging_permits(m, e->flags, true, user);
    t->plru = tlb_plru(tlb, index);
    t->effect = plru_effect(tlb->ways, index & (tlb->ways - 1));
    locate(m, t);
    return true;
}

/* A fast entry spares the look-up after an L1 miss; it does to the TLB what the look-up would do. */
static ALWAYS_INLINE bool translate(struct mmu *m, laddr_t la, bool write, bool user,
                                    struct target *t)
{
    const struct fast_entry *f = &m->fast_table[user][fast_slot(la)];
    if (UNLIKELY((write ? f->tag_write : f->tag_read) != (la & PAGE_ADDRESS)))
        return translate_slow(m, la, write, user, t);
    *f->plru = (uint8_t)((*f->plru & f->plru_and) | f->plru_or);
    t->pa = f->pa | (la & PAGE_OFFSET);
    t->host = f->host + (la & PAGE_OFFSET);
    t->attributes = (uint8_t)f->attributes;
    t->fast = true;
    return true;
}

/* An access makes at most 6 log entries a page: two walks with their updates, and two lines. */
static void check_log(const struct mmu *m)
{
    CHECK(m->log->count + 16 <= ACCESS_LOG_MAX);
}

enum mmu_status mmu_probe(struct mmu *m, laddr_t la, unsigned size, bool write, bool user)
{
    CHECK(size > 0);
    laddr_t last = (la + size - 1) & PAGE_ADDRESS;
    struct target t;
    for (laddr_t at = la;; at = (at & PAGE_ADDRESS) + PAGE_BYTES_4K) {
        if (m->timed)
            check_log(m);
        if (!translate(m, at, write, user, &t))
            return MMU_FAULT;
        if ((at & PAGE_ADDRESS) == last)
            return MMU_OK;
    }
}

/* --- data ------------------------------------------------------------------------------------------------ */

/* One line's part of an access: what it meets, and the log. */
static void meet(struct mmu *m, laddr_t la, paddr_t pa, const struct target *t, unsigned size,
                 enum access_kind kind, unsigned flags)
{
    unsigned level;
    if (UNLIKELY(m->locked))
        flags |= ACCESS_LOCKED;
    if (UNLIKELY(!t->host))
        level = LEVEL_DEVICE;
    else if (UNLIKELY(m->locked))
        level = kind == ACCESS_WRITE ? hierarchy_locked_write(m, pa, &flags)
                                     : hierarchy_locked_read(m, pa, &flags);
    else if (kind == ACCESS_WRITE)
        level = hierarchy_write(m, pa, t->attributes, &flags);
    else
        level = hierarchy_read(m, pa, t->attributes, &flags);
    access_log_put(m, la, pa, kind, level, flags, size);
}

/* The lines of one page's part; a crossing is flagged once, on the first entry of the access. */
static void meet_lines(struct mmu *m, laddr_t la, const struct target *t, unsigned size,
                       enum access_kind kind, unsigned flags)
{
    unsigned line = cache_exists(&m->l1d) ? 1u << m->l1d.line_shift : 32;
    unsigned room = line - (la & (line - 1));
    if (LIKELY(size <= room)) {
        meet(m, la, t->pa, t, size, kind, flags);
        return;
    }
    meet(m, la, t->pa, t, room, kind, flags);
    meet(m, la + room, t->pa + room, t, size - room, kind, flags & ~(unsigned)ACCESS_MISALIGNED);
}

/* 16 and 32-bit operands may not cross 4 bytes, longer ones not 8, else they cost more [OPT97]. */
static unsigned misaligned(laddr_t la, unsigned size)
{
    unsigned natural = size > 4 ? 8 : 4;
    return (la & (natural - 1)) + size > natural ? ACCESS_MISALIGNED : 0;
}

static void begin_rmw(struct mmu *m, laddr_t la, unsigned flags, const struct target *t,
                      unsigned part0, unsigned part1)
{
    m->rmw.la = la;
    m->rmw.flags = (uint8_t)flags;
    m->rmw.part[0] = part0;
    m->rmw.part[1] = part1;
    for (unsigned i = 0; i < (part1 ? 2 : 1); i++) {
        m->rmw.host[i] = t[i].host;
        m->rmw.pa[i] = t[i].pa;
        m->rmw.attributes[i] = t[i].attributes;
    }
}

/* The two pages are translated before either is touched. Fast entries are not made here: the second
 * page may have taken the first one's place in the TLB. */
static NOINLINE enum mmu_status access_two_pages(struct mmu *m, laddr_t la, unsigned size,
                                                 enum access_kind kind, bool user, unsigned flags,
                                                 uint64_t *value)
{
    bool write = kind != ACCESS_READ;
    unsigned part0 = PAGE_BYTES_4K - (la & PAGE_OFFSET), part1 = size - part0;
    struct target t[2];
    if (!translate(m, la, write, user, &t[0]) || !translate(m, la + part0, write, user, &t[1]))
        return MMU_FAULT;
    if (m->timed) {
        meet_lines(m, la, &t[0], part0, kind, flags);
        meet_lines(m, la + part0, &t[1], part1, kind, flags & ~(unsigned)ACCESS_MISALIGNED);
    }
    if (kind == ACCESS_WRITE) {
        physical_store(m, t[0].host, t[0].pa, part0, *value);
        physical_store(m, t[1].host, t[1].pa, part1, *value >> (8 * part0));
        return MMU_OK;
    }
    *value = physical_load(m, t[0].host, t[0].pa, part0);
    *value |= physical_load(m, t[1].host, t[1].pa, part1) << (8 * part0);
    if (kind == ACCESS_RMW)
        begin_rmw(m, la, flags, t, part0, part1);
    return MMU_OK;
}

enum mmu_status mmu_access(struct mmu *m, laddr_t la, unsigned size, enum access_kind kind,
                           bool user, uint8_t flags_in, uint64_t *value)
{
    unsigned flags = flags_in;
    if (m->timed) {
        check_log(m);
        flags |= misaligned(la, size);
    }
    if (UNLIKELY(size > PAGE_BYTES_4K - (la & PAGE_OFFSET)))
        return access_two_pages(m, la, size, kind, user, flags, value);
    struct target t;
    if (!translate(m, la, kind != ACCESS_READ, user, &t))
        return MMU_FAULT;
    if (m->timed)
        meet_lines(m, la, &t, size, kind, flags);
    if (kind == ACCESS_WRITE) {
        physical_store(m, t.host, t.pa, size, *value);
    } else {
        *value = physical_load(m, t.host, t.pa, size);
        if (kind == ACCESS_RMW)
            begin_rmw(m, la, flags, &t, size, 0);
    }
    if (!t.fast)
        fill_data(m, la, user, &t);
    return MMU_OK;
}

void mmu_rmw_commit(struct mmu *m, unsigned size, uint64_t value)
{
    laddr_t la = m->rmw.la;
    unsigned flags = m->rmw.flags;
    CHECK(m->rmw.part[0] + m->rmw.part[1] == size);
    for (unsigned i = 0; i < 2 && m->rmw.part[i]; i++) {
        unsigned part = m->rmw.part[i];
        struct target t = {
            .host = m->rmw.host[i], .pa = m->rmw.pa[i], .attributes = m->rmw.attributes[i]};
        if (m->timed)
            meet_lines(m, la, &t, part, ACCESS_WRITE, flags);
        physical_store(m, t.host, t.pa, part, value);
        flags &= ~(unsigned)ACCESS_MISALIGNED;
        value = part < 8 ? value >> (8 * part) : 0;
        la += part;
    }
}

/* --- code ------------------------------------------------------------------------------------------------ */

static void fill_code(struct mmu *m, laddr_t la, paddr_t pa, uint8_t *plru,
                      struct plru_effect effect)
{
    if (m->fast_forbidden)
        return;
    unsigned slot = fast_slot(la);
    m->fast_code[m->user][slot] = (struct fast_code){
        .tag = la & PAGE_ADDRESS,
        .pa = pa & PAGE_ADDRESS,
        .plru = plru,
        .plru_and = effect.keep,
        .plru_or = effect.set,
    };
    m->code_used[m->user][slot / 64] |= 1ull << (slot % 64);
}

/* Large pages become 4 KB entries here [geometry.md 1.3]. -1: a page fault. */
static int walk_code(struct mmu *m, laddr_t la)
{
    struct translation walked;
    m->itlb.misses++;
    if (m->timed)
        check_log(m);
    if (!paging_walk(m, la, false, m->user, true, &walked))
        return fail(m, la), -1;
    uint32_t evicted, page = walked.page;
    if (walked.flags & TLB_LARGE) {
        page += la >> 12 & 0x3FF;
        m->itlb_split = true;
    }
    uint32_t index = tlb_fill(&m->itlb, la >> 12, page, walked.flags, &evicted);
    if (evicted != TLB_INVALID)
        forget_code_page(m, evicted << 12);
    return (int)index;
}

enum mmu_status mmu_fetch_slow(struct mmu *m, laddr_t la, paddr_t *pa)
{
    if (!m->paging) {
        *pa = la & m->a20_mask;
        fill_code(m, la, *pa, &m->plru_none, (struct plru_effect){0, 0});
        return MMU_OK;
    }
    struct tlb *t = &m->itlb;
    int index = tlb_find(t, la >> 12);
    if (index >= 0) {
        if (!paging_permits(m, t->entry[index].flags, false, m->user))
            return deny(m, la, false, m->user), MMU_FAULT;
        tlb_touch(t, (uint32_t)index);
    } else if ((index = walk_code(m, la)) < 0) {
        return MMU_FAULT;
    }
    *pa = (t->entry[index].page << 12 | (la & PAGE_OFFSET)) & m->a20_mask;
    fill_code(m, la, *pa, tlb_plru(t, (uint32_t)index),
              plru_effect(t->ways, (uint32_t)index & (t->ways - 1)));
    return MMU_OK;
}

/* The line's cacheability is that of its ITLB entry, which the fetch has just used. */
static unsigned code_attributes(const struct mmu *m, laddr_t la)
{
    int index = m->paging ? tlb_find(&m->itlb, la >> 12) : -1;
    return index < 0 ? 0 : m->itlb.entry[index].flags & (TLB_UNCACHED | TLB_THROUGH);
}

void mmu_fetch_line(struct mmu *m, laddr_t la, paddr_t pa)
{
    unsigned flags = 0, level = LEVEL_DEVICE;
    if (physical_host(&m->phys, pa))
        level = hierarchy_fetch(m, pa, code_attributes(m, la), &flags);
    access_log_put(m, la, pa, ACCESS_FETCH, level, flags,
                   cache_exists(&m->l1i) ? 1u << m->l1i.line_shift : 32);
}
