/* blame_report: the section "blame" of a ledger's file, checked, as tables and as CSV. */
#include "sim/core/check.h"
#include "sim/report/blame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAT_COLUMNS 64

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "?";
}

static double percent(json_int_t part, json_int_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* --- is it what blame_json wrote? ------------------------------------------------------------- */

static json_int_t sum(const json_t *list, const char *key)
{
    json_int_t n = 0;
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o)
        n += number(o, key);
    return n;
}

static void need(const json_t *o, const char *key, json_type type, const char *path)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_typeof(v) != type)
        usage_error("%s: 'blame' has no '%s' of the right type; it is damaged", path, key);
}

static void need_row(const json_t *row, bool matrix, const char *path)
{
    static const char *const strings[] = {"array", "kind", "space_name", "path", "by"};
    need(row, "misses", JSON_INTEGER, path);
    need(row, "cycles", JSON_INTEGER, path);
    for (unsigned i = 0; matrix && i < ARRAY_COUNT(strings); i++)
        need(row, strings[i], JSON_STRING, path);
}

static void need_sums(const json_t *blame, const char *table, const char *path)
{
    const json_t *list = json_object_get(blame, table);
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row)
        need_row(row, strcmp(table, "matrix") == 0, path);
    if (sum(list, "misses") != number(blame, "misses") ||
        sum(list, "cycles") != number(blame, "cycles"))
        usage_error("%s is damaged: the %s of 'blame' sums to %" JSON_INTEGER_FORMAT
                    " cycles of %" JSON_INTEGER_FORMAT " misses, not %" JSON_INTEGER_FORMAT
                    " of %" JSON_INTEGER_FORMAT, path, table, sum(list, "cycles"),
                    sum(list, "misses"), number(blame, "cycles"), number(blame, "misses"));
}

/* The cycles of misses are the ledger's own. */
static void need_causes(const json_t *blame, const json_t *causes, const char *path)
{
    json_int_t cycles = 0;
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (blame_bucket_of((enum cause)k) != BUCKET_NONE)
            cycles += number(causes, cause_names[k]);
    if (cycles != number(blame, "cycles"))
        usage_error("%s is damaged: 'blame' sums to %" JSON_INTEGER_FORMAT
                    " cycles, the ledger has %" JSON_INTEGER_FORMAT " for misses", path,
                    number(blame, "cycles"), cycles);
}

void blame_check(const json_t *blame, const json_t *causes, const char *path)
{
    static const char *const lists[] = {"arrays", "matrix", "pairs", "flushes"};
    size_t i;
    json_t *o;
    need(blame, "misses", JSON_INTEGER, path);
    need(blame, "cycles", JSON_INTEGER, path);
    for (i = 0; i < ARRAY_COUNT(lists); i++)
        need(blame, lists[i], JSON_ARRAY, path);
    need_sums(blame, "arrays", path);
    need_sums(blame, "matrix", path);
    need_causes(blame, causes, path);
    json_array_foreach(json_object_get(blame, "arrays"), i, o) {
        const json_t *kinds = json_object_get(o, "kinds");
        need(o, "kinds", JSON_ARRAY, path);
        if (sum(kinds, "misses") != number(o, "misses") ||
            sum(kinds, "cycles") != number(o, "cycles"))
            usage_error("%s is damaged: the kinds of %s in 'blame' do not sum to it", path,
                        text(o, "name"));
    }
}

/* --- misses by kind --------------------------------------------------------------------------- */

static json_int_t of_kind(const json_t *array, const char *kind, const char *key)
{
    size_t i;
    json_t *k;
    json_array_foreach(json_object_get(array, "kinds"), i, k)
        if (strcmp(text(k, "name"), kind) == 0)
            return number(k, key);
    return 0;
}

