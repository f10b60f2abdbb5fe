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

const struct access *k7_front_accesses(struct k7 *k, const struct access *a,
                                       const struct access *end)
{
    for (; a < end; a++) {
        if (a->kind == ACCESS_FETCH) {
            k->code_pa = a->pa - a->la;
            if (a->level != LEVEL_L1)
                k7_front_until(k, k7_fetch_line(k, a, k->front),
                               a->level == LEVEL_L2 ? CAUSE_FETCH_L2 : CAUSE_FETCH_DRAM);
        } else if (a->kind != ACCESS_NOTE && (a->flags & ACCESS_CODE_SIDE)) {
            k7_front_until(k, k7_walk(k, a, k->front), CAUSE_ITLB);
        } else {
            return a;
        }
    }
    return a;
}
