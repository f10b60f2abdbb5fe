/* export_callgrind: the ledger as a call graph with costs, in Callgrind's profile format, version 1
 * [CALLGRIND], which callgrind_annotate and KCachegrind read.
 *
 * The events are cycles and, one by one, their causes. A function is a symbol on one way into
 * privilege 0: its object is who runs (user, kernel, boot), its file the way, so that KCachegrind's
 * groups give the sums. With a profile the way is a kernel path of the report, and the kernel's
 * costs stand at their instructions. Calls lead from the run to each way, as often as it was taken,
 * and on to its symbols; which symbol called which is not in a ledger. */
#include "sim/core/check.h"
#include "sim/report/export.h"
#include "sim/core/ledger.h"

#include <ctype.h>
#include <string.h>

#define ROOT "(run)"

/* "data.l2" as Callgrind's names may be: letters and digits, "DataL2". */
static void event_name(const char *cause, char *text, size_t size)
{
    size_t n = 0;
    bool first = true;
    for (; *cause && n + 1 < size; cause++) {
        if (isalnum((unsigned char)*cause)) {
            text[n++] = (char)(first ? toupper((unsigned char)*cause) : *cause);
            first = false;
        } else {
            first = true;
        }
    }
    text[n] = 0;
}

static const char *event_text(const char *cause)
{
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (strcmp(cause, cause_names[k]) == 0)
            return cause_texts[k];
    return cause;
}

/* Cycles and the causes in the order of the run's table. */
static void put_costs(const json_t *ledger, const json_t *o, FILE *out)
{
    const char *cause;
    json_t *v;
    fprintf(out, "%" JSON_INTEGER_FORMAT, export_number(o, "cycles"));
    json_object_foreach(json_object_get(ledger, "causes"), cause, v)
        fprintf(out, " %" JSON_INTEGER_FORMAT, export_number(json_object_get(o, "causes"), cause));
    fputc('\n', out);
}

static void put_header(const struct export_input *in, FILE *out)
{
    const json_t *ledger = in->ledger;
    char title[160], name[64];
    const char *cause;
    json_t *v;
    export_title(in, title, sizeof title);
    fprintf(out,
            "# callgrind format\nversion: 1\ncreator: isochron\ncmd: machine %s, model %s\n"
            "desc: Clock: %s\npositions: instr line\nevent: Cycles : all cycles\n",
            export_text(ledger, "machine"), export_text(ledger, "model"), title);
    json_object_foreach(json_object_get(ledger, "causes"), cause, v) {
        event_name(cause, name, sizeof name);
        fprintf(out, "event: %s : %s\n", name, event_text(cause));
    }
    fputs("events: Cycles", out);
    json_object_foreach(json_object_get(ledger, "causes"), cause, v) {
        event_name(cause, name, sizeof name);
        fprintf(out, " %s", name);
    }
    fputs("\nsummary: ", out);
    put_costs(ledger, ledger, out);
}

static const char *object_of(const char *path)
{
    return strcmp(path, "user") == 0 || strcmp(path, "boot") == 0 ? path : "kernel";
}

/* Names come from guests' files; a line's end must not be one of theirs. */
static void put_name(const char *key, const char *name, const char *behind, FILE *out)
{
    fprintf(out, "%s=", key);
    for (; *name; name++)
        fputc(iscntrl((unsigned char)*name) ? '_' : *name, out);
    fprintf(out, "%s\n", behind);
}

/* A function's begin: who runs, the way in, the symbol. */
static void put_function(const char *object, const char *file, const char *function,
                         const char *behind, FILE *out)
{
    put_name("\nob", object, "", out);
    put_name("fl", file, "", out);
    put_name("fn", function, behind, out);
}

static void put_call(const char *object, const char *file, const char *function,
                     const char *behind, json_int_t times, FILE *out)
{
    put_name("cob", object, "", out);
    put_name("cfi", file, "", out);
    put_name("cfn", function, behind, out);
    fprintf(out, "calls=%" JSON_INTEGER_FORMAT " 0 0\n0 0 ", times ? times : 1);
}

/* --- by way into privilege 0, from the ledger alone ------------------------------------------- */

