/* paths_durations: how long paths take and interrupts wait: tables, and CSV. */
#include "sim/core/check.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <stdlib.h>

static const unsigned percents[] = {50, 90, 99};

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "?";
}

static double mean(const json_t *o)
{
    json_int_t count = number(o, "count");
    return (double)number(o, "cycles") / (double)(count ? count : 1);
}

static void print_quantiles(const json_t *o, FILE *out)
{
    for (unsigned i = 0; i < ARRAY_COUNT(percents); i++) {
        json_int_t q = distribution_quantile(o, percents[i]);
        if (q < 0)
            fprintf(out, " %8s", "-");
        else
            fprintf(out, " %8" JSON_INTEGER_FORMAT, q);
    }
}

/* --- tables ----------------------------------------------------------------------------------- */

void paths_print_durations(const json_t *path, FILE *out)
{
    struct distribution_value mode = distribution_mode(path);
    json_int_t count = number(path, "count");
    if (!path) {
        fputs(" instances    cycles of all      min     50 %     90 %     99 %      max", out);
        return;
    }
    fprintf(out, " %9" JSON_INTEGER_FORMAT " %9llu %4d %% %8" JSON_INTEGER_FORMAT, count,
            (unsigned long long)mode.value,
            (int)(100 * (double)mode.count / (double)(count ? count : 1)), number(path, "min"));
    print_quantiles(path, out);
    fprintf(out, " %8" JSON_INTEGER_FORMAT, number(path, "max"));
}

static int by_cycles(const void *a, const void *b)
{
    json_int_t x = number(*(json_t *const *)a, "cycles"), y = number(*(json_t *const *)b, "cycles");
    return x < y ? 1 : x > y ? -1 : 0;
}

void paths_report_durations(const json_t *paths, unsigned most, FILE *out)
{
    static const struct path_rules none;
    json_t *groups = path_rules_group(&none, paths), *v;
    json_t **sorted = xalloc(json_object_size(groups) + 1, sizeof *sorted);
    const char *name;
    size_t count = 0;
    json_object_foreach(groups, name, v) {
        json_object_set_new(v, "name", json_string(name));
        sorted[count++] = v;
    }
    qsort(sorted, count, sizeof *sorted, by_cycles);
    fprintf(out, "\npaths by name, how long they take (`isochron annotate --path NAME --all` draws "
                 "the histogram)\n\n  %-32s", "name");
    paths_print_durations(NULL, out);
    fprintf(out, " %9s\n", "mean");
    for (size_t i = 0; i < count && i < most; i++) {
        fprintf(out, "  %-32.32s", text(sorted[i], "name"));
        paths_print_durations(sorted[i], out);
        fprintf(out, " %9.1f\n", mean(sorted[i]));
    }
    free(sorted);
    json_decref(groups);
}

static void print_latency(const json_t *latency, const char *until, const char *key, FILE *out)
{
    const json_t *d = json_object_get(latency, key);
    if (!number(d, "count"))
        return;
    fprintf(out, "  %02x      %-15s %9" JSON_INTEGER_FORMAT " %9.1f %8" JSON_INTEGER_FORMAT,
            (unsigned)number(latency, "vector"), until, number(d, "count"), mean(d),
            number(d, "min"));
    print_quantiles(d, out);
    fprintf(out, " %8" JSON_INTEGER_FORMAT " %12" JSON_INTEGER_FORMAT "\n", number(d, "max"),
            number(d, "max_at"));
}

void paths_report_latency(const json_t *paths, FILE *out)
{
    size_t i;
    json_t *v;
    const json_t *list = json_object_get(paths, "interrupt_latency");
    if (!json_array_size(list))
        return;
    fprintf(out, "\ninterrupt latency, in cycles from the rise of INTR: to the handler's first "
                 "instruction, and to that of another\nprogram, where the handler leads to one; "
                 "half of them, 90 and 99 %% were no longer than ...\n\n"
                 "  %-7s %-15s %9s %9s %8s", "vector", "until", "count", "mean", "min");
    for (unsigned p = 0; p < ARRAY_COUNT(percents); p++)
        fprintf(out, " %6u %%", percents[p]);
    fprintf(out, " %8s %12s\n", "max", "at cycle");
    json_array_foreach(list, i, v) {
        print_latency(v, "handler", "handler", out);
        print_latency(v, "another program", "program", out);
    }
}

/* --- CSV -------------------------------------------------------------------------------------- */

static const char *const sums[] = {"instructions", "code_lines", "data_lines", "pages",
                                   "code_misses",  "data_misses", "itlb_misses", "dtlb_misses",
                                   "cr3_writes",   "nested"};

static void put_number(json_int_t n, FILE *out)
{
    if (n >= 0)
        fprintf(out, ",%" JSON_INTEGER_FORMAT, n);
    else
        fputc(',', out);
}

/* Figures behind the quantiles are sums over the instances, as in the document. */
void paths_csv(const json_t *paths, FILE *out)
{
    size_t i;
    json_t *k;
    fputs("cluster,name,entry,ends,count,cycles,typical,min,p50,p90,p99,max", out);
    for (unsigned n = 0; n < ARRAY_COUNT(sums); n++)
        fprintf(out, ",%s", sums[n]);
    fputc('\n', out);
    json_array_foreach(json_object_get(paths, "clusters"), i, k) {
        fprintf(out, "%zu,", i);
        csv_text(text(k, "name"), out);
        fputc(',', out);
        csv_text(text(k, "entry"), out);
        fprintf(out, ",%s", text(k, "ends"));
        put_number(number(k, "count"), out);
        put_number(number(k, "cycles"), out);
        put_number((json_int_t)distribution_mode(k).value, out);
        put_number(number(k, "min"), out);
        for (unsigned n = 0; n < ARRAY_COUNT(percents); n++)
            put_number(distribution_quantile(k, percents[n]), out);
        put_number(number(k, "max"), out);
        for (unsigned n = 0; n < ARRAY_COUNT(sums); n++)
            put_number(number(k, sums[n]), out);
        fputc('\n', out);
    }
}

void paths_csv_durations(const json_t *paths, FILE *out)
{
    size_t i, n;
    json_t *k, *v;
    fputs("cluster,name,cycles,count\n", out);
    json_array_foreach(json_object_get(paths, "clusters"), i, k)
        json_array_foreach(json_object_get(k, "values"), n, v) {
            fprintf(out, "%zu,", i);
            csv_text(text(k, "name"), out);
            put_number(json_integer_value(json_array_get(v, 0)), out);
            put_number(json_integer_value(json_array_get(v, 1)), out);
            fputc('\n', out);
        }
}
