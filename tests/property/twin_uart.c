/* twin_uart: the event-driven UART against a naive one that is ticked at every edge of its crystal.
 *
 * The twin divides the crystal with a counter, shifts frames out as one line level per BAUDOUT tick
 * and receives by watching a line and sampling each bit in its middle, whether the line comes from
 * its own transmitter (loopback) or from the far end. It keeps no tick numbers and no due times. */
#include "devices/uart_16550.h"
#include "tests/property/twin_run.h"

#define FRAME_TICKS_MAX (12 * 16)

/* What both report to the outside. */
enum { LOG_TRANSMIT, LOG_BREAK, LOG_MODEM, LOG_IRQ };
static const char *const log_names[LOG_KINDS] = {"transmit", "break", "modem pins", "irq"};

/* ---- the twin ------------------------------------------------------------------------------ */

/* One direction of the line: the frame under way as its level at every tick. */
struct shifter {
    bool busy;
    uint8_t level[FRAME_TICKS_MAX];
    unsigned length, at;
    uint8_t byte;
};

struct sampler {
    bool busy;
    unsigned age;      /* ticks since the line fell */
    unsigned bits;     /* data bits */
    unsigned stop_age; /* age at the middle of the stop bit */
    unsigned delay;    /* from there to the arrival */
    uint8_t byte;
    bool far; /* watches the far end's line */
};

struct received {
    uint8_t byte, errors;
};

struct twin {
    struct log *log;
    bool gated, far_end_waits;
    uint64_t edge;
    struct ratio crystal;
    bool late; /* reports are stamped with stamp instead of the edge's cycle */
    cycle_t stamp;

    uint32_t latch, prescale; /* edges to the next tick */
    unsigned phase;           /* ticks modulo 16 */

    unsigned ier, fcr, lcr, mcr, scr, deltas, inputs, old_levels;
    unsigned errors; /* OE PE FE BI */
    bool lsr7, thre, thre_int, timeout_int;

    uint8_t thr[16];
    unsigned thr_count;
    unsigned start_wait; /* ticks before an idle transmitter may start */
    unsigned thre_wait;  /* ticks to THRE, 0 none */
    bool pair_seen, frame_lost, frame_looped;
    struct shifter tx, far;
    struct sampler rx;
    struct received rbr_fifo[16];
    unsigned rbr_count;
    uint8_t rbr;
    unsigned timeout_wait; /* ticks, 0 stopped */

    struct received queue[UART_QUEUE_SIZE];
    unsigned queue_count;
    bool shown_irq, shown_break;
    unsigned shown_pins;
};

static bool twin_fifo(const struct twin *t) { return t->fcr & 1; }
static bool twin_loop(const struct twin *t) { return t->mcr & 0x10; }

static cycle_t twin_stamp(const struct twin *t)
{
    unsigned __int128 cycle = (unsigned __int128)t->edge * t->crystal.num;
    return t->late ? t->stamp : (cycle_t)((cycle + t->crystal.den - 1) / t->crystal.den);
}

static unsigned twin_iir(const struct twin *t)
{
    static const unsigned levels[] = {1, 4, 8, 14};
    unsigned need = twin_fifo(t) ? levels[t->fcr >> 6 & 3] : 1;
    if (t->errors && (t->ier & 4))
        return 6;
    if (t->rbr_count >= need && (t->ier & 1))
        return 4;
    if (t->timeout_int && (t->ier & 1))
        return 12;
    if (t->thre_int && (t->ier & 2))
        return 2;
    if (t->deltas && (t->ier & 8))
        return 0;
    return 1;
}

static void twin_show(struct twin *t)
{
    unsigned pins = twin_loop(t) ? 0 : t->mcr & 0x0F;
    bool brk = (t->lcr & 0x40) && !twin_loop(t);
    bool irq = twin_iir(t) != 1 && (!t->gated || (pins & 8));
    if (pins != t->shown_pins)
        log_add(t->log, LOG_MODEM, pins, twin_stamp(t));
    if (brk != t->shown_break)
        log_add(t->log, LOG_BREAK, brk, twin_stamp(t));
    if (irq != t->shown_irq)
        log_add(t->log, LOG_IRQ, irq, twin_stamp(t));
    t->shown_pins = pins;
    t->shown_break = brk;
    t->shown_irq = irq;
}

