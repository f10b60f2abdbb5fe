/* core: what the files of the k7 model share: its state, the facts bound to each instruction, the
 * names of costs. pipeline.h is the public face.
 *
 * The vocabulary. A line is what is decoded, dispatched and retired in one clock: up to three
 * macro-operations, each tied to the lane of its place. The front is the decoupled part: windows of
 * 16 bytes, predecode, decoders. Its times are told as the cycle at which a line could be
 * dispatched, not the earlier ones at which each stage worked. All times are absolute cycles. */
#pragma once

#include "cpu/models/k7/pipeline.h"
#include "cpu/models/k7/slots.h"

/* --- facts bound to an instruction ------------------------------------------------------------ */

enum k7_unit {
    UNIT_NONE, /* no operation beyond its memory accesses */
    UNIT_ALU,  /* of its lane */
    UNIT_MUL,  /* the multiplier of lane 0 */
    UNIT_AGU,  /* an address generator of its lane: LEA */
    UNIT_FADD, UNIT_FMUL, UNIT_FSTORE,
    UNIT_FADD_FMUL, /* either, in turn */
    UNIT_FANY,      /* any of the three */
    UNIT_ALONE,     /* microcode that waits until it is the oldest, and lets nothing pass */
};

enum k7_kind {
    KIND_PLAIN,  /* integer: registers, at most one memory operand */
    KIND_BRANCH, /* near control transfers */
    KIND_FLOAT,  /* x87, MMX, SSE */
    KIND_MICRO,  /* whatever its notes and accesses say */
    KIND_STRING,
};

enum k7_decode {
    DECODE_DIRECT, /* one macro-operation, or as many as ops says, in any lanes */
    DECODE_VECTOR, /* from the ROM: lines of its own */
};

/* What an instruction takes, for the part that is modelled. */
struct k7_cost {
    uint8_t kind, path, unit;
    uint8_t ops;      /* macro-operations */
    uint16_t latency; /* from issue to result, without memory */
    uint16_t busy;    /* vector: clocks of the decoders; else: clocks of its unit */
    uint8_t cause;    /* of the clocks in which it executes */
    uint8_t quality;
};

/* struct op's timing word: fields by position. x87, MMX and SSE instructions have what float.c says
 * instead of those marked with a star. */
enum k7_field {
    FACT_READS = 0, FACT_WRITES = 8, /* 8 each: registers * */
    FACT_ADDRESS = 16,    /* 8: registers */
    FACT_COST = 24,      /* 10: index */
    FACT_FLAGS_READ = 34, /* 2: FLAG_CARRY, FLAG_REST */
    FACT_FLAGS_WRITTEN = 36,
    FACT_STACK = 38,       /* 1: moves ESP beside what it does * */
    FACT_LOCKED = 40, FACT_NARROW = 41, /* 1 each * */
    FACT_HIGH_STORED = 42, /* 1: stores AH, BH, CH or DH: nothing forwards it * */
    FACT_TRANSFER = 43,    /* 3: enum k7_transfer * */
    FACT_DECODE = 46,      /* 4: prefixes beyond three */
};
enum { FLAG_CARRY = 1, FLAG_REST = 2 };
enum k7_transfer {
    TRANSFER_NONE, TRANSFER_CONDITIONAL, TRANSFER_DIRECT, TRANSFER_INDIRECT, TRANSFER_CALL,
    TRANSFER_CALL_INDIRECT, TRANSFER_RETURN,
};

static ALWAYS_INLINE unsigned k7_fact(uint64_t t, enum k7_field f, unsigned bits)
{
    return (unsigned)(t >> f) & ((1u << bits) - 1);
}

/* --- costs: cost.c ---------------------------------------------------------------------------- */

#define K7_COSTS_MAX 1024
#define K7_CLASSES_MAX 512

/* One line of the table: a timing class, perhaps only its forms of one width or with memory. */
struct k7_class {
    const char *name; /* timing class, and what cost.c says of "/", ".b" and the like */
    uint8_t kind, unit;
    struct {
        uint8_t path, ops;
        uint16_t latency, busy;
    } part[PART_COUNT];
    uint8_t cause, quality;
    const char *source;
};

extern const struct k7_class k7_classes[];
extern const unsigned k7_class_count;

