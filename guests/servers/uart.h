// uart.h: COM1, a 16550 with its FIFOs, by interrupts.
#pragma once

#include <l4/types.h>

#define UART_IRQ 4
#define UART_FIFO_SIZE 16u

void uart_init(void); // 115200 8N1, receiver interrupts on

// Takes one byte that has come; -1 if there is none.
int uart_receive(void);

// Room in the transmitter: UART_FIFO_SIZE when it is empty, else 0 (the chip does not say more).
word_t uart_transmit_room(void);
void uart_transmit(uint8_t byte);

// Whether the transmitter's running empty is an interrupt.
void uart_want_transmit_interrupt(bool wanted);

// Whether an interrupt is pending; reading it acknowledges the transmitter's.
bool uart_interrupt_pending(void);

// Waits until the last bit is on the line.
void uart_drain(void);
