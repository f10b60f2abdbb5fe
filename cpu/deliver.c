/* deliver: interrupts and exceptions, through the IDT or the real-mode table. [SDM2 INT n],
 * [SDM3 6.10-6.15, 20.3] */
#include "cpu/debug.h"
#include "cpu/mem.h"
#include "cpu/transfer.h"

#include <string.h>

/* What is being delivered. */
struct delivery {
    unsigned vector;
    enum delivery_source source;
    bool has_code;
    uint32_t code;
    uint32_t return_eip;
};

static bool is_software(const struct delivery *e)
{
    return e->source == SOURCE_SOFTWARE || e->source == SOURCE_INT3 || e->source == SOURCE_INTO;
}

/* c->delivering of an event that is no exception: never part of a double fault. */
#define NO_EXCEPTION 256

/* EFLAGS as the frame holds it: RF is set by faults, and by an interrupt of a REP instruction that
 * has iterations left, so that its breakpoint does not hit again [SDM3 17.3.1.1]. */
static uint32_t flags_image(const struct cpu *c, const struct delivery *e)
{
    static const uint32_t faults = 1u << EXC_DE | 1u << EXC_BR | 1u << EXC_UD | 1u << EXC_NM |
                                   1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS | 1u << EXC_GP |
                                   1u << EXC_PF | 1u << EXC_MF | 1u << EXC_AC |
                                   1u << EXC_XM;
    bool fault = e->source == SOURCE_FAULT && faults >> e->vector & 1;
    bool repeating = !is_software(e) && c->rep_running;
    return cpu_get_flags(c) | (fault || repeating ? F_RF : 0);
}

/* --- real mode -------------------------------------------------------------------------------- */

/* Three words on the present stack and a far pointer from the table; also how VME redirects. */
static void through_table(struct cpu *c, const struct delivery *e, laddr_t table, uint32_t flags,
                          uint32_t cleared)
{
    struct frame f;
    uint32_t vector = system_read(c, table + e->vector * 4, 4);
    frame_open(c, &f, &c->seg[SS], c->r[ESP], c->cpl, 2, 3, 0);
    frame_push(c, &f, flags);
    frame_push(c, &f, c->seg[CS].selector);
    frame_push(c, &f, e->return_eip);
    c->r[ESP] = f.esp;
    segment_load_real(c, CS, (uint16_t)(vector >> 16));
    c->eip = vector & 0xFFFF;
    c->branched = true;
    cpu_set_flags(c, cpu_get_flags(c) & ~cleared);
}

static void in_real_mode(struct cpu *c, const struct delivery *e)
{
    if (e->vector * 4 + 3 > c->idt_limit)
        cpu_raise_code(c, EXC_GP, e->vector * 8 + 2);
    note(c, NOTE_INT_REAL, e->source);
    through_table(c, e, c->idt_base, cpu_get_flags(c), F_IF | F_TF | F_AC | F_RF);
}

bool deliver_is_redirected(struct cpu *c, unsigned vector)
{
    if (!(c->cr4 & CR4_VME))
        return false;
    if (!(c->tr.access & TYPE_32) || c->tr.limit < 103)
        cpu_raise_code(c, EXC_GP, 0);
    uint32_t byte = system_read(c, c->tr.base + 102, 2) - 32 + vector / 8;
    if (byte > c->tr.limit)
        cpu_raise_code(c, EXC_GP, 0);
    return !(system_read(c, c->tr.base + byte, 1) >> (vector & 7) & 1);
}

/* With IOPL 3 the program owns IF; below it owns VIF, and sees that as IF with IOPL 3. */
void deliver_redirected(struct cpu *c, unsigned vector)
{
    struct delivery e = {.vector = vector, .source = SOURCE_SOFTWARE, .return_eip = c->eip};
    uint32_t flags = cpu_get_flags(c), cleared = F_TF | F_IF;
    if ((flags & F_IOPL) != F_IOPL) {
        flags = (flags & ~(uint32_t)F_IF) | F_IOPL | (flags & F_VIF ? F_IF : 0);
        cleared = F_TF | F_VIF;
    }
    note(c, NOTE_INT_VME, SOURCE_SOFTWARE);
    through_table(c, &e, 0, flags, cleared);
    c->single_step_trap = false;
}

/* --- protected mode --------------------------------------------------------------------------- */

