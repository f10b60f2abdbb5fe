// lat_sig: signals, and what a program can do with protection faults.
//
//     sig_install   rt_sigaction of a handler
//     sig_handle    kill to oneself, the handler, its return
//     prot_fault    a write to a page without the right, the handler, its return, less sig_handle:
//                   as lmbench has it, what the fault costs beside the signal
//     trap          the same write until the handler's first instruction [S97 Table 5: Trap]
//     appel1        trap, in the handler protect another page and unprotect this one, until the
//                   write is done [S97 Table 5: Appel1]
//     appel2        protect 64 pages at once, then a trap and an unprotect for each; a page's share
//                   [S97 Table 5: Appel2]
#include "process.h"

enum { SAMPLES = 21, WARM = 3, PAGES = 64, SA_RESTORER = 0x04000000 };

struct action {
    void (*handler)(int signal);
    unsigned flags;
    void (*restorer)(void);
    unsigned mask[2];
};

void sig_restorer(void);
__asm__(".globl sig_restorer\n"
        "sig_restorer:\n"
        "        popl    %eax\n"
        "        movl    $119, %eax\n" // sigreturn
        "        int     $0x80\n");

static char *pages;
static unsigned trap_before, trap_end;
static unsigned faults;
static char *fault_page;

static void install(int signal, void (*handler)(int))
{
    struct action action = {handler, SA_RESTORER, sig_restorer, {0, 0}};
    must(sys4(SYS_RT_SIGACTION, signal, (int)&action, 0, 8), "rt_sigaction");
}

static void protect(char *at, unsigned size, int protection)
{
    must(sys3(SYS_MPROTECT, (int)at, (int)size, protection), "mprotect");
}

static void nothing(int signal) { (void)signal; }

static void raise_to_self(int self) { must(sys2(SYS_KILL, self, SIGUSR1), "kill"); }

// The write faults again until the handler has let it through, which here is at once.
static void on_trap(int signal)
{
    trap_end = tsc_low();
    (void)signal;
    faults++;
    protect(pages, PAGE, PROT_READ | PROT_WRITE);
}

// lmbench's: the handler does nothing until the program has seen so many; each return faults anew.
static unsigned returns_left, return_before, return_end;
static void on_return(int signal)
{
    unsigned at = tsc_low();
    (void)signal;
    if (returns_left-- > 0) {
        sample_add(return_before, at);
        return_before = tsc_low();
    } else {
        return_end = at;
        protect(pages, PAGE, PROT_READ | PROT_WRITE);
    }
}

static void on_appel1(int signal)
{
    (void)signal;
    faults++;
    protect(pages + PAGE, PAGE, PROT_READ);
    protect(pages, PAGE, PROT_READ | PROT_WRITE);
}

static void on_appel2(int signal)
{
    (void)signal;
    faults++;
    protect(fault_page, PAGE, PROT_READ | PROT_WRITE);
}

// A handler may run in it, so the compiler keeps nothing in registers across it.
static void write_to(char *at)
{
    __asm__ volatile("movb $1, %0" : "=m"(*at) : : "memory");
}

static void measure_prot_fault(unsigned handling)
{
    struct line line = {0};
    install(SIGSEGV, on_return);
    protect(pages, PAGE, PROT_READ);
    samples_begin(1);
    returns_left = WARM + SAMPLES;
    return_before = tsc_low();
    write_to(pages);
    // The first ones are cold.
    for (unsigned i = WARM; i < bench.count; i++)
        bench.sample[i - WARM] = bench.sample[i];
    bench.count -= WARM;
    report_begin(&line, "prot_fault");
    report_end(&line, handling);
}

static void measure_trap(void)
{
    install(SIGSEGV, on_trap);
    samples_begin(1);
    for (unsigned i = 0; i < WARM + SAMPLES; i++) {
        protect(pages, PAGE, PROT_READ);
        trap_before = tsc_low();
        write_to(pages);
        if (i >= WARM)
            sample_add(trap_before, trap_end);
    }
    report("trap");
}

static void measure_appel1(void)
{
    install(SIGSEGV, on_appel1);
    samples_begin(1);
    for (unsigned i = 0; i < WARM + SAMPLES; i++) {
        protect(pages, PAGE, PROT_READ);
        protect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
        unsigned before = tsc_low();
        write_to(pages);
        if (i >= WARM)
            sample_add(before, tsc_low());
    }
    report("appel1");
}

static void measure_appel2(void)
{
    install(SIGSEGV, on_appel2);
    samples_begin(PAGES);
    for (unsigned i = 0; i < 1 + 5; i++) {
        unsigned before = tsc_low();
        protect(pages, PAGES * PAGE, PROT_READ);
        for (unsigned p = 0; p < PAGES; p++) {
            fault_page = pages + p * PAGE;
            write_to(fault_page);
        }
        if (i >= 1)
            sample_add(before, tsc_low());
    }
    report("appel2");
}

int start(int argc, char **argv)
{
    unsigned handling;
    int self;
    (void)argc;
    bench_begin("lat_sig", argv);
    self = sys0(SYS_GETPID);
    pages = memory_map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (unsigned p = 0; p < PAGES; p++)
        write_to(pages + p * PAGE);
    MEASURE("sig_install", WARM, SAMPLES, install(SIGUSR1, nothing));
    MEASURE("sig_handle", WARM, SAMPLES, raise_to_self(self));
    handling = samples_median();
    measure_prot_fault(handling);
    measure_trap();
    measure_appel1();
    measure_appel2();
    if (faults != (WARM + SAMPLES) * 2 + 6 * PAGES)
        must(-(int)faults, "not as many faults as writes");
    return bench_end();
}
