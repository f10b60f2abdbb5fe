/* p5: the Pentium (P54C) as a processor: who it is, what it has, and what its clocks cost.
 *
 * profile.c has the parts and boards (every number with its source key), p5.c the pipelines,
 * latency.c the table of timing classes, btb.c the branch target buffer, counters.c the two
 * performance counters. README.md says what is left out and prints the calibration. */
#pragma once

#include "cpu/model.h"
#include "mmu/mmu.h"

/* What an access costs outside the processor, in bus clocks unless said otherwise. A lead is the
 * clocks from the start of the bus cycle to the first (critical) 8 bytes, a burst the clocks of
 * each of the three transfers after it. */
struct p5_bus {
    uint32_t core_num, core_den; /* processor cycles per bus clock: 2/1 at 133 MHz, 5/2 at 166 */
    uint32_t l2_read_lead, l2_read_burst;
    uint32_t l2_write_lead, l2_write_burst; /* a written-back line into L2 */
    uint32_t dram_hit_lead;  /* row open */
    uint32_t dram_row_lead;  /* no row open */
    uint32_t dram_miss_lead; /* another row open */
    uint32_t dram_burst;
    uint32_t dram_write_lead, dram_write_burst;
    uint32_t single_write; /* one posted write (up to 8 bytes) into L2 or the chipset's buffer */
    uint32_t locked_read, locked_write; /* the two halves of a locked read-modify-write */
    uint32_t io_cycle;       /* a port access on the processor's bus, without the device */
    uint32_t interrupt_acknowledge; /* the pair of INTA cycles, without the device behind */
    uint32_t isa_8bit_ns;    /* nanoseconds of an access to an 8-bit device behind the bridge */
    uint32_t isa_inta_ns;    /* nanoseconds of the interrupt acknowledge pair behind it */
    enum quality quality;    /* what the memory numbers rest on */
};

struct p5_config {
    struct p5_bus bus;
    uint64_t clock_num, clock_den; /* the processor clock in Hz, for the nanoseconds above */
    uint32_t walk_cycles;          /* the walker's own clocks, without its memory accesses */
};

extern const struct identity p5_identity;         /* P54C, as CPUID says it */
extern const struct identity p5_identity_family6; /* for unmodified 686 kernels on flat: family 6
                                                     with CMOV, without FXSR, SEP, MMX, PGE, MTRR */
extern const struct mmu_geometry p5_geometry;     /* processor and the boards' 256 KB L2 */
extern const struct p5_config p5_p133, p5_p166;

struct model *model_p5_new(const struct p5_config *config);

/* A twin, see model.h. Its code cache may be another one: what m knows of the bytes in a line
 * (which end an instruction) goes along with the lines that both hold. */
struct model *model_p5_twin(const struct model *m, struct cpu *c, unsigned ideal);

/* An event's count so far, as a counter whose CC field is control has it: see counters.c. */
uint64_t model_p5_count(const struct model *m, unsigned event, unsigned control);
/* The documented event counts so far (CESR codes 00h..29h), all of them at once: for reports and to
 * hold the guest's counters against the ledger. */
#define P5_EVENTS MODEL_EVENTS
const uint64_t *model_p5_events(const struct model *m);
