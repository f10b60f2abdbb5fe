/* annotate: a kernel path's instructions, with what each costs and why. */
#define _GNU_SOURCE /* qsort_r */
#include "sim/commands/commands.h"
#include "sim/commands/measured.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/report/annotate.h"
#include "sim/report/ledger_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATHS_NAMED 12 /* in a mistake's message */

static const struct option_spec specs[] = {
    {"path", "NAME|#N", "which path: by its name, or the N-th of the table that --paths "
                        "prints (default: #1, the one that costs most)", 'p'},
    {"all", NULL, "a name may cover several ways through the kernel; the commonest "
                  "is shown, or with this all of them as one", 'a'},
    {"rules", "FILE", "names for paths by this file (sim/report/path_rules.h); default: those "
                      "that the run has", 'r'},
    {"source", "FOLDER", "lines of source between the instructions; names of files are "
                         "taken from FOLDER on", 's'},
    {"format", "text|json|csv", "how to say it (default text)", 'f'},
    {"help", NULL, "this text", 'h'},
};

struct job {
    const char *file, *path, *rules_file, *sources;
    enum annotate_format format;
    struct path_rules rules;
    bool all;
};

static void help(void)
{
    puts("usage: isochron annotate [OPTIONS] TRACE|LEDGER.json|WINDOW.json\n\n"
         "Prints how long a kernel path's instances took, as a histogram, and its instructions in\n"
         "the order in which they first ran: pipe, how often, cycles and why; then its phases and\n"
         "causes. Reads a trace, which it replays, or what `run` or `replay` wrote with --profile\n"
         "--ledger, or with --window-json. `isochron report --format durations` is the histogram\n"
         "as CSV.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexample:\n"
         "  isochron annotate traces/ipc.iso --rules guests/measure/paths.ini \\\n"
         "      --path ipc.fast.same_space");
}

static void set_format(struct job *j, const char *value)
{
    static const char *const accepted[] = {"text", "json", "csv", NULL};
    j->format = (enum annotate_format)option_accepts("format", value, accepted);
}

static void parse(struct job *j, int argc, char **argv)
{
    struct options o = OPTIONS("annotate", specs, argc, argv);
    const char *value;
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 'p': j->path = value; break;
        case 'r': j->rules_file = value; break;
        case 'f': set_format(j, value); break;
        case 'a': j->all = true; break;
        case 's': j->sources = value; break;
        default:
            if (j->file)
                usage_error("annotate: '%s' after '%s'; accepted is one file", value, j->file);
            j->file = value;
            break;
        }
    if (!j->file)
        usage_error("annotate: which trace or ledger? `isochron annotate --help` explains");
    if (j->rules_file)
        path_rules_read(&j->rules, j->rules_file);
}

static int by_cycles(const void *a, const void *b, void *list)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    json_int_t p = json_integer_value(json_object_get(json_array_get(list, x), "cycles"));
    json_int_t q = json_integer_value(json_object_get(json_array_get(list, y), "cycles"));
    if (p != q)
        return p < q ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The cluster that the table of paths numbers n. */
static size_t numbered(const struct job *j, json_t *list)
{
    const char *path = j->path ? j->path : "#1";
    size_t count = json_array_size(list), *order = calloc(count + 1, sizeof *order);
    CHECK(order != NULL);
    uint64_t n = option_number("path", path + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_cycles, list);
    if (n < 1 || n > count)
        usage_error("--path %s: %s has %zu paths", path, j->file, count);
    size_t cluster = order[n - 1];
    free(order);
    return cluster;
}

/* The cluster of this name with the most instances; how many there are. */
static size_t commonest(const struct job *j, const json_t *list, unsigned *ways)
{
    size_t best = COSTS_ALL, i;
    json_int_t most = -1;
    char name[128];
    json_t *cluster;
    *ways = 0;
    json_array_foreach(list, i, cluster) {
        json_int_t count = json_integer_value(json_object_get(cluster, "count"));
        path_rules_name(&j->rules, cluster, name, sizeof name);
        if (strcmp(name, j->path) != 0)
            continue;
        ++*ways;
        if (count > most) {
            most = count;
            best = i;
        }
    }
    return best;
}

/* Which of the document's clusters is meant. Baselines and windows have none, only paths. */
static size_t cluster_of(const struct job *j, const json_t *document, unsigned *ways)
{
    json_t *list = json_object_get(json_object_get(document, "kernel_paths"), "clusters");
    *ways = 1;
    if (!json_is_array(list) || j->all)
        return COSTS_ALL;
    if (!j->path || *j->path == '#')
        return numbered(j, list);
    return commonest(j, list, ways);
}

static const struct cost_path *chosen(const struct job *j, const struct costs *c)
{
    const struct cost_path *best = NULL, *found;
    char names[1024] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < c->path_count; i++)
        if (!best || c->paths[i].cycles > best->cycles)
            best = &c->paths[i];
    if (!best)
        usage_error("annotate: %s has no kernel path that ended", c->file);
    if (!j->path || *j->path == '#')
        return best;
    if ((found = costs_find(c, j->path)) != NULL)
        return found;
    for (uint32_t i = 0; i < c->path_count && i < PATHS_NAMED; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.60s", i ? ", " : "",
                               c->paths[i].name);
    usage_error("--path %s: no such path; accepted are #N and %s%s", j->path, names,
                c->path_count > PATHS_NAMED ? ", ..." : "");
}

int cmd_annotate(int argc, char **argv)
{
    struct job j = {0};
    struct costs c;
    unsigned ways;
    parse(&j, argc, argv);
    json_t *document = measured("annotate", j.file);
    json_t *quality = json_incref(json_object_get(document, "quality")); /* a baseline has none */
    size_t cluster = cluster_of(&j, document, &ways);
    costs_read(&c, document, j.file, &j.rules, cluster);
    const struct cost_path *p = chosen(&j, &c);
    if (ways > 1 && j.format == ANNOTATE_TEXT)
        printf("the commonest of %u ways through %s; --all joins them\n", ways, p->name);
    annotate_print(p, j.format, j.sources, quality, stdout);
    json_decref(quality);
    if (!p->line_count)
        fprintf(stderr, "isochron: %s has no instructions of it; `--profile` beside --ledger "
                        "collects them\n", j.file);
    costs_free(&c);
    return EXIT_DONE;
}
