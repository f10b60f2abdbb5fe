/* kbd_8042: the keyboard controller of the PC/AT and PS/2, an 8042 with its ROM, and the keyboard
 * on its cable [AT5170] [PS2HITR]. No mouse hangs on the auxiliary port.
 *
 * The 8042 is one small processor that moves the cable's bits itself: it does one thing at a time.
 * Idle, it takes a byte from its input buffer, or else, if its output buffer is empty and the
 * keyboard is enabled, a byte from the keyboard. Each of these takes a time of struct kbd_timing,
 * counted in ticks of a microsecond clock, whose edges are exact. What a program does at the ports
 * takes effect with the next tick. While the 8042 is busy a byte written to it waits, and IBF says
 * so.
 *
 * Not modelled: the key lock (the keyboard is never inhibited), parity errors, the diagnostic dump
 * AC and the polls C1-C3, passwords (A4 says that there is none, A5 swallows one, A6 does nothing).
 * The 8042 ignores other commands, as the part does. */
#pragma once

#include "devices/keyboard_101.h"
#include "sim/core/clock.h"
#include "sim/core/irq_line.h"
#include "sim/core/snap.h"

#define KBD_PORT_DATA 0x60
#define KBD_PORT_COMMAND 0x64

/* Status, port 64h  | PARE | TIM | AUXB | INH | CMD | SYS | IBF | OBF |             [PS2HITR] */
enum {
    KBD_OBF = 1 << 0,  /* the output buffer holds a byte for the system */
    KBD_IBF = 1 << 1,  /* the input buffer holds a byte for the 8042 */
    KBD_SYS = 1 << 2,  /* the self test has passed, or the command byte says so */
    KBD_CMD = 1 << 3,  /* the input buffer was last written through port 64h */
    KBD_INH = 1 << 4,  /* the keyboard is not inhibited by its lock */
    KBD_AUXB = 1 << 5, /* the byte in the output buffer is the auxiliary device's */
    KBD_TIM = 1 << 6,  /* and stands for a device that did not answer */
    KBD_PARE = 1 << 7,
};

/* Command byte  | 0 | XLATE | MCD | KCD | 0 | SYS | EMI | EKI |                     [PS2HITR] */
enum {
    KBD_CTR_EKI = 1 << 0,   /* IRQ 1 when the keyboard's byte is in the output buffer */
    KBD_CTR_EMI = 1 << 1,   /* IRQ 12 when the auxiliary device's is */
    KBD_CTR_SYS = 1 << 2,   /* status bit SYS */
    KBD_CTR_KCD = 1 << 4,   /* keyboard disabled: its clock is held low */
    KBD_CTR_MCD = 1 << 5,   /* auxiliary device disabled */
    KBD_CTR_XLATE = 1 << 6, /* translate set 2 into set 1 */
};

/* Output port  | data | clock | IRQ 12 | IRQ 1 | aux clock | aux data | A20 | RESET |  [PS2HITR] */
enum {
    KBD_P2_RESET = 1 << 0, /* low resets the processor */
    KBD_P2_A20 = 1 << 1,
    KBD_P2_IRQ1 = 1 << 4,
    KBD_P2_IRQ12 = 1 << 5,
};

struct kbd_timing {
    uint32_t command_us;      /* to take a byte from the input buffer and do what it says */
    uint32_t self_test_us;    /* command AA, after that */
    uint32_t pulse_us;        /* how long F0-FF hold the output port's low bits down */
    uint32_t receive_us;      /* a byte from the keyboard: 11 bits */
    uint32_t send_us;         /* a byte to it: request to send, 11 bits and the line control bit */
    uint32_t send_timeout_us; /* how long the 8042 waits for a device that clocks nothing */
    struct keyboard_timing keyboard;
};

