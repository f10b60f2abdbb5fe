/* micro: microcoded instructions, strings, and the processor's own entry into handlers.
 *
 * Which case ran is in the notes; the tables of latency.c say what it costs. Microcode takes both pipes;
 * nothing pairs with it or overlaps it [pairing-p5.md, Microcode]. Accesses that hit the first level are
 * part of the clocks given. */
#include "cpu/models/p5/core.h"

#include <string.h>

/* Clocks of a repeated string instruction: to begin, each element, and in all when there is none. */
struct repeat {
    const char *class;
    uint16_t begin, each, none;
    uint8_t quality;
};

static const struct repeat repeats[] = {
    {"movs", 12, 1, 6, QUALITY_READ}, /* AF-IT (Q13); none: MEM */
    {"stos", 10, 1, 6, QUALITY_READ},
    {"lods", 7, 3, 6, QUALITY_READ},
    {"scas", 9, 4, 7, QUALITY_READ},
    {"cmps", 8, 4, 7, QUALITY_READ},
    {"ins", 2, 3, 7, QUALITY_MEMORY},  /* beyond the port's case: 8+3n with CPL <= IOPL, MEM */
    {"outs", 0, 4, 7, QUALITY_MEMORY}, /* 10+4n */
};

static bool repeated(const struct op *o)
{
    return (o->flags & (OP_REPE | OP_REPNE)) && (o->row->attributes & (A_REP | A_REPZ));
}

static const struct access *find_note(const struct access *a, const struct access *end, unsigned n)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE && a->level == n)
            return a;
    return NULL;
}

bool p5_continues(const struct op *o, const struct access *a, const struct access *end)
{
    return repeated(o) && !find_note(a, end, NOTE_REP_START);
}

/* --- what a case adds --------------------------------------------------------------------------------- */

struct bill {
    uint32_t clocks; /* of the class or of the case that replaced it */
    uint8_t cause, quality;
};

static bool is_port(unsigned note)
{
    return note >= NOTE_IO_REAL && note <= NOTE_IO_V86;
}

static bool is_segment(unsigned note)
{
    return note >= NOTE_SEGMENT_REAL && note <= NOTE_SEGMENT_NEW;
}

/* The note's case: replaces the bill, or is charged beside it. Returns what was charged. */
static cycle_t apply(struct p5 *p, struct cpu *c, unsigned class, const struct access *n,
                     struct bill *b)
{
    const struct p5_case *k = p->cases[class][n->level];
    if (is_segment(n->level))
        p5_count(p, c, EVENT_SEGMENT);
    if (!k)
        return 0;
    uint32_t clocks = k->clocks + k->each * n->la;
    if (!k->adds) {
        *b = (struct bill){clocks, k->cause, k->quality};
        return 0;
    }
    if (clocks)
        ledger_charge(c->ledger, k->cause, clocks, k->quality);
    return clocks;
}

/* A scan that finds no bit takes the least: the operand is known to be zero at once [IL]. */
static bool scanned_nothing(const struct op *o, const struct access *n)
{
    uint32_t bits = o->flags & OP_DATA16 ? 16 : 32;
    return n->level == NOTE_COUNT && n->la >= bits &&
           (strcmp(o->row->timing, "bsf") == 0 || strcmp(o->row->timing, "bsr") == 0);
}

/* Words are pushed and popped two at a time; two in one bank take a clock more, which is four clocks
 * or none by the alignment of SP [AF-IT, IL]. */
static uint32_t banks_of_words(const struct access *a, const struct access *end)
{
    while (a < end && a->kind > ACCESS_WRITE)
        a++;
    if (a == end || a->size != 2)
        return 0;
    return (a->la & 2) == (a->kind == ACCESS_WRITE ? 2 : 0) ? 4 : 0;
}

/* Clocks that depend on operands or privilege rather than on a note. */
static uint32_t extra(const struct cpu *c, const struct op *o, const struct access *a,
                      const struct access *end)
{
    const char *class = o->row->timing;
    if (strcmp(class, "pusha") == 0 || strcmp(class, "popa") == 0)
        return banks_of_words(a, end);
    if (strcmp(class, "rdtsc") == 0)
        return c->cpl > 0 ? 5 : 0; /* 11 [AF-IT] */
    if (strcmp(class, "cpuid") == 0) /* leaf 1: 16 [IL] */
        return c->r[EAX] == c->identity->cpuid1_eax ? 2 : 0;
    if (strcmp(class, "enter") == 0) { /* 11, 15, 15+2n [EUN] */
        const struct access *n = find_note(a, end, NOTE_COUNT);
        return !n || n->la == 0 ? 0 : n->la == 1 ? 4 : 4 + 2 * n->la;
    }
    return 0;
}

/* Instructions after which no buffered write may be outstanding. */
static bool serialises(const struct p5_latency *l)
{
    return l->cause == CAUSE_SERIALISE || strcmp(l->name, "iret") == 0;
}

