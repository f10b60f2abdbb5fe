/* snapshot: everything of the unit that later behaviour can depend on, between two instructions.
 *
 * Fast entries are left out: they follow from the TLBs, and are forgotten on loading. So are the
 * fault registers and the halves of a read-modify-write, which live inside one instruction, and the
 * memory itself, which is the board's. */
#include "mmu/mmu.h"

#include "mmu/cache.h"
#include "mmu/filter.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"

#include <string.h>

/* Field by field, so that the structure's padding stays out of the hash. */
static void snapshot_entries(struct tlb *t, struct snap *s)
{
    uint32_t packed[TLB_ENTRIES_MAX][3];
    for (uint32_t i = 0; i < t->entries; i++) {
        packed[i][0] = t->entry[i].tag;
        packed[i][1] = t->entry[i].page;
        packed[i][2] = t->entry[i].flags;
    }
    snap_bytes(s, "entries", packed, t->entries * sizeof packed[0]);
    if (!snap_loading(s))
        return;
    for (uint32_t i = 0; i < t->entries; i++)
        t->entry[i] = (struct tlb_entry){packed[i][0], packed[i][1], (uint16_t)packed[i][2]};
    memset(t->filled, 0xFF, sizeof t->filled);
}

static void snapshot_tlb(struct tlb *t, struct snap *s, const char *name)
{
    snap_enter(s, name);
    snapshot_entries(t, s);
    snap_bytes(s, "plru", t->plru, tlb_plru_bytes(t));
    if (t->ways > 8)
        snap_u8(s, "hand", &t->hand);
    snap_u64(s, "misses", &t->misses);
    snap_leave(s);
}

static void snapshot_cache(struct cache *c, struct snap *s, const char *name)
{
    size_t lines = (size_t)c->sets * c->ways;
    snap_enter(s, name);
    snap_bytes(s, "tag", c->tag, lines * sizeof *c->tag);
    snap_bytes(s, "state", c->state, lines);
    snap_bytes(s, "lru", c->lru, cache_lru_bytes(c));
    snap_u64(s, "hits", &c->hits);
    snap_u64(s, "misses", &c->misses);
    snap_u64(s, "writebacks", &c->writebacks);
    snap_leave(s);
}

static void snapshot_control(struct mmu *m, struct snap *s)
{
    bool timed = m->timed, user = m->user;
    snap_bool(s, "timed", &timed);
    if (snap_loading(s)) /* the TLBs' geometry follows; loading also forgets all fast entries */
        mmu_set_timed(m, timed);
    snap_bool(s, "user", &user);
    if (snap_loading(s))
        mmu_set_user(m, user);
    snap_bool(s, "locked", &m->locked);
    snap_bool(s, "code_was_hit", &m->code_was_hit);
    snap_bool(s, "paging", &m->paging);
    snap_bool(s, "write_protect", &m->write_protect);
    snap_bool(s, "large_enabled", &m->large_enabled);
    snap_bool(s, "caches_off", &m->caches_off);
    snap_u32(s, "cr3", &m->cr3);
    snap_u32(s, "a20_mask", &m->a20_mask);
    snap_bool(s, "itlb_split", &m->itlb_split);
    snap_bool(s, "dtlb_split", &m->dtlb_split);
}

/* What the P5 has not. MTRRs and PAT are the processor's, which hands them over again. */
static void snapshot_extensions(struct mmu *m, struct snap *s)
{
    if (m->geometry.physical_bits <= 32)
        return;
    bool pae = m->pae, global = m->global_enabled, no_execute = m->no_execute;
    snap_bool(s, "pae", &pae);
    snap_bool(s, "global", &global);
    snap_bool(s, "no_execute", &no_execute);
    if (snap_loading(s))
        mmu_set_extensions(m, pae, global, no_execute);
    snap_bytes(s, "pdpte", m->pdpte, sizeof m->pdpte);
}

static void snapshot_second_level(struct mmu *m, struct snap *s)
{
    if (m->geometry.physical_bits <= 32)
        return;
    snapshot_tlb(&m->itlb_large, s, "itlb_large");
    snapshot_tlb(&m->itlb2, s, "itlb2");
    snapshot_tlb(&m->dtlb2, s, "dtlb2");
    struct directory_cache *d = &m->directories;
    snap_u32(s, "directory_next", &d->next);
    snap_bytes(s, "directory_tag", d->tag, d->entries * sizeof d->tag[0]);
    snap_bytes(s, "directory_entry", d->entry, d->entries * sizeof d->entry[0]);
    snap_u32(s, "last_miss", &m->last_miss);
    if (!m->geometry.flush_filter)
        return;
    struct flush_filter *f = &m->filter;
    bool wanted = m->filter_wanted;
    snap_bool(s, "filter", &wanted);
    snap_bool(s, "filter_written", &f->written);
    snap_u32(s, "filter_spaces", &f->spaces);
    snap_bytes(s, "filter_cr3", f->cr3, sizeof f->cr3);
    snap_u32(s, "filter_pages", &f->pages);
    snap_bytes(s, "filter_page", f->page, sizeof f->page);
    snap_u32(s, "space_tag", &m->space_tag);
    if (!snap_loading(s))
        return;
    m->filter_wanted = wanted;
    f->on = wanted && m->timed;
    m->global_tag = f->on && m->global_enabled ? TAG_GLOBAL : 0;
    filter_mark(m);
}

void mmu_snapshot(struct mmu *m, struct snap *s)
{
    snap_enter(s, "mmu");
    snapshot_control(m, s);
    snapshot_extensions(m, s);
    snapshot_tlb(&m->itlb, s, "itlb");
    snapshot_tlb(&m->dtlb, s, "dtlb");
    snapshot_tlb(&m->dtlb_large, s, "dtlb_large");
    snapshot_second_level(m, s);
    snapshot_cache(&m->l1d, s, "l1d");
    snapshot_cache(&m->l1i, s, "l1i");
    snapshot_cache(&m->l2, s, "l2");
    snap_bytes(s, "open_row", m->dram.open_row, m->dram.banks * sizeof *m->dram.open_row);
    snap_leave(s);
}
