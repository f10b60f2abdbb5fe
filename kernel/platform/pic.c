/* pic.c: two 8259A interrupt controllers, the second at line 2 of the first [8259A]. */
#include "platform/platform.h"

#include "arch/cpu.h"

#define COMMAND(line) ((line) < 8 ? 0x20 : 0xA0)
#define DATA(line)    ((line) < 8 ? 0x21 : 0xA1)
#define CASCADE       2

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086      0x01
#define OCW2_SPECIFIC_EOI 0x60
#define OCW3_READ_ISR  0x0B

static uint16_t mask = 0xFFFF & ~(1u << CASCADE);

static void write_mask(void)
{
    outb(DATA(0), (uint8_t)mask);
    outb(DATA(8), (uint8_t)(mask >> 8));
}

void pic_init(void)
{
    outb(COMMAND(0), ICW1_INIT_ICW4);
    outb(DATA(0), 0x20);
    outb(DATA(0), 1 << CASCADE);
    outb(DATA(0), ICW4_8086);
    outb(COMMAND(8), ICW1_INIT_ICW4);
    outb(DATA(8), 0x28);
    outb(DATA(8), CASCADE);
    outb(DATA(8), ICW4_8086);
    write_mask();
}

void pic_mask(word_t line)
{
    mask |= (uint16_t)(1u << line);
    outb(DATA(line), (uint8_t)(line < 8 ? mask : mask >> 8));
}

void pic_unmask(word_t line)
{
    mask &= (uint16_t)~(1u << line);
    outb(DATA(line), (uint8_t)(line < 8 ? mask : mask >> 8));
}

void pic_acknowledge(word_t line)
{
    if (line >= 8)
        outb(COMMAND(8), (uint8_t)(OCW2_SPECIFIC_EOI | (line - 8)));
    outb(COMMAND(0), (uint8_t)(OCW2_SPECIFIC_EOI | (line < 8 ? line : CASCADE)));
}

/* A request that went away before it was acknowledged arrives as line 7 of its controller, without
 * a bit in service; for the second controller the first one's cascade is in service
 * nevertheless. */
bool pic_spurious(word_t line)
{
    if (line % 8 != 7)
        return false;
    outb((uint16_t)COMMAND(line), OCW3_READ_ISR);
    if (inb((uint16_t)COMMAND(line)) & 0x80)
        return false;
    if (line >= 8)
        outb(COMMAND(0), OCW2_SPECIFIC_EOI | CASCADE);
    return true;
}
