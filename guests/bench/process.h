// process.h: processes, files and memory, for the benchmarks.
#pragma once
#include "bench.h"

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
enum { SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11 };
enum { PAGE = 4096, KILOBYTE = 1024, MEGABYTE = 1024 * 1024 };

static inline int process_fork(void) { return must(sys0(SYS_FORK), "fork"); }

static inline void process_wait(int child)
{
    int status = 0;
    must(sys3(SYS_WAITPID, child, (int)&status, 0), "waitpid");
}

// A process that serves until it is ended.
static inline void process_end(int child)
{
    must(sys2(SYS_KILL, child, SIGKILL), "kill");
    process_wait(child);
}

static inline void pipe_make(int ends[2]) { must(sys1(SYS_PIPE, (int)ends), "pipe"); }

static inline int file_open(const char *path, int flags)
{
    return must(sys3(SYS_OPEN, (int)path, flags, 0600), path);
}

static inline void read_all(int file, void *to, unsigned size)
{
    for (unsigned got = 0; got < size;) {
        int n = must(sys3(SYS_READ, file, (int)to + (int)got, (int)(size - got)), "read");
        if (n == 0)
            must(-1, "read: the end");
        got += (unsigned)n;
    }
}

static inline void write_all(int file, const void *from, unsigned size)
{
    for (unsigned put = 0; put < size;)
        put += (unsigned)must(sys3(SYS_WRITE, file, (int)from + (int)put, (int)(size - put)),
                              "write");
}

static inline void *memory_map(unsigned size, int protection, int flags, int file)
{
    int arguments[6] = {0, (int)size, protection, flags, file, 0};
    int result = sys1(SYS_MMAP, (int)arguments);
    if (result < 0 && result > -PAGE)
        must(result, "mmap");
    return (void *)result;
}

static inline void memory_unmap(void *at, unsigned size)
{
    must(sys2(SYS_MUNMAP, (int)at, (int)size), "munmap");
}

// A file of so many bytes in /tmp, whose pages are in the page cache.
static inline int file_make(const char *path, unsigned size, const void *block, unsigned block_size)
{
    int file = file_open(path, O_RDWR | O_CREAT | O_TRUNC);
    for (unsigned at = 0; at < size; at += block_size)
        write_all(file, block, block_size);
    return file;
}

// What a reader of data does with them: adds them up, a word at a time.
static inline unsigned sum_words(const unsigned *at, unsigned bytes)
{
    unsigned sum = 0;
    for (const unsigned *end = at + bytes / sizeof *at; at < end; at += 8)
        sum += at[0] + at[1] + at[2] + at[3] + at[4] + at[5] + at[6] + at[7];
    return sum;
}
