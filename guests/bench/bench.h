// bench.h: what the benchmarks have in common: samples by the time-stamp counter, and the lines
// that say what was measured. A program prints
//
//     bench: begin PROGRAM
//     bench: NAME [KEY=NUMBER ...] cycles=MEDIAN min=.. max=.. n=SAMPLES
//     bench: skipped NAME [KEY=NUMBER ...]
//     bench: end PROGRAM lines=N
//
// and nothing else; or "bench: error PROGRAM: WHAT: RESULT", its last line. Cycles are those of one
// operation; where a sample held several they have a decimal. Between two lines the program waits
// until the first has left, so that no interrupt of the serial line falls into the next sample.
//
// A few samples are enough: in the simulator a warm value is exact, and the median leaves out the
// samples that the clock's interrupt fell into.
#pragma once
#include "sys.h"

enum { SAMPLES_MAX = 64, TCSBRK = 0x5409 };

struct bench {
    const char *program;
    unsigned lines;
    unsigned overhead; // of reading the counter twice, in cycles
    unsigned count, per;
    unsigned sample[SAMPLES_MAX]; // cycles for `per` operations, without the overhead
};

static struct bench bench;

static inline void bench_line(struct line *line)
{
    line_write(line);
    sys3(SYS_IOCTL, 1, TCSBRK, 1); // tcdrain
}

__attribute__((noreturn)) static inline void bench_exit(int status)
{
    for (;;)
        sys1(SYS_EXIT, status);
}

// Ends the program, by a line that names what failed, if result is an error.
static inline int must(int result, const char *what)
{
    struct line line = {0};
    if (result >= 0)
        return result;
    line_text(&line, "bench: error ");
    line_text(&line, bench.program);
    line_text(&line, ": ");
    line_text(&line, what);
    line_text(&line, ": -");
    line_number(&line, (unsigned)-result);
    bench_line(&line);
    bench_exit(1);
}

// Samples of `per` operations each begin; the array's pages are touched before the clock matters.
static inline void samples_begin(unsigned per)
{
    for (unsigned i = 0; i < SAMPLES_MAX; i++)
        bench.sample[i] = 1;
    bench.count = 0;
    bench.per = per;
}

static inline void sample_add(unsigned before, unsigned after)
{
    unsigned cycles = after - before;
    if (bench.count < SAMPLES_MAX)
        bench.sample[bench.count++] = cycles > bench.overhead ? cycles - bench.overhead : 0;
}

static inline void samples_sort(void)
{
    for (unsigned i = 1; i < bench.count; i++) {
        unsigned value = bench.sample[i], j = i;
        for (; j && bench.sample[j - 1] > value; j--)
            bench.sample[j] = bench.sample[j - 1];
        bench.sample[j] = value;
    }
}

// The samples' median after samples_sort.
static inline unsigned samples_median(void) { return bench.sample[bench.count / 2]; }

// " KEY=VALUE", VALUE being total / per, with a decimal if per is not 1. No 64-bit division.
static inline void line_cycles(struct line *line, const char *key, unsigned total, unsigned per)
{
    unsigned whole = total / per, tenth = ((total % per) * 10 + per / 2) / per;
    line_char(line, ' ');
    line_text(line, key);
    line_char(line, '=');
    line_number(line, whole + tenth / 10);
    if (per != 1) {
        line_char(line, '.');
        line_number(line, tenth % 10);
    }
}

static inline void line_key(struct line *line, const char *key, unsigned value)
{
    line_cycles(line, key, value, 1);
}

static inline void report_begin(struct line *line, const char *name)
{
    line_text(line, "bench: ");
    line_text(line, name);
}

// The samples as cycles, less what an operation costs anyhow (total cycles for `per` of them).
static inline void report_end(struct line *line, unsigned anyhow)
{
    samples_sort();
    for (unsigned i = 0; i < bench.count; i++)
        bench.sample[i] = bench.sample[i] > anyhow ? bench.sample[i] - anyhow : 0;
    line_cycles(line, "cycles", samples_median(), bench.per);
    line_cycles(line, "min", bench.sample[0], bench.per);
    line_cycles(line, "max", bench.sample[bench.count - 1], bench.per);
    line_key(line, "n", bench.count);
    bench_line(line);
    bench.lines++;
}

static inline void report(const char *name)
{
    struct line line = {0};
    report_begin(&line, name);
    report_end(&line, 0);
}

static inline void report_with(const char *name, const char *key, unsigned value)
{
    struct line line = {0};
    report_begin(&line, name);
    line_key(&line, key, value);
    report_end(&line, 0);
}

static inline void bench_begin(const char *program, char **argv)
{
    struct line line = {0};
    bench.program = program;
    if (!sys_choose(argv))
        must(-1, "SYSCALLS=library: this Linux announces no AT_SYSINFO");
    line_text(&line, "bench: begin ");
    line_text(&line, program);
    bench_line(&line);
    samples_begin(1);
    for (unsigned i = 0; i < 5; i++) {
        unsigned before = tsc_low();
        sample_add(before, tsc_low());
    }
    samples_sort();
    bench.overhead = samples_median();
}

static inline int bench_end(void)
{
    struct line line = {0};
    line_text(&line, "bench: end ");
    line_text(&line, bench.program);
    line_key(&line, "lines", bench.lines);
    bench_line(&line);
    return 0;
}

// What an operation that begins and ends by itself costs: `warm` times before the clock matters.
#define MEASURE(name, warm, samples, operation)                                                    \
    do {                                                                                           \
        samples_begin(1);                                                                          \
        for (unsigned measure_i = 0; measure_i < (warm) + (samples); measure_i++) {                \
            unsigned measure_before = tsc_low();                                                   \
            operation;                                                                             \
            if (measure_i >= (warm))                                                               \
                sample_add(measure_before, tsc_low());                                             \
        }                                                                                          \
        report(name);                                                                              \
    } while (0)
