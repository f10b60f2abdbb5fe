#include "sim/report/export.h"

#include "sim/core/check.h"
#include "sim/report/ledger_json.h"

#include <string.h>

json_int_t export_number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

const char *export_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

void export_clock(double hz, char *text, size_t size)
{
    snprintf(text, size, "%.2f MHz", hz / 1e6);
}

void export_title(const struct export_input *in, char *text, size_t size)
{
    char clock[32];
    if (in->ledger) {
        export_clock(json_number_value(json_object_get(in->ledger, "clock_hz")), clock,
                     sizeof clock);
        snprintf(text, size, "isochron: machine %s, model %s, 1 unit = 1 cycle of %s",
                 export_text(in->ledger, "machine"), export_text(in->ledger, "model"), clock);
    } else if (in->timeline) {
        export_clock(in->timeline->clock_hz, clock, sizeof clock);
        snprintf(text, size, "isochron: machine %s, model %s, 1 unit = 1 cycle of %s",
                 in->timeline->machine, in->timeline->model, clock);
    } else {
        snprintf(text, size, "isochron: 1 unit = 1 cycle");
    }
}

/* --- shapes ----------------------------------------------------------------------------------- */

struct shape {
    const char *key;
    json_type type;
    const char *kind;
};

static const struct shape place_shape[] = {
    {"name", JSON_STRING, "a string"},
    {"path", JSON_STRING, "a string"},
    {"cycles", JSON_INTEGER, "a whole number"},
    {"causes", JSON_OBJECT, "an object"},
};
static const struct shape path_shape[] = {
    {"name", JSON_STRING, "a string"},
    {"entries", JSON_INTEGER, "a whole number"},
    {"cycles", JSON_INTEGER, "a whole number"},
    {"causes", JSON_OBJECT, "an object"},
};
static const struct shape cluster_shape[] = {
    {"entry", JSON_STRING, "a string"},     {"ends", JSON_STRING, "a string"},
    {"count", JSON_INTEGER, "a whole number"}, {"cycles", JSON_INTEGER, "a whole number"},
    {"min", JSON_INTEGER, "a whole number"},   {"max", JSON_INTEGER, "a whole number"},
    {"causes", JSON_OBJECT, "an object"},   {"symbols", JSON_ARRAY, "an array"},
    {"values", JSON_ARRAY, "an array"},
};
static const struct shape symbol_shape[] = {
    {"name", JSON_STRING, "a string"},
    {"cycles", JSON_INTEGER, "a whole number"},
};
static const struct shape accounts_shape[] = {
    {"cycles", JSON_INTEGER, "a whole number"}, {"boot", JSON_INTEGER, "a whole number"},
    {"user", JSON_INTEGER, "a whole number"},   {"idle", JSON_INTEGER, "a whole number"},
    {"unfinished", JSON_INTEGER, "a whole number"}, {"clusters", JSON_ARRAY, "an array"},
};
static const struct shape instruction_shape[] = {
    {"address", JSON_INTEGER, "a whole number"}, {"symbol", JSON_STRING, "a string"},
    {"instruction", JSON_STRING, "a string"},    {"phase", JSON_STRING, "a string"},
    {"pipe", JSON_STRING, "a string"},           {"cycles", JSON_INTEGER, "a whole number"},
    {"causes", JSON_OBJECT, "an object"},
};

static void check_shape(const json_t *o, const struct shape *shape, size_t count, const char *what,
                        size_t index, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(o, shape[i].key);
        if (!v || json_typeof(v) != shape[i].type)
            usage_error("export: %s: '%s' of %s %zu is %s; accepted is %s", path, shape[i].key,
                        what, index, v ? "of another type" : "missing", shape[i].kind);
        if (shape[i].type == JSON_INTEGER && json_integer_value(v) < 0 &&
            strcmp(shape[i].key, "address") != 0)
            usage_error("export: %s: '%s' of %s %zu is negative", path, shape[i].key, what, index);
    }
}

/* Whole numbers by name that add up to the object's cycles. */
static void check_causes(const json_t *o, const json_t *known, const char *what, size_t index,
                         const char *path)
{
    json_int_t sum = 0;
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(o, "causes"), key, v) {
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            usage_error("export: %s: cause '%s' of %s %zu is no number of cycles", path, key, what,
                        index);
        if (known && !json_object_get(known, key))
            usage_error("export: %s: cause '%s' of %s %zu is not among the run's", path, key, what,
                        index);
        sum += json_integer_value(v);
    }
    if (sum != export_number(o, "cycles"))
        usage_error("export: %s is damaged: causes of %s %zu sum to %" JSON_INTEGER_FORMAT
                    " cycles, it has %" JSON_INTEGER_FORMAT,
                    path, what, index, sum, export_number(o, "cycles"));
}

