/* scheduler.c: who runs next.
 *
 * The thread of the highest priority that is ready runs; threads of one priority take turns, each
 * for its timeslice. The first ready thread is found by a bitmap of the queues; kernel.ready_top,
 * the number of the highest queue that is not empty, is exact at all times, because the short IPC
 * compares it.
 *
 * A thread may ask not to be preempted for a short while [L4X2 5.10]: with the flag d in its
 * UTCB, no thread up to its sensitive priority takes the processor from it until its maximal
 * delay is used up; the flag I tells it that one waits. With the flag s, each preemption is told
 * to its scheduler by a message. */
#include "api/scheduler.h"

#include "api/ipc.h"
#include "arch/arch.h"
#include "debugger/print.h"
#include "state.h"

void scheduler_init(void)
{
    kernel.ready_top = (word_t)-1;
    kernel.last_charge = now_us();
}

/* --- ready queues ----------------------------------------------------------------------------- */
static int ready_top(void)
{
    return (int)kernel.ready_top;
}

static void find_ready_top(void)
{
    for (int i = PRIORITIES / 32 - 1; i >= 0; i--)
        if (kernel.ready_bits[i]) {
            kernel.ready_top = (word_t)(i * 32 + 31 - __builtin_clz(kernel.ready_bits[i]));
            return;
        }
    kernel.ready_top = (word_t)-1;
}

HOT void ready_enqueue(struct tcb *t)
{
    struct tcb *first = kernel.ready[t->priority];

    ASSERT(!t->ready_next && t != kernel.idle);
    if (first) {
        t->ready_next = first;
        t->ready_prev = first->ready_prev;
        first->ready_prev->ready_next = t;
        first->ready_prev = t;
        return;
    }
    t->ready_next = t->ready_prev = t;
    kernel.ready[t->priority] = t;
    kernel.ready_bits[t->priority / 32] |= 1u << t->priority % 32;
    if ((int)t->priority > ready_top())
        kernel.ready_top = t->priority;
}

void ready_enqueue_first(struct tcb *t)
{
    ready_enqueue(t);
    kernel.ready[t->priority] = t;
}

HOT void ready_dequeue(struct tcb *t)
{
    if (!t->ready_next)
        return;
    if (t->ready_next == t) {
        kernel.ready[t->priority] = NULL;
        kernel.ready_bits[t->priority / 32] &= ~(1u << t->priority % 32);
        if ((int)t->priority == ready_top())
            find_ready_top();
    } else {
        t->ready_next->ready_prev = t->ready_prev;
        t->ready_prev->ready_next = t->ready_next;
        if (kernel.ready[t->priority] == t)
            kernel.ready[t->priority] = t->ready_next;
    }
    t->ready_next = t->ready_prev = NULL;
}

struct tcb *ready_highest(void)
{
    return ready_top() < 0 ? kernel.idle : kernel.ready[kernel.ready_top];
}

/* --- time that threads use up ----------------------------------------------------------------- */
static usec_t less(usec_t left, word_t used)
{
    return left > used ? left - used : 0;
}

HOT static void charge(struct tcb *t)
{
    usec_t now = now_us();
    word_t used = (word_t)(now - kernel.last_charge); /* the clock ticks more often than it wraps */

    kernel.last_charge = now;
    if (t == kernel.donee)
        kernel.donated_us = less(kernel.donated_us, used);
    else if (t->timeslice_us)
        t->timeslice_left_us = less(t->timeslice_left_us, used);
    if (t->quantum_us)
        t->quantum_left_us = less(t->quantum_left_us, used);
    if (t->utcb && t->utcb->preempt_flags & PREEMPT_PENDING)
        t->delay_left_us = (word_t)less(t->delay_left_us, used);
}

/* --- switching -------------------------------------------------------------------------------- */
void switch_to(struct tcb *to)
{
    struct tcb *from = current();

    ASSERT(!to->ready_next);
    charge(from);
    if (to == from)
        return;
    if (kernel.donee != to)
        kernel.donee = NULL;
    kernel.current = to;
    arch_switch(from, to);
}

void switch_to_next(void)
{
    struct tcb *next = ready_highest();

    ready_dequeue(next);
    switch_to(next);
}

