/* twin_kbd: the event-driven 8042 and keyboard against a naive pair, ticked every microsecond.
 *
 * The twin counts delays down, polls its flags on every tick as the ROMs would, and has its key
 * codes written out from the published tables instead of derived from the translation table. */
#include "devices/kbd_8042.h"
#include "tests/property/twin_run.h"

/* What both report to the outside. */
enum { LOG_IRQ1, LOG_IRQ12, LOG_A20, LOG_RESET };
static const char *const log_names[LOG_KINDS] = {"irq 1", "irq 12", "a20", "reset"};

/* Key, its code in set 1 and in set 2, and whether E0 comes first. [AT5170] [PS2HITR] */
static const struct key {
    uint16_t name;
    uint8_t set1, set2;
    bool e0, grey;
} keys[] = {
    {0x01, 0x01, 0x76, 0, 0}, {0x02, 0x02, 0x16, 0, 0}, {0x0B, 0x0B, 0x45, 0, 0},
    {0x0E, 0x0E, 0x66, 0, 0}, {0x0F, 0x0F, 0x0D, 0, 0}, {0x10, 0x10, 0x15, 0, 0},
    {0x1C, 0x1C, 0x5A, 0, 0}, {0x1D, 0x1D, 0x14, 0, 0}, {0x1E, 0x1E, 0x1C, 0, 0},
    {0x2A, 0x2A, 0x12, 0, 0}, {0x2C, 0x2C, 0x1A, 0, 0}, {0x36, 0x36, 0x59, 0, 0},
    {0x37, 0x37, 0x7C, 0, 0}, {0x38, 0x38, 0x11, 0, 0}, {0x39, 0x39, 0x29, 0, 0},
    {0x3A, 0x3A, 0x58, 0, 0}, {0x3B, 0x3B, 0x05, 0, 0}, {0x41, 0x41, 0x83, 0, 0},
    {0x44, 0x44, 0x09, 0, 0}, {0x45, 0x45, 0x77, 0, 0}, {0x46, 0x46, 0x7E, 0, 0},
    {0x47, 0x47, 0x6C, 0, 0}, {0x4A, 0x4A, 0x7B, 0, 0}, {0x53, 0x53, 0x71, 0, 0},
    {0x57, 0x57, 0x78, 0, 0}, {0x58, 0x58, 0x07, 0, 0}, {0xE01C, 0x1C, 0x5A, 1, 0},
    {0xE01D, 0x1D, 0x14, 1, 0}, {0xE035, 0x35, 0x4A, 1, 0}, {0xE038, 0x38, 0x11, 1, 0},
    {0xE047, 0x47, 0x6C, 1, 1}, {0xE048, 0x48, 0x75, 1, 1}, {0xE04B, 0x4B, 0x6B, 1, 1},
    {0xE050, 0x50, 0x72, 1, 1}, {0xE052, 0x52, 0x70, 1, 1}, {0xE053, 0x53, 0x71, 1, 1},
    {0xE05B, 0x5B, 0x1F, 1, 0}, {0xE037, 0x37, 0x7C, 1, 0}, {0xE11D, 0, 0, 0, 0},
};

#define KEY_COUNT ARRAY_COUNT(keys)

static unsigned key_number(uint16_t name)
{
    unsigned n = 0;
    while (keys[n].name != name)
        n++;
    return n;
}

/* ---- the twin ------------------------------------------------------------------------------ */

enum { IDLE, TAKING, TESTING, PULSING, RECEIVING, SENDING, NOBODY_KEYBOARD, NOBODY_AUX };

struct twin {
    struct log *log;
    struct kbd_timing timing;
    struct ratio microsecond;
    uint64_t ticks;
    bool late;
    cycle_t stamp;

    /* the 8042 */
    unsigned doing, doing_left;
    uint8_t in, out, ctr, ram[32], port, waiting, to_keyboard, low;
    bool ibf, obf, cmd, auxb, tim, f0;
    bool irq1, irq12, a20, reset;

    /* the keyboard */
    bool down[KEY_COUNT], scanning, dying, lost;
    unsigned answer_left, bat_left, repeat_left;
    int repeating;
    uint8_t fifo[17], reply[3], last, asked, set, leds, rate;
    unsigned fifo_count, reply_count;
};

