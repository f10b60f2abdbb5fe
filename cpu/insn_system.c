/* insn_system: descriptor-table, control, debug and model-specific registers; LAR and its kin; HLT,
 * INVLPG, cache control, CPUID, RDTSC, RDPMC, RSM. [SDM2] */
#include "cpu/debug.h"
#include "cpu/descriptor.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/msr.h"
#include "cpu/rows.h"

/* --- descriptor tables ------------------------------------------------------------------------ */

/* Six bytes: a 16-bit limit and the base, of which a 16-bit LGDT or LIDT takes 24 bits. */
static uint32_t table_read(struct cpu *c, const struct op *o, uint16_t *limit)
{
    uint32_t ea = effective_address(c, o);
    *limit = (uint16_t)mem_read(c, o->seg, ea, 2);
    uint32_t base = (uint32_t)mem_read(c, o->seg, (ea + 2) & o->amask, 4);
    return o->flags & OP_DATA16 ? base & 0xFFFFFF : base;
}

/* All 32 bits of the base are stored whatever the operand size, as every 32-bit part does. The
 * second write may not fault after the first. */
static void table_write(struct cpu *c, const struct op *o, uint32_t base, uint16_t limit)
{
    uint32_t ea = effective_address(c, o);
    laddr_t la = segment_linear(c, o->seg, ea, 6, true);
    if (mmu_probe(c->mmu, la, 6, true, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
    mem_write(c, o->seg, ea, 2, limit);
    mem_write(c, o->seg, (ea + 2) & o->amask, 4, base);
}

static void lgdt(struct cpu *c, const struct op *o)
{
    uint16_t limit;
    c->gdt_base = table_read(c, o, &limit);
    c->gdt_limit = limit;
}

static void lidt(struct cpu *c, const struct op *o)
{
    uint16_t limit;
    c->idt_base = table_read(c, o, &limit);
    c->idt_limit = limit;
}

static void sgdt(struct cpu *c, const struct op *o)
{
    table_write(c, o, c->gdt_base, c->gdt_limit);
}

static void sidt(struct cpu *c, const struct op *o)
{
    table_write(c, o, c->idt_base, c->idt_limit);
}


/* Selectors and the machine status word: two bytes in memory. */
static ALWAYS_INLINE void store_word(struct cpu *c, const struct op *o, uint32_t v, int w, bool mem)
{
    e_write(c, o, v, mem ? 2 : w, mem);
}

static ALWAYS_INLINE void sldt(struct cpu *c, const struct op *o, int w, bool mem)
{
    store_word(c, o, c->ldtr.selector, w, mem);
}

static ALWAYS_INLINE void str(struct cpu *c, const struct op *o, int w, bool mem)
{
    store_word(c, o, c->tr.selector, w, mem);
}

static ALWAYS_INLINE void smsw(struct cpu *c, const struct op *o, int w, bool mem)
{
    store_word(c, o, c->cr0, w, mem);
}

/* The descriptor of LLDT and LTR: in the GDT, of one of two types, present. */
static void need_system(struct cpu *c, uint16_t selector, struct descriptor *d, unsigned type,
                        unsigned other)
{
    uint32_t code = selector_code(selector);
    if (selector & 4)
        cpu_raise_code(c, EXC_GP, code);
    descriptor_need(c, selector, d, EXC_GP);
    if (descriptor_type(d) != type && descriptor_type(d) != other)
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, code);
}

static ALWAYS_INLINE void lldt(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    struct descriptor d;
    uint16_t selector = (uint16_t)e_read(c, o, 2, mem);
    if (selector_is_null(selector)) {
        c->ldtr = (struct segment){.selector = selector, .access = TYPE_LDT};
        return;
    }
    need_system(c, selector, &d, TYPE_LDT, TYPE_LDT);
    descriptor_to_segment(&d, selector, &c->ldtr, false);
}

static ALWAYS_INLINE void ltr(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    struct descriptor d;
    uint16_t selector = (uint16_t)e_read(c, o, 2, mem);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    need_system(c, selector, &d, TYPE_TSS16, TYPE_TSS32);
    descriptor_mark_busy(c, &d, true);
    descriptor_to_segment(&d, selector, &c->tr, false);
}

BODIES_V(sldt)
BODIES_V(str)
BODIES_V(smsw)
BODIES_V(lldt)
BODIES_V(ltr)

/* --- LAR, LSL, VERR, VERW, ARPL --------------------------------------------------------------- */

/* Reads what the selector names if the program may see it: conforming code always, the rest at
 * DPL >= CPL and RPL. */
static bool visible(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    if (selector_is_null(selector) || !descriptor_read(c, selector, d))
        return false;
    unsigned dpl = descriptor_dpl(d);
    return descriptor_is_conforming(d) || (dpl >= c->cpl && dpl >= (selector & 3u));
}

#define LAR_TYPES 0x1A3Eu /* 16-bit and 32-bit TSSs and call gates, LDT, task gate */
#define LSL_TYPES 0x0A0Eu /* what has a limit: TSSs, LDT */

static bool type_in(const struct descriptor *d, uint32_t system_types)
{
    unsigned t = descriptor_type(d);
    return t & TYPE_SEGMENT || system_types >> t & 1;
}

static ALWAYS_INLINE void lar(struct cpu *c, const struct op *o, int w, bool mem)
{
    struct descriptor d;
    bool ok = visible(c, (uint16_t)e_read(c, o, 2, mem), &d) && type_in(&d, LAR_TYPES);
    if (ok)
        g_write(c, o, d.hi & 0x00FFFF00u, w);
    set_zf(c, ok);
}

static ALWAYS_INLINE void lsl(struct cpu *c, const struct op *o, int w, bool mem)
{
    struct descriptor d;
    bool ok = visible(c, (uint16_t)e_read(c, o, 2, mem), &d) && type_in(&d, LSL_TYPES);
    if (ok)
        g_write(c, o, descriptor_limit(&d), w);
    set_zf(c, ok);
}

static ALWAYS_INLINE void verr(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    struct descriptor d;
    set_zf(c, visible(c, (uint16_t)e_read(c, o, 2, mem), &d) && descriptor_is_readable(&d));
}

static ALWAYS_INLINE void verw(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    struct descriptor d;
    set_zf(c, visible(c, (uint16_t)e_read(c, o, 2, mem), &d) && descriptor_is_writable(&d));
}

static ALWAYS_INLINE void arpl(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    uint32_t a = e_read(c, o, 2, mem), rpl = g_read(c, o, 2) & 3;
    bool raised = (a & 3) < rpl;
    if (raised) /* else a read-only operand does not fault [SDM2 ARPL] */
        e_write(c, o, (a & ~3u) | rpl, 2, mem);
    set_zf(c, raised);
}

BODIES_V(lar)
BODIES_V(lsl)
BODIES_V(verr)
BODIES_V(verw)
BODIES_V(arpl)

/* --- control and debug registers -------------------------------------------------------------- */

static void tell_control(struct cpu *c, unsigned which, uint32_t value)
{
    if (c->on_control)
        c->on_control(c->observer, which, value);
}

/* Reserved bits of CR0 are ignored, ET reads as one [SDM3 2.5]. */
static void write_cr0(struct cpu *c, uint32_t v)
{
    v &= CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    if ((v & CR0_PG && !(v & CR0_PE)) || (v & CR0_NW && !(v & CR0_CD)))
        cpu_raise_code(c, EXC_GP, 0);
    bool flushes = (v ^ c->cr0) & CR0_PG;
    if (flushes && v & CR0_PG && c->cr4 & CR4_PAE && !mmu_load_pointers(c->mmu, c->cr3))
        cpu_raise_code(c, EXC_GP, 0);
    c->cr0 = v | CR0_ET;
    cpu_mode_changed(c);
    if (flushes)
        note(c, NOTE_TLB_FLUSH, c->cr0);
    tell_control(c, 0, c->cr0);
}

static void write_cr3(struct cpu *c, uint32_t v)
{
    cpu_load_cr3(c, v);
    note(c, NOTE_CR3_LOAD, c->cr3);
    tell_control(c, 3, c->cr3);
}

static void write_cr4(struct cpu *c, uint32_t v)
{
    if (v & ~c->identity->cr4_writable)
        cpu_raise_code(c, EXC_GP, 0);
    bool flushes = (v ^ c->cr4) & (CR4_PSE | CR4_PAE | CR4_PGE);
    bool pointers = (v ^ c->cr4) & v & CR4_PAE && c->cr0 & CR0_PG;
    if (pointers && !mmu_load_pointers(c->mmu, c->cr3))
        cpu_raise_code(c, EXC_GP, 0);
    c->cr4 = v;
    cpu_extensions_changed(c);
    cpu_mode_changed(c);
    if (flushes)
        note(c, NOTE_TLB_FLUSH, v);
    tell_control(c, 4, v);
}

static void mov_to_cr0(struct cpu *c, const struct op *o) { write_cr0(c, c->r[o->rm]); }
static void mov_to_cr2(struct cpu *c, const struct op *o) { c->cr2 = c->r[o->rm]; }
static void mov_to_cr3(struct cpu *c, const struct op *o) { write_cr3(c, c->r[o->rm]); }
static void mov_to_cr4(struct cpu *c, const struct op *o) { write_cr4(c, c->r[o->rm]); }
static void mov_from_cr0(struct cpu *c, const struct op *o) { c->r[o->rm] = c->cr0; }
static void mov_from_cr2(struct cpu *c, const struct op *o) { c->r[o->rm] = c->cr2; }
static void mov_from_cr3(struct cpu *c, const struct op *o) { c->r[o->rm] = c->cr3; }
static void mov_from_cr4(struct cpu *c, const struct op *o) { c->r[o->rm] = c->cr4; }
static void mov_from_dr(struct cpu *c, const struct op *o) { c->r[o->rm] = debug_read(c, o->reg); }
static void mov_to_dr(struct cpu *c, const struct op *o) { debug_write(c, o->reg, c->r[o->rm]); }

/* PE can be set this way, never cleared. */
static ALWAYS_INLINE void lmsw(struct cpu *c, const struct op *o, int w, bool mem)
{
    (void)w;
    uint32_t v = e_read(c, o, 2, mem) & 0xF;
    write_cr0(c, (c->cr0 & ~0xEu) | v);
}

BODIES_V(lmsw)

static void clts(struct cpu *c, const struct op *o)
{
    (void)o;
    c->cr0 &= ~(uint32_t)CR0_TS;
    tell_control(c, 0, c->cr0);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* The segment's base counts, its limit does not. */
static void invlpg(struct cpu *c, const struct op *o)
{
    laddr_t la = c->seg[o->seg].base + effective_address(c, o);
    mmu_invalidate_page(c->mmu, la);
    note(c, NOTE_TLB_DROP, la);
}

static void invd(struct cpu *c, const struct op *o)
{
    (void)o;
    mmu_invalidate_caches(c->mmu, false);
    note(c, NOTE_CACHE_FLUSH, 0);
}

static void wbinvd(struct cpu *c, const struct op *o)
{
    (void)o;
    mmu_invalidate_caches(c->mmu, true);
    note(c, NOTE_CACHE_FLUSH, 1);
}

static void hlt(struct cpu *c, const struct op *o)
{
    (void)o;
    c->halted = true;
    c->stop_block = true;
}

/* The leaf with this number. On Intel's parts one that does not exist gives the last basic one's
 * values [SDM2 CPUID], on AMD's zeros. */
static struct cpuid_leaf cpuid_leaf(const struct identity *id, uint32_t number)
{
    struct cpuid_leaf last = {0};
    for (unsigned i = 0; i < id->leaf_count; i++) {
        if (id->leaves[i].number == number)
            return id->leaves[i];
        if (!id->amd && id->leaves[i].number < 0x80000000u)
            last = id->leaves[i];
    }
    return last;
}

/* The flags of leaf 1 and of AMD's leaf 80000001h, in EDX, that stand for a feature. */
static const uint8_t basic_flag[32] = {
    [6] = FEATURE_PAE, [11] = FEATURE_SEP, [12] = FEATURE_MTRR, [13] = FEATURE_PGE,
    [14] = FEATURE_MCA, [15] = FEATURE_CMOV, [16] = FEATURE_PAT, [17] = FEATURE_PSE36,
    [19] = FEATURE_CLFLUSH, [23] = FEATURE_MMX, [24] = FEATURE_FXSR, [25] = FEATURE_SSE,
    [26] = FEATURE_SSE2,
};
static const uint8_t extended_flag[32] = {
    [6] = FEATURE_PAE, [11] = FEATURE_SYSCALL, [12] = FEATURE_MTRR, [13] = FEATURE_PGE,
    [14] = FEATURE_MCA, [15] = FEATURE_CMOV, [16] = FEATURE_PAT, [17] = FEATURE_PSE36,
    [20] = FEATURE_NX, [22] = FEATURE_MMX_EXT, [23] = FEATURE_MMX, [24] = FEATURE_FXSR,
    [25] = FEATURE_FAST_FXSR, [30] = FEATURE_3DNOW_EXT, [31] = FEATURE_3DNOW,
};

static uint32_t supported(const struct identity *id, uint32_t flags, const uint8_t *features)
{
    for (unsigned bit = 0; bit < 32; bit++)
        if (features[bit] != FEATURE_BASE && !(id->features >> features[bit] & 1))
            flags &= ~(1u << bit);
    return flags;
}

/* Tells of the local APIC while APIC_BASE enables it; the leaves of a part leave it out. */
#define FLAG_APIC (1u << 9)

static bool leaf_has_flags(const struct cpuid_leaf *leaf)
{
    return leaf->number == 1 || leaf->number == 0x80000001;
}

/* A flag tells of what is there. */
static void leave_out_absent(const struct identity *id, struct cpuid_leaf *leaf)
{
    if (leaf->number == 1) {
        leaf->edx = supported(id, leaf->edx, basic_flag);
        if (!(id->features >> FEATURE_SSE3 & 1))
            leaf->ecx &= ~1u;
    } else if (leaf->number == 0x80000001) {
        leaf->edx = supported(id, leaf->edx, extended_flag);
    }
}

static void cpuid(struct cpu *c, const struct op *o)
{
    (void)o;
    struct cpuid_leaf leaf = cpuid_leaf(c->identity, c->r[EAX]);
    leave_out_absent(c->identity, &leaf);
    if (c->apic_base_written && c->msrs.apic_base & APIC_BASE_ENABLE && leaf_has_flags(&leaf))
        leaf.edx |= FLAG_APIC;
    c->r[EAX] = leaf.eax;
    c->r[EBX] = leaf.ebx;
    c->r[ECX] = leaf.ecx;
    c->r[EDX] = leaf.edx;
}

static void set_edx_eax(struct cpu *c, uint64_t v)
{
    c->r[EAX] = (uint32_t)v;
    c->r[EDX] = (uint32_t)(v >> 32);
}

static void rdtsc(struct cpu *c, const struct op *o)
{
    (void)o;
    if (c->cr4 & CR4_TSD && c->cpl != 0)
        cpu_raise_code(c, EXC_GP, 0);
    set_edx_eax(c, c->clock->now + c->tsc_offset);
}

static void rdmsr(struct cpu *c, const struct op *o)
{
    (void)o;
    set_edx_eax(c, msr_read(c, c->r[ECX]));
}

static void wrmsr(struct cpu *c, const struct op *o)
{
    (void)o;
    msr_write(c, c->r[ECX], (uint64_t)c->r[EDX] << 32 | c->r[EAX]);
}

static void rdpmc(struct cpu *c, const struct op *o)
{
    (void)o;
    if ((c->cpl != 0 && !(c->cr4 & CR4_PCE)) || c->r[ECX] >= msr_counters(c))
        cpu_raise_code(c, EXC_GP, 0);
    set_edx_eax(c, msr_counter(c, c->r[ECX]));
}

/* No part here ever is in system management mode. */
static void rsm(struct cpu *c, const struct op *o)
{
    (void)o;
    cpu_raise(c, EXC_UD);
}

/* Columns: code, name, operands, bodies, flags read, written, undefined, attributes, feature,
 * implied uses and sets, timing class. */
#define CR(code, operands, body, attributes, timing)                                               \
    {code, "MOV", operands, ANYFORM(body), 0, 0, F_ARITH, A_CPL0 | A_DEST_WRITE | (attributes), 0, \
     0, 0, timing}

static const struct row rows[] = {
    {"0F 00 /0", "SLDT", "Ew", VFORM(sldt), 0, 0, 0, A_NO_REAL | A_DEST_WRITE, 0, 0, 0, "sldt"},
    {"0F 00 /1", "STR", "Ew", VFORM(str), 0, 0, 0, A_NO_REAL | A_DEST_WRITE, 0, 0, 0, "sldt"},
    {"0F 00 /2", "LLDT", "Ew", VFORM(lldt), 0, 0, 0, A_NO_REAL | A_CPL0 | A_DEST_READ, 0, 0, 0,
     "lldt"},
    {"0F 00 /3", "LTR", "Ew", VFORM(ltr), 0, 0, 0, A_NO_REAL | A_CPL0 | A_DEST_READ, 0, 0, 0,
     "ltr"},
    {"0F 00 /4", "VERR", "Ew", VFORM(verr), 0, F_ZF, 0, A_NO_REAL | A_DEST_READ, 0, 0, 0, "verr"},
    {"0F 00 /5", "VERW", "Ew", VFORM(verw), 0, F_ZF, 0, A_NO_REAL | A_DEST_READ, 0, 0, 0, "verr"},
    {"0F 02 /r", "LAR", "Gv,Ew", VFORM(lar), 0, F_ZF, 0, A_NO_REAL, 0, 0, 0, "lar"},
    {"0F 03 /r", "LSL", "Gv,Ew", VFORM(lsl), 0, F_ZF, 0, A_NO_REAL, 0, 0, 0, "lar"},
    {"63 /r", "ARPL", "Ew,Gw", VFORM(arpl), 0, F_ZF, 0, A_NO_REAL, 0, 0, 0, "arpl"},

    {"0F 01 /0", "SGDT", "Mp", MEMFORM(sgdt), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "sgdt"},
    {"0F 01 /1", "SIDT", "Mp", MEMFORM(sidt), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "sgdt"},
    {"0F 01 /2", "LGDT", "Mp", MEMFORM(lgdt), 0, 0, 0, A_CPL0 | A_DEST_READ, 0, 0, 0, "lgdt"},
    {"0F 01 /3", "LIDT", "Mp", MEMFORM(lidt), 0, 0, 0, A_CPL0 | A_DEST_READ, 0, 0, 0, "lgdt"},
    {"0F 01 /4", "SMSW", "Ew", VFORM(smsw), 0, 0, 0, A_DEST_WRITE, 0, 0, 0, "smsw"},
    {"0F 01 /6", "LMSW", "Ew", VFORM(lmsw), 0, 0, 0, A_CPL0 | A_DEST_READ | A_END, 0, 0, 0,
     "lmsw"},
    {"0F 01 /7", "INVLPG", "Mb", MEMFORM(invlpg), 0, 0, 0, A_CPL0 | A_DEST_READ | A_END, 0, 0, 0,
     "invlpg"},
    {"0F 06", "CLTS", "", ANYFORM(clts), 0, 0, 0, A_CPL0, 0, 0, 0, "clts"},
    {"0F 08", "INVD", "", ANYFORM(invd), 0, 0, 0, A_CPL0 | A_END, 0, 0, 0, "invd"},
    {"0F 09", "WBINVD", "", ANYFORM(wbinvd), 0, 0, 0, A_CPL0 | A_END, 0, 0, 0, "wbinvd"},

    CR("0F 20 /0", "Rd,Cd", mov_from_cr0, 0, "mov_from_cr"),
    CR("0F 20 /2", "Rd,Cd", mov_from_cr2, 0, "mov_from_cr"),
    CR("0F 20 /3", "Rd,Cd", mov_from_cr3, 0, "mov_from_cr"),
    CR("0F 20 /4", "Rd,Cd", mov_from_cr4, 0, "mov_from_cr"),
    CR("0F 22 /0", "Cd,Rd", mov_to_cr0, A_END, "mov_cr0"),
    CR("0F 22 /2", "Cd,Rd", mov_to_cr2, 0, "mov_cr2"),
    CR("0F 22 /3", "Cd,Rd", mov_to_cr3, A_END, "mov_cr3"),
    CR("0F 22 /4", "Cd,Rd", mov_to_cr4, A_END, "mov_cr4"),
    CR("0F 21 /r", "Rd,Dd", mov_from_dr, 0, "mov_from_dr"),
    CR("0F 23 /r", "Dd,Rd", mov_to_dr, A_END, "mov_dr"),

    {"F4", "HLT", "", ANYFORM(hlt), 0, 0, 0, A_CPL0 | A_ALONE, 0, 0, 0, "hlt"},
    {"0F A2", "CPUID", "", ANYFORM(cpuid), 0, 0, 0, A_ALONE, 0, RM_EAX,
     RM_EAX | RM_EBX | RM_ECX | RM_EDX, "cpuid"},
    {"0F 30", "WRMSR", "", ANYFORM(wrmsr), 0, 0, 0, A_CPL0 | A_ALONE, 0,
     RM_EAX | RM_ECX | RM_EDX, 0, "wrmsr"},
    {"0F 31", "RDTSC", "", ANYFORM(rdtsc), 0, 0, 0, A_ALONE, 0, 0, RM_EAX | RM_EDX, "rdtsc"},
    {"0F 32", "RDMSR", "", ANYFORM(rdmsr), 0, 0, 0, A_CPL0 | A_ALONE, 0, RM_ECX, RM_EAX | RM_EDX,
     "rdmsr"},
    {"0F 33", "RDPMC", "", ANYFORM(rdpmc), 0, 0, 0, A_ALONE, FEATURE_RDPMC, RM_ECX,
     RM_EAX | RM_EDX, "rdpmc"},
    {"0F AA", "RSM", "", ANYFORM(rsm), 0, 0, 0, A_END, 0, 0, 0, "ud"},
};

const struct row_family family_system = {rows, ARRAY_COUNT(rows)};
