/* filter: the K8's TLB flush filter: a write to CR3 keeps TLB entries unless a table that they came
 * from was written [25112 A.9].
 *
 * Entries carry the number of the space they belong to, above their tag. The filter remembers the
 * values of CR3 that it has numbers for, and the pages of tables that were walked; a store into one
 * of them, or one page or space too many, and the next write to CR3 empties the TLBs of all but
 * global pages. How many of each is an estimate; the manual speaks of a memory of 32 entries. */
#pragma once

#include "mmu/mmu.h"

/* A walk has read an entry of this page. */
void filter_track(struct mmu *m, paddr_t pa);
/* CR3 was written: whether the TLBs may keep what they hold. The space is the new one then. */
bool filter_keeps(struct mmu *m, uint32_t cr3);
/* The TLBs are empty. */
void filter_clear(struct mmu *m);
/* After loading a snapshot: the pages' marks. */
void filter_mark(struct mmu *m);
