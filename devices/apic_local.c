#include "devices/apic_local.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

enum {
    LVT_VECTOR = 0xFF, LVT_MODE = 7 << 8, LVT_LOW = 1 << 13, LVT_REMOTE = 1 << 14,
    LVT_LEVEL = 1 << 15, LVT_MASKED = 1 << 16, LVT_PERIODIC = 1 << 17,
    SVR_ENABLED = 1 << 8, SVR_DEFINED = 0x3FF,
    ESR_SEND_ACCEPT = 1 << 2, ESR_SEND_VECTOR = 1 << 5, ESR_RECEIVE_VECTOR = 1 << 6,
    ESR_REGISTER = 1 << 7,
    ICR_LOGICAL = 1 << 11, ICR_ASSERT = 1 << 14, ICR_LEVEL = 1 << 15, ICR_DEFINED = 0xCCFFF,
};

enum { MODE_FIXED, MODE_LOWEST, MODE_SMI, MODE_RESERVED, MODE_NMI, MODE_INIT, MODE_STARTUP,
       MODE_EXTINT };

#define VERSION 0x00040010u /* five LVT entries, an integrated APIC: from memory */
#define VECTOR_FIRST 16     /* those below are illegal [SDM3 10.5.2] */
#define NONE (-1)

/* What software may write of each entry [SDM3 figure 10-8]. */
static const uint32_t lvt_writable[APIC_LVTS] = {
    [APIC_LVT_TIMER] = LVT_VECTOR | LVT_MASKED | LVT_PERIODIC,
    [APIC_LVT_COUNTER] = LVT_VECTOR | LVT_MODE | LVT_MASKED,
    [APIC_LVT_LINT0] = LVT_VECTOR | LVT_MODE | LVT_LOW | LVT_LEVEL | LVT_MASKED,
    [APIC_LVT_LINT1] = LVT_VECTOR | LVT_MODE | LVT_LOW | LVT_LEVEL | LVT_MASKED,
    [APIC_LVT_ERROR] = LVT_VECTOR | LVT_MASKED,
};

/* --- priorities ------------------------------------------------------------------------------- */

static void set_bit(uint32_t *set, unsigned vector) { set[vector / 32] |= 1u << vector % 32; }
static void clear_bit(uint32_t *set, unsigned vector) { set[vector / 32] &= ~(1u << vector % 32); }

static bool has_bit(const uint32_t *set, unsigned vector)
{
    return set[vector / 32] >> vector % 32 & 1;
}

static int highest(const uint32_t *set)
{
    for (int i = 7; i >= 0; i--)
        if (set[i])
            return i * 32 + 31 - __builtin_clz(set[i]);
    return NONE;
}

static uint32_t class_of(int vector) { return vector == NONE ? 0 : (uint32_t)vector & 0xF0; }

/* [SDM3 10.8.3.1] */
static uint32_t processor_priority(const struct apic *a)
{
    uint32_t served = class_of(highest(a->isr));
    return (a->tpr & 0xF0) >= served ? a->tpr : served;
}

static uint32_t arbitration_priority(const struct apic *a)
{
    uint32_t task = a->tpr & 0xF0, served = class_of(highest(a->isr));
    uint32_t asked = class_of(highest(a->irr));
    if (task >= asked && task > served)
        return a->tpr;
    return task > served ? (task > asked ? task : asked) : served > asked ? served : asked;
}

/* The vector that the processor is to take now. */
static int deliverable(const struct apic *a)
{
    int vector = highest(a->irr);
    bool higher = class_of(vector) > (processor_priority(a) & 0xF0);
    return (a->svr & SVR_ENABLED) && higher ? vector : NONE;
}

/* --- pins ------------------------------------------------------------------------------------- */

static unsigned mode_of(uint32_t lvt) { return (lvt & LVT_MODE) >> 8; }

static bool asserted(const struct apic *a, unsigned n)
{
    return a->lint[n] != !!(a->lvt[APIC_LVT_LINT0 + n] & LVT_LOW);
}

