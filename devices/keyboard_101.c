#include "devices/keyboard_101.h"

#include "sim/core/check.h"
#include "sim/core/clock.h"

#include <string.h>

/* Commands to the keyboard, and what it sends besides scan codes. [PS2HITR] */
enum {
    SET_LEDS = 0xED,
    ECHO = 0xEE,
    SELECT_SET = 0xF0,
    READ_ID = 0xF2,
    SET_TYPEMATIC = 0xF3,
    ENABLE = 0xF4,
    DEFAULT_DISABLE = 0xF5,
    SET_DEFAULT = 0xF6,
    SET_ALL_KEYS_FIRST = 0xF7, /* F7-FA: all keys typematic, make/break, make, both */
    SET_ALL_KEYS_LAST = 0xFA,
    SET_KEY_FIRST = 0xFB, /* FB-FD: the keys that follow */
    SET_KEY_LAST = 0xFD,
    RESEND = 0xFE,
    RESET = 0xFF,
    ACK = 0xFA,
    BAT_PASSED = 0xAA,
    ID_FIRST = 0xAB,
    ID_SECOND = 0x83,
};

#define OVERRUN_SET_1 0xFF
#define OVERRUN_SET_2 0x00
#define BREAK_PREFIX 0xF0
#define TYPEMATIC_DEFAULT 0x2B /* 500 ms, 10.9 characters a second */

/* Keys that the sequences below depend on, by index: code of set 1, plus 80h for E0. */
enum {
    KEY_LEFT_CTRL = 0x1D,
    KEY_LEFT_SHIFT = 0x2A,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_LEFT_ALT = 0x38,
    KEY_NUM_LOCK = 0x45,
    KEY_SCROLL_LOCK = 0x46,
    KEY_SYSRQ = 0x54,
    KEY_RIGHT_CTRL = 0x9D,
    KEY_KEYPAD_SLASH = 0xB5,
    KEY_PRINT_SCREEN = 0xB7,
    KEY_RIGHT_ALT = 0xB8,
    KEY_PAUSE = 0xC5,
};

/* The 8042's ROM [AT5170 scan code translation]. The two codes above 7Fh are F7 and SysRq. */
uint8_t keyboard_translate(uint8_t code)
{
    static const uint8_t table[128] = {
        0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29,
        0x59, 0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11,
        0x03, 0x5B, 0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14,
        0x13, 0x06, 0x5D, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24,
        0x16, 0x08, 0x09, 0x5F, 0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35,
        0x26, 0x27, 0x19, 0x0C, 0x61, 0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36,
        0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C,
        0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F, 0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45,
        0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
    };
    if (code < 0x80)
        return table[code];
    return code == 0x83 ? 0x41 : code == 0x84 ? 0x54 : code;
}

/* The code of set 2 that translates into this one of set 1; 0 if there is none. */
static uint8_t set_2_code(uint8_t set_1)
{
    if (set_1 == 0x41)
        return 0x83;
    if (set_1 == KEY_SYSRQ)
        return 0x84;
    for (unsigned code = 1; code < 0x80; code++)
        if (keyboard_translate((uint8_t)code) == set_1)
            return (uint8_t)code;
    return 0;
}

/* ---- sequences of scan codes --------------------------------------------------------------- */

struct sequence {
    uint8_t bytes[KEYBOARD_SEQUENCE_MAX];
    unsigned count;
};

static void put(struct sequence *q, uint8_t byte)
{
    CHECK(q->count < sizeof q->bytes);
    q->bytes[q->count++] = byte;
}

/* One make or break code of a key, in the selected set. */
static void put_key(const struct keyboard *k, struct sequence *q, unsigned index, bool press)
{
    uint8_t code = index & 0x7F;
    if (index & 0x80)
        put(q, 0xE0);
    if (k->scan_set == 1) {
        put(q, press ? code : code | 0x80);
        return;
    }
    if (!press)
        put(q, BREAK_PREFIX);
    put(q, set_2_code(code));
}

static bool is_down(const struct keyboard *k, unsigned index)
{
    return k->down[index / 8] >> (index % 8) & 1;
}

static bool either_down(const struct keyboard *k, unsigned left, unsigned right)
{
    return is_down(k, left) || is_down(k, right);
}

/* The grey cursor keys of the numeric block's other self: Insert, Delete, Home, End, the arrows,
 * Page Up and Page Down. */
