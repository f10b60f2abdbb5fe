#include "mmu/mmu.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/dram.h"
#include "mmu/fast.h"
#include "mmu/filter.h"
#include "mmu/hierarchy.h"
#include "mmu/physical.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"

#include <string.h>

static void directories_clear(struct mmu *m)
{
    memset(m->directories.tag, 0xFF, sizeof m->directories.tag);
    m->directories.next = 0;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Untimed, the TLBs are caches of translations for speed alone, so they may be large. */
static void init_tlbs(struct mmu *m)
{
    static const struct tlb_geometry big = {512, 4}, big_large = {64, 4};
    const struct mmu_geometry *g = &m->geometry;
    m->large_shift = g->physical_bits > 32 ? 21 : 22;
    tlb_init(&m->itlb, m->timed ? g->itlb : big);
    tlb_init(&m->dtlb, m->timed ? g->dtlb : big);
    tlb_init(&m->dtlb_large, m->timed ? g->dtlb_large : big_large);
    CHECK(m->itlb.entries && m->dtlb.entries);
    static const struct tlb_geometry none = {0, 0};
    tlb_init(&m->itlb_large, m->timed ? g->itlb_large : none);
    tlb_init(&m->itlb2, m->timed ? g->itlb2 : none);
    tlb_init(&m->dtlb2, m->timed ? g->dtlb2 : none);
    CHECK(g->directory_entries <= DIRECTORY_ENTRIES_MAX);
    m->directories.entries = m->timed ? g->directory_entries : 0;
    directories_clear(m);
    m->itlb_split = m->dtlb_split = false;
}

static void make_arrays(struct mmu *m, const struct mmu_geometry *g)
{
    m->geometry = *g;
    cache_init(&m->l1d, g->l1d);
    cache_init(&m->l1i, g->l1i);
    cache_init(&m->l2, g->l2);
    dram_init(&m->dram, g->dram);
    m->hierarchy = g->l2_exclusive ? &hierarchy_exclusive : &hierarchy_p5;
    init_tlbs(m);
}

void mmu_init(struct mmu *m, const struct mmu_geometry *g, const struct phys *phys, bool timed)
{
    memset(m, 0, sizeof *m);
    CHECK(phys->size % PAGE_BYTES_4K == 0);
    m->phys = *phys;
    m->timed = timed;
    m->a20_mask = UINT32_MAX;
    make_arrays(m, g);
    fast_init(m);
    fast_update(m);
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
    if (m->geometry.physical_bits > 32) {
        tlb_flush(&m->itlb_large);
        tlb_flush(&m->itlb2);
        tlb_flush(&m->dtlb2);
        directories_clear(m);
        filter_clear(m);
    }
    m->itlb_split = m->dtlb_split = false;
    fast_forget_data(m);
    fast_forget_code(m);
}

/* RESET. The A20 gate is the board's and stays; the rest follows CR0 = 60000010h [SDM3 9.1]. */
void mmu_set_geometry(struct mmu *m, const struct mmu_geometry *g)
{
    mmu_free(m);
    make_arrays(m, g);
    fast_update(m);
}

void mmu_reset(struct mmu *m)
{
    flush_tlbs(m);
    clear_caches(m);
    m->paging = false;
    m->write_protect = false;
    m->large_enabled = false;
    m->pae = m->no_execute = m->global_enabled = false;
    m->global_tag = 0;
    memset(m->pdpte, 0, sizeof m->pdpte);
    m->types = (struct memory_types){0};
    m->caches_off = true;
    m->cr3 = 0;
    m->locked = false;
    m->code_was_hit = false;
    m->fault_la = 0;
    m->fault_code = 0;
    memset(&m->rmw, 0, sizeof m->rmw);
    m->last_miss = 0;
    mmu_set_user(m, false);
}

void mmu_set_timed(struct mmu *m, bool timed)
{
    m->timed = timed;
    init_tlbs(m);
    mmu_set_flush_filter(m, m->filter_wanted);
    clear_caches(m);
    fast_update(m);
}

void mmu_set_fast(struct mmu *m, bool allowed)
{
    m->fast_forbidden = !allowed;
    fast_update(m);
}

/* --- control registers and pins --------------------------------------------------------------- */

void mmu_set_control(struct mmu *m, bool paging, bool write_protect, bool caches_off,
                     bool large_enabled)
{
    bool flush = paging != m->paging || large_enabled != m->large_enabled;
    if (flush)
        flush_tlbs(m);
    else if (write_protect != m->write_protect)
        fast_forget_data(m);
    m->paging = paging;
    m->write_protect = write_protect;
    m->caches_off = caches_off;
    m->large_enabled = large_enabled;
}

/* Entries of global pages stay. */
static void flush_space(struct mmu *m)
{
    tlb_flush_space(&m->itlb);
    tlb_flush_space(&m->dtlb);
    tlb_flush_space(&m->dtlb_large);
    tlb_flush_space(&m->itlb_large);
    tlb_flush_space(&m->itlb2);
    tlb_flush_space(&m->dtlb2);
    directories_clear(m);
    filter_clear(m);
    fast_forget_data(m);
    fast_forget_code(m);
}

/* Without paging the TLBs are empty already, and fast entries do not come from CR3. */
void mmu_set_cr3(struct mmu *m, uint32_t cr3)
{
    m->cr3 = cr3;
    if (!m->paging)
        return;
    if (UNLIKELY(m->filter.on) && filter_keeps(m, cr3)) {
        access_log_put(m, cr3, 0, ACCESS_NOTE, NOTE_TLBS_KEPT, 0, 0);
        directories_clear(m);
        fast_forget_data(m);
        fast_forget_code(m);
        return;
    }
    if (m->global_enabled)
        flush_space(m);
    else
        flush_tlbs(m);
}

void mmu_set_extensions(struct mmu *m, bool pae, bool global, bool no_execute)
{
    unsigned bits = m->geometry.physical_bits;
    no_execute = no_execute && pae;
    if (pae == m->pae && global == m->global_enabled && no_execute == m->no_execute)
        return;
    flush_tlbs(m);
    m->pae = pae;
    m->global_enabled = global;
    m->global_tag = m->filter.on && global ? TAG_GLOBAL : 0;
    m->no_execute = no_execute;
    m->reserved = ((1ull << 63) - (1ull << bits)) | (no_execute ? 0 : 1ull << 63);
}

/* On flat the TLBs are no part's, and it keeps nothing. */
void mmu_set_flush_filter(struct mmu *m, bool on)
{
    m->filter_wanted = on && m->geometry.flush_filter;
    m->filter.on = m->filter_wanted && m->timed;
    m->global_tag = m->filter.on && m->global_enabled ? TAG_GLOBAL : 0;
    flush_tlbs(m);
}

void mmu_set_types(struct mmu *m, const struct memory_types *types)
{
    m->types = *types;
    flush_tlbs(m);
}

void mmu_set_user(struct mmu *m, bool user)
{
    m->user = user;
    m->fast = mmu_fast_table(m);
}

/* The gate masks addresses after translation, so TLB entries stay good; fast entries do not. */
void mmu_set_a20(struct mmu *m, bool enabled)
{
    uint32_t mask = enabled ? UINT32_MAX : ~(1u << 20);
    if (mask == m->a20_mask)
        return;
    m->a20_mask = mask;
    fast_forget_data(m);
    fast_forget_code(m);
}

/* Drops the 4 KB entries that were made of one large page: software cannot know of them, so INVLPG
 * of any address in the page must find them all [SDM3 4.10.2.3]. */
static void invalidate_split(struct mmu *m, struct tlb *t, laddr_t la,
                             void (*forget)(struct mmu *m, laddr_t page))
{
    unsigned shift = m->pae ? 21 - 12 : 22 - 12;
    for (uint32_t i = 0; i < t->entries; i++) {
        const struct tlb_entry *e = &t->entry[i];
        if (e->tag == TLB_INVALID || !(e->flags & TLB_LARGE) ||
            (e->tag & TAG_ADDRESS) >> shift != la >> 12 >> shift)
            continue;
        laddr_t page = e->tag << 12;
        tlb_invalidate(t, e->tag);
        forget(m, page);
    }
}

static void invalidate_large(struct mmu *m, struct tlb *t, laddr_t la,
                             void (*forget)(struct mmu *m, uint32_t unit))
{
    uint32_t unit = la >> m->large_shift;
    if (tlb_drop(m, t, unit))
        forget(m, unit);
    if (m->large_shift == 21 && !m->pae && tlb_drop(m, t, unit ^ 1)) /* a page of 4 MB */
        forget(m, unit ^ 1);
}

void mmu_invalidate_page(struct mmu *m, laddr_t la)
{
    laddr_t page = la & PAGE_ADDRESS;
    if (tlb_drop(m, &m->dtlb, la >> 12))
        fast_forget_data_page(m, page);
    invalidate_large(m, &m->dtlb_large, la, fast_forget_data_region);
    if (tlb_drop(m, &m->itlb, la >> 12))
        fast_forget_code_page(m, page);
    if (m->geometry.physical_bits > 32) {
        tlb_drop(m, &m->itlb2, la >> 12);
        tlb_drop(m, &m->dtlb2, la >> 12);
        invalidate_large(m, &m->itlb_large, la, fast_forget_code_region);
        directories_clear(m);
    }
    if (m->dtlb_split)
        invalidate_split(m, &m->dtlb, la, fast_forget_data_page);
    if (m->itlb_split)
        invalidate_split(m, &m->itlb, la, fast_forget_code_page);
}

void mmu_flush_line(struct mmu *m, laddr_t la)
{
    paddr_t pa;
    unsigned flags = 0;
    mmu_settle(m);
    if (m->timed && mmu_translate_peek(m, la, &pa))
        m->hierarchy->flush_line(m, pa, &flags);
}

void mmu_invalidate_caches(struct mmu *m, bool write_back)
{
    if (m->timed)
        m->hierarchy->flush(m, write_back);
}
