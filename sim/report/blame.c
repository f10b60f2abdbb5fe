#include "sim/report/blame_hits.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define COMPARE_EVERY (1u << 18) /* logs with misses: all sets with the real ones, ... */
#define COMPARE_OWN_EVERY 16     /* ... and those that the log is about */
#define MISSES_MAX (3 * ACCESS_LOG_MAX)
#define RECORD_STRIDE 2 /* records of a line in `lines` */
#define REGION_SHIFT 22

/* --- who and where ---------------------------------------------------------------------------- */

const struct tlb *blame_tlb(const struct blame *b, enum blame_mirror i)
{
    const struct mmu *m = b->cpu->mmu;
    switch (i) {
    case MIRROR_ITLB: return &m->itlb;
    case MIRROR_DTLB: return &m->dtlb;
    case MIRROR_CODE_LARGE: return &m->itlb_large;
    case MIRROR_ITLB2: return &m->itlb2;
    case MIRROR_DTLB2: return &m->dtlb2;
    default: return &m->dtlb_large;
    }
}

const struct cache *blame_cache(const struct blame *b, enum blame_mirror i)
{
    const struct mmu *m = b->cpu->mmu;
    return i == MIRROR_L1I ? &m->l1i : i == MIRROR_L1D ? &m->l1d : &m->l2;
}

void blame_find_who(struct blame *b, uint32_t space)
{
    const struct ledger *l = b->cpu->ledger;
    unsigned at = l->place & (BLAME_LATELY - 1);
    if (b->lately[at].row != l->row || b->lately[at].space != space) {
        b->lately[at].row = l->row;
        b->lately[at].space = space;
        b->lately[at].who = blame_who(&b->cells, (struct blame_who){.space = space, .path = l->path,
                                                                    .place = l->place,
                                                                    .deed = DEED_CODE});
    }
    b->who_row = l->row;
    b->who_space = space;
    b->who = b->lately[at].who;
}

/* --- hits: most of what happens --------------------------------------------------------------- */

/* Where the part's TLBs are followed as they are, replacement bits are not kept. */
static void look_up_copied(struct blame *b, struct blame_near *n, uint32_t page, bool code)
{
    static const uint8_t none;
    *n = (struct blame_near){.page = page, .generation = b->generation, .real_lru = &none};
    CHECK(blame_copy_find(b, page, code, &n->mirror, &n->record));
    n->lru = &b->no_lru;
}

void blame_look_up(struct blame *b, struct blame_near *n, uint32_t page, bool code)
{
    if (b->copy) {
        look_up_copied(b, n, page, code);
        return;
    }
    enum blame_mirror i = code ? MIRROR_ITLB : MIRROR_DTLB;
    int at = mirror_find(&b->mirror[i], page);
    if (at < 0 && !code) {
        i = MIRROR_LARGE;
        at = mirror_find(&b->mirror[i], page >> (REGION_SHIFT - BLAME_PAGE_SHIFT));
    }
    CHECK(at >= 0);
    struct mirror *m = &b->mirror[i];
    uint32_t set = (uint32_t)at / m->ways;
    *n = (struct blame_near){page, b->generation, m->record[at], m, &m->lru[set],
                             &blame_tlb(b, i)->plru[set]};
}

/* Nothing but hits of the first level and of the TLB. To touch once more what was touched last
 * changes nothing. */
static ALWAYS_INLINE void see_hits(struct blame *b)
{
    for (uint32_t i = 0; i < b->watch->moves_count; i++)
        blame_hit(b, b->watch->moves[i]);
}

/* --- misses ----------------------------------------------------------------------------------- */

/* The cell of a miss that asked for a line which this log touches, else of the last one of the
 * class, else (it was before counting began) of nobody. */
