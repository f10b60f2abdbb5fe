/* ipc_short.c: messages whose receiver waits for them already, the short way.
 *
 * The fast path in assembly takes untyped words between two programs. Here are its neighbours,
 * which are as frequent: the messages of page faults and exceptions, and messages with map and
 * grant items, such as the pager's answer. What all of them have in common is that nothing has to
 * queue, no timeout runs, no string is copied, neither side is redirected, propagates or is to
 * halt, and nobody with a higher priority is ready. Whatever is different in any way goes to ipc.c,
 * before anything has happened.
 *
 * As in the fast path the receiver runs on the sender's time: it is charged when the clock
 * ticks.
 *
 * The two halves of an Ipc come by themselves, too: a send to a thread that waits, which becomes
 * ready beside the sender, and a wait while nobody sends. */
#include "api/ipc_short.h"

/* --- what a program sends --------------------------------------------------------------------- */
/* Words, and map and grant items; false: something else, or no memory. */
HOT static bool transfer(struct tcb *me, struct tcb *r, msg_tag_t tag)
{
    const word_t *from = me->utcb->mr;
    word_t *to = ipc_message(r);
    unsigned words = tag_untyped(tag) + tag_typed(tag);

    if (words >= MR_COUNT || (tag_typed(tag) && !ipc_map_items(me, r, tag)))
        return false;
    if (r->kernel_ipc) {
        words = tag_untyped(tag);
        if (words > KERNEL_WORDS_MAX)
            words = KERNEL_WORDS_MAX;
    }
    to[0] = tag & ~TAG_FLAGS;
    for (unsigned i = 1; i <= words; i++)
        to[i] = from[i];
    return true;
}

/* Sends to a thread that waits: it is READY then, in no queue. NULL: nothing has happened. */
HOT static struct tcb *send(struct tcb *me, thread_id_t to)
{
    msg_tag_t tag = me->utcb->mr[0];
    struct tcb *r = tag & TAG_P ? NULL : ipc_find(me, to);

    if (!r || (r->state != WAITING && (r->state != WAITING_KERNEL || r->transfer))
        || !ipc_awaits(r, me) || !transfer(me, r, tag))
        return NULL;
    r->ipc_result = 0;
    if (!r->kernel_ipc)
        r->ipc_from = thread_id_seen_by(r, me);
    r->state = READY;
    return r;
}

/* Only sends. The sender goes on, unless the receiver is above it. */
HOT static bool only_send(struct tcb *me, thread_id_t to)
{
    struct tcb *r = send(me, to);

    if (!r)
        return false;
    me->ipc_from = NIL_THREAD;
    wake(r);
    return true;
}

/* Only waits, for anyone or for a thread that exists. */
HOT static bool only_receive(struct tcb *me, thread_id_t from)
{
    const struct tcb *s = NULL;

    if (me->senders || (from != ANY_THREAD && (s = ipc_find(me, from)) == NULL))
        return false;
    me->partner = s ? s->id : from;
    me->state = WAITING;
    switch_from_ipc();
}

HOT bool ipc_short(struct tcb *me, thread_id_t to, thread_id_t from, word_t timeouts)
{
    struct tcb *r;

    if (me->slow)
        return false;
    if (from == NIL_THREAD)
        return only_send(me, to);
    if (timeouts & 0xFFFF)
        return false;
    if (to == NIL_THREAD)
        return only_receive(me, from);
    if (from != to && (from != ANY_THREAD || me->senders))
        return false;
    r = ipc_find(me, to);
    if (!r || (int)r->priority < (int)kernel.ready_top || !send(me, to))
        return false;
    me->partner = from == ANY_THREAD ? from : r->id;
    me->state = WAITING;
    arch_switch_ipc(me, r);
}
