/* pipes: what pairs, what interlocks, and what a simple instruction takes in the pipes of the p5.
 *
 * In a header because two compile it in: p5.c, which prices each instruction after it has run, and
 * plan.c, which finds out once what a straight run of them takes. */
#pragma once

#include "cpu/models/p5/core.h"

/* Clocks of a pair, by shape of the first and the second, and of one alone [D3]. */
static const uint8_t p5_pair_clocks[3][3] = {{1, 2, 3}, {2, 2, 3}, {3, 4, 5}};
static const uint8_t p5_shape_clocks[3] = {1, 2, 3};

#define SHADOW_GROUPS 2 /* [F2] */

static ALWAYS_INLINE void p5_charge(struct cpu *c, enum cause cause, cycle_t n)
{
    ledger_charge(c->ledger, cause, n, QUALITY_READ);
}

/* --- pipes.c: what is rare -------------------------------------------------------------------- */

/* Decodes prefixes, as far as nothing hides them; true if that took time. */
NOINLINE bool p5_decode_prefixes(struct p5 *p, struct cpu *c, uint32_t prefixes);
/* An address interlock; returns its clock. */
NOINLINE cycle_t p5_interlock(struct p5 *p, struct cpu *c);
/* ... in V: in the shadow of U's own it takes no clock, but is an event. */
NOINLINE cycle_t p5_interlock_second(struct p5 *p, struct cpu *c);
NOINLINE cycle_t p5_bank_conflict(struct p5 *p, struct cpu *c);
/* A locked cycle, or a multiplication, which waits for the x87 unit that does it. */
NOINLINE void p5_special(struct p5 *p, struct cpu *c, const struct op *o);

/* --- pairing ---------------------------------------------------------------------------------- */

/* Registers that both would touch in a way that forbids pairing; two pushes, two pops, and a push
 * before a call share ESP freely [C2-C4]. */
static ALWAYS_INLINE unsigned p5_conflict(uint64_t u, uint64_t t)
{
    unsigned touched = (unsigned)(t >> FACT_READS | t >> FACT_WRITES | t >> FACT_ADDRESS);
    unsigned mask = p5_fact(u, FACT_WRITES) & touched;
    if (p5_fact(u, FACT_STACK_FIRST) & p5_fact(t, FACT_STACK_SECOND))
        mask &= ~(unsigned)RM_ESP;
    return mask;
}

static ALWAYS_INLINE bool p5_fits(uint64_t u, uint64_t t)
{
    unsigned as = p5_fact(u, FACT_FIRST) & p5_fact(t, FACT_SECOND);
    return as == PAIR_X87 || (as && !p5_conflict(u, t));
}

/* Both ends are marked in the code cache, or the first is one byte long [C8]. */
static ALWAYS_INLINE bool p5_marked(const struct p5 *p, bool known)
{
    return (known && p->u_known) || p5_fact(p->u, FACT_ONE_BYTE);
}

/* Whether the end of the instruction was marked; marks it. */
static ALWAYS_INLINE bool p5_mark_end(struct p5 *p, const struct cpu *c, const struct op *o)
{
    uint32_t bit = 1u << ((c->seg[CS].base + o->next_eip - 1) & 31), *ends = &p->ends[p->line];
    bool known = *ends & bit;
    if (UNLIKELY(!known))
        *ends |= bit;
    return known;
}

/* --- issue ------------------------------------------------------------------------------------ */

static ALWAYS_INLINE uint8_t p5_registers_written(uint64_t t)
{
    unsigned esp = p5_fact(t, FACT_IMPLIED_ESP) * RM_ESP;
    return (uint8_t)(p5_fact(t, FACT_WRITES) & ~esp);
}

/* A group that holds the pipes hides prefixes of those behind it [F2]. */
static ALWAYS_INLINE void p5_cast_shadow(struct p5 *p, cycle_t occupied)
{
    if (occupied > 1) {
        p->shadow = (uint32_t)occupied - 1;
        p->shadow_groups = SHADOW_GROUPS;
    }
}

/* Starts a group in U. Returns the clocks of an address interlock; whatever kept the decoder busy
 * hides it [E1]. */
static ALWAYS_INLINE cycle_t p5_open_group(struct p5 *p, struct cpu *c, laddr_t la, uint64_t t,
                                           unsigned arrived)
{
    unsigned prefixes = p5_fact(t, FACT_PREFIXES);
    p->earlier_la = p->group_la;
    p->group_la = la;
    p->group++;
    p->u_delayed = p->u_interlocked = false;
    p->earlier_writes = p->group_writes;
    if (UNLIKELY(arrived & ARRIVED_STALLED)) {
        p->u_delayed = true;
        p->earlier_writes = 0;
    }
    if (UNLIKELY(prefixes != 0) && p5_decode_prefixes(p, c, prefixes))
        p->u_delayed = true;
    p->shadow_groups -= p->shadow_groups > 0;
    if (LIKELY(!(p5_fact(t, FACT_ADDRESS) & p->earlier_writes)) || p->u_delayed)
        return 0;
    p->u_delayed = p->u_interlocked = true;
    return p5_interlock(p, c);
}

