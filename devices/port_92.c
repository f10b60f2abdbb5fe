#include "devices/port_92.h"

static void set(struct port_92 *p, uint8_t value)
{
    uint8_t changed = p->value ^ value;
    p->value = value;
    if (changed & PORT_92_A20)
        irq_set(&p->a20, value & PORT_92_A20);
    if (changed & PORT_92_RESET)
        irq_set(&p->reset, value & PORT_92_RESET);
}

void port_92_init(struct port_92 *p, struct irq_line a20, struct irq_line reset)
{
    *p = (struct port_92){.a20 = a20, .reset = reset};
    port_92_reset(p);
}

void port_92_reset(struct port_92 *p) { set(p, 0); }

uint32_t port_92_read(void *owner, uint32_t port, unsigned size)
{
    (void)port, (void)size;
    return ((struct port_92 *)owner)->value;
}

void port_92_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct port_92 *p = owner;
    (void)port, (void)size;
    uint8_t writable = PORT_92_RESET | PORT_92_A20 | PORT_92_LOCK | PORT_92_LIGHT;
    set(p, (uint8_t)((value & writable) | (p->value & PORT_92_LOCK)));
}

void port_92_snapshot(struct port_92 *p, struct snap *s)
{
    snap_enter(s, "port_92");
    snap_u8(s, "value", &p->value);
    snap_leave(s);
}
