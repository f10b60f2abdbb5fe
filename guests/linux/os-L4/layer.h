/* SPDX-License-Identifier: GPL-2.0-only */
/* layer.h: what the files of the host layer share. The layer stands where user-mode Linux has its
 * host's system calls: below it is the L4 microkernel, above it the kernel's own arch/um.
 *
 * Two L4 threads live in the server's space. The first runs all of Linux, its kernel threads being
 * coroutines on stacks of their own. The second, of higher priority, receives interrupts and the
 * passing of time, and runs their handlers on Linux's interrupt stack, in the middle of whatever
 * the first one does; unless Linux has its interrupts off, when it leaves a mark. */
#pragma once

#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/syscalls.h>
#include <l4/types.h>
#include "emulation.h"

/* Priorities of L4 threads: those of processes, of Linux, of its interrupts. */
#define PRIORITY_PROCESS   50u
#define PRIORITY_LINUX     100u
#define PRIORITY_INTERRUPT 150u

#define PAGE_BYTES 4096u

/* Numbers of L4 threads: processes' follow the server's. */
#define THREAD_SERVER  l4_thread_number(layer_server)
#define THREAD_PROCESS 256u
#define PROCESS_MAX    512u

extern l4_thread_id layer_server;    /* the thread that runs Linux */
extern l4_thread_id layer_interrupt; /* the one that has its interrupts */

/* start.c */
_Noreturn void layer_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* memory.c: all of the server's memory, from `first` on, 4 MB at a time where that can be. */
void layer_take_memory(uintptr_t first, uintptr_t end);

/* interrupts.c */
void layer_start_interrupts(void);

/* process.c */
bool layer_process_runs(void);

/* Of a page fault's message. */
#define VECTOR_PAGE_FAULT 14u
#define ERROR_WRITE       2u

struct uml_pt_regs;

/* Where a process is, as far as an answer to its call leaves that as it is. */
struct library_place {
    word_t eip, esp, trap, segments;
};

/* library.c: the page behind AT_SYSINFO, and the calls that come from it. */
void library_start(bool by_trampoline);
bool library_prepare(l4_thread_id thread); /* a new process's */
bool library_page(word_t address, word_t *frame); /* is it there? Then its frame */
/* Must the thread go on before all else? Then with these registers; `result` is its last call's. */
bool library_busy(struct uml_pt_regs *regs, word_t vector, word_t result);
bool library_call(l4_tag tag, struct uml_pt_regs *regs); /* is the message a call? */
struct library_place library_place(const struct uml_pt_regs *regs);
/* Is the result all that the caller from that place is to be told? */
bool library_can_answer(const struct uml_pt_regs *regs, const struct library_place *caller);
void library_recall(l4_thread_id thread); /* its Ipc ends; now it waits for all registers */

/* console.c, on the kernel's side of the headers: the page that a process has at the address, as
 * Linux's tables say, and what it may do there (UM_PROT_*); false: nothing. */
int layer_page_of(unsigned long address, unsigned long *physical, unsigned int *protection);
int layer_page_there(unsigned long address); /* may it be accessed in some way? */
void layer_serial_interrupt(void);

/* start.c: the terminal, for the kernel's side of the headers. */
void layer_terminal_write(const unsigned char *text, int length);
int layer_terminal_read(void); /* a byte; -1: none has come */
void layer_terminal_ready(void); /* Linux takes bytes from now on */
