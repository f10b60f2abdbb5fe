#include "devices/kbd_8042.h"

#include "sim/core/check.h"

#include <string.h>

/* Commands, port 64h. [PS2HITR] [AT5170 1-51] */
enum {
    READ_RAM = 0x20,  /* to 3F */
    WRITE_RAM = 0x60, /* to 7F */
    TEST_PASSWORD = 0xA4,
    LOAD_PASSWORD = 0xA5,
    DISABLE_AUX = 0xA7,
    ENABLE_AUX = 0xA8,
    TEST_AUX = 0xA9,
    SELF_TEST = 0xAA,
    TEST_KEYBOARD = 0xAB,
    DISABLE_KEYBOARD = 0xAD,
    ENABLE_KEYBOARD = 0xAE,
    READ_INPUT_PORT = 0xC0,
    READ_OUTPUT_PORT = 0xD0,
    WRITE_OUTPUT_PORT = 0xD1,
    WRITE_KEYBOARD_BUFFER = 0xD2,
    WRITE_AUX_BUFFER = 0xD3,
    WRITE_AUX_DEVICE = 0xD4,
    CLEAR_A20 = 0xDD,
    SET_A20 = 0xDF,
    READ_TEST_INPUTS = 0xE0,
    PULSE = 0xF0, /* to FF */
};

#define NO_PASSWORD 0xF1
#define SELF_TEST_PASSED 0x55
#define INTERFACE_TEST_PASSED 0x00
#define TIMED_OUT 0xFE /* what stands in the output buffer for a device that did not clock */
#define BREAK_PREFIX 0xF0

/* Test inputs, command E0  | 0 | 0 | 0 | 0 | 0 | 0 | T1: aux clock | T0: keyboard clock | */
#define TEST_KEYBOARD_CLOCK 0x01
#define TEST_AUX_CLOCK 0x02

#define PULSED_BITS 0x0F

static uint8_t *ctr(struct kbd *k) { return &k->ram[0]; }

/* ---- pins ---------------------------------------------------------------------------------- */

static void drive(const struct irq_line *line, bool *pin, bool level)
{
    if (*pin == level)
        return;
    *pin = level;
    irq_set(line, level);
}

static void update_pins(struct kbd *k)
{
    bool full = k->status & KBD_OBF, aux = k->status & KBD_AUXB;
    uint8_t port = k->output_port & (uint8_t)~k->pulse_low;
    drive(&k->config.irq1, &k->irq1_pin, full && !aux && (*ctr(k) & KBD_CTR_EKI));
    drive(&k->config.irq12, &k->irq12_pin, full && aux && (*ctr(k) & KBD_CTR_EMI));
    drive(&k->config.a20, &k->a20_pin, port & KBD_P2_A20);
    drive(&k->config.reset, &k->reset_pin, !(port & KBD_P2_RESET));
}

/* ---- the output buffer --------------------------------------------------------------------- */

/* An answer of the 8042 itself overwrites what the system has not read. [AT5170] */
static void put_output(struct kbd *k, uint8_t byte, uint8_t source)
{
    k->output_buffer = byte;
    k->status &= (uint8_t)~(KBD_AUXB | KBD_TIM);
    k->status |= KBD_OBF | source;
}

