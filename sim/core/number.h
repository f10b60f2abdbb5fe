/* number: a number as a user writes it, taken whole or not at all. */
#pragma once

#include "sim/core/types.h"

/* text in this base (0: as C writes it) to *value; false if it is anything else (with a sign, a
 * blank, something behind it) or more than most. */
bool number_parse(const char *text, int base, uint64_t most, uint64_t *value);
