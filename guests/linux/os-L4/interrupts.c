// SPDX-License-Identifier: GPL-2.0-only
/* interrupts.c: time, input from the terminal, and Linux's interrupt flag.
 *
 * The interrupt thread waits for messages that tell of input and for the next tick. It has a
 * higher priority than Linux, so a handler that it runs is to Linux what an interrupt is: nothing
 * else happens until it is over. Its stack is Linux's interrupt stack, where thread_info of the
 * interrupted task is copied by to_irq_stack. The flag is a variable: turning interrupts off and on
 * costs no system call. */
#include <string.h>
#include <l4/thread.h>
#include <as-layout.h>
#include <kern_util.h>
#include <os.h>
#include "layer.h"
#include "place.h"

enum pending { PENDING_TIMER = 1, PENDING_SERIAL = 2 };

#define LABEL_POKE  0x5000u /* from Linux to the interrupt thread: look at the timer again */
#define LABEL_WAKE  0x5001u /* back: an interrupt came while Linux was idle */

extern char cpu0_irqstack[];

int signals_enabled;
l4_thread_id layer_interrupt;

static volatile word_t pending;
static volatile bool idle, timer_runs;
static bool in_timer;
static l4_thread_id input; /* who tells that the terminal has something to read */
static l4_clock timer_next, timer_interval; /* microseconds; interval 0: once */

/* --- handlers --------------------------------------------------------------------------------- */

static void run_timer(void)
{
    struct uml_pt_regs regs;

    memset(&regs, 0, sizeof(regs));
    regs.is_user = layer_process_runs(); /* whose time it was */
    in_timer = true;
    timer_handler(0, NULL, &regs);
    in_timer = false;
}

static void run(word_t which)
{
    if (which & PENDING_SERIAL)
        layer_serial_interrupt();
    if (which & PENDING_TIMER)
        run_timer();
}

/* In the interrupt thread, in the middle of whatever Linux does. */
static void interrupt(word_t which)
{
    unsigned long mask = 2;

    if (!signals_enabled || to_irq_stack(&mask)) {
        __atomic_or_fetch(&pending, which, __ATOMIC_SEQ_CST);
        return;
    }
    block_signals_trace();
    run(which);
    um_set_signals_trace(1);
    from_irq_stack(0);
}

/* --- the interrupt flag ----------------------------------------------------------------------- */

void block_signals(void)
{
    signals_enabled = 0;
    barrier();
}

void unblock_signals(void)
{
    word_t which;

    if (signals_enabled)
        return;
    for (;;) {
        signals_enabled = 1;
        barrier();
        which = pending & (in_timer ? ~(word_t)PENDING_TIMER : ~(word_t)0);
        if (!which)
            return;
        signals_enabled = 0;
        __atomic_and_fetch(&pending, ~which, __ATOMIC_SEQ_CST);
        run(which);
    }
}

int um_set_signals(int enable)
{
    int before = signals_enabled;

    if (before == enable)
        return enable;
    if (enable)
        unblock_signals();
    else
        block_signals();
    return before;
}

int um_set_signals_trace(int enable)
{
    int before = signals_enabled;

    if (before == enable)
        return enable;
    if (enable)
        unblock_signals_trace();
    else
        block_signals_trace();
    return before;
}

int os_is_signal_stack(void)
{
    return l4_my_global_id() == layer_interrupt;
}

void set_sigstack(void *stack, int size)
{
    (void)stack, (void)size;
}

void timer_set_signal_handler(void)
{
}

void init_new_thread_signals(void)
{
}

void send_sigio_to_self(void)
{
}

/* --- the interrupt thread --------------------------------------------------------------------- */

static bool serial_message(l4_thread_id from, l4_tag tag)
{
    return !l4_tag_failed(tag) && from == input;
}

static l4_tag wait_for_something(l4_thread_id *from)
{
    l4_clock now = l4_system_clock();

    *from = L4_NIL_THREAD;
    if (!timer_runs)
        return l4_wait(from);
    if (timer_next <= now)
        return l4_wait_timeout(L4_ZERO_TIME, from);
    return l4_wait_timeout(l4_period((word_t)(timer_next - now)), from);
}

static word_t timer_due(void)
{
    l4_clock now = l4_system_clock();

    if (!timer_runs || timer_next > now)
        return 0;
    if (timer_interval)
        timer_next += timer_interval;
    else
        timer_runs = false;
    return PENDING_TIMER;
}

static void interrupt_loop(void *unused)
{
    (void)unused;
    for (;;) {
        l4_thread_id from;
        l4_tag tag = wait_for_something(&from);
        bool serial = serial_message(from, tag);
        word_t which = timer_due() | (serial ? PENDING_SERIAL : 0);

        if (which)
            interrupt(which);
        if (serial) { /* acknowledge */
            l4_set_mr(0, 0);
            l4_send_timeout(from, L4_ZERO_TIME);
        }
        if (which && __atomic_exchange_n(&idle, false, __ATOMIC_SEQ_CST)) {
            l4_set_mr(0, l4_make_tag(LABEL_WAKE, 0, 0));
            l4_send(layer_server);
        }
    }
}

void layer_start_interrupts(void)
{
    layer_interrupt = layer_place->thread(PRIORITY_INTERRUPT);
    if (!layer_interrupt)
        layer_panic("no thread for interrupts: error %u", l4_error_code());
    input = layer_place->input();
    if (!input)
        layer_panic("nobody says when something is typed: error %u", l4_error_code());
    l4_thread_start(layer_interrupt, interrupt_loop, NULL, cpu0_irqstack, UM_THREAD_SIZE);
}

/* --- time ------------------------------------------------------------------------------------- */

int os_timer_create(void)
{
    return 0;
}

static void set_timer(unsigned long long nsecs, bool again)
{
    timer_interval = again ? nsecs / 1000 : 0;
    timer_next = l4_system_clock() + nsecs / 1000;
    timer_runs = true;
    if (l4_my_global_id() == layer_interrupt)
        return;
    l4_set_mr(0, l4_make_tag(LABEL_POKE, 0, 0));
    l4_send(layer_interrupt);
}

int os_timer_set_interval(unsigned long long nsecs)
{
    set_timer(nsecs, true);
    return 0;
}

int os_timer_one_shot(unsigned long long nsecs)
{
    set_timer(nsecs, false);
    return 0;
}

void os_timer_disable(void)
{
    timer_runs = false;
}

long long os_nsecs(void)
{
    return (long long)l4_system_clock() * 1000;
}

/* The machine has no clock of days that the server may read: the epoch is when it started. */
long long os_persistent_clock_emulation(void)
{
    return os_nsecs();
}

/* Linux is idle with its interrupts off; it turns them on when this returns. Whoever clears `idle`
 * decides: the interrupt thread is to send a message, or is not. */
void os_idle_sleep(void)
{
    __atomic_store_n(&idle, true, __ATOMIC_SEQ_CST);
    if (!pending || !__atomic_exchange_n(&idle, false, __ATOMIC_SEQ_CST))
        l4_receive(layer_interrupt);
}
