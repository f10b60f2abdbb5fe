#include "sim/report/watch.h"

#include "cpu/note.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

/* --- charges ---------------------------------------------------------------------------------- */

/* One entry for each cause: then there is room again. */
static NOINLINE void add_up(struct ledger_heard *l)
{
    uint32_t sum[CAUSE_COUNT] = {0};
    for (uint32_t i = 0; i < l->count; i++)
        sum[l->charge[i].cause] += l->charge[i].cycles;
    l->count = 0;
    for (uint32_t cause = 0; cause < CAUSE_COUNT; cause++)
        if (sum[cause]) {
            l->charge[l->count].cause = cause;
            l->charge[l->count++].cycles = sum[cause];
        }
}

static void tell_charge(struct watch *h, enum cause cause, cycle_t cycles)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].charged)
            h->list[i].charged(h->list[i].owner, cause, cycles);
}

/* What the ledger has not put into the list itself. */
static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct watch *h = owner;
    struct ledger_heard *l = h->heard;
    if (h->charges_asked)
        tell_charge(h, cause, cycles);
    if (cause == CAUSE_HALTED) {
        h->before += cycles;
        return;
    }
    if (l->count == LEDGER_HEARD)
        add_up(l);
    l->causes |= 1ull << cause;
    l->charge[l->count].cause = cause;
    l->charge[l->count++].cycles = (uint32_t)cycles;
}

/* --- the sieve -------------------------------------------------------------------------------- */

#define LINE_SHIFT 5 /* no first-level cache has shorter lines */

/* A key is the two addresses as they stand in the log, and the age in place of their offsets
 * within a line:
 *
 *    physical line | age (high) | linear line | age (low)      */
#define LINES (~((1ull << LINE_SHIFT) - 1) & ~(((1ull << LINE_SHIFT) - 1) << 32))

static ALWAYS_INLINE uint64_t lines_of(const struct access *a)
{
    return ((uint64_t)a->pa << 32 | a->la) & LINES;
}

_Static_assert(CAUSE_COUNT <= 64, "causes are a mask of 64 bits");
_Static_assert(NOTE_LIMIT <= 64, "notes are a mask of 64 bits");

static uint64_t spread(uint32_t age)
{
    return (age & ((1u << LINE_SHIFT) - 1)) | (uint64_t)(age >> LINE_SHIFT) << 32;
}

/* Age 0 is what the sieve is cleared to. */
void watch_forget(struct watch *h)
{
    if (++h->ages == 1u << 2 * LINE_SHIFT) {
        memset(h->sieve, 0, sizeof h->sieve);
        h->ages = 1;
    }
    h->age = spread(h->ages);
}

/* Notes of what enters or leaves TLBs and caches: the memory unit's own, and the last ones. */
#define REMOVE (((1ull << NOTE_MMU_LIMIT) - 1) | ~((1ull << NOTE_CR3_LOAD) - 1))

/* Where the sieve has what it knows of such an access to lines. */
static ALWAYS_INLINE uint64_t *known_of(struct watch *h, unsigned kind, uint64_t lines)
{
    return &h->sieve[kind][lines >> (32 + LINE_SHIFT) & (WATCH_SIEVE - 1)];
}

static ALWAYS_INLINE void stay_nowhere(struct watch *h)
{
    h->here[0] = h->here[1] = WATCH_NOWHERE;
}

/* Hits of lines touched last, each in a way that is known: there is nothing to list. */
static ALWAYS_INLINE bool is_old(struct watch *h, const struct access *a,
                                 const struct access *end)
{
    uint64_t differs = 0;
    for (; a < end; a++) {
        uint64_t lines = lines_of(a);
        if (UNLIKELY((a->kind | (uint32_t)a->level << 8) > ACCESS_FETCH))
            return false;
        differs |= lines ^ h->here[a->kind == ACCESS_FETCH];
        differs |= (lines | h->age) ^ *known_of(h, a->kind, lines);
    }
    return !differs;
}

/* Where the lists go on. */
struct sifted {
    const struct access **news, **moves;
};

