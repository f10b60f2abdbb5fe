/* profile: kernel paths, instruction by instruction.
 *
 * For each cluster of paths.h: every instruction that its instances ran, in the order in which they
 * first ran it; how often, for how many cycles and why, where, and paired how often. The
 * cycles of a cluster's instructions sum to the cluster's cycles, and so does each cause.
 *
 * An instruction is its address and the phase that it runs in: the first of an instance is the
 * entry, the last the exit, an interrupt inside is `nested`, the rest is `kernel`. Entries are
 * mostly instructions of programs, which may have their own at one address: the space tells them
 * apart.
 *
 * What is kept is bounded: when there is more than PROFILE_ROWS of it, the clusters that cost least
 * lose theirs and get no other; the document sums them as the rest. */
#pragma once

#include "sim/report/paths.h"
#include "sim/report/symbols.h"
#include "sim/report/units.h"
#include "sim/report/watch.h"

#include <jansson.h>

#define PROFILE_ROWS (1u << 20)        /* kept, of all clusters */
#define PROFILE_ROWS_WRITTEN (1u << 16) /* in the document, of the clusters that cost most */

enum profile_phase {
    PROFILE_ENTRY, PROFILE_KERNEL, PROFILE_NESTED, PROFILE_EXIT, PROFILE_PHASES
};
extern const char *const profile_phase_names[PROFILE_PHASES];

/* What there is to know about an instruction that ran, but its cost. */
struct profile_code {
    laddr_t la;
    uint32_t cr3;    /* of a program's instruction; 0: the kernel's */
    uint8_t phase;   /* enum profile_phase */
    bool delivery;   /* no instruction: an interrupt or exception was delivered here */
    uint8_t length;
    uint8_t bytes[15];
    uint32_t follower; /* what ran after it last time: mostly it does again */
    uint32_t chain;    /* the next one in its bucket, +1 */
};

struct profile_cell {
    uint32_t next; /* +1; 0: the last one */
    uint32_t cause;
    uint64_t cycles;
};

struct profile_row {
    uint32_t code;
    uint32_t cells; /* first of its causes, +1 */
    uint64_t executions, cycles;
    uint64_t u, v, paired; /* paired: issued together with the one before it */
    units_t units;         /* out of order, where all are counted in u */
};

/* The instructions of one instance, or of a cluster. */
struct profile_rows {
    struct profile_row *list;
    uint32_t count, capacity;
    struct profile_cell *cell;
    uint32_t cell_count, cell_capacity;
    bool dropped; /* it cost too little to keep */
};

/* Where in a list of rows a code stands. */
struct profile_index {
    uint32_t generation, row;
};

struct profile {
    struct cpu *cpu;
    struct paths *paths;
    struct profile_code *code;
    uint32_t code_count, code_capacity;
    uint32_t *bucket; /* hash table of indices into code, +1 */
    uint32_t bucket_count;
    struct profile_index *in_instance, *in_cluster; /* by code */
    uint32_t instance_generation, cluster_generation;
    struct profile_rows instance;
    struct profile_rows *cluster; /* by index of the cluster in paths */
    uint32_t cluster_count;
    uint32_t rows_kept, rows_most; /* of all clusters; rows_most is PROFILE_ROWS but in a test */
    uint64_t pending[CAUSE_COUNT];
    uint64_t pending_causes;   /* a mask of those that are not 0 */
    uint32_t paths_generation; /* of the instance that runs */
    uint32_t last_code;
    uint32_t ended; /* the cluster of an instance that has just ended, +1 */
    bool nested;
    uint8_t last_cpl;
    laddr_t last_cs_base;
};

/* Begin after the paths, and with them. */
void profile_start(struct profile *p, struct paths *paths, struct watch *h, struct cpu *c);
void profile_free(struct profile *p, struct watch *h);

/* The clusters of the paths by what they cost, the dearest first; the caller frees it. */
uint32_t *profile_order(const struct profile *p);

/* {cycles, code: [{address, bytes, kind, phase, symbol, instruction, source}], clusters: [{cluster,
 *  count, cycles, instructions: [{code, executions, cycles, u, v, paired, causes, units}]}], rest:
 *  {clusters, count, cycles}}; cluster is an index into the clusters of paths_json, source is
 *  missing where no table of lines has it, units (units.h) on in-order parts. The sums are
 *  checked. */
json_t *profile_json(const struct profile *p, struct symbols *symbols);
