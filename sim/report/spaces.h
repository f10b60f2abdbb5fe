/* spaces: whose cycles these are.
 *
 * A space is a page directory and a base of the user's code segment, from a birth on: small spaces
 * share a directory and differ in their base; a directory whose user half was replaced, as when its
 * frame was freed and used again, is born anew. While the kernel runs the space is the one that it
 * was entered from: the kernel's own half belongs to nobody. */
#pragma once

#include "sim/report/watch.h"

#define SPACE_KERNEL 0 /* before the first program runs */

struct space {
    uint32_t cr3, base;
    cycle_t born;     /* when its first instruction ran */
    bool written;     /* its directory may have changed since the last look at it */
    uint32_t *tables; /* frames behind the user's directory entries at that look */
    uint32_t table_count;
};

struct spaces {
    const struct cpu *cpu;
    struct space *list; /* [0] is SPACE_KERNEL */
    uint32_t count, capacity;
    uint32_t now;            /* the space that runs, or that the kernel was entered from */
    uint8_t *is_directory;   /* by frame of physical memory */
    uint32_t frame_count;
};

/* Add it before the observers that ask for `now`: they are told in the order they were added, and
 * it is up to date for the instruction that they are told of. */
void spaces_start(struct spaces *s, struct watch *h, struct cpu *c);
void spaces_free(struct spaces *s, struct watch *h);
