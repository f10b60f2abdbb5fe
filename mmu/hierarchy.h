/* hierarchy: what an access to one line of memory meets on a Pentium and its board.
 *
 *     L1D  write-back, no allocation on writes, MESI states [OPT97 2; MPR93]
 *     L1I  lines are S or I; a line is never in both first-level caches: a miss in one drops the
 *          other's copy, a modified one after writing it back (internal snoops, MEM: Pentium
 *          developer's manual). So a write that hits L1D need not look into L1I.
 *     L2   on the board, seen by every bus cycle that goes to memory: write-back, allocates on
 *          reads of whole lines only, neither includes nor excludes L1 [open-questions Q18]
 *     DRAM one open row per bank
 *
 * Each function takes a physical address of memory, changes tags and states in program order, and
 * gives the level that served it; *flags collects ACCESS_EVICT_DIRTY and the like. A line that is
 * displaced is written after the line that displaces it was read, from the copy-back buffer. */
#pragma once

#include "mmu/mmu.h"

/* attributes: TLB_UNCACHED (PCD) reads without allocating, TLB_THROUGH (PWT, ROM) keeps lines S. */
unsigned hierarchy_read(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);
unsigned hierarchy_write(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

/* Locked bus cycles: the first-level caches give the line up, and nothing allocates it. */
unsigned hierarchy_locked_read(struct mmu *m, paddr_t pa, unsigned *flags);
unsigned hierarchy_locked_write(struct mmu *m, paddr_t pa, unsigned *flags);

/* A page-table entry for the walker: from L1D if it is there, which may hold the only copy of it,
 * but not brought there on a miss (README.md of the facts, SOSP'97: a TLB miss costs 25 clocks). */
unsigned hierarchy_walk(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

unsigned hierarchy_fetch(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

/* CLFLUSH: every level gives the line up, modified ones after writing them back. */
void hierarchy_flush_line(struct mmu *m, paddr_t pa, unsigned *flags);

/* Empties both first-level caches. With write_back every modified line is told to the log. */
void hierarchy_flush(struct mmu *m, bool write_back);
