/* uart_16550 on its own: registers, interrupts and exact times. One input clock is 10 cycles, the
 * divisor 1, so that tick n of BAUDOUT is cycle 10 n and a bit lasts 160 cycles. */
#include "devices/uart_16550.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { THR = 0, RBR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR, MCR, LSR, MSR, SCR };

#define TICK 10u
#define SENT_MAX 64

struct bench {
    struct clock clock;
    struct uart uart;
    unsigned sent_count;
    uint8_t sent[SENT_MAX];
    cycle_t sent_at[SENT_MAX];
    bool irq;
    cycle_t irq_at;
    bool spacing;
    uint8_t pins;
};

static void on_transmit(void *owner, uint8_t byte)
{
    struct bench *b = owner;
    b->sent[b->sent_count % SENT_MAX] = byte;
    b->sent_at[b->sent_count++ % SENT_MAX] = b->clock.now;
}

static void on_break(void *owner, bool on) { ((struct bench *)owner)->spacing = on; }
static void on_modem(void *owner, uint8_t pins) { ((struct bench *)owner)->pins = pins; }

static void on_irq(void *owner, int number, bool level)
{
    struct bench *b = owner;
    assert_int_equal(number, 4);
    b->irq = level;
    b->irq_at = b->clock.now;
}

static void out(struct bench *b, unsigned reg, uint8_t value)
{
    uart_write(&b->uart, reg, 1, value);
}
static uint8_t in(struct bench *b, unsigned reg) { return (uint8_t)uart_read(&b->uart, reg, 1); }

static void bench_init(struct bench *b, struct ratio crystal, bool gated, bool waits)
{
    memset(b, 0, sizeof *b);
    clock_init(&b->clock);
    uart_init(&b->uart, (struct uart_config){.clock = &b->clock,
                                             .crystal = crystal,
                                             .irq = {on_irq, b, 4},
                                             .irq_gated_by_out2 = gated,
                                             .far_end_waits = waits,
                                             .transmit = on_transmit,
                                             .transmit_break = on_break,
                                             .modem_outputs = on_modem,
                                             .owner = b});
    out(b, LCR, LCR_DLAB);
    out(b, DLL, 1);
    out(b, DLM, 0);
    out(b, LCR, 3);
}

static void begin(struct bench *b) { bench_init(b, (struct ratio){TICK, 1}, false, false); }
static void end(struct bench *b) { clock_free(&b->clock); }

static void run_to(struct bench *b, cycle_t cycle)
{
    while (clock_next(&b->clock) <= cycle) {
        b->clock.now = clock_next(&b->clock);
        clock_dispatch(&b->clock);
    }
    b->clock.now = cycle;
}

/* A character whose start bit begins at tick 1 arrives here: 8N1, middle of the stop bit plus one
 * RCLK, or three in FIFO mode. */
#define ARRIVES_16450 ((1 + 9 * 16 + 8 + 1) * TICK)
#define ARRIVES_FIFO ((1 + 9 * 16 + 8 + 3) * TICK)

static void uart_reset_state_is_table_1(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, 0xFF);
    out(&b, MCR, 0xFF);
    assert_int_equal(in(&b, IER), 0x0F);
    assert_int_equal(in(&b, MCR), 0x1F);
    uart_reset(&b.uart);
    assert_int_equal(in(&b, IER), 0x00);
    assert_int_equal(in(&b, IIR), 0x01);
    assert_int_equal(in(&b, LCR), 0x00);
    assert_int_equal(in(&b, MCR), 0x00);
    assert_int_equal(in(&b, LSR), 0x60);
    assert_int_equal(in(&b, MSR), 0x00);
    assert_int_equal(b.uart.divisor_latch, 1); /* Master Reset leaves the divisor */
    end(&b);
}

static void uart_scratch_register_holds_a_byte(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, SCR, 0xA5);
    assert_int_equal(in(&b, SCR), 0xA5);
    end(&b);
}

