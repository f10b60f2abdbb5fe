/* trace.c: the last things that happened, for the debugger. Nothing in the kernel traces by itself:
 * a call is put where somebody looks for something. */
#include "arch/cpu.h"
#include "debugger/debugger.h"
#include "debugger/print.h"

#define TRACE_COUNT 256

static struct {
    uint64_t at; /* TSC */
    const char *what;
    word_t a, b;
} ring[TRACE_COUNT];
static word_t next_event; /* counts on for ever */

void trace(const char *what, word_t a, word_t b)
{
    word_t i = next_event++ % TRACE_COUNT;
    ring[i].at = rdtsc();
    ring[i].what = what;
    ring[i].a = a;
    ring[i].b = b;
}

void show_trace(const word_t argument[])
{
    (void)argument;
    word_t count = next_event < TRACE_COUNT ? next_event : TRACE_COUNT;
    for (word_t n = next_event - count; n != next_event; n++) {
        word_t i = n % TRACE_COUNT;
        print("%16llu  %-24s %08x %08x\n", ring[i].at, ring[i].what, ring[i].a, ring[i].b);
    }
    if (!count)
        print("empty\n");
}
