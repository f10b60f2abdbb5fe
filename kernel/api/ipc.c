/* ipc.c: Ipc and Lipc, the only way in which threads speak with each other.
 *
 * EAX to, EDX from specifier, ECX timeouts, ESI MR0, EDI address of MR0; EAX whom the message came
 * from, ESI, EBX, EBP MR0 to MR2. The other MRs are in the UTCB.
 *
 * One call has a send phase, left out if `to` is nilthread, and a receive phase, left out if `from`
 * is; between them nobody can come: whoever gets the message finds its sender waiting for the
 * answer. A message goes from the sender's MRs straight to the receiver's when both are there; the
 * first one waits, for its timeout at most. A receiver may wait for one thread (closed), for any of
 * its own space (anylocalthread), or for any (open). Senders that find it busy queue, first come
 * first served.
 *
 * Every error is told in MR0's flag E and in ErrorCode. After an error in the send phase there is
 * no receive phase.
 *
 * Propagation (P in the tag): the message is delivered as if from VirtualSender, if that is in the
 * sender's space or the sender in the receiver's, or the sender is its redirector. If the virtual
 * sender waits for the actual one, it now waits for the receiver.
 *
 * Redirection: what a space with a redirector sends out goes to the redirector, with flag R and the
 * intended receiver named; only messages to the redirector's own space arrive directly.
 *
 * How it works here. A sender that must wait is POLLING, in its receiver's queue, and blocks in
 * poll() below. The receiver that takes its message also starts its receive phase: that is what
 * makes the two phases one. Only a message with strings is left to the sender to copy, because
 * copying may take page faults in either space; the receiver is LOCKED meanwhile.
 *
 * A thread that is WAITING may be continued by the fast path, which forgets its kernel stack. So
 * whoever wakes it completes everything: MRs, ErrorCode, ipc_from. */
#include "api/ipc.h"

#include "api/ipc_transfer.h"
#include "api/scheduler.h"
#include "api/syscalls.h"
#include "arch/arch.h"
#include "debugger/print.h"
#include "state.h"

#define REDIRECTIONS_MAX 16 /* how long a chain of redirectors is followed */

/* --- the queue of senders --------------------------------------------------------------------- */
static void queue_sender(struct tcb **queue, struct tcb *s)
{
    struct tcb *first = *queue;

    s->send_queue = queue;
    if (first) {
        s->send_next = first;
        s->send_prev = first->send_prev;
        first->send_prev->send_next = s;
        first->send_prev = s;
    } else {
        s->send_next = s->send_prev = s;
        *queue = s;
    }
}

static void unqueue_sender(struct tcb *s)
{
    if (s->send_next == s) {
        *s->send_queue = NULL;
    } else {
        s->send_next->send_prev = s->send_prev;
        s->send_prev->send_next = s->send_next;
        if (*s->send_queue == s)
            *s->send_queue = s->send_next;
    }
    s->send_next = s->send_prev = NULL;
    s->send_queue = NULL;
}

/* --- ends ------------------------------------------------------------------------------------- */
void ipc_fail(struct tcb *t, word_t error)
{
    t->ipc_result = error;
    if (t->kernel_ipc)
        return;
    t->utcb->mr[0] = TAG_E;
    t->utcb->error_code = error;
    t->ipc_from = NIL_THREAD;
}

/* During a string transfer the timeout is the transfer's, not that of a page fault inside it. */
static void stop_timer(struct tcb *t)
{
    if (!t->transfer)
        timeout_cancel(t);
}

static void start_timer(struct tcb *t, usec_t at)
{
    if (!t->transfer)
        timeout_set(t, at);
}

static usec_t deadline(l4_time_t timeout)
{
    return timeout == TIME_NEVER ? 0 : time_deadline(timeout, now_us());
}

void ipc_over(struct tcb *t)
{
    stop_timer(t);
    t->state = READY;
    if (t->recv_from == NIL_THREAD)
        t->kernel_ipc = false; /* a message of the kernel without an answer */
    if (t->transfer)
        return; /* a page fault inside a string transfer: that goes on */
    if (t->slow & SLOW_HALT) {
        t->slow &= ~(word_t)SLOW_HALT;
        t->state = HALTED;
    }
}

/* t's Ipc is over while another thread runs. */
static void over_and_queue(struct tcb *t)
{
    ipc_over(t);
    if (t->state == READY)
        ready_enqueue(t);
}