static ALWAYS_INLINE void p5_close_group(struct p5 *p, uint64_t t, unsigned arrived, uint8_t bank,
                                         uint8_t writes)
{
    p->u = t;
    p->u_known = arrived & ARRIVED_KNOWN;
    p->u_bank = bank;
    p->group_writes = writes;
}

/* The pipes are empty: nothing pairs or interlocks with what comes. */
static ALWAYS_INLINE void p5_flush(struct p5 *p)
{
    p->u = 0;
    p->group_writes = 0;
    p->shadow_groups = 0;
    p->fxch_in_v = false;
}

static ALWAYS_INLINE bool p5_plain_hit(const struct access *a)
{
    return a->level == LEVEL_L1 && a->kind <= ACCESS_WRITE && !(a->flags & ~ACCESS_HIT_M);
}

/* The data accesses of an instruction, after it was issued. Returns what they stalled. */
static ALWAYS_INLINE cycle_t p5_accesses(struct p5 *p, struct cpu *c, const struct access *a,
                                         const struct access *end, unsigned pipe)
{
    cycle_t stalled = 0;
    for (const struct access *e = a; e < end; e++) {
        if (LIKELY(p5_plain_hit(e)) &&
            LIKELY(e->kind != ACCESS_WRITE || p->written <= c->clock->now))
            p5_count(p, c, e->kind == ACCESS_WRITE ? EVENT_WRITE_HIT : EVENT_DATA_READ);
        else
            stalled += p5_data(p, c, a, e, pipe);
    }
    return stalled;
}

static ALWAYS_INLINE uint8_t p5_bank_of(const struct access *a, const struct access *end)
{
    while (a < end && UNLIKELY(a->kind > ACCESS_RMW)) /* walks come before what they are for */
        a++;
    return a < end ? (uint8_t)(a->la >> 2 & 7) : BANK_NONE;
}

/* Joins the instruction in U: charges what the pair takes longer. Returns the clocks of the
 * pair. */
static ALWAYS_INLINE cycle_t p5_issue_v(struct p5 *p, struct cpu *c, uint64_t t, uint8_t bank)
{
    unsigned first = p5_fact(p->u, FACT_SHAPE);
    cycle_t pair = p5_pair_clocks[first][p5_fact(t, FACT_SHAPE)];
    p5_count(p, c, EVENT_V_PIPE);
    if (UNLIKELY(pair > p5_shape_clocks[first]))
        p5_charge(c, CAUSE_EXECUTE, pair - p5_shape_clocks[first]);
    if (bank != BANK_NONE && p->u_bank != BANK_NONE) {
        p5_count(p, c, EVENT_BOTH_PIPES);
        if (UNLIKELY(bank == p->u_bank))
            pair += p5_bank_conflict(p, c);
    }
    if (UNLIKELY(p5_fact(t, FACT_ADDRESS) & p->earlier_writes))
        pair += p5_interlock_second(p, c);
    p->u = 0;
    p->group_writes |= p5_registers_written(t);
    return pair;
}

static ALWAYS_INLINE void p5_issue_u(struct cpu *c, uint64_t t, unsigned arrived, uint32_t clocks)
{
    p5_charge(c, UNLIKELY(arrived & ARRIVED_UNFETCHED) ? CAUSE_FIRST_FETCH : CAUSE_ISSUE, 1);
    if (clocks > 1) {
        const struct p5_latency *l = &p5_latencies[p5_fact(t, FACT_LATENCY)];
        ledger_charge(c->ledger, l->cause, clocks - 1u, l->quality);
    }
}

static ALWAYS_INLINE void p5_price_plain(struct p5 *p, struct cpu *c, const struct op *o,
                                         uint64_t t, laddr_t la, unsigned arrived,
                                         const struct access *a, const struct access *end,
                                         uint32_t clocks)
{
    uint8_t bank = p5_bank_of(a, end);
    cycle_t occupied;
    if (arrived & ARRIVED_SECOND) {
        occupied = p5_issue_v(p, c, t, bank);
        p5_cast_shadow(p, occupied + p5_accesses(p, c, a, end, 1));
        return;
    }
    occupied = clocks + p5_open_group(p, c, la, t, arrived);
    if (UNLIKELY(p5_fact(t, FACT_SPECIAL)))
        p5_special(p, c, o);
    p5_issue_u(c, t, arrived, clocks);
    p5_cast_shadow(p, occupied + p5_accesses(p, c, a, end, 0));
    p5_close_group(p, t, arrived, bank, p5_registers_written(t));
}
