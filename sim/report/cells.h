/* cells: stretches of a run that a program marks, and what each consists of: the additive parts of
 * its cycles, beside what it would have cost with other things ideal.
 *
 * A program marks them by running through a symbol, by its rules a function of two arguments in
 * registers: EAX points at the name of the cell that begins there, "" if it is none; EDX is how
 * many operations it holds (context switches, calls), by which reports divide.
 *
 * The parts of a cell sum to its cycles. What misses cost is divided by what made them misses
 * (blame.h): a flush of the TLBs, or who took the line from its cache. */
#pragma once

#include "sim/report/blame.h"
#include "sim/report/explain.h"

/* X(identifier, key, title, what it is) */
#define CELL_PARTS(X)                                                                              \
    X(USER, "user", "user", "the programs' own instructions, with everything in place")            \
    X(PATH, "path", "path", "the kernel's, with everything in place: the direct cost")             \
    X(TLB_FLUSHED, "tlb.flushed", "tlb flush", "walks for pages that a write to CR3 flushed")      \
    X(TLB_OTHER, "tlb.other", "tlb other", "walks for other pages: never seen, or replaced")       \
    X(L1_PROGRAM, "l1.program", "l1 own", "refills of the first level from the second: the line "  \
                                          "was evicted by the same program,")                      \
    X(L1_KERNEL, "l1.kernel", "l1 kernel", "... by the kernel,")                                   \
    X(L1_OTHERS, "l1.others", "l1 others", "... by the other programs,")                           \
    X(L1_FIRST, "l1.first", "l1 first", "... by nobody: it was never there")                       \
    X(L2_PROGRAM, "l2.program", "l2 own", "refills from memory: the line was evicted from the "    \
                                          "second level by the same program,")                     \
    X(L2_KERNEL, "l2.kernel", "l2 kernel", "... by the kernel,")                                   \
    X(L2_OTHERS, "l2.others", "l2 others", "... by the other programs,")                           \
    X(L2_FIRST, "l2.first", "l2 first", "... by nobody: it was never there")                       \
    X(STORES, "stores", "stores", "waiting for write buffers, and for a bus in use")

enum cell_part {
#define X(id, key, title, text) CELL_##id,
    CELL_PARTS(X)
#undef X
        CELL_PART_COUNT
};

#define CELL_NAME_SIZE 32

struct cell {
    char name[CELL_NAME_SIZE];
    uint64_t operations;
    cycle_t begin, end;
    uint64_t part[CELL_PART_COUNT];
    uint64_t cycles[WHATIF_RUNS_MAX]; /* [0]: of the run itself, and the sum of the parts */
};

struct cells {
    const struct cpu *cpu;
    struct whatif *whatif;
    struct blame blame;
    uint32_t mark; /* EIP of the symbol */
    bool open;
    struct whatif_tally begin; /* when the open one, the last of the list, began */
    struct cell *list;
    size_t count, capacity;
};

/* whatif is told before it. usage_error if there is no such symbol. */
void cells_start(struct cells *l, struct watch *h, struct cpu *c, const struct spaces *spaces,
                 const struct symbols *symbols, struct whatif *whatif, const char *symbol);
void cells_free(struct cells *l, struct watch *h);

/* [{name, operations, begin, end, cycles, parts: {key: cycles},
 *   ideal: {name: difference}, together, interaction}] */
json_t *cells_json(const struct cells *l, const struct explain *e);
void cells_print(const json_t *cells, FILE *out);
void cells_csv(const json_t *cells, FILE *out);
