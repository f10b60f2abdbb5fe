/* p5: the Pentium's instructions priced after they ran: branches, the kinds, the model's entries.
 *
 * Rules are cited by their letters in README.md, which names the sources. An instruction that
 * issues in U is charged at once; the next one, if it may join, is charged the difference.
 * Everything static is bound into the instruction's timing word, so that the common case reads the
 * word, the log and a dozen bytes of state (pipes.h); and what many simple instructions take
 * together is found out once (plan.h). */
#include "cpu/models/p5/pipes.h"

#include "cpu/models/p5/plan.h"
#include "cpu/timed.h"
#include "mmu/cache.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define MISPREDICTED_IN_U 3 /* [G1] */
#define MISPREDICTED_IN_V 4
#define FXCH_LATE_CLOCKS 1 /* [H1] */

static struct p5 *of(struct model *m) { return (struct p5 *)m; }

/* --- branches --------------------------------------------------------------------------------- */

/* LOOP and JCXZ take a clock more when they go. */
static uint32_t branch_clocks(const struct cpu *c, const struct op *o, uint64_t t)
{
    bool counts = p5_fact(t, FACT_ISSUE) == ISSUE_NP && (o->row->attributes & A_COND);
    return p5_fact(t, FACT_CLOCKS) + (c->branched && counts);
}

static NOINLINE void mispredicted(struct p5 *p, struct cpu *c, const struct op *o, unsigned arrived)
{
    bool late = (arrived & ARRIVED_SECOND) && (o->row->attributes & A_COND);
    if (p->ideal & MODEL_IDEAL_PREDICTION)
        return;
    p5_count(p, c, EVENT_FLUSH);
    p5_charge(c, CAUSE_BRANCH, late ? MISPREDICTED_IN_V : MISPREDICTED_IN_U);
    p5_flush(p);
    p->flushed_group = p->group + 1;
}

void p5_predict(struct p5 *p, struct cpu *c, const struct op *o, unsigned arrived)
{
    laddr_t target = c->seg[CS].base + c->eip;
    bool blind = p->group == p->flushed_group;
    struct btb_result b =
        btb_branch(&p->btb, p->earlier_la, c->branched, target, p->group, blind);
    p5_count(p, c, EVENT_BRANCH);
    if (b.hit)
        p5_count(p, c, EVENT_BTB_HIT);
    if (b.hit || c->branched)
        p5_count(p, c, EVENT_TAKEN_OR_HIT);
    if (UNLIKELY(b.mispredicted))
        mispredicted(p, c, o, arrived);
}

static void price_branch(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t, laddr_t la,
                         unsigned arrived, const struct access *a, const struct access *end)
{
    p5_price_plain(p, c, o, t, la, arrived, a, end, branch_clocks(c, o, t));
    p5_predict(p, c, o, arrived);
}

/* --- instructions of the other kinds ---------------------------------------------------------- */

static void price_x87(struct p5 *p, struct cpu *c, uint64_t t, laddr_t la, unsigned arrived,
                      const struct access *a, const struct access *end)
{
    if (arrived & ARRIVED_SECOND) {
        p5_count(p, c, EVENT_V_PIPE);
        p5_exchange(p, c, t);
        p->u = 0;
        p->fxch_in_v = true;
        return;
    }
    cycle_t before = c->clock->now;
    p5_open_group(p, c, la, t, arrived);
    p5_price_x87(p, c, t, a, end);
    p5_cast_shadow(p, c->clock->now - before);
    p5_close_group(p, t, arrived, BANK_NONE, p5_fact(t, FACT_BOTH) ? RM_EAX : 0);
}

static void price_micro(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t, laddr_t la,
                        unsigned arrived, const struct access *a, const struct access *end)
{
    bool string = p5_fact(t, FACT_KIND) == KIND_STRING, on = string && p5_continues(o, a, end);
    cycle_t occupied = on ? p->shadow + 1 : p5_open_group(p, c, la, t, arrived);
    p5_add(p, c, EVENT_INSTRUCTION, !c->rep_running);
    p5_enter_inner(p, c);
    if (!string)
        p5_count_micro(p, c, t, a, end);
    occupied += string ? p5_price_string(p, c, o, t, a, end) : p5_price_micro(p, c, o, t, a, end);
    p5_cast_shadow(p, occupied);
    p5_close_group(p, t, arrived, BANK_NONE, p5_registers_written(t));
    if (c->branched && !string && p5_predicted(p, t, a, end))
        p5_predict(p, c, o, arrived);
    else if (c->branched && !string)
        p5_flush(p);
    p5_leave_inner(p, c);
}

