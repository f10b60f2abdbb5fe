/* insn_move: MOV, XCHG, LEA, MOVZX MOVSX, XLAT, CMPXCHG CMPXCHG8B, XADD, CBW CWDE CWD CDQ. [SDM2]
 *
 * XCHG with memory locks the bus without the prefix. LOCK CMPXCHG8B with a register operand raises
 * #UD as documented; the early steppings' hang on it (the F00F erratum) is not modelled. */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

static ALWAYS_INLINE void mov_eg(struct cpu *c, const struct op *o, int w, bool mem)
{
    e_write(c, o, g_read(c, o, w), w, mem);
}

static ALWAYS_INLINE void mov_ge(struct cpu *c, const struct op *o, int w, bool mem)
{
    g_write(c, o, e_read(c, o, w, mem), w);
}

static ALWAYS_INLINE void mov_ei(struct cpu *c, const struct op *o, int w, bool mem)
{
    e_write(c, o, o->imm, w, mem);
}

/* The accumulator from and to a plain offset. */
static ALWAYS_INLINE void mov_ao(struct cpu *c, const struct op *o, int w, bool mem)
{
    reg_write(c, EAX, e_read(c, o, w, mem), w);
}

static ALWAYS_INLINE void mov_oa(struct cpu *c, const struct op *o, int w, bool mem)
{
    e_write(c, o, reg_read(c, EAX, w), w, mem);
}

/* The first half of a read-modify-write that is locked whether or not it has the prefix. */
static ALWAYS_INLINE uint32_t e_modify_locked(struct cpu *c, const struct op *o, int w, bool mem)
{
    if (!mem)
        return reg_read(c, o->rm, w);
    c->mmu->locked = true;
    laddr_t la = segment_linear(c, o->seg, effective_address(c, o), (unsigned)w, true);
    return (uint32_t)mem_rmw_slow(c, la, (unsigned)w);
}

static ALWAYS_INLINE void xchg_eg(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t e = e_modify_locked(c, o, w, mem), g = g_read(c, o, w);
    g_write(c, o, e, w);
    e_update(c, o, g, w, mem);
}

static ALWAYS_INLINE void xchg_za(struct cpu *c, const struct op *o, int w)
{
    uint32_t z = reg_read(c, o->rm, w);
    reg_write(c, o->rm, reg_read(c, EAX, w), w);
    reg_write(c, EAX, z, w);
}

static ALWAYS_INLINE void lea(struct cpu *c, const struct op *o, int w)
{
    g_write(c, o, effective_address(c, o), w);
}

static ALWAYS_INLINE void movzx_b(struct cpu *c, const struct op *o, int w, bool mem)
{
    g_write(c, o, e_read(c, o, 1, mem), w);
}

static ALWAYS_INLINE void movzx_w(struct cpu *c, const struct op *o, int w, bool mem)
{
    g_write(c, o, e_read(c, o, 2, mem), w);
}

static ALWAYS_INLINE void movsx_b(struct cpu *c, const struct op *o, int w, bool mem)
{
    g_write(c, o, sign_extend(e_read(c, o, 1, mem), 1), w);
}

static ALWAYS_INLINE void movsx_w(struct cpu *c, const struct op *o, int w, bool mem)
{
    g_write(c, o, sign_extend(e_read(c, o, 2, mem), 2), w);
}

static void xlat(struct cpu *c, const struct op *o)
{
    uint32_t off = (c->r[EBX] + reg_read(c, EAX, 1)) & o->amask;
    reg_write(c, EAX, (uint32_t)mem_read(c, o->seg, off, 1), 1);
}

/* The destination is written in both cases: the bus cycle is always a read and a write. */
static ALWAYS_INLINE void cmpxchg(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t e = e_modify(c, o, w, mem), a = reg_read(c, EAX, w), g = g_read(c, o, w);
    flags_sub(c, a, e, a - e, w);
    if (!get_zf(c))
        reg_write(c, EAX, e, w);
    e_update(c, o, get_zf(c) ? g : e, w, mem);
}

static void cmpxchg8b(struct cpu *c, const struct op *o)
{
    laddr_t la = segment_linear(c, o->seg, effective_address(c, o), 8, true);
    uint64_t m = mem_rmw_slow(c, la, 8);
    bool equal = m == ((uint64_t)c->r[EDX] << 32 | c->r[EAX]);
    set_zf(c, equal);
    mmu_rmw_commit(c->mmu, 8, equal ? (uint64_t)c->r[ECX] << 32 | c->r[EBX] : m);
    if (!equal) {
        c->r[EAX] = (uint32_t)m;
        c->r[EDX] = (uint32_t)(m >> 32);
    }
}

/* The source takes the old value first, so that XADD of a register with itself doubles it. */
static ALWAYS_INLINE void xadd(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t e = e_modify(c, o, w, mem), g = g_read(c, o, w), r = e + g;
    flags_add(c, e, g, r, w);
    g_write(c, o, e, w);
    e_update(c, o, r, w, mem);
}

/* CBW, CWDE. */
static ALWAYS_INLINE void cbw(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    reg_write(c, EAX, sign_extend(c->r[EAX], w / 2), w);
}

