/* reproduce_progress: how far the runs of `isochron reproduce` are, and about how long it will take
 * yet, on a terminal. What is counted is what the guests have printed so far, weighed: a cell of
 * lat_ctx by its processes and footprint, every other program as one. How long a unit takes is seen
 * as the runs go. */
#pragma once

#include "sim/commands/reproduce_run.h"

struct reproduce_progress {
    bool on;
    unsigned jobs, job;         /* the one that runs, from 1 */
    uint64_t total, done, here; /* units: of all jobs, of those before it, of it so far */
    double start;
};

/* The units of a job. */
uint64_t reproduce_work(const struct reproduce_job *job);
void reproduce_progress_start(struct reproduce_progress *p, bool quiet,
                              const struct reproduce_job *jobs, unsigned count);
/* The job has printed this so far. */
void reproduce_progress_show(struct reproduce_progress *p, const struct reproduce_job *job,
                             const char *serial);
/* The job is over. */
void reproduce_progress_next(struct reproduce_progress *p, const struct reproduce_job *job);
