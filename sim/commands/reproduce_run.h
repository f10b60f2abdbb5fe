/* reproduce_run: boots a row of `isochron reproduce` on a machine, types the programs at its shell
 * and takes what they print. The run is `isochron run` in a process of its own: flat until the
 * programs start, then on the machine's model. */
#pragma once

#include "sim/machine/config.h"
#include "sim/report/reproduce.h"

#define REPRODUCE_PROGRAMS_MAX 16
#define REPRODUCE_CELLS_MAX 8

struct reproduce_progress; /* reproduce_progress.h */

/* What a row is asked for on one machine. */
struct reproduce_job {
    const struct reproduce_row *row;
    const char *machine;
    const char *program[REPRODUCE_PROGRAMS_MAX];
    unsigned programs;
    unsigned processes[REPRODUCE_CELLS_MAX], kilobytes[REPRODUCE_CELLS_MAX]; /* of lat_ctx */
    unsigned process_counts, kilobyte_counts;
    json_t *lines; /* that must be among the results */
};

/* Where things are. */
struct reproduce_place {
    char command[4096]; /* isochron itself */
    char build[4096];   /* its folder, in which `l4` and `figures` are */
    char images[4096];  /* guests/images */
    bool quiet;
};

/* guests: the folder that has `images`; NULL: looked for above the command and the working
 * folder. */
void reproduce_place(struct reproduce_place *p, const char *guests);
/* {row, machine, hz, results}; ends the program with a line that says what went wrong, except where
 * a guest met what the machine has not: then `failed` says so, and there are no results. */
json_t *reproduce_run(const struct reproduce_place *p, const struct reproduce_job *job,
                      struct reproduce_progress *progress);
