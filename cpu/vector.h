/* vector: what the bodies of MMX, SSE and 3DNow! instructions share: the checks that come first,
 * registers, operands in memory.
 *
 * An MMX register is the significand of an x87 register, by physical number. Every MMX instruction
 * but EMMS sets TOP to 0 and all tags to valid, and a write sets sign and exponent to ones
 * [SDM1 9.5.1].
 *
 * A 128-bit operand in memory goes in two halves of 64 bits, as it does in both parts that have
 * such instructions here; the access log shows it so. */
#pragma once

#include "cpu/insn_x87.h"
#include "cpu/mem.h"

/* --- before an instruction -------------------------------------------------------------------- */

/* Raises #UD for CR0.EM, and for an SSE instruction without CR4.OSFXSR; else #NM for CR0.TS
 * [SDM3 tables 12-1, 13-1]. */
NORETURN void vector_unavailable(struct cpu *c, bool sse);

static ALWAYS_INLINE void mmx_available(struct cpu *c)
{
    if (UNLIKELY(c->cr0 & (CR0_EM | CR0_TS)))
        vector_unavailable(c, false);
}

/* The start of an instruction that uses an MMX register: false as in x87_begin. */
static ALWAYS_INLINE bool mmx_begin(struct cpu *c)
{
    mmx_available(c);
    return LIKELY(!(c->x87.status & X87_ES)) || x87_pending(c);
}

/* The start of an instruction that uses an XMM register. */
static ALWAYS_INLINE void sse_begin(struct cpu *c)
{
    if (UNLIKELY(!(c->cr4 & CR4_OSFXSR) || c->cr0 & (CR0_EM | CR0_TS)))
        vector_unavailable(c, true);
}

/* And of one that uses both kinds. */
static ALWAYS_INLINE bool sse_mmx_begin(struct cpu *c)
{
    sse_begin(c);
    return mmx_begin(c);
}

/* --- registers -------------------------------------------------------------------------------- */

static ALWAYS_INLINE union vec vec_of(uint64_t low) { return (union vec){.q = {low, 0}}; }

/* All that an MMX instruction does to the x87's state when nothing can fault any more. */
static ALWAYS_INLINE void mmx_take(struct cpu *c)
{
    c->x87.top = 0;
    c->x87.empty = 0;
}

static ALWAYS_INLINE uint64_t mmx_read(const struct cpu *c, unsigned i)
{
    return c->x87.r[i].mantissa;
}

static ALWAYS_INLINE void mmx_write(struct cpu *c, unsigned i, uint64_t v)
{
    mmx_take(c);
    c->x87.r[i] = (struct f80){v, 0xFFFF};
}

/* --- operands --------------------------------------------------------------------------------- */

static ALWAYS_INLINE uint64_t operand_read(struct cpu *c, const struct op *o, unsigned size)
{
    return mem_read(c, o->seg, effective_address(c, o), size);
}

/* Q: an MMX register or `size` bytes in memory. */
static ALWAYS_INLINE uint64_t q_read(struct cpu *c, const struct op *o, unsigned size)
{
    return o->flags & OP_MEM ? operand_read(c, o, size) : mmx_read(c, o->rm);
}

/* The linear address of 16 bytes, which raises #GP(0) where an instruction wants it aligned and it
 * is not, before the segment is looked at. */
static ALWAYS_INLINE laddr_t vector_address(struct cpu *c, const struct op *o, bool write,
                                            bool aligned)
{
    uint32_t offset = effective_address(c, o);
    if (aligned && UNLIKELY((c->seg[o->seg].base + offset) & 15))
        cpu_raise_code(c, EXC_GP, 0);
    return segment_linear(c, o->seg, offset, 16, write);
}

static ALWAYS_INLINE union vec vector_load(struct cpu *c, const struct op *o, bool aligned)
{
    laddr_t la = vector_address(c, o, false, aligned);
    union vec v;
    v.q[0] = linear_read(c, la, 8);
    v.q[1] = linear_read(c, la + 8, 8);
    return v;
}

static ALWAYS_INLINE void vector_store(struct cpu *c, const struct op *o, union vec v, bool aligned)
{
    laddr_t la = vector_address(c, o, true, aligned);
    if (!aligned)
        x87_writable(c, o, effective_address(c, o), 16);
    linear_write(c, la, 8, v.q[0]);
    linear_write(c, la + 8, 8, v.q[1]);
}

/* W: an XMM register or 16 aligned bytes. */
static ALWAYS_INLINE union vec w_read(struct cpu *c, const struct op *o)
{
    return o->flags & OP_MEM ? vector_load(c, o, true) : c->xmm[o->rm];
}

/* W of 4 or 8 bytes, the rest zero: no alignment. */
static ALWAYS_INLINE union vec w_read_low(struct cpu *c, const struct op *o, unsigned size)
{
    if (o->flags & OP_MEM)
        return vec_of(operand_read(c, o, size));
    return vec_of(size == 8 ? c->xmm[o->rm].q[0] : c->xmm[o->rm].d[0]);
}

/* --- forms ------------------------------------------------------------------------------------ */

/* What an instruction computes from destination and source; n is 8 in MMX registers, 16 in XMM
 * registers. */
typedef union vec (*vec_fn)(union vec a, union vec b, unsigned n);

/* P,Q and V,W */
static ALWAYS_INLINE void mmx_binary(struct cpu *c, const struct op *o, vec_fn f, unsigned size)
{
    if (!mmx_begin(c))
        return;
    union vec b = vec_of(q_read(c, o, size));
    mmx_write(c, o->reg, f(vec_of(mmx_read(c, o->reg)), b, 8).q[0]);
}

static ALWAYS_INLINE void sse_binary(struct cpu *c, const struct op *o, vec_fn f)
{
    sse_begin(c);
    union vec b = w_read(c, o);
    c->xmm[o->reg] = f(c->xmm[o->reg], b, 16);
}

#define REGFORM(f) {f, NULL, f, NULL} /* register operand only */