static cycle_t twin_stamp(const struct twin *t)
{
    unsigned __int128 cycle = (unsigned __int128)t->ticks * t->microsecond.num;
    unsigned __int128 den = t->microsecond.den;
    return t->late ? t->stamp : (cycle_t)((cycle + den - 1) / den);
}

static void twin_pin(struct twin *t, unsigned kind, bool *shown, bool level)
{
    if (*shown != level)
        log_add(t->log, kind, level, twin_stamp(t));
    *shown = level;
}

static void twin_show(struct twin *t)
{
    twin_pin(t, LOG_IRQ1, &t->irq1, t->obf && !t->auxb && (t->ctr & 1));
    twin_pin(t, LOG_IRQ12, &t->irq12, t->obf && t->auxb && (t->ctr & 2));
    twin_pin(t, LOG_A20, &t->a20, t->port & ~t->low & 2);
    twin_pin(t, LOG_RESET, &t->reset, !(t->port & ~t->low & 1));
}

/* ---- the twin's keyboard */

struct codes {
    uint8_t byte[16];
    unsigned count;
};

static void add(struct codes *c, uint8_t byte) { c->byte[c->count++] = byte; }

static void add_code(const struct twin *t, struct codes *c, bool e0, uint8_t set1, uint8_t set2,
                     bool press)
{
    if (e0)
        add(c, 0xE0);
    if (t->set == 2 && !press)
        add(c, 0xF0);
    add(c, t->set == 2 ? set2 : press ? set1 : set1 + 0x80);
}

static bool held(const struct twin *t, uint16_t name) { return t->down[key_number(name)]; }

static void twin_store(struct twin *t, const struct codes *c)
{
    if (t->lost)
        return;
    if (t->fifo_count + c->count > 16) {
        t->fifo[t->fifo_count++] = t->set == 2 ? 0x00 : 0xFF;
        t->lost = true;
        return;
    }
    for (unsigned i = 0; i < c->count; i++)
        t->fifo[t->fifo_count++] = c->byte[i];
}

static void twin_pause(const struct twin *t, struct codes *c)
{
    static const uint8_t pause2[] = {0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77};
    static const uint8_t pause1[] = {0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5};
    static const uint8_t break2[] = {0xE0, 0x7E, 0xE0, 0xF0, 0x7E};
    static const uint8_t break1[] = {0xE0, 0x46, 0xE0, 0xC6};
    bool ctrl = held(t, 0x1D) || held(t, 0xE01D);
    const uint8_t *from = t->set == 2 ? (ctrl ? break2 : pause2) : ctrl ? break1 : pause1;
    c->count = t->set == 2 ? (ctrl ? 5 : 8) : ctrl ? 4 : 6;
    memcpy(c->byte, from, c->count);
}

static void twin_print_screen(const struct twin *t, struct codes *c, bool press)
{
    bool with = held(t, 0x2A) || held(t, 0x36) || held(t, 0x1D) || held(t, 0xE01D);
    if (held(t, 0x38) || held(t, 0xE038)) {
        add_code(t, c, false, 0x54, 0x84, press);
        return;
    }
    if (!with && press)
        add_code(t, c, true, 0x2A, 0x12, true);
    add_code(t, c, true, 0x37, 0x7C, press);
    if (!with && !press)
        add_code(t, c, true, 0x2A, 0x12, false);
}

static void twin_ordinary(const struct twin *t, struct codes *c, const struct key *k, bool press)
{
    bool left = held(t, 0x2A), right = held(t, 0x36), num = t->leds & 2;
    struct codes around = {.count = 0};
    if ((k->grey && !num) || k->name == 0xE035) {
        if (left)
            add_code(t, &around, true, 0x2A, 0x12, !press);
        if (right)
            add_code(t, &around, true, 0x36, 0x59, !press);
    } else if (k->grey && num && !left && !right) {
        add_code(t, &around, true, 0x2A, 0x12, press);
    }
    if (press)
        *c = around;
    add_code(t, c, k->e0, k->set1, k->set2, press);
    for (unsigned i = 0; !press && i < around.count; i++)
        add(c, around.byte[i]);
}

static bool twin_scans(const struct twin *t) { return t->scanning && !t->asked && !t->bat_left; }

