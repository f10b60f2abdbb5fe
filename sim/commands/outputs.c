#include "sim/commands/outputs.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void check_writable(const struct output *o)
{
    FILE *f = fopen(o->path, "a");
    if (!f || fclose(f) != 0)
        usage_error("--%s %s: %s", o->option, o->path, strerror(errno));
}

static void check_kind(const struct output *o)
{
    char option[32];
    snprintf(option, sizeof option, "--%s ", o->option);
    if (o->kind == OUTPUT_RECORDING)
        file_check_recording(option, o->path);
    if (o->kind != OUTPUT_STREAM)
        check_writable(o);
}

void outputs_check(const struct output *list, const char *const *read)
{
    for (const struct output *o = list; o->option; o++) {
        if (!o->path)
            continue;
        for (const char *const *r = read; *r; r++)
            if (file_same(o->path, *r))
                usage_error("--%s %s: that is what is read; accepted is another file", o->option,
                            o->path);
        for (const struct output *k = list; k < o; k++)
            if (file_same(o->path, k->path))
                usage_error("--%s %s: --%s goes there; accepted is another file", o->option,
                            o->path, k->option);
        check_kind(o);
    }
}
