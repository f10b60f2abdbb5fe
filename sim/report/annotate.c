#include "sim/report/annotate.h"

#include "sim/core/check.h"
#include "sim/report/distribution.h"
#include "sim/report/json_lines.h"
#include "sim/report/ledger_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PHASES_MOST 64
#define BAR 40 /* the longest one of a histogram */
#define SHOWN 100 /* causes of less than 1/100 of a cycle each time are left out of the text */

/* --- numbers ---------------------------------------------------------------------------------- */

static uint64_t divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* cycles / count, reduced: "12", "203/16". */
static const char *fraction(uint64_t cycles, uint64_t count, char *text, size_t size)
{
    uint64_t by = divisor(cycles, count);
    if (count / by == 1)
        snprintf(text, size, "%" PRIu64, cycles / by);
    else
        snprintf(text, size, "%" PRIu64 "/%" PRIu64, cycles / by, count / by);
    return text;
}

/* For people: "12" where it is 12, else rounded to two digits. */
static const char *mean(uint64_t cycles, uint64_t count, char *text, size_t size)
{
    uint64_t hundredths = (uint64_t)(((unsigned __int128)cycles * 100 + count / 2) / count);
    if (cycles % count == 0)
        snprintf(text, size, "%" PRIu64, cycles / count);
    else
        snprintf(text, size, "%" PRIu64 ".%02" PRIu64, hundredths / 100, hundredths % 100);
    return text;
}

static const char *pipe_of(const struct cost_line *l, char *text, size_t size)
{
    if (l->units)
        return units_format(l->units, text, size);
    if (l->u + l->v == 0)
        return "-";
    return l->v == 0 ? "U" : l->u == 0 ? "V" : "U/V";
}

/* --- phases ----------------------------------------------------------------------------------- */

struct phase {
    const char *name;
    uint64_t cycles, instructions;
};

/* The phases that its lines are in, in the order in which they begin. */
static unsigned phases_of(const struct cost_path *p, struct phase *phases)
{
    unsigned count = 0, n;
    for (uint32_t i = 0; i < p->line_count; i++) {
        const struct cost_line *l = &p->lines[i];
        for (n = 0; n < count && strcmp(phases[n].name, l->phase) != 0; n++)
            ;
        if (n == count && count == PHASES_MOST)
            continue;
        if (n == count)
            phases[count++] = (struct phase){.name = l->phase};
        phases[n].cycles += l->cycles;
        phases[n].instructions += l->u + l->v;
    }
    return count;
}

static void print_phases(const struct cost_path *p, FILE *out)
{
    struct phase phases[PHASES_MOST];
    char a[48], b[48];
    unsigned count = phases_of(p, phases);
    fprintf(out, "\n  %-24s %14s %10s %16s\n", "phase", "instructions", "cycles", "in all");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "  %-24s %14s %10s %16" PRIu64 "\n", phases[i].name,
                mean(phases[i].instructions, p->count, a, sizeof a),
                mean(phases[i].cycles, p->count, b, sizeof b), phases[i].cycles);
    if (p->rest_cycles)
        fprintf(out, "  %-24s %14s %10s %16" PRIu64 "\n", "(not in the profile)", "",
                mean(p->rest_cycles, p->count, b, sizeof b), p->rest_cycles);
    fprintf(out, "  %-24s %14s %10s %16" PRIu64 "\n", "sum", "",
            mean(p->cycles, p->count, b, sizeof b), p->cycles);
}

/* Phases by rule, as the paper's figure has them: "enter 20, send 168". */
static void print_named_phases(const struct cost_path *p, FILE *out)
{
    size_t i;
    json_t *v;
    char a[48];
    json_int_t n;
    const char *name;
    if (!json_array_size(p->phases))
        return;
    fprintf(out, "\n  phases by rule, cycles each time:");
    json_array_foreach(p->phases, i, v)
        if (json_unpack(v, "{s:s,s:I}", "name", &name, "cycles", &n) == 0 && n >= 0)
            fprintf(out, "%s %s %s", i ? "," : "", name, mean((uint64_t)n, p->count, a, sizeof a));
    fputc('\n', out);
}

/* --- text ------------------------------------------------------------------------------------- */

static void print_causes(const struct cost_path *p, FILE *out)
{
    char a[48];
    fprintf(out, "\n  %-24s %14s %10s %16s\n", "cause", "", "cycles", "in all");
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (p->cause[k])
            fprintf(out, "  %-24s %14s %10s %16" PRIu64 "  %s\n", cause_names[k], "",
                    mean(p->cause[k], p->count, a, sizeof a), p->cause[k], cause_texts[k]);
}

