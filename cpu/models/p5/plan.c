/* plan: making plans, running by them, and settling when something else happens. */
#include "cpu/models/p5/plan.h"

#include "cpu/models/p5/pipes.h"
#include "cpu/run.h"
#include "cpu/timed.h"
#include "mmu/access.h"
#include "mmu/cache.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define VISITS 4  /* before a block is worth a plan: most code of a boot runs once */
#define MISSES 16 /* before a plan is looked at again */
#define LINES_MAX        4
#define CHARGES_MAX      4
#define SHADOW_UNTOUCHED UINT32_MAX

enum { PLAN_READY = 0xFF, PLAN_NONE = 0xFE };
enum {
    PREFIXES_EARLY = 1, /* in the two groups that a shadow from before may reach */
    CASTS_SHADOW = 2,
    U_DELAYED = 4,
    U_INTERLOCKED = 8,
    ENDS_IN_V = 16,
    ENDS_IN_BRANCH = 32,
    HAS_EVENTS = 64, /* beyond instructions and pairs */
};

/* Lives in struct block's words for the model. */
struct plan {
    uint8_t visits; /* so far; PLAN_READY, PLAN_NONE */
    uint8_t flags;
    uint8_t first;        /* of the block's instructions: the others are counted from it */
    uint8_t count;        /* instructions */
    uint8_t runs, misses; /* to the end, up to 255; given up for what missed: lately */
    uint8_t groups;
    uint8_t new_lines; /* entered by its instructions, after that of the first's first byte */
    uint8_t last_u, earlier_u; /* the instructions that opened the last group and that before it */
    uint8_t early_address;     /* registers that form addresses in the first group */
    uint8_t group_writes, earlier_writes, shadow_groups;  /* as struct p5 has them at the end */
    uint8_t interlocks, interlocks_in_v, multiplications; /* EVENT_AGI, _AGI_IN_V, _FLOP */
    uint8_t charges;
    uint16_t limit;   /* clocks at most: with every bank conflict there may be */
    uint16_t entered; /* clock at which the last line is entered */
    uint32_t shadow;
    uint32_t pairs;           /* bit per instruction that issues in V */
    uint32_t ends[LINES_MAX]; /* by line: the bytes that must be marked */
    struct {
        uint16_t cause, cycles;
    } charge[CHARGES_MAX]; /* beyond a clock of issue for each group */
};

_Static_assert(P5_PLANS * sizeof(struct plan) <= sizeof((struct block *)0)->model, "plans fit");

_Static_assert(P5_WAITING_MAX == BLOCK_OPS_MAX, "a whole block may wait");

/* Pipes to make plans in. */
struct p5_sketch {
    struct p5 p;
    struct clock clock;
    struct ledger ledger;
    uint64_t row[CAUSE_COUNT];
};

static ALWAYS_INLINE struct plan *plan_of(struct block *k, unsigned i)
{
    return (struct plan *)(void *)k->model + i;
}

/* --- making a plan ---------------------------------------------------------------------------- */

void p5_plan_init(struct p5 *p)
{
    struct p5_sketch *s = p->sketch = xalloc(1, sizeof *s);
    s->p.events_now = s->p.events[0];
    s->ledger.clock = &s->clock;
    s->ledger.row = s->row;
}

void p5_plan_free(struct p5 *p) { free(p->sketch); }

static void clear(struct p5_sketch *s)
{
    struct p5 *p = &s->p;
    p->u = p->group = 0;
    p->group_writes = p->earlier_writes = p->shadow_groups = 0;
    p->shadow = SHADOW_UNTOUCHED; /* never looked at while shadow_groups is 0 */
    p->u_delayed = p->u_interlocked = false;
    memset(p->events[0], 0, sizeof p->events[0]);
    memset(s->row, 0, sizeof s->row);
    s->clock.now = 0;
}

/* Simple ones whose clocks are read, not estimated, and at the end a branch whose clocks do not
 * depend on where it goes. A locked one always leaves the fast path. */