static bool is_interrupt(const struct tcb *t)
{
    return thread_number(t->id) < SYSTEM_BASE;
}

/* An interrupt thread's message is on its way or lost: it waits for the acknowledgement, or for
 * ever. */
static void interrupt_rests(struct tcb *irq)
{
    irq->state = WAITING_KERNEL;
    irq->partner = NIL_THREAD;
}

void ipc_abort(struct tcb *t, word_t error)
{
    if (t->state == POLLING)
        unqueue_sender(t);
    if (is_interrupt(t)) {
        interrupt_rests(t);
        return;
    }
    ipc_fail(t, error);
    over_and_queue(t);
}

void ipc_timed_out(struct tcb *t)
{
    if (t->transfer)
        ipc_stop_transfer(t, t->transfer_expires);
    else
        ipc_abort(t, ipc_error_word(t->state == POLLING ? SEND_PHASE : RECEIVE_PHASE, IPC_TIMEOUT,
                                    0));
}

/* --- who may speak as whom, and with whom ----------------------------------------------------- */
static bool redirects(struct tcb *by, const struct space *s)
{
    for (int i = 0; s && i < REDIRECTIONS_MAX && s->redirector != ANY_THREAD; i++) {
        struct tcb *r = thread_find(s->redirector);

        if (!r)
            return false;
        if (r->space == by->space)
            return true;
        s = r->space;
    }
    return false;
}

/* The id under which s's message appears to r. */
static thread_id_t sender_as(struct tcb *s, const struct tcb *r)
{
    if (s->kernel_ipc || !(s->utcb->mr[0] & TAG_P))
        return s->id;
    struct tcb *v = thread_find_any(s->space, s->utcb->virtual_sender);
    if (v && v->space
        && (v->space == s->space || s->space == r->space || redirects(s, v->space)))
        return v->id;
    return s->id;
}

/* Does a receiver that waits for `awaited` take a message of s, which appears as s->sender_as? */
static bool matches(const struct tcb *r, thread_id_t awaited, const struct tcb *s)
{
    if (r->kernel_ipc && s->kernel_ipc)
        return false; /* a fault of one's pager is no answer to one's own */
    if (awaited == ANY_THREAD || awaited == s->sender_as || awaited == s->id)
        return true;
    if (awaited == ANY_LOCAL_THREAD) {
        const struct tcb *v = thread_find(s->sender_as);

        return v && v->space == r->space;
    }
    return false;
}

static bool accepts(const struct tcb *r, const struct tcb *s)
{
    return (r->state == WAITING || r->state == WAITING_KERNEL) && matches(r, r->partner, s);
}

/* --- delivery --------------------------------------------------------------------------------- */
/* A sender named v that waits for the one who forwarded its message waits for the receiver from
 * now. */
static void turn_wait(const struct tcb *s, const struct tcb *r)
{
    struct tcb *v = s->sender_as == s->id ? NULL : thread_find(s->sender_as);

    if (v && (v->state == WAITING || v->state == WAITING_KERNEL) && v->partner == s->id)
        v->partner = r->id;
}

/* s's message to r has been moved, or the attempt ended with `codes`: what both get to know. */
static void settle(struct tcb *s, struct tcb *r, word_t codes)
{
    word_t *mr0 = &ipc_message(r)[0];

    if (codes) {
        ipc_fail(s, ipc_error_word(SEND_PHASE, codes & 0xFF, s->transfer_bytes));
        ipc_fail(r, ipc_error_word(RECEIVE_PHASE, codes >> 8, s->transfer_bytes));
        return;
    }
    *mr0 = *mr0 & ~TAG_FLAGS;
    r->ipc_result = 0;
    if (!r->kernel_ipc) {
        struct tcb *v = thread_find(s->sender_as);

        r->ipc_from = v ? thread_id_seen_by(r, v) : s->sender_as;
        if (s->sender_as != s->id) {
            *mr0 |= TAG_P;
            r->utcb->virtual_sender = thread_id_seen_by(r, s);
        }
        if (s->intended != NIL_THREAD) {
            *mr0 |= TAG_R;
            r->utcb->intended_receiver = s->intended;
        }
    }
    turn_wait(s, r);
}

