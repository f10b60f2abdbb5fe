#include "sim/report/shadow.h"

#include "cpu/mem.h"
#include "cpu/rows.h"
#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/hierarchy.h"
#include "mmu/physical.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define WAYS_MAX 32
#define ENTRIES_EACH 4 /* that one entry may become: a walk of two reads, what it prefetches */
#define HITS_MAX 64 /* that are looked at together */
#define WORD_BYTES_MAX 8 /* a longer write is a line that WBINVD writes back */

/* --- shapes ----------------------------------------------------------------------------------- */

static void reshape(struct cache_geometry *g, const char *name, unsigned ideal)
{
    if (!g->size_bytes)
        return;
    if (ideal & SHADOW_WAYS) {
        if (g->ways * 2 > WAYS_MAX && !(ideal & SHADOW_FULL))
            usage_error("--ideal ways: %s has %u ways; accepted are machines with at most %u", name,
                        g->ways, WAYS_MAX / 2);
        g->ways *= 2;
        g->size_bytes *= 2;
    }
    if (ideal & SHADOW_SIZE)
        g->size_bytes *= 2;
    if (ideal & SHADOW_FULL)
        g->ways = g->size_bytes / g->line_bytes;
}

/* A code cache that has room for all memory keeps, line by line, what was decoded of it. */
static void cover_memory(struct cache_geometry *g, uint32_t bytes)
{
    uint32_t size = g->line_bytes ? g->line_bytes : 32;
    while (size < bytes)
        size *= 2;
    *g = (struct cache_geometry){size, 1, g->line_bytes ? g->line_bytes : 32};
}

static bool same_shape(const struct cache *a, const struct cache *b)
{
    return a->sets == b->sets && a->ways == b->ways && a->line_shift == b->line_shift;
}

/* The line of a set that came rank-th when the others were used last: exact with two ways, and by
 * number with more. */
static uint32_t ranked(const struct cache *c, uint32_t set, uint32_t rank)
{
    uint32_t first = c->ways == 2 ? c->lru[set] & 1 : 0;
    return set * c->ways + (first ^ rank);
}

/* What is in the machine's cache is in the shadow's, as far as it has room; what was used last is
 * put there last. */
static void copy_cache(struct cache *to, const struct cache *from)
{
    if (same_shape(to, from) && !to->order) {
        size_t lines = (size_t)to->sets * to->ways;
        memcpy(to->tag, from->tag, lines * sizeof *to->tag);
        memcpy(to->state, from->state, lines);
        memcpy(to->lru, from->lru, cache_lru_bytes(from));
        return;
    }
    for (uint32_t rank = 0; rank < from->ways; rank++)
        for (uint32_t set = 0; set < from->sets; set++) {
            uint32_t i = ranked(from, set, rank);
            if (from->tag[i] == CACHE_TAG_INVALID)
                continue;
            paddr_t pa = cache_address(from, i);
            cache_fill(to, cache_victim(to, pa), pa, from->state[i]);
        }
}

/* --- life ------------------------------------------------------------------------------------- */

static const struct row *find_row(const char *name)
{
    for (unsigned f = 0; families[f]; f++)
        for (unsigned i = 0; i < families[f]->count; i++)
            if (strcmp(families[f]->rows[i].name, name) == 0)
                return &families[f]->rows[i];
    return NULL;
}

void shadow_init(struct shadow *s, const struct cpu *c, unsigned ideal, struct access_log *log)
{
    const struct mmu *real = c->mmu;
    struct mmu_geometry g = real->geometry;
    memset(s, 0, sizeof *s);
    s->ideal = ideal;
    s->log = log;
    reshape(&g.l1i, "the code cache", ideal);
    reshape(&g.l1d, "the data cache", ideal);
    reshape(&g.l2, "the second level", ideal);
    if (ideal & SHADOW_L1)
        cover_memory(&g.l1i, real->phys.size);
    mmu_init(&s->mmu, &g, &real->phys, true);
    s->mmu.log = log;
    s->mmu.caches_off = real->caches_off;
    s->mmu.last_miss = real->last_miss;
    s->exclusive = g.l2_exclusive;
    copy_cache(&s->mmu.l1i, &real->l1i);
    copy_cache(&s->mmu.l1d, &real->l1d);
    copy_cache(&s->mmu.l2, &real->l2);
    memcpy(s->mmu.dram.open_row, real->dram.open_row,
           real->dram.banks * sizeof *real->dram.open_row);
    if (ideal & (SHADOW_TAGGED | SHADOW_RELOADED) && !(ideal & SHADOW_TLB))
        s->tlbs = shadow_tlbs_new(c, ideal & SHADOW_RELOADED);
    s->invd = find_row("INVD");
    s->wbinvd = find_row("WBINVD");
    s->invlpg = find_row("INVLPG");
    CHECK(s->invd && s->wbinvd && s->invlpg);
}

