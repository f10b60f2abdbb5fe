#include "devices/pic_8259.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

/* Initialization command words [8259A Figure 7]. ICW1 is a write to A0 = 0 with D4 = 1; the others
 * follow at A0 = 1, ICW3 only in cascade mode, ICW4 only if ICW1 announced it.
 *
 *          7    6    5    4    3    2    1    0
 *  ICW1    A7   A6   A5   1   LTIM ADI  SNGL IC4     A7-A5 and ADI: MCS-80/85 only
 *  ICW2    T7   T6   T5   T4   T3    .    .    .     vector = T7-T3, then the level
 *  ICW3    S7   S6   S5   S4   S3   S2   S1   S0     master: 1 = this input has a slave
 *           0    0    0    0    0   ID2  ID1  ID0    slave: the master's input it hangs on
 *  ICW4     0    0    0   SFNM BUF  M/S  AEOI uPM */
#define ICW1_SELECT 0x10u
#define ICW1_LTIM 0x08u
#define ICW1_SNGL 0x02u
#define ICW1_IC4 0x01u
#define ICW2_VECTOR 0xF8u
#define ICW3_ID 0x07u
#define ICW4_SFNM 0x10u
#define ICW4_BUF 0x08u
#define ICW4_MASTER 0x04u
#define ICW4_AEOI 0x02u
#define ICW4_8086 0x01u

/* Operation command words [8259A Figure 8]. OCW1 is IMR, at A0 = 1; the others are at A0 = 0.
 *
 *          7    6    5    4    3    2    1    0
 *  OCW2    R    SL  EOI   0    0   L2   L1   L0
 *  OCW3    0   ESMM SMM   0    1    P   RR   RIS */
#define OCW3_SELECT 0x08u
#define OCW2_LEVEL 0x07u
#define OCW3_ESMM 0x40u
#define OCW3_SMM 0x20u
#define OCW3_POLL 0x04u
#define OCW3_RR 0x02u
#define OCW3_RIS 0x01u

enum {
    OCW2_ROTATE_AEOI_CLEAR,
    OCW2_EOI,
    OCW2_NOP,
    OCW2_EOI_SPECIFIC,
    OCW2_ROTATE_AEOI_SET,
    OCW2_ROTATE_EOI,
    OCW2_SET_PRIORITY,
    OCW2_ROTATE_EOI_SPECIFIC
};

#define POLL_PENDING 0x80u

#define NO_LEVEL (-1)
#define SPURIOUS_LEVEL 7

static uint8_t bit(int level) { return (uint8_t)(1u << level); }

static uint8_t level_triggered(const struct pic *p) { return p->icw1 & ICW1_LTIM ? 0xFF : p->elcr; }

uint8_t pic_irr(const struct pic *p) { return p->pins & (p->edge | level_triggered(p)); }

/* The buffered mode has no SP pin to tell a master by, so ICW4 says it [8259A "Buffered Mode"]. */
static bool is_master(const struct pic *p)
{
    return p->icw4 & ICW4_BUF ? (p->icw4 & ICW4_MASTER) != 0 : p->config.master;
}

/* The inputs of a master that have a slave. */
static uint8_t slave_inputs(const struct pic *p)
{
    return !(p->icw1 & ICW1_SNGL) && is_master(p) ? p->icw3 : 0;
}

/* The in-service bits that the priority resolver sees: special mask mode hides the masked ones,
 * from the comparison of priorities and from the non-specific EOI alike [8259A "Special Mask
 * Mode"]. */
static uint8_t visible_isr(const struct pic *p)
{
    return p->special_mask ? p->isr & (uint8_t)~p->imr : p->isr;
}

static int highest(const struct pic *p, uint8_t levels)
{
    for (int i = 1; i <= 8; i++)
        if (levels & bit((p->lowest + i) & 7))
            return (p->lowest + i) & 7;
    return NO_LEVEL;
}

static int rank(const struct pic *p, int level) { return (level - p->lowest - 1) & 7; }

/* The level that INT announces: the highest request, if nothing of its priority or above is in
 * service. In special fully nested mode a slave's own level in service does not lock that slave
 * out, since a higher input of the same slave may ask [8259A "The Special Fully Nested Mode"]. */
static int requesting_level(const struct pic *p)
{
    int request = highest(p, pic_irr(p) & (uint8_t)~p->imr);
    int served = highest(p, visible_isr(p));
    if (request == NO_LEVEL || !p->initialized || p->expects != PIC_EXPECTS_OCW1)
        return NO_LEVEL;
    if (served == NO_LEVEL || rank(p, request) < rank(p, served))
        return request;
    bool nested = request == served && (p->icw4 & ICW4_SFNM) && (slave_inputs(p) & bit(served));
    return nested ? request : NO_LEVEL;
}

