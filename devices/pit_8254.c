#include "devices/pit_8254.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

/* The control word [8254 Figure 7], and the read-back command it becomes when SC is 3
 * [8254 Figure 10]. Counters keep bits 5-0 of their last control word.
 *
 *                 7    6    5      4       3     2     1    0
 *  control word   SC1  SC0  RW1   RW0      M2    M1    M0  BCD
 *  read-back      1    1    COUNT# STATUS# CNT2  CNT1  CNT0 0     # active low
 *  status byte    OUT  NULL RW1   RW0      M2    M1    M0  BCD    [8254 Figure 11] */
#define CONTROL_RW 0x30u
#define CONTROL_MODE 0x0Eu
#define CONTROL_BCD 0x01u
#define CONTROL_KEPT 0x3Fu
#define RW_LATCH 0x00u
#define RW_LSB 0x10u
#define RW_MSB 0x20u
#define RW_BOTH 0x30u
#define SELECT_READ_BACK 3u
#define READ_BACK_NO_COUNT 0x20u
#define READ_BACK_NO_STATUS 0x10u
#define STATUS_OUT 0x80u
#define STATUS_NULL_COUNT 0x40u

#define NEVER UINT64_MAX

/* M2 is not decoded when M1 is set: modes 6 and 7 are 2 and 3. */
static unsigned mode_of(const struct pit_counter *c)
{
    unsigned mode = (c->control & CONTROL_MODE) >> 1;
    return mode >= 6 ? mode - 4 : mode;
}

static bool is_bcd(const struct pit_counter *c) { return c->control & CONTROL_BCD; }
static unsigned rw_of(const struct pit_counter *c) { return c->control & CONTROL_RW; }

/* ---- counting ---- */

/* How many single decrements take a count to zero: 0 stands for the whole range. A digit above 9 in
 * a BCD count weighs what it says, because each decrement takes one unit off the lowest digit that
 * is not 0, and a borrow turns the digits below it into 9. */
static uint32_t pulses_to_zero(uint16_t count, bool bcd)
{
    if (count == 0)
        return bcd ? 10000 : 65536;
    if (!bcd)
        return count;
    return count % 16u + 10u * (count / 16u % 16u) + 100u * (count / 256u % 16u) +
           1000u * (count / 4096u);
}

/* The count after so many single decrements, digit by digit so that it holds for any digits. */
static uint16_t count_down(uint16_t count, bool bcd, uint64_t decrements)
{
    if (!bcd)
        return (uint16_t)(count - decrements);
    unsigned result = 0;
    for (unsigned shift = 0; shift < 16; shift += 4) {
        uint64_t digit = (count >> shift) & 15u;
        if (decrements <= digit) {
            digit -= decrements;
            decrements = 0;
        } else {
            decrements -= digit + 1; /* the first borrow leaves 9; each ten more borrow again */
            digit = 9 - decrements % 10;
            decrements = decrements / 10 + 1;
        }
        result |= (unsigned)digit << shift;
    }
    return (uint16_t)result;
}

static void set_out(struct pit_counter *c, bool level)
{
    c->out_rises += level && !c->out;
    c->out = level;
}

/* Whether a CLK pulse decrements CE. GATE is a level in modes 0, 2, 3 and 4 [8254 Figure 21]; in
 * mode 0 the first byte of a two-byte count stops counting until the second [8254 "Mode 0"]. */
static bool counts(const struct pit_counter *c)
{
    switch (mode_of(c)) {
    case 0:
        return c->loaded && c->gate && !c->second_write;
    case 1:
    case 5:
        return c->loaded;
    default:
        return c->loaded && c->gate;
    }
}

/* Whether the next CLK pulse transfers CR to CE because of a write or of a trigger. */
static bool loads_next(const struct pit_counter *c)
{
    return c->load_pending || (c->trigger && c->armed);
}

/* CE = CR on this CLK pulse, with the OUT level that a new count of the mode starts from. In mode 3
 * an odd count is loaded less one, and one pulse more goes into the high half [8254 "Mode 3"]. */
static void load(struct pit_counter *c, bool out)
{
    c->ce = c->cr;
    if (mode_of(c) == 3) {
        c->odd = c->cr & 1;
        c->ce &= 0xFFFE;
    }
    c->loaded = true;
    c->load_pending = false;
    c->null_count = false;
    c->strobe = true;
    set_out(c, out);
}

/* The pulses of mode 3 until this half of the square wave ends. */
static uint32_t pulses_of_half(const struct pit_counter *c)
{
    if (c->odd && c->out)
        return c->ce == 0 ? 1 : pulses_to_zero(c->ce, is_bcd(c)) / 2 + 1;
    return pulses_to_zero(c->ce, is_bcd(c)) / 2;
}

