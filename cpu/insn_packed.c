/* insn_packed: packed integers in MMX and XMM registers: arithmetic, comparison, logic, shifts, and
 * what packs, unpacks and shuffles. [SDM2] [APM5]
 *
 * An operation is written once for both kinds of register. */
#include "cpu/rows.h"
#include "cpu/vector.h"

/* --- lanes ------------------------------------------------------------------------------------ */

#define PACKED(name)                                                                               \
    static void name##_p(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_##name, 8); }    \
    static void name##_v(struct cpu *c, const struct op *o) { sse_binary(c, o, do_##name); }

/* Each lane of the result from the lanes a of the destination and b of the source. */
#define LANES(name, lane, type, expression)                                                        \
    static ALWAYS_INLINE union vec do_##name(union vec x, union vec y, unsigned n)                 \
    {                                                                                              \
        union vec r = vec_of(0);                                                                   \
        for (unsigned i = 0; i < n / sizeof r.lane[0]; i++) {                                      \
            const type a = x.lane[i], b = y.lane[i];                                               \
            r.lane[i] = (__typeof__(r.lane[0]))(expression);                                       \
        }                                                                                          \
        return r;                                                                                  \
    }                                                                                              \
    PACKED(name)

static ALWAYS_INLINE int32_t clamp(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

LANES(paddb, b, uint32_t, a + b)
LANES(paddw, w, uint32_t, a + b)
LANES(paddd, d, uint32_t, a + b)
LANES(paddq, q, uint64_t, a + b)
LANES(psubb, b, uint32_t, a - b)
LANES(psubw, w, uint32_t, a - b)
LANES(psubd, d, uint32_t, a - b)
LANES(psubq, q, uint64_t, a - b)
LANES(paddsb, sb, int32_t, clamp(a + b, -128, 127))
LANES(paddsw, sw, int32_t, clamp(a + b, -32768, 32767))
LANES(psubsb, sb, int32_t, clamp(a - b, -128, 127))
LANES(psubsw, sw, int32_t, clamp(a - b, -32768, 32767))
LANES(paddusb, b, int32_t, clamp(a + b, 0, 255))
LANES(paddusw, w, int32_t, clamp(a + b, 0, 65535))
LANES(psubusb, b, int32_t, clamp(a - b, 0, 255))
LANES(psubusw, w, int32_t, clamp(a - b, 0, 65535))

LANES(pcmpeqb, b, uint32_t, a == b ? ~0u : 0)
LANES(pcmpeqw, w, uint32_t, a == b ? ~0u : 0)
LANES(pcmpeqd, d, uint32_t, a == b ? ~0u : 0)
LANES(pcmpgtb, sb, int32_t, a > b ? -1 : 0)
LANES(pcmpgtw, sw, int32_t, a > b ? -1 : 0)
LANES(pcmpgtd, sd, int32_t, a > b ? -1 : 0)

LANES(pand, q, uint64_t, a & b)
LANES(pandn, q, uint64_t, ~a & b)
LANES(por, q, uint64_t, a | b)
LANES(pxor, q, uint64_t, a ^ b)

LANES(pmullw, sw, int32_t, a * b)
LANES(pmulhw, sw, int32_t, a * b >> 16)
LANES(pmulhuw, w, uint32_t, a * b >> 16)
LANES(pmuludq, q, uint64_t, (a & UINT32_MAX) * (b & UINT32_MAX))
LANES(pavgb, b, uint32_t, (a + b + 1) >> 1)
LANES(pavgw, w, uint32_t, (a + b + 1) >> 1)
LANES(pminub, b, uint32_t, a < b ? a : b)
LANES(pmaxub, b, uint32_t, a > b ? a : b)
LANES(pminsw, sw, int32_t, a < b ? a : b)
LANES(pmaxsw, sw, int32_t, a > b ? a : b)

/* The only sum that does not fit wraps: four times 8000h. */
static ALWAYS_INLINE union vec do_pmaddwd(union vec a, union vec b, unsigned n)
{
    union vec r = vec_of(0);
    for (unsigned i = 0; i < n / 4; i++) {
        int32_t low = a.sw[2 * i] * b.sw[2 * i], high = a.sw[2 * i + 1] * b.sw[2 * i + 1];
        r.d[i] = (uint32_t)low + (uint32_t)high;
    }
    return r;
}

static ALWAYS_INLINE union vec do_psadbw(union vec a, union vec b, unsigned n)
{
    union vec r = vec_of(0);
    for (unsigned i = 0; i < n; i++)
        r.q[i / 8] += a.b[i] > b.b[i] ? (uint64_t)(a.b[i] - b.b[i]) : (uint64_t)(b.b[i] - a.b[i]);
    return r;
}

PACKED(pmaddwd)
PACKED(psadbw)

/* --- shifts ----------------------------------------------------------------------------------- */

/* A count that reaches the lane's width leaves zeros, or in an arithmetic shift the sign. The count
 * is all 64 low bits of the source, or an immediate. */
#define SHIFT(name, lane, type, expression)                                                        \
    static ALWAYS_INLINE union vec do_##name(union vec x, union vec y, unsigned n)                 \
    {                                                                                              \
        union vec r = vec_of(0);                                                                   \
        const unsigned width = 8 * sizeof r.lane[0];                                               \
        const unsigned count = y.q[0] < width ? (unsigned)y.q[0] : width;                          \
        for (unsigned i = 0; i < n / sizeof r.lane[0]; i++) {                                      \
            const type a = x.lane[i];                                                              \
            r.lane[i] = (__typeof__(r.lane[0]))(expression);                                       \
        }                                                                                          \
        return r;                                                                                  \
    }                                                                                              \
    PACKED(name)

/* And its immediate form, whose operand is the r/m register. */
#define SHIFT_IMMEDIATE(name)                                                                      \
    static void name##_ni(struct cpu *c, const struct op *o)                                       \
    {                                                                                              \
        if (mmx_begin(c))                                                                          \
            mmx_write(c, o->rm,                                                                    \
                      do_##name(vec_of(mmx_read(c, o->rm)), vec_of(o->imm), 8).q[0]);              \
    }                                                                                              \
    static void name##_ui(struct cpu *c, const struct op *o)                                       \
    {                                                                                              \
        sse_begin(c);                                                                              \
        c->xmm[o->rm] = do_##name(c->xmm[o->rm], vec_of(o->imm), 16);                              \
    }

SHIFT(psrlw, w, uint32_t, count < width ? a >> count : 0)
SHIFT(psrld, d, uint32_t, count < width ? a >> count : 0)
SHIFT(psrlq, q, uint64_t, count < width ? a >> count : 0)
SHIFT(psllw, w, uint32_t, count < width ? a << count : 0)
SHIFT(pslld, d, uint32_t, count < width ? a << count : 0)
SHIFT(psllq, q, uint64_t, count < width ? a << count : 0)
SHIFT(psraw, sw, int32_t, a >> (count < width ? count : width - 1))
SHIFT(psrad, sd, int32_t, a >> (count < width ? count : width - 1))
SHIFT_IMMEDIATE(psrlw)
SHIFT_IMMEDIATE(psrld)
SHIFT_IMMEDIATE(psrlq)
SHIFT_IMMEDIATE(psllw)
SHIFT_IMMEDIATE(pslld)
SHIFT_IMMEDIATE(psllq)
SHIFT_IMMEDIATE(psraw)
SHIFT_IMMEDIATE(psrad)

/* Of the whole register, by bytes. */
static void psrldq(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec a = c->xmm[o->rm], r = vec_of(0);
    for (unsigned i = 0; i + o->imm < 16; i++)
        r.b[i] = a.b[i + o->imm];
    c->xmm[o->rm] = r;
}

static void pslldq(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec a = c->xmm[o->rm], r = vec_of(0);
    for (unsigned i = o->imm; i < 16; i++)
        r.b[i] = a.b[i - o->imm];
    c->xmm[o->rm] = r;
}

/* --- packing and unpacking -------------------------------------------------------------------- */

/* The destination's lanes, then the source's, narrowed with saturation. */
#define PACK(name, from, to, least, most)                                                          \
    static ALWAYS_INLINE union vec do_##name(union vec a, union vec b, unsigned n)                 \
    {                                                                                              \
        union vec r = vec_of(0);                                                                   \
        const unsigned lanes = n / sizeof a.from[0];                                               \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            r.to[i] = (__typeof__(r.to[0]))clamp(a.from[i], least, most);                          \
            r.to[lanes + i] = (__typeof__(r.to[0]))clamp(b.from[i], least, most);                  \
        }                                                                                          \
        return r;                                                                                  \
    }                                                                                              \
    PACKED(name)

PACK(packsswb, sw, sb, -128, 127)
PACK(packuswb, sw, b, 0, 255)
PACK(packssdw, sd, sw, -32768, 32767)

/* Lanes of destination and source in turn, from the low halves or the high ones. */
#define UNPACK(name, lane, high)                                                                   \
    static ALWAYS_INLINE union vec do_##name(union vec a, union vec b, unsigned n)                 \
    {                                                                                              \
        union vec r = vec_of(0);                                                                   \
        const unsigned half = n / sizeof a.lane[0] / 2;                                            \
        for (unsigned i = 0; i < half; i++) {                                                      \
            r.lane[2 * i] = a.lane[i + ((high) ? half : 0)];                                       \
            r.lane[2 * i + 1] = b.lane[i + ((high) ? half : 0)];                                   \
        }                                                                                          \
        return r;                                                                                  \
    }

UNPACK(punpcklbw, b, false)
UNPACK(punpcklwd, w, false)
UNPACK(punpckldq, d, false)
UNPACK(punpcklqdq, q, false)
UNPACK(punpckhbw, b, true)
UNPACK(punpckhwd, w, true)
UNPACK(punpckhdq, d, true)
UNPACK(punpckhqdq, q, true)
PACKED(punpckhbw)
PACKED(punpckhwd)
PACKED(punpckhdq)

/* The low ones read only four bytes of an MMX operand in memory. */
#define UNPACK_LOW(name)                                                                           \
    static void name##_p(struct cpu *c, const struct op *o) { mmx_binary(c, o, do_##name, 4); }    \
    static void name##_v(struct cpu *c, const struct op *o) { sse_binary(c, o, do_##name); }

UNPACK_LOW(punpcklbw)
UNPACK_LOW(punpcklwd)
UNPACK_LOW(punpckldq)

static void punpcklqdq_v(struct cpu *c, const struct op *o) { sse_binary(c, o, do_punpcklqdq); }
static void punpckhqdq_v(struct cpu *c, const struct op *o) { sse_binary(c, o, do_punpckhqdq); }

/* --- shuffles, single words, masks ------------------------------------------------------------ */

/* Word i of four comes from word imm >> 2i. */
static ALWAYS_INLINE uint64_t shuffle_words(uint64_t from, uint32_t order)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= (from >> 16 * (order >> 2 * i & 3) & 0xFFFF) << 16 * i;
    return r;
}

