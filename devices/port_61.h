/* port_61: system control port B of the PC/AT, port 61h [82371FB NSC register].
 *
 * It gates counter 2 of the interval timer, enables the speaker, reads OUT2 back, and shows the
 * refresh detect flip-flop, which every refresh cycle turns over; on the board counter 1 asks for a
 * refresh at each rising edge of OUT1, every 15 us as a BIOS programs it.
 *
 * Not modelled: memory parity errors and IOCHK#, so that their enables are kept, their status bits
 * read 0 and no NMI comes from here. */
#pragma once

#include "sim/core/irq_line.h"
#include "sim/core/types.h"

struct snap;

struct port_61_config {
    struct irq_line gate2;   /* GATE of the timer's counter 2 */
    struct irq_line speaker; /* speaker data enable: the speaker hears OUT2 while it is high */
    /* Asked on every read, with the timer as owner: the level of an OUT pin, and how often one has
     * risen. pit_out and pit_out_rises fit. */
    bool (*timer_out)(const void *owner, int n);
    uint64_t (*timer_out_rises)(const void *owner, int n);
    const void *timer;
};

struct port_61 {
    struct port_61_config config;
    uint8_t control; /* bits 3-0 as written */
};

void port_61_init(struct port_61 *p, struct port_61_config config);
void port_61_reset(struct port_61 *p);
uint8_t port_61_read(const struct port_61 *p);
void port_61_write(struct port_61 *p, uint8_t value);
void port_61_snapshot(struct port_61 *p, struct snap *s);
