/* insn_x87: what the files of x87 instructions share: the register stack, the check that precedes
 * every waiting instruction, exception flags, and the list of bodies that the rows name.
 *
 * insn_x87.c         the rows; the shared slow paths; WAIT
 * insn_x87_arith.c   FADD ... FDIVR in all forms, comparisons
 * insn_x87_move.c    loads, stores, exchanges, conditional moves, constants
 * insn_x87_function.c one- and two-operand functions of the stack's top
 * insn_x87_state.c   control and status, environment, saving and restoring */
#pragma once

#include "cpu/mem.h"
#include "cpu/x87.h"

/* --- the register stack ----------------------------------------------------------------------- */

static ALWAYS_INLINE struct f80 *st(struct cpu *c, unsigned i)
{
    return &c->x87.r[(c->x87.top + i) & 7];
}

static ALWAYS_INLINE bool st_empty(const struct cpu *c, unsigned i)
{
    return c->x87.empty >> ((c->x87.top + i) & 7) & 1;
}

static ALWAYS_INLINE void st_set(struct cpu *c, unsigned i, struct f80 v)
{
    unsigned physical = (c->x87.top + i) & 7;
    c->x87.r[physical] = v;
    c->x87.empty &= (uint8_t)~(1u << physical);
}

static ALWAYS_INLINE void st_free(struct cpu *c, unsigned i)
{
    c->x87.empty |= (uint8_t)(1u << ((c->x87.top + i) & 7));
}

static ALWAYS_INLINE void st_pop(struct cpu *c)
{
    st_free(c, 0);
    c->x87.top = (c->x87.top + 1) & 7;
}

static ALWAYS_INLINE void st_push(struct cpu *c, struct f80 v)
{
    c->x87.top = (c->x87.top - 1) & 7;
    st_set(c, 0, v);
}

/* --- before an instruction -------------------------------------------------------------------- */

/* An unmasked exception is pending: #MF, or without CR0.NE the wait for an external interrupt.
 * Returns whether the instruction runs all the same (IGNNE#). */
NOINLINE bool x87_pending(struct cpu *c);

/* Raises #NM. Every x87 instruction begins with this, or with x87_begin. */
static ALWAYS_INLINE void x87_available(struct cpu *c)
{
    if (UNLIKELY(c->cr0 & (CR0_EM | CR0_TS)))
        cpu_raise(c, EXC_NM);
}

/* The start of a waiting instruction; false: it must return at once, the processor is waiting. */
static ALWAYS_INLINE bool x87_begin(struct cpu *c)
{
    x87_available(c);
    return LIKELY(!(c->x87.status & X87_ES)) || x87_pending(c);
}

/* Records this as the last non-control instruction, for FSTENV and FSAVE. The data pointer stays
 * where an instruction has no memory operand. The opcode's 11 bits come from the decoder. */
static ALWAYS_INLINE void x87_point(struct cpu *c, const struct op *o)
{
    c->x87.opcode = o->imm2;
    c->x87.code_selector = c->seg[CS].selector;
    c->x87.code_offset = o->eip;
}

static ALWAYS_INLINE void x87_point_memory(struct cpu *c, const struct op *o, uint32_t offset)
{
    x87_point(c, o);
    c->x87.data_selector = c->seg[o->seg].selector;
    c->x87.data_offset = offset;
}

static ALWAYS_INLINE struct x87_env x87_env_of(const struct cpu *c)
{
    return (struct x87_env){c->x87.control, 0};
}

/* --- exceptions ------------------------------------------------------------------------------- */

/* Sets ES and B if an unmasked exception's flag is set, else clears them. */
void x87_update_summary(struct cpu *c);

/* Loads control, status and which registers are empty (a bit each, by physical number). */
void x87_restore(struct cpu *c, uint16_t control, uint16_t status, uint8_t empty);

/* IE and SF, and C1 for an overflow. Returns whether the masked response follows. */
NOINLINE bool x87_stack_fault(struct cpu *c, bool overflow);
/* The masked response to an empty source: the destination becomes indefinite. */
NOINLINE void x87_underflow(struct cpu *c, unsigned destination);

/* Some exception of an operation is unmasked. to_memory: the result would go to memory. Returns
 * whether the result is stored. */
NOINLINE bool x87_settle_unmasked(struct cpu *c, uint16_t flags, bool to_memory);

/* Enters an operation's exceptions and C1 into the status word; whether its result is stored. */
static ALWAYS_INLINE bool x87_settle(struct cpu *c, uint16_t flags)
{
    c->x87.status &= (uint16_t)~X87_C1;
    if (UNLIKELY(flags & X87_EXCEPTIONS & ~c->x87.control))
        return x87_settle_unmasked(c, flags, false);
    c->x87.status |= flags;
    return true;
}

static ALWAYS_INLINE void x87_set_condition(struct cpu *c, uint16_t condition, uint16_t mask)
{
    c->x87.status = (uint16_t)((c->x87.status & ~mask) | condition);
}

