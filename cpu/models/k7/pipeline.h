/* pipeline: the timing model of AMD's Athlon (K7) and Athlon 64 (K8): one out-of-order model, two
 * sets of parameters.
 *
 * Every instruction gets, in program order, the cycles in which its bytes are there, its line is
 * dispatched, it issues, completes and retires: from what it depends on and from each unit's next
 * free slot. Nothing ticks. The clock is retirement time. README.md has the rules. */
#pragma once

#include "cpu/model.h"
#include "mmu/mmu.h"

/* The column of the cost tables. */
enum k7_part { PART_K7, PART_K8, PART_COUNT };

/* Clocks are processor cycles, times outside the processor picoseconds. Sources in parameters.c. */
struct k7_config {
    uint32_t part;         /* enum k7_part */
    uint32_t front_stages; /* from fetching a window to dispatching what it held */
    uint32_t free_prefixes; /* beyond these two take a clock of the decoders */
    uint32_t modify_quarters; /* a read-modify-write occupies the load-store unit, quarter clocks */
    uint32_t cpuid_leaf1;  /* more clocks of CPUID for leaf 1 */
    uint32_t lane_entries; /* of each of the three integer schedulers */
    uint32_t fp_stages;    /* more stages before an x87, MMX or SSE operation can issue */
    uint32_t mispredict;   /* from a branch's completion to the issue of what it led to, at least */
    uint32_t lost_target;  /* a direct target had to be computed by the decoder */
    uint32_t history_shift, history_address_bits; /* index of the global history counters: address
                                                     bits from shift on, beside 8 of history */
    uint32_t l2_latency;              /* load to use */
    uint32_t l2_line, l2_victim;      /* how long L2 gives a line, and takes one in */
    uint32_t combine_buffers;         /* lines of writes that are combined at a time */
    uint32_t victims;                 /* lines that wait for L2 to take them in */
    uint32_t dtlb2, itlb2;            /* a miss in the first-level TLB that the second one serves */
    uint32_t walk_data, walk_code;    /* a page walk's own clocks, beside its memory accesses */
    uint32_t walk_update;             /* a locked update of A or D */
    uint32_t locked;                  /* clocks of a locked operation on a line of the L1D */
    uint32_t dram_hit_ps, dram_row_ps, dram_miss_ps; /* to the critical word, by state of the row */
    uint32_t dram_line_ps;            /* how long one line occupies the memory bus */
    uint32_t device_ps;               /* an uncached access to a device or to nothing */
    uint32_t io_ps, inta_ps;          /* a port behind the bridges; the acknowledge cycles */
};

extern const struct k7_config k7_thunderbird_timing, k8_manchester_timing;

/* clock_num, clock_den: the processor's clock in Hz. */
struct model *model_k7_new(const struct k7_config *config, uint64_t clock_num,
                           uint64_t clock_den);
