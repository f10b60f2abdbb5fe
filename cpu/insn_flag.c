/* insn_flag: CLC STC CMC CLD STD, LAHF SAHF, CLI STI. [SDM2]
 *
 * CLI and STI act on IF where CPL <= IOPL (always in real mode, where CPL is 0). Elsewhere they act
 * on VIF, in virtual-8086 mode with CR4.VME and at CPL 3 of protected mode with CR4.PVI, or raise
 * #GP(0). */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

static void clc(struct cpu *c, const struct op *o)
{
    (void)o;
    set_cf(c, false);
}

static void stc(struct cpu *c, const struct op *o)
{
    (void)o;
    set_cf(c, true);
}

static void cmc(struct cpu *c, const struct op *o)
{
    (void)o;
    set_cf(c, !get_cf(c));
}

static void cld(struct cpu *c, const struct op *o)
{
    (void)o;
    c->eflags &= ~(uint32_t)F_DF;
}

static void std(struct cpu *c, const struct op *o)
{
    (void)o;
    c->eflags |= F_DF;
}

static void lahf(struct cpu *c, const struct op *o)
{
    (void)o;
    uint32_t v = 2u | (get_cf(c) ? F_CF : 0u) | (get_pf(c) ? F_PF : 0u) | (get_af(c) ? F_AF : 0u) |
                 (get_zf(c) ? F_ZF : 0u) | (get_sf(c) ? F_SF : 0u);
    reg_write(c, EAX, (c->r[EAX] & 0xFF) | v << 8, 2);
}

/* Undocumented, in every part: AL becomes CF in all bits. */
static void salc(struct cpu *c, const struct op *o)
{
    (void)o;
    reg_write(c, EAX, get_cf(c) ? 0xFF : 0, 1);
}

static void sahf(struct cpu *c, const struct op *o)
{
    (void)o;
    uint32_t v = c->r[EAX] >> 8;
    bool of = get_of(c);
    c->flag_z = !(v & F_ZF);
    c->flag_s = (v & F_SF ? 0x80000000u : 0u) | !(v & F_PF);
    set_carries(c, v & F_CF, of, v & F_AF);
}

/* Which flag CLI and STI act on: F_IF, F_VIF, or none (#GP(0)). */
static uint32_t interrupt_flag(struct cpu *c)
{
    unsigned iopl = c->eflags >> 12 & 3;
    bool v86 = c->eflags & F_VM;
    if (v86 ? iopl == 3 : c->cpl <= iopl)
        return F_IF;
    if (c->cpl == 3 && (c->cr4 & (v86 ? CR4_VME : CR4_PVI)))
        return F_VIF;
    cpu_raise_code(c, EXC_GP, 0);
}

static void cli(struct cpu *c, const struct op *o)
{
    (void)o;
    c->eflags &= ~interrupt_flag(c);
}

/* Setting IF holds interrupts off until the next instruction has run. */
static void sti(struct cpu *c, const struct op *o)
{
    (void)o;
    uint32_t flag = interrupt_flag(c);
    if (flag == F_VIF && (c->eflags & F_VIP))
        cpu_raise_code(c, EXC_GP, 0);
    if (flag == F_IF && !(c->eflags & F_IF))
        c->shadow = true;
    c->eflags |= flag;
}

#define F_AH (F_CF | F_PF | F_AF | F_ZF | F_SF)

static const struct row rows[] = {
    {"F8", "CLC", "", ANYFORM(clc), 0, F_CF, 0, 0, 0, 0, 0, "flag"},
    {"F9", "STC", "", ANYFORM(stc), 0, F_CF, 0, 0, 0, 0, 0, "flag"},
    {"F5", "CMC", "", ANYFORM(cmc), F_CF, F_CF, 0, 0, 0, 0, 0, "flag"},
    {"FC", "CLD", "", ANYFORM(cld), 0, F_DF, 0, 0, 0, 0, 0, "flag"},
    {"FD", "STD", "", ANYFORM(std), 0, F_DF, 0, 0, 0, 0, 0, "flag"},
    {"9F", "LAHF", "", ANYFORM(lahf), F_AH, 0, 0, 0, 0, RM_EAX, RM_EAX, "lahf"},
    {"9E", "SAHF", "", ANYFORM(sahf), 0, F_AH, 0, 0, 0, RM_EAX, 0, "sahf"},
    {"D6", "SALC", "", ANYFORM(salc), F_CF, 0, 0, 0, 0, 0, RM_EAX, "lahf"},
    {"FA", "CLI", "", ANYFORM(cli), 0, F_IF, 0, 0, 0, 0, 0, "cli"},
    {"FB", "STI", "", ANYFORM(sti), 0, F_IF, 0, A_SHADOW, 0, 0, 0, "sti"},
};

const struct row_family family_flag = {rows, ARRAY_COUNT(rows)};
