/* twin_run: what every device-against-twin test shares: a generator of random numbers, the command
 * line, and the report. A failure prints the seed and the command that repeats it. */
#pragma once

#include "sim/core/types.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct random {
    uint64_t state;
};

/* splitmix64: any seed is a good one. */
static inline uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* 0 <= result < limit */
static inline uint32_t random_below(struct random *r, uint32_t limit)
{
    return (uint32_t)((random_next(r) >> 32) * limit >> 32);
}

static inline bool random_chance(struct random *r, uint32_t percent)
{
    return random_below(r, 100) < percent;
}

/* What a twin test compares; the first difference is kept. */
struct verdict {
    uint64_t operation;
    bool failed;
    char message[200];
};

static inline PRINTF(2, 3) void verdict_fail(struct verdict *v, const char *fmt, ...)
{
    if (v->failed)
        return;
    v->failed = true;
    va_list args;
    va_start(args, fmt);
    vsnprintf(v->message, sizeof v->message, fmt, args);
    va_end(args);
}

static inline void verdict_expect(struct verdict *v, const char *what, uint64_t device,
                                  uint64_t twin)
{
    if (device != twin)
        verdict_fail(v, "%s: device %llx, twin %llx", what, (unsigned long long)device,
                     (unsigned long long)twin);
}

/* What a device tells the outside between two operations, by kind, with the cycle of each. */
#define LOG_KINDS 4
#define LOG_SIZE 64

struct log {
    unsigned count[LOG_KINDS];
    unsigned value[LOG_KINDS][LOG_SIZE];
    cycle_t cycle[LOG_KINDS][LOG_SIZE];
};

static inline void log_add(struct log *l, unsigned kind, unsigned value, cycle_t cycle)
{
    unsigned at = l->count[kind]++;
    if (at < LOG_SIZE) {
        l->value[kind][at] = value;
        l->cycle[kind][at] = cycle;
    }
}

/* Both must have said the same in the same cycles; starts the logs anew. */
static inline void log_compare(struct verdict *v, const char *const *names, struct log *device,
                               struct log *twin)
{
    for (unsigned k = 0; k < LOG_KINDS; k++) {
        if (device->count[k] != twin->count[k])
            verdict_fail(v, "%s: device reported %u, twin %u", names[k], device->count[k],
                         twin->count[k]);
        for (unsigned i = 0; i < device->count[k] && i < LOG_SIZE; i++)
            if (device->value[k][i] != twin->value[k][i] ||
                device->cycle[k][i] != twin->cycle[k][i])
                verdict_fail(v, "%s: device %02x at cycle %llu, twin %02x at cycle %llu", names[k],
                             device->value[k][i], (unsigned long long)device->cycle[k][i],
                             twin->value[k][i], (unsigned long long)twin->cycle[k][i]);
        device->count[k] = twin->count[k] = 0;
    }
}

/* Runs one seed and returns its verdict; leaves no memory behind. */
typedef struct verdict (*twin_fn)(uint64_t seed, uint64_t operations);

static inline uint64_t twin_number(const char *program, const char *option, const char *text)
{
    char *end;
    uint64_t value = text ? strtoull(text, &end, 0) : 0;
    if (!text || !*text || *end) {
        fprintf(stderr, "%s: %s takes a number, not '%s'\n", program, option, text ? text : "");
        exit(2);
    }
    return value;
}

static inline int twin_main(int argc, char **argv, const char *name, twin_fn run)
{
    uint64_t first = 1, last = 4, operations = 100000;
    unsigned passed = 0, failed = 0;
    for (int i = 1; i < argc; i += 2) {
        if (!strcmp(argv[i], "--seed")) {
            first = last = twin_number(argv[0], argv[i], argv[i + 1]);
        } else if (!strcmp(argv[i], "--operations")) {
            operations = twin_number(argv[0], argv[i], argv[i + 1]);
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--operations N]\n", argv[0]);
            return 2;
        }
    }
    for (uint64_t seed = first; seed <= last; seed++) {
        struct verdict v = run(seed, operations);
        if (v.failed) {
            failed++;
            printf("seed %llu, operation %llu: %s\nrepeat: %s --seed %llu --operations %llu\n",
                   (unsigned long long)seed, (unsigned long long)v.operation, v.message, name,
                   (unsigned long long)seed, (unsigned long long)v.operation + 1);
        } else {
            passed++;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