static bool is_grey(unsigned index)
{
    return (index >= 0xC7 && index <= 0xC9) || index == 0xCB || index == 0xCD ||
           (index >= 0xCF && index <= 0xD3);
}

/* To a program that knows 84 keys a grey key must look like the keypad's without Num Lock. So the
 * keyboard pretends that the shift keys change before it and change back after it. [PS2HITR] */
static void put_pretence(const struct keyboard *k, struct sequence *q, unsigned index, bool before)
{
    bool shift = either_down(k, KEY_LEFT_SHIFT, KEY_RIGHT_SHIFT);
    bool num = k->leds & KEYBOARD_LED_NUM;
    bool lift = shift && (index == KEY_KEYPAD_SLASH || (is_grey(index) && !num));
    if (lift && is_down(k, KEY_LEFT_SHIFT))
        put_key(k, q, 0x80 | KEY_LEFT_SHIFT, !before);
    if (lift && is_down(k, KEY_RIGHT_SHIFT))
        put_key(k, q, 0x80 | KEY_RIGHT_SHIFT, !before);
    if (is_grey(index) && num && !shift)
        put_key(k, q, 0x80 | KEY_LEFT_SHIFT, before);
}

static void put_print_screen(const struct keyboard *k, struct sequence *q, bool press)
{
    bool bare = !either_down(k, KEY_LEFT_SHIFT, KEY_RIGHT_SHIFT) &&
                !either_down(k, KEY_LEFT_CTRL, KEY_RIGHT_CTRL);
    if (either_down(k, KEY_LEFT_ALT, KEY_RIGHT_ALT)) {
        put_key(k, q, KEY_SYSRQ, press);
        return;
    }
    if (bare && press)
        put_key(k, q, 0x80 | KEY_LEFT_SHIFT, true);
    put_key(k, q, KEY_PRINT_SCREEN, press);
    if (bare && !press)
        put_key(k, q, 0x80 | KEY_LEFT_SHIFT, false);
}

/* Pause says all it has to say when it goes down. */
static void put_pause(const struct keyboard *k, struct sequence *q)
{
    if (either_down(k, KEY_LEFT_CTRL, KEY_RIGHT_CTRL)) {
        put_key(k, q, 0x80 | KEY_SCROLL_LOCK, true);
        put_key(k, q, 0x80 | KEY_SCROLL_LOCK, false);
        return;
    }
    put(q, 0xE1);
    put_key(k, q, KEY_LEFT_CTRL, true);
    put_key(k, q, KEY_NUM_LOCK, true);
    put(q, 0xE1);
    put_key(k, q, KEY_LEFT_CTRL, false);
    put_key(k, q, KEY_NUM_LOCK, false);
}

static struct sequence sequence_of(const struct keyboard *k, unsigned index, bool press)
{
    struct sequence q = {.count = 0};
    if (index == KEY_PAUSE) {
        if (press)
            put_pause(k, &q);
    } else if (index == KEY_PRINT_SCREEN) {
        put_print_screen(k, &q, press);
    } else {
        if (press)
            put_pretence(k, &q, index, true);
        put_key(k, &q, index, press);
        if (!press)
            put_pretence(k, &q, index, false);
    }
    return q;
}

/* What a held key repeats: its make code without the pretended shifts. */
static struct sequence repeat_of(const struct keyboard *k, unsigned index)
{
    struct sequence q = {.count = 0};
    bool sysrq = index == KEY_PRINT_SCREEN && either_down(k, KEY_LEFT_ALT, KEY_RIGHT_ALT);
    put_key(k, &q, sysrq ? KEY_SYSRQ : index, true);
    return q;
}

/* ---- the buffer ---------------------------------------------------------------------------- */

/* A sequence that does not fit is lost whole and leaves the overrun code.
 * [XT5160 4-24] */
static void store(struct keyboard *k, const struct sequence *q)
{
    if (k->overrun)
        return;
    if (k->buffer_count + q->count > KEYBOARD_BUFFER_SIZE) {
        k->buffer[k->buffer_count++] = k->scan_set == 1 ? OVERRUN_SET_1 : OVERRUN_SET_2;
        k->overrun = true;
        return;
    }
    memcpy(k->buffer + k->buffer_count, q->bytes, q->count);
    k->buffer_count += (uint8_t)q->count;
}