void shadow_free(struct shadow *s)
{
    mmu_free(&s->mmu);
    free(s->tlbs);
}

/* --- one entry -------------------------------------------------------------------------------- */

static unsigned attributes_of(const struct access *a)
{
    if (a->level == LEVEL_L1 || a->kind == ACCESS_WRITE)
        return 0;
    return (a->flags & ACCESS_UNCACHED ? TLB_UNCACHED : 0u) |
           (a->flags & ACCESS_THROUGH ? TLB_THROUGH : 0u);
}

/* A line is shared because its page is written through; so is a write to it, unless the machine's
 * own took the line. Exclusive caches tell of every write that memory gets at once. */
static unsigned attributes_of_write(const struct shadow *s, const struct access *a)
{
    bool outside = a->level != LEVEL_L1 && a->flags & ACCESS_LINE_SHARED;
    if (s->exclusive)
        return !outside                     ? 0
               : a->flags & ACCESS_THROUGH  ? TLB_THROUGH
               : a->flags & ACCESS_COMBINED ? TLB_UNCACHED | TLB_COMBINE
                                            : TLB_UNCACHED;
    bool takes = a->flags & ACCESS_LINE_SHARED && a->flags & ACCESS_TAKES_LINE;
    return takes ? 0 : TLB_THROUGH;
}

static unsigned locked(struct mmu *m, const struct access *a, unsigned *flags)
{
    if (a->kind == ACCESS_WRITE)
        return m->hierarchy->locked_write(m, a->pa, flags);
    unsigned level = m->hierarchy->locked_read(m, a->pa, flags);
    if (a->kind == ACCESS_UPDATE)
        m->hierarchy->locked_write(m, a->pa, flags);
    return level;
}

static unsigned ask(struct shadow *s, const struct access *a, unsigned *flags)
{
    struct mmu *m = &s->mmu;
    if (a->flags & ACCESS_LOCKED || a->kind == ACCESS_UPDATE)
        return locked(m, a, flags);
    switch (a->kind) {
    case ACCESS_FETCH: return m->hierarchy->fetch(m, a->pa, attributes_of(a), flags);
    case ACCESS_WRITE: return m->hierarchy->write(m, a->pa, attributes_of_write(s, a), flags);
    case ACCESS_WALK: return m->hierarchy->walk(m, a->pa, attributes_of(a), flags);
    default: return m->hierarchy->read(m, a->pa, attributes_of(a), flags);
    }
}

/* What cannot miss when the first level cannot: all but locked cycles, uncached pages and writes
 * that go through by rule. */
static bool is_served(const struct shadow *s, const struct access *a)
{
    bool through = a->kind == ACCESS_WRITE && a->flags & ACCESS_LINE_SHARED &&
                   !(a->flags & ACCESS_TAKES_LINE);
    return s->ideal & SHADOW_L1 && !(a->flags & ACCESS_LOCKED) && a->kind != ACCESS_UPDATE &&
           !s->mmu.caches_off && !(attributes_of(a) & TLB_UNCACHED) && !through;
}

static unsigned serve(struct mmu *m, const struct access *a, unsigned *flags)
{
    if (a->kind == ACCESS_FETCH && cache_find(&m->l1i, a->pa) < 0)
        cache_fill(&m->l1i, cache_victim(&m->l1i, a->pa), a->pa, LINE_SHARED);
    if (a->kind == ACCESS_WRITE)
        *flags |= ACCESS_HIT_M;
    return LEVEL_L1;
}

static bool is_dram(unsigned level)
{
    return level >= LEVEL_DRAM_HIT && level <= LEVEL_DRAM_MISS;
}

