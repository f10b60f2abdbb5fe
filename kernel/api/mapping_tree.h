/* mapping_tree.h: the lists of mappings themselves, between mapping.c, unmap.c, memory_control.c
 * and the debugger. Every function here leaves entry and node of a page in agreement and the TLB
 * flushed. */
#pragma once

#include "api/mapping.h"
#include "arch/arch.h"
#include "state.h"

#define ALL_RIGHTS (RIGHT_R | RIGHT_W | RIGHT_X)
#define PTE_CACHE  (PTE_PWT | PTE_PCD)
#define FRAMES_PER_LARGE (LARGE_PAGE_SIZE / PAGE_SIZE)

/* The page table that a directory entry names, and where an address is in it. */
static inline pte_t *table_of(pte_t entry)
{
    return direct(entry & ~(PAGE_SIZE - 1));
}

static inline word_t page_index(vaddr_t va)
{
    return va / PAGE_SIZE % FRAMES_PER_LARGE;
}

/* What a space has at an address. */
struct held {
    pte_t *entry;
    struct mapping *node; /* NULL: sigma0's own or the kernel's */
    paddr_t frame;        /* the 4 KB one at that address */
    bool large;
};
bool held_at(struct space *s, vaddr_t va, struct held *h); /* false: nothing */

static inline struct mapping_region *region_of(paddr_t pa)
{
    return &kernel.regions[pa / LARGE_PAGE_SIZE];
}

static inline word_t mapping_size(const struct mapping *n)
{
    return n->va & MAPPING_LARGE ? LARGE_PAGE_SIZE : PAGE_SIZE;
}

static inline word_t mapping_status(const struct mapping *n)
{
    return n->va >> MAPPING_STATUS & ALL_RIGHTS;
}

/* The entry that belongs to n, and the frame, or the first of the 1024, that it maps. */
static inline pte_t *mapping_entry(const struct mapping *n)
{
    pte_t *slot = &directory_of(n->space)[n->va / LARGE_PAGE_SIZE];
    return n->va & MAPPING_LARGE ? slot : &table_of(*slot)[page_index(n->va)];
}

static inline paddr_t mapping_frame(const struct mapping *n)
{
    return *mapping_entry(n) & ~(mapping_size(n) - 1);
}

/* The last node of n's run; n itself if nothing is derived from it. */
struct mapping *mapping_run_last(struct mapping *n);
/* Is n derived from `above`, over however many steps? */
bool mapping_derives(const struct mapping *n, const struct mapping *above);

/* A new node below parent (NULL: sigma0) for `va` of `to`, whose entry becomes `value`. False:
 * memory, or the 65535 levels that a depth can count, ran out. */
bool mapping_insert(struct mapping *parent, struct space *to, vaddr_t va, pte_t *entry,
                    pte_t value);

/* The node gets another owner, with everything derived from it: its old entry is cleared. */
void mapping_move(struct mapping *n, struct space *to, vaddr_t va, pte_t *entry, pte_t value);

/* Takes these rights from all that is derived from n, and from n too if `self`. A page without R
 * cannot exist on IA-32, so R takes the page away; X cannot be told from R and alone takes nothing.
 * Returns what n's run was used for since its entries were last looked at, and adds it to the
 * status of all whom that concerns: the nodes in the run and those above. */
word_t mapping_revoke(struct mapping *n, word_t rights, bool self);
static inline bool revocation_removes(word_t rights)
{
    return rights & RIGHT_R;
}

/* Takes n away alone: what was derived from it is now derived from what n was derived from. */
void mapping_dissolve(struct mapping *n);

/* Makes 4 KB mappings of n, a 4 MB one, and of all 4 MB ones derived from it. False: no memory, and
 * nothing has changed. */
bool mapping_split(struct mapping *n);

/* How sigma0 had this frame cached: PWT and PCD. */
pte_t region_cache(paddr_t frame);

/* The addresses of an fpage, both ends included. False: there are none, or it is no memory (I/O).
 * Sizes below a page count as a page. */
bool fpage_range(fpage_t f, word_t *first, word_t *last);
