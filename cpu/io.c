/* io: may this program touch this port, and the access itself. [SDM1 13.5] */
#include "cpu/cpu.h"
#include "cpu/mem.h"

/* Offset of the permission bitmap's own offset in a 32-bit TSS. */
#define TSS_IO_MAP_BASE 0x66
#define TSS_32_LIMIT_MIN 0x67

static bool tss_is_32(const struct segment *tr)
{
    return tr->valid && (tr->access & 0x9D) == 0x89; /* available or busy 32-bit TSS, present */
}

/* One bit per port, clear to allow. The processor reads two bytes whatever the bit's position, so
 * both must lie inside the limit. */
static void bitmap_check(struct cpu *c, uint16_t port, unsigned size)
{
    const struct segment *tr = &c->tr;
    if (!tss_is_32(tr) || tr->limit < TSS_32_LIMIT_MIN)
        cpu_raise_code(c, EXC_GP, 0);
    uint32_t at = system_read(c, tr->base + TSS_IO_MAP_BASE, 2) + port / 8;
    if (at + 1 > tr->limit)
        cpu_raise_code(c, EXC_GP, 0);
    uint32_t bits = system_read(c, tr->base + at, 2) >> (port & 7);
    if (bits & ((1u << size) - 1))
        cpu_raise_code(c, EXC_GP, 0);
}

/* Virtual-8086 mode asks the bitmap whatever IOPL is. */
void io_check(struct cpu *c, uint16_t port, unsigned size)
{
    if (!(c->cr0 & CR0_PE)) {
        note(c, NOTE_IO_REAL, port);
    } else if (c->eflags & F_VM) {
        bitmap_check(c, port, size);
        note(c, NOTE_IO_V86, port);
    } else if (c->cpl > (c->eflags >> 12 & 3)) {
        bitmap_check(c, port, size);
        note(c, NOTE_IO_BITMAP, port);
    } else {
        note(c, NOTE_IO_ALLOWED, port);
    }
}

uint32_t io_read(struct cpu *c, uint16_t port, unsigned size)
{
    io_check(c, port, size);
    return bus_port_read(c->bus, port, size);
}

void io_write(struct cpu *c, uint16_t port, unsigned size, uint32_t value)
{
    io_check(c, port, size);
    bus_port_write(c->bus, port, size, value);
}
