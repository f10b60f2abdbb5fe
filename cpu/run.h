/* run: decoded blocks and the run loop.
 *
 * A block is a straight run of decoded instructions within one code page, keyed by linear address,
 * EIP, physical page and mode. Blocks end at branches, at instructions marked A_END or A_ALONE, at
 * a page's end, and where the ledger's place changes. A write to a decoded line removes the blocks
 * on it and ends the running block after the writing instruction.
 *
 * How blocks are cut never moves a cycle: on a timed model every instruction is priced before
 * anybody can see the clock, and events are looked at after each, unless the model knows that none
 * falls due; on flat a block runs whole only when no event can fall inside it. */
#pragma once

#include "cpu/cpu.h"

struct block_cache *blocks_new(struct cpu *c, uint32_t ram_bytes);
void blocks_free(struct block_cache *b);
/* Drops every block (symbols were loaded, a snapshot was restored). */
void blocks_flush(struct block_cache *b);

/* For tests: instructions a block may hold at most; 1..BLOCK_OPS_MAX. */
#define BLOCK_OPS_MAX 32
void blocks_set_limit(struct block_cache *b, unsigned ops_max);

/* Runs until cpu->stop is set. Fires the clock's events on the way. */
void cpu_run(struct cpu *c);
/* Makes cpu_run stop (STOP_REQUEST) at the next arrival at a linear address; once. False: there are
 * too many (CPU_STOPS_MAX). */
bool cpu_stop_at(struct cpu *c, laddr_t la);
/* A debugger's breakpoints, at every arrival, and watchpoints, after the instruction (an iteration
 * of a REP) that touches a watched byte; cpu->watches.hit says so. False: too many, or no such
 * one. */
bool cpu_break_add(struct cpu *c, laddr_t la);
bool cpu_break_remove(struct cpu *c, laddr_t la);
bool cpu_watch_add(struct cpu *c, struct cpu_watch watch);
bool cpu_watch_remove(struct cpu *c, struct cpu_watch watch);
/* Runs one instruction (or one delivery, or one wait in HLT). */
void cpu_step(struct cpu *c);

/* Wires mmu, bus, ledger, model and identity, and makes decoder and block cache. */
void cpu_init(struct cpu *c, struct mmu *mmu, struct bus *bus, struct ledger *ledger,
              struct model *model, const struct identity *identity);
void cpu_free(struct cpu *c);
/* Another model takes over (fast-forward): caches start cold, blocks are bound anew. */
void cpu_set_model(struct cpu *c, struct model *model);
