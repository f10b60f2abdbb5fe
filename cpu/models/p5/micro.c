/* micro: microcoded instructions, strings, and the processor's own entry into handlers.
 *
 * Which case ran is in the notes; the tables of latency.c say what it costs. Microcode takes both
 * pipes; nothing pairs with it or overlaps it [pairing-p5.md, Microcode]. Accesses that hit the
 * first level are part of the clocks given. */
#include "cpu/models/p5/core.h"

#include "sim/core/check.h"

#include <string.h>

/* As after a misprediction: estimate; INT and IRET together then take the 82 of [S97]. */
#define REFILL_CLOCKS 3

static const struct p5_repeat repeats[] = {
    {"movs", 12, 1, 6, 2, QUALITY_READ}, /* AF-IT (Q13); none: MEM */
    {"stos", 10, 1, 6, 1, QUALITY_READ},
    {"lods", 7, 3, 6, 1, QUALITY_READ},
    {"scas", 9, 4, 7, 1, QUALITY_READ},
    {"cmps", 8, 4, 7, 2, QUALITY_READ},
    {"ins", 2, 3, 7, 1, QUALITY_MEMORY},  /* beyond the port's case: 8+3n with CPL <= IOPL, MEM */
    {"outs", 0, 4, 7, 1, QUALITY_MEMORY}, /* 10+4n */
};

static const struct {
    const char *class;
    uint8_t variant;
} variants[] = {
    {"pusha", VARIANT_WORDS}, {"popa", VARIANT_WORDS}, {"rdtsc", VARIANT_RDTSC},
    {"cpuid", VARIANT_CPUID}, {"enter", VARIANT_ENTER}, {"bsf", VARIANT_SCAN},
    {"bsr", VARIANT_SCAN}, {"ins", VARIANT_PORTS}, {"outs", VARIANT_PORTS},
    {"far_jmp", VARIANT_FAR}, {"far_call", VARIANT_FAR}, {"retf", VARIANT_FAR},
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

/* --- what a case adds ------------------------------------------------------------------------- */

struct bill {
    uint32_t clocks; /* of the class or of the case that replaced it */
    uint8_t cause, quality;
};

/* A twin that enters and leaves privilege 0 for nothing still issues the instruction that does. */
static bool is_spared(const struct p5 *p, enum cause cause)
{
    return p->ideal & MODEL_IDEAL_ENTRY &&
           (cause == CAUSE_KERNEL_ENTRY || cause == CAUSE_KERNEL_EXIT);
}

static bool is_port(unsigned note)
{
    return note >= NOTE_IO_REAL && note <= NOTE_IO_V86;
}

/* The note's case: replaces the bill, or is charged beside it. Returns what was charged. */
static cycle_t apply(struct p5 *p, struct cpu *c, unsigned class, const struct access *n,
                     struct bill *b)
{
    const struct p5_case *k = p->cases[class][n->level];
    if (!k)
        return 0;
    uint32_t clocks = k->clocks + k->each * n->la;
    if (!k->adds) {
        *b = (struct bill){clocks, k->cause, k->quality};
        return 0;
    }
    if (is_spared(p, k->cause))
        return 0;
    if (clocks)
        ledger_charge(c->ledger, k->cause, clocks, k->quality);
    return clocks;
}

/* A scan that finds no bit takes the least: the operand is known to be zero at once [IL]. */
static bool scanned_nothing(const struct op *o, const struct access *n)
{
    uint32_t bits = o->flags & OP_DATA16 ? 16 : 32;
    return n->level == NOTE_COUNT && n->la >= bits;
}

/* Words are pushed and popped two at a time; two in one bank take a clock more, which is four
 * clocks or none by the alignment of SP [AF-IT, IL]. */
static uint32_t banks_of_words(const struct access *a, const struct access *end)
{
    while (a < end && a->kind > ACCESS_WRITE)
        a++;
    if (a == end || a->size != 2)
        return 0;
    return (a->la & 2) == (a->kind == ACCESS_WRITE ? 2 : 0) ? 4 : 0;
}

/* Clocks that depend on operands or privilege rather than on a case. */
static uint32_t extra(const struct p5 *p, const struct cpu *c, uint64_t t, const struct access *a,
                      const struct access *end)
{
    const struct access *n;
    switch (p->variant[p5_fact(t, FACT_LATENCY)]) {
    case VARIANT_WORDS: return banks_of_words(a, end);
    case VARIANT_RDTSC: return c->cpl > 0 ? 5 : 0; /* 11 [AF-IT] */
    case VARIANT_CPUID: return c->r[EAX] == c->identity->signature ? 2 : 0; /* leaf 1: 16 [IL] */
    case VARIANT_ENTER: /* 11, 15, 15+2n [EUN] */
        n = find_note(a, end, NOTE_COUNT);
        return !n || n->la == 0 ? 0 : n->la == 1 ? 4 : 4 + 2 * n->la;
    default: return 0;
    }
}

uint32_t p5_element_width(const struct op *o)
{
    for (const char *p = o->row->operands; *p; p++)
        if ((p[0] == 'A' && p[1] == 'L') || ((p[0] == 'X' || p[0] == 'Y') && p[1] == 'b'))
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
            p5_port(p, c, e->la, p5_element_width(o));
        else if (e->kind != ACCESS_NOTE)
            p5_data(p, c, a, e, 0);
    }
    return c->clock->now - before;
}

