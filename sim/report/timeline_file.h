/* timeline_file: what ran when, as `--timeline FILE` writes it and `isochron export` reads it.
 *
 * A line is a JSON value. The first is the head:
 *
 *     {"schema":"isochron-timeline-1","machine":"p133","model":"p5","clock_hz":1.333e8,"begin":0}
 *
 * then come spans, in the order in which they end; cycles are the machine's, from its reset on:
 *
 *     ["b",begin,length]                boot: privilege 0 before the first program
 *     ["u",begin,length,thread]          a thread's program runs
 *     ["k",begin,length,thread,cluster]  the kernel, from an entry to the exit: an instance of a
 *                                        path, entered from a thread; cluster -1: not finished
 *     ["i",begin,length]                 idle: privilege 0 outside of an instance
 *     ["h",begin,length]                 of that (or of boot) in HLT
 *     ["n",begin,length,thread,vector]   an interrupt inside the kernel's instance that ends next
 *     ["q",begin,length,vector]          a request: INTR rose, and after length it was taken
 *
 * and a tail with the sums and the names:
 *
 *     {"end":N,"cycles":N,"sums":{"boot":N,"user":N,"kernel":N,"idle":N},
 *      "spaces":[{"id":1,"name":"..","cr3":N,"base":N,"born":N}],
 *      "threads":[{"id":1,"space":1,"name":".."}],
 *      "clusters":[{"name":"#1 ipc.local","signature":"..","count":N,"cycles":N}]}
 *
 * Spans b, u, k and i tile the time from begin to end: each begins where the one before ended. Of a
 * run that was killed there is no tail, and the file is refused. */
#pragma once

#include "sim/core/types.h"

#include <jansson.h>
#include <stddef.h>

#define TIMELINE_SCHEMA "isochron-timeline-1"

enum timeline_kind {
    TIMELINE_BOOT,
    TIMELINE_USER,
    TIMELINE_KERNEL,
    TIMELINE_IDLE,
    TIMELINE_HALTED,
    TIMELINE_NESTED,
    TIMELINE_REQUEST,
    TIMELINE_KINDS
};
extern const char timeline_letters[TIMELINE_KINDS + 1];
extern const char *const timeline_kind_names[TIMELINE_KINDS];

static inline bool timeline_kind_tiles(enum timeline_kind k) { return k <= TIMELINE_IDLE; }

#define TIMELINE_UNFINISHED (-1)

struct timeline_span {
    cycle_t begin, length;
    uint32_t thread; /* whose program runs; of the kernel: from whom it was entered */
    int32_t what;    /* cluster, or vector */
    enum timeline_kind kind;
};

struct timeline_space {
    char name[64];
    uint32_t cr3, base;
    cycle_t born;
};

struct timeline_thread {
    char name[64];
    uint32_t space;
};

struct timeline_cluster {
    char name[96]; /* "#1 ipc.local", "#2 33 vector -> user" */
    uint64_t count, cycles;
};

struct timeline_file {
    char machine[32], model[32];
    double clock_hz;
    cycle_t begin, end;
    struct timeline_span *spans; /* as in the file */
    size_t count, capacity;
    struct timeline_space *spaces;
    struct timeline_thread *threads;
    struct timeline_cluster *clusters;
    size_t space_count, thread_count, cluster_count;
    uint64_t sums[TIMELINE_KINDS]; /* of those that tile */
};

/* Is the file's first line a timeline's head? False where it cannot be read, too. */
bool timeline_is(const char *path);
/* usage_error, naming path and line, where the file is no whole timeline or does not add up. */
struct timeline_file *timeline_read(const char *path);
void timeline_close(struct timeline_file *t);

/* The name of the space that a span of a program or of the kernel belongs to. */
const char *timeline_space_of(const struct timeline_file *t, const struct timeline_span *s);
/* What a span is called: "user", "#1 ipc.local", "idle", "vector 20". */
void timeline_name(const struct timeline_file *t, const struct timeline_span *s, char *text,
                   size_t size);
