/* insn_fast_call: SYSENTER and SYSEXIT, SYSCALL and SYSRET in legacy mode: calls of the kernel that
 * read neither gate nor descriptor nor TSS. [SDM2 SYSENTER, SYSEXIT]; AMD's two from memory, and as
 * QEMU has them.
 *
 *   SYSENTER  CS = SYSENTER_CS, SS = CS + 8, ESP and EIP from MSRs; keeps nothing of the program
 *   SYSEXIT   CS = SYSENTER_CS + 16, SS = CS + 8, ESP = ECX, EIP = EDX
 *   SYSCALL   ECX = EIP; CS = STAR 47..32, SS = CS + 8, EIP = STAR 31..0; ESP stays
 *   SYSRET    EIP = ECX; CS = STAR 63..48, SS = CS + 8; IF is set */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"
#include "cpu/transfer.h"

/* A flat segment of 4 GB, 32 bits, which no descriptor needs to say. */
static void load_flat(struct cpu *c, unsigned seg, uint32_t selector, unsigned dpl)
{
    c->seg[seg] = (struct segment){.selector = (uint16_t)selector,
                                   .limit = UINT32_MAX,
                                   .access = (uint8_t)((seg == CS ? 0x9B : 0x93) | dpl << 5),
                                   .flags = 0xC0,
                                   .valid = true};
    segment_refresh(&c->seg[seg], seg == CS);
}

static void enter(struct cpu *c, uint32_t code_selector, uint32_t eip)
{
    unsigned old_cpl = c->cpl;
    load_flat(c, CS, code_selector & 0xFFFC, 0);
    load_flat(c, SS, (code_selector & 0xFFFC) + 8, 0);
    cpu_set_flags(c, cpu_get_flags(c) & ~(uint32_t)(F_VM | F_IF | F_RF));
    c->eip = eip;
    c->branched = true;
    cpu_set_cpl(c, 0);
    note(c, NOTE_FAST_ENTRY, eip);
    transfer_account(c, old_cpl, PATH_SYSENTER);
}

static void leave(struct cpu *c, uint32_t code_selector, uint32_t eip)
{
    load_flat(c, CS, code_selector | 3, 3);
    load_flat(c, SS, (code_selector + 8) | 3, 3);
    c->eip = eip;
    c->branched = true;
    cpu_set_cpl(c, 3);
    note(c, NOTE_FAST_EXIT, eip);
    transfer_account(c, 0, PATH_USER);
}

static void sysenter(struct cpu *c, const struct op *o)
{
    (void)o;
    const struct msrs *m = &c->msrs;
    if (!(c->cr0 & CR0_PE) || selector_is_null((uint16_t)m->sysenter_cs))
        cpu_raise_code(c, EXC_GP, 0);
    c->r[ESP] = (uint32_t)m->sysenter_esp;
    enter(c, (uint32_t)m->sysenter_cs, (uint32_t)m->sysenter_eip);
}

static void sysexit(struct cpu *c, const struct op *o)
{
    (void)o;
    const struct msrs *m = &c->msrs;
    if (!(c->cr0 & CR0_PE) || c->cpl != 0 || selector_is_null((uint16_t)m->sysenter_cs))
        cpu_raise_code(c, EXC_GP, 0);
    c->r[ESP] = c->r[ECX];
    leave(c, (uint32_t)m->sysenter_cs + 16, c->r[EDX]);
}

static void syscall(struct cpu *c, const struct op *o)
{
    const struct msrs *m = &c->msrs;
    if (!(m->efer & EFER_SCE))
        cpu_raise(c, EXC_UD);
    c->r[ECX] = o->next_eip;
    enter(c, m->star >> 32 & 0xFFFF, (uint32_t)m->star);
}

static void sysret(struct cpu *c, const struct op *o)
{
    (void)o;
    const struct msrs *m = &c->msrs;
    if (!(m->efer & EFER_SCE))
        cpu_raise(c, EXC_UD);
    if (!(c->cr0 & CR0_PE) || c->cpl != 0)
        cpu_raise_code(c, EXC_GP, 0);
    c->eflags |= F_IF;
    leave(c, (uint32_t)(m->star >> 48), c->r[ECX]);
}

#define TO_KERNEL (A_BRANCH | A_ALONE)

/* Columns: code, name, operands, bodies, flags read, written, undefined, attributes, feature,
 * implied uses and sets, timing class. */
static const struct row rows[] = {
    {"0F 34", "SYSENTER", "", ANYFORM(sysenter), 0, F_IF, 0, TO_KERNEL, FEATURE_SEP, 0, RM_ESP,
     "sysenter"},
    {"0F 35", "SYSEXIT", "", ANYFORM(sysexit), 0, 0, 0, A_BRANCH | A_ALONE, FEATURE_SEP,
     RM_ECX | RM_EDX, RM_ESP, "sysexit"},
    {"0F 05", "SYSCALL", "", ANYFORM(syscall), 0, F_IF, 0, TO_KERNEL, FEATURE_SYSCALL, 0, RM_ECX,
     "syscall"},
    {"0F 07", "SYSRET", "", ANYFORM(sysret), 0, F_IF, 0, A_BRANCH | A_ALONE, FEATURE_SYSCALL,
     RM_ECX, 0, "sysret"},
};

const struct row_family family_fast_call = {rows, ARRAY_COUNT(rows)};
