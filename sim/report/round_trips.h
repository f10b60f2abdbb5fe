/* round_trips: two paths that belong together, a call and its reply.
 *
 * An instance that ends in another thread than it began in is a call from the one to the other; the
 * instance that leads from there back to the caller is its reply. Calls nest: a server that calls
 * another server is served first. A reply that skips callers ends their calls untold. In between,
 * the server's own cycles are those it ran as a program; what else passed (interrupts, other system
 * calls, page faults, calls of its own) is `other`. The client's cycles are those it ran as a
 * program since the reply before, or since it was switched to; where it is a server as well, they
 * are part of what it serves, too.
 *
 * Round trips of the same two clusters between the same two spaces are one row. */
#pragma once

#include "sim/core/types.h"
#include "sim/report/distribution.h"

#include <jansson.h>

#define TRIPS_NESTED 16
#define TRIPS_ROWS 512 /* kept; further combinations are counted as others */

struct trip_row {
    uint32_t call, reply;    /* clusters, by their index */
    uint32_t client_space, server_space;
    uint64_t count;
    uint64_t client, send, server, answer, other; /* cycles, summed */
    uint64_t min, max; /* of send + server + answer + other */
    struct {
        uint64_t client, send, server, answer, other;
    } least; /* the first of those of `min` cycles, part by part */
    struct distribution totals; /* of the same */
};

struct trip_call {
    uint32_t cluster, thread, space; /* of the caller */
    uint64_t client, user, other, cycles; /* client: its own since the reply before; user: in all */
};

struct round_trips {
    struct trip_row *row;
    uint32_t count;
    uint64_t others; /* round trips that found no row */
    struct trip_call call[TRIPS_NESTED];
    unsigned depth;
    uint64_t user, other;   /* of the thread that runs, since its stretch began */
    uint64_t since_reply;   /* its own since the reply to its last call; else as user */
    cycle_t user_since;     /* when it began to run as a program last */
};

/* What an instance was, as it ends. */
struct trip_path {
    uint32_t cluster;
    uint32_t from_thread, from_space, to_thread, to_space;
    uint64_t cycles;
    cycle_t begin, end;
    bool idle; /* it ended with nothing to run, or began so */
};

void round_trips_init(struct round_trips *t, cycle_t now);
void round_trips_free(struct round_trips *t);
void round_trips_path(struct round_trips *t, const struct trip_path *p);
