/* monitor_past: the `monitor` commands that go to another place of the run, or live a stretch of it
 * again to say what happened in it. */
#pragma once

#include "sim/gdb/target.h"

#include <stdio.h>

void monitor_goto(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_path(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_evictor(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_writer(const struct gdb_target *t, const char *arguments, FILE *out);