static unsigned twin_period(const struct twin *t)
{
    static const unsigned exponent[] = {1, 2, 4, 8};
    return (8 + t->rate % 8) * exponent[t->rate / 8 % 4] * t->timing.keyboard.typematic_unit_us;
}

static void twin_key(struct twin *t, unsigned n, bool press)
{
    struct codes c = {.count = 0};
    if (t->down[n] == press)
        return;
    t->down[n] = press;
    if (!press && t->repeating == (int)n)
        t->repeating = -1;
    if (!twin_scans(t))
        return;
    if (keys[n].name == 0xE037)
        twin_print_screen(t, &c, press);
    else if (keys[n].name != 0xE11D)
        twin_ordinary(t, &c, &keys[n], press);
    else if (press)
        twin_pause(t, &c);
    twin_store(t, &c);
    if (press && keys[n].name != 0xE11D) {
        t->repeating = (int)n;
        t->repeat_left = 1 + (1 + t->rate / 32) * t->timing.keyboard.typematic_delay_us;
    }
}

static void twin_repeat(struct twin *t)
{
    const struct key *k = &keys[t->repeating];
    struct codes c = {.count = 0};
    t->repeat_left = twin_period(t);
    if (t->fifo_count || !twin_scans(t))
        return;
    if (k->name == 0xE037 && (held(t, 0x38) || held(t, 0xE038)))
        add_code(t, &c, false, 0x54, 0x84, true);
    else
        add_code(t, &c, k->e0, k->set1, k->set2, true);
    twin_store(t, &c);
}

static void twin_forget(struct twin *t)
{
    t->fifo_count = 0;
    t->lost = false;
    t->repeating = -1;
}

static void twin_defaults(struct twin *t)
{
    t->set = 2;
    t->rate = 0x2B;
    twin_forget(t);
}

static void twin_power_up(struct twin *t, unsigned extra)
{
    t->bat_left = t->timing.keyboard.bat_us + extra;
    t->answer_left = t->reply_count = 0;
    t->asked = t->leds = 0;
    t->scanning = t->dying = false;
    twin_defaults(t);
}

static void reply(struct twin *t, uint8_t byte) { t->reply[t->reply_count++] = byte; }

static void twin_option(struct twin *t, uint8_t byte)
{
    uint8_t asked = t->asked;
    if (asked < 0xFB)
        t->asked = 0;
    if (asked == 0xF0 && byte > 2) {
        reply(t, 0xFE);
        return;
    }
    reply(t, 0xFA);
    if (asked == 0xED)
        t->leds = byte & 7;
    if (asked == 0xF3)
        t->rate = byte & 0x7F;
    if (asked == 0xF0 && byte == 0)
        reply(t, t->set);
    if (asked == 0xF0 && byte)
        t->set = byte;
}

static void twin_order(struct twin *t, uint8_t byte)
{
    t->answer_left = t->timing.keyboard.response_us;
    t->reply_count = 0;
    t->dying = false;
    if (t->asked && byte < 0xED) {
        twin_option(t, byte);
        return;
    }
    t->asked = 0;
    if (byte == 0xEE) {
        reply(t, 0xEE);
    } else if (byte == 0xFE) {
        reply(t, t->last);
    } else if (byte < 0xED || byte == 0xEF || byte == 0xF1) {
        reply(t, 0xFE);
    } else {
        reply(t, 0xFA);
        if (byte == 0xF2)
            reply(t, 0xAB), reply(t, 0x83);
        if (byte == 0xED || byte == 0xF0 || byte == 0xF3 || (byte >= 0xFB && byte <= 0xFD))
            t->asked = byte;
        if (byte == 0xF0 || byte == 0xF4 || (byte >= 0xF7 && byte <= 0xFD))
            twin_forget(t);
        if (byte == 0xF5 || byte == 0xF6)
            twin_defaults(t);
        if (byte == 0xF4 || byte == 0xF5)
            t->scanning = byte == 0xF4;
        t->dying = byte == 0xFF;
    }
}

static bool twin_talks(const struct twin *t)
{
    return !t->answer_left && !t->bat_left && (t->reply_count || t->fifo_count);
}

