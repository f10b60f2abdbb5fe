// lat_ctx [PROCESSES[,...] [KILOBYTES[,...]]]: context switches as lmbench's lat_ctx has them. N
// processes in a ring of pipes pass a token; who gets it adds up an array of its own and passes it
// on. A line for each cell of processes by footprint:
//
//     bench: ctx processes=N kb=K overhead=CYCLES cycles=MEDIAN min=.. max=.. n=LAPS
//
// The cycles are a lap's by N, less the overhead: what one process alone takes to write the token
// into a pipe, read it and add up its array, all of it warm, round a ring of N pipes. What is left
// is the switch, and what the others took from caches and TLBs meanwhile; nothing, for a ring of
// one.
//
// A cell that the machine's free memory cannot hold is left out, and says so:
//
//     bench: skipped ctx processes=N kb=K needs=KILOBYTES free=KILOBYTES
//
// Around the laps that count ring_cell is called, by which a simulator knows the cells
// (`isochron explain --cells ring_cell`).
#include "process.h"

#include <stdbool.h>

enum { PROCESSES_MAX = 60, KILOBYTES_MAX = 512, LAPS = 5, WARM_LAPS = 2, LIST_MAX = 8 };

static const char all_processes[] = "1,2,5,10,20,40,60", all_kilobytes[] = "0,1,4,16,64,512";
static unsigned array[KILOBYTES_MAX * KILOBYTE / sizeof(unsigned)] __attribute__((aligned(4096)));
static int pipes[PROCESSES_MAX][2];
static int children[PROCESSES_MAX];
static volatile unsigned sink;

// Nothing to see from inside. `name` begins a cell with so many switches; "" ends it.
__attribute__((noinline, regparm(2))) void ring_cell(const char *name, unsigned switches)
{
    __asm__ volatile("" : : "a"(name), "d"(switches) : "memory");
}

// "1,2,5" as numbers; how many, 0 if text is something else.
static unsigned list_of(const char *text, unsigned *list, unsigned limit)
{
    unsigned count = 0, number = 0, digits = 0;
    for (;; text++) {
        if (*text >= '0' && *text <= '9' && digits < 4) {
            number = number * 10 + (unsigned)(*text - '0');
            digits++;
        } else if ((*text == ',' || !*text) && digits && number <= limit && count < LIST_MAX) {
            list[count++] = number;
            number = digits = 0;
            if (!*text)
                return count;
        } else {
            return 0;
        }
    }
}

static void take(int from, unsigned bytes)
{
    char token;
    read_all(from, &token, 1);
    sink = sum_words(array, bytes);
}

static void pass(int to)
{
    char token = 0;
    write_all(to, &token, 1);
}

// The pages of the array become the process's own.
static void own_array(unsigned bytes)
{
    for (unsigned i = 0; i < bytes / sizeof *array; i++)
        array[i] = i;
}

static void member(unsigned number, unsigned bytes)
{
    own_array(bytes);
    for (;;) {
        take(pipes[number - 1][0], bytes);
        pass(pipes[number][1]);
    }
}

static void lap(unsigned processes, unsigned bytes)
{
    pass(pipes[0][1]);
    take(pipes[processes - 1][0], bytes);
}

static void lap_alone(unsigned processes, unsigned bytes)
{
    for (unsigned i = 0; i < processes; i++) {
        pass(pipes[i][1]);
        take(pipes[i][0], bytes);
    }
}

// The median of a lap alone, in cycles.
static unsigned overhead_of(unsigned processes, unsigned bytes)
{
    samples_begin(1);
    for (unsigned i = 0; i < WARM_LAPS + LAPS; i++) {
        unsigned before = tsc_low();
        lap_alone(processes, bytes);
        if (i >= WARM_LAPS)
            sample_add(before, tsc_low());
    }
    samples_sort();
    return samples_median();
}

static void cell_name(struct line *line, unsigned processes, unsigned kilobytes)
{
    line_number(line, processes);
    line_char(line, 'x');
    line_number(line, kilobytes);
    line_char(line, 0);
}

// What Linux needs for a process beside its array: stacks, page tables, and its tables of them.
enum { PROCESS_KILOBYTES = 64 };

static bool fits(unsigned processes, unsigned kilobytes)
{
    unsigned information[32] = {0}; // struct sysinfo: [5] is free memory, in bytes here
    unsigned needed = processes * (kilobytes + PROCESS_KILOBYTES), free;
    struct line line = {0};
    must(sys1(SYS_SYSINFO, (int)information), "sysinfo");
    free = information[5] / KILOBYTE;
    if (needed <= free)
        return true;
    report_begin(&line, "skipped ctx");
    line_key(&line, "processes", processes);
    line_key(&line, "kb", kilobytes);
    line_key(&line, "needs", needed);
    line_key(&line, "free", free);
    bench_line(&line);
    bench.lines++;
    return false;
}

static void cell(unsigned processes, unsigned kilobytes)
{
    struct line line = {0}, name = {0};
    unsigned bytes = kilobytes * KILOBYTE, overhead;
    cell_name(&name, processes, kilobytes);
    for (unsigned i = 0; i < processes; i++)
        pipe_make(pipes[i]);
    own_array(bytes);
    overhead = overhead_of(processes, bytes);
    for (unsigned i = 1; i < processes; i++) {
        children[i] = process_fork();
        if (children[i] == 0)
            member(i, bytes);
    }
    samples_begin(processes);
    for (unsigned i = 0; i < WARM_LAPS; i++)
        lap(processes, bytes);
    ring_cell(name.text, LAPS * processes);
    for (unsigned i = 0; i < LAPS; i++) {
        unsigned before = tsc_low();
        lap(processes, bytes);
        sample_add(before, tsc_low());
    }
    ring_cell("", 0);
    for (unsigned i = 1; i < processes; i++)
        process_end(children[i]);
    for (unsigned i = 0; i < processes; i++) {
        must(sys1(SYS_CLOSE, pipes[i][0]), "close");
        must(sys1(SYS_CLOSE, pipes[i][1]), "close");
    }
    report_begin(&line, "ctx");
    line_key(&line, "processes", processes);
    line_key(&line, "kb", kilobytes);
    line_cycles(&line, "overhead", overhead, processes);
    report_end(&line, overhead);
}

int start(int argc, char **argv)
{
    unsigned processes[LIST_MAX], kilobytes[LIST_MAX];
    unsigned process_count = list_of(argc > 1 ? argv[1] : all_processes, processes, PROCESSES_MAX);
    unsigned kilobyte_count = list_of(argc > 2 ? argv[2] : all_kilobytes, kilobytes, KILOBYTES_MAX);

    bench_begin("lat_ctx", argv);
    if (!process_count || !kilobyte_count)
        must(-1, "the arguments are up to 8 numbers, as 2,20,60, and as many of kilobytes");
    for (unsigned k = 0; k < kilobyte_count; k++)
        for (unsigned p = 0; p < process_count; p++)
            if (processes[p] && fits(processes[p], kilobytes[k]))
                cell(processes[p], kilobytes[k]);
    return bench_end();
}
