/* laws_median: the window with the median is that of a list of all. A naive watcher puts down what
 * each stretch from one arrival at `trap` to the next has cost; the window must be the first of
 * those that cost what stands in the middle of the sorted list, and say its number and of how
 * many. */
#include "sim/core/check.h"
#include "sim/report/symbols.h"
#include "sim/report/window.h"
#include "tests/property/laws.h"

#define STRETCHES_MAX 65536

struct naive {
    laddr_t at, base;
    cycle_t now, begin;
    bool begun;
    uint32_t count;
    cycle_t cost[STRETCHES_MAX];
};

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct naive *n = owner;
    if (!delivery && n->base + o->eip == n->at) {
        CHECK(n->count < STRETCHES_MAX);
        if (n->begun)
            n->cost[n->count++] = n->now - n->begin;
        n->begun = true;
        n->begin = n->now;
    }
    n->now = c->clock->now;
    n->base = c->seg[CS].base;
}

static int by_size(const void *a, const void *b)
{
    const cycle_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void compare(const struct window *w, const struct naive *n, struct verdict *v)
{
    cycle_t *sorted = xalloc(n->count, sizeof *sorted);
    memcpy(sorted, n->cost, n->count * sizeof *sorted);
    qsort(sorted, n->count, sizeof *sorted, by_size);
    cycle_t median = sorted[(n->count - 1) / 2], sum = 0;
    uint32_t first = 0;
    while (n->cost[first] != median)
        first++;
    for (uint32_t i = 0; i < w->count; i++)
        sum += w->entries[i].cycles;
    if (w->of != n->count || w->number != first + 1 || w->end_cycle - w->begin_cycle != median ||
        sum != median)
        verdict_fail(v, "window %" PRIu64 " of %" PRIu64 ", %" PRIu64 " cycles; the list has %u "
                     "of %u, %" PRIu64, w->number, w->of, sum, first + 1, n->count, median);
    free(sorted);
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    if (strcmp(model, "flat") == 0)
        return;
    struct law *l = law_new(o, model);
    struct naive *n = xalloc(1, sizeof *n);
    struct watch watch = {0};
    struct symbols symbols;
    struct window window = {0};
    symbols_init(&symbols);
    symbols_add(&symbols, o->guest);
    n->at = symbols_by_name(&symbols, "trap")->address;
    window_init(&window, &symbols, "trap#median");
    window_start(&window, &watch, l->m->cpu);
    watch_add(&watch, l->m->cpu, (struct watcher){.priced = priced, .owner = n});
    n->now = l->m->clock.now;
    n->base = l->m->cpu->seg[CS].base;
    law_run_to(l, length / 4 + law_below(r, length / 2));
    window_end(&window);
    if (window.cost_count < 2 || n->count < 10)
        verdict_fail(v, "%u stretches with %u costs are too few", n->count, window.cost_count);
    else if (window.cost_count < WINDOW_COSTS_MAX)
        compare(&window, n, v);
    watch_remove(&watch, n);
    window_free(&window);
    symbols_free(&symbols);
    free(n);
    law_free(l);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_median", (struct law_options){.seeds = 6, .rounds = 1}, law);
}
