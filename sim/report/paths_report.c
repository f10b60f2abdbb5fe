/* paths_report: what paths_json tells, as tables. */
#include "sim/core/check.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a path's cycles, in percent: places with less are not named, but for the first. */
#define SHARE_LEAST 10

/* --- the table -------------------------------------------------------------------------------- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "?";
}

static int by_cycles(const void *a, const void *b)
{
    json_int_t x = number(*(json_t *const *)a, "cycles"), y = number(*(json_t *const *)b, "cycles");
    return x < y ? 1 : x > y ? -1 : 0;
}

/* "fast_path 61 %, copy 20 %": where its cycles go. A program's is the instruction that entered. */
static void places(const json_t *cluster, char *out, size_t size)
{
    size_t i, at = 0;
    json_t *v;
    json_int_t total = number(cluster, "cycles"), most = 0;
    out[0] = 0;
    json_array_foreach(json_object_get(cluster, "symbols"), i, v)
        most = number(v, "cycles") > most ? number(v, "cycles") : most;
    json_array_foreach(json_object_get(cluster, "symbols"), i, v) {
        json_int_t share = total ? 100 * number(v, "cycles") / total : 0;
        if ((share >= SHARE_LEAST || number(v, "cycles") == most) && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s %d %%", at ? ", " : "",
                                   strcmp(text(v, "name"), "(user, no symbol)") == 0
                                       ? "(entry)"
                                       : text(v, "name"),
                                   (int)share);
    }
}

static void print_cluster(unsigned n, const json_t *k, json_int_t total, FILE *out)
{
    char where[160];
    json_int_t count = number(k, "count");
    places(k, where, sizeof where);
    fprintf(out, "%4u  %-32.32s", n, text(k, "name"));
    paths_print_durations(k, out);
    fprintf(out, " %8.1f %6.1f %6.1f %6.2f  %s\n",
            (double)number(k, "instructions") / (double)count,
            (double)number(k, "code_lines") / (double)count,
            (double)number(k, "data_lines") / (double)count,
            100.0 * (double)number(k, "cycles") / (double)(total ? total : 1), where);
}

static void print_account(const json_t *paths, const char *key, json_int_t total, FILE *out)
{
    json_int_t n = number(paths, key);
    fprintf(out, "  %-12s %16" JSON_INTEGER_FORMAT " %7.2f %%\n", key, n,
            100.0 * (double)n / (double)(total ? total : 1));
}

static void print_place(const json_t *off, const char *address, const char *symbol, FILE *out)
{
    if (*text(off, symbol))
        fputs(text(off, symbol), out);
    else
        fprintf(out, "%08x", (unsigned)number(off, address));
}

static void print_off(const json_t *paths, FILE *out)
{
    const json_t *off = json_object_get(paths, "interrupts_off");
    json_int_t cluster = number(off, "cluster");
    if (!number(off, "longest"))
        return;
    fprintf(out, "longest with interrupts off: %" JSON_INTEGER_FORMAT " cycles from cycle %"
                 JSON_INTEGER_FORMAT, number(off, "longest"), number(off, "began"));
    if (cluster >= 0)
        fprintf(out, ", in %s", text(json_array_get(json_object_get(paths, "clusters"),
                                                    (size_t)cluster), "name"));
    fputs(": ", out);
    print_place(off, "address", "symbol", out);
    fputs(" to ", out);
    print_place(off, "to_address", "to_symbol", out);
    fputc('\n', out);
}

void paths_report(const json_t *paths, unsigned most, FILE *out)
{
    const json_t *list = json_object_get(paths, "clusters");
    json_int_t total = number(paths, "cycles"), instances = 0, in_kernel = 0;
    size_t count = json_array_size(list);
    json_t **sorted = xalloc(count ? count : 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = json_array_get(list, i);
        instances += number(sorted[i], "count");
        in_kernel += number(sorted[i], "cycles");
    }
    qsort(sorted, count, sizeof *sorted, by_cycles);
    fprintf(out, "\nkernel paths: %" JSON_INTEGER_FORMAT " instances of %zu, %" JSON_INTEGER_FORMAT
                 " cycles (%.2f %%)\n",
            instances, count, in_kernel, 100.0 * (double)in_kernel / (double)(total ? total : 1));
    print_account(paths, "boot", total, out);
    print_account(paths, "user", total, out);
    print_account(paths, "idle", total, out);
    print_account(paths, "unfinished", total, out);
    if (number(paths, "crowded"))
        fprintf(out, "%lld instances took more branches than a table of %d holds: "
                     "theirs are counted short\n",
                (long long)number(paths, "crowded"), PATHS_EDGES);
    print_off(paths, out);
    fputs("\ncycles: what most of them take, and how many do; half of them, 90 and 99 % were no "
          "longer than ...\n", out);
    fprintf(out, "\n%4s  %-32s", "path", "name");
    paths_print_durations(NULL, out);
    fprintf(out, " %8s %6s %6s %6s  %s\n", "instr", "ilines", "dlines", "% run", "where");
    for (size_t i = 0; i < count && i < most; i++)
        print_cluster((unsigned)i + 1, sorted[i], total, out);
    free(sorted);
    paths_report_durations(paths, most, out);
    paths_report_phases(paths, most, out);
    paths_report_trips(paths, most, out);
    paths_report_latency(paths, out);
}
