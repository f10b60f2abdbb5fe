/* pipes: the rarer things that hold the pipes up. */
#include "cpu/models/p5/pipes.h"

#define LOCK_CLOCKS 3 /* beyond the prefix: fitted to the dump's LOCK ADD against its XCHG */

bool p5_decode_prefixes(struct p5 *p, struct cpu *c, uint32_t prefixes)
{
    uint32_t hidden = p->shadow_groups == 0 ? 0 : prefixes < p->shadow ? prefixes : p->shadow;
    p->shadow -= hidden;
    if (hidden == prefixes)
        return false;
    p5_charge(c, CAUSE_PREFIX, prefixes - hidden);
    return true;
}

cycle_t p5_interlock(struct p5 *p, struct cpu *c)
{
    p5_count(p, c, EVENT_AGI);
    p5_charge(c, CAUSE_AGI, 1);
    return 1;
}

cycle_t p5_interlock_second(struct p5 *p, struct cpu *c)
{
    if (!p->u_delayed)
        return p5_interlock(p, c);
    if (p->u_interlocked)
        p5_count(p, c, EVENT_AGI_IN_V);
    return 0;
}

cycle_t p5_bank_conflict(struct p5 *p, struct cpu *c)
{
    p5_count(p, c, EVENT_BANK);
    p5_charge(c, CAUSE_BANK, 1);
    return 1;
}

void p5_special(struct p5 *p, struct cpu *c, const struct op *o)
{
    if (o->flags & OP_LOCK) {
        ledger_charge(c->ledger, CAUSE_LOCKED, LOCK_CLOCKS, QUALITY_FITTED);
        return;
    }
    p5_count(p, c, EVENT_FLOP);
    if (p->x87_free > c->clock->now)
        p5_charge(c, CAUSE_X87_WAIT, p->x87_free - c->clock->now);
}