/* What a way did: its symbols with their own costs, and the way itself, which calls them. */
static void put_path(const json_t *ledger, const json_t *path, FILE *out)
{
    const char *name = export_text(path, "name");
    size_t i;
    json_t *place;
    json_array_foreach(json_object_get(ledger, "places"), i, place) {
        if (strcmp(export_text(place, "path"), name) != 0)
            continue;
        put_function(object_of(name), name, export_text(place, "name"), "", out);
        fputs("0 0 ", out);
        put_costs(ledger, place, out);
    }
    put_function(object_of(name), name, name, " (all)", out);
    json_array_foreach(json_object_get(ledger, "places"), i, place) {
        if (strcmp(export_text(place, "path"), name) != 0)
            continue;
        put_call(object_of(name), name, export_text(place, "name"), "", 1, out);
        put_costs(ledger, place, out);
    }
}

static void call_path(const json_t *ledger, const json_t *path, FILE *out)
{
    const char *name = export_text(path, "name");
    put_call(object_of(name), name, name, " (all)", export_number(path, "entries"), out);
    put_costs(ledger, path, out);
}

static bool is_kernel(const json_t *path)
{
    return strcmp(object_of(export_text(path, "name")), "kernel") == 0;
}

/* --- by kernel path and instruction, from the profile ----------------------------------------- */

static const json_t *code_of(const json_t *ledger, const json_t *row)
{
    const json_t *profile = json_object_get(ledger, "profile");
    return json_array_get(json_object_get(profile, "code"), (size_t)export_number(row, "code"));
}

/* The symbol without its offset: "many+1c" is of `many`. */
static void symbol_of(const json_t *code, char *text, size_t size)
{
    const char *symbol = export_text(code, "symbol");
    snprintf(text, size, "%s", *symbol ? symbol : "(no symbol)");
    char *plus = strrchr(text, '+');
    if (plus)
        *plus = 0;
}

/* "#7 ipc.local": numbered as in reports. */
static void cluster_name(const json_t *ledger, json_int_t n, char *text, size_t size)
{
    const json_t *paths = json_object_get(ledger, "kernel_paths");
    const json_t *k = json_array_get(json_object_get(paths, "clusters"), (size_t)n);
    const char *name = export_text(k, "name");
    snprintf(text, size, "#%" JSON_INTEGER_FORMAT " %s", n + 1,
             *name ? name : export_text(k, "entry"));
}

/* Adds to sum what o costs (factor 1), or takes it away (factor -1). */
static void add_costs(json_t *sum, const json_t *o, int factor)
{
    json_t *causes = json_object_get(sum, "causes"), *v;
    const char *cause;
    json_int_t cycles = export_number(sum, "cycles") + factor * export_number(o, "cycles");
    json_object_set_new(sum, "cycles", json_integer(cycles));
    json_object_foreach(json_object_get(o, "causes"), cause, v)
        json_object_set_new(causes, cause,
                            json_integer(export_number(causes, cause) +
                                         factor * json_integer_value(v)));
}

/* What a path calls: its symbols, each with the costs of its instructions there, as often as the
 * first of them ran. */
static json_t *called_symbols(const json_t *ledger, const json_t *rows)
{
    json_t *called = json_object(), *row;
    char symbol[128];
    size_t i;
    json_array_foreach(rows, i, row) {
        symbol_of(code_of(ledger, row), symbol, sizeof symbol);
        if (!json_object_get(called, symbol))
            json_object_set_new(called, symbol,
                                json_pack("{s:O,s:i,s:{}}", "times",
                                          json_object_get(row, "executions"), "cycles", 0,
                                          "causes"));
        add_costs(json_object_get(called, symbol), row, 1);
    }
    return called;
}

