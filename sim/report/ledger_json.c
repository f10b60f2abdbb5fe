#include "sim/report/ledger_json.h"

#include "cpu/model.h"
#include "cpu/model.h"
#include "sim/core/check.h"
#include "sim/report/blame.h"
#include "sim/report/paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "isochron-ledger-1"

const char *path_name(uint32_t path, char *text, size_t size)
{
    if (path == PATH_BOOT)
        snprintf(text, size, "boot");
    else if (path == PATH_USER)
        snprintf(text, size, "user");
    else if (path == PATH_CALL_GATE)
        snprintf(text, size, "call gate");
    else if (path == PATH_SYSENTER)
        snprintf(text, size, "sysenter");
    else if (path - PATH_VECTOR < 32 && exception_name(path - PATH_VECTOR))
        snprintf(text, size, "%02x %s", path - PATH_VECTOR, exception_name(path - PATH_VECTOR));
    else
        snprintf(text, size, "%02x vector", path - PATH_VECTOR);
    return text;
}

static json_t *causes_json(const uint64_t *sums)
{
    json_t *o = json_object();
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (sums[k])
            json_object_set_new(o, cause_names[k], json_integer((json_int_t)sums[k]));
    return o;
}

static uint64_t sum_of(const uint64_t *sums)
{
    uint64_t total = 0;
    for (int k = 0; k < CAUSE_COUNT; k++)
        total += sums[k];
    return total;
}

/* One path: its own object, and an entry in places for each place that it touched. */
static json_t *path_json(const struct ledger *l, uint32_t path, const struct symbols *symbols,
                         json_t *places, uint64_t *all)
{
    const struct ledger_path *p = &l->paths[path];
    uint64_t sums[CAUSE_COUNT] = {0};
    char name[64];
    path_name(path, name, sizeof name);
    for (uint32_t i = 0; p->rows && i < l->place_capacity; i++) {
        uint64_t *row = p->rows[i];
        if (!row || !sum_of(row))
            continue;
        for (int k = 0; k < CAUSE_COUNT; k++)
            sums[k] += row[k];
        json_array_append_new(places,
                              json_pack("{s:s,s:s,s:I,s:o}", "name", symbols_place_name(symbols, i),
                                        "path", name, "cycles", (json_int_t)sum_of(row), "causes",
                                        causes_json(row)));
    }
    for (int k = 0; k < CAUSE_COUNT; k++)
        all[k] += sums[k];
    if (!sum_of(sums) && !p->entries)
        return NULL;
    return json_pack("{s:s,s:I,s:I,s:o}", "name", name, "entries", (json_int_t)p->entries, "cycles",
                     (json_int_t)sum_of(sums), "causes", causes_json(sums));
}

static json_t *events_json(const struct machine *m)
{
    json_t *o = json_object();
    const struct model *model = m->cpu->model;
    if (!model->events)
        return o;
    const uint64_t *events = model->events(model);
    for (int i = 0; i < MODEL_EVENTS; i++) {
        char code[8];
        snprintf(code, sizeof code, "%02x", i);
        if (events[i])
            json_object_set_new(o, code, json_integer((json_int_t)events[i]));
    }
    return o;
}

json_t *quality_json(const uint64_t *sums, const uint64_t *before)
{
    json_t *o = json_object();
    for (int q = 0; q < QUALITY_COUNT; q++)
        json_object_set_new(o, quality_names[q],
                            json_integer((json_int_t)(sums[q] - (before ? before[q] : 0))));
    return o;
}

json_t *ledger_json(struct machine *m, const struct symbols *symbols, uint64_t instructions,
                    bool warm)
{
    const struct ledger *l = &m->ledger;
    json_t *paths = json_array(), *places = json_array();
    uint64_t all[CAUSE_COUNT] = {0};
    ledger_verify(l);
    for (uint32_t p = 0; p < PATH_COUNT; p++) {
        json_t *one = path_json(l, p, symbols, places, all);
        if (one)
            json_array_append_new(paths, one);
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:f,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "schema", SCHEMA,
                     "machine", m->config.name, "model", m->cpu->model->name, "temperature",
                     warm ? "warm" : "cold", "clock_hz",
                     (double)m->config.clock_num / (double)m->config.clock_den, "cycles",
                     (json_int_t)(m->clock.now - l->start), "instructions",
                     (json_int_t)instructions, "quality", quality_json(l->quality, NULL), "causes",
                     causes_json(all), "paths", paths, "places", places, "events",
                     events_json(m));
}

