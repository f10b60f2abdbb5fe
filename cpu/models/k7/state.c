/* state: what of the model a snapshot holds: all that is in flight. */
#include "cpu/models/k7/core.h"

#define WORDS(name, field) snap_words(s, name, &(field), sizeof(field))

/* Arrays and structures of 64-bit words alone. */
static void snap_words(struct snap *s, const char *name, void *words, size_t size)
{
    snap_bytes(s, name, words, size);
}

static void snapshot_front(struct k7 *k, struct snap *s)
{
    snap_u64(s, "window", &k->window);
    snap_u64(s, "front", &k->front);
    WORDS("used", k->used);
    snap_u64(s, "code_pa", &k->code_pa);
    WORDS("late", k->late);
    snap_u64(s, "late_next", &k->late_next);
    snap_u64(s, "line", &k->line);
    snap_u64(s, "line_used", &k->line_used);
    snap_u64(s, "line_number", &k->line_number);
    WORDS("line_retired", k->line_retired);
    snap_u64(s, "retired_line", &k->retired_line);
    if (snap_loading(s) && k->line_used > LANES)
        snap_refuse(s, "line_used", "a line has three places");
}

static void snapshot_units(struct k7 *k, struct snap *s)
{
    WORDS("lane_free", k->lane_free);
    WORDS("fp_free", k->fp_free);
    snap_u64(s, "fp_count", &k->fp_count);
    WORDS("alu", k->alu);
    WORDS("agu", k->agu);
    WORDS("mul", k->mul);
    WORDS("fp", k->fp);
    snap_u64(s, "divider", &k->divider);
    snap_u64(s, "toggle", &k->toggle);
    snap_words(s, "gpr", k->gpr, GPR_READY * sizeof *k->gpr);
    snap_u64(s, "carry", &k->carry);
    snap_u64(s, "rest", &k->rest);
    WORDS("x87", k->x87);
    snap_u64(s, "x87_status", &k->x87_status);
    WORDS("xmm", k->xmm);
}

static void snapshot_store(struct k7_store *e, struct snap *s)
{
    snap_u64(s, "data", &e->data);
    snap_u64(s, "commit", &e->commit);
    snap_u32(s, "la", &e->la);
    snap_u32(s, "size", &e->size);
    snap_u64(s, "slow", &e->slow);
}

static void snapshot_memory(struct k7 *k, struct snap *s)
{
    snap_u64(s, "order", &k->order);
    snap_u64(s, "order_count", &k->order_count);
    snap_u64(s, "order_la", &k->order_la);
    WORDS("lsu", k->lsu);
    snap_u64(s, "lsu_count", &k->lsu_count);
    for (unsigned i = 0; i < STORES; i++)
        snapshot_store(&k->store[i], s);
    snap_u64(s, "store_count", &k->store_count);
    snap_bytes(s, "store_at", k->store_at, sizeof k->store_at);
    snap_u64(s, "committed", &k->committed);
    snap_u64(s, "committed_count", &k->committed_count);
    WORDS("fill", k->fill);
    snap_u64(s, "fill_count", &k->fill_count);
    snap_u64(s, "filled", &k->filled);
    snap_u64(s, "l2_free", &k->l2_free);
    snap_u64(s, "bus_free", &k->bus_free);
    snap_u64(s, "l2_seen", &k->l2_seen);
    snap_u64(s, "l2_victims", &k->l2_victims);
    WORDS("combined", k->combined);
    snap_u64(s, "combined_count", &k->combined_count);
    snap_u64(s, "modify_free", &k->modify_free);
}

static void snapshot_block(struct k7_block *b, struct snap *s)
{
    snap_u32(s, "tag", &b->tag);
    snap_bytes(s, "end", b->end, sizeof b->end);
    snap_bytes(s, "state", b->state, sizeof b->state);
    snap_u8(s, "next", &b->next);
}

static void snapshot_predictor(struct k7_predictor *p, struct snap *s)
{
    snap_enter(s, "predictor");
    for (unsigned set = 0; set < SELECTOR_SETS; set++)
        for (unsigned way = 0; way < SELECTOR_WAYS; way++)
            snapshot_block(&p->block[set][way], s);
    snap_bytes(s, "recent", p->recent, sizeof p->recent);
    for (unsigned i = 0; i < TARGETS; i++) {
        snap_u32(s, "branch", &p->target[i].branch);
        snap_u32(s, "target", &p->target[i].target);
    }
    snap_bytes(s, "counter", p->counter, sizeof p->counter);
    snap_u32(s, "history", &p->history);
    for (unsigned i = 0; i < RETURNS; i++)
        snap_u32(s, "return", &p->returns[i]);
    snap_u32(s, "return_top", &p->return_top);
    snap_u32(s, "return_count", &p->return_count);
    bool sound = p->return_top < RETURNS && p->return_count <= RETURNS;
    for (unsigned set = 0; set < SELECTOR_SETS; set++)
        sound &= p->recent[set] < SELECTOR_WAYS && p->block[set][0].next < SELECTORS &&
                 p->block[set][1].next < SELECTORS;
    if (snap_loading(s) && !sound)
        snap_refuse(s, "predictor", "an index is out of its range");
    snap_leave(s);
}

/* What k7_last would say is not state: it is gone with the next instruction. */
void k7_snapshot(struct model *m, struct snap *s)
{
    struct k7 *k = (struct k7 *)m;
    snap_enter(s, "k7");
    snapshot_front(k, s);
    snapshot_units(k, s);
    snapshot_memory(k, s);
    snapshot_predictor(&k->predictor, s);
    k7_counters_snapshot(k, s);
    snap_leave(s);
}
