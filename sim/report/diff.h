/* diff: how the costs of two runs differ, taken apart so that the parts add up.
 *
 * Paths are matched by name, their instructions by function: code that is linked anew stands at
 * other addresses, so that within a function the longest common sequence of instructions (without
 * the addresses in them) is taken for the same; what is left over is `gone` or `new`. A function
 * that only one run has is compared with one that only the other has.
 *
 * Two runs may have different numbers of instances. A path's difference is then
 *
 *     instances  what A's cost comes to for B's number of instances, less A's cost
 *     cost       B's cost less that: the sum of its lines' differences, and of the rest's
 *
 * and where A's cost does not divide, the lines share the rounding so that the sums still hold. */
#pragma once

#include "sim/report/costs.h"

#include <stdio.h>

enum diff_status { DIFF_SAME, DIFF_NEW, DIFF_GONE };
extern const char *const diff_status_names[];

struct diff_line {
    const struct cost_line *a, *b; /* NULL: it has none */
    enum diff_status status;
    int64_t cycles; /* B's less A's */
    int64_t cause[CAUSE_COUNT];
};

/* Lines one behind the other whose costs differ: one change, mostly, and its wake in the pipes. */
struct diff_site {
    uint32_t first, count; /* lines */
    uint32_t head;         /* the line to name: the first that is new or gone, or the one that
                              differs most */
    int64_t cycles;
    int64_t cause[CAUSE_COUNT];
};

struct diff_path {
    const char *name;
    const struct cost_path *a, *b; /* NULL: that run has none of it */
    bool detailed; /* both have lines; else all of it is rest */
    int64_t cycles, instances, cost;
    int64_t cause[CAUSE_COUNT];      /* of the cost */
    int64_t rest, rest_cause[CAUSE_COUNT]; /* of the cost: of no line */
    struct diff_line *lines; /* in the order in which they ran, gone ones where they were */
    uint32_t line_count;
    struct diff_site *sites; /* the greatest first */
    uint32_t site_count;
};

struct diff {
    const struct costs *a, *b;
    int64_t cycles;
    int64_t account[COST_ACCOUNTS];
    struct diff_path *paths; /* the greatest cost first */
    uint32_t path_count;
};

void diff_make(struct diff *d, const struct costs *a, const struct costs *b);
void diff_free(struct diff *d);
/* One path of two runs; either may be NULL, not both. */
void diff_path_make(struct diff_path *p, const struct cost_path *a, const struct cost_path *b);
void diff_path_free(struct diff_path *p);

static inline const struct cost_line *diff_line_of(const struct diff_line *l)
{
    return l->b ? l->b : l->a;
}

/* sim/report/diff_print.c */
enum diff_format { DIFF_TEXT, DIFF_MARKDOWN, DIFF_JSON };
void diff_print(const struct diff *d, enum diff_format format, FILE *out);

/* What a reader needs first, in a few lines of text: where the cost went, by site with phase,
 * instruction and causes, each time; at most `most` sites. */
void diff_path_reason(const struct diff_path *p, unsigned most, char *text, size_t size);
