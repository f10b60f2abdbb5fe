/* msrs: model-specific registers of parts later than the Pentium: where they are kept, and how a
 * part says which of them it has.
 *
 * A part's identity names a table of rows. A number without a row raises #GP(0), as does a write
 * that sets a bit which the row does not allow [SDM2 RDMSR, WRMSR]. */
#pragma once

#include "sim/core/types.h"

#define MSR_BANKS 5    /* of machine-check registers: four on the K7, five on the K8 */
#define MSR_COUNTERS 4 /* performance counters */

struct msrs {
    uint64_t apic_base, patch_level;
    uint64_t mcg_cap, mcg_status, mcg_ctl;
    uint64_t mc_ctl[MSR_BANKS], mc_status[MSR_BANKS], mc_addr[MSR_BANKS], mc_misc[MSR_BANKS];
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t debug_ctl, branch_from, branch_to, exception_from, exception_to;
    uint64_t mtrr_cap, mtrr_base[8], mtrr_mask[8], mtrr_fixed[11], mtrr_default, pat;
    uint64_t efer, star;
    uint64_t select[MSR_COUNTERS], counter[MSR_COUNTERS]; /* 48 bits, as of the last change */
    uint64_t syscfg, hwcr, iorr_base[2], iorr_mask[2], top_mem, top_mem2;
    uint64_t nb_cfg, ls_cfg, ic_cfg, dc_cfg, bu_cfg;
    uint64_t mc_mask[MSR_BANKS];
};

enum msr_kind {
    MSR_PLAIN,     /* keeps what was written, and does nothing */
    MSR_READ_ONLY, /* a write raises #GP */
    MSR_CLOCK,     /* TSC */
    MSR_APIC,      /* enabling the local APIC or moving it */
    MSR_STATUS,    /* machine check: only zero may be written */
    MSR_DEBUG,     /* branch tracing, which no model does */
    MSR_PAGING,    /* EFER: NX */
    MSR_MTRR_BASE, MSR_MTRR_MASK, MSR_MTRR_FIXED, MSR_MTRR_DEFAULT,
    MSR_PAT,
    MSR_SELECT, MSR_COUNTER, /* performance counters */
    MSR_HARDWARE,  /* HWCR */
};

struct msr_row {
    uint32_t number;
    uint16_t offset; /* in struct msrs; of a kind that is kept elsewhere, 0 */
    uint8_t kind;    /* enum msr_kind */
    const char *name;
    uint64_t writable; /* a write that sets another bit raises #GP */
    uint64_t reset;
};

/* The part's table, by rising number. */
struct msr_table {
    const struct msr_row *rows;
    unsigned count;
};

enum {
    EFER_SCE = 1 << 0, EFER_NXE = 1 << 11, EFER_FFXSR = 1 << 14,
    APIC_BASE_BSP = 1 << 8, APIC_BASE_ENABLE = 1 << 11,
    MTRR_VALID = 1 << 11, MTRR_DEFAULT_FIXED = 1 << 10, MTRR_DEFAULT_ON = 1 << 11,
    HWCR_FFDIS = 1 << 6, /* no TLB flush filter */
};
