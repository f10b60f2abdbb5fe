/* counters: the four performance counters, PERFCTL and PERFCTR [22007 D]. Each counts one event
 * while EN is set, at the privilege levels that USR and OS name; what an instruction did is found
 * in its access log. The instruction's privilege is the one it began at. What selects by cycle
 * (counter mask, INV, E) or by the state of a line is not counted, and stops the run. Past its end
 * a counter with INT tells the local APIC, if there is one. */
#include "cpu/models/k7/core.h"

#include "sim/core/check.h"

enum { SELECT_USR = 1 << 16, SELECT_OS = 1 << 17, SELECT_INT = 1 << 20, SELECT_EN = 1 << 22 };
#define COUNTER_END (1ull << 48)
#define SELECT_BY_CYCLE 0xFF840000u /* counter mask, INV, E */

/* What one instruction, or one delivery, did. */
struct done {
    const struct cpu *cpu;
    const struct op *o; /* NULL: a delivery */
    cycle_t cycles;
    uint64_t mispredicts, writebacks;
    bool retired;
};

static unsigned count_accesses(const struct cpu *c, bool code, bool missed, bool l2, bool system)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        bool data = a->kind == ACCESS_READ || a->kind == ACCESS_WRITE || a->kind == ACCESS_RMW;
        if (code ? a->kind != ACCESS_FETCH : !data)
            continue;
        bool dram = a->level >= LEVEL_DRAM_HIT && a->level <= LEVEL_DRAM_MISS;
        n += !missed || (l2 && a->level == LEVEL_L2) || (system && dram);
    }
    return n;
}

static unsigned count_notes(const struct cpu *c, unsigned first, unsigned last)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        n += a->kind == ACCESS_NOTE && a->level >= first && a->level <= last;
    }
    return n;
}

static unsigned count_refills(const struct cpu *c, unsigned side)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        n += a->kind == ACCESS_NOTE && a->level == NOTE_TLB_REFILL && a->flags == side;
    }
    return n;
}

/* A walk reads one entry or two of one address. */
static unsigned count_walks(const struct cpu *c, unsigned side)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        bool walk = a->kind == ACCESS_WALK && (a->flags & ACCESS_CODE_SIDE) == side;
        n += walk && (i == 0 || a[-1].la != a->la ||
                      (a[-1].kind != ACCESS_WALK && a[-1].kind != ACCESS_UPDATE));
    }
    return n;
}

static unsigned count_misaligned(const struct cpu *c)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        n += a->kind <= ACCESS_RMW && (a->flags & ACCESS_MISALIGNED);
    }
    return n;
}

static bool is_interrupt(const struct cpu *c)
{
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        if (a->kind == ACCESS_NOTE && a->level >= NOTE_INT_REAL && a->level <= NOTE_INT_TASK)
            return a->la == SOURCE_EXTERNAL;
    }
    return false;
}

/* Of a part whose selector has no unit mask, or has it full. */
static uint64_t events_of(const struct done *d, unsigned event)
{
    const struct cpu *c = d->cpu;
    bool branch = !d->o || (d->o->row->attributes & A_BRANCH);
    switch (event) {
    case 0x20: return count_notes(c, NOTE_SEGMENT_REAL, NOTE_SEGMENT_NEW);
    case 0x40: return count_accesses(c, false, false, false, false);
    case 0x41: return count_accesses(c, false, true, true, true);
    case 0x42: return count_accesses(c, false, true, true, false);
    case 0x43: return count_accesses(c, false, true, false, true);
    case 0x44: return d->writebacks;
    case 0x45: return count_refills(c, 0);
    case 0x46: return count_walks(c, 0);
    case 0x47: return count_misaligned(c);
    case 0x76: return d->cycles;
    case 0x80: return count_accesses(c, true, false, false, false);
    case 0x81: return count_accesses(c, true, true, true, true);
    case 0x82: return count_accesses(c, true, true, true, false);
    case 0x83: return count_accesses(c, true, true, false, true);
    case 0x84: return count_refills(c, ACCESS_CODE_SIDE);
    case 0x85: return count_walks(c, ACCESS_CODE_SIDE);
    case 0xC0: return d->retired;
    case 0xC2: return d->retired && branch;
    case 0xC3: return d->mispredicts;
    case 0xC4: return d->retired && branch && (!d->o || c->branched);
    case 0xC6:
        return count_notes(c, NOTE_INT_REAL, NOTE_RET_OUTER) +
               count_notes(c, NOTE_FAST_ENTRY, NOTE_FAST_EXIT);
    case 0xCD: return c->eflags & F_IF ? 0 : d->cycles;
    case 0xCE: return c->eflags & F_IF || !c->intr_line ? 0 : d->cycles;
    case 0xCF: return !d->o && is_interrupt(c);
    default: return UINT64_MAX;
    }
}

