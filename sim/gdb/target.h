/* target: what a debugger can reach: one machine, and what is known about it. */
#pragma once

#include "sim/machine/machine.h"
#include "sim/replay/history.h"
#include "sim/report/symbols.h"

struct gdb_target {
    struct machine *machine;
    struct history *history;       /* NULL: it cannot go back */
    const char *no_history;        /* why not */
    const struct symbols *symbols; /* NULL: none */
    const char *read_only;         /* why nothing may be written; NULL: it may */
};
