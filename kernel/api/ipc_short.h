/* ipc_short.h: the short way of messages, inline where faults use it (ipc_short.c says what it
 * is). */
#pragma once

#include "api/ipc.h"
#include "api/ipc_transfer.h"
#include "api/scheduler.h"
#include "arch/arch.h"
#include "state.h"

/* Does r, which waits, wait for me, with nothing unusual about it? */
static inline bool ipc_awaits(const struct tcb *r, const struct tcb *me)
{
    return !(r->slow & ~(SLOW_FOREIGN | SLOW_REDIRECT)) &&
           (r->partner == ANY_THREAD || r->partner == me->id);
}

/* And may it run at once? */
static inline bool ipc_can_take(const struct tcb *r, const struct tcb *me)
{
    return ipc_awaits(r, me) && (int)r->priority >= (int)kernel.ready_top;
}

static inline struct tcb *ipc_find(const struct tcb *me, thread_id_t to)
{
    struct tcb *r;

    if (id_is_local(to))
        return thread_find_local(me->space, to);
    r = thread_number(to) < THREAD_NUMBERS ? kernel.threads[thread_number(to)] : NULL;
    return r && r->id == to ? r : NULL;
}

/* --- faults ----------------------------------------------------------------------------------- */
/* A kernel message of t goes in two steps: the thread that waits for it, NULL if ipc_kernel_call is
 * needed; then, when the caller has written the message into that thread's MRs, the rest: as
 * ipc_kernel_call, with the answer in t->kernel_mr. */
static inline struct tcb *ipc_short_partner(const struct tcb *t, thread_id_t to)
{
    struct tcb *r = ipc_find(t, to);

    return r && r->state == WAITING && ipc_can_take(r, t) ? r : NULL;
}

static inline bool ipc_short_call(struct tcb *t, struct tcb *r, bool accept_map)
{
    t->kernel_ipc = true;
    t->kernel_accepts_map = accept_map;
    t->recv_from = t->partner = r->id;
    t->recv_timeout = TIME_NEVER;
    t->ipc_result = 0;
    t->state = WAITING_KERNEL;
    r->ipc_from = thread_id_seen_by(r, t);
    r->state = READY;
    arch_switch(t, r);
    t->kernel_ipc = false;
    return t->ipc_result == 0;
}
