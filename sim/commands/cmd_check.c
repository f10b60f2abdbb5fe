/* check: holds the kernel paths of a run against budgets or a baseline. What continuous integration
 * runs: the figures are exact, so one cycle more is a finding. */
#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/core/ledger.h"
#include "sim/report/path_rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec specs[] = {
    {"rules", "FILE", "names for paths: see sim/report/path_rules.h", 'r'},
    {"budgets", "FILE", "lines `PATH: METRIC <= N, METRIC <= N`; `#` begins a comment", 'b'},
    {"baseline", "FILE.json", "an earlier ledger or what --write-baseline wrote: must be equal",
     'B'},
    {"write-baseline", "FILE.json", "write this run's paths as a baseline and end", 'w'},
    {"format", "text|markdown|tap|junit", "how to say it (default text)", 'f'},
    {"help", NULL, "this text", 'h'},
};

#define SHARES_MAX 256
#define SHARES_SAID 8 /* of causes or symbols: one screen for a reason */

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_TAP, FORMAT_JUNIT };

struct verdict {
    char name[192];
    char detail[2048]; /* why it failed; empty: it passed */
};

struct job {
    const char *ledger, *rules_file, *budgets, *baseline, *write;
    enum format format;
    struct path_rules rules;
    json_t *paths; /* by name */
    struct verdict *verdicts;
    unsigned count, failed;
};

static void help(void)
{
    puts("usage: isochron check [OPTIONS] LEDGER.json\n\n"
         "Holds the kernel paths of a run (`run --paths --ledger`, or `replay`) against budgets\n"
         "or a baseline. Exit code 0: all hold; 3: something is exceeded, and what it was is\n"
         "told with the causes and symbols of the difference; 2: a file cannot be read.\n\n"
         "metrics: cycles (of most instances), cycles_max, cycles_min, count, instructions,\n"
         "ilines, dlines, pages, cr3_writes, nested, and every cause by its name (per instance)\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexample of budgets:\n"
         "  ipc.cross_space: cycles <= 183, dlines <= 12, tlb.dtlb <= 40\n\n"
         "example:\n"
         "  isochron replay ping.iso --paths --ledger new.json --serial null\n"
         "  isochron check new.json --rules paths.ini --budgets budgets");
}

/* --- reading ---------------------------------------------------------------------------------- */

static json_t *read_json(const char *path)
{
    json_error_t e;
    json_t *o = json_load_file(path, 0, &e);
    if (!o)
        usage_error("check: %s: %s (line %d)", path, e.text, e.line);
    return o;
}

/* The paths by name of a ledger, or of a baseline that has them so already. */
static json_t *named_paths(struct job *j, const char *path)
{
    json_t *o = read_json(path), *named = json_object_get(o, "named_paths");
    json_t *clusters = json_object_get(o, "kernel_paths");
    if (named)
        json_incref(named);
    else if (clusters)
        named = path_rules_group(&j->rules, clusters);
    else
        usage_error("check: %s has no kernel paths; accepted is what `run --paths --ledger` writes",
                    path);
    json_decref(o);
    return named;
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* --- saying why ------------------------------------------------------------------------------- */

static struct verdict *verdict(struct job *j, const char *name)
{
    j->verdicts = realloc(j->verdicts, (j->count + 1) * sizeof *j->verdicts);
    CHECK(j->verdicts != NULL);
    struct verdict *v = &j->verdicts[j->count++];
    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s", name);
    return v;
}

static void say(struct verdict *v, const char *fmt, ...) PRINTF(2, 3);
static void say(struct verdict *v, const char *fmt, ...)
{
    size_t at = strlen(v->detail);
    va_list list;
    va_start(list, fmt);
    vsnprintf(v->detail + at, sizeof v->detail - at, fmt, list);
    va_end(list);
}

struct share {
    const char *name;
    double cycles;
};

static int by_size(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    double p = x->cycles < 0 ? -x->cycles : x->cycles, q = y->cycles < 0 ? -y->cycles : y->cycles;
    return p < q ? 1 : p > q ? -1 : strcmp(x->name, y->name);
}

/* Where an instance's cycles go, or how two runs differ in that, the greatest first:
 * "enter_ipc_fast +1.0, copy -0.2". */
static void say_table(struct verdict *v, const char *title, const char *table, const json_t *now,
                      const json_t *before)
{
    struct share shares[SHARES_MAX];
    unsigned count = 0;
    const char *key;
    json_t *n;
    double each = (double)number(now, "count"), old = before ? (double)number(before, "count") : 1;
    const json_t *was = before ? json_object_get(before, table) : NULL;
    json_t *all = json_copy(json_object_get(now, table));
    if (was)
        json_object_update_missing(all, (json_t *)(uintptr_t)was);
    json_object_foreach(all, key, n) {
        double value = (double)number(json_object_get(now, table), key) / each -
                       (was ? (double)number(was, key) / old : 0);
        if ((value <= -0.05 || value >= 0.05) && count < SHARES_MAX)
            shares[count++] = (struct share){key, value};
    }
    qsort(shares, count, sizeof *shares, by_size);
    for (unsigned i = 0; i < count && i < SHARES_SAID; i++)
        say(v, before ? "%s%s %+.1f" : "%s%s %.1f", i ? ", " : title, shares[i].name,
            shares[i].cycles);
    if (count)
        say(v, count > SHARES_SAID ? " and %u less\n" : "\n", count - SHARES_SAID);
    json_decref(all);
}

static void say_difference(struct verdict *v, const json_t *now, const json_t *before)
{
    say_table(v, before ? "    by cause, per instance: " : "    its causes, per instance: ",
              "causes", now, before);
    say_table(v, before ? "    by symbol, per instance: " : "    its symbols, per instance: ",
              "symbols", now, before);
}

/* --- budgets ---------------------------------------------------------------------------------- */

/* False: there is no such metric. */
static bool metric_of(const json_t *path, const char *metric, double *value)
{
    static const struct {
        const char *metric, *key;
    } names[] = {{"cycles", "typical"},        {"cycles_max", "max"},   {"cycles_min", "min"},
                 {"count", "count"},           {"ilines", "code_lines"}, {"dlines", "data_lines"},
                 {"instructions", "instructions"}, {"pages", "pages"},
                 {"cr3_writes", "cr3_writes"}, {"nested", "nested"}};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(metric, names[i].metric) == 0) {
            *value = (double)number(path, names[i].key);
            return true;
        }
    for (int c = 0; c < CAUSE_COUNT; c++)
        if (strcmp(metric, cause_names[c]) == 0) {
            *value = (double)number(json_object_get(path, "causes"), metric) /
                     (double)number(path, "count");
            return true;
        }
    return false;
}