HOT void switch_from_ipc(void)
{
    struct tcb *me = current(), *next = ready_highest();

    ready_dequeue(next);
    charge(me);
    if (kernel.donee != next)
        kernel.donee = NULL;
    arch_switch_ipc(me, next);
}

void switch_from_blocked(struct tcb *partner)
{
    if (partner && (int)partner->priority >= ready_top()) {
        if (kernel.donee != partner)
            kernel.donee = NULL;
        arch_switch(current(), partner); /* on the time of the one that blocks */
        return;
    }
    if (partner)
        ready_enqueue(partner);
    switch_to_next();
}

/* --- preemption ------------------------------------------------------------------------------- */
/* A thread that runs on donated time has its donor's priority for so long. */
static int running_priority(const struct tcb *t)
{
    if (t == kernel.idle)
        return -1;
    if (t == kernel.donee && kernel.donated_us && kernel.donated_priority > t->priority)
        return (int)kernel.donated_priority;
    return (int)t->priority;
}

static bool delays_preemption(struct tcb *t)
{
    if (!t->utcb || !(t->utcb->preempt_flags & PREEMPT_DELAY))
        return false;
    if (ready_top() > (int)t->sensitive_priority)
        return false;
    if (t->delay_left_us == 0) {
        t->delay_left_us = t->delay_max_us;
        return false;
    }
    t->utcb->preempt_flags |= PREEMPT_PENDING;
    return true;
}

/* Tells t's scheduler that t was preempted or has used up its quantum. True: t goes on at once;
 * false: when its scheduler has received the message. */
static bool tell_scheduler(struct tcb *t)
{
    usec_t now = now_us();
    word_t words[] = {TAG_PREEMPTION, (word_t)now, (word_t)(now >> 32)};

    return t->scheduler == t->id || ipc_kernel_send(t, t->scheduler, words, 3);
}

/* The running thread t has to let others run; it stays first of its queue or becomes the last. */
static void preempt(struct tcb *t, bool last)
{
    bool signal = t->utcb && t->utcb->preempt_flags & PREEMPT_SIGNAL && t->state == READY
                  && !t->kernel_ipc;

    if (!signal || tell_scheduler(t)) {
        if (last)
            ready_enqueue(t);
        else
            ready_enqueue_first(t);
    }
    switch_to_next();
}

HOT void reschedule(void)
{
    struct tcb *t = current();

    if (ready_top() <= running_priority(t))
        return;
    if (t == kernel.idle)
        switch_to_next();
    else if (!delays_preemption(t))
        preempt(t, false);
}

HOT void wake(struct tcb *t)
{
    ready_enqueue(t);
    reschedule();
}

void scheduler_forget(struct tcb *dying)
{
    ready_dequeue(dying);
    if (kernel.donee == dying)
        kernel.donee = NULL;
}

/* --- the clock's interrupt -------------------------------------------------------------------- */
/* The total quantum is used up: t stops until Schedule gives it another; its scheduler is told.
 * In the middle of a string transfer t may go on to its end. */
static bool quantum_exhausted(struct tcb *t)
{
    if (!t->quantum_us || t->quantum_left_us || t->state != READY || t->kernel_ipc)
        return false;
    t->out_of_quantum = true;
    t->slow |= SLOW_HALT;
    if (tell_scheduler(t)) {
        t->slow &= ~(word_t)SLOW_HALT;
        t->state = HALTED;
    }
    switch_to_next();
    return true;
}

void scheduler_tick(void)
{
    struct tcb *t = current();
    usec_t now = now_us();

    while (kernel.timeouts && kernel.timeouts->timeout_at <= now) {
        struct tcb *late = kernel.timeouts;

        timeout_cancel(late);
        ipc_timed_out(late);
    }
    charge(t);
    if (t != kernel.idle) {
        if (quantum_exhausted(t))
            return;
        if (t->timeslice_us && t->timeslice_left_us == 0 && t != kernel.donee) {
            t->timeslice_left_us = t->timeslice_us;
            if (ready_top() >= (int)t->priority && !delays_preemption(t)) {
                preempt(t, true);
                return;
            }
        }
        if (t == kernel.donee && kernel.donated_us == 0)
            kernel.donee = NULL;
    }
    reschedule();
}