static uint8_t twin_say(struct twin *t)
{
    if (t->reply_count) {
        t->last = t->reply[0];
        memmove(t->reply, t->reply + 1, 2);
        t->reply_count--;
    } else {
        t->last = t->fifo[0];
        memmove(t->fifo, t->fifo + 1, 16);
        t->fifo_count--;
    }
    if (t->fifo_count == 0)
        t->lost = false;
    uint8_t said = t->last;
    if (t->dying)
        twin_power_up(t, 0);
    return said;
}

static void twin_tick_keyboard(struct twin *t)
{
    if (t->answer_left)
        t->answer_left--;
    if (t->bat_left && --t->bat_left == 0) {
        t->scanning = true;
        reply(t, 0xAA);
    }
    if (t->repeating >= 0 && --t->repeat_left == 0)
        twin_repeat(t);
}

/* ---- the twin's 8042 */

static void put(struct twin *t, uint8_t byte, bool auxb, bool tim)
{
    t->out = byte;
    t->obf = true;
    t->auxb = auxb;
    t->tim = tim;
}

/* From set 2, by the written-out table; everything else passes. */
static uint8_t twin_translate(uint8_t code)
{
    static const uint8_t rest[][2] = {{0x00, 0xFF}, {0x84, 0x54}, {0x02, 0x41}, {0x01, 0x43}};
    for (unsigned i = 0; i < KEY_COUNT; i++)
        if (keys[i].set2 == code && keys[i].name != 0xE11D)
            return keys[i].set1;
    for (unsigned i = 0; i < ARRAY_COUNT(rest); i++)
        if (rest[i][0] == code)
            return rest[i][1];
    return keyboard_translate(code); /* codes of set 1 translated by mistake: no published row */
}

static void twin_deliver(struct twin *t, uint8_t code)
{
    bool translating = t->ctr & 0x40;
    if (translating && code == 0xF0) {
        t->f0 = true;
        return;
    }
    if (translating)
        code = twin_translate(code) | (t->f0 ? 0x80 : 0);
    t->f0 = false;
    put(t, code, false, false);
}

static void twin_do(struct twin *t, unsigned what, unsigned left)
{
    t->doing = what;
    t->doing_left = left;
}

static void twin_command(struct twin *t, uint8_t c)
{
    t->waiting = 0;
    if (c == 0x20)
        put(t, t->ctr, false, false);
    else if (c > 0x20 && c < 0x40)
        put(t, t->ram[c - 0x20], false, false);
    else if ((c >= 0x60 && c < 0x80) || c == 0xA5 || (c >= 0xD1 && c <= 0xD4))
        t->waiting = c;
    else if (c == 0xA4)
        put(t, 0xF1, false, false);
    else if (c == 0xA7)
        t->ctr |= 0x20;
    else if (c == 0xA8)
        t->ctr &= 0xDF;
    else if (c == 0xA9 || c == 0xAB)
        put(t, 0, false, false);
    else if (c == 0xAA)
        twin_do(t, TESTING, t->timing.self_test_us);
    else if (c == 0xAD)
        t->ctr |= 0x10;
    else if (c == 0xAE)
        t->ctr &= 0xEF;
    else if (c == 0xC0)
        put(t, 0xA5, false, false);
    else if (c == 0xD0)
        put(t, (t->port & 0xCF) | (t->irq1 ? 0x10 : 0) | (t->irq12 ? 0x20 : 0), false, false);
    else if (c == 0xDD)
        t->port &= 0xFD;
    else if (c == 0xDF)
        t->port |= 2;
    else if (c == 0xE0)
        put(t, (t->ctr & 0x10 ? 0 : 1) | (t->ctr & 0x20 ? 0 : 2), false, false);
    else if (c >= 0xF0) {
        t->low = (uint8_t)(0xFF - c);
        twin_do(t, PULSING, t->timing.pulse_us);
    }
}

static void twin_data(struct twin *t, uint8_t byte)
{
    uint8_t c = t->waiting;
    t->waiting = 0;
    if (c == 0x60) {
        t->ctr = byte;
    } else if (c > 0x60 && c < 0x80) {
        t->ram[c - 0x60] = byte;
    } else if (c == 0xA5) {
        t->waiting = byte ? c : 0;
    } else if (c == 0xD1) {
        t->port = byte;
    } else if (c == 0xD2 || c == 0xD3) {
        put(t, byte, c == 0xD3, false);
    } else if (c == 0xD4) {
        t->ctr &= 0xDF;
        twin_do(t, NOBODY_AUX, t->timing.send_timeout_us);
    } else {
        t->ctr &= 0xEF;
        t->to_keyboard = byte;
        if (t->bat_left)
            twin_do(t, NOBODY_KEYBOARD, t->timing.send_timeout_us);
        else
            twin_do(t, SENDING, t->timing.send_us);
    }
}

