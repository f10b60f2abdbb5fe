/* space_control.c: the system call SpaceControl.
 *
 * The manual's rule in our words. A privileged program says of an address space, named by one of
 * its threads, where the kernel interface page and the UTCBs are to be. That counts once, before
 * the space's first thread becomes active. It may also name a redirector, to which all messages
 * that leave the space are delivered instead (nilthread leaves it as it is, anythread is none), and
 * on IA-32 make the space a small one, which is switched to without a flush of the TLB. The old
 * setting of the latter is returned [L4X2 4.11].
 *
 *    31 30 29     8 7             0
 *   |s |f |   0    | small space id |   control; 0 is a large space
 *   |e |     0     | the old id     |   result; e: the request took effect
 *
 * f, ours: the space is a foreign one (foreign.c), and large.
 */
#include "api/ipc.h"
#include "api/syscalls.h"
#include "state.h"

#define CONTROL_SMALL   0x80000000u
#define CONTROL_ID_MASK 0x000000FFu

/* A redirector as it is to be kept: a global id. */
static thread_id_t redirector_id(const struct tcb *caller, thread_id_t id)
{
    if (id == ANY_THREAD || !id_is_local(id))
        return id;
    const struct tcb *t = thread_find_local(caller->space, id);
    return t ? t->id : NIL_THREAD;
}

static void make_foreign(struct space *s)
{
    s->foreign = true;
    for (struct tcb *t = s->threads; t; t = t->space_next)
        t->slow |= SLOW_FOREIGN;
}

static enum l4_error space_control(const struct tcb *caller, const struct trap_frame *f,
                                   word_t *old_control)
{
    if (!caller->space->privileged)
        return L4_NO_PRIVILEGE;
    const struct tcb *named = id_is_local(f->eax) ? NULL : thread_find(f->eax);
    if (!named || !named->space)
        return L4_INVALID_SPACE;
    struct space *s = named->space;
    *old_control = s->small_id;
    enum l4_error error = space_configure(s, f->edx, f->esi);
    if (error)
        return error;

    if (f->ecx & L4_SPACE_FOREIGN)
        make_foreign(s);
    thread_id_t redirector = redirector_id(caller, f->edi);
    if (redirector != NIL_THREAD) {
        s->redirector = redirector;
        ipc_redirector_changed(s);
    }
    if ((f->ecx & CONTROL_SMALL) && !s->foreign && space_set_small(s, f->ecx & CONTROL_ID_MASK))
        *old_control |= CONTROL_SMALL;
    return L4_OK;
}

void sys_space_control(struct trap_frame *f)
{
    word_t old_control = 0;
    enum l4_error error = space_control(current(), f, &old_control);
    if (error)
        current()->utcb->error_code = error;
    f->eax = error == L4_OK;
    f->ecx = old_control;
}