static void check_list(const json_t *list, const struct shape *shape, size_t count,
                       const json_t *known, const char *what, const char *path)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        check_shape(v, shape, count, what, i, path);
        check_causes(v, known, what, i, path);
    }
}

static void check_values(const json_t *cluster, size_t index, const char *path)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(cluster, "values"), i, v)
        if (json_array_size(v) != 2 || !json_is_integer(json_array_get(v, 0)) ||
            !json_is_integer(json_array_get(v, 1)))
            usage_error("export: %s: value %zu of cluster %zu is not [cycles, count]", path, i,
                        index);
}

static const struct shape profile_shape[] = {
    {"cycles", JSON_INTEGER, "a whole number"}, {"code", JSON_ARRAY, "an array"},
    {"clusters", JSON_ARRAY, "an array"},       {"rest", JSON_OBJECT, "an object"},
};
static const struct shape code_shape[] = {
    {"address", JSON_INTEGER, "a whole number"}, {"kind", JSON_STRING, "a string"},
    {"phase", JSON_STRING, "a string"},          {"symbol", JSON_STRING, "a string"},
    {"instruction", JSON_STRING, "a string"},
};
static const struct shape told_shape[] = {
    {"cluster", JSON_INTEGER, "a whole number"}, {"count", JSON_INTEGER, "a whole number"},
    {"cycles", JSON_INTEGER, "a whole number"},  {"instructions", JSON_ARRAY, "an array"},
};
static const struct shape row_shape[] = {
    {"code", JSON_INTEGER, "a whole number"},   {"executions", JSON_INTEGER, "a whole number"},
    {"cycles", JSON_INTEGER, "a whole number"}, {"causes", JSON_OBJECT, "an object"},
    {"u", JSON_INTEGER, "a whole number"},      {"v", JSON_INTEGER, "a whole number"},
};

static const struct shape trip_shape[] = {
    {"call", JSON_INTEGER, "a whole number"},    {"reply", JSON_INTEGER, "a whole number"},
    {"count", JSON_INTEGER, "a whole number"},   {"client_name", JSON_STRING, "a string"},
    {"server_name", JSON_STRING, "a string"},
};
static const struct shape latency_shape[] = {
    {"vector", JSON_INTEGER, "a whole number"}, {"handler", JSON_OBJECT, "an object"},
};
static const struct shape handler_shape[] = {
    {"count", JSON_INTEGER, "a whole number"}, {"cycles", JSON_INTEGER, "a whole number"},
    {"min", JSON_INTEGER, "a whole number"},   {"max", JSON_INTEGER, "a whole number"},
};

static void check_trips(const json_t *paths, const char *path)
{
    size_t i, clusters = json_array_size(json_object_get(paths, "clusters"));
    json_t *o;
    json_array_foreach(json_object_get(paths, "round_trips"), i, o) {
        check_shape(o, trip_shape, ARRAY_COUNT(trip_shape), "round trip", i, path);
        if ((size_t)export_number(o, "call") >= clusters ||
            (size_t)export_number(o, "reply") >= clusters)
            usage_error("export: %s: round trip %zu is of a path that is not there", path, i);
    }
    json_array_foreach(json_object_get(paths, "interrupt_latency"), i, o) {
        check_shape(o, latency_shape, ARRAY_COUNT(latency_shape), "interrupt_latency", i, path);
        check_shape(json_object_get(o, "handler"), handler_shape, ARRAY_COUNT(handler_shape),
                    "handler", i, path);
    }
}

/* The instructions of one path, which sum to its cycles. */
static void check_told(const json_t *told, size_t index, const json_t *profile,
                       const json_t *clusters, const json_t *known, const char *path)
{
    const json_t *rows = json_object_get(told, "instructions");
    json_int_t sum = 0;
    size_t i;
    json_t *row;
    check_shape(told, told_shape, ARRAY_COUNT(told_shape), "profile", index, path);
    const json_t *cluster = json_array_get(clusters, (size_t)export_number(told, "cluster"));
    check_list(rows, row_shape, ARRAY_COUNT(row_shape), known, "profile row", path);
    json_array_foreach(rows, i, row) {
        if ((size_t)export_number(row, "code") >= json_array_size(json_object_get(profile, "code")))
            usage_error("export: %s: row %zu of profile %zu is of an instruction that is not there",
                        path, i, index);
        sum += export_number(row, "cycles");
    }
    if (!cluster || sum != export_number(cluster, "cycles"))
        usage_error("export: %s is damaged: profile %zu sums to %" JSON_INTEGER_FORMAT
                    " cycles, its path has %" JSON_INTEGER_FORMAT,
                    path, index, sum, cluster ? export_number(cluster, "cycles") : 0);
}

