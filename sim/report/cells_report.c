/* cells_report: marked stretches as JSON, as tables and as CSV. */
#include "sim/report/cells.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *key, *title, *text;
} parts[CELL_PART_COUNT] = {
#define X(id, key, title, text) [CELL_##id] = {key, title, text},
    CELL_PARTS(X)
#undef X
};

static json_t *number(uint64_t n) { return json_integer((json_int_t)n); }

static json_t *cell_json(const struct cell *l, const struct explain *e)
{
    json_t *list = json_object(), *ideal = json_object();
    json_int_t sum = 0;
    for (unsigned p = 0; p < CELL_PART_COUNT; p++)
        json_object_set_new(list, parts[p].key, number(l->part[p]));
    for (unsigned i = 0; i < e->kinds; i++) {
        json_int_t difference = (json_int_t)(l->cycles[e->run[i]] - l->cycles[0]);
        json_object_set_new(ideal, whatif_kinds[e->kind[i]].name, json_integer(difference));
        sum += difference;
    }
    json_t *o = json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "name", l->name, "operations",
                          (json_int_t)l->operations, "begin", (json_int_t)l->begin, "end",
                          (json_int_t)l->end, "cycles", (json_int_t)l->cycles[0], "parts", list,
                          "ideal", ideal);
    if (e->together) {
        json_int_t all = (json_int_t)(l->cycles[e->together] - l->cycles[0]);
        json_object_set_new(o, "together", json_integer(all));
        json_object_set_new(o, "interaction", json_integer(all - sum));
    }
    return o;
}

json_t *cells_json(const struct cells *l, const struct explain *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->count - l->open; i++) /* the last may not be over */
        json_array_append_new(list, cell_json(&l->list[i], e));
    return list;
}

/* --- tables ----------------------------------------------------------------------------------- */

static json_int_t get(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static double each(const json_t *cell, json_int_t n)
{
    json_int_t operations = get(cell, "operations");
    return (double)n / (double)(operations ? operations : 1);
}

/* Columns in which every cell has nothing are left out. */
static bool is_used(const json_t *cells, unsigned part)
{
    size_t i;
    json_t *v;
    json_array_foreach(cells, i, v)
        if (get(json_object_get(v, "parts"), parts[part].key))
            return true;
    return false;
}

static void print_parts(const json_t *cells, FILE *out)
{
    size_t i;
    json_t *v;
    fprintf(out, "\n  cycles of one operation, and what they consist of: the columns sum to it\n"
                 "  %-12s %6s %10s", "cell", "count", "cycles");
    for (unsigned p = 0; p < CELL_PART_COUNT; p++)
        if (is_used(cells, p))
            fprintf(out, " %9s", parts[p].title);
    fputc('\n', out);
    json_array_foreach(cells, i, v) {
        fprintf(out, "  %-12s %6" JSON_INTEGER_FORMAT " %10.1f",
                json_string_value(json_object_get(v, "name")), get(v, "operations"),
                each(v, get(v, "cycles")));
        for (unsigned p = 0; p < CELL_PART_COUNT; p++)
            if (is_used(cells, p))
                fprintf(out, " %9.1f", each(v, get(json_object_get(v, "parts"), parts[p].key)));
        fputc('\n', out);
    }
    fputc('\n', out);
    for (unsigned p = 0; p < CELL_PART_COUNT; p++)
        if (is_used(cells, p))
            fprintf(out, "  %-10s %s\n", parts[p].title, parts[p].text);
}

static void print_ideals(const json_t *cells, FILE *out)
{
    size_t i;
    json_t *v, *difference;
    const char *name;
    fprintf(out, "\n  what one operation would have taken more or less\n  %-12s", "cell");
    json_object_foreach(json_object_get(json_array_get(cells, 0), "ideal"), name, v)
        fprintf(out, " %9s", name);
    fputs(json_object_get(json_array_get(cells, 0), "together") ? " interact.  together\n" : "\n",
          out);
    json_array_foreach(cells, i, v) {
        fprintf(out, "  %-12s", json_string_value(json_object_get(v, "name")));
        json_object_foreach(json_object_get(v, "ideal"), name, difference)
            fprintf(out, " %+9.1f", each(v, json_integer_value(difference)));
        if (json_object_get(v, "together"))
            fprintf(out, " %+9.1f %+9.1f", each(v, get(v, "interaction")),
                    each(v, get(v, "together")));
        fputc('\n', out);
    }
}

void cells_print(const json_t *cells, FILE *out)
{
    if (!json_array_size(cells)) {
        fputs("\n  no cell was marked in the interval\n", out);
        return;
    }
    print_parts(cells, out);
    print_ideals(cells, out);
}

void cells_csv(const json_t *cells, FILE *out)
{
    size_t i;
    json_t *v, *n;
    const char *key;
    fputs("cell,operations,part,cycles\n", out);
    json_array_foreach(cells, i, v)
        json_object_foreach(json_object_get(v, "parts"), key, n)
            fprintf(out, "%s,%" JSON_INTEGER_FORMAT ",%s,%" JSON_INTEGER_FORMAT "\n",
                    json_string_value(json_object_get(v, "name")), get(v, "operations"), key,
                    json_integer_value(n));
}
