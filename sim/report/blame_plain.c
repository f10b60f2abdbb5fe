/* blame_plain: a log of misses whose outcome the arrays themselves tell, as most do: it brings at
 * most one line into each first-level cache and one page into a TLB, and nothing leaves otherwise
 * than by that. Where those are now, something else was before: that is what they displaced. So
 * replacement bits need not be followed through the log; they are copied from the arrays. L2 is
 * only ever met by what is in the log, in its order, and is followed through it. */
#include "sim/report/blame_misses.h"

#include "mmu/cache.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"

#define REGION_SHIFT 22

/* --- whether it is plain ---------------------------------------------------------------------- */

/* Where the log has put what it brought in; MIRROR_NONE: it has not. */
struct places {
    uint32_t line[2]; /* in the data cache, and in the code cache */
    uint32_t page;    /* in the TLB of its side */
    bool code;        /* of the page */
    const struct access *walk[2];
    uint32_t walks; /* entries read: two for a page of 4 KB */
};

static bool is_line_plain(const struct blame *b, const struct access *a, struct places *p)
{
    bool code = a->kind == ACCESS_FETCH;
    int index;
    if (a->flags & (ACCESS_LOCKED | ACCESS_UNCACHED))
        return false;
    if (a->kind == ACCESS_WRITE)
        return !(a->flags & ACCESS_EVICT_DIRTY); /* else WBINVD tells of it */
    index = cache_find(blame_cache(b, code ? MIRROR_L1I : MIRROR_L1D), a->pa);
    if (index < 0 || p->line[code] != MIRROR_NONE)
        return false;
    p->line[code] = (uint32_t)index;
    return true;
}

static bool is_walk_plain(const struct access *a, struct places *p)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    if ((a->flags & ACCESS_UNCACHED) || p->walks == 2 ||
        (p->walks && (p->code != code || p->walk[0]->la != a->la)))
        return false;
    p->walk[p->walks++] = a;
    p->code = code;
    return true;
}

/* The page was in no TLB before; it is in one now. */
static bool is_page_plain(const struct blame *b, struct places *p)
{
    enum blame_mirror i = p->code ? MIRROR_ITLB : MIRROR_DTLB;
    laddr_t la = p->walk[0]->la;
    if (p->walks != 2 || mirror_find(&b->mirror[i], la >> BLAME_PAGE_SHIFT) >= 0 ||
        (!p->code && mirror_find(&b->mirror[MIRROR_LARGE], la >> REGION_SHIFT) >= 0))
        return false;
    int index = tlb_find(blame_tlb(b, i), la >> BLAME_PAGE_SHIFT);
    p->page = (uint32_t)index;
    return index >= 0;
}

static ALWAYS_INLINE bool is_hit(const struct access *a)
{
    return (a->kind | (uint32_t)a->level << 8) <= ACCESS_FETCH;
}

static bool is_plain(const struct blame *b, const struct access *a, const struct access *end,
                     struct places *p)
{
    if (b->caches_off || b->watch->removes)
        return false;
    *p = (struct places){.line = {MIRROR_NONE, MIRROR_NONE}, .page = MIRROR_NONE};
    for (; a < end; a++) {
        if (is_hit(a) || a->kind == ACCESS_NOTE)
            continue;
        if (a->level == LEVEL_DEVICE || a->kind == ACCESS_UPDATE)
            return false;
        if (!(a->kind == ACCESS_WALK ? is_walk_plain(a, p) : is_line_plain(b, a, p)))
            return false;
    }
    return p->walks == 0 || is_page_plain(b, p);
}

/* --- lines ------------------------------------------------------------------------------------ */

static ALWAYS_INLINE void put_in(struct mirror *m, uint32_t index, uint32_t tag, uint32_t record,
                                 uint32_t by)
{
    uint32_t before = m->record[index];
    if (before != MIRROR_NONE)
        recency_record(&m->shadow, before)->gone = by << REMOVAL_BITS | REPLACED;
    m->tag[index] = tag;
    m->record[index] = record;
    recency_record(&m->shadow, record)->gone = NEVER_HELD;
    m->last = record;
    recency_touch(&m->shadow, record);
}

/* A bus cycle to memory. a: NULL for a line on its way out. */
static ALWAYS_INLINE void bus(struct blame *b, const struct access *a, uint32_t line, bool keeps,
                              enum blame_array array, enum blame_bucket bucket)
{
    struct mirror *m = &b->mirror[MIRROR_L2];
    if (!m->sets)
        return;
    int index = mirror_find(m, line);
    if (a)
        CHECK((index >= 0) == (a->level == LEVEL_L2));
    if (index >= 0) {
        mirror_touch(m, (uint32_t)index);
        return;
    }
    if (a)
        blame_missed_record(b, m, array, line, line, bucket);
    if (!keeps) {
        mirror_pass(m, line);
        return;
    }
    uint32_t place = mirror_victim(m, line);
    put_in(m, place, line, line, blame_who_runs(b));
    plru_touch(&m->lru[line & (m->sets - 1)], m->ways, place & (m->ways - 1));
}

static inline void bus_of(struct blame *b, const struct access *a, bool keeps,
                          enum blame_array array, enum blame_bucket bucket)
{
    bus(b, a, a->pa >> b->mirror[MIRROR_L2].shift, keeps, array, bucket);
}

static inline void write_back(struct blame *b, paddr_t pa)
{
    bus(b, NULL, pa >> b->mirror[MIRROR_L2].shift, false, BLAME_L2_WRITE, BUCKET_NONE);
}

