/* x87: when x87 instructions may start, how long they hold the pipes, when their results are there.
 *
 * An x87 instruction takes its class's clocks. The last i_overlap of them leave the integer pipes
 * free, the last fp_overlap the x87 unit; multiplications and divisions follow one another one
 * clock later than other instructions follow them [AF-IT]. Results are tracked by physical
 * register, so that FXCH only exchanges names. Not modelled: safe instruction recognition (Q19). */
#include "cpu/models/p5/core.h"

#include "cpu/x87.h"

#include <string.h>

/* The facts' read and write bytes, for an x87 instruction:
 *
 *   reads   7  6  5        4    3      2-0     writes  7  6        5    4    3-2   1-0
 *                 drained  ST0  ST(i)  i                  compare  MUL  DIV  pops  destination */
enum {
    READ_STI = 1 << 3, READ_ST0 = 1 << 4, READ_DRAINED = 1 << 5,
    WRITE_DIV = 1 << 4, WRITE_MUL = 1 << 5, WRITE_COMPARE = 1 << 6,
};
enum { TO_NONE, TO_ST0, TO_STI, TO_PUSHED };
#define POPS_SHIFT 2

/* What the classes read and write. Letters: 0 ST0, i ST(i), 1 ST(1); destination 0, i, 1, p
 * pushed. */
struct shape {
    const char *class;
    const char *reads;
    char to;
    uint8_t flags;
    bool drained; /* waits until every result is there */
    bool early;   /* reads ST0 a clock earlier than arithmetic does */
};

static const struct shape shapes[] = {
    {"fadd", "0i", '0', 0, false, false},
    {"fmul", "0i", '0', WRITE_MUL, false, false},
    {"fdiv", "0i", '0', WRITE_DIV, false, false},
    {"fiadd", "0", '0', 0, false, false},
    {"fidiv", "0", '0', WRITE_DIV, false, false},
    {"fcom", "0i", 0, WRITE_COMPARE, false, false},
    {"fcomi", "0i", 0, WRITE_COMPARE, false, false},
    {"ficom", "0", 0, WRITE_COMPARE, false, false},
    {"ftst", "0", 0, WRITE_COMPARE, false, false},
    {"fxam", "0", 0, WRITE_COMPARE, false, false},
    {"fchs", "0", '0', 0, false, false},
    {"fsqrt", "0", '0', 0, false, false},
    {"frndint", "0", '0', 0, false, false},
    {"f2xm1", "0", '0', 0, false, false},
    {"fsin", "0", '0', 0, false, false},
    {"fsincos", "0", 'p', 0, false, false},
    {"fptan", "0", 'p', 0, false, false},
    {"fxtract", "0", 'p', 0, false, false},
    {"fscale", "01", '0', 0, false, false},
    {"fprem", "01", '0', 0, false, false},
    {"fprem1", "01", '0', 0, false, false},
    {"fyl2x", "01", '1', 0, false, false},
    {"fyl2xp1", "01", '1', 0, false, false},
    {"fpatan", "01", '1', 0, false, false},
    {"fcmov", "0i", '0', 0, false, false},
    {"fld", "i", 'p', 0, false, false},
    {"fld_m80", "", 'p', 0, false, false},
    {"fbld", "", 'p', 0, false, false},
    {"fild", "", 'p', 0, false, false},
    {"fld1", "", 'p', 0, false, false},
    {"fldpi", "", 'p', 0, false, false},
    {"fst_reg", "0", 'i', 0, false, false},
    {"fst_mem", "0", 0, 0, false, true},
    {"fstp_m80", "0", 0, 0, false, true},
    {"fist", "0", 0, 0, false, true},
    {"fbstp", "0", 0, 0, false, true},
    {"fnstsw", "", 0, 0, true, false},
    {"fnsave", "", 0, 0, true, false},
    {"frstor", "", 0, 0, true, false},
    {"fnstenv", "", 0, 0, true, false},
    {"fldenv", "", 0, 0, true, false},
    {"fldcw", "", 0, 0, true, false},
    {"fninit", "", 0, 0, true, false},
    {"fnclex", "", 0, 0, true, false},
    {"wait", "", 0, 0, true, false},
};

static const struct shape *shape_of(const char *class)
{
    for (unsigned i = 0; i < ARRAY_COUNT(shapes); i++)
        if (strcmp(shapes[i].class, class) == 0)
            return &shapes[i];
    return NULL;
}

uint64_t p5_bind_x87(const struct op *o)
{
    const struct shape *s = shape_of(o->row->timing);
    bool memory = o->flags & OP_MEM, sti = false, st1 = false, early = false;
    unsigned i = o->rm & 7, reads = 0, writes = 0;
    if (s) {
        sti = strchr(s->reads, 'i') && !memory;
        st1 = strchr(s->reads, '1') != NULL;
        early = s->early;
        char to = s->to;
        /* DC and DE write ST(i) where D8 writes ST(0). */
        if (to == '0' && sti && strcmp(o->row->timing, "fcmov") != 0 && (o->imm2 >> 8 & 7) != 0)
            to = 'i';
        reads = (strchr(s->reads, '0') ? READ_ST0 : 0u) | (sti || st1 ? READ_STI : 0u) |
                (s->drained ? READ_DRAINED : 0u);
        writes = s->flags | (to == '0'                ? TO_ST0
                             : to == 'i' || to == '1' ? TO_STI
                             : to == 'p'              ? TO_PUSHED
                                                      : TO_NONE);
        if (st1)
            i = 1;
    }
    bool writes_eax = strcmp(o->row->timing, "fnstsw") == 0 && !memory;
    writes |= x87_pops(o->row) << POPS_SHIFT;
    return (uint64_t)(reads | i) << FACT_READS | (uint64_t)writes << FACT_WRITES |
           (uint64_t)early << FACT_SPECIAL | (uint64_t)writes_eax << FACT_BOTH;
}

static unsigned reads_of(uint64_t t) { return p5_fact(t, FACT_READS); }
static unsigned writes_of(uint64_t t) { return p5_fact(t, FACT_WRITES); }

/* TOP before the instruction, from what it is now. */
static unsigned top_before(const struct cpu *c, uint64_t t)
{
    unsigned pops = writes_of(t) >> POPS_SHIFT & 3, pushes = (writes_of(t) & 3) == TO_PUSHED;
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
    case TO_ST0: p->st_ready[top] = ready; break;
    case TO_STI: p->st_ready[(top + reads_of(t)) & 7] = ready; break;
    case TO_PUSHED:
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
