/* float: x87 instructions: which registers they read and write, and their way through the three
 * floating-point pipes.
 *
 * Of a floating-point instruction the timing word's first two bytes are:
 *
 *   reads   7  6  5        4    3      2-0     writes  7  6        5    4    3-2   1-0
 *                 drained  ST0  ST(i)  i                  AX       flags     pops  destination
 *
 * Registers are told by physical number, so that FXCH only exchanges names. An operation that FADD
 * and FMUL both can do goes to them in turn; one that any pipe can do by its lane [AF-MA 20.7]. */
#include "cpu/models/k7/flow.h"

#include "cpu/x87.h"

#include <string.h>

enum { READ_STI = 1 << 3, READ_ST0 = 1 << 4, READ_DRAINED = 1 << 5 };
enum { WRITE_FLAGS = 1 << 4, WRITE_STATUS = 1 << 5, WRITE_AX = 1 << 6, WRITE_SWAP = 1 << 7 };
enum { TO_NONE, TO_ST0, TO_STI, TO_PUSHED };
#define POPS_SHIFT 2

/* What the classes read and write. Letters: 0 ST0, i ST(i), 1 ST(1); destination 0, i, 1, p
 * pushed. */
static const struct shape {
    const char *class;
    const char *reads;
    char to;
    uint8_t flags;
    bool drained; /* waits until every result is there */
} shapes[] = {
    {"fadd", "0i", '0', 0, false},
    {"fmul", "0i", '0', 0, false},
    {"fdiv", "0i", '0', 0, false},
    {"fiadd", "0", '0', 0, false},
    {"fidiv", "0", '0', 0, false},
    {"fcom", "0i", 0, WRITE_STATUS, false},
    {"fcomi", "0i", 0, WRITE_FLAGS, false},
    {"ficom", "0", 0, WRITE_STATUS, false},
    {"ftst", "0", 0, WRITE_STATUS, false},
    {"fxam", "0", 0, WRITE_STATUS, false},
    {"fchs", "0", '0', 0, false},
    {"fsqrt", "0", '0', 0, false},
    {"frndint", "0", '0', 0, false},
    {"f2xm1", "0", '0', 0, false},
    {"fsin", "0", '0', 0, false},
    {"fsincos", "0", 'p', 0, false},
    {"fptan", "0", 'p', 0, false},
    {"fxtract", "0", 'p', 0, false},
    {"fscale", "01", '0', 0, false},
    {"fprem", "01", '0', 0, false},
    {"fprem1", "01", '0', 0, false},
    {"fyl2x", "01", '1', 0, false},
    {"fyl2xp1", "01", '1', 0, false},
    {"fpatan", "01", '1', 0, false},
    {"fcmov", "0i", '0', 0, false},
    {"fld", "i", 'p', 0, false},
    {"fld_m80", "", 'p', 0, false},
    {"fbld", "", 'p', 0, false},
    {"fild", "", 'p', 0, false},
    {"fld1", "", 'p', 0, false},
    {"fldpi", "", 'p', 0, false},
    {"fst_reg", "0", 'i', 0, false},
    {"fst_mem", "0", 0, 0, false},
    {"fstp_m80", "0", 0, 0, false},
    {"fist", "0", 0, 0, false},
    {"fbstp", "0", 0, 0, false},
    {"fxch", "0i", 'i', WRITE_SWAP, false},
    {"fnsave", "", 0, 0, true},
    {"frstor", "", 0, 0, true},
    {"fnstenv", "", 0, 0, true},
    {"fldenv", "", 0, 0, true},
    {"fldcw", "", 0, 0, true},
    {"fninit", "", 0, 0, true},
    {"fnclex", "", 0, 0, true},
};

static const struct shape *shape_of(const char *class)
{
    for (unsigned i = 0; i < ARRAY_COUNT(shapes); i++)
        if (strcmp(shapes[i].class, class) == 0)
            return &shapes[i];
    return NULL;
}

/* How many registers an instruction frees: its name ends in P or PP (FYL2X and FPATAN free one,
 * too). */