static void settle(const struct p5 *p, struct cpu *c, struct bill b)
{
    if (b.clocks == 0)
        return;
    ledger_charge(c->ledger, CAUSE_ISSUE, 1, b.quality);
    if (b.clocks > 1 && !is_spared(p, b.cause))
        ledger_charge(c->ledger, b.cause, b.clocks - 1, b.quality);
}

cycle_t p5_price_micro(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                       const struct access *a, const struct access *end)
{
    unsigned class = p5_fact(t, FACT_LATENCY);
    const struct p5_latency *l = &p5_latencies[class];
    struct bill b = {o->flags & OP_MEM ? l->mem : l->reg, l->cause, l->quality};
    bool scans = p->variant[class] == VARIANT_SCAN;
    cycle_t added = 0;
    if (l->cause == CAUSE_SERIALISE)
        p5_drain(p, c, CAUSE_SERIALISE);
    for (const struct access *e = a; e < end; e++)
        if (e->kind == ACCESS_NOTE && !(scans && scanned_nothing(o, e)))
            added += apply(p, c, class, e, &b);
    b.clocks += extra(p, c, t, a, end);
    settle(p, c, b);
    added += accesses(p, c, o, a, end);
    /* Near branches, and far ones that stay on their level, are predicted; the rest refill the
     * pipes. */
    if (c->branched && !p5_predicted(p, t, a, end) && !is_spared(p, b.cause))
        ledger_charge(c->ledger, b.cause, REFILL_CLOCKS, QUALITY_ESTIMATE);
    return b.clocks + added;
}

bool p5_predicted(const struct p5 *p, uint64_t t, const struct access *a, const struct access *end)
{
    return p->variant[p5_fact(t, FACT_LATENCY)] == VARIANT_FAR &&
           (find_note(a, end, NOTE_FAR_SAME) || find_note(a, end, NOTE_FAR_REAL));
}

/* --- strings ---------------------------------------------------------------------------------- */

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

/* Elements in program order, each's clocks before its accesses, so that how the repetition was cut
 * into chunks cannot matter. */
static void elements(struct p5 *p, struct cpu *c, const struct op *o, const struct p5_repeat *r,
                     uint32_t count, const struct access *a, const struct access *end)
{
    cycle_t each = r->each;
    uint32_t left = 0, bytes = p5_element_width(o) * r->accesses;
    for (const struct access *e = a; e < end; e++) {
        bool port = e->kind == ACCESS_NOTE && is_port(e->level);
        if (e->kind == ACCESS_NOTE && !port)
            continue;
        if (left == 0 && count > 0) {
            ledger_charge(c->ledger, CAUSE_MICROCODE, each, r->quality);
            left = bytes;
            count--;
        }
        if (port)
            p5_port(p, c, e->la, p5_element_width(o));
        else
            p5_data(p, c, a, e, 0);
        if (e->kind <= ACCESS_WRITE)
            left -= left < e->size ? left : e->size;
    }
    CHECK(count == 0);
}

cycle_t p5_price_string(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                        const struct access *a, const struct access *end)
{
    unsigned class = p5_fact(t, FACT_LATENCY);
    const struct p5_latency *l = &p5_latencies[class];
    struct bill b = {l->reg, l->cause, l->quality};
    bool ports = p->variant[class] == VARIANT_PORTS;
    cycle_t before = c->clock->now;
    if (ports)
        begin_ports(p, c, class, a, end, &b);
    if (!repeated(o)) {
        settle(p, c, b);
        return b.clocks + accesses(p, c, o, a, end);
    }
    const struct p5_repeat *r = p->repeat[class];
    const struct access *n = find_note(a, end, NOTE_COUNT);
    uint32_t count = n ? n->la : 0;
    if (find_note(a, end, NOTE_REP_START)) {
        uint32_t begin = count ? r->begin + (ports ? b.clocks : 0) : r->none;
        settle(p, c, (struct bill){begin, b.cause, r->quality});
    }
    elements(p, c, o, r, count, a, end);
    return c->clock->now - before;
}

/* --- handlers --------------------------------------------------------------------------------- */

/* An exception or interrupt: what the unfinished instruction touched, then the entry. */
void p5_price_entry(struct p5 *p, struct cpu *c, const struct access *a, const struct access *end)
{
    struct bill b = {0, CAUSE_KERNEL_ENTRY, QUALITY_ESTIMATE};
    for (const struct access *e = a; e < end; e++) {
        if (e->kind != ACCESS_NOTE) {
            p5_data(p, c, a, e, 0);
        } else if (e->level == NOTE_INTA) {
            p5_interrupt_acknowledge(p, c);
        } else {
            apply(p, c, p->delivery, e, &b);
        }
    }
    if (b.clocks && !is_spared(p, b.cause))
        ledger_charge(c->ledger, b.cause, b.clocks + REFILL_CLOCKS, b.quality);
}

void p5_micro_init(struct p5 *p)
{
    for (unsigned i = 0; i < p5_case_count; i++)
        p->cases[p5_latency_find(p5_cases[i].class)][p5_cases[i].note] = &p5_cases[i];
    for (unsigned i = 0; i < ARRAY_COUNT(repeats); i++)
        p->repeat[p5_latency_find(repeats[i].class)] = &repeats[i];
    for (unsigned i = 0; i < ARRAY_COUNT(variants); i++)
        p->variant[p5_latency_find(variants[i].class)] = variants[i].variant;
    p->delivery = p5_latency_find("delivery");
}
