/* insn_control: near Jcc JMP CALL RET LOOP JCXZ, NOP and the hint NOPs but 0F 18, UD2. [SDM2]
 *
 * The target is checked against the limit of CS before anything changes; a 16-bit operand size
 * clears the upper half of EIP. */
#include "cpu/conditions.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

static ALWAYS_INLINE void jump_relative(struct cpu *c, const struct op *o, int w)
{
    branch_to(c, o->next_eip + o->imm, w);
}

static ALWAYS_INLINE void jmp_j(struct cpu *c, const struct op *o, int w)
{
    jump_relative(c, o, w);
}

static ALWAYS_INLINE void jmp_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    branch_to(c, e_read(c, o, w, mem), w);
}

/* The limit comes before the push: a call to nowhere leaves the stack alone. */
static ALWAYS_INLINE void call_to(struct cpu *c, const struct op *o, uint32_t target, int w)
{
    target &= width_mask(w);
    if (UNLIKELY(target > c->seg[CS].limit))
        cpu_raise_code(c, EXC_GP, 0);
    push(c, o->next_eip, w);
    branch_to(c, target, w);
}

static ALWAYS_INLINE void call_j(struct cpu *c, const struct op *o, int w)
{
    call_to(c, o, o->next_eip + o->imm, w);
}

static ALWAYS_INLINE void call_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    call_to(c, o, e_read(c, o, w, mem), w);
}

static ALWAYS_INLINE void return_to(struct cpu *c, uint32_t release, int w)
{
    branch_to(c, stack_top(c, w), w);
    stack_set(c, c->r[ESP] + (uint32_t)w + release);
}

static ALWAYS_INLINE void ret(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    return_to(c, 0, w);
}

static ALWAYS_INLINE void ret_i(struct cpu *c, const struct op *o, int w)
{
    return_to(c, o->imm & 0xFFFF, w);
}

BODIES_W(jmp_j)
BODIES_V(jmp_e)
BODIES_W(call_j)
BODIES_V(call_e)
BODIES_W(ret)
BODIES_W(ret_i)

#define JCC_BODIES(cc, digit, name, flags)                                                         \
    static ALWAYS_INLINE void jcc_##cc(struct cpu *c, const struct op *o, int w)                   \
    {                                                                                              \
        if (condition(c, cc))                                                                      \
            jump_relative(c, o, w);                                                                \
    }                                                                                              \
    BODIES_W(jcc_##cc)
CONDITIONS(JCC_BODIES)

/* --- LOOP, JCXZ: the address size chooses CX or ECX ------------------------------------------- */

static ALWAYS_INLINE void loop_if(struct cpu *c, const struct op *o, int w, bool also)
{
    uint32_t count = (c->r[ECX] - 1) & o->amask;
    if (count != 0 && also)
        jump_relative(c, o, w);
    c->r[ECX] = (c->r[ECX] & ~o->amask) | count;
}

static ALWAYS_INLINE void loop(struct cpu *c, const struct op *o, int w)
{
    loop_if(c, o, w, true);
}

static ALWAYS_INLINE void loope(struct cpu *c, const struct op *o, int w)
{
    loop_if(c, o, w, get_zf(c));
}

static ALWAYS_INLINE void loopne(struct cpu *c, const struct op *o, int w)
{
    loop_if(c, o, w, !get_zf(c));
}

static ALWAYS_INLINE void jcxz(struct cpu *c, const struct op *o, int w)
{
    if ((c->r[ECX] & o->amask) == 0)
        jump_relative(c, o, w);
}

BODIES_W(loop)
BODIES_W(loope)
BODIES_W(loopne)
BODIES_W(jcxz)

/* --- nothing, and never ----------------------------------------------------------------------- */

static void nop(struct cpu *c, const struct op *o)
{
    (void)c;
    (void)o;
}

static void undefined(struct cpu *c, const struct op *o)
{
    (void)o;
    cpu_raise(c, EXC_UD);
}

#define A_JCC (A_BRANCH | A_NEAR | A_COND | A_DEST_READ)
#define A_JUMP (A_BRANCH | A_NEAR | A_DEST_READ)

#define JCC_ROWS(cc, digit, name, flags)                                                           \
    {"7" digit, "J" name, "Jb", WFORM(jcc_##cc), flags, 0, 0, A_JCC, 0, 0, 0, "jcc"},              \
    {"0F 8" digit, "J" name, "Jz", WFORM(jcc_##cc), flags, 0, 0, A_JCC | A_PREFIX_FREE_0F, 0, 0,   \
     0, "jcc"},

#define HINT_NOP(opcode)                                                                           \
    {"0F " opcode " /r", "NOP", "Ev", ANYFORM(nop), 0, 0, 0, A_DEST_READ, FEATURE_HINT_NOP, 0, 0,  \
     "nop_hint"}

static const struct row rows[] = {
    CONDITIONS(JCC_ROWS)
    {"EB", "JMP", "Jb", WFORM(jmp_j), 0, 0, 0, A_JUMP, 0, 0, 0, "jmp_rel"},
    {"E9", "JMP", "Jz", WFORM(jmp_j), 0, 0, 0, A_JUMP, 0, 0, 0, "jmp_rel"},
    {"FF /4", "JMP", "Ev", VFORM(jmp_e), 0, 0, 0, A_JUMP, 0, 0, 0, "jmp_ind"},
    {"E8", "CALL", "Jz", WFORM(call_j), 0, 0, 0, A_JUMP, 0, RM_ESP, RM_ESP, "call_rel"},
    {"FF /2", "CALL", "Ev", VFORM(call_e), 0, 0, 0, A_JUMP, 0, RM_ESP, RM_ESP, "call_ind"},
    {"C3", "RET", "", WFORM(ret), 0, 0, 0, A_JUMP, 0, RM_ESP, RM_ESP, "ret"},
    {"C2", "RET", "Iw", WFORM(ret_i), 0, 0, 0, A_JUMP, 0, RM_ESP, RM_ESP, "ret_imm"},

    {"E0", "LOOPNE", "Jb", WFORM(loopne), F_ZF, 0, 0, A_JCC, 0, RM_ECX, RM_ECX, "loopcc"},
    {"E1", "LOOPE", "Jb", WFORM(loope), F_ZF, 0, 0, A_JCC, 0, RM_ECX, RM_ECX, "loopcc"},
    {"E2", "LOOP", "Jb", WFORM(loop), 0, 0, 0, A_JCC, 0, RM_ECX, RM_ECX, "loop"},
    {"E3", "JCXZ", "Jb", WFORM(jcxz), 0, 0, 0, A_JCC, 0, RM_ECX, 0, "jcxz"},

    {"90", "NOP", "", ANYFORM(nop), 0, 0, 0, 0, 0, 0, 0, "nop"},
    HINT_NOP("19"),
    HINT_NOP("1A"),
    HINT_NOP("1B"),
    HINT_NOP("1C"),
    HINT_NOP("1D"),
    HINT_NOP("1E"),
    HINT_NOP("1F"),
    {"0F 0B", "UD2", "", ANYFORM(undefined), 0, 0, 0, A_END, FEATURE_UD2, 0, 0, "ud"},
    {"0F B9 /r", "UD1", "Gv,Ev", ANYFORM(undefined), 0, 0, 0, A_END | A_DEST_READ, FEATURE_UD2, 0,
     0, "ud"},
};

const struct row_family family_control = {rows, ARRAY_COUNT(rows)};