static NOINLINE void price_other(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                                 laddr_t la, unsigned arrived, const struct access *a,
                                 const struct access *end)
{
    unsigned kind = p5_fact(t, FACT_KIND);
    if (kind != KIND_BRANCH && kind != KIND_X87) {
        price_micro(p, c, o, t, la, arrived, a, end);
        return;
    }
    p5_count(p, c, EVENT_INSTRUCTION);
    if (kind == KIND_BRANCH)
        price_branch(p, c, o, t, la, arrived, a, end);
    else
        price_x87(p, c, t, la, arrived, a, end);
}

/* --- the model's entries ---------------------------------------------------------------------- */

static void attach(struct model *m, struct cpu *c)
{
    struct p5 *p = of(m);
    uint32_t lines = c->mmu->l1i.sets * c->mmu->l1i.ways;
    if (!p->ends || p->lines != lines) {
        free(p->ends);
        p->ends = xalloc(lines + 1, sizeof *p->ends);
        p->lines = p->line = lines;
    }
    p5_counters_attach(p, c);
    p5_plan_attach(p, c);
}

/* What p5_fetch does for a line that the code cache holds; false if it does not. */
static ALWAYS_INLINE bool fetch_hit(struct p5 *p, const struct cpu *c, const struct access *a)
{
    if (a->kind != ACCESS_FETCH || a->level != LEVEL_L1)
        return false;
    int index = cache_find(&c->mmu->l1i, a->pa);
    if (index < 0) /* the instruction itself has made it leave since */
        return false;
    p5_count(p, c, EVENT_CODE_READ);
    p->line = (uint32_t)index;
    p->line_number = a->la >> 5;
    p->line_entered = c->clock->now;
    return true;
}

static ALWAYS_INLINE bool is_front(const struct access *a)
{
    return a->kind == ACCESS_FETCH || (a->kind != ACCESS_NOTE && (a->flags & ACCESS_CODE_SIDE));
}

/* Prices what the front end did; returns the first entry that is not its. */
static NOINLINE const struct access *front(struct p5 *p, struct cpu *c, const struct access *a,
                                           const struct access *end, unsigned *arrived)
{
    for (; a < end && is_front(a); a++)
        if (UNLIKELY(!fetch_hit(p, c, a)) && p5_fetch(p, c, a))
            *arrived |= ARRIVED_STALLED;
    return a;
}

static NOINLINE void late_after_fxch(struct p5 *p, struct cpu *c, uint64_t t)
{
    p->fxch_in_v = false;
    if (p5_fact(t, FACT_KIND) != KIND_X87)
        p5_charge(c, CAUSE_X87_EXECUTE, FXCH_LATE_CLOCKS);
}

/* Prices o, whose part of the log is [a, end). remember: somebody may ask `last`. */
static ALWAYS_INLINE void price_inline(struct p5 *p, struct cpu *c, const struct op *o,
                                       const struct access *a, const struct access *end,
                                       bool remember)
{
    uint64_t t = o->timing;
    laddr_t la = c->seg[CS].base + o->eip;
    unsigned arrived = 0;
    if (a < end && is_front(a))
        a = front(p, c, a, end, &arrived);
    if (UNLIKELY(p->fxch_in_v))
        late_after_fxch(p, c, t);
    if (LIKELY(p5_mark_end(p, c, o)))
        arrived |= ARRIVED_KNOWN;
    if (p5_fits(p->u, t) && LIKELY(!(arrived & ARRIVED_STALLED)))
        arrived |= LIKELY(p5_marked(p, arrived)) ? ARRIVED_SECOND : ARRIVED_UNFETCHED;
    if (remember) {
        p->before = p->u;
        p->last = t;
        p->arrived = arrived;
    }
    if (LIKELY(p5_fact(t, FACT_KIND) == KIND_PLAIN)) {
        p5_count(p, c, EVENT_INSTRUCTION);
        p5_price_plain(p, c, o, t, la, arrived, a, end, p5_fact(t, FACT_CLOCKS));
    } else
        price_other(p, c, o, t, la, arrived, a, end);
}

static void price(struct model *m, struct cpu *c, const struct op *o)
{
    price_inline(of(m), c, o, c->log.list, c->log.list + c->log.count, true);
}

static ALWAYS_INLINE void price_unobserved(struct model *m, struct cpu *c, const struct op *o)
{
    price_inline(of(m), c, o, c->log.list, c->log.list + c->log.count, false);
}

static void price_told(struct model *m, struct cpu *c, const struct op *o)
{
    price_unobserved(m, c, o);
    c->on_priced(c->priced_owner, c, o, false);
}

