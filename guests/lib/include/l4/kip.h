// kip.h: the kernel interface page [L4X2 1]: the kernel's description of itself and of the
// machine's memory, and the offsets of its system-call stubs. A program finds it with the two
// instruction bytes F0 90, which the kernel answers instead of raising the undefined opcode.
#pragma once

#include <l4/types.h>

#define L4_KIP_MAGIC 0x4BE6344Cu // 'L' '4' 0xE6 'K'

struct l4_kip_region {
    word_t low, high; // inclusive
};

struct l4_kip_server {
    word_t sp, ip, low, high;
};

struct l4_kip {
    word_t magic;
    word_t api_version;                 // 0x04: 31..24 version, 23..16 subversion
    word_t api_flags;                   // 0x08
    word_t kernel_descriptor;           // 0x0C, an offset from the page like all "descriptor"s here
    word_t kdebug[4];                   // 0x10
    struct l4_kip_server sigma0;        // 0x20
    struct l4_kip_server sigma1;        // 0x30
    struct l4_kip_server root;          // 0x40
    word_t reserved_50;
    word_t memory_info;                 // 0x54: 31..16 offset of the descriptors, 15..0 count
    word_t kdebug_config[2];            // 0x58
    struct l4_kip_region main_memory;   // 0x60
    struct l4_kip_region reserved[2];   // 0x68
    struct l4_kip_region dedicated[5];  // 0x78
    word_t reserved_a0[2];
    word_t utcb_info;                   // 0xA8: 21..16 s, 15..10 a, 9..0 m
    word_t kip_area_info;               // 0xAC: 5..0 log2 size
    word_t reserved_b0[2];
    word_t boot_info;                   // 0xB8
    word_t processor_descriptor;        // 0xBC
    word_t clock_info;                  // 0xC0: 31..16 schedule precision, 15..0 read precision
    word_t thread_info;                 // 0xC4: 31..20 UserBase, 19..8 SystemBase, 7..0 t
    word_t page_info;                   // 0xC8: 31..10 page-size mask, 2..0 rwx
    word_t processor_info;              // 0xCC: 31..28 log2 descriptor size, 15..0 count - 1
    word_t space_control;               // 0xD0, offsets of the stubs from here on
    word_t thread_control;
    word_t processor_control;
    word_t memory_control;
    word_t ipc;                         // 0xE0
    word_t lipc;
    word_t unmap;
    word_t exchange_registers;
    word_t system_clock;                // 0xF0
    word_t thread_switch;
    word_t schedule;
    word_t reserved_fc[5];
    word_t arch_syscall[4];             // 0x110
};

_Static_assert(offsetof(struct l4_kip, memory_info) == 0x54, "MemoryInfo");
_Static_assert(offsetof(struct l4_kip, utcb_info) == 0xA8, "UtcbInfo");
_Static_assert(offsetof(struct l4_kip, boot_info) == 0xB8, "BootInfo");
_Static_assert(offsetof(struct l4_kip, space_control) == 0xD0, "SpaceControl");
_Static_assert(offsetof(struct l4_kip, schedule) == 0xF8, "Schedule");
_Static_assert(sizeof(struct l4_kip) == 0x120, "the fixed part of the page");

struct l4_kernel_descriptor {
    word_t kernel_id, generation_date, kernel_version, supplier;
    char version_string[]; // NUL-terminated; the feature strings follow it, an empty one ends them
};

struct l4_processor_descriptor {
    word_t external_khz, internal_khz, reserved[2];
};

// A memory descriptor [L4X2 1.3].
//   word 0   31        10 9 8 7       4 3    0     word 1   31         10 9      0
//           | low / 1024 | v|0| subtype | type |           | high / 1024 |  0      |
// The high address is inclusive: its ten low bits read as ones. Later descriptors override.
struct l4_memory_descriptor {
    word_t low, high;
};

