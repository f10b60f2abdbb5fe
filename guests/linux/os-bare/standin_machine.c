// SPDX-License-Identifier: GPL-2.0-only
/* standin_machine.c: from the boot loader to the host layer's start: memory, descriptors, the
 * interrupt controllers [8259A], and the clock, which is the time stamp counter as the interval
 * timer [8254] tells its frequency. */
#include <string.h>
#include <l4/boot.h>
#include <l4/kip.h>
#include <l4/ports.h>
#include "layer.h"
#include "place.h"
#include "standin.h"

#define FIRST_MEMORY  0x100000u
#define LOADER_MAGIC  0x2BADB002u
#define SYSTEM_BASE   16u /* numbers of threads: the 8259's lines are below it */
#define USER_BASE     32u

#define CR0_PG_WP_NE_MP 0x80010022u
#define CR0_CACHES_OFF  0x60000000u
#define CR0_AM          0x00040000u
#define CR0_TS          0x00000008u
#define CR0_EM          0x00000004u
#define CR4_PSE         0x010u
#define CR4_OSFXSR      0x200u
#define CR4_OSXMMEXCPT  0x400u
#define FEATURE_PSE     (1u << 3)
#define FEATURE_TSC     (1u << 4)
#define FEATURE_FXSR    (1u << 24)
#define FEATURE_SSE     (1u << 25)

struct l4_kip standin_kip = {
    .magic = L4_KIP_MAGIC,
    .thread_info = USER_BASE << 20 | SYSTEM_BASE << 8 | 18,
};
word_t standin_memory_end;
bool standin_has_fxsr, standin_has_sse;
word_t *standin_utcb;

static char command_line[1024];
static struct l4_boot_module modules[2]; /* Linux itself; its ramdisk, if there is one */
static word_t clock_scale; /* microseconds a cycle, times 2^32 */

extern char standin_code[], standin_gates[], standin_boot_stack[], __binary_start[], _end[];
extern struct standin_page standin_page;

/* --- what the boot loader says [MB1 3.3] ------------------------------------------------------ */

struct multiboot {
    word_t flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules;
};

#define MULTIBOOT_MEMORY  1u
#define MULTIBOOT_COMMAND 4u
#define MULTIBOOT_MODULES 8u

/* Its ramdisk may lie where Linux will have its memory, which is from its image on: so it goes to
 * the first memory, and what is left up to the image is for page tables. */
static void take_boot_information(const struct multiboot *m)
{
    const struct l4_boot_module *module = (const struct l4_boot_module *)m->modules;
    word_t size = 0;

    if (!(m->flags & MULTIBOOT_MEMORY))
        layer_panic("the boot loader does not say how much memory there is");
    standin_memory_end = FIRST_MEMORY + m->memory_upper * 1024;
    if (m->flags & MULTIBOOT_COMMAND)
        strlcpy(command_line, (const char *)m->command_line, sizeof(command_line));
    modules[0].text = (word_t)(uintptr_t)command_line;
    if (m->flags & MULTIBOOT_MODULES && m->module_count) {
        size = module->end - module->start;
        if (size > (word_t)(uintptr_t)__binary_start - FIRST_MEMORY - (1u << 20))
            layer_panic("the ramdisk of %u KB is too large: 14 MB are not", size / 1024);
        memmove((void *)FIRST_MEMORY, (const void *)module->start, size);
        modules[1].start = FIRST_MEMORY;
        modules[1].end = FIRST_MEMORY + size;
    }
    standin_frames((FIRST_MEMORY + size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1),
                   (word_t)(uintptr_t)__binary_start);
}

/* --- paging and descriptors ------------------------------------------------------------------- */

static void start_paging(word_t features)
{
    word_t cr4 = CR4_PSE | (features & FEATURE_FXSR ? CR4_OSFXSR : 0) |
                 (features & FEATURE_SSE ? CR4_OSXMMEXCPT : 0);
    word_t *top = standin_frame(), cr0;

    for (word_t at = 0; at < (word_t)(uintptr_t)_end; at += 1u << 22)
        standin_directory[at >> 22] = at | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED | PAGE_LARGE;
    standin_directory[STANDIN_CODE >> 22] = (word_t)(uintptr_t)top | PAGE_PRESENT | PAGE_WRITABLE |
                                            PAGE_USED;
    top[0] = (word_t)(uintptr_t)standin_code | PAGE_PRESENT | PAGE_USED;
    top[1] = (word_t)(uintptr_t)&standin_page | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED;
    __asm__ volatile("movl %0, %%cr4\n\tmovl %1, %%cr3" : : "r"(cr4), "r"(standin_directory)
                     : "memory");
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
    cr0 = (cr0 & ~(CR0_CACHES_OFF | CR0_EM)) | CR0_PG_WP_NE_MP | CR0_AM | CR0_TS;
    __asm__ volatile("movl %0, %%cr0\n\tjmp 1f\n1:" : : "r"(cr0) : "memory");
}