/* Reads and judges the gate of e. */
static void need_gate(struct cpu *c, const struct delivery *e, struct descriptor *gate)
{
    uint32_t code = e->vector * 8 + 2;
    if (e->vector * 8 + 7 > c->idt_limit)
        cpu_raise_code(c, EXC_GP, code);
    gate->la = c->idt_base + e->vector * 8;
    gate->lo = system_read(c, gate->la, 4);
    gate->hi = system_read(c, gate->la + 4, 4);
    switch (descriptor_type(gate)) {
    case TYPE_TASK_GATE: case TYPE_INT16: case TYPE_TRAP16: case TYPE_INT32: case TYPE_TRAP32:
        break;
    default:
        cpu_raise_code(c, EXC_GP, code);
    }
    if (is_software(e) && descriptor_dpl(gate) < c->cpl)
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(gate))
        cpu_raise_code(c, EXC_NP, code);
}

/* The handler's code segment; returns the level it runs at. */
static unsigned need_handler(struct cpu *c, const struct descriptor *gate, struct code_target *t)
{
    uint16_t selector = gate_selector(gate);
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, &t->descriptor, EXC_GP);
    unsigned dpl = descriptor_dpl(&t->descriptor);
    if (!descriptor_is_code(&t->descriptor) || dpl > c->cpl)
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(&t->descriptor))
        cpu_raise_code(c, EXC_NP, code);
    unsigned level = descriptor_is_conforming(&t->descriptor) ? c->cpl : dpl;
    if (c->eflags & F_VM && level != 0)
        cpu_raise_code(c, EXC_GP, code);
    t->offset = gate_offset(gate);
    t->selector = (uint16_t)((selector & ~3u) | level);
    return level;
}

/* The part of the frame that every gate has, and the new flags. */
static void enter_handler(struct cpu *c, const struct delivery *e, struct frame *f,
                          const struct descriptor *gate, const struct code_target *t,
                          unsigned level)
{
    bool interrupt_gate = !(descriptor_type(gate) & 1);
    frame_push(c, f, flags_image(c, e));
    frame_push(c, f, c->seg[CS].selector);
    frame_push(c, f, e->return_eip);
    if (e->has_code)
        frame_push(c, f, e->code);
    c->r[ESP] = f->esp;
    uint32_t cleared = F_TF | F_NT | F_RF | F_VM | (interrupt_gate ? F_IF : 0);
    cpu_set_flags(c, cpu_get_flags(c) & ~cleared);
    transfer_commit(c, t, level);
}

static void same_level(struct cpu *c, const struct delivery *e, const struct descriptor *gate,
                       struct code_target *t)
{
    struct frame f;
    unsigned count = 3 + e->has_code;
    transfer_check_offset(c, t);
    frame_open(c, &f, &c->seg[SS], c->r[ESP], c->cpl, gate_width(gate), count, 0);
    descriptor_mark_accessed(c, &t->descriptor);
    note(c, NOTE_INT_SAME, e->source);
    enter_handler(c, e, &f, gate, t, c->cpl);
}

/* Onto the stack that the TSS names; from V86 mode the data segments are saved and become null. */
static void inner_level(struct cpu *c, const struct delivery *e, const struct descriptor *gate,
                        struct code_target *t, unsigned level)
{
    static const uint8_t order[] = {GS, FS, DS, ES};
    bool v86 = c->eflags & F_VM;
    struct inner_stack s;
    struct frame f;
    transfer_inner_stack(c, level, &s);
    frame_open(c, &f, &s.ss, s.esp, level, gate_width(gate), 5 + e->has_code + (v86 ? 4 : 0),
               selector_code(s.ss.selector));
    transfer_check_offset(c, t);
    descriptor_mark_accessed(c, &s.descriptor);
    descriptor_mark_accessed(c, &t->descriptor);
    note(c, v86 ? NOTE_INT_V86 : NOTE_INT_INNER, e->source);
    for (unsigned i = 0; v86 && i < 4; i++) {
        frame_push(c, &f, c->seg[order[i]].selector);
        c->seg[order[i]] = (struct segment){0};
    }
    frame_push(c, &f, c->seg[SS].selector);
    frame_push(c, &f, c->r[ESP]);
    descriptor_to_segment(&s.descriptor, s.ss.selector, &c->seg[SS], false);
    enter_handler(c, e, &f, gate, t, level);
}

