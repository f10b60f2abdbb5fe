/* blame_hits: what an access that hit does to the mirrors: the replacement bits are the array's
 * own, as the whole log has left them, and the shadow is touched. For blame.c and blame_log.c. */
#pragma once

#include "sim/report/blame.h"

#define BLAME_PAGE_SHIFT 12

/* Puts into n where a page that hit is. */
NOINLINE void blame_look_up(struct blame *b, struct blame_near *n, uint32_t page, bool code);

static ALWAYS_INLINE void blame_hit_line(struct mirror *m, paddr_t pa, const uint8_t *lru)
{
    uint32_t line = pa >> m->shift, set = line & (m->sets - 1);
    if (line == m->last)
        return;
    m->last = line;
    recency_touch(&m->shadow, line);
    m->lru[set] = lru[set];
}

/* The one place where a page's short cut may be. */
static ALWAYS_INLINE struct blame_near *blame_near(struct blame *b, uint32_t page, bool code)
{
    return (code ? b->near_code : b->near_data) + (page & (BLAME_NEAR - 1));
}

static ALWAYS_INLINE void blame_hit_page(struct blame *b, uint32_t page, bool code)
{
    uint32_t *last = code ? &b->code_page : &b->data_page;
    if (page == *last)
        return;
    *last = page;
    struct blame_near *n = blame_near(b, page, code);
    if (UNLIKELY(n->page != page) || UNLIKELY(n->generation != b->generation))
        blame_look_up(b, n, page, code);
    *n->lru = *n->real_lru;
    if (n->record != n->mirror->last) {
        n->mirror->last = n->record;
        recency_touch(&n->mirror->shadow, n->record);
    }
}

/* A hit of the first level and of the TLB. */
static ALWAYS_INLINE void blame_hit(struct blame *b, const struct access *a)
{
    const struct mmu *m = b->cpu->mmu;
    bool code = a->kind == ACCESS_FETCH;
    if (code)
        blame_hit_line(&b->mirror[MIRROR_L1I], a->pa, m->l1i.lru);
    else
        blame_hit_line(&b->mirror[MIRROR_L1D], a->pa, m->l1d.lru);
    if (b->paging)
        blame_hit_page(b, a->la >> BLAME_PAGE_SHIFT, code);
}