static bool plannable(const struct block *k, const struct op *o)
{
    uint64_t t = o->timing;
    uint32_t attributes = o->row->attributes;
    const struct p5_latency *l = &p5_latencies[p5_fact(t, FACT_LATENCY)];
    if ((o->flags & OP_LOCK) || (attributes & (A_END | A_ALONE | A_SHADOW)))
        return false;
    if (p5_fact(t, FACT_KIND) == KIND_BRANCH)
        return o == &k->ops[k->count - 1] && l->quality == QUALITY_READ &&
               !(p5_fact(t, FACT_ISSUE) == ISSUE_NP && (attributes & A_COND));
    return p5_fact(t, FACT_KIND) == KIND_PLAIN && l->quality == QUALITY_READ;
}

/* Prices one more instruction in the sketch. */
static void add(struct p5_sketch *s, struct plan *n, struct cpu *c, const struct op *o)
{
    struct p5 *p = &s->p;
    uint64_t t = o->timing;
    bool second = p5_fits(p->u, t);
    unsigned arrived = second ? ARRIVED_KNOWN | ARRIVED_SECOND : ARRIVED_KNOWN;
    p5_price_plain(p, c, o, t, 0, arrived, NULL, NULL, p5_fact(t, FACT_CLOCKS));
    if (second) {
        n->pairs |= 1u << n->count;
    } else {
        n->earlier_u = n->last_u;
        n->last_u = n->count;
    }
    if (p->group == 1)
        n->early_address |= (uint8_t)p5_fact(t, FACT_ADDRESS);
    if (p->group <= SHADOW_GROUPS && p5_fact(t, FACT_PREFIXES))
        n->flags |= PREFIXES_EARLY;
    n->flags &= (uint8_t) ~(ENDS_IN_V | ENDS_IN_BRANCH);
    n->flags |=
        (second ? ENDS_IN_V : 0) | (p5_fact(t, FACT_KIND) == KIND_BRANCH ? ENDS_IN_BRANCH : 0);
    n->count++;
}

/* Puts down what the sketch has come to. False: there is more than fits. */
static bool conclude(const struct p5_sketch *s, struct plan *n)
{
    const struct p5 *p = &s->p;
    const uint64_t *events = p->events[0];
    n->flags |= (p->shadow != SHADOW_UNTOUCHED ? CASTS_SHADOW : 0) |
                (p->u_delayed ? U_DELAYED : 0) | (p->u_interlocked ? U_INTERLOCKED : 0);
    n->shadow = p->shadow;
    n->shadow_groups = p->shadow_groups;
    n->group_writes = p->group_writes;
    n->earlier_writes = p->earlier_writes;
    n->groups = (uint8_t)p->group;
    n->interlocks = (uint8_t)events[EVENT_AGI];
    n->interlocks_in_v = (uint8_t)events[EVENT_AGI_IN_V];
    n->multiplications = (uint8_t)events[EVENT_FLOP];
    if (n->interlocks | n->interlocks_in_v | n->multiplications)
        n->flags |= HAS_EVENTS;
    cycle_t limit = s->clock.now + (unsigned)__builtin_popcount(n->pairs);
    CHECK(s->row[CAUSE_ISSUE] == p->group && limit <= UINT16_MAX);
    n->limit = (uint16_t)limit;
    for (unsigned i = 0; i < CAUSE_COUNT; i++) {
        if (i == CAUSE_ISSUE || s->row[i] == 0)
            continue;
        if (n->charges == CHARGES_MAX)
            return false;
        n->charge[n->charges].cause = (uint16_t)i;
        n->charge[n->charges++].cycles = (uint16_t)s->row[i];
    }
    return true;
}

