/* parameters: the two sets of numbers of the one model. Source keys as in SOURCES.md; IL are the
 * dumps of the parts. */
#include "cpu/models/k7/pipeline.h"

/* Athlon Thunderbird (its clock is the machine's). */
const struct k7_config k7_thunderbird_timing = {
    .part = PART_K7,
    .front_stages = 6,        /* ten stages for integers, from memory */
    .free_prefixes = 6,       /* fitted [IL] */
    .modify_quarters = 7,     /* fitted [IL: ADD [m],r 1.2 to 2.7] */
    .cpuid_leaf1 = 27,        /* [IL] */
    .lane_entries = 6,        /* [22007] (Q24) */
    .fp_stages = 4,           /* fifteen stages for floating point, from memory: minus those of
                                 addresses */
    .mispredict = 10,         /* [22007] */
    .lost_target = 4,         /* [AF-MA 3.11] */
    .history_shift = 4, .history_address_bits = 4, /* 4096 counters (Q25) */
    .l2_latency = 11,         /* [IL] */
    .l2_line = 8,             /* 64 bits wide [25112 A.16] */
    .l2_victim = 12,          /* likewise, and the bus turned twice: fitted [IL: 20 line by line] */
    .combine_buffers = 1,     /* [22007 C] */
    .victims = 8,             /* from memory (Q28) */
    .dtlb2 = 5, .itlb2 = 5,   /* estimate (Q26) */
    .walk_data = 62, .walk_code = 43, /* fitted to 73 and 54 clocks [FIASCO] */
    .walk_update = 20,        /* estimate: as a locked operation */
    .locked = 12,             /* [IL: LOCK ADD 18] */
    .dram_hit_ps = 163000, .dram_row_ps = 180000, .dram_miss_ps = 196000, /* fitted [IL] */
    .dram_line_ps = 30000,    /* 64 bytes at 2.1 GB/s [22007] */
    .device_ps = 200000,      /* estimate */
    .io_ps = 1000000,         /* estimate: an 8-bit port behind the south bridge */
    .inta_ps = 500000,        /* estimate: half of it */
};

/* Athlon 64 (Manchester): one core at 2.2 GHz. */
const struct k7_config k8_manchester_timing = {
    .part = PART_K8,
    .front_stages = 7,        /* [AF-MA 20.1] */
    .free_prefixes = 8,       /* fitted [IL] */
    .modify_quarters = 9,     /* fitted [IL: ADD [m],r 2.2 to 2.6] */
    .cpuid_leaf1 = 79,        /* [IL; 25112: 152 against 36] */
    .lane_entries = 8,        /* [25112 A.11] */
    .fp_stages = 4,           /* [AF-MA 20.1: map, rename, registers], and an estimate */
    .mispredict = 12,         /* [AF-MA: measured; 25112: 10] */
    .lost_target = 4,         /* [AF-MA 3.11] */
    .history_shift = 4, .history_address_bits = 6, /* 16384 counters (Q29) */
    .l2_latency = 12,         /* [IL] */
    .l2_line = 4, .l2_victim = 4, /* 16 bytes a clock [25112 A.16] */
    .combine_buffers = 4,     /* [25112 B: one on revisions A to C; this is E] */
    .victims = 8,             /* from memory (Q28) */
    .dtlb2 = 6, .itlb2 = 6,   /* [IL: 12 and 18] */
    .walk_data = 6, .walk_code = 6, /* fitted to 20-25 clocks [IL] */
    .walk_update = 20,
    .locked = 12,             /* [IL: LOCK ADD 18] */
    .dram_hit_ps = 55000, .dram_row_ps = 64000, .dram_miss_ps = 75000, /* fitted [IL] */
    .dram_line_ps = 10000,    /* 64 bytes at 6.4 GB/s [25112 A.19] */
    .device_ps = 150000,
    .io_ps = 1000000,
    .inta_ps = 500000,
};
