/* check: holds the kernel paths of a run against budgets or a baseline. What continuous integration
 * runs: the figures are exact, so one cycle more is a finding. */
#include "sim/commands/budgets.h"
#include "sim/commands/commands.h"
#include "sim/commands/layouts.h"
#include "sim/commands/measured.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/core/file.h"
#include "sim/report/diff.h"
#include "sim/report/json_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES_SAID 6 /* of a path: one screen for a reason */
#define BUDGETS_MOST 32

static const struct option_spec specs[] = {
    {"rules", "FILE", "names for paths by this file (sim/report/path_rules.h); default: those "
                      "that the run has", 'r'},
    {"budgets", "FILE", "lines `PATH: METRIC <= N, METRIC <= N`; `#` begins a comment", 'b'},
    {"budget", "LINE", "one such line; may be repeated", 'l' | REPEATS},
    {"baseline", "FILE", "an earlier trace or ledger, or what --write-baseline wrote: "
                         "must be equal", 'B'},
    {"layout", "RUN:BASELINE",
     "the same two builds, linked elsewhere or with other page colours "
     "(run --set ram.kept=3, modules.skip=3); may be repeated: tells "
     "whether the code or its place makes a difference", 'L' | REPEATS},
    {"write-baseline", "FILE.json", "write this run's paths as a baseline and end", 'w'},
    {"format", "text|markdown|tap|junit", "how to say it (default text)", 'f'},
    {"help", NULL, "this text", 'h'},
};

struct job {
    const char *run, *rules_file, *budgets, *baseline, *write;
    const char *budget[BUDGETS_MOST];
    unsigned budget_count;
    struct layouts layouts;
    enum verdict_format format;
    struct path_rules rules;
    struct costs now, before;
    struct verdicts verdicts;
};

static void help(void)
{
    puts("usage: isochron check [OPTIONS] TRACE|LEDGER.json\n\n"
         "Holds the kernel paths of a run against budgets or a baseline. The run is a trace,\n"
         "which is replayed, or what `run --profile --ledger` wrote (--paths is enough, but then\n"
         "the reasons name no instructions). Exit code 0: all hold; 3: something is exceeded,\n"
         "and phase, instruction and cause of it are told; 2: a file cannot be read.\n");
    budgets_help();
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexamples:\n"
         "  isochron check traces/ipc.iso --rules guests/measure/paths.ini \\\n"
         "      --budget 'ipc.fast.cross_space: cycles <= 208, dtlb_miss <= 8'\n"
         "  isochron check new.json --rules paths.ini --baseline old.json --format markdown");
}

/* --- baseline --------------------------------------------------------------------------------- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static bool is_different(const json_t *now, const json_t *before, const char *key)
{
    return json_object_get(before, key) && number(now, key) != number(before, key);
}

/* What is not the same, "typical 203 -> 205 (+2)"; false: all is. A baseline without quantiles was
 * made when `typical` was that of the first instances: alone it is no difference then. */
static bool say_differences(struct verdict *v, const json_t *now, const json_t *before)
{
    static const char *const keys[] = {"typical", "min", "p50", "p90", "p99", "max", "count",
                                       "cycles", "instructions", "code_lines", "data_lines",
                                       "pages"};
    const char *separator = "";
    bool any = false;
    for (unsigned i = json_object_get(before, "p50") ? 0 : 1; i < ARRAY_COUNT(keys); i++)
        any |= is_different(now, before, keys[i]);
    if (!any)
        return false;
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        if (is_different(now, before, keys[i])) {
            verdict_say(v, "%s%s %lld -> %lld (%+lld)", separator, keys[i],
                        (long long)number(before, keys[i]), (long long)number(now, keys[i]),
                        (long long)(number(now, keys[i]) - number(before, keys[i])));
            separator = ", ";
        }
    verdict_say(v, "\n");
    return true;
}

static void compare_path(struct job *j, const struct diff_path *d)
{
    struct verdict *v = verdict_add(&j->verdicts, d->name);
    char reason[4096];
    if (!d->b) {
        verdict_say(v, "the baseline has %llu instances of it, this run has none\n",
                    (unsigned long long)d->a->count);
        return;
    }
    if (!d->a) {
        verdict_say(v, "new: %llu instances, %llu cycles most often\n",
                    (unsigned long long)d->b->count, (unsigned long long)d->b->typical);
        return;
    }
    const json_t *now = json_object_get(j->now.named, d->name);
    const json_t *before = json_object_get(j->before.named, d->name);
    if (!say_differences(v, now, before))
        return;
    diff_path_reason(d, SITES_SAID, reason, sizeof reason);
    verdict_say(v, "%s", reason);
    if (!d->detailed)
        budgets_say_symbols(v, now, before);
    layouts_say(&j->layouts, v, d->a, d->b);
}

