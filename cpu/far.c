/* far: JMP, CALL, RET to another segment, gate or task, and IRET. [SDM2 JMP, CALL, RET, IRET] */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/transfer.h"

/* --- real and V86 mode ------------------------------------------------------------------------ */

static void real_commit(struct cpu *c, uint16_t selector, uint32_t offset)
{
    segment_load_real(c, CS, selector);
    c->eip = offset;
    c->branched = true;
}

static void real_check(struct cpu *c, uint32_t offset)
{
    if (offset > c->seg[CS].limit)
        cpu_raise_code(c, EXC_GP, 0);
}

/* --- judging the target ----------------------------------------------------------------------- */

/* A code segment named directly by JMP or CALL: the privilege level stays. */
static void judge_direct(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    unsigned dpl = descriptor_dpl(d);
    uint32_t code = selector_code(selector);
    if (descriptor_is_conforming(d) ? dpl > c->cpl : dpl != c->cpl || (selector & 3u) > c->cpl)
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, code);
}

/* Gates and TSSs: DPL at least CPL and RPL, present. */
static void judge_system(struct cpu *c, uint16_t selector, const struct descriptor *d)
{
    unsigned dpl = descriptor_dpl(d);
    if (dpl < c->cpl || dpl < (selector & 3u))
        cpu_raise_code(c, EXC_GP, selector_code(selector));
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, selector_code(selector));
}

/* The code segment behind a call gate. */
static void judge_gate_target(struct cpu *c, const struct descriptor *gate, struct code_target *t)
{
    uint16_t selector = gate_selector(gate);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, &t->descriptor, EXC_GP);
    if (!descriptor_is_code(&t->descriptor) || descriptor_dpl(&t->descriptor) > c->cpl)
        cpu_raise_code(c, EXC_GP, selector_code(selector));
    t->selector = selector;
    t->offset = gate_offset(gate);
}

static void need_present(struct cpu *c, const struct code_target *t)
{
    if (!descriptor_present(&t->descriptor))
        cpu_raise_code(c, EXC_NP, selector_code(t->selector));
}

static void switch_task(struct cpu *c, uint16_t tss, enum task_switch_kind kind)
{
    unsigned old_cpl = c->cpl;
    task_switch(c, tss, kind, false, 0);
    transfer_account(c, old_cpl, PATH_CALL_GATE);
}

/* A descriptor that is neither code nor call gate: task gate, TSS, or nothing one can go to. */
static void to_task(struct cpu *c, uint16_t selector, const struct descriptor *d,
                    enum task_switch_kind kind)
{
    switch (descriptor_type(d)) {
    case TYPE_TASK_GATE:
        judge_system(c, selector, d);
        note(c, NOTE_FAR_TASK_GATE, 0);
        switch_task(c, gate_selector(d), kind);
        return;
    case TYPE_TSS16:
    case TYPE_TSS32:
        judge_system(c, selector, d);
        note(c, NOTE_FAR_TSS, 0);
        switch_task(c, selector, kind);
        return;
    default:
        cpu_raise_code(c, EXC_GP, selector_code(selector));
    }
}

static bool is_call_gate(const struct descriptor *d)
{
    return (descriptor_type(d) & ~(unsigned)TYPE_32) == TYPE_CALL16;
}

/* --- JMP -------------------------------------------------------------------------------------- */

/* Through a call gate JMP may not change the privilege level. */
static void jump_gate(struct cpu *c, const struct descriptor *gate)
{
    struct code_target t;
    judge_gate_target(c, gate, &t);
    if (!descriptor_is_conforming(&t.descriptor) && descriptor_dpl(&t.descriptor) != c->cpl)
        cpu_raise_code(c, EXC_GP, selector_code(t.selector));
    need_present(c, &t);
    transfer_check_offset(c, &t);
    descriptor_mark_accessed(c, &t.descriptor);
    t.selector = (uint16_t)((t.selector & ~3u) | c->cpl);
    note(c, NOTE_FAR_GATE_SAME, 0);
    transfer_commit(c, &t, c->cpl);
}