void p5_price_entries(struct p5 *p, struct cpu *c, const struct op *o, const struct access *a,
                      const struct access *end)
{
    price_inline(p, c, o, a, end, false);
}

static NOINLINE const struct op *run_singly(struct model *m, struct cpu *c, const struct block *k,
                                            const struct op *o, const struct op *end)
{
    if (UNLIKELY(c->on_priced != NULL))
        return timed_run(m, c, k, o, end, price_told);
    return timed_run(m, c, k, o, end, price_unobserved);
}

/* By plan as far as there are plans, one by one between them. */
static void run(struct model *m, struct cpu *c, struct block *k, const struct op *end)
{
    const struct op *o = p5_plan_run(of(m), c, k, end);
    if (o == end || (o != k->ops && !timed_goes_on(c)))
        return;
    const struct op *second = p5_plan_second(k, end);
    if (second && o <= second) {
        if (o < second && ((o = run_singly(m, c, k, o, second)) < second || !timed_goes_on(c)))
            return;
        o = p5_plan_run_second(of(m), c, k);
        if (o == end || !timed_goes_on(c))
            return;
    }
    run_singly(m, c, k, o, end);
}

/* While a counter is set to breakpoint matches. */
static void price_matching(struct model *m, struct cpu *c, const struct op *o)
{
    struct p5 *p = of(m);
    price(m, c, o);
    p5_count_matches(p, c, o, true, p->arrived & ARRIVED_SECOND);
}

void p5_choose_price(struct p5 *p)
{
    p->model.price = p->matching ? price_matching : price;
    p->model.run = p->matching ? NULL : run;
}

static void price_delivery(struct model *m, struct cpu *c, const struct op *o)
{
    struct p5 *p = of(m);
    unsigned arrived = 0;
    const struct access *end = c->log.list + c->log.count;
    const struct access *a = front(p, c, c->log.list, end, &arrived);
    p5_enter_inner(p, c);
    p5_count_delivery(p, c, a, end);
    if (p->matching)
        p5_count_matches(p, c, o, false, false);
    p5_price_entry(p, c, a, end);
    p5_flush(p);
    p5_leave_inner(p, c);
}

static void reset(struct model *m)
{
    struct p5 *p = of(m);
    p5_flush(p);
    btb_reset(&p->btb);
}

/* --- the public face -------------------------------------------------------------------------- */

static const char *why_not_first(uint64_t u)
{
    unsigned issue = p5_fact(u, FACT_ISSUE);
    if (issue != ISSUE_UV && issue != ISSUE_PU)
        return "the instruction in U never pairs";
    if (p5_fact(u, FACT_BOTH))
        return "the instruction in U has displacement and immediate";
    return p5_fact(u, FACT_SPECIAL) ? "the instruction in U is locked"
                                    : "the instruction in U is too long";
}

static const char *why_not_second(uint64_t t)
{
    unsigned issue = p5_fact(t, FACT_ISSUE);
    if (issue == ISSUE_NP)
        return "never pairs";
    if (issue == ISSUE_PU)
        return "issues in U only";
    if (p5_fact(t, FACT_PREFIXES))
        return "a prefix: U only";
    return p5_fact(t, FACT_BOTH) ? "displacement and immediate" : "too long";
}

static const char *why_not(const struct p5 *p)
{
    uint64_t u = p->before, t = p->last;
    bool x87 = p5_fact(u, FACT_ISSUE) == ISSUE_FX || p5_fact(t, FACT_ISSUE) >= ISSUE_FX;
    if (p->arrived & ARRIVED_SECOND)
        return NULL;
    if (p->arrived & ARRIVED_STALLED)
        return "its code was not there in time";
    if (p->arrived & ARRIVED_UNFETCHED)
        return "first fetch: the bytes were not decoded before";
    if (u == 0)
        return "U is free";
    if (x87)
        return "x87 instructions pair with FXCH only";
    if (!p5_fact(u, FACT_FIRST))
        return why_not_first(u);
    if (!p5_fact(t, FACT_SECOND))
        return why_not_second(t);
    return p5_conflict(u, t) & p5_fact(t, FACT_WRITES) & ~p5_fact(t, FACT_READS)
               ? "writes a register that U writes"
               : "needs a register that U writes";
}

static void last(const struct model *m, struct model_last *l)
{
    const struct p5 *p = (const struct p5 *)m;
    bool second = p->arrived & ARRIVED_SECOND;
    *l = (struct model_last){.pipe = second ? 'V' : 'U', .paired = second, .why_not = why_not(p)};
}

