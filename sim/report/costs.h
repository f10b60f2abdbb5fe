/* costs: what the kernel paths of a run cost, read back from a document and ready to be compared.
 *
 * Three documents have them: a ledger (run --paths --ledger, with --profile its instructions too),
 * a baseline (check --write-baseline) and one window of instructions (run --window-json). The
 * clusters of a ledger are grouped by their names (path_rules.h) into paths; a path's lines are the
 * instructions of its clusters. What no line tells of, since the document has no profile or not of
 * all clusters, is kept by cause as the rest: lines and rest sum to the path, always.
 *
 * A damaged document ends in usage_error: one line, with the file and what is wrong with it. */
#pragma once

#include "sim/core/ledger.h"
#include "sim/report/path_rules.h"
#include "sim/report/units.h"

#include <jansson.h>

#define COSTS_ALL SIZE_MAX

struct cost_line {
    laddr_t address;
    const char *symbol; /* with its offset, as printed */
    char *function;     /* without it; "(user)", "(no symbol)" */
    const char *text;   /* the instruction */
    char *shape;        /* it without what moves when a program is linked anew: see costs.c */
    const char *kind, *phase;
    const char *source; /* "file:line", "" if unknown */
    const char *bytes;  /* in hexadecimal, "" if unknown */
    uint64_t executions, cycles, u, v, paired;
    units_t units; /* out of order: where */
    uint64_t cause[CAUSE_COUNT];
};

struct cost_path {
    const char *name;
    uint64_t count, cycles;
    uint64_t typical, min, max;
    uint64_t cause[CAUSE_COUNT];
    struct cost_line *lines; /* in the order in which they ran first */
    uint32_t line_count;
    uint64_t rest[CAUSE_COUNT], rest_cycles; /* of no line */
    const json_t *durations; /* what distribution.h reads; NULL: of a single instance */
    const json_t *phases; /* [{name, cycles}] by rule, NULL: the document has none */
};

/* Cycles outside of paths, so that all of it sums to what elapsed. */
enum cost_account { COST_BOOT, COST_USER, COST_IDLE, COST_UNFINISHED, COST_ACCOUNTS };
extern const char *const cost_account_names[COST_ACCOUNTS];

struct costs {
    const char *file;
    json_t *document; /* what the texts above are part of */
    json_t *named;    /* the paths by name, as path_rules_group has them */
    struct cost_path *paths;
    uint32_t path_count;
    uint64_t account[COST_ACCOUNTS];
    uint64_t cycles; /* accounts and paths */
};

/* Takes over the document, which came from the file. cluster: only the one with this index in the
 * document, or COSTS_ALL. */
void costs_read(struct costs *c, json_t *document, const char *file, const struct path_rules *rules,
                size_t cluster);
void costs_free(struct costs *c);
/* Forgets all but the path of this name. */
void costs_keep(struct costs *c, const char *name);
const struct cost_path *costs_find(const struct costs *c, const char *name);

/* The lines as a baseline has them, as `lines` of a path: costs_read reads them again. */
json_t *costs_lines_json(const struct cost_path *p);
/* {boot, user, idle, unfinished} */
json_t *costs_accounts_json(const struct costs *c);
json_t *costs_causes_json(const uint64_t *cause);
