/* insn_x87_function: functions of the top of the stack, and of the top two. [SDM2] */
#include "cpu/insn_x87.h"

/* --- ST := f(ST) ------------------------------------------------------------------------------ */

static ALWAYS_INLINE void unary(struct cpu *c, const struct op *o,
                                struct f80 (*f)(struct f80 a, struct x87_env *e))
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (UNLIKELY(st_empty(c, 0))) {
        x87_underflow(c, 0);
        return;
    }
    struct x87_env e = x87_env_of(c);
    struct f80 a = *st(c, 0);
    x87_note_special(c, a, a);
    struct f80 r = f(a, &e);
    if (x87_settle(c, e.flags))
        *st(c, 0) = r;
}

/* Neither looks at what the register holds. */
static struct f80 negate(struct f80 a, struct x87_env *e)
{
    (void)e;
    a.sign_exponent ^= 0x8000;
    return a;
}

static struct f80 absolute(struct f80 a, struct x87_env *e)
{
    (void)e;
    a.sign_exponent &= 0x7FFF;
    return a;
}

void insn_fchs(struct cpu *c, const struct op *o) { unary(c, o, negate); }
void insn_fabs(struct cpu *c, const struct op *o) { unary(c, o, absolute); }
void insn_fsqrt(struct cpu *c, const struct op *o) { unary(c, o, x87_sqrt); }
void insn_frndint(struct cpu *c, const struct op *o) { unary(c, o, x87_round_to_integer); }
void insn_f2xm1(struct cpu *c, const struct op *o) { unary(c, o, x87_f2xm1); }

/* C2 says that the angle was out of range and nothing happened. */
static bool angle_in_range(struct cpu *c)
{
    bool out = x87_angle_out_of_range(*st(c, 0));
    x87_set_condition(c, out ? X87_C2 : 0, X87_C1 | X87_C2);
    return !out;
}

static void angle_function(struct cpu *c, const struct op *o,
                           struct f80 (*f)(struct f80 a, struct x87_env *e))
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C2;
    if (st_empty(c, 0)) {
        x87_underflow(c, 0);
        return;
    }
    if (!angle_in_range(c))
        return;
    struct x87_env e = x87_env_of(c);
    x87_note_special(c, *st(c, 0), *st(c, 0));
    struct f80 r = f(*st(c, 0), &e);
    if (x87_settle(c, e.flags))
        *st(c, 0) = r;
}

void insn_fsin(struct cpu *c, const struct op *o) { angle_function(c, o, x87_sin); }
void insn_fcos(struct cpu *c, const struct op *o) { angle_function(c, o, x87_cos); }

/* --- ST := one result, and another pushed ----------------------------------------------------- */

/* Room for a push and an operand: else both results are indefinite. */
static bool may_push_result(struct cpu *c)
{
    bool underflow = st_empty(c, 0);
    if (LIKELY(!underflow && st_empty(c, 7)))
        return true;
    if (x87_stack_fault(c, !underflow)) {
        st_set(c, 0, f80_indefinite());
        st_push(c, f80_indefinite());
    }
    return false;
}

void insn_fxtract(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (!may_push_result(c))
        return;
    struct x87_env e = x87_env_of(c);
    struct f80 exponent, a = *st(c, 0);
    x87_note_special(c, a, a);
    struct f80 significand = x87_extract(a, &exponent, &e);
    if (!x87_settle(c, e.flags))
        return;
    st_set(c, 0, exponent);
    st_push(c, significand);
}

static bool is_number(struct f80 a) { return x87_classify(a) < X87_QUIET; }

/* After the tangent a 1 is pushed, so that cotangent is one FDIVR away; after a NaN the NaN. */
void insn_fptan(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C2;
    if (!may_push_result(c) || !angle_in_range(c))
        return;
    struct x87_env e = x87_env_of(c);
    x87_note_special(c, *st(c, 0), *st(c, 0));
    struct f80 r = x87_tan(*st(c, 0), &e);
    if (!x87_settle(c, e.flags))
        return;
    st_set(c, 0, r);
    st_push(c, is_number(r) ? f80_one(false) : r);
}

/* C1 is that of the cosine, the later result. */
void insn_fsincos(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C2;
    if (!may_push_result(c) || !angle_in_range(c))
        return;
    struct x87_env es = x87_env_of(c), ec = es;
    x87_note_special(c, *st(c, 0), *st(c, 0));
    struct f80 sine = x87_sin(*st(c, 0), &es), cosine = x87_cos(*st(c, 0), &ec);
    if (!x87_settle(c, (uint16_t)((es.flags & ~X87_C1) | ec.flags)))
        return;
    st_set(c, 0, sine);
    st_push(c, cosine);
}

/* --- ST(1) := f(ST, ST(1)), then pop ---------------------------------------------------------- */

static void binary_pop(struct cpu *c, const struct op *o,
                       struct f80 (*f)(struct f80 x, struct f80 y, struct x87_env *e))
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    struct f80 r = f80_indefinite();
    if (st_empty(c, 0) || st_empty(c, 1)) {
        if (!x87_stack_fault(c, false))
            return;
    } else {
        struct x87_env e = x87_env_of(c);
        x87_note_special(c, *st(c, 0), *st(c, 1));
        r = f(*st(c, 0), *st(c, 1), &e);
        if (!x87_settle(c, e.flags))
            return;
    }
    st_set(c, 1, r);
    st_pop(c);
}

void insn_fyl2x(struct cpu *c, const struct op *o) { binary_pop(c, o, x87_yl2x); }
void insn_fyl2xp1(struct cpu *c, const struct op *o) { binary_pop(c, o, x87_yl2xp1); }
void insn_fpatan(struct cpu *c, const struct op *o) { binary_pop(c, o, x87_atan); }

/* --- ST := f(ST, ST(1)) ----------------------------------------------------------------------- */

void insn_fscale(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (st_empty(c, 0) || st_empty(c, 1)) {
        x87_underflow(c, 0);
        return;
    }
    struct x87_env e = x87_env_of(c);
    x87_note_special(c, *st(c, 0), *st(c, 1));
    struct f80 r = x87_scale(*st(c, 0), *st(c, 1), &e);
    if (x87_settle(c, e.flags))
        *st(c, 0) = r;
}

static void remainder_step(struct cpu *c, const struct op *o, bool nearest)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C2;
    if (st_empty(c, 0) || st_empty(c, 1)) {
        x87_underflow(c, 0);
        return;
    }
    struct x87_env e = x87_env_of(c);
    struct f80 a = *st(c, 0), b = *st(c, 1);
    x87_note_special(c, a, b);
    struct x87_remainder r = x87_remainder(a, b, nearest, &e);
    note(c, NOTE_X87_COUNT, r.exponent_difference > 0 ? (uint32_t)r.exponent_difference : 0);
    if (!x87_settle(c, e.flags))
        return;
    *st(c, 0) = r.value;
    if (r.quotient_known)
        x87_set_condition(c, r.condition, X87_CONDITION);
}

void insn_fprem(struct cpu *c, const struct op *o) { remainder_step(c, o, false); }
void insn_fprem1(struct cpu *c, const struct op *o) { remainder_step(c, o, true); }