static void uart_character_leaves_with_its_stop_bit(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, THR, 'x'); /* at tick 0: the start bit begins at tick 16 */
    run_to(&b, (16 + 160) * TICK - 1);
    assert_int_equal(b.sent_count, 0);
    run_to(&b, (16 + 160) * TICK);
    assert_int_equal(b.sent_count, 1);
    assert_int_equal(b.sent[0], 'x');
    end(&b);
}

static void uart_start_bit_follows_the_write_by_8_to_24_ticks(void **state)
{
    struct bench b;
    (void)state;
    for (unsigned tick = 0; tick < 32; tick++) {
        begin(&b);
        run_to(&b, tick * TICK);
        out(&b, THR, 'x');
        run_to(&b, 1000 * TICK);
        cycle_t start = b.sent_at[0] / TICK - 160;
        assert_int_equal(start % 16, 0);
        assert_in_range(start - tick, 9, 24);
        end(&b);
    }
}

static void uart_character_time_follows_lcr(void **state)
{
    static const struct {
        uint8_t lcr;
        unsigned ticks;
    } formats[] = {
        {0x00, 16 * 7},      /* 5N1 */
        {0x04, 16 * 7 + 8},  /* 5N1.5 */
        {0x0C, 16 * 8 + 8},  /* 5O1.5 */
        {0x01, 16 * 8},      /* 6N1 */
        {0x1A, 16 * 10},     /* 7E1 */
        {0x03, 16 * 10},     /* 8N1 */
        {0x07, 16 * 11},     /* 8N2 */
        {0x3F, 16 * 12},     /* 8, parity stuck at 0, 2 stop bits */
    };
    struct bench b;
    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++) {
        begin(&b);
        out(&b, LCR, formats[i].lcr);
        out(&b, THR, 0xFF);
        run_to(&b, 1000 * TICK);
        assert_int_equal(b.sent_at[0], (16 + formats[i].ticks) * TICK);
        assert_int_equal(b.sent[0], (1u << (5 + (formats[i].lcr & 3))) - 1);
        end(&b);
    }
}

static void uart_thre_rises_8_ticks_into_the_start_bit(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ETBEI);
    out(&b, THR, 'x');
    assert_int_equal(in(&b, LSR), 0x00);
    assert_false(b.irq);
    run_to(&b, 24 * TICK - 1);
    assert_int_equal(in(&b, LSR), 0x00);
    run_to(&b, 24 * TICK);
    assert_int_equal(in(&b, LSR), LSR_THRE);
    assert_true(b.irq);
    assert_int_equal(b.irq_at, 24 * TICK);
    end(&b);
}

static void uart_temt_rises_when_the_stop_bit_has_left(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, THR, 'x');
    run_to(&b, 176 * TICK - 1);
    assert_int_equal(in(&b, LSR), LSR_THRE);
    run_to(&b, 176 * TICK);
    assert_int_equal(in(&b, LSR), LSR_THRE | LSR_TEMT);
    end(&b);
}

static void uart_characters_follow_without_a_gap(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    for (unsigned i = 0; i < 17; i++) /* the 17th finds the FIFO full and is lost */
        out(&b, THR, (uint8_t)i);
    run_to(&b, 10000 * TICK);
    assert_int_equal(b.sent_count, 16);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(b.sent[i], i);
        assert_int_equal(b.sent_at[i], (16 + 160 * (i + 1)) * TICK);
    }
    end(&b);
}

static void uart_thr_of_16450_mode_is_overwritten(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, THR, 'a');
    out(&b, THR, 'b');
    run_to(&b, 1000 * TICK);
    assert_int_equal(b.sent_count, 1);
    assert_int_equal(b.sent[0], 'b');
    end(&b);
}

static void uart_thre_interrupt_cleared_by_iir_read(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ETBEI);
    assert_true(b.irq);
    assert_int_equal(in(&b, IIR), IIR_THRE);
    assert_false(b.irq);
    assert_int_equal(in(&b, IIR), IIR_NONE);
    assert_int_equal(in(&b, LSR), LSR_THRE | LSR_TEMT);
    end(&b);
}

