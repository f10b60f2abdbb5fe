// SPDX-License-Identifier: GPL-2.0-only
/* standin_threads.c: the two threads in Linux's space, and interrupts, which the second one waits
 * for. An interrupt switches to its stack and back, in the middle of whatever the first one does;
 * meanwhile the processor's interrupt flag is off. */
#include <l4/ipc.h>
#include <l4/ports.h>
#include <l4/protocols.h>
#include "layer.h"
#include "standin.h"

#define TIMER_LINE  0u
#define SERIAL_LINE 4u
#define SPURIOUS    7u

#define PIC_COMMAND 0x20
#define PIC_MASK    0x21
#define PIC_EOI     0x20
#define PIT_0       0x40
#define PIT_CONTROL 0x43
#define PIT_ONESHOT 0x30 /* channel 0, both bytes, mode 0 */
#define PIT_MAX_US  54000u

/* What the second thread waits for. */
static bool poked, typed;
static bool woken; /* and the first one, when Linux is idle */
static word_t *linux_sp, *interrupt_sp;

/* --- interrupts ------------------------------------------------------------------------------- */

/* Until it waits again. Interrupts are off. */
static void run_second(void)
{
    if (!interrupt_sp) /* it has not started yet */
        return;
    standin_utcb = &STANDIN->utcb[1][64];
    standin_switch(&linux_sp, interrupt_sp);
    standin_utcb = &STANDIN->utcb[0][64];
}

void standin_interrupt(word_t line)
{
    if (line == SPURIOUS) /* or one of the second controller's, all of which are masked */
        return;
    l4_out8(PIC_COMMAND, PIC_EOI);
    typed |= line == SERIAL_LINE;
    run_second();
}

/* PUSHA's words, and what is pushed before them. */
struct pushed {
    word_t edi, esi, ebp, esp, ebx, edx, ecx, eax, vector, error, eip, cs, eflags;
};

/* KernelInterface [L4X2 1.1] is the one exception that Linux has. */
void standin_from_linux(struct pushed *p);
void standin_from_linux(struct pushed *p)
{
    word_t address;

    if (p->vector - VECTOR_LINES < 16) {
        standin_interrupt(p->vector - VECTOR_LINES);
        return;
    }
    if (p->vector == 6 && *(const uint16_t *)p->eip == 0x90F0) {
        p->eax = (word_t)(uintptr_t)&standin_kip;
        p->eip += 2;
        return;
    }
    __asm__ volatile("movl %%cr2, %0" : "=r"(address));
    layer_panic("exception %u, error %x, at %08x, address %08x", p->vector, p->error, p->eip,
                address);
}

/* The processor has put what went on before into Linux's TSS. */
void standin_double_fault(void)
{
    word_t address;

    __asm__ volatile("movl %%cr2, %0" : "=r"(address));
    layer_panic("double fault, at %08x, stack %08x, address %08x", STANDIN->tss[TSS_EIP],
                STANDIN->tss[TSS_ESP], address);
}

static void unmask(word_t line)
{
    l4_out8(PIC_MASK, l4_in8(PIC_MASK) & ~(1u << line));
}

static void set_timer(l4_clock microseconds)
{
    word_t us = microseconds < PIT_MAX_US ? (word_t)microseconds : PIT_MAX_US;
    word_t count = us * 1193 / 1000 + 1;

    l4_out8(PIT_CONTROL, PIT_ONESHOT);
    l4_out8(PIT_0, (uint8_t)count);
    l4_out8(PIT_0, (uint8_t)(count >> 8));
}

/* --- Ipc -------------------------------------------------------------------------------------- */

