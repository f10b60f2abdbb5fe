/* counters: the two performance counters, and the events they count [SDM3B 18.21, table A-19;
 * OPT97 7].
 *
 *   CESR:  25   24-22  21-16   9    8-6   5-0
 *          PC1  CC1    ES1     PC0  CC0   ES0
 *
 * CC: 000 off, 001 privilege 0-2, 010 privilege 3, 011 both; with bit 2 set, clocks instead of
 * events. PC chooses what two pins show; there are none. Every event is counted always, by
 * privilege; a counter is the difference since its selection or value was last written. RDMSR
 * shows what the instructions before it did, and nothing of its own; WRMSR to CESR counts under
 * the selection it makes.
 *
 * Privilege: fetching and the instruction itself count at the privilege it was fetched with; what a
 * change of privilege does beyond that (accesses, segments, the branch) at the inner one of the
 * two, where the ledger has its clocks, too. Deliveries count at the handler's.
 *
 * Clocks: 18h-1Bh and 1Fh last; of every other event each occurrence counts one.
 *
 * What counts as one:
 *   00 01 28  an access of the log: an instruction's, or its microcode's to descriptors, TSS and
 *             stack. A read-modify-write is a read and a write. An access that is misaligned is
 *             split: two. Page walks, code fetches and ports are not data.
 *   02 0D     a walk, also one that only sets D: the entry there was of no use.
 *   03 29     a read that the first level did not serve, cacheable or not, locked ones too. The
 *             second half of a split read finds the line that the first one brought.
 *   04 29     a write that found no line. A hit on an S line goes to the bus, but is none.
 *   05        a write that found an E or M line, and stayed inside.
 *   06        a modified line that left: replaced, wanted by a fetch, a locked cycle or a walk's
 *             update, or written back by WBINVD.
 *   09 0A     a pair of which both halves access data; a pair whose halves met in one bank.
 *   0B        a read, a write or a port access that is misaligned: each half of a read-modify-
 *             write.
 *   0C 0E     a code line entered, in order or by a branch; those that were not in the code cache.
 *   0F        a segment register loaded; LGDT, LIDT, LLDT, LTR; a far transfer, INT, delivery or
 *             task switch, twice if it changes privilege.
 *   12 14     a branch, taken or not (14: taken, or predicted by an entry); as taken ones also
 *             INT, IRET, serialising instructions, VERR, VERW, deliveries.
 *   13        a branch whose entry in the branch target buffer was in use: a near one, or a far
 *             one that stays on its level.
 *   15        a misprediction, a far JMP, CALL or RET to another level or task or through a gate,
 *             a delivery. Not INT, IRET, serialisation.
 *   16 17     an instruction that completed (REP: one) and, in 16, a delivery; those in V.
 *   18        a bus cycle with what prolongs it. Its clocks are counted when it gets the bus:
 *             those of a posted write before they have passed.
 *   19 1B     a store that waited for its buffer; a write hit that waited for writes before it:
 *             the ledger's write.buffer_full and write.order.
 *   1A        a data read or data-side walk that the pipes waited for: from asking for the bus to
 *             the data. Not the three clocks of misalignment.
 *   1C        the read half of a locked cycle: LOCK, XCHG, bits of descriptors and of page tables.
 *             Split ones count two.
 *   1D        a port access; two if it is misaligned. Interrupt acknowledge is none.
 *   1E        a read on the bus that fills no line of the first level: uncached pages and devices,
 *             CR0.CD, locked reads, page-table entries.
 *   1F        an interlock; two in one clock if both halves of a pair wait, which is one clock.
 *   22        an x87 addition, subtraction, multiplication, division, remainder, square root, an
 *             integer multiplication; a transcendental function is one.
 *   23-26     an instruction at the address, or an access that touches the bytes, as DR7's R/W and
 *             LEN say, enabled or not (disabled, instructions in V are not compared). Only while
 *             selected.
 *   27        an INTR or NMI delivered.
 *
 * Always 0: 07, 08 (nothing snoops: no other bus master is modelled), 10, 11, 20, 21 (reserved)
 * and the P55C's, 2A to 3F. */
#include "cpu/models/p5/core.h"

#include "cpu/debug.h"
#include "mmu/tlb.h"


