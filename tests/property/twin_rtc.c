/* twin_rtc: the event-driven MC146818A against a naive one that is ticked by its crystal.
 *
 * The twin keeps the time as plain numbers, a divider it increments, and a countdown for the update
 * cycle it is in; it converts to BCD and 12 hours only at the port. Traffic stays within what the
 * data sheet defines: legal times, and a format set together with them. */
#include "devices/rtc_mc146818.h"
#include "sim/core/snap.h"
#include "tests/property/twin_run.h"

/* ---- the twin ---- */

enum { SET = 0x80, PIE = 0x40, AIE = 0x20, UIE = 0x10, SQWE = 8, BINARY = 4, H24 = 2, DSE = 1 };

struct twin {
    unsigned seconds, minutes, hours, day_of_week, date, month, year; /* hours 0-23 */
    uint8_t alarm[3];                                                 /* seconds, minutes, hours */
    uint8_t ram[128];
    unsigned dv, rs, b;
    bool pf, af, uf;
    unsigned index;
    bool nmi_masked;
    unsigned long divider;
    unsigned update;  /* ticks until the update cycle in progress ends, 0 when there is none */
    bool second_hour; /* of the October night that has one hour twice */
};

static uint8_t twin_number_out(const struct twin *t, unsigned value)
{
    return (uint8_t)(t->b & BINARY ? value : value / 10 * 16 + value % 10);
}

static unsigned twin_number_in(const struct twin *t, uint8_t byte)
{
    return t->b & BINARY ? byte : byte / 16 * 10u + byte % 16;
}

static uint8_t twin_hours_out(const struct twin *t)
{
    if (t->b & H24)
        return twin_number_out(t, t->hours);
    unsigned shown = t->hours == 0 ? 12 : t->hours > 12 ? t->hours - 12 : t->hours;
    return (uint8_t)(twin_number_out(t, shown) + (t->hours >= 12 ? 128 : 0));
}

static unsigned twin_hours_in(const struct twin *t, uint8_t byte)
{
    if (t->b & H24)
        return twin_number_in(t, byte);
    unsigned shown = twin_number_in(t, byte & 127);
    return (shown == 12 ? 0 : shown) + (byte & 128 ? 12 : 0);
}

static unsigned twin_month_length(const struct twin *t)
{
    switch (t->month) {
    case 2:
        return t->year % 4 ? 28 : 29;
    case 4:
    case 6:
    case 9:
    case 11:
        return 30;
    default:
        return 31;
    }
}

static void twin_next_day(struct twin *t)
{
    t->day_of_week = t->day_of_week == 7 ? 1 : t->day_of_week + 1;
    if (t->date++ < twin_month_length(t))
        return;
    t->date = 1;
    if (t->month++ < 12)
        return;
    t->month = 1;
    t->year = (t->year + 1) % 100;
}

/* The hour that follows 1:59:59 AM of a Sunday under DSE. */
static unsigned twin_hour_after_one(struct twin *t)
{
    bool last_week = t->date + 7 > twin_month_length(t);
    if (t->month == 4 && last_week)
        return 3;
    if (t->month == 10 && last_week && !t->second_hour) {
        t->second_hour = true;
        return 1;
    }
    t->second_hour = false;
    return 2;
}

static void twin_next_second(struct twin *t)
{
    if (++t->seconds < 60)
        return;
    t->seconds = 0;
    if (++t->minutes < 60)
        return;
    t->minutes = 0;
    if (t->hours == 1 && t->day_of_week == 1 && (t->b & DSE)) {
        t->hours = twin_hour_after_one(t);
        return;
    }
    if (++t->hours < 24)
        return;
    t->hours = 0;
    twin_next_day(t);
}

static bool twin_alarm(const struct twin *t)
{
    uint8_t now[3] = {twin_number_out(t, t->seconds), twin_number_out(t, t->minutes),
                      twin_hours_out(t)};
    bool match = true;
    for (int i = 0; i < 3; i++)
        match = match && ((t->alarm[i] & 0xC0) == 0xC0 || t->alarm[i] == now[i]);
    return match;
}

/* The level of the selected tap: stages count from the crystal, the tap's level is a divider
 * bit. */
