#include "guest.h"

#include "sim/core/check.h"

static const struct cpuid_leaf leaves[] = {
    {0, 1, 0x756E6547, 0x6C65746E, 0x49656E69},
    {1, 0x52C, 0, 0, 0x1BF},
};

static const struct identity identity = {
    .part = "guest",
    .leaves = leaves,
    .leaf_count = ARRAY_COUNT(leaves),
    .cr4_writable = 0x7F,
};

static void delivered(void *owner, unsigned vector, unsigned source, bool has_code, uint32_t code)
{
    struct guest *g = owner;
    (void)source;
    g->deliveries++;
    g->vector = vector;
    g->has_code = has_code;
    g->code = code;
}

static unsigned acknowledge(void *owner) { return ((struct guest *)owner)->interrupt; }

uint32_t guest_peek(const struct guest *g, uint32_t at, unsigned size)
{
    uint32_t v = 0;
    memcpy(&v, g->ram + at, size);
    return v;
}

void guest_poke(struct guest *g, uint32_t at, unsigned size, uint32_t value)
{
    memcpy(g->ram + at, &value, size);
}

void guest_descriptor(struct guest *g, unsigned selector, uint32_t base, uint32_t limit,
                      unsigned access, unsigned flags)
{
    uint32_t at = guest_gdt(selector);
    guest_poke(g, at, 4, (limit & 0xFFFF) | base << 16);
    guest_poke(g, at + 4, 4,
               (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 16 |
                   (base & 0xFF000000u));
}

void guest_gate(struct guest *g, uint32_t at, unsigned selector, uint32_t offset, unsigned access,
                unsigned count)
{
    guest_poke(g, at, 4, selector << 16 | (offset & 0xFFFF));
    guest_poke(g, at + 4, 4, (offset & 0xFFFF0000u) | access << 8 | count);
}

void guest_segment(struct guest *g, unsigned seg, unsigned selector)
{
    struct descriptor d = {.lo = guest_peek(g, guest_gdt(selector), 4),
                           .hi = guest_peek(g, guest_gdt(selector) + 4, 4)};
    descriptor_to_segment(&d, (uint16_t)selector, &g->cpu.seg[seg], seg == CS);
}

static void all_segments(struct guest *g, unsigned code, unsigned data)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        guest_segment(g, i, i == CS ? code : data);
    cpu_set_cpl(&g->cpu, code & 3);
}

static void build_tables(struct guest *g)
{
    guest_descriptor(g, GUEST_CODE0, 0, 0xFFFFF, 0x9B, 0xC0);
    guest_descriptor(g, GUEST_DATA0, 0, 0xFFFFF, 0x93, 0xC0);
    guest_descriptor(g, GUEST_CODE3, 0, 0xFFFFF, 0xFB, 0xC0);
    guest_descriptor(g, GUEST_DATA3, 0, 0xFFFFF, 0xF3, 0xC0);
    guest_descriptor(g, GUEST_TSS_SELECTOR, GUEST_TSS, 0xFFF, 0x8B, 0);
    for (unsigned v = 0; v < 256; v++) {
        unsigned dpl = v == 0x30 || v == 0x80 ? 3 : 0;
        guest_gate(g, guest_idt(v), GUEST_CODE0, GUEST_HANDLERS + 16 * v, 0x8E | dpl << 5, 0);
        memset(g->ram + GUEST_HANDLERS + 16 * v, 0xF4, 16);
    }
    guest_poke(g, GUEST_TSS + 4, 4, GUEST_STACK0);
    guest_poke(g, GUEST_TSS + 8, 4, GUEST_DATA0);
    guest_poke(g, GUEST_TSS + 102, 2, 0x88); /* redirection map at 68h, I/O map at 88h */
}

static const struct mmu_geometry pentium_geometry = {
    .itlb = {32, 4}, .dtlb = {64, 4}, .dtlb_large = {8, 4},
    .l1i = {8192, 2, 32}, .l1d = {8192, 2, 32}, .dram = {4096, 1}};

struct guest *guest_new(void) { return guest_new_part(&identity, NULL); }

