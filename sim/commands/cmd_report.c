#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/report/blame.h"
#include "sim/report/json_lines.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec specs[] = {
    {"places", "N", "how many places to list (default 20)", 'n'},
    {"format", "NAME", "how to print it, of the list below (default text)", 'f'},
    {"help", NULL, "this text", 'h'},
};

static void help(void)
{
    puts("usage: isochron report [OPTIONS] LEDGER.json\n\n"
         "Prints what `isochron run --ledger LEDGER.json` wrote: cycles by cause, by path\n"
         "into privilege 0, and by place.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nformats:\n"
         "  text       tables\n"
         "  json       the ledger, checked and indented\n"
         "  csv        every cell of it, a line each\n"
         "  paths      a kernel path a line, as CSV (of a run with --paths)\n"
         "  durations  how often a path took how long, a line each, as CSV (likewise)\n"
         "  blame      who made whom miss, as CSV (of a run with --blame)\n"
         "  folded     stacks for flamegraph.pl and speedscope: `path;place;cause cycles`\n"
         "\nexamples:\n"
         "  isochron replay traces/ipc.iso --paths --ledger l.json --serial null\n"
         "  isochron report l.json --places 40\n"
         "  isochron report l.json --format durations");
}

/* A part of the ledger that not every run writes. */
static const json_t *part(const json_t *ledger, const char *key, const char *path,
                          const char *option)
{
    const json_t *o = json_object_get(ledger, key);
    if (!o)
        usage_error("report: %s holds no %s; `isochron run %s --ledger` writes it", path, key,
                    option);
    return o;
}

static void print(const json_t *ledger, const char *format, const char *path, unsigned places)
{
    bool csv = true;
    if (strcmp(format, "blame") == 0)
        blame_csv(part(ledger, "blame", path, "--blame"), stdout);
    else if (strcmp(format, "paths") == 0)
        paths_csv(part(ledger, "kernel_paths", path, "--paths"), stdout);
    else if (strcmp(format, "durations") == 0)
        paths_csv_durations(part(ledger, "kernel_paths", path, "--paths"), stdout);
    else if (strcmp(format, "csv") == 0)
        ledger_cells(ledger, true, stdout);
    else
        csv = false;
    if (csv)
        quality_csv(json_object_get(ledger, "quality"), stdout);
    else if (strcmp(format, "text") == 0)
        ledger_report(ledger, places, stdout);
    else if (strcmp(format, "folded") == 0)
        ledger_cells(ledger, false, stdout);
    else
        json_dumpf(ledger, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
}

int cmd_report(int argc, char **argv)
{
    struct options o = OPTIONS("report", specs, argc, argv);
    const char *value, *path = NULL;
    static const char *const formats[] = {"text", "json", "csv", "paths", "durations",
                                          "folded", "blame", NULL};
    const char *format = formats[0];
    unsigned places = 20;
    for (int c; (c = options_next(&o, &value));) {
        if (c == 'n')
            places = (unsigned)option_within("places", value, 0, UINT32_MAX);
        else if (c == 'f')
            option_accepts("format", format = value, formats);
        else if (c == 1 && path)
            usage_error("report: '%s' after '%s'; accepted is one ledger", value, path);
        else if (c == 1)
            path = value;
        else
            return help(), EXIT_DONE;
    }
    if (!path)
        usage_error("report: which ledger? `isochron run --ledger FILE.json` writes one");
    json_t *ledger = json_lines_read("report: ", path, "what `isochron run --ledger` writes");
    ledger_check(ledger, path);
    print(ledger, format, path, places);
    json_decref(ledger);
    return EXIT_DONE;
}
