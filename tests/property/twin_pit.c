/* twin_pit: the event-driven 8254 against a naive one that is clocked by every CLK pulse.
 *
 * The twin is written from the mode definitions as a small state machine a pulse: it decrements by
 * one, keeps no pulse numbers and computes nothing ahead. OUT0 and OUT2 are wired, so that each of
 * their changes must come at the same cycle; OUT1 is not, so that it is brought forward on demand
 * only. */
#include "devices/pit_8254.h"
#include "sim/core/snap.h"
#include "tests/property/twin_run.h"

/* ---- the twin ---- */

struct twin_counter {
    uint8_t control;
    unsigned rw, mode;
    bool bcd;
    unsigned cr, ce, first_byte;
    bool have_count;  /* a whole count came since the control word */
    bool fresh_count; /* and is to be loaded by the next pulse */
    bool counting;    /* CE was loaded since the control word */
    bool null_count;
    bool msb_write_next, msb_read_next;
    int latched_count, latched_status; /* -1: nothing latched */
    bool gate, gate_rose;
    bool loaded_odd; /* mode 3 */
    bool tail;       /* mode 3: the one pulse more of an odd count's high half is the next */
    bool strobe;     /* modes 4, 5: not yet given */
    bool out;
    uint64_t rises;
};

static void twin_out(struct twin_counter *t, bool level)
{
    if (level && !t->out)
        t->rises++;
    t->out = level;
}

static void twin_decrement(struct twin_counter *t)
{
    if (!t->bcd) {
        t->ce = (t->ce - 1) & 0xFFFF;
        return;
    }
    for (unsigned place = 0; place < 4; place++) {
        if (t->ce >> 4 * place & 0xF) {
            t->ce -= 1u << 4 * place;
            return;
        }
        t->ce |= 9u << 4 * place;
    }
}

static void twin_load(struct twin_counter *t, bool out)
{
    t->ce = t->mode == 3 ? t->cr & ~1u : t->cr;
    t->loaded_odd = t->cr & 1;
    t->tail = t->cr == 1;
    t->fresh_count = false;
    t->null_count = false;
    t->counting = true;
    t->strobe = true;
    twin_out(t, out);
}

static void twin_rate(struct twin_counter *t)
{
    if (t->ce == 1) {
        twin_load(t, true);
        return;
    }
    twin_decrement(t);
    if (t->ce == 1)
        twin_out(t, false);
}

static void twin_square_wave(struct twin_counter *t)
{
    bool ends = t->tail;
    if (!t->tail) {
        twin_decrement(t);
        twin_decrement(t);
        t->tail = t->ce == 0 && t->out && t->loaded_odd;
        ends = t->ce == 0 && !t->tail;
    }
    if (ends)
        twin_load(t, !t->out || t->cr == 1);
}

static void twin_strobe(struct twin_counter *t, bool counts)
{
    twin_out(t, true);
    if (!counts)
        return;
    twin_decrement(t);
    if (t->ce == 0 && t->strobe) {
        t->strobe = false;
        twin_out(t, false);
    }
}

static void twin_terminal_count(struct twin_counter *t)
{
    twin_decrement(t);
    if (t->ce == 0)
        twin_out(t, true);
}

/* One CLK pulse. */
static void twin_clk(struct twin_counter *t)
{
    bool triggered = t->gate_rose && t->have_count;
    bool level_counts = t->counting && t->gate;
    t->gate_rose = false;
    if (t->fresh_count || triggered)
        twin_load(t, t->mode >= 2);
    else if (t->mode == 0 && level_counts && !t->msb_write_next)
        twin_terminal_count(t);
    else if (t->mode == 1 && t->counting)
        twin_terminal_count(t);
    else if (t->mode == 2 && level_counts)
        twin_rate(t);
    else if (t->mode == 3 && level_counts)
        twin_square_wave(t);
    else if (t->mode == 4)
        twin_strobe(t, level_counts);
    else if (t->mode == 5)
        twin_strobe(t, t->counting);
}

static void twin_gate(struct twin_counter *t, bool level)
{
    bool edge_sensitive = t->mode == 1 || t->mode == 2 || t->mode == 3 || t->mode == 5;
    if (edge_sensitive && level && !t->gate)
        t->gate_rose = true;
    if ((t->mode == 2 || t->mode == 3) && !level)
        twin_out(t, true);
    t->gate = level;
}

