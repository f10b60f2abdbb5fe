/* kip.h: the kernel interface page: what programs and boot loaders know of the kernel [L4X2 1].
 * It is one page of the image (arch/kip_page.S), which boot loaders find by its magic word and
 * fill in part; kip_init completes it. Every space has it mapped, read-only, where SpaceControl
 * said. */
#pragma once

#include "abi.h"

/* Where a server lies in memory and starts, as the boot loader left it. */
struct kip_server {
    word_t sp, ip, low, high;
};

struct kip {
    word_t magic, api_version, api_flags, kernel_descriptor;
    word_t debugger[4];
    struct kip_server sigma0, sigma1, root;
    word_t reserved0;
    word_t memory_info; /* 0..15 number of descriptors, 16..31 their offset */
    word_t debugger_config[2];
    word_t main_memory[2];
    word_t reserved_memory[2][2], dedicated_memory[5][2];
    word_t reserved1[2];
    word_t utcb_info; /* 0xA8 */
    word_t kip_area_info;
    word_t reserved2[2];
    word_t boot_info; /* 0xB8 */
    word_t processor_descriptors;
    word_t clock_info, thread_info, page_info, processor_info;
    word_t space_control; /* 0xD0: offsets of the stubs from here */
    word_t thread_control, processor_control, memory_control;
    word_t ipc, lipc, unmap, exchange_registers, system_clock, thread_switch, schedule;
    word_t reserved3[5];
    word_t arch_syscall[4];
    struct kip_processor {
        word_t external_khz, internal_khz, reserved[2];
    } processor; /* 0x120 */
    struct kip_kernel {
        word_t id, date, version;
        char supplier[4];
    } kernel; /* 0x130, followed by the version's name and by no features */
};
_Static_assert(offsetof(struct kip, utcb_info) == 0xA8, "KIP");
_Static_assert(offsetof(struct kip, boot_info) == 0xB8, "KIP");
_Static_assert(offsetof(struct kip, space_control) == 0xD0, "KIP");
_Static_assert(offsetof(struct kip, schedule) == 0xF8, "KIP");
_Static_assert(offsetof(struct kip, processor) == 0x120, "KIP");
_Static_assert(offsetof(struct kip, kernel) == 0x130, "KIP");

extern struct kip kip;

/* A memory descriptor: low address and high address of a region in KB, type, subtype.
 *    31          10  9    8  7    4 3    0        31           10 9   0
 *   | low / 1024   | v |     |  t   | type |      | high / 1024  |     |     high is inclusive
 */
struct memory_descriptor {
    word_t low, high;
};
enum memory_type {
    MEMORY_CONVENTIONAL = 1,
    MEMORY_RESERVED = 2, /* the kernel's */
    MEMORY_DEDICATED = 3,
    MEMORY_SHARED = 4,
    MEMORY_BOOT = 0xE, /* subtypes: below */
    MEMORY_ARCHITECTURE = 0xF,
};
enum boot_memory { BOOT_TABLE = 1, BOOT_SERVER = 2, BOOT_MODULE = 3 };
#define MEMORY_VIRTUAL 0x200u

unsigned kip_memory_count(void);
struct memory_descriptor *kip_memory(unsigned index);
void kip_memory_clear(void);
/* Appends [low, high], inclusive; stops the boot when the page is full. */
void kip_memory_add(enum memory_type type, unsigned subtype, bool is_virtual, word_t low,
                    word_t high);

/* What the kernel itself knows: clocks, page sizes, thread numbers, how its stubs enter it. */
void kip_init(void);