static uint32_t cell_on_the_way(struct blame *b, unsigned bucket, const struct access_log *l)
{
    static const uint8_t arrays[BUCKETS] = {
        [BUCKET_DATA_L2] = BLAME_L1D,  [BUCKET_DATA_DRAM] = BLAME_L2, [BUCKET_FETCH_L2] = BLAME_L1I,
        [BUCKET_FETCH_DRAM] = BLAME_L2, [BUCKET_ITLB] = BLAME_ITLB,   [BUCKET_DTLB] = BLAME_DTLB,
        [BUCKET_UPDATE] = BLAME_DTLB,
    };
    for (uint32_t n = 1; n <= BLAME_FLIGHTS && n <= b->flights && bucket < BUCKET_ITLB; n++) {
        const struct blame_flight *f = &b->flight[(b->flights - n) % BLAME_FLIGHTS];
        for (uint32_t i = 0; i < l->count; i++)
            if (l->list[i].kind != ACCESS_NOTE &&
                l->list[i].pa >> b->mirror[MIRROR_L2].shift == f->line)
                return f->cell;
    }
    if (b->newest[bucket])
        return b->newest[bucket] - 1;
    return blame_find(&b->cells, &(struct blame_cell){.array = arrays[bucket],
                                                      .kind = BLAME_COMPULSORY,
                                                      .charged = blame_who_runs(b)});
}

static void charge_late(struct blame *b, unsigned bucket)
{
    uint32_t cell = cell_on_the_way(b, bucket, &b->cpu->log);
    b->cells.cell[cell].cycles += b->pending[bucket];
    b->pending[bucket] = 0;
}

/* What a miss has of what was charged for a bucket: the earlier ones take what is left over. */
static ALWAYS_INLINE uint64_t share(struct blame *b, unsigned bucket)
{
    uint64_t cycles = b->pending[bucket];
    uint32_t sharers = b->sharers[bucket]--;
    if (sharers > 1)
        cycles = (cycles + sharers - 1) / sharers;
    b->pending[bucket] -= cycles;
    return cycles;
}

/* Whose cycles those will be that are charged later. */
static void remember(struct blame *b, const struct blame_miss *m, uint32_t cell)
{
    const uint32_t lines[] = {m->line, m->also};
    b->newest[m->bucket] = cell + 1;
    if (m->updates)
        b->newest[BUCKET_UPDATE] = cell + 1;
    for (unsigned i = 0; i < ARRAY_COUNT(lines); i++)
        if (lines[i] != MIRROR_NONE)
            b->flight[b->flights++ % BLAME_FLIGHTS] = (struct blame_flight){lines[i], cell};
}

/* What was charged belongs to the misses of this log, if it has any of the class. */
static ALWAYS_INLINE void settle(struct blame *b)
{
    uint32_t charged = blame_who_runs(b);
    for (; b->owed; b->owed &= b->owed - 1) {
        unsigned bucket = (unsigned)__builtin_ctz(b->owed);
        CHECK(b->sharers[bucket] || b->copy);
        if (!b->sharers[bucket])
            charge_late(b, bucket);
    }
    for (uint32_t i = 0; i < b->misses; i++) {
        struct blame_miss *m = &b->miss[i];
        m->cycles = share(b, m->bucket) + (m->updates ? share(b, BUCKET_UPDATE) : 0);
        if (b->copy)
            remember(b, m, blame_count(&b->cells,
                                       (struct blame_cell){m->array, m->kind, charged, m->caused,
                                                           1, m->cycles}));
        else
            blame_count_one(&b->cells, m->array, m->kind, charged, m->caused, m->cycles);
    }
}

/* Of a line that was missed, and of one that L2 replaces for it. */
static void ahead(void *owner, const struct cpu *c)
{
    const struct blame *b = owner;
    const struct mirror *l2 = &b->mirror[MIRROR_L2];
    (void)c;
    for (uint32_t i = 0; i < b->watch->news_count; i++) {
        const struct access *a = b->watch->news[i];
        if (a->level == LEVEL_L1 || a->level == LEVEL_DEVICE || a->kind > ACCESS_FETCH)
            continue;
        __builtin_prefetch(b->lines + (size_t)(a->pa >> b->line_bits) * RECORD_STRIDE);
        if (a->level == LEVEL_L2 || !l2->sets)
            continue;
        uint32_t set = a->pa >> l2->shift & (l2->sets - 1), there = l2->tag[set * l2->ways];
        __builtin_prefetch(&l2->set[set]);
        if (there != MIRROR_NONE)
            __builtin_prefetch(b->lines + (size_t)there * RECORD_STRIDE);
    }
}

