/* measured: what a run's kernel paths cost, for the commands that compare: from the document that
 * the run wrote, or by living a trace again. */
#pragma once

#include <jansson.h>

/* A ledger's, baseline's or window's document read from its file; of a trace, the ledger that
 * `isochron replay --profile --ledger` would write. usage_error if it is neither. */
json_t *measured(const char *command, const char *file);