static void uart_thre_interrupt_cleared_by_thr_write(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ETBEI);
    assert_true(b.irq);
    out(&b, THR, 'x');
    assert_false(b.irq);
    assert_int_equal(in(&b, IIR), IIR_NONE);
    end(&b);
}

static void uart_thre_interrupt_survives_an_iir_read_that_reports_another(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ETBEI | IER_ERBFI);
    uart_receive(&b.uart, 'r');
    run_to(&b, ARRIVES_16450);
    assert_int_equal(in(&b, IIR), IIR_RECEIVED_DATA);
    assert_int_equal(in(&b, RBR), 'r');
    assert_int_equal(in(&b, IIR), IIR_THRE);
    assert_int_equal(in(&b, IIR), IIR_NONE);
    end(&b);
}

static void uart_thre_interrupt_returns_when_enabled_again(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ETBEI);
    assert_int_equal(in(&b, IIR), IIR_THRE);
    out(&b, IER, 0);
    out(&b, IER, IER_ETBEI);
    assert_int_equal(in(&b, IIR), IIR_THRE);
    end(&b);
}

static void uart_fifo_delays_thre_of_a_single_character(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    out(&b, IER, IER_ETBEI);
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_THRE);
    out(&b, THR, 'x');
    run_to(&b, (24 + 144) * TICK - 1);
    assert_int_equal(in(&b, LSR), 0x00);
    run_to(&b, (24 + 144) * TICK);
    assert_int_equal(in(&b, LSR), LSR_THRE);
    assert_int_equal(b.irq_at, (24 + 144) * TICK);
    end(&b);
}

static void uart_fifo_does_not_delay_thre_after_two_characters(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    out(&b, IER, IER_ETBEI);
    out(&b, THR, 'x');
    out(&b, THR, 'y');
    run_to(&b, (176 + 8) * TICK - 1);
    assert_int_equal(in(&b, LSR), 0x00);
    run_to(&b, (176 + 8) * TICK);
    assert_int_equal(in(&b, LSR), LSR_THRE);
    end(&b);
}

static void uart_changing_fcr0_empties_the_fifos_and_interrupts_at_once(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    uart_receive(&b.uart, 'r');
    out(&b, THR, 'x');
    out(&b, IER, IER_ETBEI);
    run_to(&b, ARRIVES_16450);
    assert_int_equal(in(&b, IIR), IIR_THRE);
    assert_int_equal(in(&b, LSR) & LSR_DR, LSR_DR);
    out(&b, FCR, FCR_ENABLE);
    assert_true(b.irq);
    assert_int_equal(in(&b, LSR), LSR_THRE); /* the shift register goes on */
    run_to(&b, 176 * TICK);
    assert_int_equal(b.sent_count, 1);
    end(&b);
}

static void uart_fcr_bits_count_only_with_fcr0(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_TRIGGER);
    out(&b, FCR, FCR_ENABLE);
    out(&b, IER, IER_ERBFI);
    uart_receive(&b.uart, 'r');
    run_to(&b, ARRIVES_FIFO);
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_RECEIVED_DATA); /* trigger level 1 */
    end(&b);
}

static void uart_received_character_arrives_1_rclk_after_its_stop_bit(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ERBFI);
    uart_receive(&b.uart, 'r');
    run_to(&b, ARRIVES_16450 - 1);
    assert_int_equal(in(&b, LSR) & LSR_DR, 0);
    run_to(&b, ARRIVES_16450);
    assert_int_equal(b.irq_at, ARRIVES_16450);
    assert_int_equal(in(&b, LSR) & LSR_DR, LSR_DR);
    assert_int_equal(in(&b, RBR), 'r');
    assert_false(b.irq);
    end(&b);
}