static void format_causes(const struct cost_line *l, uint64_t count, char *text, size_t size)
{
    size_t at = 0;
    char a[48];
    text[0] = 0;
    for (int k = 0; k < CAUSE_COUNT && at < size; k++)
        if (l->cause[k] >= (count + SHOWN - 1) / SHOWN)
            at += (size_t)snprintf(text + at, size - at, "%s%s %s", at ? ", " : "", cause_names[k],
                                   mean(l->cause[k], count, a, sizeof a));
}

/* Lanes and units want more room than U and V. */
static int pipe_width(const struct cost_path *p)
{
    int width = 3;
    char text[UNITS_TEXT];
    for (uint32_t i = 0; i < p->line_count; i++) {
        int n = (int)strlen(pipe_of(&p->lines[i], text, sizeof text));
        width = n > width ? n : width;
    }
    return width;
}

static void print_line(const struct cost_path *p, const struct cost_line *l, int width, FILE *out)
{
    char each[48], runs[48], causes[400], pipe[UNITS_TEXT];
    format_causes(l, p->count, causes, sizeof causes);
    fprintf(out, "  %08x %-26.26s %-40.40s %-*s %7s %8s  %s\n", l->address, l->symbol, l->text,
            width, pipe_of(l, pipe, sizeof pipe), mean(l->executions, p->count, runs, sizeof runs),
            mean(l->cycles, p->count, each, sizeof each), causes);
}

/* "; fast_path.S:104  pushl $ipc_resume": the line's text if the file is at hand. */
static void print_source(const char *source, const char *folder, FILE *out)
{
    char path[1200], line[400] = "";
    const char *colon = strrchr(source, ':');
    if (!colon)
        return;
    snprintf(path, sizeof path, "%s%s%.*s", *source == '/' ? "" : folder,
             *source == '/' || !*folder ? "" : "/", (int)(colon - source), source);
    FILE *f = fopen(path, "r");
    for (long at = strtol(colon + 1, NULL, 10); f && at > 0; at--)
        if (!fgets(line, sizeof line, f))
            line[0] = 0;
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = 0;
    fprintf(out, "  ; %s  %s\n", source, line + strspn(line, " \t"));
}

/* "      135 - 139          702  21.4 %  #########" */
static void print_bucket(const struct distribution_bucket *b, uint64_t count, uint64_t most,
                         FILE *out)
{
    int length = (int)((b->count * BAR + most - 1) / most);
    fprintf(out, "  %9" PRIu64, b->from);
    if (b->to - b->from > 1)
        fprintf(out, " - %-9" PRIu64, b->to - 1);
    else
        fprintf(out, "   %-9s", "");
    fprintf(out, " %10" PRIu64 " %6.2f %%%s%.*s\n", b->count,
            100.0 * (double)b->count / (double)count, length ? "  " : "", length,
            "########################################");
}

static void print_durations(const struct cost_path *p, FILE *out)
{
    struct distribution_bucket list[DISTRIBUTION_BUCKETS];
    unsigned count = distribution_buckets(p->durations, list);
    uint64_t most = 1;
    fprintf(out, "most often %" PRIu64 ", from %" PRIu64 " to %" PRIu64, p->typical, p->min,
            p->max);
    if (distribution_quantile(p->durations, 50) >= 0)
        fprintf(out, "; half of them at most %lld, 90 %% %lld, 99 %% %lld",
                (long long)distribution_quantile(p->durations, 50),
                (long long)distribution_quantile(p->durations, 90),
                (long long)distribution_quantile(p->durations, 99));
    if (count > 1)
        fprintf(out, "\n\n  %9s   %-9s %10s\n", "cycles", "", "instances");
    else
        fputc('\n', out);
    for (unsigned i = 0; i < count; i++)
        most = list[i].count > most ? list[i].count : most;
    for (unsigned i = 0; count > 1 && i < count; i++)
        print_bucket(&list[i], p->count, most, out);
    fputs(count > 1 ? "\n" : "", out);
    fputs("below, runs and cycles are means, and causes of less than 0.01 cycles are left out\n",
          out);
}

