/* timeout.c: the threads whose Ipc ends at a certain time.
 *
 * A pairing heap: setting a timeout takes a fixed time, and so does cancelling one, but for what is
 * under it; the earliest is at the top. With thousands of sleepers only the removal of the top
 * costs more, in the mean the logarithm of their number.
 *
 * timeout_child is the first child, timeout_next the next sibling, timeout_prev the previous
 * sibling, or the parent of a first child. */
#include "api/scheduler.h"
#include "debugger/print.h"
#include "state.h"

/* The two heaps as one; each may be empty. */
static struct tcb *meld(struct tcb *a, struct tcb *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (b->timeout_at < a->timeout_at)
        return meld(b, a);
    b->timeout_next = a->timeout_child;
    if (b->timeout_next)
        b->timeout_next->timeout_prev = b;
    b->timeout_prev = a;
    a->timeout_child = b;
    return a;
}

/* A list of siblings as one heap: in pairs from the left, the pairs together from the right. */
static struct tcb *meld_siblings(struct tcb *first)
{
    struct tcb *pairs = NULL, *heap = NULL;

    while (first) {
        struct tcb *a = first, *b = a->timeout_next;

        first = b ? b->timeout_next : NULL;
        a->timeout_next = NULL;
        if (b)
            b->timeout_next = NULL;
        a = meld(a, b);
        a->timeout_next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct tcb *next = pairs->timeout_next;

        pairs->timeout_next = NULL;
        heap = meld(heap, pairs);
        pairs = next;
    }
    if (heap)
        heap->timeout_prev = NULL;
    return heap;
}

void timeout_set(struct tcb *t, usec_t at)
{
    timeout_cancel(t);
    if (at == 0)
        return;
    t->timeout_at = at;
    t->timeout_child = t->timeout_next = t->timeout_prev = NULL;
    t->slow |= SLOW_TIMEOUT;
    kernel.timeouts = meld(kernel.timeouts, t);
}

void timeout_cancel(struct tcb *t)
{
    if (!(t->slow & SLOW_TIMEOUT))
        return;
    t->slow &= ~(word_t)SLOW_TIMEOUT;
    struct tcb *below = meld_siblings(t->timeout_child);
    if (t == kernel.timeouts) {
        kernel.timeouts = below;
        return;
    }
    if (t->timeout_prev->timeout_child == t)
        t->timeout_prev->timeout_child = t->timeout_next;
    else
        t->timeout_prev->timeout_next = t->timeout_next;
    if (t->timeout_next)
        t->timeout_next->timeout_prev = t->timeout_prev;
    kernel.timeouts = meld(kernel.timeouts, below);
}