/* Will s's message to r take a transfer that may be interrupted? Then s copies it. */
static bool needs_transfer(struct tcb *s, const struct tcb *r)
{
    return !r->kernel_ipc && ipc_has_strings(s);
}

static void enter_transfer(struct tcb *s, struct tcb *r)
{
    s->state = COPYING;
    r->state = LOCKED;
    s->transfer = r;
    r->transfer = s;
    r->transfer_receives = true;
    s->transfer_receives = false;
    s->transfer_stop = s->transfer_expires = s->transfer_bytes = 0;
}

/* The running thread s delivers to r, which waits or is LOCKED already. Returns r if it is still
 * there and READY: in no queue yet. s->ipc_result tells s of errors. */
static struct tcb *deliver(struct tcb *s, struct tcb *r)
{
    word_t codes;

    stop_timer(r);
    if (r->state != LOCKED && needs_transfer(s, r))
        enter_transfer(s, r);
    if (r->state == LOCKED) {
        codes = ipc_transfer(s, r);
        s->state = READY;
        timeout_cancel(s);
        if (!s->transfer) {
            ipc_fail(s, ipc_error_word(SEND_PHASE, IPC_ABORTED, s->transfer_bytes));
            return NULL;
        }
        s->transfer = r->transfer = NULL;
    } else {
        codes = ipc_transfer(s, r);
    }
    settle(s, r, codes);
    ipc_over(r);
    return r->state == READY ? r : NULL;
}

/* --- receive phase ---------------------------------------------------------------------------- */
/* A from specifier as threads are compared with: global, or one of the two wildcards;
 * NIL_THREAD: there is no such thread. */
static thread_id_t awaited_id(struct tcb *t, thread_id_t from)
{
    if (from == ANY_THREAD || from == ANY_LOCAL_THREAD)
        return from;
    struct tcb *partner = thread_find_any(t->space, from);
    return partner ? partner->id : NIL_THREAD;
}

static struct tcb *first_sender(const struct tcb *t, thread_id_t awaited)
{
    struct tcb *s = t->senders;

    if (s)
        do {
            if (matches(t, awaited, s))
                return s;
            s = s->send_next;
        } while (s != t->senders);
    return NULL;
}

static void enter_wait(struct tcb *t, thread_id_t awaited)
{
    t->state = t->kernel_ipc ? WAITING_KERNEL : WAITING;
    t->partner = awaited;
    start_timer(t, deadline((l4_time_t)t->recv_timeout));
}

/* s was POLLING and its message has been taken: starts its receive phase. Where that does not
 * simply mean to wait, s does it itself when it runs. */
static void sent(struct tcb *s)
{
    if (is_interrupt(s)) {
        interrupt_rests(s);
        return;
    }
    if (s->recv_from != NIL_THREAD && s->ipc_result == 0) {
        thread_id_t awaited = awaited_id(s, s->recv_from);
        if (awaited != NIL_THREAD && !time_is_zero((l4_time_t)s->recv_timeout)
            && !first_sender(s, awaited)) {
            s->receive_entered = true;
            enter_wait(s, awaited);
            return;
        }
    }
    over_and_queue(s);
}

/* s has only sent, and waited for t to take it: it goes on first, as it would have if t had been
 * there. Programs count on that: s may be about to wait for an answer that t gives without a
 * timeout. */
static void let_sender_go_on(struct tcb *t, struct tcb *s)
{
    ready_dequeue(s);
    ready_enqueue_first(s);
    ready_enqueue(t);
    switch_to_next();
}

/* The running thread t takes the message of s, which queues for it. */
static void take(struct tcb *t, struct tcb *s)
{
    unqueue_sender(s);
    stop_timer(s);
    if (needs_transfer(s, t)) {
        enter_transfer(s, t);
        switch_from_blocked(s);
        return;
    }
    settle(s, t, ipc_transfer(s, t));
    sent(s);
    if (s->state == READY && (int)s->priority >= (int)t->priority)
        let_sender_go_on(t, s);
    else
        reschedule();
}

