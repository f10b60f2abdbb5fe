#include "devices/uart_16550.h"

#include "sim/core/check.h"

#include <string.h>

enum {
    RBR_THR_DLL = 0,
    IER_DLM = 1,
    IIR_FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
};

#define TICKS_PER_BIT 16u
/* From the write of a character to an idle transmitter to its start bit at least 8 BAUDOUT cycles
 * pass, at most 24 (tIRS): the transmitter starts on its own bit clock. [PC16550D p.5] */
#define TICKS_TO_START_MIN 8u
/* The THR shows empty this long after the start bit began (tSTI, tSXA). [PC16550D p.5] */
#define TICKS_START_TO_THRE 8u
/* From the middle of the stop bit to the character's arrival, and to the timeout (tSINT, note 2).
 * [PC16550D p.4] */
#define TICKS_TO_RBR 1u
#define TICKS_TO_FIFO 3u
#define TICKS_TO_TIMEOUT 8u

#define RX_ERRORS (LSR_PE | LSR_FE | LSR_BI)

static bool fifo_mode(const struct uart *u) { return u->fcr & FCR_ENABLE; }
static bool loopback(const struct uart *u) { return u->mcr & MCR_LOOP; }

/* ---- the baud generator -------------------------------------------------------------------- */

/* A divisor of zero is "not recommended" [PC16550D p.16]; the 16-bit counter that is loaded with it
 * comes round after 65,536 clocks [ZT8808A 8-24]. */
static uint64_t divisor(const struct uart *u)
{
    return u->divisor_latch ? u->divisor_latch : 0x10000;
}

/* The last tick that has happened. What the CPU or the far end does takes effect with the next. */
static uint64_t tick_now(const struct uart *u)
{
    uint64_t edge = ratio_count(u->config.crystal, u->config.clock->now);
    return u->epoch_tick + (edge - u->epoch_edge) / divisor(u);
}

static cycle_t cycle_of_tick(const struct uart *u, uint64_t tick)
{
    uint64_t edge = u->epoch_edge + (tick - u->epoch_tick) * divisor(u);
    return ratio_edge(u->config.crystal, edge);
}

/* Loading either latch loads the baud counter at once. [PC16550D p.16] */
static void load_divisor(struct uart *u, uint16_t latch)
{
    u->epoch_tick = tick_now(u);
    u->epoch_edge = ratio_count(u->config.crystal, u->config.clock->now);
    u->divisor_latch = latch;
}

/* ---- the shape of a character -------------------------------------------------------------- */

static unsigned data_bits(const struct uart *u) { return 5 + (u->lcr & LCR_WLS); }
static uint8_t data_mask(const struct uart *u) { return (uint8_t)((1u << data_bits(u)) - 1); }

/* From the edge of the start bit to the beginning of the stop bit. */
static unsigned ticks_to_stop(const struct uart *u)
{
    return (1 + data_bits(u) + (u->lcr & LCR_PEN ? 1 : 0)) * TICKS_PER_BIT;
}

/* The whole character: the stop bit is 1, 1.5 (5 data bits) or 2 bits long. [PC16550D p.15] */
static unsigned ticks_per_character(const struct uart *u)
{
    unsigned stop = TICKS_PER_BIT;
    if (u->lcr & LCR_STB)
        stop = data_bits(u) == 5 ? TICKS_PER_BIT * 3 / 2 : TICKS_PER_BIT * 2;
    return ticks_to_stop(u) + stop;
}

/* ---- interrupts ---------------------------------------------------------------------------- */

static unsigned trigger_level(const struct uart *u)
{
    static const uint8_t bytes[4] = {1, 4, 8, 14};
    return bytes[u->fcr >> 6];
}

/* The highest of the enabled, pending interrupts. [PC16550D p.17, table IV] */
static uint8_t interrupt_id(const struct uart *u)
{
    if ((u->ier & IER_ELSI) && u->line_errors)
        return IIR_LINE_STATUS;
    if (u->ier & IER_ERBFI) {
        if (u->rx_count >= (fifo_mode(u) ? trigger_level(u) : 1))
            return IIR_RECEIVED_DATA;
        if (u->timeout_interrupt)
            return IIR_TIMEOUT;
    }
    if ((u->ier & IER_ETBEI) && u->thre_interrupt)
        return IIR_THRE;
    if ((u->ier & IER_EDSSI) && (u->msr & (MSR_DCTS | MSR_DDSR | MSR_TERI | MSR_DDCD)))
        return IIR_MODEM_STATUS;
    return IIR_NONE;
}

