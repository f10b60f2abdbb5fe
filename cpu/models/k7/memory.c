/* memory: the load-store unit, the second-level cache, memory, page walks.
 *
 * Accesses reach the first-level cache in program order, two a clock, none before all earlier
 * addresses are known [AF-MA 20.15]. Misses then go their way: up to eight at a time, one line
 * after the other through the second level's bus and the memory's. Stores wait in the unit until
 * they retire, and enter the cache in order; loads meet them there by address bits 11..2. */
#include "cpu/models/k7/flow.h"

#define ALIGNED_EXTRA 1  /* an access that crosses 8 bytes [AF-MA 20.15] */
#define MODIFIED_EXTRA 3 /* RMW after RMW of one place: 7 clocks [AF-IT, IL] */
#define COMMITS 2        /* a clock [25112 A.15] */

/* --- ports ------------------------------------------------------------------------------------ */

/* Two accesses of one clock to one bank of different lines: the second is late. */
static bool same_bank(laddr_t a, laddr_t b)
{
    return ((a ^ b) & 0x38) == 0 && ((a ^ b) & 0x7FC0) != 0;
}

static ALWAYS_INLINE cycle_t take_port(struct k7 *k, cycle_t t, laddr_t la)
{
    if (t > k->order) {
        k->order = t;
        k->order_count = 1;
    } else if (k->order_count == 1 && UNLIKELY(same_bank(la, (laddr_t)k->order_la))) {
        k->order++;
        k7_stall(k, k->order, 1, CAUSE_BANK);
    } else if (k->order_count < 2) {
        k->order_count++;
    } else {
        k->order++;
        k->order_count = 1;
    }
    k->order_la = la;
    return k->order;
}

/* --- lines that are on their way -------------------------------------------------------------- */

static uint64_t line_of(const struct access *a) { return a->pa >> 6; }

/* The line of a, if it is still on its way at t. */
static NOINLINE const struct k7_fill *pending(const struct k7 *k, const struct access *a,
                                              cycle_t t)
{
    for (unsigned i = 0; i < FILLS; i++)
        if (k->fill[i].line == line_of(a) && k->fill[i].ready > t)
            return &k->fill[i];
    return NULL;
}

static cycle_t pending_fill(struct k7 *k, const struct access *a, cycle_t data)
{
    const struct k7_fill *f = pending(k, a, data);
    if (!f)
        return data;
    k7_stall(k, f->ready, f->ready - data, (enum cause)f->cause);
    return f->ready;
}

/* The time outside that serves a level, from the moment it is asked. */
static cycle_t dram_time(const struct k7 *k, unsigned level)
{
    return k->dram[level - LEVEL_DRAM_HIT];
}

/* What a first level gives up waits in the victim buffer until L2 takes it in, which it does while
 * nobody reads it [25112 A.16]: so many clocks of that are left at t. */
static void write_victims(struct k7 *k, cycle_t t)
{
    cycle_t since = later(k->l2_free, k->l2_seen), idle = t > since ? t - since : 0;
    k->l2_seen = later(k->l2_seen, t);
    k->l2_victims -= idle < k->l2_victims ? idle : k->l2_victims;
}

/* Another line for the buffer, at t. If it is full, whoever brings that line waits until one is in
 * L2: returns when. */
static cycle_t enter_victim(struct k7 *k, cycle_t t)
{
    cycle_t most = (k->config.victims - 1) * k->config.l2_victim;
    if (k->l2_victims > most) {
        t += k->l2_victims - most;
        k->l2_victims = most;
        k->l2_free = later(k->l2_free, t);
    }
    k->l2_victims += k->config.l2_victim;
    return t;
}

/* A line that missed the first level is asked for at t: when its critical word arrives. A line
 * that was prefetched into L2 may not be there yet. */
static cycle_t request_line(struct k7 *k, const struct access *a, unsigned level, cycle_t t,
                            enum cause cause)
{
    const struct k7_fill *coming = k->filled > t ? pending(k, a, t) : NULL;
    cycle_t arrives = coming ? coming->ready : 0;
    struct k7_fill *f = &k->fill[k->fill_count++ % FILLS];
    t = later(t, f->ready);
    if (level == LEVEL_L2)
        t = later(t, k->l2_free);
    write_victims(k, t);
    if (a->flags & ACCESS_VICTIM)
        t = enter_victim(k, t);
    if (level == LEVEL_L2) {
        k->l2_free = t + k->config.l2_line;
        f->ready = later(t + k->config.l2_latency, arrives);
    } else {
        t = later(t, k->bus_free);
        k->bus_free = t + k->dram_line;
        f->ready = t + dram_time(k, level);
    }
    if (a->flags & ACCESS_EVICT_L2)
        k->bus_free = later(k->bus_free, t) + k->dram_line;
    f->line = line_of(a);
    f->cause = cause;
    k->filled = later(k->filled, f->ready);
    return f->ready;
}

