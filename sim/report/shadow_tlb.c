/* shadow_tlb: translation look-aside buffers whose entries carry the number of their page
 * directory. They hold what the machine's would; whether an entry is still right is seen from the
 * physical address that the access really had, so that page tables which software changes, and
 * makes known by reloading CR3, cost a walk here as well. */
#include "sim/report/shadow.h"

#include "cpu/mem.h"
#include "mmu/paging.h"
#include "mmu/physical.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define DIRECTORY_SHIFT TAG_SPACE_SHIFT /* above a page's number */

static uint32_t tag_in(uint32_t directory, uint32_t page)
{
    return directory << DIRECTORY_SHIFT | page;
}

static void flush(struct shadow_tlbs *t)
{
    struct tlb *all[] = {&t->code, &t->data, &t->large, &t->code_large, &t->code2, &t->data2};
    for (unsigned i = 0; i < ARRAY_COUNT(all); i++)
        tlb_flush(all[i]);
}

/* As a write to CR3 does: global pages stay. */
static void flush_space(struct shadow_tlbs *t, bool global)
{
    struct tlb *all[] = {&t->code, &t->data, &t->large, &t->code_large, &t->code2, &t->data2};
    for (unsigned i = 0; i < ARRAY_COUNT(all) && global; i++)
        tlb_flush_space(all[i]);
    if (!global)
        flush(t);
}

static void number(struct shadow_tlbs *t, uint32_t cr3)
{
    for (t->now = 0; t->now < t->count && t->directory[t->now] != cr3; t->now++)
        ;
    if (t->now < t->count)
        return;
    if (t->count == SHADOW_DIRECTORIES) {
        flush(t);
        t->now = t->count = 0;
    }
    t->directory[t->count++] = cr3;
}

/* Another directory is walked from now on. */
static void enter(struct shadow_tlbs *t, uint32_t cr3, bool global)
{
    t->cr3 = cr3;
    if (t->reloads && t->paging && !t->kept) {
        flush_space(t, global);
        t->count = 0;
    }
    t->kept = false;
    number(t, cr3);
}

/* The machine's tags have the flush filter's numbers, which are kept. */
static void copy(struct tlb *to, const struct tlb *from)
{
    memcpy(to, from, sizeof *to);
    memset(to->filled, 0xFF, sizeof to->filled);
    for (uint32_t i = 0; i < to->entries; i++) {
        struct tlb_entry *e = &to->entry[i];
        if (e->tag != TLB_INVALID && e->flags & TLB_GLOBAL)
            e->tag = tag_in(SHADOW_GLOBAL, e->tag & TAG_ADDRESS);
    }
}

struct shadow_tlbs *shadow_tlbs_new(const struct cpu *c, bool reloads)
{
    struct shadow_tlbs *t = xalloc(1, sizeof *t);
    const struct mmu *m = c->mmu;
    copy(&t->code, &m->itlb);
    copy(&t->data, &m->dtlb);
    copy(&t->large, &m->dtlb_large);
    copy(&t->code_large, &m->itlb_large);
    copy(&t->code2, &m->itlb2);
    copy(&t->data2, &m->dtlb2);
    t->reloads = reloads;
    t->paging = m->paging;
    t->large_enabled = m->large_enabled;
    t->large_shift = m->large_shift;
    t->cr3 = c->cr3;
    if (m->filter.on) {
        t->count = m->filter.spaces;
        memcpy(t->directory, m->filter.cr3, t->count * sizeof *t->directory);
        t->now = m->space_tag >> DIRECTORY_SHIFT;
    } else {
        t->directory[t->count++] = c->cr3;
    }
    return t;
}

/* --- what the tables say ---------------------------------------------------------------------- */

struct found {
    paddr_t at[2]; /* of the entries read, and how many */
    unsigned count;
    struct translation page;
};

/* With PAE only as the pointers are now. */
static bool look(const struct shadow_tlbs *t, const struct cpu *c, laddr_t la, struct found *f)
{
    const struct mmu *m = c->mmu;
    if (m->pae && t->cr3 != c->cr3)
        return false;
    f->count = paging_trace(m, t->cr3, la, &f->page, f->at);
    return f->count > 0;
}

/* The bits of a page number that an entry gives. */
static uint32_t frame_mask(const struct shadow_tlbs *t, const struct translation *w)
{
    return w->flags & TLB_LARGE ? ~((1u << (t->large_shift - 12)) - 1) : ~0u;
}

