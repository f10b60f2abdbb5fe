/* types: what kind of memory lies at a physical address: MTRRs and PAT [SDM3 10.11, 10.12; 22007
 * E, F]. Types decide what caches do (mmu/hierarchy.h) and so change time alone, never a result. */
#pragma once

#include "mmu/mmu.h"

/* The MTRRs' type of the page at pa. Where variable ranges overlap UC wins, then WT. */
enum memory_type types_of(const struct memory_types *t, paddr_t pa);

/* Whether all pages of [pa, pa + size) have one type; size a power of two, pa a multiple. */
bool types_uniform(const struct memory_types *t, paddr_t pa, uint32_t size);

/* The TLB_ attributes of a page of this MTRR type whose PAT entry is page. */
unsigned types_attributes(enum memory_type range, enum memory_type page);

/* The attributes of memory while paging is off. */
static inline unsigned types_unpaged(const struct mmu *m, paddr_t pa)
{
    return LIKELY(!m->types.present) ? 0 : types_attributes(types_of(&m->types, pa), TYPE_WB);
}
