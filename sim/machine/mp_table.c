#include "sim/machine/mp_table.h"

#include "sim/core/check.h"

#include <string.h>

#define POINTER_AT 0xF0000u
#define POINTER_BYTES 16
#define TABLE_AT (POINTER_AT + POINTER_BYTES)
#define APIC_AT 0xFEE00000u

enum { ENTRY_PROCESSOR = 0, ENTRY_BUS = 1, ENTRY_LOCAL_INTERRUPT = 4 };
enum { INTERRUPT_NMI = 1, INTERRUPT_EXTINT = 3 };
enum { PROCESSOR_ENABLED = 1, PROCESSOR_BOOTS = 2 };

#define HEADER_BYTES 44
#define ENTRIES 4
#define TABLE_BYTES (HEADER_BYTES + 20 + 8 + 8 + 8)

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }

static uint8_t checksum(const uint8_t *p, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + p[i]);
    return (uint8_t)-sum;
}

static uint32_t features(const struct identity *id)
{
    for (unsigned i = 0; i < id->leaf_count; i++)
        if (id->leaves[i].number == 1)
            return id->leaves[i].edx | 1u << 9;
    return 0;
}

/* The pins: the 8259A's INT on LINT0, NMI on LINT1, of every processor [MPS 4.3.5]. */
static uint8_t *local_interrupt(uint8_t *p, unsigned type, unsigned pin)
{
    p[0] = ENTRY_LOCAL_INTERRUPT;
    p[1] = (uint8_t)type;
    p[6] = 0xFF;
    p[7] = (uint8_t)pin;
    return p + 8;
}

static void entries(uint8_t *p, const struct identity *id)
{
    p[0] = ENTRY_PROCESSOR;
    p[2] = 0x10; /* the APIC's version */
    p[3] = PROCESSOR_ENABLED | PROCESSOR_BOOTS;
    put32(p + 4, id->signature);
    put32(p + 8, features(id));
    p += 20;
    p[0] = ENTRY_BUS;
    memcpy(p + 2, "ISA   ", 6);
    p = local_interrupt(p + 8, INTERRUPT_EXTINT, 0);
    local_interrupt(p, INTERRUPT_NMI, 1);
}

void mp_table_write(struct cpu *c)
{
    uint8_t pointer[POINTER_BYTES] = "_MP_", table[TABLE_BYTES] = "PCMP";
    put32(pointer + 4, TABLE_AT);
    pointer[8] = POINTER_BYTES / 16;
    pointer[9] = 4;     /* version 1.4 */
    pointer[12] = 0x80; /* there is an IMCR */
    pointer[10] = checksum(pointer, sizeof pointer);
    table[4] = TABLE_BYTES;
    table[6] = 4;
    memcpy(table + 8, "ISOCHRON", 8);
    memcpy(table + 16, "PC          ", 12);
    table[34] = ENTRIES;
    put32(table + 36, APIC_AT);
    entries(table + HEADER_BYTES, c->identity);
    table[7] = checksum(table, sizeof table);
    CHECK(phys_write(&c->mmu->phys, POINTER_AT, pointer, sizeof pointer));
    CHECK(phys_write(&c->mmu->phys, TABLE_AT, table, sizeof table));
}
