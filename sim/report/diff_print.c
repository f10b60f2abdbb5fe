/* diff_print: a difference as text, Markdown and JSON. */
#include "sim/core/check.h"
#include "sim/report/diff.h"
#include "sim/report/json_lines.h"
#include "sim/report/ledger_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PATHS_SAID 8  /* taken apart in text; JSON has all */
#define SITES_SAID 12
#define SHARES_SAID 10
#define SHARES_MOST 512

/* --- numbers ---------------------------------------------------------------------------------- */

/* For one instance: "+1" where it is 1, else rounded to two digits. */
static const char *each(int64_t cycles, uint64_t count, char *text, size_t size)
{
    uint64_t n = cycles < 0 ? (uint64_t)-cycles : (uint64_t)cycles;
    uint64_t hundredths = (uint64_t)(((unsigned __int128)n * 100 + count / 2) / count);
    const char *sign = cycles < 0 ? "-" : "+";
    if (n % count == 0)
        snprintf(text, size, "%s%" PRIu64, cycles ? sign : "", n / count);
    else
        snprintf(text, size, "%s%" PRIu64 ".%02" PRIu64, sign, hundredths / 100, hundredths % 100);
    return text;
}

/* --- sums by a name --------------------------------------------------------------------------- */

struct share {
    const char *name;
    int64_t cycles;
};

struct shares {
    struct share list[SHARES_MOST];
    unsigned count;
};

static void add(struct shares *s, const char *name, int64_t cycles)
{
    unsigned i = 0;
    while (i < s->count && strcmp(s->list[i].name, name) != 0)
        i++;
    if (i == SHARES_MOST) /* so many functions in one path: the last ones are one */
        i = SHARES_MOST - 1;
    if (i == s->count)
        s->list[s->count++] = (struct share){name, 0};
    if (i == SHARES_MOST - 1 && strcmp(s->list[i].name, name) != 0)
        s->list[i].name = "(others)";
    s->list[i].cycles += cycles;
}

static int by_size(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    int64_t p = llabs(x->cycles), q = llabs(y->cycles);
    return p < q ? 1 : p > q ? -1 : strcmp(x->name, y->name);
}

enum axis { AXIS_PHASE, AXIS_CAUSE, AXIS_SYMBOL, AXES };
static const char *const axis_names[AXES] = {"phase", "cause", "symbol"};
static const char *const axis_keys[AXES] = {"phases", "causes", "symbols"};

/* The cost by phase, cause or function; on each axis it sums to the cost. */
static void shares_of(const struct diff_path *p, enum axis axis, struct shares *s)
{
    s->count = 0;
    for (int k = 0; axis == AXIS_CAUSE && k < CAUSE_COUNT; k++)
        if (p->cause[k])
            add(s, cause_names[k], p->cause[k]);
    for (uint32_t i = 0; axis != AXIS_CAUSE && i < p->line_count; i++) {
        const struct cost_line *l = diff_line_of(&p->lines[i]);
        if (p->lines[i].cycles)
            add(s, axis == AXIS_PHASE ? l->phase : l->function, p->lines[i].cycles);
    }
    if (axis != AXIS_CAUSE && p->rest)
        add(s, "(not in the profile)", p->rest);
    qsort(s->list, s->count, sizeof *s->list, by_size);
}

/* --- text ------------------------------------------------------------------------------------- */

static void append(char *text, size_t size, const char *fmt, ...) PRINTF(3, 4);
static void append(char *text, size_t size, const char *fmt, ...)
{
    size_t at = strlen(text);
    va_list list;
    va_start(list, fmt);
    vsnprintf(text + at, size - at, fmt, list);
    va_end(list);
}

/* Worth a word: it comes to a hundredth of a cycle each time. */
static bool matters(int64_t cycles, uint64_t count)
{
    return cycles && (uint64_t)llabs(cycles) >= (count + 99) / 100;
}

/* "issue +1, agi -0.5" of one instance. */
static void say_causes(const int64_t *cause, uint64_t count, char *text, size_t size)
{
    char a[48];
    bool any = false;
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (matters(cause[k], count)) {
            append(text, size, "%s%s %s", any ? ", " : "", cause_names[k],
                   each(cause[k], count, a, sizeof a));
            any = true;
        }
}

/* "kernel, enter_ipc_fast+4: new `test eax, eax` and 3 behind it: +1 each (issue +1)" */
static void say_site(const struct diff_path *p, const struct diff_site *s, char *text, size_t size)
{
    const struct diff_line *l = &p->lines[s->head];
    const struct cost_line *c = diff_line_of(l);
    char a[48];
    append(text, size, "%s, %s: %s%s`%s`", c->phase, *c->symbol ? c->symbol : c->function,
           l->status == DIFF_SAME ? "" : diff_status_names[l->status],
           l->status == DIFF_SAME ? "" : " ", c->text);
    if (s->count > 1)
        append(text, size, " and %" PRIu32 " near it", s->count - 1);
    append(text, size, ": %s", each(s->cycles, p->b->count, a, sizeof a));
    size_t at = strlen(text);
    append(text, size, " (");
    say_causes(s->cause, p->b->count, text, size);
    if (strlen(text) > at + 2)
        append(text, size, ")\n");
    else
        snprintf(text + at, size - at, "\n");
}

