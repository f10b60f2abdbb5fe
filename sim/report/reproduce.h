/* reproduce: tables that were published, and what they come to on the simulated machines.
 *
 * A table's lines are in a file of figures (figures.h). Each system of it stands for a row: a stack
 * of images to boot, or one that cannot be, with the reason. Each test stands for a line that a
 * program in the guest prints (guest_lines.h). What rows have measured is a document:
 *
 *     {schema, runs: [{row, machine, hz, results: [...], failed: why there are none}]}
 *
 * and a table joined with it is one, too:
 *
 *     {paper, table, title, source, hardware, published_on, machine, published_linux, status,
 *      lines: [{test, system, row, unit, published, published_high, simulated, error,
 *               published_ratio, simulated_ratio, call, calls, status}]}
 *
 * error is (simulated - published) / published, in percent, against the nearer end of a range;
 * ratios are to native Linux on the same hardware, above 1 for slower; call is the one of `calls`
 * that the phases are of, since it costs their median. What is not known is not
 * there; status is "measured", or why not; the table has one, too, if none of it is measured for
 * one reason. */
#pragma once

#include "sim/report/figures.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REPRODUCE_SCHEMA "isochron-reproduce-1"
#define REPRODUCE_LINUX "6.1" /* what is simulated, native and as a server */

enum reproduce_stack { STACK_NONE, STACK_NATIVE, STACK_BARE, STACK_L4, STACK_MEASURE };

/* What is booted. */
struct reproduce_row {
    const char *name, *title;
    enum reproduce_stack stack;
    const char *options; /* of the Linux server, beside those that all have */
    bool library;        /* programs call by what Linux announces, not by INT 80h */
    const char *missing; /* STACK_NONE: why there is none */
};

struct reproduce_system {
    const char *figures; /* its name in the file; NULL: nothing was published of it */
    const char *row;
};

struct reproduce_table {
    const char *paper, *name, *title, *source;
    const char *file, *key;    /* lines of this file whose column `table` is key; NULL: none */
    const char *l4_source, *l4_place; /* and of l4.csv with these; NULL: none */
    const char *machine;       /* that was measured on */
    const char *version;       /* and that of native Linux there; NULL: it has no Linux */
    const struct reproduce_system *systems; /* up to one with row NULL */
};

extern const struct reproduce_row reproduce_rows[];       /* the last has no name */
extern const struct reproduce_table reproduce_tables[];   /* the last has no name */

/* What was measured, as a file of figures has it. */
struct reproduce_what {
    const char *test, *parameter, *benchmark;
};

/* What measures it: a line of guest_lines_find, and the program of guests/bench that prints it. */
struct reproduce_source {
    char line[96];
    const char *program; /* NULL: nothing does, */
    const char *missing; /* and why */
};

const struct reproduce_row *reproduce_row(const char *name);
struct reproduce_source reproduce_source(const struct reproduce_what *what);

/* --- joining ---------------------------------------------------------------------------------- */

/* folder: where the files of figures are. machine: on which it was run, NULL: the table's own.
 * no_machine: why there is no such machine, NULL: there is. For the caller to decref. */
json_t *reproduce_join(const struct reproduce_table *t, const char *folder, const json_t *runs,
                       const char *machine, const char *no_machine);
/* Which programs and rows a table wants: calls for each. */
void reproduce_wants(const struct reproduce_table *t, const char *folder,
                     void (*want)(void *owner, const char *row, const char *program,
                                  const char *line), void *owner);
/* Appends the phases of one call, as results {name: "phase", part, cycles, instructions}, from what
 * `run --window ..#median --window-json` wrote. False: wrong says what it is not. */
bool reproduce_phases(const json_t *window, json_t *results, char *wrong, size_t size);

/* --- printing --------------------------------------------------------------------------------- */

/* What a system of a table was simulated by, if its name does not say so; NULL: it does. */
const char *reproduce_stand_in(const json_t *line);
/* How many digits behind the point a figure has meaning for. */
int reproduce_digits(double value);
void reproduce_print(const json_t *table, FILE *out);
void reproduce_csv_head(FILE *out);
void reproduce_csv(const json_t *table, FILE *out);
/* One page for all tables, with nothing outside it. */
void reproduce_html(const json_t *tables, FILE *out);
