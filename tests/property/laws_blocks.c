/* laws_blocks: how decoded blocks are cut never moves a cycle. Their greatest length changes at
 * random cycles, they are thrown away at random cycles, the fast paths of memory are taken away and
 * given back; the state is that of an undisturbed run. */
#include "tests/property/laws.h"

static void disturb(struct law *l, struct random *r)
{
    unsigned what = random_below(r, 10);
    if (what < 5)
        blocks_set_limit(l->m->cpu->blocks, 1 + random_below(r, BLOCK_OPS_MAX));
    else if (what < 6)
        blocks_set_limit(l->m->cpu->blocks, 1);
    else if (what < 8)
        blocks_flush(l->m->cpu->blocks);
    else
        mmu_set_fast(&l->m->mmu, what == 8);
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *plain = law_new(o, model), *disturbed = law_new(o, model);
    unsigned count = 20 + random_below(r, 60);
    cycle_t check = length * (1 + random_below(r, 8)) / 9;
    for (cycle_t at = 0; at < length && !v->failed;) {
        disturb(disturbed, r);
        cycle_t to = at + 1 + law_below(r, 2 * length / count);
        if (at < check && check <= to) {
            to = check;
            bool both = law_run_to(plain, to) == law_run_to(disturbed, to);
            if (!both)
                verdict_fail(v, "one run ended before cycle %" PRIu64 ", the other did not", to);
            law_expect_same(v, "half-way", disturbed, plain);
        } else if (to < length) {
            law_run_to(disturbed, to);
        }
        at = to;
    }
    law_run_to_end(plain, v);
    law_run_to_end(disturbed, v);
    law_expect_same(v, "at the end", disturbed, plain);
    law_free(plain);
    law_free(disturbed);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_blocks", (struct law_options){.seeds = 8, .rounds = 1}, law);
}
