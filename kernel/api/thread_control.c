/* thread_control.c: ThreadControl, by which privileged spaces create, change and delete threads.
 *
 * EAX dest, ESI space specifier, EDX scheduler, ECX pager, EDI UTCB location; EAX result: 1, or 0
 * with ErrorCode.
 *
 *   space nil               deletes dest, whatever its version
 *   dest does not exist     creates it: in a new space if the specifier is dest, else in that of
 *                           the thread named. With a pager it is active and waits for its start
 *                           message; that takes a space with areas and a UTCB location in its UTCB
 *                           area.
 *   dest exists             changes it: version, space, scheduler, pager; a pager for an inactive
 *                           thread activates it. nilthread and -1 leave things as they are.
 *   dest is an interrupt    attaches or detaches its handler (interrupts.c)
 *
 * All is checked before anything changes: a call that fails leaves no trace. A thread does not
 * delete itself here. The space that loses its last thread is taken down before the call is over,
 * with interrupts let in; should the caller be deleted meanwhile, the next one goes on with it. */
#include "api/ipc.h"
#include "api/scheduler.h"
#include "api/syscalls.h"
#include "arch/arch.h"
#include "state.h"

#define UTCB_NOT_GIVEN 0xFFFFFFFFu

struct request {
    thread_id_t dest, space, scheduler, pager; /* global, or nil */
    vaddr_t utcb;
};

/* Where the new or changed thread is to be; NULL: no such space. */
static struct space *named_space(const struct request *q)
{
    struct tcb *t = thread_find_any(current()->space, q->space);
    return t ? t->space : NULL;
}

static enum l4_error delete(const struct request *q)
{
    struct tcb *t = thread_by_number(thread_number(q->dest));
    if (!t)
        return L4_OK;
    if (t == current())
        return L4_INVALID_THREAD;
    thread_delete(t);
    reschedule();
    return L4_OK;
}

static enum l4_error create(const struct request *q)
{
    bool new_space = q->space == q->dest;
    struct space *s = NULL;
    enum l4_error error = L4_OK;
    if (q->scheduler == NIL_THREAD)
        return L4_INVALID_SCHEDULER;
    if (!new_space && (s = named_space(q)) == NULL)
        return L4_INVALID_SPACE;
    if (new_space && q->pager != NIL_THREAD)
        return L4_INVALID_SPACE;
    if (new_space && (s = space_new()) == NULL)
        return L4_NO_MEMORY;
    struct tcb *t = thread_new(q->dest, s);
    if (!t) {
        if (new_space)
            space_delete(s);
        return L4_NO_MEMORY;
    }
    t->scheduler = q->scheduler;
    t->utcb_location = q->utcb;
    if (q->pager != NIL_THREAD)
        error = thread_activate(t, q->pager);
    if (error)
        thread_delete(t);
    reschedule();
    return error;
}

/* --- changing a thread ------------------------------------------------------------------------ */
/* The UTCB keeps its contents; it must have a place in the other space. */
static enum l4_error migrate(struct tcb *t, struct space *s, vaddr_t utcb)
{
    struct space *old = t->space;
    if (t->utcb) {
        if (utcb == UTCB_NOT_GIVEN)
            utcb = t->utcb_location;
        if (!s->configured)
            return L4_INVALID_SPACE;
        if (!space_utcb_valid(s, utcb) || thread_find_local(s, utcb + UTCB_MR0))
            return L4_UTCB_AREA;
        struct utcb *u = space_utcb(s, utcb);
        if (!u)
            return L4_NO_MEMORY;
        *u = *t->utcb;
        t->utcb_location = utcb;
        thread_set_utcb(t, u);
    }
    /* The running thread must be out of the old space before that can go. */
    old->thread_count++;
    thread_leave_space(t);
    thread_enter_space(t, s);
    if (t == current())
        arch_switch(t, t);
    if (--old->thread_count == 0)
        space_delete(old);
    return L4_OK;
}

static void rename_thread(struct tcb *t, thread_id_t id)
{
    if (t->id == id)
        return;
    ipc_partner_gone(t);
    t->id = id;
    if (t->utcb) {
        t->utcb->my_global_id = id;
        ipc_thread_appeared();
    }
}

static enum l4_error change(struct tcb *t, const struct request *q)
{
    bool active = t->utcb != NULL;
    struct space *s = q->space == q->dest ? t->space : named_space(q);
    vaddr_t location = t->utcb_location;
    enum l4_error error = L4_OK;
    if (!s)
        return L4_INVALID_SPACE;
    if (q->utcb != UTCB_NOT_GIVEN) {
        if (active && s == t->space)
            return L4_UTCB_AREA;
        if (s->configured && !space_utcb_valid(s, q->utcb))
            return L4_UTCB_AREA;
    }
    if (s != t->space && (error = migrate(t, s, q->utcb)) != L4_OK)
        return error;
    if (!active && q->utcb != UTCB_NOT_GIVEN)
        t->utcb_location = q->utcb;
    if (!active && q->pager != NIL_THREAD && (error = thread_activate(t, q->pager)) != L4_OK) {
        t->utcb_location = location;
        return error;
    }
    if (active && q->pager != NIL_THREAD)
        t->utcb->pager = q->pager;
    if (q->scheduler != NIL_THREAD)
        t->scheduler = q->scheduler;
    rename_thread(t, q->dest);
    reschedule();
    return L4_OK;
}

/* --- the call --------------------------------------------------------------------------------- */
/* A local id as the global one that it stands for; nil stays nil. False: no such thread. */
static bool make_global(thread_id_t *id)
{
    if (!id_is_local(*id))
        return true;
    struct tcb *t = thread_find_local(current()->space, *id);
    return t && (*id = t->id);
}

static enum l4_error thread_control(struct request *q)
{
    word_t number = thread_number(q->dest);
    struct tcb *t = thread_by_number(number);
    if (!current()->space->privileged)
        return L4_NO_PRIVILEGE;
    if (q->dest == NIL_THREAD || id_is_local(q->dest) || number >= THREAD_NUMBERS)
        return L4_INVALID_THREAD;
    if (!make_global(&q->pager))
        return L4_INVALID_THREAD;
    if (!make_global(&q->scheduler))
        return L4_INVALID_SCHEDULER;
    if (number < SYSTEM_BASE)
        return interrupt_control(q->dest, q->space, q->pager);
    if (number < USER_BASE)
        return L4_INVALID_THREAD;
    if (q->space == NIL_THREAD)
        return delete(q);
    return t ? change(t, q) : create(q);
}

static void bury_spaces(void)
{
    while (space_bury())
        preemption_point();
}

void sys_thread_control(struct trap_frame *f)
{
    struct request q = {.dest = f->eax, .space = f->esi, .scheduler = f->edx, .pager = f->ecx,
                        .utcb = f->edi};
    bury_spaces();
    enum l4_error error = thread_control(&q);
    if (error)
        current()->utcb->error_code = error;
    f->eax = error == L4_OK;
    bury_spaces();
}
