/* interrupts.c: interrupt lines as threads [L4X2 5.4].
 *
 * Line i is the thread with number i, version 1. ThreadControl gives it a handler as its pager.
 * When the line fires, the kernel masks it and sends 0xFFF00000 to the handler as from that thread;
 * the message queues while the handler is busy. An IPC from the handler to the interrupt thread
 * acknowledges it: the line is unmasked, and what it latched meanwhile arrives at once.
 *
 * An interrupt thread has a control block so that it can queue as a sender and be scheduled by
 * its id, but it never runs: it is POLLING with its message, else WAITING_KERNEL. */
#include "api/ipc.h"
#include "api/scheduler.h"
#include "platform/platform.h"
#include "state.h"

#define CASCADE_LINE 2

static bool line_available(word_t line)
{
    return line != CASCADE_LINE && line != CLOCK_LINE;
}

static void detach(word_t line, struct tcb *irq)
{
    pic_mask(line);
    kernel.interrupt_handler[line] = NIL_THREAD;
    if (irq)
        thread_delete(irq);
}

static enum l4_error attach(word_t line, struct tcb *irq, thread_id_t handler)
{
    struct tcb *h = thread_find(handler);

    if (!h || !h->utcb)
        return L4_INVALID_THREAD;
    if (!irq && !(irq = thread_new(global_id(line, 1), NULL)))
        return L4_NO_MEMORY;
    if (irq->state == POLLING) {
        ipc_forget(irq); /* the former handler did not take it, and the new one knows of no such */
    }
    irq->state = WAITING_KERNEL;
    irq->partner = NIL_THREAD;
    irq->irq_masked = false;
    irq->kernel_ipc = true;
    kernel.interrupt_handler[line] = handler;
    pic_unmask(line);
    return L4_OK;
}

enum l4_error interrupt_control(thread_id_t id, thread_id_t space, thread_id_t handler)
{
    word_t line = thread_number(id);
    struct tcb *irq = thread_by_number(line);

    if (id != global_id(line, 1) || space != id || !line_available(line))
        return L4_INVALID_THREAD;
    if (handler == NIL_THREAD)
        return L4_OK;
    if (handler != id)
        return attach(line, irq, handler);
    detach(line, irq);
    return L4_OK;
}

void interrupt_fired(word_t line)
{
    struct tcb *irq = thread_by_number(line);
    const word_t words[] = {TAG_INTERRUPT};

    if (!irq || irq->irq_masked)
        return;
    irq->irq_masked = true;
    ipc_kernel_send(irq, kernel.interrupt_handler[line], words, 1);
    reschedule();
}

bool interrupt_acknowledged(struct tcb *irq, struct tcb *by)
{
    word_t line = thread_number(irq->id);
    struct tcb *handler = thread_find(kernel.interrupt_handler[line]);

    if (!handler || handler->space != by->space)
        return false;
    if (irq->irq_masked && irq->state != POLLING) {
        irq->irq_masked = false;
        pic_unmask(line);
    }
    return true;
}