/* --- reading ---------------------------------------------------------------------------------- */

static uint64_t occurred(const uint64_t *n, unsigned event)
{
    uint64_t writes = n[EVENT_DATA_WRITE] + n[EVENT_WRITE_HIT];
    switch (event) {
    case EVENT_DATA_WRITE: return writes;
    case EVENT_DATA: return writes + n[EVENT_DATA_READ];
    case EVENT_DATA_MISS: return n[EVENT_READ_MISS] + n[EVENT_WRITE_MISS];
    case EVENT_AGI: return n[EVENT_AGI] + n[EVENT_AGI_IN_V];
    default: return event < EVENT_LIMIT ? n[event] : 0;
    }
}

static uint64_t lasted(const struct p5 *p, unsigned user, unsigned event)
{
    if (event >= EVENT_BUS && event <= EVENT_WRITE_ORDER)
        return p->durations[user][event];
    return event == EVENT_AGI ? p->events[user][event] : occurred(p->events[user], event);
}

uint64_t model_p5_count(const struct model *m, unsigned event, unsigned control)
{
    const struct p5 *p = (const struct p5 *)m;
    uint64_t n = 0;
    for (unsigned user = 0; user < 2; user++)
        if (control >> user & 1)
            n += control & 4 ? lasted(p, user, event) : occurred(p->events[user], event);
    return n;
}

const uint64_t *model_p5_events(const struct model *m)
{
    const struct p5 *p = (const struct p5 *)m;
    for (unsigned i = 0; i < P5_EVENTS; i++)
        p->event_sum[i] = model_p5_count(m, i, 3);
    return p->event_sum;
}

static uint64_t selected(const struct p5 *p, unsigned index)
{
    uint32_t control = p->cpu->cesr >> (16 * index);
    return model_p5_count(&p->model, control & 0x3F, control >> 6 & 7);
}

static uint64_t read_counter(void *owner, unsigned index)
{
    const struct p5 *p = owner;
    return selected(p, index) - p->counter_base[index];
}

static bool selects_matches(uint32_t control)
{
    unsigned event = control & 0x3F;
    return (control >> 6 & 3) && event >= EVENT_MATCH && event < EVENT_MATCH + 4;
}

static void counter_changed(void *owner, unsigned index)
{
    struct p5 *p = owner;
    p->counter_base[index] = selected(p, index);
    p->matching = selects_matches(p->cpu->cesr) || selects_matches(p->cpu->cesr >> 16);
    p5_choose_price(p);
}

void p5_counters_attach(struct p5 *p, struct cpu *c)
{
    c->read_counter = read_counter;
    c->counter_changed = counter_changed;
    c->counter_owner = p;
    p->cpu = c;
    p->cpl = c->cpl;
    p->user = c->cpl == 3;
    p->events_now = p->events[p->user];
    counter_changed(p, 0);
    counter_changed(p, 1);
}

/* The model goes: what was counted stays in the counters. */
void p5_counters_detach(struct cpu *c)
{
    for (unsigned i = 0; i < 2; i++)
        c->counter[i] += read_counter(c->counter_owner, i);
    c->read_counter = NULL;
    c->counter_changed = NULL;
    c->counter_owner = NULL;
}

/* --- accesses --------------------------------------------------------------------------------- */

/* An access that crosses a line has two entries, of which neither is split. */
static unsigned parts(const struct access *a)
{
    unsigned natural = a->size > 4 ? 8 : 4;
    return (a->la & (natural - 1)) + a->size > natural ? 2 : 1;
}

/* Whether a page is uncached; what has left the TLB meanwhile counts as cacheable. */
static bool uncached(const struct cpu *c, const struct access *a, const struct tlb *t)
{
    const struct mmu *m = c->mmu;
    if (m->caches_off || a->level == LEVEL_DEVICE)
        return true;
    int index = m->paging ? tlb_find(t, a->la >> 12) : -1;
    if (index < 0 && t == &m->dtlb && m->paging) {
        t = &m->dtlb_large;
        index = tlb_find(t, a->la >> 22);
    }
    return index >= 0 && (t->entry[index].flags & TLB_UNCACHED);
}

