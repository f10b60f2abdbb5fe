/* profile_k8: the Athlon 64: one core of an X2 4200+ (Manchester), in legacy mode. Source keys as
 * in SOURCES.md; IL is the dump of part 0020FB1, an X2 3800+: the same silicon at 2.0 GHz.
 *
 * CPUID leaves out long mode (leaf 80000001h, EDX 29), the second core (leaf 1, EDX 28 and EBX
 * 23..16; leaf 80000001h, ECX 1; leaf 80000008h, ECX) and changes of clock and voltage (leaf
 * 80000007h, EDX 2..1), none of which the machine has. */
#include "cpu/models/k7/k7.h"

#define AUTHENTIC_AMD(max) max, 0x68747541, 0x444D4163, 0x69746E65
#define SECOND_CORE (1u << 28)
#define LONG_MODE (1u << 29)
#define LOCAL_APIC (1u << 9) /* off, as the systems studied had it */

static const struct cpuid_leaf manchester_leaves[] = {
    /* [IL] but for what is said above */
    {0, AUTHENTIC_AMD(1)},
    {1, 0x00020FB1, 0x00000800, 0x00000001, 0x178BFBFFu & ~SECOND_CORE & ~LOCAL_APIC},
    {0x80000000, AUTHENTIC_AMD(0x80000018)},
    {0x80000001, 0x00020FB1, 0x00000150, 0x00000001, 0xE3D3FBFFu & ~LONG_MODE & ~LOCAL_APIC},
    /* "AMD Athlon(tm) 64 X2 Dual Core Processor 4200+" */
    {0x80000002, 0x20444D41, 0x6C687441, 0x74286E6F, 0x3620296D},
    {0x80000003, 0x32582034, 0x61754420, 0x6F43206C, 0x50206572},
    {0x80000004, 0x65636F72, 0x726F7373, 0x30323420, 0x00002B30},
    {0x80000005, 0xFF08FF08, 0xFF20FF20, 0x40020140, 0x40020140},
    {0x80000006, 0, 0x42004200, 0x02008140, 0},
    {0x80000007, 0, 0, 0, 0x00000009},
    {0x80000008, 0x00003028, 0, 0, 0},
};

const struct identity k8_manchester = {
    .part = "Athlon 64 (Manchester), one core, legacy mode",
    .signature = 0x00020FB1, /* [IL] */
    .leaves = manchester_leaves,
    .leaf_count = ARRAY_COUNT(manchester_leaves),
    .amd = true,
    .features = 1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP |
                1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT | 1u << FEATURE_FXSR |
                1u << FEATURE_CLFLUSH | 1u << FEATURE_SEP | 1u << FEATURE_SYSCALL |
                1u << FEATURE_RDPMC | 1u << FEATURE_PAE | 1u << FEATURE_PSE36 | 1u << FEATURE_NX |
                1u << FEATURE_PGE | 1u << FEATURE_MTRR | 1u << FEATURE_PAT | 1u << FEATURE_MCA |
                1u << FEATURE_SSE | 1u << FEATURE_SSE2 | 1u << FEATURE_SSE3 |
                1u << FEATURE_3DNOW | 1u << FEATURE_3DNOW_EXT,
    .cr4_writable = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
                    CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT,
    .msrs = &k8_msrs,
    .physical_mask = 0xFFFFFFFFFFull,
    .mxcsr_mask = 0xFFFF,
};

const struct mmu_geometry k8_manchester_geometry = {
    .itlb = {32, 32},       /* [25112 T8, IL] */
    .itlb_large = {8, 8},   /* [25112 T8, IL] */
    .dtlb = {32, 32},       /* [25112 T9, IL] */
    .dtlb_large = {8, 8},   /* [25112 T9, IL] */
    .itlb2 = {512, 4},      /* [25112 T10, IL] */
    .dtlb2 = {512, 4},      /* [25112 T10, IL] */
    .directory_entries = 24, /* from memory */
    .l1i = {65536, 2, 64},  /* [25112 A.5, IL] */
    .l1d = {65536, 2, 64},  /* [25112 A.10, IL] */
    .l2 = {524288, 16, 64}, /* [25112 A.16, IL] */
    .l2_exclusive = true,   /* [25112 A.16] */
    .l2_prefetch = true,    /* [25112 5, AF-MA 20.15] */
    .flush_filter = 1,   /* [25112 A.9] */
    .access_bytes = 8,      /* [AF-MA 20.15] */
    .physical_bits = 40,    /* [IL: leaf 80000008h] */
    .dram = {4096, 8},      /* fitted: a stride of 4 KB never meets an open row [IL] */
};