static void update_int(struct pic *p)
{
    bool level = requesting_level(p) != NO_LEVEL;
    if (level == p->int_level)
        return;
    p->int_level = level;
    irq_set(&p->config.out_int, level);
}

void pic_init(struct pic *p, struct pic_config config)
{
    *p = (struct pic){.config = config};
    pic_reset(p);
}

void pic_reset(struct pic *p)
{
    p->edge = 0;
    p->isr = 0;
    p->imr = 0xFF;
    p->elcr = 0;
    p->icw1 = 0;
    p->icw2 = 0;
    p->icw3 = 0;
    p->icw4 = 0;
    p->expects = PIC_EXPECTS_OCW1;
    p->lowest = 7;
    p->initialized = false;
    p->rotate_on_aeoi = false;
    p->special_mask = false;
    p->read_isr = false;
    p->poll = false;
    update_int(p);
}

/* The effects listed under [8259A "Initialization Command Words 1 and 2"], and nothing in service.
 * The slave identity becomes 7 until ICW3 says otherwise. */
static void write_icw1(struct pic *p, uint8_t value)
{
    p->icw1 = value;
    p->icw2 = 0;
    p->icw3 = ICW3_ID;
    p->icw4 = 0;
    p->edge = 0;
    p->isr = 0;
    p->imr = 0;
    p->lowest = 7;
    p->rotate_on_aeoi = false;
    p->special_mask = false;
    p->read_isr = false;
    p->poll = false;
    p->expects = PIC_EXPECTS_ICW2;
}

static void write_icw2_to_4(struct pic *p, uint8_t value)
{
    unsigned written = p->expects;
    if (written == PIC_EXPECTS_ICW2)
        p->icw2 = value;
    else if (written == PIC_EXPECTS_ICW3)
        p->icw3 = value;
    else
        p->icw4 = value;

    if (written == PIC_EXPECTS_ICW2 && !(p->icw1 & ICW1_SNGL))
        p->expects = PIC_EXPECTS_ICW3;
    else if (written != PIC_EXPECTS_ICW4 && (p->icw1 & ICW1_IC4))
        p->expects = PIC_EXPECTS_ICW4;
    else
        p->expects = PIC_EXPECTS_OCW1;
    if (p->expects == PIC_EXPECTS_OCW1)
        p->initialized = true;
}

/* Ends the service of a level; rotation then makes it the lowest [8259A "Automatic Rotation"]. A
 * non-specific EOI with nothing in service has no level to end or to rotate by. */
static void end_of_interrupt(struct pic *p, int level, bool rotate)
{
    if (level == NO_LEVEL)
        return;
    p->isr &= (uint8_t)~bit(level);
    if (rotate)
        p->lowest = (uint8_t)level;
}

static void write_ocw2(struct pic *p, uint8_t value)
{
    int level = value & OCW2_LEVEL;
    switch (value >> 5) {
    case OCW2_ROTATE_AEOI_CLEAR:
        p->rotate_on_aeoi = false;
        break;
    case OCW2_ROTATE_AEOI_SET:
        p->rotate_on_aeoi = true;
        break;
    case OCW2_EOI:
        end_of_interrupt(p, highest(p, visible_isr(p)), false);
        break;
    case OCW2_ROTATE_EOI:
        end_of_interrupt(p, highest(p, visible_isr(p)), true);
        break;
    case OCW2_EOI_SPECIFIC:
        end_of_interrupt(p, level, false);
        break;
    case OCW2_ROTATE_EOI_SPECIFIC:
        end_of_interrupt(p, level, true);
        break;
    case OCW2_SET_PRIORITY:
        p->lowest = (uint8_t)level;
        break;
    case OCW2_NOP:
        break;
    }
}

static void write_ocw3(struct pic *p, uint8_t value)
{
    if (value & OCW3_ESMM)
        p->special_mask = (value & OCW3_SMM) != 0;
    if (value & OCW3_RR)
        p->read_isr = (value & OCW3_RIS) != 0;
    p->poll = (value & OCW3_POLL) != 0;
}

void pic_write(struct pic *p, unsigned a0, uint8_t value)
{
    CHECK(a0 <= 1);
    if (a0 == 0 && (value & ICW1_SELECT))
        write_icw1(p, value);
    else if (a0 == 0 && (value & OCW3_SELECT))
        write_ocw3(p, value);
    else if (a0 == 0)
        write_ocw2(p, value);
    else if (p->expects != PIC_EXPECTS_OCW1)
        write_icw2_to_4(p, value);
    else
        p->imr = value;
    update_int(p);
}