static void twin_levels(struct twin *t)
{
    unsigned m = t->mcr, now = t->inputs >> 4;
    if (twin_loop(t))
        now = (m & 2) >> 1 | (m & 1) << 1 | (m & 4) | (m & 8);
    for (unsigned bit = 0; bit < 4; bit++) {
        bool was = t->old_levels >> bit & 1, is = now >> bit & 1;
        if (bit == 2 ? was && !is : was != is)
            t->deltas |= 1u << bit;
    }
    t->old_levels = now;
}

static unsigned twin_data_bits(const struct twin *t) { return 5 + (t->lcr & 3); }

/* Lays out a frame tick by tick: start, data from bit 0, parity, stop. */
static void twin_load(const struct twin *t, struct shifter *s, uint8_t byte)
{
    unsigned bits = twin_data_bits(t), ones = 0, at = 0;
    unsigned stop = !(t->lcr & 4) ? 16 : bits == 5 ? 24 : 32;
    s->byte = 0;
    for (unsigned i = 0; i < 16; i++)
        s->level[at++] = 0;
    for (unsigned b = 0; b < bits; b++) {
        unsigned level = byte >> b & 1;
        s->byte |= (uint8_t)(level << b);
        ones += level;
        for (unsigned i = 0; i < 16; i++)
            s->level[at++] = (uint8_t)level;
    }
    if (t->lcr & 8) {
        bool even = t->lcr & 16;
        bool parity = t->lcr & 32 ? !even : even ? ones & 1 : !(ones & 1);
        for (unsigned i = 0; i < 16; i++)
            s->level[at++] = parity;
    }
    for (unsigned i = 0; i < stop; i++)
        s->level[at++] = 1;
    s->length = at;
    s->at = 0;
    s->busy = true;
}

static unsigned twin_frame(const struct twin *t)
{
    struct shifter s;
    twin_load(t, &s, 0);
    return s.length;
}

static void twin_thre(struct twin *t)
{
    t->thre_wait = 0;
    t->thre_int |= !t->thre;
    t->thre = true;
    t->pair_seen = false;
}

static void twin_tick_transmitter(struct twin *t)
{
    bool ended = false;
    if (t->start_wait)
        t->start_wait--;
    if (t->thre_wait && --t->thre_wait == 0)
        twin_thre(t);
    if (t->tx.busy && t->tx.at == t->tx.length) {
        t->tx.busy = false;
        ended = true;
        if (!t->frame_lost && !t->frame_looped)
            log_add(t->log, LOG_TRANSMIT, t->tx.byte, twin_stamp(t));
    }
    if (!t->tx.busy && t->thr_count && (ended || (t->phase == 0 && t->start_wait == 0))) {
        twin_load(t, &t->tx, t->thr[0]);
        memmove(t->thr, t->thr + 1, 15);
        t->thr_count--;
        t->frame_looped = twin_loop(t);
        t->frame_lost = !t->frame_looped && (t->lcr & 0x40);
        if (t->thr_count == 0)
            t->thre_wait = 8 + (twin_fifo(t) && !t->pair_seen ? t->tx.length - 16 : 0);
    }
}

static bool twin_room(const struct twin *t)
{
    return !t->far_end_waits || t->rbr_count < (twin_fifo(t) ? 16u : 1u);
}

static void twin_tick_far_end(struct twin *t)
{
    if (t->far.busy && t->far.at == t->far.length)
        t->far.busy = false;
    if (!t->far.busy && t->queue_count && !twin_loop(t) && !t->rx.busy &&
        twin_room(t))
        twin_load(t, &t->far, t->queue[0].byte);
}

static void twin_restart_timeout(struct twin *t, unsigned extra)
{
    bool runs = twin_fifo(t) && t->rbr_count && !t->timeout_int;
    t->timeout_wait = runs ? 4 * twin_frame(t) + extra : 0;
}

static void twin_arrive(struct twin *t)
{
    struct received c = {t->rx.byte, 0};
    if (t->rx.far) {
        c.errors = t->queue[0].errors;
        memmove(t->queue, t->queue + 1, sizeof t->queue - sizeof t->queue[0]);
        t->queue_count--;
    }
    if (!twin_fifo(t)) {
        t->errors |= c.errors | (t->rbr_count ? 2 : 0);
        t->rbr_fifo[0] = c;
        t->rbr_count = 1;
    } else if (t->rbr_count == 16) {
        t->errors |= 2;
    } else {
        t->rbr_fifo[t->rbr_count++] = c;
        t->lsr7 |= c.errors != 0;
        if (t->rbr_count == 1)
            t->errors |= c.errors;
    }
    /* 3 ticks have passed since the middle of the stop bit; the timeout itself comes 8 late. */
    twin_restart_timeout(t, 8 - 3);
}

