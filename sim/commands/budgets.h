/* budgets: bounds on what kernel paths may cost, written by people:
 *
 *     # a message between two large spaces
 *     ipc.cross_space: cycles <= 183, dtlb_miss <= 4, ilines <= 12
 *     ipc.cross_space: phase.entry <= 51, tlb.dtlb <= 40
 *
 * One path may have several lines. What is exceeded is told with where the path's cycles go. */
#pragma once

#include "sim/commands/verdict.h"
#include "sim/report/costs.h"

/* The metrics that there are. */
void budgets_help(void);
/* Adds a verdict for each bound; usage_error naming file and line if one cannot be understood. */
void budgets_check_file(const struct costs *c, const char *file, struct verdicts *v);
/* One line of such a file, or of an option if number is 0. */
void budgets_check_line(const struct costs *c, const char *file, unsigned number, const char *line,
                        struct verdicts *v);
/* Where an instance's cycles go by symbol, or, with before, how two runs differ in that. */
void budgets_say_symbols(struct verdict *v, const json_t *now, const json_t *before);