/* The second thread waits: for a message of the first one's, a line's, or the time. */
static l4_tag wait(l4_time timeout, l4_thread_id *from)
{
    l4_clock end = l4_system_clock() + l4_period_microseconds(timeout), now;

    for (;;) {
        if (poked) {
            poked = false;
            *from = layer_server;
            return 0;
        }
        if (typed) {
            typed = false;
            *from = l4_irq_thread(SERIAL_LINE);
            return L4_LABEL_INTERRUPT << 16;
        }
        if (timeout != L4_NEVER) {
            now = l4_system_clock();
            if (now >= end)
                break;
            set_timer(end - now);
        }
        standin_switch(&interrupt_sp, linux_sp);
    }
    l4_set_tcr(L4_TCR_ERROR_CODE, L4_IPC_RECEIVE_TIMEOUT);
    return L4_TAG_ERROR;
}

/* Linux is idle. */
static void await_wake(void)
{
    standin_off();
    while (!woken)
        __asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
    woken = false;
    standin_on();
}

/* sigma0's answer: the memory in MR1, where BR0 says. */
static l4_tag memory_request(void)
{
    word_t fpage = l4_mr(1), to = l4_br(0), flags = standin_lock();

    if (to != L4_COMPLETE_SPACE)
        to = l4_fpage_base(to);
    l4_set_mr(2, standin_give(fpage, to) ? fpage : L4_NIL_FPAGE);
    standin_unlock(flags);
    return 0;
}

static void send(l4_thread_id to)
{
    if (to == layer_server) {
        woken = true;
    } else if (to == layer_interrupt) {
        poked = true;
        standin_off();
        run_second();
        standin_on();
    }
}

static _Noreturn void sleep_for_ever(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

/* A message that a process gets is its start message, or its first. */
l4_tag standin_ipc(l4_thread_id to, l4_thread_id from_specifier, l4_time receive,
                   l4_thread_id *from)
{
    if (to == l4_sigma0_id(&standin_kip))
        return memory_request();
    if (to != L4_NIL_THREAD)
        send(to);
    if (from_specifier == L4_ANY_THREAD)
        return wait(receive, from);
    if (from_specifier == l4_my_local_id())
        sleep_for_ever();
    if (from_specifier == layer_interrupt)
        await_wake();
    return 0;
}

/* --- threads ---------------------------------------------------------------------------------- */

/* The second one starts, or a process is to stop. */
l4_thread_id l4_exchange_registers(struct l4_exchange *x)
{
    if (l4_thread_number(x->thread) >= STANDIN_PROCESS) {
        standin_raise(l4_thread_number(x->thread) - STANDIN_PROCESS);
        return x->thread;
    }
    interrupt_sp = (word_t *)(uintptr_t)x->sp - 5; /* what standin_switch pops */
    interrupt_sp[4] = x->ip;
    standin_off();
    run_second();
    standin_on();
    unmask(TIMER_LINE);
    return x->thread;
}

/* A process is made in two steps, of which the first does it. */
static bool change_process(word_t index, bool ends, bool begins)
{
    word_t flags = standin_lock();
    bool done = true;

    if (ends)
        standin_process_free(index);
    else if (begins)
        done = standin_process_new(index);
    standin_unlock(flags);
    return done;
}

/* Of a line, whose messages the second thread is to get; of that thread; or of a process. */
word_t l4_thread_control(l4_thread_id thread, l4_thread_id space, l4_thread_id scheduler,
                         l4_thread_id pager, word_t utcb_location)
{
    word_t number = l4_thread_number(thread);

    (void)scheduler, (void)pager;
    if (number >= STANDIN_PROCESS)
        return change_process(number - STANDIN_PROCESS, space == L4_NIL_THREAD,
                              utcb_location == L4_UTCB_UNCHANGED);
    if (number < 8)
        unmask(number);
    else
        STANDIN->utcb[1][64 + L4_TCR_MY_GLOBAL_ID] = thread;
    return 1;
}

word_t l4_space_control(l4_thread_id space, word_t control, l4_fpage kip_area, l4_fpage utcb_area,
                        l4_thread_id redirector, word_t *old_control)
{
    (void)space, (void)control, (void)kip_area, (void)utcb_area, (void)redirector;
    (void)old_control;
    return 1;
}
