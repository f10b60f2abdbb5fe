/* progress: a line on stderr while a long run goes on: guest cycles, MIPS, time left. It looks at
 * the host's clock, and only here. Nothing is shown unless stderr is a terminal. */
#pragma once

#include "sim/core/types.h"

struct progress {
    bool shown;
    bool on;
    uint64_t limit; /* cycles, 0: none */
    double start, last;
    uint64_t last_instructions;
};

/* The host's seconds since some time. */
double progress_seconds(void);
void progress_start(struct progress *p, bool quiet, uint64_t limit_cycles);
void progress_show(struct progress *p, cycle_t now, uint64_t instructions);
void progress_end(struct progress *p);
