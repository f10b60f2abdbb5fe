/* schedule.c: Schedule and ThreadSwitch.
 *
 * Schedule: EAX dest, EDX time control, ESI processor control, ECX priority, EDI preemption
 * control; EAX dest's state, 0 after an error, EDX what was left of its times.
 *
 *   EDX   31  timeslice  16 15  total quantum  0     periods; how long it runs before equals get
 *                                                    their turn, and altogether, until given more
 *   ESI    processor, 0 is the only one
 *   ECX    priority in 0..7
 *   EDI   23 sensitive priority 16 15 maximal delay in microseconds 0
 *
 * All ones leave a word as it is. Allowed to the space of dest's scheduler and to privileged
 * spaces; only the latter may raise a thread above themselves.
 *
 * ThreadSwitch: EAX dest. The caller gives the rest of its timeslice to dest, which runs at once
 * even if its priority is lower, or, with nilthread or a thread that is not ready, to the others
 * of its own priority. No register changes. */
#include "api/ipc.h"
#include "api/scheduler.h"
#include "api/syscalls.h"
#include "state.h"

#define UNCHANGED        0xFFFFFFFFu
#define TIME_UNCHANGED   0xFFFFu
#define PRIORITY_FIELD   0x1FFu  /* 9 bits of ones: leave alone, as some libraries say it */
#define DONATION_MAX_US  10000u /* by a thread whose timeslice does not end */

/* What the result tells of a thread [L4X2 4.10]. */
enum schedule_result {
    SCHEDULE_ERROR = 0,
    SCHEDULE_DEAD,
    SCHEDULE_INACTIVE,
    SCHEDULE_RUNNING,
    SCHEDULE_PENDING_SEND,
    SCHEDULE_SENDING,
    SCHEDULE_WAITING,
    SCHEDULE_RECEIVING,
};

static enum schedule_result state_of(const struct tcb *t)
{
    static const uint8_t results[] = {
        [INACTIVE] = SCHEDULE_DEAD,      [READY] = SCHEDULE_RUNNING,
        [WAITING] = SCHEDULE_WAITING,    [WAITING_KERNEL] = SCHEDULE_WAITING,
        [POLLING] = SCHEDULE_PENDING_SEND, [COPYING] = SCHEDULE_SENDING,
        [LOCKED] = SCHEDULE_RECEIVING,   [HALTED] = SCHEDULE_INACTIVE,
    };

    if (t->transfer) /* in a page fault of a string transfer */
        return t->transfer_receives ? SCHEDULE_RECEIVING : SCHEDULE_SENDING;
    return results[t->state];
}

/* --- Schedule --------------------------------------------------------------------------------- */
struct request {
    word_t time, processor, priority, preemption;
};

static bool time_valid(word_t time)
{
    return time == TIME_UNCHANGED || !time_is_point((l4_time_t)time);
}

static bool has_priority(const struct request *q)
{
    return q->priority != UNCHANGED && (q->priority & PRIORITY_FIELD) != PRIORITY_FIELD;
}

static enum l4_error check(const struct tcb *t, const struct request *q)
{
    struct space *mine = current()->space;

    if (!t || t == kernel.idle)
        return L4_INVALID_THREAD;
    struct tcb *scheduler = thread_find_any(t->space, t->scheduler);
    if (!mine->privileged && (!scheduler || scheduler->space != mine))
        return L4_NO_PRIVILEGE;
    if (has_priority(q) && (q->priority & 0xFF) > current()->priority && !mine->privileged)
        return L4_NO_PRIVILEGE;
    if (!time_valid(q->time >> 16) || !time_valid(q->time & 0xFFFF))
        return L4_INVALID_PARAMETER;
    if ((q->processor & 0xFFFF) != 0 && (q->processor & 0xFFFF) != 0xFFFF)
        return L4_INVALID_PARAMETER;
    return L4_OK;
}

/* A length as it is kept: 0 stands for one without end. */
static usec_t length_us(word_t time)
{
    usec_t us = time_period_us((l4_time_t)time);

    return us == 0 && time != TIME_NEVER ? 1 : us;
}

static word_t time_left(usec_t length, usec_t left)
{
    return length == 0 ? TIME_NEVER : time_format(left);
}

static void give_quantum(struct tcb *t, word_t time)
{
    t->quantum_us = t->quantum_left_us = length_us(time);
    if (!t->out_of_quantum)
        return;
    t->out_of_quantum = false;
    t->slow &= ~(word_t)SLOW_HALT;
    if (t->state == HALTED) {
        t->state = READY;
        ready_enqueue(t);
    }
}

static void set_priority(struct tcb *t, word_t priority)
{
    bool queued = t->ready_next != NULL;

    ready_dequeue(t);
    t->priority = priority;
    if (queued)
        ready_enqueue(t);
}

static void apply(struct tcb *t, const struct request *q)
{
    if (q->time >> 16 != TIME_UNCHANGED)
        t->timeslice_us = t->timeslice_left_us = length_us(q->time >> 16);
    if (has_priority(q))
        set_priority(t, q->priority & 0xFF);
    if (q->preemption != UNCHANGED) {
        t->sensitive_priority = q->preemption >> 16 & 0xFF;
        t->delay_max_us = t->delay_left_us = q->preemption & 0xFFFF;
    }
    if ((q->time & 0xFFFF) != TIME_UNCHANGED)
        give_quantum(t, q->time & 0xFFFF);
}

void sys_schedule(struct trap_frame *f)
{
    struct tcb *me = current(), *t = thread_find_any(me->space, f->eax);
    struct request q = {
        .time = f->edx, .processor = f->esi, .priority = f->ecx, .preemption = f->edi};
    enum l4_error error = check(t, &q);

    if (error) {
        me->utcb->error_code = error;
        f->eax = SCHEDULE_ERROR;
        f->edx = 0;
        return;
    }
    f->eax = state_of(t);
    f->edx = time_left(t->timeslice_us, t->timeslice_left_us) << 16
             | time_left(t->quantum_us, t->quantum_left_us);
    apply(t, &q);
    reschedule();
}

/* --- ThreadSwitch ----------------------------------------------------------------------------- */
static void yield(struct tcb *me)
{
    me->timeslice_left_us = me->timeslice_us;
    ready_enqueue(me);
    switch_to_next();
}

static void donate(struct tcb *me, struct tcb *to)
{
    usec_t left = me->timeslice_us ? me->timeslice_left_us : DONATION_MAX_US;
    word_t priority = me->priority;

    if (me == kernel.donee) { /* time that it was given itself */
        left = kernel.donated_us;
        priority = kernel.donated_priority;
    }
    if ((int)kernel.ready_top > (int)priority) { /* a thread that it has kept waiting comes first */
        yield(me);
        return;
    }
    me->timeslice_left_us = me->timeslice_us;
    ready_enqueue(me);
    ready_dequeue(to);
    kernel.donee = to;
    kernel.donated_priority = priority;
    kernel.donated_us = left;
    switch_to(to);
}

void sys_thread_switch(struct trap_frame *f)
{
    struct tcb *me = current();
    struct tcb *to = f->eax == NIL_THREAD ? NULL : thread_find_any(me->space, f->eax);

    /* It gives way in time: whoever's preemption it has delayed runs now. */
    me->utcb->preempt_flags &= (uint8_t)~PREEMPT_PENDING;
    me->delay_left_us = me->delay_max_us;
    if (to && to->ready_next)
        donate(me, to);
    else
        yield(me);
}