void far_jump(struct cpu *c, uint16_t selector, uint32_t offset)
{
    if (!c->protected_mode) {
        real_check(c, offset);
        note(c, NOTE_FAR_REAL, 0);
        real_commit(c, selector, offset);
        return;
    }
    struct code_target t = {.offset = offset};
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, &t.descriptor, EXC_GP);
    if (is_call_gate(&t.descriptor)) {
        judge_system(c, selector, &t.descriptor);
        jump_gate(c, &t.descriptor);
    } else if (!descriptor_is_code(&t.descriptor)) {
        to_task(c, selector, &t.descriptor, TASK_JMP);
    } else {
        judge_direct(c, selector, &t.descriptor);
        transfer_check_offset(c, &t);
        descriptor_mark_accessed(c, &t.descriptor);
        t.selector = (uint16_t)((selector & ~3u) | c->cpl);
        note(c, NOTE_FAR_SAME, 0);
        transfer_commit(c, &t, c->cpl);
    }
}

/* --- CALL ------------------------------------------------------------------------------------- */

static void call_same(struct cpu *c, struct code_target *t, unsigned width, enum note n)
{
    struct frame f;
    need_present(c, t);
    transfer_check_offset(c, t);
    frame_open(c, &f, &c->seg[SS], c->r[ESP], c->cpl, width, 2, 0);
    descriptor_mark_accessed(c, &t->descriptor);
    frame_push(c, &f, c->seg[CS].selector);
    frame_push(c, &f, c->eip);
    c->r[ESP] = f.esp;
    t->selector = (uint16_t)((t->selector & ~3u) | c->cpl);
    note(c, n, 0);
    transfer_commit(c, t, c->cpl);
}

/* To an inner level: the old SS:ESP, the parameters and the return address go to the stack that the
 * TSS names [SDM3 5.8.5]. */
static void call_inner(struct cpu *c, struct code_target *t, unsigned width, unsigned count)
{
    unsigned level = descriptor_dpl(&t->descriptor), old_cpl = c->cpl;
    uint32_t parameters[31];
    struct inner_stack s;
    struct frame f;
    need_present(c, t);
    transfer_inner_stack(c, level, &s);
    transfer_check_offset(c, t);
    for (unsigned i = 0; i < count; i++)
        parameters[i] = transfer_peek(c, i * width, width);
    frame_open(c, &f, &s.ss, s.esp, level, width, 4 + count, selector_code(s.ss.selector));
    descriptor_mark_accessed(c, &s.descriptor);
    descriptor_mark_accessed(c, &t->descriptor);
    frame_push(c, &f, c->seg[SS].selector);
    frame_push(c, &f, c->r[ESP]);
    for (unsigned i = count; i-- > 0;)
        frame_push(c, &f, parameters[i]);
    frame_push(c, &f, c->seg[CS].selector);
    frame_push(c, &f, c->eip);
    descriptor_to_segment(&s.descriptor, s.ss.selector, &c->seg[SS], false);
    c->r[ESP] = f.esp;
    t->selector = (uint16_t)((t->selector & ~3u) | level);
    note(c, NOTE_FAR_GATE_INNER, count);
    transfer_commit(c, t, level);
    transfer_account(c, old_cpl, PATH_CALL_GATE);
}

static void call_gate(struct cpu *c, const struct descriptor *gate)
{
    struct code_target t;
    judge_gate_target(c, gate, &t);
    if (descriptor_is_conforming(&t.descriptor) || descriptor_dpl(&t.descriptor) == c->cpl)
        call_same(c, &t, gate_width(gate), NOTE_FAR_GATE_SAME);
    else
        call_inner(c, &t, gate_width(gate), gate->hi & 31);
}

static void call_real(struct cpu *c, uint16_t selector, uint32_t offset, unsigned width)
{
    struct frame f;
    real_check(c, offset);
    frame_open(c, &f, &c->seg[SS], c->r[ESP], c->cpl, width, 2, 0);
    frame_push(c, &f, c->seg[CS].selector);
    frame_push(c, &f, c->eip);
    c->r[ESP] = f.esp;
    note(c, NOTE_FAR_REAL, 0);
    real_commit(c, selector, offset);
}

