/* watch: several observers of what is priced. A processor tells one; this one tells the others, and
 * steps aside when there is only one. Timed models only. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/model.h"

#define WATCHERS_MAX 12

struct watcher {
    void (*priced)(void *owner, const struct cpu *c, const struct op *o, bool delivery);
    ledger_tap charged;
    void *owner;
};

struct watch {
    struct cpu *cpu;
    struct watcher list[WATCHERS_MAX];
    unsigned count;
};

/* Tells w from now on of every charge and of every instruction or delivery. */
void watch_add(struct watch *h, struct cpu *c, struct watcher w);
void watch_remove(struct watch *h, const void *owner);
