/* keyboard_101: the IBM 101/102-key keyboard on the other end of the 8042's cable [PS2HITR].
 *
 * It turns key strokes into scan codes of set 2 (or 1), repeats the last key, keeps 16 bytes until
 * the system takes them, and answers commands. It has no clock of its own: whoever owns it passes
 * the time in microsecond ticks and calls keyboard_advance when keyboard_due has come. The bits on
 * the cable are the owner's too: it takes a byte when its last bit has arrived.
 *
 * Keys are named by their make code of set 1: 01h-7Fh, E0xxh for the keys that send E0 first, and
 * KEYBOARD_PAUSE. Their codes of set 2 come from the table by which the 8042 translates, read
 * backwards, so that the two cannot disagree.
 *
 * Not modelled: scan set 3. Command F0 03 is answered with Resend, and F7-FD, which matter to set 3
 * alone, are acknowledged. */
#pragma once

#include "sim/core/snap.h"
#include "sim/core/types.h"

#define KEYBOARD_BUFFER_SIZE 16
#define KEYBOARD_PAUSE 0xE11D
#define KEYBOARD_PRINT_SCREEN 0xE037
#define KEYBOARD_SEQUENCE_MAX 8 /* the longest a key stroke sends */

enum { KEYBOARD_LED_SCROLL = 1 << 0, KEYBOARD_LED_NUM = 1 << 1, KEYBOARD_LED_CAPS = 1 << 2 };

struct keyboard_timing {
    uint32_t response_us;        /* from the end of a command to the first bit of its answer */
    uint32_t bat_us;             /* basic assurance test */
    uint32_t typematic_delay_us; /* delay = (1 + D) times this */
    uint32_t typematic_unit_us;  /* period = (8 + A) 2^B times this */
};

struct keyboard {
    struct keyboard_timing timing;
    uint64_t answer_due; /* ticks; CYCLE_NEVER when nothing is awaited */
    uint64_t bat_due;
    uint64_t repeat_due;

    /* What waits to be sent. The 17th place is for the overrun code alone. */
    uint8_t buffer[KEYBOARD_BUFFER_SIZE + 1];
    uint8_t buffer_count;
    bool overrun; /* the overrun code is the last byte; key strokes are lost until it is sent */
    /* Answers go first and take no place in the buffer. */
    uint8_t answer[3];
    uint8_t answer_count;
    uint8_t last_sent; /* for Resend */

    uint8_t command;      /* the one whose parameter is awaited, 0 if none */
    bool reset_announced; /* the acknowledgement of Reset is on its way; the test follows */
    bool scanning;
    uint8_t scan_set; /* 1 or 2 */
    uint8_t leds;
    uint8_t typematic; /* | 0 | D (2) | B (2) | A (3) |                        [PS2HITR] */
    uint16_t repeat_key;
    uint8_t down[32]; /* one bit a key: index its code, plus 80h for E0 */
};

/* The table by which an 8042 translates set 2 into set 1. */
uint8_t keyboard_translate(uint8_t code);

void keyboard_init(struct keyboard *k, struct keyboard_timing timing);
/* Power on: the basic assurance test begins at the given tick. */
void keyboard_reset(struct keyboard *k, uint64_t tick);
/* As after the test and the firmware's set-up: scanning, nothing to send. */
void keyboard_enable(struct keyboard *k);
void keyboard_snapshot(struct keyboard *k, struct snap *s);

/* The tick of the next change from within, CYCLE_NEVER if none, and the change. */
uint64_t keyboard_due(const struct keyboard *k);
void keyboard_advance(struct keyboard *k, uint64_t tick);

/* A key goes down or up at a tick. A key that is down already, or unknown, does nothing. */
void keyboard_key(struct keyboard *k, uint16_t key, bool press, uint64_t tick);

/* Whether it would clock in a byte from the system: not during its test. */
bool keyboard_listens(const struct keyboard *k);
void keyboard_command(struct keyboard *k, uint8_t byte, uint64_t tick);

/* Whether a byte waits for the cable; and the byte, whose last bit has left at the given tick. */
bool keyboard_has_byte(const struct keyboard *k);
uint8_t keyboard_take_byte(struct keyboard *k, uint64_t tick);
