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
#include "api/ipc_short.h"

#define TAG_FOREIGN   0xFFB0000Du
#define FOREIGN_WORDS 14
#define VECTOR_RAISED 0x100u

static void put_words(const struct trap_frame *f, word_t vector, word_t error, vaddr_t address,
                      word_t *words)
{
    words[0] = TAG_FOREIGN;
    words[1] = f->eip;
    words[2] = f->eflags;
    words[3] = vector;
    words[4] = error;
    words[5] = f->edi;
    words[6] = f->esi;
    words[7] = f->ebp;
    words[8] = f->esp;
    words[9] = f->ebx;
    words[10] = f->edx;
    words[11] = f->ecx;
    words[12] = f->eax;
    words[13] = address;
}

static void take_words(const word_t *words, struct trap_frame *f)
{
    f->eip = words[1];
    f->eflags = (f->eflags & ~USER_FLAGS_MASK) | (words[2] & USER_FLAGS_MASK);
    f->edi = words[5];
    f->esi = words[6];
    f->ebp = words[7];
    f->esp = words[8];
    f->ebx = words[9];
    f->edx = words[10];
    f->ecx = words[11];
    f->eax = words[12];
}

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
        put_words(f, vector, error, address, t->kernel_mr);
        keeper = ipc_short_partner(t, t->keeper);
        if (keeper) {
            for (unsigned i = 0; i < FOREIGN_WORDS; i++)
                keeper->utcb->mr[i] = t->kernel_mr[i];
            answered = ipc_short_call(t, keeper, true);
        } else {
            answered = ipc_kernel_call(t, t->keeper, t->kernel_mr, FOREIGN_WORDS, true);
        }
        if (answered)
            take_words(t->kernel_mr, f);
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