static void count_read(struct p5 *p, const struct cpu *c, const struct access *a)
{
    unsigned n = parts(a);
    p5_add(p, c, EVENT_DATA_READ, n);
    if (a->flags & ACCESS_LOCKED)
        p5_add(p, c, EVENT_LOCKED, n);
    if (a->level == LEVEL_L1)
        return;
    bool alone = (a->flags & ACCESS_LOCKED) || uncached(c, a, &c->mmu->dtlb);
    p5_add(p, c, EVENT_READ_MISS, alone ? n : 1);
    if (alone)
        p5_add(p, c, EVENT_NONCACHEABLE, n);
}

static void count_write(struct p5 *p, const struct cpu *c, const struct access *a)
{
    unsigned n = parts(a);
    if (a->flags & ACCESS_HIT_M) {
        p5_add(p, c, EVENT_WRITE_HIT, n);
        return;
    }
    p5_add(p, c, EVENT_DATA_WRITE, n);
    if (!(a->flags & ACCESS_LINE_SHARED))
        p5_add(p, c, EVENT_WRITE_MISS, n);
}

void p5_count_data(struct p5 *p, const struct cpu *c, const struct access *a)
{
    if (a->flags & ACCESS_MISALIGNED)
        p5_count(p, c, EVENT_MISALIGNED);
    if (a->kind == ACCESS_READ || a->kind == ACCESS_RMW)
        count_read(p, c, a);
    else if (a->kind == ACCESS_WRITE && a->size > 8) /* WBINVD: a line */
        p5_count(p, c, EVENT_WRITE_BACK);
    else if (a->kind == ACCESS_WRITE)
        count_write(p, c, a);
}

void p5_count_walk(struct p5 *p, const struct cpu *c, const struct access *a)
{
    if (a->kind == ACCESS_UPDATE)
        p5_count(p, c, EVENT_LOCKED);
    if (a->level != LEVEL_L1)
        p5_count(p, c, EVENT_NONCACHEABLE);
}

void p5_count_code_miss(struct p5 *p, const struct cpu *c, const struct access *a)
{
    p5_count(p, c, EVENT_CODE_MISS);
    if (uncached(c, a, &c->mmu->itlb))
        p5_count(p, c, EVENT_NONCACHEABLE);
}

/* --- transfers, segments, serialisation ------------------------------------------------------- */

struct told {
    unsigned segments; /* loaded */
    bool transfer;     /* CS:EIP was loaded */
    bool far;          /* ... by JMP, CALL or RET */
};

static void hear(struct told *t, unsigned note, bool privilege_changed)
{
    if (note >= NOTE_SEGMENT_REAL && note <= NOTE_SEGMENT_NEW) {
        t->segments++;
    } else if (note >= NOTE_TASK_32 && note <= NOTE_TASK_V86) {
        t->segments += 1 + privilege_changed;
        t->transfer = true;
    } else if (note >= NOTE_INT_REAL && note <= NOTE_RET_OUTER) {
        bool twice = note == NOTE_INT_INNER || note == NOTE_INT_V86 || note == NOTE_IRET_OUTER ||
                     note == NOTE_IRET_V86 || note == NOTE_FAR_GATE_INNER || note == NOTE_RET_OUTER;
        bool task = note == NOTE_INT_TASK || note == NOTE_IRET_TASK || note == NOTE_FAR_TSS ||
                    note == NOTE_FAR_TASK_GATE; /* counted with the NOTE_TASK that follows */
        t->segments += task ? 0 : 1 + twice;
        t->far |= note >= NOTE_FAR_REAL;
        t->transfer = true;
    }
}

static struct told listen(const struct p5 *p, const struct cpu *c, const struct access *a,
                          const struct access *end)
{
    struct told t = {0, false, false};
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE)
            hear(&t, a->level, c->cpl != p->cpl);
    return t;
}

/* What a class counts as, whatever its case. */
enum { COUNTS_SEGMENT = 1, COUNTS_BRANCH = 2, COUNTS_TAKEN = 4 };
static const struct {
    const char *class;
    uint8_t as;
} counted[] = {
    {"lgdt", COUNTS_SEGMENT}, {"lldt", COUNTS_SEGMENT}, {"ltr", COUNTS_SEGMENT},
    {"verr", COUNTS_TAKEN},   {"into", COUNTS_BRANCH},
};

