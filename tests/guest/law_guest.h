/* law_guest: a small Multiboot kernel with two user threads, for tests of laws: it exercises what a
 * simulator can get wrong, and ends by itself. Each thread has its own address space, demand-paged
 * with 4 KB pages (the kernel also maps memory by a 4 MB page); the 8254 preempts them through the
 * 8259A; they call the kernel, raise exceptions, run string instructions, x87 and code they write
 * themselves. The sums printed on COM1 do not depend on time, so every model must print the same.
 *
 * Command line: rounds=N (default 24; a round is some 400,000 instructions of each thread). It ends
 * with a write to port F4h (isa-debug-exit), then CLI and HLT. It also boots on QEMU. */
#pragma once

#include <stdint.h>

/* The system call: INT 80h, number in EAX, argument in EBX, result in EAX. */
enum {
    CALL_ROUNDS = 1,  /* how many rounds to do */
    CALL_PUT = 2,     /* one character */
    CALL_YIELD = 3,   /* the other thread runs */
    CALL_FORGET = 4,  /* unmap the page at EBX: the next touch faults */
    CALL_SLEEP = 5,   /* STI and HLT with the timer's interrupt pending */
    CALL_EXIT = 6,    /* with a sum */
};

#define HEAP 0x40000000u
#define HEAP_BYTES 0x20000u
#define USER_STACK_TOP 0x40100000u

void user_start(void);           /* name, 1 or 2, in EAX */
void user_main(uint32_t name);
