/* reproduce_tables: which tables there are, what their systems and tests stand for. */
#include "sim/report/reproduce.h"

#include "sim/core/types.h"

#include <stdio.h>
#include <string.h>

/* The server is a small space; reproduce_run has the kernel's option for it. */
#define LINUX_SMALL " space=small"

const struct reproduce_row reproduce_rows[] = {
    {"native", "native Linux", STACK_NATIVE, NULL, false, NULL},
    {"stand-in", "Linux as on L4, without L4", STACK_BARE, "", false, NULL},
    {"l4-library", "Linux on L4, shared library", STACK_L4, " syscalls=library", true, NULL},
    {"l4-exception", "Linux on L4, exception IPC", STACK_L4, "", false, NULL},
    {"l4-library-small", "Linux on L4, small, shared library", STACK_L4,
     LINUX_SMALL " syscalls=library", true, NULL},
    {"l4-trampoline-small", "Linux on L4, small, trampoline", STACK_L4,
     LINUX_SMALL " syscalls=trampoline", false, NULL},
    {"l4-exception-small", "Linux on L4, small, exception IPC", STACK_L4, LINUX_SMALL, false,
     NULL},
    {"l4", "the L4 kernel", STACK_MEASURE, NULL, false, NULL},
    {"mklinux", "MkLinux", STACK_NONE, NULL, false,
     "not built: there is no Linux server on Mach among the guests"},
    {NULL, NULL, STACK_NONE, NULL, false, NULL},
};

static const struct reproduce_system sosp97[] = {
    {"Linux", "native"},
    {"L4Linux", "l4-library-small"},
    {"L4Linux (trampoline)", "l4-trampoline-small"},
    {NULL, "stand-in"},
    {NULL, "l4-exception-small"},
    {NULL, "l4-library"},
    {NULL, "l4-exception"},
    {NULL, "l4"},
    {"MkLinux in-kernel", "mklinux"},
    {"MkLinux user", "mklinux"},
    {NULL, NULL},
};

static const struct reproduce_system thesis2007[] = {
    {"Linux 2.6.8", "native"},
    {"Linux 2.6.18", "native"},
    {"Wombat/Iguana/L4", "l4-exception"},
    {"L4Linux 2.6.17/Fiasco", "l4-exception"},
    {NULL, "l4-library"},
    {NULL, "stand-in"},
    {NULL, NULL},
};

static const struct reproduce_system kernels[] = {{NULL, "l4"}, {NULL, NULL}};

#define S97(name, title, key, place)                                                               \
    {"sosp97", name, title, "S97 " place, "sosp97.csv", key, "S97", place, "p133",        \
     "2.0.21", sosp97}
#define THESIS(key, title, machine, version)                                                       \
    {"thesis2007", "table" key, title, "THESIS07 Table " key, "thesis2007.csv", key, NULL, NULL,  \
     machine, version, thesis2007}