static void put(struct shadow *s, const struct access *a, unsigned level, unsigned flags)
{
    access_log_put(&s->mmu, a->la, a->pa, a->kind, level, flags, a->size);
}

/* What L2 always has needs no prefetching, and what goes into the code cache comes from there. */
static void prefetch_from_l2(struct shadow *s, uint32_t first)
{
    uint32_t kept = first;
    for (uint32_t i = first; i < s->log->count; i++) {
        struct access *a = &s->log->list[i];
        bool prefetch = a->kind == ACCESS_NOTE && a->level == NOTE_LINE_PREFETCHED;
        if (prefetch && !(a->flags & (ACCESS_CODE_SIDE | ACCESS_BY_REQUEST)))
            continue;
        if (prefetch && a->la != LEVEL_L1)
            a->la = LEVEL_L2;
        s->log->list[kept++] = *a;
    }
    s->log->count = kept;
}

/* A prefetch instruction: its line is there already where the first level cannot miss. */
static void meet_request(struct shadow *s, const struct access *a)
{
    uint32_t first = s->log->count;
    if (s->ideal & SHADOW_L1)
        return;
    unsigned attributes = a->flags & ACCESS_THROUGH ? TLB_THROUGH : 0;
    s->mmu.hierarchy->prefetch(&s->mmu, a->pa, attributes,
                                (enum mmu_prefetch)a->size);
    if (s->ideal & SHADOW_L2 && s->log->count != first)
        prefetch_from_l2(s, first);
}

/* What exclusive caches do on their own account is what these do. */
static NOINLINE void meet_note(struct shadow *s, const struct cpu *c, const struct access *a)
{
    unsigned flags = 0;
    paddr_t pa;
    bool told = a->level == NOTE_LINE_PREFETCHED || a->level == NOTE_CACHES_WRITTEN;
    if (s->exclusive && told) {
        if (a->level == NOTE_LINE_PREFETCHED && a->flags & ACCESS_BY_REQUEST)
            meet_request(s, a);
        return;
    }
    if (a->level == NOTE_TLB_REFILL && s->ideal & SHADOW_TLB)
        return;
    if (s->exclusive && a->level == NOTE_CACHE_FLUSH)
        mmu_invalidate_caches(&s->mmu, a->la);
    if (a->level == NOTE_LINE_FLUSH && mmu_translate_peek(c->mmu, a->la, &pa))
        s->mmu.hierarchy->flush_line(&s->mmu, pa, &flags);
    put(s, a, a->level, a->flags);
}

static ALWAYS_INLINE void meet_one(struct shadow *s, const struct cpu *c, const struct access *a)
{
    if (a->kind == ACCESS_NOTE) {
        meet_note(s, c, a);
        return;
    }
    if (a->level == LEVEL_DEVICE) {
        put(s, a, a->level, a->flags);
        return;
    }
    uint32_t first = s->log->count;
    unsigned flags = a->flags & (ACCESS_MISALIGNED | ACCESS_LOCKED | ACCESS_SYSTEM |
                                 ACCESS_CODE_SIDE);
    unsigned level = is_served(s, a) ? serve(&s->mmu, a, &flags) : ask(s, a, &flags);
    if (s->ideal & SHADOW_L2 && s->log->count != first)
        prefetch_from_l2(s, first);
    if (s->ideal & SHADOW_L2 && is_dram(level)) {
        level = LEVEL_L2;
        flags &= a->kind == ACCESS_WRITE ? ~0u : ~(unsigned)ACCESS_EVICT_L2;
    }
    put(s, a, level, flags);
}

void shadow_meet_one(struct shadow *s, const struct cpu *c, const struct access *a)
{
    meet_one(s, c, a);
}

/* --- one instruction -------------------------------------------------------------------------- */

static bool is_walk(const struct access *a)
{
    return a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE;
}

/* The entries of one walk: of one address, side by side. */
static const struct access *end_of_walk(const struct access *a, const struct access *end)
{
    laddr_t la = a->la;
    while (a < end && is_walk(a) && a->la == la)
        a++;
    return a;
}

static const struct access *meet_walk(struct shadow *s, const struct cpu *c,
                                      const struct access *a, const struct access *end)
{
    const struct access *behind = end_of_walk(a, end);
    bool made = !(s->ideal & SHADOW_TLB) &&
                (!s->tlbs || shadow_tlbs_walks(s->tlbs, c, a, behind));
    for (; made && a < behind; a++)
        meet_one(s, c, a);
    return behind;
}

