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

/* The frame, or the first of the 1024, that n maps. */
static inline paddr_t mapping_frame(const struct mapping *n)
{
    return *n->entry & ~(mapping_size(n) - 1);
}

/* A and D, two neighbouring bits of an entry, as the rights that were used. */
static inline word_t mapping_uses(pte_t entry)
{
    word_t used = entry / PTE_A & (RIGHT_X | RIGHT_W);
    return used ? used | RIGHT_R : 0;
}

/* Those whom n's page came from get to know what it was used for. */
static inline void mapping_tell_above(const struct mapping *n, word_t seen)
{
    for (struct mapping *p = n->parent; p; p = p->parent)
        p->va |= seen << MAPPING_STATUS;
}

/* The last node of n's run; n itself if nothing is derived from it. */
struct mapping *mapping_run_last(struct mapping *n);
/* Is n derived from `above`, over however many steps? */
bool mapping_derives(const struct mapping *n, const struct mapping *above);

/* The TLB forgets s's page at va. That of a large space that is not active is not in it. */
static inline void mapping_flush(struct space *s, vaddr_t va)
{
    if (s == kernel.active_space || kernel.small_spaces)
        tlb_flush_page(s, va);
}

/* The node n becomes one below parent (NULL: sigma0) for `va` of `to`, whose entry becomes `value`.
 * The caller flushes. */
static inline void mapping_link(struct mapping *n, struct mapping *parent, struct space *to,
                                vaddr_t va, pte_t *entry, pte_t value)
{
    struct mapping **from = parent ? &parent->next : &region_of(value)->first;
    struct mapping *next = *from;
    *from = n;
    n->next = next;
    n->prev = parent;
    n->parent = parent;
    n->space = to;
    n->depth = parent ? parent->depth + 1 : 1;
    n->va = va | (value & PTE_S ? MAPPING_LARGE : 0);
    n->entry = entry;
    *entry = value;
    *page_node(entry) = n;
    if (next)
        next->prev = n;
}

/* A new node like that. False: memory ran out. */
bool mapping_insert(struct mapping *parent, struct space *to, vaddr_t va, pte_t *entry,
                    pte_t value);

/* The node gets another owner, with everything derived from it: its old entry is cleared. */
void mapping_move(struct mapping *n, struct space *to, vaddr_t va, pte_t *entry, pte_t value);

/* Takes these rights from all that is derived from n, and from n too if `self`. A page without R
 * cannot exist on IA-32, so R takes the page away; X cannot be told from R and alone takes nothing.
 * Returns what n's run was used for since its entries were last looked at, and adds it to the
 * status of all whom that concerns: the nodes in the run and those above. */
word_t mapping_revoke(struct mapping *n, word_t rights, bool self);

/* Takes n away alone: what was derived from it is now derived from what n was derived from. */
void mapping_dissolve(struct mapping *n);

/* Makes 4 KB mappings of n, a 4 MB one, and of all 4 MB ones derived from it. False: no memory, and
 * nothing has changed. */
bool mapping_split(struct mapping *n);

/* What sigma0 has mapped of the frames from first to last, in one region: the first such node, n
 * itself or one behind it in the list; NULL: there is none. A 4 MB one that they are a part of is
 * split, and all are looked at anew; where there is no memory for that, it is taken whole. */
struct mapping *mapping_owned(struct mapping *n, paddr_t first, paddr_t last);

/* How sigma0 had this frame cached: PWT and PCD. */
pte_t region_cache(paddr_t frame);

/* The addresses of an fpage, both ends included. False: there are none, or it is no memory (I/O).
 * Sizes below a page count as a page. */
bool fpage_range(fpage_t f, word_t *first, word_t *last);
