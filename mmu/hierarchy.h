/* hierarchy: what an access to one line of memory meets: caches, and the memory behind. Two kinds:
 *
 * hierarchy_p5, a Pentium and its board:
 *     L1D  write-back, no allocation on writes, MESI states [OPT97 2; MPR93]
 *     L1I  lines are S or I; a line is never in both first-level caches: a miss in one drops the
 *          other's copy, a modified one after writing it back (internal snoops, MEM: Pentium
 *          developer's manual). So a write that hits L1D need not look into L1I.
 *     L2   on the board, seen by every bus cycle that goes to memory: write-back, allocates on
 *          reads of whole lines only, neither includes nor excludes L1 [open-questions Q18]
 *     DRAM one open row per bank
 *
 * hierarchy_exclusive, a K7 or K8:
 *     L1D  write-back, allocates on writes too [25112 A.10]
 *     L1I  clean lines; a miss brings the next line as well [25112 A.5]; here, too, a line is in
 *          one first-level cache at most, and moves between them through L2 (an estimate)
 *     L2   holds what the first level gave up and nothing that it has: a hit moves the line up, and
 *          the line it displaces goes down, through the victim buffer [25112 A.16]; but what
 *          PREFETCHNTA brought from memory goes back there [25112 5.6: K8; K7 an estimate]
 *
 * Each function takes a physical address of memory, changes tags and states in program order, and
 * gives the level that served it; *flags collects ACCESS_EVICT_DIRTY and the like. A line that is
 * displaced is written after the line that displaces it was read, from the copy-back buffer. */
#pragma once

#include "mmu/mmu.h"

struct hierarchy {
    /* attributes: TLB_UNCACHED reads without allocating, TLB_THROUGH (PWT, ROM) keeps lines S. */
    unsigned (*read)(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);
    unsigned (*write)(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

    /* Locked: on the Pentium bus cycles, for which the first-level caches give the line up, and
     * nothing allocates it. */
    unsigned (*locked_read)(struct mmu *m, paddr_t pa, unsigned *flags);
    unsigned (*locked_write)(struct mmu *m, paddr_t pa, unsigned *flags);

    /* A page-table entry for the walker: from L1D if it is there, which may hold the only copy of
     * it, but not brought there on a miss (README.md of the facts, SOSP'97: a TLB miss costs 25
     * clocks). */
    unsigned (*walk)(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

    unsigned (*fetch)(struct mmu *m, paddr_t pa, unsigned attributes, unsigned *flags);

    /* A line into L1D by a prefetch instruction, told to the log as NOTE_LINE_PREFETCHED. NULL: the
     * part has none. */
    void (*prefetch)(struct mmu *m, paddr_t pa, unsigned attributes, enum mmu_prefetch how);

    /* CLFLUSH: every level gives the line up, modified ones after writing them back. */
    void (*flush_line)(struct mmu *m, paddr_t pa, unsigned *flags);

    /* INVD, and with write_back WBINVD: empties the processor's caches. What is written back is
     * told to the log: on the Pentium line by line, else as NOTE_CACHES_WRITTEN. */
    void (*flush)(struct mmu *m, bool write_back);
};

extern const struct hierarchy hierarchy_p5, hierarchy_exclusive;
