/* insn_sse: what the files of floating-point instructions on XMM registers share: exceptions, and
 * the operation on lanes of a register. */
#pragma once

#include "cpu/sse.h"
#include "cpu/vector.h"

static ALWAYS_INLINE struct sse_env sse_env_of(const struct cpu *c)
{
    return (struct sse_env){c->mxcsr, 0};
}

/* Enters the exceptions of all lanes into MXCSR. An unmasked one does not return: #XM, or #UD
 * without CR4.OSXMMEXCPT. */
NOINLINE void sse_raise(struct cpu *c, uint32_t flags);

static ALWAYS_INLINE void sse_settle(struct cpu *c, const struct sse_env *e)
{
    if (UNLIKELY(e->flags & ~(c->mxcsr >> SSE_MASK_SHIFT)))
        sse_raise(c, e->flags);
    c->mxcsr |= e->flags;
}

/* The forms of an instruction: four singles, two doubles, or the lowest, whose register keeps the
 * rest. */
enum sse_form { FORM_PS, FORM_PD, FORM_SS, FORM_SD };

static ALWAYS_INLINE bool form_is_wide(enum sse_form form)
{
    return form == FORM_PD || form == FORM_SD;
}

static ALWAYS_INLINE unsigned form_lanes(enum sse_form form)
{
    return form == FORM_PS ? 4 : form == FORM_PD ? 2 : 1;
}

static ALWAYS_INLINE uint64_t lane_read(const union vec *v, unsigned i, bool wide)
{
    return wide ? v->q[i] : v->d[i];
}

static ALWAYS_INLINE void lane_write(union vec *v, unsigned i, bool wide, uint64_t lane)
{
    if (wide)
        v->q[i] = lane;
    else
        v->d[i] = (uint32_t)lane;
}

/* W as the form reads it. */
static ALWAYS_INLINE union vec source_read(struct cpu *c, const struct op *o, enum sse_form form)
{
    if (form == FORM_PS || form == FORM_PD)
        return w_read(c, o);
    return w_read_low(c, o, form == FORM_SD ? 8 : 4);
}
