/* k7: an integer instruction's way through the machine, branches, and the model's entries.
 *
 * Rules are cited by their letters in README.md. What is rare (microcode, misses, gaps that need
 * an explanation) is in the other files; the common case reads the timing word, the cost and the
 * registers' times. */
#include "cpu/models/k7/flow.h"

#include "cpu/timed.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

static struct k7 *of(struct model *m) { return (struct k7 *)m; }

/* --- executing -------------------------------------------------------------------------------- */

static NOINLINE cycle_t multiply(struct k7 *k, const struct k7_cost *cost, cycle_t t)
{
    cycle_t issue = slots_take(&k->mul, t);
    for (unsigned i = 1; i < cost->busy; i++)
        slots_take(&k->mul, issue + i);
    return issue;
}

static ALWAYS_INLINE cycle_t issue(struct k7 *k, const struct k7_cost *cost, unsigned lane,
                                   cycle_t t)
{
    cycle_t at = t;
    if (LIKELY(cost->unit == UNIT_ALU))
        at = slots_take(&k->alu[lane], t);
    else if (cost->unit == UNIT_AGU)
        at = slots_take(&k->agu[lane], t);
    else if (cost->unit == UNIT_MUL)
        at = multiply(k, cost, t);
    if (UNLIKELY(cost->ops > 1) && cost->path == DECODE_DIRECT)
        for (unsigned i = 1; i < cost->ops; i++)
            slots_take(&k->alu[(lane + i) % LANES], at);
    return at;
}

/* A locked operation waits until it is the oldest, and every store before it is in the cache. */
static NOINLINE cycle_t lock(struct k7 *k, const struct cpu *c, cycle_t t)
{
    cycle_t alone = later(later(t, c->clock->now), k->committed);
    cycle_t end = alone + k->config.locked;
    k7_stall(k, end, end - t, CAUSE_LOCKED);
    k->order = later(k->order, end);
    k7_close_combined(k);
    return end;
}

struct touched {
    const struct access *store; /* the first entry of what is written, or NULL */
    cycle_t line;               /* when its line is there */
    cycle_t translated;         /* when the last address was generated and translated */
    unsigned forward;
};

/* The accesses, in program order. Returns when what was read is there, or t. */
static ALWAYS_INLINE cycle_t touch(struct k7 *k, const struct cpu *c, uint64_t word,
                                   unsigned lane, cycle_t t, const struct access *a,
                                   const struct access *end, struct touched *w)
{
    cycle_t ready = k7_ready_registers(k, k7_fact(word, FACT_ADDRESS, 8), k->line + 1);
    cycle_t agu = slots_take(&k->agu[lane], ready);
    k->last.issued = k->last.address = agu;
    if (UNLIKELY(k7_fact(word, FACT_LOCKED, 1)))
        agu = lock(k, c, agu);
    cycle_t loaded = agu + 1;
    for (; a < end; a++) {
        switch (a->kind) {
        case ACCESS_READ: case ACCESS_RMW:
            loaded = later(loaded, k7_load(k, a, agu, k7_fact(word, FACT_NARROW, 1)));
            t = later(t, loaded);
            w->forward |= a->kind == ACCESS_RMW ? FORWARD_MODIFIED : FORWARD_PLAIN;
            break;
        case ACCESS_WRITE:
            w->store = w->store ? w->store : a;
            w->line = later(w->line, k7_store_line(k, a, agu));
            break;
        case ACCESS_WALK: case ACCESS_UPDATE: agu = k7_walk(k, a, agu); break;
        case ACCESS_NOTE: agu = k7_memory_note(k, a, agu); break;
        default: break;
        }
    }
    w->translated = agu;
    k->last.loaded = loaded;
    return t;
}

static NOINLINE void commit(struct k7 *k, const struct touched *w, const struct access *end,
                            uint64_t word, cycle_t data, cycle_t retired)
{
    unsigned forward = k7_fact(word, FACT_HIGH_STORED, 1) ? FORWARD_NEVER : w->forward;
    for (const struct access *a = w->store; a < end; a++)
        if (a->kind == ACCESS_WRITE)
            k7_store(k, a, data, w->line, retired, forward);
}

/* Everything but the branch. Returns when the result is there. */
static ALWAYS_INLINE cycle_t price_plain(struct k7 *k, struct cpu *c, uint64_t word,
                                         const struct k7_cost *cost, const struct access *a,
                                         const struct access *end)
{
    struct touched w = {.store = NULL};
    unsigned lane = k7_dispatch(k, cost, a < end);
    cycle_t *entry = k7_lane_entry(k, lane);
    cycle_t source = k7_ready_sources(k, word, k->line + 1);
    k->last.issued = 0;
    if (a < end)
        source = touch(k, c, word, lane, source, a, end, &w);
    cycle_t at = issue(k, cost, lane, source), done = at + cost->latency;
    k->last.operated = at;
    if (!k->last.issued)
        k->last.issued = at;
    *entry = at;
    k->last.dispatched = k->line;
    if (k7_fact(word, FACT_STACK, 1)) {
        cycle_t esp = slots_take(&k->alu[lane], later(k->gpr[ESP], k->line + 1)) + 1;
        k7_write_results(k, word, done);
        k->gpr[ESP] = esp;
    } else {
        k7_write_results(k, word, done);
    }
    cycle_t retired = k7_retire(k, c, a < end ? later(done, w.translated + 1) : done);
    if (w.store)
        commit(k, &w, end, word, done, retired);
    else if (a < end)
        k7_lsu_until(k, done);
    return done;
}

