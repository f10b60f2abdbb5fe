/* uart_16550: the PC16550D, an asynchronous serial port with two 16-byte FIFOs [PC16550D].
 *
 * Time is counted in ticks of BAUDOUT, the input clock divided by the divisor latches; 16 ticks are
 * one bit. The n-th tick is an edge number of the input clock, so that no rounding accumulates, and
 * loading a latch starts a new tick at once and leaves what is under way with its remaining ticks.
 * A character moves through six transitions (start, THRE, end; start, received, timeout): one event
 * waits for the earliest. RCLK is wired to BAUDOUT, as on every PC.
 *
 * The far end of the line uses the port's own format and rate. It keeps what it has yet to send in
 * a small queue, which uart_receive fills; characters follow one another at the exact line rate.
 *
 * Not modelled: the DMA pins TXRDY and RXRDY (FCR3 is ignored; PCs leave them open), writes to LSR
 * and MSR (factory test), a noisy line (errors come with the character that has them). */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/irq_line.h"
#include "sim/core/snap.h"
#include "sim/core/types.h"

#define UART_PORT_COUNT 8
#define UART_FIFO_SIZE 16
#define UART_QUEUE_SIZE 64

/* IER  | 0 | 0 | 0 | 0 | EDSSI | ELSI | ETBEI | ERBFI |                         [PC16550D p.18] */
enum { IER_ERBFI = 1 << 0, IER_ETBEI = 1 << 1, IER_ELSI = 1 << 2, IER_EDSSI = 1 << 3 };

/* IIR  | FIFOs enabled (2) | 0 | 0 | interrupt ID (3) | 0 if pending |          [PC16550D p.17] */
enum {
    IIR_MODEM_STATUS = 0x00,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RECEIVED_DATA = 0x04,
    IIR_LINE_STATUS = 0x06,
    IIR_TIMEOUT = 0x0C,
    IIR_FIFOS_ENABLED = 0xC0,
};

/* FCR  | trigger (2) | - | - | DMA mode | XMIT reset | RCVR reset | enable | [PC16550D p.17] */
enum {
    FCR_ENABLE = 1 << 0,
    FCR_RCVR_RESET = 1 << 1,
    FCR_XMIT_RESET = 1 << 2,
    FCR_DMA_MODE = 1 << 3,
    FCR_TRIGGER = 3 << 6,
};

/* LCR  | DLAB | break | stick parity | EPS | PEN | STB | word length (2) |      [PC16550D p.15] */
enum {
    LCR_WLS = 3 << 0,
    LCR_STB = 1 << 2,
    LCR_PEN = 1 << 3,
    LCR_EPS = 1 << 4,
    LCR_STICK = 1 << 5,
    LCR_BREAK = 1 << 6,
    LCR_DLAB = 1 << 7,
};

/* MCR  | 0 | 0 | 0 | LOOP | OUT2 | OUT1 | RTS | DTR |                           [PC16550D p.18] */
enum {
    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,
};

/* LSR  | FIFO error | TEMT | THRE | BI | FE | PE | OE | DR |                    [PC16550D p.16] */
enum {
    LSR_DR = 1 << 0,
    LSR_OE = 1 << 1,
    LSR_PE = 1 << 2,
    LSR_FE = 1 << 3,
    LSR_BI = 1 << 4,
    LSR_THRE = 1 << 5,
    LSR_TEMT = 1 << 6,
    LSR_FIFO_ERROR = 1 << 7,
};

/* MSR  | DCD | RI | DSR | CTS | DDCD | TERI | DDSR | DCTS |                     [PC16550D p.18] */
enum {
    MSR_DCTS = 1 << 0,
    MSR_DDSR = 1 << 1,
    MSR_TERI = 1 << 2,
    MSR_DDCD = 1 << 3,
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,
};

struct uart_config {
    struct clock *clock;
    struct ratio crystal; /* processor cycles in a period of the input clock, 1.8432 MHz on a PC */
    uint32_t priority;    /* of the event */
    struct irq_line irq;
    bool irq_gated_by_out2; /* PC wiring: the OUT2 pin enables the driver of the interrupt line */
    /* The far end starts no character that would overrun the receiver, as a terminal that obeys a
     * flow control of its own; false: it sends at line rate whatever happens. */
    bool far_end_waits;
    /* A character's last stop bit has left. */
    void (*transmit)(void *owner, uint8_t byte);
    /* SOUT goes to continuous spacing (true) or back (false). May be NULL. */
    void (*transmit_break)(void *owner, bool on);
    /* The output pins changed: MCR_DTR, MCR_RTS, MCR_OUT1, MCR_OUT2, set = active. May be NULL. */
    void (*modem_outputs)(void *owner, uint8_t pins);
    void *owner;
};