static bool leads_to(const struct apic *a, unsigned n, unsigned mode)
{
    uint32_t lvt = a->lvt[APIC_LVT_LINT0 + n];
    return !(lvt & LVT_MASKED) && mode_of(lvt) == mode;
}

/* The pins are the processor's INTR and NMI. */
static bool is_direct(const struct apic *a) { return !a->enabled || a->bypassed; }

static bool external_asks(const struct apic *a)
{
    if (is_direct(a))
        return a->lint[0];
    return (leads_to(a, 0, MODE_EXTINT) && asserted(a, 0)) ||
           (leads_to(a, 1, MODE_EXTINT) && asserted(a, 1));
}

static void update(struct apic *a)
{
    bool intr = external_asks(a) || (a->enabled && deliverable(a) != NONE);
    if (intr == a->intr)
        return;
    a->intr = intr;
    irq_set(&a->config.intr, intr);
}

static void tell_nmi_possible(const struct apic *a)
{
    irq_set(&a->config.nmi_possible, !is_direct(a) && leads_to(a, 0, MODE_NMI));
}

/* --- requests --------------------------------------------------------------------------------- */

static void fail(struct apic *a, uint32_t error);

static void accept(struct apic *a, unsigned vector, bool level)
{
    if (!(a->svr & SVR_ENABLED))
        return;
    if (vector < VECTOR_FIRST) {
        fail(a, ESR_RECEIVE_VECTOR);
        return;
    }
    set_bit(a->irr, vector);
    (level ? set_bit : clear_bit)(a->tmr, vector);
    update(a);
}

static void raise_nmi(struct apic *a)
{
    irq_set(&a->config.nmi, true);
    irq_set(&a->config.nmi, false);
}

/* A source inside, or an edge of a pin, by its entry. */
static void raise_local(struct apic *a, unsigned entry)
{
    uint32_t lvt = a->lvt[entry];
    if (lvt & LVT_MASKED)
        return;
    switch (mode_of(lvt)) {
    case MODE_FIXED: accept(a, lvt & LVT_VECTOR, false); break;
    case MODE_NMI: raise_nmi(a); break;
    case MODE_EXTINT: break; /* the pin itself asks */
    default: unimplemented("local APIC: delivery mode %u of LVT entry %u", mode_of(lvt), entry);
    }
}

/* An error while its own interrupt is illegal is recorded, and no more. */
static void fail(struct apic *a, uint32_t error)
{
    a->errors |= error;
    if ((a->lvt[APIC_LVT_ERROR] & LVT_VECTOR) >= VECTOR_FIRST)
        raise_local(a, APIC_LVT_ERROR);
}

/* A level triggered pin asks until the vector's EOI, and again after it. */
static void look_at_level(struct apic *a, unsigned n)
{
    uint32_t *lvt = &a->lvt[APIC_LVT_LINT0 + n];
    bool open = !is_direct(a) && leads_to(a, n, MODE_FIXED);
    if (!open || !(*lvt & LVT_LEVEL) || (*lvt & LVT_REMOTE) || !asserted(a, n))
        return;
    *lvt |= LVT_REMOTE;
    accept(a, *lvt & LVT_VECTOR, true);
}

void apic_set_lint(void *apic, int n, bool level)
{
    struct apic *a = apic;
    CHECK(n == 0 || n == 1);
    bool before = asserted(a, (unsigned)n), changed = a->lint[n] != level;
    a->lint[n] = level;
    if (is_direct(a)) {
        if (n == 1 && changed && level)
            raise_nmi(a);
    } else if (leads_to(a, (unsigned)n, MODE_FIXED) && (a->lvt[APIC_LVT_LINT0 + n] & LVT_LEVEL)) {
        look_at_level(a, (unsigned)n);
    } else if (!before && asserted(a, (unsigned)n)) {
        raise_local(a, APIC_LVT_LINT0 + (unsigned)n);
    }
    update(a);
}

void apic_counter_overflowed(struct apic *a)
{
    if (a->enabled)
        raise_local(a, APIC_LVT_COUNTER);
}