static void print_counts(const char *name, json_int_t all, const json_int_t *kinds, FILE *out)
{
    fprintf(out, "%-10s %11" JSON_INTEGER_FORMAT, name, all);
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        if (kinds[k])
            fprintf(out, " %10" JSON_INTEGER_FORMAT, kinds[k]);
        else
            fprintf(out, " %10s", "-");
    fputc('\n', out);
}

static void print_kinds(const json_t *arrays, const char *key, FILE *out)
{
    json_int_t sums[BLAME_KIND_COUNT] = {0}, all = 0;
    size_t i;
    json_t *a;
    fprintf(out, "\n%-10s %11s", key, "all");
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        fprintf(out, " %10s", blame_kind_names[k]);
    fputc('\n', out);
    json_array_foreach(arrays, i, a) {
        json_int_t kinds[BLAME_KIND_COUNT];
        for (int k = 0; k < BLAME_KIND_COUNT; k++)
            sums[k] += kinds[k] = of_kind(a, blame_kind_names[k], key);
        all += number(a, key);
        if (number(a, key))
            print_counts(text(a, "name"), number(a, key), kinds, out);
    }
    print_counts("sum", all, sums, out);
}

/* What the words of the two tables mean, as far as they stand there. */
static void print_words(const json_t *arrays, FILE *out)
{
    bool met[BLAME_KIND_COUNT] = {false};
    size_t i;
    json_t *a;
    fputs("\n  a miss's cycles stand with the outermost array that it missed\n", out);
    json_array_foreach(arrays, i, a)
        for (int k = 0; k < BLAME_KIND_COUNT; k++)
            met[k] |= of_kind(a, blame_kind_names[k], "misses") != 0;
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        if (met[k])
            fprintf(out, "  %-10s  %s\n", blame_kind_names[k], blame_kind_texts[k]);
}

/* A row of the picture: sets in columns, the darkest has the most misses. */
static void print_heat(const json_t *array, FILE *out)
{
    static const char shades[] = " .:-=+*#%@";
    const json_t *by_set = json_object_get(array, "by_set");
    const json_t *misses = json_object_get(by_set, "misses");
    size_t count = json_array_size(misses), per = (count + HEAT_COLUMNS - 1) / HEAT_COLUMNS;
    json_int_t column[HEAT_COLUMNS] = {0}, most = 0;
    if (!count || !number(array, "misses"))
        return;
    for (size_t i = 0; i < count; i++) {
        json_int_t *c = &column[i / per];
        *c += json_integer_value(json_array_get(misses, i));
        most = *c > most ? *c : most;
    }
    fprintf(out, "%-10s |", text(array, "name"));
    for (size_t i = 0; i < (count + per - 1) / per; i++)
        fputc(shades[most && column[i] ? 1 + column[i] * 8 / most : 0], out);
    fprintf(out, "| %" JSON_INTEGER_FORMAT " sets, at most %" JSON_INTEGER_FORMAT " in %zu\n",
            number(by_set, "sets"), most, per * (size_t)number(by_set, "sets_per_column"));
}

/* --- the matrix ------------------------------------------------------------------------------- */

enum { SHOW_L1I, SHOW_L1D, SHOW_L2, SHOW_TLB, SHOWN };

/* Rows of the matrix that differ in nothing but array and kind, added up. */
struct pair {
    char charged[48], caused[64];
    json_int_t misses, cycles, shown[SHOWN];
};

static unsigned column_of(const char *array)
{
    if (strcmp(array, "l1i") == 0)
        return SHOW_L1I;
    if (strncmp(array, "l1d", 3) == 0)
        return SHOW_L1D;
    return strncmp(array, "l2", 2) == 0 ? SHOW_L2 : SHOW_TLB;
}

