// task.c: the client's side of the root server's protocol.
#include <l4/task.h>

#include <l4/boot.h>
#include <l4/ipc.h>
#include <l4/library.h>
#include <l4/protocols.h>
#include <l4/string.h>
#include <l4/thread.h>

#include "internal.h"

// Calls the root server with the message in the MRs. An l4_root_error.
static word_t call_root(void)
{
    const struct l4_start_area *area = l4_start_area();
    if (!area)
        return L4_ROOT_REFUSED;
    l4_tag tag = l4_call(area->root);
    return l4_tag_failed(tag) ? (word_t)L4_ROOT_REFUSED : l4_tag_label(tag);
}

word_t l4_root_serve(void)
{
    l4_msg_begin(L4_ROOT_SERVE);
    return call_root();
}

word_t l4_root_irq(word_t line, bool take)
{
    if (!l4_start_area()) {
        word_t done = take ? l4_irq_associate(line, l4_my_global_id()) : l4_irq_dissociate(line);
        return done ? L4_ROOT_OK : L4_ROOT_REFUSED;
    }
    l4_msg_begin(L4_ROOT_IRQ);
    l4_msg_word(line);
    l4_msg_word(take);
    return call_root();
}

word_t l4_root_task(word_t task, struct l4_task_info *info)
{
    l4_msg_begin(L4_ROOT_TASK);
    l4_msg_word(task);
    word_t error = call_root();
    if (error)
        return error;
    info->state = l4_mr(1);
    info->first = l4_mr(2);
    info->status = l4_mr(3);
    info->fault_count = l4_mr(4);
    memcpy(info->name, l4_utcb() + 5, L4_NAME_SIZE);
    return L4_ROOT_OK;
}

word_t l4_root_kill(word_t task)
{
    l4_msg_begin(L4_ROOT_KILL);
    l4_msg_word(task);
    return call_root();
}

word_t l4_root_start(word_t task)
{
    l4_msg_begin(L4_ROOT_START);
    l4_msg_word(task);
    return call_root();
}

word_t l4_root_counts(struct l4_root_counts *counts)
{
    l4_msg_begin(L4_ROOT_COUNTS);
    word_t error = call_root();
    if (!error)
        memcpy(counts, l4_utcb() + 1, sizeof(*counts));
    return error;
}

word_t l4_root_priority(l4_thread_id thread, word_t priority)
{
    l4_msg_begin(L4_ROOT_PRIORITY);
    l4_msg_word(thread);
    l4_msg_word(priority);
    return call_root();
}

void l4_root_finish(int status)
{
    if (l4_is_root())
        l4_machine_stop(l4_command_line, status);
    l4_msg_begin(L4_ROOT_FINISH);
    l4_msg_word((word_t)status);
    call_root();
    l4_sleep_for_ever();
}

// A thread of a privileged space makes the next one itself: numbers follow the first thread's.
static l4_thread_id create_privileged(void)
{
    static word_t created;
    word_t index = ++created;
    l4_thread_id me = l4_my_global_id();
    l4_thread_id thread = l4_global_id(l4_thread_number(me) + index, l4_thread_version(me));
    return l4_thread_create(thread, index) ? thread : L4_NIL_THREAD;
}

static l4_thread_id create_by_root(void)
{
    l4_msg_begin(L4_ROOT_THREAD);
    l4_msg_word(l4_tcr(L4_TCR_PAGER));
    return call_root() == L4_ROOT_OK ? l4_mr(1) : L4_NIL_THREAD;
}

l4_thread_id l4_spawn(void (*function)(void *), void *argument, void *stack, word_t size)
{
    l4_thread_id thread = l4_start_area() ? create_by_root() : create_privileged();
    if (!thread)
        return L4_NIL_THREAD;
    // A local id is the address of the thread's control block, which this space may write.
    word_t *utcb = (word_t *)(uintptr_t)l4_local_id_of(thread);
    if (!utcb)
        return L4_NIL_THREAD;
    utcb[L4_TCR_EXCEPTION_HANDLER] = l4_tcr(L4_TCR_EXCEPTION_HANDLER);
    return l4_thread_start(thread, function, argument, stack, size) ? thread : L4_NIL_THREAD;
}
