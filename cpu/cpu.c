#include "cpu/cpu.h"

#include "cpu/debug.h"
#include "cpu/decode.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

void cpu_raise(struct cpu *c, unsigned vector)
{
    c->fault_vector = (uint8_t)vector;
    c->fault_has_code = false;
    c->fault_code = 0;
    longjmp(c->fault, 1);
}

void cpu_raise_code(struct cpu *c, unsigned vector, uint32_t code)
{
    c->fault_vector = (uint8_t)vector;
    c->fault_has_code = true;
    c->fault_code = code;
    longjmp(c->fault, 1);
}

void cpu_raise_page_fault(struct cpu *c)
{
    c->cr2 = c->mmu->fault_la;
    note(c, NOTE_PAGE_FAULT, c->cr2);
    cpu_raise_code(c, EXC_PF, c->mmu->fault_code);
}

uint32_t cpu_get_flags(const struct cpu *c)
{
    return (c->eflags & ~(uint32_t)F_ARITH) | (uint32_t)(get_cf(c) * F_CF) |
           (uint32_t)(get_pf(c) * F_PF) | (uint32_t)(get_af(c) * F_AF) |
           (uint32_t)(get_zf(c) * F_ZF) | (uint32_t)(get_sf(c) * F_SF) |
           (uint32_t)(get_of(c) * F_OF);
}

void cpu_set_flags(struct cpu *c, uint32_t flags)
{
    bool vm_changed = (c->eflags ^ flags) & F_VM;
    c->flag_z = !(flags & F_ZF);
    c->flag_s = (flags & F_SF ? 0x80000000u : 0) | (flags & F_PF ? 0 : 1);
    set_carries(c, flags & F_CF, flags & F_OF, flags & F_AF);
    c->eflags = (flags & ~(uint32_t)F_ARITH) | 2;
    if (vm_changed)
        cpu_mode_changed(c);
    if (flags & F_TF)
        c->stop_block = true;
}

void cpu_set_cpl(struct cpu *c, unsigned cpl)
{
    c->cpl = (uint8_t)cpl;
    cpu_mode_changed(c);
}

/* A block that was decoded under one limit of CS may reach beyond another: the limit as the
 * descriptor holds it, with G, is part of the key. */
static uint32_t code_limit_key(const struct segment *cs)
{
    bool pages = cs->flags & 0x80;
    return (pages ? cs->limit >> 12 : cs->limit & 0xFFFFF) << 12 | (uint32_t)pages << 11;
}

void cpu_mode_changed(struct cpu *c)
{
    bool pe = c->cr0 & CR0_PE, vm = pe && (c->eflags & F_VM);
    c->protected_mode = pe && !vm;
    mmu_set_control(c->mmu, (c->cr0 & CR0_PG) != 0, (c->cr0 & CR0_WP) != 0,
                    (c->cr0 & CR0_CD) != 0, (c->cr4 & CR4_PSE) != 0);
    mmu_set_user(c->mmu, c->cpl == 3);
    debug_apply(c);
    c->mode_key = (c->seg[CS].flags & 0x40 ? MODE_32 : 0u) |
                  (c->protected_mode ? MODE_PROTECTED : 0u) | (vm ? MODE_V86 : 0u) |
                  (uint32_t)c->cpl << MODE_CPL_SHIFT | code_limit_key(&c->seg[CS]);
    c->stop_block = true;
}

void cpu_extensions_changed(struct cpu *c)
{
    mmu_set_extensions(c->mmu, c->cr4 & CR4_PAE, c->cr4 & CR4_PGE, c->msrs.efer & EFER_NXE);
}

/* The base (with PAE of 32 bytes), PCD and PWT. */
void cpu_load_cr3(struct cpu *c, uint32_t value)
{
    bool pointers = c->cr4 & CR4_PAE;
    if (pointers && c->cr0 & CR0_PG && !mmu_load_pointers(c->mmu, value))
        cpu_raise_code(c, EXC_GP, 0);
    c->cr3 = value & (pointers ? 0xFFFFFFF8u : 0xFFFFF018u);
    mmu_set_cr3(c->mmu, c->cr3);
}

void cpu_request_stop(struct cpu *c)
{
    if (c->stop == STOP_NONE)
        c->stop = STOP_REQUEST;
    c->stop_block = true;
}

static void reset_segment(struct segment *s, uint16_t selector, uint32_t base, bool is_code)
{
    *s = (struct segment){.selector = selector, .base = base, .limit = 0xFFFF, .access = 0x93,
                          .flags = 0, .valid = true};
    segment_refresh(s, is_code);
}