static NOINLINE void see_misses(struct blame *b, const struct cpu *c, const struct op *o)
{
    const struct access *a = c->log.list, *end = a + c->log.count;
    b->misses = 0;
    memset(b->sharers, 0, sizeof b->sharers);
    if (b->copy)
        blame_copy_replay(b, c, o);
    else if (!blame_replay_plain(b, a, end))
        blame_replay(b, c, o);
    CHECK(b->misses <= MISSES_MAX);
    settle(b);
    if (++b->logs % COMPARE_OWN_EVERY == 0 && !b->copy)
        blame_compare_lines(b, a, end);
    if (b->logs % COMPARE_EVERY == 0)
        blame_compare(b);
}

/* --- what the watch tells --------------------------------------------------------------------- */

static const uint8_t buckets[CAUSE_COUNT] = {
    [CAUSE_DATA_L2] = BUCKET_DATA_L2,   [CAUSE_DATA_DRAM] = BUCKET_DATA_DRAM,
    [CAUSE_FETCH_L2] = BUCKET_FETCH_L2, [CAUSE_FETCH_DRAM] = BUCKET_FETCH_DRAM,
    [CAUSE_ITLB] = BUCKET_ITLB,         [CAUSE_DTLB] = BUCKET_DTLB,
    [CAUSE_TLB_UPDATE] = BUCKET_UPDATE,
};

enum blame_bucket blame_bucket_of(enum cause cause) { return buckets[cause]; }

static NOINLINE void take_charges(struct blame *b)
{
    const struct ledger_heard *heard = b->watch->heard;
    for (uint32_t i = 0; i < heard->count; i++) {
        uint32_t cycles = heard->charge[i].cycles, k = buckets[heard->charge[i].cause];
        if (!k || !cycles)
            continue;
        b->pending[k] += cycles;
        b->owed |= 1u << k;
        b->total[k] += cycles;
    }
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct blame *b = owner;
    (void)delivery;
    if (UNLIKELY(b->watch->heard->causes & CAUSES_OF_MISSES))
        take_charges(b);
    if (LIKELY(b->watch->hits)) {
        see_hits(b);
        for (; UNLIKELY(b->owed) && b->copy; b->owed &= b->owed - 1)
            charge_late(b, (unsigned)__builtin_ctz(b->owed));
    } else {
        see_misses(b, c, o);
    }
    b->caches_off = c->mmu->caches_off;
}

/* All accesses of a run hit. Those behind it in the log belong to an instruction that is yet to be
 * told of; that replacement bits know of them already changes nothing, for they come first then. */
static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct blame *b = owner;
    (void)c, (void)r;
    if (UNLIKELY(b->watch->heard->causes & CAUSES_OF_MISSES))
        take_charges(b);
    see_hits(b);
}

/* --- life ------------------------------------------------------------------------------------- */

static uint32_t line_bits(const struct mmu *m)
{
    uint32_t bits = 12;
    const struct cache *caches[] = {&m->l1i, &m->l1d, &m->l2};
    for (unsigned i = 0; i < ARRAY_COUNT(caches); i++)
        if (caches[i]->sets && caches[i]->line_shift < bits)
            bits = caches[i]->line_shift;
    return bits;
}

static void make_mirrors(struct blame *b)
{
    const struct mmu *m = b->cpu->mmu;
    b->line_bits = line_bits(m);
    uint32_t lines = m->phys.size >> b->line_bits;
    b->lines = xalloc_table((size_t)lines * RECORD_STRIDE, sizeof *b->lines);
    b->code_lines = xalloc_table(lines, sizeof *b->code_lines);
    for (int i = 0; i < MIRRORS; i++) {
        if (i >= MIRROR_ITLB) {
            mirror_init_tlb(&b->mirror[i], blame_tlb(b, i));
            continue;
        }
        const struct cache *c = blame_cache(b, i);
        if (i == MIRROR_L1I)
            mirror_init_cache(&b->mirror[i], c, b->code_lines, 1, lines);
        else
            mirror_init_cache(&b->mirror[i], c, b->lines + (i == MIRROR_L2), RECORD_STRIDE, lines);
    }
}

