/* rtc_mc146818: the MC146818A real-time clock with CMOS RAM [MC146818A], as the PC/AT has it at
 * ports 70h and 71h, with 128 bytes of which the first 14 are the clock's.
 *
 * It counts its own crystal, never the host's time: crystal edge n happens at processor cycle
 * ratio_edge(crystal, n), and the date it starts from is an input of the run. Nothing is ticked.
 * The state holds as of one crystal edge (`edge`) and is brought forward by whoever looks; an event
 * is scheduled only for the next edge that could raise an enabled interrupt.
 *
 * Vocabulary, from the data sheet:
 *
 *   divider chain   counts crystal edges since it was last released from reset; its last stage is 1
 *                   Hz, its taps are the periodic rates
 *   update cycle    once a second: UIP rises with the 1 Hz stage, 244 us later the ten bytes begin
 *                   to change, tUC later UIP falls with UF and, on a match, AF. Here the bytes
 *                   change in one step at that end, and reading them earlier gives the old time.
 *   SET             inhibits update cycles and aborts the one in progress; the chain runs on
 *
 * The century byte at 32h is RAM by the PC's convention: set at power on, kept by software, not
 * carried into by the year [MC146818A has two digits of the year, and 29 February whenever four
 * divides them].
 *
 * Not modelled: the SQW pin (its enable bit is kept), power sense and battery failure (VRT is
 * always 1), the divider's test modes, which stop the run (unimplemented). Bytes outside their
 * range count up as their last legal value would. */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/irq_line.h"

struct snap;

#define RTC_CMOS_SIZE 128

/* Indexes of the clock's bytes, and of the century. */
enum {
    RTC_SECONDS = 0x00,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_DAY_OF_WEEK,
    RTC_DATE,
    RTC_MONTH,
    RTC_YEAR,
    RTC_A,
    RTC_B,
    RTC_C,
    RTC_D,
    RTC_CENTURY = 0x32
};

struct rtc_config {
    struct clock *clock;
    struct ratio crystal;     /* processor cycles per period of the 32,768 Hz crystal */
    struct irq_line irq;      /* IRQ#, inverted as the board does: high while IRQF is set */
    struct irq_line nmi_mask; /* bit 7 of the index port: high means NMI is masked */
    int64_t start_seconds;    /* the date at cycle 0, in seconds since 1970-01-01 00:00:00 UTC */
    uint32_t priority;        /* of the event, among those of one cycle */
};

struct rtc {
    struct rtc_config config;
    struct event event;

    uint64_t edge; /* the crystal edge this state is valid after */
    uint8_t cmos[RTC_CMOS_SIZE];
    uint8_t index;
    bool nmi_masked;
    uint64_t chain;         /* what the divider chain has counted; 0 while it is held in reset */
    uint64_t updates_after; /* update cycles whose UIP rises after this edge take place */
    bool fell_back;         /* DSE: October's extra hour has begun */
    bool irq_level;         /* what the irq wire was last set to */
};

/* Wires the chip, sets the date and the RAM as a battery would have kept them (24 hours, BCD,
 * running, alarm at midnight, RAM zero but the century), then resets. start_seconds must lie in the
 * years 1 to 9999 (CHECK; the manifest reader tells the user). */
void rtc_init(struct rtc *r, struct rtc_config config);
/* The RESET pin: interrupts, their flags and the square wave off. Time, RAM and rates stay. */
void rtc_reset(struct rtc *r);

/* Port 0 is the index port 70h, 1 the data port 71h. The index port is write only and reads FFh. */
uint8_t rtc_read(struct rtc *r, unsigned port);
void rtc_write(struct rtc *r, unsigned port, uint8_t value);

bool rtc_nmi_masked(const struct rtc *r);

/* A RAM byte (index 0Eh-7Fh) that the board's setup left there: memory sizes, drive types. */
void rtc_set_ram(struct rtc *r, unsigned index, uint8_t value);

void rtc_snapshot(struct rtc *r, struct snap *s);
