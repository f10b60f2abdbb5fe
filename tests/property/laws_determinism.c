/* laws_determinism: the same machine and images give the same state at every cycle; two machines
 * that take turns of random length in one process do not feel each other. */
#include "tests/property/laws.h"

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *whole = law_new(o, model), *a = law_new(o, model), *b = law_new(o, model);
    cycle_t a_to = 0, b_to = 0;
    while (a_to < length || b_to < length) {
        cycle_t slice = 1 + law_below(r, random_chance(r, 50) ? 2000 : length / 8);
        bool first = random_chance(r, 50);
        cycle_t *to = first ? &a_to : &b_to;
        if (*to < length)
            law_run_to(first ? a : b, *to += slice);
    }
    law_run_to_end(whole, v);
    law_run_to_end(a, v);
    law_run_to_end(b, v);
    law_expect_same(v, "the first of two machines that take turns", a, whole);
    law_expect_same(v, "the second of two machines that take turns", b, whole);
    law_free(whole);
    law_free(a);
    law_free(b);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_determinism", (struct law_options){.seeds = 4, .rounds = 2},
                    law);
}
