/* pic_8259: one 8259A programmable interrupt controller [8259A], as master, slave or alone.
 *
 * Eight inputs IR0-IR7, an output INT, an acknowledge that yields a vector. The chip has no clock:
 * it is a pure function of its pins and of what was written to it. Vocabulary:
 *
 *   pins  the levels at IR0-IR7 now
 *   edge  the edge sense latches: set by a rising pin, reset by the acknowledge and by ICW1
 *   IRR   the requests, derived: a pin that is high and either level triggered or has its latch
 *         set. A request therefore vanishes with its pin, in edge mode too, and an acknowledge that
 *         finds no request answers as level 7 without setting an in-service bit (the spurious
 *         interrupt).
 *   ISR   the levels in service; cleared by an EOI command or at once in automatic EOI mode
 *   IMR   the masks
 *
 * A second chip hangs on a master's input by two wires the board makes: its INT drives that input,
 * and the master's slave_acknowledge asks it for the vector when the master acknowledges a level
 * whose ICW3 bit says that a slave is there.
 *
 * PCI chipsets add an edge/level control register per chip (ELCR, ports 4D0h and 4D1h) [82371FB
 * ELCR]; a board with the bare chip leaves elcr_writable 0.
 *
 * Not modelled: the CALL sequence for MCS-80/85 processors; acknowledging a chip that was left in
 * that mode stops the run (unimplemented). An ICW sequence cannot be interrupted half way by time,
 * and the buffer enable pin of the buffered mode drives nothing here. */
#pragma once

#include "sim/core/irq_line.h"
#include "sim/core/types.h"

struct snap;

struct pic_config {
    bool master;             /* level of the SP pin: decides who is master in non-buffered mode */
    uint8_t elcr_writable;   /* which inputs ELCR can make level triggered; 0: there is no ELCR */
    struct irq_line out_int; /* INT */
    /* The board's CAS0-CAS2 wires: the vector of the slave at one of the master's inputs. NULL when
     * the board has no slave; pic_acknowledge_cascaded fits. */
    uint8_t (*slave_acknowledge)(void *owner, int line);
    void *slave_owner;
};

/* Which initialization word the next write to A0 = 1 is. */
enum pic_expects { PIC_EXPECTS_OCW1, PIC_EXPECTS_ICW2, PIC_EXPECTS_ICW3, PIC_EXPECTS_ICW4 };

struct pic {
    struct pic_config config;

    uint8_t pins;
    uint8_t edge;
    uint8_t isr;
    uint8_t imr;
    uint8_t elcr;

    uint8_t icw1, icw2, icw3, icw4;
    uint8_t expects;     /* enum pic_expects */
    uint8_t lowest;      /* the level of lowest priority; 7 is the fully nested order */
    bool initialized;    /* an ICW sequence has been completed since power on */
    bool rotate_on_aeoi; /* OCW2: rotate in automatic EOI mode */
    bool special_mask;   /* OCW3: special mask mode */
    bool read_isr;       /* OCW3: A0 = 0 reads ISR, else IRR */
    bool poll;           /* OCW3: the next read is a poll */
    bool int_level;      /* what INT was last driven to */
};

/* Wires the chip and brings it to its power-on state. */
void pic_init(struct pic *p, struct pic_config config);
/* Power on. The data sheet leaves the registers undefined until ICW1; here everything is masked and
 * INT is low. The input pins keep the levels that the board drives. */
void pic_reset(struct pic *p);

uint8_t pic_read(struct pic *p, unsigned a0);
void pic_write(struct pic *p, unsigned a0, uint8_t value);

/* The chipset's edge/level control register of this chip: bit n set makes IRn level triggered. */
uint8_t pic_elcr_read(const struct pic *p);
void pic_elcr_write(struct pic *p, uint8_t value);

/* Input IRn; fits struct irq_line with the chip as owner. */
void pic_set_irq(void *pic, int n, bool level);

/* The two INTA pulses: freezes priorities, takes the request into service, returns the vector,
 * which a slave gives where ICW3 says so. With no request, level 7 and no in-service bit. */
uint8_t pic_acknowledge(struct pic *p);

/* As slave_acknowledge of a master, with the slave as owner: answers when its ICW3 holds this
 * line's identity; otherwise nobody drives the data bus and the vector is FFh. */
uint8_t pic_acknowledge_cascaded(void *slave, int line);

/* What the registers hold now, for reports and tests; nothing changes. */
uint8_t pic_irr(const struct pic *p);

void pic_snapshot(struct pic *p, struct snap *s);
