// fuzz.h: what a fuzzer in its own space shares with the thread that watches it.
#pragma once

#include <l4/syscalls.h>
#include <l4/types.h>

#define FUZZ_THREADS 4
#define FUZZ_PAGES 24

// All that a fuzzer may write.
struct arena {
    struct fuzz_thread {
        word_t random;         // state of the generator
        volatile word_t calls; // made so far
        struct arena *arena;
        word_t gs;             // the selector it started with
        uint8_t stack[3500];
    } thread[FUZZ_THREADS];
    uint8_t page[FUZZ_PAGES][4096] __attribute__((aligned(4096)));
} __attribute__((aligned(4096)));

extern struct arena fuzz_arena[];

// Where a fuzzer starts, and starts again after an exception: a pointer to its struct fuzz_thread
// is on the stack. Brings flags and segment registers into order, then goes on for ever.
void fuzz_entry(void);
