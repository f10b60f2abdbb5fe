/* peek: how debuggers, loaders and reports see linear memory: through the processor's translation,
 * TLB entries before tables, without leaving a trace. */
#include "mmu/mmu.h"

#include "mmu/paging.h"
#include "mmu/physical.h"
#include "mmu/tlb.h"

#include <string.h>

bool mmu_translate_peek(const struct mmu *m, laddr_t la, paddr_t *pa)
{
    struct translation t;
    int index;
    if (!m->paging) {
        *pa = la & m->a20_mask;
        return true;
    }
    if ((index = tlb_find_page(m, &m->dtlb, la >> 12)) >= 0) {
        *pa = (m->dtlb.entry[index].page << 12 | (la & PAGE_OFFSET)) & m->a20_mask;
        return true;
    }
    uint32_t large = (1u << m->large_shift) - 1;
    if ((index = tlb_find_page(m, &m->dtlb_large, la >> m->large_shift)) >= 0) {
        *pa = (m->dtlb_large.entry[index].page << 12 | (la & large)) & m->a20_mask;
        return true;
    }
    if (!paging_peek(m, la, &t))
        return false;
    uint32_t within = t.flags & TLB_LARGE ? large : PAGE_OFFSET;
    *pa = (t.page << 12 | (la & within)) & m->a20_mask;
    return true;
}

/* The part of [la, la + size) that lies in la's page, and where; NULL if no memory is there. */
static uint8_t *piece(const struct mmu *m, laddr_t la, size_t size, size_t *part, paddr_t *pa)
{
    size_t room = PAGE_BYTES_4K - (la & PAGE_OFFSET);
    *part = size < room ? size : room;
    return mmu_translate_peek(m, la, pa) ? physical_host(&m->phys, *pa) : NULL;
}

bool mmu_peek(const struct mmu *m, laddr_t la, void *out, size_t size)
{
    uint8_t *to = out;
    for (size_t part; size; la += (laddr_t)part, to += part, size -= part) {
        paddr_t pa;
        const uint8_t *host = piece(m, la, size, &part, &pa);
        if (!host)
            return false;
        memcpy(to, host, part);
    }
    return true;
}

bool mmu_poke(struct mmu *m, laddr_t la, const void *in, size_t size)
{
    const uint8_t *from = in;
    size_t part;
    paddr_t pa;
    for (size_t at = 0; at < size; at += part)
        if (!piece(m, la + (laddr_t)at, size - at, &part, &pa))
            return false;
    for (; size; la += (laddr_t)part, from += part, size -= part) {
        uint8_t *host = piece(m, la, size, &part, &pa);
        m->filter.written |= (m->phys.page_flags[pa >> 12] & PAGE_TABLE) != 0;
        if ((m->phys.page_flags[pa >> 12] & PAGE_CODE) && m->code_written)
            m->code_written(m->code_owner, pa, (unsigned)part);
        memcpy(host, from, part);
    }
    return true;
}