/* --- notes for the timing model ----------------------------------------------------------------
 *
 * NOTE_X87_SPECIAL carries the operands' classes (enum x87_class), four bits each, the first in the
 * low ones, where at least one of them is not an ordinary number. NOTE_X87_COUNT carries by how
 * much FPREM's dividend exceeds the divisor in its exponent. */

NOINLINE void x87_note_operands(struct cpu *c, struct f80 a, struct f80 b);

static ALWAYS_INLINE void x87_note_special(struct cpu *c, struct f80 a, struct f80 b)
{
    if (UNLIKELY(!f80_is_normal(a) || !f80_is_normal(b)))
        x87_note_operands(c, a, b);
}

/* Of a division by b. */
static ALWAYS_INLINE void x87_note_divisor(struct cpu *c, struct f80 b)
{
    if (b.mantissa << 1 == 0)
        note(c, NOTE_POWER_OF_TWO, 0);
}

/* --- memory operands -------------------------------------------------------------------------- */

/* 80 bits as 8 and 2 bytes. The write faults before it changes anything. */
static ALWAYS_INLINE struct f80 x87_read_80(struct cpu *c, const struct op *o, uint32_t offset)
{
    laddr_t la = segment_linear(c, o->seg, offset, 10, false);
    struct f80 v;
    v.mantissa = linear_read(c, la, 8);
    v.sign_exponent = (uint16_t)linear_read(c, la + 8, 2);
    return v;
}

/* The linear address of size bytes that can all be written. */
laddr_t x87_writable(struct cpu *c, const struct op *o, uint32_t offset, unsigned size);

static ALWAYS_INLINE void x87_write_80(struct cpu *c, const struct op *o, uint32_t offset,
                                       struct f80 v)
{
    laddr_t la = x87_writable(c, o, offset, 10);
    linear_write(c, la, 8, v.mantissa);
    linear_write(c, la + 8, 2, v.sign_exponent);
}

/* --- the bodies ------------------------------------------------------------------------------- */

/* One arithmetic instruction: four memory operands, ST with ST(i), ST(i) with ST, and popping. */
#define X87_ARITH_BODIES(X, n)                                                                     \
    X(n##_f32) X(n##_f64) X(n##_i32) X(n##_i16) X(n##_st) X(n##_to) X(n##_pop)

#define X87_BODIES(X)                                                                              \
    X87_ARITH_BODIES(X, fadd) X87_ARITH_BODIES(X, fmul) X87_ARITH_BODIES(X, fsub)                  \
    X87_ARITH_BODIES(X, fsubr) X87_ARITH_BODIES(X, fdiv) X87_ARITH_BODIES(X, fdivr)                \
    X(fcom_f32) X(fcom_f64) X(ficom_i32) X(ficom_i16) X(fcom_st)                                   \
    X(fcomp_f32) X(fcomp_f64) X(ficomp_i32) X(ficomp_i16) X(fcomp_st) X(fcompp)                    \
    X(fucom_st) X(fucomp_st) X(fucompp) X(fcomi) X(fcomip) X(fucomi) X(fucomip) X(ftst) X(fxam)    \
    X(fld_f32) X(fld_f64) X(fld_f80) X(fld_st) X(fild_i16) X(fild_i32) X(fild_i64) X(fbld)         \
    X(fst_f32) X(fst_f64) X(fst_st) X(fstp_f32) X(fstp_f64) X(fstp_f80) X(fstp_st) X(fstpnce)      \
    X(fist_i16) X(fist_i32) X(fistp_i16) X(fistp_i32) X(fistp_i64) X(fbstp)                        \
    X(fisttp_i16) X(fisttp_i32) X(fisttp_i64)                                                      \
    X(fxch) X(fcmovcc) X(fld1) X(fldl2t) X(fldl2e) X(fldpi) X(fldlg2) X(fldln2) X(fldz)            \
    X(fchs) X(fabs) X(fsqrt) X(frndint) X(fscale) X(fxtract) X(fprem) X(fprem1)                    \
    X(f2xm1) X(fyl2x) X(fyl2xp1) X(fptan) X(fpatan) X(fsin) X(fcos) X(fsincos)                     \
    X(fnop) X(fnop_control) X(fincstp) X(fdecstp) X(ffree) X(ffreep) X(fnclex) X(fninit)           \
    X(fnstsw) X(fnstsw_ax) X(fnstcw) X(fldcw)                                                      \
    X(fnstenv_w) X(fnstenv_d) X(fldenv_w) X(fldenv_d)                                              \
    X(fnsave_w) X(fnsave_d) X(frstor_w) X(frstor_d) X(wait)

#define X87_DECLARE(name) void insn_##name(struct cpu *c, const struct op *o);
X87_BODIES(X87_DECLARE)
#undef X87_DECLARE