static void check_bound(struct job *j, const char *name, const char *bound, unsigned line)
{
    char metric[64], label[192];
    double limit, value;
    int length = 0;
    if (sscanf(bound, " %63[a-z0-9_.] <= %lf %n", metric, &limit, &length) != 2 || bound[length])
        usage_error("%s:%u: '%s': accepted is METRIC <= N", j->budgets, line, bound);
    const json_t *path = json_object_get(j->paths, name);
    snprintf(label, sizeof label, "%.80s: %s <= %g", name, metric, limit);
    struct verdict *v = verdict(j, label);
    if (!path) {
        say(v, "there is no such path in %s\n", j->ledger);
    } else {
        if (!metric_of(path, metric, &value))
            usage_error("%s:%u: no metric '%s'; `isochron check --help` lists them", j->budgets,
                        line, metric);
        if (value <= limit)
            return;
        say(v, "%s is %.6g, %.6g more than its budget\n", metric, value, value - limit);
        say_difference(v, path, NULL);
    }
    j->failed++;
}

static void check_budgets(struct job *j)
{
    char line[1024], *colon;
    FILE *f = fopen(j->budgets, "r");
    if (!f)
        usage_error("--budgets %s: %s", j->budgets, strerror(errno));
    for (unsigned number_of = 1; fgets(line, sizeof line, f); number_of++) {
        line[strcspn(line, "#\n")] = 0;
        if (!line[strspn(line, " \t\r")])
            continue;
        if (!(colon = strchr(line, ':')))
            usage_error("%s:%u: accepted is PATH: METRIC <= N, METRIC <= N", j->budgets, number_of);
        *colon = 0;
        char *save = NULL;
        for (char *p = strtok_r(colon + 1, ",", &save); p; p = strtok_r(NULL, ",", &save))
            check_bound(j, line, p, number_of);
    }
    fclose(f);
}

/* --- baseline --------------------------------------------------------------------------------- */

static void compare_path(struct job *j, const char *name, const json_t *now, const json_t *before)
{
    static const char *const keys[] = {"typical", "min", "max", "count", "cycles", "instructions",
                                       "code_lines", "data_lines", "pages"};
    struct verdict *v = verdict(j, name);
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        if (number(now, keys[i]) != number(before, keys[i]))
            say(v, "%s%s %lld -> %lld (%+lld)", *v->detail ? ", " : "", keys[i],
                (long long)number(before, keys[i]), (long long)number(now, keys[i]),
                (long long)(number(now, keys[i]) - number(before, keys[i])));
    if (!*v->detail)
        return;
    say(v, "\n");
    say_difference(v, now, before);
    j->failed++;
}

static void check_baseline(struct job *j)
{
    json_t *before = named_paths(j, j->baseline), *v;
    const char *key;
    json_object_foreach(before, key, v) {
        const json_t *now = json_object_get(j->paths, key);
        if (now) {
            compare_path(j, key, now, v);
        } else {
            say(verdict(j, key), "the baseline has %" JSON_INTEGER_FORMAT
                                 " instances of it, this run has none\n", number(v, "count"));
            j->failed++;
        }
    }
    json_object_foreach(j->paths, key, v)
        if (!json_object_get(before, key)) {
            say(verdict(j, key), "new: %" JSON_INTEGER_FORMAT " instances, %" JSON_INTEGER_FORMAT
                                 " cycles most often\n", number(v, "count"), number(v, "typical"));
            j->failed++;
        }
    json_decref(before);
}

