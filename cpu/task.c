/* task: hardware task switches. [SDM3 7.2.1, 7.3, 7.6]
 *
 * A switch has two halves. Until the old state is saved every fault belongs to the old task, and
 * nothing has changed. From the load of TR on the processor is in the new task, and what its
 * selectors get wrong is delivered there. */
#include "cpu/debug.h"
#include "cpu/mem.h"
#include "cpu/transfer.h"

#include <string.h>

/* A TSS's dynamic part, either width. */
struct task_state {
    uint32_t cr3, eip, eflags, r[8];
    uint16_t segments[SEG_COUNT]; /* in TSS order: ES CS SS DS FS GS, which is our own */
    uint16_t ldt;
    bool trap;
};

/* Offsets: 32-bit TSS: CR3 1C, EIP 20, EFLAGS 24, registers 28.., segments 48.., LDT 60, T 64.
 *          16-bit TSS: IP 0E, FLAGS 10, registers 12.., segments 22.. (four), LDT 2A. */
enum {
    TSS32_CR3 = 0x1C, TSS32_EIP = 0x20, TSS32_EFLAGS = 0x24, TSS32_REGISTERS = 0x28,
    TSS32_SEGMENTS = 0x48, TSS32_LDT = 0x60, TSS32_TRAP = 0x64, TSS32_LIMIT = 0x67,
    TSS16_IP = 0x0E, TSS16_FLAGS = 0x10, TSS16_REGISTERS = 0x12, TSS16_SEGMENTS = 0x22,
    TSS16_LDT = 0x2A, TSS16_LIMIT = 0x2B,
};

/* --- the first half: in the old task ---------------------------------------------------------- */

static void probe(struct cpu *c, laddr_t la, uint32_t size, bool write)
{
    if (mmu_probe(c->mmu, la, size, write, false) != MMU_OK)
        cpu_raise_page_fault(c);
}

static uint32_t tss_limit_min(bool wide) { return wide ? TSS32_LIMIT : TSS16_LIMIT; }

/* Judges the new TSS; its callers judged privilege. */
static void need_tss(struct cpu *c, uint16_t selector, enum task_switch_kind kind,
                     struct descriptor *d)
{
    unsigned vector = kind == TASK_IRET ? EXC_TS : EXC_GP;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector) || selector & 4)
        cpu_raise_code(c, vector, code);
    descriptor_need(c, selector, d, vector);
    unsigned wanted = kind == TASK_IRET ? TYPE_TSS16_BUSY : TYPE_TSS16;
    if ((descriptor_type(d) & ~(unsigned)TYPE_32) != wanted)
        cpu_raise_code(c, vector, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, code);
    if (descriptor_limit(d) < tss_limit_min(descriptor_type(d) & TYPE_32))
        cpu_raise_code(c, EXC_TS, code);
}

/* Touches every page the first half will write and the second will read, so that no page fault can
 * come between. */
static void probe_all(struct cpu *c, const struct descriptor *d, struct descriptor *old,
                      enum task_switch_kind kind)
{
    bool wide = c->tr.access & TYPE_32, new_wide = descriptor_type(d) & TYPE_32;
    if (c->tr.limit < tss_limit_min(wide))
        cpu_raise_code(c, EXC_TS, selector_code(c->tr.selector));
    if (kind == TASK_JMP || kind == TASK_IRET)
        descriptor_need(c, c->tr.selector, old, EXC_TS);
    probe(c, c->tr.base, tss_limit_min(wide) + 1, true);
    probe(c, descriptor_base(d), tss_limit_min(new_wide) + 1, false);
    if (kind == TASK_CALL || kind == TASK_GATE)
        probe(c, descriptor_base(d), 2, true);
    if (kind != TASK_IRET)
        probe(c, d->la, 8, true);
    if (kind == TASK_JMP || kind == TASK_IRET)
        probe(c, old->la, 8, true);
}