static void meet_touched(struct shadow *s, const struct cpu *c, const struct access *a)
{
    struct access list[2];
    unsigned count = shadow_tlbs_touch(s->tlbs, c, a, list);
    for (unsigned i = 0; i < count; i++)
        meet_one(s, c, &list[i]);
    if (a->kind != ACCESS_NOTE || a->level != NOTE_TLB_REFILL) /* else it was told, if it is */
        meet_one(s, c, a);
}

static bool is_written_back(const struct shadow *s, const struct access *a)
{
    return !s->exclusive && a->kind == ACCESS_WRITE && a->size > WORD_BYTES_MAX;
}

void shadow_meet(struct shadow *s, const struct cpu *c, const struct op *o, const struct access *a,
                 const struct access *end, bool delivery)
{
    s->log->count = 0;
    CHECK((size_t)(end - a) * ENTRIES_EACH <= ACCESS_LOG_MAX);
    while (a < end) {
        if (UNLIKELY(is_walk(a))) {
            a = meet_walk(s, c, a, end);
            continue;
        }
        if (UNLIKELY(is_written_back(s, a)))
            ; /* by WBINVD: below */
        else if (UNLIKELY(s->tlbs != NULL))
            meet_touched(s, c, a);
        else
            meet_one(s, c, a);
        a++;
    }
    bool empties = o->row == s->invd || o->row == s->wbinvd;
    if (UNLIKELY(empties) && !delivery && !s->exclusive) {
        CHECK(s->log->count + s->mmu.l1d.sets * s->mmu.l1d.ways <= ACCESS_LOG_MAX);
        mmu_invalidate_caches(&s->mmu, o->row == s->wbinvd);
    }
    s->mmu.caches_off = c->mmu->caches_off;
    if (UNLIKELY(o->row == s->invlpg) && !delivery && s->tlbs)
        shadow_tlbs_drop(s->tlbs, c, c->seg[o->seg].base + effective_address(c, o));
    if (s->tlbs)
        shadow_tlbs_follow(s->tlbs, c, delivery);
}

/* --- hits ------------------------------------------------------------------------------------- */

/* What an access would use. */
struct found {
    struct cache *cache; /* NULL: the first level cannot miss */
    uint32_t line;
    struct tlb_place page;
};

/* Nothing that enters or leaves caches and TLBs. */
static bool is_neutral(unsigned note) { return note >= NOTE_MMU_LIMIT && note < NOTE_CR3_LOAD; }

static ALWAYS_INLINE bool find_hit(struct shadow *s, const struct access *a, struct found *f)
{
    bool code = a->kind == ACCESS_FETCH;
    if (a->kind > ACCESS_FETCH || a->level != LEVEL_L1 ||
        a->flags & ~(ACCESS_HIT_M | ACCESS_SYSTEM | ACCESS_MISALIGNED))
        return false;
    f->cache = code ? &s->mmu.l1i : s->ideal & SHADOW_L1 ? NULL : &s->mmu.l1d;
    if (f->cache) {
        int line = cache_find(f->cache, a->pa);
        if (line < 0 || (a->kind == ACCESS_WRITE && f->cache->state[line] != LINE_MODIFIED))
            return false;
        f->line = (uint32_t)line;
    }
    f->page.tlb = NULL;
    return LIKELY(!s->tlbs) || shadow_tlbs_hit(s->tlbs, a, &f->page);
}

bool shadow_hits(struct shadow *s, const struct cpu *c, const struct op *o, const struct access *a,
                 const struct access *end)
{
    struct found found[HITS_MAX], *f = found;
    if (s->exclusive || s->mmu.caches_off || c->mmu->caches_off || end - a > HITS_MAX ||
        (s->tlbs && !shadow_tlbs_followed(s->tlbs, c)) || (o && o->row == s->invlpg))
        return false;
    for (; a < end; a++) {
        if (a->kind == ACCESS_NOTE && is_neutral(a->level))
            continue;
        if (!find_hit(s, a, f++))
            return false;
    }
    for (const struct found *use = found; use < f; use++) {
        if (use->cache)
            cache_touch(use->cache, use->line);
        shadow_tlbs_use(&use->page);
    }
    return true;
}
