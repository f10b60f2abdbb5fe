/* debug_exit: isa-debug-exit, the port by which a guest ends its own run, as QEMU has it. A write
 * of one, two or four bytes tells the owner; reads give 0. It has no state. */
#pragma once

#include "sim/core/types.h"

struct debug_exit {
    void (*exit)(void *owner, uint32_t value);
    void *owner;
};

void debug_exit_init(struct debug_exit *d, void (*exit)(void *owner, uint32_t value), void *owner);

/* The exit status of the run that wrote value; the shell sees its low byte. */
static inline uint32_t debug_exit_status(uint32_t value) { return value << 1 | 1; }

uint32_t debug_exit_read(void *owner, uint32_t port, unsigned size);
void debug_exit_write(void *owner, uint32_t port, unsigned size, uint32_t value);
