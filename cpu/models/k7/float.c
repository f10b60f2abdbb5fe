/* float: x87, MMX and SSE instructions: which registers they read and write, and their way through
 * the three floating-point pipes.
 *
 * Of an x87 instruction the timing word's first two bytes are:
 *
 *   reads   7  6  5        4    3      2-0     writes  7     6   5       4      3-2   1-0
 *                 drained  ST0  ST(i)  i               swap  AX  status  flags  pops  destination
 *
 * Its registers are told by physical number, so that FXCH only exchanges names, and MMX registers
 * are the same ones. Of an MMX or SSE instruction:
 *
 *   63  62-59            58-55     50-46   45-41             37-36   15-0
 *   1   general written  ... read  prefixes  vector written  flags   vectors read
 *
 * where vectors are XMM registers 0 to 7 and MMX registers 8 to 15, and 8 (general) and 16 (vector)
 * mean none. An operation that FADD and FMUL both can do goes to them in turn; one that any pipe
 * can do by its lane [AF-MA 20.7]. */
#include "cpu/models/k7/flow.h"

#include "cpu/x87.h"

#include <string.h>

enum { READ_STI = 1 << 3, READ_ST0 = 1 << 4, READ_DRAINED = 1 << 5 };
enum { WRITE_FLAGS = 1 << 4, WRITE_STATUS = 1 << 5, WRITE_AX = 1 << 6, WRITE_SWAP = 1 << 7 };
#define POPS_SHIFT 2 /* the destination is an enum x87_target */

static unsigned work_bits(enum x87_work work)
{
    switch (work) {
    case X87_COMPARES: return WRITE_STATUS;
    case X87_TO_EFLAGS: return WRITE_FLAGS;
    case X87_EXCHANGES: return WRITE_SWAP;
    default: return 0;
    }
}

static uint64_t bind_x87(const struct op *o)
{
    struct x87_facts f;
    x87_facts_of(o, &f);
    unsigned reads = (f.st0 ? READ_ST0 : 0u) | (f.sti ? READ_STI : 0u) |
                     (f.work == X87_DRAINS ? READ_DRAINED : 0u) | f.i;
    unsigned writes = work_bits((enum x87_work)f.work) | f.to | (unsigned)f.pops << POPS_SHIFT |
                      (f.ax ? WRITE_AX : 0u);
    return (uint64_t)reads << FACT_READS | (uint64_t)writes << FACT_WRITES;
}

/* Vector facts, see above. */
enum {
    FACT_VECTOR_WRITTEN = 41, /* 5 */
    FACT_GENERAL_READ = 55, FACT_GENERAL_WRITTEN = 59, /* 4 each */
    FACT_VECTOR = 63,
};
#define VECTOR_NONE 16u
#define GENERAL_NONE 8u