static void reset_x87(struct x87 *x)
{
    memset(x, 0, sizeof *x);
    x->control = 0x0040; /* after RESET; FNINIT makes it 037F [SDM3 9.1] */
    x->empty = 0;
    for (int i = 0; i < 8; i++)
        x->r[i] = (struct f80){0, 0};
}

/* [SDM3 table 9-1, Pentium column] */
void cpu_reset(struct cpu *c)
{
    memset(c->r, 0, sizeof c->r);
    c->r[EDX] = c->identity->signature;
    c->eip = 0xFFF0;
    cpu_set_flags(c, 2);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        reset_segment(&c->seg[i], i == CS ? 0xF000 : 0, i == CS ? 0xFFFF0000u : 0, i == CS);
    reset_segment(&c->ldtr, 0, 0, false);
    c->ldtr.access = 0x82;
    reset_segment(&c->tr, 0, 0, false);
    c->tr.access = 0x8B;
    c->gdt_base = c->idt_base = 0;
    c->gdt_limit = c->idt_limit = 0xFFFF;
    c->cr0 = CR0_CD | CR0_NW | CR0_ET;
    c->cr2 = c->cr3 = c->cr4 = 0;
    memset(c->dr, 0, sizeof c->dr);
    c->dr[6] = 0xFFFF0FF0u;
    c->dr[7] = 0x400;
    reset_x87(&c->x87);
    memset(c->xmm, 0, sizeof c->xmm);
    c->mxcsr = 0x1F80;
    c->tr12 = 0;
    msr_reset_counters(c);
    c->tsc_offset = 0 - c->clock->now;
    c->msr_mc_addr = c->msr_mc_type = 0;
    c->nmi_pending = c->nmi_blocked = false;
    c->shadow = c->halted = c->rep_running = c->single_step_trap = false;
    c->debug_hits = 0;
    c->rep_limit = 1;
    c->delivering = -1;
    c->fetch_line = FETCH_NONE;
    c->path_after = PATH_COUNT;
    c->cpl = 0;
    c->stop = STOP_NONE;
    mmu_reset(c->mmu);
    if (c->identity->msrs)
        msr_table_reset(c);
    cpu_extensions_changed(c);
    mmu_set_cr3(c->mmu, 0);
    cpu_mode_changed(c);
    if (c->model->reset)
        c->model->reset(c->model);
    blocks_flush(c->blocks);
}

void cpu_init(struct cpu *c, struct mmu *mmu, struct bus *bus, struct ledger *ledger,
              struct model *model, const struct identity *identity)
{
    memset(c, 0, sizeof *c);
    c->mmu = mmu;
    mmu->log = &c->log;
    c->bus = bus;
    c->ledger = ledger;
    c->clock = ledger->clock;
    c->model = model;
    c->identity = identity;
    c->decoder = decoder_new(identity);
    c->blocks = blocks_new(c, mmu->phys.size);
    mmu_set_timed(mmu, model->timed);
    if (model->attach)
        model->attach(model, c);
    cpu_reset(c);
}

void cpu_free(struct cpu *c)
{
    blocks_free(c->blocks);
    decoder_free(c->decoder);
    if (c->model && c->model->free)
        c->model->free(c->model);
}

void cpu_set_model(struct cpu *c, struct model *model)
{
    if (c->model && c->model->free)
        c->model->free(c->model);
    c->model = model;
    if (model->attach)
        model->attach(model, c);
    mmu_set_timed(c->mmu, model->timed);
    debug_apply(c);
    if (model->reset)
        model->reset(model);
    c->fetch_line = FETCH_NONE;
    blocks_flush(c->blocks);
}

/* --- snapshot --- */

static void snapshot_segment(struct snap *s, const char *name, struct segment *g, bool is_code)
{
    snap_enter(s, name);
    snap_u16(s, "selector", &g->selector);
    snap_u32(s, "base", &g->base);
    snap_u32(s, "limit", &g->limit);
    snap_u8(s, "access", &g->access);
    snap_u8(s, "flags", &g->flags);
    snap_bool(s, "valid", &g->valid);
    snap_leave(s);
    if (snap_loading(s))
        segment_refresh(g, is_code);
}

