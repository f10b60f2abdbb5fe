/* insn_x87_move: loads, stores, exchanges, conditional moves and constants. [SDM2] */
#include "cpu/flags.h"
#include "cpu/insn_x87.h"

/* --- loads ------------------------------------------------------------------------------------ */

/* Pushes v with the flags of its conversion. A denormal is pushed even if its exception is unmasked
 * [SDM1 8.5.2]; only an invalid operand is not. */
static ALWAYS_INLINE void load(struct cpu *c, struct f80 v, uint16_t flags)
{
    if (UNLIKELY(!st_empty(c, 7))) {
        if (!x87_stack_fault(c, true))
            return;
        st_push(c, f80_indefinite());
        return;
    }
    if (x87_settle(c, flags) || !(flags & X87_IE))
        st_push(c, v);
}

void insn_fld_f32(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    struct x87_env e = x87_env_of(c);
    uint32_t offset = effective_address(c, o);
    uint32_t v = (uint32_t)mem_read(c, o->seg, offset, 4);
    x87_point_memory(c, o, offset);
    struct f80 r = x87_quieten(x87_from_f32(v, &e), &e);
    load(c, r, e.flags);
}

void insn_fld_f64(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    struct x87_env e = x87_env_of(c);
    uint32_t offset = effective_address(c, o);
    uint64_t v = mem_read(c, o->seg, offset, 8);
    x87_point_memory(c, o, offset);
    struct f80 r = x87_quieten(x87_from_f64(v, &e), &e);
    load(c, r, e.flags);
}

/* Any pattern is loaded as it is, without an exception. */
void insn_fld_f80(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    uint32_t offset = effective_address(c, o);
    struct f80 v = x87_read_80(c, o, offset);
    x87_point_memory(c, o, offset);
    load(c, v, 0);
}

/* With an empty source and a full stack it is the underflow that is reported. */
void insn_fld_st(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (UNLIKELY(st_empty(c, o->rm))) {
        if (x87_stack_fault(c, false))
            st_push(c, f80_indefinite());
        return;
    }
    load(c, *st(c, o->rm), 0);
}

static ALWAYS_INLINE void load_integer(struct cpu *c, const struct op *o, unsigned size)
{
    if (!x87_begin(c))
        return;
    uint32_t offset = effective_address(c, o);
    uint64_t v = mem_read(c, o->seg, offset, size);
    x87_point_memory(c, o, offset);
    load(c, x87_from_int(size == 2 ? (int16_t)v : size == 4 ? (int32_t)v : (int64_t)v), 0);
}

void insn_fild_i16(struct cpu *c, const struct op *o) { load_integer(c, o, 2); }
void insn_fild_i32(struct cpu *c, const struct op *o) { load_integer(c, o, 4); }
void insn_fild_i64(struct cpu *c, const struct op *o) { load_integer(c, o, 8); }

void insn_fbld(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    uint32_t offset = effective_address(c, o);
    struct f80 raw = x87_read_80(c, o, offset);
    x87_point_memory(c, o, offset);
    uint8_t bcd[10];
    memcpy(bcd, &raw.mantissa, 8);
    memcpy(bcd + 8, &raw.sign_exponent, 2);
    load(c, x87_from_bcd(bcd), 0);
}

/* Constants. */
static void load_constant(struct cpu *c, const struct op *o, enum x87_constant which)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    load(c, x87_constant(which, c->x87.control), 0);
}

void insn_fld1(struct cpu *c, const struct op *o) { load_constant(c, o, X87_1); }
void insn_fldl2t(struct cpu *c, const struct op *o) { load_constant(c, o, X87_L2T); }
void insn_fldl2e(struct cpu *c, const struct op *o) { load_constant(c, o, X87_L2E); }
void insn_fldpi(struct cpu *c, const struct op *o) { load_constant(c, o, X87_PI); }
void insn_fldlg2(struct cpu *c, const struct op *o) { load_constant(c, o, X87_LG2); }
void insn_fldln2(struct cpu *c, const struct op *o) { load_constant(c, o, X87_LN2); }
void insn_fldz(struct cpu *c, const struct op *o) { load_constant(c, o, X87_0); }

