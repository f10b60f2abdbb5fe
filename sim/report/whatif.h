/* whatif: what a run would have cost had one thing been ideal.
 *
 * The guest runs once, on the machine that it runs on. For each alternative there is a second
 * timing model with a clock of its own, which is shown every instruction and delivery that was
 * executed, with the access log as other caches would have written it (shadow.h). So the stream of
 * instructions, the arrival of interrupts and what the guest read from its clocks are those of the
 * run by construction, and time that the processor was halted is what it was. The alternative
 * `same`, of which nothing is ideal, comes to the run's own cycles, cause by cause.
 *
 * Cycles are kept by account: boot, user, idle, the instance that is unfinished at the end, and the
 * clusters of kernel paths (paths.h). The sums are checked against the clocks. */
#pragma once

#include "sim/report/paths.h"
#include "sim/report/watch.h"

/* What can be ideal, by bit. */
enum whatif_bit {
    WHATIF_TAGGED = 1, WHATIF_TLB = 2, WHATIF_FULL = 4, WHATIF_WAYS = 8, WHATIF_SIZE = 16,
    WHATIF_L1 = 32, WHATIF_L2 = 64, WHATIF_PREDICT = 128, WHATIF_ENTRY = 256,
    WHATIF_STORES = 512,
    WHATIF_RELOADED = 1024, /* nothing is, but TLBs are its own: shadow.h */
};

struct whatif_kind {
    const char *name;
    const char *text; /* '\n' begins another line */
    unsigned bits;
};

/* The last one is `same`. */
extern const struct whatif_kind whatif_kinds[];
extern const unsigned whatif_kind_count;

#define WHATIF_RUNS_MAX 16 /* with the run itself and all at once */

enum whatif_account { WHATIF_UNFINISHED = ACCOUNT_INSTANCE, WHATIF_CLUSTERS = PATH_ACCOUNTS };

struct whatif_run; /* one alternative */
struct whatif_shell;

struct whatif {
    const struct cpu *cpu;
    const struct paths *paths;
    const struct watch *watch;
    struct whatif_run *runs[WHATIF_RUNS_MAX]; /* [0] is the run itself */
    struct whatif_shell *shell;               /* what all the others are shown */
    unsigned count;
    unsigned account;  /* of the stretch that goes on, or UINT32_MAX */
    uint64_t begun;    /* paths->begun when it began */
    cycle_t last_now;  /* at the end of the last event; from there to the next one it halts ... */
    unsigned halted;   /* ... for this account */
    uint64_t *sums;    /* [account][run][cause] */
    uint64_t *counts;  /* of an account: the instances that ended */
    unsigned accounts;
    cycle_t start;
};

void whatif_init(struct whatif *w);
/* One more alternative: its number. bits: sum of enum whatif_bit. */
unsigned whatif_add(struct whatif *w, unsigned bits);
/* From now on; paths must be told before it. usage_error if the machine has what cannot be made
 * ideal. */
void whatif_start(struct whatif *w, struct watch *h, struct cpu *c, const struct paths *paths);
/* Forgets what was counted, and goes on: what came before has only filled the caches. */
void whatif_count_from_here(struct whatif *w);
/* Closes the accounts; sums are checked. */
void whatif_stop(struct whatif *w, struct watch *h);
void whatif_free(struct whatif *w);

/* What has been counted so far: of the run itself by cause, in user mode and elsewhere; of every
 * run in all. The difference of two tallies is what came between. */
struct whatif_tally {
    uint64_t user[CAUSE_COUNT], elsewhere[CAUSE_COUNT];
    uint64_t cycles[WHATIF_RUNS_MAX];
};
void whatif_tally(struct whatif *w, struct whatif_tally *t);

/* Of one account: CAUSE_COUNT sums of cycles. */
const uint64_t *whatif_causes(const struct whatif *w, unsigned account, unsigned run);
uint64_t whatif_cycles(const struct whatif *w, unsigned account, unsigned run);
/* Over all accounts. */
uint64_t whatif_total(const struct whatif *w, unsigned run);
