/* paths_tables: phases, footprints and round trips, as tables. */
#include "sim/core/check.h"
#include "sim/report/paths.h"

#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 200
#define CAUSES_MOST 8 /* named of a path, */
#define CAUSE_LEAST 0.05 /* of no fewer cycles each time */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "?";
}

static void add(json_t *o, const char *key, json_int_t n)
{
    json_object_set_new(o, key, json_integer(number(o, key) + n));
}

static int by_cycles(const void *a, const void *b)
{
    json_int_t x = number(*(json_t *const *)a, "cycles"), y = number(*(json_t *const *)b, "cycles");
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The values of an object of objects, most cycles first; for the caller to free. */
static json_t **sorted_by_cycles(json_t *groups, size_t *count)
{
    const char *key;
    json_t *v, **list = xalloc(json_object_size(groups) + 1, sizeof *list);
    *count = 0;
    json_object_foreach(groups, key, v)
        list[(*count)++] = v;
    qsort(list, *count, sizeof *list, by_cycles);
    return list;
}

static double mean(json_int_t sum, json_int_t count)
{
    return (double)sum / (double)(count ? count : 1);
}

/* --- phases and footprints -------------------------------------------------------------------- */

static void add_object(json_t *to, const char *key, const json_t *from)
{
    const char *k;
    json_t *v, *sums = json_object_get(to, key);
    json_object_foreach((json_t *)(uintptr_t)from, k, v)
        add(sums, k, json_integer_value(v));
}

static void add_cluster(json_t *group, const json_t *cluster)
{
    static const char *const sums[] = {"count", "cycles", "code_lines", "data_lines", "code_sets",
                                       "data_sets", "pages"};
    size_t i;
    json_t *v;
    const char *key;
    for (unsigned n = 0; n < ARRAY_COUNT(sums); n++)
        add(group, sums[n], number(cluster, sums[n]));
    json_array_foreach(json_object_get(cluster, "phases"), i, v)
        add(json_object_get(group, "phases"), text(v, "name"), number(v, "cycles"));
    add_object(group, "causes", json_object_get(cluster, "causes"));
    json_object_foreach(json_object_get(cluster, "overlap"), key, v) {
        json_t *overlap = json_object_get(group, "overlap");
        if (!json_object_get(overlap, key))
            json_object_set_new(overlap, key, json_pack("{s:{}}", "sums"));
        add_object(json_object_get(overlap, key), "sums", v);
    }
}

static json_t *group_by_name(const json_t *paths)
{
    json_t *groups = json_object(), *v;
    size_t i;
    json_array_foreach(json_object_get(paths, "clusters"), i, v) {
        const char *name = text(v, "name");
        if (!json_object_get(groups, name))
            json_object_set_new(groups, name, json_pack("{s:s,s:{},s:{},s:{}}", "name", name,
                                                        "phases", "causes", "overlap"));
        add_cluster(json_object_get(groups, name), v);
    }
    return groups;
}

static void print_phases(const json_t *group, FILE *out)
{
    char line[LINE_SIZE];
    size_t at = 0;
    const char *key;
    json_t *v;
    json_int_t count = number(group, "count");
    line[0] = 0;
    json_object_foreach(json_object_get(group, "phases"), key, v)
        if (json_integer_value(v) && at < sizeof line)
            at += (size_t)snprintf(line + at, sizeof line - at, "%s%s %.1f", at ? ", " : "", key,
                                   mean(json_integer_value(v), count));
    fprintf(out, "  %-32.32s %9" JSON_INTEGER_FORMAT " %9.1f  %s\n", text(group, "name"), count,
            mean(number(group, "cycles"), count), line);
}

/* "issue 57.2, kernel.entry 50.0 ...", the most first. */
static void print_causes(const json_t *group, FILE *out)
{
    json_t *left = json_copy(json_object_get(group, "causes")), *v;
    json_int_t count = number(group, "count"), rest = 0;
    const char *key;
    fprintf(out, "  %-52s  ", "");
    for (unsigned n = 0; n < CAUSES_MOST && json_object_size(left); n++) {
        const char *most = NULL;
        json_object_foreach(left, key, v)
            if (!most || json_integer_value(v) > number(left, most))
                most = key;
        if (mean(number(left, most), count) < CAUSE_LEAST)
            break;
        fprintf(out, "%s%s %.1f", n ? ", " : "", most, mean(number(left, most), count));
        json_object_del(left, most);
    }
    json_object_foreach(left, key, v)
        rest += json_integer_value(v);
    if (rest)
        fprintf(out, ", %zu more %.1f", json_object_size(left), mean(rest, count));
    fputc('\n', out);
    json_decref(left);
}

static void print_overlap(const json_t *group, FILE *out)
{
    json_int_t count = number(group, "count");
    fprintf(out, "  %-32.32s %6.1f %6.1f %6.1f %6.1f %6.1f ", text(group, "name"),
            mean(number(group, "code_lines"), count), mean(number(group, "code_sets"), count),
            mean(number(group, "data_lines"), count), mean(number(group, "data_sets"), count),
            mean(number(group, "pages"), count));
    for (unsigned i = 0; i < OVERLAP_KINDS; i++) {
        const json_t *o =
            json_object_get(json_object_get(json_object_get(group, "overlap"), overlap_names[i]),
                            "sums");
        char cell[40];
        if (i < 2)
            snprintf(cell, sizeof cell, "%.1f/%.1f/%.1f", mean(number(o, "used"), count),
                     mean(number(o, "shared"), count), mean(number(o, "displaced"), count));
        else
            snprintf(cell, sizeof cell, "%.1f/%.1f", mean(number(o, "used"), count),
                     mean(number(o, "displaced"), count));
        fprintf(out, " %17s", cell);
    }
    fputc('\n', out);
}

void paths_report_phases(const json_t *paths, unsigned most, FILE *out)
{
    json_t *groups = group_by_name(paths);
    size_t count;
    json_t **list = sorted_by_cycles(groups, &count);
    fprintf(out, "\npaths by name, their phases (means), and below these their causes\n\n"
                 "  %-32s %9s %9s  %s\n", "name", "instances", "cycles", "phases; causes");
    for (size_t i = 0; i < count && i < most; i++) {
        print_phases(list[i], out);
        print_causes(list[i], out);
    }
    fprintf(out, "\nfootprint: lines, cache sets and pages touched; of the program's working set: "
                 "in use / shared / displaced\n(means)\n\n");
    fprintf(out, "  %-32s %6s %6s %6s %6s %6s  %17s %17s %17s %17s\n", "name", "ilines", "isets",
            "dlines", "dsets", "pages", "L1 code", "L1 data", "ITLB", "DTLB");
    for (size_t i = 0; i < count && i < most; i++)
        print_overlap(list[i], out);
    free(list);
    json_decref(groups);
}

/* --- round trips ------------------------------------------------------------------------------ */

static const char *const parts[] = {"client", "send", "server", "answer", "other"};

static const char *path_name_of(const json_t *paths, const json_t *trip, const char *key)
{
    return text(json_array_get(json_object_get(paths, "clusters"), (size_t)number(trip, key)),
                "name");
}

/* Trips of paths of one name between two spaces, together. */
static json_t *group_trips(const json_t *paths)
{
    json_t *groups = json_object(), *v;
    size_t i;
    json_array_foreach(json_object_get(paths, "round_trips"), i, v) {
        char key[LINE_SIZE * 2];
        const char *call = path_name_of(paths, v, "call"), *reply = path_name_of(paths, v, "reply");
        snprintf(key, sizeof key, "%s>%s>%lld>%lld", call, reply,
                 (long long)number(v, "client_space"), (long long)number(v, "server_space"));
        json_t *group = json_object_get(groups, key);
        if (!group) {
            group = json_pack("{s:s,s:s,s:O,s:O,s:s,s:s,s:O,s:O}", "client_name",
                              text(v, "client_name"), "server_name", text(v, "server_name"),
                              "client_space", json_object_get(v, "client_space"), "server_space",
                              json_object_get(v, "server_space"), "call_name", call,
                              "reply_name", reply, "least", json_object_get(v, "least"), "min",
                              json_object_get(v, "min"));
            json_object_set_new(groups, key, group);
        }
        if (number(v, "min") < number(group, "min")) {
            json_object_set(group, "least", json_object_get(v, "least"));
            json_object_set(group, "min", json_object_get(v, "min"));
        }
        add(group, "count", number(v, "count"));
        for (unsigned p = 0; p < ARRAY_COUNT(parts); p++) {
            add(group, parts[p], number(v, parts[p]));
            add(group, "cycles", p ? number(v, parts[p]) : 0);
        }
    }
    return groups;
}

static void print_trip(const json_t *t, FILE *out)
{
    char between[80];
    json_int_t count = number(t, "count");
    const json_t *least = json_object_get(t, "least");
    snprintf(between, sizeof between, "%lld %s, %lld %s", (long long)number(t, "client_space"),
             text(t, "client_name"), (long long)number(t, "server_space"), text(t, "server_name"));
    fprintf(out, "  %-30.30s %8" JSON_INTEGER_FORMAT, between, count);
    for (unsigned p = 1; p < ARRAY_COUNT(parts); p++)
        fprintf(out, " %7.1f", mean(number(t, parts[p]), count));
    fprintf(out, " %8.1f   ", mean(number(t, "cycles"), count));
    for (unsigned p = 0; p < 4; p++)
        fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, p ? ", " : "", parts[p],
                number(least, parts[p]));
    fprintf(out, "  %s", text(t, "call_name"));
    if (strcmp(text(t, "call_name"), text(t, "reply_name")) != 0)
        fprintf(out, ", %s", text(t, "reply_name"));
    fputc('\n', out);
}

void paths_report_trips(const json_t *paths, unsigned most, FILE *out)
{
    json_t *groups = group_trips(paths);
    size_t count;
    json_t **list = sorted_by_cycles(groups, &count);
    if (count)
        fprintf(out, "\nround trips: the paths of a call and of its reply, with the server's own "
                     "cycles between them and what else\nran there (means); and the fastest, "
                     "behind what its client had run since the reply before\n\n"
                     "  %-30s %8s %7s %7s %7s %7s %8s   %s\n", "client, server", "count", "send",
                "server", "answer", "other", "sum", "the fastest; paths");
    for (size_t i = 0; i < count && i < most; i++)
        print_trip(list[i], out);
    free(list);
    json_decref(groups);
}
