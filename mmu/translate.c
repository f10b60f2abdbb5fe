#include "mmu/translate.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/hierarchy.h"
#include "mmu/paging.h"
#include "mmu/tlb.h"
#include "mmu/types.h"

/* What a hit does to the replacement bits. Untimed only fills count, so that the fast path is
 * spared the update and replacement still does not depend on who took the access. */
static struct plru_effect hit_effect(const struct mmu *m, const struct tlb *t, uint32_t index)
{
    return m->timed ? tlb_effect(t, index) : (struct plru_effect){0xFF, 0};
}

static void hit_touch(struct mmu *m, struct tlb *t, uint32_t index)
{
    if (m->timed)
        tlb_touch(t, index);
}

/* Brings the page of la from a second-level TLB into first: the index there, -1 if it has none. */
static int refill(struct mmu *m, laddr_t la, struct tlb *second, struct tlb *first, unsigned side)
{
    uint32_t evicted;
    int index = tlb_find_page(m, second, la >> 12);
    if (index < 0)
        return -1;
    tlb_touch(second, (uint32_t)index);
    access_log_put(m, la, 0, ACCESS_NOTE, NOTE_TLB_REFILL, side, 0);
    const struct tlb_entry *e = &second->entry[index];
    uint32_t at = tlb_fill(first, tlb_tag(m, la >> 12, e->flags), e->page, e->flags, &evicted);
    if (evicted != TLB_INVALID && side)
        fast_forget_code_page(m, evicted << 12);
    else if (evicted != TLB_INVALID)
        fast_forget_data_page(m, evicted << 12);
    return (int)at;
}

/* --- data ------------------------------------------------------------------------------------- */

/* A page fault also drops what the TLBs hold for the address, so that it cannot recur once the
 * tables allow the access [SDM3 4.10.4.1]. */
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

/* The 4 KB page of la within what a large entry covers. */
static uint32_t page_within(const struct mmu *m, laddr_t la)
{
    return (la & ((1u << m->large_shift) - 1)) >> 12;
}

static uint32_t fill_dtlb(struct mmu *m, laddr_t la, const struct translation *w, struct tlb **tlb)
{
    uint32_t evicted, index;
    if ((w->flags & TLB_LARGE) && m->dtlb_large.entries && !w->mixed) {
        *tlb = &m->dtlb_large;
        uint32_t tag = tlb_tag(m, la >> m->large_shift, w->flags);
        index = tlb_fill(*tlb, tag, w->page, w->flags, &evicted);
        if (evicted != TLB_INVALID)
            fast_forget_data_region(m, evicted & TAG_ADDRESS);
        return index;
    }
    uint32_t page = w->page;
    if (w->flags & TLB_LARGE) {
        page += page_within(m, la);
        m->dtlb_split = true;
    }
    *tlb = &m->dtlb;
    index = tlb_fill(*tlb, tlb_tag(m, la >> 12, w->flags), page, w->flags, &evicted);
    if (evicted != TLB_INVALID)
        fast_forget_data_page(m, evicted << 12);
    if (m->global_tag)
        tlb_drop(m, &m->dtlb2, la >> 12); /* it may have been global, or not */
    if (m->dtlb2.entries && !(w->flags & TLB_LARGE))
        tlb_fill(&m->dtlb2, tlb_tag(m, la >> 12, w->flags), page, w->flags, &evicted);
    return index;
}

/* The index in *tlb of the entry for la; -1: none has it. */
static ALWAYS_INLINE int look_up(struct mmu *m, laddr_t la, struct tlb **tlb)
{
    *tlb = &m->dtlb;
    int index = tlb_find_page(m, &m->dtlb, la >> 12);
    if (index < 0) {
        *tlb = &m->dtlb_large;
        index = tlb_find_page(m, &m->dtlb_large, la >> m->large_shift);
        if (index < 0 && m->dtlb2.entries) {
            *tlb = &m->dtlb;
            index = refill(m, la, &m->dtlb2, &m->dtlb, 0);
        }
    }
    return index;
}