static void save_state(struct cpu *c, uint32_t flags)
{
    laddr_t base = c->tr.base;
    if (c->tr.access & TYPE_32) {
        system_write(c, base + TSS32_EIP, 4, c->eip);
        system_write(c, base + TSS32_EFLAGS, 4, flags);
        for (unsigned i = 0; i < 8; i++)
            system_write(c, base + TSS32_REGISTERS + 4 * i, 4, c->r[i]);
        for (unsigned i = 0; i < SEG_COUNT; i++)
            system_write(c, base + TSS32_SEGMENTS + 4 * i, 2, c->seg[i].selector);
        return;
    }
    system_write(c, base + TSS16_IP, 2, c->eip & 0xFFFF);
    system_write(c, base + TSS16_FLAGS, 2, flags & 0xFFFF);
    for (unsigned i = 0; i < 8; i++)
        system_write(c, base + TSS16_REGISTERS + 2 * i, 2, c->r[i] & 0xFFFF);
    for (unsigned i = 0; i <= DS; i++)
        system_write(c, base + TSS16_SEGMENTS + 2 * i, 2, c->seg[i].selector);
}

static void read_state(struct cpu *c, laddr_t base, bool wide, struct task_state *t)
{
    *t = (struct task_state){0};
    if (wide) {
        t->cr3 = system_read(c, base + TSS32_CR3, 4);
        t->eip = system_read(c, base + TSS32_EIP, 4);
        t->eflags = system_read(c, base + TSS32_EFLAGS, 4);
        for (unsigned i = 0; i < 8; i++)
            t->r[i] = system_read(c, base + TSS32_REGISTERS + 4 * i, 4);
        for (unsigned i = 0; i < SEG_COUNT; i++)
            t->segments[i] = (uint16_t)system_read(c, base + TSS32_SEGMENTS + 4 * i, 2);
        t->ldt = (uint16_t)system_read(c, base + TSS32_LDT, 2);
        t->trap = system_read(c, base + TSS32_TRAP, 2) & 1;
        return;
    }
    t->eip = system_read(c, base + TSS16_IP, 2);
    t->eflags = system_read(c, base + TSS16_FLAGS, 2);
    for (unsigned i = 0; i < 8; i++) /* upper halves are undefined: unchanged */
        t->r[i] = (c->r[i] & 0xFFFF0000u) | system_read(c, base + TSS16_REGISTERS + 2 * i, 2);
    for (unsigned i = 0; i <= DS; i++)
        t->segments[i] = (uint16_t)system_read(c, base + TSS16_SEGMENTS + 2 * i, 2);
    t->ldt = (uint16_t)system_read(c, base + TSS16_LDT, 2);
}

/* --- the second half: in the new task --------------------------------------------------------- */

static void load_ldt(struct cpu *c, uint16_t selector)
{
    struct descriptor d;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        return;
    if (selector & 4)
        cpu_raise_code(c, EXC_TS, code);
    descriptor_need(c, selector, &d, EXC_TS);
    if (descriptor_type(&d) != TYPE_LDT || !descriptor_present(&d))
        cpu_raise_code(c, EXC_TS, code);
    descriptor_to_segment(&d, selector, &c->ldtr, false);
}

static void load_code(struct cpu *c, uint16_t selector)
{
    struct code_target t = {.selector = selector, .offset = c->eip};
    struct descriptor *d = &t.descriptor;
    unsigned rpl = selector & 3;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_TS, 0);
    descriptor_need(c, selector, d, EXC_TS);
    if (!descriptor_is_code(d))
        cpu_raise_code(c, EXC_TS, code);
    if (descriptor_is_conforming(d) ? descriptor_dpl(d) > rpl : descriptor_dpl(d) != rpl)
        cpu_raise_code(c, EXC_TS, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, code);
    descriptor_mark_accessed(c, d);
    transfer_commit(c, &t, rpl);
}

static void load_stack(struct cpu *c, uint16_t selector)
{
    struct descriptor d;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_TS, 0);
    descriptor_need(c, selector, &d, EXC_TS);
    if (!descriptor_is_writable(&d) || descriptor_dpl(&d) != c->cpl || (selector & 3u) != c->cpl)
        cpu_raise_code(c, EXC_TS, code);
    if (!descriptor_present(&d))
        cpu_raise_code(c, EXC_SS, code);
    descriptor_mark_accessed(c, &d);
    descriptor_to_segment(&d, selector, &c->seg[SS], false);
}

static void load_data(struct cpu *c, unsigned seg, uint16_t selector)
{
    struct descriptor d;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        return;
    descriptor_need(c, selector, &d, EXC_TS);
    unsigned dpl = descriptor_dpl(&d);
    bool outside = (selector & 3u) > dpl || c->cpl > dpl;
    if (!descriptor_is_readable(&d) || (outside && !descriptor_is_conforming(&d)))
        cpu_raise_code(c, EXC_TS, code);
    if (!descriptor_present(&d))
        cpu_raise_code(c, EXC_NP, code);
    descriptor_mark_accessed(c, &d);
    descriptor_to_segment(&d, selector, &c->seg[seg], false);
}