/* No port is a process's. */
static void make_tss(struct standin_page *p, word_t selector, word_t *tss)
{
    const word_t base = (word_t)(uintptr_t)tss, limit = 4 * TSS_WORDS - 1;

    tss[TSS_PORTS] = (limit + 1) << 16;
    p->gdt[selector / 8][0] = base << 16 | limit;
    p->gdt[selector / 8][1] = (base & 0xFF000000) | 0x8900 | (base >> 16 & 0xFF);
}

/* Code and data of both privileges are all of the space; the TSS is for its privilege 0 stack. */
static void make_descriptors(struct standin_page *p)
{
    const word_t all[4][2] = {{0x0000FFFF, 0x00CF9B00}, {0x0000FFFF, 0x00CF9300},
                              {0x0000FFFF, 0x00CFFB00}, {0x0000FFFF, 0x00CFF300}};

    memcpy(p->gdt[KERNEL_CS / 8], all, sizeof(all));
    p->tss[TSS_ESP0] = STANDIN_STACK;
    p->tss[TSS_SS0] = KERNEL_DS;
    make_tss(p, TSS_SELECTOR, p->tss);
}

/* Interrupt gates, of which a program may use those of INT3, INTO and int 80h. */
static void make_gate(struct standin_page *p, word_t vector, word_t number)
{
    word_t at = STANDIN_CODE + (word_t)(standin_gates - standin_code) + 16 * number;
    bool open = vector == 3 || vector == 4 || vector == VECTOR_INT_80;

    p->idt[vector][0] = KERNEL_CS << 16 | (at & 0xFFFF);
    p->idt[vector][1] = (at & 0xFFFF0000) | 0x8E00 | (open ? 0x6000 : 0);
}

/* Whoever has a double fault has no stack to tell it on: it is told by a task with a stack of its
 * own, the one that nobody needs after the start. */
static void make_fault_gate(struct standin_page *p)
{
    word_t *tss = p->fault_tss;

    tss[TSS_CR3] = (word_t)(uintptr_t)standin_directory;
    tss[TSS_EIP] = (word_t)(uintptr_t)standin_double_fault;
    tss[TSS_EFLAGS] = 2; /* interrupts off */
    tss[TSS_ESP] = (word_t)(uintptr_t)standin_boot_stack + BOOT_STACK - 4;
    tss[TSS_CS] = KERNEL_CS;
    tss[TSS_SS] = tss[TSS_DS] = tss[TSS_ES] = KERNEL_DS;
    make_tss(p, FAULT_TSS_SELECTOR, tss);
    p->idt[VECTOR_DOUBLE_FAULT][0] = FAULT_TSS_SELECTOR << 16;
    p->idt[VECTOR_DOUBLE_FAULT][1] = 0x8500;
}

static void load_descriptors(void)
{
    const struct __attribute__((packed)) {
        uint16_t limit;
        word_t base;
    } gdt = {sizeof(STANDIN->gdt) - 1, (word_t)(uintptr_t)STANDIN->gdt},
      idt = {sizeof(STANDIN->idt) - 1, (word_t)(uintptr_t)STANDIN->idt};

    __asm__ volatile("lgdt %0\n\tlidt %1\n\tljmp %2, $1f\n1:\tmovl %3, %%ss\n\tmovl %4, %%ds\n\t"
                     "movl %4, %%es\n\tmovl %5, %%fs\n\tmovl %5, %%gs\n\tlldt %w5\n\tltr %w6"
                     : : "m"(gdt), "m"(idt), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(USER_DS), "r"(0),
                       "r"(TSS_SELECTOR) : "memory");
}

/* --- interrupts and time ---------------------------------------------------------------------- */

/* Both controllers, all lines masked but the cascade's. */
static void start_lines(void)
{
    static const uint8_t words[][2] = {
        {0x20, 0x11}, {0x21, VECTOR_LINES}, {0x21, 4}, {0x21, 1}, {0x21, 0xFB},
        {0xA0, 0x11}, {0xA1, VECTOR_LINES + 8}, {0xA1, 2}, {0xA1, 1}, {0xA1, 0xFF},
    };

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        l4_out8(words[i][0], words[i][1]);
}

