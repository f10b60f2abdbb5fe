// lat_syscall: the cheapest system calls, and a call of a procedure beside them. Batches of 16,
// since the clock's interrupt then falls into few of them.
//
//     getpid      the call of [S97 Table 2]
//     null        getppid, lmbench's null call
//     read        a byte of /dev/zero
//     write       a byte to /dev/null
//     stat        /tmp/lat_syscall, by its name
//     fstat       the same file, open
//     open_close  the same file
//     procedure   a call and return of a function with two arguments
#include "process.h"

enum { BATCH = 16, SAMPLES = 21, WARM = 3 };

#define FILE_NAME "/tmp/lat_syscall"

static int zero, null, file;
static unsigned status[64]; // larger than struct stat

__attribute__((noinline)) static int callee(int a, int b)
{
    __asm__ volatile("" : "+r"(a) : "r"(b));
    return a;
}

static inline void do_read(void) { sys3(SYS_READ, zero, (int)status, 1); }
static inline void do_write(void) { sys3(SYS_WRITE, null, (int)status, 1); }
static inline void do_stat(void) { sys2(SYS_STAT, (int)FILE_NAME, (int)status); }
static inline void do_fstat(void) { sys2(SYS_FSTAT, file, (int)status); }
static inline void do_open_close(void)
{
    sys1(SYS_CLOSE, sys3(SYS_OPEN, (int)FILE_NAME, O_RDONLY, 0));
}

#define BATCHES(name, operation)                                                                   \
    do {                                                                                           \
        samples_begin(BATCH);                                                                      \
        for (unsigned sample = 0; sample < WARM + SAMPLES; sample++) {                             \
            unsigned before = tsc_low();                                                           \
            for (unsigned i = 0; i < BATCH; i++)                                                   \
                operation;                                                                         \
            if (sample >= WARM)                                                                    \
                sample_add(before, tsc_low());                                                     \
        }                                                                                          \
        report(name);                                                                              \
    } while (0)

// What the batches measure must have worked once.
static void prove(void)
{
    must(sys3(SYS_READ, zero, (int)status, 1), "read of /dev/zero");
    must(sys3(SYS_WRITE, null, (int)status, 1), "write to /dev/null");
    must(sys2(SYS_STAT, (int)FILE_NAME, (int)status), "stat");
    must(sys2(SYS_FSTAT, file, (int)status), "fstat");
    must(sys1(SYS_CLOSE, file_open(FILE_NAME, O_RDONLY)), "close");
}

int start(int argc, char **argv)
{
    (void)argc;
    bench_begin("lat_syscall", argv);
    zero = file_open("/dev/zero", O_RDONLY);
    null = file_open("/dev/null", O_WRONLY);
    file = file_make(FILE_NAME, sizeof status, status, sizeof status);
    prove();
    BATCHES("getpid", sys0(SYS_GETPID));
    BATCHES("null", sys0(SYS_GETPPID));
    BATCHES("read", do_read());
    BATCHES("write", do_write());
    BATCHES("stat", do_stat());
    BATCHES("fstat", do_fstat());
    BATCHES("open_close", do_open_close());
    BATCHES("procedure", callee((int)i, 1));
    must(sys1(SYS_UNLINK, (int)FILE_NAME), "unlink");
    return bench_end();
}
