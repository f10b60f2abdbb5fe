/* x87: when x87 instructions may start, how long they hold the pipes, when their results are there.
 *
 * An x87 instruction takes its class's clocks. The last i_overlap of them leave the integer pipes
 * free, the last fp_overlap the x87 unit; multiplications and divisions follow one another one
 * clock later than other instructions follow them [AF-IT]. Results are tracked by physical
 * register, so that FXCH only exchanges names. Not modelled: safe instruction recognition (Q19). */
#include "cpu/models/p5/core.h"

#include "cpu/x87.h"

/* The facts' read and write bytes, for an x87 instruction:
 *
 *   reads   7  6  5        4    3      2-0     writes  7  6        5    4    3-2   1-0
 *                 drained  ST0  ST(i)  i                  compare  MUL  DIV  pops  destination */
enum {
    READ_STI = 1 << 3, READ_ST0 = 1 << 4, READ_DRAINED = 1 << 5,
    WRITE_DIV = 1 << 4, WRITE_MUL = 1 << 5, WRITE_COMPARE = 1 << 6,
};
#define POPS_SHIFT 2 /* the destination is an enum x87_target */

static unsigned work_bits(enum x87_work work)
{
    switch (work) {
    case X87_MULTIPLIES: return WRITE_MUL;
    case X87_DIVIDES: return WRITE_DIV;
    case X87_COMPARES: case X87_TO_EFLAGS: return WRITE_COMPARE;
    default: return 0;
    }
}

/* What is stored is wanted a clock earlier than what arithmetic reads. FXCH waits for nothing. */
uint64_t p5_bind_x87(const struct op *o)
{
    struct x87_facts f;
    x87_facts_of(o, &f);
    if (f.work == X87_EXCHANGES)
        f = (struct x87_facts){.i = f.i};
    unsigned reads = (f.st0 ? READ_ST0 : 0u) | (f.sti ? READ_STI : 0u) |
                     (f.work == X87_DRAINS ? READ_DRAINED : 0u) | f.i;
    unsigned writes = work_bits((enum x87_work)f.work) | f.to | (unsigned)f.pops << POPS_SHIFT;
    return (uint64_t)reads << FACT_READS | (uint64_t)writes << FACT_WRITES |
           (uint64_t)(f.work == X87_STORES) << FACT_SPECIAL | (uint64_t)f.ax << FACT_BOTH;
}

static unsigned reads_of(uint64_t t) { return p5_fact(t, FACT_READS); }
static unsigned writes_of(uint64_t t) { return p5_fact(t, FACT_WRITES); }

/* TOP before the instruction, from what it is now. */
static unsigned top_before(const struct cpu *c, uint64_t t)
{
    unsigned pops = writes_of(t) >> POPS_SHIFT & 3, pushes = (writes_of(t) & 3) == X87_PUSHED;
    return (c->x87.top - pops + pushes) & 7;
}

static cycle_t later(cycle_t a, cycle_t b) { return a > b ? a : b; }

/* The earliest cycle at which the instruction may start. */
static cycle_t may_start(const struct p5 *p, uint64_t t, unsigned top)
{
    cycle_t when = p->x87_free;
    if (reads_of(t) & READ_ST0)
        when = later(when, p->st_ready[top] + p5_fact(t, FACT_SPECIAL));
    if (reads_of(t) & READ_STI)
        when = later(when, p->st_ready[(top + reads_of(t)) & 7]);
    if (reads_of(t) & READ_DRAINED)
        when = later(when, p->x87_status);
    if (writes_of(t) & (WRITE_MUL | WRITE_DIV))
        when = later(when, p->x87_multiplier);
    return when;
}

struct times {
    uint32_t clocks, i_overlap, fp_overlap;
};

static bool quick_operand(const struct access *a, const struct access *end)
{
    for (; a < end; a++) {
        if (a->kind != ACCESS_NOTE || a->level != NOTE_X87_SPECIAL)
            continue;
        unsigned x = a->la & 15, y = a->la >> 4 & 15;
        if ((x != X87_NORMAL && x != X87_DENORMAL) || (y != X87_NORMAL && y != X87_DENORMAL))
            return true;
    }
    return false;
}

