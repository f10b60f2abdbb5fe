#include "cpu/descriptor.h"

/* Microcode reads a descriptor in one 64-bit access, as supervisor whatever the CPL. */
static uint64_t read_eight(struct cpu *c, laddr_t la)
{
    uint64_t v = 0;
    if (mmu_access(c->mmu, la, 8, ACCESS_READ, false, ACCESS_SYSTEM, &v) != MMU_OK)
        cpu_raise_page_fault(c);
    return v;
}

bool descriptor_read(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    bool local = selector & 4;
    if (local && !c->ldtr.valid)
        return false;
    uint32_t limit = local ? c->ldtr.limit : c->gdt_limit;
    uint32_t offset = selector & 0xFFF8u;
    if (offset + 7 > limit)
        return false;
    d->la = (local ? c->ldtr.base : c->gdt_base) + offset;
    uint64_t v = read_eight(c, d->la);
    d->lo = (uint32_t)v;
    d->hi = (uint32_t)(v >> 32);
    return true;
}

void descriptor_need(struct cpu *c, uint16_t selector, struct descriptor *d, unsigned vector)
{
    if (!descriptor_read(c, selector, d))
        cpu_raise_code(c, vector, selector_code(selector));
}

/* Replaces the bits of mask in the high doubleword, keeping LOCK# through the update [SDM3
 * 8.1.2.1]. */
static void update_high(struct cpu *c, struct descriptor *d, uint32_t mask, uint32_t bits)
{
    struct mmu *m = c->mmu;
    uint64_t v = 0;
    bool locked = m->locked;
    m->locked = true;
    enum mmu_status status = mmu_access(m, d->la + 4, 4, ACCESS_RMW, false, ACCESS_SYSTEM, &v);
    if (status == MMU_OK) {
        d->hi = ((uint32_t)v & ~mask) | bits;
        mmu_rmw_commit(m, 4, d->hi);
    }
    m->locked = locked;
    if (status != MMU_OK)
        cpu_raise_page_fault(c);
}

void descriptor_mark_accessed(struct cpu *c, struct descriptor *d)
{
    if (!(d->hi >> 8 & 1))
        update_high(c, d, 1u << 8, 1u << 8);
}

void descriptor_mark_busy(struct cpu *c, struct descriptor *d, bool busy)
{
    update_high(c, d, TYPE_BUSY << 8, busy ? TYPE_BUSY << 8 : 0);
}

void descriptor_to_segment(const struct descriptor *d, uint16_t selector, struct segment *s,
                           bool is_code)
{
    s->selector = selector;
    s->base = descriptor_base(d);
    s->limit = descriptor_limit(d);
    s->access = (uint8_t)(d->hi >> 8);
    s->flags = d->hi >> 16 & 0xF0;
    s->valid = true;
    segment_refresh(s, is_code);
}
