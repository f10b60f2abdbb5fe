#include "mmu/paging.h"

#include "mmu/access.h"
#include "mmu/filter.h"
#include "mmu/hierarchy.h"
#include "mmu/physical.h"
#include "mmu/types.h"
#include "sim/core/check.h"

/* What the walk is for. */
struct walk {
    laddr_t la;
    bool write, user, code;
};

static uint32_t missing(const struct mmu *m, const struct walk *w)
{
    return w->code ? paging_code_fault(m, w->user) : paging_fault_code(w->write, w->user);
}

static bool fault(struct mmu *m, const struct walk *w, uint32_t code)
{
    m->fault_la = w->la;
    m->fault_code = missing(m, w) | code;
    return false;
}

/* --- memory types ----------------------------------------------------------------------------- */

/* The PAT's entry for a page; tables have no PAT bit. */
static enum memory_type page_type(const struct mmu *m, uint64_t entry, uint32_t pat)
{
    unsigned index = (unsigned)(entry >> 3 & 3) | (entry & pat ? 4u : 0u);
    return (enum memory_type)m->types.pat[index];
}

/* The cacheability that an entry (or CR3) gives to what it points at, which lies at pa. */
static unsigned attributes_of(const struct mmu *m, uint64_t entry, uint32_t pat, paddr_t pa)
{
    if (m->types.present)
        return types_attributes(types_of(&m->types, pa), page_type(m, entry, pat));
    return (entry & PTE_UNCACHED ? TLB_UNCACHED : 0u) | (entry & PTE_THROUGH ? TLB_THROUGH : 0u);
}

/* --- entries ---------------------------------------------------------------------------------- */

static unsigned entry_bytes(const struct mmu *m) { return m->pae ? 8 : 4; }

/* Where an entry's table is. No board here has memory behind 4 GB. */
static paddr_t table_of(const struct mmu *m, uint64_t entry)
{
    if (entry & PTE_ADDRESS & ~0xFFFFFFFFull)
        unimplemented("a page table at physical address %08x%08x, beyond 4 GB",
                      (uint32_t)(entry >> 32), (uint32_t)entry);
    return (paddr_t)(entry & PAGE_ADDRESS) & m->a20_mask;
}

static uint64_t read_entry(struct mmu *m, const struct walk *w, paddr_t pa, unsigned attributes)
{
    const uint8_t *host = physical_host(&m->phys, pa);
    if (UNLIKELY(m->filter.on) && host)
        filter_track(m, pa);
    if (m->timed) {
        unsigned flags = w->code ? ACCESS_CODE_SIDE : 0;
        unsigned level = host ? m->hierarchy->walk(m, pa, attributes, &flags) : LEVEL_DEVICE;
        access_log_put(m, w->la, pa, ACCESS_WALK, level, flags, entry_bytes(m));
    }
    return physical_load(m, host, pa, entry_bytes(m));
}

/* Sets A or D by a locked read and write on the bus [geometry.md 1.3]. */
static void update_entry(struct mmu *m, const struct walk *w, paddr_t pa, uint64_t entry)
{
    uint8_t *host = physical_host(&m->phys, pa);
    if (m->timed) {
        unsigned flags = ACCESS_LOCKED | (w->code ? ACCESS_CODE_SIDE : 0u);
        unsigned level = LEVEL_DEVICE;
        if (host) {
            level = m->hierarchy->locked_read(m, pa, &flags);
            m->hierarchy->locked_write(m, pa, &flags);
        }
        access_log_put(m, w->la, pa, ACCESS_UPDATE, level, flags, entry_bytes(m));
    }
    bool written = m->filter.written; /* A and D change no translation */
    physical_store(m, host, pa, entry_bytes(m), entry);
    m->filter.written = written;
}

/* --- leaves ----------------------------------------------------------------------------------- */

static unsigned rights_of(uint64_t entry)
{
    return (entry & PTE_USER ? TLB_USER : 0u) | (entry & PTE_WRITE ? TLB_WRITE : 0u) |
           (entry & PTE_DIRTY ? TLB_DIRTY : 0u);
}

/* NX and G, where they are in force: NX is set in no entry that gets here else. */
static unsigned extensions_of(const struct mmu *m, uint64_t entry)
{
    return (entry & PTE_NO_CODE && m->pae ? TLB_NO_CODE : 0u) |
           (entry & PTE_GLOBAL && m->global_enabled ? TLB_GLOBAL : 0u);
}

static uint32_t page_number(uint64_t frame)
{
    if (frame >> 32)
        unimplemented("a page at physical address %08x%08x, beyond 4 GB", (uint32_t)(frame >> 32),
                      (uint32_t)frame);
    return (uint32_t)frame >> 12;
}

