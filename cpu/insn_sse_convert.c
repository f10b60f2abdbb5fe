/* insn_sse_convert: between singles, doubles and 32-bit integers in XMM, MMX and general registers;
 * FISTTP, which converts for the x87. [SDM2] [APM4] */
#include "cpu/insn_sse.h"

#include "cpu/rows.h"

/* CVTT...: as with rounding toward zero. */
static ALWAYS_INLINE struct sse_env conversion_env(const struct cpu *c, bool truncate)
{
    return (struct sse_env){c->mxcsr | (truncate ? SSE_RC_ZERO : 0u), 0};
}

static ALWAYS_INLINE void finish(struct cpu *c, const struct op *o, const struct sse_env *e,
                                 union vec r)
{
    sse_settle(c, e);
    c->xmm[o->reg] = r;
}

/* --- between formats -------------------------------------------------------------------------- */

static void cvtps2pd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec b = w_read_low(c, o, 8), r;
    for (unsigned i = 0; i < 2; i++)
        r.q[i] = sse_widen(b.d[i], &e);
    finish(c, o, &e, r);
}

static void cvtpd2ps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec b = w_read(c, o), r = vec_of(0);
    for (unsigned i = 0; i < 2; i++)
        r.d[i] = sse_narrow(b.q[i], &e);
    finish(c, o, &e, r);
}

static void cvtss2sd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec r = c->xmm[o->reg];
    r.q[0] = sse_widen(w_read_low(c, o, 4).d[0], &e);
    finish(c, o, &e, r);
}

static void cvtsd2ss(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec r = c->xmm[o->reg];
    r.d[0] = sse_narrow(w_read_low(c, o, 8).q[0], &e);
    finish(c, o, &e, r);
}

/* --- from integers ---------------------------------------------------------------------------- */

static void cvtdq2ps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec b = w_read(c, o), r;
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = (uint32_t)sse_from_int(b.sd[i], false, &e);
    finish(c, o, &e, r);
}

static void cvtdq2pd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec b = w_read_low(c, o, 8), r;
    for (unsigned i = 0; i < 2; i++)
        r.q[i] = sse_from_int(b.sd[i], true, &e);
    finish(c, o, &e, r);
}

static void cvtsi2ss(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    union vec r = c->xmm[o->reg];
    r.d[0] = (uint32_t)sse_from_int((int32_t)e_read(c, o, 4, o->flags & OP_MEM), false, &e);
    finish(c, o, &e, r);
}

static void cvtsi2sd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    struct sse_env e = sse_env_of(c);
    c->xmm[o->reg].q[0] = sse_from_int((int32_t)e_read(c, o, 4, o->flags & OP_MEM), true, &e);
}

/* Only an MMX register as the source makes them MMX instructions: of CVTPI2PS Intel says otherwise
 * [SDM2 CVTPI2PS], AMD's silicon (family 19h) has it so. */
static ALWAYS_INLINE void from_mmx(struct cpu *c, const struct op *o, bool wide)
{
    sse_begin(c);
    if (!(o->flags & OP_MEM) && !mmx_begin(c))
        return;
    struct sse_env e = sse_env_of(c);
    union vec b = vec_of(q_read(c, o, 8)), r = c->xmm[o->reg];
    for (unsigned i = 0; i < 2; i++)
        lane_write(&r, i, wide, sse_from_int(b.sd[i], wide, &e));
    finish(c, o, &e, r);
    if (!(o->flags & OP_MEM))
        mmx_take(c);
}

static void cvtpi2ps(struct cpu *c, const struct op *o) { from_mmx(c, o, false); }
static void cvtpi2pd(struct cpu *c, const struct op *o) { from_mmx(c, o, true); }

/* --- to integers ------------------------------------------------------------------------------ */

static ALWAYS_INLINE void packed_to_int(struct cpu *c, const struct op *o, bool wide,
                                        bool truncate)
{
    sse_begin(c);
    struct sse_env e = conversion_env(c, truncate);
    union vec b = w_read(c, o), r = vec_of(0);
    for (unsigned i = 0; i < (wide ? 2u : 4u); i++)
        r.d[i] = sse_to_int(lane_read(&b, i, wide), wide, &e);
    finish(c, o, &e, r);
}

static ALWAYS_INLINE void scalar_to_int(struct cpu *c, const struct op *o, bool wide,
                                        bool truncate)
{
    sse_begin(c);
    struct sse_env e = conversion_env(c, truncate);
    union vec b = w_read_low(c, o, wide ? 8 : 4);
    uint32_t r = sse_to_int(lane_read(&b, 0, wide), wide, &e);
    sse_settle(c, &e);
    c->r[o->reg] = r;
}

static ALWAYS_INLINE void to_mmx(struct cpu *c, const struct op *o, bool wide, bool truncate)
{
    if (!sse_mmx_begin(c))
        return;
    struct sse_env e = conversion_env(c, truncate);
    union vec b = wide ? w_read(c, o) : w_read_low(c, o, 8), r;
    for (unsigned i = 0; i < 2; i++)
        r.d[i] = sse_to_int(lane_read(&b, i, wide), wide, &e);
    sse_settle(c, &e);
    mmx_write(c, o->reg, r.q[0]);
}