/* An access that no cache keeps. */
static cycle_t request_device(struct k7 *k, cycle_t t)
{
    t = later(t, k->bus_free);
    k->bus_free = t + k->device;
    return k->bus_free;
}

static enum cause data_cause(unsigned level)
{
    return level == LEVEL_L2       ? CAUSE_DATA_L2
           : level == LEVEL_DEVICE ? CAUSE_DATA_DEVICE
                                   : CAUSE_DATA_DRAM;
}

static cycle_t serve(struct k7 *k, const struct access *a, cycle_t t)
{
    if (a->level == LEVEL_DEVICE || a->flags & ACCESS_UNCACHED)
        k7_close_combined(k);
    if (a->level == LEVEL_DEVICE)
        return request_device(k, t);
    return request_line(k, a, a->level, t, data_cause(a->level));
}

void k7_prefetched(struct k7 *k, const struct access *a, cycle_t t)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    enum cause cause = code          ? (a->la == LEVEL_L2 ? CAUSE_FETCH_L2 : CAUSE_FETCH_DRAM)
                       : a->la == LEVEL_L2 ? CAUSE_DATA_L2
                                           : CAUSE_DATA_DRAM;
    bool requested = a->flags & ACCESS_BY_REQUEST;
    if (a->la == LEVEL_DEVICE || a->la == LEVEL_L1)
        return;
    /* L2 is asked first, and has the line when all of it has come; what an instruction asks for
     * goes the way of a load. */
    bool ahead = !code && !requested;
    cycle_t ready = request_line(k, a, a->la, t + (ahead ? k->config.l2_latency : 0), cause);
    if (ahead && a->la != LEVEL_L2)
        k->fill[(k->fill_count - 1) % FILLS].ready = ready + k->dram_line;
}

cycle_t k7_memory_note(struct k7 *k, const struct access *a, cycle_t t)
{
    if (a->level == NOTE_LINE_PREFETCHED)
        k7_prefetched(k, a, t + 1);
    if (a->level != NOTE_TLB_REFILL)
        return t;
    k7_stall(k, t + k->config.dtlb2, k->config.dtlb2, CAUSE_DTLB);
    return t + k->config.dtlb2;
}

/* --- loads ------------------------------------------------------------------------------------ */

static const struct k7_store *older_store(const struct k7 *k, uint32_t word, cycle_t t)
{
    const struct k7_store *s = &k->store[k->store_at[word % STORE_WORDS] % STORES];
    uint32_t first = s->la >> 2, last = (s->la + s->size - 1) >> 2;
    bool holds = ((word - first) % STORE_WORDS) <= ((last - first) % STORE_WORDS);
    return s->commit > t && holds ? s : NULL;
}

/* The load found an older store that is not in the cache yet: takes its data, or waits until it
 * is there [25112 5.5; AF-MA 20.13]. data: when the cache would have it. */
static cycle_t forward(struct k7 *k, const struct k7_store *s, const struct access *a,
                       cycle_t data)
{
    bool fits = s->la == a->la && a->size <= s->size && s->slow != FORWARD_NEVER;
    cycle_t extra = s->slow == FORWARD_MODIFIED && a->kind == ACCESS_RMW ? MODIFIED_EXTRA : 0;
    cycle_t probe = data - k->order;
    cycle_t ready = fits ? s->data + extra + probe + 1 : s->commit + 1 + probe;
    if (ready <= data)
        return data;
    k7_stall(k, ready, ready - data, CAUSE_FORWARD);
    return ready;
}

/* Read-modify-writes follow each other more slowly than their two accesses would say. */
static cycle_t modify(struct k7 *k, cycle_t agu)
{
    cycle_t quarters = later(4 * agu, k->modify_free);
    k->modify_free = quarters + k->config.modify_quarters;
    return (quarters + 3) / 4;
}

cycle_t k7_load(struct k7 *k, const struct access *a, cycle_t agu, bool narrow)
{
    if (a->kind == ACCESS_RMW)
        agu = modify(k, agu);
    cycle_t t = take_port(k, agu + 1, a->la), data = t + 2 + narrow;
    uint32_t first = a->la >> 2, last = (a->la + a->size - 1) >> 2;
    const struct k7_store *s = older_store(k, first, t);
    if (!s && last != first)
        s = older_store(k, last, t);
    if (UNLIKELY(s != NULL))
        data = forward(k, s, a, data);
    if (UNLIKELY(a->flags & ACCESS_MISALIGNED)) {
        data += ALIGNED_EXTRA;
        k7_stall(k, data, ALIGNED_EXTRA, CAUSE_MISALIGNED);
    }
    if (LIKELY(a->level == LEVEL_L1))
        return UNLIKELY(k->filled > data) ? pending_fill(k, a, data) : data;
    cycle_t served = serve(k, a, t - 1) + narrow;
    if (served <= data)
        return data;
    k7_stall(k, served, served - data, data_cause(a->level));
    return served;
}

