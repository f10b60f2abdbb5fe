/* bench: a processor alone with its memory, in 32-bit protected mode with flat segments, for
 * programs of a few instructions: `isochron cycles`, calibration. No devices, no interrupts; every
 * vector's handler is one IRET, so that INT works from privilege 3, too.
 *
 *   1000 GDT   2000 IDT   3000 TSS   4000 handlers   6000, 8000 tops of stacks (privilege 0, 3)
 *   9000 counter   10000 page directory and tables   40000 code   100000 buffer */
#pragma once

#include "cpu/cpu.h"
#include "sim/machine/config.h"

enum {
    BENCH_GDT = 0x1000,
    BENCH_IDT = 0x2000,
    BENCH_TSS = 0x3000,
    BENCH_HANDLERS = 0x4000,
    BENCH_STACK0 = 0x6000,
    BENCH_STACK = 0x8000,
    BENCH_COUNTER = 0x9000,
    BENCH_PAGES = 0x10000,
    BENCH_CODE = 0x40000,
    BENCH_CODE_BYTES = 0x80000,
    BENCH_BUFFER = 0x100000,
};

enum { /* selectors */
    BENCH_CODE0 = 0x08, BENCH_DATA0 = 0x10, BENCH_CODE3 = 0x1B, BENCH_DATA3 = 0x23,
    BENCH_TASK = 0x28,
};

struct bench {
    struct clock clock;
    struct ledger ledger;
    struct bus bus;
    struct phys phys;
    struct mmu mmu;
    struct cpu cpu;
    bool raised;     /* an exception was delivered */
    unsigned vector; /* the first one's */
};

/* buffer_bytes of memory at BENCH_BUFFER. paging: 4 KB pages onto themselves, all flags set. user:
 * the program runs at privilege 3. */
struct bench *bench_new(const struct machine_config *config, uint32_t buffer_bytes, bool paging,
                        bool user);
void bench_free(struct bench *b);
/* Puts bytes into memory before anything runs there. */
void bench_put(struct bench *b, uint32_t at, const void *bytes, size_t size);
/* Runs from BENCH_CODE until HLT at privilege 0, or until an exception. */
void bench_run(struct bench *b);
/* Asks that the run end after the present instruction. */
void bench_stop(struct bench *b);