/* Waits for the line to fall, then samples each bit in its middle. */
static void twin_tick_receiver(struct twin *t)
{
    struct shifter *line = twin_loop(t) ? &t->tx : &t->far;
    bool live = line->busy && !(twin_loop(t) && !t->frame_looped);
    unsigned level = live ? line->level[line->at] : 1;
    if (!t->rx.busy && live && line->at == 0) {
        unsigned parity = t->lcr & 8 ? 1 : 0, bits = twin_data_bits(t);
        t->rx = (struct sampler){.busy = true,
                                 .bits = bits,
                                 .stop_age = 16 * (1 + bits + parity) + 8,
                                 .delay = twin_fifo(t) ? 3 : 1,
                                 .far = !twin_loop(t)};
    } else if (t->rx.busy) {
        t->rx.age++;
    }
    if (!t->rx.busy)
        return;
    if (t->rx.age % 16 == 8 && t->rx.age > 16 && t->rx.age < 16 * (1 + t->rx.bits))
        t->rx.byte |= (uint8_t)(level << (t->rx.age / 16 - 1));
    if (t->rx.age == t->rx.stop_age + t->rx.delay) {
        t->rx.busy = false;
        twin_arrive(t);
    }
}

static void twin_edge(struct twin *t)
{
    t->edge++;
    if (--t->prescale)
        return;
    t->prescale = t->latch ? t->latch : 0x10000;
    t->phase = (t->phase + 1) % 16;
    bool timed_out = t->timeout_wait && --t->timeout_wait == 0;
    twin_tick_transmitter(t);
    twin_tick_far_end(t);
    unsigned before = t->timeout_wait;
    twin_tick_receiver(t);
    if (timed_out && t->timeout_wait == before)
        t->timeout_int = true;
    if (t->tx.busy)
        t->tx.at++;
    if (t->far.busy)
        t->far.at++;
    if (!t->late)
        twin_show(t);
}

static void twin_write_fcr(struct twin *t, unsigned value)
{
    bool change = (t->fcr ^ value) & 1;
    t->fcr = value & 1 ? value & 0xC1 : 0;
    if (change || (value & 3) == 3) {
        t->rbr_count = 0;
        t->lsr7 = t->timeout_int = false;
        t->timeout_wait = 0;
    }
    if (change || (value & 5) == 5) {
        t->thr_count = 0;
        twin_thre(t);
    }
    if (change)
        t->thre_int = true;
}

static void twin_spoil(struct twin *t)
{
    if (t->tx.busy && (t->frame_looped != twin_loop(t) || (!t->frame_looped && (t->lcr & 0x40))))
        t->frame_lost = true;
}

static void twin_write_mcr(struct twin *t, unsigned value)
{
    bool change = (t->mcr ^ value) & 0x10;
    t->mcr = value & 0x1F;
    if (change) {
        t->far.busy = t->rx.busy = false;
        twin_spoil(t);
        if (t->frame_lost)
            t->frame_looped = false;
    }
    twin_levels(t);
}

static void twin_write_thr(struct twin *t, unsigned value)
{
    bool idle = !t->tx.busy && t->thr_count == 0;
    unsigned room = twin_fifo(t) ? 16 : 1;
    if (t->thr_count == room && room == 1)
        t->thr_count = 0;
    if (t->thr_count < room)
        t->thr[t->thr_count++] = (uint8_t)value;
    t->pair_seen |= t->thr_count > 1;
    t->thre = t->thre_int = false;
    t->thre_wait = 0;
    if (idle)
        t->start_wait = 9;
}

static void twin_load_latch(struct twin *t, unsigned latch)
{
    t->latch = latch;
    t->prescale = latch ? latch : 0x10000;
}

