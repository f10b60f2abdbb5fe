#include "mmu/types.h"

#include "sim/core/check.h"

#define MEGABYTE (1u << 20)

/* Where a page of the first megabyte is in the fixed ranges. */
static unsigned fixed_index(paddr_t pa)
{
    if (pa < 0x80000)
        return pa >> 16;
    if (pa < 0xC0000)
        return 8 + ((pa - 0x80000) >> 14);
    return 24 + ((pa - 0xC0000) >> 12);
}

/* Of two overlapping variable ranges [SDM3 10.11.4.1]; others that differ are undefined, and UC
 * here. */
static enum memory_type both(enum memory_type a, enum memory_type b)
{
    if (a == b)
        return a;
    bool through = (a == TYPE_WT && b == TYPE_WB) || (a == TYPE_WB && b == TYPE_WT);
    return through ? TYPE_WT : TYPE_UC;
}

enum memory_type types_of(const struct memory_types *t, paddr_t pa)
{
    if (!t->on)
        return TYPE_UC;
    if (t->fixed_on && pa < MEGABYTE)
        return (enum memory_type)t->fixed[fixed_index(pa)];
    bool found = false;
    enum memory_type type = (enum memory_type)t->otherwise;
    for (unsigned i = 0; i < VARIABLE_RANGES; i++) {
        if (!t->range[i].mask || (((uint64_t)pa >> 12 ^ t->range[i].base) & t->range[i].mask))
            continue;
        enum memory_type here = (enum memory_type)t->range[i].type;
        type = found ? both(type, here) : here;
        found = true;
    }
    return type;
}

/* Whether nothing that the MTRRs tell apart is smaller than the region. */
static bool coarse(const struct memory_types *t, paddr_t pa, uint32_t size)
{
    if (t->fixed_on && pa < MEGABYTE)
        return false;
    for (unsigned i = 0; i < VARIABLE_RANGES; i++)
        if (t->range[i].mask & (size / 4096 - 1))
            return false;
    return true;
}

bool types_uniform(const struct memory_types *t, paddr_t pa, uint32_t size)
{
    if (!t->on || coarse(t, pa, size))
        return true;
    enum memory_type first = types_of(t, pa);
    for (uint32_t at = 4096; at < size; at += 4096)
        if (types_of(t, pa + at) != first)
            return false;
    return true;
}

/* [SDM3 table 10-7]: the stricter of the two, but that a page may ask for WC where ranges say
 * anything, and that UC- gives way to a range's WC. */
static enum memory_type effective(enum memory_type range, enum memory_type page)
{
    switch (page) {
    case TYPE_WB:
        return range;
    case TYPE_WC:
        return TYPE_WC;
    case TYPE_UC_MINUS:
        return range == TYPE_WC ? TYPE_WC : TYPE_UC;
    case TYPE_WT:
        return range == TYPE_WB || range == TYPE_WT ? TYPE_WT
               : range == TYPE_WP                   ? TYPE_WP
                                                    : TYPE_UC;
    case TYPE_WP:
        return range == TYPE_WB || range == TYPE_WP || range == TYPE_WT ? TYPE_WP : TYPE_UC;
    case TYPE_UC:
        break;
    }
    return TYPE_UC;
}

unsigned types_attributes(enum memory_type range, enum memory_type page)
{
    switch (effective(range, page)) {
    case TYPE_WB:
        return 0;
    case TYPE_WT:
        return TLB_THROUGH;
    case TYPE_WP:
        return TLB_THROUGH | TLB_PROTECT;
    case TYPE_WC:
        return TLB_UNCACHED | TLB_COMBINE;
    case TYPE_UC:
    case TYPE_UC_MINUS:
        break;
    }
    return TLB_UNCACHED;
}