/* --- stores ----------------------------------------------------------------------------------- */

/* Memory gets it at once: uncached, combined, or through a line that is shared. */
static bool goes_outside(const struct access *a)
{
    return a->level == LEVEL_DEVICE || (a->level != LEVEL_L1 && a->flags & ACCESS_LINE_SHARED);
}

cycle_t k7_store_line(struct k7 *k, const struct access *a, cycle_t agu)
{
    k->order = later(k->order, agu + 1);
    if (LIKELY(a->level == LEVEL_L1) || goes_outside(a))
        return 0;
    return request_line(k, a, a->level, agu + 1, data_cause(a->level));
}

static cycle_t take_bus(struct k7 *k, cycle_t t)
{
    t = later(t, k->bus_free);
    k->bus_free = t + k->dram_line;
    return t;
}

/* Writes to a few lines are combined, each until it is full, another needs its buffer, or what does
 * not combine comes between [25112 B table 12; 22007 C table 9]; here the bus is taken when it
 * begins. Writes that go through are not combined. */
static cycle_t combine(struct k7 *k, const struct access *a, cycle_t t)
{
    struct k7_combined *e = NULL;
    for (unsigned i = 0; i < k->config.combine_buffers && !e; i++)
        e = k->combined[i].line == line_of(a) ? &k->combined[i] : NULL;
    if (!e) {
        e = &k->combined[k->combined_count++ % k->config.combine_buffers];
        *e = (struct k7_combined){.line = line_of(a)};
        t = take_bus(k, t);
    }
    e->bytes |= (UINT64_MAX >> (64 - a->size)) << (a->pa & 63);
    if (e->bytes == UINT64_MAX)
        e->line = LINE_NONE;
    return t;
}

void k7_close_combined(struct k7 *k)
{
    for (unsigned i = 0; i < COMBINE_BUFFERS_MAX; i++)
        k->combined[i].line = LINE_NONE;
}

static cycle_t write_outside(struct k7 *k, const struct access *a, cycle_t t)
{
    if (a->level != LEVEL_DEVICE && a->flags & ACCESS_COMBINED)
        return combine(k, a, t);
    k7_close_combined(k);
    return a->level == LEVEL_DEVICE ? request_device(k, t) : take_bus(k, t);
}

void k7_store(struct k7 *k, const struct access *a, cycle_t data, cycle_t line, cycle_t retired,
              unsigned forward)
{
    cycle_t commit = later(later(retired + 1, line), k->committed);
    if (commit == k->committed && ++k->committed_count > COMMITS)
        commit++;
    if (commit != k->committed)
        k->committed_count = 1;
    if (UNLIKELY(goes_outside(a)))
        commit = write_outside(k, a, commit);
    if (UNLIKELY(k->ideal & MODEL_IDEAL_STORES))
        commit = retired + 1;
    k->committed = commit;
    unsigned i = k->store_count++ % STORES;
    if (a->flags & ACCESS_MISALIGNED)
        forward = FORWARD_NEVER;
    k->store[i] = (struct k7_store){data, commit, a->la, a->size, forward};
    uint32_t last = (a->la + a->size - 1) >> 2;
    for (uint32_t word = a->la >> 2; word <= last; word++)
        k->store_at[word % STORE_WORDS] = (uint8_t)i;
    k7_lsu_until(k, commit);
}

/* --- walks and code --------------------------------------------------------------------------- */

static cycle_t walk_read(struct k7 *k, const struct access *a, cycle_t t)
{
    if (a->level == LEVEL_L1)
        return t + 3;
    return serve(k, a, t);
}

cycle_t k7_walk(struct k7 *k, const struct access *a, cycle_t t)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    cycle_t end = a->kind == ACCESS_UPDATE
                      ? t + k->config.walk_update
                      : walk_read(k, a, t) + (code ? k->config.walk_code : k->config.walk_data);
    if (!code)
        k7_stall(k, end, end - t, a->kind == ACCESS_UPDATE ? CAUSE_TLB_UPDATE : CAUSE_DTLB);
    return end;
}

cycle_t k7_fetch_line(struct k7 *k, const struct access *a, cycle_t t, enum cause *cause)
{
    if (a->level == LEVEL_DEVICE)
        return request_device(k, t);
    if (a->level != LEVEL_L1)
        return request_line(k, a, a->level, t, *cause);
    const struct k7_fill *f = pending(k, a, t);
    *cause = f ? (enum cause)f->cause : *cause;
    return f ? f->ready : t;
}