/* The frame of a large page: with PAE of 2 MB, else of 4 MB, where PSE-36 has its upper bits. */
static uint64_t large_frame(const struct mmu *m, uint64_t pde)
{
    if (m->pae)
        return pde & PTE_ADDRESS & ~0x1FFFFFull;
    uint64_t high = m->geometry.physical_bits > 32 ? (pde >> 13 & 0xFF) << 32 : 0;
    return (pde & 0xFFC00000u) | high;
}

static uint64_t large_reserved(const struct mmu *m)
{
    if (m->pae)
        return m->reserved | 0x1FE000;
    if (m->geometry.physical_bits <= 32)
        return 0x3FF000;
    unsigned high = m->geometry.physical_bits - 32;
    return 0x200000 | ((0xFFull << high & 0xFF) << 13);
}

static void large_translation(const struct mmu *m, uint64_t pde, laddr_t la, struct translation *t)
{
    uint32_t size = m->pae ? 1u << 21 : 1u << 22, unit = 1u << m->large_shift;
    paddr_t frame = page_number(large_frame(m, pde)) << 12;
    t->page = (frame | (la & (size - 1) & ~(unit - 1))) >> 12;
    t->mixed = m->types.present && !types_uniform(&m->types, frame, size);
    paddr_t first = t->mixed ? frame | (la & (size - 1) & PAGE_ADDRESS) : frame;
    t->flags = (uint16_t)(rights_of(pde) | extensions_of(m, pde) | TLB_LARGE |
                          attributes_of(m, pde, PDE_LARGE_PAT, first));
}

/* Rights are those that both levels grant [SDM3 4.11.3]; the page's own PCD, PWT, G and D count. */
static void small_translation(const struct mmu *m, uint64_t pde, uint64_t pte,
                              struct translation *t)
{
    unsigned directory = rights_of(pde) | ~(unsigned)(TLB_USER | TLB_WRITE);
    t->page = page_number(pte & PTE_ADDRESS);
    t->mixed = false;
    t->flags = (uint16_t)((rights_of(pte) & directory) | extensions_of(m, pte) |
                          (extensions_of(m, pde) & TLB_NO_CODE) |
                          attributes_of(m, pte, PTE_PAT, t->page << 12));
}

/* Checks a leaf, sets its A and, for a write, its D. */
static bool use_leaf(struct mmu *m, const struct walk *w, paddr_t pa, uint64_t *entry,
                     struct translation *t)
{
    bool permitted = w->code ? paging_permits_code(m, t->flags, w->user)
                             : paging_permits(m, t->flags, w->write, w->user);
    if (!permitted)
        return fault(m, w, FAULT_PRESENT);
    uint64_t wanted = PTE_ACCESSED | (w->write ? PTE_DIRTY : 0u);
    if ((*entry & wanted) != wanted) {
        *entry |= wanted;
        update_entry(m, w, pa, *entry);
        t->flags |= w->write ? TLB_DIRTY : 0u;
    }
    return true;
}

/* --- the walk --------------------------------------------------------------------------------- */

static paddr_t directory_entry(const struct mmu *m, uint32_t cr3, laddr_t la)
{
    if (m->pae)
        return table_of(m, m->pdpte[la >> 30]) | (la >> 18 & 0xFF8);
    return ((cr3 & PAGE_ADDRESS) | (la >> 20 & 0xFFC)) & m->a20_mask;
}

static paddr_t table_entry(const struct mmu *m, uint64_t pde, laddr_t la)
{
    return table_of(m, pde) | (m->pae ? la >> 9 & 0xFF8 : la >> 10 & 0xFFC);
}

static bool is_large(const struct mmu *m, uint64_t pde)
{
    return (m->large_enabled || m->pae) && (pde & PTE_LARGE);
}

static bool walk_large(struct mmu *m, const struct walk *w, paddr_t pde_pa, uint64_t pde,
                       struct translation *t)
{
    if (pde & large_reserved(m))
        return fault(m, w, FAULT_PRESENT | FAULT_RESERVED);
    large_translation(m, pde, w->la, t);
    return use_leaf(m, w, pde_pa, &pde, t);
}

static bool walk_small(struct mmu *m, const struct walk *w, uint64_t pde, struct translation *t)
{
    paddr_t pa = table_entry(m, pde, w->la);
    uint64_t pte = read_entry(m, w, pa, attributes_of(m, pde, 0, pa));
    if (!(pte & PTE_PRESENT))
        return fault(m, w, 0);
    if (m->pae && pte & m->reserved)
        return fault(m, w, FAULT_PRESENT | FAULT_RESERVED);
    small_translation(m, pde, pte, t);
    return use_leaf(m, w, pa, &pte, t);
}

