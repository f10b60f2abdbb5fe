/* load: puts a kernel and what it wants into guest memory and the processor where it begins.
 *
 * A kernel is, by its contents: Multiboot 1 (a header in its first 8 KB; ELF or the a.out kludge),
 * Linux bzImage or zImage (HdrS), or Linux vmlinux (any other 32-bit ELF), entered by the 32-bit
 * protocol. Any of them may be gzip-compressed. */
#pragma once

#include "cpu/cpu.h"
#include "sim/machine/image.h"

#define LOAD_MODULES_MAX 64

struct boot {
    const char *kernel;
    const char *initrd; /* Linux: a file; Multiboot: "module args,module args"; NULL: none */
    const char *append; /* command line, "" if none */
    uint64_t random_seed;
    uint32_t modules_skip; /* pages left free below the first module */
    uint32_t ram_kept;     /* pages at the top of memory that the memory map leaves out */
};

/* After cpu_reset. A bad image ends in usage_error. */
void load_kernel(struct cpu *c, const struct boot *boot);

/* --- shared by the loaders --- */

/* Physical places below 640 KB that hold what the loader leaves for the kernel. */
enum {
    LOAD_PARAMETERS = 0x90000, /* boot_params or the Multiboot information */
    LOAD_COMMAND_LINE = 0x92000,
    LOAD_COMMAND_LINE_MAX = 4096,
    LOAD_SETUP_DATA = 0x93000,
    LOAD_STRINGS = 0x94000, /* Multiboot modules, their strings */
    LOAD_STRINGS_END = 0x9E000,
    LOAD_GDT = 0x9F000,
    LOAD_LOW_END = 0x9FC00,
};

/* Copies bytes to guest memory; usage_error naming what does not fit. */
void load_bytes(struct cpu *c, const char *what, uint64_t pa, const void *data, uint64_t size);
void load_u32(struct cpu *c, paddr_t pa, uint32_t value);
/* Where the memory ends that the kernel is told of. */
uint32_t load_memory_end(const struct cpu *c, const struct boot *boot);
/* Loads the PT_LOAD segments of a 32-bit ELF by physical address. Returns the entry (physical) and
 * the end of the highest segment. */
uint32_t load_elf(struct cpu *c, const struct image *i, uint32_t *end);
/* Flat protected mode without paging: CS 10h, the others 18h, a GDT in memory, interrupts off. */
void load_protected_mode(struct cpu *c, uint32_t entry);

bool load_is_multiboot(const struct image *i);
void load_multiboot(struct cpu *c, const struct image *i, const struct boot *boot);
void load_linux(struct cpu *c, const struct image *i, const struct boot *boot);
