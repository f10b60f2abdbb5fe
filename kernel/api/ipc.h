/* ipc.h: messages between threads: the general path, in C. The path that short messages take is
 * arch/fast_path.S; it leaves everything unusual to ipc(). */
#pragma once

#include "api/thread.h"

/* The whole system call for the running thread: send phase if `to` is not nil, receive phase if `from`
 * is not nil. MRs are in its UTCB, MR0 included. Returns whom the message came from (NIL_THREAD after
 * an error); MR0's E flag and ErrorCode tell of errors. */
thread_id_t ipc(thread_id_t to, thread_id_t from, word_t timeouts);

/* A message of the kernel on behalf of the running thread t, and the answer to it: saves and restores
 * what the program had in its MRs. `words` become MR0 .. MR12 at most; the answer's are returned in
 * place, its items are mapped if `accept_map`. False: there is no such partner, or it went away, or the
 * exchange was aborted by ExchangeRegisters. */
bool ipc_kernel_call(struct tcb *t, thread_id_t partner, word_t words[13], unsigned count,
                     bool accept_map);

/* A message without answer from the interrupt or preempted thread t; false: not delivered at once. */
bool ipc_kernel_send(struct tcb *t, thread_id_t partner, const word_t *words, unsigned count);

/* Ends the Ipc that t blocks in with this error (bits as in ErrorCode) and makes t READY. */
void ipc_abort(struct tcb *t, word_t error);
void ipc_timed_out(struct tcb *t); /* called by the queue of timeouts */
void ipc_partner_gone(struct tcb *dying); /* wakes all who send to it or wait for it */

/* --- faults.c ------------------------------------------------------------------------------------- */
/* A user page fault that only the pager can resolve: address and ip as the program sees them. */
void page_fault_ipc(struct tcb *t, vaddr_t address, word_t ip, bool write);
/* Everything else that a program did wrong: to its exception handler [L4X2 5.3]. */
void exception_ipc(struct trap_frame *f, word_t vector, word_t error);

/* --- interrupts.c ---------------------------------------------------------------------------------- */
void interrupt_fired(word_t line); /* masked and acknowledged at the PIC already */
enum l4_error interrupt_control(thread_id_t irq, thread_id_t space, thread_id_t handler);
void interrupt_acknowledged(struct tcb *irq); /* an IPC was sent to the interrupt thread */
