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
json_t *ledger_json(struct machine *m, const struct symbols *symbols, bool warm);

/* Prints such an object: totals, causes, paths, the most expensive places. 0, or EXIT_USAGE with a
 * message if the object is not one. */
int ledger_report(const json_t *ledger, unsigned places_most, FILE *out);

const char *path_name(uint32_t path, char *text, size_t size);
