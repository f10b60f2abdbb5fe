#include "devices/rtc_mc146818.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

/* The registers [MC146818A "Registers"]; UIP, all of C and all of D are read only.
 *
 *       7     6    5    4     3     2    1      0
 *   A   UIP   DV2  DV1  DV0   RS3   RS2  RS1    RS0
 *   B   SET   PIE  AIE  UIE   SQWE  DM   24/12  DSE
 *   C   IRQF  PF   AF   UF    0     0    0      0
 *   D   VRT   0    0    0     0     0    0      0 */
#define A_UIP 0x80u
#define A_RS 0x0Fu
#define B_SET 0x80u
#define B_PIE 0x40u
#define B_AIE 0x20u
#define B_UIE 0x10u
#define B_SQWE 0x08u
#define B_DM_BINARY 0x04u
#define B_24H 0x02u
#define B_DSE 0x01u
#define C_IRQF 0x80u
#define C_PF 0x40u
#define C_AF 0x20u
#define C_UF 0x10u
#define C_FLAGS (C_PF | C_AF | C_UF) /* each in the place of its enable in B */
#define D_VRT 0x80u

#define INDEX_NMI_MASK 0x80u
#define INDEX_BITS 0x7Fu
#define HOURS_PM 0x80u
#define SECONDS_WRITABLE 0x7Fu
#define ALARM_ANY 0xC0u /* this value and above match every time */

#define SUNDAY 1
#define NEVER UINT64_MAX

/* ---- the divider chain ---- */

/* What DV selects, in periods of the crystal that the setting is meant for [MC146818A Tables 4, 5,
 * 6]: a second, the 244 us from UIP to the update, the update itself (248 or 1984 us), and the tap
 * of rate RS as a shift to add to RS. The chip cannot know its crystal: with another setting than
 * 2, a board with the 32,768 Hz crystal sees this clock go 32 or 128 times slower, as on the
 * part. */
struct divider {
    uint64_t second;
    uint64_t lead;
    uint64_t update;
    int tap_shift;
};

static const struct divider dividers[3] = {
    {1u << 22, 1024, 1040, 6}, /* 4.194304 MHz */
    {1u << 20, 256, 260, 4},   /* 1.048576 MHz */
    {1u << 15, 8, 65, -1},     /* 32.768 kHz */
};

static unsigned dv_of(uint8_t a) { return a >> 4 & 7u; }
static bool holds_chain(uint8_t a) { return dv_of(a) >= 6; }
static bool is_running(const struct rtc *r) { return !holds_chain(r->cmos[RTC_A]); }
static const struct divider *divider_of(const struct rtc *r)
{
    return &dividers[dv_of(r->cmos[RTC_A])];
}

/* From the rise of UIP to its fall. */
static uint64_t uip_length(const struct rtc *r)
{
    return divider_of(r)->lead + divider_of(r)->update;
}

/* Crystal edges between two periodic interrupts, 0 for none. At 32.768 kHz rates 1 and 2 are the
 * slow ones, 256 and 128 Hz, because the taps they have with the faster crystals do not exist. */
static uint64_t tap_period(const struct rtc *r)
{
    int rs = r->cmos[RTC_A] & A_RS;
    int shift = rs + divider_of(r)->tap_shift;
    if (rs == 0)
        return 0;
    return UINT64_C(1) << (shift < 2 ? rs + 6 : shift);
}

/* The first chain count after `chain` that is congruent to `phase` modulo `period`. */
static uint64_t next_congruent(uint64_t chain, uint64_t period, uint64_t phase)
{
    return chain + 1 + (phase + period - (chain + 1) % period) % period;
}

/* UIP rises half a tap period after the tap's interrupt [MC146818A Figure 16], so the tap's edge
 * that sets PF lies half a period before each second. */
static uint64_t next_tap(uint64_t chain, uint64_t period)
{
    return next_congruent(chain, period, period / 2);
}

/* The chain count at which the next update cycle ends, NEVER while SET inhibits them. One that rose
 * before updates_after does not take place. */
static uint64_t next_update_end(const struct rtc *r)
{
    if (r->cmos[RTC_B] & B_SET)
        return NEVER;
    uint64_t second = divider_of(r)->second, length = uip_length(r);
    uint64_t end = next_congruent(r->chain, second, length);
    uint64_t end_edge = r->edge + (end - r->chain);
    return end_edge > r->updates_after + length ? end : end + second;
}

static bool update_in_progress(const struct rtc *r)
{
    if (!is_running(r) || (r->cmos[RTC_B] & B_SET))
        return false;
    uint64_t phase = r->chain % divider_of(r)->second;
    return phase < uip_length(r) && r->edge > r->updates_after + phase;
}