static void twin_control(struct twin_counter *t, uint8_t value)
{
    struct twin_counter old = *t;
    *t = (struct twin_counter){
        .control = value & 0x3F, .rw = value >> 4 & 3, .mode = value >> 1 & 7, .bcd = value & 1};
    t->mode = t->mode > 5 ? t->mode & 3 : t->mode;
    t->ce = old.ce;
    t->gate = old.gate;
    t->null_count = true;
    t->latched_count = t->latched_status = -1;
    t->out = old.out;
    t->rises = old.rises;
    twin_out(t, t->mode > 0);
}

static void twin_count(struct twin_counter *t, unsigned count)
{
    t->cr = count;
    t->null_count = true;
    t->have_count = true;
    if (t->mode == 0 || t->mode == 4)
        t->fresh_count = true;
    if ((t->mode == 2 || t->mode == 3) && !t->counting)
        t->fresh_count = true;
}

static void twin_write(struct twin_counter *t, uint8_t value)
{
    if (t->mode == 0)
        twin_out(t, false);
    if (t->rw == 1)
        twin_count(t, value);
    if (t->rw == 2)
        twin_count(t, value * 256u);
    if (t->rw == 3 && t->msb_write_next)
        twin_count(t, value * 256u + t->first_byte);
    if (t->rw == 3) {
        t->first_byte = value;
        t->msb_write_next = !t->msb_write_next;
    }
}

static void twin_latch(struct twin_counter *t, bool count, bool status)
{
    if (count && t->latched_count < 0)
        t->latched_count = (int)t->ce;
    if (status && t->latched_status < 0)
        t->latched_status = t->out * 128 + t->null_count * 64 + t->control;
}

static uint8_t twin_read(struct twin_counter *t)
{
    if (t->latched_status >= 0) {
        uint8_t status = (uint8_t)t->latched_status;
        t->latched_status = -1;
        return status;
    }
    unsigned count = t->latched_count >= 0 ? (unsigned)t->latched_count : t->ce;
    if (t->rw == 3 && !t->msb_read_next) {
        t->msb_read_next = true;
        return (uint8_t)count;
    }
    t->msb_read_next = false;
    t->latched_count = -1;
    return (uint8_t)(t->rw == 1 ? count : count / 256);
}

/* ---- the pair ---- */

#define UNWIRED 1 /* the counter whose OUT nobody listens to */

struct pair {
    struct clock clock;
    struct ratio period;
    struct pit pit;
    struct twin_counter twin[PIT_COUNTERS];
    bool twin_driven[PIT_COUNTERS];
    uint64_t twin_clk;
    struct log device_log, twin_log; /* a kind is a counter */
    struct random random;
    struct verdict verdict;
};

static void on_out(void *owner, int n, bool level)
{
    struct pair *p = owner;
    log_add(&p->device_log, (unsigned)n, level, p->clock.now);
}

static void twin_drive(struct pair *p, int n, cycle_t cycle)
{
    if (p->twin[n].out != p->twin_driven[n] && n != UNWIRED)
        log_add(&p->twin_log, (unsigned)n, p->twin[n].out, cycle);
    p->twin_driven[n] = p->twin[n].out;
}

static void pair_advance(struct pair *p, cycle_t cycles, bool late)
{
    cycle_t target = p->clock.now + cycles;
    while (clock_next(&p->clock) < target + !late) {
        p->clock.now = clock_next(&p->clock);
        clock_dispatch(&p->clock);
    }
    p->clock.now = target;
    for (; p->twin_clk < ratio_count(p->period, target); p->twin_clk++)
        for (int n = 0; n < PIT_COUNTERS; n++) {
            twin_clk(&p->twin[n]);
            twin_drive(p, n, ratio_edge(p->period, p->twin_clk + 1));
        }
}

static void pair_init(struct pair *p, uint64_t seed)
{
    /* Pentium 133, an integer, a period that is not, and a processor as slow as the timer. */
    static const struct ratio periods[] = {{7040, 63}, {4, 1}, {7, 3}, {1, 1}};
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    p->period = periods[seed % 4];
    clock_init(&p->clock);
    struct irq_line out0 = {on_out, p, 0}, out2 = {on_out, p, 2};
    pit_init(&p->pit, (struct pit_config){
                          .clock = &p->clock, .period = p->period, .out = {out0, {0}, out2}});
    for (int n = 0; n < PIT_COUNTERS; n++) {
        p->twin[n].gate = true;
        twin_control(&p->twin[n], 0x30);
        twin_drive(p, n, 0);
    }
}

/* ---- the traffic ---- */