/* In how many CLK pulses, at least one, something happens that is more than a decrement of CE. */
static uint64_t pulses_to_action(const struct pit_counter *c)
{
    if (loads_next(c) || c->trigger)
        return 1;
    unsigned mode = mode_of(c);
    if (mode >= 4 && !c->out)
        return 1; /* the strobe ends, whether CE counts or not: GATE has no effect on OUT */
    if (!counts(c))
        return NEVER;
    uint32_t to_zero = pulses_to_zero(c->ce, is_bcd(c));
    switch (mode) {
    case 2:
        return c->ce == 1 ? 1 : to_zero - 1;
    case 3:
        return pulses_of_half(c);
    case 4:
    case 5:
        return c->strobe ? to_zero : NEVER;
    default:
        return c->out ? NEVER : to_zero;
    }
}

/* The pulse at the end of pulses_to_action where no load is asked for. */
static void count_action(struct pit_counter *c, uint64_t pulses)
{
    switch (mode_of(c)) {
    case 2:
        if (c->ce == 1) {
            load(c, true);
        } else {
            c->ce = 1;
            set_out(c, false);
        }
        break;
    case 3:
        load(c, c->cr == 1 || !c->out); /* a count of 1 has no low half */
        break;
    case 4:
    case 5:
        if (!c->out) {
            set_out(c, true);
            c->ce = counts(c) ? count_down(c->ce, is_bcd(c), pulses) : c->ce;
        } else {
            c->ce = 0;
            c->strobe = false;
            set_out(c, false);
        }
        break;
    default:
        c->ce = 0;
        set_out(c, true);
        break;
    }
}

/* Modes 0 and 1 hold OUT low during the count, the others high. */
static bool out_while_counting(const struct pit_counter *c) { return mode_of(c) >= 2; }

static void action(struct pit_counter *c, uint64_t pulses)
{
    if (loads_next(c))
        load(c, out_while_counting(c));
    else if (!c->trigger) /* one before there is a count is sampled and forgotten */
        count_action(c, pulses);
    c->trigger = false;
}

/* A periodic counter that was just reloaded with an unchanged count repeats itself exactly: whole
 * periods before the wanted pulse are stepped over at once. */
static void skip_periods(struct pit_counter *c, uint64_t clk)
{
    unsigned mode = mode_of(c);
    bool reloaded = c->out && c->ce == (mode == 3 ? c->cr & 0xFFFE : c->cr) && !c->null_count;
    if ((mode != 2 && mode != 3) || !reloaded || loads_next(c) || c->trigger || !counts(c))
        return;
    uint64_t period = pulses_to_zero(c->cr, is_bcd(c));
    uint64_t periods = (clk - c->clk) / period;
    c->clk += periods * period;
    c->out_rises += period == 1 ? 0 : periods;
}

/* Brings the state forward to the given CLK pulse. */
static void advance(struct pit_counter *c, uint64_t clk)
{
    while (c->clk < clk) {
        skip_periods(c, clk);
        uint64_t left = clk - c->clk;
        uint64_t pulses = pulses_to_action(c);
        if (pulses > left) {
            uint64_t decrements = mode_of(c) == 3 ? 2 * left : left;
            c->ce = counts(c) ? count_down(c->ce, is_bcd(c), decrements) : c->ce;
            c->clk = clk;
        } else {
            c->clk += pulses;
            action(c, pulses);
        }
    }
}

/* ---- events and pins ---- */

static uint64_t clk_now(const struct pit *p)
{
    return ratio_count(p->config.period, p->config.clock->now);
}

static void drive_out(struct pit *p, int n)
{
    if (p->driven[n] == p->counters[n].out)
        return;
    p->driven[n] = p->counters[n].out;
    irq_set(&p->config.out[n], p->driven[n]);
}

/* Brings counter n to now. A wired counter goes from change to change, so that its listener sees
 * every one of them. */
static void bring_to_now(struct pit *p, int n)
{
    struct pit_counter *c = &p->counters[n];
    uint64_t now = clk_now(p);
    while (p->config.out[n].set && c->clk < now) {
        uint64_t pulses = pulses_to_action(c);
        if (pulses > now - c->clk)
            break;
        advance(c, c->clk + pulses);
        drive_out(p, n);
    }
    advance(c, now);
}

