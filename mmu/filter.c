#include "mmu/filter.h"

#include "mmu/physical.h"

static void mark(struct mmu *m, uint32_t page, bool on)
{
    uint8_t *flags = &m->phys.page_flags[page];
    *flags = (uint8_t)(on ? *flags | PAGE_TABLE : *flags & ~PAGE_TABLE);
    mmu_forget_fast(m, page); /* stores into it take the slow path from now on, or no longer */
}

void filter_track(struct mmu *m, paddr_t pa)
{
    struct flush_filter *f = &m->filter;
    uint32_t page = pa >> 12;
    if (page >= m->phys.size >> 12 || m->phys.page_flags[page] & PAGE_TABLE)
        return;
    if (f->pages == FILTER_PAGES) {
        f->written = true;
        return;
    }
    f->page[f->pages++] = page;
    mark(m, page, true);
}

void filter_clear(struct mmu *m)
{
    struct flush_filter *f = &m->filter;
    for (uint32_t i = 0; i < f->pages; i++)
        mark(m, f->page[i], false);
    f->pages = 0;
    f->written = false;
    f->spaces = f->on;
    f->cr3[0] = m->cr3;
    m->space_tag = 0;
}

bool filter_keeps(struct mmu *m, uint32_t cr3)
{
    struct flush_filter *f = &m->filter;
    if (!f->on || f->written)
        return false;
    uint32_t space = 0;
    while (space < f->spaces && f->cr3[space] != cr3)
        space++;
    if (space == FILTER_SPACES)
        return false;
    if (space == f->spaces)
        f->cr3[f->spaces++] = cr3;
    m->space_tag = space << TAG_SPACE_SHIFT;
    return true;
}

void filter_mark(struct mmu *m)
{
    for (uint32_t i = 0; i < m->phys.size >> 12; i++)
        if (m->phys.page_flags[i] & PAGE_TABLE)
            mark(m, i, false);
    for (uint32_t i = 0; i < m->filter.pages; i++)
        mark(m, m->filter.page[i], true);
}