/* For instructions first to end - 1 of the block, or as many of them as can be planned. */
static NOINLINE void make_plan(struct p5 *p, struct cpu *c, const struct block *k, struct plan *n,
                               unsigned first, unsigned end)
{
    struct p5_sketch *s = p->sketch;
    struct ledger *ledger = c->ledger;
    unsigned line = 0;
    memset(n, 0, sizeof *n);
    n->first = (uint8_t)first;
    clear(s);
    c->ledger = &s->ledger;
    for (const struct op *o = k->ops + first; o < k->ops + end && plannable(k, o); o++) {
        if (o->flags & OP_NEW_LINE) {
            if (line == LINES_MAX - 1)
                break;
            n->new_lines = (uint8_t)++line;
            n->entered = (uint16_t)s->clock.now;
        }
        n->ends[line] |= 1u << ((c->seg[CS].base + o->next_eip - 1) & 31);
        add(s, n, c, o);
    }
    c->ledger = ledger;
    bool made = n->count >= 2 && conclude(s, n);
    n->visits = made ? PLAN_READY : PLAN_NONE;
}

/* An instruction that misses most of the time makes a plan useless: it now ends before it, and a
 * second plan begins behind it. Called when instruction i has missed and is priced. */
static NOINLINE void divide(struct p5 *p, struct cpu *c, struct block *k, unsigned i)
{
    unsigned next = i + 1;
    make_plan(p, c, k, plan_of(k, 0), 0, i);
    if (next < k->count && p5_fits(p->u, k->ops[next].timing)) /* a plan begins in U */
        next++;
    if (next < k->count)
        make_plan(p, c, k, plan_of(k, 1), next, k->count);
}

/* --- settling --------------------------------------------------------------------------------- */

/* The first count have run, and are charged for. */
static ALWAYS_INLINE void tell(const struct p5 *p, struct cpu *c, uint32_t count, bool branched,
                               const struct plan *sum)
{
    if (UNLIKELY(c->on_priced_run != NULL))
        c->on_priced_run(c->priced_owner, c,
                         &(struct priced_run){.first = p->waiting, .count = count,
                                              .mark = p->waiting_mark, .branched = branched,
                                              .sum = sum});
}

/* Prices the first count instructions that wait, one after the other. What the log has beyond them
 * belongs to the one that runs. branched: the last of them took its branch. */
static void price_waiting(struct p5 *p, struct cpu *c, uint32_t count, bool branched)
{
    struct access_log *log = &c->log;
    const uint32_t *mark = p->waiting_mark;
    c->mmu->unpriced = false;
    for (uint32_t i = 0; i < count; i++)
        p5_price_entries(p, c, &p->waiting[i], log->list + mark[i], log->list + mark[i + 1]);
    if (count)
        tell(p, c, count, branched, NULL);
    log->count -= mark[count];
    memmove(log->list, log->list + mark[count], log->count * sizeof *log->list);
    c->instructions += count;
}

/* The one that runs, c->op, is yet to be priced. */
static void settle(void *owner)
{
    struct p5 *p = owner;
    price_waiting(p, p->cpu, (uint32_t)(p->cpu->op - p->waiting), false);
}

void p5_plan_attach(struct p5 *p, struct cpu *c)
{
    c->mmu->settle = settle;
    c->mmu->settle_owner = p;
}

/* --- running by plan -------------------------------------------------------------------------- */

/* What timed_fetch_line does, if the code cache holds the line with all these ends marked; else
 * nothing. Returns the line's index, or -1. */
static ALWAYS_INLINE int enter_line(struct p5 *p, struct cpu *c, laddr_t la, paddr_t pa,
                                    uint32_t ends)
{
    struct cache *l1i = &c->mmu->l1i;
    int index = cache_find(l1i, pa);
    if (UNLIKELY(index < 0) || UNLIKELY(ends & ~p->ends[index]))
        return -1;
    cache_touch(l1i, (uint32_t)index);
    access_log_put(c->mmu, la, pa, ACCESS_FETCH, LEVEL_L1, 0, 1u << l1i->line_shift);
    c->fetch_line = la >> BLOCK_LINE_SHIFT;
    return index;
}

static ALWAYS_INLINE int enter_last_line(struct p5 *p, struct cpu *c, const struct block *k,
                                         const struct op *o, uint32_t ends)
{
    paddr_t pa;
    laddr_t la = timed_last_byte(c, k, o, &pa);
    return enter_line(p, c, la, pa, ends);
}

/* Whether the pipes are as the plan supposes: the first instruction opens a group; nothing from
 * before interlocks with it, hides its prefixes or keeps it waiting. */
