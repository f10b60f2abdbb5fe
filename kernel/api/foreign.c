/* foreign.c: spaces of programs that know nothing of L4, such as the processes of a Linux server.
 * Ours, beyond X.2: SpaceControl makes a space foreign.
 *
 * Whatever stops such a program, a page fault too, is told to one thread, its keeper: the pager
 * that ThreadControl gave it, for its UTCB is memory that it can write. The message is
 *
 *    0xFFB0000D, EIP EFLAGS gs|vector fs|error EDI ESI EBP ESP EBX EDX ECX EAX address
 *
 * with the faulting address for vector 14, DR6 for vector 1; the answer is the same words, and may
 * bring pages with it. A keeper that wants the processor back says so with ExchangeRegisters: the
 * thread stops with vector 0x100, when it is in its program and not waiting for an answer already.
 * The layouts are in guests/lib/include/l4/foreign.h, and foreign_state.c has what else there is of
 * such a thread. */
#include "api/exception_words.h"
#include "api/ipc_short.h"

#define FOREIGN_WORDS (1 + L4_FOREIGN_WORDS)

/* Without a keeper the thread stops until ExchangeRegisters starts it. */
static void no_answer(struct tcb *t)
{
    if (t->ipc_result != ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0))
        return;
    t->state = HALTED;
    switch_to_next();
}

/* The thread's own %gs and %fs fill the words of vector and error. */
static void put_words(struct tcb *t, word_t vector, word_t error, vaddr_t address)
{
    word_t gs, fs;

    arch_foreign_segments(&gs, &fs);
    exception_put_words(L4_TAG_FOREIGN, thread_frame(t), vector | gs << 16, error | fs << 16,
                        t->kernel_mr);
    t->kernel_mr[FOREIGN_WORDS - 1] = address;
}

/* A shorter answer changes nothing. */
static void take_words(struct tcb *t)
{
    const word_t *words = t->kernel_mr;
    struct trap_frame *f = thread_frame(t);

    if (tag_untyped(words[0]) < L4_FOREIGN_WORDS)
        return;
    exception_take_words(words, f);
    f->eflags = (words[2] & FOREIGN_FLAGS_MASK) | FOREIGN_FLAGS;
    arch_foreign_set_segments(t, words[3] >> 16, words[4] >> 16);
}

static void ended(struct tcb *t, bool answered)
{
    if (answered)
        take_words(t);
    else
        no_answer(t);
}

HOT void foreign_exception(struct tcb *t, word_t vector, word_t error, vaddr_t address)
{
    bool answered;

    do {
        t->raised = false;
        put_words(t, vector, error, address);
        struct tcb *keeper = ipc_short_partner(t, t->keeper);
        if (keeper) {
            for (unsigned i = 0; i < FOREIGN_WORDS; i++)
                keeper->utcb->mr[i] = t->kernel_mr[i];
            answered = ipc_short_call(t, keeper, true);
        } else {
            answered = ipc_kernel_call(t, t->keeper, t->kernel_mr, FOREIGN_WORDS, true);
        }
        ended(t, answered);
        vector = L4_VECTOR_RAISED;
        error = address = 0;
    } while (t->raised);
}

/* Here goes on whose message arch/foreign_path.S has sent and whose answer came in another way. */
void foreign_answered(struct tcb *t)
{
    t->kernel_ipc = false;
    ended(t, t->ipc_result == 0);
    if (t->raised)
        foreign_exception(t, L4_VECTOR_RAISED, 0, 0);
}

static void raised(struct tcb *t)
{
    if (t->raised)
        foreign_exception(t, L4_VECTOR_RAISED, 0, 0);
}

void foreign_raise(struct tcb *t)
{
    t->raised = true;
    if (t->state == READY && !t->kernel_ipc && !t->transfer)
        arch_thread_call(t, raised);
}