static void uart_far_end_sends_at_line_rate(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    for (unsigned i = 0; i < 10; i++)
        uart_receive(&b.uart, (uint8_t)i);
    for (unsigned i = 0; i < 10; i++) {
        run_to(&b, ARRIVES_FIFO + i * 160 * TICK - 1);
        assert_int_equal(b.uart.rx_count, i);
        run_to(&b, ARRIVES_FIFO + i * 160 * TICK);
        assert_int_equal(b.uart.rx_count, i + 1);
    }
    end(&b);
}

static void uart_far_end_has_room_for_64_characters(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    for (unsigned i = 0; i < UART_QUEUE_SIZE; i++) {
        assert_true(uart_can_receive(&b.uart));
        uart_receive(&b.uart, 'q');
    }
    assert_false(uart_can_receive(&b.uart));
    run_to(&b, ARRIVES_16450);
    assert_true(uart_can_receive(&b.uart));
    end(&b);
}

static void uart_far_end_that_waits_never_overruns(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, (struct ratio){TICK, 1}, false, true);
    out(&b, FCR, FCR_ENABLE);
    for (unsigned i = 0; i < 20; i++)
        uart_receive(&b.uart, (uint8_t)i);
    run_to(&b, 100000 * TICK);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(in(&b, LSR) & (LSR_OE | LSR_DR), LSR_DR);
        assert_int_equal(in(&b, RBR), i);
        run_to(&b, b.clock.now + 1000 * TICK);
    }
    assert_int_equal(in(&b, LSR) & LSR_DR, 0);
    end(&b);
}

static void uart_trigger_levels_are_1_4_8_14(void **state)
{
    static const unsigned levels[] = {1, 4, 8, 14};
    struct bench b;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        begin(&b);
        out(&b, FCR, (uint8_t)(FCR_ENABLE | i << 6));
        out(&b, IER, IER_ERBFI);
        for (unsigned n = 0; n < 16; n++)
            uart_receive(&b.uart, 'r');
        run_to(&b, ARRIVES_FIFO + (levels[i] - 1) * 160 * TICK);
        assert_true(b.irq);
        assert_int_equal(b.irq_at, ARRIVES_FIFO + (levels[i] - 1) * 160 * TICK);
        in(&b, RBR); /* below the level again */
        assert_false(b.irq);
        end(&b);
    }
}

static void uart_timeout_comes_4_characters_and_8_rclks_after_the_stop_bit(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE | FCR_TRIGGER);
    out(&b, IER, IER_ERBFI);
    uart_receive(&b.uart, 'r');
    cycle_t due = ARRIVES_FIFO + (4 * 160 + 8 - 3) * TICK;
    run_to(&b, due - 1);
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_NONE);
    run_to(&b, due);
    assert_int_equal(b.irq_at, due);
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_TIMEOUT);
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_TIMEOUT);
    assert_int_equal(in(&b, RBR), 'r');
    assert_int_equal(in(&b, IIR), IIR_FIFOS_ENABLED | IIR_NONE);
    end(&b);
}

static void uart_timeout_starts_again_with_a_read(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE | FCR_TRIGGER);
    out(&b, IER, IER_ERBFI);
    uart_receive(&b.uart, 'r');
    uart_receive(&b.uart, 's');
    run_to(&b, 400 * TICK);
    assert_int_equal(in(&b, RBR), 'r');
    run_to(&b, (401 + 4 * 160 + 8) * TICK);
    assert_int_equal(b.irq_at, (401 + 4 * 160 + 8) * TICK);
    assert_true(b.irq);
    end(&b);
}

static void uart_overrun_in_16450_mode_keeps_the_new_character(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, IER_ELSI);
    uart_receive(&b.uart, 'a');
    uart_receive(&b.uart, 'b');
    run_to(&b, ARRIVES_16450 + 160 * TICK);
    assert_int_equal(in(&b, IIR), IIR_LINE_STATUS);
    assert_int_equal(in(&b, LSR), LSR_TEMT | LSR_THRE | LSR_OE | LSR_DR);
    assert_int_equal(in(&b, LSR), LSR_TEMT | LSR_THRE | LSR_DR);
    assert_int_equal(in(&b, RBR), 'b');
    end(&b);
}

