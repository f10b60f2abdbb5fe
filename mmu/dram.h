/* dram: which row each bank of the memory holds open, and so what an access finds.
 *
 * The rows of consecutive addresses go to the banks in turn. A row stays open until another one of
 * its bank is wanted; refresh is a matter of time, and so not known here. */
#pragma once

#include "mmu/mmu.h"

/* Row size and banks are powers of two; zeros make one bank of one row of everything. */
void dram_init(struct dram *d, struct dram_geometry g);
void dram_free(struct dram *d);
void dram_close(struct dram *d);

/* LEVEL_DRAM_HIT, LEVEL_DRAM_ROW or LEVEL_DRAM_MISS; leaves the row open. */
static inline enum access_level dram_access(struct dram *d, paddr_t pa)
{
    uint32_t row = pa >> d->row_shift;
    uint32_t *open = &d->open_row[row & (d->banks - 1)];
    uint32_t before = *open;
    *open = row;
    if (before == row)
        return LEVEL_DRAM_HIT;
    return before == UINT32_MAX ? LEVEL_DRAM_ROW : LEVEL_DRAM_MISS;
}