static void name_pair(struct pair *p, const json_t *row)
{
    const char *by = text(row, "by");
    bool code = strcmp(by, "code") == 0;
    snprintf(p->charged, sizeof p->charged, "%s, %s", text(row, "space_name"), text(row, "path"));
    if (strcmp(by, "nobody") == 0)
        snprintf(p->caused, sizeof p->caused, "nobody: %s", text(row, "kind"));
    else if (!json_object_get(row, "by_space") || strcmp(by, "itself") == 0)
        snprintf(p->caused, sizeof p->caused, "%s", by);
    else
        snprintf(p->caused, sizeof p->caused, "%s%s%s, %s", code ? "" : by, code ? "" : " of ",
                 text(row, "by_space_name"), text(row, "by_path"));
}

static int by_name(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->charged, y->charged);
    return order ? order : strcmp(x->caused, y->caused);
}

static int by_cost(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->cycles != y->cycles)
        return x->cycles < y->cycles ? 1 : -1;
    if (x->misses != y->misses)
        return x->misses < y->misses ? 1 : -1;
    return by_name(a, b);
}

static size_t merge(struct pair *list, size_t count)
{
    size_t kept = 0;
    qsort(list, count, sizeof *list, by_name);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_name(&list[kept - 1], &list[i]) != 0) {
            list[kept++] = list[i];
            continue;
        }
        struct pair *p = &list[kept - 1];
        p->misses += list[i].misses;
        p->cycles += list[i].cycles;
        for (int k = 0; k < SHOWN; k++)
            p->shown[k] += list[i].shown[k];
    }
    qsort(list, kept, sizeof *list, by_cost);
    return kept;
}

static void print_pair(const struct pair *p, json_int_t total, FILE *out)
{
    fprintf(out, "%-26.26s %-38.38s %9" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %5.1f",
            p->charged, p->caused, p->misses, p->cycles, percent(p->cycles, total));
    for (int k = 0; k < SHOWN; k++)
        fprintf(out, " %9" JSON_INTEGER_FORMAT, p->shown[k]);
    fputc('\n', out);
}

static void print_matrix(const json_t *matrix, unsigned most, json_int_t total, FILE *out)
{
    size_t count = json_array_size(matrix), i;
    struct pair *list = xalloc(count + 1, sizeof *list), rest = {"", "", 0, 0, {0}};
    json_t *row;
    json_array_foreach(matrix, i, row) {
        list[i].misses = number(row, "misses");
        list[i].cycles = list[i].shown[column_of(text(row, "array"))] = number(row, "cycles");
        name_pair(&list[i], row);
    }
    count = merge(list, count);
    fprintf(out, "\n%-26s %-38s %9s %11s %5s %9s %9s %9s %9s\n", "charged to", "caused by",
            "misses", "cycles", "%", "l1i", "l1d", "l2", "tlb");
    for (i = 0; i < count && i < most; i++)
        print_pair(&list[i], total, out);
    for (; i < count; i++) {
        rest.misses += list[i].misses;
        rest.cycles += list[i].cycles;
        for (int k = 0; k < SHOWN; k++)
            rest.shown[k] += list[i].shown[k];
    }
    if (count > most) {
        snprintf(rest.charged, sizeof rest.charged, "%zu others", count - most);
        print_pair(&rest, total, out);
    }
    free(list);
}

/* --- symbols, flushes ------------------------------------------------------------------------- */

static void print_symbols(const json_t *pairs, unsigned most, json_int_t total, FILE *out)
{
    size_t i;
    json_t *p;
    fprintf(out, "\n%-10s %-10s %-28s %-40s %9s %11s %5s\n", "missed in", "kind", "by code of",
            "because of", "misses", "cycles", "%");
    json_array_foreach(pairs, i, p) {
        char because[96];
        bool code = strcmp(text(p, "by"), "code") == 0;
        if (i == most)
            break;
        snprintf(because, sizeof because, "%s%s%s", code ? "" : text(p, "by"),
                 code || !*text(p, "by_name") ? "" : " in ", text(p, "by_name"));
        fprintf(out, "%-10s %-10s %-28.28s %-40.40s %9" JSON_INTEGER_FORMAT
                     " %11" JSON_INTEGER_FORMAT " %5.1f\n",
                text(p, "array"), text(p, "kind"), text(p, "name"), because, number(p, "misses"),
                number(p, "cycles"), percent(number(p, "cycles"), total));
    }
}