/* Both operands one register, and the result does not depend on it: of the K8 alone [IL]. */
static bool is_zeroing(const struct op *o, const struct op_facts *f, enum k7_part part)
{
    static const char *const names[] = {"PSUB", "PCMP", "PXOR", "PANDN"};
    bool same = !(o->flags & (OP_MEM | OP_IMM)) && (f->vectors_read & (f->vectors_read - 1)) == 0;
    for (unsigned i = 0; part == PART_K8 && same && i < ARRAY_COUNT(names); i++)
        if (strncmp(o->row->name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static uint64_t bind_vector(const struct op *o, const struct op_facts *f, enum k7_part part)
{
    uint64_t read = is_zeroing(o, f, part) ? 0 : f->vectors_read;
    uint64_t written = f->vectors_written ? (unsigned)__builtin_ctz(f->vectors_written)
                                          : VECTOR_NONE;
    uint64_t general_read = f->reads ? (unsigned)__builtin_ctz(f->reads) : GENERAL_NONE;
    uint64_t general_written = f->writes ? (unsigned)__builtin_ctz(f->writes) : GENERAL_NONE;
    uint64_t flags = o->row->flags_written ? FLAG_CARRY | FLAG_REST : 0;
    return read | written << FACT_VECTOR_WRITTEN | general_read << FACT_GENERAL_READ |
           general_written << FACT_GENERAL_WRITTEN | flags << FACT_FLAGS_WRITTEN |
           1ull << FACT_VECTOR;
}

uint64_t k7_bind_float(const struct op *o, const struct op_facts *f, enum k7_part part)
{
    if (o->row->attributes & A_X87)
        return bind_x87(o);
    return bind_vector(o, f, part);
}

/* --- registers -------------------------------------------------------------------------------- */

static unsigned reads_of(uint64_t t) { return k7_fact(t, FACT_READS, 8); }
static unsigned writes_of(uint64_t t) { return k7_fact(t, FACT_WRITES, 8); }

/* TOP before the instruction, from what it is now. */
static unsigned top_before(const struct cpu *c, uint64_t t)
{
    unsigned pops = writes_of(t) >> POPS_SHIFT & 3, pushes = (writes_of(t) & 3) == X87_PUSHED;
    return (c->x87.top - pops + pushes) & 7;
}

static cycle_t ready_x87(const struct k7 *k, uint64_t t, unsigned top, cycle_t at)
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

static void write_x87(struct k7 *k, uint64_t t, unsigned top, cycle_t done)
{
    unsigned i = (top + reads_of(t)) & 7, writes = writes_of(t);
    if (writes & WRITE_SWAP) {
        cycle_t time = k->x87[top];
        k->x87[top] = k->x87[i];
        k->x87[i] = time;
        return;
    }
    switch (writes & 3) {
    case X87_ST0: k->x87[top] = done; break;
    case X87_STI: k->x87[i] = done; break;
    case X87_PUSHED: k->x87[(top - 1) & 7] = done; break;
    default: break;
    }
    if (writes & WRITE_FLAGS)
        k->carry = k->rest = done;
    if (writes & WRITE_STATUS)
        k->x87_status = done;
    if (writes & WRITE_AX)
        k->gpr[EAX] = done;
}

static cycle_t *vector(struct k7 *k, unsigned number)
{
    return number < 8 ? &k->xmm[number] : &k->x87[number - 8];
}

static cycle_t ready_vectors(struct k7 *k, uint64_t t, cycle_t at)
{
    unsigned general = k7_fact(t, (enum k7_field)FACT_GENERAL_READ, 4);
    for (unsigned mask = k7_fact(t, FACT_READS, 16); mask; mask &= mask - 1)
        at = later(at, *vector(k, (unsigned)__builtin_ctz(mask)));
    return general < GENERAL_NONE ? later(at, k->gpr[general]) : at;
}

static void write_vectors(struct k7 *k, uint64_t t, cycle_t done)
{
    unsigned number = k7_fact(t, (enum k7_field)FACT_VECTOR_WRITTEN, 5);
    unsigned general = k7_fact(t, (enum k7_field)FACT_GENERAL_WRITTEN, 4);
    if (number < VECTOR_NONE)
        *vector(k, number) = done;
    if (general < GENERAL_NONE)
        k->gpr[general] = done;
    if (k7_fact(t, FACT_FLAGS_WRITTEN, 2))
        k->carry = k->rest = done;
}

/* --- pipes ------------------------------------------------------------------------------------ */

enum { PIPE_ADD, PIPE_MUL, PIPE_STORE };
#define DIVIDER_CLOCKS 4  /* what keeps its unit longer than that runs beside the pipe */
#define OPERANDS_CLOCKS 12 /* ... and than that depends on its operands */

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

static bool is_quick(const struct access *a, const struct access *end)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE &&
            (a->level == NOTE_X87_SPECIAL || a->level == NOTE_POWER_OF_TWO))
            return true;
    return false;
}

/* The x87's division and square root by precision control, and any division of zero or by a power
 * of two quickly [IL; AF-IT: 11, 16, 18 are the least]. */
static struct k7_cost by_operands(const struct cpu *c, const struct op *o, struct k7_cost cost,
                                  const struct access *a, const struct access *end)
{
    static const uint8_t divides[4] = {16, 16, 20, 24}, roots[4] = {19, 19, 27, 35};
    unsigned precision = c->x87.control >> 8 & 3;
    bool root = strstr(o->row->timing, "sqrt"), x87 = o->row->attributes & A_X87;
    bool packed = strcmp(o->row->timing, "divps") == 0;
    unsigned pipelined = cost.latency - cost.busy; /* clocks before and behind the divider */
    if (x87)
        cost.latency = root ? roots[precision] : divides[precision];
    if (!root && is_quick(a, end))
        cost.latency = !packed ? 11 : strcmp(o->row->name, "DIVPD") == 0 ? 16 : 18;
    cost.busy = cost.latency - pipelined;
    return cost;
}

/* One of its operations. */
static cycle_t take_pipe(struct k7 *k, const struct k7_cost *cost, unsigned pipe, cycle_t t)
{
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

/* The halves of a 128-bit operation depend on halves: the first one's issue counts. */
static cycle_t issue(struct k7 *k, const struct k7_cost *cost, unsigned lane, cycle_t t)
{
    if (cost->unit == UNIT_NONE)
        return t;
    unsigned pipe = pipe_of(k, cost->unit, lane);
    cycle_t first = take_pipe(k, cost, pipe, t);
    if (cost->path == DECODE_DIRECT)
        k->last.unit = UNIT_FADD + pipe;
    for (unsigned i = 1; i < cost->ops && cost->path == DECODE_DIRECT; i++)
        take_pipe(k, cost, pipe_of(k, cost->unit, (lane + i) % LANES), t);
    return first;
}

static bool touches(const struct access *a, const struct access *end)
{
    while (a < end && a->kind == ACCESS_NOTE)
        a++;
    return a < end;
}

/* The accesses from *agu on, which becomes when the last address was translated. Returns when what
 * was read is there, or t. */
static cycle_t touch(struct k7 *k, const struct access *a, const struct access *end, cycle_t *agu,
                     cycle_t t, const struct access **stored, cycle_t *line)
{
    cycle_t loaded = *agu + 1;
    for (const struct access *e = a; e < end; e++) {
        if (e->kind == ACCESS_READ || e->kind == ACCESS_RMW) {
            loaded = later(loaded, k7_load(k, e, *agu, false));
            t = later(t, loaded);
        } else if (e->kind == ACCESS_WALK || e->kind == ACCESS_UPDATE) {
            *agu = k7_walk(k, e, *agu);
        } else if (e->kind == ACCESS_NOTE) {
            *agu = k7_memory_note(k, e, *agu);
        } else if (e->kind == ACCESS_WRITE) {
            *stored = *stored ? *stored : e;
            *line = later(*line, k7_store_line(k, e, *agu));
        }
    }
    k->last.loaded = loaded;
    return t;
}

void k7_price_float(struct k7 *k, struct cpu *c, const struct op *o, uint64_t word,
                    const struct k7_cost *class, const struct access *a, const struct access *end)
{
    struct k7_cost cost = *class;
    const struct access *stored = NULL;
    bool vectors = word >> FACT_VECTOR;
    cycle_t line = 0, agu = 0;
    if (cost.unit == UNIT_FMUL && cost.busy > OPERANDS_CLOCKS && cost.path == DECODE_DIRECT)
        cost = by_operands(c, o, cost, a, end);
    cycle_t *entry = &k->fp_free[k->fp_count++ % FP_ENTRIES];
    bool memory = touches(a, end);
    k7_room(k, *entry, CAUSE_X87_WAIT);
    unsigned lane = k7_dispatch(k, &cost, memory), top = vectors ? 0 : top_before(c, word);
    k->last.issued = 0;
    cycle_t source = k->line + 1 + k->config.fp_stages;
    source = vectors ? ready_vectors(k, word, source) : ready_x87(k, word, top, source);
    if (o->row->flags_read)
        source = later(source, later(k->carry, k->rest));
    if (memory) {
        agu = k7_ready_registers(k, k7_fact(word, FACT_ADDRESS, 8), k->line + 1);
        agu = k->last.issued = k->last.address = slots_take(&k->agu[lane], agu);
        source = touch(k, a, end, &agu, source, &stored, &line);
        if (!stored)
            k7_lsu_until(k, source);
    }
    cycle_t at = issue(k, &cost, lane, source), done = at + cost.latency;
    *entry = at;
    k->last.dispatched = k->line;
    k->last.operated = at;
    k->last.issued = k->last.issued ? k->last.issued : at;
    if (vectors)
        write_vectors(k, word, done);
    else
        write_x87(k, word, top, done);
    cycle_t retired = k7_retire(k, c, memory ? later(done, agu + 1) : done);
    for (const struct access *e = stored; stored && e < end; e++)
        if (e->kind == ACCESS_WRITE)
            k7_store(k, e, done, line, retired, FORWARD_PLAIN);
}
