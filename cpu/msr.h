/* msr: model-specific registers. The Pentium's [SDM4 2.23 table 2-54 "Pentium processor"] are in
 * msr.c:
 *
 *   00 P5_MC_ADDR   01 P5_MC_TYPE   0E TR12   10 TSC   11 CESR   12 CTR0   13 CTR1
 *
 * those of a part whose identity has a table in msr_table.c. Every other number raises #GP(0). */
#pragma once

#include "cpu/cpu.h"

uint64_t msr_read(struct cpu *c, uint32_t number);
void msr_write(struct cpu *c, uint32_t number, uint64_t value);

/* RESET: both counters off and 0. */
void msr_reset_counters(struct cpu *c);

/* How many performance counters there are, and one's present value: RDMSR and RDPMC. */
unsigned msr_counters(const struct cpu *c);
uint64_t msr_counter(const struct cpu *c, unsigned index);

/* Of parts with a table. */
uint64_t msr_table_read(struct cpu *c, uint32_t number);
void msr_table_write(struct cpu *c, uint32_t number, uint64_t value);
uint64_t msr_table_counter(const struct cpu *c, unsigned index);
void msr_table_reset(struct cpu *c);
void msr_table_snapshot(struct cpu *c, struct snap *s);
/* Tells the memory unit what MTRRs and PAT say, if the part has them. */
void msr_tell_types(struct cpu *c);
/* What a BIOS leaves: memory is write-back, the screen's uncached, ROMs write-protected. */
void msr_firmware_done(struct cpu *c, uint64_t ram_bytes);
