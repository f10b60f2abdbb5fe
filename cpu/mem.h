/* mem: what bodies use to reach registers, operands, memory and the stack.
 *
 * Every helper takes its width as a constant, so that it folds away. Reads and writes check the
 * segment, translate, and raise; a read-modify-write checks for writing first. */
#pragma once

#include "cpu/cpu.h"
#include "mmu/access.h"

#include <string.h>

/* --- registers --- */

static ALWAYS_INLINE uint32_t reg_read(const struct cpu *c, unsigned i, int w)
{
    if (w == 1)
        return ((const uint8_t *)&c->r[i & 3])[i >> 2];
    return w == 2 ? (uint16_t)c->r[i] : c->r[i];
}

static ALWAYS_INLINE void reg_write(struct cpu *c, unsigned i, uint32_t v, int w)
{
    if (w == 1)
        ((uint8_t *)&c->r[i & 3])[i >> 2] = (uint8_t)v;
    else if (w == 2)
        memcpy(&c->r[i], &(uint16_t){(uint16_t)v}, 2);
    else
        c->r[i] = v;
}

/* --- notes for the model --- */

static ALWAYS_INLINE void note(struct cpu *c, enum note n, uint32_t value)
{
    if (c->mmu->timed)
        access_log_put(c->mmu, value, 0, ACCESS_NOTE, n, 0, 0);
}

/* --- linear accesses --- */

/* Slow cases: misaligned, misses, faults, devices, alignment check, data breakpoints. cpu/mem.c */
NOINLINE uint64_t mem_read_slow(struct cpu *c, laddr_t la, unsigned size);
NOINLINE void mem_write_slow(struct cpu *c, laddr_t la, unsigned size, uint64_t value);
NOINLINE uint64_t mem_rmw_slow(struct cpu *c, laddr_t la, unsigned size);

static ALWAYS_INLINE uint64_t linear_read(struct cpu *c, laddr_t la, unsigned size)
{
    uint8_t *p = mmu_fast(c->mmu, la, size, ACCESS_READ);
    if (UNLIKELY(!p))
        return mem_read_slow(c, la, size);
    uint64_t v = 0;
    memcpy(&v, p, size);
    return v;
}

static ALWAYS_INLINE void linear_write(struct cpu *c, laddr_t la, unsigned size, uint64_t v)
{
    uint8_t *p = mmu_fast(c->mmu, la, size, ACCESS_WRITE);
    if (UNLIKELY(!p))
        mem_write_slow(c, la, size, v);
    else
        memcpy(p, &v, size);
}

/* Raises what a write of size bytes at la would raise, and writes nothing. */
void mem_probe_write(struct cpu *c, laddr_t la, unsigned size);

/* Microcode's own accesses, as supervisor whatever the CPL: descriptors, TSS, IDT. Raise #PF. */
uint32_t system_read(struct cpu *c, laddr_t la, unsigned size);
void system_write(struct cpu *c, laddr_t la, unsigned size, uint32_t value);

/* --- segmented accesses --- */

/* Raises #GP(0) (or #SS(0)) unless size bytes at off lie inside the segment and may be accessed. */
NOINLINE void segment_check_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
                                 bool write);

static ALWAYS_INLINE laddr_t segment_linear(struct cpu *c, unsigned seg, uint32_t off,
                                            unsigned size, bool write)
{
    const struct segment *s = &c->seg[seg];
    if (UNLIKELY((uint64_t)off + (size - 1) >= s->fast_limit))
        segment_check_slow(c, seg, off, size, write);
    return s->base + off;
}

/* Of a byte of a line to be flushed: code that cannot be read will do, too [SDM2 CLFLUSH]. */
laddr_t segment_linear_flush(struct cpu *c, unsigned seg, uint32_t off);

static ALWAYS_INLINE uint64_t mem_read(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
    return linear_read(c, segment_linear(c, seg, off, size, false), size);
}

static ALWAYS_INLINE void mem_write(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
                                    uint64_t v)
{
    linear_write(c, segment_linear(c, seg, off, size, true), size, v);
}

/* Read-modify-write: everything that can fault happens in the first half. */
static ALWAYS_INLINE uint32_t mem_rmw(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
    laddr_t la = segment_linear(c, seg, off, size, true);
    uint8_t *p = c->op->flags & OP_LOCK ? NULL : mmu_fast(c->mmu, la, size, ACCESS_RMW);
    if (UNLIKELY(!p))
        return (uint32_t)mem_rmw_slow(c, la, size);
    c->rmw_host = p;
    c->rmw_la = la;
    if (c->mmu->timed)
        c->rmw_pa = c->log.list[c->log.count - 1].pa;
    uint32_t v = 0;
    memcpy(&v, p, size);
    return v;
}