static void stop_repeating(struct keyboard *k)
{
    k->repeat_key = 0;
    k->repeat_due = CYCLE_NEVER;
}

static void clear_buffer(struct keyboard *k)
{
    k->buffer_count = 0;
    k->overrun = false;
    stop_repeating(k);
}

bool keyboard_has_byte(const struct keyboard *k)
{
    if (k->answer_due != CYCLE_NEVER || k->bat_due != CYCLE_NEVER)
        return false;
    return k->answer_count || k->buffer_count;
}

uint8_t keyboard_take_byte(struct keyboard *k, uint64_t tick)
{
    CHECK(keyboard_has_byte(k));
    uint8_t *from = k->answer_count ? k->answer : k->buffer;
    uint8_t *count = k->answer_count ? &k->answer_count : &k->buffer_count;
    uint8_t byte = from[0];
    memmove(from, from + 1, --*count);
    if (k->buffer_count == 0)
        k->overrun = false;
    k->last_sent = byte;
    if (k->reset_announced)
        keyboard_reset(k, tick);
    return byte;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static uint64_t typematic_delay(const struct keyboard *k)
{
    return (uint64_t)(1 + (k->typematic >> 5 & 3)) * k->timing.typematic_delay_us;
}

static uint64_t typematic_period(const struct keyboard *k)
{
    unsigned units = (8u + (k->typematic & 7)) << (k->typematic >> 3 & 3);
    return (uint64_t)units * k->timing.typematic_unit_us;
}

/* Codes of set 1 to an index: 80h for E0. 0 for what is no key. */
static unsigned key_index(uint16_t key)
{
    unsigned code = key & 0x7F;
    if (key == KEYBOARD_PAUSE)
        return KEY_PAUSE;
    if (key != code && key != (0xE000 | code))
        return 0;
    if (!set_2_code((uint8_t)code))
        return 0;
    return key == code ? code : code | 0x80;
}

/* While the parameter of a command is awaited the keyboard does not scan. */
static bool scans(const struct keyboard *k)
{
    return k->scanning && !k->command && k->bat_due == CYCLE_NEVER;
}

void keyboard_key(struct keyboard *k, uint16_t key, bool press, uint64_t tick)
{
    unsigned index = key_index(key);
    if (!index || is_down(k, index) == press)
        return;
    k->down[index / 8] ^= (uint8_t)(1u << (index % 8));
    if (!press && k->repeat_key == index)
        stop_repeating(k);
    if (!scans(k))
        return;
    struct sequence q = sequence_of(k, index, press);
    store(k, &q);
    if (press && index != KEY_PAUSE) {
        k->repeat_key = (uint16_t)index;
        k->repeat_due = tick + typematic_delay(k);
    }
}

/* A repetition is stored only when all before it has been sent, so that a key held down while the
 * system does not listen leaves one make code. [XT5160 4-24] */
static void repeat(struct keyboard *k, uint64_t tick)
{
    k->repeat_due = tick + typematic_period(k);
    if (k->buffer_count || !scans(k))
        return;
    struct sequence q = repeat_of(k, k->repeat_key);
    store(k, &q);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void set_defaults(struct keyboard *k)
{
    k->scan_set = 2;
    k->typematic = TYPEMATIC_DEFAULT;
    clear_buffer(k);
}

static void answer(struct keyboard *k, uint8_t byte) { k->answer[k->answer_count++] = byte; }

/* Set 3 is not there, and any other number is an error. */
static void select_set(struct keyboard *k, uint8_t set)
{
    if (set > 2) {
        answer(k, RESEND);
        return;
    }
    answer(k, ACK);
    if (set == 0)
        answer(k, k->scan_set);
    else
        k->scan_set = set;
}

static void take_parameter(struct keyboard *k, uint8_t byte)
{
    switch (k->command) {
    case SELECT_SET:
        select_set(k, byte);
        break;
    case SET_LEDS:
        k->leds = byte & (KEYBOARD_LED_SCROLL | KEYBOARD_LED_NUM | KEYBOARD_LED_CAPS);
        answer(k, ACK);
        break;
    case SET_TYPEMATIC:
        k->typematic = byte & 0x7F;
        answer(k, ACK);
        break;
    default: /* FB-FD take keys until the next command */
        answer(k, ACK);
        return;
    }
    k->command = 0;
}

static void take_command(struct keyboard *k, uint8_t byte)
{
    k->command = 0;
    if (byte == ECHO || byte == RESEND) {
        answer(k, byte == ECHO ? ECHO : k->last_sent);
        return;
    }
    if (byte < SET_LEDS || byte == 0xEF || byte == 0xF1) {
        answer(k, RESEND);
        return;
    }
    answer(k, ACK);
    if (byte == READ_ID) {
        answer(k, ID_FIRST);
        answer(k, ID_SECOND);
    } else if (byte == SET_LEDS || byte == SET_TYPEMATIC) {
        k->command = byte;
    } else if (byte == SELECT_SET || (byte >= SET_KEY_FIRST && byte <= SET_KEY_LAST)) {
        clear_buffer(k);
        k->command = byte;
    } else if (byte >= SET_ALL_KEYS_FIRST && byte <= SET_ALL_KEYS_LAST) {
        clear_buffer(k);
    } else if (byte == ENABLE) {
        clear_buffer(k);
        k->scanning = true;
    } else if (byte == RESET) {
        k->reset_announced = true;
    } else { /* SET_DEFAULT, DEFAULT_DISABLE */
        set_defaults(k);
        if (byte == DEFAULT_DISABLE)
            k->scanning = false;
    }
}

bool keyboard_listens(const struct keyboard *k) { return k->bat_due == CYCLE_NEVER; }

/* A new command ends the answer to the one before; one in place of a parameter is obeyed. */
void keyboard_command(struct keyboard *k, uint8_t byte, uint64_t tick)
{
    CHECK(keyboard_listens(k));
    k->answer_count = 0;
    k->reset_announced = false;
    if (k->command && byte < SET_LEDS)
        take_parameter(k, byte);
    else
        take_command(k, byte);
    k->answer_due = tick + k->timing.response_us;
}

/* ---- time ---------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t keyboard_due(const struct keyboard *k)
{
    return earlier(k->answer_due, earlier(k->bat_due, k->repeat_due));
}

void keyboard_advance(struct keyboard *k, uint64_t tick)
{
    if (k->answer_due <= tick)
        k->answer_due = CYCLE_NEVER;
    if (k->bat_due <= tick) {
        k->bat_due = CYCLE_NEVER;
        k->scanning = true;
        answer(k, BAT_PASSED);
    }
    if (k->repeat_due <= tick)
        repeat(k, k->repeat_due);
}

void keyboard_init(struct keyboard *k, struct keyboard_timing timing)
{
    memset(k, 0, sizeof *k);
    k->timing = timing;
    keyboard_reset(k, 0);
}

/* The fingers stay on the keys. */
void keyboard_reset(struct keyboard *k, uint64_t tick)
{
    k->answer_due = CYCLE_NEVER;
    k->bat_due = tick + k->timing.bat_us;
    k->answer_count = 0;
    k->command = 0;
    k->reset_announced = false;
    k->scanning = false;
    k->leds = 0;
    set_defaults(k);
}

void keyboard_enable(struct keyboard *k)
{
    k->bat_due = CYCLE_NEVER;
    k->scanning = true;
}

void keyboard_snapshot(struct keyboard *k, struct snap *s)
{
    snap_enter(s, "keyboard");
    snap_u64(s, "answer_due", &k->answer_due);
    snap_u64(s, "bat_due", &k->bat_due);
    snap_u64(s, "repeat_due", &k->repeat_due);
    snap_bytes(s, "buffer", k->buffer, sizeof k->buffer);
    snap_u8(s, "buffer_count", &k->buffer_count);
    snap_bool(s, "overrun", &k->overrun);
    snap_bytes(s, "answer", k->answer, sizeof k->answer);
    snap_u8(s, "answer_count", &k->answer_count);
    snap_u8(s, "last_sent", &k->last_sent);
    snap_u8(s, "command", &k->command);
    snap_bool(s, "reset_announced", &k->reset_announced);
    snap_bool(s, "scanning", &k->scanning);
    snap_u8(s, "scan_set", &k->scan_set);
    snap_u8(s, "leds", &k->leds);
    snap_u8(s, "typematic", &k->typematic);
    snap_u16(s, "repeat_key", &k->repeat_key);
    snap_bytes(s, "down", k->down, sizeof k->down);
    snap_leave(s);
}
