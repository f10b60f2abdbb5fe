/* profile: the P54C and the two boards it is modelled on: who it is, what it has, what a bus cycle
 * takes. Source keys as in SOURCES.md; IL is the InstLatX86 and MemLatX86 dump of part 000052C. */
#include "cpu/models/p5/p5.h"

#include "sim/core/check.h"

/* CPUID flags [SDM2 CPUID]. */
enum {
    HAS_FPU = 1 << 0, HAS_VME = 1 << 1, HAS_DE = 1 << 2, HAS_PSE = 1 << 3, HAS_TSC = 1 << 4,
    HAS_MSR = 1 << 5, HAS_MCE = 1 << 7, HAS_CX8 = 1 << 8, HAS_CMOV = 1 << 15,
};

#define CR4_P5 (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)

#define GENUINE_INTEL 1, 0x756E6547, 0x6C65746E, 0x49656E69

/* [IL]; the flags are 1BF. */
static const struct cpuid_leaf p54c_leaves[] = {
    {0, GENUINE_INTEL},
    {1, 0x052C, 0, 0,
     HAS_FPU | HAS_VME | HAS_DE | HAS_PSE | HAS_TSC | HAS_MSR | HAS_MCE | HAS_CX8},
};

const struct identity p5_identity = {
    .part = "Pentium (P54C)",
    .signature = 0x052C, /* [IL] */
    .leaves = p54c_leaves,
    .leaf_count = ARRAY_COUNT(p54c_leaves),
    .features = 0,
    .cr4_writable = CR4_P5,
};

static const struct cpuid_leaf family6_leaves[] = {
    {0, GENUINE_INTEL},
    {1, 0x0619, 0, 0,
     HAS_FPU | HAS_VME | HAS_DE | HAS_PSE | HAS_TSC | HAS_MSR | HAS_CX8 | HAS_CMOV},
};

const struct identity p5_identity_family6 = {
    .part = "family 6 with CMOV (no real part)",
    .signature = 0x0619,
    .leaves = family6_leaves,
    .leaf_count = ARRAY_COUNT(family6_leaves),
    .features = 1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP,
    .cr4_writable = CR4_P5 & ~CR4_MCE,
};

const struct mmu_geometry p5_geometry = {
    .itlb = {32, 4},       /* [SDM3A table 10-1] */
    .dtlb = {64, 4},       /* [SDM3A table 10-1] */
    .dtlb_large = {8, 4},  /* [SDM3A table 10-1] */
    .l1i = {8192, 2, 32},  /* [SDM3A table 10-1, IL] */
    .l1d = {8192, 2, 32},  /* [SDM3A table 10-1, IL] */
    .l2 = {262144, 1, 32}, /* direct-mapped 256 KB [S97 s5.1] */
    .dram = {4096, 4},     /* two 32-bit modules of 1024 columns, four pages open: estimate */
    .large_pages_split_in_itlb = true, /* [MPR93] */
};

/* ASUS P55TP4N, 430FX, pipelined-burst L2, 60 ns memory [S97 s5.1]. Bus at 200/3 MHz. Every lead
 * counts from ADS#, with the idle clock that separates cycles which are not pipelined. */
const struct p5_config p5_p133 = {
    .bus = {
        .core_num = 2, .core_den = 1,
        .l2_read_lead = 4, .l2_read_burst = 1,   /* 3-1-1-1 [82439TX table 11] and the idle clock */
        .l2_write_lead = 4, .l2_write_burst = 1, /* the same [82439TX table 11] */
        .dram_hit_lead = 7, .dram_burst = 2,     /* 7-2-2-2 [430FX] */
        .dram_row_lead = 9,   /* estimate: RAS# before it, 30 ns */
        .dram_miss_lead = 12, /* (7..12)-2-2-2 [430FX] */
        .dram_write_lead = 4, .dram_write_burst = 2, /* posted: estimate */
        .single_write = 3,                    /* [IL: 7.5 clocks at 2.5] */
        .locked_read = 5, .locked_write = 5,  /* [IL: XCHG 30, LOCK ADD 33 clocks at 2.5] */
        .io_cycle = 3,                        /* from memory: 2-3 */
        .interrupt_acknowledge = 8,           /* estimate: two cycles with idle clocks between */
        .isa_8bit_ns = 975,                   /* estimate: 8 ISA clocks at 8.2 MHz */
        .isa_inta_ns = 480,                   /* estimate: half of it */
        .quality = QUALITY_ESTIMATE,
    },
    .clock_num = 400000000, .clock_den = 3,
    .walk_cycles = 9, /* the walk's floor, 864 clocks for 96 entries [S95] */
};

/* The unknown board of the dump: its memory is fitted to the dump's plateaus. */
const struct p5_config p5_p166 = {
    .bus = {
        .core_num = 5, .core_den = 2,
        .l2_read_lead = 4, .l2_read_burst = 1,
        .l2_write_lead = 4, .l2_write_burst = 1,
        .dram_hit_lead = 5, .dram_burst = 1,
        .dram_row_lead = 16,
        .dram_miss_lead = 25,
        .dram_write_lead = 4, .dram_write_burst = 2,
        .single_write = 3,
        .locked_read = 5, .locked_write = 5,
        .io_cycle = 3,
        .interrupt_acknowledge = 8,
        .isa_8bit_ns = 975,
        .isa_inta_ns = 480,
        .quality = QUALITY_FITTED,
    },
    .clock_num = 500000000, .clock_den = 3,
    .walk_cycles = 9,
};
