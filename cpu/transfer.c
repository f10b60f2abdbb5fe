#include "cpu/transfer.h"

#include "cpu/debug.h"
#include "cpu/mem.h"
#include "sim/core/check.h"

/* Whether size bytes at off lie inside the segment, expand-down included. */
static bool holds(const struct segment *s, uint32_t off, uint32_t size)
{
    uint64_t last = (uint64_t)off + size - 1;
    if (!s->valid)
        return false;
    if ((s->access & 0x1C) != 0x14)
        return last <= s->limit;
    return off > s->limit && last <= (s->flags & 0x40 ? 0xFFFFFFFFu : 0xFFFFu);
}

static bool must_align(const struct cpu *c, const struct frame *f)
{
    return f->user && (c->cr0 & CR0_AM) && (c->eflags & F_AC);
}

/* A page fault here is not the last word, but it has dropped what the TLBs held. */
static bool probe(struct cpu *c, laddr_t la, uint32_t size, bool user)
{
    bool good = mmu_probe(c->mmu, la, size, true, user) == MMU_OK;
    if (!good)
        note(c, NOTE_PAGE_FAULT, c->mmu->fault_la);
    return good;
}

/* One contiguous piece of a frame. */
static bool piece_is_good(struct cpu *c, const struct frame *f, const struct segment *ss,
                          uint32_t off, uint32_t size)
{
    laddr_t la = ss->base + off;
    return holds(ss, off, size) && !(must_align(c, f) && la & (f->width - 1)) &&
           probe(c, la, size, f->user);
}

static void check_piece(struct cpu *c, const struct frame *f, const struct segment *ss,
                        uint32_t off, uint32_t size, uint32_t code)
{
    if (!holds(ss, off, size))
        cpu_raise_code(c, EXC_SS, code);
    laddr_t la = ss->base + off;
    if (must_align(c, f) && la & (f->width - 1))
        cpu_raise_code(c, EXC_AC, 0);
    if (mmu_probe(c->mmu, la, size, true, f->user) != MMU_OK)
        cpu_raise_page_fault(c);
}

void frame_open(struct cpu *c, struct frame *f, const struct segment *ss, uint32_t esp,
                unsigned cpl, unsigned width, unsigned count, uint32_t code)
{
    uint32_t size = width * count;
    f->base = ss->base;
    f->esp = esp;
    f->mask = ss->flags & 0x40 ? 0xFFFFFFFFu : 0xFFFFu;
    f->width = width;
    f->user = cpl == 3;
    uint32_t start = (esp - size) & f->mask;
    if ((uint64_t)start + size - 1 <= f->mask && piece_is_good(c, f, ss, start, size))
        return;
    /* Push by push: the frame wraps around the end of the stack's address range, or it is bad and
     * the first push that fails says how. */
    for (unsigned i = 1; i <= count; i++)
        check_piece(c, f, ss, (esp - i * width) & f->mask, width, code);
}

void frame_push(struct cpu *c, struct frame *f, uint32_t value)
{
    uint32_t off = (f->esp - f->width) & f->mask;
    uint64_t v = f->width == 2 ? (uint16_t)value : value;
    laddr_t la = f->base + off;
    if (UNLIKELY(debug_watches(c)))
        debug_data(c, la, f->width, true);
    enum mmu_status status =
        mmu_access(c->mmu, la, f->width, ACCESS_WRITE, f->user, ACCESS_SYSTEM, &v);
    CHECK(status == MMU_OK);
    f->esp = (f->esp & ~f->mask) | off;
}

void transfer_inner_stack(struct cpu *c, unsigned level, struct inner_stack *s)
{
    bool wide = c->tr.access & TYPE_32;
    uint32_t off = wide ? 4 + 8 * level : 2 + 4 * level;
    if (off + (wide ? 5 : 3) > c->tr.limit)
        cpu_raise_code(c, EXC_TS, selector_code(c->tr.selector));
    s->esp = system_read(c, c->tr.base + off, wide ? 4 : 2);
    uint16_t selector = (uint16_t)system_read(c, c->tr.base + off + (wide ? 4 : 2), 2);
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_TS, 0);
    descriptor_need(c, selector, &s->descriptor, EXC_TS);
    if ((selector & 3u) != level || descriptor_dpl(&s->descriptor) != level ||
        !descriptor_is_writable(&s->descriptor))
        cpu_raise_code(c, EXC_TS, code);
    if (!descriptor_present(&s->descriptor))
        cpu_raise_code(c, EXC_SS, code);
    descriptor_to_segment(&s->descriptor, selector, &s->ss, false);
}

void transfer_need_code_for_return(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    unsigned rpl = selector & 3;
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, d, EXC_GP);
    if (!descriptor_is_code(d) || rpl < c->cpl)
        cpu_raise_code(c, EXC_GP, code);
    if (descriptor_is_conforming(d) ? descriptor_dpl(d) > rpl : descriptor_dpl(d) != rpl)
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, EXC_NP, code);
}

void transfer_need_outer_stack(struct cpu *c, uint16_t selector, unsigned cpl, unsigned missing,
                               struct descriptor *d)
{
    uint32_t code = selector_code(selector);
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, d, EXC_GP);
    if ((selector & 3u) != cpl || descriptor_dpl(d) != cpl || !descriptor_is_writable(d))
        cpu_raise_code(c, EXC_GP, code);
    if (!descriptor_present(d))
        cpu_raise_code(c, missing, code);
}

void transfer_check_offset(struct cpu *c, const struct code_target *t)
{
    if (t->offset > descriptor_limit(&t->descriptor))
        cpu_raise_code(c, EXC_GP, 0);
}

void transfer_commit(struct cpu *c, const struct code_target *t, unsigned cpl)
{
    descriptor_to_segment(&t->descriptor, t->selector, &c->seg[CS], true);
    c->eip = t->offset;
    c->branched = true;
    cpu_set_cpl(c, cpl); /* even if unchanged: CS.D is part of the mode */
}

void transfer_drop_segments(struct cpu *c)
{
    static const uint8_t data[] = {ES, DS, FS, GS};
    for (unsigned i = 0; i < ARRAY_COUNT(data); i++) {
        struct segment *s = &c->seg[data[i]];
        bool conforming = (s->access & 0x1C) == 0x1C;
        if (s->valid && !conforming && (s->access >> 5 & 3u) < c->cpl)
            *s = (struct segment){0};
    }
}

void transfer_account(struct cpu *c, unsigned old_cpl, uint32_t path)
{
    if (old_cpl == 0 && c->cpl > 0)
        c->path_after = PATH_USER;
    else if (old_cpl > 0 && c->cpl == 0)
        ledger_enter(c->ledger, path);
}

uint32_t transfer_peek(struct cpu *c, uint32_t offset, unsigned width)
{
    return (uint32_t)mem_read(c, SS, (c->r[ESP] + offset) & stack_mask(c), width);
}

/* IF only where CPL <= IOPL, IOPL only at CPL 0; VM never here. A 16-bit return leaves the upper
 * half alone. [SDM2 IRET] */
uint32_t transfer_flags_mask(const struct cpu *c, unsigned width)
{
    uint32_t mask = F_ARITH | F_TF | F_DF | F_NT;
    if (width == 4)
        mask |= F_RF | F_AC | F_ID;
    if (c->cpl <= (c->eflags >> 12 & 3))
        mask |= F_IF;
    if (c->cpl == 0)
        mask |= F_IOPL | (width == 4 ? F_VIF | F_VIP : 0);
    return mask;
}