static uint32_t tag_of(const struct shadow_tlbs *t, const struct translation *w, uint32_t unit)
{
    return tag_in(w->flags & TLB_GLOBAL ? SHADOW_GLOBAL : t->now, unit);
}

/* Large pages are held in pieces where there is no TLB for them. */
static void fill(struct shadow_tlbs *t, bool code, laddr_t la, const struct translation *w)
{
    uint32_t evicted, page = w->page;
    struct tlb *large = code ? &t->code_large : &t->large, *second = code ? &t->code2 : &t->data2;
    if (w->flags & TLB_LARGE && large->entries && !w->mixed) {
        tlb_fill(large, tag_of(t, w, la >> t->large_shift), page, w->flags, &evicted);
        return;
    }
    if (w->flags & TLB_LARGE)
        page += la >> 12 & ((1u << (t->large_shift - 12)) - 1);
    tlb_fill(code ? &t->code : &t->data, tag_of(t, w, la >> 12), page, w->flags, &evicted);
    if (second->entries && !(w->flags & TLB_LARGE))
        tlb_fill(second, tag_of(t, w, la >> 12), page, w->flags, &evicted);
}

/* --- look-ups --------------------------------------------------------------------------------- */

static int find_unit(const struct shadow_tlbs *t, const struct tlb *tlb, uint32_t unit)
{
    int index = tlb_find(tlb, tag_in(t->now, unit));
    return index < 0 ? tlb_find(tlb, tag_in(SHADOW_GLOBAL, unit)) : index;
}

/* In the first level. */
static int find(struct shadow_tlbs *t, bool code, laddr_t la, struct tlb **tlb)
{
    *tlb = code ? &t->code : &t->data;
    int index = find_unit(t, *tlb, la >> 12);
    if (index >= 0)
        return index;
    *tlb = code ? &t->code_large : &t->large;
    return find_unit(t, *tlb, la >> t->large_shift);
}

/* Brings the page of la from the second level. */
static bool refill(struct shadow_tlbs *t, bool code, laddr_t la)
{
    struct tlb *second = code ? &t->code2 : &t->data2;
    uint32_t evicted;
    int index = find_unit(t, second, la >> 12);
    if (index < 0)
        return false;
    tlb_touch(second, (uint32_t)index);
    const struct tlb_entry *e = &second->entry[index];
    tlb_fill(code ? &t->code : &t->data, e->tag, e->page, e->flags, &evicted);
    return true;
}

/* A walk that sets a bit is made everywhere: no entry says that it is set. */
static bool sets_bits(const struct access *a, const struct access *end)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_UPDATE)
            return true;
    return false;
}

bool shadow_tlbs_walks(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                       const struct access *end)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    struct tlb *tlb;
    struct found f;
    bool held = find(t, code, a->la, &tlb) >= 0 ||
                find_unit(t, code ? &t->code2 : &t->data2, a->la >> 12) >= 0;
    if (held && !t->reloads && !sets_bits(a, end))
        return false;
    if (look(t, c, a->la, &f))
        fill(t, code, a->la, &f.page);
    return true;
}

/* Whether the entry still says where the access was. */
static bool agrees(const struct shadow_tlbs *t, const struct tlb *tlb, int index,
                   const struct access *a)
{
    bool large = tlb == &t->large || tlb == &t->code_large;
    uint32_t mask = large ? ~((1u << (t->large_shift - 12)) - 1) : ~0u;
    return !((tlb->entry[index].page ^ a->pa >> 12) & mask);
}

/* A prefetch instruction uses an entry that is there, and makes none; CLFLUSH uses it, too. */
static void touch_requested(struct shadow_tlbs *t, const struct cpu *c, laddr_t la)
{
    struct tlb *tlb;
    int index = t->paging ? find(t, false, la, &tlb) : -1;
    if (index >= 0 && paging_permits(c->mmu, tlb->entry[index].flags, false, c->mmu->user))
        tlb_touch(tlb, (uint32_t)index);
}