static uint32_t directory_tag(const struct mmu *m, laddr_t la) { return la >> (m->pae ? 21 : 22); }

/* Entries that were seen naming a table, and accessed. The oldest goes first: an estimate. */
static bool directories_find(const struct mmu *m, laddr_t la, uint64_t *pde)
{
    const struct directory_cache *d = &m->directories;
    for (uint32_t i = 0; i < d->entries; i++)
        if (d->tag[i] == directory_tag(m, la)) {
            *pde = d->entry[i];
            return true;
        }
    return false;
}

static void directories_add(struct mmu *m, laddr_t la, uint64_t pde)
{
    struct directory_cache *d = &m->directories;
    if (!d->entries)
        return;
    d->tag[d->next] = directory_tag(m, la);
    d->entry[d->next] = pde;
    d->next = (d->next + 1) % d->entries;
}

bool paging_walk(struct mmu *m, laddr_t la, bool write, bool user, bool code, struct translation *t)
{
    struct walk w = {la, write, user, code};
    uint64_t known;
    if (directories_find(m, la, &known))
        return walk_small(m, &w, known, t);
    uint64_t above = m->pae ? m->pdpte[la >> 30] : m->cr3;
    if (m->pae && !(above & PTE_PRESENT))
        return fault(m, &w, 0);
    paddr_t pde_pa = directory_entry(m, m->cr3, la);
    uint64_t pde = read_entry(m, &w, pde_pa, attributes_of(m, above, 0, pde_pa));
    if (!(pde & PTE_PRESENT))
        return fault(m, &w, 0);
    if (is_large(m, pde))
        return walk_large(m, &w, pde_pa, pde, t);
    if (m->pae && pde & m->reserved)
        return fault(m, &w, FAULT_PRESENT | FAULT_RESERVED);
    if (!(pde & PTE_ACCESSED)) {
        pde |= PTE_ACCESSED;
        update_entry(m, &w, pde_pa, pde);
    }
    directories_add(m, la, pde);
    return walk_small(m, &w, pde, t);
}

/* The four are one line of 32 bytes. */
bool mmu_load_pointers(struct mmu *m, uint32_t cr3)
{
    uint64_t pointer[4];
    paddr_t pa = (cr3 & 0xFFFFFFE0u) & m->a20_mask;
    uint64_t reserved = (0 - (1ull << m->geometry.physical_bits)) | PDPTE_RESERVED;
    if (m->timed && physical_host(&m->phys, pa)) {
        unsigned flags = ACCESS_SYSTEM, level = m->hierarchy->read(m, pa, 0, &flags);
        access_log_put(m, pa, pa, ACCESS_READ, level, flags, 32);
    }
    for (unsigned i = 0; i < 4; i++) {
        pointer[i] = physical_load(m, physical_host(&m->phys, pa + 8 * i), pa + 8 * i, 8);
        if (pointer[i] & PTE_PRESENT && pointer[i] & reserved)
            return false;
    }
    for (unsigned i = 0; i < 4; i++)
        m->pdpte[i] = pointer[i];
    return true;
}

/* --- onlookers -------------------------------------------------------------------------------- */

static bool peek_entry(const struct mmu *m, paddr_t pa, uint64_t *entry)
{
    *entry = 0;
    return phys_read(&m->phys, pa & m->a20_mask, entry, entry_bytes(m)) && (*entry & PTE_PRESENT);
}

static bool beyond(uint64_t entry) { return (entry & PTE_ADDRESS) >> 32 != 0; }

unsigned paging_trace(const struct mmu *m, uint32_t cr3, laddr_t la, struct translation *t,
                      paddr_t at[2])
{
    uint64_t pde, pte;
    if (m->pae && (!(m->pdpte[la >> 30] & PTE_PRESENT) || beyond(m->pdpte[la >> 30])))
        return 0;
    at[0] = directory_entry(m, cr3, la);
    if (!peek_entry(m, at[0], &pde) || (m->pae && beyond(pde)))
        return 0;
    if (is_large(m, pde)) {
        if (pde & large_reserved(m) || large_frame(m, pde) >> 32)
            return 0;
        large_translation(m, pde, la, t);
        return 1;
    }
    at[1] = table_entry(m, pde, la);
    if (!peek_entry(m, at[1], &pte) || (m->pae && beyond(pte)))
        return 0;
    small_translation(m, pde, pte, t);
    return 2;
}

bool paging_peek(const struct mmu *m, laddr_t la, struct translation *t)
{
    paddr_t at[2];
    return paging_trace(m, m->cr3, la, t, at) > 0;
}
