/* verdict: what was held against a run, whether it holds, and why not; told to people and to
 * continuous integration. */
#pragma once

#include "sim/core/types.h"

#include <jansson.h>

enum verdict_format { VERDICT_TEXT, VERDICT_MARKDOWN, VERDICT_TAP, VERDICT_JUNIT };

struct verdict {
    char name[192];
    char detail[8192]; /* why it failed, lines; empty: it holds */
};

struct verdicts {
    struct verdict **list;
    unsigned count;
};

/* One more, which holds until something is said. */
struct verdict *verdict_add(struct verdicts *v, const char *name);
/* Appends to why it failed. */
void verdict_say(struct verdict *v, const char *fmt, ...) PRINTF(2, 3);
unsigned verdicts_failed(const struct verdicts *v);
/* quality: what the run's cycles rest on (ledger_json.h); NULL: a baseline does not say. */
void verdicts_print(const struct verdicts *v, const json_t *quality, enum verdict_format format);
void verdicts_free(struct verdicts *v);