/* The entry that translates la, walking if there is none, or if a write finds it clean: then the
 * walk sets D, and the entry is made anew. NULL: a page fault. */
static const struct tlb_entry *find_entry(struct mmu *m, laddr_t la, bool write, bool user,
                                          struct tlb **tlb)
{
    int index = look_up(m, la, tlb);
    if (LIKELY(index >= 0)) {
        const struct tlb_entry *e = &(*tlb)->entry[index];
        if (!paging_permits(m, e->flags, write, user))
            return deny(m, la, write, user), NULL;
        if (!write || (e->flags & TLB_DIRTY)) {
            hit_touch(m, *tlb, (uint32_t)index);
            return e;
        }
    } else {
        m->dtlb.misses++;
    }
    struct translation walked;
    if (!paging_walk(m, la, write, user, false, &walked))
        return fail(m, la), NULL;
    struct tlb *old = *tlb;
    uint32_t old_tag = index >= 0 ? old->entry[index].tag : TLB_INVALID;
    uint32_t at = fill_dtlb(m, la, &walked, tlb);
    if (index >= 0 && (old != *tlb || (*tlb)->entry[at].tag != old_tag)) {
        tlb_invalidate(old, old_tag); /* the tables changed the page's size, or G, meanwhile */
        fast_forget_data_region(m, la >> m->large_shift);
    }
    return &(*tlb)->entry[at];
}

static void locate(struct mmu *m, struct target *t)
{
    t->host = physical_host(&m->phys, t->pa);
    if (t->host && (m->phys.page_flags[t->pa >> 12] & PAGE_ROM))
        t->attributes |= TLB_THROUGH;
}