static void uart_overrun_in_fifo_mode_loses_the_new_character(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    for (unsigned i = 0; i < 17; i++)
        uart_receive(&b.uart, (uint8_t)i);
    run_to(&b, ARRIVES_FIFO + 15 * 160 * TICK);
    assert_int_equal(in(&b, LSR) & LSR_OE, 0);
    run_to(&b, ARRIVES_FIFO + 16 * 160 * TICK);
    assert_int_equal(in(&b, LSR) & LSR_OE, LSR_OE);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(in(&b, RBR), i);
    assert_int_equal(in(&b, LSR) & LSR_DR, 0);
    end(&b);
}

static void uart_errors_show_when_their_character_is_next(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, FCR, FCR_ENABLE);
    out(&b, IER, IER_ELSI);
    uart_receive(&b.uart, 'a');
    uart_receive_bad(&b.uart, 'b', LSR_PE);
    uart_receive_bad(&b.uart, 0, LSR_BI | LSR_FE);
    run_to(&b, 1000 * TICK);
    assert_false(b.irq);
    assert_int_equal(in(&b, LSR), 0xE0 | LSR_DR);
    assert_int_equal(in(&b, RBR), 'a');
    assert_true(b.irq);
    assert_int_equal(in(&b, LSR), 0xE0 | LSR_DR | LSR_PE);
    assert_int_equal(in(&b, LSR), 0xE0 | LSR_DR);
    assert_int_equal(in(&b, RBR), 'b');
    assert_int_equal(in(&b, LSR), 0xE0 | LSR_DR | LSR_BI | LSR_FE);
    assert_int_equal(in(&b, LSR), 0x60 | LSR_DR);
    end(&b);
}

static void uart_break_reaches_the_line_and_no_character_does(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, THR, 'x');
    run_to(&b, 50 * TICK);
    out(&b, LCR, 3 | LCR_BREAK);
    assert_true(b.spacing);
    run_to(&b, 1000 * TICK);
    assert_int_equal(b.sent_count, 0);
    assert_int_equal(in(&b, LSR), LSR_THRE | LSR_TEMT); /* the transmitter does not notice */
    out(&b, LCR, 3);
    assert_false(b.spacing);
    end(&b);
}

static void uart_reports_the_highest_priority_first(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, IER, 0x0F);
    uart_set_modem_inputs(&b.uart, MSR_CTS);
    uart_receive_bad(&b.uart, 'r', LSR_FE);
    run_to(&b, ARRIVES_16450);
    assert_int_equal(in(&b, IIR), IIR_LINE_STATUS);
    assert_int_equal(in(&b, LSR), 0x60 | LSR_FE | LSR_DR);
    assert_int_equal(in(&b, IIR), IIR_RECEIVED_DATA);
    in(&b, RBR);
    assert_int_equal(in(&b, IIR), IIR_THRE);
    assert_int_equal(in(&b, IIR), IIR_MODEM_STATUS);
    assert_int_equal(in(&b, MSR), MSR_CTS | MSR_DCTS);
    assert_int_equal(in(&b, IIR), IIR_NONE);
    assert_false(b.irq);
    end(&b);
}

static void uart_msr_reports_changes_once_and_only_the_end_of_a_ring(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    uart_set_modem_inputs(&b.uart, MSR_CTS | MSR_DSR | MSR_RI | MSR_DCD);
    assert_int_equal(in(&b, MSR), 0xF0 | MSR_DCTS | MSR_DDSR | MSR_DDCD);
    assert_int_equal(in(&b, MSR), 0xF0);
    uart_set_modem_inputs(&b.uart, MSR_CTS | MSR_DSR | MSR_DCD);
    assert_int_equal(in(&b, MSR), MSR_CTS | MSR_DSR | MSR_DCD | MSR_TERI);
    end(&b);
}

