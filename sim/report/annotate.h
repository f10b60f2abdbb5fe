/* annotate: one path, instruction by instruction: where each of its cycles goes. */
#pragma once

#include "sim/report/costs.h"

#include <stdio.h>

enum annotate_format { ANNOTATE_TEXT, ANNOTATE_JSON, ANNOTATE_CSV };

/* sources: where the path's source files are, to print their lines between instructions in text;
 * NULL: none. quality: what the run's cycles rest on (ledger_json.h); NULL: not known. */
void annotate_print(const struct cost_path *p, enum annotate_format format, const char *sources,
                    json_t *quality, FILE *out);
