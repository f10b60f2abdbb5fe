// SPDX-License-Identifier: GPL-2.0-only
/* library.c: system calls that come as messages of the process's own, from the emulation page
 * (emulation.S), where the library's calls and the trampoline lead. Then its thread waits in an
 * Ipc; what is answered is the result alone, if the process goes on where it called. For anything
 * else, such as a signal's handler or another of Linux's threads in the same space, the thread is
 * recalled: its Ipc is ended and it stops with an exception, whose answer carries all registers. */
#include <as-layout.h>
#include <os.h>
#include <sysdep/ptrace.h>
#include <sysdep/ptrace_user.h>
#include "layer.h"

#define EFLAGS_TF 0x100u

extern char emulation_page[], emulation_fill[], emulation_sent[], emulation_server[];
extern char trampoline_page[], trampoline_fill[], trampoline_filled[];
extern unsigned long __kernel_vsyscall;

static bool page_is_used;
static word_t trampoline;

static word_t in_process(const char *place)
{
    return PROCESS_EMULATION + (word_t)(place - emulation_page);
}

void library_start(bool by_trampoline)
{
    *(word_t *)emulation_server = layer_server;
    page_is_used = true;
    if (by_trampoline)
        trampoline = in_process(trampoline_page);
    else
        __kernel_vsyscall = PROCESS_EMULATION;
}

bool library_prepare(l4_thread_id thread)
{
    return !trampoline || l4_foreign_state(thread, L4_STATE_TRAMPOLINE_SET, &trampoline) == 1;
}

/* --- the page --------------------------------------------------------------------------------- */

bool library_page(word_t address, word_t *frame)
{
    *frame = (word_t)(uintptr_t)emulation_page;
    return page_is_used && address - PROCESS_EMULATION < PAGE_BYTES;
}

/* From the first word of the message to the answer in its register, which the thread may not have
 * yet when it was stopped behind its Ipc. */
bool library_busy(struct uml_pt_regs *regs, word_t vector, word_t result)
{
    word_t at = UPT_IP(regs);

    if (vector != L4_VECTOR_RAISED && vector != VECTOR_PAGE_FAULT)
        return false;
    if (at == in_process(emulation_sent)) {
        UPT_BX(regs) = result;
        return true;
    }
    return at - in_process(emulation_fill) < (word_t)(emulation_sent - emulation_fill) ||
           at - in_process(trampoline_fill) < (word_t)(trampoline_filled - trampoline_fill);
}

/* --- calls ------------------------------------------------------------------------------------ */

bool library_call(l4_tag tag, struct uml_pt_regs *regs)
{
    const word_t *words = &l4_utcb()[1];

    if (tag != CALL_TAG)
        return false;
    UPT_AX(regs) = words[0];
    UPT_BX(regs) = words[1];
    UPT_CX(regs) = words[2];
    UPT_DX(regs) = words[3];
    UPT_SI(regs) = words[4];
    UPT_DI(regs) = words[5];
    UPT_BP(regs) = words[6];
    UPT_SP(regs) = words[7];
    regs->gp[HOST_GS] = words[8] & 0xFFFF;
    regs->gp[HOST_FS] = words[8] >> 16;
    UPT_IP(regs) = words[9];
    return true;
}

/* What a short answer leaves as it is. */
struct library_place library_place(const struct uml_pt_regs *regs)
{
    return (struct library_place){UPT_IP(regs), UPT_SP(regs), UPT_EFLAGS(regs) & EFLAGS_TF,
                                  regs->gp[HOST_GS] | regs->gp[HOST_FS] << 16};
}

bool library_can_answer(const struct uml_pt_regs *regs, const struct library_place *caller)
{
    struct library_place now = library_place(regs);

    return now.eip == caller->eip && now.esp == caller->esp && !now.trap &&
           now.segments == caller->segments;
}

void library_recall(l4_thread_id thread)
{
    struct l4_exchange x = {.thread = thread,
                            .control = L4_EXREGS_RAISE | L4_EXREGS_RECEIVE | L4_EXREGS_SEND};

    l4_exchange_registers(&x);
    if (l4_tag_failed(l4_receive(thread)))
        layer_panic("process thread %08x does not come back: error %u", thread, l4_error_code());
}
