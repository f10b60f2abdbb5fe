/* pit_8254: the 8254 programmable interval timer [8254], three 16-bit counters of six modes each.
 *
 * The chip is never ticked. CLK pulse n happens at processor cycle ratio_edge(period, n), and each
 * counter keeps its state as of one CLK pulse (`clk`); whoever looks at it first brings it forward
 * to the last pulse at or before now. Only a counter whose OUT is wired to somebody schedules an
 * event, at its next change of OUT; the others cost nothing between two accesses.
 *
 * Vocabulary, all of it the data sheet's:
 *
 *   CR       count register: the count as written, kept for reloading
 *   CE       counting element: what counts down
 *   load     CE = CR, on a CLK pulse, never at once
 *   trigger  a rising edge of GATE, remembered until the next CLK pulse samples it
 *
 * Where the data sheet is silent, one choice is made and tested: a CLK pulse is one instant, so
 * that an access falls before or after the whole pulse; of a two-byte count nothing reaches CR
 * before the second byte; a counter that was given a control word and no count yet stands still; a
 * count of 1 in modes 2 and 3, below their minimum of 2 [8254 Figure 22], leaves OUT high; reading
 * the control port gives FFh. */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/irq_line.h"

struct snap;

#define PIT_COUNTERS 3
#define PIT_CONTROL 3 /* the port after the three counters' */

struct pit_config {
    struct clock *clock;
    struct ratio period;               /* processor cycles per CLK pulse, all three counters */
    struct irq_line out[PIT_COUNTERS]; /* OUT pins; one without a function is only ever asked for */
    uint32_t priority;                 /* of the events, among those of one cycle */
};

struct pit_counter {
    uint64_t clk; /* the CLK pulse this state is valid after */

    uint8_t control; /* RW, mode and BCD as in the last control word */
    uint16_t cr;
    uint16_t ce;
    uint8_t low_byte;  /* the first byte of a two-byte count whose second is awaited */
    bool second_write; /* the next write is the most significant byte of two */
    bool second_read;  /* the next read is the most significant byte of two */
    bool null_count;   /* the count last written has not reached CE */
    uint16_t latch;    /* output latch, where count_latched */
    bool count_latched;
    uint8_t status; /* status latch, where status_latched */
    bool status_latched;

    bool gate;
    bool trigger;      /* GATE rose since the last CLK pulse */
    bool armed;        /* CR holds a count written since the control word */
    bool load_pending; /* the next CLK pulse loads, whatever GATE says */
    bool loaded;       /* CE was loaded since the control word: it counts when GATE lets it */
    bool odd;          /* mode 3: the count loaded was odd, its high half is one pulse longer */
    bool strobe;       /* modes 4 and 5: the strobe of this count is still to come */
    bool out;
    uint64_t out_rises; /* rising edges of OUT since power on */
};

struct pit {
    struct pit_config config;
    struct pit_counter counters[PIT_COUNTERS];
    struct event events[PIT_COUNTERS];
    bool driven[PIT_COUNTERS]; /* what each OUT wire was last set to */
    struct pit_event_owner {
        struct pit *pit;
        int n;
    } owners[PIT_COUNTERS];
};

/* Wires the chip and brings it to its power-on state. GATE inputs float high until they are
 * driven. */
void pit_init(struct pit *p, struct pit_config config);
/* Power on. The 8254 has no reset pin and its state is undefined before programming; here every
 * counter is in mode 0 without a count, OUT low. GATE keeps the level the board drives. */
void pit_reset(struct pit *p);

/* Port 0-2 is a counter, 3 the control word register. */
uint8_t pit_read(struct pit *p, unsigned port);
void pit_write(struct pit *p, unsigned port, uint8_t value);

/* GATE of counter n; fits struct irq_line with the chip as owner. */
void pit_set_gate(void *pit, int n, bool level);

/* The level of OUT n now, and how often it has risen since power on. They change nothing. */
bool pit_out(const void *pit, int n);
uint64_t pit_out_rises(const void *pit, int n);

void pit_snapshot(struct pit *p, struct snap *s);
