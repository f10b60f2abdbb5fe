/* insn_vector_move: moves between vector registers, general registers and memory; logic on floats,
 * and what moves their lanes without computing. [SDM2] [APM4] [APM5] */
#include "cpu/rows.h"
#include "cpu/vector.h"

/* --- whole registers -------------------------------------------------------------------------- */

/* MOVAPS, MOVDQA and their like: 16 bytes, aligned in memory. */
static void load_aligned(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg] = w_read(c, o);
}

static void store_aligned(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    if (o->flags & OP_MEM)
        vector_store(c, o, c->xmm[o->reg], true);
    else
        c->xmm[o->rm] = c->xmm[o->reg];
}

/* MOVUPS, MOVDQU, LDDQU: wherever it lies. */
static void load_unaligned(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg] = o->flags & OP_MEM ? vector_load(c, o, false) : c->xmm[o->rm];
}

static void store_unaligned(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    if (o->flags & OP_MEM)
        vector_store(c, o, c->xmm[o->reg], false);
    else
        c->xmm[o->rm] = c->xmm[o->reg];
}

/* --- 32 and 64 bits --------------------------------------------------------------------------- */

static void movd_pe(struct cpu *c, const struct op *o)
{
    if (mmx_begin(c))
        mmx_write(c, o->reg, e_read(c, o, 4, o->flags & OP_MEM));
}

static void movd_ep(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    e_write(c, o, (uint32_t)mmx_read(c, o->reg), 4, o->flags & OP_MEM);
    mmx_take(c);
}

static void movd_ve(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg] = vec_of(e_read(c, o, 4, o->flags & OP_MEM));
}

static void movd_ev(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    e_write(c, o, c->xmm[o->reg].d[0], 4, o->flags & OP_MEM);
}

static void movq_pq(struct cpu *c, const struct op *o)
{
    if (mmx_begin(c))
        mmx_write(c, o->reg, q_read(c, o, 8));
}

static void movq_qp(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    uint64_t v = mmx_read(c, o->reg);
    if (o->flags & OP_MEM) {
        mem_write(c, o->seg, effective_address(c, o), 8, v);
        mmx_take(c);
    } else {
        mmx_write(c, o->rm, v);
    }
}

/* Loads and stores of the low part of an XMM register; a load clears the rest, as do MOVQ's
 * register forms. */
static void load_4(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg] = w_read_low(c, o, 4);
}

static void load_8(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg] = w_read_low(c, o, 8);
}

static void store_4(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    mem_write(c, o->seg, effective_address(c, o), 4, c->xmm[o->reg].d[0]);
}

static void store_8(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    if (o->flags & OP_MEM)
        mem_write(c, o->seg, effective_address(c, o), 8, c->xmm[o->reg].q[0]);
    else
        c->xmm[o->rm] = vec_of(c->xmm[o->reg].q[0]);
}

/* MOVSS and MOVSD between registers keep the rest. 10 reads r/m, 11 writes it. */
static void merge_4(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].d[0] = c->xmm[o->rm].d[0];
}

static void merge_8(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].q[0] = c->xmm[o->rm].q[0];
}

static void merge_4_back(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->rm].d[0] = c->xmm[o->reg].d[0];
}

static void merge_8_back(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->rm].q[0] = c->xmm[o->reg].q[0];
}

/* One half of the register; the other stays. */
static void load_low(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].q[0] = operand_read(c, o, 8);
}

static void load_high(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].q[1] = operand_read(c, o, 8);
}

static void store_high(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    mem_write(c, o->seg, effective_address(c, o), 8, c->xmm[o->reg].q[1]);
}

static void movhlps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].q[0] = c->xmm[o->rm].q[1];
}

static void movlhps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    c->xmm[o->reg].q[1] = c->xmm[o->rm].q[0];
}

static void movdq2q(struct cpu *c, const struct op *o)
{
    if (sse_mmx_begin(c))
        mmx_write(c, o->reg, c->xmm[o->rm].q[0]);
}

static void movq2dq(struct cpu *c, const struct op *o)
{
    if (!sse_mmx_begin(c))
        return;
    c->xmm[o->reg] = vec_of(mmx_read(c, o->rm));
    mmx_take(c);
}

/* Needs neither the x87 nor CR4.OSFXSR. */
static void movnti(struct cpu *c, const struct op *o)
{
    e_write(c, o, c->r[o->reg], 4, true);
}

/* --- under a mask ----------------------------------------------------------------------------- */

/* The bytes whose mask has its sign bit set, at [DS:eDI]. All bytes must be writable, chosen or
 * not. */
