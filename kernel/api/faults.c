/* faults.c: page faults and exceptions, as messages [L4X2 5.2, 5.3].
 *
 * The kernel sends on the thread's behalf, to its pager or its exception handler as its UTCB names
 * them at that moment, and waits for the answer of just that thread, both without timeout. Nothing
 * of this shows in the thread's MRs, BRs and error word.
 *
 *   page fault  0xFFE00002 | rights << 16, address, IP      answer: any; its map items take effect
 *   exception   0xFFB0000C, EIP EFLAGS vector error EDI     answer: the same twelve words; the
 *               ESI EBP ESP EBX EDX ECX EAX                   thread goes on with them
 *
 * When ExchangeRegisters ends the exchange, the instruction is tried again, or the thread goes
 * on where ExchangeRegisters put it. Without a pager or handler the thread halts. */
#include "api/exception_words.h"
#include "api/ipc_short.h"

/* The running thread stops until ExchangeRegisters starts it. */
static void halt(struct tcb *t)
{
    t->state = HALTED;
    switch_to_next();
}

static void halt_without_partner(struct tcb *t)
{
    if (t->ipc_result == ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0))
        halt(t);
}

HOT void page_fault_ipc(struct tcb *t, vaddr_t address, word_t ip, bool write)
{
    msg_tag_t tag = TAG_PAGE_FAULT | (write ? RIGHT_W : RIGHT_R) << 16;
    struct tcb *pager = ipc_short_partner(t, t->utcb->pager);

    if (pager) {
        pager->utcb->mr[0] = tag;
        pager->utcb->mr[1] = address;
        pager->utcb->mr[2] = ip;
        ipc_short_call(t, pager, true);
    } else {
        word_t words[13] = {tag, address, ip};

        if (!ipc_kernel_call(t, t->utcb->pager, words, 3, true))
            halt_without_partner(t);
    }
}

HOT void exception_ipc(struct trap_frame *f, word_t vector, word_t error)
{
    struct tcb *t = current(), *handler = ipc_short_partner(t, t->utcb->exception_handler);
    word_t words[13];

    if (handler) {
        /* What an answer leaves out stays as it is. */
        exception_put_words(TAG_EXCEPTION, f, vector, error, t->kernel_mr);
        exception_put_words(TAG_EXCEPTION, f, vector, error, handler->utcb->mr);
        if (ipc_short_call(t, handler, false))
            exception_take_words(t->kernel_mr, f);
        return;
    }
    exception_put_words(TAG_EXCEPTION, f, vector, error, words);
    if (ipc_kernel_call(t, t->utcb->exception_handler, words, 13, false))
        exception_take_words(words, f);
    else
        halt_without_partner(t);
}
