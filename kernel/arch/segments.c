/* segments.c: GDT, IDT and TSS. The GDT's second cache line holds the four descriptors that a
 * system call and its return read; only the two of the program ever change, when the space does.
 *
 * A large space's program has base 0 and a limit of 3 GB, so that it cannot reach the small
 * spaces' area above. A small space's has its slot's base and size. All spaces share GS, one word
 * at which every thread finds its UTCB. */
#include "arch/segments.h"

#include "arch/cpu.h"
#include "arch/offsets.h"
#include "api/syscalls.h"
#include "debugger/print.h"
#include "state.h"

/*    31       24 23  20 19   16 15   8 7        0        31           16 15           0
 *   | base 24..31| GD   | limit | access| base 16..|      | base 0..15  | limit 0..15 |
 *                         16..19          23
 * Accessed bits are preset: the processor would otherwise write them, bus locked. */
#define ACCESS_CODE   0x9Bu
#define ACCESS_DATA   0x93u
#define ACCESS_READ_ONLY 0x91u
#define ACCESS_USER   0x60u
#define ACCESS_TSS    0x89u
#define FLAGS_PAGES   0x00C00000u /* limit in pages, 32 bits */
#define FLAGS_BYTES   0x00400000u

#define GDT_ENTRIES   11
#define IDT_ENTRIES   VECTOR_SYSCALL_END

struct descriptor {
    word_t low, high;
};

struct descriptor_pointer {
    uint16_t pad, limit;
    word_t base;
};

extern struct descriptor gdt[GDT_ENTRIES]; /* entry.S */
struct descriptor idt[IDT_ENTRIES]
    __attribute__((section(".data.idt"), aligned(CACHE_LINE)));

struct task task __attribute__((section(".data.task"), aligned(CACHE_LINE)));
static struct tss panic_task;
static word_t panic_stack[512];

