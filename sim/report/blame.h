/* blame: what made each miss of a cache or TLB one, and whose doing it was.
 *
 * Every removal from a cache or TLB follows from what the access log says (an access that displaced
 * something, a write to CR3 ...), so that mirrors of the arrays, kept by going through the log once
 * more, know who removed what. The sets that an instruction's misses touched are compared with the
 * real ones for every 16th such instruction; from time to time, and at the end, all sets are.
 *
 *   compulsory  the line, or the translation, was never referenced before
 *   flush       its last removal was a write to CR3, INVLPG, a page fault, INVD, CLFLUSH, a reset
 *   coherence   it was given up to the other first-level cache, or to a locked cycle
 *   conflict    it was replaced, and would still be in a fully associative LRU array of the size
 *   capacity    it was replaced, and would not
 *
 * and, where nothing was removed: unheld, dirty, fault (blame_cells.h). The fully associative array
 * sees the same references and allocates as the real one does, but nothing flushes it: it is only
 * asked about what was replaced.
 *
 * The cycles of a miss are those that the model charged to the instruction for its class, divided
 * among the misses of that class in whole cycles, the earlier ones taking what is left over. They
 * belong to the outermost array that was missed: a line from memory costs at `l2`, not once more at
 * `l1d`. Accesses of the page walker cost at the TLB. Writes go to buffers and cost nothing here.
 * So the cycles of all cells are exactly those of data.l2, data.dram, fetch.l2, fetch.dram and
 * tlb.* in the ledger. */
#pragma once

#include "sim/report/blame_cells.h"
#include "sim/report/json_lines.h"
#include "sim/report/mirror.h"
#include "sim/report/shadow.h"
#include "sim/report/spaces.h"
#include "sim/report/symbols.h"
#include "sim/report/watch.h"

#include <jansson.h>
#include <stdio.h>

enum blame_mirror { MIRROR_L1I, MIRROR_L1D, MIRROR_L2, MIRROR_ITLB, MIRROR_DTLB, MIRROR_LARGE,
                    MIRROR_CODE_LARGE, MIRROR_ITLB2, MIRROR_DTLB2, MIRRORS };

/* Whose cycles are divided together; BUCKET_NONE: cycles that are no miss's, misses without. */
enum blame_bucket {
    BUCKET_NONE, BUCKET_DATA_L2, BUCKET_DATA_DRAM, BUCKET_FETCH_L2, BUCKET_FETCH_DRAM, BUCKET_ITLB,
    BUCKET_DTLB, BUCKET_UPDATE, BUCKETS,
};

struct blame_miss {
    uint8_t array, kind, bucket;
    bool updates; /* its walk set A or D: has a share of BUCKET_UPDATE too */
    uint32_t caused;
    uint64_t cycles;
    uint32_t line, also; /* exclusive caches: the line that came for it, one that came unasked */
};

/* A line that is on its way, or has come: whose miss it was, as a cell. */
struct blame_flight {
    uint32_t line, cell;
};
#define BLAME_FLIGHTS 16 /* twice as many as the K8 has at a time */

/* Where a page was found lately. */
struct blame_near {
    uint32_t page, generation, record;
    struct mirror *mirror;
    uint8_t *lru;             /* of its set in the mirror ... */
    const uint8_t *real_lru;  /* ... and in the TLB */
};

#define BLAME_NEAR 64   /* a power of two */
#define BLAME_LATELY 64 /* a power of two */

struct blame {
    const struct cpu *cpu;
    const struct watch *watch;
    const struct spaces *spaces; /* NULL: everything is in space 0 */
    struct mirror mirror[MIRRORS];
    struct record *lines; /* records of the data cache and L2, those of one line side by side */
    struct record *code_lines;
    uint32_t line_bits;
    struct blame_near near_code[BLAME_NEAR], near_data[BLAME_NEAR];
    uint32_t generation; /* changes when a TLB's contents do */
    uint32_t code_page, data_page; /* touched last; MIRROR_NONE after a change */
    bool paging, caches_off; /* when the log begins */
    bool flushes; /* the log that is gone through empties the TLBs */
    bool translated; /* it changes what the TLBs hold ... */
    bool dropped;    /* ... in sets that it does not name */
    uint32_t walks, walked_in, walked_set; /* that filled; the last one's array and set */

    const uint64_t *who_row; /* `who` is for this row of the ledger and this space, ... */
    uint32_t who_space, who;
    struct {
        const uint64_t *row;
        uint32_t space, who;
    } lately[BLAME_LATELY]; /* ... and so were these, by place */

