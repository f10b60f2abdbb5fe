/* exchange_registers.c: ExchangeRegisters, by which threads look at, stop, move and start each
 * other.
 *
 * EAX dest, ECX control, EDX SP, ESI IP, EDI FLAGS, EBX UserDefinedHandle, EBP pager; the same
 * registers deliver what they were before, EAX dest's id in the other form (local for global), ECX
 * its state.
 *
 *    in: 10 9 8 7 6 5 4 3 2 1 0       out:  2 1 0
 *        |x|d|h|p|u|f|i|s|S|R|H|           |S|R|H|
 *
 * h: H says whether to halt or to go on. p, u, f, i, s: set pager, handle, flags, IP, SP. R, S: end
 * an Ipc that is receiving, sending. d, to deliver the old values, is always taken as set. Out: it
 * was halted, receiving, sending. A thread that is told to halt in an Ipc halts when that is over.
 *
 * x, ours: a thread of a foreign space is to stop with an exception (foreign.c).
 *
 * Allowed on active threads of the caller's own space, and to the space of their pager. */
#include "api/ipc.h"
#include "api/ipc_transfer.h"
#include "api/scheduler.h"
#include "api/syscalls.h"
#include "arch/arch.h"
#include "state.h"

#define CONTROL_HALT          0x001u
#define CONTROL_ABORT_RECEIVE 0x002u
#define CONTROL_ABORT_SEND    0x004u
#define CONTROL_SET_SP        0x008u
#define CONTROL_SET_IP        0x010u
#define CONTROL_SET_FLAGS     0x020u
#define CONTROL_SET_HANDLE    0x040u
#define CONTROL_SET_PAGER     0x080u
#define CONTROL_SET_HALT      0x100u

#define STATE_HALTED_BIT  1u
#define STATE_RECEIVE_BIT 2u
#define STATE_SEND_BIT    4u

static bool is_receiving(const struct tcb *t)
{
    if (t->transfer)
        return t->transfer_receives;
    return t->state == WAITING || t->state == WAITING_KERNEL || t->state == LOCKED;
}

static bool is_sending(const struct tcb *t)
{
    if (t->transfer)
        return !t->transfer_receives;
    return t->state == POLLING || t->state == COPYING;
}

static word_t state_bits(const struct tcb *t)
{
    word_t bits = 0;

    if (t->state == HALTED || t->slow & SLOW_HALT)
        bits |= STATE_HALTED_BIT;
    if (is_receiving(t))
        bits |= STATE_RECEIVE_BIT;
    if (is_sending(t))
        bits |= STATE_SEND_BIT;
    return bits;
}

static struct tcb *find_dest(thread_id_t dest)
{
    struct tcb *me = current(), *t = thread_find_any(me->space, dest);

    if (!t || !t->utcb)
        return NULL;
    if (t->space == me->space)
        return t;
    struct tcb *pager = thread_find_any(t->space, t->space->foreign ? t->keeper : t->utcb->pager);
    return pager && pager->space == me->space ? t : NULL;
}

static void abort_ipc(struct tcb *t, word_t control)
{
    bool receive = control & CONTROL_ABORT_RECEIVE && is_receiving(t);
    bool send = control & CONTROL_ABORT_SEND && is_sending(t);

    if (!receive && !send)
        return;
    if (t->transfer)
        ipc_stop_transfer(ipc_transfer_sender(t), TRANSFER_BOTH(IPC_ABORTED));
    else if (t->state != COPYING) /* else its receiver has gone, and so it ends by itself */
        ipc_abort(t, ipc_error_word(receive ? RECEIVE_PHASE : SEND_PHASE, IPC_CANCELLED, 0));
}

static void stop(struct tcb *t)
{
    if (t->state == READY && !t->transfer) {
        ready_dequeue(t);
        t->state = HALTED;
    } else if (t->state != HALTED) {
        t->slow |= SLOW_HALT;
    }
}

static void go_on(struct tcb *t)
{
    t->slow &= ~(word_t)SLOW_HALT;
    if (t->state != HALTED)
        return;
    t->state = READY;
    ready_enqueue(t);
}

static void set_registers(struct tcb *t, word_t control, const struct trap_frame *in)
{
    struct trap_frame *f = thread_frame(t);

    if (control & CONTROL_SET_SP)
        f->esp = in->edx;
    if (control & CONTROL_SET_IP)
        f->eip = in->esi;
    if (control & CONTROL_SET_FLAGS)
        f->eflags = (f->eflags & ~USER_FLAGS_MASK) | (in->edi & USER_FLAGS_MASK);
    if (control & CONTROL_SET_HANDLE)
        t->utcb->user_handle = in->ebx;
    if (control & CONTROL_SET_PAGER)
        t->utcb->pager = in->ebp;
}

void sys_exchange_registers(struct trap_frame *f)
{
    struct tcb *me = current(), *t = find_dest(f->eax);
    struct trap_frame in = *f;

    if (!t) {
        me->utcb->error_code = L4_INVALID_THREAD;
        f->eax = NIL_THREAD;
        return;
    }
    const struct trap_frame *old = t == me ? &in : thread_frame(t);
    f->eax = id_is_local(in.eax) ? t->id : t->local_id;
    f->ecx = state_bits(t);
    f->edx = old->esp;
    f->esi = old->eip;
    f->edi = old->eflags;
    f->ebx = t->utcb->user_handle;
    f->ebp = t->utcb->pager;
    abort_ipc(t, in.ecx);
    set_registers(t, in.ecx, &in);
    if (in.ecx & CONTROL_SET_HALT) {
        if (in.ecx & CONTROL_HALT)
            stop(t);
        else
            go_on(t);
    }
    if (in.ecx & L4_EXREGS_RAISE && t->space->foreign)
        foreign_raise(t);
    if (me->state == HALTED)
        switch_to_next();
    else
        reschedule();
}