static void uart_loopback_returns_characters_and_modem_lines(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    uart_set_modem_inputs(&b.uart, MSR_RI);
    out(&b, MCR, MCR_DTR | MCR_RTS);
    assert_int_equal(b.pins, MCR_DTR | MCR_RTS);
    in(&b, MSR);
    out(&b, MCR, MCR_LOOP | MCR_RTS | MCR_OUT2);
    assert_int_equal(b.pins, 0);
    assert_int_equal(in(&b, MSR), MSR_CTS | MSR_DCD | MSR_DCTS | MSR_DDCD | MSR_TERI);
    out(&b, THR, 0x5A);
    run_to(&b, (16 + 9 * 16 + 8 + 1) * TICK);
    assert_int_equal(in(&b, LSR) & LSR_DR, LSR_DR);
    assert_int_equal(in(&b, RBR), 0x5A);
    run_to(&b, 1000 * TICK);
    assert_int_equal(b.sent_count, 0);
    end(&b);
}

static void uart_loopback_makes_the_far_end_begin_again(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    uart_receive(&b.uart, 'r');
    run_to(&b, 100 * TICK);
    out(&b, MCR, MCR_LOOP);
    run_to(&b, 1000 * TICK);
    assert_int_equal(in(&b, LSR) & LSR_DR, 0);
    out(&b, MCR, 0);
    run_to(&b, 1000 * TICK + ARRIVES_16450);
    assert_int_equal(in(&b, RBR), 'r');
    end(&b);
}

static void uart_out2_pin_gates_the_irq_line(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, (struct ratio){TICK, 1}, true, false);
    out(&b, IER, IER_ETBEI);
    assert_false(b.irq);
    out(&b, MCR, MCR_OUT2);
    assert_true(b.irq);
    out(&b, MCR, MCR_OUT2 | MCR_LOOP); /* loopback holds the pin inactive */
    assert_false(b.irq);
    end(&b);
}

static void uart_new_divisor_times_the_rest_of_a_character(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, THR, 'x'); /* ends at tick 176 */
    run_to(&b, 76 * TICK);
    out(&b, LCR, 3 | LCR_DLAB);
    out(&b, DLL, 3);
    run_to(&b, 10000 * TICK);
    assert_int_equal(b.sent_at[0], (76 + 100 * 3) * TICK);
    end(&b);
}

static void uart_divisor_zero_counts_65536(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    out(&b, LCR, 3 | LCR_DLAB);
    out(&b, DLL, 0);
    out(&b, LCR, 3);
    out(&b, THR, 'x');
    run_to(&b, 176ull * 65536 * TICK);
    assert_int_equal(b.sent_at[0], 176ull * 65536 * TICK);
    end(&b);
}

/* 400/3 MHz against 1.8432 MHz: 15625/216 cycles an edge. After 1,000 characters at 115,200 the
 * end is still the exact edge. */
static void uart_never_accumulates_rounding(void **state)
{
    struct bench b;
    (void)state;
    struct ratio crystal = ratio_of_clocks(400000000, 3, 1843200, 1);
    bench_init(&b, crystal, false, false);
    for (unsigned i = 0; i < 1000; i++) {
        out(&b, THR, (uint8_t)i);
        run_to(&b, ratio_edge(crystal, 24 + 160 * (uint64_t)i));
        assert_int_equal(in(&b, LSR), LSR_THRE);
    }
    run_to(&b, ratio_edge(crystal, 16 + 160 * 1000));
    assert_int_equal(b.sent_count, 1000);
    assert_int_equal(b.sent_at[999 % SENT_MAX], ratio_edge(crystal, 16 + 160 * 1000));
    end(&b);
}

