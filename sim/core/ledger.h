/* ledger: where every cycle went. The clock moves only through ledger_charge, which wants to know
 * why.
 *
 * A charge lands in one cell: path (which kernel-path instance class is running), place (a symbol
 * or an address range) and cause (one leaf of the tree below). The cells sum to the elapsed cycles;
 * there is no "unattributed". Beside the cells every charge is counted by the quality of the number
 * it rests on, so that a report can say how many of its cycles are estimates. */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/types.h"

/* The causes, a tree written as dotted names: X(identifier, name, what a cycle of it means). */
#define LEDGER_CAUSES(X)                                                                           \
    X(ISSUE, "issue", "a clock in which an instruction (or a pair) issued; on k7: retired")        \
    X(EXECUTE, "execute", "further execution clocks of a simple instruction (memory operands)")    \
    X(MICROCODE, "microcode", "clocks of a microcoded or multi-clock instruction")                 \
    X(X87_WAIT, "x87.wait", "waiting for an x87 result")                                           \
    X(X87_EXECUTE, "x87.execute", "x87 clocks that block the pipes")                               \
    X(PREFIX, "decode.prefix", "decoding prefixes")                                                \
    X(FIRST_FETCH, "decode.first_fetch", "bytes not yet predecoded: no pairing on first fetch")    \
    X(AGI, "agi", "address generation interlock")                                                  \
    X(BANK, "data.bank", "both pipes used one data-cache bank")                                    \
    X(MISALIGNED, "data.misaligned", "a data access crossed its natural boundary")                 \
    X(DATA_L2, "data.l2", "data read served by the second-level cache")                            \
    X(DATA_DRAM, "data.dram", "data read served by memory")                                        \
    X(DATA_DEVICE, "data.uncached", "data access outside cacheable memory")                        \
    X(FETCH_L2, "fetch.l2", "instruction fetch served by the second-level cache")                  \
    X(FETCH_DRAM, "fetch.dram", "instruction fetch served by memory")                              \
    X(ITLB, "tlb.itlb", "page walk for an instruction fetch")                                      \
    X(DTLB, "tlb.dtlb", "page walk for a data access")                                             \
    X(TLB_UPDATE, "tlb.update", "locked update of accessed and dirty bits")                        \
    X(WRITE_FULL, "write.buffer_full", "a store waited for a write buffer")                        \
    X(WRITE_ORDER, "write.order", "a write hit waited for earlier buffered writes")                \
    X(BUS_WAIT, "bus.wait", "an access waited for the bus to finish earlier work")                 \
    X(BRANCH, "branch.mispredict", "a branch was predicted wrongly")                               \
    X(SERIALISE, "serialise", "a serialising instruction drained the pipes and buffers")           \
    X(SEGMENT, "segment", "loading a segment register from its descriptor")                        \
    X(KERNEL_ENTRY, "kernel.entry", "interrupt, exception, gate: the processor's own entry work")  \
    X(KERNEL_EXIT, "kernel.exit", "return to an outer privilege level: the processor's own work")  \
    X(TASK_SWITCH, "task_switch", "hardware task switch")                                          \
    X(IO, "io", "port access: the processor's own clocks and the device's wait")                   \
    X(LOCKED, "locked", "locked bus cycles")                                                       \
    X(INTA, "interrupt.acknowledge", "interrupt acknowledge bus cycles")                           \
    X(HALTED, "halted", "HLT until the next interrupt")                                            \
    X(DECODE, "decode.front", "out of order: windows, lines, a taken branch: not yet dispatched")  \
    X(UNIT, "unit.wait", "out of order: waiting for a unit that older operations use")             \
    X(FORWARD, "data.forward", "a load waited for an older store's data, or for its commit")

enum cause {
#define X(id, name, text) CAUSE_##id,
    LEDGER_CAUSES(X)
#undef X
        CAUSE_COUNT
};

/* Those of what caches and TLBs did not have, a bit for each. */
#define CAUSES_OF_MISSES                                                                           \
    (1ull << CAUSE_DATA_L2 | 1ull << CAUSE_DATA_DRAM | 1ull << CAUSE_FETCH_L2 |                    \
     1ull << CAUSE_FETCH_DRAM | 1ull << CAUSE_ITLB | 1ull << CAUSE_DTLB | 1ull << CAUSE_TLB_UPDATE)