unsigned apic_acknowledge(struct apic *a)
{
    int vector = a->enabled ? deliverable(a) : NONE;
    if (vector != NONE) {
        clear_bit(a->irr, (unsigned)vector);
        set_bit(a->isr, (unsigned)vector);
        update(a);
        return (unsigned)vector | APIC_ON_CHIP;
    }
    if (external_asks(a))
        return a->config.acknowledge(a->config.acknowledge_owner);
    return (a->svr & LVT_VECTOR) | APIC_ON_CHIP; /* spurious [SDM3 10.9] */
}

static void end_of_interrupt(struct apic *a)
{
    int vector = highest(a->isr);
    if (vector == NONE)
        return;
    clear_bit(a->isr, (unsigned)vector);
    for (unsigned n = 0; n < 2 && has_bit(a->tmr, (unsigned)vector); n++) {
        uint32_t *lvt = &a->lvt[APIC_LVT_LINT0 + n];
        if ((*lvt & LVT_VECTOR) != (uint32_t)vector)
            continue;
        *lvt &= ~(uint32_t)LVT_REMOTE;
        look_at_level(a, n);
    }
}

/* --- messages --------------------------------------------------------------------------------- */

/* [SDM3 10.6.2] */
static bool is_addressed(const struct apic *a, uint32_t low, uint32_t destination)
{
    switch (low >> 18 & 3) {
    case 1: case 2: return true;
    case 3: return false;
    }
    if (!(low & ICR_LOGICAL))
        return destination == a->id >> 24 || destination == 0xFF;
    uint32_t own = a->ldr >> 24;
    if (a->dfr >> 28 == 0xF)
        return own & destination;
    return destination == 0xFF || (destination >> 4 == own >> 4 && (destination & own & 0xF));
}

static void send(struct apic *a, uint32_t low)
{
    unsigned mode = low >> 8 & 7, vector = low & LVT_VECTOR;
    if (mode == MODE_INIT && (low & ICR_LEVEL) && !(low & ICR_ASSERT))
        return; /* INIT level de-assert: arbitration ids, of which there is one */
    if ((mode == MODE_FIXED || mode == MODE_LOWEST) && vector < VECTOR_FIRST) {
        fail(a, ESR_SEND_VECTOR);
        return;
    }
    if (!is_addressed(a, low, a->icr[1] >> 24)) {
        fail(a, ESR_SEND_ACCEPT);
        return;
    }
    switch (mode) {
    case MODE_FIXED: case MODE_LOWEST: accept(a, vector, low & ICR_LEVEL); break;
    case MODE_NMI: raise_nmi(a); break;
    case MODE_STARTUP: break; /* it has started */
    default: unimplemented("local APIC: ICR = %08x, delivery mode %u to itself", low, mode);
    }
}

/* --- the timer -------------------------------------------------------------------------------- */

/*  3  2  1  0   divide: 0 and 7 of bits 3, 1, 0 are by 2 and by 1 [SDM3 figure 10-10] */
static uint32_t divisor(const struct apic *a)
{
    uint32_t code = (a->divide & 3) | (a->divide >> 1 & 4);
    return code == 7 ? 1 : 2u << code;
}

static void schedule(struct apic *a)
{
    if (!a->count) {
        event_cancel(a->config.clock, &a->expires);
        return;
    }
    uint64_t end = a->edge + (uint64_t)a->count * divisor(a);
    event_schedule(a->config.clock, &a->expires, ratio_edge(a->config.period, end));
}

/* Periods that have ended are events that have fired: less than one lies between edge and now. */
static uint32_t current(const struct apic *a)
{
    if (!a->count)
        return 0;
    uint64_t passed = ratio_count(a->config.period, a->config.clock->now) - a->edge;
    uint64_t counts = passed / divisor(a);
    return counts < a->count ? a->count - (uint32_t)counts : 0;
}

static void start(struct apic *a, uint32_t count)
{
    a->count = count;
    a->edge = ratio_count(a->config.period, a->config.clock->now);
    schedule(a);
}

