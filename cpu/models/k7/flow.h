/* flow: lines, lanes and retirement: what every kind of instruction goes through. */
#pragma once

#include "cpu/models/k7/core.h"

/* When each lane's scheduler has room, no sooner than t. */
static NOINLINE cycle_t k7_lanes_room(const struct k7 *k, cycle_t t)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        cycle_t first = k->lane_free[lane][0];
        for (unsigned i = 1; i < k->config.lane_entries; i++)
            first = k->lane_free[lane][i] < first ? k->lane_free[lane][i] : first;
        t = later(t, first);
    }
    return t;
}

/* Of a scheduler's entries the one that a line looks at first: it was taken lines ago. */
static ALWAYS_INLINE unsigned k7_first_entry(const struct k7 *k)
{
    unsigned i = k->line_number % LANE_ENTRIES_MAX;
    return i - (i >= k->config.lane_entries ? k->config.lane_entries : 0);
}

/* The next line: once the front has it, and the reorder buffer and each lane's scheduler have room:
 * its places are dispatched together [25112 A.8, A.11]. */
static ALWAYS_INLINE void k7_open_line(struct k7 *k)
{
    k->line_number++;
    unsigned i = k7_first_entry(k);
    cycle_t room = k->line_retired[(k->line_number - ROB_LINES) % ROB_RING] + 1;
    cycle_t line = later(later(k->line + 1, k->front), room);
    cycle_t lanes = later(later(k->lane_free[0][i], k->lane_free[1][i]), k->lane_free[2][i]);
    k->line = LIKELY(lanes <= line) ? line : k7_lanes_room(k, line);
    k->line_used = 0;
}

/* The place of the next macro-operation. */
static ALWAYS_INLINE unsigned k7_place(struct k7 *k)
{
    if (k->line_used == LANES || k->front > k->line)
        k7_open_line(k);
    return (unsigned)k->line_used++;
}

/* A line for itself, of which the decoders take so many clocks. */
static ALWAYS_INLINE void k7_exclusive_lines(struct k7 *k, unsigned clocks)
{
    k7_open_line(k);
    k->line += clocks > 1 ? clocks - 1 : 0;
    k->line_used = LANES;
}

static NOINLINE cycle_t *k7_lane_first(struct k7 *k, cycle_t *entry)
{
    cycle_t *first = entry;
    for (unsigned i = 1; i < k->config.lane_entries; i++)
        if (entry[i] < *first)
            first = &entry[i];
    return first;
}

/* A free scheduler entry of a lane: its line has waited for one. Which of several that are free
 * makes no difference. */
static ALWAYS_INLINE cycle_t *k7_lane_entry(struct k7 *k, unsigned lane)
{
    cycle_t *entry = k->lane_free[lane];
    unsigned i = k7_first_entry(k);
    return LIKELY(entry[i] <= k->line) ? &entry[i] : k7_lane_first(k, entry);
}

/* When an entry of the load-store unit is free. */
static ALWAYS_INLINE cycle_t k7_lsu_room(const struct k7 *k)
{
    return k->ideal & MODEL_IDEAL_STORES ? 0 : k->lsu[(k->lsu_count - LSU_ENTRIES) % LSU_RING];
}

/* What is placed next has no room before t: it begins another line. */
static ALWAYS_INLINE void k7_room(struct k7 *k, cycle_t t, enum cause cause)
{
    if (UNLIKELY(t > k->line))
        k7_front_until(k, t, cause);
}

/* A line with one instruction waits for the load-store unit as a whole. */
static ALWAYS_INLINE void k7_line_room(struct k7 *k)
{
    k7_room(k, k7_lsu_room(k), CAUSE_WRITE_FULL);
    k->line = later(k->line, k7_lsu_room(k));
}

/* Places the operations of an instruction that accesses memory or does not; returns the lane of
 * the first. */
static ALWAYS_INLINE unsigned k7_dispatch(struct k7 *k, const struct k7_cost *cost, bool memory)
{
    uint64_t before = k->line_number;
    unsigned lane = 0;
    if (LIKELY(cost->path == DECODE_DIRECT)) {
        if (memory)
            k7_room(k, k7_lsu_room(k), CAUSE_WRITE_FULL);
        lane = k7_place(k);
        for (unsigned i = 1; i < cost->ops; i++)
            k7_place(k);
    } else {
        k7_exclusive_lines(k, cost->busy);
        if (memory)
            k7_line_room(k);
    }
    k->last.joined = k->line_number == before;
    k->last.lane = lane;
    k->last.unit = LIKELY(cost->path == DECODE_DIRECT) ? cost->unit : UNIT_ALONE;
    k->last.address = 0;
    return lane;
}

/* Most instructions name at most two registers: those are looked up without a branch, in an entry
 * that is always ready where there are fewer. */
static ALWAYS_INLINE cycle_t k7_ready_registers(const struct k7 *k, unsigned mask, cycle_t t)
{
    for (unsigned i = 0; i < 2; i++) {
        t = later(t, k->gpr[__builtin_ctz(mask | 1u << GPR_READY)]);
        mask &= mask - 1;
    }
    for (; UNLIKELY(mask != 0); mask &= mask - 1)
        t = later(t, k->gpr[__builtin_ctz(mask)]);
    return t;
}

static ALWAYS_INLINE cycle_t k7_ready_sources(const struct k7 *k, uint64_t word, cycle_t t)
{
    unsigned flags = k7_fact(word, FACT_FLAGS_READ, 2);
    if (flags & FLAG_CARRY)
        t = later(t, k->carry);
    if (flags & FLAG_REST)
        t = later(t, k->rest);
    return k7_ready_registers(k, k7_fact(word, FACT_READS, 8), t);
}

static ALWAYS_INLINE void k7_write_results(struct k7 *k, uint64_t word, cycle_t t)
{
    unsigned flags = k7_fact(word, FACT_FLAGS_WRITTEN, 2);
    if (flags & FLAG_CARRY)
        k->carry = t;
    if (flags & FLAG_REST)
        k->rest = t;
    unsigned mask = k7_fact(word, FACT_WRITES, 8);
    k->gpr[__builtin_ctz(mask | 1u << GPR_NONE)] = t;
    for (mask &= mask - 1; UNLIKELY(mask != 0); mask &= mask - 1)
        k->gpr[__builtin_ctz(mask)] = t;
}

static ALWAYS_INLINE void k7_lsu_until(struct k7 *k, cycle_t t)
{
    k->lsu[k->lsu_count++ % LSU_RING] = t;
}

/* In order, one line a clock; the clock stands at the retirement of the one before. */
static ALWAYS_INLINE cycle_t k7_retire(struct k7 *k, const struct cpu *c, cycle_t done)
{
    cycle_t now = c->clock->now, r = later(done + 1, now);
    if (k->line_number != k->retired_line) {
        r = later(r, now + 1);
        k->retired_line = k->line_number;
    }
    k->line_retired[k->line_number % ROB_RING] = r;
    k->last.completed = done;
    k->last.retired = r;
    return r;
}

/* Charges what passed since the clock's cycle until the instruction retired. */
static ALWAYS_INLINE void k7_account(struct k7 *k, struct cpu *c, const struct k7_cost *cost)
{
    cycle_t gap = k->last.retired - c->clock->now;
    if (gap == 1)
        ledger_charge(c->ledger, CAUSE_ISSUE, 1, QUALITY_READ);
    else if (gap > 1)
        k7_account_gap(k, c, cost);
}
