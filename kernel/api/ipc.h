/* ipc.h: messages between threads: the general path, in C. The path that short messages take is
 * arch/fast_path.S; it leaves everything unusual to ipc(). */
#pragma once

#include "api/thread.h"

/* The whole system call for the running thread: send phase if `to` is not nil, receive phase if
 * `from` is not nil. MRs are in its UTCB, MR0 included. Returns whom the message came from
 * (NIL_THREAD after an error); MR0's E flag and ErrorCode tell of errors. */
thread_id_t ipc(thread_id_t to, thread_id_t from, word_t timeouts);

/* A message of the kernel on behalf of the running thread t, and the answer to it; both are kept
 * in the thread's control block, so that the program's MRs stay as they are. `words` are the
 * message, MR0 .. MR13 at most; those that the answer has replace them, its items are mapped if
 * `accept_map`. False: there is no such partner, or it went away, or the exchange was aborted by
 * ExchangeRegisters: t->ipc_result tells. */
bool ipc_kernel_call(struct tcb *t, thread_id_t partner, word_t *words, unsigned count,
                     bool accept_map);

/* A message without answer from the interrupt or preempted thread t. True: delivered, t goes on;
 * its receiver is in a ready queue. False: t is POLLING now, and will be READY when it has been
 * received. */
bool ipc_kernel_send(struct tcb *t, thread_id_t partner, const word_t *words, unsigned count);

/* Ends the Ipc that t blocks in with this error (bits as in ErrorCode) and makes t READY, in its
 * queue; the caller calls reschedule() when it is done with all of them. */
void ipc_abort(struct tcb *t, word_t error);
void ipc_timed_out(struct tcb *t); /* called by the queue of timeouts */
void ipc_partner_gone(struct tcb *dying); /* wakes all who send to it or wait for it */
void ipc_forget(struct tcb *dying);       /* takes it out of the IPC that it is in itself */
/* SpaceControl: blocked sends of its threads start anew */
void ipc_redirector_changed(struct space *s);
void ipc_thread_appeared(void); /* redirected messages may have waited for it */

/* A new thread waits for the message of its pager that starts it. */
void ipc_await_start(struct tcb *t, thread_id_t pager);

/* The results of an Ipc that is over, from t's UTCB to the registers of its frame. */
void ipc_registers(struct tcb *t);

/* --- faults.c --------------------------------------------------------------------------------- */
/* A user page fault that only the pager can resolve: address and ip as the program sees them. */
void page_fault_ipc(struct tcb *t, vaddr_t address, word_t ip, bool write);
/* Everything else that a program did wrong: to its exception handler [L4X2 5.3]. */
void exception_ipc(struct trap_frame *f, word_t vector, word_t error);

/* --- foreign.c -------------------------------------------------------------------------------- */
/* Any exception of a program in a foreign space; `address` of a page fault. */
void foreign_exception(struct tcb *t, word_t vector, word_t error, vaddr_t address);
void foreign_answered(struct tcb *t);
void foreign_raise(struct tcb *t); /* t is to stop with an exception as soon as it may */

/* --- interrupts.c ----------------------------------------------------------------------------- */
void interrupt_fired(word_t line); /* masked and acknowledged at the PIC already */
enum l4_error interrupt_control(thread_id_t irq, thread_id_t space, thread_id_t handler);
/* `by` sent an IPC to the interrupt thread; false: it is not its handler's space. */
bool interrupt_acknowledged(struct tcb *irq, struct tcb *by);
