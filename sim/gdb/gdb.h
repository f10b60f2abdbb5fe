/* gdb: a debugger over TCP or a Unix socket (listen.h), in GDB's remote protocol. `isochron run -s
 * -S` and then, in gdb, `target remote :1234`. What it can ask is in session.h; registers.h says
 * how GDB numbers the registers, packet.h how packets are framed.
 *
 * A machine that runs looks for the debugger every GDB_POLL_CYCLES, by an observer's event. */
#pragma once

#include "sim/gdb/listen.h"
#include "sim/gdb/session.h"

#define GDB_POLL_CYCLES 500000

struct gdb;

/* Listens there. wait: the first gdb_run does nothing until a debugger has connected and let it go
 * on. usage_error where the address is taken. */
struct gdb *gdb_new(struct machine *m, const struct gdb_address *address, bool wait);
/* What is known only when the run begins: its history, symbols, whether it may be written to. */
void gdb_set_target(struct gdb *g, const struct gdb_target *target);
/* Tells the debugger that the run is over, with this exit code. */
void gdb_free(struct gdb *g, unsigned code);

/* machine_run, under the debugger: returns when something else than the debugger ends the run, or
 * when the debugger kills it (END_STOPPED). */
void gdb_run(struct gdb *g);