static unsigned pops_of(const struct row *r)
{
    size_t n = strlen(r->name);
    if (strcmp(r->timing, "fyl2x") == 0 || strcmp(r->timing, "fyl2xp1") == 0 ||
        strcmp(r->timing, "fpatan") == 0 || strcmp(r->name, "FSTPNCE") == 0 ||
        strcmp(r->name, "FFREEP") == 0)
        return 1;
    if (strcmp(r->name, "FNOP") == 0 || strcmp(r->timing, "fincstp") == 0)
        return 0;
    return r->name[n - 1] != 'P' ? 0 : r->name[n - 2] == 'P' ? 2 : 1;
}

static unsigned destination(char to)
{
    return to == '0' ? TO_ST0 : to == 'i' || to == '1' ? TO_STI : to == 'p' ? TO_PUSHED : TO_NONE;
}

uint64_t k7_bind_float(const struct op *o)
{
    const char *class = o->row->timing;
    const struct shape *s = shape_of(class);
    bool memory = o->flags & OP_MEM;
    unsigned i = o->rm & 7, reads = 0, writes = 0;
    if (s) {
        bool sti = strchr(s->reads, 'i') && !memory, st1 = strchr(s->reads, '1') != NULL;
        char to = s->to;
        /* DC and DE write ST(i) where D8 writes ST(0). */
        if (to == '0' && sti && strcmp(class, "fcmov") != 0 && (o->imm2 >> 8 & 7) != 0)
            to = 'i';
        reads = (strchr(s->reads, '0') ? READ_ST0 : 0u) | (sti || st1 ? READ_STI : 0u) |
                (s->drained ? READ_DRAINED : 0u);
        writes = s->flags | destination(to);
        i = st1 ? 1 : i;
    }
    bool status = strcmp(class, "fnstsw") == 0;
    writes |= pops_of(o->row) << POPS_SHIFT | (status && !memory ? WRITE_AX : 0u);
    reads |= status ? READ_DRAINED : 0u;
    return (uint64_t)(reads | i) << FACT_READS | (uint64_t)writes << FACT_WRITES;
}

/* --- registers -------------------------------------------------------------------------------- */

static unsigned reads_of(uint64_t t) { return k7_fact(t, FACT_READS, 8); }
static unsigned writes_of(uint64_t t) { return k7_fact(t, FACT_WRITES, 8); }

/* TOP before the instruction, from what it is now. */
static unsigned top_before(const struct cpu *c, uint64_t t)
{
    unsigned pops = writes_of(t) >> POPS_SHIFT & 3, pushes = (writes_of(t) & 3) == TO_PUSHED;
    return (c->x87.top - pops + pushes) & 7;
}

static cycle_t ready(const struct k7 *k, uint64_t t, unsigned top, cycle_t at)
{
    if (reads_of(t) & READ_ST0)
        at = later(at, k->x87[top]);
    if (reads_of(t) & READ_STI)
        at = later(at, k->x87[(top + reads_of(t)) & 7]);
    if (reads_of(t) & READ_DRAINED) {
        at = later(at, k->x87_status);
        for (unsigned i = 0; i < 8; i++)
            at = later(at, k->x87[i]);
    }
    return at;
}

static void write_results(struct k7 *k, uint64_t t, unsigned top, cycle_t done)
{
    unsigned i = (top + reads_of(t)) & 7, writes = writes_of(t);
    if (writes & WRITE_SWAP) {
        cycle_t time = k->x87[top];
        k->x87[top] = k->x87[i];
        k->x87[i] = time;
        return;
    }
    switch (writes & 3) {
    case TO_ST0: k->x87[top] = done; break;
    case TO_STI: k->x87[i] = done; break;
    case TO_PUSHED: k->x87[(top - 1) & 7] = done; break;
    default: break;
    }
    if (writes & WRITE_FLAGS)
        k->carry = k->rest = done;
    if (writes & WRITE_STATUS)
        k->x87_status = done;
    if (writes & WRITE_AX)
        k->gpr[EAX] = done;
}

/* --- pipes ------------------------------------------------------------------------------------ */

enum { PIPE_ADD, PIPE_MUL, PIPE_STORE };
#define DIVIDER_CLOCKS 4 /* what keeps its unit longer than that runs beside the pipe */

