// serial.c: COM1 by programmed I/O, for the time before and without a console server. It is used
// as the kernel or the firmware left it, except that the root server sets 115200 8N1 first.
#include <l4/ports.h>
#include <l4/print.h>

#define COM1 0x3F8
#define LSR_DATA_READY 0x01
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define DRAIN_TRIES 1000000 // more than a FIFO takes at 9600 baud

void l4_serial_put(char c)
{
    if (c == '\n')
        l4_serial_put('\r');
    while (!(l4_in8(COM1 + 5) & LSR_THRE))
        ;
    l4_out8(COM1, (uint8_t)c);
}

int l4_serial_get(void)
{
    return l4_in8(COM1 + 5) & LSR_DATA_READY ? l4_in8(COM1) : -1;
}

void l4_serial_drain(void)
{
    for (int i = 0; i < DRAIN_TRIES && !(l4_in8(COM1 + 5) & LSR_TEMT); i++)
        ;
}