static void expire(void *owner)
{
    struct apic *a = owner;
    a->edge += (uint64_t)a->count * divisor(a);
    a->count = a->lvt[APIC_LVT_TIMER] & LVT_PERIODIC ? a->initial : 0;
    schedule(a);
    raise_local(a, APIC_LVT_TIMER);
}

/* --- registers -------------------------------------------------------------------------------- */

/* The entry of the local vector table at this offset; NONE: another register. */
static int entry_at(uint32_t offset)
{
    if (offset == 0x320)
        return APIC_LVT_TIMER;
    bool others = offset >= 0x340 && offset <= 0x370;
    return others ? (int)(offset - 0x340) / 16 + APIC_LVT_COUNTER : NONE;
}

static uint32_t read_register(struct apic *a, uint32_t offset)
{
    int entry = entry_at(offset);
    if (entry != NONE)
        return a->lvt[entry];
    if (offset >= 0x100 && offset < 0x280)
        return (offset < 0x180 ? a->isr : offset < 0x200 ? a->tmr : a->irr)[offset / 16 % 8];
    switch (offset) {
    case 0x020: return a->id;
    case 0x030: return VERSION;
    case 0x080: return a->tpr;
    case 0x090: return arbitration_priority(a);
    case 0x0A0: return processor_priority(a);
    case 0x0B0: return 0; /* EOI, which is only written */
    case 0x0C0: return 0; /* remote read: nobody else is there */
    case 0x0D0: return a->ldr;
    case 0x0E0: return a->dfr;
    case 0x0F0: return a->svr;
    case 0x280: return a->esr;
    case 0x300: return a->icr[0];
    case 0x310: return a->icr[1];
    case 0x380: return a->initial;
    case 0x390: return current(a);
    case 0x3E0: return a->divide;
    }
    fail(a, ESR_REGISTER);
    return 0;
}

uint32_t apic_read(void *apic, uint32_t address, unsigned size)
{
    struct apic *a = apic;
    uint32_t offset = address % APIC_BYTES, shift = offset % 4 * 8;
    if (!a->enabled)
        return UINT32_MAX >> (32 - 8 * size); /* open bus */
    if (offset % 16 + size > 4)
        unimplemented("local APIC: a read of %u bytes at %03x", size, offset);
    return read_register(a, offset & ~3u) >> shift & UINT32_MAX >> (32 - 8 * size);
}

static void write_lvt(struct apic *a, unsigned entry, uint32_t value)
{
    uint32_t *lvt = &a->lvt[entry];
    *lvt = (value & lvt_writable[entry]) | (value & LVT_LEVEL ? *lvt & LVT_REMOTE : 0);
    if (!(a->svr & SVR_ENABLED))
        *lvt |= LVT_MASKED;
    if (entry == APIC_LVT_LINT0 || entry == APIC_LVT_LINT1)
        look_at_level(a, entry - APIC_LVT_LINT0);
    tell_nmi_possible(a);
}

/* Disabling masks every entry, and none can be unmasked [SDM3 10.4.7.2]. */
static void write_svr(struct apic *a, uint32_t value)
{
    a->svr = value & SVR_DEFINED;
    for (unsigned i = 0; i < APIC_LVTS && !(a->svr & SVR_ENABLED); i++)
        a->lvt[i] |= LVT_MASKED;
    tell_nmi_possible(a);
}

static void write_divide(struct apic *a, uint32_t value)
{
    uint32_t left = current(a);
    a->divide = value & 0xB;
    if (a->count)
        start(a, left);
}

