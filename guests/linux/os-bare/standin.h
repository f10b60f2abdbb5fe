/* SPDX-License-Identifier: GPL-2.0-only */
/* standin.h: a stand-in for the microkernel that is linked with Linux: all of os-L4 above it is the
 * same, and what it asks of L4 are functions here (l4/bindings.h). Linux and its host layer have
 * privilege 0 and a space of their own, each process has a space, and that there are two makes two
 * writes to CR3 a system call; nothing else is spent on being a microkernel.
 *
 * Linux's interrupt flag is os-L4's variable, so the processor's is on but in here. */
#pragma once

#include <l4/foreign.h>
#include <l4/syscalls.h>
#include <l4/types.h>
#include "layout.h"

/* What processor and entry.S look at, at STANDIN_DATA. */
struct standin_page {
    word_t utcb[2][128]; /* of the thread that runs Linux, of the one that has its interrupts */
    word_t tss[32];
    word_t gdt[32][2];
    word_t fault_tss[32];
    word_t unused[128];
    word_t idt[256][2];
};
_Static_assert(sizeof(struct standin_page) == 4096, "the page of entry.S");

#define STANDIN ((struct standin_page *)STANDIN_DATA)

/* Words of a TSS; in `tss`, what a double fault has found. */
enum {
    TSS_ESP0 = 1, TSS_SS0 = 2, TSS_CR3 = 7, TSS_EIP = 8, TSS_EFLAGS = 9, TSS_ESP = 14, TSS_ES = 18,
    TSS_CS = 19, TSS_SS = 20, TSS_DS = 21, TSS_PORTS = 25, TSS_WORDS = 26
};

/* Present, writable, for processes too, accessed, dirty, 4 MB. */
#define PAGE_PRESENT  0x01u
#define PAGE_WRITABLE 0x02u
#define PAGE_USER     0x04u
#define PAGE_USED     0x60u
#define PAGE_LARGE    0x80u

/* entry.S */
typedef void standin_enter_function(word_t *directory);
#define standin_enter ((standin_enter_function *)STANDIN_CODE)
void standin_switch(word_t **from, word_t *to);

/* standin_machine.c */
extern struct l4_kip standin_kip;
extern word_t standin_memory_end;
extern bool standin_has_fxsr, standin_has_sse;

/* standin_spaces.c: frames, and page tables made of them. */
extern word_t standin_directory[1024]; /* Linux's */
void standin_frames(word_t first, word_t end);
void *standin_frame(void); /* of zeros; NULL: there is none left */
void standin_frame_free(void *frame);
word_t *standin_entry(word_t *directory, word_t address, bool make); /* NULL: no table */
bool standin_give(word_t fpage, word_t to); /* memory, to Linux: L4_COMPLETE_SPACE, or there */
word_t *standin_directory_new(void);
void standin_directory_free(word_t *directory);

/* standin_process.c */
bool standin_process_new(word_t index);
void standin_process_free(word_t index);
void standin_raise(word_t index);
void standin_x87_start(void);

/* standin_threads.c */
void standin_interrupt(word_t line); /* interrupts are off */
void standin_double_fault(void);
void standin_set_timer(word_t microseconds);

static inline void standin_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void standin_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}

/* The same for either thread, of which the second one has them off. */
static inline word_t standin_lock(void)
{
    word_t flags;

    __asm__ volatile("pushfl\n\tpopl %0\n\tcli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void standin_unlock(word_t flags)
{
    __asm__ volatile("pushl %0\n\tpopfl" : : "r"(flags) : "memory", "cc");
}