void blame_start(struct blame *b, const struct spaces *spaces, struct watch *h, struct cpu *c)
{
    memset(b, 0, sizeof *b);
    b->cpu = c;
    b->watch = h;
    b->spaces = spaces;
    b->paging = c->mmu->paging;
    b->caches_off = c->mmu->caches_off;
    b->since = c->clock->now;
    b->miss = xalloc(MISSES_MAX, sizeof *b->miss);
    blame_cells_init(&b->cells);
    make_mirrors(b);
    blame_copy_start(b);
    blame_forget(b);
    watch_add_runs(h, c, (struct watcher){.priced = priced, .owner = b, .ahead = ahead}, run);
    watch_wants(h, b, WATCH_MOVES);
}

void blame_free(struct blame *b, struct watch *h)
{
    watch_remove(h, b);
    blame_copy_free(b);
    for (int i = 0; i < MIRRORS; i++)
        mirror_free(&b->mirror[i]);
    blame_cells_free(&b->cells);
    free(b->lines);
    free(b->code_lines);
    free(b->miss);
}

void blame_restart(struct blame *b)
{
    b->since = b->cpu->clock->now;
    memset(b->total, 0, sizeof b->total);
    blame_cells_clear(&b->cells);
    b->flights = 0;
    memset(b->newest, 0, sizeof b->newest);
    for (int i = 0; i < MIRRORS; i++) {
        struct mirror *m = &b->mirror[i];
        memset(m->set, 0, m->sets * sizeof *m->set);
    }
}

void blame_reset(struct blame *b)
{
    uint32_t by = blame_who(&b->cells, (struct blame_who){.deed = DEED_RESET});
    b->cells.who[by].times++;
    for (int i = 0; i < MIRRORS; i++) {
        struct mirror *m = &b->mirror[i];
        mirror_flush(m, FLUSHED, by);
        memcpy(m->lru, i < MIRROR_ITLB ? blame_cache(b, i)->lru : blame_tlb(b, i)->plru, m->sets);
    }
    b->paging = b->cpu->mmu->paging;
    b->caches_off = b->cpu->mmu->caches_off;
    if (b->copy)
        blame_copy_reset(b);
    blame_forget(b);
}

/* What the ledger has for the causes of a bucket. */
static uint64_t in_ledger(const struct ledger *l, unsigned bucket)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < PATH_COUNT; p++)
        for (uint32_t i = 0; l->paths[p].rows && i < l->place_capacity; i++)
            for (int k = 0; l->paths[p].rows[i] && k < CAUSE_COUNT; k++)
                sum += buckets[k] == bucket ? l->paths[p].rows[i][k] : 0;
    return sum;
}

/* Charged for an instruction that is not over. */
static uint64_t not_told(const struct watch *h, unsigned bucket)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < h->heard->count; i++)
        sum += buckets[h->heard->charge[i].cause] == bucket ? h->heard->charge[i].cycles : 0;
    return sum;
}

void blame_verify(struct blame *b)
{
    const struct ledger *l = b->cpu->ledger;
    uint64_t charged_cycles = 0, cycles = 0;
    blame_count_waiting(&b->cells);
    blame_compare(b);
    for (unsigned i = BUCKET_NONE + 1; i < BUCKETS; i++) {
        charged_cycles += b->total[i] - b->pending[i];
        CHECK(b->since != l->start || b->total[i] + not_told(b->watch, i) == in_ledger(l, i));
    }
    for (uint32_t i = 0; i < b->cells.count; i++)
        cycles += b->cells.cell[i].cycles;
    CHECK(cycles == charged_cycles);
}
