/* paths: what the kernel did between an entry to privilege 0 and the exit from it, told apart
 * without symbols.
 *
 * An instance of a path begins with the event that enters privilege 0 (an interrupt, an exception,
 * a software interrupt, a call gate) and ends with the instruction that leaves it, or with HLT. Its
 * signature is the set of the branches it took, each from where and to where: a loop that runs
 * three times or thirty is one path, a loop that is not run is another. Interrupts that arrive
 * inside are part of it and counted, their branches are not. Instances with the same entry, end and
 * signature are one cluster: "path 7: 412 instances, 183 cycles".
 *
 * Of each cluster is told besides: where its instances came from and went to (pairs of spaces), its
 * milestones and phases (path_marks.h), its footprint in lines, cache sets and pages, what it does
 * to the working set of the program it interrupts (overlap.h), and when its longest instance was.
 * Calls and replies are joined (round_trips.h), interrupts timed from their rise (irq_latency.h).
 *
 * Every cycle has an account: boot (before the first exit from privilege 0), user, idle (privilege
 * 0 outside of an instance: HLT and the loop round it), or a cluster. They sum to what elapsed. */
#pragma once

#include "sim/report/distribution.h"
#include "sim/report/irq_latency.h"
#include "sim/report/overlap.h"
#include "sim/report/path_marks.h"
#include "sim/report/path_rules.h"
#include "sim/report/round_trips.h"
#include "sim/report/spaces.h"
#include "sim/report/symbols.h"
#include "sim/report/watch.h"

#include <jansson.h>
#include <stdio.h>

#define PATHS_EDGES 32768   /* distinct branches of one instance: a power of two */
#define PATHS_RECENT 256    /* of those, the ones asked for lately: a power of two */
#define PATHS_SYMBOLS 64   /* of a cluster: where its cycles go; cheaper ones have no room */
#define PATHS_NESTED 16
#define PATHS_PAIRS 12     /* of spaces, of a cluster: from which to which */

enum path_end { PATH_ENDS_USER, PATH_ENDS_SWITCHED, PATH_ENDS_SPACE, PATH_ENDS_IDLE, PATH_ENDS };
extern const char *const path_end_names[PATH_ENDS];

/* Where a cycle goes: an instance of a path, or none. */
enum path_account { ACCOUNT_BOOT, ACCOUNT_USER, ACCOUNT_IDLE, ACCOUNT_INSTANCE, PATH_ACCOUNTS };
#define PATHS_NONE UINT32_MAX

/* Accesses that the first-level caches did not have, and page walks. */
enum path_miss { PATH_CODE, PATH_DATA, PATH_ITLB, PATH_DTLB, PATH_MISSES };
extern const char *const path_miss_names[PATH_MISSES];

struct path_cluster {
    uint32_t entry;     /* PATH_VECTOR + n, PATH_CALL_GATE, PATH_SYSENTER (ledger.h) */
    bool from_idle;     /* the entry woke an idle processor */
    enum path_end end;
    uint64_t signature;
    uint64_t count, cycles, min, max, instructions;
    uint64_t nested, nested_cycles; /* interrupts inside, and what they took */
    uint64_t cr3_writes;
    uint64_t code_lines, data_lines, pages; /* distinct ones, summed over the instances */
    uint64_t misses[PATH_MISSES];
    uint64_t code_sets, data_sets;          /* of the first-level caches, likewise */
    uint64_t used[OVERLAP_KINDS], shared[OVERLAP_KINDS], displaced[OVERLAP_KINDS];
    int rule;                                /* that names it; -1: none */
    const struct path_phases *phases;
    uint64_t phase[PATH_PHASES_MAX];         /* cycles */
    struct {
        uint64_t count, at; /* how often it was passed, and when, in cycles from the beginning */
    } mark[PATH_MARK_SYMBOL];
    cycle_t longest; /* when the first instance of `max` cycles began */
    struct {
        uint32_t from, to; /* spaces */
        uint64_t count, cycles;
    } pair[PATHS_PAIRS]; /* count 0: unused */
    uint64_t other_pairs, other_pairs_cycles;
    uint64_t cause[CAUSE_COUNT];
    cycle_t first; /* when the first instance began */
    struct distribution durations;
    struct {
        uint32_t place;
        uint64_t cycles;
    } symbol[PATHS_SYMBOLS];
};

struct path_instance {
    bool open, from_idle, crowded; /* crowded: saw more than the table holds */
    uint32_t entry;
    cycle_t begin;
    uint64_t signature, instructions, nested_cycles;
    uint32_t nested, cr3_writes, code_lines, data_lines, pages, code_sets, data_sets;
    uint32_t misses[PATH_MISSES];
    struct path_marks marks;
    uint64_t cause[CAUSE_COUNT];
    uint32_t from_space, from_thread; /* indices into struct spaces */
    uint32_t resume_eip, resume_esp; /* from idle: where the idle loop goes on */
    unsigned depth; /* of interrupts inside */
    struct {
        uint32_t eip, esp;
        cycle_t begin;
    } inside[PATHS_NESTED];
    unsigned symbol_count, symbol_last; /* where the cycles before these went */
    struct {
        uint32_t place, cycles;
    } symbol[64];
};

