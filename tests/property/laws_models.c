/* laws_models: every timing model ends in the same architectural state, where the program does not
 * look at the clock. First the law guest, whose sums do not depend on time though its interrupts
 * do; then random instruction sequences (tests/isa/random_case.h: faults, REP, x87, segments), each
 * run on flat, on flat with blocks of one instruction, on p5, k7 and k8 (again with their caches
 * warm from all the cases before). Registers, x87, the vector and memory must agree. */
#include "tests/isa/random_case.h"
#include "tests/isa/simulated.h"
#include "tests/property/laws.h"

#include "sim/core/check.h"

enum variant { FLAT, FLAT_SHORT, P5, K7, K8, VARIANTS };
static const char *const variant_names[VARIANTS] = {"flat", "flat, blocks of one", "p5",
                                                    "k7", "k8"};

struct side {
    struct simulated *simulated;
    struct isa_memory memory;
    struct isa_outcome outcome;
};

/* --- random sequences
 * ------------------------------------------------------------------------------ */

static void open_side(struct side *s, enum variant variant, const struct isa_generator *g)
{
    s->simulated = simulated_new(&s->memory);
    struct cpu *c = simulated_cpu(s->simulated);
    isa_generator_fixed(g, &s->memory);
    if (variant == P5) {
        c->mmu->geometry.large_pages_split_in_itlb = true;
        cpu_set_model(c, model_p5_new(&p5_p133));
    } else if (variant == K7 || variant == K8) {
        const struct k7_config *g7 = variant == K7 ? &k7_thunderbird_timing : &k8_manchester_timing;
        c->mmu->geometry.large_pages_split_in_itlb = true;
        cpu_set_model(c, model_k7_new(g7, 2200000000, 1));
    } else if (variant == FLAT_SHORT) {
        blocks_set_limit(c->blocks, 1);
    }
}

static void run_side(struct side *s, const struct isa_generator *g, const struct isa_case *k)
{
    isa_case_place(g, k, &s->memory);
    simulated_begin(s->simulated);
    simulated_run(s->simulated, &k->start, &s->outcome);
}

static bool reads_clock(const struct isa_case *k)
{
    for (unsigned i = 0; i < k->count; i++)
        if (strcmp(k->list[i].row->name, "RDTSC") == 0)
            return true;
    return false;
}

/* Both ran out of their budget, which is of cycles: nothing to compare. */
static const char *difference(const struct side *a, const struct side *b)
{
    if (a->outcome.timeout || b->outcome.timeout)
        return NULL;
    if (a->outcome.vector != b->outcome.vector || a->outcome.error != b->outcome.error ||
        a->outcome.cr2 != b->outcome.cr2)
        return "the exception";
    if (memcmp(a->outcome.state.r, b->outcome.state.r, sizeof a->outcome.state.r) != 0)
        return "a register";
    if (a->outcome.state.eip != b->outcome.state.eip)
        return "EIP";
    if (a->outcome.state.eflags != b->outcome.state.eflags)
        return "EFLAGS";
    if (memcmp(a->outcome.state.selector, b->outcome.state.selector,
               sizeof a->outcome.state.selector) != 0)
        return "a selector";
    if (memcmp(&a->outcome.state.x87, &b->outcome.state.x87, sizeof a->outcome.state.x87) != 0)
        return "x87";
    return memcmp(a->memory.data, b->memory.data, ISA_DATA_SIZE) ? "memory" : NULL;
}

static void compare_case(struct side *sides, const struct isa_generator *g, uint64_t seed,
                         struct verdict *v)
{
    struct isa_case k;
    isa_case_make(g, seed, &k);
    if (reads_clock(&k))
        return;
    for (unsigned i = 0; i < VARIANTS; i++)
        run_side(&sides[i], g, &k);
    for (unsigned i = 1; i < VARIANTS; i++) {
        const char *what = difference(&sides[0], &sides[i]);
        if (what)
            verdict_fail(v, "%s differs between flat (vector %u) and %s (vector %u)", what,
                         sides[0].outcome.vector, variant_names[i], sides[i].outcome.vector);
    }
}

static unsigned compare_cases(uint64_t first, uint64_t cases, unsigned *failed)
{
    /* What the Pentium has, and what its model prices beside. */
    const uint32_t features = 1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP |
                              1u << FEATURE_RDPMC;
    struct isa_generator *g = isa_generator_new(NULL, isa_identity.features & features);
    struct side sides[VARIANTS];
    unsigned passed = 0;
    for (unsigned i = 0; i < VARIANTS; i++)
        open_side(&sides[i], (enum variant)i, g);
    for (uint64_t seed = first; seed < first + cases && *failed < 20; seed++) {
        struct verdict v = {0};
        compare_case(sides, g, seed, &v);
        passed += !v.failed;
        if (!v.failed)
            continue;
        ++*failed;
        printf("case %" PRIu64 ": %s\nrepeat: laws_models --seed %" PRIu64 " --cases 1\n", seed,
               v.message, seed);
    }
    for (unsigned i = 0; i < VARIANTS; i++)
        simulated_free(sides[i].simulated);
    isa_generator_free(g);
    return passed;
}

/* --- the law guest
 * ---------------------------------------------------------------------------------- */

/* The sums, without the characters that the threads print in the order they were scheduled. */
static const char *sums(const struct law *l)
{
    const char *p = strstr(l->serial, "sums ");
    return p ? p : "no sums";
}

static void compare_guest(const struct law_options *o, struct verdict *v)
{
    static const char *const timed[] = {"p5", "k7", "k8"};
    struct law *flat = law_new(o, "flat");
    law_run_to_end(flat, v);
    for (unsigned i = 0; i < ARRAY_COUNT(timed); i++) {
        struct law *l = law_new(o, timed[i]);
        law_run_to_end(l, v);
        if (strcmp(sums(flat), sums(l)) != 0)
            verdict_fail(v, "the law guest prints '%.60s' on flat, '%.60s' on %s", sums(flat),
                         sums(l), timed[i]);
        law_free(l);
    }
    law_free(flat);
}

int main(int argc, char **argv)
{
    struct law_options o = {.rounds = 4, .guest = LAW_GUEST};
    uint64_t first = 1, cases = 60000;
    unsigned passed = 0, failed = 0;
    struct verdict v = {0};
    for (int i = 1; i < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            first = twin_number(argv[0], argv[i], argv[i + 1]);
        else if (!strcmp(argv[i], "--cases"))
            cases = twin_number(argv[0], argv[i], argv[i + 1]);
        else if (!strcmp(argv[i], "--rounds"))
            o.rounds = (unsigned)twin_number(argv[0], argv[i], argv[i + 1]);
        else
            usage_error("usage: laws_models [--seed N] [--cases N] [--rounds N]");
    }
    compare_guest(&o, &v);
    printf("law guest, %u rounds: %s\n", o.rounds, v.failed ? v.message : "same sums");
    *(v.failed ? &failed : &passed) += 1;
    printf("random sequences, seeds %" PRIu64 " to %" PRIu64 "\n", first, first + cases - 1);
    passed += compare_cases(first, cases, &failed);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