static void snapshot_x87(struct snap *s, struct x87 *x)
{
    static const char *const names[8] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
    snap_enter(s, "x87");
    for (int i = 0; i < 8; i++) {
        snap_u64(s, names[i], &x->r[i].mantissa);
        snap_u16(s, names[i], &x->r[i].sign_exponent);
    }
    snap_u16(s, "control", &x->control);
    snap_u16(s, "status", &x->status);
    snap_u8(s, "top", &x->top);
    snap_u8(s, "empty", &x->empty);
    snap_u16(s, "opcode", &x->opcode);
    snap_u16(s, "fcs", &x->code_selector);
    snap_u16(s, "fds", &x->data_selector);
    snap_u32(s, "fip", &x->code_offset);
    snap_u32(s, "fdp", &x->data_offset);
    snap_leave(s);
}

/* A part without SSE has none of this: its snapshots keep their shape. */
static void snapshot_sse(struct cpu *c, struct snap *s)
{
    static const char *const names[8] = {"xmm0", "xmm1", "xmm2", "xmm3",
                                         "xmm4", "xmm5", "xmm6", "xmm7"};
    if (!cpu_has(c, FEATURE_SSE))
        return;
    for (unsigned i = 0; i < 8; i++) {
        snap_u64(s, names[i], &c->xmm[i].q[0]);
        snap_u64(s, names[i], &c->xmm[i].q[1]);
    }
    snap_u32(s, "mxcsr", &c->mxcsr);
}

static void snapshot_registers(struct cpu *c, struct snap *s)
{
    static const char *const names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const segments[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (int i = 0; i < 8; i++)
        snap_u32(s, names[i], &c->r[i]);
    snap_u32(s, "eip", &c->eip);
    uint32_t flags = cpu_get_flags(c);
    snap_u32(s, "eflags", &flags);
    if (snap_loading(s))
        cpu_set_flags(c, flags);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        snapshot_segment(s, segments[i], &c->seg[i], i == CS);
    snapshot_segment(s, "ldtr", &c->ldtr, false);
    snapshot_segment(s, "tr", &c->tr, false);
    snapshot_x87(s, &c->x87);
    snapshot_sse(c, s);
}

static void snapshot_system(struct cpu *c, struct snap *s)
{
    static const char *const debug[8] = {"dr0", "dr1", "dr2", "dr3", "dr4", "dr5", "dr6", "dr7"};
    snap_u32(s, "cr0", &c->cr0);
    snap_u32(s, "cr2", &c->cr2);
    snap_u32(s, "cr3", &c->cr3);
    snap_u32(s, "cr4", &c->cr4);
    for (int i = 0; i < 8; i++)
        snap_u32(s, debug[i], &c->dr[i]);
    snap_u32(s, "gdt_base", &c->gdt_base);
    snap_u32(s, "idt_base", &c->idt_base);
    snap_u16(s, "gdt_limit", &c->gdt_limit);
    snap_u16(s, "idt_limit", &c->idt_limit);
    snap_u64(s, "tsc_offset", &c->tsc_offset);
    snap_u64(s, "mc_addr", &c->msr_mc_addr);
    snap_u64(s, "mc_type", &c->msr_mc_type);
    snap_u32(s, "tr12", &c->tr12);
    snap_u32(s, "cesr", &c->cesr);
    snap_u64(s, "ctr0", &c->counter[0]);
    snap_u64(s, "ctr1", &c->counter[1]);
    if (c->identity->msrs)
        msr_table_snapshot(c, s);
}

void cpu_snapshot(struct cpu *c, struct snap *s)
{
    snap_enter(s, "cpu");
    snap_u8(s, "cpl", &c->cpl);
    snapshot_registers(c, s);
    snapshot_system(c, s);
    snap_bool(s, "intr", &c->intr_line);
    if (snap_loading(s))
        c->intr_rose = CYCLE_NEVER; /* an observer's, and not part of the state */
    snap_bool(s, "nmi_pending", &c->nmi_pending);
    snap_bool(s, "nmi_blocked", &c->nmi_blocked);
    snap_bool(s, "shadow", &c->shadow);
    snap_bool(s, "halted", &c->halted);
    snap_bool(s, "rep_running", &c->rep_running);
    if (c->rep_running)
        snap_bytes(s, "rep_bytes", c->rep_bytes, sizeof c->rep_bytes);
    snap_bool(s, "ignne", &c->ignne);
    snap_u32(s, "fetch_line", &c->fetch_line);
    snap_u64(s, "instructions", &c->instructions);
    snap_leave(s);
    if (snap_loading(s)) {
        c->delivering = -1;
        c->stop = STOP_NONE;
        cpu_mode_changed(c);
        msr_tell_types(c);
        blocks_flush(c->blocks);
    }
    mmu_snapshot(c->mmu, s);
    if (snap_loading(s))
        debug_apply(c); /* the mmu has its fast table again */
    if (c->model->snapshot)
        c->model->snapshot(c->model, s);
}