/* --- tables ----------------------------------------------------------------------------------- */

static double percent(json_int_t part, json_int_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static int by_cycles(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "cycles"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "cycles"));
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_causes(const json_t *causes, json_int_t total, FILE *out)
{
    fprintf(out, "\n%-26s %16s %7s\n", "cause", "cycles", "%");
    for (int k = 0; k < CAUSE_COUNT; k++) {
        json_int_t n = json_integer_value(json_object_get(causes, cause_names[k]));
        if (n)
            fprintf(out, "%-26s %16" JSON_INTEGER_FORMAT " %7.2f  %s\n", cause_names[k], n,
                    percent(n, total), cause_texts[k]);
    }
}

static void print_list(const json_t *list, const char *title, unsigned most, json_int_t total,
                       bool places, FILE *out)
{
    size_t count = json_array_size(list);
    json_t **sorted = xalloc(count ? count : 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(list, i);
    qsort(sorted, count, sizeof *sorted, by_cycles);
    fprintf(out, "\n%-36s %16s %7s  %s\n", title, "cycles", "%", places ? "path" : "entries");
    for (size_t i = 0; i < count && i < most; i++) {
        const char *name = json_string_value(json_object_get(sorted[i], "name"));
        const char *path = json_string_value(json_object_get(sorted[i], "path"));
        json_int_t n = json_integer_value(json_object_get(sorted[i], "cycles"));
        fprintf(out, "%-36.36s %16" JSON_INTEGER_FORMAT " %7.2f  ", name ? name : "?", n,
                percent(n, total));
        if (places)
            fprintf(out, "%s\n", path ? path : "?");
        else
            fprintf(out, "%" JSON_INTEGER_FORMAT "\n",
                    json_integer_value(json_object_get(sorted[i], "entries")));
    }
    free(sorted);
}

/* What ledger_report reads, so that it need not ask again. */
static const struct {
    const char *key;
    json_type type;
    const char *kind;
} fields[] = {
    {"machine", JSON_STRING, "string"},     {"model", JSON_STRING, "string"},
    {"temperature", JSON_STRING, "string"}, {"cycles", JSON_INTEGER, "whole number"},
    {"instructions", JSON_INTEGER, "whole number"}, {"quality", JSON_OBJECT, "object"},
    {"causes", JSON_OBJECT, "object"},      {"paths", JSON_ARRAY, "array"},
    {"places", JSON_ARRAY, "array"},
};

/* The sum of an object's numbers, or of the "cycles" of an array's objects. */
static json_int_t table_sum(const json_t *table)
{
    json_int_t sum = 0;
    size_t i;
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)table, key, v)
        sum += json_integer_value(v);
    json_array_foreach(table, i, v)
        sum += json_integer_value(json_object_get(v, "cycles"));
    return sum;
}

static void check_sum(const json_t *ledger, const char *table, const char *path)
{
    json_int_t sum = table_sum(json_object_get(ledger, table));
    json_int_t cycles = json_integer_value(json_object_get(ledger, "cycles"));
    if (sum != cycles)
        usage_error("%s is damaged: its %s sum to %" JSON_INTEGER_FORMAT
                    " cycles, the run had %" JSON_INTEGER_FORMAT, path, table, sum, cycles);
}

