/* trace_log: run -d int,io,cr,exceptions: lines on stderr, each with the cycle it happened at. On
 * flat, which counts a block's cycles when the block ends, a stamp may be up to a block early. */
#pragma once

#include "sim/machine/machine.h"

/* what: a comma-separated list. usage_error for an unknown word. */
void trace_log_start(struct machine *m, const char *what);
