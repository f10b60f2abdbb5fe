/* annotate: one path, instruction by instruction: where each of its cycles goes. */
#pragma once

#include "sim/report/costs.h"

#include <stdio.h>

enum annotate_format { ANNOTATE_TEXT, ANNOTATE_JSON, ANNOTATE_CSV };

void annotate_print(const struct cost_path *p, enum annotate_format format, FILE *out);