enum k7_form { FORM_REGISTERS, FORM_MEMORY, FORM_STORE }; /* STORE: memory is written alone */

/* The index of the line that fits best: class, instruction, operand bytes, memory. Where there is
 * none, the run stops. */
unsigned k7_class_find(const char *class, const char *name, unsigned width, enum k7_form form);

/* What a case told by a note costs: replaces the class's latency, or adds to it. */
struct k7_case {
    const char *class;
    uint8_t note;
    uint16_t clocks[PART_COUNT];
    uint16_t each; /* more for each unit of the note's value */
    bool adds;
    uint8_t cause, quality;
    const char *source;
};
extern const struct k7_case k7_cases[];
extern const unsigned k7_case_count;

/* Repeated strings: to begin, each element, and in all when there is none. */
struct k7_repeat {
    const char *class;
    struct {
        uint16_t begin, each, none;
    } part[PART_COUNT];
    uint8_t accesses; /* of memory, by one element */
    uint8_t quality;
};
extern const struct k7_repeat k7_repeats[];
extern const unsigned k7_repeat_count;

/* --- stretches: why time passed, for whoever turns out to wait for it ------------------------- */

/* So many cycles before `until` are this cause's. */
struct k7_stretch {
    cycle_t until, cycles;
    uint64_t cause;
};
#define STRETCHES 8

/* --- branches: predict.c ---------------------------------------------------------------------- */

#define SELECTOR_SETS 2048 /* blocks of 16 bytes of one way of the code cache */
#define SELECTOR_WAYS 2
#define SELECTORS 3
#define TARGETS 2048
#define RETURNS 12
#define COUNTERS 16384

enum k7_selector_state { SELECTOR_FREE, SELECTOR_ALWAYS, SELECTOR_DYNAMIC };

struct k7_block {
    uint32_t tag; /* physical address / 16, or UINT32_MAX */
    uint8_t end[SELECTORS];   /* offset of the branch's last byte */
    uint8_t state[SELECTORS]; /* enum k7_selector_state */
    uint8_t next;             /* the selector to lose next */
    uint8_t spare;
};

struct k7_target {
    uint32_t branch, target; /* physical address of the branch's last byte; linear target */
};

struct k7_predictor {
    struct k7_block block[SELECTOR_SETS][SELECTOR_WAYS];
    uint8_t recent[SELECTOR_SETS]; /* the way used last */
    struct k7_target target[TARGETS];
    uint8_t counter[COUNTERS];
    uint32_t history;
    uint32_t returns[RETURNS];
    uint32_t return_top, return_count;
};

enum k7_prediction { PREDICTED, PREDICTED_LATE, MISPREDICTED };

/* Predicts the branch whose last byte is at pa, and learns what it did. */
enum k7_prediction k7_predict(struct k7_predictor *p, const struct k7_config *g,
                              enum k7_transfer transfer, paddr_t pa, bool taken, laddr_t target,
                              laddr_t behind);
void k7_predictor_reset(struct k7_predictor *p);

/* --- stores that loads may meet: memory.c ----------------------------------------------------- */

#define STORES 64
#define STORE_WORDS 1024 /* forwarding compares address bits 11..2 */
#define FILLS 8
#define LSU_ENTRIES 44
#define LSU_RING 64 /* a power of two */
#define FP_ENTRIES 36
#define ROB_LINES 24
#define ROB_RING 32 /* likewise */
#define LANES 3
#define LANE_ENTRIES_MAX 8

struct k7_store {
    cycle_t data, commit; /* when its data is known, when it is in the cache */
    uint32_t la, size;
    uint64_t slow; /* its data comes from a read-modify-write, or cannot be forwarded: FORWARD_ */
};
enum { FORWARD_PLAIN, FORWARD_MODIFIED, FORWARD_NEVER };

/* A line of combined writes that has not gone to memory yet: which, and the bytes it has. */
struct k7_combined {
    uint64_t line, bytes;
};
#define COMBINE_BUFFERS_MAX 4
#define LINE_NONE UINT64_MAX

struct k7_fill {
    cycle_t ready;
    uint64_t line;
    uint64_t cause;
};

/* --- the model -------------------------------------------------------------------------------- */

