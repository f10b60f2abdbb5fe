/* serial.c: COM1, polled, for what the kernel and its debugger say [PC16550D]. Programs may use it
 * too. */
#include "platform/platform.h"

#include "arch/cpu.h"

#define COM1 0x3F8
#define DATA (COM1 + 0)
#define IER  (COM1 + 1)
#define FCR  (COM1 + 2)
#define LCR  (COM1 + 3)
#define MCR  (COM1 + 4)
#define LSR  (COM1 + 5)

#define LCR_8N1   0x03
#define LCR_DLAB  0x80
#define FCR_ON    0x07 /* FIFOs on and empty */
#define MCR_READY 0x03 /* DTR, RTS */
#define LSR_DR    0x01
#define LSR_THRE  0x20

void serial_init(void)
{
    outb(IER, 0);
    outb(LCR, LCR_DLAB | LCR_8N1);
    outb(DATA, 1); /* 115200 baud */
    outb(IER, 0);
    outb(LCR, LCR_8N1);
    outb(FCR, FCR_ON);
    outb(MCR, MCR_READY);
}

void serial_put(char c)
{
    if (c == '\n')
        serial_put('\r');
    while (!(inb(LSR) & LSR_THRE))
        continue;
    outb(DATA, (uint8_t)c);
}

int serial_get(void)
{
    return inb(LSR) & LSR_DR ? inb(DATA) : -1;
}
