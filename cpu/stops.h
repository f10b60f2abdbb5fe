/* stops: where a run stops for whoever looks from outside: before instructions at given linear
 * addresses, and after instructions that touch given bytes. A debugger's breakpoints and
 * watchpoints; nothing of it is the machine's state, and none of it moves a cycle: blocks are cut
 * at the addresses, and while bytes are watched every access goes the slow way, both of which
 * change only speed.
 *
 * An address stops the run at each arrival; `once` ones remove themselves. The arrival that stopped
 * a run does not stop it again when it goes on. */
#pragma once

#include "sim/core/types.h"

#define CPU_STOPS_MAX 64
#define CPU_WATCHES_MAX 16

struct cpu_stops {
    uint32_t count;
    laddr_t la[CPU_STOPS_MAX]; /* ascending, each once */
    bool keep[CPU_STOPS_MAX], once[CPU_STOPS_MAX];
    bool passed; /* the run has stopped at passed_la and goes on from there */
    laddr_t passed_la;
};

struct cpu_watch {
    laddr_t la;
    uint32_t size; /* bytes; la + size does not wrap */
    bool on_read, on_write;
};

struct cpu_watches {
    uint32_t count;
    struct cpu_watch list[CPU_WATCHES_MAX];
    bool hit; /* since last cleared by whoever asks */
    laddr_t hit_la;
    struct cpu_watch hit_watch;
};

/* The index of an address in the set, -1 if it is not there. */
int stops_find(const struct cpu_stops *s, laddr_t la);
/* False: the set is full. */
bool stops_add(struct cpu_stops *s, laddr_t la, bool once);
/* Removes what stops_add without once has added; false if there is none. */
bool stops_remove(struct cpu_stops *s, laddr_t la);
/* Whether an arrival at la stops the run. */
bool stops_arrive(struct cpu_stops *s, laddr_t la);

bool watches_add(struct cpu_watches *w, struct cpu_watch watch);
bool watches_remove(struct cpu_watches *w, struct cpu_watch watch);
/* Notes whether an access of size bytes at la touches a watched byte. */
bool watches_touch(struct cpu_watches *w, laddr_t la, unsigned size, bool write);