/* Worth a line: new or gone, or it matters. */
static bool is_said(const struct diff_path *p, uint32_t site)
{
    const struct diff_site *s = &p->sites[site];
    return site < SITES_SAID && (matters(s->cycles, p->b->count) ||
                                 p->lines[s->head].status != DIFF_SAME);
}

static uint64_t phase_cycles(const struct cost_path *p, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(p->phases, i, v)
        if (strcmp(json_string_value(json_object_get(v, "name")), name) == 0)
            return (uint64_t)json_integer_value(json_object_get(v, "cycles"));
    return 0;
}

/* "check +2, send -0.50": phases by rule; of phases that only A has nothing is said. */
static void say_rule_phases(const struct diff_path *p, char *text, size_t size)
{
    size_t i;
    json_t *v;
    char a[48];
    bool any = false;
    json_array_foreach(p->b->phases, i, v) {
        const char *name = json_string_value(json_object_get(v, "name"));
        unsigned __int128 was = (unsigned __int128)phase_cycles(p->a, name) * p->b->count;
        int64_t cycles = (int64_t)phase_cycles(p->b, name) - (int64_t)(was / p->a->count);
        if (!matters(cycles, p->b->count))
            continue;
        append(text, size, "%s%s %s", any ? ", " : "", name,
               each(cycles, p->b->count, a, sizeof a));
        any = true;
    }
    if (any)
        append(text, size, " (by phase of its rule, each time)\n");
}

void diff_path_reason(const struct diff_path *p, unsigned most, char *text, size_t size)
{
    struct shares s;
    char a[48];
    text[0] = 0;
    if (!p->a || !p->b)
        return;
    if (p->a->phases && p->b->phases)
        say_rule_phases(p, text, size);
    for (int axis = 0; axis < AXES; axis++) {
        shares_of(p, axis, &s);
        unsigned said = 0;
        for (; said < s.count && said < SHARES_SAID &&
               matters(s.list[said].cycles, p->b->count); said++)
            append(text, size, "%s%s %s", said ? ", " : "", s.list[said].name,
                   each(s.list[said].cycles, p->b->count, a, sizeof a));
        if (said)
            append(text, size, " (by %s, each time)\n", axis_names[axis]);
    }
    uint32_t said = 0;
    for (; said < p->site_count && said < most && is_said(p, said); said++)
        say_site(p, &p->sites[said], text, size);
    if (p->site_count > said)
        append(text, size, "and %" PRIu32 " places that differ less\n", p->site_count - said);
}

static void print_accounts(const struct diff *d, FILE *out)
{
    fprintf(out, "\n%-36s %9s %14s %9s %14s %14s %12s %12s %8s\n", "path", "A times", "cycles",
            "B times", "cycles", "difference", "=instances", "+cost", "each");
    for (int n = 0; n < COST_ACCOUNTS; n++)
        if (d->a->account[n] || d->b->account[n])
            fprintf(out, "%-36s %9s %14" PRIu64 " %9s %14" PRIu64 " %+14" PRId64 "\n",
                    cost_account_names[n], "", d->a->account[n], "", d->b->account[n],
                    d->account[n]);
}

static void print_path_row(const struct diff_path *p, FILE *out)
{
    char a[48] = "";
    if (p->a && p->b)
        each(p->cost, p->b->count, a, sizeof a);
    fprintf(out, "%-36.36s %9" PRIu64 " %14" PRIu64 " %9" PRIu64 " %14" PRIu64 " %+14" PRId64
                 " %+12" PRId64 " %+12" PRId64 " %8s\n",
            p->name, p->a ? p->a->count : 0, p->a ? p->a->cycles : 0, p->b ? p->b->count : 0,
            p->b ? p->b->cycles : 0, p->cycles, p->instances, p->cost, a);
}

static void print_shares(const struct diff_path *p, enum axis axis, FILE *out)
{
    struct shares s;
    int64_t others = 0;
    shares_of(p, axis, &s);
    fprintf(out, "  by %-8s", axis_names[axis]);
    for (unsigned i = 0; i < s.count; i++) {
        if (i >= SHARES_SAID)
            others += s.list[i].cycles;
        else
            fprintf(out, "%s%s %+" PRId64, i ? ", " : "", s.list[i].name, s.list[i].cycles);
    }
    if (s.count > SHARES_SAID)
        fprintf(out, ", others %+" PRId64, others);
    fprintf(out, " = %+" PRId64 "\n", p->cost);
}

