/* thread.c: thread control blocks: finding them by their ids, making, starting and deleting
 * them. */
#include "api/thread.h"

#include "api/ipc.h"
#include "api/scheduler.h"
#include "arch/arch.h"
#include "state.h"

#define DEFAULT_PRIORITY     100
#define DEFAULT_TIMESLICE_US 10000
#define SERVER_PRIORITY      255

/* --- ids -------------------------------------------------------------------------------------- */
struct tcb *thread_by_number(word_t number)
{
    return number < THREAD_NUMBERS ? kernel.threads[number] : NULL;
}

struct tcb *thread_find(thread_id_t global)
{
    struct tcb *t = thread_by_number(thread_number(global));

    return t && t->id == global ? t : NULL;
}

/* The UTCB tells the global id. Programs can write it, so it only shows where to look; whatever
 * else is read by a wrong local id is no harm either. */
HOT struct tcb *thread_find_local(struct space *s, thread_id_t local)
{
    vaddr_t va = local - UTCB_MR0 + offsetof(struct utcb, my_global_id);
    struct tcb *t;
    pte_t entry;

    if (!s || va >= USER_END || local % sizeof(word_t))
        return NULL;
    entry = directory_of(s)[va / LARGE_PAGE_SIZE];
    if ((entry & (PTE_P | PTE_S)) != PTE_P)
        return NULL;
    const pte_t *table = direct(entry & ~(PAGE_SIZE - 1));
    entry = table[va / PAGE_SIZE % (PAGE_SIZE / sizeof(pte_t))];
    if (!(entry & PTE_P) || entry >= DIRECT_MAP_SIZE)
        return NULL;
    t = thread_find(*(word_t *)direct((entry & ~(PAGE_SIZE - 1)) + va % PAGE_SIZE));
    return t && t->local_id == local && t->space == s ? t : NULL;
}

struct tcb *thread_find_any(struct space *s, thread_id_t id)
{
    return id_is_local(id) ? thread_find_local(s, id) : thread_find(id);
}

/* --- life ------------------------------------------------------------------------------------- */
void thread_enter_space(struct tcb *t, struct space *s)
{
    t->space = s;
    if (!s)
        return;
    t->space_prev = NULL;
    t->space_next = s->threads;
    if (s->threads)
        s->threads->space_prev = t;
    s->threads = t;
    s->thread_count++;
    t->slow &= ~(word_t)(SLOW_REDIRECT | SLOW_FOREIGN);
    if (s->redirector != ANY_THREAD)
        t->slow |= SLOW_REDIRECT;
    if (s->foreign)
        t->slow |= SLOW_FOREIGN;
}

void thread_leave_space(struct tcb *t)
{
    struct space *s = t->space;

    t->space = NULL;
    if (!s)
        return;
    if (t->space_prev)
        t->space_prev->space_next = t->space_next;
    else
        s->threads = t->space_next;
    if (t->space_next)
        t->space_next->space_prev = t->space_prev;
    if (--s->thread_count == 0)
        space_delete(s);
}

struct tcb *thread_new(thread_id_t id, struct space *s)
{
    struct tcb *t = kmem_pool_take(&kernel.tcb_pool);

    if (!t)
        return NULL;
    t->id = id;
    t->state = INACTIVE;
    t->priority = t->sensitive_priority = DEFAULT_PRIORITY;
    t->timeslice_us = t->timeslice_left_us = DEFAULT_TIMESLICE_US;
    t->stack_top = (word_t)(uintptr_t)t + TCB_SIZE;
    t->utcb_location = (vaddr_t)-1;
    kernel.threads[thread_number(id)] = t;
    thread_enter_space(t, s);
    return t;
}

void thread_delete(struct tcb *t)
{
    scheduler_forget(t);
    ipc_forget(t);
    ipc_partner_gone(t);
    arch_fpu_drop(t);
    arch_foreign_drop(t);
    if (t->utcb)
        t->utcb->my_global_id = NIL_THREAD;
    kernel.threads[thread_number(t->id)] = NULL;
    thread_leave_space(t);
    t->id = 0;
    kmem_pool_give(&kernel.tcb_pool, t);
}

void thread_set_utcb(struct tcb *t, struct utcb *u)
{
    t->utcb = u;
    t->local_id = t->utcb_location + UTCB_MR0;
}

/* Memory for t's UTCB, in its initial state. */
static enum l4_error make_utcb(struct tcb *t)
{
    struct utcb *u;

    if (!t->space->configured)
        return L4_INVALID_SPACE;
    if (!space_utcb_valid(t->space, t->utcb_location)
        || thread_find_local(t->space, t->utcb_location + UTCB_MR0))
        return L4_UTCB_AREA;
    u = space_utcb(t->space, t->utcb_location);
    if (!u)
        return L4_NO_MEMORY;
    *u = (struct utcb){.my_global_id = t->id};
    thread_set_utcb(t, u);
    return L4_OK;
}

/* The first that a new thread does, on its own stack: its pager's message, if that is what ended
 * the wait, says where it starts. */
static void started(struct tcb *t)
{
    struct trap_frame *f = thread_frame(t);

    t->kernel_ipc = false;
    if (t->ipc_result == 0) {
        if (tag_untyped(t->kernel_mr[0]) == 2) {
            f->eip = t->kernel_mr[1];
            f->esp = t->kernel_mr[2];
        }
    } else if (t->ipc_result == ipc_error_word(RECEIVE_PHASE, IPC_NO_PARTNER, 0)) {
        t->state = HALTED; /* its pager has gone: ExchangeRegisters may still start it */
        switch_to_next();
    }
}

enum l4_error thread_activate(struct tcb *t, thread_id_t pager)
{
    enum l4_error error = make_utcb(t);

    if (error)
        return error;
    t->utcb->pager = t->keeper = pager;
    arch_thread_start(t, 0, 0);
    arch_thread_call(t, started);
    ipc_await_start(t, pager);
    ipc_thread_appeared();
    return L4_OK;
}

/* sigma0 is the pager of the other servers, the root server the scheduler of all. */
struct tcb *thread_start_server(word_t number, struct space *s, vaddr_t utcb, word_t ip, word_t sp)
{
    struct tcb *t = thread_new(global_id(number, 1), s);

    if (!t)
        return NULL;
    t->utcb_location = utcb;
    if (make_utcb(t)) {
        thread_delete(t);
        return NULL;
    }
    if (!s->is_sigma0)
        t->utcb->pager = global_id(USER_BASE, 1);
    t->scheduler = global_id(USER_BASE + 2, 1);
    t->priority = t->sensitive_priority = SERVER_PRIORITY;
    arch_thread_start(t, ip, sp);
    t->state = READY;
    ready_enqueue(t);
    return t;
}
