/* msrs: model-specific registers of the Athlons and of the Athlon 64 in legacy mode. Numbers and
 * layouts are from memory of AMD's BIOS guides where nothing else is said; those that long mode
 * brings (LSTAR, FS_BASE ...) are masked with it.
 *
 *   EFER     14 FFXSR  11 NXE  0 SCE
 *   STAR     63..48 SYSRET CS  47..32 SYSCALL CS  31..0 EIP
 *   PERFCTL  31..24 counter mask  23 INV  22 EN  20 INT  19 PC  18 E  17 OS  16 USR  15..8 unit
 *            mask  7..0 event [22007 D]
 *   HWCR     18 McStatusWrEn  6 FFDIS  0 SMMLOCK; the other bits change no result
 *   SYSCFG   21 MtrrTom2En  20 MtrrVarDramEn  19 MtrrFixDramModEn  18 MtrrFixDramEn */
#include "cpu/models/k7/k7.h"

#include <stddef.h>

#define ALL UINT64_MAX
#define LOW 0xFFFFFFFFull
#define AT(field) offsetof(struct msrs, field)
#define ROW(number, name, field, kind, writable, reset)                                            \
    {number, (uint16_t)AT(field), kind, name, writable, reset}

/* Physical addresses: 34 bits and 40. */
#define K7_PAGES 0x3FFFFF000ull
#define K8_PAGES 0xFFFFFFF000ull
#define PERFCTL 0xFFDFFFFFull /* what is counted: counters.c */

