/* twin: a second model in the state of the first, which prices the same run under other conditions.
 * All that it knows of code is in the predictor; what is in flight goes on in both. */
#include "cpu/models/k7/core.h"

#include "sim/core/check.h"

#include <string.h>

struct model *k7_twin(const struct model *m, struct cpu *c, unsigned ideal)
{
    const struct k7 *k = (const struct k7 *)m;
    struct k7 *twin = xalloc(1, sizeof *twin);
    CHECK(!k->cpu->mmu->unpriced);
    memcpy(twin, k, sizeof *twin);
    twin->cpu = c;
    twin->ideal = ideal;
    twin->counters.armed = false;
    return &twin->model;
}
