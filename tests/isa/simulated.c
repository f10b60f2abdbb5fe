#include "tests/isa/simulated.h"

#include "cpu/decode.h"
#include "cpu/model.h"
#include "cpu/run.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

/* Physical memory: the windows where their linear addresses are, tables above them. The tables'
 * linear addresses are far from everything that a case computes on purpose. */
enum {
    RAM_SIZE = 1 << 20,
    TABLES = 0x40000, /* GDT, LDT, IDT, TSS, inner stack: five pages in this order */
    PAGE_DIRECTORY = 0x80000,
    PAGE_TABLE_LOW = 0x81000,
    PAGE_TABLE_HIGH = 0x82000,
};
enum { GDT, LDT, IDT, TSS, STACK };
#define AT(table) (SIMULATED_TABLES + (table)*0x1000u)
#define STACK_TOP (AT(STACK) + 0xFF0u)

enum { SELECTOR_KERNEL_CODE = 0x10, SELECTOR_KERNEL_DATA = 0x18, SELECTOR_TSS = 0x40,
       SELECTOR_LDT = 0x50 };

/* More instructions (or iterations) than this: the case is endless. */
#define BUDGET 2000000

static const struct cpuid_leaf leaves[] = {
    {0, 1, 0x756E6547, 0x6C65746E, 0x49656E69},
    {1, 0x52C, 0, 0, 0x1BF},
};

const struct identity isa_identity = {
    .part = "user-level union",
    .leaves = leaves,
    .leaf_count = ARRAY_COUNT(leaves),
    .features = 1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP |
                1u << FEATURE_RDPMC | 1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT |
                1u << FEATURE_FXSR | 1u << FEATURE_SSE | 1u << FEATURE_SSE2 | 1u << FEATURE_SSE3 |
                1u << FEATURE_CLFLUSH,
    .signature = 0x52C,
    .cr4_writable = 0x5F | CR4_OSFXSR | CR4_OSXMMEXCPT,
    .mxcsr_mask = 0xFFFF,
};

struct simulated {
    struct clock clock;
    struct ledger ledger;
    struct bus bus;
    struct mmu mmu;
    struct cpu cpu;
    struct event endless;
    bool timed_out;
    unsigned vector;
    uint32_t error;
    uint8_t page_flags[RAM_SIZE / 4096];
    uint8_t *ram;
    struct op op;
};

/* --- tables ----------------------------------------------------------------------------------- */
static void put(struct simulated *s, uint32_t pa, uint64_t v, unsigned size)
{
    memcpy(s->ram + pa, &v, size);
}

static void build_descriptors(struct simulated *s)
{
    /* As Linux's table for a 64-bit kernel shows to LAR and LSL at privilege 3; the kernel's own
     * segments are 32-bit ones here. */
    static const struct {
        uint16_t selector;
        uint64_t descriptor;
    } gdt[] = {
        {SELECTOR_KERNEL_CODE, 0x00CF9B000000FFFF},
        {SELECTOR_KERNEL_DATA, 0x00CF93000000FFFF},
        {0x20, 0x00CFFB000000FFFF},
        {0x28, 0x00CFF3000000FFFF},
        {0x30, 0x00AFFB000000FFFF},
        {SELECTOR_TSS, 0xD5008B5430000067},
        {SELECTOR_LDT, 0xD500825410000000 | (ISA_LDT_COUNT * 8 - 1)},
        {0x78, 0x0040F50000000000},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(gdt); i++)
        put(s, TABLES + gdt[i].selector, gdt[i].descriptor, 8);
    memcpy(s->ram + TABLES + 0x1000, isa_ldt, sizeof isa_ldt);
    for (unsigned v = 0; v < 256; v++) {
        uint64_t dpl = v == EXC_BP || v == EXC_OF || v == 0x80 ? 3 : 0;
        uint64_t gate = (uint64_t)SELECTOR_KERNEL_CODE << 16 | (0x8E00 | dpl << 13) << 32;
        put(s, TABLES + 0x2000 + v * 8, gate, 8);
    }
    put(s, TABLES + 0x3000 + 4, STACK_TOP, 4);
    put(s, TABLES + 0x3000 + 8, SELECTOR_KERNEL_DATA, 2);
    put(s, TABLES + 0x3000 + 102, 0x68, 2); /* no I/O permission bitmap */
}

static void map(struct simulated *s, uint32_t table, uint32_t linear, uint32_t pa, uint32_t flags)
{
    put(s, PAGE_DIRECTORY + (linear >> 22) * 4, table | 7, 4);
    put(s, table + (linear >> 12 & 1023) * 4, pa | flags | 0x60, 4);
}