/* --- output ----------------------------------------------------------------------------------- */

static void print_text(const struct job *j)
{
    for (unsigned i = 0; i < j->count; i++) {
        const struct verdict *v = &j->verdicts[i];
        printf("%-8s %s\n", *v->detail ? "EXCEEDED" : "ok", v->name);
        if (*v->detail)
            printf("    %s", v->detail);
    }
    printf("%u of %u hold\n", j->count - j->failed, j->count);
}

static void print_markdown(const struct job *j)
{
    printf("### Kernel paths: %u of %u hold\n\n", j->count - j->failed, j->count);
    puts("| | path | |\n| --- | --- | --- |");
    for (unsigned i = 0; i < j->count; i++) {
        const struct verdict *v = &j->verdicts[i];
        printf("| %s | `%s` | ", *v->detail ? "exceeded" : "ok", v->name);
        for (const char *p = v->detail; *p; p++)
            fputs(*p == '\n' ? (p[1] ? "<br>" : "") : (char[]){*p, 0}, stdout);
        puts(" |");
    }
}

static void print_tap(const struct job *j)
{
    printf("1..%u\n", j->count);
    for (unsigned i = 0; i < j->count; i++) {
        const struct verdict *v = &j->verdicts[i];
        printf("%sok %u - %s\n", *v->detail ? "not " : "", i + 1, v->name);
        for (const char *p = v->detail; *p; p += strcspn(p, "\n") + 1)
            printf("# %.*s\n", (int)strcspn(p, "\n"), p);
    }
}

static void print_xml(const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<': fputs("&lt;", stdout); break;
        case '>': fputs("&gt;", stdout); break;
        case '&': fputs("&amp;", stdout); break;
        case '"': fputs("&quot;", stdout); break;
        default: putchar(*s); break;
        }
}

static void print_junit(const struct job *j)
{
    printf("<testsuite name=\"isochron check\" tests=\"%u\" failures=\"%u\">\n", j->count,
           j->failed);
    for (unsigned i = 0; i < j->count; i++) {
        const struct verdict *v = &j->verdicts[i];
        fputs("  <testcase name=\"", stdout);
        print_xml(v->name);
        fputs(*v->detail ? "\"><failure>" : "\"/>\n", stdout);
        print_xml(v->detail);
        if (*v->detail)
            puts("</failure></testcase>");
    }
    puts("</testsuite>");
}

static void print(const struct job *j)
{
    switch (j->format) {
    case FORMAT_TEXT: print_text(j); break;
    case FORMAT_MARKDOWN: print_markdown(j); break;
    case FORMAT_TAP: print_tap(j); break;
    case FORMAT_JUNIT: print_junit(j); break;
    }
}

/* --- the command ------------------------------------------------------------------------------ */

static void set_format(struct job *j, const char *value)
{
    static const char *const accepted[] = {"text", "markdown", "tap", "junit", NULL};
    option_accepts("format", value, accepted);
    for (int i = 0; accepted[i]; i++)
        if (strcmp(value, accepted[i]) == 0)
            j->format = (enum format)i;
}

static void parse(struct job *j, int argc, char **argv)
{
    struct options o = {specs, ARRAY_COUNT(specs), argc, argv, 1, "check"};
    const char *value;
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 'r': j->rules_file = value; break;
        case 'b': j->budgets = value; break;
        case 'B': j->baseline = value; break;
        case 'w': j->write = value; break;
        case 'f': set_format(j, value); break;
        default: j->ledger = value; break;
        }
    if (!j->ledger)
        usage_error("check: which ledger? `isochron check --help` explains");
    if (!j->budgets && !j->baseline && !j->write)
        usage_error("check: against what? accepted are --budgets, --baseline, --write-baseline");
}

static void write_baseline(const struct job *j)
{
    json_t *o = json_pack("{s:s,s:O}", "schema", "isochron-baseline-1", "named_paths", j->paths);
    if (json_dump_file(o, j->write, JSON_INDENT(1) | JSON_SORT_KEYS) != 0)
        usage_error("--write-baseline %s: %s", j->write, strerror(errno));
    json_decref(o);
}

int cmd_check(int argc, char **argv)
{
    struct job j = {0};
    parse(&j, argc, argv);
    if (j.rules_file)
        path_rules_read(&j.rules, j.rules_file);
    j.paths = named_paths(&j, j.ledger);
    if (j.write)
        write_baseline(&j);
    if (j.budgets)
        check_budgets(&j);
    if (j.baseline)
        check_baseline(&j);
    if (j.budgets || j.baseline)
        print(&j);
    json_decref(j.paths);
    free(j.verdicts);
    return j.failed ? EXIT_BUDGET : EXIT_DONE;
}
