/* print.h: what the kernel says on its console, and its debugger (debugger.c). */
#pragma once

#include "types.h"
#include <stdarg.h>

struct trap_frame;

/* %s %c %d %u %x %p %%, field width and zero padding ("%08x"), left-justified strings ("%-8s"),
 * %llu for 64 bits. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_v(const char *format, va_list *list);

/* --- panic.c: what cannot go on says why, with registers and stack, and stays in the debugger - */
void panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void panic_frame(const struct trap_frame *f, const char *why) __attribute__((noreturn));

/* Stays on in test builds (KERNEL_ASSERT=1) and vanishes from the measured image. */
#if KERNEL_ASSERT
#define ASSERT(e) ((e) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #e))
#else
#define ASSERT(e) ((void)0)
#endif

/* --- trace.c: a ring of (what, two words) with time stamps, printed by the debugger ----------- */
void trace(const char *what, word_t a, word_t b);

/* --- debugger.c: entered on panic, and with the option kdb on INT3 from a program that carries its
 * marker [L4X2 2] and, while break-in is on, by ^K or ESC on the serial line, which the clock's
 * interrupt looks for. Else what is typed belongs to programs. f may be NULL. */
void debugger_enter(struct trap_frame *f, const char *why);
bool debugger_breakpoint(struct trap_frame *f); /* true: the INT3 was a debugger call and is done */
void debugger_break_in(bool on);
void debugger_poll(struct trap_frame *f);
