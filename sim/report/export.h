/* export: what a run wrote (ledger, window, timeline) in the formats that other programs read.
 *
 * One cycle is one unit in every format; where a format knows only seconds, a cycle is written as
 * its smallest unit and the file says so. Every export's sums are the document's own: what is read
 * is checked before a byte is written. A format is one file and one line of `formats` in
 * sim/commands/cmd_export.c. */
#pragma once

#include "sim/report/timeline_file.h"

#include <jansson.h>
#include <stdio.h>

struct export_input {
    const char *ledger_path, *window_path;
    json_t *ledger, *window; /* checked; NULL: not given */
    json_t *explained;       /* an array of what `isochron explain` wrote; NULL: none */
    struct timeline_file *timeline;
};

void export_folded(const struct export_input *in, FILE *out);
void export_csv(const struct export_input *in, FILE *out);
void export_speedscope(const struct export_input *in, FILE *out);
void export_callgrind(const struct export_input *in, FILE *out);
void export_kanata(const struct export_input *in, FILE *out);
void export_chrome(const struct export_input *in, FILE *out);
void export_perfetto(const struct export_input *in, FILE *out);
void export_html(const struct export_input *in, FILE *out);

/* usage_error, naming path, unless every table of the ledger, and what else it holds that an export
 * reads, is of the right shape and adds up. */
void export_check_ledger(const json_t *ledger, const char *path);
void export_check_explain(const json_t *report, const char *path);
void export_check_window(const json_t *window, const char *path);

/* Of documents that were checked. */
json_int_t export_number(const json_t *o, const char *key);
const char *export_text(const json_t *o, const char *key);
/* "133.33 MHz", from the ledger's clock. */
void export_clock(double hz, char *text, size_t size);
/* "isochron: machine p133, model p5, 1 cycle = 1 unit, 133.33 MHz". */
void export_title(const struct export_input *in, char *text, size_t size);
