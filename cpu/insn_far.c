/* insn_far: far JMP, CALL, RET; INT n, INT3, INTO, ICEBP, IRET; BOUND. [SDM2]
 *
 * Those that may enter another kernel path run alone, so that what came before them in a block is
 * charged where it belongs. */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"
#include "cpu/transfer.h"

static ALWAYS_INLINE void jmp_direct(struct cpu *c, const struct op *o, int w)
{
    far_jump(c, o->imm2, o->imm & width_mask(w));
}

static ALWAYS_INLINE void call_direct(struct cpu *c, const struct op *o, int w)
{
    far_call(c, o->imm2, o->imm & width_mask(w), (unsigned)w);
}

/* The selector follows the offset, at an address computed within the address size. */
static ALWAYS_INLINE uint16_t pointer_read(struct cpu *c, const struct op *o, int w, uint32_t *off)
{
    uint32_t ea = effective_address(c, o);
    *off = (uint32_t)mem_read(c, o->seg, ea, (unsigned)w);
    return (uint16_t)mem_read(c, o->seg, (ea + (uint32_t)w) & o->amask, 2);
}

static ALWAYS_INLINE void jmp_indirect(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)mem;
    uint32_t offset;
    uint16_t selector = pointer_read(c, o, w, &offset);
    far_jump(c, selector, offset);
}

static ALWAYS_INLINE void call_indirect(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)mem;
    uint32_t offset;
    uint16_t selector = pointer_read(c, o, w, &offset);
    far_call(c, selector, offset, (unsigned)w);
}

static ALWAYS_INLINE void retf(struct cpu *c, const struct op *o, int w)
{
    far_return(c, (unsigned)w, o->imm); /* no immediate: zero */
}

static ALWAYS_INLINE void iret(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    interrupt_return(c, (unsigned)w);
}

/* INT n in V86 mode: the TSS's bitmap first (CR4.VME), then IOPL [SDM3 table 20-2]. INT3, INTO and
 * ICEBP obey neither. */
static void int_n(struct cpu *c, const struct op *o)
{
    unsigned vector = o->imm & 0xFF;
    if (c->cr0 & CR0_PE && c->eflags & F_VM) {
        if (deliver_is_redirected(c, vector)) {
            deliver_redirected(c, vector);
            return;
        }
        if ((c->eflags & F_IOPL) != F_IOPL)
            cpu_raise_code(c, EXC_GP, 0);
    }
    deliver(c, vector, SOURCE_SOFTWARE, false, 0, c->eip);
}

static void int3(struct cpu *c, const struct op *o)
{
    (void)o;
    deliver(c, EXC_BP, SOURCE_INT3, false, 0, c->eip);
}

static void into(struct cpu *c, const struct op *o)
{
    (void)o;
    if (get_of(c))
        deliver(c, EXC_OF, SOURCE_INTO, false, 0, c->eip);
}

static void icebp(struct cpu *c, const struct op *o)
{
    (void)o;
    deliver(c, EXC_DB, SOURCE_ICEBP, false, 0, c->eip);
}

/* Signed bounds; out of range is a fault, with EIP at BOUND itself. */
static ALWAYS_INLINE void bound(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)mem;
    uint32_t ea = effective_address(c, o);
    int32_t low = (int32_t)sign_extend((uint32_t)mem_read(c, o->seg, ea, (unsigned)w), w);
    ea = (ea + (uint32_t)w) & o->amask;
    int32_t high = (int32_t)sign_extend((uint32_t)mem_read(c, o->seg, ea, (unsigned)w), w);
    int32_t index = (int32_t)sign_extend(g_read(c, o, w), w);
    if (index < low || index > high)
        cpu_raise(c, EXC_BR);
}

BODIES_W(jmp_direct)
BODIES_W(call_direct)
BODIES_M(jmp_indirect)
BODIES_M(call_indirect)
BODIES_W(retf)
BODIES_W(iret)
BODIES_M(bound)

#define F_GATE (F_IF | F_TF | F_NT)
#define TO_KERNEL (A_BRANCH | A_ALONE)

/* Columns: code, name, operands, bodies, flags read, written, undefined, attributes, feature,
 * implied uses and sets, timing class. */
static const struct row rows[] = {
    {"EA", "JMPF", "Ap", WFORM(jmp_direct), 0, 0, 0, TO_KERNEL, 0, 0, 0, "far_jmp"},
    {"FF /5", "JMPF", "Mp", VMEM(jmp_indirect), 0, 0, 0, TO_KERNEL | A_DEST_READ, 0, 0, 0,
     "far_jmp"},
    {"9A", "CALLF", "Ap", WFORM(call_direct), 0, 0, 0, TO_KERNEL, 0, RM_ESP, RM_ESP, "far_call"},
    {"FF /3", "CALLF", "Mp", VMEM(call_indirect), 0, 0, 0, TO_KERNEL | A_DEST_READ, 0, RM_ESP,
     RM_ESP, "far_call"},
    {"CA", "RETF", "Iw", WFORM(retf), 0, 0, 0, A_BRANCH, 0, RM_ESP, RM_ESP, "retf"},
    {"CB", "RETF", "", WFORM(retf), 0, 0, 0, A_BRANCH, 0, RM_ESP, RM_ESP, "retf"},
    {"CC", "INT3", "", ANYFORM(int3), F_GATE, F_GATE, 0, TO_KERNEL, 0, RM_ESP, RM_ESP, "int3"},
    {"CD", "INT", "Ib", ANYFORM(int_n), F_GATE, F_GATE, 0, TO_KERNEL, 0, RM_ESP, RM_ESP, "int"},
    {"CE", "INTO", "", ANYFORM(into), F_OF | F_GATE, F_GATE, 0, TO_KERNEL, 0, RM_ESP, RM_ESP,
     "into"},
    {"F1", "INT1", "", ANYFORM(icebp), F_GATE, F_GATE, 0, TO_KERNEL, 0, RM_ESP, RM_ESP, "int"},
    {"CF", "IRET", "", WFORM(iret), F_NT, F_ARITH | F_GATE | F_DF | F_IOPL, 0, A_BRANCH, 0, RM_ESP,
     RM_ESP, "iret"},
    {"62 /r", "BOUND", "Gv,Ma", VMEM(bound), 0, 0, 0, A_DEST_READ, 0, 0, 0, "bound"},
};

const struct row_family family_far = {rows, ARRAY_COUNT(rows)};