static NOINLINE void predict(struct k7 *k, const struct cpu *c, const struct op *o, uint64_t word,
                             cycle_t done)
{
    enum k7_transfer transfer = (enum k7_transfer)k7_fact(word, FACT_TRANSFER, 3);
    laddr_t base = c->seg[CS].base, target = base + c->eip;
    paddr_t pa = (paddr_t)(base + o->next_eip - 1 + k->code_pa);
    bool taken = c->branched;
    enum k7_prediction p = k7_predict(&k->predictor, &k->config, transfer, pa, taken, target,
                                      base + o->next_eip);
    if (taken)
        k7_redirect(k, target);
    if (UNLIKELY(k->ideal & MODEL_IDEAL_PREDICTION))
        return;
    if (UNLIKELY(p == MISPREDICTED)) {
        k->counters.mispredicts++;
        k7_front_until(k, done + k->config.mispredict - 1, CAUSE_BRANCH);
    } else if (UNLIKELY(p == PREDICTED_LATE)) {
        k7_front_until(k, k->front + k->config.lost_target, CAUSE_BRANCH);
    }
}

/* --- the model's entries ---------------------------------------------------------------------- */

/* Prefixes: the fourth to seventh take another place in the line, more of them clocks. */
static NOINLINE void decode_prefixes(struct k7 *k, unsigned beyond)
{
    if (beyond <= 4)
        k7_place(k);
    else
        k7_front_until(k, later(k->front, k->line) + (beyond + 3 - k->config.free_prefixes) / 2,
                       CAUSE_PREFIX);
}

static NOINLINE void price_other(struct k7 *k, struct cpu *c, const struct op *o, uint64_t word,
                                 const struct k7_cost *cost, const struct access *a,
                                 const struct access *end)
{
    struct k7_cost own = *cost;
    switch (cost->kind) {
    case KIND_FLOAT: k7_price_float(k, c, o, word, cost, a, end); break;
    case KIND_MICRO: k7_price_micro(k, c, o, word, &own, a, end); break;
    default: k7_price_string(k, c, o, word, cost, a, end); break;
    }
    k7_account(k, c, &own);
}

static ALWAYS_INLINE void price_inline(struct k7 *k, struct cpu *c, const struct op *o,
                                       const struct access *a, const struct access *end)
{
    uint64_t word = o->timing;
    const struct k7_cost *cost = &k->cost[k7_fact(word, FACT_COST, 10)];
    laddr_t last = c->seg[CS].base + o->next_eip - 1;
    k->stalls = 0;
    if (last >> 4 != k->window)
        k7_read_window(k, last >> 4);
    if (a < end && k7_is_code(a))
        a = k7_front_accesses(k, a, end);
    k->last.fetched = k->front;
    if (UNLIKELY(k7_fact(word, FACT_DECODE, 4)))
        decode_prefixes(k, k7_fact(word, FACT_DECODE, 4));
    if (UNLIKELY(cost->kind > KIND_BRANCH)) {
        price_other(k, c, o, word, cost, a, end);
        return;
    }
    cycle_t done = LIKELY(a == end) ? price_plain(k, c, word, cost, NULL, NULL)
                                    : price_plain(k, c, word, cost, a, end);
    if (cost->kind == KIND_BRANCH)
        predict(k, c, o, word, done);
    k7_account(k, c, cost);
}

static void price(struct model *m, struct cpu *c, const struct op *o)
{
    struct k7 *k = of(m);
    cycle_t before = c->clock->now;
    price_inline(k, c, o, c->log.list, c->log.list + c->log.count);
    if (UNLIKELY(k->counters.armed))
        k7_count(k, o, c->clock->now - before);
}

static ALWAYS_INLINE void price_next(struct model *m, struct cpu *c, const struct op *o)
{
    price_inline(of(m), c, o, c->log.list, c->log.list + c->log.count);
}

static ALWAYS_INLINE void price_told(struct model *m, struct cpu *c, const struct op *o)
{
    price(m, c, o);
    c->on_priced(c->priced_owner, c, o, false);
}

static void run(struct model *m, struct cpu *c, struct block *block, const struct op *end)
{
    if (UNLIKELY(c->on_priced != NULL))
        timed_run(m, c, block, block->ops, end, price_told);
    else if (UNLIKELY(of(m)->counters.armed || block->alone)) /* WRMSR may arm them */
        timed_run(m, c, block, block->ops, end, price);
    else
        timed_run(m, c, block, block->ops, end, price_next);
}

