/* flow: lines, lanes and retirement: what every kind of instruction goes through. */
#pragma once

#include "cpu/models/k7/core.h"

/* The next line: once the front has it, and the reorder buffer has room [25112 A.8]. */
static ALWAYS_INLINE void k7_open_line(struct k7 *k)
{
    k->line_number++;
    cycle_t room = k->line_retired[k->line_number % ROB_LINES] + 1;
    k->line = later(later(k->line + 1, k->front), room);
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

/* A free scheduler entry of a lane, or the one that is free first; its line waits for that. */
static ALWAYS_INLINE cycle_t *k7_lane_entry(struct k7 *k, unsigned lane)
{
    cycle_t *entry = k->lane_free[lane], *first = entry;
    for (unsigned i = 0; i < k->config.lane_entries; i++) {
        if (LIKELY(entry[i] <= k->line))
            return &entry[i];
        if (entry[i] < *first)
            first = &entry[i];
    }
    k->line = *first;
    return first;
}

/* Places the operations of an instruction; returns the lane of the first. */
static ALWAYS_INLINE unsigned k7_dispatch(struct k7 *k, const struct k7_cost *cost)
{
    uint64_t before = k->line_number;
    unsigned lane = 0;
    if (LIKELY(cost->path == DECODE_DIRECT)) {
        lane = k7_place(k);
        for (unsigned i = 1; i < cost->ops; i++)
            k7_place(k);
    } else {
        k7_exclusive_lines(k, cost->busy);
    }
    k->last.joined = k->line_number == before;
    k->last.lane = lane;
    k->last.unit = LIKELY(cost->path == DECODE_DIRECT) ? cost->unit : UNIT_ALONE;
    k->last.address = 0;
    return lane;
}

static ALWAYS_INLINE cycle_t k7_ready_registers(const struct k7 *k, unsigned mask, cycle_t t)
{
    for (; mask; mask &= mask - 1)
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
    for (unsigned mask = k7_fact(word, FACT_WRITES, 8); mask; mask &= mask - 1)
        k->gpr[__builtin_ctz(mask)] = t;
}

/* In order, one line a clock; the clock stands at the retirement of the one before. */
static ALWAYS_INLINE cycle_t k7_retire(struct k7 *k, const struct cpu *c, cycle_t done)
{
    cycle_t now = c->clock->now, r = later(done + 1, now);
    if (k->line_number != k->retired_line) {
        r = later(r, now + 1);
        k->retired_line = k->line_number;
    }
    k->line_retired[k->line_number % ROB_LINES] = r;
    k->last.completed = done;
    k->last.retired = r;
    return r;
}
