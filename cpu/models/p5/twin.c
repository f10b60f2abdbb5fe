/* twin: a second p5 in the state of the first, which prices the same run under other conditions. */
#include "cpu/models/p5/core.h"

#include "cpu/models/p5/plan.h"
#include "mmu/cache.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

static bool same_shape(const struct cache *a, const struct cache *b)
{
    return a->sets == b->sets && a->ways == b->ways && a->line_shift == b->line_shift;
}

/* Where the twin's code cache has the line that m's has at index; its line of no address if
 * nowhere. */
static uint32_t index_in_twin(const struct p5 *p, const struct p5 *twin, uint32_t index)
{
    const struct cache *from = &p->cpu->mmu->l1i, *to = &twin->cpu->mmu->l1i;
    if (index == p->lines || from->tag[index] == CACHE_TAG_INVALID)
        return twin->lines;
    int at = cache_find(to, cache_address(from, index));
    return at < 0 ? twin->lines : (uint32_t)at;
}

static void copy_marks(const struct p5 *p, struct p5 *twin)
{
    const struct cache *from = &p->cpu->mmu->l1i, *to = &twin->cpu->mmu->l1i;
    twin->lines = to->sets * to->ways;
    twin->ends = xalloc(twin->lines + 1, sizeof *twin->ends);
    if (same_shape(from, to)) {
        memcpy(twin->ends, p->ends, (p->lines + 1) * sizeof *p->ends);
        return;
    }
    for (uint32_t i = 0; i < p->lines; i++)
        if (index_in_twin(p, twin, i) < twin->lines)
            twin->ends[index_in_twin(p, twin, i)] = p->ends[i];
    twin->line = index_in_twin(p, twin, p->line);
}

struct model *model_p5_twin(const struct model *m, struct cpu *c, unsigned ideal)
{
    const struct p5 *p = (const struct p5 *)m;
    struct p5 *twin = xalloc(1, sizeof *twin);
    CHECK(!p->cpu->mmu->unpriced);
    memcpy(twin, p, sizeof *twin);
    twin->cpu = c;
    twin->ideal = ideal;
    twin->matching = false;
    twin->events_now = twin->events[twin->user];
    twin->event_sum = xalloc(P5_EVENTS, sizeof *twin->event_sum);
    p5_plan_init(twin);
    twin->model.price_run = p5_plan_price;
    p5_choose_price(twin);
    copy_marks(p, twin);
    return &twin->model;
}
