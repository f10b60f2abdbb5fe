/* account: to which cause each cycle goes.
 *
 * A cycle belongs to the oldest instruction that has not retired. So what passes between two
 * retirements is the later instruction's, and the stage it was in says why: still in the front,
 * waiting for a unit, executing (of that first what its accesses waited for), or complete. The
 * cycle in which it retires is `issue`. What it waited for earlier was hidden behind older ones and
 * is nobody's. An operand cannot be waited for here: older instructions have all retired. */
#include "cpu/models/k7/core.h"

static enum quality quality_of(uint64_t cause)
{
    switch (cause) {
    case CAUSE_DATA_DRAM: case CAUSE_FETCH_DRAM: case CAUSE_DTLB: case CAUSE_ITLB:
        return QUALITY_FITTED;
    case CAUSE_DATA_DEVICE: case CAUSE_IO: case CAUSE_INTA: case CAUSE_TLB_UPDATE:
        return QUALITY_ESTIMATE;
    default: return QUALITY_READ;
    }
}

void k7_stall(struct k7 *k, cycle_t until, cycle_t cycles, enum cause cause)
{
    if (cycles == 0)
        return;
    unsigned i = k->stalls < STRETCHES ? k->stalls++ : STRETCHES - 1;
    k->stall[i] = (struct k7_stretch){until, cycles, cause};
}

static void charge(struct cpu *c, enum cause cause, cycle_t cycles, enum quality quality)
{
    if (cycles)
        ledger_charge(c->ledger, cause, cycles, quality);
}

/* Charges the cycles (from, to] that lie in the stretch; returns how many are left before it. The
 * stretches come latest first and do not overlap what was charged. */
static cycle_t charge_stretch(struct cpu *c, const struct k7_stretch *s, cycle_t from, cycle_t to,
                              enum cause otherwise, enum quality quality)
{
    cycle_t begin = s->until - s->cycles;
    if (s->until <= from || begin >= to)
        return to;
    cycle_t end = s->until < to ? s->until : to;
    begin = later(begin, from);
    charge(c, otherwise, to - end, quality);
    charge(c, (enum cause)s->cause, end - begin, quality_of(s->cause));
    return begin;
}

/* The instruction was not dispatched yet in (from, to]. */
static void charge_front(const struct k7 *k, struct cpu *c, cycle_t from, cycle_t to)
{
    for (unsigned i = 1; i <= STRETCHES && to > from; i++) {
        const struct k7_stretch *s = &k->late[(k->late_next - i) % STRETCHES];
        to = charge_stretch(c, s, from, to, CAUSE_DECODE, QUALITY_READ);
    }
    if (to > from)
        charge(c, CAUSE_DECODE, to - from, QUALITY_READ);
}

/* It executed in (from, to]. */
static void charge_execution(const struct k7 *k, struct cpu *c, const struct k7_cost *cost,
                             cycle_t from, cycle_t to)
{
    for (unsigned i = k->stalls; i-- > 0 && to > from;)
        to = charge_stretch(c, &k->stall[i], from, to, cost->cause, cost->quality);
    if (to > from)
        charge(c, cost->cause, to - from, cost->quality);
}

void k7_account_gap(struct k7 *k, struct cpu *c, const struct k7_cost *cost)
{
    const struct k7_stages *s = &k->last;
    cycle_t now = c->clock->now, to = s->retired - 1;
    cycle_t complete = later(s->completed, now), issue = later(s->issued, now);
    cycle_t dispatch = later(s->dispatched, now);
    issue = issue > complete ? complete : issue;
    dispatch = dispatch > issue ? issue : dispatch;
    if (complete < to)
        charge(c, CAUSE_EXECUTE, to - complete, QUALITY_READ);
    charge_execution(k, c, cost, issue, complete < to ? complete : to);
    charge(c, cost->kind == KIND_FLOAT ? CAUSE_X87_WAIT : CAUSE_UNIT, issue - dispatch,
           QUALITY_READ);
    charge_front(k, c, now, dispatch);
    charge(c, CAUSE_ISSUE, 1, QUALITY_READ);
}