static void write_register(struct apic *a, uint32_t offset, uint32_t value)
{
    int entry = entry_at(offset);
    if (entry != NONE) {
        write_lvt(a, (unsigned)entry, value);
        return;
    }
    switch (offset) {
    case 0x020: a->id = value & 0xFF000000; break;
    case 0x080: a->tpr = value & 0xFF; break;
    case 0x0B0: end_of_interrupt(a); break;
    case 0x0D0: a->ldr = value & 0xFF000000; break;
    case 0x0E0: a->dfr = value | 0x0FFFFFFF; break;
    case 0x0F0: write_svr(a, value); break;
    case 0x280: a->esr = a->errors, a->errors = 0; break;
    case 0x300: a->icr[0] = value & ICR_DEFINED, send(a, a->icr[0]); break;
    case 0x310: a->icr[1] = value & 0xFF000000; break;
    case 0x380: a->initial = value, start(a, value); break;
    case 0x3E0: write_divide(a, value); break;
    default: fail(a, ESR_REGISTER); /* or only to be read */
    }
}

void apic_write(void *apic, uint32_t address, unsigned size, uint32_t value)
{
    struct apic *a = apic;
    uint32_t offset = address % APIC_BYTES;
    if (!a->enabled)
        return;
    if (size != 4 || offset % 16)
        unimplemented("local APIC: a write of %u bytes at %03x", size, offset);
    write_register(a, offset, value);
    update(a);
}

/* --- life ------------------------------------------------------------------------------------- */

void apic_init(struct apic *a, struct apic_config config)
{
    *a = (struct apic){.config = config};
    event_init(&a->expires, expire, a, config.priority);
    apic_reset(a);
}

/* [SDM3 10.4.7.1] */
void apic_reset(struct apic *a)
{
    a->enabled = false;
    a->bypassed = true;
    a->id = a->tpr = a->ldr = 0;
    a->dfr = UINT32_MAX;
    a->svr = 0xFF;
    for (unsigned i = 0; i < 8; i++)
        a->isr[i] = a->tmr[i] = a->irr[i] = 0;
    a->esr = a->errors = 0;
    a->icr[0] = a->icr[1] = 0;
    for (unsigned i = 0; i < APIC_LVTS; i++)
        a->lvt[i] = LVT_MASKED;
    a->divide = a->initial = a->count = 0;
    a->edge = 0;
    schedule(a);
    tell_nmi_possible(a);
    update(a);
}

void apic_enable(struct apic *a, bool on)
{
    bool bypassed = a->bypassed; /* the board's */
    if (!on)
        apic_reset(a);
    a->enabled = on;
    a->bypassed = bypassed;
    tell_nmi_possible(a);
    update(a);
}

void apic_bypass(struct apic *a, bool on)
{
    a->bypassed = on;
    look_at_level(a, 0);
    look_at_level(a, 1);
    tell_nmi_possible(a);
    update(a);
}

void apic_snapshot(struct apic *a, struct snap *s)
{
    const struct {
        const char *name;
        uint32_t *value;
    } words[] = {{"id", &a->id}, {"tpr", &a->tpr}, {"ldr", &a->ldr}, {"dfr", &a->dfr},
                 {"svr", &a->svr}, {"esr", &a->esr}, {"errors", &a->errors},
                 {"icr_low", &a->icr[0]}, {"icr_high", &a->icr[1]}, {"divide", &a->divide},
                 {"initial", &a->initial}, {"count", &a->count}};
    snap_enter(s, "apic");
    snap_bool(s, "enabled", &a->enabled);
    snap_bool(s, "bypassed", &a->bypassed);
    snap_bool(s, "lint0", &a->lint[0]);
    snap_bool(s, "lint1", &a->lint[1]);
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++)
        snap_u32(s, words[i].name, words[i].value);
    for (unsigned i = 0; i < 8; i++) {
        snap_u32(s, "isr", &a->isr[i]);
        snap_u32(s, "tmr", &a->tmr[i]);
        snap_u32(s, "irr", &a->irr[i]);
    }
    for (unsigned i = 0; i < APIC_LVTS; i++)
        snap_u32(s, "lvt", &a->lvt[i]);
    snap_u64(s, "edge", &a->edge);
    event_snapshot(a->config.clock, &a->expires, s, "expires");
    snap_bool(s, "intr", &a->intr);
    snap_leave(s);
    if (snap_loading(s))
        tell_nmi_possible(a);
}