/* [S97 Table 2] and so on; [S13 Table 1]; [THESIS07 Table 5.1] and so on. */
const struct reproduce_table reproduce_tables[] = {
    S97("table2", "getpid in a tight loop", "2", "Table 2"),
    S97("figure5", "phases of getpid", "figure5", "Figure 5"),
    S97("table3", "lmbench", "3", "Table 3"),
    S97("table4", "pipes and remote procedure calls", "4", "Table 4"),
    S97("table5", "virtual memory operations", "5", "Table 5"),
    {"sosp97", "section6.3", "a cache divided by colours", "S97 section 6.3", NULL, NULL, "S97",
     "section 6.3", "p133", NULL, kernels},
    {"sosp13", "table1", "one-way messages between address spaces", "S13 Table 1", NULL, NULL,
     "S13", "Table 1", "p133", NULL, kernels},
    THESIS("5.1", "lmbench, Wombat", "a64-2200", "2.6.8"),
    THESIS("5.2", "lmbench, L4Linux", "p4-2800", "2.6.18"),
    /* Native Linux has the table after it to itself. */
    {"thesis2007", "table5.3", "context switches, Wombat", "THESIS07 Tables 5.3 and 5.4",
     "thesis2007.csv", "5.3,5.4", NULL, NULL, "a64-2200", "2.6.8",
     thesis2007},
    {"thesis2007", "table5.5", "context switches, L4Linux", "THESIS07 Tables 5.5 and 5.6",
     "thesis2007.csv", "5.5,5.6", NULL, NULL, "p4-2800", "2.6.18",
     thesis2007},
    THESIS("5.7", "AIM 9, L4Linux", "p4-2800", "2.6.18"),
    THESIS("5.8", "applications", "p4-2800", "2.6.18"),
    THESIS("5.9", "AIM 9", "p4-2800", "2.6.18"),
    THESIS("5.10", "AIM 9", "p4-2800", "2.6.18"),
    THESIS("5.11", "AIM 7, L4Linux", "p4-2800", "2.6.18"),
    THESIS("5.12", "AIM 7, native", "p4-2800", "2.6.18"),
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static const struct test {
    const char *test, *line, *program;
} tests[] = {
    {"getpid", "getpid", "lat_syscall"},
    {"write /dev/null", "write", "lat_syscall"},
    {"Simple syscall", "null", "lat_syscall"},
    {"Simple read", "read", "lat_syscall"},
    {"Simple write", "write", "lat_syscall"},
    {"Simple stat", "stat", "lat_syscall"},
    {"Simple fstat", "fstat", "lat_syscall"},
    {"Simple open/close", "open_close", "lat_syscall"},
    {"Procedure call", "procedure", "lat_syscall"},
    {"null process", "fork_exit", "lat_proc"},
    {"simple process", "fork_exec", "lat_proc"},
    {"/bin/sh process", "fork_sh", "lat_proc"},
    {"Process fork+exit", "fork_exit", "lat_proc"},
    {"Process fork+execve", "fork_exec", "lat_proc"},
    {"Process fork+/bin/sh -c", "fork_sh", "lat_proc"},
    {"mmap", "mmap bytes=8388608", "lat_mm"},
    {"Pagefaults on /tmp/mb", "page_fault", "lat_mm"},
    {"2-proc context switch", "ctx processes=2 kb=0", "lat_ctx"},
    {"8-proc context switch", "ctx processes=8 kb=0", "lat_ctx"},
    {"pipe", "pipe", "lat_ipc"},
    {"Pipe", "pipe", "lat_ipc"},
    {"AF_UNIX sock", "unix", "lat_ipc"},
    {"UDP", "udp", "lat_ipc"},
    {"RPC/UDP", "rpc_udp", "lat_ipc"},
    {"TCP", "tcp", "lat_ipc"},
    {"RPC/TCP", "rpc_tcp", "lat_ipc"},
    {"pipe bandwidth", "bw_pipe", "bw_mem"},
    {"TCP bandwidth", "bw_tcp", "bw_mem"},
    {"file reread", "bw_file", "bw_mem"},
    {"mmap reread", "bw_mmap", "bw_mem"},
    {"Signal handler install", "sig_install", "lat_sig"},
    {"Signal handler overhead", "sig_handle", "lat_sig"},
    {"trap: write to a protected page, to its handler", "trap", "lat_sig"},
    {"Appel1: trap, protect one, unprotect", "appel1", "lat_sig"},
    {"Appel2: protect all, trap, unprotect", "appel2", "lat_sig"},
    {"hardware", "phase part=hardware", "getpid_loop"},
    {"software", "phase part=software", "getpid_loop"},
    {"enter the library", "phase part=enter", "getpid_loop"},
    {"first message", "phase part=first_message", "getpid_loop"},
    {"Linux server", "phase part=server", "getpid_loop"},
    {"second message", "phase part=second_message", "getpid_loop"},
    {"leave the library", "phase part=leave", "getpid_loop"},
    {"both messages", "phase part=messages", "getpid_loop"},
    {"total", "phase part=total", "getpid_loop"},
};

const struct reproduce_row *reproduce_row(const char *name)
{
    for (const struct reproduce_row *r = reproduce_rows; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}

static const char *missing(const struct reproduce_what *what)
{
    if (strncmp(what->benchmark, "AIM", 3) == 0)
        return "not built: that suite is not among the guests";
    if (strcmp(what->benchmark, "application") == 0)
        return "not built: those applications are not among the guests";
    return "not built: no program of guests/bench measures it";
}

struct reproduce_source reproduce_source(const struct reproduce_what *what)
{
    struct reproduce_source s = {.program = NULL};
    unsigned processes, kilobytes;
    int end = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(tests) && !s.program; i++)
        if (strcmp(tests[i].test, what->test) == 0) {
            snprintf(s.line, sizeof s.line, "%s", tests[i].line);
            s.program = tests[i].program;
        }
    if (strcmp(what->test, "context switch") == 0 &&
        sscanf(what->parameter, "%u procs x %uk%n", &processes, &kilobytes, &end) == 2 &&
        !what->parameter[end]) {
        snprintf(s.line, sizeof s.line, "ctx processes=%u kb=%u", processes, kilobytes);
        s.program = "lat_ctx";
    }
    if (!s.program)
        s.missing = missing(what);
    return s;
}
