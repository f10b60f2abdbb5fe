/* apic_local: the local APIC of one processor with its timer [SDM3 10.4-10.9], as the parts with a
 * 4-bit class of priorities and no x2APIC mode have it. Each register is a doubleword at a multiple
 * of 16 from the base:
 *
 *   020 ID        080 TPR    0B0 EOI    100-170 ISR    280 ESR      320 LVT timer      380 initial
 *   030 version   090 APR    0D0 LDR    180-1F0 TMR    300 ICR low  340 LVT counters   390 current
 *                 0A0 PPR    0E0 DFR    200-270 IRR    310 ICR high 350 LVT LINT0      3E0 divide
 *                            0F0 SVR                                360 LVT LINT1
 *                                                                   370 LVT error
 *
 * LVT   17 periodic (timer)  16 masked  15 level  14 remote IRR  13 active low  10..8 mode  7..0
 * vector.  SVR  8 enabled  7..0 vector.  ICR  19..18 shorthand  15 level  14 assert  11 logical
 * 10..8 mode  7..0 vector, and the destination in bits 31..24 of the high half.
 *
 * The timer is never ticked: it counts edges of its own clock, and derives the count from how many
 * have passed. One processor: what is sent reaches itself or nobody.
 *
 * Where the manual is silent: a message to nobody is a send accept error; a changed divisor counts
 * on from the present count; an illegal vector in the LVT is an error when it is to be delivered,
 * not when it is written. While software has the unit disabled nothing is accepted and nothing
 * offered to the processor.
 *
 * Not modelled: SMI and INIT as delivery modes (they stop the run), arbitration between processors,
 * the focus processor, a thermal sensor, AMD's extended registers. */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/irq_line.h"

struct snap;

#define APIC_ADDRESS 0xFEE00000u
#define APIC_BYTES 0x1000u
/* An answer to the processor's acknowledge that needed no bus cycles. */
#define APIC_ON_CHIP 0x100u /* as the processor has it: ACKNOWLEDGED_ON_CHIP */

enum {
    APIC_LVT_TIMER, APIC_LVT_COUNTER, APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR, APIC_LVTS
};

struct apic_config {
    struct clock *clock;
    struct ratio period;   /* processor cycles per period of the timer's clock */
    uint32_t priority;     /* of the event, among those of one cycle */
    struct irq_line intr;  /* the processor's INTR */
    struct irq_line nmi;   /* pulsed: high, then low */
    struct irq_line nmi_possible; /* whether LINT0 leads to NMI */
    uint8_t (*acknowledge)(void *owner); /* INTA to the 8259A behind an ExtINT */
    void *acknowledge_owner;
};

struct apic {
    struct apic_config config;
    bool enabled; /* APIC_BASE bit 11 */
    bool bypassed;
    bool lint[2]; /* the pins */

    uint32_t id, tpr, ldr, dfr, svr;
    uint32_t isr[8], tmr[8], irr[8];
    uint32_t esr, errors; /* as of the last write; since then */
    uint32_t icr[2];
    uint32_t lvt[APIC_LVTS];

    uint32_t divide, initial;
    uint32_t count;       /* the current count as of `edge`; 0: it stands */
    uint64_t edge;        /* of the timer's clock, since power on */
    struct event expires; /* scheduled while it counts */

    bool intr; /* what INTR was last driven to */
};

/* Wires it and resets it: disabled and bypassed, as if there were none. */
void apic_init(struct apic *a, struct apic_config config);
void apic_reset(struct apic *a);

/* APIC_BASE bit 11. Disabled, LINT0 is INTR and LINT1 is NMI; on its way out every register is
 * reset. */
void apic_enable(struct apic *a, bool on);
/* The board's IMCR: bypassed, the pins lead to the processor, too [MPS 3.6.2.1]. */
void apic_bypass(struct apic *a, bool on);

/* LINT0 (the 8259A's INT) and LINT1; fits struct irq_line with the unit as owner. */
void apic_set_lint(void *apic, int n, bool level);
/* A performance counter overflowed. */
void apic_counter_overflowed(struct apic *a);

/* The processor takes an interrupt: its vector, with APIC_ON_CHIP unless it is the 8259A's. */
unsigned apic_acknowledge(struct apic *a);

/* Its registers, by address; as bus_read_fn and bus_write_fn. Aligned doublewords; a narrower read
 * gives its part of one. */
uint32_t apic_read(void *apic, uint32_t address, unsigned size);
void apic_write(void *apic, uint32_t address, unsigned size, uint32_t value);

void apic_snapshot(struct apic *a, struct snap *s);
