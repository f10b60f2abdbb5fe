/* port_80: the manufacturing test port, 80h: a latch that a POST card shows in hexadecimal.
 * Programs also write it to wait for the ISA bus. Reads give the latch back, as the spare page
 * register of the DMA controller that lies there does. */
#pragma once

#include "sim/core/snap.h"
#include "sim/core/types.h"

struct port_80 {
    void (*written)(void *owner, uint8_t value); /* may be NULL */
    void *owner;
    uint8_t value;
};

void port_80_init(struct port_80 *p, void (*written)(void *owner, uint8_t value), void *owner);
void port_80_reset(struct port_80 *p);
void port_80_snapshot(struct port_80 *p, struct snap *s);

uint32_t port_80_read(void *owner, uint32_t port, unsigned size);
void port_80_write(void *owner, uint32_t port, unsigned size, uint32_t value);
