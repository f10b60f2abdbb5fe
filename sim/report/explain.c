#include "sim/report/explain.h"

#include "sim/core/check.h"
#include "sim/report/cells.h"
#include "sim/report/ledger_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATHS_MOST 12

void explain_init(struct explain *e)
{
    *e = (struct explain){.paths_most = PATHS_MOST, .kinds = whatif_kind_count - 1};
    for (unsigned i = 0; i < e->kinds; i++)
        e->kind[i] = i;
}

void explain_add_runs(struct explain *e, struct whatif *w)
{
    unsigned all = 0;
    whatif_init(w);
    for (unsigned i = 0; i < e->kinds; i++) {
        unsigned bits = whatif_kinds[e->kind[i]].bits;
        e->run[i] = whatif_add(w, bits);
        all |= bits;
    }
    e->together = e->kinds > 1 ? whatif_add(w, all) : 0;
}

/* --- accounts by name ------------------------------------------------------------------------- */

/* What paths of one name took, in each run. */
struct line {
    char name[128];
    uint64_t count, cycles[WHATIF_RUNS_MAX];
};

struct lines {
    struct line *list;
    unsigned count;
};

static struct line *line_named(struct lines *l, const char *name)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->list[i].name, name) == 0)
            return &l->list[i];
    struct line *line = &l->list[l->count++];
    snprintf(line->name, sizeof line->name, "%s", name);
    return line;
}

static void add_account(struct lines *l, const struct whatif *w, unsigned account,
                        const char *name)
{
    if (account >= w->accounts || !whatif_cycles(w, account, 0))
        return;
    struct line *line = line_named(l, name);
    line->count += w->counts[account];
    for (unsigned run = 0; run < w->count; run++)
        line->cycles[run] += whatif_cycles(w, account, run);
}

static int by_cycles(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->cycles[0] != y->cycles[0])
        return x->cycles[0] < y->cycles[0] ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* Names of clusters come from their reports, in the same order. */
static struct lines gather(const struct whatif *w, const json_t *named)
{
    static const char *const others[] = {[ACCOUNT_BOOT] = "boot", [ACCOUNT_USER] = "user",
                                         [ACCOUNT_IDLE] = "idle",
                                         [WHATIF_UNFINISHED] = "unfinished"};
    struct lines l = {xalloc(ARRAY_COUNT(others) + w->paths->count, sizeof *l.list), 0};
    const json_t *clusters = json_object_get(named, "clusters");
    CHECK(json_array_size(clusters) == w->paths->count);
    for (unsigned a = 0; a < ARRAY_COUNT(others); a++)
        add_account(&l, w, a, others[a]);
    for (unsigned i = 0; i < w->paths->count; i++) {
        const json_t *name = json_object_get(json_array_get(clusters, i), "name");
        CHECK(json_is_string(name));
        add_account(&l, w, WHATIF_CLUSTERS + i, json_string_value(name));
    }
    for (unsigned run = 0; run < w->count; run++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < l.count; i++)
            sum += l.list[i].cycles[run];
        CHECK(sum == whatif_total(w, run));
    }
    qsort(l.list, l.count, sizeof *l.list, by_cycles);
    return l;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_int_t minus(uint64_t a, uint64_t b) { return (json_int_t)(a - b); }

/* Per cause what the run has more than that of the run itself; of the run itself, what it has. */
static json_t *causes_json(const struct whatif *w, unsigned run)
{
    json_t *o = json_object();
    for (unsigned k = 0; k < CAUSE_COUNT; k++) {
        uint64_t mine = 0, base = 0;
        for (unsigned a = 0; a < w->accounts; a++) {
            mine += whatif_causes(w, a, run)[k];
            base += run ? whatif_causes(w, a, 0)[k] : 0;
        }
        if (mine != base)
            json_object_set_new(o, cause_names[k], json_integer(minus(mine, base)));
    }
    return o;
}