/* A cost that was looked up: of a row, and of the form that is its key. */
struct k7_found {
    const struct row *row;
    uint32_t key, cost;
};
#define K7_FOUND 2048

/* The stages of the last instruction, and what decided them: for reports. */
struct k7_stages {
    cycle_t fetched, dispatched, issued, completed, retired;
    cycle_t address, loaded, operated; /* of its two micro-operations; address 0: no memory */
    unsigned lane, unit; /* enum k7_unit; microcode is ALONE */
    bool joined; /* in the line of the one before */
};

/* Beside the eight registers: one that is always ready, one that nobody reads. */
enum { GPR_READY = 8, GPR_NONE, GPR_COUNT };

/* Performance counters: what they count is looked for only while one is enabled. */
struct k7_counters {
    bool armed;
    uint8_t cpl; /* the next instruction's */
    uint64_t events[MSR_COUNTERS];
    uint64_t mispredicts, seen, writebacks;
};

struct k7 {
    struct model model; /* first: a struct model * is a struct k7 * */
    struct k7_config config;
    struct cpu *cpu;
    unsigned ideal; /* enum model_ideal: only of twins */
    struct k7_cost cost[K7_COSTS_MAX];

    /* times outside, in cycles */
    cycle_t dram[3], dram_line, device, port, acknowledge;

    /* the front */
    uint64_t window;    /* linear address / 16 of the window that was read last */
    cycle_t front;      /* the cycle at which what it holds can be dispatched */
    cycle_t used[2];    /* when the last instruction of the two windows before was dispatched */
    uint64_t code_pa;   /* physical minus linear address of the code line, 32 bits */
    struct k7_stretch late[STRETCHES]; /* why the front came late, newest at late_next - 1 */
    uint64_t late_next;

    /* lines and lanes */
    cycle_t line;      /* when the line that is being filled is dispatched */
    uint64_t line_used, line_number;
    cycle_t line_retired[ROB_RING]; /* by number */
    uint64_t retired_line; /* the number of the line that retired last */
    cycle_t lane_free[LANES][LANE_ENTRIES_MAX];
    cycle_t fp_free[FP_ENTRIES];
    uint64_t fp_count;

    /* units */
    struct slots alu[LANES], agu[LANES], mul, fp[3];
    cycle_t divider;
    uint64_t toggle; /* FADD or FMUL next */

    /* registers */
    cycle_t gpr[GPR_COUNT], carry, rest, x87[8], x87_status, xmm[8];

    /* memory */
    cycle_t order;      /* the last access to the L1D, or the last address known */
    uint64_t order_count; /* accesses in that clock */
    uint64_t order_la;
    cycle_t lsu[LSU_RING]; /* by number */
    uint64_t lsu_count;
    struct k7_store store[STORES];
    uint64_t store_count;
    uint8_t store_at[STORE_WORDS];
    cycle_t committed; /* the last store's commit */
    uint64_t committed_count;
    struct k7_fill fill[FILLS];
    uint64_t fill_count;
    cycle_t filled;   /* the latest of them */
    cycle_t l2_free, bus_free;
    cycle_t l2_seen, l2_victims; /* until when it has written victims; what is left to write */
    struct k7_combined combined[COMBINE_BUFFERS_MAX];
    uint64_t combined_count;
    cycle_t modify_free; /* in quarters of a clock */

    struct k7_predictor predictor;
    struct k7_counters counters;

    /* of the instruction being priced */
    struct k7_stretch stall[STRETCHES]; /* what its execution waited for */
    unsigned stalls;
    struct k7_stages last;

    struct k7_found found[K7_FOUND];
    const struct k7_case *cases[K7_CLASSES_MAX][NOTE_LIMIT];
    const struct k7_repeat *repeat[K7_CLASSES_MAX];
    unsigned delivery; /* index of the cost of exceptions and interrupts */
};

/* --- counters.c ------------------------------------------------------------------------------- */

/* The instruction o, or if NULL a delivery, was priced and took so many cycles of the clock. */
void k7_count(struct k7 *k, const struct op *o, cycle_t cycles);
void k7_counters_attach(struct k7 *k);
void k7_counters_detach(struct k7 *k);
void k7_counters_snapshot(struct k7 *k, struct snap *s);

