/* overlap: what a kernel path does to the working set of the program that it interrupts.
 *
 * A program has in use: the lines of the first-level caches that its own instructions (privilege 3)
 * fetched or accessed, and no other program's since; and the entries of the TLBs that page walks of
 * programs made (of small spaces in one directory: of all of them). Counted when it is interrupted.
 *
 * Of these, a path shares the lines that it hits itself, each once; and it displaces the lines and
 * entries that are gone when it ends: by its fills, by a flush of the TLBs, by the Pentium's rule
 * that a line is in one first-level cache only. What the interrupted program has to fetch again is
 * what was displaced, whoever runs next.
 *
 * The caches are looked at, not simulated again: their tags are compared with those of a moment
 * before wherever the log tells of a miss. */
#pragma once

#include "cpu/cpu.h"

#define OVERLAP_WAYS 8

enum overlap_kind {
    OVERLAP_CODE, OVERLAP_DATA, OVERLAP_ITLB, OVERLAP_DTLB, OVERLAP_KINDS
};
extern const char *const overlap_names[OVERLAP_KINDS];

struct overlap_counts {
    uint32_t used[OVERLAP_KINDS];      /* in use when the path began */
    uint32_t shared[OVERLAP_KINDS];    /* TLBs: not told apart, 0 */
    uint32_t displaced[OVERLAP_KINDS];
};

/* A cache's tags as they were, and who used each line last. */
struct overlap_cache {
    const struct cache *cache;
    uint32_t *tag, *owner; /* owner: space + 1; 0: no program since it was filled */
    uint32_t *shared;      /* the instance that has counted the line as shared */
    uint32_t *used;        /* lines in use, by space */
};

struct overlap_tlb {
    const struct tlb *tlb;
    uint32_t tag[TLB_ENTRIES_MAX]; /* TLB_INVALID: none */
    bool of_program[TLB_ENTRIES_MAX];
    uint32_t used;
};

struct overlap {
    struct overlap_cache cache[2]; /* OVERLAP_CODE, OVERLAP_DATA */
    struct overlap_tlb tlb[3];     /* ITLB, DTLB, DTLB of large pages */
    uint32_t spaces;               /* that `used` has room for */
    struct overlap_counts now;     /* of the open instance */
    uint32_t instance;             /* number of it; 0: none is open */
    uint32_t instances, victim;    /* victim: the interrupted space */
};

void overlap_init(struct overlap *o, const struct cpu *c);
void overlap_free(struct overlap *o);

/* A program's accesses. One that hits the first level and was told before, since the last crossing
 * of privileges, need not be told again; here and of the kernel. */
void overlap_user(struct overlap *o, uint32_t space, const struct access *const *list,
                  uint32_t count);
/* Privilege 0's, of an open instance or outside of one. */
void overlap_kernel(struct overlap *o, const struct access *const *list, uint32_t count);
/* Not everything was told, while no program had run yet: the caches are as they are now. */
void overlap_look_anew(struct overlap *o);
/* The TLBs were emptied, or an entry of them was; the caches, too. */
void overlap_flush(struct overlap *o, bool caches);

void overlap_begin(struct overlap *o, uint32_t victim);
/* Closes the instance; o->now has its counts. */
void overlap_end(struct overlap *o);