/* The registers that need no check; every segment is invalid until its descriptor is read. */
static void load_registers(struct cpu *c, const struct task_state *t, bool wide)
{
    c->cr0 |= CR0_TS;
    c->dr[7] &= ~(uint32_t)DR7_LOCAL;
    if (wide && c->cr0 & CR0_PG) {
        cpu_load_cr3(c, t->cr3);
        note(c, NOTE_CR3_LOAD, c->cr3);
        if (c->on_control)
            c->on_control(c->observer, 3, c->cr3);
    }
    c->eip = t->eip;
    c->branched = true;
    memcpy(c->r, t->r, sizeof t->r);
    cpu_set_flags(c, t->eflags & 0x003F7FD5u);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        c->seg[i] = (struct segment){.selector = t->segments[i]};
    c->ldtr = (struct segment){.selector = t->ldt, .access = 0x82};
    cpu_set_cpl(c, c->eflags & F_VM ? 3 : t->segments[CS] & 3u);
}

static void load_segments(struct cpu *c, const struct task_state *t)
{
    static const uint8_t data[] = {DS, ES, FS, GS};
    load_ldt(c, t->ldt);
    if (c->eflags & F_VM) {
        for (unsigned i = 0; i < SEG_COUNT; i++)
            segment_load_real(c, i, t->segments[i]);
        cpu_mode_changed(c);
        return;
    }
    load_code(c, t->segments[CS]);
    load_stack(c, t->segments[SS]);
    for (unsigned i = 0; i < ARRAY_COUNT(data); i++)
        load_data(c, data[i], t->segments[data[i]]);
}

/* Everything in the new task that can fault. False: c->fault_* says how. */
static bool arrive(struct cpu *c, const struct task_state *t, unsigned width, bool has_code,
                   uint32_t code)
{
    struct frame f;
    if (setjmp(c->fault))
        return false;
    load_segments(c, t);
    if (c->eip > c->seg[CS].limit)
        cpu_raise_code(c, EXC_GP, 0);
    if (has_code) {
        frame_open(c, &f, &c->seg[SS], c->r[ESP], c->cpl, width, 1, 0);
        frame_push(c, &f, code);
        c->r[ESP] = f.esp;
    }
    return true;
}

static void finish(struct cpu *c, const struct task_state *t, unsigned width, bool has_code,
                   uint32_t code)
{
    jmp_buf outside;
    memcpy(&outside, &c->fault, sizeof outside);
    bool arrived = arrive(c, t, width, has_code, code);
    memcpy(&c->fault, &outside, sizeof outside);
    if (!arrived) {
        deliver(c, c->fault_vector, SOURCE_FAULT, c->fault_has_code, c->fault_code, c->eip);
    } else if (t->trap) {
        c->delivering = -1; /* what took a gate to this task has arrived */
        c->dr[6] |= DR6_BT;
        deliver(c, EXC_DB, SOURCE_FAULT, false, 0, c->eip);
    }
}

void task_switch(struct cpu *c, uint16_t tss_selector, enum task_switch_kind kind, bool has_code,
                 uint32_t code)
{
    struct descriptor d, old;
    struct task_state t;
    bool nests = kind == TASK_CALL || kind == TASK_GATE;
    need_tss(c, tss_selector, kind, &d);
    probe_all(c, &d, &old, kind);
    bool wide = descriptor_type(&d) & TYPE_32;
    laddr_t base = descriptor_base(&d);
    if (!nests)
        descriptor_mark_busy(c, &old, false);
    save_state(c, cpu_get_flags(c) & ~(uint32_t)(kind == TASK_IRET ? F_NT : 0));
    read_state(c, base, wide, &t);
    note(c, !wide ? NOTE_TASK_16 : t.eflags & F_VM ? NOTE_TASK_V86 : NOTE_TASK_32, tss_selector);
    if (nests) {
        system_write(c, base, 2, c->tr.selector);
        t.eflags |= F_NT;
    }
    if (kind != TASK_IRET)
        descriptor_mark_busy(c, &d, true);
    descriptor_to_segment(&d, tss_selector, &c->tr, false);
    c->single_step_trap = false; /* TF of the new task counts from its first instruction on */
    load_registers(c, &t, wide);
    finish(c, &t, wide ? 4 : 2, has_code, code);
}
