/* profile_k7: the Athlons: Thunderbird (model 4) and Palomino (model 6), and the board of the
 * machines. Source keys as in SOURCES.md; IL are the dumps of parts 0000644 and 0000662. */
#include "cpu/models/k7/k7.h"

#define AUTHENTIC_AMD(max) max, 0x68747541, 0x444D4163, 0x69746E65

/* What both have: EDX of leaf 1 without SSE. The local APIC is off, as in the dump. */
#define K7_FLAGS 0x0183F9FFu

static const struct cpuid_leaf thunderbird_leaves[] = {
    /* [IL] but the name, which a BIOS writes: from memory */
    {0, AUTHENTIC_AMD(1)},
    {1, 0x0644, 0, 0, K7_FLAGS},
    {0x80000000, AUTHENTIC_AMD(0x80000006)},
    {0x80000001, 0x0744, 0, 0, 0xC1C7F9FF},
    /* "AMD Athlon(tm) Processor" */
    {0x80000002, 0x20444D41, 0x6C687441, 0x74286E6F, 0x5020296D},
    {0x80000003, 0x65636F72, 0x726F7373, 0, 0},
    {0x80000004, 0, 0, 0, 0},
    {0x80000005, 0x0408FF08, 0xFF18FF10, 0x40020140, 0x40020140},
    {0x80000006, 0, 0x41004100, 0x01008140, 0},
};

static const struct cpuid_leaf palomino_leaves[] = {
    {0, AUTHENTIC_AMD(1)},
    {1, 0x0662, 0, 0, K7_FLAGS | 1u << 25},
    {0x80000000, AUTHENTIC_AMD(0x80000008)},
    {0x80000001, 0x0762, 0, 0, 0xC1C3F9FF},
    /* "AMD Athlon(tm) XP 1600+" */
    {0x80000002, 0x20444D41, 0x6C687441, 0x74286E6F, 0x5820296D},
    {0x80000003, 0x36312050, 0x002B3030, 0, 0},
    {0x80000004, 0, 0, 0, 0},
    {0x80000005, 0x0408FF08, 0xFF20FF10, 0x40020140, 0x40020140},
    {0x80000006, 0, 0x41004100, 0x01008140, 0},
    {0x80000007, 0, 0, 0, 0x00000001},
    {0x80000008, 0x00002022, 0, 0, 0},
};

#define K7_FEATURES                                                                                \
    (1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP | 1u << FEATURE_MMX |         \
     1u << FEATURE_MMX_EXT | 1u << FEATURE_3DNOW | 1u << FEATURE_3DNOW_EXT |                       \
     1u << FEATURE_FXSR | 1u << FEATURE_SEP | 1u << FEATURE_SYSCALL |                              \
     1u << FEATURE_RDPMC | 1u << FEATURE_PAE | 1u << FEATURE_PSE36 | 1u << FEATURE_PGE |           \
     1u << FEATURE_MTRR | 1u << FEATURE_PAT | 1u << FEATURE_MCA)
#define K7_CR4                                                                                     \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE |      \
     CR4_OSFXSR)

const struct identity k7_thunderbird = {
    .part = "Athlon (Thunderbird)",
    .signature = 0x0644, /* [IL] */
    .leaves = thunderbird_leaves,
    .leaf_count = ARRAY_COUNT(thunderbird_leaves),
    .amd = true,
    .features = K7_FEATURES,
    .cr4_writable = K7_CR4,
    .msrs = &k7_msrs,
    .physical_mask = 0x3FFFFFFFFull,
};

const struct identity k7_palomino = {
    .part = "Athlon XP (Palomino)",
    .signature = 0x0662, /* [IL] */
    .leaves = palomino_leaves,
    .leaf_count = ARRAY_COUNT(palomino_leaves),
    .amd = true,
    .features = K7_FEATURES | 1u << FEATURE_SSE,
    .cr4_writable = K7_CR4 | CR4_OSXMMEXCPT,
    .msrs = &k7_msrs,
    .physical_mask = 0x3FFFFFFFFull,
    .mxcsr_mask = 0xFFBF, /* no DAZ [APM4] */
};

#define K7_GEOMETRY(dtlb_entries)                                                                  \
    .itlb = {16, 16},                 /* [25112 T8, IL] */                                         \
    .itlb_large = {8, 8},             /* [25112 T8, IL] */                                         \
    .dtlb = {dtlb_entries, dtlb_entries},                                                          \
    .dtlb_large = {8, 8},             /* [25112 T9, IL] */                                         \
    .itlb2 = {256, 4},                /* [25112 T10, IL] */                                        \
    .dtlb2 = {256, 4},                /* [25112 T10, IL] */                                        \
    .directory_entries = 24,          /* from memory */                                            \
    .l1i = {65536, 2, 64},            /* [25112 T7, IL] */                                         \
    .l1d = {65536, 2, 64},            /* [25112 A.10, IL] */                                       \
    .l2 = {262144, 16, 64},           /* [25112 A.16, IL] */                                       \
    .l2_exclusive = true,             /* [25112 A.16] */                                           \
    .access_bytes = 8,                /* [AF-MA 20.15] */                                          \
    .physical_bits = 34,              /* [IL: leaf 80000008h of the Palomino] */                   \
    .dram = {8192, 8}                 /* two 64-bit DDR modules of 1024 columns: estimate */

const struct mmu_geometry k7_thunderbird_geometry = {
    K7_GEOMETRY(24), /* [IL] */
};

const struct mmu_geometry k7_palomino_geometry = {
    K7_GEOMETRY(32), /* [IL] */
};
