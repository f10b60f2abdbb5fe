/* paging: the walk through two levels of tables, or with PAE three, and who may use what it finds.
 *
 *     CR3          31..12 page directory            4 PCD  3 PWT
 *     PDE          31..12 page table    11..9 free  7 PS   5 A   4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *     PDE (4 MB)   31..22 page  21..12 reserved     7 PS 6 D 5 A  4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *     PTE          31..12 page          11..9 free       6 D 5 A  4 PCD  3 PWT  2 U/S  1 R/W  0 P
 *
 * Later parts: 8 G of a leaf; PAT, bit 7 of a PTE and 12 of a large PDE; PSE-36, bits 20..13 of a
 * large PDE: physical address 39..32. With PAE entries have 64 bits, of which 51..12 are the
 * address and 63 is NX, four pointers are read when CR3 is loaded, and a large page is of 2 MB:
 *
 *     CR3          31..5 pointers                   4 PCD  3 PWT
 *     PDPTE        .. 12 page directory             8..5 0 4 PCD  3 PWT  2..1 0             0 P
 *
 * [SDM3 3.7, 3.8, 4.11, 5.15]. An entry that has to get A or D is updated by a locked cycle. */
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
    PTE_PAT = 1 << 7,
    PTE_GLOBAL = 1 << 8,
    PDE_LARGE_PAT = 1 << 12,
    PDPTE_RESERVED = 0x1E6,
};
#define PTE_NO_CODE (1ull << 63)
#define PTE_ADDRESS 0x000FFFFFFFFFF000ull

enum {
    FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_RESERVED = 8, FAULT_CODE = 16,
};

/* A supervisor may write what is read-only unless CR0.WP is set; a user never. */
static inline bool paging_permits(const struct mmu *m, unsigned tlb_flags, bool write, bool user)
{
    if (user && !(tlb_flags & TLB_USER))
        return false;
    return !write || (tlb_flags & TLB_WRITE) || (!user && !m->write_protect);
}

/* ... and code is not fetched from NX pages. */
static inline bool paging_permits_code(const struct mmu *m, unsigned tlb_flags, bool user)
{
    return paging_permits(m, tlb_flags, false, user) && !(tlb_flags & TLB_NO_CODE);
}

static inline uint32_t paging_fault_code(bool write, bool user)
{
    return (write ? FAULT_WRITE : 0u) | (user ? FAULT_USER : 0u);
}

/* Of a fetch: it is told apart from a read only where NX is in force [SDM3 5.15]. */
static inline uint32_t paging_code_fault(const struct mmu *m, bool user)
{
    return paging_fault_code(false, user) | (m->no_execute ? FAULT_CODE : 0u);
}

/* The page that holds a linear address. Large pages give the frame of the first 4 KB of what one
 * entry of a TLB for them covers. */
struct translation {
    uint32_t page;  /* physical page number */
    uint16_t flags; /* TLB_ flags */
    bool mixed;     /* a large page whose parts the MTRRs give several types: held as 4 KB pages */
};

/* Walks for an access (code: for the instruction TLB), sets A and D, logs what it read. False: a
 * page fault, fault_la and fault_code are set and the data page's bits are as they were. */
bool paging_walk(struct mmu *m, laddr_t la, bool write, bool user, bool code,
                 struct translation *t);

/* The same for an onlooker: no protection, no bits set, no log. */
bool paging_peek(const struct mmu *m, laddr_t la, struct translation *t);
/* The same from another CR3, and where the entries are that a walk reads: one, or two, their
 * number. 0: the page is not there. With PAE the directory pointers are the present ones. */
unsigned paging_trace(const struct mmu *m, uint32_t cr3, laddr_t la, struct translation *t,
                      paddr_t at[2]);
