/* model: the interface between semantics and a processor's timing.
 *
 * After every instruction the model reads the access log (what the instruction touched and which
 * case ran), decides the cycles, and charges them to the ledger, which advances the clock. It keeps
 * what crosses instructions (a pair half issued, x87 results in flight, the branch predictor) in
 * its own state. It can change no result. */
#pragma once

#include "cpu/cpu.h"

/* What an instruction reads and writes, derived from its row and encoding; registers as RM_
 * masks. */
struct op_facts {
    uint8_t reads, writes;   /* data registers, partial ones count as the whole */
    uint8_t address;         /* base and index; implied ESP, ESI, EDI */
    uint16_t vectors_read, vectors_written; /* bits 7..0 XMM registers, 15..8 MMX registers */
    uint8_t mem_size;        /* bytes of the memory operand, 0 if none */
    bool loads, stores;      /* has a memory source, a memory destination */
    uint8_t width;           /* operand bytes */
};

void op_facts_of(const struct op *o, struct op_facts *f);
/* What an x87 instruction does to the register stack, and what a model must know of it beside. */
enum x87_target { X87_NOWHERE, X87_ST0, X87_STI, X87_PUSHED };
enum x87_work {
    X87_PLAIN, X87_MULTIPLIES, X87_DIVIDES,
    X87_COMPARES,  /* its result is in the status word ... */
    X87_TO_EFLAGS, /* ... in EFLAGS */
    X87_EXCHANGES, X87_STORES,
    X87_DRAINS, /* waits until every result is there */
};
struct x87_facts {
    bool st0, sti; /* reads ST(0), ST(i) */
    bool ax;       /* writes AX */
    uint8_t i;
    uint8_t to;   /* enum x87_target */
    uint8_t pops; /* registers that it frees */
    uint8_t work; /* enum x87_work */
};
void x87_facts_of(const struct op *o, struct x87_facts *f);

struct block;

/* Where a micro-operation executes, out of order. */
enum model_unit {
    MODEL_NO_UNIT, MODEL_ALU, MODEL_AGU, MODEL_MULTIPLIER, MODEL_FADD, MODEL_FMUL, MODEL_FSTORE,
    MODEL_MICROCODE, MODEL_UNITS
};

/* Of one that addresses memory: when its address was generated, and when the data was there. */
struct model_micro {
    uint8_t unit; /* enum model_unit */
    cycle_t issued, completed;
};
#define MODEL_MICROS 2

/* What the last priced instruction did, for `isochron cycles` and reports. */
struct model_last {
    char pipe;           /* p5: 'U' or 'V'; out of order: the lane, '0' to '2' */
    bool paired;         /* issued (p5), was dispatched (out of order) with the one before it */
    const char *why_not; /* why not, NULL if it did */
    bool staged;         /* the times below are known: out of order */
    /* It was fetched, could be dispatched, was dispatched to its scheduler, the first of its
     * micro-operations issued, the last of them was done, it retired. */
    cycle_t fetched, decoded, dispatched, issued, completed, retired;
    uint8_t unit; /* enum model_unit: where it computes, or where its address is generated */
    unsigned micro_count;
    struct model_micro micro[MODEL_MICROS]; /* what addresses memory first, then what computes */
};

/* What a twin does not pay for: questions of `isochron explain`. */
enum model_ideal {
    MODEL_IDEAL_PREDICTION = 1, /* no branch is mispredicted */
    MODEL_IDEAL_ENTRY = 2,      /* entering and leaving privilege 0: the processor's own clocks */
    MODEL_IDEAL_STORES = 4,     /* no store waits, for a buffer or for stores before it */
};

struct model {
    const char *name;
    bool timed; /* wants caches and the access log */
    /* The processor it prices from now on: to offer it performance counters. */
    void (*attach)(struct model *m, struct cpu *c);
    /* Binds what is static about a decoded instruction into o->timing. */
    void (*bind)(struct model *m, struct op *o);
    /* Prices the instruction just completed; c->branched says whether it left its line. */
    void (*price)(struct model *m, struct cpu *c, const struct op *o);
    /* What timed_run (cpu/timed.h) does from the block's beginning up to end, with that price
     * inlined; NULL: the loop calls price. */
    void (*run)(struct model *m, struct cpu *c, struct block *k, const struct op *end);
    /* Prices a delivery: an exception that o raised (the log starts with what o had done), or an
     * interrupt (o is c->idle_op). */
    void (*price_delivery)(struct model *m, struct cpu *c, const struct op *o);
    /* Something outside the instruction stream happened: forget pairing (reset, debugger). */
    void (*reset)(struct model *m);
    /* Timed models only. */
    void (*last)(const struct model *m, struct model_last *l);
    /* A second model in the state of m, between two instructions, for another struct cpu: one that
     * runs nothing, but is shown what m's runs. ideal: sum of enum model_ideal. NULL: there is
     * none. */
    struct model *(*twin)(const struct model *m, struct cpu *c, unsigned ideal);
    /* A twin's: prices together what its original priced together, all accesses of list being hits
     * of its own caches, too. False: nothing has happened, they are to be priced one by one. NULL:
     * it never does. */
    bool (*price_run)(struct model *m, struct cpu *c, const struct priced_run *r,
                      const struct access *list);
    /* Counts of the part's documented events so far, MODEL_EVENTS of them; NULL: none. */
    const uint64_t *(*events)(const struct model *m);
    void (*snapshot)(struct model *m, struct snap *s);
    void (*free)(struct model *m);
};

#define MODEL_EVENTS 64

/* Untimed: one cycle an instruction, one an iteration of a REP. */
struct model *model_flat_new(void);
/* cpu/models/p5 */
struct p5_config;
