/* window: one stretch of execution, instruction by instruction: from the n-th arrival at one
 * address to the next arrival at another (or the same). What `run --window getpid_call#1000`
 * prints, and the answer to "where did the cycles of this one getpid go". With #median it is the
 * first of those that cost the median of all, so that no tick and no cold cache is in it: of every
 * cost that occurs one stretch is kept. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/model.h"
#include "sim/report/lines.h"
#include "sim/report/symbols.h"
#include "sim/report/watch.h"

#include <jansson.h>
#include <stdio.h>

#define WINDOW_ENTRIES_MAX 65536
#define WINDOW_COSTS_MAX   256 /* different ones, for a median; what comes after is not looked at */

enum window_phase { PHASE_USER, PHASE_ENTRY, PHASE_KERNEL, PHASE_EXIT, PHASE_COUNT };
extern const char *const phase_names[PHASE_COUNT];

struct window_entry {
    laddr_t la;
    uint8_t length;
    uint8_t phase; /* enum window_phase */
    struct model_last last; /* its pipe is '-' of a delivery */
    bool delivery;
    uint8_t bytes[15];
    uint32_t cycles;
    uint32_t cause[CAUSE_COUNT];
};

/* The first stretch that cost so much. */
struct window_cost {
    uint64_t number, times;
    struct window_entry *entries;
    uint32_t count;
    bool overflowed;
    struct lines lines;
    cycle_t begin_cycle, end_cycle;
};

struct window {
    struct cpu *cpu;
    struct watch *watch; /* NULL: not started */
    laddr_t first, last; /* begins at an arrival at first, ends before the next arrival at last */
    uint64_t skip;       /* arrivals at first that do not count */
    struct window_entry *entries;
    uint32_t count;
    bool open, closed, overflowed;
    struct lines lines; /* what it touched */
    cycle_t begin_cycle, end_cycle;
    bool median;
    uint64_t number, of; /* which stretch it is, and of how many the median */
    struct window_cost *costs;
    uint32_t cost_count;
    /* private */
    cycle_t last_now;
    uint8_t last_cpl;
    laddr_t last_cs_base;
    uint32_t pending[CAUSE_COUNT];
};

/* Parses "SYMBOL#N" or "SYMBOL..SYMBOL#N" (addresses as 0x... too; N from 1, default 1, or median).
 * usage_error where a symbol is unknown. */
void window_init(struct window *w, const struct symbols *symbols, const char *spec);
/* Starts watching. Timed models only. */
void window_start(struct window *w, struct watch *h, struct cpu *c);
void window_end(struct window *w); /* the run is over: the median is known */
void window_free(struct window *w);

/* A table: address, symbol, instruction, pipe, cycles, causes; the sums by phase and by cause; the
 * cache lines touched. */
void window_print(const struct window *w, const struct symbols *symbols, FILE *out, bool colour);
json_t *window_json(const struct window *w, const struct symbols *symbols);