static json_t *run_json(const struct whatif *w, unsigned run)
{
    uint64_t cycles = whatif_total(w, run);
    return json_pack("{s:I,s:I,s:o}", "cycles", (json_int_t)cycles, "difference",
                     minus(cycles, whatif_total(w, 0)), "causes", causes_json(w, run));
}

static json_t *line_json(const struct explain *e, const struct line *l)
{
    json_t *ideal = json_object();
    json_int_t sum = 0;
    for (unsigned i = 0; i < e->kinds; i++) {
        json_int_t difference = minus(l->cycles[e->run[i]], l->cycles[0]);
        json_object_set_new(ideal, whatif_kinds[e->kind[i]].name, json_integer(difference));
        sum += difference;
    }
    json_t *o = json_pack("{s:s,s:I,s:I,s:o}", "name", l->name, "count", (json_int_t)l->count,
                          "cycles", (json_int_t)l->cycles[0], "ideal", ideal);
    if (e->together) {
        json_int_t all = minus(l->cycles[e->together], l->cycles[0]);
        json_object_set_new(o, "together", json_integer(all));
        json_object_set_new(o, "interaction", json_integer(all - sum));
    }
    return o;
}

static void add_together(const struct explain *e, const struct whatif *w, json_t *report)
{
    uint64_t base = whatif_total(w, 0);
    json_int_t rest = minus(whatif_total(w, e->together), base);
    for (unsigned i = 0; i < e->kinds; i++)
        rest -= minus(whatif_total(w, e->run[i]), base);
    json_object_set_new(report, "together", run_json(w, e->together));
    json_object_set_new(report, "interaction", json_integer(rest));
}

json_t *explain_json(const struct explain *e, const struct whatif *w, const json_t *named)
{
    struct lines lines = gather(w, named);
    json_t *ideal = json_array(), *paths = json_array();
    for (unsigned i = 0; i < e->kinds; i++) {
        const struct whatif_kind *k = &whatif_kinds[e->kind[i]];
        json_t *o = json_pack("{s:s,s:s}", "name", k->name, "text", k->text);
        json_object_update_new(o, run_json(w, e->run[i]));
        json_array_append_new(ideal, o);
    }
    for (unsigned i = 0; i < lines.count; i++)
        json_array_append_new(paths, line_json(e, &lines.list[i]));
    free(lines.list);
    json_t *report = json_pack("{s:s,s:I,s:o,s:o,s:o}", "schema", EXPLAIN_SCHEMA, "cycles",
                               (json_int_t)whatif_total(w, 0), "causes", causes_json(w, 0),
                               "ideal", ideal, "paths", paths);
    if (e->together)
        add_together(e, w, report);
    return report;
}

/* --- tables ----------------------------------------------------------------------------------- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static double percent(json_int_t part, json_int_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_row(const char *name, json_int_t cycles, json_int_t difference, json_int_t base,
                      const char *what, FILE *out)
{
    fprintf(out, "  %-12s %14" JSON_INTEGER_FORMAT " %+14" JSON_INTEGER_FORMAT " %+8.2f  %s\n",
            name, cycles, difference, percent(difference, base), what);
}

static void print_totals(const json_t *report, FILE *out)
{
    json_int_t base = number(report, "cycles"), sum = 0;
    size_t i;
    json_t *v;
    fprintf(out, "\n  %-12s %14s %14s %8s  %s\n", "ideal", "cycles", "difference", "%",
            "what the same instructions would have cost");
    print_row("(nothing)", base, 0, base, "the run as it was", out);
    json_array_foreach(json_object_get(report, "ideal"), i, v) {
        print_row(text(v, "name"), number(v, "cycles"), number(v, "difference"), base,
                  text(v, "text"), out);
        sum += number(v, "difference");
    }
    const json_t *together = json_object_get(report, "together");
    if (!together)
        return;
    fprintf(out, "\n  %-27s %+14" JSON_INTEGER_FORMAT " %+8.2f\n", "sum, one at a time", sum,
            percent(sum, base));
    fprintf(out, "  %-27s %+14" JSON_INTEGER_FORMAT " %+8.2f\n", "interaction",
            number(report, "interaction"), percent(number(report, "interaction"), base));
    print_row("together", number(together, "cycles"), number(together, "difference"), base,
              "all of them at once", out);
}

/* Differences of each path for one instance of it: a column for every ideal. What is no path (user,
 * idle ...) is shown whole. */