enum uart_transition {
    UART_TX_START, /* the start bit begins and the THR or FIFO gives up its character */
    UART_TX_THRE,  /* THRE rises */
    UART_TX_END,   /* the last stop bit has left */
    UART_RX_START, /* the far end's next start bit begins */
    UART_RX_DONE,  /* the character is in the RBR or FIFO */
    UART_RX_TIMEOUT,
    UART_TRANSITION_COUNT,
};

enum uart_route { UART_TO_LINE, UART_TO_RECEIVER, UART_TO_NOBODY };

struct uart {
    struct uart_config config;
    struct event event;
    uint64_t due[UART_TRANSITION_COUNT]; /* ticks, CYCLE_NEVER when not under way */

    /* The baud generator: tick epoch_tick happened at input clock edge epoch_edge. */
    uint64_t epoch_edge;
    uint64_t epoch_tick;
    uint16_t divisor_latch; /* DLM:DLL */

    uint8_t ier;
    uint8_t fcr; /* FCR_ENABLE and FCR_TRIGGER */
    uint8_t lcr;
    uint8_t mcr;
    uint8_t msr;
    uint8_t scr;
    uint8_t line_errors; /* LSR_OE, LSR_PE, LSR_FE, LSR_BI as the LSR shows them */
    bool fifo_error;     /* LSR7 */
    bool thre;
    bool thre_interrupt;    /* THRE has risen, neither the IIR read nor the THR written since */
    bool timeout_interrupt; /* until the FIFO is read */

    /* Transmitter. In 16450 mode the FIFO is the THR and holds at most one character. */
    uint8_t tx_fifo[UART_FIFO_SIZE];
    uint8_t tx_head;
    uint8_t tx_count;
    bool tx_two_queued; /* the FIFO has held two characters since THRE was last set */
    uint8_t tsr;
    uint8_t tx_route; /* enum uart_route of the character in the TSR */

    /* Receiver. In 16450 mode the FIFO holds at most one character, the RBR's. */
    uint8_t rx_fifo[UART_FIFO_SIZE];
    uint8_t rx_errors[UART_FIFO_SIZE];
    uint8_t rx_head;
    uint8_t rx_count;
    uint8_t rbr; /* what the RBR showed last */
    uint8_t rsr;
    uint8_t rsr_errors;
    bool rx_from_line;     /* the character in the RSR is the queue's first */
    uint64_t rx_line_free; /* tick at which the far end's last stop bit ended */

    /* Pins. */
    uint8_t modem_inputs; /* MSR_CTS, MSR_DSR, MSR_RI, MSR_DCD, set = active */
    uint8_t modem_pins;   /* what modem_outputs was told last */
    bool break_pin;       /* what transmit_break was told last */
    bool irq_pin;

    /* The far end: what it has yet to send. */
    uint8_t queue[UART_QUEUE_SIZE];
    uint8_t queue_errors[UART_QUEUE_SIZE];
    uint8_t queue_head;
    uint8_t queue_count;
};

void uart_init(struct uart *u, struct uart_config config);
/* Master Reset: every register but RBR, THR and the divisor latches, and both shift registers. The
 * far end keeps its queue and begins the character that was under way again. [PC16550D p.13] */
void uart_reset(struct uart *u);
void uart_snapshot(struct uart *u, struct snap *s);

/* One byte at port & 7. */
uint32_t uart_read(void *owner, uint32_t port, unsigned size);
void uart_write(void *owner, uint32_t port, unsigned size, uint32_t value);

/* Whether the far end's queue has room; uart_receive without room is the caller's mistake. */
static inline bool uart_can_receive(const struct uart *u)
{
    return u->queue_count < UART_QUEUE_SIZE;
}
void uart_receive(struct uart *u, uint8_t byte);
/* The same for a character that arrives damaged: errors of LSR_PE, LSR_FE and LSR_BI. A break is
 * uart_receive_bad(u, 0, LSR_BI | LSR_FE). */
void uart_receive_bad(struct uart *u, uint8_t byte, uint8_t errors);

/* Levels of the modem inputs: MSR_CTS, MSR_DSR, MSR_RI, MSR_DCD, set = active. */
void uart_set_modem_inputs(struct uart *u, uint8_t inputs);
