/* debugger.h: between debugger.c, which reads commands, and inspect.c, which shows the kernel's
 * state. */
#pragma once

#include "types.h"

struct trap_frame;

void show_frame(const struct trap_frame *f); /* a program's registers */
void show_threads(const word_t argument[]);
void show_thread(const word_t argument[]);
void show_spaces(const word_t argument[]);
void show_pages(const word_t argument[]);
void show_mappings(const word_t argument[]);
void check_mappings(const word_t argument[]);
void show_memory(const word_t argument[]);
void show_kernel_memory(const word_t argument[]);
void show_trace(const word_t argument[]); /* trace.c */