static void check_profile(const json_t *profile, const json_t *clusters, const json_t *known,
                          const char *path)
{
    size_t i;
    json_t *o;
    check_shape(profile, profile_shape, ARRAY_COUNT(profile_shape), "profile", 0, path);
    json_array_foreach(json_object_get(profile, "code"), i, o)
        check_shape(o, code_shape, ARRAY_COUNT(code_shape), "code", i, path);
    json_array_foreach(json_object_get(profile, "clusters"), i, o)
        check_told(o, i, profile, clusters, known, path);
}

static void check_kernel_paths(const json_t *paths, const json_t *known, const char *path)
{
    const json_t *list = json_object_get(paths, "clusters");
    size_t i, n;
    json_t *cluster, *symbol;
    check_shape(paths, accounts_shape, ARRAY_COUNT(accounts_shape), "kernel_paths", 0, path);
    check_list(list, cluster_shape, ARRAY_COUNT(cluster_shape), known, "cluster", path);
    json_int_t sum = export_number(paths, "boot") + export_number(paths, "user") +
                     export_number(paths, "idle") + export_number(paths, "unfinished");
    json_array_foreach(list, i, cluster) {
        json_int_t in_symbols = 0;
        sum += export_number(cluster, "cycles");
        check_values(cluster, i, path);
        json_array_foreach(json_object_get(cluster, "symbols"), n, symbol) {
            check_shape(symbol, symbol_shape, ARRAY_COUNT(symbol_shape), "symbol", n, path);
            in_symbols += export_number(symbol, "cycles");
        }
        if (in_symbols > export_number(cluster, "cycles"))
            usage_error("export: %s is damaged: symbols of cluster %zu have more cycles than it",
                        path, i);
    }
    if (sum != export_number(paths, "cycles"))
        usage_error("export: %s is damaged: its kernel_paths sum to %" JSON_INTEGER_FORMAT
                    " cycles, they had %" JSON_INTEGER_FORMAT,
                    path, sum, export_number(paths, "cycles"));
}

void export_check_ledger(const json_t *ledger, const char *path)
{
    const json_t *known = json_object_get(ledger, "causes");
    const json_t *paths = json_object_get(ledger, "kernel_paths");
    const json_t *profile = json_object_get(ledger, "profile");
    ledger_check(ledger, path);
    if (!json_is_number(json_object_get(ledger, "clock_hz")))
        usage_error("export: %s: 'clock_hz' is %s; accepted is a number", path,
                    json_object_get(ledger, "clock_hz") ? "of another type" : "missing");
    check_causes(ledger, NULL, "run", 0, path);
    check_list(json_object_get(ledger, "places"), place_shape, ARRAY_COUNT(place_shape), known,
               "place", path);
    check_list(json_object_get(ledger, "paths"), path_shape, ARRAY_COUNT(path_shape), known,
               "path", path);
    if (paths)
        check_kernel_paths(paths, known, path);
    if (paths)
        check_trips(paths, path);
    if (profile)
        check_profile(profile, json_object_get(paths, "clusters"), known, path);
}

static const struct shape explain_shape[] = {
    {"cycles", JSON_INTEGER, "a whole number"}, {"ideal", JSON_ARRAY, "an array"},
};
static const struct shape ideal_shape[] = {
    {"name", JSON_STRING, "a string"},
    {"text", JSON_STRING, "a string"},
    {"cycles", JSON_INTEGER, "a whole number"},
};
static const struct shape cell_shape[] = {
    {"name", JSON_STRING, "a string"},
    {"operations", JSON_INTEGER, "a whole number"},
    {"cycles", JSON_INTEGER, "a whole number"},
    {"parts", JSON_OBJECT, "an object"},
};

static void check_difference(const json_t *o, json_int_t base, const char *path)
{
    const json_t *difference = json_object_get(o, "difference");
    if (!json_is_integer(difference) ||
        export_number(o, "cycles") - base != json_integer_value(difference))
        usage_error("export: %s is damaged: 'difference' of %s is not that of its cycles", path,
                    *export_text(o, "name") ? export_text(o, "name") : "together");
}

