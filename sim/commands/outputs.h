/* outputs: the files that a command will write, looked at before it begins, not when they are due.
 * Nothing that is read is overwritten, no two outputs go to one file, and a recording replaces
 * nothing; any other output replaces what was there, as QEMU's do. */
#pragma once

#include <stdbool.h>

struct output {
    const char *option, *path; /* path NULL: not asked for */
    enum {
        OUTPUT_REPORT,    /* opened when it is due: made now, and what is in it left alone */
        OUTPUT_STREAM,    /* opened at once */
        OUTPUT_RECORDING, /* as a report, but a new file */
    } kind;
};

/* Up to one without an option; read: what is read, up to NULL. usage_error says which does not do,
 * and why. */
void outputs_check(const struct output *list, const char *const *read);
