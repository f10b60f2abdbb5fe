/* monitor_machine: the `monitor` commands that tell what the machine is like now. */
#pragma once

#include "sim/gdb/target.h"

#include <stdio.h>

/* A linear address: a number or a symbol. False: it is neither, and out has been told. */
bool monitor_address(const struct gdb_target *t, const char *text, laddr_t *la, FILE *out);
/* "c0101234 name+12" of an address. */
void monitor_place(const struct gdb_target *t, laddr_t la, FILE *out);

void monitor_where(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_translate(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_cache(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_segments(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_idt(const struct gdb_target *t, const char *arguments, FILE *out);
void monitor_irq(const struct gdb_target *t, const char *arguments, FILE *out);