static bool twin_tap(const struct twin *t)
{
    static const int stages[3][16] = {
        {0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21},
        {0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
        {0, 7, 8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14},
    };
    return t->rs && (t->divider >> (stages[t->dv][t->rs] - 1) & 1);
}

/* One period of the crystal. A rising tap is the periodic interrupt; the last stage's overflow
 * begins an update cycle. */
static void twin_tick(struct twin *t)
{
    static const int last_stage[3] = {22, 20, 15};
    static const unsigned cycle[3] = {1024 + 1040, 256 + 260, 8 + 65};
    if (t->dv >= 6)
        return;
    bool tap = twin_tap(t);
    t->divider++;
    if (!tap && twin_tap(t))
        t->pf = true;
    if (t->update && --t->update == 0) {
        twin_next_second(t);
        t->uf = true;
        t->af = t->af || twin_alarm(t);
    }
    if (t->divider % (1ul << last_stage[t->dv]) == 0 && !(t->b & SET))
        t->update = cycle[t->dv];
}

static bool twin_irq(const struct twin *t)
{
    return (t->pf && (t->b & PIE)) || (t->af && (t->b & AIE)) || (t->uf && (t->b & UIE));
}

static uint8_t twin_read_c(struct twin *t)
{
    int value = twin_irq(t) * 128 + t->pf * 64 + t->af * 32 + t->uf * 16;
    t->pf = t->af = t->uf = false;
    return (uint8_t)value;
}

static uint8_t twin_read(struct twin *t)
{
    switch (t->index) {
    case 0:
        return twin_number_out(t, t->seconds);
    case 2:
        return twin_number_out(t, t->minutes);
    case 4:
        return twin_hours_out(t);
    case 1:
    case 3:
    case 5:
        return t->alarm[t->index / 2];
    case 6:
        return (uint8_t)t->day_of_week;
    case 7:
        return twin_number_out(t, t->date);
    case 8:
        return twin_number_out(t, t->month);
    case 9:
        return twin_number_out(t, t->year);
    case 10:
        return (uint8_t)((t->update > 0) * 128 + t->dv * 16 + t->rs);
    case 11:
        return (uint8_t)t->b;
    case 12:
        return twin_read_c(t);
    case 13:
        return 0x80;
    default:
        return t->ram[t->index];
    }
}

static void twin_write_a(struct twin *t, uint8_t value)
{
    unsigned dv = value >> 4 & 7;
    static const unsigned long half_second[3] = {1ul << 21, 1ul << 19, 1ul << 14};
    if (dv != t->dv)
        t->update = 0;
    if (dv < 6 && t->dv >= 6)
        t->divider = half_second[dv];
    if (dv >= 6)
        t->divider = 0;
    t->dv = dv;
    t->rs = value & 15;
}

static void twin_write_b(struct twin *t, uint8_t value)
{
    if (!(t->b & SET) && (value & SET)) {
        t->update = 0;
        t->second_hour = false;
        value &= (uint8_t)~UIE;
    }
    t->b = value;
}

static void twin_write(struct twin *t, uint8_t value)
{
    switch (t->index) {
    case 0:
        t->seconds = twin_number_in(t, value & 0x7F);
        break;
    case 2:
        t->minutes = twin_number_in(t, value);
        break;
    case 4:
        t->hours = twin_hours_in(t, value);
        break;
    case 1:
    case 3:
    case 5:
        t->alarm[t->index / 2] = value;
        break;
    case 6:
        t->day_of_week = value;
        break;
    case 7:
        t->date = twin_number_in(t, value);
        break;
    case 8:
        t->month = twin_number_in(t, value);
        break;
    case 9:
        t->year = twin_number_in(t, value);
        break;
    case 10:
        twin_write_a(t, value);
        break;
    case 11:
        twin_write_b(t, value);
        break;
    case 12:
    case 13:
        break;
    default:
        t->ram[t->index] = value;
        break;
    }
}

/* ---- the pair ---- */

struct pair {
    struct clock clock;
    struct ratio crystal;
    struct rtc rtc;
    struct twin twin;
    bool twin_irq_level;
    uint64_t twin_edge;
    struct log device_log, twin_log;
    struct random random;
    struct verdict verdict;
};

static void on_irq(void *owner, int number, bool level)
{
    struct pair *p = owner;
    (void)number;
    log_add(&p->device_log, 0, level, p->clock.now);
}

static void twin_drive(struct pair *p, cycle_t cycle)
{
    if (twin_irq(&p->twin) != p->twin_irq_level)
        log_add(&p->twin_log, 0, twin_irq(&p->twin), cycle);
    p->twin_irq_level = twin_irq(&p->twin);
}

static void pair_advance(struct pair *p, cycle_t cycles, bool late)
{
    cycle_t target = p->clock.now + cycles;
    while (clock_next(&p->clock) < target + !late) {
        p->clock.now = clock_next(&p->clock);
        clock_dispatch(&p->clock);
    }
    p->clock.now = target;
    uint64_t edges = ratio_count(p->crystal, target);
    for (; p->twin_edge < edges; p->twin_edge++) {
        twin_tick(&p->twin);
        if (twin_irq(&p->twin) != p->twin_irq_level)
            twin_drive(p, ratio_edge(p->crystal, p->twin_edge + 1));
    }
}

static void pair_init(struct pair *p, uint64_t seed)
{
    /* Pentium 133, an integer, a period that is not, and a processor as slow as the crystal. */
    static const struct ratio periods[] = {{15625 * 25, 96}, {3, 1}, {22, 7}, {1, 1}};
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    p->crystal = periods[seed % 4];
    clock_init(&p->clock);
    rtc_init(&p->rtc, (struct rtc_config){.clock = &p->clock,
                                          .crystal = p->crystal,
                                          .irq = {on_irq, p, 8},
                                          .start_seconds = 946684799}); /* 1999-12-31 23:59:59 */
    p->twin = (struct twin){.seconds = 59,
                            .minutes = 59,
                            .hours = 23,
                            .day_of_week = 6,
                            .date = 31,
                            .month = 12,
                            .year = 99,
                            .dv = 2,
                            .rs = 6,
                            .b = H24};
    p->twin.ram[RTC_CENTURY] = 0x19;
}

/* ---- the traffic ---- */

static void both_write(struct pair *p, unsigned index, unsigned value)
{
    unsigned nmi = random_chance(&p->random, 20) ? 0x80 : 0;
    rtc_write(&p->rtc, 0, (uint8_t)(index | nmi));
    rtc_write(&p->rtc, 1, (uint8_t)value);
    p->twin.index = index;
    twin_write(&p->twin, (uint8_t)value);
    twin_drive(p, p->clock.now);
    verdict_expect(&p->verdict, "NMI mask", rtc_nmi_masked(&p->rtc), nmi != 0);
}

static void both_read(struct pair *p, unsigned index)
{
    char what[32];
    snprintf(what, sizeof what, "byte %02xh", index);
    rtc_write(&p->rtc, 0, (uint8_t)index);
    p->twin.index = index;
    verdict_expect(&p->verdict, what, rtc_read(&p->rtc, 1), twin_read(&p->twin));
    twin_drive(p, p->clock.now);
}

static void write_hours(struct pair *p, unsigned index, unsigned hours)
{
    struct twin as = {.b = p->twin.b, .hours = hours};
    both_write(p, index, twin_hours_out(&as));
}

/* A second or two before the hour, of a day when something happens then: the end of a month, of
 * February, of a year, the two nights of daylight saving, noon, and any time at all. */
static void write_time(struct pair *p)
{
    static const struct {
        uint8_t month, date, hours, day_of_week;
    } scenes[] = {{2, 28, 23, 0}, {2, 29, 23, 0}, {12, 31, 23, 0}, {6, 30, 23, 0},
                  {7, 31, 23, 0}, {4, 24, 1, 1},  {4, 23, 1, 1},   {10, 25, 1, 1},
                  {10, 24, 1, 1}, {10, 31, 1, 1}, {10, 31, 1, 0},  {11, 30, 11, 0}};
    struct random *r = &p->random;
    struct twin *t = &p->twin;
    unsigned i = random_below(r, ARRAY_COUNT(scenes));
    bool any = random_chance(r, 10);
    unsigned day = scenes[i].day_of_week;
    both_write(p, RTC_SECONDS, twin_number_out(t, 58 + random_below(r, 2)));
    both_write(p, RTC_MINUTES, twin_number_out(t, any ? random_below(r, 60) : 59));
    write_hours(p, RTC_HOURS, any ? random_below(r, 24) : scenes[i].hours);
    both_write(p, RTC_DAY_OF_WEEK, day ? day : 1 + random_below(r, 7));
    both_write(p, RTC_DATE, twin_number_out(t, any ? 1 + random_below(r, 31) : scenes[i].date));
    both_write(p, RTC_MONTH, twin_number_out(t, any ? 1 + random_below(r, 12) : scenes[i].month));
    both_write(p, RTC_YEAR, twin_number_out(t, random_chance(r, 30) ? 99 : random_below(r, 100)));
}

/* Skips most of an hour without SET, so that an hour can end that began under the test's eyes. */
static void op_end_of_hour(struct pair *p)
{
    both_write(p, RTC_MINUTES, twin_number_out(&p->twin, 59));
    both_write(p, RTC_SECONDS, twin_number_out(&p->twin, 59));
}

/* The data sheet's way to change format: SET, register B, all the bytes, SET off. */
static void op_set_time(struct pair *p)
{
    unsigned b = random_below(&p->random, 256) | SET;
    both_write(p, RTC_B, p->twin.b | SET);
    both_write(p, RTC_B, b);
    write_time(p);
    if (random_chance(&p->random, 90))
        both_write(p, RTC_B, b & ~(unsigned)SET);
}

static void op_alarm(struct pair *p)
{
    struct random *r = &p->random;
    unsigned any = 0xC0 + random_below(r, 64);
    unsigned which = random_below(r, 3);
    if (random_chance(r, 60))
        both_write(p, which * 2 + 1, any);
    else if (which == 2)
        write_hours(p, RTC_HOURS_ALARM, random_chance(r, 50) ? 0 : random_below(r, 24));
    else
        both_write(p, which * 2 + 1,
                   twin_number_out(&p->twin, random_chance(r, 50) ? 0 : random_below(r, 60)));
}

static void op_rate(struct pair *p)
{
    static const uint8_t divider[] = {0, 1, 2, 2, 2, 2, 2, 2, 6, 7};
    struct random *r = &p->random;
    unsigned dv = random_chance(r, 70) ? p->twin.dv : divider[random_below(r, 10)];
    both_write(p, RTC_A, random_below(r, 2) << 7 | dv << 4 | random_below(r, 16));
}

/* Register B without a change of format. */
static void op_enables(struct pair *p)
{
    unsigned format = BINARY | H24;
    unsigned value = random_below(&p->random, 256);
    value &= random_chance(&p->random, 80) ? 0x7F : 0xFF;
    both_write(p, RTC_B, (value & ~format) | (p->twin.b & format));
}

static uint64_t state_hash(struct pair *p)
{
    struct snap s;
    snap_begin_hash(&s);
    rtc_snapshot(&p->rtc, &s);
    return s.hash;
}

/* Saves, wrecks and loads; everything after this operation runs on the loaded state. */
static void op_snapshot(struct pair *p)
{
    struct snap save, load;
    struct log kept = p->device_log;
    uint64_t hash = state_hash(p);
    snap_begin_save(&save);
    rtc_snapshot(&p->rtc, &save);
    rtc_reset(&p->rtc);
    rtc_write(&p->rtc, 0, RTC_A);
    rtc_write(&p->rtc, 1, 0x7F);
    p->device_log = kept;
    snap_begin_load(&load, save.data, save.size);
    rtc_snapshot(&p->rtc, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    verdict_expect(&p->verdict, "hash after load", state_hash(p), hash);
    snap_free(&save);
}

static void pair_compare(struct pair *p)
{
    static const char *const names[LOG_KINDS] = {"IRQ", "", "", ""};
    log_compare(&p->verdict, names, &p->device_log, &p->twin_log);
}

static void pair_operation(struct pair *p)
{
    static const uint32_t spans[] = {1, 4, 90, 4000};
    struct random *r = &p->random;
    uint64_t edges = random_below(r, spans[random_below(r, 4)] + 1);
    if (random_chance(r, 2))
        edges = random_below(r, 100000);
    cycle_t slack = random_below(r, (uint32_t)(p->crystal.num / p->crystal.den) + 1);
    pair_advance(p, ratio_edge(p->crystal, edges) + slack, random_chance(r, 20));
    uint32_t what = random_below(r, 1000);
    if (what < 600)
        both_read(p, random_below(r, 14));
    else if (what < 800)
        both_read(p, RTC_A + 2 * random_below(r, 2));
    else if (what < 830)
        both_read(p, random_below(r, 128));
    else if (what < 860)
        both_write(p, RTC_C + random_below(r, 116), random_below(r, 256));
    else if (what < 880)
        op_alarm(p);
    else if (what < 900)
        op_end_of_hour(p);
    else if (what < 930)
        op_rate(p);
    else if (what < 970)
        op_enables(p);
    else if (what < 990)
        op_set_time(p);
    else
        op_snapshot(p);
    twin_drive(p, p->clock.now);
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

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_rtc", run); }