#define BANK(i)                                                                                    \
    ROW(0x400 + 4 * (i), "MC" #i "_CTL", mc_ctl[i], MSR_PLAIN, ALL, 0),                            \
    ROW(0x401 + 4 * (i), "MC" #i "_STATUS", mc_status[i], MSR_STATUS, ALL, 0),                     \
    ROW(0x402 + 4 * (i), "MC" #i "_ADDR", mc_addr[i], MSR_PLAIN, ALL, 0),                          \
    ROW(0x403 + 4 * (i), "MC" #i "_MISC", mc_misc[i], MSR_PLAIN, ALL, 0)
#define RANGE(i, pages)                                                                            \
    ROW(0x200 + 2 * (i), "MTRR_BASE" #i, mtrr_base[i], MSR_MTRR_BASE, (pages) | 0xFF, 0),          \
    ROW(0x201 + 2 * (i), "MTRR_MASK" #i, mtrr_mask[i], MSR_MTRR_MASK, (pages) | MTRR_VALID, 0)
#define FIXED(number, name, i)                                                                     \
    ROW(number, name, mtrr_fixed[i], MSR_MTRR_FIXED, 0x0707070707070707ull, 0)
#define PERFORMANCE(i)                                                                             \
    ROW(0xC0010000 + (i), "PERFCTL" #i, select[i], MSR_SELECT, PERFCTL, 0)
#define COUNTER(i)                                                                                 \
    ROW(0xC0010004 + (i), "PERFCTR" #i, counter[i], MSR_COUNTER, ALL, 0)

/* What both have, in three stretches of numbers. */
#define UP_TO_PATCH(pages)                                                                         \
    {0x010, 0, MSR_CLOCK, "TSC", ALL, 0},                                                          \
    ROW(0x01B, "APIC_BASE", apic_base, MSR_APIC, (pages) | APIC_BASE_ENABLE | APIC_BASE_BSP,       \
        0xFEE00000 | APIC_BASE_BSP)
#define UP_TO_BANKS(pages, cap)                                                                    \
    ROW(0x0FE, "MTRR_CAP", mtrr_cap, MSR_READ_ONLY, 0, 0x508), /* eight ranges, fixed ones, WC */  \
    ROW(0x174, "SYSENTER_CS", sysenter_cs, MSR_PLAIN, LOW, 0),                                     \
    ROW(0x175, "SYSENTER_ESP", sysenter_esp, MSR_PLAIN, LOW, 0),                                   \
    ROW(0x176, "SYSENTER_EIP", sysenter_eip, MSR_PLAIN, LOW, 0),                                   \
    ROW(0x179, "MCG_CAP", mcg_cap, MSR_READ_ONLY, 0, cap),                                         \
    ROW(0x17A, "MCG_STATUS", mcg_status, MSR_PLAIN, ALL, 0),                                       \
    ROW(0x17B, "MCG_CTL", mcg_ctl, MSR_PLAIN, ALL, 0),                                             \
    ROW(0x1D9, "DEBUG_CTL", debug_ctl, MSR_DEBUG, 0x7F, 0),                                        \
    ROW(0x1DB, "BRANCH_FROM", branch_from, MSR_READ_ONLY, 0, 0),                                   \
    ROW(0x1DC, "BRANCH_TO", branch_to, MSR_READ_ONLY, 0, 0),                                       \
    ROW(0x1DD, "EXCEPTION_FROM", exception_from, MSR_READ_ONLY, 0, 0),                             \
    ROW(0x1DE, "EXCEPTION_TO", exception_to, MSR_READ_ONLY, 0, 0),                                 \
    RANGE(0, pages), RANGE(1, pages), RANGE(2, pages), RANGE(3, pages), RANGE(4, pages),           \
    RANGE(5, pages), RANGE(6, pages), RANGE(7, pages),                                             \
    FIXED(0x250, "MTRR_64K_00000", 0), FIXED(0x258, "MTRR_16K_80000", 1),                          \
    FIXED(0x259, "MTRR_16K_A0000", 2), FIXED(0x268, "MTRR_4K_C0000", 3),                           \
    FIXED(0x269, "MTRR_4K_C8000", 4), FIXED(0x26A, "MTRR_4K_D0000", 5),                            \
    FIXED(0x26B, "MTRR_4K_D8000", 6), FIXED(0x26C, "MTRR_4K_E0000", 7),                            \
    FIXED(0x26D, "MTRR_4K_E8000", 8), FIXED(0x26E, "MTRR_4K_F0000", 9),                            \
    FIXED(0x26F, "MTRR_4K_F8000", 10),                                                             \
    ROW(0x277, "PAT", pat, MSR_PAT, 0x0707070707070707ull, 0x0007040600070406ull),                 \
    ROW(0x2FF, "MTRR_DEFAULT", mtrr_default, MSR_MTRR_DEFAULT,                                     \
        MTRR_DEFAULT_ON | MTRR_DEFAULT_FIXED | 0xFF, 0),                                           \
    BANK(0), BANK(1), BANK(2), BANK(3)
#define FROM_STAR(pages)                                                                           \
    ROW(0xC0000081, "STAR", star, MSR_PLAIN, ALL, 0),                                              \
    PERFORMANCE(0), PERFORMANCE(1), PERFORMANCE(2), PERFORMANCE(3),                                \
    COUNTER(0), COUNTER(1), COUNTER(2), COUNTER(3),                                                \
    ROW(0xC0010010, "SYSCFG", syscfg, MSR_PLAIN, LOW, 0),                                          \
    ROW(0xC0010015, "HWCR", hwcr, MSR_HARDWARE, LOW, 0),                                           \
    ROW(0xC0010016, "IORR_BASE0", iorr_base[0], MSR_PLAIN, (pages) | 0x18, 0),                     \
    ROW(0xC0010017, "IORR_MASK0", iorr_mask[0], MSR_PLAIN, (pages) | MTRR_VALID, 0),               \
    ROW(0xC0010018, "IORR_BASE1", iorr_base[1], MSR_PLAIN, (pages) | 0x18, 0),                     \
    ROW(0xC0010019, "IORR_MASK1", iorr_mask[1], MSR_PLAIN, (pages) | MTRR_VALID, 0),               \
    ROW(0xC001001A, "TOP_MEM", top_mem, MSR_PLAIN, (pages) & ~0x7FFFFFull, 0),                     \
    ROW(0xC001001D, "TOP_MEM2", top_mem2, MSR_PLAIN, (pages) & ~0x7FFFFFull, 0)

static const struct msr_row k7_rows[] = {
    UP_TO_PATCH(K7_PAGES),
    UP_TO_BANKS(K7_PAGES, 0x104), /* four banks, MCG_CTL */
    ROW(0xC0000080, "EFER", efer, MSR_PAGING, EFER_SCE, 0),
    FROM_STAR(K7_PAGES),
};

#define MASK(i) ROW(0xC0010044 + (i), "MC" #i "_MASK", mc_mask[i], MSR_PLAIN, ALL, 0)

static const struct msr_row k8_rows[] = {
    UP_TO_PATCH(K8_PAGES),
    ROW(0x08B, "PATCH_LEVEL", patch_level, MSR_READ_ONLY, 0, 0),
    UP_TO_BANKS(K8_PAGES, 0x105), /* five banks, MCG_CTL */
    BANK(4),
    ROW(0xC0000080, "EFER", efer, MSR_PAGING, EFER_SCE | EFER_NXE, 0),
    FROM_STAR(K8_PAGES),
    ROW(0xC001001F, "NB_CFG", nb_cfg, MSR_PLAIN, ALL, 0),
    MASK(0), MASK(1), MASK(2), MASK(3), MASK(4),
    ROW(0xC0011020, "LS_CFG", ls_cfg, MSR_PLAIN, ALL, 0),
    ROW(0xC0011021, "IC_CFG", ic_cfg, MSR_PLAIN, ALL, 0),
    ROW(0xC0011022, "DC_CFG", dc_cfg, MSR_PLAIN, ALL, 0),
    ROW(0xC0011023, "BU_CFG", bu_cfg, MSR_PLAIN, ALL, 0),
};

const struct msr_table k7_msrs = {k7_rows, ARRAY_COUNT(k7_rows)};
const struct msr_table k8_msrs = {k8_rows, ARRAY_COUNT(k8_rows)};
