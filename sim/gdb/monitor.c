#include "sim/gdb/monitor.h"

#include "sim/gdb/monitor_machine.h"
#include "sim/gdb/monitor_past.h"

#include <inttypes.h>
#include <string.h>

struct command {
    const char *name, *arguments, *help;
    void (*run)(const struct gdb_target *t, const char *arguments, FILE *out);
};

static void say_help(const struct gdb_target *t, const char *arguments, FILE *out);

static void say_cycles(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct machine *m = t->machine;
    (void)arguments;
    fprintf(out, "cycle %" PRIu64 ", %" PRIu64 " instructions, model %s\n", m->clock.now,
            m->cpu->instructions, m->cpu->model->name);
    if (t->history && history_last(t->history) != CYCLE_NEVER)
        fprintf(out, "the recorded run goes from cycle %" PRIu64 " to %" PRIu64 "\n",
                history_first(t->history), history_last(t->history));
}

static void say_hash(const struct gdb_target *t, const char *arguments, FILE *out)
{
    (void)arguments;
    fprintf(out, "state hash %016" PRIx64 " at cycle %" PRIu64 "\n", machine_hash(t->machine),
            t->machine->clock.now);
}

static const struct command commands[] = {
    {"help", "[COMMAND]", "what there is", say_help},
    {"cycles", "", "the cycle, and instructions retired", say_cycles},
    {"hash", "", "the hash of the whole state: equal hashes, equal machines", say_hash},
    {"where", "", "the place, its symbol, the privilege level and how the kernel was entered",
     monitor_where},
    {"goto", "CYCLE | SYMBOL#N",
     "go to a cycle, back or on, or to the N-th arrival at SYMBOL counted from the\n"
     "begin; then `maintenance flush register-cache` makes gdb look again", monitor_goto},
    {"path", "", "the kernel path that runs here, or the last one: where its cycles went so far",
     monitor_path},
    {"writer", "ADDRESS [SIZE]",
     "the last instruction before here that wrote those bytes (1, 2 or 4)", monitor_writer},
    {"evictor", "ADDRESS",
     "who removed an address from each cache and TLB that does not hold it, in the\n"
     "last 20 million cycles: how, path, symbol and instruction", monitor_evictor},
    {"translate", "ADDRESS", "the page tables' way from a linear address to memory",
     monitor_translate},
    {"cache", "ADDRESS", "which caches and TLBs hold an address, and in which state",
     monitor_cache},
    {"segments", "", "segment registers with base, limit and rights; GDTR, IDTR, TR, LDTR",
     monitor_segments},
    {"idt", "[VECTOR]", "the gates of the IDT, with their handlers' symbols", monitor_idt},
    {"irq", "", "what the interrupt controllers hold: requested, in service, masked", monitor_irq},
};

static void say_one(const struct command *k, FILE *out)
{
    fprintf(out, "monitor %s%s%s: ", k->name, *k->arguments ? " " : "", k->arguments);
    for (const char *p = k->help; *p; p++) {
        fputc(*p, out);
        if (*p == '\n')
            fputs("    ", out);
    }
    fputc('\n', out);
}

static const struct command *find(const char *name, size_t n)
{
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if (strlen(commands[i].name) == n && strncmp(commands[i].name, name, n) == 0)
            return &commands[i];
    return NULL;
}

static void say_help(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct command *k = find(arguments, strlen(arguments));
    (void)t;
    if (*arguments && !k) {
        fprintf(out, "there is no command '%s'; `monitor help` lists them\n", arguments);
        return;
    }
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
        if (!k || k == &commands[i])
            say_one(&commands[i], out);
    if (!k)
        fprintf(out, "Numbers are decimal, or hexadecimal behind 0x; cycles take k, M and G.\n"
                     "Addresses are linear, or symbols.\n");
}

void monitor_command(const struct gdb_target *t, const char *line, FILE *out)
{
    while (*line == ' ')
        line++;
    size_t n = strcspn(line, " ");
    const struct command *k = find(line, n);
    const char *arguments = line + n + strspn(line + n, " ");
    if (n == 0)
        k = find("help", 4);
    if (!k)
        fprintf(out, "there is no command '%.*s'; `monitor help` lists them\n", (int)n, line);
    else if (*arguments && !*k->arguments)
        fprintf(out, "monitor %s takes no argument; it was given '%s'\n", k->name, arguments);
    else
        k->run(t, arguments, out);
}