static void snapshot_btb(struct btb *b, struct snap *s)
{
    snap_enter(s, "btb");
    for (unsigned set = 0; set < BTB_SETS; set++)
        for (unsigned way = 0; way < BTB_WAYS; way++) {
            struct btb_entry *e = &b->entry[set][way];
            snap_u32(s, "key", &e->key);
            snap_u32(s, "target", &e->target);
            snap_bool(s, "valid", &e->valid);
            snap_u8(s, "state", &e->state);
            snap_u64(s, "group", &e->group);
        }
    snap_u32(s, "random", &b->random);
    snap_leave(s);
}

static void snapshot_pipes(struct p5 *p, struct snap *s)
{
    snap_u64(s, "u", &p->u);
    snap_bool(s, "u_known", &p->u_known);
    snap_bool(s, "u_delayed", &p->u_delayed);
    snap_bool(s, "u_interlocked", &p->u_interlocked);
    snap_u8(s, "u_bank", &p->u_bank);
    snap_u8(s, "group_writes", &p->group_writes);
    snap_u8(s, "earlier_writes", &p->earlier_writes);
    snap_u8(s, "shadow_groups", &p->shadow_groups);
    snap_u32(s, "shadow", &p->shadow);
    snap_u32(s, "group_la", &p->group_la);
    snap_u32(s, "earlier_la", &p->earlier_la);
    snap_u64(s, "group", &p->group);
    snap_u64(s, "flushed_group", &p->flushed_group);
    snap_bool(s, "fxch_in_v", &p->fxch_in_v);
}

static void snapshot_times(struct p5 *p, struct snap *s)
{
    snap_u64(s, "bus_free", &p->bus_free);
    snap_u64(s, "bus_code", &p->bus_code);
    snap_u64(s, "buffer_u", &p->buffer[0]);
    snap_u64(s, "buffer_v", &p->buffer[1]);
    snap_u64(s, "written", &p->written);
    for (unsigned i = 0; i < 8; i++)
        snap_u64(s, "st_ready", &p->st_ready[i]);
    snap_u64(s, "x87_free", &p->x87_free);
    snap_u64(s, "x87_multiplier", &p->x87_multiplier);
    snap_u64(s, "x87_status", &p->x87_status);
}

/* What `last` would say is not state: it is gone with the next instruction. */
static void snapshot(struct model *m, struct snap *s)
{
    struct p5 *p = of(m);
    snap_enter(s, "p5");
    snapshot_pipes(p, s);
    snapshot_times(p, s);
    snapshot_btb(&p->btb, s);
    snap_u32(s, "lines", &p->lines);
    if (snap_loading(s)) {
        free(p->ends);
        p->ends = xalloc(p->lines + 1, sizeof *p->ends);
    }
    if (p->ends)
        snap_bytes(s, "ends", p->ends, (p->lines + 1) * sizeof *p->ends);
    snap_u32(s, "line", &p->line);
    snap_u32(s, "line_number", &p->line_number);
    snap_u64(s, "line_entered", &p->line_entered);
    snap_u8(s, "cpl", &p->cpl);
    snap_bool(s, "user", &p->user);
    p->events_now = p->events[p->user];
    snap_bool(s, "matching", &p->matching);
    p5_choose_price(p);
    snap_bytes(s, "events", p->events, sizeof p->events);
    snap_bytes(s, "durations", p->durations, sizeof p->durations);
    snap_bytes(s, "counter_base", p->counter_base, sizeof p->counter_base);
    snap_leave(s);
}

static void model_free(struct model *m)
{
    struct p5 *p = of(m);
    if (p->cpu && p->cpu->counter_owner == p)
        p5_counters_detach(p->cpu);
    free(p->ends);
    free(p->event_sum);
    p5_plan_free(p);
    free(p);
}

struct model *model_p5_new(const struct p5_config *config)
{
    struct p5 *p = xalloc(1, sizeof *p);
    CHECK(p5_latency_count <= P5_LATENCIES_MAX);
    p->model = (struct model){.name = "p5",
                              .timed = true,
                              .attach = attach,
                              .bind = p5_bind,
                              .price = price,
                              .run = run,
                              .price_delivery = price_delivery,
                              .reset = reset,
                              .last = last,
                              .twin = model_p5_twin,
                              .events = model_p5_events,
                              .snapshot = snapshot,
                              .free = model_free};
    p->config = *config;
    p->events_now = p->events[0];
    p->event_sum = xalloc(P5_EVENTS, sizeof *p->event_sum);
    p5_micro_init(p);
    p5_counters_init(p);
    p5_plan_init(p);
    reset(&p->model);
    return &p->model;
}
