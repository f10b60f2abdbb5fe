/* btb: the branch target buffer: 256 entries in 64 sets of 4 ways [AF-MA 3.2].
 *
 * An entry hangs on the instruction that was in U one group before the branch's group: bits 5..0 of
 * its address choose the set, the others are the tag. It is made when the branch is first taken,
 * strongly taken. State 0 doubles as "unused": a branch that has fallen to it predicts not taken,
 * and jumps to strongly taken when it is taken again, except in loops of at most 4 groups, where
 * the counter is forwarded and steps to 1. Replacement is pseudo-random (a linear-feedback shift
 * register: estimate).
 *
 * A hit also compares the target: an entry is shared by branches behind the same instruction. */
#include "cpu/models/p5/core.h"

#include <string.h>

#define TIGHT_LOOP_GROUPS 4
#define STRONGLY_TAKEN 3

void btb_reset(struct btb *b)
{
    memset(b, 0, sizeof *b);
    b->random = 1;
}

static struct btb_entry *find(struct btb *b, uint32_t key)
{
    struct btb_entry *set = b->entry[key & (BTB_SETS - 1)];
    for (unsigned way = 0; way < BTB_WAYS; way++)
        if (set[way].valid && set[way].key == key)
            return &set[way];
    return NULL;
}

/* The 8-bit maximal-length sequence of taps 8, 6, 5, 4. */
static unsigned next_random(struct btb *b)
{
    uint32_t r = b->random;
    uint32_t bit = (r ^ r >> 2 ^ r >> 3 ^ r >> 4) & 1;
    b->random = (r >> 1 | bit << 7) & 0xFF;
    return b->random & (BTB_WAYS - 1);
}

static struct btb_entry *allocate(struct btb *b, uint32_t key)
{
    struct btb_entry *set = b->entry[key & (BTB_SETS - 1)];
    for (unsigned way = 0; way < BTB_WAYS; way++)
        if (!set[way].valid)
            return &set[way];
    return &set[next_random(b)];
}

static void learn(struct btb *b, struct btb_entry *e, uint32_t key, bool taken, uint32_t target,
                  uint64_t group)
{
    if (!e) {
        if (!taken)
            return;
        e = allocate(b, key);
        *e = (struct btb_entry){.valid = true, .key = key, .state = STRONGLY_TAKEN};
    } else if (!taken) {
        e->state -= e->state > 0;
    } else if (e->state == 0 && group - e->group > TIGHT_LOOP_GROUPS) {
        e->state = STRONGLY_TAKEN;
    } else if (e->state < STRONGLY_TAKEN) {
        e->state++;
    }
    if (taken)
        e->target = target;
    e->group = group;
}

struct btb_result btb_branch(struct btb *b, uint32_t key, bool taken, uint32_t target,
                             uint64_t group, bool blind)
{
    struct btb_entry *e = find(b, key);
    bool hit = e && e->state > 0;
    bool predicted = e && e->state >= 2 && !blind;
    bool wrong = predicted != taken || (taken && predicted && e->target != target);
    learn(b, e, key, taken, target, group);
    return (struct btb_result){hit, wrong};
}
