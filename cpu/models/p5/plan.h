/* plan: the simple instructions at a block's beginning, priced together.
 *
 * What they take in the pipes depends on nothing but their timing words and on how the pipes were
 * left, as long as every access hits the first level. So it is found out once, by pricing them in
 * pipes that hold nothing else, and kept in the block. From then on they run one after the other,
 * their accesses stay in the log, and the sum is charged behind the last one.
 *
 * Nobody can tell the difference. A plan is used only if no event falls due before it ends and the
 * pipes are as it supposes. Whoever leaves the fast path (mmu/access.h) on the way, or raises an
 * exception, first calls mmu_settle: that prices what has run, one after the other from the log,
 * before a cache, a device or a delivery sees the clock. A bank conflict is found behind the last
 * one; then they are priced one after the other, too. */
#pragma once

#include "cpu/block.h"
#include "cpu/models/p5/core.h"

void p5_plan_init(struct p5 *p);
void p5_plan_free(struct p5 *p);
void p5_plan_attach(struct p5 *p, struct cpu *c);

/* Runs what can run by plan from the beginning of the block up to end, which may be nothing: then
 * nothing has happened. Returns the instruction to go on with; its predecessors are priced. */
const struct op *p5_plan_run(struct p5 *p, struct cpu *c, struct block *k, const struct op *end);

/* A block whose plan met an instruction that mostly misses has a second plan behind it. Where that
 * begins, NULL if there is none that ends before end; and running by it, as above. */
const struct op *p5_plan_second(struct block *k, const struct op *end);
const struct op *p5_plan_run_second(struct p5 *p, struct cpu *c, struct block *k);

/* Model.price_run of a twin: by the plan that its original ran by. */
bool p5_plan_price(struct model *m, struct cpu *c, const struct priced_run *r,
                   const struct access *list);

/* --- what it needs of p5.c -------------------------------------------------------------------- */

/* Prices o, whose part of the log is [a, end). */
void p5_price_entries(struct p5 *p, struct cpu *c, const struct op *o, const struct access *a,
                      const struct access *end);
/* After the branch o was issued: asks and teaches the branch target buffer. */
void p5_predict(struct p5 *p, struct cpu *c, const struct op *o, unsigned arrived);
