/* debugger.h: between debugger.c, which reads commands, and inspect.c, which shows the kernel's
 * state. */
#pragma once

#include "types.h"

struct trap_frame;

void show_frame(const struct trap_frame *f); /* a program's registers */
void show_threads(const word_t argument[], unsigned count);
void show_thread(const word_t argument[], unsigned count);
void show_spaces(const word_t argument[], unsigned count);
void show_pages(const word_t argument[], unsigned count);
void show_mappings(const word_t argument[], unsigned count);
void check_mappings(const word_t argument[], unsigned count);
void show_memory(const word_t argument[], unsigned count);
void show_ready(const word_t argument[], unsigned count);
void show_timeouts(const word_t argument[], unsigned count);
void show_kernel_memory(const word_t argument[], unsigned count);