/* A divider of radix 4: 19 clocks for 24 bits, 33 for 53, more for 64 [AF-IT, IL]. The dump has 41
 * and no overlap for most operands of extended precision, the manuals 39. */
static struct times division(const struct cpu *c, struct times x)
{
    unsigned precision = c->x87.control >> 8 & 3, extra = x.clocks - 41;
    if (precision == 3)
        return (struct times){41 + extra, 40 + extra, 0};
    uint32_t clocks = (precision == 0 ? 19 : 33) + extra;
    return (struct times){clocks, clocks - 1, 1};
}

/* FPREM and FPREM1 retire the quotient bit by bit, up to 63 in one instruction: 16-64, 20-70
 * [AF-IT]. */
#define REMAINDER_BITS 63
#define REMAINDER_CLOCKS 48

static struct times remainder_times(struct times x, const struct access *a,
                                    const struct access *end)
{
    for (; a < end; a++) {
        if (a->kind != ACCESS_NOTE || a->level != NOTE_X87_COUNT)
            continue;
        uint32_t bits = a->la < REMAINDER_BITS ? a->la : REMAINDER_BITS;
        x.clocks += bits * REMAINDER_CLOCKS / REMAINDER_BITS;
    }
    return x;
}

static struct times times_of(const struct cpu *c, const struct p5_latency *l, uint64_t t,
                             const struct access *a, const struct access *end)
{
    struct times x = {l->reg, l->i_overlap, l->fp_overlap};
    if (UNLIKELY(a < end) && l->quick && quick_operand(a, end))
        return (struct times){l->quick, 0, 0};
    if (writes_of(t) & WRITE_DIV)
        return division(c, x);
    return UNLIKELY(a < end) ? remainder_times(x, a, end) : x;
}

void p5_exchange(struct p5 *p, const struct cpu *c, uint64_t t)
{
    cycle_t *x = &p->st_ready[c->x87.top];
    cycle_t *y = &p->st_ready[(c->x87.top + reads_of(t)) & 7], z = *x;
    *x = *y;
    *y = z;
}

static void results(struct p5 *p, const struct cpu *c, uint64_t t, unsigned top,
                    cycle_t ready)
{
    switch (writes_of(t) & 3) {
    case X87_ST0: p->st_ready[top] = ready; break;
    case X87_STI: p->st_ready[(top + reads_of(t)) & 7] = ready; break;
    case X87_PUSHED:
        p->st_ready[c->x87.top] = ready;
        if (reads_of(t) & READ_ST0) /* FSINCOS, FPTAN, FXTRACT give two */
            p->st_ready[(c->x87.top + 1) & 7] = ready;
        break;
    default: break;
    }
}

/* Condition codes are there four clocks after a comparison's own [AF-IT, MPR93]. */
#define STATUS_CLOCKS 4

void p5_price_x87(struct p5 *p, struct cpu *c, uint64_t t, const struct access *a,
                  const struct access *end)
{
    const struct p5_latency *l = &p5_latencies[p5_fact(t, FACT_LATENCY)];
    struct times x = times_of(c, l, t, a, end);
    unsigned top = top_before(c, t);
    cycle_t when = may_start(p, t, top);
    if (when > c->clock->now)
        ledger_charge(c->ledger, CAUSE_X87_WAIT, when - c->clock->now, l->quality);
    uint32_t held = x.clocks - x.i_overlap;
    ledger_charge(c->ledger, CAUSE_ISSUE, 1, l->quality);
    if (held > 1)
        ledger_charge(c->ledger, CAUSE_X87_EXECUTE, held - 1, l->quality);
    for (const struct access *e = a; e < end; e++)
        p5_data(p, c, a, e, 0);
    cycle_t start = c->clock->now - held, ready = start + x.clocks;
    if (l->issue == ISSUE_XV)
        p5_exchange(p, c, t);
    results(p, c, t, top, ready);
    p->x87_free = later(ready - x.fp_overlap, start + 1);
    if (writes_of(t) & WRITE_MUL)
        p->x87_multiplier = start + 2;
    p->x87_status = later(p->x87_status, ready);
    if (writes_of(t) & WRITE_COMPARE)
        p->x87_status = later(p->x87_status, ready + STATUS_CLOCKS);
    if (p->flop[p5_fact(t, FACT_LATENCY)])
        p5_count(p, c, EVENT_FLOP);
}