static void uart_snapshot_continues_in_the_middle_of_a_character(void **state)
{
    struct bench a, b;
    struct snap save, load, diff;
    (void)state;
    begin(&a);
    begin(&b);
    out(&a, THR, 'x');
    uart_receive(&a.uart, 'r');
    run_to(&a, 100 * TICK);
    run_to(&b, 100 * TICK);
    snap_begin_save(&save);
    uart_snapshot(&a.uart, &save);
    snap_begin_load(&load, save.data, save.size);
    uart_snapshot(&b.uart, &load);
    assert_false(load.failed);
    snap_begin_diff(&diff, save.data, save.size);
    uart_snapshot(&b.uart, &diff);
    assert_false(diff.failed);
    run_to(&b, 176 * TICK);
    assert_int_equal(b.sent_at[0], 176 * TICK);
    assert_int_equal(in(&b, RBR), 'r');
    snap_free(&save);
    end(&a);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uart_reset_state_is_table_1),
        cmocka_unit_test(uart_scratch_register_holds_a_byte),
        cmocka_unit_test(uart_character_leaves_with_its_stop_bit),
        cmocka_unit_test(uart_start_bit_follows_the_write_by_8_to_24_ticks),
        cmocka_unit_test(uart_character_time_follows_lcr),
        cmocka_unit_test(uart_thre_rises_8_ticks_into_the_start_bit),
        cmocka_unit_test(uart_temt_rises_when_the_stop_bit_has_left),
        cmocka_unit_test(uart_characters_follow_without_a_gap),
        cmocka_unit_test(uart_thr_of_16450_mode_is_overwritten),
        cmocka_unit_test(uart_thre_interrupt_cleared_by_iir_read),
        cmocka_unit_test(uart_thre_interrupt_cleared_by_thr_write),
        cmocka_unit_test(uart_thre_interrupt_survives_an_iir_read_that_reports_another),
        cmocka_unit_test(uart_thre_interrupt_returns_when_enabled_again),
        cmocka_unit_test(uart_fifo_delays_thre_of_a_single_character),
        cmocka_unit_test(uart_fifo_does_not_delay_thre_after_two_characters),
        cmocka_unit_test(uart_changing_fcr0_empties_the_fifos_and_interrupts_at_once),
        cmocka_unit_test(uart_fcr_bits_count_only_with_fcr0),
        cmocka_unit_test(uart_received_character_arrives_1_rclk_after_its_stop_bit),
        cmocka_unit_test(uart_far_end_sends_at_line_rate),
        cmocka_unit_test(uart_far_end_has_room_for_64_characters),
        cmocka_unit_test(uart_far_end_that_waits_never_overruns),
        cmocka_unit_test(uart_trigger_levels_are_1_4_8_14),
        cmocka_unit_test(uart_timeout_comes_4_characters_and_8_rclks_after_the_stop_bit),
        cmocka_unit_test(uart_timeout_starts_again_with_a_read),
        cmocka_unit_test(uart_overrun_in_16450_mode_keeps_the_new_character),
        cmocka_unit_test(uart_overrun_in_fifo_mode_loses_the_new_character),
        cmocka_unit_test(uart_errors_show_when_their_character_is_next),
        cmocka_unit_test(uart_break_reaches_the_line_and_no_character_does),
        cmocka_unit_test(uart_reports_the_highest_priority_first),
        cmocka_unit_test(uart_msr_reports_changes_once_and_only_the_end_of_a_ring),
        cmocka_unit_test(uart_loopback_returns_characters_and_modem_lines),
        cmocka_unit_test(uart_loopback_makes_the_far_end_begin_again),
        cmocka_unit_test(uart_out2_pin_gates_the_irq_line),
        cmocka_unit_test(uart_new_divisor_times_the_rest_of_a_character),
        cmocka_unit_test(uart_divisor_zero_counts_65536),
        cmocka_unit_test(uart_never_accumulates_rounding),
        cmocka_unit_test(uart_snapshot_continues_in_the_middle_of_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