static void give_up(struct blame *b, struct mirror *m, const struct access *a, bool data)
{
    int index = mirror_find(m, a->pa >> m->shift);
    if (index < 0)
        return;
    if (data && (a->flags & ACCESS_EVICT_DIRTY))
        write_back(b, a->pa);
    mirror_drop(m, (uint32_t)index, GIVEN_UP, blame_who_runs(b));
}

static NOINLINE void bring_in(struct blame *b, const struct access *a, uint32_t index, bool code)
{
    struct mirror *m = &b->mirror[code ? MIRROR_L1I : MIRROR_L1D];
    struct mirror *other = &b->mirror[code ? MIRROR_L1D : MIRROR_L1I];
    enum blame_bucket l2 = code ? BUCKET_FETCH_L2 : BUCKET_DATA_L2;
    enum blame_bucket dram = code ? BUCKET_FETCH_DRAM : BUCKET_DATA_DRAM;
    uint32_t line = a->pa >> m->shift;
    bool last = !b->mirror[MIRROR_L2].sets;
    blame_missed_record(b, m, code ? BLAME_L1I : BLAME_L1D, line, line,
                 a->level == LEVEL_L2 ? l2 : last ? dram : BUCKET_NONE);
    give_up(b, other, a, code);
    bus_of(b, a, true, BLAME_L2, dram);
    if (!code && (a->flags & ACCESS_EVICT_DIRTY))
        write_back(b, m->tag[index] << m->shift);
    put_in(m, index, line, line, blame_who_runs(b));
    m->lru[line & (m->sets - 1)] = blame_cache(b, code ? MIRROR_L1I : MIRROR_L1D)
                                       ->lru[line & (m->sets - 1)];
}

/* It hit a line that is to be written through, or missed, which brings nothing in. */
static NOINLINE void write(struct blame *b, const struct access *a)
{
    struct mirror *m = &b->mirror[MIRROR_L1D];
    uint32_t line = a->pa >> m->shift;
    if (mirror_find(m, line) >= 0) {
        blame_hit_line(m, a->pa, blame_cache(b, MIRROR_L1D)->lru);
        if (a->flags & ACCESS_LINE_SHARED)
            bus_of(b, a, false, BLAME_L2_WRITE, BUCKET_NONE);
        return;
    }
    if (m->sets) {
        blame_missed_record(b, m, BLAME_L1D_WRITE, line, line, BUCKET_NONE);
        mirror_pass(m, line);
    }
    give_up(b, &b->mirror[MIRROR_L1I], a, false);
    bus_of(b, a, false, BLAME_L2_WRITE, BUCKET_NONE);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* Nobody finds the page by a short cut that is gone. */
static void forget_page(struct blame *b, uint32_t page, bool code)
{
    struct blame_near *n = blame_near(b, page, code);
    uint32_t *last = code ? &b->code_page : &b->data_page;
    if (n->page == page)
        n->page = MIRROR_NONE;
    if (*last == page)
        *last = MIRROR_NONE;
}

static NOINLINE void bring_in_page(struct blame *b, const struct places *p)
{
    enum blame_mirror i = p->code ? MIRROR_ITLB : MIRROR_DTLB;
    struct mirror *m = &b->mirror[i];
    const struct tlb *t = blame_tlb(b, i);
    uint32_t page = p->walk[0]->la >> BLAME_PAGE_SHIFT, set = page & (m->sets - 1);
    uint32_t record = mirror_translation(m, page, t->entry[p->page].page);
    blame_missed_record(b, m, p->code ? BLAME_ITLB : BLAME_DTLB, page, record,
                 p->code ? BUCKET_ITLB : BUCKET_DTLB);
    if (m->tag[p->page] != MIRROR_NONE)
        forget_page(b, m->tag[p->page], p->code);
    put_in(m, p->page, page, record, blame_who_runs(b));
    m->split[p->page] = false;
    m->lru[set] = t->plru[set];
    *(p->code ? &b->code_page : &b->data_page) = page;
    *blame_near(b, page, p->code) =
        (struct blame_near){page, b->generation, record, m, &m->lru[set], &t->plru[set]};
}

static inline void walk(struct blame *b, const struct access *a, const struct places *p)
{
    if (a->level == LEVEL_L1)
        blame_hit_line(&b->mirror[MIRROR_L1D], a->pa, blame_cache(b, MIRROR_L1D)->lru);
    else
        bus_of(b, a, true, BLAME_L2, BUCKET_NONE);
    if (a == p->walk[1])
        bring_in_page(b, p);
}

/* --- the log ---------------------------------------------------------------------------------- */

bool blame_replay_plain(struct blame *b, const struct access *a, const struct access *end)
{
    struct places p;
    if (!is_plain(b, a, end, &p))
        return false;
    for (; a < end; a++) {
        bool code = a->kind == ACCESS_FETCH;
        if (is_hit(a)) {
            blame_hit(b, a);
            continue;
        }
        if (a->kind == ACCESS_NOTE)
            continue;
        if (a->kind == ACCESS_WALK) {
            walk(b, a, &p);
            continue;
        }
        if (b->paging)
            blame_hit_page(b, a->la >> BLAME_PAGE_SHIFT, code);
        if (a->kind == ACCESS_WRITE)
            write(b, a);
        else
            bring_in(b, a, p.line[code], code);
    }
    return true;
}
