/* front: windows of code, and why they come late. */
#include "cpu/models/k7/core.h"

void k7_front_until(struct k7 *k, cycle_t t, enum cause cause)
{
    if (t <= k->front)
        return;
    k->late[k->late_next++ % STRETCHES] = (struct k7_stretch){t, t - k->front, cause};
    k->front = t;
}

/* The next window in order: one a clock, into a buffer of two [AF-MA 20.2]. */
static void next_window(struct k7 *k)
{
    k->front = later(k->front, k->used[1]) + 1;
    k->used[1] = k->used[0];
    k->used[0] = k->line;
}

void k7_read_window(struct k7 *k, uint64_t window)
{
    if (window == k->window + 1)
        next_window(k);
    k->window = window;
}

void k7_redirect(struct k7 *k, laddr_t target)
{
    k->used[1] = k->used[0] = k->line;
    k->window = target >> 4;
    k->front += 2; /* one window is lost [25112 A.6] */
}

/* A code line that the front wants. */
static void fetch(struct k7 *k, const struct access *a)
{
    k->code_pa = a->pa - a->la;
    if (a->level == LEVEL_L1 && LIKELY(k->filled <= k->front))
        return;
    enum cause cause = a->level == LEVEL_L2 ? CAUSE_FETCH_L2 : CAUSE_FETCH_DRAM;
    k7_front_until(k, k7_fetch_line(k, a, k->front, &cause), cause);
}

/* What the memory unit did on its own account for code. */
static void attend(struct k7 *k, const struct access *a)
{
    if (a->level == NOTE_TLB_REFILL)
        k7_front_until(k, k->front + k->config.itlb2, CAUSE_ITLB);
    else if (a->level == NOTE_LINE_PREFETCHED)
        k7_prefetched(k, a, k->front);
}

const struct access *k7_front_accesses(struct k7 *k, const struct access *a,
                                       const struct access *end)
{
    for (; a < end; a++) {
        if (!k7_is_code(a))
            return a;
        if (a->kind == ACCESS_FETCH)
            fetch(k, a);
        else if (a->kind == ACCESS_NOTE)
            attend(k, a);
        else
            k7_front_until(k, k7_walk(k, a, k->front), CAUSE_ITLB);
    }
    return a;
}