void far_call(struct cpu *c, uint16_t selector, uint32_t offset, unsigned width)
{
    if (!c->protected_mode) {
        call_real(c, selector, offset, width);
        return;
    }
    struct code_target t = {.selector = selector, .offset = offset};
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, &t.descriptor, EXC_GP);
    if (is_call_gate(&t.descriptor)) {
        judge_system(c, selector, &t.descriptor);
        call_gate(c, &t.descriptor);
    } else if (!descriptor_is_code(&t.descriptor)) {
        to_task(c, selector, &t.descriptor, TASK_CALL);
    } else {
        judge_direct(c, selector, &t.descriptor);
        call_same(c, &t, width, NOTE_FAR_SAME);
    }
}

/* --- RET and IRET ----------------------------------------------------------------------------- */

/* Loads CS:EIP and, at an outer level, SS:ESP from offset stack_at of the present stack; release is
 * added to ESP. Everything is judged before anything changes. A stack segment that is not present
 * is #SS for RET and #NP for IRET: `missing`. Returns whether the level changed. */
static bool return_to(struct cpu *c, struct code_target *t, unsigned width, uint32_t stack_at,
                      uint32_t release, unsigned missing)
{
    unsigned rpl = t->selector & 3;
    struct descriptor stack;
    transfer_need_code_for_return(c, t->selector, &t->descriptor);
    if (rpl == c->cpl) {
        transfer_check_offset(c, t);
        descriptor_mark_accessed(c, &t->descriptor);
        stack_set(c, c->r[ESP] + stack_at + release);
        transfer_commit(c, t, rpl);
        return false;
    }
    uint32_t esp = transfer_peek(c, stack_at + release, width);
    uint16_t ss = (uint16_t)transfer_peek(c, stack_at + release + width, width);
    transfer_need_outer_stack(c, ss, rpl, missing, &stack);
    transfer_check_offset(c, t);
    descriptor_mark_accessed(c, &t->descriptor);
    descriptor_mark_accessed(c, &stack);
    descriptor_to_segment(&stack, ss, &c->seg[SS], false);
    stack_set(c, esp + release); /* a 16-bit stack keeps the upper half of ESP, as the parts do */
    unsigned old_cpl = c->cpl;
    transfer_commit(c, t, rpl);
    transfer_drop_segments(c);
    transfer_account(c, old_cpl, PATH_CALL_GATE);
    return true;
}

void far_return(struct cpu *c, unsigned width, uint32_t release)
{
    uint32_t offset = transfer_peek(c, 0, width);
    uint16_t selector = (uint16_t)transfer_peek(c, width, width);
    if (!c->protected_mode) {
        real_check(c, offset);
        note(c, NOTE_FAR_REAL, 0);
        stack_set(c, c->r[ESP] + 2 * width + release);
        real_commit(c, selector, offset);
        return;
    }
    struct code_target t = {.selector = selector, .offset = offset};
    bool outer = return_to(c, &t, width, 2 * width, release, EXC_SS);
    note(c, outer ? NOTE_RET_OUTER : NOTE_FAR_SAME, 0);
}

static void set_flags_masked(struct cpu *c, uint32_t flags, uint32_t mask)
{
    cpu_set_flags(c, (cpu_get_flags(c) & ~mask) | (flags & mask));
}

/* Real mode, and V86 mode with IOPL 3: V86 mode may not touch IOPL [SDM2 IRET]. */
static void iret_real(struct cpu *c, unsigned width)
{
    uint32_t offset = transfer_peek(c, 0, width);
    uint16_t selector = (uint16_t)transfer_peek(c, width, width);
    uint32_t flags = transfer_peek(c, 2 * width, width);
    uint32_t mask = F_ARITH | F_TF | F_IF | F_DF | F_NT | (c->eflags & F_VM ? 0 : F_IOPL);
    if (width == 4)
        mask |= F_RF | F_AC | F_ID;
    real_check(c, offset);
    stack_set(c, c->r[ESP] + 3 * width);
    real_commit(c, selector, offset);
    set_flags_masked(c, flags, mask);
    note(c, NOTE_IRET_REAL, 0);
}