/* ---- the calendar ---- */

static unsigned decode(const struct rtc *r, uint8_t byte)
{
    return r->cmos[RTC_B] & B_DM_BINARY ? byte : (byte >> 4) * 10u + (byte & 15u);
}

static uint8_t bcd(unsigned value) { return (uint8_t)(value / 10 << 4 | value % 10); }

static uint8_t encode(const struct rtc *r, unsigned value)
{
    return r->cmos[RTC_B] & B_DM_BINARY ? (uint8_t)value : bcd(value);
}

/* Counts one byte up; true when it wrapped. */
static bool step(struct rtc *r, unsigned index, unsigned first, unsigned last)
{
    unsigned value = decode(r, r->cmos[index]);
    bool wraps = value >= last;
    r->cmos[index] = encode(r, wraps ? first : value + 1);
    return wraps;
}

/* 12-hour mode counts 12, 1, ... 11 and turns AM into PM between 11 and 12. */
static bool step_hours(struct rtc *r)
{
    if (r->cmos[RTC_B] & B_24H)
        return step(r, RTC_HOURS, 0, 23);
    uint8_t pm = r->cmos[RTC_HOURS] & HOURS_PM;
    unsigned hour = decode(r, r->cmos[RTC_HOURS] & (uint8_t)~HOURS_PM);
    bool midnight = hour == 11 && pm;
    if (hour == 11)
        pm ^= HOURS_PM;
    r->cmos[RTC_HOURS] = encode(r, hour >= 12 ? 1 : hour + 1) | pm;
    return midnight;
}

static unsigned days_in_month(unsigned month, unsigned year)
{
    static const uint8_t days[13] = {31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month == 2 && year % 4 == 0)
        return 29;
    return month <= 12 ? days[month] : 31;
}

/* Daylight saving [MC146818A "DSE"]: on the last Sunday of April 1:59:59 AM is followed by 3:00:00,
 * on the last Sunday of October the first one by 1:00:00. Does that second, if it is one of
 * them. */
static bool step_daylight_saving(struct rtc *r)
{
    unsigned month = decode(r, r->cmos[RTC_MONTH]), date = decode(r, r->cmos[RTC_DATE]);
    bool before_two = decode(r, r->cmos[RTC_HOURS]) == 1 && decode(r, r->cmos[RTC_MINUTES]) == 59 &&
                      decode(r, r->cmos[RTC_SECONDS]) == 59;
    if (!(r->cmos[RTC_B] & B_DSE) || !before_two || decode(r, r->cmos[RTC_DAY_OF_WEEK]) != SUNDAY)
        return false;
    bool spring = month == 4 && date >= 24;
    bool autumn = month == 10 && date >= 25;
    bool again = autumn && r->fell_back;
    r->fell_back = autumn && !again;
    if (!spring && (!autumn || again))
        return false;
    r->cmos[RTC_SECONDS] = 0;
    r->cmos[RTC_MINUTES] = 0;
    r->cmos[RTC_HOURS] = encode(r, spring ? 3 : 1);
    return true;
}

static void step_second(struct rtc *r)
{
    if (step_daylight_saving(r))
        return;
    if (!step(r, RTC_SECONDS, 0, 59) || !step(r, RTC_MINUTES, 0, 59) || !step_hours(r))
        return;
    step(r, RTC_DAY_OF_WEEK, 1, 7);
    unsigned days = days_in_month(decode(r, r->cmos[RTC_MONTH]), decode(r, r->cmos[RTC_YEAR]));
    if (step(r, RTC_DATE, 1, days) && step(r, RTC_MONTH, 1, 12))
        step(r, RTC_YEAR, 0, 99);
}

static bool alarm_matches(const struct rtc *r)
{
    for (unsigned i = RTC_SECONDS; i <= RTC_HOURS; i += 2) {
        uint8_t alarm = r->cmos[i + 1];
        if (alarm < ALARM_ANY && alarm != r->cmos[i])
            return false;
    }
    return true;
}

/* ---- time passes ---- */

/* Brings the state forward to the given crystal edge; sets flags, drives nothing. */
static void advance(struct rtc *r, uint64_t edge)
{
    if (!is_running(r)) {
        r->edge = edge;
        return;
    }
    uint64_t target = r->chain + (edge - r->edge);
    uint64_t tap = tap_period(r);
    if (tap && next_tap(r->chain, tap) <= target)
        r->cmos[RTC_C] |= C_PF;
    for (uint64_t end; (end = next_update_end(r)) <= target;) {
        r->edge += end - r->chain;
        r->chain = end;
        step_second(r);
        r->cmos[RTC_C] |= C_UF | (alarm_matches(r) ? C_AF : 0);
    }
    r->chain = target;
    r->edge = edge;
}

