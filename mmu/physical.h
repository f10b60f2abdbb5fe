/* physical: the bytes behind a physical address within a page: RAM, ROM, a device, open bus. */
#pragma once

#include "mmu/mmu.h"

#define PAGE_BYTES_4K 4096u
#define PAGE_OFFSET 0xFFFu
#define PAGE_ADDRESS 0xFFFFF000u

/* The host address of pa, or NULL where the bus must be asked. */
static inline uint8_t *physical_host(const struct phys *p, paddr_t pa)
{
    return pa < p->size && !(p->page_flags[pa >> 12] & PAGE_DEVICE) ? p->ram + pa : NULL;
}

/* size is 1..8 and stays inside the page; host is what physical_host gives for pa. */
uint64_t physical_load(struct mmu *m, const uint8_t *host, paddr_t pa, unsigned size);
/* Tells code_written first where decoded blocks live; a ROM keeps its bytes. */
void physical_store(struct mmu *m, uint8_t *host, paddr_t pa, unsigned size, uint64_t value);
