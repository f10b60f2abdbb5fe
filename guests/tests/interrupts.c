// interrupts.c: interrupts as messages: clauses 157 and 158 [L4X2 5.4, 6]. The source is COM1,
// which interrupts when its transmitter is empty; nobody else uses its interrupt.
#include "suite.h"

#include <l4/ports.h>

#define LINE 4
#define IER 0x3F9
#define IIR 0x3FA
#define MCR 0x3FC

static void raise_line(void)
{
    for (unsigned i = 0; i < 100000 && !(l4_in8(0x3FD) & 0x40); i++) {
    }
    l4_out8(IER, 0);
    l4_in8(IIR);
    l4_out8(MCR, 0x0B); // the output that lets the interrupt out
    l4_out8(IER, 2);
}

static void lower_line(void)
{
    l4_in8(IIR);
    l4_out8(IER, 0);
}

static void check_interrupt(void)
{
    l4_thread_id from = L4_NIL_THREAD;
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0xFFF00000);
    EQUAL(from, LINE << 14 | 1);
}

static void check_silence(void)
{
    EQUAL(outcome(receive(L4_ANY_THREAD, l4_period(30000), NULL)), L4_IPC_RECEIVE_TIMEOUT);
}

static void c157_an_interrupt_is_one_message_until_it_is_acknowledged(void)
{
    EQUAL(l4_irq_associate(LINE, tester_id), 1);
    raise_line();
    check_interrupt();
    lower_line();
    raise_line();
    check_silence(); // masked
    EQUAL(outcome(l4_irq_acknowledge(LINE)), 0);
    check_interrupt(); // the one that was pending
    lower_line();
    EQUAL(outcome(l4_irq_acknowledge(LINE)), 0);
    check_silence();
    raise_line(); // while nobody receives: it is queued
    spin_us(10000);
    lower_line();
    l4_thread_id from = L4_NIL_THREAD;
    EQUAL(receive(l4_irq_thread(LINE), SECOND, &from), 0xFFF00000);
    EQUAL(from, l4_irq_thread(LINE));
    l4_set_mr(0, 0); // the acknowledgement as the send phase of the next wait
    EQUAL(outcome(l4_ipc(l4_irq_thread(LINE), L4_ANY_THREAD,
                         l4_timeouts(L4_ZERO_TIME, l4_period(30000)), NULL)),
          L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(l4_irq_dissociate(LINE), 1);
    raise_line();
    check_silence();
    lower_line();
}

static void c158_no_handler_and_the_kernels_own_lines_are_refused(void)
{
    FAILS(l4_irq_associate(LINE, new_id()), L4_ERROR_INVALID_THREAD);
    FAILS(l4_irq_associate(2, tester_id), L4_ERROR_INVALID_THREAD);
    FAILS(l4_irq_associate(8, tester_id), L4_ERROR_INVALID_THREAD);
    EQUAL(l4_irq_associate(LINE, tester_id), 1);
    EQUAL(l4_irq_dissociate(LINE), 1);
}

const struct test interrupts_tests[] = {
    TEST(c157_an_interrupt_is_one_message_until_it_is_acknowledged),
    TEST(c158_no_handler_and_the_kernels_own_lines_are_refused),
    TESTS_END,
};
