/* msr_table: the registers of parts that list theirs in rows (cpu/msrs.h), and what writing them
 * does. */
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/note.h"
#include "sim/core/check.h"

#define COUNTER_48 0xFFFFFFFFFFFFull

static uint64_t *value_of(struct cpu *c, const struct msr_row *r)
{
    return (uint64_t *)(void *)((char *)&c->msrs + r->offset);
}

/* NULL: the part has no such register. */
static const struct msr_row *find(const struct cpu *c, uint32_t number)
{
    const struct msr_table *t = c->identity->msrs;
    unsigned low = 0, high = t->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (t->rows[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->count && t->rows[low].number == number ? &t->rows[low] : NULL;
}

/* --- memory types ----------------------------------------------------------------------------- */

static bool is_range_type(uint64_t type)
{
    return type == TYPE_UC || type == TYPE_WC || (type >= TYPE_WT && type <= TYPE_WB);
}

static bool all_types(uint64_t value, bool pat)
{
    for (unsigned i = 0; i < 8; i++, value >>= 8)
        if (!is_range_type(value & 0xFF) && !(pat && (value & 0xFF) == TYPE_UC_MINUS))
            return false;
    return true;
}

/* The mask's bits above the part's physical address count for nothing: no address has any. */
static void ranges_of(const struct msrs *m, struct memory_types *t)
{
    for (unsigned i = 0; i < VARIABLE_RANGES; i++) {
        if (!(m->mtrr_mask[i] & MTRR_VALID))
            continue;
        t->range[i].base = m->mtrr_base[i] >> 12;
        t->range[i].mask = m->mtrr_mask[i] >> 12;
        t->range[i].type = m->mtrr_base[i] & 0xFF;
    }
}

void msr_tell_types(struct cpu *c)
{
    const struct msrs *m = &c->msrs;
    if (!c->identity->msrs)
        return;
    struct memory_types t = {.present = true,
                             .on = m->mtrr_default & MTRR_DEFAULT_ON,
                             .fixed_on = m->mtrr_default & MTRR_DEFAULT_FIXED,
                             .otherwise = m->mtrr_default & 0xFF};
    for (unsigned i = 0; i < FIXED_RANGES; i++)
        t.fixed[i] = m->mtrr_fixed[i / 8] >> i % 8 * 8 & 0xFF;
    for (unsigned i = 0; i < 8; i++)
        t.pat[i] = m->pat >> i * 8 & 0xFF;
    ranges_of(m, &t);
    mmu_set_types(c->mmu, &t);
}

/* --- performance counters --------------------------------------------------------------------- */

uint64_t msr_table_counter(const struct cpu *c, unsigned index)
{
    uint64_t events = c->read_counter ? c->read_counter(c->counter_owner, index) : 0;
    return (c->msrs.counter[index] + events) & COUNTER_48;
}

static void counter_write(struct cpu *c, unsigned index, uint64_t value)
{
    c->msrs.counter[index] = value & COUNTER_48;
    if (c->counter_changed)
        c->counter_changed(c->counter_owner, index);
}

/* What was counted so far under the old selection becomes the base of the new one. */
static void select_write(struct cpu *c, unsigned index, uint64_t value)
{
    uint64_t base = msr_table_counter(c, index);
    c->msrs.select[index] = value;
    counter_write(c, index, base);
}

/* --- reading and writing ---------------------------------------------------------------------- */

uint64_t msr_table_read(struct cpu *c, uint32_t number)
{
    const struct msr_row *r = find(c, number);
    if (!r)
        cpu_raise_code(c, EXC_GP, 0);
    switch (r->kind) {
    case MSR_CLOCK:
        return c->clock->now + c->tsc_offset;
    case MSR_COUNTER:
        return msr_table_counter(c, (unsigned)(value_of(c, r) - c->msrs.counter));
    default:
        return *value_of(c, r);
    }
}

/* Whether the value may be written at all. */
static bool allowed(const struct msr_row *r, uint64_t value)
{
    if (r->kind == MSR_READ_ONLY || value & ~r->writable)
        return false;
    switch (r->kind) {
    case MSR_STATUS:
        return value == 0;
    case MSR_MTRR_BASE: case MSR_MTRR_DEFAULT:
        return is_range_type(value & 0xFF);
    case MSR_MTRR_FIXED: case MSR_PAT:
        return all_types(value, r->kind == MSR_PAT);
    default:
        return true;
    }
}

static void put(struct cpu *c, const struct msr_row *r, uint64_t value)
{
    uint64_t *at = value_of(c, r);
    bool flushes = false; /* the TLBs */
    switch (r->kind) {
    case MSR_CLOCK:
        c->tsc_offset = value - c->clock->now;
        break;
    case MSR_SELECT:
        select_write(c, (unsigned)(at - c->msrs.select), value);
        break;
    case MSR_COUNTER:
        counter_write(c, (unsigned)(at - c->msrs.counter), value);
        break;
    case MSR_PAGING:
        flushes = (*at ^ value) & EFER_NXE && c->cr4 & CR4_PAE;
        *at = value;
        cpu_extensions_changed(c);
        break;
    case MSR_MTRR_BASE: case MSR_MTRR_MASK: case MSR_MTRR_FIXED: case MSR_MTRR_DEFAULT:
    case MSR_PAT:
        *at = value;
        msr_tell_types(c);
        flushes = true;
        break;
    case MSR_APIC:
        *at = value;
        if (c->apic_base_written)
            c->apic_base_written(c->apic_base_owner, value);
        break;
    case MSR_HARDWARE:
        *at = value;
        mmu_set_flush_filter(c->mmu, !(value & HWCR_FFDIS));
        flushes = true;
        break;
    default:
        *at = value;
    }
    if (flushes)
        note(c, NOTE_TLB_FLUSH, (uint32_t)value);
}

void msr_table_write(struct cpu *c, uint32_t number, uint64_t value)
{
    const struct msr_row *r = find(c, number);
    if (!r || !allowed(r, value))
        cpu_raise_code(c, EXC_GP, 0);
    if (r->kind == MSR_APIC && value & APIC_BASE_ENABLE && !c->apic_base_written)
        unimplemented("the local APIC was enabled (APIC_BASE = %08x); --set apic=1 has one",
                      (uint32_t)value);
    if (r->kind == MSR_DEBUG && value & 3)
        unimplemented("branch tracing: DEBUG_CTL = %08x", (uint32_t)value);
    put(c, r, value);
}

void msr_table_reset(struct cpu *c)
{
    const struct msr_table *t = c->identity->msrs;
    for (unsigned i = 0; i < t->count; i++)
        if (t->rows[i].kind != MSR_CLOCK)
            *value_of(c, &t->rows[i]) = t->rows[i].reset;
    for (unsigned i = 0; i < MSR_COUNTERS; i++)
        counter_write(c, i, 0);
    mmu_set_flush_filter(c->mmu, true);
    msr_tell_types(c);
}

void msr_table_snapshot(struct cpu *c, struct snap *s)
{
    const struct msr_table *t = c->identity->msrs;
    snap_enter(s, "msrs");
    for (unsigned i = 0; i < t->count; i++)
        if (t->rows[i].kind != MSR_CLOCK)
            snap_u64(s, t->rows[i].name, value_of(c, &t->rows[i]));
    snap_leave(s);
}

/* --- what a BIOS leaves ----------------------------------------------------------------------- */

/* Memory as the fewest naturally aligned ranges, the largest first; what they cannot hold stays
 * uncached. */
static void cover_memory(struct cpu *c, uint64_t ram_bytes)
{
    struct msrs *m = &c->msrs;
    uint64_t at = 0;
    for (unsigned i = 0; i < VARIABLE_RANGES && at < ram_bytes; i++) {
        uint64_t size = 1ull << (63 - __builtin_clzll(ram_bytes - at));
        m->mtrr_base[i] = at | TYPE_WB;
        m->mtrr_mask[i] = (c->identity->physical_mask & ~(size - 1)) | MTRR_VALID;
        at += size;
    }
}

void msr_firmware_done(struct cpu *c, uint64_t ram_bytes)
{
    struct msrs *m = &c->msrs;
    if (!c->identity->msrs)
        return;
    cover_memory(c, ram_bytes);
    uint64_t back = 0x0606060606060606ull, protect = 0x0505050505050505ull;
    m->mtrr_fixed[0] = m->mtrr_fixed[1] = back; /* 640 KB */
    m->mtrr_fixed[2] = 0;                       /* 128 KB of screen */
    for (unsigned i = 3; i < 11; i++)
        m->mtrr_fixed[i] = protect;
    m->mtrr_default = MTRR_DEFAULT_ON | MTRR_DEFAULT_FIXED | TYPE_UC;
    m->syscfg = 1u << 20 | 1u << 18; /* MtrrVarDramEn, MtrrFixDramEn */
    m->top_mem = ram_bytes & ~0x7FFFFFull;
    msr_tell_types(c);
}
