/* cycles: how long a few instructions take on a modelled processor, alone and in a loop: what
 * `isochron cycles` prints and what calibration holds against measured parts.
 *
 * Copies of the instructions stand in straight line inside a loop whose counter lives in memory.
 * Loops run until everything is warm; then some are measured, and what the empty loop takes is
 * subtracted. `buf` is 64 KB of writable memory, a multiple of 64 KB; registers start at zero, ESP
 * at the top of a stack; the processor is in 32-bit protected mode at privilege 0 with flat
 * segments. */
#pragma once

#include "cpu/model.h"
#include "sim/core/ledger.h"
#include "sim/machine/config.h"
#include "sim/report/assemble.h"

#define CYCLES_BUFFER_BYTES 0x10000u
/* What `symbols` of assemble() must hold for the texts measured here. */
#define CYCLES_SYMBOLS ".set buf, 0x100000"

struct cycles_request {
    const struct machine_config *config;
    const struct assembly *code;  /* the instructions of one copy */
    const struct assembly *setup; /* run once before, or NULL */
    uint32_t copies;              /* in a loop, at least 1 */
    uint32_t buffer_bytes;        /* of `buf`; 0: CYCLES_BUFFER_BYTES */
    uint32_t warm_loops, measured_loops; /* 0: enough for any state of the part to settle */
    bool no_paging;
    bool user; /* privilege 3 */
};

/* One executed instruction of one copy, in order. */
struct cycles_line {
    char text[96];
    uint32_t offset; /* from the first byte of the copy */
    uint32_t cycles;
    struct model_last last;
    int64_t begun; /* the last.dispatched of the copy's first, from which its stages count */
    uint16_t cause[CAUSE_COUNT];
};

struct cycles_result {
    /* clocks of one copy, exactly: cycles / copies */
    int64_t cycles;
    uint64_t copies;
    bool raised; /* the instructions raised an exception */
    unsigned vector;
    bool unfinished; /* they halted, or never came to the end of the loop */
    struct cycles_line *lines; /* the instructions of a copy in the middle of the last loop */
    size_t line_count;
    /* of all measured loops, the empty loop's share included */
    uint64_t cause[CAUSE_COUNT], quality[QUALITY_COUNT];
};

/* Measures. free_cycles frees what the result points at. */
void cycles_measure(const struct cycles_request *q, struct cycles_result *r);
void cycles_free(struct cycles_result *r);
