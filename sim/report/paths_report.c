/* paths_report: clusters as JSON, and as a table. */
#include "sim/core/check.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *causes_of(const struct path_cluster *k)
{
    json_t *o = json_object();
    for (int c = 0; c < CAUSE_COUNT; c++)
        if (k->cause[c])
            json_object_set_new(o, cause_names[c], json_integer((json_int_t)k->cause[c]));
    return o;
}

static json_t *values_of(const struct path_cluster *k)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PATHS_VALUES && k->value[i].count; i++)
        json_array_append_new(list, json_pack("[I,I]", (json_int_t)k->value[i].cycles,
                                              (json_int_t)k->value[i].count));
    return list;
}

static json_t *symbols_of(const struct path_cluster *k, const struct symbols *symbols)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PATHS_SYMBOLS; i++)
        if (k->symbol[i].cycles)
            json_array_append_new(
                list, json_pack("{s:s,s:I}", "name",
                                symbols_place_name(symbols, k->symbol[i].place), "cycles",
                                (json_int_t)k->symbol[i].cycles));
    return list;
}

static json_t *cluster_json(const struct path_cluster *k, const struct symbols *symbols)
{
    char entry[64], signature[20];
    path_name(k->entry, entry, sizeof entry);
    snprintf(signature, sizeof signature, "%016" PRIx64, k->signature);
    json_t *o = json_pack("{s:s,s:b,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,"
                          "s:o,s:o,s:o}",
                     "entry", entry, "from_idle", (int)k->from_idle, "ends",
                     path_end_names[k->end], "signature", signature, "count",
                     (json_int_t)k->count, "cycles", (json_int_t)k->cycles, "min",
                     (json_int_t)k->min, "max", (json_int_t)k->max, "instructions",
                     (json_int_t)k->instructions, "nested", (json_int_t)k->nested,
                     "nested_cycles", (json_int_t)k->nested_cycles, "cr3_writes",
                     (json_int_t)k->cr3_writes, "code_lines", (json_int_t)k->code_lines,
                     "data_lines", (json_int_t)k->data_lines, "pages", (json_int_t)k->pages,
                     "first", (json_int_t)k->first, "other_values", (json_int_t)k->other_values,
                     "values", values_of(k), "causes", causes_of(k), "symbols",
                     symbols_of(k, symbols));
    for (int m = 0; m < PATH_MISSES; m++)
        json_object_set_new(o, path_miss_names[m], json_integer((json_int_t)k->misses[m]));
    return o;
}

/* An instance that goes on when counting ends, and an instruction that has been charged for and is
 * not over: their cycles have no cluster yet. */
static uint64_t unfinished(const struct paths *p)
{
    uint64_t sum = 0;
    for (int c = 0; p->now.open && c < CAUSE_COUNT; c++)
        sum += p->now.cause[c];
    for (uint32_t n = 0; n < p->pending_count; n++)
        sum += p->pending[n].cycles;
    return sum;
}

json_t *paths_json(const struct paths *p, const struct symbols *symbols)
{
    json_t *list = json_array();
    uint64_t open = unfinished(p), sum = p->boot + p->user + p->idle + open;
    uint64_t total = p->cpu->clock->now - p->start;
    char where[128];
    for (uint32_t i = 0; i < p->count; i++) {
        json_array_append_new(list, cluster_json(&p->list[i], symbols));
        sum += p->list[i].cycles;
    }
    CHECK(sum == total);
    symbols_format(symbols, p->off_la, where, sizeof where);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:s},s:o}", "cycles",
                     (json_int_t)total, "boot", (json_int_t)p->boot, "user",
                     (json_int_t)p->user, "user_instructions", (json_int_t)p->user_instructions,
                     "idle", (json_int_t)p->idle, "unfinished", (json_int_t)open, "crowded",
                     (json_int_t)p->crowded,
                     "interrupts_off", "longest", (json_int_t)p->off_longest, "address",
                     (json_int_t)p->off_la, "symbol", where, "clusters", list);
}

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

/* The duration that most instances have. */
static json_int_t commonest(const json_t *cluster, json_int_t *share)
{
    size_t i;
    json_t *v;
    json_int_t best = 0;
    *share = 0;
    json_array_foreach(json_object_get(cluster, "values"), i, v)
        if (json_integer_value(json_array_get(v, 1)) > *share) {
            *share = json_integer_value(json_array_get(v, 1));
            best = json_integer_value(json_array_get(v, 0));
        }
    return best;
}

/* "fast_path 61 %, copy 20 %": where its cycles go. */
static void places(const json_t *cluster, char *out, size_t size)
{
    size_t i, at = 0;
    json_t *v;
    json_int_t total = number(cluster, "cycles");
    out[0] = 0;
    json_array_foreach(json_object_get(cluster, "symbols"), i, v) {
        json_int_t share = total ? 100 * number(v, "cycles") / total : 0;
        if (share >= 10 && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s %d %%", at ? ", " : "",
                                   text(v, "name"), (int)share);
    }
}

static void print_cluster(unsigned n, const json_t *k, json_int_t total, FILE *out)
{
    char where[96];
    json_int_t count = number(k, "count"), share, common = commonest(k, &share);
    places(k, where, sizeof where);
    fprintf(out, "%4u  %-32.32s %9" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT
                 " %4d %% %9" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %8.1f %6.1f %6.1f"
                 " %6.2f  %s\n",
            n, text(k, "name"), count, common, (int)(100 * share / count),
            number(k, "min"), number(k, "max"), (double)number(k, "instructions") / (double)count,
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

void paths_report(const json_t *paths, unsigned most, FILE *out)
{
    const json_t *list = json_object_get(paths, "clusters"), *off =
        json_object_get(paths, "interrupts_off");
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
        fprintf(out, "%lld instances saw more branches, lines and pages than a table of %d holds: "
                     "theirs are counted short\n",
                (long long)number(paths, "crowded"), PATHS_EDGES);
    fprintf(out, "longest with interrupts off: %" JSON_INTEGER_FORMAT " cycles, from %s\n\n",
            number(off, "longest"), *text(off, "symbol") ? text(off, "symbol") : "(no symbol)");
    fprintf(out, "%4s  %-32s %9s %9s %6s %9s %9s %8s %6s %6s %6s  %s\n", "path", "name",
            "instances", "cycles", "of all", "min", "max", "instr", "ilines", "dlines", "% run",
            "where");
    for (size_t i = 0; i < count && i < most; i++)
        print_cluster((unsigned)i + 1, sorted[i], total, out);
    free(sorted);
}
