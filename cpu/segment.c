#include "cpu/descriptor.h"
#include "cpu/mem.h"

/* The plain case is a present, expand-up, writable data segment: an access inside the limit needs
 * no other check. A code segment cannot be written, so that an access through it (a CS override) is
 * always checked; fetches compare with limit itself. Real and V86 mode give CS a data segment's
 * access byte, as the processor does, and are plain for it, too. */
void segment_refresh(struct segment *s, bool is_code)
{
    (void)is_code;
    bool plain = s->valid && (s->access & 0x9E) == 0x92;
    s->fast_limit = plain ? s->limit : 0;
}

/* Real mode changes the base alone: a limit loaded in protected mode stays in force ("unreal
 * mode"). V86 mode forces the limit and rights of a real-mode segment at privilege 3. [SDM3 9.9,
 * 20.1] */
void segment_load_real(struct cpu *c, unsigned seg, uint16_t selector)
{
    struct segment *s = &c->seg[seg];
    s->selector = selector;
    s->base = (uint32_t)selector << 4;
    s->valid = true;
    s->access = 0x93;
    if (c->eflags & F_VM) {
        s->access = 0xF3;
        s->limit = 0xFFFF;
        s->flags = 0;
    }
    segment_refresh(s, seg == CS);
}

static void load_stack(struct cpu *c, uint16_t selector)
{
    struct descriptor d;
    if (selector_is_null(selector))
        cpu_raise_code(c, EXC_GP, 0);
    descriptor_need(c, selector, &d, EXC_GP);
    if ((selector & 3u) != c->cpl || descriptor_dpl(&d) != c->cpl || !descriptor_is_writable(&d))
        cpu_raise_code(c, EXC_GP, selector_code(selector));
    if (!descriptor_present(&d))
        cpu_raise_code(c, EXC_SS, selector_code(selector));
    descriptor_mark_accessed(c, &d);
    descriptor_to_segment(&d, selector, &c->seg[SS], false);
}

static void load_data(struct cpu *c, unsigned seg, uint16_t selector)
{
    struct descriptor d;
    if (selector_is_null(selector)) {
        c->seg[seg] = (struct segment){.selector = selector};
        return;
    }
    descriptor_need(c, selector, &d, EXC_GP);
    unsigned dpl = descriptor_dpl(&d);
    bool outside = (selector & 3u) > dpl || c->cpl > dpl;
    if (!descriptor_is_readable(&d) || (outside && !descriptor_is_conforming(&d)))
        cpu_raise_code(c, EXC_GP, selector_code(selector));
    if (!descriptor_present(&d))
        cpu_raise_code(c, EXC_NP, selector_code(selector));
    descriptor_mark_accessed(c, &d);
    descriptor_to_segment(&d, selector, &c->seg[seg], false);
}

void segment_load(struct cpu *c, unsigned seg, uint16_t selector)
{
    if (!c->protected_mode) {
        segment_load_real(c, seg, selector);
        note(c, NOTE_SEGMENT_REAL, selector);
        return;
    }
    bool same = selector_is_null(selector) || selector == c->seg[seg].selector;
    if (seg == SS)
        load_stack(c, selector);
    else
        load_data(c, seg, selector);
    note(c, same ? NOTE_SEGMENT_SAME : NOTE_SEGMENT_NEW, selector);
    if (seg == SS)
        note(c, NOTE_SEGMENT_SS, selector);
}
