// getpid_loop [COUNT [library]]: what does the cheapest system call cost? COUNT getpid calls (1000
// unless said) in the tightest loop there is, in batches of 64 with an RDTSC before and after each.
// A batch's cost per call is the difference divided by its calls, so that the two RDTSC and the
// call of the loop add less than a cycle. The leftover of COUNT / 64 goes first, to warm up.
//
// Three symbols mark the loop for a simulator or a debugger:
//   getpid_loop_start   its first instruction
//   getpid_call         the int 0x80
//   getpid_loop_end     the first instruction after it
//
// `library` calls as a C library does that was told where: by AT_SYSINFO, which Linux has put above
// the environment. Then the symbols are library_loop_start, library_call and library_loop_end.
#include "sys.h"

enum { BATCH_CALLS = 64, SAMPLES_MAX = 16384 };

static unsigned samples[SAMPLES_MAX];

void getpid_loop(unsigned calls);
__asm__(".globl getpid_loop, getpid_loop_start, getpid_call, getpid_loop_end\n"
        "        .text\n"
        "        .p2align 5\n"
        "getpid_loop:\n"
        "        movl    4(%esp), %ecx\n"
        "        .p2align 5\n"
        "getpid_loop_start:\n"
        "        movl    $20, %eax\n"
        "getpid_call:\n"
        "        int     $0x80\n"
        "        decl    %ecx\n"
        "        jnz     getpid_loop_start\n"
        "getpid_loop_end:\n"
        "        ret\n");

void library_loop(unsigned calls);
unsigned library_entry;
__asm__(".globl library_loop, library_loop_start, library_call, library_loop_end\n"
        "        .p2align 5\n"
        "library_loop:\n"
        "        movl    4(%esp), %ecx\n"
        "        .p2align 5\n"
        "library_loop_start:\n"
        "        movl    $20, %eax\n"
        "library_call:\n"
        "        call    *library_entry\n"
        "        decl    %ecx\n"
        "        jnz     library_loop_start\n"
        "library_loop_end:\n"
        "        ret\n");

static void (*loop)(unsigned calls) = getpid_loop;

static unsigned batch_cycles(unsigned calls)
{
    unsigned before = tsc_low();
    loop(calls);
    return (tsc_low() - before) / calls;
}

// Shell sort: short, and good enough for 16384 samples.
static void sort(unsigned *values, unsigned count)
{
    for (unsigned gap = count / 2; gap; gap /= 2) {
        for (unsigned i = gap; i < count; i++) {
            unsigned value = values[i], j = i;
            for (; j >= gap && values[j - gap] > value; j -= gap)
                values[j] = values[j - gap];
            values[j] = value;
        }
    }
}

int start(int argc, char **argv)
{
    unsigned calls = number_or(argc > 1 ? argv[1] : 0, 1000);
    unsigned count = calls / BATCH_CALLS, leftover = calls % BATCH_CALLS;
    struct line line = {0};

    if (argc > 2) {
        library_entry = sys_announced(argv);
        loop = library_loop;
        if (library_entry == 0) {
            line_text(&line, "getpid_loop: this Linux announces no AT_SYSINFO");
            line_write(&line);
            return 1;
        }
    }
    if (calls == 0 || count > SAMPLES_MAX) {
        line_text(&line, "getpid_loop: COUNT is 1 to ");
        line_number(&line, SAMPLES_MAX * BATCH_CALLS);
        line_write(&line);
        return 2;
    }
    if (count == 0) {
        samples[0] = batch_cycles(calls);
        count = 1;
    } else {
        // The pages of the samples are touched before the clock matters.
        for (unsigned i = 0; i < count; i++)
            samples[i] = 1;
        if (leftover)
            loop(leftover);
        for (unsigned i = 0; i < count; i++)
            samples[i] = batch_cycles(BATCH_CALLS);
    }
    sort(samples, count);
    line_text(&line, "getpid: ");
    line_number(&line, calls);
    line_text(&line, " calls, median ");
    line_number(&line, samples[count / 2]);
    line_text(&line, " cycles, min ");
    line_number(&line, samples[0]);
    line_write(&line);
    return 0;
}