/* Whether a hit moves on to another line is found without a branch: nobody could predict it. */
static ALWAYS_INLINE struct sifted sift_hit(struct watch *h, const struct access *a,
                                            struct sifted s)
{
    uint64_t lines = lines_of(a), key = lines | h->age, *here = &h->here[a->kind == ACCESS_FETCH];
    uint64_t *known = known_of(h, a->kind, lines);
    *s.moves = a;
    s.moves += *here != lines;
    *here = lines;
    if (UNLIKELY(*known != key)) {
        *known = key;
        *s.news++ = a;
    }
    return s;
}

static ALWAYS_INLINE void end_lists(struct watch *h, struct sifted s)
{
    h->news_count = (uint32_t)(s.news - h->news);
    h->moves_count = (uint32_t)(s.moves - h->moves);
    if (UNLIKELY(!h->hits) || UNLIKELY(h->all))
        stay_nowhere(h);
}

static ALWAYS_INLINE void sift(struct watch *h, const struct access *a, const struct access *end)
{
    struct sifted s = {h->news, h->moves};
    uint64_t notes = 0;
    uint32_t left = 0;
    for (; a < end; a++) {
        if (LIKELY((a->kind | (uint32_t)a->level << 8) <= ACCESS_FETCH)) { /* a hit */
            s = sift_hit(h, a, s);
        } else if (a->kind == ACCESS_NOTE) {
            notes |= 1ull << a->level;
        } else {
            left++;
            *s.news++ = a;
        }
    }
    h->notes = notes;
    h->removes = notes & REMOVE;
    h->hits = !left && !h->removes;
    end_lists(h, s);
}

/* Nothing but hits. */
static ALWAYS_INLINE void sift_run(struct watch *h, const struct access *a,
                                   const struct access *end)
{
    struct sifted s = {h->news, h->moves};
    h->notes = 0;
    h->removes = false;
    h->hits = true;
    for (; a < end; a++)
        if (LIKELY(a->kind <= ACCESS_FETCH))
            s = sift_hit(h, a, s);
        else
            h->notes |= 1ull << a->level;
    end_lists(h, s);
}

_Static_assert(LEVEL_L1 == 0, "a hit is told by its kind alone");

/* --- events ----------------------------------------------------------------------------------- */

static ALWAYS_INLINE void is_told(struct watch *h, const struct cpu *c, uint32_t instructions)
{
    h->before = c->clock->now;
    h->instructions += instructions;
    h->heard->count = 0;
    h->heard->causes = 0;
}

/* Whom each kind of event is told. Not done while one is told: wishes change then. */
static NOINLINE void list_told(struct watch *h)
{
    uint32_t count[WATCH_CROSSINGS + 1] = {0};
    for (unsigned i = 0; i < h->count; i++)
        for (unsigned k = h->wants[i]; k <= WATCH_CROSSINGS; k++)
            h->told[k][count[k]++] = &h->list[i];
    for (unsigned k = 0; k <= WATCH_CROSSINGS; k++)
        h->told[k][count[k]] = NULL;
    h->wants_changed = false;
    h->heard->no_runs = !h->told[WATCH_OWN][0] && !h->all && !h->charges_asked;
}

/* Those who want so much or more. */
static ALWAYS_INLINE const struct watcher *const *who_is_told(struct watch *h, bool crosses)
{
    if (UNLIKELY(h->wants_changed))
        list_told(h);
    if (crosses || h->all)
        return h->told[WATCH_CROSSINGS];
    if (h->news_count)
        return h->told[WATCH_NEWS];
    if (h->moves_count || !h->hits || h->heard->causes & CAUSES_OF_MISSES)
        return h->told[WATCH_MOVES];
    return h->told[WATCH_OWN];
}

/* Nobody is told of what is old, as nobody is while programs run. */
static ALWAYS_INLINE bool is_for_nobody(struct watch *h, const struct access *a,
                                        const struct access *end)
{
    return h->heard->no_runs && !(h->heard->causes & CAUSES_OF_MISSES) && is_old(h, a, end);
}

static void warn(struct watch *h, const struct cpu *c)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].ahead)
            h->list[i].ahead(h->list[i].owner, c);
}

static NOINLINE void tell(struct watch *h, const struct cpu *c, const struct op *o, bool delivery,
                          bool crosses)
{
    sift(h, c->log.list, c->log.list + c->log.count);
    if (!h->hits)
        warn(h, c);
    for (const struct watcher *const *w = who_is_told(h, crosses); *w; w++)
        (*w)->priced((*w)->owner, c, o, delivery);
    is_told(h, c, !delivery);
}

