/* watch: several observers of what is priced. A processor tells one; this one tells the others, and
 * steps aside when there is only one. Timed models only.
 *
 * An observer that takes runs lets the processor go on pricing simple instructions together, which
 * is most of its speed: it is told of each such run once, behind its charges, instead of each
 * instruction. All observers must take them, or none is told of any. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/model.h"

#define WATCHERS_MAX 12

struct watcher {
    void (*priced)(void *owner, const struct cpu *c, const struct op *o, bool delivery);
    ledger_tap charged; /* NULL: it does not ask why */
    void *owner;
};

/* Told of a run (cpu.h); of everything else priced is told as ever. */
typedef void (*watch_run)(void *owner, const struct cpu *c, const struct priced_run *r);

struct watch {
    struct cpu *cpu;
    struct watcher list[WATCHERS_MAX];
    watch_run run[WATCHERS_MAX]; /* NULL: it wants every instruction */
    unsigned count;
};

/* Tells w from now on of every charge and of every instruction or delivery. */
void watch_add(struct watch *h, struct cpu *c, struct watcher w);
/* The same for one that takes runs. */
void watch_add_runs(struct watch *h, struct cpu *c, struct watcher w, watch_run run);
void watch_remove(struct watch *h, const void *owner);