static unsigned hear(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                     struct access *list)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    struct tlb *tlb;
    if (a->level == NOTE_TLBS_KEPT)
        t->kept = true;
    if (a->level == NOTE_CR3_LOAD)
        enter(t, a->la, c->mmu->global_enabled);
    if (a->level == NOTE_TLB_FLUSH)
        flush(t);
    if (a->level == NOTE_PREFETCH || a->level == NOTE_LINE_FLUSH)
        touch_requested(t, c, a->la);
    if (a->level != NOTE_TLB_REFILL || find(t, code, a->la, &tlb) >= 0 || !refill(t, code, a->la))
        return 0;
    list[0] = *a;
    return 1;
}

unsigned shadow_tlbs_touch(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                           struct access *list)
{
    bool code = a->kind == ACCESS_FETCH;
    struct tlb *tlb;
    struct found f;
    if (a->kind == ACCESS_NOTE)
        return hear(t, c, a, list);
    if (!t->paging)
        return 0;
    unsigned side = code ? ACCESS_CODE_SIDE : 0;
    int index = find(t, code, a->la, &tlb);
    bool refilled = index < 0 && refill(t, code, a->la);
    if (refilled)
        index = find(t, code, a->la, &tlb);
    if (index >= 0 && agrees(t, tlb, index, a)) {
        tlb_touch(tlb, (uint32_t)index);
        list[0] = (struct access){.la = a->la, .kind = ACCESS_NOTE, .level = NOTE_TLB_REFILL,
                                  .flags = (uint8_t)side};
        return refilled;
    }
    if (!look(t, c, a->la, &f) || (f.page.page ^ a->pa >> 12) & frame_mask(t, &f.page))
        return 0;
    fill(t, code, a->la, &f.page);
    for (unsigned i = 0; i < f.count; i++)
        list[i] = (struct access){.la = a->la, .pa = f.at[i], .kind = ACCESS_WALK,
                                  .size = c->mmu->pae ? 8 : 4, .level = LEVEL_L2,
                                  .flags = (uint8_t)side};
    return f.count;
}

bool shadow_tlbs_hit(struct shadow_tlbs *t, const struct access *a, struct tlb_place *at)
{
    if (!t->paging) {
        at->tlb = NULL;
        return true;
    }
    int index = find(t, a->kind == ACCESS_FETCH, a->la, &at->tlb);
    at->index = (uint32_t)index;
    return index >= 0 && agrees(t, at->tlb, index, a);
}

/* --- between instructions --------------------------------------------------------------------- */

static void drop_unit(struct shadow_tlbs *t, struct tlb *tlb, uint32_t unit)
{
    tlb_invalidate(tlb, tag_in(t->now, unit));
    tlb_invalidate(tlb, tag_in(SHADOW_GLOBAL, unit));
}

static void drop_pieces(struct tlb *tlb, laddr_t la, unsigned shift)
{
    for (uint32_t i = 0; i < tlb->entries; i++)
        if (tlb->entry[i].tag != TLB_INVALID && tlb->entry[i].flags & TLB_LARGE &&
            (tlb->entry[i].tag & TAG_ADDRESS) >> shift == la >> 12 >> shift)
            tlb_invalidate(tlb, tlb->entry[i].tag);
}

/* As mmu_invalidate_page: a page of 4 MB takes two entries where one covers 2 MB. */
void shadow_tlbs_drop(struct shadow_tlbs *t, const struct cpu *c, laddr_t la)
{
    struct tlb *small[] = {&t->data, &t->code, &t->data2, &t->code2};
    struct tlb *large[] = {&t->large, &t->code_large};
    unsigned shift = c->mmu->pae ? 21 : 22;
    for (unsigned i = 0; i < ARRAY_COUNT(small); i++)
        drop_unit(t, small[i], la >> 12);
    for (unsigned i = 0; i < ARRAY_COUNT(large); i++)
        for (uint32_t unit = la >> shift << shift >> t->large_shift, n = 0;
             n < 1u << (shift - t->large_shift); n++)
            drop_unit(t, large[i], unit + n);
    drop_pieces(&t->data, la, shift - 12);
    drop_pieces(&t->code, la, shift - 12);
}

void shadow_tlbs_follow(struct shadow_tlbs *t, const struct cpu *c, bool delivery)
{
    const struct mmu *m = c->mmu;
    if (delivery && c->delivered == EXC_PF)
        shadow_tlbs_drop(t, c, c->cr2);
    if (m->paging != t->paging || m->large_enabled != t->large_enabled)
        flush(t);
    t->paging = m->paging;
    t->large_enabled = m->large_enabled;
    if (t->cr3 != c->cr3)
        enter(t, c->cr3, m->global_enabled);
}
