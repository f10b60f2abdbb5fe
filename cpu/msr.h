/* msr: the Pentium's model-specific registers [SDM4 2.23 table 2-54 "Pentium processor"].
 *
 *   00 P5_MC_ADDR   01 P5_MC_TYPE   0E TR12   10 TSC   11 CESR   12 CTR0   13 CTR1
 *
 * Every other number raises #GP(0). */
#pragma once

#include "cpu/cpu.h"

uint64_t msr_read(struct cpu *c, uint32_t number);
void msr_write(struct cpu *c, uint32_t number, uint64_t value);

/* RESET: both counters off and 0. */
void msr_reset_counters(struct cpu *c);

/* A performance counter's present value, 40 bits: RDMSR and RDPMC. */
uint64_t msr_counter(const struct cpu *c, unsigned index);
