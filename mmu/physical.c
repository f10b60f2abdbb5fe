#include "mmu/physical.h"

#include <string.h>

/* The bus takes 4 bytes at most: an 8-byte operand makes two cycles, the lower half first. */
static uint64_t bus_load(struct bus *bus, paddr_t pa, unsigned size)
{
    if (size <= 4)
        return bus_memory_read(bus, pa, size);
    uint64_t low = bus_memory_read(bus, pa, 4);
    return low | (uint64_t)bus_memory_read(bus, pa + 4, size - 4) << 32;
}

static void bus_store(struct bus *bus, paddr_t pa, unsigned size, uint64_t value)
{
    bus_memory_write(bus, pa, size < 4 ? size : 4, (uint32_t)value);
    if (size > 4)
        bus_memory_write(bus, pa + 4, size - 4, (uint32_t)(value >> 32));
}

/* What lies within memory, the screen, knows no time. */
static void tell_of_device(struct mmu *m, paddr_t pa)
{
    if (pa >= m->phys.size && m->device_touched)
        m->device_touched(m->code_owner);
}

uint64_t physical_load(struct mmu *m, const uint8_t *host, paddr_t pa, unsigned size)
{
    if (UNLIKELY(!host)) {
        tell_of_device(m, pa);
        return bus_load(m->phys.bus, pa, size);
    }
    uint64_t value = 0;
    switch (size) {
    case 1:
        return *host;
    case 2:
        memcpy(&value, host, 2);
        return value;
    case 4:
        memcpy(&value, host, 4);
        return value;
    default:
        memcpy(&value, host, size);
        return value;
    }
}

void physical_store(struct mmu *m, uint8_t *host, paddr_t pa, unsigned size, uint64_t value)
{
    if (UNLIKELY(!host)) {
        tell_of_device(m, pa);
        bus_store(m->phys.bus, pa, size, value);
        return;
    }
    uint8_t flags = m->phys.page_flags[pa >> 12];
    if (UNLIKELY(flags & PAGE_ROM))
        return;
    if (UNLIKELY(flags & (PAGE_CODE | PAGE_TABLE))) {
        m->filter.written |= (flags & PAGE_TABLE) != 0;
        if (flags & PAGE_CODE && m->code_written)
            m->code_written(m->code_owner, pa, size);
    }
    switch (size) {
    case 1:
        *host = (uint8_t)value;
        break;
    case 2:
        memcpy(host, &value, 2);
        break;
    case 4:
        memcpy(host, &value, 4);
        break;
    default:
        memcpy(host, &value, size);
    }
}

/* Whether [pa, pa + size) is memory, and not a device that hides it. */
static bool all_ram(const struct phys *p, paddr_t pa, size_t size)
{
    if (pa > p->size || size > p->size - pa)
        return false;
    for (size_t at = pa & PAGE_ADDRESS; at < (size_t)pa + size; at += PAGE_BYTES_4K)
        if (p->page_flags[at >> 12] & PAGE_DEVICE)
            return false;
    return true;
}

bool phys_read(const struct phys *p, paddr_t pa, void *out, size_t size)
{
    if (!all_ram(p, pa, size))
        return false;
    memcpy(out, p->ram + pa, size);
    return true;
}

bool phys_write(struct phys *p, paddr_t pa, const void *in, size_t size)
{
    if (!all_ram(p, pa, size))
        return false;
    memcpy(p->ram + pa, in, size);
    return true;
}
