/* ipc_transfer.h: the copying of a message, as ipc.c, ipc_items.c and ipc_string.c share it. */
#pragma once

#include "api/thread.h"

/* How a transfer ended, for its two sides: the sender's enum ipc_error in the low byte, the
 * receiver's above it. They differ only when a transfer timeout is over. 0: well. */
#define TRANSFER_CODES(sender, receiver) ((word_t)(sender) | (word_t)(receiver) << 8)
#define TRANSFER_BOTH(code)              TRANSFER_CODES(code, code)

/* The words of t's message: in its UTCB, or the kernel's own. */
static inline word_t *ipc_message(struct tcb *t)
{
    return t->kernel_ipc ? t->kernel_mr : t->utcb->mr;
}
#define KERNEL_WORDS_MAX 13 /* MR1 .. MR13 */

/* Copies s's message to r: words, then items. With strings in it s must be the running thread,
 * COPYING, and r LOCKED, and this may take a while: when it returns, s->transfer is NULL if r
 * has gone. The number of string bytes moved is in s->transfer_bytes. */
word_t ipc_transfer(struct tcb *s, struct tcb *r);
bool ipc_has_strings(struct tcb *s);

/* The compound string that starts at word `index` of s's typed words, which end before `end`,
 * goes into the compound buffer at BR *buffer; *buffer becomes the next one, 0 if there is none. */
word_t ipc_copy_string(struct tcb *s, struct tcb *r, unsigned index, unsigned end,
                       unsigned *buffer);

/* Index after the compound string at `index`; 0 if it is malformed or reaches beyond `end`. */
unsigned ipc_string_end(const word_t *mr, unsigned index, unsigned end);

/* Ends the transfer that s is the sender of: both sides get their code as soon as s runs again. */
void ipc_stop_transfer(struct tcb *s, word_t codes);
/* t, one of the two sides, dies. */
void ipc_forget_transfer(struct tcb *dying);
/* The sender of the transfer that t takes part in. */
struct tcb *ipc_transfer_sender(struct tcb *t);

/* From ipc.c: the error of t's Ipc, and its end: READY, or HALTED if it was to halt. */
void ipc_fail(struct tcb *t, word_t error);
void ipc_over(struct tcb *t);

/* Where r accepts map and grant items; FPAGE_NIL: nowhere. */
static inline fpage_t ipc_window(const struct tcb *r)
{
    if (r->kernel_ipc)
        return r->kernel_accepts_map ? FPAGE_COMPLETE : FPAGE_NIL;
    return utcb_br(r->utcb, 0) & ~0xFu; /* the flags: strings are accepted, and reserved ones */
}

/* mapping_quick.c: for the fast path, which has loaded DS alone: the item goes from the running
 * thread to r. False: it is no map item, not accepted, or not a usual one; the general path does it
 * then. */
#define IPC_REGISTERS __attribute__((regparm(2))) /* arguments in EAX and EDX */
IPC_REGISTERS bool ipc_map_item(struct tcb *r, const word_t item[2]);

/* --- ipc_items.c and ipc_short.c -------------------------------------------------------------- */
/* Carries out the items of a message that has no others than map and grant items, all of which the
 * receiver allows; false: it has, and nothing has happened, or memory ran out. */
bool ipc_map_items(struct tcb *s, struct tcb *r, msg_tag_t tag);

/* The whole Ipc of the running thread, if it is one that ipc_short.c knows; then it does not
 * return but goes on as from the fast path. False: it is another one, and nothing has happened. */
bool ipc_short(struct tcb *me, thread_id_t to, thread_id_t from, word_t timeouts);
