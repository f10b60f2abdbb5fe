#include "cpu/msr.h"

#include "sim/core/check.h"

enum {
    MSR_MC_ADDR = 0x00, MSR_MC_TYPE = 0x01, MSR_TR12 = 0x0E, MSR_TSC = 0x10, MSR_CESR = 0x11,
    MSR_CTR0 = 0x12, MSR_CTR1 = 0x13,
};

/* CESR: ES0 5..0, CC0 8..6, PC0 9; the same for CTR1 from bit 16. */
#define CESR_DEFINED 0x03FF03FFu
#define COUNTER_MASK 0xFFFFFFFFFFull
/* TR12: no branch prediction, single pipe, cache fills inhibited: each changes the timing in ways
 * that no model has. The other bits (tracing, auto halt, I/O restart) have no effect here. */
#define TR12_TIMING 0xDu

unsigned msr_counters(const struct cpu *c) { return c->identity->msrs ? MSR_COUNTERS : 2; }

uint64_t msr_counter(const struct cpu *c, unsigned index)
{
    if (c->identity->msrs)
        return msr_table_counter(c, index);
    uint64_t events = c->read_counter ? c->read_counter(c->counter_owner, index) : 0;
    return (c->counter[index] + events) & COUNTER_MASK;
}

/* WRMSR writes all 40 bits: a negative number in EDX:EAX stays that number. RDMSR gives the bits
 * above as 0. At an overflow nothing happens but the wrap: the pins that would tell lead
 * nowhere. */
static void counter_set(struct cpu *c, unsigned index, uint64_t value)
{
    c->counter[index] = value & COUNTER_MASK;
    if (c->counter_changed)
        c->counter_changed(c->counter_owner, index);
}

/* What was counted so far under the old selection becomes the base of the new one. */
static void cesr_write(struct cpu *c, uint32_t value)
{
    uint64_t base[2] = {msr_counter(c, 0), msr_counter(c, 1)};
    c->cesr = value & CESR_DEFINED;
    counter_set(c, 0, base[0]);
    counter_set(c, 1, base[1]);
}

void msr_reset_counters(struct cpu *c)
{
    c->cesr = 0;
    counter_set(c, 0, 0);
    counter_set(c, 1, 0);
}

uint64_t msr_read(struct cpu *c, uint32_t number)
{
    if (c->identity->msrs)
        return msr_table_read(c, number);
    switch (number) {
    case MSR_MC_ADDR:
        return c->msr_mc_addr;
    case MSR_MC_TYPE: {
        uint64_t type = c->msr_mc_type;
        c->msr_mc_type &= ~1ull; /* reading clears CHK */
        return type;
    }
    case MSR_TR12:
        return c->tr12;
    case MSR_TSC:
        return c->clock->now + c->tsc_offset;
    case MSR_CESR:
        return c->cesr;
    case MSR_CTR0:
    case MSR_CTR1:
        return msr_counter(c, number - MSR_CTR0);
    default:
        cpu_raise_code(c, EXC_GP, 0);
    }
}

void msr_write(struct cpu *c, uint32_t number, uint64_t value)
{
    if (c->identity->msrs) {
        msr_table_write(c, number, value);
        return;
    }
    switch (number) {
    case MSR_MC_ADDR:
        c->msr_mc_addr = value;
        break;
    case MSR_MC_TYPE:
        c->msr_mc_type = value;
        break;
    case MSR_TR12:
        if (value & TR12_TIMING)
            unimplemented("TR12 = %08x", (uint32_t)value);
        c->tr12 = (uint32_t)value;
        break;
    case MSR_TSC:
        c->tsc_offset = value - c->clock->now;
        break;
    case MSR_CESR:
        cesr_write(c, (uint32_t)value);
        break;
    case MSR_CTR0:
    case MSR_CTR1:
        counter_set(c, number - MSR_CTR0, value);
        break;
    default:
        cpu_raise_code(c, EXC_GP, 0);
    }
}