static uint64_t edge_now(const struct rtc *r)
{
    return ratio_count(r->config.crystal, r->config.clock->now);
}

static bool interrupts(const struct rtc *r) { return r->cmos[RTC_C] & r->cmos[RTC_B] & C_FLAGS; }

/* The next edge at which a flag with its interrupt enabled may be set. While IRQF is set already
 * nothing more can happen to the wire before C is read. */
static uint64_t next_interrupt(const struct rtc *r)
{
    uint8_t b = r->cmos[RTC_B];
    if (!is_running(r) || interrupts(r))
        return NEVER;
    uint64_t next = b & (B_UIE | B_AIE) ? next_update_end(r) : NEVER;
    uint64_t tap = b & B_PIE ? tap_period(r) : 0;
    if (tap && next_tap(r->chain, tap) < next)
        next = next_tap(r->chain, tap);
    return next == NEVER ? NEVER : r->edge + (next - r->chain);
}

static void drive_irq(struct rtc *r)
{
    if (interrupts(r) == r->irq_level)
        return;
    r->irq_level = !r->irq_level;
    irq_set(&r->config.irq, r->irq_level);
}

/* Before an access: what the crystal did up to now, seen on the wire even if the access undoes
 * it. */
static void bring_to_now(struct rtc *r)
{
    advance(r, edge_now(r));
    drive_irq(r);
}

/* After any change of state: the interrupt wire, and the event. */
static void settle(struct rtc *r)
{
    drive_irq(r);
    uint64_t edge = next_interrupt(r);
    if (edge == NEVER) {
        event_cancel(r->config.clock, &r->event);
        return;
    }
    cycle_t when = ratio_edge(r->config.crystal, edge);
    if (!event_pending(&r->event) || r->event.when != when)
        event_schedule(r->config.clock, &r->event, when);
}

static void interrupt_event(void *owner)
{
    struct rtc *r = owner;
    bring_to_now(r);
    settle(r);
}

/* ---- ports ---- */

static uint8_t read_data(struct rtc *r)
{
    uint8_t value = r->cmos[r->index];
    switch (r->index) {
    case RTC_A:
        return value | (update_in_progress(r) ? A_UIP : 0);
    case RTC_C:
        value |= interrupts(r) ? C_IRQF : 0;
        r->cmos[RTC_C] = 0;
        return value;
    case RTC_D:
        return D_VRT;
    default:
        return value;
    }
}

uint8_t rtc_read(struct rtc *r, unsigned port)
{
    CHECK(port <= 1);
    if (port == 0)
        return 0xFF;
    bring_to_now(r);
    uint8_t value = read_data(r);
    settle(r);
    return value;
}

/* A chain released from reset raises UIP one half second later [MC146818A "DV2, DV1, DV0"]. A
 * change between two running settings leaves the count, and ends an update cycle in progress. */
static void write_a(struct rtc *r, uint8_t value)
{
    uint8_t old = r->cmos[RTC_A];
    if (dv_of(value) >= 3 && !holds_chain(value))
        unimplemented("MC146818A: divider test mode (register A = %02X)", value);
    r->cmos[RTC_A] = value & (uint8_t)~A_UIP;
    if (holds_chain(value))
        r->chain = 0;
    else if (holds_chain(old))
        r->chain = divider_of(r)->second / 2;
    if (dv_of(value) != dv_of(old))
        r->updates_after = r->edge;
}

/* SET going high clears UIE [MC146818A "UIE"]; the program is about to set another time, which has
 * no repeated hour behind it. SET going low lets update cycles begin again. */
static void write_b(struct rtc *r, uint8_t value)
{
    uint8_t changed = r->cmos[RTC_B] ^ value;
    r->cmos[RTC_B] = value;
    if ((changed & B_SET) && (value & B_SET)) {
        r->cmos[RTC_B] &= (uint8_t)~B_UIE;
        r->fell_back = false;
    } else if (changed & B_SET) {
        r->updates_after = r->edge;
    }
}

static void write_data(struct rtc *r, uint8_t value)
{
    switch (r->index) {
    case RTC_SECONDS:
        r->cmos[RTC_SECONDS] = value & SECONDS_WRITABLE;
        break;
    case RTC_A:
        write_a(r, value);
        break;
    case RTC_B:
        write_b(r, value);
        break;
    case RTC_C:
    case RTC_D:
        break;
    default:
        r->cmos[r->index] = value;
        break;
    }
}