/* Translation turns the prefix F0 into bit 7 of the code that follows. */
static void put_scan_code(struct kbd *k, uint8_t code)
{
    if (*ctr(k) & KBD_CTR_XLATE) {
        if (code == BREAK_PREFIX) {
            k->break_code = true;
            return;
        }
        code = keyboard_translate(code) | (k->break_code ? 0x80 : 0);
    }
    k->break_code = false;
    put_output(k, code, 0);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void start(struct kbd *k, enum kbd_work work, uint64_t due)
{
    k->work = (uint8_t)work;
    k->due = due;
}

/* A byte for the keyboard enables its cable. During its own test it clocks nothing in. */
static void send(struct kbd *k, uint8_t byte, uint64_t tick)
{
    *ctr(k) &= (uint8_t)~KBD_CTR_KCD;
    k->to_device = byte;
    if (keyboard_listens(&k->keyboard))
        start(k, KBD_SEND, tick + k->config.timing.send_us);
    else
        start(k, KBD_SEND_TIMEOUT, tick + k->config.timing.send_timeout_us);
}

static uint8_t read_output_port(const struct kbd *k)
{
    uint8_t port = k->output_port & (uint8_t) ~(KBD_P2_IRQ1 | KBD_P2_IRQ12);
    return (uint8_t)(port | (k->irq1_pin ? KBD_P2_IRQ1 : 0) | (k->irq12_pin ? KBD_P2_IRQ12 : 0));
}

/* The 8042 holds the clock of a disabled device low. */
static uint8_t read_test_inputs(struct kbd *k)
{
    return (uint8_t)((*ctr(k) & KBD_CTR_KCD ? 0 : TEST_KEYBOARD_CLOCK) |
                     (*ctr(k) & KBD_CTR_MCD ? 0 : TEST_AUX_CLOCK));
}

/* Commands that answer at once. False if this is none of them. */
static bool answer_command(struct kbd *k, uint8_t command)
{
    switch (command) {
    case TEST_PASSWORD:
        put_output(k, NO_PASSWORD, 0);
        return true;
    case TEST_AUX: /* nothing pulls the empty port's lines down */
    case TEST_KEYBOARD:
        put_output(k, INTERFACE_TEST_PASSED, 0);
        return true;
    case READ_INPUT_PORT:
        put_output(k, k->config.input_port, 0);
        return true;
    case READ_OUTPUT_PORT:
        put_output(k, read_output_port(k), 0);
        return true;
    case READ_TEST_INPUTS:
        put_output(k, read_test_inputs(k), 0);
        return true;
    default:
        return false;
    }
}

static void execute_command(struct kbd *k, uint8_t command, uint64_t tick)
{
    k->command = 0;
    if (answer_command(k, command))
        return;
    if (command >= PULSE) {
        k->pulse_low = ~command & PULSED_BITS;
        start(k, KBD_PULSE, tick + k->config.timing.pulse_us);
    } else if (command >= READ_RAM && command < READ_RAM + sizeof k->ram) {
        put_output(k, k->ram[command - READ_RAM], 0);
    } else if (command == SELF_TEST) {
        start(k, KBD_SELF_TEST, tick + k->config.timing.self_test_us);
    } else if (command == DISABLE_AUX) {
        *ctr(k) |= KBD_CTR_MCD;
    } else if (command == ENABLE_AUX) {
        *ctr(k) &= (uint8_t)~KBD_CTR_MCD;
    } else if (command == DISABLE_KEYBOARD) {
        *ctr(k) |= KBD_CTR_KCD;
    } else if (command == ENABLE_KEYBOARD) {
        *ctr(k) &= (uint8_t)~KBD_CTR_KCD;
    } else if (command == CLEAR_A20) {
        k->output_port &= (uint8_t)~KBD_P2_A20;
    } else if (command == SET_A20) {
        k->output_port |= KBD_P2_A20;
    } else if ((command >= WRITE_RAM && command < WRITE_RAM + sizeof k->ram) ||
               (command >= WRITE_OUTPUT_PORT && command <= WRITE_AUX_DEVICE) ||
               command == LOAD_PASSWORD) {
        k->command = command;
    }
}

/* A data byte belongs to the command that awaits it, otherwise to the keyboard. */
static void execute_data(struct kbd *k, uint8_t byte, uint64_t tick)
{
    uint8_t command = k->command;
    k->command = 0;
    switch (command) {
    case 0:
        send(k, byte, tick);
        break;
    case LOAD_PASSWORD: /* ends with a zero */
        k->command = byte ? LOAD_PASSWORD : 0;
        break;
    case WRITE_OUTPUT_PORT:
        k->output_port = byte;
        break;
    case WRITE_KEYBOARD_BUFFER:
        put_output(k, byte, 0);
        break;
    case WRITE_AUX_BUFFER:
        put_output(k, byte, KBD_AUXB);
        break;
    case WRITE_AUX_DEVICE:
        *ctr(k) &= (uint8_t)~KBD_CTR_MCD;
        start(k, KBD_AUX_TIMEOUT, tick + k->config.timing.send_timeout_us);
        break;
    default:
        k->ram[command - WRITE_RAM] = byte;
        break;
    }
}

static void execute(struct kbd *k, uint64_t tick)
{
    k->status &= (uint8_t)~KBD_IBF;
    if (k->status & KBD_CMD)
        execute_command(k, k->input_buffer, tick);
    else
        execute_data(k, k->input_buffer, tick);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* The last tick that has happened. */
static uint64_t tick_now(const struct kbd *k)
{
    return ratio_count(k->config.microsecond, k->config.clock->now);
}

static void finish_work(struct kbd *k, uint64_t tick)
{
    uint8_t work = k->work;
    start(k, KBD_IDLE, CYCLE_NEVER);
    switch (work) {
    case KBD_EXECUTE:
        execute(k, tick);
        break;
    case KBD_SELF_TEST:
        *ctr(k) |= KBD_CTR_SYS;
        put_output(k, SELF_TEST_PASSED, 0);
        break;
    case KBD_PULSE:
        k->pulse_low = 0;
        break;
    case KBD_RECEIVE:
        put_scan_code(k, keyboard_take_byte(&k->keyboard, tick));
        break;
    case KBD_SEND:
        keyboard_command(&k->keyboard, k->to_device, tick);
        break;
    case KBD_SEND_TIMEOUT:
        put_output(k, TIMED_OUT, KBD_TIM);
        break;
    case KBD_AUX_TIMEOUT:
        put_output(k, TIMED_OUT, KBD_TIM | KBD_AUXB);
        break;
    default: /* KBD_IDLE: it only woke up to look */
        break;
    }
}

static bool can_receive(struct kbd *k)
{
    return !(k->status & KBD_OBF) && !(*ctr(k) & KBD_CTR_KCD) && keyboard_has_byte(&k->keyboard);
}

/* An idle 8042 looks for something to do; the system comes first. */
static void look_for_work(struct kbd *k, uint64_t tick)
{
    if (k->work != KBD_IDLE)
        return;
    if (k->status & KBD_IBF)
        start(k, KBD_EXECUTE, tick + k->config.timing.command_us);
    else if (can_receive(k))
        start(k, KBD_RECEIVE, tick + k->config.timing.receive_us);
}

/* What happens next, to the keyboard or to the 8042. */
static uint64_t next_tick(const struct kbd *k)
{
    uint64_t keyboard = keyboard_due(&k->keyboard);
    return keyboard < k->due ? keyboard : k->due;
}

/* Brings both chips up to the present, the keyboard first within a tick. */
static void advance(struct kbd *k)
{
    uint64_t now = tick_now(k);
    for (uint64_t tick = next_tick(k); tick <= now; tick = next_tick(k)) {
        keyboard_advance(&k->keyboard, tick);
        if (k->due <= tick)
            finish_work(k, tick);
        look_for_work(k, tick);
        update_pins(k);
    }
}

/* Ends every operation: an idle 8042 looks at what it left to do with the next tick. */
static void settle(struct kbd *k)
{
    if (k->work == KBD_IDLE && ((k->status & KBD_IBF) || can_receive(k)))
        k->due = tick_now(k) + 1;
    update_pins(k);
    uint64_t tick = next_tick(k);
    if (tick == CYCLE_NEVER) {
        event_cancel(k->config.clock, &k->event);
        return;
    }
    cycle_t when = ratio_edge(k->config.microsecond, tick);
    if (!event_pending(&k->event) || k->event.when != when)
        event_schedule(k->config.clock, &k->event, when);
}

static void fire(void *owner)
{
    struct kbd *k = owner;
    advance(k);
    settle(k);
}

/* ---- ports --------------------------------------------------------------------------------- */

uint32_t kbd_read(void *owner, uint32_t port, unsigned size)
{
    struct kbd *k = owner;
    CHECK(size == 1);
    advance(k);
    uint8_t value;
    if (port == KBD_PORT_DATA) {
        value = k->output_buffer;
        k->status &= (uint8_t)~KBD_OBF;
    } else {
        value = k->status | KBD_INH | (*ctr(k) & KBD_CTR_SYS ? KBD_SYS : 0);
    }
    settle(k);
    return value;
}

/* A byte that the 8042 has not taken yet is overwritten: the program should have looked at IBF. */
void kbd_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct kbd *k = owner;
    CHECK(size == 1);
    advance(k);
    k->input_buffer = (uint8_t)value;
    k->status &= (uint8_t)~KBD_CMD;
    k->status |= KBD_IBF | (port == KBD_PORT_DATA ? 0 : KBD_CMD);
    settle(k);
}

void kbd_key(struct kbd *k, uint16_t scancode, bool press)
{
    advance(k);
    keyboard_key(&k->keyboard, scancode, press, tick_now(k) + 1);
    settle(k);
}

bool kbd_can_key(const struct kbd *k)
{
    return k->keyboard.buffer_count + KEYBOARD_SEQUENCE_MAX <= KEYBOARD_BUFFER_SIZE;
}

uint8_t kbd_leds(const struct kbd *k) { return k->keyboard.leds; }

/* ---- whole --------------------------------------------------------------------------------- */

void kbd_init(struct kbd *k, struct kbd_config config)
{
    CHECK(config.clock && config.microsecond.num && config.microsecond.den);
    memset(k, 0, sizeof *k);
    k->config = config;
    event_init(&k->event, fire, k, config.priority);
    keyboard_init(&k->keyboard, config.timing.keyboard);
    kbd_reset(k);
}

void kbd_reset(struct kbd *k)
{
    start(k, KBD_IDLE, CYCLE_NEVER);
    k->input_buffer = 0;
    k->output_buffer = 0;
    k->status = 0;
    k->command = 0;
    k->to_device = 0;
    memset(k->ram, 0, sizeof k->ram);
    *ctr(k) = KBD_CTR_KCD | KBD_CTR_MCD;
    k->output_port = 0xFF;
    k->pulse_low = 0;
    k->break_code = false;
    keyboard_reset(&k->keyboard, tick_now(k) + 1);
    settle(k);
}

void kbd_firmware_done(struct kbd *k)
{
    advance(k);
    *ctr(k) = KBD_CTR_XLATE | KBD_CTR_MCD | KBD_CTR_SYS | KBD_CTR_EKI;
    keyboard_enable(&k->keyboard);
    settle(k);
}

void kbd_snapshot(struct kbd *k, struct snap *s)
{
    snap_enter(s, "kbd");
    snap_u8(s, "work", &k->work);
    snap_u64(s, "due", &k->due);
    snap_u8(s, "input_buffer", &k->input_buffer);
    snap_u8(s, "output_buffer", &k->output_buffer);
    snap_u8(s, "status", &k->status);
    snap_u8(s, "command", &k->command);
    snap_u8(s, "to_device", &k->to_device);
    snap_bytes(s, "ram", k->ram, sizeof k->ram);
    snap_u8(s, "output_port", &k->output_port);
    snap_u8(s, "pulse_low", &k->pulse_low);
    snap_bool(s, "break_code", &k->break_code);
    snap_bool(s, "irq1_pin", &k->irq1_pin);
    snap_bool(s, "irq12_pin", &k->irq12_pin);
    snap_bool(s, "a20_pin", &k->a20_pin);
    snap_bool(s, "reset_pin", &k->reset_pin);
    keyboard_snapshot(&k->keyboard, s);
    event_snapshot(k->config.clock, &k->event, s, "event");
    snap_leave(s);
}