static ALWAYS_INLINE void mem_rmw_commit(struct cpu *c, unsigned size, uint32_t v)
{
    if (UNLIKELY(!c->rmw_host)) {
        mmu_rmw_commit(c->mmu, size, v);
        return;
    }
    struct mmu *m = c->mmu;
    memcpy(c->rmw_host, &v, size);
    if (m->timed) {
        paddr_t pa = c->rmw_pa;
        uint32_t line = ((pa >> 5) & 127) * 2 + (uint32_t)l1d_find(m, pa);
        m->l1d.state[line] = LINE_MODIFIED;
        access_log_put(m, c->rmw_la, pa, ACCESS_WRITE, LEVEL_L1, ACCESS_HIT_M, size);
    }
}

/* --- operands --- */

static ALWAYS_INLINE uint32_t effective_address(const struct cpu *c, const struct op *o)
{
    return (c->r[o->base] + (c->r[o->index] << o->scale) + o->disp) & o->amask;
}

/* The E (r/m) operand. */
static ALWAYS_INLINE uint32_t e_read(struct cpu *c, const struct op *o, int w, bool mem)
{
    return mem ? (uint32_t)mem_read(c, o->seg, effective_address(c, o), (unsigned)w)
               : reg_read(c, o->rm, w);
}

static ALWAYS_INLINE void e_write(struct cpu *c, const struct op *o, uint32_t v, int w, bool mem)
{
    if (mem)
        mem_write(c, o->seg, effective_address(c, o), (unsigned)w, v);
    else
        reg_write(c, o->rm, v, w);
}

/* Read for modification, then write back with e_update. Between the two nothing may fault. */
static ALWAYS_INLINE uint32_t e_modify(struct cpu *c, const struct op *o, int w, bool mem)
{
    return mem ? mem_rmw(c, o->seg, effective_address(c, o), (unsigned)w) : reg_read(c, o->rm, w);
}

static ALWAYS_INLINE void e_update(struct cpu *c, const struct op *o, uint32_t v, int w, bool mem)
{
    if (mem)
        mem_rmw_commit(c, (unsigned)w, v);
    else
        reg_write(c, o->rm, v, w);
}

static ALWAYS_INLINE uint32_t g_read(const struct cpu *c, const struct op *o, int w)
{
    return reg_read(c, o->reg, w);
}

static ALWAYS_INLINE void g_write(struct cpu *c, const struct op *o, uint32_t v, int w)
{
    reg_write(c, o->reg, v, w);
}

/* --- stack --- */

static ALWAYS_INLINE bool stack_is_32(const struct cpu *c) { return c->seg[SS].flags & 0x40; }
static ALWAYS_INLINE uint32_t stack_mask(const struct cpu *c)
{
    return stack_is_32(c) ? 0xFFFFFFFFu : 0xFFFFu;
}

static ALWAYS_INLINE void stack_set(struct cpu *c, uint32_t esp)
{
    reg_write(c, ESP, esp, 4 - 2 * !stack_is_32(c));
}

static ALWAYS_INLINE void push(struct cpu *c, uint32_t v, int w)
{
    uint32_t esp = (c->r[ESP] - (uint32_t)w) & stack_mask(c);
    mem_write(c, SS, esp, (unsigned)w, v);
    stack_set(c, esp);
}

/* Reads the top without moving ESP; pop_commit moves it once nothing can fault any more. */
static ALWAYS_INLINE uint32_t stack_top(struct cpu *c, int w)
{
    return (uint32_t)mem_read(c, SS, c->r[ESP] & stack_mask(c), (unsigned)w);
}

static ALWAYS_INLINE uint32_t pop(struct cpu *c, int w)
{
    uint32_t v = stack_top(c, w);
    stack_set(c, c->r[ESP] + (uint32_t)w);
    return v;
}

/* --- control transfer inside CS --- */

/* Takes a near branch: checks the limit (#GP(0)) before EIP changes. */
static ALWAYS_INLINE void branch_to(struct cpu *c, uint32_t target, int w)
{
    if (w == 2)
        target &= 0xFFFF;
    if (UNLIKELY(target > c->seg[CS].limit))
        cpu_raise_code(c, EXC_GP, 0);
    c->eip = target;
    c->branched = true;
}
