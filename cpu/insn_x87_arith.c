/* insn_x87_arith: FADD FMUL FSUB FSUBR FDIV FDIVR in all their forms; comparisons. [SDM2] */
#include "cpu/flags.h"
#include "cpu/insn_x87.h"

typedef struct f80 (*operation)(struct f80 a, struct f80 b, struct x87_env *e);

/* --- operands in memory ----------------------------------------------------------------------- */

enum source { FROM_F32, FROM_F64, FROM_I32, FROM_I16 };

/* Reads and converts; the conversion of a denormal sets X87_DE. Records the pointers. */
static ALWAYS_INLINE struct f80 read_source(struct cpu *c, const struct op *o, enum source from,
                                            struct x87_env *e)
{
    unsigned size = from == FROM_F64 ? 8 : from == FROM_I16 ? 2 : 4;
    uint32_t offset = effective_address(c, o);
    uint64_t v = mem_read(c, o->seg, offset, size);
    x87_point_memory(c, o, offset);
    switch (from) {
    case FROM_F32: return x87_from_f32((uint32_t)v, e);
    case FROM_F64: return x87_from_f64(v, e);
    case FROM_I32: return x87_from_int((int32_t)v);
    default: return x87_from_int((int16_t)v);
    }
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static ALWAYS_INLINE void arith_memory(struct cpu *c, const struct op *o, operation f,
                                       enum source from, bool reverse)
{
    if (!x87_begin(c))
        return;
    struct x87_env e = x87_env_of(c);
    struct f80 b = read_source(c, o, from, &e);
    if (UNLIKELY(st_empty(c, 0))) {
        x87_underflow(c, 0);
        return;
    }
    struct f80 a = *st(c, 0);
    x87_note_special(c, a, b);
    if (f == x87_div)
        x87_note_divisor(c, reverse ? a : b);
    struct f80 r = reverse ? f(b, a, &e) : f(a, b, &e);
    if (x87_settle(c, e.flags))
        *st(c, 0) = r;
}

/* to: the destination is ST(i), else ST. */
static ALWAYS_INLINE void arith_stack(struct cpu *c, const struct op *o, operation f, bool to,
                                      bool pop, bool reverse)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    unsigned destination = to ? o->rm : 0, source = to ? 0 : o->rm;
    if (UNLIKELY(st_empty(c, destination) || st_empty(c, source))) {
        if (!x87_stack_fault(c, false))
            return;
        st_set(c, destination, f80_indefinite());
    } else {
        struct x87_env e = x87_env_of(c);
        struct f80 a = *st(c, destination), b = *st(c, source);
        x87_note_special(c, a, b);
        if (f == x87_div)
            x87_note_divisor(c, reverse ? a : b);
        struct f80 r = reverse ? f(b, a, &e) : f(a, b, &e);
        if (!x87_settle(c, e.flags))
            return;
        *st(c, destination) = r;
    }
    if (pop)
        st_pop(c);
}

#define BODY(name, call)                                                                           \
    void insn_##name(struct cpu *c, const struct op *o) { call; }

