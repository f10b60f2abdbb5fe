/* faults.c: page faults and exceptions, as messages [L4X2 5.2, 5.3].
 *
 * The kernel sends on the thread's behalf, to its pager or its exception handler as its UTCB names them
 * at that moment, and waits for the answer of just that thread, both without timeout. Nothing of this
 * shows in the thread's MRs, BRs and error word.
 *
 *   page fault  0xFFE00002 | rights << 16, address, IP      answer: any; its map items take effect
 *   exception   0xFFB0000C, EIP EFLAGS vector error EDI     answer: the same twelve words; the thread
 *               ESI EBP ESP EBX EDX ECX EAX                   goes on with them
 *
 * When ExchangeRegisters ends the exchange, the instruction is tried again, or the thread goes on where
 * ExchangeRegisters put it. Without a pager or handler the thread halts. */
#include "api/ipc.h"
#include "api/scheduler.h"
#include "arch/arch.h"
#include "state.h"

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

void page_fault_ipc(struct tcb *t, vaddr_t address, word_t ip, bool write)
{
    word_t rights = write ? RIGHT_W : RIGHT_R;
    word_t words[13] = {TAG_PAGE_FAULT | rights << 16, address, ip};

    if (!ipc_kernel_call(t, t->utcb->pager, words, 3, true))
        halt_without_partner(t);
}

void exception_ipc(struct trap_frame *f, word_t vector, word_t error)
{
    struct tcb *t = current();
    word_t words[13] = {
        TAG_EXCEPTION, f->eip, f->eflags, vector, error,  f->edi, f->esi,
        f->ebp,        f->esp, f->ebx,    f->edx, f->ecx, f->eax,
    };

    if (!ipc_kernel_call(t, t->utcb->exception_handler, words, 13, false)) {
        halt_without_partner(t);
        return;
    }
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
