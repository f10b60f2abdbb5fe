// lat_mem: what a load takes whose address the last load brought, by the size of what is walked
// through: in the first level of the cache, in the second, in memory. The walk goes forward by 128
// bytes, as lmbench's lat_mem_rd, so that each load finds another line; larger areas miss the TLB
// as well, once in 32 loads.
//
//     bench: mem kb=4 cycles=..
#include "process.h"

enum { STRIDE = 128, SIZE_MAX = MEGABYTE, LOADS = 1024, SAMPLES = 5 };

static const unsigned kilobytes[] = {4, 64, 1024};
static char area[SIZE_MAX] __attribute__((aligned(4096)));

static void chain(unsigned bytes)
{
    for (unsigned at = 0; at < bytes; at += STRIDE)
        *(void **)(area + at) = area + (at + STRIDE) % bytes;
}

// Goes on from where the last walk ended, so that all of a large area comes up.
static void *walk(void *at, unsigned loads)
{
    void *volatile *p = at;
    for (unsigned i = 0; i < loads; i += 16) {
#define STEP p = *p;
        STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP
#undef STEP
    }
    return (void *)p;
}

int start(int argc, char **argv)
{
    (void)argc;
    bench_begin("lat_mem", argv);
    for (unsigned k = 0; k < sizeof kilobytes / sizeof *kilobytes; k++) {
        unsigned bytes = kilobytes[k] * KILOBYTE;
        void *at = area;
        chain(bytes);
        at = walk(at, bytes / STRIDE < LOADS ? LOADS : bytes / STRIDE);
        samples_begin(LOADS);
        for (unsigned i = 0; i < SAMPLES; i++) {
            unsigned before = tsc_low();
            at = walk(at, LOADS);
            sample_add(before, tsc_low());
        }
        report_with("mem", "kb", kilobytes[k]);
    }
    return bench_end();
}
