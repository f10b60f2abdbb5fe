/* scheduler.h: who runs next, and what time it is.
 *
 * A ready queue holds the threads that are READY and not running; the running thread is in none.
 * So an IPC that blocks one thread and runs its partner touches no queue. */
#pragma once

#include "api/thread.h"

void scheduler_init(void);

void ready_enqueue(struct tcb *t);      /* to the end of its priority's queue */
void ready_enqueue_first(struct tcb *t);
void ready_dequeue(struct tcb *t);      /* no effect if it is in none */
struct tcb *ready_highest(void);        /* the idle thread if there is no other */

/* Gives the processor to `to`; the caller has put the running thread where it belongs. Returns when
 * somebody switches back. */
void switch_to(struct tcb *to);
void switch_to_next(void);              /* to the highest ready thread */
/* The running thread waits in an Ipc of its own, as arch_switch_ipc has it. */
void switch_from_ipc(void) __attribute__((noreturn));
/* The running thread has blocked: runs `partner`, READY and in no queue (or NULL), unless a
 * thread above it is ready. */
void switch_from_blocked(struct tcb *partner);
void reschedule(void);  /* threads have become ready: runs one if it is above the running thread */
void scheduler_forget(struct tcb *dying);

/* t has become READY: runs it at once if it is above the running thread, else queues it. */
void wake(struct tcb *t);

/* --- time ------------------------------------------------------------------------------------- */
usec_t now_us(void);
/* When a period or point in time that starts now is over; 0 for never [L4X2 4.6]. */
usec_t time_deadline(l4_time_t t, usec_t now);
usec_t time_period_us(l4_time_t t);     /* of a period; 0 for never */
bool time_is_zero(l4_time_t t);         /* do not wait at all */
bool time_is_point(l4_time_t t);
l4_time_t time_format(usec_t us);       /* the period that is nearest to it */

void timeout_set(struct tcb *t, usec_t at);
void timeout_cancel(struct tcb *t);

/* The clock's interrupt: fires timeouts (ipc_timed_out), charges the running thread's timeslice and
 * total quantum, preempts. */
void scheduler_tick(void);
