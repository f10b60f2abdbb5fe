/* diff_align: which instructions of one run are which of another: see diff.h. */
#pragma once

#include "sim/report/costs.h"

#define DIFF_NONE UINT32_MAX

/* partner[i]: the index of a's i-th line in b, DIFF_NONE: it is gone. */
void diff_align(const struct cost_path *a, const struct cost_path *b, uint32_t *partner);
