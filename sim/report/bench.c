#include "sim/report/bench.h"

#include "cpu/descriptor.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "sim/core/check.h"
#include "sim/machine/machine.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096u
#define PAGE_FLAGS 0x67 /* present, writable, user, accessed, dirty */
#define VECTORS 256u
#define HANDLER_BYTES 4u
#define OPCODE_IRET 0xCF

static void put32(struct bench *b, uint32_t at, uint32_t value) { bench_put(b, at, &value, 4); }

void bench_put(struct bench *b, uint32_t at, const void *bytes, size_t size)
{
    CHECK(at + size <= b->phys.size);
    memcpy(b->phys.ram + at, bytes, size);
}

static void put_descriptor(struct bench *b, unsigned selector, uint32_t base, uint32_t limit,
                           uint32_t access, uint32_t flags)
{
    uint32_t at = BENCH_GDT + (selector & ~7u);
    put32(b, at, (limit & 0xFFFF) | base << 16);
    put32(b, at + 4, (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 16 |
                         (base & 0xFF000000u));
}

static void put_tables(struct bench *b)
{
    put_descriptor(b, BENCH_CODE0, 0, 0xFFFFF, 0x9B, 0xC0);
    put_descriptor(b, BENCH_DATA0, 0, 0xFFFFF, 0x93, 0xC0);
    put_descriptor(b, BENCH_CODE3, 0, 0xFFFFF, 0xFB, 0xC0);
    put_descriptor(b, BENCH_DATA3, 0, 0xFFFFF, 0xF3, 0xC0);
    put_descriptor(b, BENCH_TASK, BENCH_TSS, 0x67, 0x8B, 0);
    for (uint32_t v = 0; v < VECTORS; v++) {
        uint32_t handler = BENCH_HANDLERS + v * HANDLER_BYTES;
        put32(b, BENCH_IDT + v * 8, BENCH_CODE0 << 16 | handler);
        put32(b, BENCH_IDT + v * 8 + 4, 0xEE00); /* interrupt gate, privilege 3 may use it */
        b->phys.ram[handler] = OPCODE_IRET;
    }
    put32(b, BENCH_TSS + 4, BENCH_STACK0);
    put32(b, BENCH_TSS + 8, BENCH_DATA0);
}

static void put_pages(struct bench *b)
{
    uint32_t pages = b->phys.size / PAGE_BYTES, tables = (pages + 1023) / 1024;
    CHECK(BENCH_PAGES + (1 + tables) * PAGE_BYTES <= BENCH_CODE);
    for (uint32_t t = 0; t < tables; t++)
        put32(b, BENCH_PAGES + t * 4, (BENCH_PAGES + (1 + t) * PAGE_BYTES) | PAGE_FLAGS);
    for (uint32_t i = 0; i < pages; i++)
        put32(b, BENCH_PAGES + PAGE_BYTES + i * 4, i * PAGE_BYTES | PAGE_FLAGS);
}

static void load(struct bench *b, unsigned selector, struct segment *s, bool is_code)
{
    struct descriptor d;
    memcpy(&d.lo, b->phys.ram + BENCH_GDT + (selector & ~7u), 4);
    memcpy(&d.hi, b->phys.ram + BENCH_GDT + (selector & ~7u) + 4, 4);
    descriptor_to_segment(&d, (uint16_t)selector, s, is_code);
}

static void delivered(void *owner, unsigned vector, unsigned source, bool has_code, uint32_t code)
{
    struct bench *b = owner;
    (void)has_code;
    (void)code;
    if (source == SOURCE_SOFTWARE || b->raised)
        return;
    b->raised = true;
    b->vector = vector;
    cpu_request_stop(&b->cpu);
}

static void start_state(struct bench *b, bool paging, bool user)
{
    struct cpu *c = &b->cpu;
    c->gdt_base = BENCH_GDT;
    c->gdt_limit = 0x2F;
    c->idt_base = BENCH_IDT;
    c->idt_limit = VECTORS * 8 - 1;
    c->cr0 = CR0_PE | CR0_ET | CR0_NE | (paging ? CR0_PG : 0);
    c->cr3 = BENCH_PAGES;
    c->cr4 = c->identity->cr4_writable & (CR4_OSFXSR | CR4_OSXMMEXCPT);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        load(b, i == CS ? (user ? BENCH_CODE3 : BENCH_CODE0) : (user ? BENCH_DATA3 : BENCH_DATA0),
             &c->seg[i], i == CS);
    load(b, BENCH_TASK, &c->tr, false);
    memset(c->r, 0, sizeof c->r);
    c->r[ESP] = BENCH_STACK;
    c->x87.control = 0x37F; /* as FNINIT leaves it: nothing unmasked, nothing on the stack */
    c->x87.empty = 0xFF;
    c->eip = BENCH_CODE;
    cpu_set_cpl(c, user ? 3 : 0);
    mmu_set_cr3(&b->mmu, c->cr3);
    cpu_mode_changed(c);
    msr_firmware_done(c, b->phys.size);
}

struct bench *bench_new(const struct machine_config *config, uint32_t buffer_bytes, bool paging,
                        bool user)
{
    struct bench *b = xalloc(1, sizeof *b);
    uint32_t bytes = (BENCH_BUFFER + buffer_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    clock_init(&b->clock);
    ledger_init(&b->ledger, &b->clock);
    bus_init(&b->bus);
    b->phys = (struct phys){.ram = xalloc(bytes, 1),
                            .size = bytes,
                            .page_flags = xalloc(bytes / PAGE_BYTES, 1),
                            .bus = &b->bus};
    struct model *model = machine_model_new(config, config->model);
    mmu_init(&b->mmu, &config->geometry, &b->phys, model->timed);
    cpu_init(&b->cpu, &b->mmu, &b->bus, &b->ledger, model, config->identity);
    b->cpu.on_delivery = delivered;
    b->cpu.observer = b;
    put_tables(b);
    put_pages(b);
    b->cpu.msrs.mtrr_default = MTRR_DEFAULT_ON | TYPE_WB; /* there is nothing but memory */
    msr_tell_types(&b->cpu);
    start_state(b, paging, user);
    return b;
}

void bench_free(struct bench *b)
{
    cpu_free(&b->cpu);
    mmu_free(&b->mmu);
    ledger_free(&b->ledger);
    clock_free(&b->clock);
    free(b->phys.ram);
    free(b->phys.page_flags);
    free(b);
}

void bench_stop(struct bench *b) { cpu_request_stop(&b->cpu); }

void bench_run(struct bench *b)
{
    b->cpu.stop = STOP_NONE;
    cpu_run(&b->cpu);
}