    struct blame_miss *miss; /* of the log that is being looked at */
    uint32_t misses;
    uint32_t sharers[BUCKETS]; /* of those, by bucket */
    uint64_t pending[BUCKETS]; /* charged, not yet divided ... */
    uint32_t owed;             /* ... a bit for each bucket that has some */
    uint64_t total[BUCKETS];   /* charged since counting began */
    struct blame_copy *copy; /* exclusive caches: blame_exclusive.c; else NULL */
    struct blame_flight flight[BLAME_FLIGHTS];
    uint32_t flights;
    uint8_t no_lru;
    uint32_t newest[BUCKETS]; /* the cell of the last miss of a class, +1 */
    uint64_t logs;             /* with misses, so far: every so many, all is compared */
    uint64_t adopted;          /* TLB entries whose place was learnt from the TLB */
    cycle_t since;
    struct blame_cells cells;
};

/* Where the cycles of a cause belong. Out of order they may be charged to an instruction that has
 * no such miss: it waits for a line on its way. Then they are those of the miss that asked for the
 * line, or of the last one of the class. */
enum blame_bucket blame_bucket_of(enum cause cause);

/* spaces: started before it, so that it knows of each instruction first; or NULL. */
void blame_start(struct blame *b, const struct spaces *spaces, struct watch *h, struct cpu *c);
void blame_free(struct blame *b, struct watch *h);
/* Counting begins anew; what is in the arrays and who removed the rest stays known. */
void blame_restart(struct blame *b);
/* The machine was reset: everything is empty. */
void blame_reset(struct blame *b);
/* Counts what waits to be counted: before cells are read. CHECKs that the mirrors are the arrays
 * and that the cells sum to what was charged. */
void blame_verify(struct blame *b);

/* {since, cycles, arrays, matrix, pairs, flushes}: see blame_report.c. Calls blame_verify. later:
 * NULL, or set to the rows of the matrix, which is empty then. */
struct blame_matrix;
json_t *blame_json(struct blame *b, const struct symbols *symbols, struct blame_matrix **later);
const struct json_rows *blame_matrix_rows(const struct blame_matrix *m);
void blame_matrix_free(struct blame_matrix *m);
/* usage_error naming the file unless the object is such a section, and its sums are equal and those
 * of the ledger's causes. */
void blame_check(const json_t *blame, const json_t *causes, const char *path);
void blame_report(const json_t *blame, unsigned most, FILE *out);
/* Every cell of the matrix as CSV below a line of titles. */
void blame_csv(const json_t *blame, FILE *out);

/* --- for blame_log.c -------------------------------------------------------------------------- */

/* Goes through a log in which something missed or was removed. */
void blame_replay(struct blame *b, const struct cpu *c, const struct op *o);
/* The same, faster, for most of them (blame_plain.c). False: not for this; nothing has happened. */
bool blame_replay_plain(struct blame *b, const struct access *a, const struct access *end);
/* Compares every array with its mirror (CHECK); the sets of a log. */
void blame_compare(const struct blame *b);
void blame_compare_lines(const struct blame *b, const struct access *a, const struct access *end);
/* For blame_who_runs: somebody else runs now. */
NOINLINE void blame_find_who(struct blame *b, uint32_t space);
/* Who runs; one who does a deed, once more. */
static inline uint32_t blame_who_runs(struct blame *b)
{
    uint32_t space = b->spaces ? b->spaces->now : 0;
    if (UNLIKELY(b->cpu->ledger->row != b->who_row) || UNLIKELY(space != b->who_space))
        blame_find_who(b, space);
    return b->who;
}
uint32_t blame_doer(struct blame *b, const struct cpu *c, const struct op *o, enum blame_deed deed);
/* Adds a miss of the log that is gone through. */
struct blame_miss *blame_add_miss(struct blame *b, enum blame_array array, enum blame_kind kind,
                                  enum blame_bucket bucket);
struct blame_miss *blame_missed_line(struct blame *b, enum blame_mirror i, enum blame_array array,
                                     uint32_t line, enum blame_bucket bucket);
/* `unit` is the line's number, or the page's. */
NOINLINE struct blame_miss *blame_missed_record(struct blame *b, struct mirror *m,
                                                enum blame_array array, uint32_t unit,
                                                uint32_t record, enum blame_bucket bucket);
const struct tlb *blame_tlb(const struct blame *b, enum blame_mirror i);
const struct cache *blame_cache(const struct blame *b, enum blame_mirror i);
/* --- for blame_exclusive.c -------------------------------------------------------------------- */

/* Behind the mirrors; nothing, if the part's caches are not exclusive. */
void blame_copy_start(struct blame *b);
void blame_copy_free(struct blame *b);
void blame_copy_reset(struct blame *b);
/* As blame_replay. */
void blame_copy_replay(struct blame *b, const struct cpu *c, const struct op *o);
/* What the TLBs hold now. */
void blame_copy_learn(struct blame *b);
/* The first-level TLB that has the page, and the record there. */
bool blame_copy_find(const struct blame *b, uint32_t page, bool code, struct mirror **m,
                     uint32_t *record);

/* Some TLB's contents have changed. */
static inline void blame_forget(struct blame *b)
{
    b->generation++;
    b->code_page = b->data_page = MIRROR_NONE;
}
