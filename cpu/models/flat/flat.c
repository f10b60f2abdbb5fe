/* flat: the untimed model. One cycle an instruction, one an iteration of a REP: the run loop
 * charges them in bulk (cpu/run.c), so that there is nothing to price here. */
#include "cpu/model.h"
#include "sim/core/check.h"

#include <stdlib.h>

static void model_free(struct model *m) { free(m); }

struct model *model_flat_new(void)
{
    struct model *m = xalloc(1, sizeof *m);
    *m = (struct model){.name = "flat", .timed = false, .free = model_free};
    return m;
}
