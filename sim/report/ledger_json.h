/* ledger_json: the ledger as JSON (run --ledger), and as tables (isochron report). */
#pragma once

#include "sim/machine/machine.h"
#include "sim/machine/story.h"
#include "sim/report/symbols.h"

#include <jansson.h>
#include <stdio.h>

/* {schema, machine, model, clock_hz, cycles, instructions, temperature ("cold" or "warm"),
 *  quality: {read: ...}, causes: {name: cycles}, paths: [{name, entries, cycles, causes}],
 *  places: [{name, path, cycles, causes}], events: {...}} */
/* instructions: retired since the ledger began to count. */
json_t *ledger_json(struct machine *m, const struct symbols *symbols, uint64_t instructions,
                    bool warm);

/* usage_error, naming path, unless the object is such a ledger and its three tables each sum to its
 * cycles. */
void ledger_check(const json_t *ledger, const char *path);
/* Prints a ledger that was checked: totals, causes, paths, the most expensive places. */
void ledger_report(const json_t *ledger, unsigned places_most, FILE *out);

/* {read: cycles ...}: of what was counted since each of `before` was; NULL: of all. */
json_t *quality_json(const uint64_t *sums, const uint64_t *before);
/* "latencies rest on: read 69.2 % ...", a line that every report has. */
void quality_print(const json_t *quality, FILE *out);
/* The same in cycles, below CSV: "# cycles that rest on: read 12, ...". NULL: nothing. */
void quality_csv(const json_t *quality, FILE *out);

/* A field of CSV, in quotes where it needs them. */
void csv_text(const char *text, FILE *out);

/* Every cell: "path,place,cause,cycles" below a line of titles, or "path;place;cause cycles". */
void ledger_cells(const json_t *ledger, bool csv, FILE *out);

const char *path_name(uint32_t path, char *text, size_t size);
