/* timed: the inner loop of timed models, to be compiled with a model's price inlined.
 *
 * A model that wants the speed has a `run` (cpu/model.h) that calls timed_run with its own
 * price, a constant, so that no call lies between an instruction and its price. Without it, or
 * while somebody observes priced instructions, cpu/run.c's own copy goes through model->price.
 * Both do the same. */
#pragma once

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/model.h"

typedef void (*timed_price)(struct model *m, struct cpu *c, const struct op *o);

static ALWAYS_INLINE void timed_fetch_line(struct cpu *c, laddr_t la, paddr_t pa)
{
    uint32_t line = la >> BLOCK_LINE_SHIFT;
    if (line == c->fetch_line)
        return;
    c->fetch_line = line;
    mmu_fetch_line(c->mmu, la, pa);
}

/* The linear address of an instruction's last byte, and the physical one in *pa. */
static ALWAYS_INLINE laddr_t timed_last_byte(const struct cpu *c, const struct block *k,
                                             const struct op *o, paddr_t *pa)
{
    laddr_t la = c->seg[CS].base + o->eip + o->length - 1;
    *pa = k->pa + (la - k->la);
    if (UNLIKELY((*pa ^ k->pa) & 0xFFFFF000u))
        *pa = (k->second & 0xFFFFF000u) | (la & 0xFFF);
    return la;
}

/* The line that OP_NEW_LINE speaks of is that of the instruction's last byte. */
static ALWAYS_INLINE void timed_fetch_last(struct cpu *c, const struct block *k,
                                           const struct op *o)
{
    paddr_t pa;
    laddr_t la = timed_last_byte(c, k, o, &pa);
    timed_fetch_line(c, la, pa);
}

/* After an instruction: whether the next one of the block follows. */
static ALWAYS_INLINE bool timed_goes_on(const struct cpu *c)
{
    return LIKELY(!c->stop_block) && LIKELY(c->clock->now < clock_next(c->clock));
}

/* Runs and prices o to end - 1 of block k, until one sets stop_block or an event falls due. Returns
 * the one behind the last that ran. */
static ALWAYS_INLINE const struct op *timed_run(struct model *m, struct cpu *c,
                                                const struct block *k, const struct op *o,
                                                const struct op *end, timed_price price)
{
    if (LIKELY(!c->rep_running) && o == k->ops) /* a repeated instruction's chunks: once */
        timed_fetch_line(c, k->la, k->pa);
    do {
        if (o->flags & OP_NEW_LINE && !c->rep_running)
            timed_fetch_last(c, k, o);
        c->op = o;
        c->eip = o->next_eip;
        o->body(c, o);
        price(m, c, o);
        c->log.count = 0;
        c->mmu->locked = false;
        c->instructions++;
    } while (++o < end && timed_goes_on(c));
    c->instructions -= c->rep_running; /* a chunk is no instruction yet */
    return o;
}
