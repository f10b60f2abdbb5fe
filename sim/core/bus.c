#include "sim/core/bus.h"

#include "sim/core/check.h"

#include <string.h>

void bus_init(struct bus *b) { memset(b, 0, sizeof *b); }

static void map(struct bus_range *ranges, unsigned *count, struct bus_range range)
{
    CHECK(*count < BUS_RANGES_MAX && range.first <= range.last);
    for (unsigned i = 0; i < *count; i++)
        CHECK(range.last < ranges[i].first || range.first > ranges[i].last);
    ranges[(*count)++] = range;
}

void bus_map_ports(struct bus *b, struct bus_range range)
{
    map(b->ports, &b->port_count, range);
}

void bus_map_memory(struct bus *b, struct bus_range range)
{
    map(b->memory, &b->memory_count, range);
}

static const struct bus_range *find(const struct bus_range *ranges, unsigned count, uint32_t at)
{
    for (unsigned i = 0; i < count; i++)
        if (at >= ranges[i].first && at <= ranges[i].last)
            return &ranges[i];
    return NULL;
}

static uint32_t all_ones(unsigned size) { return size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1; }

/* Reads size bytes in pieces no wider than whoever answers at each address. */
static uint32_t read_pieces(const struct bus_range *ranges, unsigned count, uint32_t at,
                            unsigned size, uint32_t mask)
{
    uint32_t value = 0;
    for (unsigned done = 0; done < size;) {
        const struct bus_range *r = find(ranges, count, (at + done) & mask);
        unsigned piece = r ? r->width : 1;
        while (piece > size - done || ((at + done) & (piece - 1)))
            piece /= 2;
        uint32_t v = r && r->read ? r->read(r->owner, (at + done) & mask, piece) : all_ones(piece);
        value |= (v & all_ones(piece)) << (8 * done);
        done += piece;
    }
    return value;
}

static void write_pieces(const struct bus_range *ranges, unsigned count, uint32_t at,
                         unsigned size, uint32_t value, uint32_t mask)
{
    for (unsigned done = 0; done < size;) {
        const struct bus_range *r = find(ranges, count, (at + done) & mask);
        unsigned piece = r ? r->width : 1;
        while (piece > size - done || ((at + done) & (piece - 1)))
            piece /= 2;
        if (r && r->write)
            r->write(r->owner, (at + done) & mask, piece, (value >> (8 * done)) & all_ones(piece));
        done += piece;
    }
}

static void observe(struct bus *b, bool write, uint32_t port, unsigned size, uint32_t value)
{
    if (!b->observe)
        return;
    const struct bus_range *r = find(b->ports, b->port_count, port);
    b->observe(b->observe_owner, write, port, size, value, r ? r->name : "nothing");
}

uint32_t bus_port_read(struct bus *b, uint16_t port, unsigned size)
{
    uint32_t value = read_pieces(b->ports, b->port_count, port, size, 0xFFFF);
    observe(b, false, port, size, value);
    return value;
}

void bus_port_write(struct bus *b, uint16_t port, unsigned size, uint32_t value)
{
    write_pieces(b->ports, b->port_count, port, size, value, 0xFFFF);
    observe(b, true, port, size, value);
}

const struct bus_range *bus_memory_find(const struct bus *b, paddr_t pa)
{
    return find(b->memory, b->memory_count, pa);
}

uint32_t bus_memory_read(struct bus *b, paddr_t pa, unsigned size)
{
    return read_pieces(b->memory, b->memory_count, pa, size, UINT32_MAX);
}

void bus_memory_write(struct bus *b, paddr_t pa, unsigned size, uint32_t value)
{
    write_pieces(b->memory, b->memory_count, pa, size, value, UINT32_MAX);
}