static ALWAYS_INLINE bool pipes_ready(const struct p5 *p, cycle_t now, const struct plan *n,
                                      const struct op *first)
{
    return !p5_fits(p->u, first->timing) && !(p->group_writes & n->early_address) &&
           (p->shadow_groups == 0 || !(n->flags & PREFIXES_EARLY)) && !p->fxch_in_v &&
           p->written <= now && p->x87_free <= now;
}

/* ... and all else: no walk was made for the first instruction, no event falls due, and whoever
 * looks at charges takes those of a run together. */
static ALWAYS_INLINE bool all_ready(const struct p5 *p, const struct cpu *c, const struct plan *n,
                                    const struct op *first)
{
    cycle_t now = c->clock->now;
    return pipes_ready(p, now, n, first) && now + n->limit < clock_next(c->clock) &&
           c->log.count == 0 && (c->ledger->tap == NULL || c->on_priced_run != NULL);
}

/* The pairs whose halves both access data; -1 if two meet in one bank. */
static int pairs_on_data(const struct p5 *p, const struct cpu *c, const struct plan *n)
{
    const struct access *list = c->log.list;
    const uint32_t *mark = p->waiting_mark;
    int both = 0;
    for (uint32_t pairs = n->pairs; pairs; pairs &= pairs - 1) {
        unsigned i = (unsigned)__builtin_ctz(pairs);
        uint8_t first = p5_bank_of(list + mark[i - 1], list + mark[i]);
        uint8_t second = p5_bank_of(list + mark[i], list + mark[i + 1]);
        if (first == BANK_NONE || second == BANK_NONE)
            continue;
        if (first == second)
            return -1;
        both++;
    }
    return both;
}

/* All accesses have hit the first level. They are added up in one word first: several events
 * counted in memory one after the other would wait for each other. */
static ALWAYS_INLINE void count_accesses(struct p5 *p, const struct cpu *c)
{
    enum { READS = 0, WRITES = 16, LINES = 32, MASK = 0xFFFF };
    static const uint64_t ones[] = {
        [ACCESS_READ] = 1ull << READS,
        [ACCESS_WRITE] = 1ull << WRITES,
        [ACCESS_RMW] = 1ull << READS,
        [ACCESS_FETCH] = 1ull << LINES,
        [ACCESS_NOTE] = 0,
    };
    uint64_t sums = 0;
    const struct access *end = c->log.list + c->log.count;
    for (const struct access *a = c->log.list; a < end; a++)
        sums += ones[a->kind];
    p5_add(p, c, EVENT_DATA_READ, sums >> READS & MASK);
    p5_add(p, c, EVENT_WRITE_HIT, sums >> WRITES & MASK);
    p5_add(p, c, EVENT_CODE_READ, sums >> LINES & MASK);
}

static ALWAYS_INLINE void count_instructions(struct p5 *p, const struct cpu *c,
                                             const struct plan *n)
{
    p5_add(p, c, EVENT_INSTRUCTION, n->count);
    p5_add(p, c, EVENT_V_PIPE, (unsigned)(n->count - n->groups));
    if (LIKELY(!(n->flags & HAS_EVENTS)))
        return;
    p5_add(p, c, EVENT_AGI, n->interlocks);
    p5_add(p, c, EVENT_AGI_IN_V, n->interlocks_in_v);
    p5_add(p, c, EVENT_FLOP, n->multiplications);
}

/* Leaves the pipes as the instructions, one after the other, would have left them. list: their
 * accesses, each one's part from its mark on. */
