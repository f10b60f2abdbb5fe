// thread.h: making threads and spaces. These need a privileged space (root server, sigma0); other
// tasks ask the root server (task.h). UTCBs are counted from the start of the running space's UTCB
// area, whose number 0 is the first thread's.
//
//     static word_t stack[1024];
//     l4_thread_id t = l4_global_id(l4_thread_number(l4_my_global_id()) + 1, 2);
//     l4_thread_create(t, 1);                            active, in this space, halted in a receive
//     l4_thread_start(t, function, argument, stack, sizeof(stack));
#pragma once

#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/protocols.h>
#include <l4/syscalls.h>
#include <l4/types.h>
#include <l4/utcb.h>

// ---- ExchangeRegisters in its usual uses; all return the thread's other id form, nil on error -

static inline l4_thread_id l4_exregs(l4_thread_id thread, word_t control, word_t sp, word_t ip)
{
    struct l4_exchange x = {.thread = thread, .control = control, .sp = sp, .ip = ip};
    return l4_exchange_registers(&x);
}

static inline l4_thread_id l4_global_id_of(l4_thread_id thread)
{
    return l4_is_global_id(thread) ? thread : l4_exregs(thread, 0, 0, 0);
}

static inline l4_thread_id l4_local_id_of(l4_thread_id thread)
{
    return l4_is_global_id(thread) ? l4_exregs(thread, 0, 0, 0) : thread;
}

static inline l4_thread_id l4_thread_stop(l4_thread_id thread)
{
    return l4_exregs(thread, L4_EXREGS_DELIVER | L4_EXREGS_APPLY_HALT | L4_EXREGS_HALT, 0, 0);
}

// Continues a stopped thread, and aborts whatever IPC it was in.
static inline l4_thread_id l4_thread_continue(l4_thread_id thread)
{
    return l4_exregs(thread,
                     L4_EXREGS_APPLY_HALT | L4_EXREGS_SEND | L4_EXREGS_RECEIVE, 0, 0);
}

// Continues a stopped thread and leaves its IPC alone.
static inline l4_thread_id l4_thread_unhalt(l4_thread_id thread)
{
    return l4_exregs(thread, L4_EXREGS_APPLY_HALT, 0, 0);
}

static inline l4_thread_id l4_thread_start_at(l4_thread_id thread, word_t sp, word_t ip)
{
    return l4_exregs(thread,
                     L4_EXREGS_APPLY_HALT | L4_EXREGS_SEND | L4_EXREGS_RECEIVE | L4_EXREGS_SP |
                         L4_EXREGS_IP,
                     sp, ip);
}

static inline l4_thread_id l4_abort_receive(l4_thread_id thread)
{
    return l4_exregs(thread, L4_EXREGS_DELIVER | L4_EXREGS_RECEIVE, 0, 0);
}

static inline l4_thread_id l4_abort_send(l4_thread_id thread)
{
    return l4_exregs(thread, L4_EXREGS_DELIVER | L4_EXREGS_SEND, 0, 0);
}

static inline l4_thread_id l4_abort_ipc(l4_thread_id thread)
{
    return l4_exregs(thread, L4_EXREGS_DELIVER | L4_EXREGS_SEND | L4_EXREGS_RECEIVE, 0, 0);
}

static inline l4_thread_id l4_set_pager_of(l4_thread_id thread, l4_thread_id pager)
{
    struct l4_exchange x = {.thread = thread, .control = L4_EXREGS_PAGER, .pager = pager};
    return l4_exchange_registers(&x);
}

static inline l4_thread_id l4_set_user_handle_of(l4_thread_id thread, word_t handle)
{
    struct l4_exchange x = {.thread = thread, .control = L4_EXREGS_HANDLE, .user_handle = handle};
    return l4_exchange_registers(&x);
}

// ---- Threads of this space --------------------------------------------------------------------

// The start of the UTCB area of the space that ran l4_library_init.
extern word_t l4_utcb_area;

static inline word_t l4_utcb_location(word_t index)
{
    return l4_utcb_area + index * L4_UTCB_SIZE;
}

// A thread in this space with the caller as its scheduler and the caller's own pager, active and
// waiting. Returns ThreadControl's result.
static inline word_t l4_thread_create(l4_thread_id thread, word_t utcb_index)
{
    l4_thread_id me = l4_my_global_id();
    return l4_thread_control(thread, me, me, l4_tcr(L4_TCR_PAGER), l4_utcb_location(utcb_index));
}

static inline word_t l4_thread_delete(l4_thread_id thread)
{
    return l4_thread_control(thread, L4_NIL_THREAD, L4_NIL_THREAD, L4_NIL_THREAD,
                             L4_UTCB_UNCHANGED);
}

// Prepares a stack for a function of one argument, which finds l4_thread_end to return to (and
// then sleeps for ever). Returns the stack pointer to start with. size in bytes.
static inline word_t l4_stack_prepare(void *stack, word_t size, void *argument)
{
    extern void l4_thread_end(void);
    word_t *sp = (word_t *)(((uintptr_t)stack + size) & ~(uintptr_t)15);
    sp[-4] = (word_t)(uintptr_t)argument;
    sp[-5] = (word_t)(uintptr_t)&l4_thread_end;
    return (word_t)(uintptr_t)(sp - 5);
}

// Starts an active thread of this space with ExchangeRegisters.
static inline l4_thread_id l4_thread_start(l4_thread_id thread, void (*function)(void *),
                                           void *argument, void *stack, word_t size)
{
    word_t sp = l4_stack_prepare(stack, size, argument);
    return l4_thread_start_at(thread, sp, (word_t)(uintptr_t)function);
}

// ---- Threads in a new space -------------------------------------------------------------------

// Where our own tasks have their areas, which is also where the kernel puts the first servers'.
#define L4_KIP_AREA_BASE 0xBFF00000u
#define L4_UTCB_AREA_BASE 0xBF000000u
#define L4_UTCB_AREA_LOG2_SIZE 17u

// A new space whose first thread is active and waits for its start message from the pager.
// Returns 0 and leaves no thread behind when one of the three calls fails.
static inline word_t l4_space_create(l4_thread_id thread, l4_thread_id scheduler,
                                     l4_thread_id pager, l4_fpage kip_area, l4_fpage utcb_area)
{
    if (!l4_thread_control(thread, thread, scheduler, L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        return 0;
    if (l4_space_control(thread, 0, kip_area, utcb_area, L4_ANY_THREAD, NULL) &&
        l4_thread_control(thread, thread, L4_NIL_THREAD, pager, l4_fpage_base(utcb_area)))
        return 1;
    word_t error = l4_error_code();
    l4_thread_delete(thread);
    l4_set_tcr(L4_TCR_ERROR_CODE, error);
    return 0;
}

// As l4_space_create with the usual areas, for a caller that is itself the pager and scheduler.
static inline word_t l4_task_create(l4_thread_id thread)
{
    l4_thread_id me = l4_my_global_id();
    return l4_space_create(thread, me, me, l4_make_fpage(L4_KIP_AREA_BASE, 12, 0),
                           l4_make_fpage(L4_UTCB_AREA_BASE, L4_UTCB_AREA_LOG2_SIZE, 0));
}

// The start message to a thread that has the caller as its pager. Returns the tag.
static inline l4_tag l4_send_start(l4_thread_id thread, word_t ip, word_t sp)
{
    l4_put_start_message(ip, sp);
    return l4_send(thread);
}
