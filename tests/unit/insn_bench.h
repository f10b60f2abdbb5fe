/* insn_bench: one processor and some memory, for tests of single instructions. An instruction is
 * decoded and its body called, without run loop or delivery: a fault is the vector it returns.
 *
 * Flat 32-bit protected mode at privilege 0, no paging, untimed, EIP 1000h, ESP 8000h, unless a
 * test changes that; bench_real makes it real mode. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/decode.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/run.h"
#include "sim/core/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BENCH_BYTES (1u << 20)
#define BENCH_NO_FAULT (-1)

struct bench {
    struct cpu cpu;
    struct mmu mmu;
    struct bus bus;
    struct clock clock;
    struct ledger ledger;
    uint8_t *ram;
    uint8_t *page_flags;
    struct op op;
};

static const struct identity bench_identity = {.part = "bench", .cr4_writable = 0x7F};

static inline void bench_segments(struct bench *b, uint8_t flags, uint32_t limit, unsigned dpl)
{
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        b->cpu.seg[i] = (struct segment){.limit = limit,
                                         .access = (uint8_t)((i == CS ? 0x9B : 0x93) | dpl << 5),
                                         .flags = flags,
                                         .valid = true};
        segment_refresh(&b->cpu.seg[i], i == CS);
    }
}

static inline struct bench *bench_new_part(const struct identity *identity)
{
    static const struct mmu_geometry geometry = {
        .itlb = {32, 4}, .dtlb = {64, 4}, .dtlb_large = {8, 4},
        .l1i = {8192, 2, 32}, .l1d = {8192, 2, 32}, .dram = {4096, 1}};
    struct bench *b = xalloc(1, sizeof *b);
    b->ram = xalloc(1, BENCH_BYTES);
    b->page_flags = xalloc(1, BENCH_BYTES / 4096);
    bus_init(&b->bus);
    clock_init(&b->clock);
    ledger_init(&b->ledger, &b->clock);
    struct phys phys = {b->ram, BENCH_BYTES, b->page_flags, &b->bus};
    mmu_init(&b->mmu, &geometry, &phys, false);
    cpu_init(&b->cpu, &b->mmu, &b->bus, &b->ledger, model_flat_new(), identity);
    b->cpu.cr0 = CR0_PE | CR0_ET | CR0_NE;
    bench_segments(b, 0xC0, 0xFFFFFFFFu, 0);
    cpu_mode_changed(&b->cpu);
    b->cpu.eip = 0x1000;
    b->cpu.r[ESP] = 0x8000;
    b->cpu.rep_limit = 256;
    return b;
}

static inline struct bench *bench_new(void) { return bench_new_part(&bench_identity); }

static inline void bench_free(struct bench *b)
{
    cpu_free(&b->cpu);
    mmu_free(&b->mmu);
    ledger_free(&b->ledger);
    clock_free(&b->clock);
    free(b->ram);
    free(b->page_flags);
    free(b);
}

static inline void bench_real(struct bench *b)
{
    b->cpu.cr0 &= ~(uint32_t)CR0_PE;
    bench_segments(b, 0, 0xFFFF, 0);
    cpu_mode_changed(&b->cpu);
}

static inline void bench_cpl(struct bench *b, unsigned cpl)
{
    bench_segments(b, 0xC0, 0xFFFFFFFFu, cpl);
    cpu_set_cpl(&b->cpu, cpl);
}

/* Runs the instruction at bytes: the vector it raised, or BENCH_NO_FAULT. A REP may need more. */
static inline int bench_run(struct bench *b, const char *bytes, unsigned size)
{
    struct cpu *c = &b->cpu;
    unsigned length = decode(c->decoder, c->mode_key, c->eip, (const uint8_t *)bytes, size, &b->op);
    assert_int_equal(length, size);
    c->op = &b->op;
    c->branched = c->stop_block = false;
    c->log.count = 0;
    c->mmu->locked = false;
    if (setjmp(c->fault)) {
        c->eip = b->op.eip;
        return c->fault_vector;
    }
    c->eip = b->op.next_eip;
    b->op.body(c, &b->op);
    return BENCH_NO_FAULT;
}

/* The instruction as a string literal. */
#define RUN(b, text) bench_run(b, text, sizeof(text) - 1)

static inline uint32_t bench_word(const struct bench *b, uint32_t at, unsigned size)
{
    uint32_t v = 0;
    memcpy(&v, b->ram + at, size);
    return v;
}

static inline void bench_put(struct bench *b, uint32_t at, unsigned size, uint32_t v)
{
    memcpy(b->ram + at, &v, size);
}
