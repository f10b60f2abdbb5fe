/* progress: a line on stderr while a long run goes on: guest cycles, MIPS, time left. It looks at
 * the host's clock, and only here. Nothing is shown unless stderr is a terminal. */
#pragma once

#include "sim/core/types.h"

struct progress {
    bool on, shown;
    bool away; /* another writes on the terminal's line */
    cycle_t begin, limit; /* cycles; limit 0: none */
    double start, last;
    uint64_t last_instructions;
};

/* The host's seconds since some time. */
double progress_seconds(void);
/* now: where the run begins; limit: where it is expected to end, 0: who knows. */
void progress_start(struct progress *p, bool quiet, cycle_t now, cycle_t limit);
void progress_show(struct progress *p, cycle_t now, uint64_t instructions);
void progress_end(struct progress *p);