static void pshufw(struct cpu *c, const struct op *o)
{
    if (mmx_begin(c))
        mmx_write(c, o->reg, shuffle_words(q_read(c, o, 8), o->imm));
}

static void pshuflw(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec a = w_read(c, o);
    c->xmm[o->reg] = (union vec){.q = {shuffle_words(a.q[0], o->imm), a.q[1]}};
}

static void pshufhw(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec a = w_read(c, o);
    c->xmm[o->reg] = (union vec){.q = {a.q[0], shuffle_words(a.q[1], o->imm)}};
}

static void pshufd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec a = w_read(c, o), r;
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = a.d[o->imm >> 2 * i & 3];
    c->xmm[o->reg] = r;
}

static void pinsrw_p(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    uint16_t v = (uint16_t)e_read(c, o, 2, o->flags & OP_MEM);
    union vec r = vec_of(mmx_read(c, o->reg));
    r.w[o->imm & 3] = v;
    mmx_write(c, o->reg, r.q[0]);
}

static void pinsrw_v(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].w[o->imm & 7] = (uint16_t)e_read(c, o, 2, o->flags & OP_MEM);
}

static void pextrw_n(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    c->r[o->reg] = vec_of(mmx_read(c, o->rm)).w[o->imm & 3];
    mmx_take(c);
}