static void twin_write(struct twin *t, unsigned reg, unsigned value)
{
    bool dlab = t->lcr & 0x80;
    if (reg == 0 && dlab) {
        twin_load_latch(t, (t->latch & 0xFF00) | value);
    } else if (reg == 1 && dlab) {
        twin_load_latch(t, (t->latch & 0xFF) | value << 8);
    } else if (reg == 0) {
        twin_write_thr(t, value);
    } else if (reg == 1) {
        t->thre_int |= !(t->ier & 2) && (value & 2) && t->thre;
        t->ier = value & 15;
    } else if (reg == 2) {
        twin_write_fcr(t, value);
    } else if (reg == 3) {
        t->lcr = value;
        twin_spoil(t);
    } else if (reg == 4) {
        twin_write_mcr(t, value);
    } else if (reg == 7) {
        t->scr = value;
    }
}

static unsigned twin_read_rbr(struct twin *t)
{
    if (t->rbr_count) {
        t->rbr = t->rbr_fifo[0].byte;
        memmove(t->rbr_fifo, t->rbr_fifo + 1, sizeof t->rbr_fifo - sizeof t->rbr_fifo[0]);
        t->rbr_count--;
        if (t->rbr_count)
            t->errors |= t->rbr_fifo[0].errors;
    }
    t->timeout_int = false;
    twin_restart_timeout(t, 1 + 8);
    return t->rbr;
}

static unsigned twin_read_lsr(struct twin *t)
{
    unsigned value = (t->rbr_count ? 1u : 0) | t->errors | (t->thre ? 0x20u : 0) |
                     (t->thre && !t->tx.busy ? 0x40u : 0) | (t->lsr7 ? 0x80u : 0);
    t->errors = 0;
    t->rbr_fifo[0].errors = 0;
    t->lsr7 = false;
    for (unsigned i = 0; twin_fifo(t) && i < t->rbr_count; i++)
        t->lsr7 |= t->rbr_fifo[i].errors != 0;
    return value;
}

static unsigned twin_read(struct twin *t, unsigned reg)
{
    bool dlab = t->lcr & 0x80;
    unsigned value;
    switch (reg) {
    case 0:
        return dlab ? t->latch & 0xFF : twin_read_rbr(t);
    case 1:
        return dlab ? t->latch >> 8 : t->ier;
    case 2:
        value = twin_iir(t);
        if (value == 2)
            t->thre_int = false;
        return value | (twin_fifo(t) ? 0xC0 : 0);
    case 3:
        return t->lcr;
    case 4:
        return t->mcr;
    case 5:
        return twin_read_lsr(t);
    case 6:
        value = t->old_levels << 4 | t->deltas;
        t->deltas = 0;
        return value;
    default:
        return t->scr;
    }
}

/* ---- the pair ------------------------------------------------------------------------------ */

struct pair {
    struct random random;
    struct verdict verdict;
    struct clock clock;
    struct ratio crystal;
    struct uart uart;
    struct twin twin;
    struct log device_log, twin_log;
};

static void device_transmit(void *owner, uint8_t byte)
{
    struct pair *p = owner;
    log_add(&p->device_log, LOG_TRANSMIT, byte, p->clock.now);
}

static void device_break(void *owner, bool on)
{
    struct pair *p = owner;
    log_add(&p->device_log, LOG_BREAK, on, p->clock.now);
}

static void device_modem(void *owner, uint8_t pins)
{
    struct pair *p = owner;
    log_add(&p->device_log, LOG_MODEM, pins, p->clock.now);
}

static void device_irq(void *owner, int number, bool level)
{
    struct pair *p = owner;
    (void)number;
    log_add(&p->device_log, LOG_IRQ, level, p->clock.now);
}

static void pair_init(struct pair *p, uint64_t seed)
{
    static const struct ratio crystals[] = {{1, 1}, {7, 3}, {3, 7}, {15625, 216}};
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    p->crystal = crystals[random_below(&p->random, ARRAY_COUNT(crystals))];
    clock_init(&p->clock);
    struct uart_config config = {
        .clock = &p->clock,
        .crystal = p->crystal,
        .irq = {device_irq, p, 4},
        .irq_gated_by_out2 = seed % 2,
        .far_end_waits = seed / 2 % 2,
        .transmit = device_transmit,
        .transmit_break = device_break,
        .modem_outputs = device_modem,
        .owner = p,
    };
    uart_init(&p->uart, config);
    p->twin = (struct twin){.log = &p->twin_log,
                            .gated = config.irq_gated_by_out2,
                            .far_end_waits = config.far_end_waits,
                            .crystal = p->crystal,
                            .prescale = 0x10000,
                            .thre = true};
}