static NOINLINE void tell_crossing(struct watch *h, const struct cpu *c, const struct op *o,
                                   bool delivery)
{
    watch_forget(h);
    tell(h, c, o, delivery, true);
    h->cpl = c->cpl;
    h->base = c->seg[CS].base;
    h->caches_off = c->mmu->caches_off;
    watch_forget(h);
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct watch *h = owner;
    bool crosses = delivery || c->cpl != h->cpl || c->halted || c->seg[CS].base != h->base ||
                   c->mmu->caches_off != h->caches_off;
    if (UNLIKELY(crosses))
        tell_crossing(h, c, o, delivery);
    else if (is_for_nobody(h, c->log.list, c->log.list + c->log.count))
        is_told(h, c, 1);
    else
        tell(h, c, o, false, false);
}

static NOINLINE void tell_run(struct watch *h, const struct cpu *c, const struct priced_run *r,
                              const struct access *a, const struct access *end)
{
    sift_run(h, a, end);
    for (const struct watcher *const *w = who_is_told(h, false); *w; w++)
        (*w)->run((*w)->owner, c, r);
    is_told(h, c, r->count);
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct watch *h = owner;
    const struct access *a = c->log.list + r->mark[0], *end = c->log.list + r->mark[r->count];
    if (is_for_nobody(h, a, end))
        is_told(h, c, r->count);
    else
        tell_run(h, c, r, a, end);
}

/* --- who watches ------------------------------------------------------------------------------ */

static bool all_take_runs(const struct watch *h)
{
    for (unsigned i = 0; i < h->count; i++)
        if (!h->list[i].run)
            return false;
    return h->count > 0;
}

static void find_all(struct watch *h)
{
    h->all = false;
    for (unsigned i = 0; i < h->count; i++)
        h->all |= h->wants[i] == WATCH_ALL;
    h->wants_changed = true;
    h->heard->no_runs = false;
}

static void connect(struct watch *h)
{
    h->charges_asked = false;
    for (unsigned i = 0; i < h->count; i++)
        h->charges_asked |= h->list[i].charged != NULL;
    find_all(h);
    h->cpu->on_priced = h->count ? priced : NULL;
    h->cpu->on_priced_run = all_take_runs(h) ? run : NULL;
    h->cpu->priced_owner = h;
    h->cpu->ledger->tap = h->count ? charged : NULL;
    h->cpu->ledger->tap_owner = h;
    h->heard->most = h->count && !h->charges_asked ? LEDGER_HEARD : 0;
    stay_nowhere(h);
}

static void begin(struct watch *h, struct cpu *c)
{
    CHECK(!c->mmu->l1d.sets || c->mmu->l1d.line_shift >= LINE_SHIFT);
    CHECK(!c->mmu->l1i.sets || c->mmu->l1i.line_shift >= LINE_SHIFT);
    h->cpu = c;
    h->news = xalloc(ACCESS_LOG_MAX, sizeof *h->news);
    h->moves = xalloc(ACCESS_LOG_MAX + 1, sizeof *h->moves);
    h->heard = &c->ledger->heard;
    is_told(h, c, 0);
    h->cpl = c->cpl;
    h->base = c->seg[CS].base;
    h->caches_off = c->mmu->caches_off;
    watch_forget(h);
}

void watch_add_runs(struct watch *h, struct cpu *c, struct watcher w, watch_run run_told)
{
    CHECK(c->model->timed && h->count < WATCHERS_MAX);
    if (!h->count)
        begin(h, c);
    w.run = run_told;
    h->wants[h->count] = WATCH_ALL;
    h->list[h->count++] = w;
    connect(h);
}

void watch_add(struct watch *h, struct cpu *c, struct watcher w) { watch_add_runs(h, c, w, NULL); }

void watch_wants(struct watch *h, const void *owner, enum watch_wants wants)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].owner == owner)
            h->wants[i] = (uint8_t)wants;
    find_all(h);
}

void watch_remove(struct watch *h, const void *owner)
{
    unsigned kept = 0, before = h->count;
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].owner != owner) {
            h->wants[kept] = h->wants[i];
            h->list[kept++] = h->list[i];
        }
    h->count = kept;
    if (before && !kept) {
        free(h->news);
        free(h->moves);
    }
    if (h->cpu)
        connect(h);
}