#define PIT_HZ        1193182u
#define PIT_CONTROL   0x43
#define PIT_CHANNEL_2 0x42
#define PIT_2_ONESHOT 0xB0   /* channel 2, both bytes, mode 0 */
#define PORT_B        0x61   /* bit 0: gate of channel 2, 5: its output */
#define MEASURE_TICKS 11932u /* 10 ms */

static word_t measure_khz(void)
{
    uint8_t port_b = l4_in8(PORT_B) & 0x0C;
    uint64_t start;
    word_t cycles;

    l4_out8(PORT_B, port_b | 1);
    l4_out8(PIT_CONTROL, PIT_2_ONESHOT);
    l4_out8(PIT_CHANNEL_2, MEASURE_TICKS & 0xFF);
    start = l4_read_tsc();
    l4_out8(PIT_CHANNEL_2, MEASURE_TICKS >> 8);
    while (!(l4_in8(PORT_B) & 0x20))
        ;
    cycles = (word_t)(l4_read_tsc() - start);
    l4_out8(PORT_B, port_b);
    return (word_t)((uint64_t)cycles * (PIT_HZ / 1000) / MEASURE_TICKS);
}

/* What holds the processor up meanwhile makes the count too large, so the least is right. */
static void start_clock(void)
{
    word_t khz = measure_khz(), high = 1000, low = 0;

    for (unsigned i = 0; i < 2; i++) {
        word_t again = measure_khz();

        if (again < khz)
            khz = again;
    }
    __asm__("divl %2" : "+a"(low), "+d"(high) : "r"(khz));
    clock_scale = low;
}

l4_clock l4_system_clock(void)
{
    uint64_t tsc = l4_read_tsc();

    return (tsc >> 32) * clock_scale + ((tsc & 0xFFFFFFFF) * clock_scale >> 32);
}

/* --- the start -------------------------------------------------------------------------------- */

void standin_begin(word_t magic, const struct multiboot *m);
void standin_begin(word_t magic, const struct multiboot *m)
{
    word_t eax = 1, ebx, ecx = 0, features;

    layer_place = &layer_direct; /* for layer_panic */
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(features));
    if (magic != LOADER_MAGIC)
        layer_panic("%08x is no Multiboot loader's magic word", magic);
    if (!(features & FEATURE_PSE) || !(features & FEATURE_TSC))
        layer_panic("a Pentium or a later processor is needed");
    standin_has_fxsr = features & FEATURE_FXSR;
    standin_has_sse = features & FEATURE_SSE;
    take_boot_information(m);
    start_paging(features);
    make_descriptors(STANDIN);
    for (word_t i = 0; i < GATES; i++)
        make_gate(STANDIN, i, i);
    make_gate(STANDIN, VECTOR_INT_80, GATES);
    make_fault_gate(STANDIN);
    load_descriptors();
    standin_x87_start();
    start_lines();
    start_clock();
    standin_utcb = &STANDIN->utcb[0][64];
    l4_set_tcr(L4_TCR_MY_GLOBAL_ID, l4_root_id(&standin_kip));
    standin_on();
}

/* --- boot modules, as os-L4/direct.c asks for them -------------------------------------------- */

word_t l4_boot_modules(const struct l4_kip *kip, const struct l4_boot_access *access,
                       struct l4_boot_module *found, word_t max)
{
    word_t count = modules[1].end ? 2 : 1;

    (void)kip, (void)access, (void)max;
    memcpy(found, modules, count * sizeof(*found));
    return count;
}

word_t l4_boot_root_index(const struct l4_kip *kip, const struct l4_boot_access *access,
                          const struct l4_boot_module *found, word_t count)
{
    (void)kip, (void)access, (void)found, (void)count;
    return 0;
}

/* Processes have no Ipc, which two of the options of os-L4 are about. */
void l4_boot_text(const struct l4_boot_access *access, const struct l4_boot_module *module,
                  char *buffer, word_t size)
{
    static const char *const refused[] = {" syscalls=library", " syscalls=trampoline",
                                          " space=small"};

    (void)access;
    strlcpy(buffer, (const char *)module->text, size);
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strstr(buffer, refused[i]))
            layer_panic("%s is for Linux on L4: here there is no microkernel", refused[i] + 1);
}

bool l4_sigma0_get_range(word_t start, word_t size)
{
    return start >= FIRST_MEMORY && start + size <= (word_t)(uintptr_t)__binary_start;
}
