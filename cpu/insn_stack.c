/* insn_stack: PUSH POP, PUSHA POPA, ENTER LEAVE, PUSHF POPF. [SDM2]
 *
 * The stack segment's B bit, not the address size, says whether ESP or SP moves. ESP and EBP change
 * last, so that an instruction whose later push faults can be run again; the pushes it had made
 * stay below the stack pointer, as on the part. */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

static ALWAYS_INLINE void push_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    push(c, e_read(c, o, w, mem), w);
}

static ALWAYS_INLINE void push_i(struct cpu *c, const struct op *o, int w) { push(c, o->imm, w); }

/* POP ESP: the increment comes first and the popped value replaces it. */
static ALWAYS_INLINE void pop_z(struct cpu *c, const struct op *o, int w)
{
    reg_write(c, o->rm, pop(c, w), w);
}

/* An address that uses ESP is computed after the increment, which happens if nothing faults. */
static ALWAYS_INLINE void pop_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    if (!mem) {
        pop_z(c, o, w);
        return;
    }
    uint32_t v = stack_top(c, w), before = c->r[ESP];
    stack_set(c, before + (uint32_t)w);
    uint32_t after = c->r[ESP], address = effective_address(c, o);
    c->r[ESP] = before;
    mem_write(c, o->seg, address, (unsigned)w, v);
    c->r[ESP] = after;
}

static ALWAYS_INLINE void pusha(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    uint32_t esp = c->r[ESP];
    for (unsigned i = EAX; i <= EDI; i++) {
        esp -= (uint32_t)w;
        mem_write(c, SS, esp & stack_mask(c), (unsigned)w, reg_read(c, i, w));
    }
    stack_set(c, esp);
}

/* The saved ESP is skipped. */
static ALWAYS_INLINE void popa(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    uint32_t v[8], esp = c->r[ESP];
    for (unsigned i = 0; i < 8; i++, esp += (uint32_t)w)
        v[EDI - i] = EDI - i == ESP
                         ? 0
                         : (uint32_t)mem_read(c, SS, esp & stack_mask(c), (unsigned)w);
    for (unsigned i = EAX; i <= EDI; i++)
        if (i != ESP)
            reg_write(c, i, v[i], w);
    stack_set(c, esp);
}

/* --- ENTER, LEAVE ----------------------------------------------------------------------------- */

/* The display: the frame pointers of the enclosing levels, copied from the caller's frame, and then
 * this frame's own. Returns the stack pointer below it. */
static ALWAYS_INLINE uint32_t enter_display(struct cpu *c, uint32_t esp, uint32_t frame,
                                            unsigned level, int w)
{
    uint32_t mask = stack_mask(c), ebp = c->r[EBP];
    for (unsigned i = 1; i < level; i++) {
        ebp -= (uint32_t)w;
        esp -= (uint32_t)w;
        uint32_t v = (uint32_t)mem_read(c, SS, ebp & mask, (unsigned)w);
        mem_write(c, SS, esp & mask, (unsigned)w, v);
    }
    esp -= (uint32_t)w;
    mem_write(c, SS, esp & mask, (unsigned)w, frame);
    return esp;
}

/* Finally the new top of the stack is tested for writing, without a write [SDM2 ENTER]. */
static ALWAYS_INLINE void enter_probe(struct cpu *c, uint32_t esp, int w)
{
    mem_probe_write(c, segment_linear(c, SS, esp & stack_mask(c), (unsigned)w, true), (unsigned)w);
}

static ALWAYS_INLINE void enter(struct cpu *c, const struct op *o, int w)
{
    unsigned level = o->imm2 & 31;
    note(c, NOTE_COUNT, level);
    uint32_t esp = c->r[ESP] - (uint32_t)w;
    mem_write(c, SS, esp & stack_mask(c), (unsigned)w, reg_read(c, EBP, w));
    /* What EBP becomes: ESP with the bits that the stack's size leaves out of its arithmetic. */
    uint32_t frame = (esp & stack_mask(c)) | (c->r[ESP] & ~stack_mask(c));
    if (level)
        esp = enter_display(c, esp, frame, level, w);
    esp -= o->imm & 0xFFFF;
    enter_probe(c, esp, w);
    reg_write(c, EBP, frame, w);
    stack_set(c, esp);
}

static ALWAYS_INLINE void leave(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    uint32_t v = (uint32_t)mem_read(c, SS, c->r[EBP] & stack_mask(c), (unsigned)w);
    stack_set(c, c->r[EBP] + (uint32_t)w);
    reg_write(c, EBP, v, w);
}

/* --- PUSHF, POPF ------------------------------------------------------------------------------ */

static bool v86(const struct cpu *c) { return c->eflags & F_VM; }
static unsigned iopl(const struct cpu *c) { return c->eflags >> 12 & 3; }

