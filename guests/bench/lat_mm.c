// lat_mm: page faults on a file, and mappings of it.
//
//     page_fault          a page of a file, in the page cache, is written to for the first time in
//                         a shared mapping: exactly one page comes by a fault
//     page_fault_around   the same by reading: Linux from 3.15 on maps the 16 pages around it too
//     mmap bytes=N        mmap and munmap of so many bytes, of which none is touched
//
// A fault is what lmbench's lat_pagefault has, a median over single faults instead of a mean.
#include "process.h"

enum { PAGES = 64, AROUND = 16, SAMPLES = 21, WARM = 3 };

#define FILE_NAME "/tmp/lat_mm"

static unsigned block[16 * KILOBYTE / sizeof(unsigned)];

// Pages in an order in which no two are neighbours: 37 is odd, so each comes once.
static unsigned page_of(unsigned i, unsigned pages) { return i * 37 % pages; }

static void measure_faults(int file)
{
    volatile char *at = memory_map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    samples_begin(1);
    for (unsigned i = 0; i < PAGES; i++) {
        volatile char *byte = at + page_of(i, PAGES) * PAGE;
        unsigned before = tsc_low();
        *byte = 1;
        sample_add(before, tsc_low());
    }
    report("page_fault");
    memory_unmap((void *)at, PAGES * PAGE);
}

static void measure_around(int file)
{
    unsigned total = PAGES * AROUND;
    volatile char *at = memory_map(total * PAGE, PROT_READ, MAP_SHARED, file);
    samples_begin(1);
    for (unsigned i = 0; i < PAGES; i++) {
        volatile char *byte = at + (page_of(i, PAGES) * AROUND + i % AROUND) * PAGE;
        unsigned before = tsc_low();
        (void)*byte;
        sample_add(before, tsc_low());
    }
    report("page_fault_around");
    memory_unmap((void *)at, total * PAGE);
}

static void map_and_unmap(unsigned size, int file)
{
    memory_unmap(memory_map(size, PROT_READ, MAP_SHARED, file), size);
}

static void measure_mmap(int file, unsigned size)
{
    samples_begin(1);
    for (unsigned i = 0; i < WARM + SAMPLES; i++) {
        unsigned before = tsc_low();
        map_and_unmap(size, file);
        if (i >= WARM)
            sample_add(before, tsc_low());
    }
    report_with("mmap", "bytes", size);
}

int start(int argc, char **argv)
{
    int file;
    (void)argc;
    bench_begin("lat_mm", argv);
    file = file_make(FILE_NAME, PAGES * AROUND * PAGE, block, sizeof block);
    measure_faults(file);
    measure_around(file);
    measure_mmap(file, PAGE);
    measure_mmap(file, 8 * MEGABYTE);
    must(sys1(SYS_UNLINK, (int)FILE_NAME), "unlink");
    return bench_end();
}