static unsigned pipe_of(struct k7 *k, unsigned unit, unsigned lane)
{
    static const uint8_t by_lane[LANES] = {PIPE_STORE, PIPE_MUL, PIPE_ADD};
    switch (unit) {
    case UNIT_FADD: return PIPE_ADD;
    case UNIT_FMUL: return PIPE_MUL;
    case UNIT_FSTORE: return PIPE_STORE;
    case UNIT_FADD_FMUL: return (unsigned)(k->toggle ^= 1);
    default: return by_lane[lane];
    }
}

/* Division and square root by precision control, and division quickly by or of something simple
 * [IL]. */
static struct k7_cost by_operands(const struct cpu *c, const struct op *o, struct k7_cost cost,
                                  const struct access *a, const struct access *end)
{
    static const uint8_t divides[4] = {16, 16, 20, 24}, roots[4] = {19, 19, 27, 35};
    unsigned precision = c->x87.control >> 8 & 3;
    bool root = strcmp(o->row->timing, "fsqrt") == 0;
    cost.latency = root ? roots[precision] : divides[precision];
    for (; !root && a < end; a++)
        if (a->kind == ACCESS_NOTE && a->level == NOTE_X87_SPECIAL)
            cost.latency = 11;
    cost.busy = cost.latency - 3u;
    return cost;
}

static cycle_t issue(struct k7 *k, const struct k7_cost *cost, unsigned lane, cycle_t t)
{
    if (cost->unit == UNIT_NONE)
        return t;
    unsigned pipe = pipe_of(k, cost->unit, lane);
    bool divides = cost->busy > DIVIDER_CLOCKS && cost->path == DECODE_DIRECT;
    if (divides) {
        t = later(t, k->divider);
        k->divider = t + cost->busy;
    }
    t = slots_take(&k->fp[pipe], t);
    for (unsigned i = 1; i < cost->busy && !divides && cost->path == DECODE_DIRECT; i++)
        slots_take(&k->fp[pipe], t + i);
    return t;
}

void k7_price_float(struct k7 *k, struct cpu *c, const struct op *o, uint64_t word,
                    const struct k7_cost *class, const struct access *a, const struct access *end)
{
    struct k7_cost cost = *class;
    const struct access *stored = NULL;
    cycle_t line = 0;
    if (cost.unit == UNIT_FMUL && cost.busy > 16 && cost.path == DECODE_DIRECT)
        cost = by_operands(c, o, cost, a, end);
    unsigned lane = k7_dispatch(k, &cost), top = top_before(c, word);
    cycle_t *entry = &k->fp_free[k->fp_count++ % FP_ENTRIES];
    k->line = later(k->line, *entry);
    k->last.issued = 0;
    cycle_t source = ready(k, word, top, k->line + 1 + k->config.fp_stages);
    if (strcmp(o->row->timing, "fcmov") == 0)
        source = later(source, later(k->carry, k->rest));
    if (a < end && (a->kind != ACCESS_NOTE)) {
        k->line = k7_lsu_take(k, k->line);
        cycle_t agu = k7_ready_registers(k, k7_fact(word, FACT_ADDRESS, 8), k->line + 1);
        agu = k->last.issued = slots_take(&k->agu[lane], agu);
        for (const struct access *e = a; e < end; e++) {
            if (e->kind == ACCESS_READ || e->kind == ACCESS_RMW)
                source = later(source, k7_load(k, e, agu, false));
            else if (e->kind == ACCESS_WALK || e->kind == ACCESS_UPDATE)
                agu = k7_walk(k, e, agu);
            else if (e->kind == ACCESS_WRITE) {
                stored = stored ? stored : e;
                line = later(line, k7_store_line(k, e, agu));
            }
        }
        if (!stored)
            k7_lsu_until(k, source);
    }
    cycle_t at = issue(k, &cost, lane, source), done = at + cost.latency;
    *entry = at;
    k->last.dispatched = k->line;
    k->last.issued = k->last.issued ? k->last.issued : at;
    write_results(k, word, top, done);
    cycle_t retired = k7_retire(k, c, done);
    for (const struct access *e = stored; stored && e < end; e++)
        if (e->kind == ACCESS_WRITE)
            k7_store(k, e, done, line, retired, FORWARD_PLAIN);
}