/* What costs most comes first: the first screen is for it. */
static void check_baseline(struct job *j)
{
    struct diff d;
    diff_make(&d, &j->before, &j->now);
    for (uint32_t i = 0; i < d.path_count; i++)
        compare_path(j, &d.paths[i]);
    diff_free(&d);
}

static void write_baseline(const struct job *j)
{
    for (uint32_t i = 0; i < j->now.path_count; i++) {
        const struct cost_path *p = &j->now.paths[i];
        json_t *path = json_object_get(j->now.named, p->name);
        json_object_del(path, "values"); /* its quantiles stay */
        if (p->line_count)
            json_object_set_new(path, "lines", costs_lines_json(p));
    }
    json_t *o = json_pack("{s:s,s:o,s:O}", "schema", "isochron-baseline-1", "accounts",
                          costs_accounts_json(&j->now), "named_paths", j->now.named);
    if (!json_lines_write(o, NULL, j->write))
        usage_error("--write-baseline %s: %s", j->write, strerror(errno));
    json_decref(o);
}

/* --- the command ------------------------------------------------------------------------------ */

static void set_format(struct job *j, const char *value)
{
    static const char *const accepted[] = {"text", "markdown", "tap", "junit", NULL};
    j->format = (enum verdict_format)option_accepts("format", value, accepted);
}

static void parse(struct job *j, int argc, char **argv)
{
    struct options o = OPTIONS("check", specs, argc, argv);
    const char *value;
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 'r': j->rules_file = value; break;
        case 'b': j->budgets = value; break;
        case 'l':
            if (j->budget_count == BUDGETS_MOST)
                usage_error("--budget: more than %d; accepted is a file of them, --budgets",
                            BUDGETS_MOST);
            j->budget[j->budget_count++] = value;
            break;
        case 'B': j->baseline = value; break;
        case 'L': layouts_add(&j->layouts, value); break;
        case 'w': j->write = value; break;
        case 'f': set_format(j, value); break;
        default:
            if (j->run)
                usage_error("check: '%s' after '%s'; accepted is one run", value, j->run);
            j->run = value;
            break;
        }
    if (!j->run)
        usage_error("check: which run? `isochron check --help` explains");
    if (!j->budgets && !j->budget_count && !j->baseline && !j->write)
        usage_error("check: against what? accepted are --budgets, --budget, --baseline, "
                    "--write-baseline");
    if (j->layouts.count && !j->baseline)
        usage_error("--layout %s: layouts are compared with a --baseline", j->layouts.list[0].spec);
}

int cmd_check(int argc, char **argv)
{
    struct job j = {0};
    parse(&j, argc, argv);
    if (file_same(j.write, j.run) || file_same(j.write, j.rules_file))
        usage_error("--write-baseline %s: that is what is read; accepted is another file",
                    j.write);
    if (j.rules_file)
        path_rules_read(&j.rules, j.rules_file);
    costs_read(&j.now, measured("check", j.run), j.run, &j.rules, COSTS_ALL);
    if (j.write)
        write_baseline(&j);
    if (j.budgets)
        budgets_check_file(&j.now, j.budgets, &j.verdicts);
    for (unsigned i = 0; i < j.budget_count; i++)
        budgets_check_line(&j.now, "--budget", 0, j.budget[i], &j.verdicts);
    if (j.baseline) {
        costs_read(&j.before, measured("check", j.baseline), j.baseline, &j.rules, COSTS_ALL);
        layouts_read(&j.layouts, &j.rules);
        check_baseline(&j);
        layouts_free(&j.layouts);
        costs_free(&j.before);
    }
    if (j.budgets || j.budget_count || j.baseline)
        verdicts_print(&j.verdicts, json_object_get(j.now.document, "quality"), j.format);
    unsigned failed = verdicts_failed(&j.verdicts);
    verdicts_free(&j.verdicts);
    costs_free(&j.now);
    return failed ? EXIT_BUDGET : EXIT_DONE;
}
