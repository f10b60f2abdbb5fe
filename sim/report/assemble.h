/* assemble: a few instructions from text to bytes, by the system's assembler, GNU as, in Intel
 * syntax without register prefixes. */
#pragma once

#include "sim/core/types.h"

/* Instructions separated by ';' or line ends. `symbols` is assembler text put before all of them,
 * such as ".set buf, 0x100000", or NULL. The assembler runs once for all. Its messages about a
 * user's text go to standard error, and the program ends with usage_error. */
struct assembly {
    const char *text;
    uint8_t *bytes; /* for the caller to free */
    size_t size;
};

void assemble(struct assembly *list, size_t count, const char *symbols);