/* In virtual-8086 mode with IOPL below 3 only the 16-bit forms work, and only with CR4.VME: there
 * the program's IF is VIF. */
static bool flags_virtual(struct cpu *c, int w)
{
    if (!v86(c) || iopl(c) == 3)
        return false;
    if (w == 4 || !(c->cr4 & CR4_VME))
        cpu_raise_code(c, EXC_GP, 0);
    return true;
}

static ALWAYS_INLINE void pushf(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    bool virtual = flags_virtual(c, w);
    uint32_t flags = cpu_get_flags(c) & ~(uint32_t)(F_VM | F_RF);
    if (virtual)
        flags = (flags & ~(uint32_t)F_IF) | F_IOPL | (c->eflags & F_VIF ? F_IF : 0);
    push(c, flags, w);
}

/* The flags POPF may change; the others keep their values. */
static uint32_t popf_mask(const struct cpu *c, int w)
{
    uint32_t mask = F_ARITH | F_TF | F_DF | F_NT;
    if (w == 4)
        mask |= F_AC | F_ID;
    if (v86(c))
        return iopl(c) == 3 ? mask | F_IF : mask;
    if (c->cpl == 0)
        mask |= F_IOPL;
    if (c->cpl <= iopl(c))
        mask |= F_IF;
    return mask;
}

static ALWAYS_INLINE void popf(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    bool virtual = flags_virtual(c, w);
    uint32_t new = stack_top(c, w);
    uint32_t mask = popf_mask(c, w);
    if (virtual) {
        /* Enabling virtual interrupts while one is pending, or single steps: to the monitor. */
        if ((new & F_TF) || ((new & F_IF) && (c->eflags & F_VIP)))
            cpu_raise_code(c, EXC_GP, 0);
        mask |= F_VIF;
        new = (new & ~(uint32_t)F_VIF) | (new & F_IF ? F_VIF : 0);
    }
    uint32_t old = cpu_get_flags(c);
    stack_set(c, c->r[ESP] + (uint32_t)w);
    cpu_set_flags(c, (old & ~mask) | (new & mask));
}

BODIES_V(push_e)
BODIES_W(push_i)
BODIES_W(pop_z)
BODIES_V(pop_e)
BODIES_W(pusha)
BODIES_W(popa)
BODIES_W(enter)
BODIES_W(leave)
BODIES_W(pushf)
BODIES_W(popf)

#define F_ALL16 (F_ARITH | F_TF | F_IF | F_DF | F_IOPL | F_NT)
#define RM_FRAME (RM_ESP | RM_EBP)

static const struct row rows[] = {
    {"50+r", "PUSH", "Zv", VFORM(push_e), 0, 0, 0, A_DEST_READ, 0, RM_ESP, RM_ESP, "push_reg"},
    {"68", "PUSH", "Iz", WFORM(push_i), 0, 0, 0, A_DEST_READ, 0, RM_ESP, RM_ESP, "push_imm"},
    {"6A", "PUSH", "Is", WFORM(push_i), 0, 0, 0, A_DEST_READ, 0, RM_ESP, RM_ESP, "push_imm"},
    {"FF /6", "PUSH", "Ev", VFORM(push_e), 0, 0, 0, A_DEST_READ, 0, RM_ESP, RM_ESP, "push_mem"},
    {"58+r", "POP", "Zv", WFORM(pop_z), 0, 0, 0, A_DEST_WRITE, 0, RM_ESP, RM_ESP, "pop_reg"},
    {"8F /0", "POP", "Ev", VFORM(pop_e), 0, 0, 0, A_DEST_WRITE, 0, RM_ESP, RM_ESP, "pop_mem"},
    {"60", "PUSHA", "", WFORM(pusha), 0, 0, 0, 0, 0, RM_ALL, RM_ESP, "pusha"},
    {"61", "POPA", "", WFORM(popa), 0, 0, 0, 0, 0, RM_ESP, RM_ALL, "popa"},
    {"C8", "ENTER", "Iw,Ib", WFORM(enter), 0, 0, 0, A_DEST_READ, 0, RM_FRAME, RM_FRAME, "enter"},
    {"C9", "LEAVE", "", WFORM(leave), 0, 0, 0, 0, 0, RM_EBP, RM_FRAME, "leave"},
    {"9C", "PUSHF", "", WFORM(pushf), F_ALL16, 0, 0, 0, 0, RM_ESP, RM_ESP, "pushf"},
    {"9D", "POPF", "", WFORM(popf), 0, F_ALL16, 0, A_END, 0, RM_ESP, RM_ESP, "popf"},
};

const struct row_family family_stack = {rows, ARRAY_COUNT(rows)};