static int by_later(const void *a, const void *b)
{
    json_int_t x = number(*(json_t *const *)a, "cycles"), y = number(*(json_t *const *)b, "cycles");
    return x < y ? 1 : x > y ? -1 : 0;
}

static double each(json_int_t n, json_int_t times)
{
    return times ? (double)n / (double)times : 0;
}

static void print_flush(const json_t *f, FILE *out)
{
    char of[64];
    json_int_t times = number(f, "times");
    snprintf(of, sizeof of, "%s, %s", text(f, "space_name"), text(f, "path"));
    fprintf(out, "%-14.14s %-24.24s %-24.24s %9" JSON_INTEGER_FORMAT " %9.2f %9.2f %9.2f %9.2f\n",
            text(f, "by"), *text(f, "symbol") ? text(f, "symbol") : "(no symbol)", of, times,
            each(number(f, "misses"), times), each(number(f, "cycles"), times),
            each(number(f, "other_misses"), times), each(number(f, "other_cycles"), times));
}

static void print_flushes(const json_t *flushes, unsigned most, FILE *out)
{
    size_t count = json_array_size(flushes);
    json_t **sorted = xalloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(flushes, i);
    qsort(sorted, count, sizeof *sorted, by_later);
    if (count)
        fprintf(out, "\nwhat was emptied, and what that cost later, each time: misses and their "
                     "cycles, and how many of\nthem other spaces had than the one that did it\n"
                     "%-14s %-24s %-24s %9s %9s %9s %9s %9s\n", "by", "at", "for", "times",
                "misses", "cycles", "others'", "cycles");
    for (size_t i = 0; i < count && i < most && number(sorted[i], "misses"); i++)
        print_flush(sorted[i], out);
    free(sorted);
}

void blame_report(const json_t *blame, unsigned most, FILE *out)
{
    const json_t *arrays = json_object_get(blame, "arrays");
    json_int_t total = number(blame, "cycles");
    size_t i;
    json_t *a;
    fprintf(out, "\nblame: %" JSON_INTEGER_FORMAT " cycles of %" JSON_INTEGER_FORMAT " misses\n",
            total, number(blame, "misses"));
    print_kinds(arrays, "misses", out);
    print_kinds(arrays, "cycles", out);
    print_words(arrays, out);
    fputs("\nmisses by set\n", out);
    json_array_foreach(arrays, i, a)
        print_heat(a, out);
    print_matrix(json_object_get(blame, "matrix"), most, total, out);
    print_symbols(json_object_get(blame, "pairs"), most, total, out);
    print_flushes(json_object_get(blame, "flushes"), most, out);
}

/* --- CSV -------------------------------------------------------------------------------------- */

/* Names come from guests' files: what would end a field is left out. */
static void print_field(const char *name, FILE *out)
{
    for (; *name; name++)
        fputc(*name == ',' || *name == '"' || *name == '\n' ? '_' : *name, out);
    fputc(',', out);
}

void blame_csv(const json_t *blame, FILE *out)
{
    static const char *const fields[] = {"array", "kind", "space_name", "path", "by",
                                         "by_space_name", "by_path"};
    size_t i;
    json_t *row;
    fputs("array,kind,space,path,by,by_space,by_path,misses,cycles\n", out);
    json_array_foreach(json_object_get(blame, "matrix"), i, row) {
        for (unsigned k = 0; k < ARRAY_COUNT(fields); k++)
            print_field(json_object_get(row, fields[k]) ? text(row, fields[k]) : "", out);
        fprintf(out, "%" JSON_INTEGER_FORMAT ",%" JSON_INTEGER_FORMAT "\n", number(row, "misses"),
                number(row, "cycles"));
    }
}
