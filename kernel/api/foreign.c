/* foreign.c: spaces of programs that know nothing of L4, such as the processes of a Linux server.
 * Ours, beyond X.2: SpaceControl makes a space foreign.
 *
 * Whatever stops such a program, a page fault too, is told to one thread, its keeper: the pager
 * that ThreadControl gave it, for its UTCB is memory that it can write. The message is
 *
 *    0xFFB0000D, EIP EFLAGS vector error EDI ESI EBP ESP EBX EDX ECX EAX address
 *
 * with the faulting address for vector 14; the answer is the same words, and may bring pages with
 * it. A keeper that wants the processor back says so with ExchangeRegisters: the thread stops with
 * vector 0x100, when it is in its program and not waiting for an answer already. */
#include "api/exception_words.h"
#include "api/ipc_short.h"

#define TAG_FOREIGN   0xFFB0000Du
#define FOREIGN_WORDS 14
#define VECTOR_RAISED 0x100u

/* Without a keeper the thread stops until ExchangeRegisters starts it. */
static void no_answer(struct tcb *t)
{
    if (t->ipc_result != ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0))
        return;
    t->state = HALTED;
    switch_to_next();
}

HOT void foreign_exception(struct tcb *t, word_t vector, word_t error, vaddr_t address)
{
    struct trap_frame *f = thread_frame(t);
    struct tcb *keeper;
    bool answered;

    do {
        t->raised = false;
        exception_put_words(TAG_FOREIGN, f, vector, error, t->kernel_mr);
        t->kernel_mr[FOREIGN_WORDS - 1] = address;
        keeper = ipc_short_partner(t, t->keeper);
        if (keeper) {
            for (unsigned i = 0; i < FOREIGN_WORDS; i++)
                keeper->utcb->mr[i] = t->kernel_mr[i];
            answered = ipc_short_call(t, keeper, true);
        } else {
            answered = ipc_kernel_call(t, t->keeper, t->kernel_mr, FOREIGN_WORDS, true);
        }
        if (answered)
            exception_take_words(t->kernel_mr, f);
        else
            no_answer(t);
        vector = VECTOR_RAISED;
        error = address = 0;
    } while (t->raised);
}

static void raised(struct tcb *t)
{
    if (t->raised)
        foreign_exception(t, VECTOR_RAISED, 0, 0);
}

void foreign_raise(struct tcb *t)
{
    t->raised = true;
    if (t->state == READY && !t->kernel_ipc && !t->transfer)
        arch_thread_call(t, raised);
}