/* `woken` is a thread that t's send phase has made ready: it is in no queue. */
static void receive(struct tcb *t, struct tcb *woken)
{
    thread_id_t awaited = awaited_id(t, t->recv_from);
    struct tcb *s = awaited != NIL_THREAD ? first_sender(t, awaited) : NULL;

    if (!s && awaited != NIL_THREAD && !time_is_zero((l4_time_t)t->recv_timeout)) {
        enter_wait(t, awaited);
        switch_from_blocked(woken);
        return;
    }
    if (woken)
        ready_enqueue(woken);
    if (s) {
        take(t, s);
        return;
    }
    ipc_fail(t, ipc_error_word(RECEIVE_PHASE,
                               awaited == NIL_THREAD ? IPC_NO_PARTNER : IPC_TIMEOUT, 0));
    reschedule();
}

/* --- send phase ------------------------------------------------------------------------------- */
/* Whom t's message goes to: the thread itself, or its space's redirector, which *missing says
 * does not exist at present. NULL otherwise: no such thread. */
static struct tcb *find_receiver(struct tcb *t, thread_id_t to, bool *missing)
{
    struct tcb *r = thread_find_any(t->space, to);

    *missing = false;
    t->intended = NIL_THREAD;
    if (!r || (!is_interrupt(r) && !r->utcb))
        return NULL;
    if (t->kernel_ipc || is_interrupt(r) || t->space->redirector == ANY_THREAD
        || r->space == t->space)
        return r;
    struct tcb *redirector = thread_find(t->space->redirector);
    if (redirector && (r->space == redirector->space || redirector->space == t->space))
        return r;
    t->intended = r->id;
    *missing = !redirector || !redirector->utcb;
    return *missing ? NULL : redirector;
}

/* t waits until its receiver takes the message; `queue` is that thread's, or the orphans'. */
static void poll(struct tcb *t, struct tcb **queue, thread_id_t partner, usec_t until)
{
    t->state = POLLING;
    t->partner = partner;
    t->receive_entered = t->send_again = false;
    queue_sender(queue, t);
    start_timer(t, until);
    switch_to_next();
}

/* Returns whether a receive phase may follow. *woken is the receiver, if it is READY now and in no
 * queue. */
static bool send(struct tcb *t, thread_id_t to, l4_time_t timeout, struct tcb **woken)
{
    usec_t until = deadline(timeout);

    do {
        bool missing;
        struct tcb *r = find_receiver(t, to, &missing);

        if (!r && !missing) {
            ipc_fail(t, ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0));
            return false;
        }
        if (r && is_interrupt(r)) {
            if (interrupt_acknowledged(r, t))
                return true;
            ipc_fail(t, ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0));
            return false;
        }
        if (r) {
            t->sender_as = sender_as(t, r);
            if (accepts(r, t)) {
                *woken = deliver(t, r);
                return t->ipc_result == 0;
            }
        } else {
            t->sender_as = t->id;
        }
        if (time_is_zero(timeout)) {
            ipc_fail(t, ipc_error_word(SEND_PHASE, IPC_TIMEOUT, 0));
            return false;
        }
        poll(t, r ? &r->senders : &kernel.orphans, r ? r->id : t->space->redirector, until);
    } while (t->send_again);

    /* The receiver waits for us to copy, or has taken the message, or somebody ended our call. */
    if (t->state != COPYING)
        return t->ipc_result == 0 && !t->receive_entered;
    if (t->transfer) {
        *woken = deliver(t, t->transfer);
        return t->ipc_result == 0;
    }
    t->state = READY;
    ipc_fail(t, ipc_error_word(SEND_PHASE, IPC_ABORTED, 0));
    return false;
}

static void exchange(struct tcb *t, thread_id_t to, thread_id_t from, word_t timeouts)
{
    struct tcb *woken = NULL;

    t->ipc_result = 0;
    t->recv_from = from;
    t->recv_timeout = timeouts & 0xFFFF;
    if (to != NIL_THREAD && !send(t, to, (l4_time_t)(timeouts >> 16), &woken))
        from = NIL_THREAD;
    if (from != NIL_THREAD)
        receive(t, woken);
    else if (woken)
        wake(woken);
    if (t->slow & SLOW_HALT && !t->transfer) {
        t->slow &= ~(word_t)SLOW_HALT;
        t->state = HALTED;
        switch_to_next();
    }
}

thread_id_t ipc(thread_id_t to, thread_id_t from, word_t timeouts)
{
    struct tcb *t = current();

    t->ipc_from = NIL_THREAD;
    exchange(t, to, from, timeouts);
    return t->ipc_from;
}