#define ARITH(name, f, reverse)                                                                    \
    BODY(name##_f32, arith_memory(c, o, f, FROM_F32, reverse))                                     \
    BODY(name##_f64, arith_memory(c, o, f, FROM_F64, reverse))                                     \
    BODY(name##_i32, arith_memory(c, o, f, FROM_I32, reverse))                                     \
    BODY(name##_i16, arith_memory(c, o, f, FROM_I16, reverse))                                     \
    BODY(name##_st, arith_stack(c, o, f, false, false, reverse))                                   \
    BODY(name##_to, arith_stack(c, o, f, true, false, reverse))                                    \
    BODY(name##_pop, arith_stack(c, o, f, true, true, reverse))

ARITH(fadd, x87_add, false)
ARITH(fmul, x87_mul, false)
ARITH(fsub, x87_sub, false)
ARITH(fsubr, x87_sub, true)
ARITH(fdiv, x87_div, false)
ARITH(fdivr, x87_div, true)

/* --- comparisons ------------------------------------------------------------------------------ */

static uint16_t condition_of(enum x87_relation r)
{
    static const uint16_t conditions[] = {
        [X87_GREATER] = 0,
        [X87_LESS] = X87_C0,
        [X87_EQUAL] = X87_C3,
        [X87_UNORDERED] = X87_C0 | X87_C2 | X87_C3,
    };
    return conditions[r];
}

/* Sets C0, C2 and C3; an unmasked exception leaves them and the stack alone. */
static ALWAYS_INLINE void compare(struct cpu *c, struct f80 b, bool quiet, unsigned pops,
                                  struct x87_env *e)
{
    x87_note_special(c, *st(c, 0), b);
    enum x87_relation r = x87_compare(*st(c, 0), b, quiet, e);
    if (!x87_settle(c, e->flags))
        return;
    x87_set_condition(c, condition_of(r), X87_C0 | X87_C2 | X87_C3);
    for (unsigned i = 0; i < pops; i++)
        st_pop(c);
}

static NOINLINE void compare_empty(struct cpu *c, unsigned pops)
{
    if (!x87_stack_fault(c, false))
        return;
    c->x87.status |= condition_of(X87_UNORDERED);
    for (unsigned i = 0; i < pops; i++)
        st_pop(c);
}

static ALWAYS_INLINE void compare_memory(struct cpu *c, const struct op *o, enum source from,
                                         unsigned pops)
{
    if (!x87_begin(c))
        return;
    struct x87_env e = x87_env_of(c);
    struct f80 b = read_source(c, o, from, &e);
    if (UNLIKELY(st_empty(c, 0)))
        compare_empty(c, pops);
    else
        compare(c, b, false, pops, &e);
}

static ALWAYS_INLINE void compare_stack(struct cpu *c, const struct op *o, unsigned i, bool quiet,
                                        unsigned pops)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    struct x87_env e = x87_env_of(c);
    if (UNLIKELY(st_empty(c, 0) || st_empty(c, i)))
        compare_empty(c, pops);
    else
        compare(c, *st(c, i), quiet, pops, &e);
}

#define COMPARE_MEMORY(name, from, pops) BODY(name, compare_memory(c, o, from, pops))
#define COMPARE_STACK(name, i, quiet, pops) BODY(name, compare_stack(c, o, i, quiet, pops))

COMPARE_MEMORY(fcom_f32, FROM_F32, 0)
COMPARE_MEMORY(fcom_f64, FROM_F64, 0)
COMPARE_MEMORY(ficom_i32, FROM_I32, 0)
COMPARE_MEMORY(ficom_i16, FROM_I16, 0)
COMPARE_MEMORY(fcomp_f32, FROM_F32, 1)
COMPARE_MEMORY(fcomp_f64, FROM_F64, 1)
COMPARE_MEMORY(ficomp_i32, FROM_I32, 1)
COMPARE_MEMORY(ficomp_i16, FROM_I16, 1)
COMPARE_STACK(fcom_st, o->rm, false, 0)
COMPARE_STACK(fcomp_st, o->rm, false, 1)
COMPARE_STACK(fcompp, 1, false, 2)
COMPARE_STACK(fucom_st, o->rm, true, 0)
COMPARE_STACK(fucomp_st, o->rm, true, 1)
COMPARE_STACK(fucompp, 1, true, 2)

/* FCOMI and its kin answer in ZF, PF and CF and clear the other arithmetic flags. */
static void set_eflags(struct cpu *c, enum x87_relation r)
{
    bool unordered = r == X87_UNORDERED;
    c->flag_z = !(unordered || r == X87_EQUAL);
    c->flag_s = !unordered; /* PF is the parity of this byte: set for 0, clear for 1 */
    set_carries(c, unordered || r == X87_LESS, false, false);
}

static ALWAYS_INLINE void compare_eflags(struct cpu *c, const struct op *o, bool quiet, bool pop)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    enum x87_relation r = X87_UNORDERED;
    if (UNLIKELY(st_empty(c, 0) || st_empty(c, o->rm))) {
        if (!x87_stack_fault(c, false))
            return;
    } else {
        struct x87_env e = x87_env_of(c);
        x87_note_special(c, *st(c, 0), *st(c, o->rm));
        r = x87_compare(*st(c, 0), *st(c, o->rm), quiet, &e);
        uint16_t c1 = c->x87.status & X87_C1; /* stays, as on AMD's parts */
        bool set = x87_settle(c, e.flags);
        c->x87.status |= c1;
        if (!set)
            return;
    }
    set_eflags(c, r);
    if (pop)
        st_pop(c);
}

void insn_fcomi(struct cpu *c, const struct op *o) { compare_eflags(c, o, false, false); }
void insn_fcomip(struct cpu *c, const struct op *o) { compare_eflags(c, o, false, true); }
void insn_fucomi(struct cpu *c, const struct op *o) { compare_eflags(c, o, true, false); }
void insn_fucomip(struct cpu *c, const struct op *o) { compare_eflags(c, o, true, true); }

void insn_ftst(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    struct x87_env e = x87_env_of(c);
    if (st_empty(c, 0))
        compare_empty(c, 0);
    else
        compare(c, f80_zero(false), false, 0, &e);
}

/* C1 is the sign even of an empty register. */
void insn_fxam(struct cpu *c, const struct op *o)
{
    static const uint16_t conditions[] = {
        [X87_UNSUPPORTED] = 0,        [X87_QUIET] = X87_C0,
        [X87_SIGNALLING] = X87_C0,    [X87_NORMAL] = X87_C2,
        [X87_INFINITE] = X87_C2 | X87_C0, [X87_ZERO] = X87_C3,
        [X87_DENORMAL] = X87_C3 | X87_C2,
    };
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    struct f80 a = *st(c, 0);
    uint16_t condition = st_empty(c, 0) ? X87_C3 | X87_C0 : conditions[x87_classify(a)];
    x87_note_special(c, a, a);
    condition |= f80_sign(a) ? X87_C1 : 0;
    x87_set_condition(c, condition, X87_CONDITION);
}
