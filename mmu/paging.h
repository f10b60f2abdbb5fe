/* paging: the two-level walk of the P5, and who may use what it finds.
 *
 *     CR3          31..12 page directory            4 PCD  3 PWT
 *     PDE          31..12 page table    11..9 free  7 PS   5 A   4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *     PDE (4 MB)   31..22 page  21..12 reserved     7 PS 6 D 5 A  4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *     PTE          31..12 page          11..9 free       6 D 5 A  4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *
 * [SDM3 3.7, 4.11, 5.15]. An entry that has to get its A or D bit is updated by a locked cycle. */
#pragma once

#include "mmu/mmu.h"

enum {
    PTE_PRESENT = 1 << 0,
    PTE_WRITE = 1 << 1,
    PTE_USER = 1 << 2,
    PTE_THROUGH = 1 << 3,
    PTE_UNCACHED = 1 << 4,
    PTE_ACCESSED = 1 << 5,
    PTE_DIRTY = 1 << 6,
    PTE_LARGE = 1 << 7,
    PDE_LARGE_RESERVED = 0x003FF000,
};

enum { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_RESERVED = 8 };

/* A supervisor may write what is read-only unless CR0.WP is set; a user never. */
static inline bool paging_permits(const struct mmu *m, unsigned tlb_flags, bool write, bool user)
{
    if (user && !(tlb_flags & TLB_USER))
        return false;
    return !write || (tlb_flags & TLB_WRITE) || (!user && !m->write_protect);
}

static inline uint32_t paging_fault_code(bool write, bool user)
{
    return (write ? FAULT_WRITE : 0u) | (user ? FAULT_USER : 0u);
}

/* The page that holds a linear address. Large pages give the frame of their first 4 KB. */
struct translation {
    uint32_t page; /* physical page number */
    uint8_t flags; /* TLB_ flags */
};

/* Walks for an access (code: for the instruction TLB), sets A and D, logs what it read. False: a
 * page fault, fault_la and fault_code are set and the data page's bits are as they were. */
bool paging_walk(struct mmu *m, laddr_t la, bool write, bool user, bool code,
                 struct translation *t);

/* The same for an onlooker: no protection, no bits set, no log. */
bool paging_peek(const struct mmu *m, laddr_t la, struct translation *t);