static ALWAYS_INLINE void leave_pipes(struct p5 *p, const struct cpu *c, const struct plan *n,
                                      const struct op *ops, const uint32_t *mark,
                                      const struct access *list)
{
    laddr_t base = c->seg[CS].base;
    mark += n->last_u;
    bool several = n->groups > 1;
    p->u = n->flags & ENDS_IN_V ? 0 : ops[n->last_u].timing;
    p->u_known = true;
    p->u_delayed = n->flags & U_DELAYED;
    p->u_interlocked = n->flags & U_INTERLOCKED;
    p->u_bank = p5_bank_of(list + mark[0], list + mark[1]);
    p->earlier_writes = several ? n->earlier_writes : p->group_writes;
    p->group_writes = n->group_writes;
    p->earlier_la = several ? base + ops[n->earlier_u].eip : p->group_la;
    p->group_la = base + ops[n->last_u].eip;
    p->group += n->groups;
    if (n->flags & CASTS_SHADOW) {
        p->shadow = n->shadow;
        p->shadow_groups = n->shadow_groups;
    } else if (UNLIKELY(p->shadow_groups)) {
        p->shadow_groups -= p->shadow_groups < n->groups ? p->shadow_groups : n->groups;
    }
}

static ALWAYS_INLINE void charge_sum(struct p5 *p, struct cpu *c, const struct plan *n,
                                     const struct op *ops, const uint32_t *mark,
                                     const struct access *list)
{
    leave_pipes(p, c, n, ops, mark, list);
    ledger_charge_run(c->ledger, CAUSE_ISSUE, n->groups, QUALITY_READ);
    for (unsigned i = 0; i < n->charges; i++)
        ledger_charge_run(c->ledger, n->charge[i].cause, n->charge[i].cycles, QUALITY_READ);
    if (n->flags & ENDS_IN_BRANCH)
        p5_predict(p, c, &ops[n->count - 1],
                   n->flags & ENDS_IN_V ? ARRIVED_KNOWN | ARRIVED_SECOND : ARRIVED_KNOWN);
}

/* All have run and hit. line: index of the last code line entered, -1 if there was none. */
static ALWAYS_INLINE void charge_plan(struct p5 *p, struct cpu *c, const struct plan *n,
                                      const struct op *ops, int line)
{
    if (c->log.count) {
        int both = n->pairs && c->log.count > 1 ? pairs_on_data(p, c, n) : 0;
        if (UNLIKELY(both < 0)) {
            price_waiting(p, c, n->count, c->branched);
            return;
        }
        p5_add(p, c, EVENT_BOTH_PIPES, (unsigned)both);
        count_accesses(p, c);
    }
    if (line >= 0) {
        p->line = (uint32_t)line;
        p->line_number = c->fetch_line;
        p->line_entered = c->clock->now + n->entered;
    }
    count_instructions(p, c, n);
    c->mmu->unpriced = false;
    c->instructions += n->count;
    charge_sum(p, c, n, ops, p->waiting_mark, c->log.list);
    tell(p, c, n->count, c->branched, n);
    c->log.count = 0;
}

/* It left the fast path; what was before it is priced. */
static NOINLINE const struct op *price_last(struct p5 *p, struct cpu *c, struct block *k,
                                            struct plan *n, const struct op *o)
{
    p5_price_entries(p, c, o, c->log.list, c->log.list + c->log.count);
    if (UNLIKELY(c->on_priced != NULL))
        c->on_priced(c->priced_owner, c, o, false);
    c->log.count = 0;
    c->mmu->locked = false;
    c->instructions++;
    if (++n->misses == MISSES) {
        if (n->runs < MISSES && n == plan_of(k, 0))
            divide(p, c, k, (unsigned)(o - k->ops));
        n->runs = n->misses = 0;
    }
    return o + 1;
}

static NOINLINE const struct op *stop_before(struct p5 *p, struct cpu *c, const struct op *o)
{
    price_waiting(p, c, (uint32_t)(o - p->waiting), false);
    return o;
}

static ALWAYS_INLINE const struct op *run_by(struct p5 *p, struct cpu *c, struct block *k,
                                             struct plan *n, int line)
{
    const struct op *o = k->ops + n->first, *end = o + n->count;
    const uint32_t *ends = n->ends;
    uint32_t *mark = p->waiting_mark;
    p->waiting = o;
    *mark++ = 0;
    c->mmu->unpriced = true;
    for (;;) {
        if (UNLIKELY(o->flags & OP_NEW_LINE) &&
            UNLIKELY((line = enter_last_line(p, c, k, o, *++ends)) < 0))
            return stop_before(p, c, o);
        c->op = o;
        c->eip = o->next_eip;
        o->body(c, o);
        if (UNLIKELY(!c->mmu->unpriced))
            return price_last(p, c, k, n, o);
        *mark++ = c->log.count;
        if (++o == end)
            break;
    }
    n->runs += n->runs < UINT8_MAX;
    charge_plan(p, c, n, p->waiting, line);
    return end;
}