static void twin_finish(struct twin *t)
{
    unsigned done = t->doing;
    t->doing = IDLE;
    if (done == TAKING) {
        t->ibf = false;
        if (t->cmd)
            twin_command(t, t->in);
        else
            twin_data(t, t->in);
    } else if (done == TESTING) {
        t->ctr |= 4;
        put(t, 0x55, false, false);
    } else if (done == PULSING) {
        t->low = 0;
    } else if (done == RECEIVING) {
        twin_deliver(t, twin_say(t));
    } else if (done == SENDING) {
        twin_order(t, t->to_keyboard);
    } else {
        put(t, 0xFE, done == NOBODY_AUX, true);
    }
}

static void twin_tick(struct twin *t)
{
    t->ticks++;
    twin_tick_keyboard(t);
    if (t->doing != IDLE && --t->doing_left == 0)
        twin_finish(t);
    if (t->doing == IDLE) {
        if (t->ibf)
            twin_do(t, TAKING, t->timing.command_us);
        else if (!t->obf && !(t->ctr & 0x10) && twin_talks(t))
            twin_do(t, RECEIVING, t->timing.receive_us);
    }
    twin_show(t);
}

static uint8_t twin_read(struct twin *t, bool data)
{
    if (data) {
        t->obf = false;
        return t->out;
    }
    return (uint8_t)(t->obf | t->ibf << 1 | (t->ctr & 4) | t->cmd << 3 | 0x10 | t->auxb << 5 |
                     t->tim << 6);
}

static void twin_write(struct twin *t, bool data, uint8_t value)
{
    t->in = value;
    t->ibf = true;
    t->cmd = !data;
}

/* ---- the pair ------------------------------------------------------------------------------ */

struct pair {
    struct random random;
    struct verdict verdict;
    struct clock clock;
    struct ratio microsecond;
    struct kbd kbd;
    struct twin twin;
    struct log device_log, twin_log;
};

static void on_line(void *owner, int number, bool level)
{
    struct pair *p = owner;
    log_add(&p->device_log, (unsigned)number, level, p->clock.now);
}

/* Short times, so that all of them come up often. */
static struct kbd_timing random_timing(struct random *r)
{
    return (struct kbd_timing){
        .command_us = 1 + random_below(r, 20),
        .self_test_us = 1 + random_below(r, 100),
        .pulse_us = 1 + random_below(r, 6),
        .receive_us = 1 + random_below(r, 50),
        .send_us = 1 + random_below(r, 50),
        .send_timeout_us = 1 + random_below(r, 200),
        .keyboard = {.response_us = 1 + random_below(r, 30),
                     .bat_us = 1 + random_below(r, 500),
                     .typematic_delay_us = 1 + random_below(r, 200),
                     .typematic_unit_us = 1 + random_below(r, 5)},
    };
}

static void pair_init(struct pair *p, uint64_t seed)
{
    static const struct ratio clocks[] = {{1, 1}, {7, 3}, {400, 3}, {2200, 1}};
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    p->microsecond = clocks[random_below(&p->random, ARRAY_COUNT(clocks))];
    struct kbd_timing timing = random_timing(&p->random);
    clock_init(&p->clock);
    kbd_init(&p->kbd, (struct kbd_config){.clock = &p->clock,
                                          .microsecond = p->microsecond,
                                          .timing = timing,
                                          .input_port = 0xA5,
                                          .irq1 = {on_line, p, LOG_IRQ1},
                                          .irq12 = {on_line, p, LOG_IRQ12},
                                          .a20 = {on_line, p, LOG_A20},
                                          .reset = {on_line, p, LOG_RESET}});
    p->twin = (struct twin){.log = &p->twin_log,
                            .timing = timing,
                            .microsecond = p->microsecond,
                            .ctr = 0x30,
                            .port = 0xFF,
                            .repeating = -1};
    twin_power_up(&p->twin, 1);
    twin_show(&p->twin);
}

