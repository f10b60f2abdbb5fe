/* laws_ledger: every cycle has exactly one account. At random stopping points, after restarts of
 * the ledger and after changes of the model, the cells sum to the elapsed cycles, so do the
 * qualities, so does what the tap was told; and no account ever shrinks. */
#include "tests/property/laws.h"

#define STOPS 24

static void tapped(void *owner, enum cause cause, cycle_t cycles)
{
    (void)cause;
    *(uint64_t *)owner += cycles;
}

static void check_sums(const struct law *l, uint64_t tap, struct verdict *v)
{
    const struct ledger *g = &l->m->ledger;
    uint64_t elapsed = l->m->clock.now - g->start, qualities = 0;
    for (int q = 0; q < QUALITY_COUNT; q++)
        qualities += g->quality[q];
    v->operation = l->m->clock.now;
    verdict_expect(v, "sum of the ledger's cells and elapsed cycles", ledger_sum(g), elapsed);
    verdict_expect(v, "sum of the qualities and elapsed cycles", qualities, elapsed);
    verdict_expect(v, "sum of single charges and elapsed cycles", tap, elapsed);
}

static uint64_t path_sum(const struct ledger *g, uint32_t path)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; g->paths[path].rows && i < g->place_capacity; i++)
        for (int k = 0; g->paths[path].rows[i] && k < CAUSE_COUNT; k++)
            sum += g->paths[path].rows[i][k];
    return sum;
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *l = law_new(o, model);
    struct ledger *g = &l->m->ledger;
    uint64_t tap = 0, user = 0, timer = 0;
    g->tap = tapped;
    g->tap_owner = &tap;
    for (unsigned i = 0; i < STOPS && !v->failed; i++) {
        cycle_t left = length - l->m->clock.now;
        if (l->m->clock.now >= length ||
            !law_run_to(l, l->m->clock.now + 1 + law_below(r, 1 + 3 * left / STOPS)))
            break;
        check_sums(l, tap, v);
        uint64_t user_now = path_sum(g, PATH_USER), timer_now = path_sum(g, PATH_VECTOR + 32);
        if (user_now < user || timer_now < timer)
            verdict_fail(v, "an account shrank by cycle %" PRIu64, l->m->clock.now);
        user = user_now;
        timer = timer_now;
        if (random_chance(r, 20)) {
            ledger_restart(g);
            tap = user = timer = 0;
        }
        if (random_chance(r, 10))
            machine_set_model(l->m, random_chance(r, 50) ? "flat" : model);
    }
    law_free(l);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_ledger", (struct law_options){.seeds = 20, .rounds = 1}, law);
}