static NOINLINE const struct op *visit(struct p5 *p, struct cpu *c, struct block *k)
{
    struct plan *n = plan_of(k, 0);
    if (!k->alone && n->visits != PLAN_NONE && ++n->visits == VISITS)
        make_plan(p, c, k, n, 0, k->count);
    return k->ops;
}

const struct op *p5_plan_run(struct p5 *p, struct cpu *c, struct block *k, const struct op *end)
{
    struct plan *n = plan_of(k, 0);
    if (UNLIKELY(n->visits != PLAN_READY))
        return visit(p, c, k);
    if (end < k->ops + n->count || !all_ready(p, c, n, k->ops))
        return k->ops;
    int line = -1;
    if (k->la >> BLOCK_LINE_SHIFT == c->fetch_line) {
        if (UNLIKELY(n->ends[0] & ~p->ends[p->line]))
            return k->ops;
    } else if ((line = enter_line(p, c, k->la, k->pa, n->ends[0])) < 0) {
        return k->ops;
    }
    return run_by(p, c, k, n, line);
}

const struct op *p5_plan_second(struct block *k, const struct op *end)
{
    const struct plan *n = plan_of(k, 1);
    const struct op *first = k->ops + n->first;
    return n->visits == PLAN_READY && first + n->count <= end ? first : NULL;
}

const struct op *p5_plan_run_second(struct p5 *p, struct cpu *c, struct block *k)
{
    struct plan *n = plan_of(k, 1);
    const struct op *first = k->ops + n->first;
    if (!all_ready(p, c, n, first) || UNLIKELY(n->ends[0] & ~p->ends[p->line]))
        return first;
    return run_by(p, c, k, n, -1);
}

/* --- a twin's --------------------------------------------------------------------------------- */

/* Whether the twin's code cache holds the lines that were entered, and knows the ends of all
 * instructions. Then *line is the last of them, and *entered says where the log tells of it (NULL:
 * all are in the line that it was in). */
static ALWAYS_INLINE bool lines_known(const struct p5 *p, const struct cpu *c, const struct plan *n,
                                      const struct access *list, uint32_t count, uint32_t *line,
                                      const struct access **entered)
{
    const struct access *fetch[LINES_MAX];
    unsigned fetches = 0, i = 0;
    for (const struct access *a = list; a < list + count; a++)
        if (a->kind == ACCESS_FETCH)
            fetch[fetches++] = a;
    *line = p->line;
    *entered = NULL;
    if (fetches == n->new_lines && n->ends[i++] & ~p->ends[p->line])
        return false;
    for (unsigned f = 0; f < fetches; f++, i++) {
        int index = cache_find(&c->mmu->l1i, fetch[f]->pa);
        if (index < 0 || n->ends[i] & ~p->ends[index])
            return false;
        *line = (uint32_t)index;
        *entered = fetch[f];
    }
    return true;
}

/* Its original has seen that no two accesses meet in a bank. */
bool p5_plan_price(struct model *m, struct cpu *c, const struct priced_run *r,
                   const struct access *list)
{
    struct p5 *p = (struct p5 *)m;
    const struct plan *n = r->sum;
    const struct access *entered;
    uint32_t line;
    if (!n || !pipes_ready(p, c->clock->now, n, r->first) ||
        !lines_known(p, c, n, list, r->mark[r->count], &line, &entered))
        return false;
    if (entered) {
        p->line = line;
        p->line_number = entered->la >> BLOCK_LINE_SHIFT;
        p->line_entered = c->clock->now + n->entered;
    }
    charge_sum(p, c, n, r->first, r->mark, list);
    return true;
}
