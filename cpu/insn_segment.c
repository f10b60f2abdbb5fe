/* insn_segment: MOV to and from segment registers, PUSH and POP of them, LDS LES LFS LGS LSS.
 * [SDM2] */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

/* MOV E,S: memory takes two bytes whatever the operand size. The upper half of a 32-bit register is
 * undefined before the P6; it is cleared, as all later parts do. */
static ALWAYS_INLINE void mov_from_segment(struct cpu *c, const struct op *o, int w, bool mem)
{
    if (o->reg >= SEG_COUNT)
        cpu_raise(c, EXC_UD);
    e_write(c, o, c->seg[o->reg].selector, mem ? 2 : w, mem);
}

/* Neither CS nor a seventh register can be loaded. SS holds interrupts off for one instruction. */
static ALWAYS_INLINE void mov_to_segment(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    if (o->reg >= SEG_COUNT || o->reg == CS)
        cpu_raise(c, EXC_UD);
    segment_load(c, o->reg, (uint16_t)e_read(c, o, 2, mem));
    if (o->reg == SS)
        c->shadow = true;
}

static ALWAYS_INLINE void push_segment(struct cpu *c, unsigned seg, int w)
{
    push(c, c->seg[seg].selector, w);
}

/* ESP moves by the width of the old stack, once the load has succeeded. */
static ALWAYS_INLINE void pop_segment(struct cpu *c, unsigned seg, int w)
{
    uint16_t selector = (uint16_t)stack_top(c, w);
    bool big = stack_is_32(c);
    segment_load(c, seg, selector);
    reg_write(c, ESP, c->r[ESP] + (uint32_t)w, big ? 4 : 2);
    if (seg == SS)
        c->shadow = true;
}

/* The pointer is read whole before the segment, and the segment loaded before the register. */
static ALWAYS_INLINE void load_pointer(struct cpu *c, const struct op *o, unsigned seg, int w)
{
    uint32_t ea = effective_address(c, o);
    uint32_t offset = (uint32_t)mem_read(c, o->seg, ea, (unsigned)w);
    ea = (ea + (uint32_t)w) & o->amask;
    segment_load(c, seg, (uint16_t)mem_read(c, o->seg, ea, 2));
    g_write(c, o, offset, w);
}

#define PUSH(seg, n)                                                                           \
    static ALWAYS_INLINE void push_##n(struct cpu *c, const struct op *o, int w)                   \
    {                                                                                              \
        (void)o;                                                                                   \
        push_segment(c, seg, w);                                                                   \
    }                                                                                              \
    BODIES_W(push_##n)
#define POP(seg, n)                                                                                \
    static ALWAYS_INLINE void pop_##n(struct cpu *c, const struct op *o, int w)                    \
    {                                                                                              \
        (void)o;                                                                                   \
        pop_segment(c, seg, w);                                                                    \
    }                                                                                              \
    BODIES_W(pop_##n)
#define LOAD_POINTER(seg, n)                                                                       \
    static ALWAYS_INLINE void l_##n(struct cpu *c, const struct op *o, int w, bool mem)            \
    {                                                                                              \
        (void)mem;                                                                                 \
        load_pointer(c, o, seg, w);                                                                \
    }                                                                                              \
    BODIES_M(l_##n)

BODIES_V(mov_from_segment)
BODIES_V(mov_to_segment)
PUSH(ES, es)
PUSH(CS, cs)
PUSH(SS, ss)
PUSH(DS, ds)
PUSH(FS, fs)
PUSH(GS, gs)
POP(ES, es)
POP(SS, ss)
POP(DS, ds)
POP(FS, fs)
POP(GS, gs)
LOAD_POINTER(ES, es)
LOAD_POINTER(SS, ss)
LOAD_POINTER(DS, ds)
LOAD_POINTER(FS, fs)
LOAD_POINTER(GS, gs)

/* Columns: code, name, operands, bodies, flags read, written, undefined, attributes, feature,
 * implied uses and sets, timing class. */
#define PUSH_ROW(code, n, name)                                                                    \
    {code, "PUSH", name, WFORM(push_##n), 0, 0, 0, A_DEST_READ, 0, RM_ESP, RM_ESP, "push_sreg"}
#define POP_ROW(code, n, name, attributes)                                                         \
    {code, "POP", name, WFORM(pop_##n), 0, 0, 0, A_DEST_WRITE | (attributes), 0, RM_ESP, RM_ESP,   \
     "pop_sreg"}
#define LOAD_ROW(code, n, name)                                                                    \
    {code, name, "Gv,Mp", VMEM(l_##n), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "lds"}

static const struct row rows[] = {
    {"8C /r", "MOV", "Ew,Sw", VFORM(mov_from_segment), 0, 0, 0, A_DEST_WRITE, 0, 0, 0,
     "mov_from_sreg"},
    {"8E /r", "MOV", "Sw,Ew", VFORM(mov_to_segment), 0, 0, 0, A_DEST_WRITE | A_SHADOW, 0, 0, 0,
     "mov_sreg"},

    PUSH_ROW("06", es, "ES"),
    PUSH_ROW("0E", cs, "CS"),
    PUSH_ROW("16", ss, "SS"),
    PUSH_ROW("1E", ds, "DS"),
    PUSH_ROW("0F A0", fs, "FS"),
    PUSH_ROW("0F A8", gs, "GS"),

    POP_ROW("07", es, "ES", 0),
    POP_ROW("17", ss, "SS", A_SHADOW),
    POP_ROW("1F", ds, "DS", 0),
    POP_ROW("0F A1", fs, "FS", 0),
    POP_ROW("0F A9", gs, "GS", 0),

    LOAD_ROW("C4 /r", es, "LES"),
    LOAD_ROW("C5 /r", ds, "LDS"),
    LOAD_ROW("0F B2 /r", ss, "LSS"),
    LOAD_ROW("0F B4 /r", fs, "LFS"),
    LOAD_ROW("0F B5 /r", gs, "LGS"),
};

const struct row_family family_segment = {rows, ARRAY_COUNT(rows)};