/* V86 mode, IOPL < 3, CR4.VME: the IF of a 16-bit IRET is VIF [SDM3 20.3.3]. */
static void iret_vme(struct cpu *c)
{
    uint32_t offset = transfer_peek(c, 0, 2);
    uint16_t selector = (uint16_t)transfer_peek(c, 2, 2);
    uint32_t flags = transfer_peek(c, 4, 2);
    if ((flags & F_TF) || ((flags & F_IF) && (c->eflags & F_VIP)))
        cpu_raise_code(c, EXC_GP, 0);
    real_check(c, offset);
    stack_set(c, c->r[ESP] + 6);
    real_commit(c, selector, offset);
    flags |= flags & F_IF ? F_VIF : 0;
    set_flags_masked(c, flags, F_ARITH | F_TF | F_DF | F_NT | F_VIF);
    note(c, NOTE_IRET_REAL, 0);
}

/* From privilege 0 to a V86 program: nine doublewords, every EFLAGS bit [SDM3 20.2.4]. */
static void iret_to_v86(struct cpu *c, uint32_t offset, uint16_t cs, uint32_t flags)
{
    static const uint8_t order[] = {ES, DS, FS, GS};
    uint32_t esp = transfer_peek(c, 12, 4);
    uint16_t ss = (uint16_t)transfer_peek(c, 16, 4), data[4];
    for (unsigned i = 0; i < 4; i++)
        data[i] = (uint16_t)transfer_peek(c, 20 + 4 * i, 4);
    if (offset > 0xFFFF)
        cpu_raise_code(c, EXC_GP, 0);
    unsigned old_cpl = c->cpl;
    cpu_set_flags(c, flags & (F_ARITH | F_TF | F_IF | F_DF | F_IOPL | F_NT | F_RF | F_VM | F_AC |
                              F_VIF | F_VIP | F_ID));
    for (unsigned i = 0; i < 4; i++)
        segment_load_real(c, order[i], data[i]);
    segment_load_real(c, SS, ss);
    c->r[ESP] = esp;
    real_commit(c, cs, offset);
    cpu_set_cpl(c, 3);
    transfer_account(c, old_cpl, PATH_CALL_GATE);
    note(c, NOTE_IRET_V86, 0);
}

static void iret_protected(struct cpu *c, unsigned width)
{
    uint32_t offset = transfer_peek(c, 0, width);
    uint16_t selector = (uint16_t)transfer_peek(c, width, width);
    uint32_t flags = transfer_peek(c, 2 * width, width);
    if (width == 4 && flags & F_VM && c->cpl == 0) {
        iret_to_v86(c, offset, selector, flags);
        return;
    }
    struct code_target t = {.selector = selector, .offset = offset};
    uint32_t mask = transfer_flags_mask(c, width);
    bool outer = return_to(c, &t, width, 3 * width, 0, EXC_NP);
    set_flags_masked(c, flags, mask);
    note(c, outer ? NOTE_IRET_OUTER : NOTE_IRET_SAME, 0);
}

/* EFLAGS.NT: back to the task whose TSS the present one links to. */
static void iret_task(struct cpu *c)
{
    uint16_t link = (uint16_t)system_read(c, c->tr.base, 2);
    note(c, NOTE_IRET_TASK, 0);
    switch_task(c, link, TASK_IRET);
}

void interrupt_return(struct cpu *c, unsigned width)
{
    bool v86 = c->cr0 & CR0_PE && c->eflags & F_VM;
    c->nmi_blocked = false; /* even if this IRET faults [SDM3 6.7.1] */
    if (!c->protected_mode && (!v86 || (c->eflags & F_IOPL) == F_IOPL)) {
        iret_real(c, width);
    } else if (v86) {
        if (!(c->cr4 & CR4_VME) || width == 4)
            cpu_raise_code(c, EXC_GP, 0);
        iret_vme(c);
    } else if (c->eflags & F_NT) {
        iret_task(c);
    } else {
        iret_protected(c, width);
    }
}
