/* insn_sse: arithmetic and comparison of singles and doubles in XMM registers. [SDM2] [APM4] */
#include "cpu/insn_sse.h"

#include "cpu/flags.h"
#include "cpu/rows.h"

/* Exceptions found before the operation, if one of them is unmasked, keep the others from being
 * looked for [SDM1 11.5.3]. */
void sse_raise(struct cpu *c, uint32_t flags)
{
    uint32_t unmasked = flags & ~(c->mxcsr >> SSE_MASK_SHIFT);
    if (unmasked & SSE_BEFORE)
        flags &= SSE_BEFORE;
    c->mxcsr |= flags;
    cpu_raise(c, c->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

typedef uint64_t (*lane_fn)(uint64_t a, uint64_t b, bool wide, struct sse_env *e);

/* What a divider need not work for. */
static void note_quick_division(struct cpu *c, const union vec *a, const union vec *b,
                                enum sse_form form)
{
    bool wide = form_is_wide(form);
    unsigned mantissa = wide ? 52 : 23;
    for (unsigned i = 0; i < form_lanes(form); i++)
        if (lane_read(a, i, wide) << (wide ? 1 : 33) != 0 &&
            lane_read(b, i, wide) << (64 - mantissa) != 0)
            return;
    note(c, NOTE_POWER_OF_TWO, 0);
}

static ALWAYS_INLINE void operate(struct cpu *c, const struct op *o, enum sse_form form, lane_fn f)
{
    sse_begin(c);
    bool wide = form_is_wide(form);
    struct sse_env e = sse_env_of(c);
    union vec b = source_read(c, o, form), r = c->xmm[o->reg];
    if (f == sse_div)
        note_quick_division(c, &r, &b, form);
    for (unsigned i = 0; i < form_lanes(form); i++)
        lane_write(&r, i, wide, f(lane_read(&r, i, wide), lane_read(&b, i, wide), wide, &e));
    sse_settle(c, &e);
    c->xmm[o->reg] = r;
}

#define FORMS(name, f)                                                                             \
    static void name##_ps(struct cpu *c, const struct op *o) { operate(c, o, FORM_PS, f); }        \
    static void name##_pd(struct cpu *c, const struct op *o) { operate(c, o, FORM_PD, f); }        \
    static void name##_ss(struct cpu *c, const struct op *o) { operate(c, o, FORM_SS, f); }        \
    static void name##_sd(struct cpu *c, const struct op *o) { operate(c, o, FORM_SD, f); }

static ALWAYS_INLINE uint64_t root_lane(uint64_t a, uint64_t b, bool wide, struct sse_env *e)
{
    (void)a;
    return sse_sqrt(b, wide, e);
}

FORMS(add, sse_add)
FORMS(sub, sse_sub)
FORMS(mul, sse_mul)
FORMS(div, sse_div)
FORMS(min, sse_min)
FORMS(max, sse_max)
FORMS(sqrt, root_lane)

/* --- approximations ------------------------------------------------------------------------------
 *
 * The parts' tables are not published, only an error of 1.5 * 2^-12 [SDM2 RCPPS]. These results are
 * nearer: the true value rounded to 13 bits. */

#define APPROXIMATION_BITS 13

static ALWAYS_INLINE void approximate(struct cpu *c, const struct op *o, unsigned lanes,
                                      uint32_t (*f)(uint32_t a, unsigned bits))
{
    sse_begin(c);
    union vec b = lanes == 4 ? w_read(c, o) : w_read_low(c, o, 4);
    for (unsigned i = 0; i < lanes; i++)
        c->xmm[o->reg].d[i] = f(b.d[i], APPROXIMATION_BITS);
}

static void rcpps(struct cpu *c, const struct op *o) { approximate(c, o, 4, sse_reciprocal); }
static void rcpss(struct cpu *c, const struct op *o) { approximate(c, o, 1, sse_reciprocal); }
static void rsqrtps(struct cpu *c, const struct op *o)
{
    approximate(c, o, 4, sse_reciprocal_root);
}
static void rsqrtss(struct cpu *c, const struct op *o)
{
    approximate(c, o, 1, sse_reciprocal_root);
}

/* --- across a register (SSE3) ----------------------------------------------------------------- */

/* Even lanes subtract, odd ones add. */
static ALWAYS_INLINE void add_and_subtract(struct cpu *c, const struct op *o, enum sse_form form)
{
    sse_begin(c);
    bool wide = form_is_wide(form);
    struct sse_env e = sse_env_of(c);
    union vec b = w_read(c, o), r = c->xmm[o->reg];
    for (unsigned i = 0; i < form_lanes(form); i++) {
        uint64_t x = lane_read(&r, i, wide), y = lane_read(&b, i, wide);
        lane_write(&r, i, wide, i & 1 ? sse_add(x, y, wide, &e) : sse_sub(x, y, wide, &e));
    }
    sse_settle(c, &e);
    c->xmm[o->reg] = r;
}

/* Neighbours of the destination give the low half, of the source the high one. */
static ALWAYS_INLINE void horizontal(struct cpu *c, const struct op *o, enum sse_form form,
                                     lane_fn f)
{
    sse_begin(c);
    bool wide = form_is_wide(form);
    struct sse_env e = sse_env_of(c);
    union vec a = c->xmm[o->reg], b = w_read(c, o), r;
    unsigned half = form_lanes(form) / 2;
    for (unsigned i = 0; i < 2 * half; i++) {
        const union vec *from = i < half ? &a : &b;
        unsigned at = 2 * (i % half);
        lane_write(&r, i, wide, f(lane_read(from, at, wide), lane_read(from, at + 1, wide), wide,
                                  &e));
    }
    sse_settle(c, &e);
    c->xmm[o->reg] = r;
}

static void addsubps(struct cpu *c, const struct op *o) { add_and_subtract(c, o, FORM_PS); }
static void addsubpd(struct cpu *c, const struct op *o) { add_and_subtract(c, o, FORM_PD); }
static void haddps(struct cpu *c, const struct op *o) { horizontal(c, o, FORM_PS, sse_add); }
static void haddpd(struct cpu *c, const struct op *o) { horizontal(c, o, FORM_PD, sse_add); }
static void hsubps(struct cpu *c, const struct op *o) { horizontal(c, o, FORM_PS, sse_sub); }
static void hsubpd(struct cpu *c, const struct op *o) { horizontal(c, o, FORM_PD, sse_sub); }

/* --- comparison ------------------------------------------------------------------------------- */

/* Predicates: 0 equal, 1 less, 2 less or equal, 3 unordered; 4 to 7 the opposites. The ordered ones
 * take no NaN quietly. */
static ALWAYS_INLINE bool holds(unsigned predicate, enum sse_relation r)
{
    static const uint8_t yes[4] = {1 << SSE_EQUAL, 1 << SSE_LESS, 1 << SSE_LESS | 1 << SSE_EQUAL,
                                   1 << SSE_UNORDERED};
    return (yes[predicate & 3] >> r & 1) != (predicate >> 2 & 1);
}

static ALWAYS_INLINE void compare(struct cpu *c, const struct op *o, enum sse_form form)
{
    sse_begin(c);
    bool wide = form_is_wide(form);
    struct sse_env e = sse_env_of(c);
    union vec b = source_read(c, o, form), r = c->xmm[o->reg];
    unsigned predicate = o->imm & 7;
    bool quiet = (predicate & 3) == 0 || (predicate & 3) == 3;
    for (unsigned i = 0; i < form_lanes(form); i++) {
        uint64_t x = lane_read(&r, i, wide), y = lane_read(&b, i, wide);
        bool yes = holds(predicate, sse_compare(x, y, quiet, wide, &e));
        lane_write(&r, i, wide, yes ? UINT64_MAX : 0);
    }
    sse_settle(c, &e);
    c->xmm[o->reg] = r;
}

static void cmpps(struct cpu *c, const struct op *o) { compare(c, o, FORM_PS); }
static void cmppd(struct cpu *c, const struct op *o) { compare(c, o, FORM_PD); }
static void cmpss(struct cpu *c, const struct op *o) { compare(c, o, FORM_SS); }
static void cmpsd(struct cpu *c, const struct op *o) { compare(c, o, FORM_SD); }

/* ZF, PF, CF: greater 000, less 001, equal 100, unordered 111. */
static ALWAYS_INLINE void compare_to_flags(struct cpu *c, const struct op *o, enum sse_form form,
                                           bool quiet)
{
    static const uint8_t result[4] = {[SSE_GREATER] = 0, [SSE_LESS] = F_CF, [SSE_EQUAL] = F_ZF,
                                      [SSE_UNORDERED] = F_ZF | F_PF | F_CF};
    sse_begin(c);
    bool wide = form_is_wide(form);
    struct sse_env e = sse_env_of(c);
    union vec b = source_read(c, o, form);
    enum sse_relation r = sse_compare(lane_read(&c->xmm[o->reg], 0, wide), lane_read(&b, 0, wide),
                                      quiet, wide, &e);
    sse_settle(c, &e);
    cpu_set_flags(c, (cpu_get_flags(c) & ~(uint32_t)F_ARITH) | result[r]);
}

static void comiss(struct cpu *c, const struct op *o) { compare_to_flags(c, o, FORM_SS, false); }
static void comisd(struct cpu *c, const struct op *o) { compare_to_flags(c, o, FORM_SD, false); }
static void ucomiss(struct cpu *c, const struct op *o) { compare_to_flags(c, o, FORM_SS, true); }
static void ucomisd(struct cpu *c, const struct op *o) { compare_to_flags(c, o, FORM_SD, true); }

/* --- rows ------------------------------------------------------------------------------------- */

/* Columns: opcode, name, body, attributes, timing classes of the packed and the scalar forms. */
#define FOUR(opcode, name, body, attributes, packed, scalar)                                       \
    {"NP 0F " opcode " /r", name "PS", "Vo,Wo", ANYFORM(body##_ps), 0, 0, 0, attributes,           \
     FEATURE_SSE, 0, 0, packed},                                                                   \
    {"66 0F " opcode " /r", name "PD", "Vo,Wo", ANYFORM(body##_pd), 0, 0, 0, attributes,           \
     FEATURE_SSE2, 0, 0, packed},                                                                  \
    {"F3 0F " opcode " /r", name "SS", "Vd,Wd", ANYFORM(body##_ss), 0, 0, 0, attributes,           \
     FEATURE_SSE, 0, 0, scalar},                                                                   \
    {"F2 0F " opcode " /r", name "SD", "Vq,Wq", ANYFORM(body##_sd), 0, 0, 0, attributes,           \
     FEATURE_SSE2, 0, 0, scalar}
#define ROW(code, name, operands, body, attributes, feature, timing)                               \
    {code, name, operands, ANYFORM(body), 0, 0, 0, attributes, feature, 0, 0, timing}
#define TO_FLAGS(code, name, operands, body, feature)                                              \
    {code, name, operands, ANYFORM(body), 0, F_ARITH, 0, A_DEST_READ, feature, 0, 0, "comiss"}
#define W A_DEST_WRITE

static const struct row rows[] = {
    TO_FLAGS("NP 0F 2E /r", "UCOMISS", "Vd,Wd", ucomiss, FEATURE_SSE),
    TO_FLAGS("66 0F 2E /r", "UCOMISD", "Vq,Wq", ucomisd, FEATURE_SSE2),
    TO_FLAGS("NP 0F 2F /r", "COMISS", "Vd,Wd", comiss, FEATURE_SSE),
    TO_FLAGS("66 0F 2F /r", "COMISD", "Vq,Wq", comisd, FEATURE_SSE2),
    FOUR("51", "SQRT", sqrt, W, "sqrtps", "sqrtss"),
    ROW("NP 0F 52 /r", "RSQRTPS", "Vo,Wo", rsqrtps, W, FEATURE_SSE, "rcpps"),
    ROW("F3 0F 52 /r", "RSQRTSS", "Vd,Wd", rsqrtss, W, FEATURE_SSE, "rcpss"),
    ROW("NP 0F 53 /r", "RCPPS", "Vo,Wo", rcpps, W, FEATURE_SSE, "rcpps"),
    ROW("F3 0F 53 /r", "RCPSS", "Vd,Wd", rcpss, W, FEATURE_SSE, "rcpss"),
    FOUR("58", "ADD", add, 0, "addps", "addss"),
    FOUR("59", "MUL", mul, 0, "mulps", "mulss"),
    FOUR("5C", "SUB", sub, 0, "addps", "addss"),
    FOUR("5D", "MIN", min, 0, "maxps", "maxss"),
    FOUR("5E", "DIV", div, 0, "divps", "divss"),
    FOUR("5F", "MAX", max, 0, "maxps", "maxss"),
    ROW("NP 0F C2 /r", "CMPPS", "Vo,Wo,Ib", cmpps, 0, FEATURE_SSE, "maxps"),
    ROW("66 0F C2 /r", "CMPPD", "Vo,Wo,Ib", cmppd, 0, FEATURE_SSE2, "maxps"),
    ROW("F3 0F C2 /r", "CMPSS", "Vd,Wd,Ib", cmpss, 0, FEATURE_SSE, "maxss"),
    ROW("F2 0F C2 /r", "CMPSD", "Vq,Wq,Ib", cmpsd, 0, FEATURE_SSE2, "maxss"),
    ROW("66 0F D0 /r", "ADDSUBPD", "Vo,Wo", addsubpd, 0, FEATURE_SSE3, "addps"),
    ROW("F2 0F D0 /r", "ADDSUBPS", "Vo,Wo", addsubps, 0, FEATURE_SSE3, "addps"),
    ROW("66 0F 7C /r", "HADDPD", "Vo,Wo", haddpd, 0, FEATURE_SSE3, "haddps"),
    ROW("F2 0F 7C /r", "HADDPS", "Vo,Wo", haddps, 0, FEATURE_SSE3, "haddps"),
    ROW("66 0F 7D /r", "HSUBPD", "Vo,Wo", hsubpd, 0, FEATURE_SSE3, "haddps"),
    ROW("F2 0F 7D /r", "HSUBPS", "Vo,Wo", hsubps, 0, FEATURE_SSE3, "haddps"),
};

const struct row_family family_sse = {rows, ARRAY_COUNT(rows)};
