/* explain: what came of pricing a run again with other things ideal (whatif.h), as JSON, as tables
 * and as CSV. */
#pragma once

#include "sim/report/whatif.h"

#include <jansson.h>
#include <stdio.h>

#define EXPLAIN_SCHEMA "isochron-explain-1"

struct explain {
    unsigned kind[WHATIF_RUNS_MAX], kinds; /* of whatif_kinds: those that were asked for */
    unsigned run[WHATIF_RUNS_MAX];         /* the number of each in struct whatif */
    unsigned together;                     /* all of them at once; 0: there is but one */
    unsigned paths_most;                   /* that a table lists */
};

/* All kinds but the one that is the same. */
void explain_init(struct explain *e);
void explain_add_runs(struct explain *e, struct whatif *w);

/* {schema, cycles, causes: {name: cycles},
 *  ideal: [{name, text, cycles, difference, causes: {name: difference}}],
 *  together: {cycles, difference, causes}, interaction,
 *  paths: [{name, count, cycles, ideal: {name: difference}, together, interaction}]}
 * Paths are those of one name together, with user, boot, idle and what is unfinished beside them;
 * each of their columns sums to the run's (CHECK). named: paths_json, with the names of its
 * clusters. */
json_t *explain_json(const struct explain *e, const struct whatif *w, const json_t *named);
/* format: text, json or csv. */
void explain_print(const struct explain *e, const json_t *report, const char *format, FILE *out);

/* --- instances.c: where each instance of a path was ------------------------------------------- */

struct instance {
    uint32_t cluster;
    cycle_t begin, end;
};

struct instance_list {
    const struct paths *paths;
    struct instance *list;
    size_t count, capacity;
};

void instances_start(struct instance_list *l, struct watch *h, struct cpu *c,
                     const struct paths *paths);
/* The interval of the one that "NAME#N" means; paths: paths_json, with names. usage_error if there
 * is none. */
void instances_find(const struct instance_list *l, const json_t *paths, const char *which,
                    cycle_t *from, cycle_t *to);
void instances_free(struct instance_list *l, struct watch *h);
