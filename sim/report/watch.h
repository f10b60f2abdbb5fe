/* watch: several observers of what is priced. A processor tells one; this one tells the others.
 * Timed models only.
 *
 * An observer that takes runs lets the processor go on pricing simple instructions together, which
 * is most of its speed: it is told of each such run once, behind its charges, instead of each
 * instruction. All observers must take them, or none is told of any.
 *
 * Most of what happens says nothing new: a program touches lines that it has touched a moment ago.
 * So accesses are sifted, once for all observers: `news` are those that did not hit the first
 * level, and those whose line (as linear and as physical address) was not touched in the same way
 * since the sieve forgot all, which it does whenever the privilege or the program may change. An
 * observer that has asked for news is not told of an event (an instruction, a delivery, a run)
 * that has none. What went by untold can be made up for: `before` and `instructions` count all. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/model.h"

#define WATCHERS_MAX 12
#define WATCH_SIEVE 256 /* lines of each kind of access: a power of two */
#define WATCH_NOWHERE UINT64_MAX

/* Told of a run (cpu.h); of everything else priced is told as ever. */
typedef void (*watch_run)(void *owner, const struct cpu *c, const struct priced_run *r);

struct watcher {
    void (*priced)(void *owner, const struct cpu *c, const struct op *o, bool delivery);
    ledger_tap charged; /* NULL: it does not ask why */
    void *owner;
    /* NULL, or told first of all of an event in which something missed: what it will need then has
     * not been looked at for a long time, and the host may fetch it while others are told. */
    void (*ahead)(void *owner, const struct cpu *c);
    watch_run run; /* NULL: it wants every instruction */
};

/* What an observer wants to be told of; until it says so, it is WATCH_ALL. */
enum watch_wants {
    WATCH_ALL,       /* everything, and so must be all others: it looks at what they know */
    WATCH_OWN,       /* everything; it looks at nobody who asks for less */
    WATCH_MOVES,     /* what moves on to another line, or was charged for a miss; and crossings */
    WATCH_NEWS,      /* what has news, and crossings */
    WATCH_CROSSINGS, /* deliveries, HLT, changes of privilege, code segment, caches on or off */
};

struct watch {
    struct cpu *cpu;
    struct watcher list[WATCHERS_MAX];
    uint8_t wants[WATCHERS_MAX]; /* enum watch_wants */
    unsigned count;
    bool all;           /* somebody wants WATCH_ALL */
    bool wants_changed; /* ... since `told` was made: */
    /* Who is told, by what there is to tell; NULL behind the last. */
    const struct watcher *told[WATCH_CROSSINGS + 1][WATCHERS_MAX + 1];
    bool charges_asked; /* somebody wants to hear each charge at once */

    /* of the event that is being told */
    const struct access **news, **moves;
    uint32_t news_count, moves_count;
    bool removes;   /* a note tells of what enters or leaves caches and TLBs */
    bool hits;      /* nor does an access leave the first level, or walk */
    uint64_t notes; /* a bit for each enum note in the log */
    cycle_t before;        /* when it began: what waits in HLT is no event, and comes before it */
    uint64_t instructions; /* before it */
    struct ledger_heard *heard; /* what was charged, the same cause perhaps more than once */

    uint8_t cpl;
    laddr_t base; /* of the code segment */
    bool caches_off;
    uint32_t ages; /* of what the sieve knows, by a count, ... */
    uint64_t age;  /* ... and as part of each key */
    uint64_t here[2]; /* the lines of the last access to data, to code; WATCH_NOWHERE */
    uint64_t sieve[ACCESS_FETCH + 1][WATCH_SIEVE];
};

/* Tells w from now on of every charge and of every instruction or delivery. */
void watch_add(struct watch *h, struct cpu *c, struct watcher w);
/* The same for one that takes runs. */
void watch_add_runs(struct watch *h, struct cpu *c, struct watcher w, watch_run run);
/* What the owner wants from now on. Of charges it is told in any case, if it has asked for them. */
void watch_wants(struct watch *h, const void *owner, enum watch_wants wants);
/* What an access meant to an observer it may mean once more: all are new again. */
void watch_forget(struct watch *h);
void watch_remove(struct watch *h, const void *owner);