void ledger_check(const json_t *ledger, const char *path)
{
    const char *schema = json_string_value(json_object_get(ledger, "schema"));
    if (!schema || strcmp(schema, SCHEMA) != 0)
        usage_error("%s is no ledger: its schema is '%s', accepted is '%s'", path,
                    schema ? schema : "missing", SCHEMA);
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++) {
        const json_t *v = json_object_get(ledger, fields[i].key);
        if (!v || json_typeof(v) != fields[i].type)
            usage_error("%s: '%s' is %s; accepted is a JSON %s", path, fields[i].key,
                        v ? "of another type" : "missing", fields[i].kind);
    }
    check_sum(ledger, "causes", path);
    check_sum(ledger, "paths", path);
    check_sum(ledger, "places", path);
    if (json_object_get(ledger, "blame"))
        blame_check(json_object_get(ledger, "blame"), json_object_get(ledger, "causes"), path);
}

void quality_print(const json_t *quality, FILE *out)
{
    json_int_t total = 0;
    for (int q = 0; q < QUALITY_COUNT; q++)
        total += json_integer_value(json_object_get(quality, quality_names[q]));
    fprintf(out, "latencies rest on: ");
    for (int q = 0; q < QUALITY_COUNT; q++)
        fprintf(out, "%s%s %.1f %%", q ? ", " : "", quality_names[q],
                percent(json_integer_value(json_object_get(quality, quality_names[q])), total));
    fputc('\n', out);
}

void quality_csv(const json_t *quality, FILE *out)
{
    if (!quality)
        return;
    fputs("# cycles that rest on:", out);
    for (int q = 0; q < QUALITY_COUNT; q++)
        fprintf(out, "%s %s %" JSON_INTEGER_FORMAT, q ? "," : "", quality_names[q],
                json_integer_value(json_object_get(quality, quality_names[q])));
    fputc('\n', out);
}

void ledger_report(const json_t *ledger, unsigned places_most, FILE *out)
{
    json_int_t total = json_integer_value(json_object_get(ledger, "cycles"));
    json_int_t instructions = json_integer_value(json_object_get(ledger, "instructions"));
    fprintf(out, "machine %s, model %s, %s\n",
            json_string_value(json_object_get(ledger, "machine")),
            json_string_value(json_object_get(ledger, "model")),
            json_string_value(json_object_get(ledger, "temperature")));
    fprintf(out, "%" JSON_INTEGER_FORMAT " cycles, %" JSON_INTEGER_FORMAT
                 " instructions, %.2f cycles each\n", total, instructions,
            instructions ? (double)total / (double)instructions : 0);
    quality_print(json_object_get(ledger, "quality"), out);
    print_causes(json_object_get(ledger, "causes"), total, out);
    print_list(json_object_get(ledger, "paths"), "path", 64, total, false, out);
    if (json_object_get(ledger, "kernel_paths"))
        paths_report(json_object_get(ledger, "kernel_paths"), places_most, out);
    if (json_object_get(ledger, "blame"))
        blame_report(json_object_get(ledger, "blame"), places_most < 12 ? places_most : 12, out);
    print_list(json_object_get(ledger, "places"), "place", places_most, total, true, out);
}

void csv_text(const char *text, FILE *out)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, "%s%c", *text == '"' ? "\"" : "", *text);
    fputc('"', out);
}

/* Names come from guests' files: what would end a field or a stack's frame is left out. */
static void print_field(const char *name, bool csv, FILE *out)
{
    for (; *name; name++)
        fputc(*name == ';' || *name == '"' || (*name == ',' && csv) ? '_' : *name, out);
    fputc(csv ? ',' : ';', out);
}

void ledger_cells(const json_t *ledger, bool csv, FILE *out)
{
    size_t i;
    json_t *place, *cycles;
    const char *cause;
    if (csv)
        fputs("path,place,cause,cycles\n", out);
    json_array_foreach(json_object_get(ledger, "places"), i, place) {
        const char *path = json_string_value(json_object_get(place, "path"));
        const char *name = json_string_value(json_object_get(place, "name"));
        json_object_foreach(json_object_get(place, "causes"), cause, cycles) {
            print_field(path ? path : "?", csv, out);
            print_field(name ? name : "?", csv, out);
            fprintf(out, "%s%c%" JSON_INTEGER_FORMAT "\n", cause, csv ? ',' : ' ',
                    json_integer_value(cycles));
        }
    }
}