static void build_pages(struct simulated *s)
{
    enum { USER_READ = 5, USER_WRITE = 7, SYSTEM = 3 };
    map(s, PAGE_TABLE_LOW, ISA_CODE, ISA_CODE, USER_READ);
    for (uint32_t i = 0; i < ISA_DATA_SIZE; i += 0x1000)
        map(s, PAGE_TABLE_LOW, ISA_DATA + i, ISA_DATA + i, USER_WRITE);
    map(s, PAGE_TABLE_LOW, ISA_FIXED, ISA_FIXED, USER_READ);
    for (uint32_t i = 0; i < SIMULATED_TABLES_SIZE; i += 0x1000)
        map(s, PAGE_TABLE_HIGH, SIMULATED_TABLES + i, TABLES + i, SYSTEM);
}

static void set_descriptor(struct segment *g, uint16_t selector, uint64_t d)
{
    uint32_t limit = (uint32_t)(d & 0xFFFF) | (uint32_t)(d >> 32 & 0xF0000);
    g->selector = selector;
    g->base = (uint32_t)(d >> 16 & 0xFFFFFF) | (uint32_t)(d >> 32 & 0xFF000000u);
    g->limit = d >> 55 & 1 ? limit << 12 | 0xFFF : limit;
    g->access = (uint8_t)(d >> 40);
    g->flags = (uint8_t)(d >> 48 & 0xF0);
    g->valid = (selector & 0xFFFC) != 0;
}

static void set_segment(struct simulated *s, unsigned which, uint16_t selector)
{
    uint64_t d;
    const uint8_t *table = s->ram + TABLES + (selector & 4 ? 0x1000 : 0);
    memcpy(&d, table + (selector & 0xFFF8), 8);
    set_descriptor(&s->cpu.seg[which], selector, d);
    segment_refresh(&s->cpu.seg[which], which == CS);
}

static void set_system(struct simulated *s)
{
    struct cpu *c = &s->cpu;
    uint64_t d;
    c->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    c->cr3 = PAGE_DIRECTORY;
    mmu_set_cr3(&s->mmu, c->cr3);
    c->gdt_base = AT(GDT);
    c->gdt_limit = 0x7F;
    c->idt_base = AT(IDT);
    c->idt_limit = 256 * 8 - 1;
    memcpy(&d, s->ram + TABLES + SELECTOR_LDT, 8);
    set_descriptor(&c->ldtr, SELECTOR_LDT, d);
    memcpy(&d, s->ram + TABLES + SELECTOR_TSS, 8);
    set_descriptor(&c->tr, SELECTOR_TSS, d);
    cpu_mode_changed(c);
}

/* --- construction ----------------------------------------------------------------------------- */
static void on_delivery(void *owner, unsigned vector, unsigned source, bool has_code, uint32_t code)
{
    struct simulated *s = owner;
    (void)source;
    s->vector = vector;
    s->error = has_code ? code : 0;
    cpu_request_stop(&s->cpu);
}

static void on_endless(void *owner)
{
    struct simulated *s = owner;
    s->timed_out = true;
    cpu_request_stop(&s->cpu);
}

struct simulated *simulated_new(struct isa_memory *memory)
{
    struct simulated *s = xalloc(1, sizeof *s);
    static const struct mmu_geometry geometry = {
        .itlb = {32, 4}, .dtlb = {64, 4}, .dtlb_large = {8, 4}, .l1i = {8192, 2, 32},
        .l1d = {8192, 2, 32}, .l2 = {262144, 1, 32}, .dram = {2048, 4}};
    s->ram = xalloc(RAM_SIZE, 1);
    struct phys phys = {.ram = s->ram, .size = RAM_SIZE, .page_flags = s->page_flags,
                        .bus = &s->bus};
    clock_init(&s->clock);
    ledger_init(&s->ledger, &s->clock);
    bus_init(&s->bus);
    mmu_init(&s->mmu, &geometry, &phys, false);
    cpu_init(&s->cpu, &s->mmu, &s->bus, &s->ledger, model_flat_new(), &isa_identity);
    s->cpu.on_delivery = on_delivery;
    s->cpu.observer = s;
    event_init(&s->endless, on_endless, s, 0);
    build_descriptors(s);
    build_pages(s);
    set_system(s);
    *memory = (struct isa_memory){s->ram + ISA_CODE, s->ram + ISA_DATA, s->ram + ISA_FIXED};
    return s;
}

struct cpu *simulated_cpu(struct simulated *s) { return &s->cpu; }

void simulated_free(struct simulated *s)
{
    cpu_free(&s->cpu);
    mmu_free(&s->mmu);
    ledger_free(&s->ledger);
    clock_free(&s->clock);
    free(s->ram);
    free(s);
}