bool translate_slow(struct mmu *m, laddr_t la, bool write, bool user, struct target *t)
{
    t->fast = false;
    if (!m->paging) {
        t->pa = la & m->a20_mask;
        t->attributes = types_unpaged(m, t->pa);
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
    uint32_t within = tlb == &m->dtlb_large ? (1u << m->large_shift) - 1 : PAGE_OFFSET;
    t->pa = (e->page << 12 | (la & within)) & m->a20_mask;
    t->attributes = e->flags & TLB_ATTRIBUTES;
    t->writable = (e->flags & TLB_DIRTY) && paging_permits(m, e->flags, true, user);
    t->plru = tlb_plru(tlb, index);
    t->effect = hit_effect(m, tlb, index);
    locate(m, t);
    return true;
}

bool translate_resident(struct mmu *m, laddr_t la, bool user, struct target *t)
{
    struct tlb *tlb;
    if (m->paging) {
        int index = look_up(m, la, &tlb);
        if (index < 0 || !paging_permits(m, tlb->entry[index].flags, false, user))
            return false;
    }
    return translate_slow(m, la, false, user, t);
}

/* --- code ------------------------------------------------------------------------------------- */

/* Where there is no TLB for them, large pages become 4 KB entries [geometry.md 1.3]. */
static uint32_t fill_itlb(struct mmu *m, laddr_t la, const struct translation *w, struct tlb **tlb)
{
    uint32_t evicted, index, page = w->page;
    if ((w->flags & TLB_LARGE) && m->itlb_large.entries && !w->mixed) {
        *tlb = &m->itlb_large;
        uint32_t tag = tlb_tag(m, la >> m->large_shift, w->flags);
        index = tlb_fill(*tlb, tag, page, w->flags, &evicted);
        if (evicted != TLB_INVALID)
            fast_forget_code_region(m, evicted & TAG_ADDRESS);
        return index;
    }
    if (w->flags & TLB_LARGE) {
        page += page_within(m, la);
        m->itlb_split = true;
    }
    *tlb = &m->itlb;
    index = tlb_fill(*tlb, tlb_tag(m, la >> 12, w->flags), page, w->flags, &evicted);
    if (evicted != TLB_INVALID)
        fast_forget_code_page(m, evicted << 12);
    if (m->itlb2.entries && !(w->flags & TLB_LARGE))
        tlb_fill(&m->itlb2, tlb_tag(m, la >> 12, w->flags), page, w->flags, &evicted);
    return index;
}

/* -1: none of the TLBs has la's page. */
static int find_code(struct mmu *m, laddr_t la, struct tlb **tlb)
{
    *tlb = &m->itlb;
    int index = tlb_find_page(m, &m->itlb, la >> 12);
    if (index < 0 && m->itlb_large.entries) {
        *tlb = &m->itlb_large;
        index = tlb_find_page(m, &m->itlb_large, la >> m->large_shift);
    }
    if (index < 0 && m->itlb2.entries) {
        *tlb = &m->itlb;
        index = refill(m, la, &m->itlb2, &m->itlb, ACCESS_CODE_SIDE);
    }
    return index;
}

/* -1: a page fault. */
static int walk_code(struct mmu *m, laddr_t la, struct tlb **tlb)
{
    struct translation walked;
    m->itlb.misses++;
    if (!paging_walk(m, la, false, m->user, true, &walked))
        return fail(m, la), -1;
    return (int)fill_itlb(m, la, &walked, tlb);
}

static void deny_code(struct mmu *m, laddr_t la)
{
    m->fault_la = la;
    m->fault_code = paging_code_fault(m, m->user) | FAULT_PRESENT;
    fail(m, la);
}

enum mmu_status mmu_fetch_slow(struct mmu *m, laddr_t la, paddr_t *pa)
{
    if (!m->paging) {
        *pa = la & m->a20_mask;
        fast_fill_code(m, la, *pa, &m->plru_none, (struct plru_effect){0, 0});
        return MMU_OK;
    }
    if (m->timed)
        check_log(m);
    struct tlb *t;
    int index = find_code(m, la, &t);
    if (index >= 0) {
        if (!paging_permits_code(m, t->entry[index].flags, m->user))
            return deny_code(m, la), MMU_FAULT;
        hit_touch(m, t, (uint32_t)index);
    } else if ((index = walk_code(m, la, &t)) < 0) {
        return MMU_FAULT;
    }
    uint32_t within = t == &m->itlb_large ? (1u << m->large_shift) - 1 : PAGE_OFFSET;
    *pa = (t->entry[index].page << 12 | (la & within)) & m->a20_mask;
    fast_fill_code(m, la, *pa, tlb_plru(t, (uint32_t)index), hit_effect(m, t, (uint32_t)index));
    return MMU_OK;
}

/* The line's cacheability is that of its ITLB entry, which the fetch has just used. */
static unsigned code_attributes(const struct mmu *m, laddr_t la, paddr_t pa)
{
    if (!m->paging)
        return types_unpaged(m, pa);
    const struct tlb *t = &m->itlb;
    int index = tlb_find_page(m, t, la >> 12);
    if (index < 0) {
        t = &m->itlb_large;
        index = tlb_find_page(m, t, la >> m->large_shift);
    }
    return index < 0 ? 0 : t->entry[index].flags & TLB_ATTRIBUTES;
}

/* A hit asks nobody; what a miss asks depends on the page. */
void mmu_fetch_line(struct mmu *m, laddr_t la, paddr_t pa)
{
    unsigned flags = 0, level = LEVEL_L1;
    int index = cache_find(&m->l1i, pa);
    if (LIKELY(index >= 0))
        cache_touch(&m->l1i, (uint32_t)index);
    else if (physical_host(&m->phys, pa))
        level = m->hierarchy->fetch(m, pa, code_attributes(m, la, pa), &flags);
    else
        level = LEVEL_DEVICE;
    access_log_put(m, la, pa, ACCESS_FETCH, level, flags,
                   cache_exists(&m->l1i) ? 1u << m->l1i.line_shift : 32);
}
