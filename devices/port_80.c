#include "devices/port_80.h"

void port_80_init(struct port_80 *p, void (*written)(void *owner, uint8_t value), void *owner)
{
    *p = (struct port_80){.written = written, .owner = owner};
    port_80_reset(p);
}

void port_80_reset(struct port_80 *p) { p->value = 0; }

uint32_t port_80_read(void *owner, uint32_t port, unsigned size)
{
    (void)port, (void)size;
    return ((struct port_80 *)owner)->value;
}

void port_80_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct port_80 *p = owner;
    (void)port, (void)size;
    p->value = (uint8_t)value;
    if (p->written)
        p->written(p->owner, p->value);
}

void port_80_snapshot(struct port_80 *p, struct snap *s)
{
    snap_enter(s, "port_80");
    snap_u8(s, "value", &p->value);
    snap_leave(s);
}