void simulated_begin(struct simulated *s)
{
    struct x87 *x = &s->cpu.x87;
    x->opcode = x->code_selector = x->data_selector = 0;
    x->code_offset = x->data_offset = 0;
    simulated_memory_changed(s);
}

void simulated_memory_changed(struct simulated *s)
{
    static const uint32_t pages[] = {ISA_CODE, ISA_DATA, ISA_DATA + 0x1000, ISA_FIXED};
    for (unsigned i = 0; i < ARRAY_COUNT(pages); i++)
        if (s->page_flags[pages[i] >> 12] & PAGE_CODE)
            s->mmu.code_written(s->mmu.code_owner, pages[i], 0x1000);
}

/* --- running ---------------------------------------------------------------------------------- */
static void set_x87(struct x87 *x, const struct isa_x87 *in)
{
    x->control = in->control;
    x->status = in->status & 0xC7FF;
    x->top = in->status >> 11 & 7;
    x->empty = (uint8_t)~in->full;
    for (unsigned i = 0; i < 8; i++) {
        struct f80 *r = &x->r[(x->top + i) & 7];
        memcpy(&r->mantissa, in->st[i], 8);
        memcpy(&r->sign_exponent, in->st[i] + 8, 2);
    }
}

static void get_x87(const struct x87 *x, struct isa_x87 *out)
{
    out->control = x->control;
    out->status = (uint16_t)(x->status | x->top << 11);
    out->full = (uint8_t)~x->empty;
    for (unsigned i = 0; i < 8; i++) {
        const struct f80 *r = &x->r[(x->top + i) & 7];
        memcpy(out->st[i], &r->mantissa, 8);
        memcpy(out->st[i] + 8, &r->sign_exponent, 2);
    }
}

static void set_state(struct simulated *s, const struct isa_state *in)
{
    struct cpu *c = &s->cpu;
    memcpy(c->r, in->r, sizeof in->r);
    c->eip = in->eip;
    for (unsigned i = 0; i < 6; i++)
        set_segment(s, i, in->selector[i]);
    cpu_set_flags(c, in->eflags);
    set_x87(&c->x87, &in->x87);
    c->mxcsr = in->mxcsr;
    memcpy(c->xmm, in->xmm, sizeof c->xmm);
    c->cr2 = 0;
    c->shadow = c->halted = c->rep_running = c->single_step_trap = false;
    c->stop = STOP_NONE;
    cpu_set_cpl(c, 3);
}

/* The frame on the inner stack holds what the delivery replaced. */
static void get_state(const struct simulated *s, struct isa_state *out)
{
    const struct cpu *c = &s->cpu;
    uint32_t frame[5];
    memcpy(frame, s->ram + TABLES + (STACK_TOP - sizeof frame - AT(GDT)), sizeof frame);
    memcpy(out->r, c->r, sizeof out->r);
    out->r[ESP] = frame[3];
    out->eip = frame[0];
    out->eflags = frame[2];
    for (unsigned i = 0; i < 6; i++)
        out->selector[i] = c->seg[i].selector;
    out->selector[CS] = (uint16_t)frame[1];
    out->selector[SS] = (uint16_t)frame[4];
    get_x87(&c->x87, &out->x87);
    out->mxcsr = c->mxcsr;
    memcpy(out->xmm, c->xmm, sizeof out->xmm);
}

void simulated_run(struct simulated *s, const struct isa_state *in, struct isa_outcome *out)
{
    set_state(s, in);
    s->timed_out = false;
    event_schedule(&s->clock, &s->endless, s->clock.now + BUDGET);
    cpu_run(&s->cpu);
    event_cancel(&s->clock, &s->endless);
    CHECK(s->cpu.stop == STOP_REQUEST);
    *out = (struct isa_outcome){.timeout = s->timed_out};
    if (s->timed_out)
        return;
    out->vector = (uint8_t)s->vector;
    out->error = s->error;
    out->cr2 = s->vector == EXC_PF ? s->cpu.cr2 : 0;
    get_state(s, &out->state);
}

const struct op *simulated_decode(struct simulated *s, uint32_t la, uint16_t code_selector)
{
    uint8_t bytes[16];
    unsigned n = 0;
    while (n < sizeof bytes && mmu_peek(&s->mmu, la + n, bytes + n, 1))
        n++;
    struct segment g;
    uint64_t d;
    memcpy(&d, s->ram + TABLES + (code_selector & 4 ? 0x1000 : 0) + (code_selector & 0xFFF8), 8);
    set_descriptor(&g, code_selector, d);
    uint32_t mode = MODE_PROTECTED | 3 << MODE_CPL_SHIFT | (g.flags & 0x40 ? MODE_32 : 0);
    return decode(s->cpu.decoder, mode, la, bytes, n, &s->op) ? &s->op : NULL;
}
