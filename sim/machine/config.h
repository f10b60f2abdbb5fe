/* config: what a machine is made of, as data. `isochron machines` prints it; `--set KEY=VALUE`
 * overrides one value and is recorded in the run's manifest. */
#pragma once

#include "cpu/models/k7/pipeline.h"
#include "cpu/models/p5/p5.h"
#include "mmu/mmu.h"

struct machine_config {
    const char *name;
    const char *text;  /* one line: what it is and who measured on it */
    const char *model; /* default timing model: "p5", "flat" */
    const char *models[4]; /* those that it can run on, NULL-terminated */
    const struct identity *identity;
    const struct mmu_geometry *profile;  /* the part's, of which geometry is the copy */
    const struct p5_config *p5_profile;  /* likewise of p5; NULL: no Pentium */
    const struct k7_config *k7_profile;  /* likewise of k7 and k8 */
    uint64_t clock_num, clock_den; /* processor clock in Hz, exact: 400000000/3 */
    uint32_t ram_bytes;
    struct mmu_geometry geometry;
    struct p5_config p5;
    struct k7_config k7;
    uint64_t apic_hz_num, apic_hz_den; /* the clock of the local APIC's timer, where there is one */
    uint32_t apic; /* 1: the local APIC is enabled */
    int64_t rtc_start;    /* the date the run begins with, seconds since 1970 UTC */
    uint64_t random_seed; /* handed to Linux as setup_data */
    uint32_t modules_skip; /* pages left free below the Multiboot modules */
    uint32_t ram_kept;     /* pages at its top that no kernel is told of, as a BIOS keeps some */
};

/* All machines, NULL-terminated. */
extern const struct machine_config *const machines[];
/* The machine of that name, for the caller to free; usage_error if there is none. */
struct machine_config *machine_find(const char *name);

/* usage_error unless the machine can run on this timing model. */
void machine_check_model(const struct machine_config *m, const char *model);

/* Applies "key=value". A user's mistake ends the program with usage_error. */
void machine_set(struct machine_config *m, const char *assignment);
/* Checks that the geometry can exist; usage_error if not. */
void machine_check(const struct machine_config *m);
/* Prints every key with its value and what it means. */
void machine_print(const struct machine_config *m);
