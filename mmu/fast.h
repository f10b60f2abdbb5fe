/* fast: making and forgetting entries of the fast path (mmu/access.h) and of the loop's fetch.
 *
 * A fast entry says what a hit of one TLB entry would give and do. It exists only while that TLB
 * entry is resident and unchanged, so that it may be forgotten at any time without a trace; whoever
 * displaces or changes a TLB entry forgets what was derived from it. Without paging, entries map
 * linear pages to themselves and touch no TLB. */
#pragma once

#include "mmu/mmu.h"
#include "mmu/plru.h"

/* Translation's outcome for one page's part of an access. */
struct target {
    uint8_t *host; /* NULL: a device or open bus */
    paddr_t pa;
    uint16_t attributes; /* TLB_ATTRIBUTES */
    bool writable;      /* at this privilege, and already dirty */
    bool fast;          /* a fast entry said so: there is nothing to fill */
    uint8_t *plru;
    struct plru_effect effect;
};

/* Matches no access: the lookup compares the page and at most the three lowest bits, which an
 * aligned access has clear; a tag of 1 would match an odd word in page 0. */
enum { FAST_NEVER = 8 };

static inline unsigned fast_slot(laddr_t la) { return (la >> 12) & (FAST_COUNT - 1); }

void fast_init(struct mmu *m);
/* Recomputes fast_enabled and forgets everything. */
void fast_update(struct mmu *m);

/* Nothing is made where the bus must be asked. A write may use the entry only if nothing is left to
 * do for it: no D bit to set, no decoded code to tell, no ROM. */
void fast_fill_data(struct mmu *m, laddr_t la, bool user, const struct target *t);
void fast_fill_code(struct mmu *m, laddr_t la, paddr_t pa, uint8_t *plru,
                    struct plru_effect effect);

void fast_forget_data(struct mmu *m);
void fast_forget_code(struct mmu *m);
/* page: the linear address of a 4 KB page. */
void fast_forget_data_page(struct mmu *m, laddr_t page);
void fast_forget_code_page(struct mmu *m, laddr_t page);
/* unit: a linear address >> large_shift. */
void fast_forget_data_region(struct mmu *m, uint32_t unit);
void fast_forget_code_region(struct mmu *m, uint32_t unit);
