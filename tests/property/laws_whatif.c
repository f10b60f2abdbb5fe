/* laws_whatif: an alternative of which nothing is ideal costs what the run cost, cause by cause and
 * account by account: with caches of its own, and with TLBs of its own. Over the law guest, from
 * and to random cycles, where code is rewritten and interrupts arrive. And what is made ideal makes
 * its own causes vanish, while the run is the one that nobody watches. */
#include "sim/report/whatif.h"
#include "tests/property/laws.h"

#define IN_FLIGHT_CYCLES 3000

static const unsigned same_bits[] = {0, WHATIF_RELOADED};

static void expect_same(struct verdict *v, const struct whatif *w, unsigned run)
{
    for (unsigned a = 0; a < w->accounts; a++)
        for (unsigned k = 0; k < CAUSE_COUNT; k++) {
            uint64_t mine = whatif_causes(w, a, run)[k], real = whatif_causes(w, a, 0)[k];
            if (mine != real)
                verdict_fail(v, "alternative %u that is the same: account %u has %" PRIu64
                                " cycles of %s, the run %" PRIu64,
                             run, a, mine, cause_names[k], real);
        }
}

static uint64_t of_cause(const struct whatif *w, unsigned run, enum cause k)
{
    uint64_t sum = 0;
    for (unsigned a = 0; a < w->accounts; a++)
        sum += whatif_causes(w, a, run)[k];
    return sum;
}

static void expect_none(struct verdict *v, const struct whatif *w, unsigned run, enum cause k)
{
    if (of_cause(w, run, k))
        verdict_fail(v, "%s: %" PRIu64 " cycles of %s are left", whatif_kinds[run - 3].name,
                     of_cause(w, run, k), cause_names[k]);
}

/* The kinds stand behind the run and the two that are the same, in their order. */
static void expect_ideal(struct verdict *v, const struct whatif *w)
{
    for (unsigned i = 0; i < whatif_kind_count; i++) {
        unsigned run = 3 + i, bits = whatif_kinds[i].bits;
        if (bits & WHATIF_TLB) {
            expect_none(v, w, run, CAUSE_ITLB);
            expect_none(v, w, run, CAUSE_DTLB);
            expect_none(v, w, run, CAUSE_TLB_UPDATE);
        }
        if (bits & WHATIF_L2) {
            expect_none(v, w, run, CAUSE_DATA_DRAM);
            expect_none(v, w, run, CAUSE_FETCH_DRAM);
        }
        if (bits & WHATIF_PREDICT)
            expect_none(v, w, run, CAUSE_BRANCH);
        if (bits & WHATIF_ENTRY) {
            expect_none(v, w, run, CAUSE_KERNEL_ENTRY);
            expect_none(v, w, run, CAUSE_KERNEL_EXIT);
        }
        if (bits & WHATIF_STORES) {
            expect_none(v, w, run, CAUSE_WRITE_FULL);
            expect_none(v, w, run, CAUSE_WRITE_ORDER);
        }
        if (of_cause(w, run, CAUSE_HALTED) != of_cause(w, 0, CAUSE_HALTED))
            verdict_fail(v, "%s: halted for another time", whatif_kinds[i].name);
    }
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    if (strcmp(model, "flat") == 0)
        return;
    struct law *plain = law_new(o, model), *watched = law_new(o, model);
    struct watch watch = {0};
    struct spaces spaces = {0};
    struct paths paths;
    struct whatif w;
    cycle_t from = law_below(r, length);
    whatif_init(&w);
    for (unsigned i = 0; i < ARRAY_COUNT(same_bits); i++)
        whatif_add(&w, same_bits[i]);
    for (unsigned i = 0; i < whatif_kind_count; i++)
        whatif_add(&w, whatif_kinds[i].bits);
    law_run_to(watched, from);
    spaces_start(&spaces, &watch, watched->m->cpu);
    paths_start(&paths, &spaces, &watch, watched->m->cpu);
    whatif_start(&w, &watch, watched->m->cpu, &paths);
    if (strcmp(model, "p5") != 0) { /* what was on its way when the twins began is theirs, too */
        from += IN_FLIGHT_CYCLES;
        law_run_to(watched, from);
        whatif_count_from_here(&w);
    }
    law_run_to(watched, from < length ? from + law_below(r, length - from) : from);
    whatif_stop(&w, &watch);
    expect_same(v, &w, 1);
    expect_same(v, &w, 2);
    expect_ideal(v, &w);
    paths_free(&paths, &watch);
    spaces_free(&spaces, &watch);
    law_run_to_end(plain, v);
    law_run_to_end(watched, v);
    law_expect_same(v, "watched", watched, plain);
    whatif_free(&w);
    law_free(plain);
    law_free(watched);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_whatif",
                    (struct law_options){.seeds = 10, .rounds = 1}, law);
}
