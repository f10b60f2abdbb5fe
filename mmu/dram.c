#include "mmu/dram.h"

#include "sim/core/check.h"

#include <stdlib.h>

static bool power_of_two(uint32_t v) { return v && !(v & (v - 1)); }

void dram_init(struct dram *d, struct dram_geometry g)
{
    CHECK(!g.row_bytes || power_of_two(g.row_bytes));
    CHECK(!g.banks || power_of_two(g.banks));
    d->row_shift = g.row_bytes ? (uint32_t)__builtin_ctz(g.row_bytes) : 31;
    d->banks = g.banks ? g.banks : 1;
    d->open_row = xalloc(d->banks, sizeof *d->open_row);
    dram_close(d);
}

void dram_free(struct dram *d)
{
    free(d->open_row);
    d->open_row = NULL;
}

void dram_close(struct dram *d)
{
    for (uint32_t i = 0; i < d->banks; i++)
        d->open_row[i] = UINT32_MAX;
}
