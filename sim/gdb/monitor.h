/* monitor: gdb's `monitor` commands: what a machine can tell, or do, that the protocol has no
 * packet for. `monitor help` lists them; the table in monitor.c has them all.
 *
 * None changes the machine but `goto`, which moves it to another place of the same run. What looks
 * into the past (path, writer) lives a stretch again and comes back to the same boundary. */
#pragma once

#include "sim/gdb/target.h"

#include <stdio.h>

/* Runs one line. What it has to say, mistakes too, goes to out. */
void monitor_command(const struct gdb_target *t, const char *line, FILE *out);
