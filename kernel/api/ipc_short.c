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
 * ticks. */
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

HOT bool ipc_short(struct tcb *me, thread_id_t to, thread_id_t from, word_t timeouts)
{
    msg_tag_t tag = me->utcb->mr[0];
    struct tcb *r;

    if (me->slow || tag & TAG_P || timeouts & 0xFFFF)
        return false;
    if (from != to && (from != ANY_THREAD || me->senders))
        return false;
    r = ipc_find(me, to);
    if (!r || (r->state != WAITING && (r->state != WAITING_KERNEL || r->transfer))
        || !ipc_can_take(r, me) || !transfer(me, r, tag))
        return false;
    r->ipc_result = 0;
    if (!r->kernel_ipc)
        r->ipc_from = thread_id_seen_by(r, me);
    r->state = READY;
    me->partner = from == ANY_THREAD ? from : r->id;
    me->state = WAITING;
    arch_switch_ipc(me, r);
}