static struct descriptor descriptor(word_t base, word_t limit, word_t access, word_t flags)
{
    return (struct descriptor){
        .low = (limit & 0xFFFF) | base << 16,
        .high = (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags | (base & 0xFF000000),
    };
}

static struct descriptor gs_descriptor(word_t base)
{
    return descriptor(base, sizeof(word_t) - 1, ACCESS_READ_ONLY | ACCESS_USER, FLAGS_BYTES);
}

void segments_move_gs(const word_t *word)
{
    gdt[USER_GS >> 3] = gs_descriptor((word_t)(uintptr_t)word);
    __asm__ volatile("movl %0, %%gs" : : "r"(USER_GS));
}

void segments_move_tss(word_t base, word_t limit)
{
    gdt[TSS_SELECTOR >> 3] = descriptor(base, limit, ACCESS_TSS, 0);
    __asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}

static void set_gate(word_t vector, const void *entry, word_t privilege)
{
    word_t address = (word_t)(uintptr_t)entry;
    idt[vector] = (struct descriptor){
        .low = (address & 0xFFFF) | KERNEL_CS << 16,
        .high = (address & 0xFFFF0000) | 0x8E00 | privilege << 13,
    };
}

void segments_set_gate(word_t vector, const void *entry, bool user)
{
    set_gate(vector, entry, user ? 3 : 0);
}

/* A double fault is most likely a kernel stack that is full: a task gate gives it another one. */
static void panic_task_init(void)
{
    panic_task = (struct tss){
        .cr3 = physical(kernel_directory),
        .eip = (word_t)(uintptr_t)double_fault,
        .eflags = 2,
        .esp = (word_t)(uintptr_t)(panic_stack + 512),
        .cs = KERNEL_CS,
        .ss = KERNEL_DS,
        .ds = KERNEL_DS,
        .es = KERNEL_DS,
        .io_map = sizeof(struct tss),
    };
    idt[8] = (struct descriptor){PANIC_SELECTOR << 16, 0x8500};
}

static void gates_init(void)
{
    extern const word_t fault_entries[20], interrupt_entries[16];
    static void (*const calls[])(void) = {
        enter_ipc,         enter_ipc,      enter_exchange_registers, enter_thread_control,
        enter_system_clock, enter_thread_switch, enter_schedule,     enter_unmap,
        enter_space_control, enter_processor_control, enter_memory_control,
        enter_foreign_state,
    };
    _Static_assert(sizeof calls / sizeof calls[0] == VECTOR_SYSCALL_END - VECTOR_IPC, "one a call");

    /* Only INT3 of the exceptions may be raised by INT: programs call the debugger by it. */
    for (word_t i = 0; i < 20; i++)
        set_gate(i, (void *)fault_entries[i], i == 3 ? 3 : 0);
    for (word_t i = 0; i < 16; i++)
        set_gate(0x20 + i, (void *)interrupt_entries[i], 0);
    for (word_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        set_gate(VECTOR_IPC + i, (void *)calls[i], 3);
}

/* The null LDT is loaded, too: the one of the reset lies at address 0, where programs could write
 * descriptors of their own. */
void segments_init(void)
{
    task.tss.ss0 = KERNEL_DS;
    task.tss.io_map = sizeof(struct tss);
    gdt[KERNEL_CS >> 3] = descriptor(0, 0xFFFFF, ACCESS_CODE, FLAGS_PAGES);
    gdt[KERNEL_DS >> 3] = descriptor(0, 0xFFFFF, ACCESS_DATA, FLAGS_PAGES);
    gdt[USER_CS >> 3] =
        descriptor(0, USER_END / PAGE_SIZE - 1, ACCESS_CODE | ACCESS_USER, FLAGS_PAGES);
    gdt[USER_DS >> 3] =
        descriptor(0, USER_END / PAGE_SIZE - 1, ACCESS_DATA | ACCESS_USER, FLAGS_PAGES);
    gdt[USER_GS >> 3] =
        gs_descriptor(KERNEL_PAGES + offsetof(struct gs_page, word));
    gdt[TSS_SELECTOR >> 3] =
        descriptor((word_t)(uintptr_t)&task.tss, sizeof(struct tss) - 1, ACCESS_TSS, 0);
    gdt[PANIC_SELECTOR >> 3] =
        descriptor((word_t)(uintptr_t)&panic_task, sizeof panic_task - 1, ACCESS_TSS, 0);
    gates_init();
    panic_task_init();

    struct descriptor_pointer gdtr = {0, sizeof gdt - 1, (word_t)(uintptr_t)gdt};
    struct descriptor_pointer idtr = {0, sizeof idt - 1, (word_t)(uintptr_t)idt};
    __asm__ volatile("lgdt %0\n\tlidt %1\n\t"
                     "ljmp %2, $1f\n1:\t"
                     "movl %3, %%ds\n\tmovl %3, %%es\n\tmovl %3, %%ss\n\t"
                     "movl %4, %%fs\n\tmovl %5, %%gs\n\t"
                     "ltr %w6\n\tlldt %w4"
                     :
                     : "m"(gdtr.limit), "m"(idtr.limit), "i"(KERNEL_CS), "r"(KERNEL_DS),
                       "r"(0), "r"(USER_GS), "r"(TSS_SELECTOR)
                     : "memory");
}

_Static_assert(LARGE_SEGMENT0 == ((USER_END / PAGE_SIZE - 1) & 0xFFFF) &&
                   SMALL_AREA_SIZE / PAGE_SIZE - 1 < LARGE_SEGMENT0,
               "the fast path tells large spaces from small ones by their limits");

void segments_describe(struct space *s, word_t base, word_t size)
{
    word_t limit = size / PAGE_SIZE - 1;
    struct descriptor data = descriptor(base, limit, ACCESS_DATA | ACCESS_USER, FLAGS_PAGES);
    struct descriptor code = descriptor(base, limit, ACCESS_CODE | ACCESS_USER, FLAGS_PAGES);
    s->segment[0] = data.low;
    s->segment[1] = data.high;
    s->segment_code = code.high;
}

void segments_load_tls(const word_t (*tls)[2])
{
    for (unsigned i = 0; i < L4_TLS_ENTRIES; i++)
        gdt[(TLS_SELECTOR >> 3) + i] = (struct descriptor){tls[i][0], tls[i][1]};
}

void segments_load(const struct space *s)
{
    /* FS is the one that the way out of the kernel leaves alone: it must not keep the old space. */
    __asm__ volatile("movl %0, %%fs" : : "r"(0));
    gdt[USER_CS >> 3] = (struct descriptor){s->segment[0], s->segment_code};
    gdt[USER_DS >> 3] = (struct descriptor){s->segment[0], s->segment[1]};
}