static void price_delivery(struct model *m, struct cpu *c, const struct op *o)
{
    (void)o;
    struct k7 *k = of(m);
    const struct access *end = c->log.list + c->log.count;
    cycle_t before = c->clock->now;
    k->stalls = 0;
    k7_price_entry(k, c, k7_front_accesses(k, c->log.list, end), end);
    if (UNLIKELY(k->counters.armed))
        k7_count(k, NULL, c->clock->now - before);
}

static void attach(struct model *m, struct cpu *c)
{
    of(m)->cpu = c;
    k7_counters_attach(of(m));
}

/* Nothing is in flight; what the caches and the predictor know of code is gone, too. */
static void reset(struct model *m)
{
    struct k7 *k = of(m);
    k7_predictor_reset(&k->predictor);
}

static void release(struct model *m)
{
    k7_counters_detach(of(m));
    free(m);
}

static enum model_unit unit_of(const struct k7_stages *s)
{
    static const uint8_t units[] = {
        [UNIT_ALU] = MODEL_ALU,   [UNIT_MUL] = MODEL_MULTIPLIER,  [UNIT_AGU] = MODEL_AGU,
        [UNIT_FADD] = MODEL_FADD, [UNIT_FMUL] = MODEL_FMUL,       [UNIT_FSTORE] = MODEL_FSTORE,
        [UNIT_ALONE] = MODEL_MICROCODE,
    };
    return (enum model_unit)units[s->unit];
}

static void last(const struct model *m, struct model_last *l)
{
    const struct k7 *k = (const struct k7 *)m;
    const struct k7_stages *s = &k->last;
    *l = (struct model_last){.pipe = (char)('0' + s->lane), .paired = s->joined, .staged = true};
    l->why_not = s->joined ? NULL : "a new line";
    l->decoded = s->fetched < s->dispatched ? s->fetched : s->dispatched;
    l->fetched = l->decoded > k->config.front_stages ? l->decoded - k->config.front_stages : 0;
    l->dispatched = s->dispatched;
    l->issued = s->issued;
    l->completed = s->completed;
    l->retired = s->retired;
    l->unit = (uint8_t)unit_of(s);
    if (s->address)
        l->micro[l->micro_count++] = (struct model_micro){MODEL_AGU, s->address, s->loaded};
    if (l->unit != MODEL_NO_UNIT)
        l->micro[l->micro_count++] = (struct model_micro){l->unit, s->operated, s->completed};
    else if (s->address)
        l->unit = MODEL_AGU;
}

/* --- making one ------------------------------------------------------------------------------- */

/* Rounded to the nearest cycle. */
static cycle_t cycles_of(uint64_t picoseconds, uint64_t clock_num, uint64_t clock_den)
{
    unsigned __int128 cycles = (unsigned __int128)picoseconds * clock_num / clock_den;
    return (cycle_t)((cycles + 500000000000u) / 1000000000000u);
}

static void make_times(struct k7 *k, uint64_t clock_num, uint64_t clock_den)
{
    const struct k7_config *g = &k->config;
    k->dram[0] = cycles_of(g->dram_hit_ps, clock_num, clock_den);
    k->dram[1] = cycles_of(g->dram_row_ps, clock_num, clock_den);
    k->dram[2] = cycles_of(g->dram_miss_ps, clock_num, clock_den);
    k->dram_line = cycles_of(g->dram_line_ps, clock_num, clock_den);
    k->device = cycles_of(g->device_ps, clock_num, clock_den);
    k->port = cycles_of(g->io_ps, clock_num, clock_den);
    k->acknowledge = cycles_of(g->inta_ps, clock_num, clock_den);
}

static void make_costs(struct k7 *k)
{
    CHECK(k7_class_count <= K7_CLASSES_MAX);
    for (unsigned i = 0; i < k7_class_count; i++) {
        const struct k7_class *l = &k7_classes[i];
        k->cost[i] = (struct k7_cost){
            .kind = l->kind, .unit = l->unit, .path = l->part[k->config.part].path,
            .ops = l->part[k->config.part].ops, .latency = l->part[k->config.part].latency,
            .busy = l->part[k->config.part].busy, .cause = l->cause, .quality = l->quality,
        };
    }
}

struct model *model_k7_new(const struct k7_config *config, uint64_t clock_num, uint64_t clock_den)
{
    struct k7 *k = xalloc(1, sizeof *k);
    k->config = *config;
    CHECK(config->lane_entries >= LANE_ENTRIES_MAX / 2 &&
          config->lane_entries <= LANE_ENTRIES_MAX);
    make_times(k, clock_num, clock_den);
    make_costs(k);
    k7_micro_init(k);
    k7_close_combined(k);
    k->model = (struct model){
        .name = config->part == PART_K7 ? "k7" : "k8", .timed = true, .attach = attach,
        .bind = k7_bind, .price = price, .run = run, .price_delivery = price_delivery,
        .reset = reset, .last = last, .twin = k7_twin, .snapshot = k7_snapshot,
        .free = release,
    };
    k7_predictor_reset(&k->predictor);
    return &k->model;
}