/* CWD, CDQ. */
static ALWAYS_INLINE void cwd(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    reg_write(c, EDX, sign_extend(c->r[EAX], w) >> 31 ? 0xFFFFFFFFu : 0, w);
}

BODIES(mov_eg)
BODIES(mov_ge)
BODIES(mov_ei)
BODIES(mov_ao)
BODIES(mov_oa)
BODIES(xchg_eg)
BODIES_W(xchg_za)
BODIES_W(lea)
BODIES_V(movzx_b)
BODIES_V(movzx_w)
BODIES_V(movsx_b)
BODIES_V(movsx_w)
BODIES(cmpxchg)
BODIES(xadd)
BODIES_W(cbw)
BODIES_W(cwd)

#define RM_8B (RM_EAX | RM_EDX)

#define XCHG_ACCUMULATOR(opcode)                                                                   \
    {opcode, "XCHG", "Zv,eAX", WFORM(xchg_za), 0, 0, 0, A_SECOND_WRITE, 0, 0, 0, "xchg_acc"}

static const struct row rows[] = {
    {"88 /r", "MOV", "Eb,Gb", BFORM(mov_eg), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"89 /r", "MOV", "Ev,Gv", VFORM(mov_eg), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"8A /r", "MOV", "Gb,Eb", BFORM(mov_ge), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"8B /r", "MOV", "Gv,Ev", VFORM(mov_ge), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"A0", "MOV", "AL,Ob", BFORM(mov_ao), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"A1", "MOV", "eAX,Ov", VFORM(mov_ao), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"A2", "MOV", "Ob,AL", BFORM(mov_oa), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"A3", "MOV", "Ov,eAX", VFORM(mov_oa), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"B0+r", "MOV", "Zb,Ib", BFORM(mov_ei), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"B8+r", "MOV", "Zv,Iz", VFORM(mov_ei), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"C6 /0", "MOV", "Eb,Ib", BFORM(mov_ei), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},
    {"C7 /0", "MOV", "Ev,Iz", VFORM(mov_ei), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "mov"},

    {"86 /r", "XCHG", "Eb,Gb", BFORM(xchg_eg), 0, 0, 0, A_LOCK | A_SECOND_WRITE, 0, 0, 0, "xchg"},
    {"87 /r", "XCHG", "Ev,Gv", VFORM(xchg_eg), 0, 0, 0, A_LOCK | A_SECOND_WRITE, 0, 0, 0, "xchg"},
    XCHG_ACCUMULATOR("91"), /* 90 is NOP: see insn_control.c */
    XCHG_ACCUMULATOR("92"),
    XCHG_ACCUMULATOR("93"),
    XCHG_ACCUMULATOR("94"),
    XCHG_ACCUMULATOR("95"),
    XCHG_ACCUMULATOR("96"),
    XCHG_ACCUMULATOR("97"),

    {"8D /r", "LEA", "Gv,Mv", {NULL, lea_w, NULL, lea_d}, 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "lea"},
    {"0F B6 /r", "MOVZX", "Gv,Eb", VFORM(movzx_b), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "movzx"},
    {"0F B7 /r", "MOVZX", "Gv,Ew", VFORM(movzx_w), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "movzx"},
    {"0F BE /r", "MOVSX", "Gv,Eb", VFORM(movsx_b), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "movzx"},
    {"0F BF /r", "MOVSX", "Gv,Ew", VFORM(movsx_w), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "movzx"},
    {"D7", "XLAT", "", ANYFORM(xlat), 0, 0, 0, 0, 0, RM_EAX | RM_EBX, RM_EAX, "xlat"},

    {"0F B0 /r", "CMPXCHG", "Eb,Gb", BFORM(cmpxchg), 0, F_ARITH, 0, A_LOCK, 0, RM_EAX, RM_EAX,
     "cmpxchg"},
    {"0F B1 /r", "CMPXCHG", "Ev,Gv", VFORM(cmpxchg), 0, F_ARITH, 0, A_LOCK, 0, RM_EAX, RM_EAX,
     "cmpxchg"},
    {"0F C7 /1", "CMPXCHG8B", "Mq", MEMFORM(cmpxchg8b), 0, F_ZF, 0, A_LOCK, 0,
     RM_8B | RM_ECX | RM_EBX, RM_8B, "cmpxchg8b"},
    {"0F C0 /r", "XADD", "Eb,Gb", BFORM(xadd), 0, F_ARITH, 0, A_LOCK | A_SECOND_WRITE, 0, 0, 0,
     "xadd"},
    {"0F C1 /r", "XADD", "Ev,Gv", VFORM(xadd), 0, F_ARITH, 0, A_LOCK | A_SECOND_WRITE, 0, 0, 0,
     "xadd"},

    {"98", "CBW", "", WFORM(cbw), 0, 0, 0, 0, 0, RM_EAX, RM_EAX, "cbw"},
    {"99", "CWD", "", WFORM(cwd), 0, 0, 0, 0, 0, RM_EAX, RM_EDX, "cwd"},
};

const struct row_family family_move = {rows, ARRAY_COUNT(rows)};
