/* mem: the slow paths behind cpu/mem.h. */
#include "cpu/mem.h"

#include "cpu/debug.h"

/* #AC for a user access that is not naturally aligned, where the guest asked for it. */
static void alignment_check(struct cpu *c, laddr_t la, unsigned size)
{
    if (c->cpl == 3 && (c->eflags & F_AC) && (c->cr0 & CR0_AM) && (la & (size - 1)))
        cpu_raise_code(c, EXC_AC, 0);
}

static uint64_t access(struct cpu *c, laddr_t la, unsigned size, enum access_kind kind,
                       uint64_t value)
{
    alignment_check(c, la, size);
    if (mmu_access(c->mmu, la, size, kind, c->cpl == 3, 0, &value) != MMU_OK)
        cpu_raise_page_fault(c);
    if (UNLIKELY(debug_watches(c)))
        debug_data(c, la, size, kind != ACCESS_READ);
    return value;
}

uint64_t mem_read_slow(struct cpu *c, laddr_t la, unsigned size)
{
    return access(c, la, size, ACCESS_READ, 0);
}

void mem_write_slow(struct cpu *c, laddr_t la, unsigned size, uint64_t value)
{
    access(c, la, size, ACCESS_WRITE, value);
}

uint64_t mem_rmw_slow(struct cpu *c, laddr_t la, unsigned size)
{
    c->rmw_host = NULL;
    c->mmu->locked |= (c->op->flags & OP_LOCK) != 0;
    return access(c, la, size, ACCESS_RMW, 0);
}

void mem_probe_write(struct cpu *c, laddr_t la, unsigned size)
{
    alignment_check(c, la, size);
    if (mmu_probe(c->mmu, la, size, true, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
}

uint32_t system_read(struct cpu *c, laddr_t la, unsigned size)
{
    uint64_t value = 0;
    if (mmu_access(c->mmu, la, size, ACCESS_READ, false, ACCESS_SYSTEM, &value) != MMU_OK)
        cpu_raise_page_fault(c);
    return (uint32_t)value;
}

void system_write(struct cpu *c, laddr_t la, unsigned size, uint32_t value)
{
    uint64_t wide = value;
    if (mmu_access(c->mmu, la, size, ACCESS_WRITE, false, ACCESS_SYSTEM, &wide) != MMU_OK)
        cpu_raise_page_fault(c);
}

/* Whether offsets first..last lie inside the segment's limit, for expand-up and expand-down. */
static bool inside(const struct segment *s, uint32_t first, uint32_t last)
{
    bool expand_down = (s->access & 0x1C) == 0x14;
    if (last < first)
        return false;
    if (!expand_down)
        return last <= s->limit;
    uint32_t top = s->flags & 0x40 ? 0xFFFFFFFFu : 0xFFFFu;
    return first > s->limit && last <= top;
}

static bool may(const struct cpu *c, const struct segment *s, bool write)
{
    if (!c->protected_mode)
        return true;
    if (!s->valid)
        return false;
    bool code = s->access & 8, bit = s->access & 2; /* readable code, writable data */
    return write ? !code && bit : !code || bit;
}

NORETURN static void refuse(struct cpu *c, unsigned seg)
{
    cpu_raise_code(c, seg == SS ? EXC_SS : EXC_GP, 0);
}

void segment_check_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size, bool write)
{
    const struct segment *s = &c->seg[seg];
    if (!may(c, s, write) || !inside(s, off, off + size - 1))
        refuse(c, seg);
}

laddr_t segment_linear_flush(struct cpu *c, unsigned seg, uint32_t off)
{
    const struct segment *s = &c->seg[seg];
    if ((c->protected_mode && !s->valid) || !inside(s, off, off))
        refuse(c, seg);
    return s->base + off;
}
