/* laws: what the tests of laws share: a machine with the law guest, stopping it at a cycle, random
 * numbers, the command line, and the report. Every failure prints the seed and the command that
 * repeats it. */
#pragma once

#include "cpu/model.h"
#include "cpu/run.h"
#include "sim/machine/machine.h"
#include "tests/property/twin_run.h"

#include <inttypes.h>

#define LAW_SERIAL_MAX 4096

/* A whole machine running the law guest (tests/guest/law_guest.h). */
struct law {
    struct machine *m;
    struct event stop;
    bool stopped;
    unsigned serial_count;
    char serial[LAW_SERIAL_MAX];
};

struct law_options {
    uint64_t first, seeds;
    unsigned rounds;
    const char *model; /* NULL: both */
    const char *guest;
};

static inline void law_serial(void *owner, int port, uint8_t byte)
{
    struct law *l = owner;
    if (port == 0 && l->serial_count < LAW_SERIAL_MAX - 1)
        l->serial[l->serial_count++] = (char)byte;
}

static inline void law_stop_now(void *owner)
{
    struct law *l = owner;
    l->stopped = true;
    machine_stop(l->m);
}

/* A machine that the model belongs to. */
static inline struct machine_config *law_machine(const char *model)
{
    return machine_find(strcmp(model, "k8") == 0   ? "a64-2200"
                        : strcmp(model, "k7") == 0 ? "k7-1400"
                                                   : "p133");
}

static inline struct law *law_new(const struct law_options *o, const char *model)
{
    struct law *l = calloc(1, sizeof *l);
    struct machine_config *config = law_machine(model);
    char append[32];
    config->ram_bytes = 4u << 20;
    l->m = machine_new(config, model, &(struct machine_host){.owner = l, .serial = law_serial});
    free(config);
    event_init(&l->stop, law_stop_now, l, 200);
    snprintf(append, sizeof append, "rounds=%u", o->rounds);
    machine_boot(l->m, &(struct boot){.kernel = o->guest, .append = append});
    return l;
}

static inline void law_free(struct law *l)
{
    machine_free(l->m);
    free(l);
}

/* Runs to a cycle; false if the guest ended before it. */
static inline bool law_run_to(struct law *l, cycle_t cycle)
{
    l->stopped = false;
    event_schedule_observer(&l->m->clock, &l->stop, cycle);
    machine_run(l->m);
    event_cancel(&l->m->clock, &l->stop);
    return l->stopped;
}

/* Runs until the guest has ended; its output must be that of a guest that did all its work. */
static inline void law_run_to_end(struct law *l, struct verdict *v)
{
    if (l->m->end != END_HALTED)
        machine_run(l->m);
    if (l->m->end != END_HALTED || !strstr(l->serial, "law guest: done"))
        verdict_fail(v, "the guest did not end as it should (end %d, output '%s')", l->m->end,
                     l->serial);
}

/* What two runs must have in common, now. */
static inline void law_expect_same(struct verdict *v, const char *what, struct law *here,
                                   struct law *there)
{
    uint64_t a = machine_hash(here->m), b = machine_hash(there->m);
    struct snap save, diff;
    if (here->m->clock.now != there->m->clock.now)
        verdict_fail(v, "%s: at cycle %" PRIu64 ", not %" PRIu64, what, here->m->clock.now,
                     there->m->clock.now);
    if (strcmp(here->serial, there->serial) != 0)
        verdict_fail(v, "%s: serial output '%s', not '%s'", what, here->serial, there->serial);
    if (a == b || v->failed)
        return;
    snap_begin_save(&save);
    machine_snapshot(there->m, &save);
    snap_begin_diff(&diff, save.data, save.size);
    machine_snapshot(here->m, &diff);
    verdict_fail(v, "%s: hash %016" PRIx64 ", not %016" PRIx64 "; %.100s", what, a, b,
                 diff.message);
    snap_free(&save);
}

/* The cycle at which an undisturbed run ends. */
static inline cycle_t law_length(const struct law_options *o, const char *model, struct verdict *v)
{
    struct law *l = law_new(o, model);
    law_run_to_end(l, v);
    cycle_t end = l->m->clock.now;
    law_free(l);
    return end;
}

static inline uint64_t law_below(struct random *r, uint64_t limit)
{
    return limit ? random_next(r) % limit : 0;
}

/* One law on one model with one seed. length: what law_length gives. */
typedef void (*law_fn)(const struct law_options *o, const char *model, cycle_t length,
                       struct random *r, struct verdict *v);

static inline void law_parse(struct law_options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = argv[i + 1];
        if (!strcmp(argv[i], "--seed"))
            o->first = twin_number(argv[0], argv[i], value);
        else if (!strcmp(argv[i], "--seeds"))
            o->seeds = twin_number(argv[0], argv[i], value);
        else if (!strcmp(argv[i], "--rounds"))
            o->rounds = (unsigned)twin_number(argv[0], argv[i], value);
        else if (!strcmp(argv[i], "--model") && value)
            o->model = value;
        else if (!strcmp(argv[i], "--guest") && value)
            o->guest = value;
        else {
            fprintf(stderr, "usage: %s [--seed N] [--seeds N] [--rounds N] [--model flat|p5|k7|k8] "
                            "[--guest FILE]\n", argv[0]);
            exit(2);
        }
    }
}

static inline int law_main(int argc, char **argv, const char *name, struct law_options o,
                           law_fn law)
{
    static const char *const models[] = {"flat", "p5", "k7", "k8"};
    unsigned passed = 0, failed = 0;
    o.first = o.first ? o.first : 1;
    o.guest = LAW_GUEST;
    law_parse(&o, argc, argv);
    for (unsigned k = 0; k < ARRAY_COUNT(models); k++) {
        if (o.model && strcmp(o.model, models[k]) != 0)
            continue;
        /* The K7 is the K8's model with other numbers: a part of the seeds will do. */
        bool all = o.model || strcmp(models[k], "k7") != 0;
        uint64_t seeds = all ? o.seeds : (o.seeds + 3) / 4;
        struct verdict whole = {0};
        cycle_t length = law_length(&o, models[k], &whole);
        printf("%s: %u rounds are %" PRIu64 " cycles; seeds %" PRIu64 " to %" PRIu64 "\n",
               models[k], o.rounds, length, o.first, o.first + seeds - 1);
        for (uint64_t seed = o.first; seed < o.first + seeds; seed++) {
            struct random r = {seed};
            struct verdict v = whole;
            if (!v.failed)
                law(&o, models[k], length, &r, &v);
            if (!v.failed) {
                passed++;
                continue;
            }
            failed++;
            printf("%s, seed %" PRIu64 ": %s\nrepeat: %s --model %s --seed %" PRIu64
                   " --seeds 1 --rounds %u\n", models[k], seed, v.message, name, models[k], seed,
                   o.rounds);
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