void export_check_explain(const json_t *report, const char *path)
{
    const json_t *together = json_object_get(report, "together");
    const char *key;
    size_t i;
    json_t *o, *v;
    check_shape(report, explain_shape, ARRAY_COUNT(explain_shape), "explain", 0, path);
    json_int_t base = export_number(report, "cycles");
    json_array_foreach(json_object_get(report, "ideal"), i, o) {
        check_shape(o, ideal_shape, ARRAY_COUNT(ideal_shape), "ideal", i, path);
        check_difference(o, base, path);
    }
    if (together)
        check_difference(together, base, path);
    json_array_foreach(json_object_get(report, "cells"), i, o) {
        json_int_t sum = 0;
        check_shape(o, cell_shape, ARRAY_COUNT(cell_shape), "cell", i, path);
        json_object_foreach(json_object_get(o, "parts"), key, v)
            sum += json_integer_value(v);
        if (sum != export_number(o, "cycles"))
            usage_error("export: %s is damaged: parts of cell %zu sum to %" JSON_INTEGER_FORMAT
                        " cycles, it has %" JSON_INTEGER_FORMAT, path, i, sum,
                        export_number(o, "cycles"));
    }
}

enum { STAGES = 6, STAGE_DISPATCHED = 2, STAGE_RETIRED = 5, MICROS_MOST = 4 };

static json_int_t stage_of(const json_t *stages, size_t i)
{
    return json_integer_value(json_array_get(stages, i));
}

/* Each has a unit, and its clocks lie between dispatch and retirement. */
static void check_micros(const json_t *micros, const json_t *stages, size_t index,
                         const char *path)
{
    size_t i;
    json_t *v;
    json_int_t issued, completed;
    const char *unit;
    json_array_foreach(micros, i, v)
        if (json_unpack(v, "{s:s,s:I,s:I}", "unit", &unit, "issued", &issued, "completed",
                        &completed) || issued > completed ||
            issued < stage_of(stages, STAGE_DISPATCHED) ||
            completed > stage_of(stages, STAGE_RETIRED))
            usage_error("export: %s: 'micros' of instruction %zu are not micro-operations", path,
                        index);
    if (!json_is_array(micros) || json_array_size(micros) > MICROS_MOST)
        usage_error("export: %s: 'micros' of instruction %zu are no list of at most %d", path,
                    index, (int)MICROS_MOST);
}

/* None (in-order parts), or six cycles in order, within reason. */
static void check_stages(const json_t *e, size_t index, const char *path)
{
    const json_int_t most = 1ll << 40;
    json_int_t before = -most;
    const json_t *stages = json_object_get(e, "stages");
    size_t i;
    json_t *v;
    if (!stages)
        return;
    if (!json_is_array(stages) || json_array_size(stages) != STAGES)
        usage_error("export: %s: 'stages' of instruction %zu are not six cycles", path, index);
    json_array_foreach(stages, i, v) {
        json_int_t at = json_is_integer(v) ? json_integer_value(v) : most;
        if (at < before || at >= most)
            usage_error("export: %s: 'stages' of instruction %zu are not cycles in order", path,
                        index);
        before = at;
    }
    check_micros(json_object_get(e, "micros"), stages, index, path);
}

void export_check_window(const json_t *window, const char *path)
{
    const json_t *list = json_object_get(window, "instructions");
    json_int_t sum = 0;
    size_t i;
    json_t *e;
    if (!json_is_array(list) || !json_is_integer(json_object_get(window, "cycles")))
        usage_error("export: %s: 'instructions' or 'cycles' is missing; accepted is what "
                    "--window-json writes", path);
    check_list(list, instruction_shape, ARRAY_COUNT(instruction_shape), NULL, "instruction", path);
    json_array_foreach(list, i, e) {
        if (strlen(export_text(e, "pipe")) != 1)
            usage_error("export: %s: 'pipe' of instruction %zu is '%s'; accepted is one letter",
                        path, i, export_text(e, "pipe"));
        check_stages(e, i, path);
        sum += export_number(e, "cycles");
    }
    if (sum != export_number(window, "cycles"))
        usage_error("export: %s is damaged: its instructions sum to %" JSON_INTEGER_FORMAT
                    " cycles, the window had %" JSON_INTEGER_FORMAT " (a window that was cut "
                    "short cannot be exported)", path, sum, export_number(window, "cycles"));
}