/* --- stores --------------------------------------------------------------------------------------
 *
 * Memory is written before the status word changes: a store that faults leaves the x87 as it was. A
 * store whose unmasked exception forbids the result writes nothing and does not pop; but its
 * operand must be writable first, as silicon (AMD family 19h) has it: the integer pipe finds the
 * fault before the floating-point unit has looked at its operand. */

static void need_writable(struct cpu *c, const struct op *o, uint32_t offset, unsigned size)
{
    laddr_t la = segment_linear(c, o->seg, offset, size, true);
    mem_probe_write(c, la, size < 8 ? size : 8);
    if (size > 8)
        mem_probe_write(c, la + 8, size - 8);
}

enum destination { TO_F32, TO_F64, TO_I16, TO_I32, TO_I64 };

static ALWAYS_INLINE uint64_t convert(struct f80 a, enum destination to, struct x87_env *e)
{
    switch (to) {
    case TO_F32: return x87_to_f32(a, e);
    case TO_F64: return x87_to_f64(a, e);
    case TO_I16: return (uint16_t)x87_to_int(a, 16, e);
    case TO_I32: return (uint32_t)x87_to_int(a, 32, e);
    default: return (uint64_t)x87_to_int(a, 64, e);
    }
}

/* What an empty register stores: the format's indefinite. */
static uint64_t indefinite_of(enum destination to)
{
    static const uint64_t values[] = {
        [TO_F32] = 0xFFC00000, [TO_F64] = UINT64_C(0xFFF8000000000000), [TO_I16] = 0x8000,
        [TO_I32] = 0x80000000, [TO_I64] = UINT64_C(0x8000000000000000),
    };
    return values[to];
}

static bool all_masked(const struct cpu *c, uint16_t flags, uint16_t which)
{
    return !(flags & ~c->x87.control & which);
}

/* rounding: bits that are set in the control word for it. */
static ALWAYS_INLINE void store_rounded(struct cpu *c, const struct op *o, enum destination to,
                                        bool pop, uint16_t rounding)
{
    if (!x87_begin(c))
        return;
    unsigned size = to == TO_I16 ? 2 : to == TO_F32 || to == TO_I32 ? 4 : 8;
    uint32_t offset = effective_address(c, o);
    struct x87_env e = x87_env_of(c);
    e.control |= rounding;
    bool empty = st_empty(c, 0);
    if (UNLIKELY(empty))
        e.flags = X87_IE | X87_SF;
    uint64_t v = UNLIKELY(empty) ? indefinite_of(to) : convert(*st(c, 0), to, &e);
    bool stored = all_masked(c, e.flags, X87_EXCEPTIONS & ~X87_PE);
    if (stored)
        mem_write(c, o->seg, offset, size, v);
    else
        need_writable(c, o, offset, size);
    x87_point_memory(c, o, offset);
    c->x87.status &= (uint16_t)~X87_C1;
    if (UNLIKELY(e.flags & X87_EXCEPTIONS & ~c->x87.control))
        x87_settle_unmasked(c, e.flags, true);
    else
        c->x87.status |= e.flags;
    if (stored && pop)
        st_pop(c);
}

static ALWAYS_INLINE void store(struct cpu *c, const struct op *o, enum destination to, bool pop)
{
    store_rounded(c, o, to, pop, 0);
}

/* FISTTP truncates whatever the control word says. */
static ALWAYS_INLINE void store_truncated(struct cpu *c, const struct op *o, enum destination to)
{
    store_rounded(c, o, to, true, X87_RC_ZERO << 10);
}

