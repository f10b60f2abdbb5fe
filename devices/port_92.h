/* port_92: system control port A of the PS/2, port 92h: the fast way to A20 and to a reset
 * [PS2HITR]. The board ORs its A20 with the 8042's. Activity light, watchdog status and the lock of
 * the password area are stored, and drive nothing. */
#pragma once

#include "sim/core/irq_line.h"
#include "sim/core/snap.h"

/* | light (2) | 0 | watchdog | lock | 0 | A20 | reset |                             [PS2HITR] */
enum {
    PORT_92_RESET = 1 << 0, /* a rise resets the processor */
    PORT_92_A20 = 1 << 1,
    PORT_92_LOCK = 1 << 3, /* stays set until power on */
    PORT_92_LIGHT = 3 << 6,
};

struct port_92 {
    struct irq_line a20;   /* high: address bit 20 passes */
    struct irq_line reset; /* high while bit 0 is set; the board acts on the rise */
    uint8_t value;
};

void port_92_init(struct port_92 *p, struct irq_line a20, struct irq_line reset);
void port_92_reset(struct port_92 *p);
void port_92_snapshot(struct port_92 *p, struct snap *s);

uint32_t port_92_read(void *owner, uint32_t port, unsigned size);
void port_92_write(void *owner, uint32_t port, unsigned size, uint32_t value);