static void print_path(const json_t *p, FILE *out)
{
    json_int_t count = number(p, "count"), each = count ? count : 1;
    char label[160];
    const char *name;
    json_t *v;
    snprintf(label, sizeof label, "%s%s", text(p, "name"), count ? "" : ", in all");
    fprintf(out, "  %-32.32s %8" JSON_INTEGER_FORMAT " %11.1f", label, count,
            (double)number(p, "cycles") / (double)each);
    json_object_foreach(json_object_get(p, "ideal"), name, v)
        fprintf(out, " %+10.1f", (double)json_integer_value(v) / (double)each);
    if (json_object_get(p, "together"))
        fprintf(out, " %+10.1f", (double)number(p, "together") / (double)each);
    fputc('\n', out);
}

static void print_paths(const struct explain *e, const json_t *report, FILE *out)
{
    const json_t *ideals = json_object_get(report, "ideal");
    size_t i, count = json_array_size(json_object_get(report, "paths"));
    json_t *v;
    fprintf(out, "\n  cycles of one instance, and what it would have taken more or less\n"
                 "  %-32s %8s %11s", "path", "count", "cycles");
    json_array_foreach(ideals, i, v)
        fprintf(out, " %10s", text(v, "name"));
    fprintf(out, "%s\n", e->together ? "   together" : "");
    json_array_foreach(json_object_get(report, "paths"), i, v)
        if (i < e->paths_most)
            print_path(v, out);
    if (count > e->paths_most)
        fprintf(out, "  ... and %zu more (--paths N, --format csv)\n", count - e->paths_most);
}

static void print_csv(const json_t *report, FILE *out)
{
    size_t i;
    json_t *path, *v;
    const char *name;
    fputs("path,count,ideal,cycles,difference\n", out);
    json_array_foreach(json_object_get(report, "paths"), i, path) {
        char label[128];
        snprintf(label, sizeof label, "%s", text(path, "name"));
        for (char *c = label; *c; c++)
            *c = *c == ',' || *c == '"' ? '_' : *c;
        json_int_t cycles = number(path, "cycles"), count = number(path, "count");
        fprintf(out, "%s,%" JSON_INTEGER_FORMAT ",,%" JSON_INTEGER_FORMAT ",0\n", label, count,
                cycles);
        json_object_foreach(json_object_get(path, "ideal"), name, v)
            fprintf(out, "%s,%" JSON_INTEGER_FORMAT ",%s,%" JSON_INTEGER_FORMAT
                         ",%" JSON_INTEGER_FORMAT "\n", label, count, name,
                    cycles + json_integer_value(v), json_integer_value(v));
        if (json_object_get(path, "together"))
            fprintf(out, "%s,%" JSON_INTEGER_FORMAT ",together,%" JSON_INTEGER_FORMAT
                         ",%" JSON_INTEGER_FORMAT "\n", label, count,
                    cycles + number(path, "together"), number(path, "together"));
    }
}

void explain_print(const struct explain *e, const json_t *report, const char *format, FILE *out)
{
    if (strcmp(format, "json") == 0) {
        json_dumpf(report, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
        fputc('\n', out);
    } else if (strcmp(format, "csv") == 0) {
        if (json_object_get(report, "cells"))
            cells_csv(json_object_get(report, "cells"), out);
        else
            print_csv(report, out);
        quality_csv(json_object_get(report, "quality"), out);
    } else {
        fprintf(out, "%s on %s: cycles %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT "\n",
                text(report, "trace"), text(report, "machine"), number(report, "from"),
                number(report, "to"));
        quality_print(json_object_get(report, "quality"), out);
        if (json_object_get(report, "cells")) {
            cells_print(json_object_get(report, "cells"), out);
        } else {
            print_totals(report, out);
            print_paths(e, report, out);
        }
    }
}