#define TO_INT(name, f, wide)                                                                      \
    static void cvt##name(struct cpu *c, const struct op *o) { f(c, o, wide, false); }             \
    static void cvtt##name(struct cpu *c, const struct op *o) { f(c, o, wide, true); }

TO_INT(ps2dq, packed_to_int, false)
TO_INT(pd2dq, packed_to_int, true)
TO_INT(ss2si, scalar_to_int, false)
TO_INT(sd2si, scalar_to_int, true)
TO_INT(ps2pi, to_mmx, false)
TO_INT(pd2pi, to_mmx, true)

/* --- rows ------------------------------------------------------------------------------------- */

/* Columns: code, name, operands, body, attributes, feature, timing class. */
#define ROW(code, name, operands, body, attributes, feature, timing)                               \
    {code, name, operands, ANYFORM(body), 0, 0, 0, attributes, feature, 0, 0, timing}
#define W A_DEST_WRITE
#define FISTTP(code, operands, body)                                                               \
    {code, "FISTTP", operands, MEMFORM(insn_##body), 0, 0, 0, A_X87 | W, FEATURE_SSE3, 0, 0, "fist"}

static const struct row rows[] = {
    ROW("NP 0F 2A /r", "CVTPI2PS", "Vq,Qq", cvtpi2ps, 0, FEATURE_SSE, "cvtpi2ps"),
    ROW("66 0F 2A /r", "CVTPI2PD", "Vo,Qq", cvtpi2pd, W, FEATURE_SSE2, "cvtpi2pd"),
    ROW("F3 0F 2A /r", "CVTSI2SS", "Vd,Ed", cvtsi2ss, 0, FEATURE_SSE, "cvtsi2ss"),
    ROW("F2 0F 2A /r", "CVTSI2SD", "Vq,Ed", cvtsi2sd, 0, FEATURE_SSE2, "cvtsi2sd"),
    ROW("NP 0F 2C /r", "CVTTPS2PI", "Pq,Wq", cvttps2pi, W, FEATURE_SSE, "cvtps2pi"),
    ROW("66 0F 2C /r", "CVTTPD2PI", "Pq,Wo", cvttpd2pi, W, FEATURE_SSE2, "cvtpd2pi"),
    ROW("F3 0F 2C /r", "CVTTSS2SI", "Gd,Wd", cvttss2si, W, FEATURE_SSE, "cvtss2si"),
    ROW("F2 0F 2C /r", "CVTTSD2SI", "Gd,Wq", cvttsd2si, W, FEATURE_SSE2, "cvtsd2si"),
    ROW("NP 0F 2D /r", "CVTPS2PI", "Pq,Wq", cvtps2pi, W, FEATURE_SSE, "cvtps2pi"),
    ROW("66 0F 2D /r", "CVTPD2PI", "Pq,Wo", cvtpd2pi, W, FEATURE_SSE2, "cvtpd2pi"),
    ROW("F3 0F 2D /r", "CVTSS2SI", "Gd,Wd", cvtss2si, W, FEATURE_SSE, "cvtss2si"),
    ROW("F2 0F 2D /r", "CVTSD2SI", "Gd,Wq", cvtsd2si, W, FEATURE_SSE2, "cvtsd2si"),
    ROW("NP 0F 5A /r", "CVTPS2PD", "Vo,Wq", cvtps2pd, W, FEATURE_SSE2, "cvtps2pd"),
    ROW("66 0F 5A /r", "CVTPD2PS", "Vo,Wo", cvtpd2ps, W, FEATURE_SSE2, "cvtpd2ps"),
    ROW("F3 0F 5A /r", "CVTSS2SD", "Vq,Wd", cvtss2sd, 0, FEATURE_SSE2, "cvtss2sd"),
    ROW("F2 0F 5A /r", "CVTSD2SS", "Vd,Wq", cvtsd2ss, 0, FEATURE_SSE2, "cvtsd2ss"),
    ROW("NP 0F 5B /r", "CVTDQ2PS", "Vo,Wo", cvtdq2ps, W, FEATURE_SSE2, "cvtdq2ps"),
    ROW("66 0F 5B /r", "CVTPS2DQ", "Vo,Wo", cvtps2dq, W, FEATURE_SSE2, "cvtdq2ps"),
    ROW("F3 0F 5B /r", "CVTTPS2DQ", "Vo,Wo", cvttps2dq, W, FEATURE_SSE2, "cvtdq2ps"),
    ROW("66 0F E6 /r", "CVTTPD2DQ", "Vo,Wo", cvttpd2dq, W, FEATURE_SSE2, "cvtpd2dq"),
    ROW("F2 0F E6 /r", "CVTPD2DQ", "Vo,Wo", cvtpd2dq, W, FEATURE_SSE2, "cvtpd2dq"),
    ROW("F3 0F E6 /r", "CVTDQ2PD", "Vo,Wq", cvtdq2pd, W, FEATURE_SSE2, "cvtdq2pd"),

    FISTTP("DB /1", "Md", fisttp_i32),
    FISTTP("DD /1", "Mq", fisttp_i64),
    FISTTP("DF /1", "Mw", fisttp_i16),
};

const struct row_family family_sse_convert = {rows, ARRAY_COUNT(rows)};