static void print_text(const struct cost_path *p, const char *sources, FILE *out)
{
    char a[80];
    int width = pipe_width(p);
    fprintf(out, "%s: %" PRIu64 " instances, %" PRIu64 " cycles, %s each\n", p->name, p->count,
            p->cycles, fraction(p->cycles, p->count, a, sizeof a));
    if (p->count > 1)
        print_durations(p, out);
    if (p->line_count)
        fprintf(out, "\n  %-8s %-26s %-40s %-*s %7s %8s  %s\n", "address", "symbol", "instruction",
                width, "P", "runs", "cycles", "causes");
    for (uint32_t i = 0; i < p->line_count; i++) {
        const struct cost_line *l = &p->lines[i];
        if (i == 0 || strcmp(l->phase, l[-1].phase) != 0)
            fprintf(out, "  -- %s\n", l->phase);
        if (sources && *l->source && (i == 0 || strcmp(l->source, l[-1].source) != 0))
            print_source(l->source, sources, out);
        print_line(p, l, width, out);
    }
    print_phases(p, out);
    print_named_phases(p, out);
    print_causes(p, out);
}

/* --- JSON and CSV ----------------------------------------------------------------------------- */

static json_t *phases_json(const struct cost_path *p)
{
    struct phase phases[PHASES_MOST];
    unsigned count = phases_of(p, phases);
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:I,s:I}", "name", phases[i].name,
                                              "instructions", (json_int_t)phases[i].instructions,
                                              "cycles", (json_int_t)phases[i].cycles));
    return list;
}

/* Quantiles, every value, and the histogram: [[from, to, count]]. */
static void add_durations(json_t *o, const struct cost_path *p)
{
    static const char *const keys[] = {"p50", "p90", "p99", "values", "resolution"};
    struct distribution_bucket list[DISTRIBUTION_BUCKETS];
    unsigned count = distribution_buckets(p->durations, list);
    json_t *histogram = json_array();
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        if (json_object_get(p->durations, keys[i]))
            json_object_set(o, keys[i], json_object_get(p->durations, keys[i]));
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(histogram, json_pack("[I,I,I]", (json_int_t)list[i].from,
                                                   (json_int_t)list[i].to,
                                                   (json_int_t)list[i].count));
    json_object_set_new(o, "histogram", histogram);
}

static void print_json(const struct cost_path *p, json_t *quality, FILE *out)
{
    char a[80];
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:{s:I,s:o}}", "schema",
                          "isochron-annotate-1", "path", p->name, "count", (json_int_t)p->count,
                          "cycles", (json_int_t)p->cycles, "mean",
                          fraction(p->cycles, p->count, a, sizeof a), "typical",
                          (json_int_t)p->typical, "min", (json_int_t)p->min, "max",
                          (json_int_t)p->max, "phases", phases_json(p), "causes",
                          costs_causes_json(p->cause), "instructions", costs_lines_json(p), "rest",
                          "cycles", (json_int_t)p->rest_cycles, "causes",
                          costs_causes_json(p->rest));
    add_durations(o, p);
    if (p->phases)
        json_object_set(o, "phases_by_rule", (json_t *)(uintptr_t)p->phases);
    if (quality)
        json_object_set(o, "run_quality", quality);
    json_lines_print(o, out);
    json_decref(o);
}

/* A line an instruction, a column a cause; what is in no profile is a line, too. */
static void print_csv(const struct cost_path *p, FILE *out)
{
    fputs("phase,address,symbol,instruction,executions,u,v,paired,cycles", out);
    for (int k = 0; k < CAUSE_COUNT; k++)
        fprintf(out, ",%s", cause_names[k]);
    fputc('\n', out);
    for (uint32_t i = 0; i < p->line_count; i++) {
        const struct cost_line *l = &p->lines[i];
        csv_text(l->phase, out);
        fprintf(out, ",%08x,", l->address);
        csv_text(l->symbol, out);
        fputc(',', out);
        csv_text(l->text, out);
        fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, l->executions,
                l->u, l->v, l->paired, l->cycles);
        for (int k = 0; k < CAUSE_COUNT; k++)
            fprintf(out, ",%" PRIu64, l->cause[k]);
        fputc('\n', out);
    }
    if (!p->rest_cycles)
        return;
    fprintf(out, "rest,,,,,,,,%" PRIu64, p->rest_cycles);
    for (int k = 0; k < CAUSE_COUNT; k++)
        fprintf(out, ",%" PRIu64, p->rest[k]);
    fputc('\n', out);
}

void annotate_print(const struct cost_path *p, enum annotate_format format, const char *sources,
                    json_t *quality, FILE *out)
{
    switch (format) {
    case ANNOTATE_TEXT:
        print_text(p, sources, out);
        if (quality) {
            fputs("\nof the run, ", out);
            quality_print(quality, out);
        }
        break;
    case ANNOTATE_JSON: print_json(p, quality, out); break;
    case ANNOTATE_CSV:
        print_csv(p, out);
        quality_csv(quality, out);
        break;
    }
}
