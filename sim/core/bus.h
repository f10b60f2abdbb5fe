/* bus: port and memory-mapped I/O, routed by address to whoever the board mapped there.
 *
 * An access is 1, 2 or 4 bytes. A device that states a narrower width gets a wider access split
 * into consecutive ports, low byte first, as the ISA bus does [82371FB]. Where nothing is mapped a
 * read gives all ones (open bus) and a write vanishes; both are reported to the observer, if
 * any. */
#pragma once

#include "sim/core/types.h"

typedef uint32_t (*bus_read_fn)(void *owner, uint32_t address, unsigned size);
typedef void (*bus_write_fn)(void *owner, uint32_t address, unsigned size, uint32_t value);

struct bus_range {
    uint32_t first;
    uint32_t last;  /* inclusive */
    unsigned width; /* widest access the device takes: 1, 2 or 4 bytes */
    bus_read_fn read;
    bus_write_fn write;
    void *owner;
    const char *name;
};

#define BUS_RANGES_MAX 48

struct bus {
    struct bus_range ports[BUS_RANGES_MAX];
    struct bus_range memory[BUS_RANGES_MAX];
    unsigned port_count;
    unsigned memory_count;
    /* Told of every port access after it happened; observers only. */
    void (*observe)(void *owner, bool write, uint32_t port, unsigned size, uint32_t value,
                    const char *device);
    void *observe_owner;
};

void bus_init(struct bus *b);
/* Ranges of one space may not overlap (CHECK). */
void bus_map_ports(struct bus *b, struct bus_range range);
void bus_map_memory(struct bus *b, struct bus_range range);

uint32_t bus_port_read(struct bus *b, uint16_t port, unsigned size);
void bus_port_write(struct bus *b, uint16_t port, unsigned size, uint32_t value);

/* The range that answers at a physical address, NULL if none. */
const struct bus_range *bus_memory_find(const struct bus *b, paddr_t pa);
uint32_t bus_memory_read(struct bus *b, paddr_t pa, unsigned size);
void bus_memory_write(struct bus *b, paddr_t pa, unsigned size, uint32_t value);