/* The times of a PS/2 with a 12.5 kHz keyboard; the ones without a source are estimates. */
static inline struct kbd_timing kbd_timing_ps2(void)
{
    return (struct kbd_timing){
        .command_us = 20,         /* estimate: some ten instructions of 2.5 us */
        .self_test_us = 2000,     /* estimate */
        .pulse_us = 6,            /* [PS2HITR] */
        .receive_us = 11 * 80,    /* clock 60 to 100 us [PS2HITR] */
        .send_us = 100 + 12 * 80, /* clock held low 60 to 100 us first [PS2HITR] */
        .send_timeout_us = 15000, /* [PS2HITR] */
        .keyboard = {
            .response_us = 1000,          /* estimate; 20 ms at most [PS2HITR] */
            .bat_us = 500000,             /* 300 to 500 ms [PS2HITR] */
            .typematic_delay_us = 250000, /* [AT5170 4-7] */
            .typematic_unit_us = 4170,    /* [AT5170 4-7] */
        },
    };
}

struct kbd_config {
    struct clock *clock;
    struct ratio microsecond; /* processor cycles in a microsecond */
    uint32_t priority;        /* of the event */
    struct kbd_timing timing;
    uint8_t input_port;    /* what command C0 reads; bit 7 set: not locked */
    struct irq_line irq1;  /* keyboard */
    struct irq_line irq12; /* auxiliary device */
    struct irq_line a20;   /* high: address bit 20 passes */
    struct irq_line reset; /* high: the processor is held in reset */
};

enum kbd_work {
    KBD_IDLE,
    KBD_EXECUTE, /* the byte in the input buffer */
    KBD_SELF_TEST,
    KBD_PULSE,
    KBD_RECEIVE,      /* a byte is coming from the keyboard */
    KBD_SEND,         /* the byte in to_device goes to the keyboard */
    KBD_SEND_TIMEOUT, /* the keyboard does not clock it in */
    KBD_AUX_TIMEOUT,  /* nor does the auxiliary device that is not there */
};

struct kbd {
    struct kbd_config config;
    struct event event;
    struct keyboard keyboard;

    uint8_t work; /* enum kbd_work */
    uint64_t due; /* tick at which it is done, or at which an idle 8042 looks for more */
    uint8_t input_buffer;
    uint8_t output_buffer;
    uint8_t status;      /* OBF, IBF, CMD, AUXB, TIM; SYS is the command byte's */
    uint8_t command;     /* the one whose data byte is awaited, 0 if none */
    uint8_t to_device;
    uint8_t ram[32];     /* commands 20-3F and 60-7F; the first is the command byte */
    uint8_t output_port; /* as written; the IRQ bits are the pins' */
    uint8_t pulse_low;   /* bits held low by F0-FF */
    bool break_code;     /* translation: F0 has come, the next code is a break code */

    bool irq1_pin;
    bool irq12_pin;
    bool a20_pin;
    bool reset_pin;
};

void kbd_init(struct kbd *k, struct kbd_config config);
/* Power on: both chips test themselves; all output port bits are high, so A20 passes. */
void kbd_reset(struct kbd *k);
/* As a PS/2 BIOS leaves it: tests passed, translation, IRQ 1 on, auxiliary port off. For boards
 * that start a kernel without a BIOS. */
void kbd_firmware_done(struct kbd *k);
void kbd_snapshot(struct kbd *k, struct snap *s);

/* One byte at port 60h or 64h. */
uint32_t kbd_read(void *owner, uint32_t port, unsigned size);
void kbd_write(void *owner, uint32_t port, unsigned size, uint32_t value);

/* A key goes down or up: its make code of set 1, E0xxh, or KEYBOARD_PAUSE. The keyboard repeats
 * held keys by itself. What finds no room in its buffer is lost, as on the part. */
void kbd_key(struct kbd *k, uint16_t scancode, bool press);
/* Whether the longest sequence has room, for whoever types faster than a person. */
bool kbd_can_key(const struct kbd *k);
/* KEYBOARD_LED_SCROLL, KEYBOARD_LED_NUM, KEYBOARD_LED_CAPS. */
uint8_t kbd_leds(const struct kbd *k);