void insn_fst_f32(struct cpu *c, const struct op *o) { store(c, o, TO_F32, false); }
void insn_fst_f64(struct cpu *c, const struct op *o) { store(c, o, TO_F64, false); }
void insn_fstp_f32(struct cpu *c, const struct op *o) { store(c, o, TO_F32, true); }
void insn_fstp_f64(struct cpu *c, const struct op *o) { store(c, o, TO_F64, true); }
void insn_fist_i16(struct cpu *c, const struct op *o) { store(c, o, TO_I16, false); }
void insn_fist_i32(struct cpu *c, const struct op *o) { store(c, o, TO_I32, false); }
void insn_fistp_i16(struct cpu *c, const struct op *o) { store(c, o, TO_I16, true); }
void insn_fistp_i32(struct cpu *c, const struct op *o) { store(c, o, TO_I32, true); }
void insn_fistp_i64(struct cpu *c, const struct op *o) { store(c, o, TO_I64, true); }
void insn_fisttp_i16(struct cpu *c, const struct op *o) { store_truncated(c, o, TO_I16); }
void insn_fisttp_i32(struct cpu *c, const struct op *o) { store_truncated(c, o, TO_I32); }
void insn_fisttp_i64(struct cpu *c, const struct op *o) { store_truncated(c, o, TO_I64); }

/* Stores 80 bits with the flags that go with them, and pops. */
static void store_80(struct cpu *c, const struct op *o, struct f80 v, uint16_t flags)
{
    uint32_t offset = effective_address(c, o);
    bool stored = all_masked(c, flags, X87_IE);
    if (stored)
        x87_write_80(c, o, offset, v);
    else
        need_writable(c, o, offset, 10);
    x87_point_memory(c, o, offset);
    x87_settle(c, flags);
    if (stored)
        st_pop(c);
}

void insn_fstp_f80(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    bool empty = st_empty(c, 0);
    store_80(c, o, empty ? f80_indefinite() : *st(c, 0), empty ? X87_IE | X87_SF : 0);
}

void insn_fbstp(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    struct x87_env e = x87_env_of(c);
    bool empty = st_empty(c, 0);
    uint8_t bcd[10];
    x87_to_bcd(empty ? f80_indefinite() : *st(c, 0), bcd, &e);
    struct f80 v;
    memcpy(&v.mantissa, bcd, 8);
    memcpy(&v.sign_exponent, bcd + 8, 2);
    store_80(c, o, v, empty ? X87_IE | X87_SF : e.flags);
}

/* --- between registers ------------------------------------------------------------------------ */

static ALWAYS_INLINE void copy_to(struct cpu *c, const struct op *o, bool pop)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (UNLIKELY(st_empty(c, 0))) {
        if (!x87_stack_fault(c, false))
            return;
        st_set(c, o->rm, f80_indefinite());
    } else {
        c->x87.status &= (uint16_t)~X87_C1;
        st_set(c, o->rm, *st(c, 0));
    }
    if (pop)
        st_pop(c);
}

void insn_fst_st(struct cpu *c, const struct op *o) { copy_to(c, o, false); }
void insn_fstp_st(struct cpu *c, const struct op *o) { copy_to(c, o, true); }

/* The alias D9 D8+i takes an empty register without an exception: it only pops. */
void insn_fstpnce(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C1;
    if (!st_empty(c, 0))
        st_set(c, o->rm, *st(c, 0));
    st_pop(c);
}

void insn_fxch(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    struct f80 a = *st(c, 0), b = *st(c, o->rm);
    if (UNLIKELY(st_empty(c, 0) || st_empty(c, o->rm))) {
        if (!x87_stack_fault(c, false))
            return;
        a = st_empty(c, 0) ? f80_indefinite() : a;
        b = st_empty(c, o->rm) ? f80_indefinite() : b;
    } else {
        c->x87.status &= (uint16_t)~X87_C1;
    }
    st_set(c, 0, b);
    st_set(c, o->rm, a);
}

/* DA C0+i ... DB D8+i: below, equal, below or equal, unordered, and with DB their opposites. */
static bool move_condition(const struct cpu *c, unsigned opcode)
{
    bool v;
    switch (opcode >> 3 & 3) {
    case 0: v = get_cf(c); break;
    case 1: v = get_zf(c); break;
    case 2: v = get_cf(c) || get_zf(c); break;
    default: v = get_pf(c); break;
    }
    return v ^ (opcode >> 8 & 1);
}

/* An empty register is a stack underflow whatever the condition. C1 stays otherwise. */
void insn_fcmovcc(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    if (UNLIKELY(st_empty(c, 0) || st_empty(c, o->rm))) {
        x87_underflow(c, 0);
        return;
    }
    if (move_condition(c, o->imm2))
        *st(c, 0) = *st(c, o->rm);
}