static void set_nmi_mask(struct rtc *r, bool masked)
{
    if (r->nmi_masked == masked)
        return;
    r->nmi_masked = masked;
    irq_set(&r->config.nmi_mask, masked);
}

void rtc_write(struct rtc *r, unsigned port, uint8_t value)
{
    CHECK(port <= 1);
    if (port == 0) {
        r->index = value & INDEX_BITS;
        set_nmi_mask(r, (value & INDEX_NMI_MASK) != 0);
        return;
    }
    bring_to_now(r);
    write_data(r, value);
    settle(r);
}

bool rtc_nmi_masked(const struct rtc *r) { return r->nmi_masked; }

void rtc_set_ram(struct rtc *r, unsigned index, uint8_t value)
{
    CHECK(index > RTC_D && index < RTC_CMOS_SIZE);
    r->cmos[index] = value;
}

/* ---- life ---- */

/* The civil date of a day number counted from 1970-01-01, by the count of days from 1 March of year
 * 0 in eras of 400 years (146,097 days), which puts the leap day at the end of each year. */
static void set_date(struct rtc *r, int64_t day)
{
    int64_t from_era = day + 719468; /* 0000-03-01 to 1970-01-01 */
    int64_t era = from_era / 146097;
    int64_t of_era = from_era % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * of_year + 2) / 153; /* 0 is March; 153 days in each five months */
    int64_t date = of_year - (153 * shifted_month + 2) / 5 + 1;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    int64_t year = era * 400 + year_of_era + (month <= 2);
    r->cmos[RTC_DATE] = bcd((unsigned)date);
    r->cmos[RTC_MONTH] = bcd((unsigned)month);
    r->cmos[RTC_YEAR] = bcd((unsigned)(year % 100));
    r->cmos[RTC_CENTURY] = bcd((unsigned)(year / 100));
}

#define SECONDS_PER_DAY 86400
#define DAY_MIN (-719162) /* 0001-01-01 */
#define DAY_MAX 2932896   /* 9999-12-31 */

static void set_clock(struct rtc *r, int64_t seconds)
{
    int64_t of_day = ((seconds % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    int64_t day = (seconds - of_day) / SECONDS_PER_DAY;
    CHECK(day >= DAY_MIN && day <= DAY_MAX);
    r->cmos[RTC_SECONDS] = bcd((unsigned)(of_day % 60));
    r->cmos[RTC_MINUTES] = bcd((unsigned)(of_day / 60 % 60));
    r->cmos[RTC_HOURS] = bcd((unsigned)(of_day / 3600));
    r->cmos[RTC_DAY_OF_WEEK] = (uint8_t)((day % 7 + 7 + 4) % 7 + 1); /* day 0 was a Thursday */
    set_date(r, day);
}

void rtc_init(struct rtc *r, struct rtc_config config)
{
    *r = (struct rtc){.config = config};
    CHECK(config.clock && config.crystal.num && config.crystal.den);
    event_init(&r->event, interrupt_event, r, config.priority);
    r->edge = edge_now(r);
    r->updates_after = r->edge;
    r->cmos[RTC_A] = 0x26; /* 32,768 Hz, periodic rate 1,024 Hz, as the PC's BIOS leaves it */
    r->cmos[RTC_B] = B_24H;
    set_clock(r, config.start_seconds);
    rtc_reset(r);
}

void rtc_reset(struct rtc *r)
{
    bring_to_now(r);
    r->cmos[RTC_B] &= (uint8_t)~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->cmos[RTC_C] = 0;
    r->index = RTC_D;
    set_nmi_mask(r, true);
    settle(r);
}

static void visit(struct rtc *r, struct snap *s)
{
    snap_u64(s, "edge", &r->edge);
    snap_bytes(s, "cmos", r->cmos, sizeof r->cmos);
    snap_u8(s, "index", &r->index);
    snap_bool(s, "nmi_masked", &r->nmi_masked);
    snap_u64(s, "chain", &r->chain);
    snap_u64(s, "updates_after", &r->updates_after);
    snap_bool(s, "fell_back", &r->fell_back);
    snap_bool(s, "irq_level", &r->irq_level);
}

/* What is saved and hashed is the state as of now, whenever somebody last looked at it; taking a
 * snapshot moves nothing. */
void rtc_snapshot(struct rtc *r, struct snap *s)
{
    if (s->mode == SNAP_LOAD) {
        visit(r, s);
    } else {
        struct rtc view = *r;
        advance(&view, edge_now(r));
        visit(&view, s);
    }
    event_snapshot(r->config.clock, &r->event, s, "event");
}