static void write_masked(struct cpu *c, const struct op *o, union vec v, union vec mask, unsigned n)
{
    uint32_t offset = c->r[EDI] & o->amask;
    laddr_t la = segment_linear(c, o->seg, offset, n, true);
    if (mmu_probe(c->mmu, la, n, true, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
    for (unsigned i = 0; i < n; i++)
        if (mask.b[i] & 0x80)
            linear_write(c, la + i, 1, v.b[i]);
}

static void maskmovq(struct cpu *c, const struct op *o)
{
    if (!mmx_begin(c))
        return;
    write_masked(c, o, vec_of(mmx_read(c, o->reg)), vec_of(mmx_read(c, o->rm)), 8);
    mmx_take(c);
}

static void maskmovdqu(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    write_masked(c, o, c->xmm[o->reg], c->xmm[o->rm], 16);
}

/* --- lanes of floats -------------------------------------------------------------------------- */

#define SSE(name)                                                                                  \
    static void name(struct cpu *c, const struct op *o) { sse_binary(c, o, do_##name); }
#define LOGIC(name, expression)                                                                    \
    static ALWAYS_INLINE union vec do_##name(union vec x, union vec y, unsigned n)                 \
    {                                                                                              \
        (void)n;                                                                                   \
        for (unsigned i = 0; i < 2; i++) {                                                         \
            const uint64_t a = x.q[i], b = y.q[i];                                                 \
            x.q[i] = expression;                                                                   \
        }                                                                                          \
        return x;                                                                                  \
    }                                                                                              \
    SSE(name)

LOGIC(andps, a & b)
LOGIC(andnps, ~a & b)
LOGIC(orps, a | b)
LOGIC(xorps, a ^ b)

#define ARRANGE(name, ...)                                                                         \
    static ALWAYS_INLINE union vec do_##name(union vec a, union vec b, unsigned n)                 \
    {                                                                                              \
        (void)n;                                                                                   \
        return (union vec){__VA_ARGS__};                                                           \
    }                                                                                              \
    SSE(name)

ARRANGE(unpcklps, .d = {a.d[0], b.d[0], a.d[1], b.d[1]})
ARRANGE(unpckhps, .d = {a.d[2], b.d[2], a.d[3], b.d[3]})
ARRANGE(unpcklpd, .q = {a.q[0], b.q[0]})
ARRANGE(unpckhpd, .q = {a.q[1], b.q[1]})

static void shufps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    uint32_t i = o->imm;
    union vec b = w_read(c, o), a = c->xmm[o->reg];
    c->xmm[o->reg] = (union vec){.d = {a.d[i & 3], a.d[i >> 2 & 3], b.d[i >> 4 & 3],
                                       b.d[i >> 6 & 3]}};
}

static void shufpd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec b = w_read(c, o), a = c->xmm[o->reg];
    c->xmm[o->reg] = (union vec){.q = {a.q[o->imm & 1], b.q[o->imm >> 1 & 1]}};
}

static void movddup(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    uint64_t b = w_read_low(c, o, 8).q[0];
    c->xmm[o->reg] = (union vec){.q = {b, b}};
}

static void movsldup(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec b = w_read(c, o);
    c->xmm[o->reg] = (union vec){.d = {b.d[0], b.d[0], b.d[2], b.d[2]}};
}

static void movshdup(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec b = w_read(c, o);
    c->xmm[o->reg] = (union vec){.d = {b.d[1], b.d[1], b.d[3], b.d[3]}};
}

static void movmskps(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec b = c->xmm[o->rm];
    c->r[o->reg] = b.d[0] >> 31 | b.d[1] >> 31 << 1 | b.d[2] >> 31 << 2 | b.d[3] >> 31 << 3;
}

static void movmskpd(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    union vec b = c->xmm[o->rm];
    c->r[o->reg] = b.d[1] >> 31 | b.d[3] >> 31 << 1;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Columns: code, name, operands, bodies, attributes, feature, timing class. */
#define ROW(code, name, operands, forms, attributes, feature, timing)                              \
    {code, name, operands, forms, 0, 0, 0, attributes, feature, 0, 0, timing}
#define W A_DEST_WRITE
/* The same for singles (SSE) and doubles (SSE2). */
#define BOTH(opcode, name, operands, forms, attributes, timing)                                    \
    {"NP 0F " opcode " /r", name "PS", operands, forms, 0, 0, 0, attributes, FEATURE_SSE, 0, 0,    \
     timing},                                                                                      \
    {"66 0F " opcode " /r", name "PD", operands, forms, 0, 0, 0, attributes, FEATURE_SSE2, 0, 0,   \
     timing}

static const struct row rows[] = {
    BOTH("10", "MOVU", "Vo,Wo", ANYFORM(load_unaligned), W, "movups"),
    BOTH("11", "MOVU", "Wo,Vo", ANYFORM(store_unaligned), W, "movups"),
    ROW("F3 0F 10 /r", "MOVSS", "Vd,Md", MEMFORM(load_4), W, FEATURE_SSE, "movss"),
    ROW("F3 0F 10 /r", "MOVSS", "Vd,Ud", REGFORM(merge_4), 0, FEATURE_SSE, "movss"),
    ROW("F2 0F 10 /r", "MOVSD", "Vq,Mq", MEMFORM(load_8), W, FEATURE_SSE2, "movss"),
    ROW("F2 0F 10 /r", "MOVSD", "Vq,Uq", REGFORM(merge_8), 0, FEATURE_SSE2, "movss"),
    ROW("F3 0F 11 /r", "MOVSS", "Md,Vd", MEMFORM(store_4), W, FEATURE_SSE, "movss"),
    ROW("F3 0F 11 /r", "MOVSS", "Ud,Vd", REGFORM(merge_4_back), 0, FEATURE_SSE, "movss"),
    ROW("F2 0F 11 /r", "MOVSD", "Mq,Vq", MEMFORM(store_8), W, FEATURE_SSE2, "movss"),
    ROW("F2 0F 11 /r", "MOVSD", "Uq,Vq", REGFORM(merge_8_back), 0, FEATURE_SSE2, "movss"),
    ROW("NP 0F 12 /r", "MOVLPS", "Vq,Mq", MEMFORM(load_low), 0, FEATURE_SSE, "movhps"),
    ROW("NP 0F 12 /r", "MOVHLPS", "Vq,Uo", REGFORM(movhlps), 0, FEATURE_SSE, "movhlps"),
    ROW("66 0F 12 /r", "MOVLPD", "Vq,Mq", MEMFORM(load_low), 0, FEATURE_SSE2, "movhps"),
    ROW("F2 0F 12 /r", "MOVDDUP", "Vo,Wq", ANYFORM(movddup), W, FEATURE_SSE3, "movddup"),
    ROW("F3 0F 12 /r", "MOVSLDUP", "Vo,Wo", ANYFORM(movsldup), W, FEATURE_SSE3, "movshdup"),
    ROW("NP 0F 13 /r", "MOVLPS", "Mq,Vq", MEMFORM(store_8), W, FEATURE_SSE, "movhps"),
    ROW("66 0F 13 /r", "MOVLPD", "Mq,Vq", MEMFORM(store_8), W, FEATURE_SSE2, "movhps"),
    ROW("NP 0F 14 /r", "UNPCKLPS", "Vo,Wo", ANYFORM(unpcklps), 0, FEATURE_SSE, "unpckps"),
    ROW("66 0F 14 /r", "UNPCKLPD", "Vo,Wo", ANYFORM(unpcklpd), 0, FEATURE_SSE2, "unpckps"),
    ROW("NP 0F 15 /r", "UNPCKHPS", "Vo,Wo", ANYFORM(unpckhps), 0, FEATURE_SSE, "unpckps"),
    ROW("66 0F 15 /r", "UNPCKHPD", "Vo,Wo", ANYFORM(unpckhpd), 0, FEATURE_SSE2, "unpckps"),
    ROW("NP 0F 16 /r", "MOVHPS", "Vq,Mq", MEMFORM(load_high), 0, FEATURE_SSE, "movhps"),
    ROW("NP 0F 16 /r", "MOVLHPS", "Vo,Uq", REGFORM(movlhps), 0, FEATURE_SSE, "movhlps"),
    ROW("66 0F 16 /r", "MOVHPD", "Vq,Mq", MEMFORM(load_high), 0, FEATURE_SSE2, "movhps"),
    ROW("F3 0F 16 /r", "MOVSHDUP", "Vo,Wo", ANYFORM(movshdup), W, FEATURE_SSE3, "movshdup"),
    ROW("NP 0F 17 /r", "MOVHPS", "Mq,Vq", MEMFORM(store_high), W, FEATURE_SSE, "movhps"),
    ROW("66 0F 17 /r", "MOVHPD", "Mq,Vq", MEMFORM(store_high), W, FEATURE_SSE2, "movhps"),
    BOTH("28", "MOVA", "Vo,Wo", ANYFORM(load_aligned), W, "movaps"),
    BOTH("29", "MOVA", "Wo,Vo", ANYFORM(store_aligned), W, "movaps"),
    BOTH("2B", "MOVNT", "Mo,Vo", MEMFORM(store_aligned), W, "movntps"),
    ROW("NP 0F 50 /r", "MOVMSKPS", "Gd,Uo", REGFORM(movmskps), W, FEATURE_SSE, "movmskps"),
    ROW("66 0F 50 /r", "MOVMSKPD", "Gd,Uo", REGFORM(movmskpd), W, FEATURE_SSE2, "movmskps"),
    BOTH("54", "AND", "Vo,Wo", ANYFORM(andps), 0, "sse_logic"),
    BOTH("55", "ANDN", "Vo,Wo", ANYFORM(andnps), 0, "sse_logic"),
    BOTH("56", "OR", "Vo,Wo", ANYFORM(orps), 0, "sse_logic"),
    BOTH("57", "XOR", "Vo,Wo", ANYFORM(xorps), 0, "sse_logic"),
    ROW("NP 0F C6 /r", "SHUFPS", "Vo,Wo,Ib", ANYFORM(shufps), 0, FEATURE_SSE, "shufps"),
    ROW("66 0F C6 /r", "SHUFPD", "Vo,Wo,Ib", ANYFORM(shufpd), 0, FEATURE_SSE2, "shufps"),

    ROW("NP 0F 6E /r", "MOVD", "Pd,Ed", ANYFORM(movd_pe), W, FEATURE_MMX, "movd_to_mmx"),
    ROW("66 0F 6E /r", "MOVD", "Vd,Ed", ANYFORM(movd_ve), W, FEATURE_SSE2, "movd_to_xmm"),
    ROW("NP 0F 7E /r", "MOVD", "Ed,Pd", ANYFORM(movd_ep), W, FEATURE_MMX, "movd_from_mmx"),
    ROW("66 0F 7E /r", "MOVD", "Ed,Vd", ANYFORM(movd_ev), W, FEATURE_SSE2, "movd_from_xmm"),
    ROW("NP 0F 6F /r", "MOVQ", "Pq,Qq", ANYFORM(movq_pq), W, FEATURE_MMX, "movq_mmx"),
    ROW("NP 0F 7F /r", "MOVQ", "Qq,Pq", ANYFORM(movq_qp), W, FEATURE_MMX, "movq_mmx"),
    ROW("F3 0F 7E /r", "MOVQ", "Vq,Wq", ANYFORM(load_8), W, FEATURE_SSE2, "movq_xmm"),
    ROW("66 0F D6 /r", "MOVQ", "Wq,Vq", ANYFORM(store_8), W, FEATURE_SSE2, "movq_xmm"),
    ROW("66 0F 6F /r", "MOVDQA", "Vo,Wo", ANYFORM(load_aligned), W, FEATURE_SSE2, "movaps"),
    ROW("66 0F 7F /r", "MOVDQA", "Wo,Vo", ANYFORM(store_aligned), W, FEATURE_SSE2, "movaps"),
    ROW("F3 0F 6F /r", "MOVDQU", "Vo,Wo", ANYFORM(load_unaligned), W, FEATURE_SSE2, "movups"),
    ROW("F3 0F 7F /r", "MOVDQU", "Wo,Vo", ANYFORM(store_unaligned), W, FEATURE_SSE2, "movups"),
    ROW("F2 0F F0 /r", "LDDQU", "Vo,Mo", MEMFORM(load_unaligned), W, FEATURE_SSE3, "movups"),
    ROW("F2 0F D6 /r", "MOVDQ2Q", "Pq,Uq", REGFORM(movdq2q), W, FEATURE_SSE2, "movdq2q"),
    ROW("F3 0F D6 /r", "MOVQ2DQ", "Vq,Nq", REGFORM(movq2dq), W, FEATURE_SSE2, "movq2dq"),
    ROW("NP 0F E7 /r", "MOVNTQ", "Mq,Pq", MEMFORM(movq_qp), W, FEATURE_MMX_EXT, "movntq"),
    ROW("66 0F E7 /r", "MOVNTDQ", "Mo,Vo", MEMFORM(store_aligned), W, FEATURE_SSE2, "movntps"),
    ROW("NP 0F C3 /r", "MOVNTI", "Md,Gd", MEMFORM(movnti), W, FEATURE_SSE2, "movnti"),
    {"NP 0F F7 /r", "MASKMOVQ", "Pq,Nq", REGFORM(maskmovq), 0, 0, 0, A_DEST_READ, FEATURE_MMX_EXT,
     RM_EDI, 0, "maskmovq"},
    {"66 0F F7 /r", "MASKMOVDQU", "Vo,Uo", REGFORM(maskmovdqu), 0, 0, 0, A_DEST_READ, FEATURE_SSE2,
     RM_EDI, 0, "maskmovdqu"},
};

const struct row_family family_vector_move = {rows, ARRAY_COUNT(rows)};