/* Far transfers that the branch target buffer knows count there. */
void p5_count_micro(struct p5 *p, const struct cpu *c, uint64_t t, const struct access *a,
                    const struct access *end)
{
    unsigned class = p5_fact(t, FACT_LATENCY), as = p->counted[class];
    struct told told = listen(p, c, a, end);
    p5_add(p, c, EVENT_SEGMENT, told.segments + (as & COUNTS_SEGMENT));
    if (p5_predicted(p, t, a, end))
        return;
    bool taken = told.transfer || p5_latencies[class].cause == CAUSE_SERIALISE ||
                 as & COUNTS_TAKEN;
    p5_add(p, c, EVENT_BRANCH, taken || as & COUNTS_BRANCH);
    p5_add(p, c, EVENT_TAKEN_OR_HIT, taken);
    p5_add(p, c, EVENT_FLUSH, told.far);
}

/* The interrupt pins' own deliveries are told by the source that the first note has. */
static bool is_hardware(const struct access *a, const struct access *end)
{
    for (; a < end; a++) {
        if (a->kind == ACCESS_NOTE && a->level == NOTE_INTA)
            return true;
        if (a->kind == ACCESS_NOTE && a->level >= NOTE_INT_REAL && a->level <= NOTE_INT_VME &&
            a->la == SOURCE_NMI)
            return true;
    }
    return false;
}

void p5_count_delivery(struct p5 *p, const struct cpu *c, const struct access *a,
                       const struct access *end)
{
    p5_count(p, c, EVENT_INSTRUCTION);
    p5_count(p, c, EVENT_BRANCH);
    p5_count(p, c, EVENT_TAKEN_OR_HIT);
    p5_count(p, c, EVENT_FLUSH);
    p5_add(p, c, EVENT_SEGMENT, listen(p, c, a, end).segments);
    if (is_hardware(a, end))
        p5_count(p, c, EVENT_INTERRUPT);
}

/* --- x87 -------------------------------------------------------------------------------------- */

void p5_counters_init(struct p5 *p)
{
    static const char *const classes[] = {
        "fadd",  "fmul",   "fdiv", "fiadd",   "fidiv", "fprem", "fprem1", "fsqrt",
        "f2xm1", "fsin",   "fsincos", "fptan", "fpatan", "fyl2x", "fyl2xp1"};
    for (unsigned i = 0; i < ARRAY_COUNT(classes); i++)
        p->flop[p5_latency_find(classes[i])] = true;
    for (unsigned i = 0; i < ARRAY_COUNT(counted); i++)
        p->counted[p5_latency_find(counted[i].class)] = counted[i].as;
}

/* --- breakpoints ------------------------------------------------------------------------------ */

static unsigned breakpoint_kind(const struct cpu *c, unsigned i)
{
    return c->dr[7] >> (16 + 4 * i) & 3;
}

static bool touches(const struct cpu *c, unsigned i, const struct access *a, unsigned width)
{
    unsigned kind = breakpoint_kind(c, i);
    if (a->kind == ACCESS_NOTE)
        return kind == 2 && (c->cr4 & CR4_DE) && a->level >= NOTE_IO_REAL &&
               a->level <= NOTE_IO_V86 && debug_covers(c, i, a->la, width);
    bool data = a->kind <= ACCESS_RMW && !(a->flags & ACCESS_SYSTEM);
    return data && (kind == 3 || (kind == 1 && a->kind == ACCESS_WRITE)) &&
           debug_covers(c, i, a->la, a->size);
}

void p5_count_matches(struct p5 *p, const struct cpu *c, const struct op *o, bool executed,
                      bool in_v)
{
    const struct access *end = c->log.list + c->log.count;
    laddr_t la = c->seg[CS].base + o->eip;
    unsigned width = executed ? p5_element_width(o) : 0;
    for (unsigned i = 0; i < 4; i++) {
        bool enabled = c->dr[7] >> (2 * i) & 3;
        if (executed && breakpoint_kind(c, i) == 0 && (enabled || !in_v) &&
            debug_covers(c, i, la, 1))
            p5_count(p, c, EVENT_MATCH + i);
        for (const struct access *a = c->log.list; a < end; a++)
            if (touches(c, i, a, width))
                p5_count(p, c, EVENT_MATCH + i);
    }
}