/* After any change of state: the pin, and the event for its next change. */
static void settle(struct pit *p, int n)
{
    const struct pit_counter *c = &p->counters[n];
    if (!p->config.out[n].set)
        return;
    drive_out(p, n);
    uint64_t pulses = pulses_to_action(c);
    if (pulses == NEVER) {
        event_cancel(p->config.clock, &p->events[n]);
        return;
    }
    cycle_t when = ratio_edge(p->config.period, c->clk + pulses);
    if (!event_pending(&p->events[n]) || p->events[n].when != when)
        event_schedule(p->config.clock, &p->events[n], when);
}

static void out_event(void *owner)
{
    struct pit_event_owner *o = owner;
    bring_to_now(o->pit, o->n);
    settle(o->pit, o->n);
}

static struct pit_counter counter_now(const struct pit *p, int n)
{
    CHECK(n >= 0 && n < PIT_COUNTERS);
    struct pit_counter view = p->counters[n];
    advance(&view, clk_now(p));
    return view;
}

bool pit_out(const void *pit, int n) { return counter_now(pit, n).out; }
uint64_t pit_out_rises(const void *pit, int n) { return counter_now(pit, n).out_rises; }

/* A rising edge triggers in modes 1, 2, 3 and 5. A falling one ends the low level of OUT in modes 2
 * and 3 without waiting for CLK [8254 "Mode 2", "Mode 3"]. */
void pit_set_gate(void *pit, int n, bool level)
{
    struct pit *p = pit;
    CHECK(n >= 0 && n < PIT_COUNTERS);
    struct pit_counter *c = &p->counters[n];
    unsigned mode = mode_of(c);
    bring_to_now(p, n);
    if (level && !c->gate && mode != 0 && mode != 4)
        c->trigger = true;
    if (!level && (mode == 2 || mode == 3))
        set_out(c, true);
    c->gate = level;
    settle(p, n);
}

/* ---- reading ---- */

static void latch_count(struct pit_counter *c)
{
    if (c->count_latched)
        return; /* a second latch command before the read is ignored */
    c->latch = c->ce;
    c->count_latched = true;
}

static void latch_status(struct pit_counter *c)
{
    if (c->status_latched)
        return;
    c->status =
        (uint8_t)(c->control | (c->out ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL_COUNT : 0));
    c->status_latched = true;
}

/* A latched status comes first, whichever was latched first; then the latched count, by one or two
 * reads as programmed; then the count as it goes [8254 "Read-Back Command"]. */
static uint8_t read_counter(struct pit_counter *c)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    uint16_t count = c->count_latched ? c->latch : c->ce;
    bool high = rw_of(c) == RW_MSB || c->second_read;
    if (rw_of(c) == RW_BOTH)
        c->second_read = !c->second_read;
    if (!c->second_read)
        c->count_latched = false;
    return (uint8_t)(high ? count >> 8 : count);
}

uint8_t pit_read(struct pit *p, unsigned port)
{
    CHECK(port <= PIT_CONTROL);
    if (port == PIT_CONTROL)
        return 0xFF;
    bring_to_now(p, (int)port);
    uint8_t value = read_counter(&p->counters[port]);
    settle(p, (int)port);
    return value;
}

/* ---- writing ---- */

/* A control word resets the counter's control logic and puts OUT into its initial state at once; CE
 * keeps its value until a count is loaded [8254 "Operation Common to All Modes"]. */
static void write_control(struct pit_counter *c, uint8_t value)
{
    c->control = value & CONTROL_KEPT;
    c->cr = 0;
    c->low_byte = 0;
    c->second_write = false;
    c->second_read = false;
    c->null_count = true;
    c->count_latched = false;
    c->status_latched = false;
    c->trigger = false;
    c->armed = false;
    c->load_pending = false;
    c->loaded = false;
    c->odd = false;
    c->strobe = false;
    set_out(c, mode_of(c) != 0);
}

/* The count is complete. The first one after a control word is loaded by the next CLK pulse, save
 * in modes 1 and 5, which wait for a trigger; a later one is loaded by the next pulse in modes 0
 * and 4, at the end of the period or half period in 2 and 3 [8254 "Mode Definitions"]. */
static void write_cr(struct pit_counter *c, uint16_t count)
{
    unsigned mode = mode_of(c);
    c->cr = count;
    c->null_count = true;
    if (mode == 0 || mode == 4 || ((mode == 2 || mode == 3) && !c->loaded))
        c->load_pending = true;
    c->armed = true;
}

/* In mode 0 either byte of a new count brings OUT low at once [8254 "Mode 0"]. */
static void write_counter(struct pit_counter *c, uint8_t value)
{
    if (mode_of(c) == 0)
        set_out(c, false);
    if (rw_of(c) == RW_LSB) {
        write_cr(c, value);
    } else if (rw_of(c) == RW_MSB) {
        write_cr(c, (uint16_t)(value << 8));
    } else if (!c->second_write) {
        c->low_byte = value;
        c->second_write = true;
    } else {
        c->second_write = false;
        write_cr(c, (uint16_t)(value << 8 | c->low_byte));
    }
}