enum l4_memory_type {
    L4_MEMORY_UNDEFINED = 0,
    L4_MEMORY_CONVENTIONAL = 1,
    L4_MEMORY_RESERVED = 2, // the kernel's own
    L4_MEMORY_DEDICATED = 3,
    L4_MEMORY_SHARED = 4,
    L4_MEMORY_BOOT_SPECIFIC = 0xE, // subtype 1 initial tables, 2 initial server, 3 boot module
    L4_MEMORY_ARCH_SPECIFIC = 0xF, // subtype: the BIOS map's type
};

static inline word_t l4_memory_type(const struct l4_memory_descriptor *d)
{
    return d->low & 0xF;
}

static inline word_t l4_memory_subtype(const struct l4_memory_descriptor *d)
{
    return d->low >> 4 & 0xF;
}

static inline bool l4_memory_is_virtual(const struct l4_memory_descriptor *d)
{
    return (d->low & 0x200) != 0;
}

static inline word_t l4_memory_low(const struct l4_memory_descriptor *d)
{
    return d->low & 0xFFFFFC00;
}

static inline word_t l4_memory_high(const struct l4_memory_descriptor *d)
{
    return d->high | 0x3FF;
}

struct l4_kernel_identity {
    struct l4_kip *kip;
    word_t api_version, api_flags, kernel_id;
};

// The KernelInterface call, which works in every thread without set-up.
static inline struct l4_kernel_identity l4_kernel_interface(void)
{
    struct l4_kernel_identity k;
    __asm__ volatile(".byte 0xF0, 0x90"
                     : "=a"(k.kip), "=c"(k.api_version), "=d"(k.api_flags), "=S"(k.kernel_id));
    return k;
}

// The page of the space that ran l4_library_init (the start-up code does), without a trap.
extern struct l4_kip *l4_kip;

static inline const void *l4_kip_at(const struct l4_kip *kip, word_t offset)
{
    return (const char *)kip + offset;
}

static inline word_t l4_memory_descriptor_count(const struct l4_kip *kip)
{
    return kip->memory_info & 0xFFFF;
}

static inline const struct l4_memory_descriptor *
l4_memory_descriptor(const struct l4_kip *kip, word_t index)
{
    return (const struct l4_memory_descriptor *)l4_kip_at(kip, kip->memory_info >> 16) + index;
}

static inline const struct l4_kernel_descriptor *l4_kernel_descriptor(const struct l4_kip *kip)
{
    return l4_kip_at(kip, kip->kernel_descriptor);
}

static inline const struct l4_processor_descriptor *
l4_processor_descriptor(const struct l4_kip *kip, word_t processor)
{
    return l4_kip_at(kip, kip->processor_descriptor +
                              (processor << (kip->processor_info >> 28)));
}

static inline word_t l4_thread_id_bits(const struct l4_kip *kip)
{
    return kip->thread_info & 0xFF;
}

static inline word_t l4_system_base(const struct l4_kip *kip)
{
    return kip->thread_info >> 8 & 0xFFF;
}

static inline word_t l4_user_base(const struct l4_kip *kip)
{
    return kip->thread_info >> 20;
}

static inline l4_thread_id l4_sigma0_id(const struct l4_kip *kip)
{
    return l4_global_id(l4_user_base(kip), 1);
}

static inline l4_thread_id l4_root_id(const struct l4_kip *kip)
{
    return l4_global_id(l4_user_base(kip) + 2, 1);
}

static inline word_t l4_utcb_size(const struct l4_kip *kip)
{
    return (kip->utcb_info & 0x3FF) << (kip->utcb_info >> 10 & 0x3F);
}

static inline word_t l4_utcb_area_log2_min(const struct l4_kip *kip)
{
    return kip->utcb_info >> 16 & 0x3F;
}

static inline word_t l4_kip_area_log2_size(const struct l4_kip *kip)
{
    return kip->kip_area_info & 0x3F;
}

static inline word_t l4_page_size_mask(const struct l4_kip *kip)
{
    return kip->page_info & 0xFFFFFC00;
}
