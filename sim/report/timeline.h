/* timeline: an observer that writes what ran when, span by span, as the run goes on: programs, the
 * kernel's path instances, interrupts inside them, idle time and HLT, and interrupt requests, with
 * exact cycles. timeline_file.h describes the file. Memory is bounded: only the spans that are not
 * over are held.
 *
 * A request is stamped with the cycle at which INTR was first seen high between two instructions
 * (the processor looks at it there and nowhere else), its length ends when the delivery begins. */
#pragma once

#include "sim/report/paths.h"
#include "sim/report/spaces.h"
#include "sim/report/timeline_file.h"

struct timeline {
    const struct paths *paths;
    const struct spaces *spaces; /* that the paths are told by */
    const char *path;
    FILE *out;
    cycle_t begin;          /* of the whole */
    cycle_t span_begin;     /* of the span that goes on */
    cycle_t last_now;       /* when the instruction before was over */
    enum timeline_kind now; /* what goes on */
    uint32_t thread;        /* whose program runs, or was left */
    unsigned depth;         /* of interrupts inside the instance */
    struct {
        cycle_t begin;
        uint32_t vector;
    } inside[PATHS_NESTED];
    cycle_t halted;        /* cycles in HLT since the instruction before */
    cycle_t request_since; /* CYCLE_NEVER: INTR is low */
    uint64_t sums[TIMELINE_KINDS];
};

/* Begins to write to the file `path`. paths watch already, and by the same watch; machine and
 * clock_hz are for the head. usage_error where the file cannot be written. */
void timeline_start(struct timeline *t, const struct paths *paths, struct watch *h,
                    const char *path, const char *machine, double clock_hz);
/* Writes what is not over, and the tail; checks that all cycles are told. clusters: those of
 * paths_json, with their names. */
void timeline_end(struct timeline *t, struct watch *h, const json_t *clusters);