static void print_line(const struct diff_path *p, const struct diff_line *l, FILE *out)
{
    static const char marks[] = {' ', '+', '-'};
    const struct cost_line *c = diff_line_of(l);
    char causes[400] = "", a[48];
    say_causes(l->cause, p->b->count, causes, sizeof causes);
    fprintf(out, "  %c %08x %-26.26s %-38.38s %+10" PRId64 " %8s  %s\n", marks[l->status],
            c->address, c->symbol, c->text, l->cycles,
            each(l->cycles, p->b->count, a, sizeof a), causes);
}

static void print_sites(const struct diff_path *p, FILE *out)
{
    int64_t others = 0;
    uint32_t left = 0;
    if (!p->detailed) {
        fputs("  no instructions: both documents need a profile for that (--profile)\n", out);
        return;
    }
    fprintf(out, "    %-8s %-26s %-38s %10s %8s  %s\n", "address", "symbol",
            "instruction (+ new, - gone)", "cycles", "each", "causes");
    for (uint32_t i = 0; i < p->site_count; i++) {
        const struct diff_site *s = &p->sites[i];
        if (!is_said(p, i)) {
            others += s->cycles;
            left++;
            continue;
        }
        for (uint32_t n = s->first; n < s->first + s->count; n++)
            print_line(p, &p->lines[n], out);
        if (s->count > 1)
            fprintf(out, "  %-74s %+12" PRId64 "\n", "  together", s->cycles);
    }
    char text[80];
    snprintf(text, sizeof text, "  %" PRIu32 " places that differ less", left);
    if (left)
        fprintf(out, "  %-74s %+12" PRId64 "\n", text, others);
    if (p->rest)
        fprintf(out, "  %-74s %+12" PRId64 "\n", "  (not in the profile)", p->rest);
}

/* What each run's cycles rest on; a baseline does not say. */
static void print_qualities(const struct diff *d, const char *behind, FILE *out)
{
    const struct costs *c[] = {d->a, d->b};
    for (int i = 0; i < 2; i++) {
        const json_t *quality = json_object_get(c[i]->document, "quality");
        if (!quality)
            continue;
        fprintf(out, "%c ", 'A' + i);
        quality_print(quality, out);
        fputs(behind, out);
    }
}

static void print_text(const struct diff *d, FILE *out)
{
    unsigned said = 0, left = 0;
    fprintf(out, "A %s: %" PRIu64 " cycles\nB %s: %" PRIu64 " cycles\ndifference %+" PRId64 "\n",
            d->a->file, d->a->cycles, d->b->file, d->b->cycles, d->cycles);
    print_qualities(d, "", out);
    print_accounts(d, out);
    for (uint32_t i = 0; i < d->path_count; i++)
        print_path_row(&d->paths[i], out);
    for (uint32_t i = 0; i < d->path_count; i++) {
        const struct diff_path *p = &d->paths[i];
        if (!p->site_count && !p->cost)
            continue;
        if (said++ >= PATHS_SAID) {
            left++;
            continue;
        }
        char a[48];
        fprintf(out, "\n%s: %s each, %+" PRId64 " in all\n", p->name,
                each(p->cost, p->b->count, a, sizeof a), p->cost);
        for (int axis = 0; axis < AXES; axis++)
            print_shares(p, axis, out);
        print_sites(p, out);
    }
    if (left)
        fprintf(out, "\n%u paths more differ by less; --path NAME and --format json show them\n",
                left);
}

/* --- Markdown --------------------------------------------------------------------------------- */