static void pair_advance(struct pair *p, cycle_t cycles, bool late)
{
    cycle_t target = p->clock.now + cycles;
    p->twin.late = late;
    p->twin.stamp = target;
    while (!late && clock_next(&p->clock) <= target) {
        p->clock.now = clock_next(&p->clock);
        clock_dispatch(&p->clock);
    }
    p->clock.now = target;
    uint64_t ticks = ratio_count(p->microsecond, target);
    while (p->twin.ticks < ticks)
        twin_tick(&p->twin);
}

static uint8_t random_command(struct random *r)
{
    static const uint8_t often[] = {0x20, 0x60, 0x60, 0x60, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAD,
                                    0xAE, 0xAE, 0xC0, 0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xDD, 0xDF,
                                    0xE0, 0xFE, 0xF0, 0xA4, 0xA5, 0x25, 0x65};
    return random_chance(r, 95) ? often[random_below(r, sizeof often)]
                                : (uint8_t)random_below(r, 256);
}

static uint8_t random_data(struct random *r)
{
    if (random_chance(r, 30))
        return 0x41 | (uint8_t)(random_below(r, 2) << 1);
    if (random_chance(r, 50))
        return (uint8_t)(random_chance(r, 60) ? random_below(r, 4) : random_below(r, 256));
    return (uint8_t)(0xED + random_below(r, 0x13));
}

static void pair_access(struct pair *p)
{
    struct random *r = &p->random;
    bool data = random_chance(r, 50);
    if (random_chance(r, 75)) {
        verdict_expect(&p->verdict, data ? "read of port 60" : "read of port 64",
                       kbd_read(&p->kbd, data ? 0x60 : 0x64, 1), twin_read(&p->twin, data));
        return;
    }
    data = random_chance(r, 65);
    uint8_t value = data ? random_data(r) : random_command(r);
    kbd_write(&p->kbd, data ? 0x60 : 0x64, 1, value);
    twin_write(&p->twin, data, value);
}

static void pair_key(struct pair *p)
{
    unsigned n = random_below(&p->random, KEY_COUNT);
    bool press = random_chance(&p->random, 50);
    kbd_key(&p->kbd, keys[n].name, press);
    twin_key(&p->twin, n, press);
}

/* Save, spoil, load: what follows must not notice. */
static void pair_snapshot(struct pair *p)
{
    struct snap save, load;
    struct log kept = p->device_log;
    snap_begin_save(&save);
    kbd_snapshot(&p->kbd, &save);
    kbd_write(&p->kbd, 0x64, 1, 0xAD);
    kbd_key(&p->kbd, 0x01, true);
    kbd_reset(&p->kbd);
    p->device_log = kept;
    snap_begin_load(&load, save.data, save.size);
    kbd_snapshot(&p->kbd, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    snap_free(&save);
}

static void pair_operation(struct pair *p)
{
    static const uint32_t spans[] = {2, 10, 60, 600};
    struct random *r = &p->random;
    uint64_t ticks = random_below(r, spans[random_below(r, 4)]);
    cycle_t within = random_below(r, (uint32_t)(p->microsecond.num / p->microsecond.den) + 1);
    pair_advance(p, ratio_edge(p->microsecond, ticks) + within, random_chance(r, 10));
    uint32_t what = random_below(r, 1000);
    if (what < 700)
        pair_access(p);
    else if (what < 990)
        pair_key(p);
    else if (!p->twin.late)
        pair_snapshot(p);
    clock_dispatch(&p->clock);
    p->twin.late = true;
    p->twin.stamp = p->clock.now;
    twin_show(&p->twin);
    verdict_expect(&p->verdict, "leds", kbd_leds(&p->kbd), p->twin.leds);
    log_compare(&p->verdict, log_names, &p->device_log, &p->twin_log);
}

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct pair *p = malloc(sizeof *p);
    pair_init(p, seed);
    for (uint64_t i = 0; i < operations && !p->verdict.failed; i++) {
        p->verdict.operation = i;
        pair_operation(p);
    }
    struct verdict v = p->verdict;
    clock_free(&p->clock);
    free(p);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_kbd", run); }