static void set_thre(struct uart *u)
{
    u->due[UART_TX_THRE] = CYCLE_NEVER;
    if (!u->thre)
        u->thre_interrupt = true;
    u->thre = true;
    u->tx_two_queued = false;
}

/* ---- pins ---------------------------------------------------------------------------------- */

/* In loopback the four outputs and SOUT are held inactive; so OUT2 also shuts the PC's interrupt
 * driver. [PC16550D p.18] */
static void update_pins(struct uart *u)
{
    uint8_t pins = loopback(u) ? 0 : u->mcr & (MCR_DTR | MCR_RTS | MCR_OUT1 | MCR_OUT2);
    bool spacing = (u->lcr & LCR_BREAK) && !loopback(u);
    bool gate = !u->config.irq_gated_by_out2 || (pins & MCR_OUT2);
    bool irq = gate && interrupt_id(u) != IIR_NONE;

    if (pins != u->modem_pins) {
        u->modem_pins = pins;
        if (u->config.modem_outputs)
            u->config.modem_outputs(u->config.owner, pins);
    }
    if (spacing != u->break_pin) {
        u->break_pin = spacing;
        if (u->config.transmit_break)
            u->config.transmit_break(u->config.owner, spacing);
    }
    if (irq != u->irq_pin) {
        u->irq_pin = irq;
        irq_set(&u->config.irq, irq);
    }
}