static void print_markdown(const struct diff *d, FILE *out)
{
    fprintf(out, "### %+" PRId64 " cycles: `%s` → `%s`\n\n", d->cycles, d->a->file, d->b->file);
    print_qualities(d, "\n", out);
    fputs("| path | A | B | difference | instances | cost | each |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n", out);
    for (int n = 0; n < COST_ACCOUNTS; n++)
        if (d->account[n])
            fprintf(out, "| %s | %" PRIu64 " | %" PRIu64 " | %+" PRId64 " | | | |\n",
                    cost_account_names[n], d->a->account[n], d->b->account[n], d->account[n]);
    for (uint32_t i = 0; i < d->path_count; i++) {
        const struct diff_path *p = &d->paths[i];
        char a[48] = "";
        if (p->a && p->b)
            each(p->cost, p->b->count, a, sizeof a);
        if (p->cycles || p->cost || p->site_count)
            fprintf(out, "| `%s` | %" PRIu64 " | %" PRIu64 " | %+" PRId64 " | %+" PRId64
                         " | %+" PRId64 " | %s |\n",
                    p->name, p->a ? p->a->cycles : 0, p->b ? p->b->cycles : 0, p->cycles,
                    p->instances, p->cost, a);
    }
    for (uint32_t i = 0; i < d->path_count && i < PATHS_SAID; i++) {
        const struct diff_path *p = &d->paths[i];
        char reason[4096];
        if (!p->cost && !p->site_count)
            continue;
        diff_path_reason(p, SITES_SAID, reason, sizeof reason);
        fprintf(out, "\n**%s**\n\n", p->name);
        for (char *save = NULL, *l = strtok_r(reason, "\n", &save); l;
             l = strtok_r(NULL, "\n", &save))
            fprintf(out, "- %s\n", l);
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *causes_json(const int64_t *cause)
{
    json_t *o = json_object();
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (cause[k])
            json_object_set_new(o, cause_names[k], json_integer((json_int_t)cause[k]));
    return o;
}

static json_t *side_json(const struct cost_line *l)
{
    return l ? json_pack("{s:I,s:s,s:I,s:I}", "address", (json_int_t)l->address, "symbol",
                         l->symbol, "executions", (json_int_t)l->executions, "cycles",
                         (json_int_t)l->cycles)
             : json_null();
}

static json_t *lines_json(const struct diff_path *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->line_count; i++) {
        const struct diff_line *l = &p->lines[i];
        const struct cost_line *c = diff_line_of(l);
        json_t *causes = causes_json(l->cause);
        if (json_object_size(causes) || l->status != DIFF_SAME)
            json_array_append_new(
                list, json_pack("{s:s,s:s,s:s,s:s,s:I,s:O,s:o,s:o}", "status",
                                diff_status_names[l->status], "phase", c->phase, "function",
                                c->function, "instruction", c->text, "difference",
                                (json_int_t)l->cycles, "causes", causes, "a", side_json(l->a),
                                "b", side_json(l->b)));
        json_decref(causes);
    }
    return list;
}

static json_t *path_side_json(const struct cost_path *p)
{
    return p ? json_pack("{s:I,s:I,s:I,s:I,s:I}", "count", (json_int_t)p->count, "cycles",
                         (json_int_t)p->cycles, "typical", (json_int_t)p->typical, "min",
                         (json_int_t)p->min, "max", (json_int_t)p->max)
             : json_null();
}

static json_t *path_json(const struct diff_path *p)
{
    json_t *o = json_pack("{s:s,s:o,s:o,s:I,s:I,s:I}", "name", p->name, "a", path_side_json(p->a),
                          "b", path_side_json(p->b), "difference", (json_int_t)p->cycles,
                          "instances", (json_int_t)p->instances, "cost", (json_int_t)p->cost);
    for (int axis = 0; axis < AXES; axis++) {
        struct shares s;
        json_t *sums = json_object();
        shares_of(p, axis, &s);
        for (unsigned i = 0; i < s.count; i++)
            json_object_set_new(sums, s.list[i].name, json_integer((json_int_t)s.list[i].cycles));
        json_object_set_new(o, axis_keys[axis], sums);
    }
    json_object_set_new(o, "instructions", lines_json(p));
    json_object_set_new(o, "rest", json_pack("{s:I,s:o}", "difference", (json_int_t)p->rest,
                                             "causes", causes_json(p->rest_cause)));
    return o;
}

static void add_quality(json_t *side, const struct costs *c)
{
    json_t *quality = json_object_get(c->document, "quality");
    if (quality)
        json_object_set(side, "quality", quality);
}

static void print_json(const struct diff *d, FILE *out)
{
    json_t *accounts = json_object(), *paths = json_array();
    for (int n = 0; n < COST_ACCOUNTS; n++)
        json_object_set_new(accounts, cost_account_names[n],
                            json_integer((json_int_t)d->account[n]));
    for (uint32_t i = 0; i < d->path_count; i++)
        json_array_append_new(paths, path_json(&d->paths[i]));
    json_t *o = json_pack("{s:s,s:{s:s,s:I},s:{s:s,s:I},s:I,s:o,s:o}", "schema", "isochron-diff-1",
                          "a", "file", d->a->file, "cycles", (json_int_t)d->a->cycles, "b", "file",
                          d->b->file, "cycles", (json_int_t)d->b->cycles, "difference",
                          (json_int_t)d->cycles, "accounts", accounts, "paths", paths);
    add_quality(json_object_get(o, "a"), d->a);
    add_quality(json_object_get(o, "b"), d->b);
    json_lines_print(o, out);
    json_decref(o);
}

void diff_print(const struct diff *d, enum diff_format format, FILE *out)
{
    switch (format) {
    case DIFF_TEXT: print_text(d, out); break;
    case DIFF_MARKDOWN: print_markdown(d, out); break;
    case DIFF_JSON: print_json(d, out); break;
    }
}