/* The instructions of a path under their symbols, and the path, which calls these. */
static void put_cluster(const json_t *ledger, const json_t *cluster, FILE *out)
{
    const json_t *rows = json_object_get(cluster, "instructions");
    json_t *called = called_symbols(ledger, rows), *o;
    char name[128], symbol[128];
    const char *key;
    size_t i;
    cluster_name(ledger, export_number(cluster, "cluster"), name, sizeof name);
    json_object_foreach(called, key, o) {
        put_function("kernel", name, key, "", out);
        json_array_foreach(rows, i, o) {
            const json_t *code = code_of(ledger, o);
            symbol_of(code, symbol, sizeof symbol);
            if (strcmp(symbol, key) != 0)
                continue;
            fprintf(out, "0x%x 0 ", (uint32_t)export_number(code, "address"));
            put_costs(ledger, o, out);
        }
    }
    put_function("kernel", name, name, " (all)", out);
    json_object_foreach(called, key, o) {
        put_call("kernel", name, key, "", export_number(o, "times"), out);
        put_costs(ledger, o, out);
    }
    json_decref(called);
}

static void call_cluster(const json_t *ledger, const json_t *cluster, FILE *out)
{
    const json_t *paths = json_object_get(ledger, "kernel_paths");
    json_int_t n = export_number(cluster, "cluster");
    char name[128];
    cluster_name(ledger, n, name, sizeof name);
    put_call("kernel", name, name, " (all)", export_number(cluster, "count"), out);
    put_costs(ledger, json_array_get(json_object_get(paths, "clusters"), (size_t)n), out);
}

/* What is neither a program's, nor of boot, nor of a path that the profile tells: paths that cost
 * least, idle time, what was not finished. */
static json_t *rest_of(const json_t *ledger)
{
    const json_t *profile = json_object_get(ledger, "profile");
    const json_t *paths = json_object_get(ledger, "kernel_paths");
    json_t *rest = json_pack("{s:O,s:o}", "cycles", json_object_get(ledger, "cycles"), "causes",
                             json_copy(json_object_get(ledger, "causes")));
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(ledger, "paths"), i, o)
        if (!is_kernel(o))
            add_costs(rest, o, -1);
    json_array_foreach(json_object_get(profile, "clusters"), i, o)
        add_costs(rest, json_array_get(json_object_get(paths, "clusters"),
                                       (size_t)export_number(o, "cluster")), -1);
    return rest;
}

static bool is_negative(const json_t *rest)
{
    const char *cause;
    json_t *v;
    json_object_foreach(json_object_get(rest, "causes"), cause, v)
        if (json_integer_value(v) < 0)
            return true;
    return false;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void put_by_path(const json_t *ledger, FILE *out)
{
    const json_t *paths = json_object_get(ledger, "paths");
    size_t i;
    json_t *path;
    json_array_foreach(paths, i, path)
        put_path(ledger, path, out);
    put_function(ROOT, ROOT, ROOT, "", out);
    json_array_foreach(paths, i, path)
        call_path(ledger, path, out);
}

static void put_by_instruction(const json_t *ledger, const json_t *rest, FILE *out)
{
    const json_t *profile = json_object_get(ledger, "profile");
    const json_t *clusters = json_object_get(profile, "clusters");
    const json_t *paths = json_object_get(ledger, "paths");
    size_t i;
    json_t *o;
    json_array_foreach(paths, i, o)
        if (!is_kernel(o))
            put_path(ledger, o, out);
    json_array_foreach(clusters, i, o)
        put_cluster(ledger, o, out);
    put_function("kernel", "(rest)", "(idle and other paths)", "", out);
    fputs("0 0 ", out);
    put_costs(ledger, rest, out);
    put_function(ROOT, ROOT, ROOT, "", out);
    json_array_foreach(paths, i, o)
        if (!is_kernel(o))
            call_path(ledger, o, out);
    json_array_foreach(clusters, i, o)
        call_cluster(ledger, o, out);
    put_call("kernel", "(rest)", "(idle and other paths)", "", 1, out);
    put_costs(ledger, rest, out);
}

void export_callgrind(const struct export_input *in, FILE *out)
{
    const json_t *ledger = in->ledger;
    bool told = json_object_get(ledger, "profile") && json_object_get(ledger, "kernel_paths");
    json_t *rest = told ? rest_of(ledger) : NULL;
    if (rest && is_negative(rest))
        usage_error("export: %s: its kernel paths have cycles that the run has not",
                    in->ledger_path);
    put_header(in, out);
    if (rest)
        put_by_instruction(ledger, rest, out);
    else
        put_by_path(ledger, out);
    fputs("\ntotals: ", out);
    put_costs(ledger, ledger, out);
    json_decref(rest);
}