static void pextrw_u(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->r[o->reg] = c->xmm[o->rm].w[o->imm & 7];
}

/* The sign bits of the bytes. */
static ALWAYS_INLINE uint32_t signs(union vec v, unsigned n)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < n; i++)
        r |= (uint32_t)(v.b[i] >> 7) << i;
    return r;
}

static void pmovmskb_n(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    c->r[o->reg] = signs(vec_of(mmx_read(c, o->rm)), 8);
    mmx_take(c);
}

static void pmovmskb_u(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->r[o->reg] = signs(c->xmm[o->rm], 16);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Columns: opcode, name, body, feature of the MMX form, timing classes of both. */
#define BOTH(opcode, name, body, feature, mmx, sse)                                                \
    {"NP 0F " opcode " /r", name, "Pq,Qq", ANYFORM(body##_p), 0, 0, 0, 0, feature, 0, 0, mmx},     \
    {"66 0F " opcode " /r", name, "Vo,Wo", ANYFORM(body##_v), 0, 0, 0, 0, FEATURE_SSE2, 0, 0, sse}
#define LOW(opcode, name, body)                                                                    \
    {"NP 0F " opcode " /r", name, "Pq,Qd", ANYFORM(body##_p), 0, 0, 0, 0, FEATURE_MMX, 0, 0,       \
     "mmx_pack"},                                                                                  \
    {"66 0F " opcode " /r", name, "Vo,Wo", ANYFORM(body##_v), 0, 0, 0, 0, FEATURE_SSE2, 0, 0,      \
     "sse_unpack"}
#define IMMEDIATE(code, name, body)                                                                \
    {"NP 0F " code, name, "Nq,Ib", REGFORM(body##_ni), 0, 0, 0, 0, FEATURE_MMX, 0, 0, "mmx_alu"},  \
    {"66 0F " code, name, "Uo,Ib", REGFORM(body##_ui), 0, 0, 0, 0, FEATURE_SSE2, 0, 0, "sse_alu"}
#define ROW(code, name, operands, forms, attributes, feature, timing)                              \
    {code, name, operands, forms, 0, 0, 0, attributes, feature, 0, 0, timing}
#define ALU(opcode, name, body) BOTH(opcode, name, body, FEATURE_MMX, "mmx_alu", "sse_alu")
#define ALU_EXT(opcode, name, body) BOTH(opcode, name, body, FEATURE_MMX_EXT, "mmx_alu", "sse_alu")
#define MUL(opcode, name, body, feature) BOTH(opcode, name, body, feature, "mmx_mul", "sse_mul")

static const struct row rows[] = {
    LOW("60", "PUNPCKLBW", punpcklbw),
    LOW("61", "PUNPCKLWD", punpcklwd),
    LOW("62", "PUNPCKLDQ", punpckldq),
    BOTH("63", "PACKSSWB", packsswb, FEATURE_MMX, "mmx_pack", "sse_pack"),
    ALU("64", "PCMPGTB", pcmpgtb),
    ALU("65", "PCMPGTW", pcmpgtw),
    ALU("66", "PCMPGTD", pcmpgtd),
    BOTH("67", "PACKUSWB", packuswb, FEATURE_MMX, "mmx_pack", "sse_pack"),
    BOTH("68", "PUNPCKHBW", punpckhbw, FEATURE_MMX, "mmx_pack", "sse_unpack"),
    BOTH("69", "PUNPCKHWD", punpckhwd, FEATURE_MMX, "mmx_pack", "sse_unpack"),
    BOTH("6A", "PUNPCKHDQ", punpckhdq, FEATURE_MMX, "mmx_pack", "sse_unpack"),
    BOTH("6B", "PACKSSDW", packssdw, FEATURE_MMX, "mmx_pack", "sse_pack"),
    ROW("66 0F 6C /r", "PUNPCKLQDQ", "Vo,Wo", ANYFORM(punpcklqdq_v), 0, FEATURE_SSE2,
        "sse_unpack_low"),
    ROW("66 0F 6D /r", "PUNPCKHQDQ", "Vo,Wo", ANYFORM(punpckhqdq_v), 0, FEATURE_SSE2,
        "sse_unpack_high"),

    ROW("NP 0F 70 /r", "PSHUFW", "Pq,Qq,Ib", ANYFORM(pshufw), A_DEST_WRITE, FEATURE_MMX_EXT,
        "mmx_alu"),
    ROW("66 0F 70 /r", "PSHUFD", "Vo,Wo,Ib", ANYFORM(pshufd), A_DEST_WRITE, FEATURE_SSE2,
        "sse_shuffle"),
    ROW("F3 0F 70 /r", "PSHUFHW", "Vo,Wo,Ib", ANYFORM(pshufhw), A_DEST_WRITE, FEATURE_SSE2,
        "sse_alu"),
    ROW("F2 0F 70 /r", "PSHUFLW", "Vo,Wo,Ib", ANYFORM(pshuflw), A_DEST_WRITE, FEATURE_SSE2,
        "sse_alu"),
    IMMEDIATE("71 /2", "PSRLW", psrlw),
    IMMEDIATE("71 /4", "PSRAW", psraw),
    IMMEDIATE("71 /6", "PSLLW", psllw),
    IMMEDIATE("72 /2", "PSRLD", psrld),
    IMMEDIATE("72 /4", "PSRAD", psrad),
    IMMEDIATE("72 /6", "PSLLD", pslld),
    IMMEDIATE("73 /2", "PSRLQ", psrlq),
    IMMEDIATE("73 /6", "PSLLQ", psllq),
    ROW("66 0F 73 /3", "PSRLDQ", "Uo,Ib", REGFORM(psrldq), 0, FEATURE_SSE2, "sse_alu"),
    ROW("66 0F 73 /7", "PSLLDQ", "Uo,Ib", REGFORM(pslldq), 0, FEATURE_SSE2, "sse_alu"),
    ALU("74", "PCMPEQB", pcmpeqb),
    ALU("75", "PCMPEQW", pcmpeqw),
    ALU("76", "PCMPEQD", pcmpeqd),

    ROW("NP 0F C4 /r", "PINSRW", "Pq,Ew,Ib", ANYFORM(pinsrw_p), 0, FEATURE_MMX_EXT, "mmx_pinsrw"),
    ROW("66 0F C4 /r", "PINSRW", "Vo,Ew,Ib", ANYFORM(pinsrw_v), 0, FEATURE_SSE2, "sse_pinsrw"),
    ROW("NP 0F C5 /r", "PEXTRW", "Gd,Nq,Ib", REGFORM(pextrw_n), A_DEST_WRITE, FEATURE_MMX_EXT,
        "pextrw"),
    ROW("66 0F C5 /r", "PEXTRW", "Gd,Uo,Ib", REGFORM(pextrw_u), A_DEST_WRITE, FEATURE_SSE2,
        "pextrw"),
    ALU("D1", "PSRLW", psrlw),
    ALU("D2", "PSRLD", psrld),
    ALU("D3", "PSRLQ", psrlq),
    BOTH("D4", "PADDQ", paddq, FEATURE_SSE2, "mmx_alu", "sse_alu"),
    MUL("D5", "PMULLW", pmullw, FEATURE_MMX),
    ROW("NP 0F D7 /r", "PMOVMSKB", "Gd,Nq", REGFORM(pmovmskb_n), A_DEST_WRITE, FEATURE_MMX_EXT,
        "movmsk"),
    ROW("66 0F D7 /r", "PMOVMSKB", "Gd,Uo", REGFORM(pmovmskb_u), A_DEST_WRITE, FEATURE_SSE2,
        "movmsk"),
    ALU("D8", "PSUBUSB", psubusb),
    ALU("D9", "PSUBUSW", psubusw),
    ALU_EXT("DA", "PMINUB", pminub),
    ALU("DB", "PAND", pand),
    ALU("DC", "PADDUSB", paddusb),
    ALU("DD", "PADDUSW", paddusw),
    ALU_EXT("DE", "PMAXUB", pmaxub),
    ALU("DF", "PANDN", pandn),
    ALU_EXT("E0", "PAVGB", pavgb),
    ALU("E1", "PSRAW", psraw),
    ALU("E2", "PSRAD", psrad),
    ALU_EXT("E3", "PAVGW", pavgw),
    MUL("E4", "PMULHUW", pmulhuw, FEATURE_MMX_EXT),
    MUL("E5", "PMULHW", pmulhw, FEATURE_MMX),
    ALU("E8", "PSUBSB", psubsb),
    ALU("E9", "PSUBSW", psubsw),
    ALU_EXT("EA", "PMINSW", pminsw),
    ALU("EB", "POR", por),
    ALU("EC", "PADDSB", paddsb),
    ALU("ED", "PADDSW", paddsw),
    ALU_EXT("EE", "PMAXSW", pmaxsw),
    ALU("EF", "PXOR", pxor),
    ALU("F1", "PSLLW", psllw),
    ALU("F2", "PSLLD", pslld),
    ALU("F3", "PSLLQ", psllq),
    MUL("F4", "PMULUDQ", pmuludq, FEATURE_SSE2),
    MUL("F5", "PMADDWD", pmaddwd, FEATURE_MMX),
    BOTH("F6", "PSADBW", psadbw, FEATURE_MMX_EXT, "mmx_sad", "sse_sad"),
    ALU("F8", "PSUBB", psubb),
    ALU("F9", "PSUBW", psubw),
    ALU("FA", "PSUBD", psubd),
    BOTH("FB", "PSUBQ", psubq, FEATURE_SSE2, "mmx_alu", "sse_alu"),
    ALU("FC", "PADDB", paddb),
    ALU("FD", "PADDW", paddw),
    ALU("FE", "PADDD", paddd),
};

const struct row_family family_packed = {rows, ARRAY_COUNT(rows)};
