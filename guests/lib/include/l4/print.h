// print.h: formatted output and the console. %s %c %d %i %u %x %X %p %%, the length ll, a minimal
// width, 0 and - flags, and .n for strings. Output goes to COM1 by programmed I/O in the root
// server and in a task without a console server, and through the console server otherwise.
#pragma once

#include <l4/types.h>
#include <stdarg.h>

int l4_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int l4_vprintf(const char *format, va_list arguments);

// Both write at most size bytes with the NUL and return the length the whole text has.
int l4_snprintf(char *buffer, word_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int l4_vsnprintf(char *buffer, word_t size, const char *format, va_list arguments);

void l4_putchar(char c);
void l4_put_text(const char *text, word_t length);

// COM1 itself, whatever the task's console is.
void l4_serial_put(char c);
int l4_serial_get(void); // -1 when nothing has come
void l4_serial_drain(void); // waits until the last bit is on the line