static void in_protected_mode(struct cpu *c, const struct delivery *e)
{
    struct descriptor gate;
    struct code_target t;
    need_gate(c, e, &gate);
    if (descriptor_type(&gate) == TYPE_TASK_GATE) {
        note(c, NOTE_INT_TASK, e->source);
        c->eip = e->return_eip; /* the old task's TSS holds what a frame would */
        c->eflags |= flags_image(c, e) & F_RF;
        task_switch(c, gate_selector(&gate), TASK_GATE, e->has_code, e->code);
        return;
    }
    unsigned level = need_handler(c, &gate, &t);
    if (level == c->cpl)
        same_level(c, e, &gate, &t);
    else
        inner_level(c, e, &gate, &t, level);
}

/* --- faults on the way ------------------------------------------------------------------------ */

/* One delivery; false if a fault stopped it, which c->fault_* then describes. */
static bool attempt(struct cpu *c, const struct delivery *e)
{
    if (c->on_delivery)
        c->on_delivery(c->observer, e->vector, e->source, e->has_code, e->code);
    if (setjmp(c->fault))
        return false;
    c->delivering = e->source == SOURCE_FAULT ? (int)e->vector : NO_EXCEPTION;
    if (c->cr0 & CR0_PE)
        in_protected_mode(c, e);
    else
        in_real_mode(c, e);
    c->delivering = -1;
    return true;
}

static bool is_contributory(unsigned vector)
{
    return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP);
}

/* What becomes of a fault raised while `first` was being delivered: itself, #DF, or shutdown
 * (returned as false). [SDM3 table 6-5] */
static bool combine(int first, struct delivery *e)
{
    if (first == EXC_DF && (is_contributory(e->vector) || e->vector == EXC_PF))
        return false;
    bool doubled = (first >= 0 && first < NO_EXCEPTION && is_contributory((unsigned)first) &&
                    is_contributory(e->vector)) ||
                   (first == EXC_PF && (is_contributory(e->vector) || e->vector == EXC_PF));
    if (doubled) {
        e->vector = EXC_DF;
        e->has_code = true;
        e->code = 0;
    }
    return true;
}

/* The fault that stopped `stopped`. Its error code says if the event came from outside the program
 * (EXT), unless it is #PF's; an INT instruction that faults is restarted. */
static struct delivery nested(const struct cpu *c, const struct delivery *stopped)
{
    bool ext = !is_software(stopped) && c->fault_vector >= EXC_TS && c->fault_vector <= EXC_GP;
    return (struct delivery){
        .vector = c->fault_vector,
        .source = SOURCE_FAULT,
        .has_code = c->fault_has_code,
        .code = c->fault_code | ext,
        .return_eip = is_software(stopped) ? c->op->eip : stopped->return_eip,
    };
}

static void finish(struct cpu *c, const struct delivery *e, unsigned old_cpl)
{
    c->shadow = c->rep_running = c->single_step_trap = false;
    if (e->source == SOURCE_NMI)
        c->nmi_blocked = true;
    if (e->vector == EXC_DB && !is_software(e))
        c->dr[7] &= ~(uint32_t)DR7_GD;
    c->delivered = (uint8_t)e->vector;
    transfer_account(c, old_cpl, PATH_VECTOR + e->vector);
}

void deliver(struct cpu *c, unsigned vector, enum delivery_source source, bool has_code,
             uint32_t code, uint32_t return_eip)
{
    struct delivery e = {vector, source, has_code, code, return_eip};
    jmp_buf outside;
    memcpy(&outside, &c->fault, sizeof outside);
    unsigned old_cpl = c->cpl;
    c->halted = false;
    if (source == SOURCE_FAULT && vector != EXC_DB)
        c->debug_hits = 0; /* the instruction did not complete: its traps are void */
    /* A fault in a task that a gate has just switched to arrives here while the event that took the
     * gate is still being delivered. */
    bool alive = combine(c->delivering, &e);
    while (alive && !attempt(c, &e)) {
        int first = c->delivering;
        e = nested(c, &e);
        alive = combine(first, &e);
    }
    memcpy(&c->fault, &outside, sizeof outside);
    c->delivering = -1;
    if (alive) {
        finish(c, &e, old_cpl);
    } else if (c->stop != STOP_SHUTDOWN) {
        c->stop = STOP_SHUTDOWN;
        c->stop_block = true;
    }
}
