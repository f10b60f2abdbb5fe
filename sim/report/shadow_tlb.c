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

#define DIRECTORY_SHIFT 20 /* above a page's number */

static uint32_t tag_of(const struct shadow_tlbs *t, uint32_t page)
{
    return t->now << DIRECTORY_SHIFT | page;
}

static void flush(struct shadow_tlbs *t)
{
    tlb_flush(&t->code);
    tlb_flush(&t->data);
    tlb_flush(&t->large);
}

/* Another directory is walked from now on. */
static void enter(struct shadow_tlbs *t, uint32_t cr3)
{
    t->cr3 = cr3;
    if (t->reloads) {
        if (t->paging)
            flush(t);
        return;
    }
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

static void copy(struct tlb *to, const struct tlb *from)
{
    memcpy(to, from, sizeof *to);
    memset(to->filled, 0xFF, sizeof to->filled);
}

struct shadow_tlbs *shadow_tlbs_new(const struct cpu *c, bool reloads)
{
    struct shadow_tlbs *t = xalloc(1, sizeof *t);
    const struct mmu *m = c->mmu;
    copy(&t->code, &m->itlb);
    copy(&t->data, &m->dtlb);
    copy(&t->large, &m->dtlb_large);
    t->reloads = reloads;
    t->paging = m->paging;
    t->large_enabled = m->large_enabled;
    t->cr3 = c->cr3;
    t->directory[t->count++] = c->cr3;
    return t;
}

/* --- what the tables say ---------------------------------------------------------------------- */

struct found {
    paddr_t at[2]; /* of the entries read, and how many */
    unsigned count;
    uint32_t page;
    bool large;
};

static bool look(const struct shadow_tlbs *t, const struct cpu *c, laddr_t la, struct found *f)
{
    const struct mmu *m = c->mmu;
    uint32_t pde, pte;
    f->count = 1;
    f->at[0] = ((t->cr3 & PAGE_ADDRESS) | (la >> 20 & 0xFFC)) & m->a20_mask;
    if (!phys_read(&m->phys, f->at[0], &pde, 4) || !(pde & PTE_PRESENT))
        return false;
    f->large = m->large_enabled && (pde & PTE_LARGE);
    if (f->large) {
        f->page = (pde & 0xFFC00000u) >> 12 | (la >> 12 & 0x3FF);
        return true;
    }
    f->count = 2;
    f->at[1] = ((pde & PAGE_ADDRESS) | (la >> 10 & 0xFFC)) & m->a20_mask;
    if (!phys_read(&m->phys, f->at[1], &pte, 4) || !(pte & PTE_PRESENT))
        return false;
    f->page = pte >> 12;
    return true;
}

/* The code TLB holds 4 MB pages in pieces, and so does the data TLB if there is none for them. */
static void fill(struct shadow_tlbs *t, bool code, laddr_t la, const struct found *f)
{
    uint32_t evicted;
    if (f->large && !code && t->large.entries)
        tlb_fill(&t->large, tag_of(t, la >> 22), f->page & ~0x3FFu, TLB_LARGE, &evicted);
    else
        tlb_fill(code ? &t->code : &t->data, tag_of(t, la >> 12), f->page,
                 f->large ? TLB_LARGE : 0, &evicted);
}

/* --- look-ups --------------------------------------------------------------------------------- */

static int find(struct shadow_tlbs *t, bool code, laddr_t la, struct tlb **tlb)
{
    *tlb = code ? &t->code : &t->data;
    int index = tlb_find(*tlb, tag_of(t, la >> 12));
    if (index >= 0 || code)
        return index;
    *tlb = &t->large;
    return tlb_find(*tlb, tag_of(t, la >> 22));
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
    bool held = find(t, code, a->la, &tlb) >= 0;
    if (held && !t->reloads && !sets_bits(a, end))
        return false;
    if (look(t, c, a->la, &f))
        fill(t, code, a->la, &f);
    return true;
}

unsigned shadow_tlbs_touch(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                           struct access *list)
{
    bool code = a->kind == ACCESS_FETCH;
    struct tlb *tlb;
    struct found f;
    if (a->kind == ACCESS_NOTE) {
        if (a->level == NOTE_CR3_LOAD)
            enter(t, a->la);
        return 0;
    }
    if (!t->paging)
        return 0;
    int index = find(t, code, a->la, &tlb);
    if (index >= 0) {
        uint32_t mask = tlb == &t->large ? ~0x3FFu : ~0u;
        if (!((tlb->entry[index].page ^ a->pa >> 12) & mask)) {
            tlb_touch(tlb, (uint32_t)index);
            return 0;
        }
    }
    if (!look(t, c, a->la, &f) || f.page != a->pa >> 12)
        return 0;
    fill(t, code, a->la, &f);
    for (unsigned i = 0; i < f.count; i++)
        list[i] = (struct access){.la = a->la, .pa = f.at[i], .kind = ACCESS_WALK, .size = 4,
                                  .level = LEVEL_L2, .flags = code ? ACCESS_CODE_SIDE : 0};
    return f.count;
}

/* --- between instructions --------------------------------------------------------------------- */

static void drop_pieces(struct shadow_tlbs *t, struct tlb *tlb, laddr_t la)
{
    for (uint32_t i = 0; i < tlb->entries; i++)
        if (tlb->entry[i].tag != TLB_INVALID && tlb->entry[i].flags & TLB_LARGE &&
            tlb->entry[i].tag >> 10 == tag_of(t, la >> 12) >> 10)
            tlb_invalidate(tlb, tlb->entry[i].tag);
}

void shadow_tlbs_drop(struct shadow_tlbs *t, laddr_t la)
{
    tlb_invalidate(&t->data, tag_of(t, la >> 12));
    tlb_invalidate(&t->large, tag_of(t, la >> 22));
    tlb_invalidate(&t->code, tag_of(t, la >> 12));
    drop_pieces(t, &t->data, la);
    drop_pieces(t, &t->code, la);
}

void shadow_tlbs_follow(struct shadow_tlbs *t, const struct cpu *c, bool delivery)
{
    const struct mmu *m = c->mmu;
    if (delivery && c->delivered == EXC_PF)
        shadow_tlbs_drop(t, c->cr2);
    if (m->paging != t->paging || m->large_enabled != t->large_enabled)
        flush(t);
    t->paging = m->paging;
    t->large_enabled = m->large_enabled;
    if (t->cr3 != c->cr3)
        enter(t, c->cr3);
}