static void read_back(struct pit *p, uint8_t value)
{
    for (int n = 0; n < PIT_COUNTERS; n++) {
        if (!(value & (2u << n)))
            continue;
        bring_to_now(p, n);
        if (!(value & READ_BACK_NO_COUNT))
            latch_count(&p->counters[n]);
        if (!(value & READ_BACK_NO_STATUS))
            latch_status(&p->counters[n]);
        settle(p, n);
    }
}

void pit_write(struct pit *p, unsigned port, uint8_t value)
{
    CHECK(port <= PIT_CONTROL);
    unsigned n = port == PIT_CONTROL ? value >> 6 : port;
    if (n == SELECT_READ_BACK) {
        read_back(p, value);
        return;
    }
    struct pit_counter *c = &p->counters[n];
    bring_to_now(p, (int)n);
    if (port != PIT_CONTROL)
        write_counter(c, value);
    else if ((value & CONTROL_RW) == RW_LATCH)
        latch_count(c);
    else
        write_control(c, value);
    settle(p, (int)n);
}

/* ---- life ---- */

void pit_init(struct pit *p, struct pit_config config)
{
    *p = (struct pit){.config = config};
    CHECK(config.clock && config.period.num && config.period.den);
    for (int n = 0; n < PIT_COUNTERS; n++) {
        p->owners[n] = (struct pit_event_owner){p, n};
        event_init(&p->events[n], out_event, &p->owners[n], config.priority);
        p->counters[n].gate = true;
    }
    pit_reset(p);
}

static void reset_counter(struct pit_counter *c, uint64_t clk)
{
    c->clk = clk;
    c->control = RW_BOTH;
    c->cr = 0;
    c->ce = 0;
    c->low_byte = 0;
    c->second_write = false;
    c->second_read = false;
    c->null_count = true;
    c->latch = 0;
    c->count_latched = false;
    c->status = 0;
    c->status_latched = false;
    c->trigger = false;
    c->armed = false;
    c->load_pending = false;
    c->loaded = false;
    c->odd = false;
    c->strobe = false;
    c->out = false;
    c->out_rises = 0;
}

void pit_reset(struct pit *p)
{
    for (int n = 0; n < PIT_COUNTERS; n++) {
        reset_counter(&p->counters[n], clk_now(p));
        settle(p, n);
    }
}

static void counter_snapshot(struct pit_counter *c, struct snap *s)
{
    snap_u64(s, "clk", &c->clk);
    snap_u8(s, "control", &c->control);
    snap_u16(s, "cr", &c->cr);
    snap_u16(s, "ce", &c->ce);
    snap_u8(s, "low_byte", &c->low_byte);
    snap_bool(s, "second_write", &c->second_write);
    snap_bool(s, "second_read", &c->second_read);
    snap_bool(s, "null_count", &c->null_count);
    snap_u16(s, "latch", &c->latch);
    snap_bool(s, "count_latched", &c->count_latched);
    snap_u8(s, "status", &c->status);
    snap_bool(s, "status_latched", &c->status_latched);
    snap_bool(s, "gate", &c->gate);
    snap_bool(s, "trigger", &c->trigger);
    snap_bool(s, "armed", &c->armed);
    snap_bool(s, "load_pending", &c->load_pending);
    snap_bool(s, "loaded", &c->loaded);
    snap_bool(s, "odd", &c->odd);
    snap_bool(s, "strobe", &c->strobe);
    snap_bool(s, "out", &c->out);
    snap_u64(s, "out_rises", &c->out_rises);
}

/* What is saved and hashed is each counter as of now, whenever somebody last looked at it; taking a
 * snapshot moves nothing. */
void pit_snapshot(struct pit *p, struct snap *s)
{
    static const char *const names[PIT_COUNTERS] = {"counter0", "counter1", "counter2"};
    static const char *const events[PIT_COUNTERS] = {"event0", "event1", "event2"};
    for (int n = 0; n < PIT_COUNTERS; n++) {
        bool load = snap_loading(s);
        struct pit_counter view = load ? p->counters[n] : counter_now(p, n);
        snap_enter(s, names[n]);
        counter_snapshot(&view, s);
        snap_bool(s, "driven", &p->driven[n]);
        snap_leave(s);
        event_snapshot(p->config.clock, &p->events[n], s, events[n]);
        if (load)
            p->counters[n] = view;
    }
}