static void op_control(struct pair *p)
{
    unsigned n = random_below(&p->random, PIT_COUNTERS);
    uint8_t value = (uint8_t)(n << 6 | random_below(&p->random, 64));
    pit_write(&p->pit, PIT_CONTROL, value);
    if (value & 0x30)
        twin_control(&p->twin[n], value);
    else
        twin_latch(&p->twin[n], true, false);
}

static void op_write(struct pair *p)
{
    static const uint32_t spans[] = {4, 12, 40, 256};
    unsigned n = random_below(&p->random, PIT_COUNTERS);
    uint8_t value = (uint8_t)random_below(&p->random, spans[random_below(&p->random, 4)]);
    if (p->twin[n].rw == 2 || p->twin[n].msb_write_next)
        value = random_chance(&p->random, 90) ? 0 : value;
    pit_write(&p->pit, n, value);
    twin_write(&p->twin[n], value);
}

static void op_read(struct pair *p)
{
    unsigned n = random_below(&p->random, PIT_COUNTERS);
    verdict_expect(&p->verdict, "counter read", pit_read(&p->pit, n), twin_read(&p->twin[n]));
}

static void op_read_back(struct pair *p)
{
    uint8_t value = (uint8_t)(0xC0 | random_below(&p->random, 64));
    pit_write(&p->pit, PIT_CONTROL, value);
    for (unsigned n = 0; n < PIT_COUNTERS; n++)
        if (value & 2u << n)
            twin_latch(&p->twin[n], !(value & 0x20), !(value & 0x10));
}

static void op_gate(struct pair *p)
{
    int n = (int)random_below(&p->random, PIT_COUNTERS);
    bool level = random_chance(&p->random, 70);
    pit_set_gate(&p->pit, n, level);
    twin_gate(&p->twin[n], level);
}

static uint64_t state_hash(struct pair *p)
{
    struct snap s;
    snap_begin_hash(&s);
    pit_snapshot(&p->pit, &s);
    return s.hash;
}

/* Saves, wrecks and loads; everything after this operation runs on the loaded state. */
static void op_snapshot(struct pair *p)
{
    struct snap save, load;
    struct log kept = p->device_log;
    uint64_t hash = state_hash(p);
    snap_begin_save(&save);
    pit_snapshot(&p->pit, &save);
    pit_reset(&p->pit);
    pit_set_gate(&p->pit, 0, !p->twin[0].gate);
    p->device_log = kept;
    snap_begin_load(&load, save.data, save.size);
    pit_snapshot(&p->pit, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    verdict_expect(&p->verdict, "hash after load", state_hash(p), hash);
    snap_free(&save);
}

static void pair_compare(struct pair *p)
{
    static const char *const names[LOG_KINDS] = {"OUT0", "OUT1", "OUT2", ""};
    for (int n = 0; n < PIT_COUNTERS; n++) {
        verdict_expect(&p->verdict, "OUT", pit_out(&p->pit, n), p->twin[n].out);
        verdict_expect(&p->verdict, "OUT rises", pit_out_rises(&p->pit, n), p->twin[n].rises);
    }
    log_compare(&p->verdict, names, &p->device_log, &p->twin_log);
}

static void pair_operation(struct pair *p)
{
    static const uint32_t spans[] = {1, 4, 30, 700};
    struct random *r = &p->random;
    uint64_t pulses = random_below(r, spans[random_below(r, 4)] + 1);
    if (random_chance(r, 1) && random_chance(r, 10))
        pulses = random_below(r, 150000);
    cycle_t slack = random_below(r, (uint32_t)(p->period.num / p->period.den) + 1);
    pair_advance(p, ratio_edge(p->period, pulses) + slack, random_chance(r, 20));
    uint32_t what = random_below(r, 100);
    if (what < 12)
        op_control(p);
    else if (what < 50)
        op_write(p);
    else if (what < 70)
        op_read(p);
    else if (what < 80)
        op_read_back(p);
    else if (what < 99)
        op_gate(p);
    else
        op_snapshot(p);
    for (int n = 0; n < PIT_COUNTERS; n++)
        twin_drive(p, n, p->clock.now);
    clock_dispatch(&p->clock);
}

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct pair *p = malloc(sizeof *p);
    pair_init(p, seed);
    for (uint64_t i = 0; i < operations && !p->verdict.failed; i++) {
        p->verdict.operation = i;
        pair_operation(p);
        pair_compare(p);
    }
    struct verdict v = p->verdict;
    clock_free(&p->clock);
    free(p);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_pit", run); }
