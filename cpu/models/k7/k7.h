/* k7: AMD's Athlon and Athlon 64 as processors: who they are and what they have. One folder for
 * both, as they are one design in two sets of parameters.
 *
 * profile_k7.c has the Athlons, profile_k8.c the Athlon 64, every number with its source key. Of
 * the Athlon 64, long mode is masked: the machines run it in legacy mode, as the systems studied
 * did. */
#pragma once

#include "cpu/cpu.h"
#include "mmu/mmu.h"

extern const struct identity k7_thunderbird; /* model 4, as CPUID says it */
extern const struct identity k7_palomino;    /* model 6: with SSE */
extern const struct identity k8_manchester;  /* one core of an Athlon 64 X2 4200+ */

extern const struct msr_table k7_msrs, k8_msrs;

/* Processor and board. */
extern const struct mmu_geometry k7_thunderbird_geometry, k7_palomino_geometry;
extern const struct mmu_geometry k8_manchester_geometry;