/* The upper half of the MSR: the inputs, or in loopback the outputs. [PC16550D p.18] */
static uint8_t modem_levels(const struct uart *u)
{
    if (!loopback(u))
        return u->modem_inputs;
    return (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                     (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* RI alone reports only the end of the ring. */
static void update_msr(struct uart *u)
{
    uint8_t before = u->msr & 0xF0, after = modem_levels(u);
    uint8_t changed = before ^ after;
    uint8_t deltas = (changed >> 4) & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
    if (changed & before & MSR_RI)
        deltas |= MSR_TERI;
    u->msr = (uint8_t)((u->msr & 0x0F) | deltas | after);
}

/* ---- transmitter --------------------------------------------------------------------------- */

static void write_thr(struct uart *u, uint8_t byte)
{
    if (!fifo_mode(u))
        u->tx_count = 0; /* the THR holds one character: an unsent one is overwritten */
    if (u->tx_count < UART_FIFO_SIZE)
        u->tx_fifo[(u->tx_head + u->tx_count++) % UART_FIFO_SIZE] = byte;
    if (u->tx_count >= 2)
        u->tx_two_queued = true;
    u->thre = false;
    u->thre_interrupt = false;
    u->due[UART_TX_THRE] = CYCLE_NEVER;
    if (u->due[UART_TX_START] == CYCLE_NEVER && u->due[UART_TX_END] == CYCLE_NEVER) {
        uint64_t earliest = tick_now(u) + 1 + TICKS_TO_START_MIN;
        u->due[UART_TX_START] = (earliest + TICKS_PER_BIT - 1) / TICKS_PER_BIT * TICKS_PER_BIT;
    }
}

/* In loopback the TSR feeds the receiver: the character arrives as if its start bit came from the
 * line. In FIFO mode a character that was never one of two in the FIFO delays THRE by its own
 * length less a stop bit: a CPU that sends single characters is not interrupted at once each time.
 * [PC16550D p.18, p.19] */
static void start_transmission(struct uart *u, uint64_t tick)
{
    unsigned length = ticks_per_character(u);
    u->due[UART_TX_START] = CYCLE_NEVER;
    u->due[UART_TX_END] = tick + length;
    u->tsr = u->tx_fifo[u->tx_head] & data_mask(u);
    u->tx_head = (u->tx_head + 1) % UART_FIFO_SIZE;
    u->tx_count--;
    u->tx_route = loopback(u) ? UART_TO_RECEIVER : u->break_pin ? UART_TO_NOBODY : UART_TO_LINE;
    if (u->tx_count == 0) {
        bool delayed = fifo_mode(u) && !u->tx_two_queued;
        u->due[UART_TX_THRE] =
            tick + TICKS_START_TO_THRE + (delayed ? length - TICKS_PER_BIT : 0);
    }
    if (u->tx_route == UART_TO_RECEIVER) {
        u->rsr = u->tsr;
        u->rsr_errors = 0;
        u->rx_from_line = false;
        u->due[UART_RX_DONE] = tick + ticks_to_stop(u) + TICKS_PER_BIT / 2 +
                               (fifo_mode(u) ? TICKS_TO_FIFO : TICKS_TO_RBR);
    }
}

static void end_transmission(struct uart *u, uint64_t tick)
{
    u->due[UART_TX_END] = CYCLE_NEVER;
    if (u->tx_count)
        u->due[UART_TX_START] = tick;
    if (u->tx_route == UART_TO_LINE && u->config.transmit)
        u->config.transmit(u->config.owner, u->tsr);
}

static void clear_tx_fifo(struct uart *u)
{
    u->tx_head = 0;
    u->tx_count = 0;
    u->due[UART_TX_START] = CYCLE_NEVER;
    set_thre(u);
}

/* ---- receiver ------------------------------------------------------------------------------ */

static bool rx_full(const struct uart *u)
{
    return u->rx_count >= (fifo_mode(u) ? UART_FIFO_SIZE : 1);
}

/* Lets the far end begin its next character, if it has one and nothing holds it back. */
static void start_far_end(struct uart *u, uint64_t earliest)
{
    if (u->queue_count == 0 || loopback(u) || u->due[UART_RX_START] != CYCLE_NEVER ||
        u->due[UART_RX_DONE] != CYCLE_NEVER || (u->config.far_end_waits && rx_full(u)))
        return;
    u->due[UART_RX_START] = earliest > u->rx_line_free ? earliest : u->rx_line_free;
}

static void start_reception(struct uart *u, uint64_t tick)
{
    u->due[UART_RX_START] = CYCLE_NEVER;
    u->rsr = u->queue[u->queue_head] & data_mask(u);
    u->rsr_errors = u->queue_errors[u->queue_head];
    u->rx_from_line = true;
    u->rx_line_free = tick + ticks_per_character(u);
    u->due[UART_RX_DONE] = tick + ticks_to_stop(u) + TICKS_PER_BIT / 2 +
                           (fifo_mode(u) ? TICKS_TO_FIFO : TICKS_TO_RBR);
}

/* Four character times after the last character or read, whichever is later. [PC16550D p.19] */
static void restart_timeout(struct uart *u, uint64_t from)
{
    bool runs = fifo_mode(u) && u->rx_count && !u->timeout_interrupt;
    u->due[UART_RX_TIMEOUT] =
        runs ? from + 4 * ticks_per_character(u) + TICKS_TO_TIMEOUT : CYCLE_NEVER;
}

/* A character's errors show in the LSR when it is the next to be read. [PC16550D p.16] */
static void reveal_errors(struct uart *u)
{
    if (u->rx_count)
        u->line_errors |= u->rx_errors[u->rx_head];
}

/* A character too many: 16450 mode replaces the unread one, FIFO mode loses the new one. Either way
 * OE says so at once. [PC16550D p.16] */
static void end_reception(struct uart *u, uint64_t tick)
{
    u->due[UART_RX_DONE] = CYCLE_NEVER;
    if (u->rx_from_line) {
        u->queue_head = (u->queue_head + 1) % UART_QUEUE_SIZE;
        u->queue_count--;
    }
    if (rx_full(u)) {
        u->line_errors |= LSR_OE;
        if (!fifo_mode(u))
            u->rx_count = 0;
    }
    if (!rx_full(u)) {
        uint8_t at = (u->rx_head + u->rx_count) % UART_FIFO_SIZE;
        u->rx_fifo[at] = u->rsr;
        u->rx_errors[at] = u->rsr_errors;
        if (u->rx_count++ == 0)
            reveal_errors(u);
        if (fifo_mode(u) && u->rsr_errors)
            u->fifo_error = true;
    }
    restart_timeout(u, tick - TICKS_TO_FIFO);
    start_far_end(u, tick);
}

static uint8_t read_rbr(struct uart *u)
{
    if (u->rx_count) {
        u->rbr = u->rx_fifo[u->rx_head];
        u->rx_head = (u->rx_head + 1) % UART_FIFO_SIZE;
        u->rx_count--;
        if (fifo_mode(u))
            reveal_errors(u);
    }
    u->timeout_interrupt = false;
    restart_timeout(u, tick_now(u) + 1);
    start_far_end(u, tick_now(u) + 1);
    return u->rbr;
}

static void clear_rx_fifo(struct uart *u)
{
    u->rx_head = 0;
    u->rx_count = 0;
    u->fifo_error = false;
    u->timeout_interrupt = false;
    u->due[UART_RX_TIMEOUT] = CYCLE_NEVER;
    start_far_end(u, tick_now(u) + 1);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void take_transition(struct uart *u, enum uart_transition which, uint64_t tick)
{
    switch (which) {
    case UART_TX_START:
        start_transmission(u, tick);
        break;
    case UART_TX_THRE:
        set_thre(u);
        break;
    case UART_TX_END:
        end_transmission(u, tick);
        break;
    case UART_RX_START:
        start_reception(u, tick);
        break;
    case UART_RX_DONE:
        end_reception(u, tick);
        break;
    case UART_RX_TIMEOUT:
        u->timeout_interrupt = true;
        u->due[UART_RX_TIMEOUT] = CYCLE_NEVER;
        break;
    case UART_TRANSITION_COUNT:
        break;
    }
}

/* The earliest transition; of several at one tick the first of the enumeration. */
static enum uart_transition next_transition(const struct uart *u)
{
    enum uart_transition first = UART_TX_START;
    for (unsigned i = 1; i < UART_TRANSITION_COUNT; i++)
        if (u->due[i] < u->due[first])
            first = (enum uart_transition)i;
    return first;
}

/* Brings the chip up to the present. The event does so on time; an access in the same cycle, or in
 * the middle of a long instruction, may come before it. */
static void advance(struct uart *u)
{
    uint64_t now = tick_now(u);
    for (;;) {
        enum uart_transition which = next_transition(u);
        uint64_t tick = u->due[which];
        if (tick > now)
            break;
        take_transition(u, which, tick);
    }
}

/* Ends every operation: shows its result on the pins and waits for the next transition. */
static void settle(struct uart *u)
{
    update_pins(u);
    uint64_t tick = u->due[next_transition(u)];
    if (tick == CYCLE_NEVER) {
        event_cancel(u->config.clock, &u->event);
        return;
    }
    cycle_t when = cycle_of_tick(u, tick);
    if (!event_pending(&u->event) || u->event.when != when)
        event_schedule(u->config.clock, &u->event, when);
}

static void fire(void *owner)
{
    struct uart *u = owner;
    advance(u);
    settle(u);
}

/* ---- registers ----------------------------------------------------------------------------- */

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = interrupt_id(u);
    if (id == IIR_THRE)
        u->thre_interrupt = false;
    return fifo_mode(u) ? id | IIR_FIFOS_ENABLED : id;
}

/* Reading clears the error bits. LSR7 goes with the last error that is still in the FIFO. */
static uint8_t read_lsr(struct uart *u)
{
    bool temt = u->thre && u->due[UART_TX_END] == CYCLE_NEVER;
    uint8_t value = (uint8_t)(u->line_errors | (u->rx_count ? LSR_DR : 0) |
                              (u->thre ? LSR_THRE : 0) | (temt ? LSR_TEMT : 0) |
                              (u->fifo_error ? LSR_FIFO_ERROR : 0));
    u->line_errors = 0;
    u->fifo_error = false;
    if (u->rx_count)
        u->rx_errors[u->rx_head] = 0;
    for (unsigned i = 0; fifo_mode(u) && i < u->rx_count; i++)
        if (u->rx_errors[(u->rx_head + i) % UART_FIFO_SIZE])
            u->fifo_error = true;
    return value;
}

static uint8_t read_msr(struct uart *u)
{
    uint8_t value = u->msr;
    u->msr &= 0xF0;
    return value;
}

/* Enabling the THRE interrupt while the THR is empty raises it. [PC16550D p.17, LSR bit 5] */
static void write_ier(struct uart *u, uint8_t value)
{
    if (~u->ier & value & IER_ETBEI && u->thre)
        u->thre_interrupt = true;
    u->ier = value & (IER_ERBFI | IER_ETBEI | IER_ELSI | IER_EDSSI);
}

/* Changing FCR0 empties both FIFOs, and the first transmitter interrupt after it is immediate. The
 * other bits count only together with FCR0. [PC16550D p.17, p.19] */
static void write_fcr(struct uart *u, uint8_t value)
{
    bool changed = (u->fcr ^ value) & FCR_ENABLE;
    u->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
    if (changed || (value & (FCR_ENABLE | FCR_RCVR_RESET)) == (FCR_ENABLE | FCR_RCVR_RESET))
        clear_rx_fifo(u);
    if (changed || (value & (FCR_ENABLE | FCR_XMIT_RESET)) == (FCR_ENABLE | FCR_XMIT_RESET))
        clear_tx_fifo(u);
    if (changed)
        u->thre_interrupt = true;
}

/* A character half sent when a break or loopback begins or ends reaches nobody whole. */
static void reroute(struct uart *u)
{
    bool whole = u->tx_route == UART_TO_RECEIVER ? loopback(u)
                                                 : !loopback(u) && !(u->lcr & LCR_BREAK);
    if (u->due[UART_TX_END] != CYCLE_NEVER && !whole)
        u->tx_route = UART_TO_NOBODY;
}

/* Loopback disconnects SIN: the character that was coming in, from either side, is lost to the
 * receiver, and the far end keeps its own to send it again. */
static void write_mcr(struct uart *u, uint8_t value)
{
    bool loop_changed = (u->mcr ^ value) & MCR_LOOP;
    u->mcr = value & (MCR_DTR | MCR_RTS | MCR_OUT1 | MCR_OUT2 | MCR_LOOP);
    if (loop_changed) {
        u->due[UART_RX_START] = CYCLE_NEVER;
        u->due[UART_RX_DONE] = CYCLE_NEVER;
        u->rx_line_free = 0;
        start_far_end(u, tick_now(u) + 1);
        reroute(u);
    }
    update_msr(u);
}

static uint8_t read_register(struct uart *u, uint32_t offset)
{
    bool dlab = u->lcr & LCR_DLAB;
    switch (offset) {
    case RBR_THR_DLL:
        return dlab ? (uint8_t)u->divisor_latch : read_rbr(u);
    case IER_DLM:
        return dlab ? (uint8_t)(u->divisor_latch >> 8) : u->ier;
    case IIR_FCR:
        return read_iir(u);
    case LCR:
        return u->lcr;
    case MCR:
        return u->mcr;
    case LSR:
        return read_lsr(u);
    case MSR:
        return read_msr(u);
    default:
        return u->scr;
    }
}

static void write_register(struct uart *u, uint32_t offset, uint8_t value)
{
    bool dlab = u->lcr & LCR_DLAB;
    switch (offset) {
    case RBR_THR_DLL:
        if (dlab)
            load_divisor(u, (uint16_t)((u->divisor_latch & 0xFF00) | value));
        else
            write_thr(u, value);
        break;
    case IER_DLM:
        if (dlab)
            load_divisor(u, (uint16_t)(value << 8 | (u->divisor_latch & 0xFF)));
        else
            write_ier(u, value);
        break;
    case IIR_FCR:
        write_fcr(u, value);
        break;
    case LCR:
        u->lcr = value;
        reroute(u);
        break;
    case MCR:
        write_mcr(u, value);
        break;
    case SCR:
        u->scr = value;
        break;
    default: /* LSR and MSR: factory test only */
        break;
    }
}

uint32_t uart_read(void *owner, uint32_t port, unsigned size)
{
    struct uart *u = owner;
    CHECK(size == 1);
    advance(u);
    uint8_t value = read_register(u, port % UART_PORT_COUNT);
    settle(u);
    return value;
}

void uart_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct uart *u = owner;
    CHECK(size == 1);
    advance(u);
    write_register(u, port % UART_PORT_COUNT, (uint8_t)value);
    settle(u);
}

/* ---- the outside --------------------------------------------------------------------------- */

void uart_receive_bad(struct uart *u, uint8_t byte, uint8_t errors)
{
    CHECK(uart_can_receive(u) && !(errors & ~RX_ERRORS));
    advance(u);
    uint8_t at = (u->queue_head + u->queue_count++) % UART_QUEUE_SIZE;
    u->queue[at] = byte;
    u->queue_errors[at] = errors;
    start_far_end(u, tick_now(u) + 1);
    settle(u);
}

void uart_receive(struct uart *u, uint8_t byte) { uart_receive_bad(u, byte, 0); }

void uart_set_modem_inputs(struct uart *u, uint8_t inputs)
{
    advance(u);
    u->modem_inputs = inputs & (MSR_CTS | MSR_DSR | MSR_RI | MSR_DCD);
    update_msr(u);
    settle(u);
}

void uart_init(struct uart *u, struct uart_config config)
{
    CHECK(config.clock && config.crystal.num && config.crystal.den);
    memset(u, 0, sizeof *u);
    u->config = config;
    event_init(&u->event, fire, u, config.priority);
    uart_reset(u);
}

void uart_reset(struct uart *u)
{
    for (unsigned i = 0; i < UART_TRANSITION_COUNT; i++)
        u->due[i] = CYCLE_NEVER;
    u->ier = 0;
    u->fcr = 0;
    u->lcr = 0;
    u->mcr = 0;
    u->msr = u->modem_inputs;
    u->line_errors = 0;
    u->fifo_error = false;
    u->thre = true;
    u->thre_interrupt = false;
    u->timeout_interrupt = false;
    u->scr = 0; /* the data sheet leaves it open */
    u->tx_head = 0;
    u->tx_count = 0;
    u->tx_two_queued = false;
    u->tsr = 0;
    u->tx_route = UART_TO_NOBODY;
    u->rx_head = 0;
    u->rx_count = 0;
    u->rsr = 0;
    u->rsr_errors = 0;
    u->rx_from_line = false;
    u->rx_line_free = 0;
    start_far_end(u, tick_now(u) + 1);
    settle(u);
}

static void snapshot_line(struct uart *u, struct snap *s)
{
    snap_bytes(s, "tx_fifo", u->tx_fifo, sizeof u->tx_fifo);
    snap_u8(s, "tx_head", &u->tx_head);
    snap_u8(s, "tx_count", &u->tx_count);
    snap_bool(s, "tx_two_queued", &u->tx_two_queued);
    snap_u8(s, "tsr", &u->tsr);
    snap_u8(s, "tx_route", &u->tx_route);
    snap_bytes(s, "rx_fifo", u->rx_fifo, sizeof u->rx_fifo);
    snap_bytes(s, "rx_errors", u->rx_errors, sizeof u->rx_errors);
    snap_u8(s, "rx_head", &u->rx_head);
    snap_u8(s, "rx_count", &u->rx_count);
    snap_u8(s, "rbr", &u->rbr);
    snap_u8(s, "rsr", &u->rsr);
    snap_u8(s, "rsr_errors", &u->rsr_errors);
    snap_bool(s, "rx_from_line", &u->rx_from_line);
    snap_u64(s, "rx_line_free", &u->rx_line_free);
    snap_bytes(s, "queue", u->queue, sizeof u->queue);
    snap_bytes(s, "queue_errors", u->queue_errors, sizeof u->queue_errors);
    snap_u8(s, "queue_head", &u->queue_head);
    snap_u8(s, "queue_count", &u->queue_count);
}

void uart_snapshot(struct uart *u, struct snap *s)
{
    static const char *const due_names[UART_TRANSITION_COUNT] = {
        "tx_start", "tx_thre", "tx_end", "rx_start", "rx_done", "rx_timeout",
    };
    snap_enter(s, "uart");
    for (unsigned i = 0; i < UART_TRANSITION_COUNT; i++)
        snap_u64(s, due_names[i], &u->due[i]);
    snap_u64(s, "epoch_edge", &u->epoch_edge);
    snap_u64(s, "epoch_tick", &u->epoch_tick);
    snap_u16(s, "divisor_latch", &u->divisor_latch);
    snap_u8(s, "ier", &u->ier);
    snap_u8(s, "fcr", &u->fcr);
    snap_u8(s, "lcr", &u->lcr);
    snap_u8(s, "mcr", &u->mcr);
    snap_u8(s, "msr", &u->msr);
    snap_u8(s, "scr", &u->scr);
    snap_u8(s, "line_errors", &u->line_errors);
    snap_bool(s, "fifo_error", &u->fifo_error);
    snap_bool(s, "thre", &u->thre);
    snap_bool(s, "thre_interrupt", &u->thre_interrupt);
    snap_bool(s, "timeout_interrupt", &u->timeout_interrupt);
    snapshot_line(u, s);
    snap_u8(s, "modem_inputs", &u->modem_inputs);
    snap_u8(s, "modem_pins", &u->modem_pins);
    snap_bool(s, "break_pin", &u->break_pin);
    snap_bool(s, "irq_pin", &u->irq_pin);
    event_snapshot(u->config.clock, &u->event, s, "event");
    snap_leave(s);
}