/* What kind of number a charge rests on. */
enum quality { QUALITY_READ, QUALITY_FITTED, QUALITY_ESTIMATE, QUALITY_MEMORY, QUALITY_COUNT };

extern const char *const cause_names[CAUSE_COUNT];
extern const char *const cause_texts[CAUSE_COUNT];
extern const char *const quality_names[QUALITY_COUNT];

/* Paths: boot, user, and one for each way into privilege 0. */
enum {
    PATH_BOOT = 0,
    PATH_USER = 1,
    PATH_VECTOR = 2,               /* + vector 0..255: entered through this gate of the IDT */
    PATH_CALL_GATE = PATH_VECTOR + 256,
    PATH_SYSENTER,
    PATH_COUNT,
};

struct op;

struct ledger_path {
    uint64_t **rows; /* by place, NULL until charged; each has CAUSE_COUNT sums of cycles */
    uint64_t entries;
};

/* An observer of single charges; it may look, never touch. */
typedef void (*ledger_tap)(void *owner, enum cause cause, cycle_t cycles);

#define LEDGER_HEARD (2 * CAUSE_COUNT)

/* Charges that wait for the observer, who empties the list. It is told at once of those beyond
 * `most`, which may be none, and of what passes in HLT. */
struct ledger_heard {
    uint32_t count, most;
    bool no_runs; /* what several instructions took together is not told */
    uint64_t causes; /* a bit for each that is in the list */
    struct {
        uint32_t cause, cycles;
    } charge[LEDGER_HEARD];
};

struct ledger {
    struct clock *clock;
    uint64_t *row; /* where charges go now: cell of (path, place) */
    uint32_t path;
    uint32_t place;
    uint32_t place_capacity;
    struct ledger_path paths[PATH_COUNT];
    uint64_t quality[QUALITY_COUNT];
    cycle_t start; /* clock when counting began */
    ledger_tap tap;
    void *tap_owner;
    struct ledger_heard heard;
};

void ledger_init(struct ledger *l, struct clock *clock);
void ledger_free(struct ledger *l);
/* Forgets everything charged so far; counting starts at the present cycle. */
void ledger_restart(struct ledger *l);

NOINLINE void ledger_select(struct ledger *l, uint32_t path, uint32_t place);

static inline void ledger_at(struct ledger *l, uint32_t place)
{
    if (UNLIKELY(l->place != place))
        ledger_select(l, l->path, place);
}

/* Entering a path counts one instance of it. */
void ledger_enter(struct ledger *l, uint32_t path);

static ALWAYS_INLINE void ledger_tell(struct ledger *l, enum cause cause, cycle_t cycles)
{
    struct ledger_heard *h = &l->heard;
    if (UNLIKELY(h->count >= h->most) || UNLIKELY(cause == CAUSE_HALTED)) {
        l->tap(l->tap_owner, cause, cycles);
        return;
    }
    h->causes |= 1ull << cause;
    h->charge[h->count].cause = cause;
    h->charge[h->count++].cycles = (uint32_t)cycles;
}

static ALWAYS_INLINE void ledger_count(struct ledger *l, enum cause cause, cycle_t cycles,
                                       enum quality quality)
{
    l->row[cause] += cycles;
    l->quality[quality] += cycles;
    l->clock->now += cycles;
}

/* This and the next are the only ways to advance the clock while a guest runs. */
static ALWAYS_INLINE void ledger_charge(struct ledger *l, enum cause cause, cycle_t cycles,
                                        enum quality quality)
{
    ledger_count(l, cause, cycles, quality);
    if (UNLIKELY(l->tap != NULL))
        ledger_tell(l, cause, cycles);
}

/* For several instructions at once. */
static ALWAYS_INLINE void ledger_charge_run(struct ledger *l, enum cause cause, cycle_t cycles,
                                            enum quality quality)
{
    ledger_count(l, cause, cycles, quality);
    if (UNLIKELY(l->tap != NULL) && !l->heard.no_runs)
        ledger_tell(l, cause, cycles);
}

/* The sum over all cells, and the check that it equals the elapsed cycles (CHECK). */
uint64_t ledger_sum(const struct ledger *l);
void ledger_verify(const struct ledger *l);
