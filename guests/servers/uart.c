// uart.c: COM1's registers [PC16550D].
#include "uart.h"

#include <l4/ports.h>

#define COM1 0x3F8
#define IER (COM1 + 1)
#define IIR (COM1 + 2)
#define FCR (COM1 + 2)
#define LCR (COM1 + 3)
#define MCR (COM1 + 4)
#define LSR (COM1 + 5)
#define MSR (COM1 + 6)

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define LSR_DATA_READY 0x01
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define MCR_DTR_RTS_OUT2 0x0B // OUT2 lets the interrupt through to the bus

void uart_init(void)
{
    uart_drain();
    l4_out8(IER, 0);
    l4_out8(LCR, 0x83);
    l4_out8(COM1, 1);
    l4_out8(COM1 + 1, 0);
    l4_out8(LCR, 0x03);
    l4_out8(FCR, 0x01); // FIFOs on, nothing cleared, an interrupt for every byte
    l4_out8(MCR, MCR_DTR_RTS_OUT2);
    l4_out8(IER, IER_RECEIVE);
}

int uart_receive(void)
{
    return l4_in8(LSR) & LSR_DATA_READY ? l4_in8(COM1) : -1;
}

word_t uart_transmit_room(void)
{
    return l4_in8(LSR) & LSR_THRE ? UART_FIFO_SIZE : 0;
}

void uart_transmit(uint8_t byte)
{
    l4_out8(COM1, byte);
}

void uart_want_transmit_interrupt(bool wanted)
{
    l4_out8(IER, wanted ? IER_RECEIVE | IER_TRANSMIT : IER_RECEIVE);
}

bool uart_interrupt_pending(void)
{
    return (l4_in8(IIR) & 1) == 0;
}

void uart_drain(void)
{
    for (word_t i = 0; i < 1000000 && !(l4_in8(LSR) & LSR_TEMT); i++)
        ;
}