static void twin_run_to(struct pair *p, cycle_t cycle)
{
    uint64_t edges = ratio_count(p->crystal, cycle);
    while (p->twin.edge < edges)
        twin_edge(&p->twin);
}

/* Late: the device is not told of its events before the access that follows. */
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
    twin_run_to(p, target);
}

static unsigned pair_value(struct pair *p, unsigned reg)
{
    struct random *r = &p->random;
    bool dlab = p->twin.lcr & 0x80;
    if (reg == 0 && dlab)
        return random_chance(r, 3) ? 0 : 1 + random_below(r, 5);
    if (reg == 1 && dlab)
        return random_chance(r, 99) ? 0 : 1;
    if (reg == 3)
        return random_below(r, 64) | (random_chance(r, 5) ? 0x40u : 0) |
               (random_chance(r, 15) ? 0x80u : 0);
    if (reg == 4)
        return random_below(r, 16) | (random_chance(r, 30) ? 0x10u : 0);
    if (reg == 2)
        return random_below(r, 256) | (random_chance(r, 80) ? 1u : 0);
    return random_below(r, 256);
}

static void pair_access(struct pair *p)
{
    struct random *r = &p->random;
    static const uint8_t reads[] = {0, 0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7};
    static const uint8_t writes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 5, 6, 7};
    if (random_chance(r, 50)) {
        unsigned reg = reads[random_below(r, sizeof reads)];
        char what[32];
        snprintf(what, sizeof what, "read of register %u", reg);
        verdict_expect(&p->verdict, what, uart_read(&p->uart, 0x3F8 + reg, 1),
                       twin_read(&p->twin, reg));
        return;
    }
    unsigned reg = writes[random_below(r, sizeof writes)];
    if (random_chance(r, 6))
        reg = 2 + random_below(r, 3);
    unsigned value = pair_value(p, reg);
    uart_write(&p->uart, 0x3F8 + reg, 1, value);
    twin_write(&p->twin, reg, value);
}

static void pair_receive(struct pair *p)
{
    static const uint8_t errors[] = {0, 0, 0, LSR_PE, LSR_FE, LSR_BI | LSR_FE};
    if (!uart_can_receive(&p->uart))
        return;
    uint8_t byte = (uint8_t)random_below(&p->random, 256);
    uint8_t bad = errors[random_below(&p->random, sizeof errors)];
    uart_receive_bad(&p->uart, byte, bad);
    p->twin.queue[p->twin.queue_count++] = (struct received){byte, bad};
}

/* Save, spoil, load: what follows must not notice. */
static void pair_snapshot(struct pair *p)
{
    struct snap save, load;
    snap_begin_save(&save);
    uart_snapshot(&p->uart, &save);
    struct log kept = p->device_log;
    uart_write(&p->uart, 0x3FC, 1, 0x1F);
    uart_write(&p->uart, 0x3F8, 1, 0x55);
    uart_reset(&p->uart);
    p->device_log = kept;
    snap_begin_load(&load, save.data, save.size);
    uart_snapshot(&p->uart, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    snap_free(&save);
}

static void pair_operation(struct pair *p)
{
    static const uint32_t spans[] = {2, 20, 200, 1500};
    struct random *r = &p->random;
    uint32_t edges = random_below(r, spans[random_below(r, 4)]);
    pair_advance(p, ratio_edge(p->crystal, edges), random_chance(r, 10));
    uint32_t what = random_below(r, 1000);
    if (what < 850) {
        pair_access(p);
    } else if (what < 970) {
        pair_receive(p);
    } else if (what < 998) {
        unsigned inputs = random_below(r, 16) << 4;
        uart_set_modem_inputs(&p->uart, (uint8_t)inputs);
        p->twin.inputs = inputs;
        twin_levels(&p->twin);
    } else if (!p->twin.late) {
        pair_snapshot(p);
    }
    clock_dispatch(&p->clock);
    p->twin.late = true;
    p->twin.stamp = p->clock.now;
    twin_show(&p->twin);
    log_compare(&p->verdict, log_names, &p->device_log, &p->twin_log);
    verdict_expect(&p->verdict, "characters the far end has left", p->uart.queue_count,
                   p->twin.queue_count);
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

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_uart", run); }
