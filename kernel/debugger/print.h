/* print.h: what the kernel says on its console. */
#pragma once

#include "types.h"

/* %s %c %d %u %x %p %%, field width and zero padding ("%08x"), %llu for 64 bits. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Stays on in test builds (KERNEL_ASSERT=1) and vanishes from the measured image. */
#if KERNEL_ASSERT
#define ASSERT(e) ((e) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #e))
#else
#define ASSERT(e) ((void)0)
#endif

/* The trace buffer: (what, two words) with a time stamp; the debugger prints it. */
void trace(const char *what, word_t a, word_t b);
/* The kernel debugger: on serial input of ^K or ESC (checked in the tick), on panic, and on INT3 from a program that
 * carries the debugger's marker [L4X2 2]. */
struct trap_frame;
void debugger_enter(struct trap_frame *f, const char *why);
bool debugger_breakpoint(struct trap_frame *f); /* true: the INT3 was a debugger call and is done */
