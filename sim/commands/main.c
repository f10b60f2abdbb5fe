#include "sim/commands/commands.h"
#include "sim/core/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *text;
} commands[] = {
    {"run", cmd_run, "boot a kernel and account for every cycle"},
    {"machines", cmd_machines, "list the machines, or every value of one"},
    {"cycles", cmd_cycles, "time a few instructions: latency, throughput, pairing, stalls"},
    {"report", cmd_report, "read a ledger written by run --ledger"},
    {"annotate", cmd_annotate, "a kernel path, instruction by instruction"},
    {"diff", cmd_diff, "take the difference of two runs apart, to the instruction"},
    {"export", cmd_export, "write what a run counted as a page to look at, or for other programs"},
    {"check", cmd_check, "hold kernel paths against budgets or a baseline"},
    {"replay", cmd_replay, "live a recorded run again, whole or in part"},
    {"explain", cmd_explain, "price a recorded run again with one thing ideal at a time"},
    {"sweep", cmd_sweep, "run a recorded interval on processors with other values, as a table"},
    {"verify", cmd_verify, "prove that a replay is the recorded run, or tell the first difference"},
    {"reproduce", cmd_reproduce, "measure again what was published, and print both"},
    {"checkpoint", cmd_checkpoint, "list a trace's checkpoints, or cut a part out of it"},
};

static int help(void)
{
    puts("isochron: a deterministic, cycle-level simulator of IA-32 PCs.\n"
         "It boots kernels unmodified and says where every cycle went.\n\n"
         "usage: isochron COMMAND [OPTIONS]        isochron help COMMAND\n");
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        printf("  %-11s %s\n", commands[i].name, commands[i].text);
    puts("\nexamples:\n"
         "  isochron run --machine p133 -kernel vmlinux -initrd initrd.cpio -append console=ttyS0\n"
         "  isochron cycles --machine p166 --asm 'add eax,[ebx]; mov ecx,eax'\n"
         "  isochron machines p133\n\n"
         "exit codes: 0 done, 1 the guest failed, 2 usage, 3 a budget exceeded, 4 divergence,\n"
         "            5 hardware met that is not modelled, 124 a cycle limit reached,\n"
         "            128 and a signal's number where one has ended the run (reports are written)");
    return EXIT_DONE;
}

/* What did not reach the standard output was not done; a reader that has gone wants no words. */
static void check_stdout(void)
{
    errno = 0;
    bool bad = fflush(stdout) != 0;
    if (!bad && !ferror(stdout))
        return;
    if (errno == EPIPE)
        _exit(128 + SIGPIPE);
    fprintf(stderr, "isochron: the standard output cannot be written: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    _exit(EXIT_USAGE);
}

static int run(int argc, char **argv)
{
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    usage_error("no command '%s'; `isochron help` lists them", argv[0]);
}

int main(int argc, char **argv)
{
    atexit(check_stdout);
    bool helps = argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
                 strcmp(argv[1], "-h") == 0;
    if (!helps)
        return run(argc - 1, argv + 1);
    if (argc > 3)
        usage_error("help: '%s' after '%s': accepted is one command", argv[3], argv[2]);
    char option[] = "--help";
    return argc < 3 ? help() : run(2, (char *[]){argv[2], option, NULL});
}
