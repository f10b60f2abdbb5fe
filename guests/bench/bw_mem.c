// bw_mem: how fast data move, in cycles for so many bytes:
//
//     bw_pipe         another process writes blocks of 64 KB into a pipe, this one reads them
//     bw_tcp          the same over a TCP connection on loopback
//     bw_file         a file in the page cache is read in blocks of 64 KB, and added up
//     bw_mmap         the same file, mapped and its pages there, is added up
//
// The file is larger than any second-level cache of its day, so what is measured is memory.
#include "net.h"

enum { BLOCK = 64 * KILOBYTE, MOVED = 4 * BLOCK, FILE_SIZE = MEGABYTE, PORT = 5010 };
enum { SAMPLES = 5, WARM = 2 };

#define FILE_NAME "/tmp/bw_mem"

static unsigned block[BLOCK / sizeof(unsigned)] __attribute__((aligned(4096)));
static volatile unsigned sink;

static void pour(int to)
{
    for (;;)
        write_all(to, block, BLOCK);
}

// A read brings what is there, so there are as many as it takes.
static void drain(int from, unsigned bytes)
{
    for (unsigned got = 0; got < bytes;) {
        unsigned want = bytes - got < BLOCK ? bytes - got : BLOCK;
        got += (unsigned)must(sys3(SYS_READ, from, (int)block, (int)want), "read");
    }
}

static void measure(const char *name, unsigned bytes, void (*move)(int), int file)
{
    samples_begin(1);
    for (unsigned i = 0; i < WARM + SAMPLES; i++) {
        unsigned before = tsc_low();
        move(file);
        if (i >= WARM)
            sample_add(before, tsc_low());
    }
    report_with(name, "bytes", bytes);
}

static void move_stream(int from) { drain(from, MOVED); }

static void move_file(int file)
{
    unsigned sum = 0;
    must(sys3(SYS_LSEEK, file, 0, 0), "lseek");
    for (unsigned got = 0; got < FILE_SIZE; got += BLOCK) {
        read_all(file, block, BLOCK);
        sum += sum_words(block, BLOCK);
    }
    sink = sum;
}

static const unsigned *mapped;

static void move_mapped(int file)
{
    (void)file;
    sink = sum_words(mapped, FILE_SIZE);
}

static void measure_pipe(void)
{
    int ends[2], child;
    pipe_make(ends);
    child = process_fork();
    if (child == 0)
        pour(ends[1]);
    measure("bw_pipe", MOVED, move_stream, ends[0]);
    process_end(child);
}

static void measure_tcp(void)
{
    int s, child, listening;
    net_up();
    listening = socket_bound(SOCK_STREAM, PORT);
    child = process_fork();
    if (child == 0)
        pour(socket_accept(listening));
    s = socket_connected(SOCK_STREAM, PORT);
    measure("bw_tcp", MOVED, move_stream, s);
    process_end(child);
}

int start(int argc, char **argv)
{
    int file;
    (void)argc;
    bench_begin("bw_mem", argv);
    for (unsigned i = 0; i < BLOCK / sizeof *block; i++)
        block[i] = i;
    measure_pipe();
    measure_tcp();
    file = file_make(FILE_NAME, FILE_SIZE, block, BLOCK);
    measure("bw_file", FILE_SIZE, move_file, file);
    mapped = memory_map(FILE_SIZE, PROT_READ, MAP_SHARED, file);
    measure("bw_mmap", FILE_SIZE, move_mapped, file);
    must(sys1(SYS_UNLINK, (int)FILE_NAME), "unlink");
    return bench_end();
}
