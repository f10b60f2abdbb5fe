/* predict: branch selectors, global history, targets and the return stack [AF-MA 3.11; 25112 A.6].
 *
 * A block of 16 bytes of code knows three branches, while its line is in the code cache. A branch
 * is entered when it is taken for the first time, as always taken; once it falls through it is left
 * to the global history for good. Not in the block: predicted to fall through. */
#include "cpu/models/k7/core.h"

#include <string.h>

#define TAG_NONE UINT32_MAX
#define COUNTER_MAX 3
#define COUNTER_TAKEN 2

void k7_predictor_reset(struct k7_predictor *p)
{
    memset(p, 0, sizeof *p);
    for (unsigned s = 0; s < SELECTOR_SETS; s++)
        for (unsigned w = 0; w < SELECTOR_WAYS; w++)
            p->block[s][w].tag = TAG_NONE;
    memset(p->counter, COUNTER_TAKEN, sizeof p->counter);
}

static struct k7_block *find_block(struct k7_predictor *p, uint32_t tag)
{
    unsigned set = tag % SELECTOR_SETS;
    for (unsigned w = 0; w < SELECTOR_WAYS; w++)
        if (p->block[set][w].tag == tag) {
            p->recent[set] = (uint8_t)w;
            return &p->block[set][w];
        }
    return NULL;
}

static struct k7_block *make_block(struct k7_predictor *p, uint32_t tag)
{
    unsigned set = tag % SELECTOR_SETS;
    p->recent[set] ^= 1;
    struct k7_block *b = &p->block[set][p->recent[set]];
    *b = (struct k7_block){.tag = tag};
    return b;
}

static int find_selector(const struct k7_block *b, unsigned end)
{
    for (int i = 0; b && i < SELECTORS; i++)
        if (b->state[i] != SELECTOR_FREE && b->end[i] == end)
            return i;
    return -1;
}

/* A fourth branch of a block takes a selector from another. */
static unsigned take_selector(struct k7_block *b, unsigned end)
{
    unsigned i = b->next;
    for (unsigned n = 0; n < SELECTORS; n++)
        if (b->state[n] == SELECTOR_FREE) {
            i = n;
            break;
        }
    b->next = (uint8_t)((i + 1) % SELECTORS);
    b->end[i] = (uint8_t)end;
    b->state[i] = SELECTOR_ALWAYS;
    return i;
}

static uint8_t *counter_of(struct k7_predictor *p, const struct k7_config *g, paddr_t pa)
{
    uint32_t bits = g->history_address_bits;
    uint32_t address = pa >> g->history_shift & ((1u << bits) - 1);
    return &p->counter[((p->history & 0xFF) << bits | address) % COUNTERS];
}

static struct k7_target *target_of(struct k7_predictor *p, paddr_t pa)
{
    return &p->target[(pa ^ pa >> 11) % TARGETS];
}

/* Whether it is predicted to be taken; the history learns of dynamic branches alone. */
static bool direction(struct k7_predictor *p, const struct k7_config *g, struct k7_block *b,
                      int selector, paddr_t pa, bool taken)
{
    if (selector < 0)
        return false;
    if (b->state[selector] == SELECTOR_ALWAYS) {
        if (!taken)
            b->state[selector] = SELECTOR_DYNAMIC;
        return true;
    }
    uint8_t *counter = counter_of(p, g, pa);
    bool predicted = *counter >= COUNTER_TAKEN;
    if (taken)
        *counter = (uint8_t)(*counter < COUNTER_MAX ? *counter + 1 : COUNTER_MAX);
    else
        *counter = (uint8_t)(*counter > 0 ? *counter - 1 : 0);
    p->history = p->history << 1 | taken;
    return predicted;
}

static void push_return(struct k7_predictor *p, laddr_t behind)
{
    p->return_top = (p->return_top + 1) % RETURNS;
    p->returns[p->return_top] = behind;
    p->return_count += p->return_count < RETURNS;
}

static bool pop_return(struct k7_predictor *p, laddr_t target)
{
    if (p->return_count == 0)
        return false;
    bool right = p->returns[p->return_top] == target;
    p->return_top = (p->return_top + RETURNS - 1) % RETURNS;
    p->return_count--;
    return right;
}

enum k7_prediction k7_predict(struct k7_predictor *p, const struct k7_config *g,
                              enum k7_transfer transfer, paddr_t pa, bool taken, laddr_t target,
                              laddr_t behind)
{
    struct k7_block *b = find_block(p, pa >> 4);
    int selector = find_selector(b, pa & 15);
    bool predicted = direction(p, g, b, selector, pa, taken);
    bool returned = transfer == TRANSFER_RETURN && pop_return(p, target);
    if (transfer == TRANSFER_CALL || transfer == TRANSFER_CALL_INDIRECT)
        push_return(p, behind);
    if (taken && selector < 0)
        take_selector(b ? b : make_block(p, pa >> 4), pa & 15);
    if (!taken)
        return predicted ? MISPREDICTED : PREDICTED;
    struct k7_target *t = target_of(p, pa);
    bool known = t->branch == pa && t->target == target;
    *t = (struct k7_target){pa, target};
    if (transfer == TRANSFER_RETURN)
        return predicted && returned ? PREDICTED : MISPREDICTED;
    if (!predicted)
        return MISPREDICTED;
    if (known)
        return PREDICTED;
    bool indirect = transfer == TRANSFER_INDIRECT || transfer == TRANSFER_CALL_INDIRECT;
    return indirect ? MISPREDICTED : PREDICTED_LATE;
}