/* Events that are told apart further, by bits of the unit mask: all of them must be asked for. */
static bool whole(unsigned event, unsigned mask)
{
    if (event == 0x20)
        return (mask & 0x3F) == 0x3F; /* segment registers */
    if (event >= 0x42 && event <= 0x44)
        return (mask & 0x1F) == 0x1F; /* MOESI */
    return true;
}

static void check_select(const struct cpu *c, uint64_t select)
{
    unsigned event = select & 0xFF, mask = select >> 8 & 0xFF;
    struct done nothing = {.cpu = c};
    if (select & SELECT_BY_CYCLE)
        unimplemented("a performance counter by cycles: PERFCTL = %08x", (uint32_t)select);
    if (events_of(&nothing, event) == UINT64_MAX || !whole(event, mask))
        unimplemented("performance event %02x with unit mask %02x on the k7 model; counted are 20 "
                      "(3F), 40, 41, 42-44 (1F), 45-47, 76, 80-85, C0, C2-C4, C6, CD-CF",
                      event, mask);
}

static void arm(struct k7 *k)
{
    k->counters.armed = false;
    for (unsigned i = 0; i < MSR_COUNTERS; i++)
        k->counters.armed |= (k->cpu->msrs.select[i] & SELECT_EN) != 0;
    k->counters.cpl = k->cpu->cpl;
    k->counters.writebacks = k->cpu->mmu->l1d.writebacks;
    k->counters.seen = k->counters.mispredicts;
}

static uint64_t read_counter(void *owner, unsigned index)
{
    const struct k7 *k = owner;
    return k->counters.events[index];
}

static void counter_changed(void *owner, unsigned index)
{
    struct k7 *k = owner;
    uint64_t select = k->cpu->msrs.select[index];
    if (select & SELECT_EN)
        check_select(k->cpu, select);
    k->counters.events[index] = 0;
    arm(k);
}

void k7_count(struct k7 *k, const struct op *o, cycle_t cycles)
{
    const struct cpu *c = k->cpu;
    struct k7_counters *n = &k->counters;
    struct done d = {.cpu = c, .o = o, .cycles = cycles, .retired = o && !c->rep_running,
                     .mispredicts = n->mispredicts - n->seen,
                     .writebacks = c->mmu->l1d.writebacks - n->writebacks};
    uint64_t level = n->cpl == 3 ? SELECT_USR : SELECT_OS;
    for (unsigned i = 0; i < MSR_COUNTERS; i++) {
        uint64_t select = c->msrs.select[i];
        if (!(select & SELECT_EN) || !(select & level))
            continue;
        uint64_t before = c->msrs.counter[i] + n->events[i], more = events_of(&d, select & 0xFF);
        n->events[i] += more;
        bool over = before % COUNTER_END + more >= COUNTER_END;
        if (over && select & SELECT_INT && c->counter_overflowed)
            c->counter_overflowed(c->counter_overflowed_owner);
    }
    n->cpl = c->cpl;
    n->seen = n->mispredicts;
    n->writebacks = c->mmu->l1d.writebacks;
}

void k7_counters_attach(struct k7 *k)
{
    struct cpu *c = k->cpu;
    c->read_counter = read_counter;
    c->counter_changed = counter_changed;
    c->counter_owner = k;
    arm(k);
}

/* What was counted becomes part of the registers. */
void k7_counters_detach(struct k7 *k)
{
    struct cpu *c = k->cpu;
    if (!c || c->counter_owner != k)
        return;
    for (unsigned i = 0; i < MSR_COUNTERS; i++)
        c->msrs.counter[i] += k->counters.events[i];
    c->read_counter = NULL;
    c->counter_changed = NULL;
    c->counter_owner = NULL;
}

void k7_counters_snapshot(struct k7 *k, struct snap *s)
{
    snap_bytes(s, "events", k->counters.events, sizeof k->counters.events);
    if (snap_loading(s))
        arm(k);
}