static ALWAYS_INLINE cycle_t later(cycle_t a, cycle_t b) { return a > b ? a : b; }

/* Whether an entry is code's: those come first. Of a write the bit says that it is combined. */
static ALWAYS_INLINE bool k7_is_code(const struct access *a)
{
    return a->kind == ACCESS_FETCH || (a->kind > ACCESS_FETCH && a->flags & ACCESS_CODE_SIDE);
}

/* --- bind.c ----------------------------------------------------------------------------------- */

void k7_bind(struct model *m, struct op *o);
/* The floating-point part of the timing word: float.c. */
uint64_t k7_bind_float(const struct op *o, const struct op_facts *f, enum k7_part part);

/* --- memory.c --------------------------------------------------------------------------------- */

/* One data read whose address was generated at agu. Returns when its data is there; narrow: a
 * clock later. */
cycle_t k7_load(struct k7 *k, const struct access *a, cycle_t agu, bool narrow);
/* What was combined goes to memory: no later write joins it. */
void k7_close_combined(struct k7 *k);
/* A page walk's read or update, for data or code, no sooner than t. Returns its end. */
cycle_t k7_walk(struct k7 *k, const struct access *a, cycle_t t);
/* Its line is asked for once the address is known at agu; returns when it is there. */
cycle_t k7_store_line(struct k7 *k, const struct access *a, cycle_t agu);
/* Enters the store queue, and the cache in order once its instruction has retired. */
void k7_store(struct k7 *k, const struct access *a, cycle_t data, cycle_t line, cycle_t retired,
              unsigned forward);
/* A code line was asked for by the front at t; returns when its bytes are there. Of a line that is
 * on its way it says why it is late. */
cycle_t k7_fetch_line(struct k7 *k, const struct access *a, cycle_t t, enum cause *cause);
/* NOTE_LINE_PREFETCHED: a line that was asked for at t, and nobody waits for it yet. */
void k7_prefetched(struct k7 *k, const struct access *a, cycle_t t);
/* A note of the memory unit about data, for an access whose address was generated at t: returns
 * when that goes on. */
cycle_t k7_memory_note(struct k7 *k, const struct access *a, cycle_t t);
/* --- front.c ---------------------------------------------------------------------------------- */

/* The instruction ends in another window than the one before it. */
void k7_read_window(struct k7 *k, uint64_t window);
/* A branch that was predicted to be taken leads to target. */
void k7_redirect(struct k7 *k, laddr_t target);
/* What the front did; returns the first entry of the log that is not its. */
const struct access *k7_front_accesses(struct k7 *k, const struct access *a,
                                       const struct access *end);
/* The front cannot deliver before t, and why. */
void k7_front_until(struct k7 *k, cycle_t t, enum cause cause);

/* --- account.c -------------------------------------------------------------------------------- */

/* What execution waits for: cycles up to `until`. */
void k7_stall(struct k7 *k, cycle_t until, cycle_t cycles, enum cause cause);
/* The instruction retired more than one cycle behind the one before it: charges them all. */
NOINLINE void k7_account_gap(struct k7 *k, struct cpu *c, const struct k7_cost *cost);

/* --- micro.c ---------------------------------------------------------------------------------- */

void k7_micro_init(struct k7 *k);
/* Says in *cost to what its clocks go. */
void k7_price_micro(struct k7 *k, struct cpu *c, const struct op *o, uint64_t t,
                    struct k7_cost *cost, const struct access *a, const struct access *end);
void k7_price_string(struct k7 *k, struct cpu *c, const struct op *o, uint64_t t,
                     const struct k7_cost *cost, const struct access *a,
                     const struct access *end);
void k7_price_entry(struct k7 *k, struct cpu *c, const struct access *a, const struct access *end);

/* --- float.c ---------------------------------------------------------------------------------- */

void k7_price_float(struct k7 *k, struct cpu *c, const struct op *o, uint64_t t,
                    const struct k7_cost *cost, const struct access *a, const struct access *end);

/* --- state.c ---------------------------------------------------------------------------------- */

void k7_snapshot(struct model *m, struct snap *s);
/* twin.c */
struct model *k7_twin(const struct model *m, struct cpu *c, unsigned ideal);