struct guest *guest_new_part(const struct identity *part, const struct mmu_geometry *geometry)
{
    struct guest *g = xalloc(1, sizeof *g);
    g->ram = xalloc(1, GUEST_BYTES);
    g->page_flags = xalloc(1, GUEST_BYTES / 4096);
    bus_init(&g->bus);
    clock_init(&g->clock);
    ledger_init(&g->ledger, &g->clock);
    struct phys phys = {g->ram, GUEST_BYTES, g->page_flags, &g->bus};
    mmu_init(&g->mmu, geometry ? geometry : &pentium_geometry, &phys, false);
    struct cpu *c = &g->cpu;
    cpu_init(c, &g->mmu, &g->bus, &g->ledger, model_flat_new(), part);
    c->on_delivery = delivered;
    c->observer = g;
    c->acknowledge = acknowledge;
    c->acknowledge_owner = g;
    build_tables(g);
    c->gdt_base = GUEST_GDT;
    c->gdt_limit = 0xFFF;
    c->idt_base = GUEST_IDT;
    c->idt_limit = 0x7FF;
    c->cr0 = CR0_PE | CR0_ET | CR0_NE;
    all_segments(g, GUEST_CODE0, GUEST_DATA0);
    struct descriptor tss = {.lo = guest_peek(g, guest_gdt(GUEST_TSS_SELECTOR), 4),
                             .hi = guest_peek(g, guest_gdt(GUEST_TSS_SELECTOR) + 4, 4)};
    descriptor_to_segment(&tss, GUEST_TSS_SELECTOR, &c->tr, false);
    c->ldtr = (struct segment){.access = 0x82};
    c->eip = GUEST_CODE;
    c->r[ESP] = GUEST_STACK;
    return g;
}

void guest_free(struct guest *g)
{
    cpu_free(&g->cpu);
    mmu_free(&g->mmu);
    ledger_free(&g->ledger);
    clock_free(&g->clock);
    free(g->ram);
    free(g->page_flags);
    free(g);
}

void guest_user(struct guest *g)
{
    all_segments(g, GUEST_CODE3, GUEST_DATA3);
    g->cpu.r[ESP] = GUEST_STACK3;
}

void guest_v86(struct guest *g, unsigned iopl)
{
    struct cpu *c = &g->cpu;
    cpu_set_flags(c, 2 | F_VM | iopl << 12);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_load_real(c, i, GUEST_V86 >> 4);
    cpu_set_cpl(c, 3);
    c->eip = 0;
    c->r[ESP] = 0xFFF0;
}

void guest_real(struct guest *g)
{
    struct cpu *c = &g->cpu;
    c->cr0 &= ~(uint32_t)CR0_PE;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        c->seg[i].limit = 0xFFFF;
        c->seg[i].flags = 0;
        segment_load_real(c, i, GUEST_V86 >> 4);
    }
    for (unsigned v = 0; v < 256; v++) /* 0400:16v */
        guest_poke(g, v * 4, 4, (GUEST_HANDLERS >> 4) << 16 | v * 16);
    c->idt_base = 0;
    c->idt_limit = 0x3FF;
    cpu_set_cpl(c, 0);
    c->eip = 0;
    c->r[ESP] = 0xFFF0;
}

void guest_paging(struct guest *g)
{
    struct cpu *c = &g->cpu;
    guest_poke(g, GUEST_PAGES, 4, (GUEST_PAGES + 0x1000) | 7);
    for (uint32_t i = 0; i < GUEST_BYTES / 4096; i++)
        guest_poke(g, GUEST_PAGES + 0x1000 + 4 * i, 4, i << 12 | 7);
    c->cr3 = GUEST_PAGES;
    mmu_set_cr3(c->mmu, c->cr3);
    c->cr0 |= CR0_PG | CR0_WP;
    cpu_mode_changed(c);
}

void guest_other_task(struct guest *g)
{
    static const uint16_t selectors[SEG_COUNT] = {GUEST_DATA0, GUEST_CODE0, GUEST_DATA0,
                                                  GUEST_DATA0, 0,           0};
    guest_descriptor(g, GUEST_OTHER_SELECTOR, GUEST_TSS_OTHER, 0x67, 0x89, 0);
    guest_poke(g, GUEST_TSS_OTHER + 0x20, 4, GUEST_FREE);
    guest_poke(g, GUEST_TSS_OTHER + 0x24, 4, 2);
    for (unsigned i = 0; i < 8; i++)
        guest_poke(g, GUEST_TSS_OTHER + 0x28 + 4 * i, 4, 0x11111111u * i);
    guest_poke(g, GUEST_TSS_OTHER + 0x28 + 4 * ESP, 4, GUEST_STACK3);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        guest_poke(g, GUEST_TSS_OTHER + 0x48 + 4 * i, 4, selectors[i]);
}

int guest_run(struct guest *g)
{
    struct cpu *c = &g->cpu;
    c->stop = STOP_NONE;
    c->halted = false;
    for (unsigned i = 0; i < 1000 && !c->stop; i++)
        cpu_step(c);
    if (c->stop == STOP_SHUTDOWN)
        return GUEST_SHUTDOWN;
    if (c->stop != STOP_HALTED)
        return GUEST_LOST;
    uint32_t la = c->seg[CS].base + c->eip - 1 - GUEST_HANDLERS;
    return la < 256 * 16 ? (int)(la / 16) : GUEST_HLT;
}
