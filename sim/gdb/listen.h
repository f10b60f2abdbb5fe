/* listen: where a debugger connects: a TCP port of the loopback address or a Unix socket, in QEMU's
 * spellings:
 *
 *   PORT  :PORT  tcp::PORT  tcp:127.0.0.1:PORT  unix:PATH
 *
 * each with QEMU's `,server=on` and `,wait=off` behind it, which say what is so anyway. No other
 * address is listened on: a debugger may do everything. */
#pragma once

#include "sim/core/types.h"

#define GDB_PATH_MAX 108 /* what a Unix socket's address holds */

struct gdb_address {
    char path[GDB_PATH_MAX]; /* of a Unix socket; empty: TCP */
    uint16_t port;           /* 0: any that is free */
};

/* usage_error naming the option and what is accepted. */
struct gdb_address gdb_address_parse(const char *text);

/* Listens there and says so on stderr; returns the socket. usage_error where that is not
 * possible. */
int gdb_listen(const struct gdb_address *a);
/* Stops listening; a Unix socket's name goes away. */
void gdb_unlisten(const struct gdb_address *a, int listener);