void ipc_registers(struct tcb *t)
{
    struct trap_frame *f = thread_frame(t);

    f->eax = t->ipc_from;
    f->esi = t->utcb->mr[0];
    f->ebx = t->utcb->mr[1];
    f->ebp = t->utcb->mr[2];
    f->edi = t->local_id;
}

HOT void sys_ipc(struct trap_frame *f)
{
    struct tcb *t = current();

    t->utcb->mr[0] = f->esi;
    if (!ipc_short(t, f->eax, f->edx, f->ecx))
        ipc(f->eax, f->edx, f->ecx);
    ipc_registers(t);
}

/* --- messages of the kernel ------------------------------------------------------------------- */
bool ipc_kernel_call(struct tcb *t, thread_id_t partner, word_t *words, unsigned count,
                     bool accept_map)
{
    /* The thread may be inside an Ipc of its own, copying a string. */
    thread_id_t as = t->sender_as, intended = t->intended, from = t->recv_from;
    word_t timeout = t->recv_timeout, state = t->state;

    if (partner == NIL_THREAD) {
        t->ipc_result = ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0);
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        t->kernel_mr[i] = words[i];
    t->kernel_ipc = true;
    t->kernel_accepts_map = accept_map;
    exchange(t, partner, partner, 0);
    t->kernel_ipc = false;
    for (unsigned i = 0; i < count; i++)
        words[i] = t->kernel_mr[i];

    t->sender_as = as;
    t->intended = intended;
    t->recv_from = from;
    t->recv_timeout = timeout;
    t->state = state;
    return t->ipc_result == 0;
}

bool ipc_kernel_send(struct tcb *t, thread_id_t partner, const word_t *words, unsigned count)
{
    struct tcb *r = thread_find_any(t->space, partner);

    if (!r || !r->utcb)
        return true;
    for (unsigned i = 0; i < count; i++)
        t->kernel_mr[i] = words[i];
    t->kernel_ipc = true;
    t->ipc_result = 0;
    t->recv_from = t->intended = NIL_THREAD;
    t->sender_as = t->id;
    if (accepts(r, t)) {
        settle(t, r, ipc_transfer(t, r));
        t->kernel_ipc = is_interrupt(t);
        over_and_queue(r);
        return true;
    }
    t->state = POLLING;
    t->partner = r->id;
    queue_sender(&r->senders, t);
    return false;
}

void ipc_await_start(struct tcb *t, thread_id_t pager)
{
    t->kernel_ipc = true;
    t->kernel_accepts_map = false;
    t->recv_from = pager;
    t->recv_timeout = TIME_NEVER;
    t->ipc_result = 0;
    enter_wait(t, pager);
}

/* --- threads that go, and redirectors that change --------------------------------------------- */
static void send_again(struct tcb *s)
{
    unqueue_sender(s);
    stop_timer(s);
    s->send_again = true;
    s->state = READY;
    ready_enqueue(s);
}

static void wake_waiters(struct tcb *dying)
{
    for (struct space *s = kernel.spaces; s; s = s->next)
        for (struct tcb *t = s->threads; t; t = t->space_next)
            if ((t->state == WAITING || t->state == WAITING_KERNEL) && t->partner == dying->id
                && t != dying)
                ipc_abort(t, ipc_error_word(RECEIVE_PHASE, IPC_NO_PARTNER, 0));
}

void ipc_partner_gone(struct tcb *dying)
{
    struct tcb *s;

    while ((s = dying->senders) != NULL) {
        if (s->intended != NIL_THREAD)
            send_again(s);
        else
            ipc_abort(s, ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0));
    }
    wake_waiters(dying);
}

void ipc_forget(struct tcb *dying)
{
    if (dying->transfer)
        ipc_forget_transfer(dying);
    if (dying->state == POLLING)
        unqueue_sender(dying);
    timeout_cancel(dying);
}

void ipc_thread_appeared(void)
{
    while (kernel.orphans)
        send_again(kernel.orphans);
}

void ipc_redirector_changed(struct space *s)
{
    for (struct tcb *t = s->threads; t; t = t->space_next) {
        if (s->redirector != ANY_THREAD)
            t->slow |= SLOW_REDIRECT;
        else
            t->slow &= ~(word_t)SLOW_REDIRECT;
        if (t->state == POLLING && !t->kernel_ipc)
            send_again(t);
    }
    reschedule();
}