static uint32_t port_width(const struct op *o)
{
    const char *operands = o->row->operands;
    if (strstr(operands, "AL") || strstr(operands, "Xb") || strstr(operands, "Yb"))
        return 1;
    return o->flags & OP_DATA16 ? 2 : 4;
}

/* Accesses and ports in program order. Returns what they stalled. */
static cycle_t accesses(struct p5 *p, struct cpu *c, const struct op *o, const struct access *a,
                        const struct access *end)
{
    cycle_t before = c->clock->now;
    for (const struct access *e = a; e < end; e++) {
        if (e->kind == ACCESS_NOTE && is_port(e->level))
            p5_port(p, c, e->la, port_width(o));
        else if (e->kind != ACCESS_NOTE)
            p5_data(p, c, a, e, 0);
    }
    return c->clock->now - before;
}

static void settle(struct cpu *c, struct bill b)
{
    if (b.clocks == 0)
        return;
    ledger_charge(c->ledger, CAUSE_ISSUE, 1, b.quality);
    if (b.clocks > 1)
        ledger_charge(c->ledger, b.cause, b.clocks - 1, b.quality);
}

cycle_t p5_price_micro(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                       const struct access *a, const struct access *end)
{
    const struct p5_latency *l = &p5_latencies[p5_fact(t, FACT_LATENCY)];
    struct bill b = {o->flags & OP_MEM ? l->mem : l->reg, l->cause, l->quality};
    cycle_t added = 0;
    if (serialises(l))
        p5_drain(p, c, CAUSE_SERIALISE);
    for (const struct access *e = a; e < end; e++)
        if (e->kind == ACCESS_NOTE && !scanned_nothing(o, e))
            added += apply(p, c, p5_fact(t, FACT_LATENCY), e, &b);
    b.clocks += extra(c, o, a, end);
    settle(c, b);
    return b.clocks + added + accesses(p, c, o, a, end);
}

/* --- strings ------------------------------------------------------------------------------------------------ */

static const struct repeat *repeat_of(const char *class)
{
    for (unsigned i = 0; i < ARRAY_COUNT(repeats); i++)
        if (strcmp(repeats[i].class, class) == 0)
            return &repeats[i];
    return NULL;
}

/* The first port's case is part of beginning INS or OUTS. */
static void begin_ports(struct p5 *p, struct cpu *c, unsigned class, const struct access *a,
                        const struct access *end, struct bill *b)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE && is_port(a->level)) {
            apply(p, c, class, a, b);
            return;
        }
}

cycle_t p5_price_string(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                        const struct access *a, const struct access *end)
{
    const struct p5_latency *l = &p5_latencies[p5_fact(t, FACT_LATENCY)];
    struct bill b = {l->reg, l->cause, l->quality};
    begin_ports(p, c, p5_fact(t, FACT_LATENCY), a, end, &b);
    if (!repeated(o)) {
        settle(c, b);
        return b.clocks + accesses(p, c, o, a, end);
    }
    const struct repeat *r = repeat_of(l->name);
    const struct access *n = find_note(a, end, NOTE_COUNT);
    uint32_t count = n ? n->la : 0, each = count * r->each;
    bool ports = strcmp(l->name, "ins") == 0 || strcmp(l->name, "outs") == 0;
    if (find_note(a, end, NOTE_REP_START)) {
        uint32_t begin = ports ? b.clocks + r->begin : r->begin;
        settle(c, (struct bill){count ? begin : r->none, b.cause, r->quality});
        each += count ? begin : r->none;
    }
    if (count)
        ledger_charge(c->ledger, b.cause, count * r->each, r->quality);
    return each + accesses(p, c, o, a, end);
}

/* --- handlers -------------------------------------------------------------------------------------------------- */

/* An exception or interrupt: what the unfinished instruction touched, then the entry. */
void p5_price_entry(struct p5 *p, struct cpu *c, const struct access *a, const struct access *end)
{
    struct bill b = {0, CAUSE_KERNEL_ENTRY, QUALITY_ESTIMATE};
    for (const struct access *e = a; e < end; e++) {
        if (e->kind != ACCESS_NOTE) {
            p5_data(p, c, a, e, 0);
        } else if (e->level == NOTE_INTA) {
            p5_count(p, c, EVENT_INTERRUPT);
            p5_interrupt_acknowledge(p, c);
        } else {
            apply(p, c, p->delivery, e, &b);
        }
    }
    if (b.clocks)
        ledger_charge(c->ledger, b.cause, b.clocks, b.quality);
}

void p5_micro_init(struct p5 *p)
{
    for (unsigned i = 0; i < p5_case_count; i++)
        p->cases[p5_latency_find(p5_cases[i].class)][p5_cases[i].note] = &p5_cases[i];
    p->delivery = p5_latency_find("delivery");
}
