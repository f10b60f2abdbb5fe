/* diff: how two runs differ, by path, phase, symbol, instruction and cause. */
#include "sim/commands/commands.h"
#include "sim/commands/measured.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/report/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec specs[] = {
    {"path", "NAME", "only this path", 'p'},
    {"rules", "FILE", "names for paths by this file (sim/report/path_rules.h); default: those "
                      "that the run has", 'r'},
    {"format", "text|markdown|json", "how to say it (default text)", 'f'},
    {"help", NULL, "this text", 'h'},
};

struct job {
    const char *file[2], *path, *rules_file;
    unsigned files;
    enum diff_format format;
    struct path_rules rules;
};

static void help(void)
{
    puts("usage: isochron diff [OPTIONS] A B\n\n"
         "Takes the difference of two runs apart: signed numbers by path, phase, symbol,\n"
         "instruction and cause that add up to it exactly. A and B are traces, which are\n"
         "replayed, ledgers (`--profile --ledger`) or baselines (`check --write-baseline`), of\n"
         "one kernel or of two builds of it: instructions are matched though their addresses\n"
         "differ. A difference is no failure: the exit code is 0 (`isochron check` judges).\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexample:\n"
         "  isochron diff before.json after.json --rules guests/measure/paths.ini");
}

static void set_format(struct job *j, const char *value)
{
    static const char *const accepted[] = {"text", "markdown", "json", NULL};
    j->format = (enum diff_format)option_accepts("format", value, accepted);
}

static void parse(struct job *j, int argc, char **argv)
{
    struct options o = OPTIONS("diff", specs, argc, argv);
    const char *value;
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 'p': j->path = value; break;
        case 'r': j->rules_file = value; break;
        case 'f': set_format(j, value); break;
        default:
            if (j->files == 2)
                usage_error("diff: '%s' is a third file; accepted are two", value);
            j->file[j->files++] = value;
            break;
        }
    if (j->files != 2)
        usage_error("diff: which two runs? `isochron diff --help` explains");
    if (j->rules_file)
        path_rules_read(&j->rules, j->rules_file);
}

int cmd_diff(int argc, char **argv)
{
    struct job j = {0};
    struct costs c[2];
    struct diff d;
    parse(&j, argc, argv);
    for (int i = 0; i < 2; i++) {
        costs_read(&c[i], measured("diff", j.file[i]), j.file[i], &j.rules, COSTS_ALL);
        if (j.path)
            costs_keep(&c[i], j.path);
    }
    if (j.path && !c[0].path_count && !c[1].path_count)
        usage_error("--path %s: neither run has it", j.path);
    diff_make(&d, &c[0], &c[1]);
    diff_print(&d, j.format, stdout);
    diff_free(&d);
    for (int i = 0; i < 2; i++)
        costs_free(&c[i]);
    return EXIT_DONE;
}