/* A stretch with interrupts off. */
struct path_off {
    cycle_t began, cycles;
    laddr_t from, to; /* its first instruction, and that which let them in again */
    uint32_t cluster; /* of the instance that it ended in, or PATHS_NONE */
};

struct paths {
    struct cpu *cpu;
    const struct spaces *spaces;
    struct watch *watch;
    enum watch_wants wants;
    struct path_cluster *list;
    uint32_t count, capacity;
    uint32_t last_cluster; /* index into list: of the instance that ended last */
    uint32_t *slot; /* hash table of indices into list, +1 */
    uint32_t slot_count;
    struct path_instance now;
    uint64_t boot, user, idle, user_instructions;
    uint64_t instructions; /* the watch's count, behind the event that was told last */
    uint64_t crowded; /* instances whose branches are counted short */
    struct path_off off, off_longest; /* the present one, if `began` is not CYCLE_NEVER */
    bool off_here; /* the longest one was in the instance that goes on, whose cluster comes later */
    cycle_t start, last_now;
    bool booted;
    enum path_account account; /* of what was priced last */
    uint64_t begun;            /* instances so far, with the one that is open */
    uint32_t ended;            /* the cluster of the instance that it ended, or PATHS_NONE */
    uint32_t program, program_thread; /* the last that ran: indices into struct spaces */
    uint8_t last_cpl;
    uint32_t last_cr3, last_eip, last_esp;
    struct {
        uint32_t generation;
        uint64_t key;
    } *seen, recent[PATHS_RECENT]; /* PATHS_EDGES of them */
    uint32_t generation;    /* of the instance; and what it has touched bears this number: */
    uint32_t *line[2], *set[2], *page; /* lines by physical, pages by linear address; [code] */
    uint32_t lines, line_shift, sets[2];
    const struct path_rules *rules; /* NULL: none */
    const struct symbols *symbols;
    struct path_phases *rule_phases; /* by rule; count 0: it has none */
    struct path_mark_places places;
    struct round_trips trips;
    struct irq_latency latency;
    struct overlap overlap;
    /* Told of the end of each instance, by its cluster's index in list; NULL: nobody is. */
    void (*on_end)(void *owner, uint32_t cluster);
    void *on_end_owner;
};

/* Spaces are watched already. */
void paths_start(struct paths *p, const struct spaces *s, struct watch *h, struct cpu *c);
/* Names for phases from now on; both stay the caller's. usage_error for phases that are none. */
void paths_set_rules(struct paths *p, const struct path_rules *rules,
                     const struct symbols *symbols);
void paths_free(struct paths *p, struct watch *h);

/* The accounts as they are now, with what was not worth telling (watch.h). `unfinished`: of an
 * instance that goes on, and of an instruction that has been charged for and is not over. */
struct path_accounts {
    uint64_t boot, user, idle, unfinished, user_instructions;
};
struct path_accounts paths_accounts(const struct paths *p);

/* For paths.c: in path_cluster.c. */
struct path_cluster *path_cluster_of(struct paths *p, const struct path_instance *i,
                                     enum path_end end);
/* Returns the instance's cycles. */
uint64_t path_cluster_add(struct paths *p, struct path_cluster *k, const struct path_instance *i);
void path_clusters_free(struct paths *p);
void path_cluster_pair(struct path_cluster *k, uint32_t from, uint32_t to, uint64_t cycles);
void path_cluster_overlap(struct path_cluster *k, const struct overlap_counts *o);

/* {boot, user, idle, interrupts_off, clusters, round_trips, interrupt_latency}; the sums are
 * checked against the clock, those of phases against their clusters. */
json_t *paths_json(const struct paths *p, const struct symbols *symbols);
/* The table of it, the most expensive clusters first. */
void paths_report(const json_t *paths, unsigned most, FILE *out);
/* Its columns for how long: instances, the commonest duration and its share, least, quantiles,
 * most; of the table's head where path is NULL. */
void paths_print_durations(const json_t *path, FILE *out);
/* Its further tables: durations, phases of paths of one name together, round trips, interrupts. */
void paths_report_durations(const json_t *paths, unsigned most, FILE *out);
void paths_report_phases(const json_t *paths, unsigned most, FILE *out);
void paths_report_trips(const json_t *paths, unsigned most, FILE *out);
void paths_report_latency(const json_t *paths, FILE *out);
/* CSV: a line a cluster; a line a duration of each. */
void paths_csv(const json_t *paths, FILE *out);
void paths_csv_durations(const json_t *paths, FILE *out);
