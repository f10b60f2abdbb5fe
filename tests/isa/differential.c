/* differential: random user-level instruction sequences on the simulator and on this host's
 * processor.
 *
 *     differential [--seed N] [--cases N] [--family NAME] [--list PATH] [--failures N]
 * [--verbose]
 *
 * Case i has the seed N + i. A difference that is not in host-differences is printed with the
 * instruction, the state before it, every differing field and the command that shows it again. */
#define _GNU_SOURCE
#include "sim/core/check.h"
#include "tests/isa/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Cases after which an entry of the list must have been used. */
#define LONG_RUN 50000000

/* This host cannot judge: ./test counts it as skipped. */
#define EXIT_SKIPPED 77

struct options {
    uint64_t seed, cases, failures_max;
    const char *family, *list;
    bool verbose;
};

static uint64_t number(const char *option, const char *text)
{
    char *end;
    uint64_t v = text ? strtoull(text, &end, 0) : 0;
    if (!text || !*text || *end)
        usage_error("%s: '%s' is no number", option, text ? text : "");
    return v;
}

static void parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = argv[i + 1];
        if (strcmp(a, "--verbose") == 0) {
            o->verbose = true;
            continue;
        }
        i++;
        if (strcmp(a, "--seed") == 0)
            o->seed = number(a, value);
        else if (strcmp(a, "--cases") == 0)
            o->cases = number(a, value);
        else if (strcmp(a, "--failures") == 0)
            o->failures_max = number(a, value);
        else if (strcmp(a, "--family") == 0)
            o->family = value;
        else if (strcmp(a, "--list") == 0)
            o->list = value;
        else
            usage_error("'%s' is no option; there are --seed, --cases, --family, --list, "
                        "--failures, --verbose", a);
    }
}

/* The list lies beside this source file. */
static const char *default_list(void)
{
    static char path[512];
    const char *slash = strrchr(__FILE__, '/');
    int folder = slash ? (int)(slash - __FILE__ + 1) : 0;
    snprintf(path, sizeof path, "%.*shost-differences", folder, __FILE__);
    return path;
}

static void print_failure(struct isa_comparison *c, const struct isa_case *k,
                          const struct options *o)
{
    printf("case %" PRIu64 ":", k->seed);
    for (unsigned i = 0; i < k->count; i++)
        printf(" %s", k->list[i].row->name);
    printf("\n");
    isa_compare_case(c, k, true);
    printf("    again: differential --seed %" PRIu64 " --cases 1%s%s\n", k->seed,
           o->family ? " --family " : "", o->family ? o->family : "");
    fflush(stdout);
}

/* The mask of what is not compared comes from the rows: a flag that a row calls undefined is one
 * that it writes, and none of the others (rows that privilege 3 does not reach aside). */
static uint64_t inconsistent_rows(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; families[i]; i++)
        for (unsigned k = 0; k < families[i]->count; k++) {
            const struct row *r = &families[i]->rows[k];
            unsigned flags = r->flags_undefined & ~(unsigned)r->flags_written;
            if (!flags || r->attributes & A_CPL0)
                continue;
            printf("row %s %s: flags %04x undefined, not written\n", r->code, r->name, flags);
            count++;
        }
    return count;
}

/* An interrupt of the host in the middle of a case shows in it (IRETQ writes 0 into segment
 * registers with null selectors, a signal's return loses NT and ID, a REP that has overwritten
 * itself is fetched anew): a difference counts if it shows every time. */
static enum isa_verdict compare_steadily(struct isa_comparison *c, const struct isa_case *k)
{
    isa_differences_at(c->differences, k->seed);
    enum isa_verdict v = isa_compare_case(c, k, false);
    for (unsigned again = 0; again < 9 && v == ISA_DIFFERENT; again++)
        v = isa_compare_case(c, k, false);
    return v;
}

static void run(struct isa_comparison *c, const struct options *o, uint64_t *passed,
                uint64_t *failed)
{
    struct isa_case k;
    for (uint64_t i = 0; i < o->cases; i++) {
        isa_case_make(c->generator, o->seed + i, &k);
        enum isa_verdict v = compare_steadily(c, &k);
        if (v != ISA_DIFFERENT) {
            *passed += v != ISA_SKIPPED;
            continue;
        }
        if ((*failed)++ < o->failures_max)
            print_failure(c, &k, o);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .cases = 200000, .failures_max = 20, .list = default_list()};
    parse(&o, argc, argv);
    struct isa_comparison c = {.differences = isa_differences_read(o.list)};
    if (!c.differences)
        return EXIT_USAGE;
    c.generator = isa_generator_new(o.family, isa_identity.features);
    if (!c.generator)
        return EXIT_USAGE;
    if (!silicon_open(&c.real))
        return EXIT_SKIPPED;
    c.simulated = simulated_new(&c.virtual);
    isa_generator_fixed(c.generator, &c.real);
    isa_generator_fixed(c.generator, &c.virtual);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    uint64_t passed = 0, failed = inconsistent_rows();
    run(&c, &o, &passed, &failed);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec);
    seconds += (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    unsigned unused = 0;
    if (o.verbose || (o.cases >= LONG_RUN && !o.family))
        unused = isa_differences_report(c.differences, o.verbose);
    printf("%.0f cases a second; %" PRIu64 " looked at instruction by instruction, %" PRIu64
           " skipped\n", (double)o.cases / seconds, c.stepped, c.skipped);
    simulated_free(c.simulated);
    isa_generator_free(c.generator);
    isa_differences_free(c.differences);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed || (unused && !o.verbose) ? 1 : 0;
}