/* The first INTA pulse: the request goes into service, its edge latch is spent, and INT falls
 * unless something of higher priority still asks. */
static void begin_service(struct pic *p, int level)
{
    p->isr |= bit(level);
    p->edge &= (uint8_t)~bit(level);
    update_int(p);
}

/* The trailing edge of the last INTA pulse, where automatic EOI mode ends the service. INT can rise
 * again here; that it fell in between is the edge a master needs to see from its slave. */
static void end_acknowledge(struct pic *p, int level)
{
    if (p->icw4 & ICW4_AEOI)
        end_of_interrupt(p, level, p->rotate_on_aeoi);
    update_int(p);
}

/* A read that OCW3 made a poll counts as the acknowledge [8259A "Poll Command"]: I in bit 7, the
 * level in bits 2-0. Without a request I is 0, and the level is the 7 of an acknowledge that finds
 * none. */
static uint8_t read_poll(struct pic *p)
{
    int level = requesting_level(p);
    p->poll = false;
    if (level == NO_LEVEL)
        return SPURIOUS_LEVEL;
    begin_service(p, level);
    end_acknowledge(p, level);
    return (uint8_t)(POLL_PENDING | (unsigned)level);
}

uint8_t pic_read(struct pic *p, unsigned a0)
{
    CHECK(a0 <= 1);
    if (p->poll)
        return read_poll(p);
    if (a0 == 1)
        return p->imr;
    return p->read_isr ? p->isr : pic_irr(p);
}

uint8_t pic_elcr_read(const struct pic *p) { return p->elcr; }

void pic_elcr_write(struct pic *p, uint8_t value)
{
    p->elcr = value & p->config.elcr_writable;
    update_int(p);
}

void pic_set_irq(void *pic, int n, bool level)
{
    struct pic *p = pic;
    CHECK(n >= 0 && n < 8);
    if (level) {
        p->edge |= bit(n) & (uint8_t)~p->pins;
        p->pins |= bit(n);
    } else {
        p->edge &= (uint8_t)~bit(n);
        p->pins &= (uint8_t)~bit(n);
    }
    update_int(p);
}

/* The byte on the data bus at the second INTA pulse. With no request the CAS lines too look as if
 * level 7 had been asked for [8259A "Interrupt Sequence"], so a slave there would answer. */
static uint8_t vector_of(struct pic *p, int level)
{
    if (!(slave_inputs(p) & bit(level)))
        return (uint8_t)((p->icw2 & ICW2_VECTOR) | (unsigned)level);
    if (p->config.slave_acknowledge)
        return p->config.slave_acknowledge(p->config.slave_owner, level);
    return 0xFF;
}

uint8_t pic_acknowledge(struct pic *p)
{
    if (!(p->icw4 & ICW4_8086))
        unimplemented("8259A: interrupt acknowledge in MCS-80/85 mode (ICW1 %02X, ICW4 %02X)",
                      p->icw1, p->icw4);
    int level = requesting_level(p);
    if (level == NO_LEVEL)
        return vector_of(p, SPURIOUS_LEVEL);
    begin_service(p, level);
    uint8_t vector = vector_of(p, level);
    end_acknowledge(p, level);
    return vector;
}

uint8_t pic_acknowledge_cascaded(void *slave, int line)
{
    struct pic *p = slave;
    bool selected = !(p->icw1 & ICW1_SNGL) && !is_master(p) && (int)(p->icw3 & ICW3_ID) == line;
    return selected ? pic_acknowledge(p) : 0xFF;
}

void pic_snapshot(struct pic *p, struct snap *s)
{
    snap_u8(s, "pins", &p->pins);
    snap_u8(s, "edge", &p->edge);
    snap_u8(s, "isr", &p->isr);
    snap_u8(s, "imr", &p->imr);
    snap_u8(s, "elcr", &p->elcr);
    snap_u8(s, "icw1", &p->icw1);
    snap_u8(s, "icw2", &p->icw2);
    snap_u8(s, "icw3", &p->icw3);
    snap_u8(s, "icw4", &p->icw4);
    snap_u8(s, "expects", &p->expects);
    snap_u8(s, "lowest", &p->lowest);
    snap_bool(s, "initialized", &p->initialized);
    snap_bool(s, "rotate_on_aeoi", &p->rotate_on_aeoi);
    snap_bool(s, "special_mask", &p->special_mask);
    snap_bool(s, "read_isr", &p->read_isr);
    snap_bool(s, "poll", &p->poll);
    snap_bool(s, "int_level", &p->int_level);
}
