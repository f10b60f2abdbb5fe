#include "mmu/paging.h"

#include "mmu/access.h"
#include "mmu/hierarchy.h"
#include "mmu/physical.h"

/* The cacheability that an entry (or CR3) gives to what it points at. */
static unsigned attributes_of(uint32_t entry)
{
    return (entry & PTE_UNCACHED ? TLB_UNCACHED : 0u) | (entry & PTE_THROUGH ? TLB_THROUGH : 0u);
}

static uint8_t flags_of(uint32_t entry)
{
    return (uint8_t)((entry & PTE_USER ? TLB_USER : 0u) | (entry & PTE_WRITE ? TLB_WRITE : 0u) |
                     (entry & PTE_DIRTY ? TLB_DIRTY : 0u) | attributes_of(entry));
}

static uint32_t read_entry(struct mmu *m, laddr_t la, paddr_t pa, unsigned attributes, bool code)
{
    const uint8_t *host = physical_host(&m->phys, pa);
    if (m->timed) {
        unsigned flags = code ? ACCESS_CODE_SIDE : 0;
        unsigned level = host ? hierarchy_walk(m, pa, attributes, &flags) : LEVEL_DEVICE;
        access_log_put(m, la, pa, ACCESS_WALK, level, flags, 4);
    }
    return (uint32_t)physical_load(m, host, pa, 4);
}

/* Sets A or D by a locked read and write on the bus [geometry.md 1.3]. */
static void update_entry(struct mmu *m, laddr_t la, paddr_t pa, uint32_t entry, bool code)
{
    uint8_t *host = physical_host(&m->phys, pa);
    if (m->timed) {
        unsigned flags = ACCESS_LOCKED | (code ? ACCESS_CODE_SIDE : 0u);
        unsigned level = LEVEL_DEVICE;
        if (host) {
            level = hierarchy_locked_read(m, pa, &flags);
            hierarchy_locked_write(m, pa, &flags);
        }
        access_log_put(m, la, pa, ACCESS_UPDATE, level, flags, 4);
    }
    physical_store(m, host, pa, 4, entry);
}

static bool fault(struct mmu *m, laddr_t la, uint32_t code)
{
    m->fault_la = la;
    m->fault_code = code;
    return false;
}

/* Checks a leaf, sets its A and, for a write, its D. */
static bool use_leaf(struct mmu *m, laddr_t la, bool write, bool user, bool code, paddr_t pa,
                     uint32_t *entry, const struct translation *t)
{
    if (!paging_permits(m, t->flags, write, user))
        return fault(m, la, paging_fault_code(write, user) | FAULT_PRESENT);
    uint32_t wanted = PTE_ACCESSED | (write ? PTE_DIRTY : 0u);
    if ((*entry & wanted) != wanted) {
        *entry |= wanted;
        update_entry(m, la, pa, *entry, code);
    }
    return true;
}

/* The frame of la within a 4 MB page, so that a split entry and a whole one start alike. */
static void large_translation(uint32_t pde, struct translation *t)
{
    t->page = (pde & 0xFFC00000u) >> 12;
    t->flags = flags_of(pde) | TLB_LARGE;
}

/* Rights are those that both levels grant [SDM3 4.11.3]; the page's own PCD, PWT and D count. */
static void small_translation(uint32_t pde, uint32_t pte, struct translation *t)
{
    uint8_t directory = flags_of(pde) | (uint8_t) ~(TLB_USER | TLB_WRITE);
    t->page = pte >> 12;
    t->flags = flags_of(pte) & directory;
}

bool paging_walk(struct mmu *m, laddr_t la, bool write, bool user, bool code, struct translation *t)
{
    uint32_t missing = paging_fault_code(write, user);
    paddr_t pde_pa = ((m->cr3 & PAGE_ADDRESS) | (la >> 20 & 0xFFC)) & m->a20_mask;
    uint32_t pde = read_entry(m, la, pde_pa, attributes_of(m->cr3), code);
    if (!(pde & PTE_PRESENT))
        return fault(m, la, missing);
    if (m->large_enabled && (pde & PTE_LARGE)) {
        if (pde & PDE_LARGE_RESERVED)
            return fault(m, la, missing | FAULT_PRESENT | FAULT_RESERVED);
        large_translation(pde, t);
        if (!use_leaf(m, la, write, user, code, pde_pa, &pde, t))
            return false;
        large_translation(pde, t);
        return true;
    }
    if (!(pde & PTE_ACCESSED)) {
        pde |= PTE_ACCESSED;
        update_entry(m, la, pde_pa, pde, code);
    }
    paddr_t pte_pa = ((pde & PAGE_ADDRESS) | (la >> 10 & 0xFFC)) & m->a20_mask;
    uint32_t pte = read_entry(m, la, pte_pa, attributes_of(pde), code);
    if (!(pte & PTE_PRESENT))
        return fault(m, la, missing);
    small_translation(pde, pte, t);
    if (!use_leaf(m, la, write, user, code, pte_pa, &pte, t))
        return false;
    small_translation(pde, pte, t);
    return true;
}

static bool peek_entry(const struct mmu *m, paddr_t pa, uint32_t *entry)
{
    return phys_read(&m->phys, pa & m->a20_mask, entry, 4) && (*entry & PTE_PRESENT);
}

bool paging_peek(const struct mmu *m, laddr_t la, struct translation *t)
{
    uint32_t pde, pte;
    if (!peek_entry(m, (m->cr3 & PAGE_ADDRESS) | (la >> 20 & 0xFFC), &pde))
        return false;
    if (m->large_enabled && (pde & PTE_LARGE)) {
        large_translation(pde, t);
        return !(pde & PDE_LARGE_RESERVED);
    }
    if (!peek_entry(m, (pde & PAGE_ADDRESS) | (la >> 10 & 0xFFC), &pte))
        return false;
    small_translation(pde, pte, t);
    return true;
}
