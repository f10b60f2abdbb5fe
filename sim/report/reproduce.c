#include "sim/report/reproduce.h"

#include "sim/core/check.h"
#include "sim/report/guest_lines.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Where messages of our kernel stand beside what was published of others. */
#define L4_FILE "l4.csv"

struct joining {
    const struct reproduce_table *table;
    const json_t *runs;
    const char *machine, *no_machine;
    struct figures figures, l4;
    json_t *lines;
};

static void open_figures(struct joining *j, const char *folder)
{
    char path[4096];
    if (j->table->file) {
        snprintf(path, sizeof path, "%s/%s", folder, j->table->file);
        figures_read(&j->figures, path);
    }
    if (j->table->l4_source) {
        snprintf(path, sizeof path, "%s/" L4_FILE, folder);
        figures_read(&j->l4, path);
    }
}

static void close_figures(struct joining *j)
{
    figures_free(&j->figures);
    figures_free(&j->l4);
}

/* --- which lines of the files ----------------------------------------------------------------- */

/* key may name several tables, "5.3,5.4". */
static bool is_in_table(const struct joining *j, size_t i)
{
    const char *name = figures_get(&j->figures, i, "table");
    size_t n = strlen(name);
    for (const char *p = j->table->key; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || !p[n]))
            return true;
    return false;
}

static bool is_in_l4(const struct joining *j, size_t i)
{
    return strcmp(figures_get(&j->l4, i, "source"), j->table->l4_source) == 0 &&
           strcmp(figures_get(&j->l4, i, "place"), j->table->l4_place) == 0;
}

static const char *const what_columns[] = {"test", "parameter", "metric", "unit"};

/* Two lines are of the same test. */
static bool same_what(const struct joining *j, size_t a, size_t b)
{
    for (unsigned i = 0; i < ARRAY_COUNT(what_columns); i++)
        if (strcmp(figures_get(&j->figures, a, what_columns[i]),
                   figures_get(&j->figures, b, what_columns[i])) != 0)
            return false;
    return true;
}

/* The table's first line of this test is this one. */
static bool is_first(const struct joining *j, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (is_in_table(j, k) && same_what(j, k, i))
            return false;
    return true;
}

/* Another line differs from this one by its metric alone: then that belongs to the name. */
static bool is_one_of_metrics(const struct joining *j, size_t i)
{
    const char *const same[] = {"test", "parameter", "unit", "system"};
    for (size_t k = 0; k < j->figures.rows; k++) {
        unsigned n = 0;
        while (n < ARRAY_COUNT(same) && strcmp(figures_get(&j->figures, k, same[n]),
                                               figures_get(&j->figures, i, same[n])) == 0)
            n++;
        if (n == ARRAY_COUNT(same) && is_in_table(j, k) &&
            strcmp(figures_get(&j->figures, k, "metric"),
                   figures_get(&j->figures, i, "metric")) != 0)
            return true;
    }
    return false;
}

static struct reproduce_what what_of(const struct joining *j, size_t i)
{
    return (struct reproduce_what){figures_get(&j->figures, i, "test"),
                                   figures_get(&j->figures, i, "parameter"),
                                   figures_get(&j->figures, i, "benchmark")};
}

static const json_t *run_of(const struct joining *j, const char *row)
{
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(j->runs, "runs"), i, run) {
        const char *name = json_string_value(json_object_get(run, "row"));
        const char *machine = json_string_value(json_object_get(run, "machine"));
        if (name && machine && strcmp(name, row) == 0 && strcmp(machine, j->machine) == 0)
            return run;
    }
    return NULL;
}

/* --- a line of the table ---------------------------------------------------------------------- */

/* What a result comes to in the figure's unit; false: it has no such unit. */
static bool in_unit(const json_t *result, double hz, const char *unit, double *value)
{
    double cycles = json_number_value(json_object_get(result, "cycles"));
    double bytes = json_number_value(json_object_get(result, "bytes"));
    if (strcmp(unit, "cycles") == 0)
        *value = cycles;
    else if (strcmp(unit, "us") == 0 && hz > 0)
        *value = cycles * 1e6 / hz;
    else if (strcmp(unit, "MB/s") == 0 && cycles > 0 && bytes > 0)
        *value = bytes * hz / cycles / 1e6;
    else
        return false;
    return true;
}

static void put_number(json_t *line, const char *key, double value)
{
    json_object_set_new(line, key, json_real(value));
}

static void put_text(json_t *line, const char *key, const char *text)
{
    json_object_set_new(line, key, json_string(text));
}

PRINTF(2, 3) static void put_status(json_t *line, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    json_object_set_new(line, "status", json_vsprintf(fmt, list));
    va_end(list);
}

/* The run that a row's results are in; NULL: there is none, and the line's status says why. */
static const json_t *run_for(const struct joining *j, const struct reproduce_row *row, json_t *line)
{
    const json_t *run = run_of(j, row->name);
    const char *failed = json_string_value(json_object_get(run, "failed"));
    if (row->missing || j->no_machine)
        put_status(line, "%s", row->missing ? row->missing : j->no_machine);
    else if (!run)
        put_status(line, "not measured: no run of row %s", row->name);
    else if (failed)
        put_status(line, "not measured: %s", failed);
    else
        return run;
    return NULL;
}

/* What a line of the table has a number of. */
struct wanted {
    const struct reproduce_row *row;
    const char *result, *per; /* lines of guest_lines_find; divided by per, if that is not NULL */
    const char *unit;
};

/* Puts what was measured, or why nothing was. */
static void put_measured(const struct joining *j, json_t *line, const struct wanted *w)
{
    const json_t *run = run_for(j, w->row, line), *results = json_object_get(run, "results");
    if (!run)
        return;
    const json_t *result = guest_lines_find(results, w->result);
    const json_t *per = w->per ? guest_lines_find(results, w->per) : NULL;
    double value, hz = json_number_value(json_object_get(run, "hz"));
    if (!result || (w->per && !per)) {
        put_status(line, "not measured: no line '%s'", result ? w->per : w->result);
    } else if (json_is_true(json_object_get(result, "skipped"))) {
        put_status(line, "not measured: the guest has not the memory for it");
    } else if (!in_unit(result, hz, per ? "cycles" : w->unit, &value)) {
        put_status(line, "not measured: no such unit");
    } else {
        value /= per ? json_number_value(json_object_get(per, "cycles")) : 1;
        put_number(line, "simulated", value);
        if (json_object_get(result, "call")) {
            json_object_set(line, "call", json_object_get(result, "call"));
            json_object_set(line, "calls", json_object_get(result, "calls"));
        }
        put_status(line, "measured");
    }
}

static void put_error(json_t *line)
{
    double low = json_number_value(json_object_get(line, "published"));
    double high = json_number_value(json_object_get(line, "published_high"));
    double s = json_number_value(json_object_get(line, "simulated"));
    if (s <= 0 || low <= 0) /* nothing left of a difference is no error */
        return;
    high = high > 0 ? high : low;
    double nearest = s < low ? low : s > high ? high : s;
    put_number(line, "error", (s - nearest) * 100 / nearest);
}

static json_t *new_line(const char *test, const struct reproduce_row *row, const char *system,
                        const char *unit)
{
    json_t *line = json_object();
    put_text(line, "test", test);
    put_text(line, "system", system ? system : row->title);
    put_text(line, "row", row->name);
    put_text(line, "unit", unit);
    return line;
}

/* --- tests, and the systems under each -------------------------------------------------------- */

/* The line of the file that has this system's figure for the test of line i; rows: none. */
static size_t figure_of(const struct joining *j, size_t i, const char *system)
{
    for (size_t k = 0; system && k < j->figures.rows; k++)
        if (is_in_table(j, k) && same_what(j, k, i) &&
            strcmp(figures_get(&j->figures, k, "system"), system) == 0)
            return k;
    return j->figures.rows;
}

/* "context switch, 2 procs x 16k": what the file calls it. */
static void name_test(const struct joining *j, size_t i, char *name, size_t size)
{
    const struct reproduce_what what = what_of(j, i);
    const char *metric = is_one_of_metrics(j, i) ? figures_get(&j->figures, i, "metric") : "";
    snprintf(name, size, "%s%s%s%s%s", what.test, *what.parameter ? ", " : "", what.parameter,
             *metric ? ", " : "", metric);
}

static void add_system(struct joining *j, json_t *group, size_t i,
                       const struct reproduce_system *s)
{
    const struct reproduce_row *row = reproduce_row(s->row);
    const struct reproduce_what what = what_of(j, i);
    const struct reproduce_source source = reproduce_source(&what);
    const struct wanted wanted = {row, source.line, NULL, figures_get(&j->figures, i, "unit")};
    size_t k = figure_of(j, i, s->figures);
    bool has = k < j->figures.rows;
    char test[160];
    if (!has && (s->figures || row->stack == STACK_MEASURE || !source.program))
        return;
    name_test(j, i, test, sizeof test);
    json_t *line = new_line(test, row, s->figures, wanted.unit);
    if (has)
        put_number(line, "published", strtod(figures_get(&j->figures, k, "value"), NULL));
    if (source.program)
        put_measured(j, line, &wanted);
    else
        put_status(line, "%s", source.missing);
    put_error(line);
    /* A row that nobody published is shown where it has something to show. */
    if (has || json_object_get(line, "simulated"))
        json_array_append(group, line);
    json_decref(line);
}

/* More is faster. */
static bool is_rate(const char *unit) { return strchr(unit, '/') != NULL; }

static double ratio_of(const json_t *line, const json_t *native, const char *key)
{
    double value = json_number_value(json_object_get(line, key));
    double of_native = json_number_value(json_object_get(native, key));
    if (value <= 0 || of_native <= 0)
        return 0;
    return is_rate(json_string_value(json_object_get(line, "unit"))) ? of_native / value
                                                                     : value / of_native;
}

static void put_ratio(json_t *line, const json_t *native, const char *key, const char *of)
{
    double ratio = ratio_of(line, native, of);
    if (ratio > 0)
        put_number(line, key, ratio);
}

static void add_group(struct joining *j, json_t *group)
{
    size_t i;
    json_t *line, *native = NULL;
    json_array_foreach(group, i, line)
        if (strcmp(json_string_value(json_object_get(line, "row")), "native") == 0)
            native = line;
    json_array_foreach(group, i, line) {
        if (native) {
            put_ratio(line, native, "published_ratio", "published");
            put_ratio(line, native, "simulated_ratio", "simulated");
        }
        json_array_append(j->lines, line);
    }
    json_decref(group);
}

/* A figure in cycles of our own kernel's, in the unit of the group that it joins. */
static void add_l4(struct joining *j, json_t *group, size_t i)
{
    const struct reproduce_row *row = reproduce_row("l4");
    const char *low = figures_get(&j->l4, i, "published"), *high = figures_get(&j->l4, i, "high");
    const char *per = figures_get(&j->l4, i, "per"), *test = figures_get(&j->l4, i, "operation");
    const json_t *first = json_array_get(group, 0);
    struct wanted wanted = {row, figures_get(&j->l4, i, "measured"), *per ? per : NULL,
                            *per ? "times" : "cycles"};
    double hz = json_number_value(json_object_get(run_of(j, "l4"), "hz")), scale = 1;
    if (first && strcmp(json_string_value(json_object_get(first, "unit")), "us") == 0 && hz > 0) {
        wanted.unit = "us";
        scale = 1e6 / hz;
    }
    json_t *line = new_line(test + strspn(test, " "), row, NULL, wanted.unit);
    if (*low)
        put_number(line, "published", strtod(low, NULL) * scale);
    if (*high)
        put_number(line, "published_high", strtod(high, NULL) * scale);
    put_measured(j, line, &wanted);
    put_error(line);
    json_array_append_new(group, line);
}

static bool has_test(const struct joining *j, const char *test)
{
    for (size_t i = 0; i < j->figures.rows; i++)
        if (is_in_table(j, i) && strcmp(figures_get(&j->figures, i, "test"), test) == 0)
            return true;
    return false;
}

static void add_tests(struct joining *j)
{
    for (size_t i = 0; i < j->figures.rows; i++) {
        if (!is_in_table(j, i) || !is_first(j, i))
            continue;
        json_t *group = json_array();
        for (const struct reproduce_system *s = j->table->systems; s->row; s++)
            add_system(j, group, i, s);
        for (size_t k = 0; k < j->l4.rows; k++)
            if (is_in_l4(j, k) && strcmp(figures_get(&j->l4, k, "operation"),
                                         figures_get(&j->figures, i, "test")) == 0)
                add_l4(j, group, k);
        add_group(j, group);
    }
    for (size_t k = 0; k < j->l4.rows; k++) {
        if (!is_in_l4(j, k) || has_test(j, figures_get(&j->l4, k, "operation")))
            continue;
        json_t *group = json_array();
        add_l4(j, group, k);
        add_group(j, group);
    }
}

/* Why nothing was measured, if that is one reason; NULL: it is not. */
static const char *status_of(const json_t *lines)
{
    size_t i;
    json_t *line;
    const char *first = NULL;
    json_array_foreach(lines, i, line) {
        const char *status = json_string_value(json_object_get(line, "status"));
        if (strcmp(status, "measured") == 0 || (first && strcmp(status, first) != 0))
            return NULL;
        first = status;
    }
    return first;
}

const char *reproduce_stand_in(const json_t *line)
{
    const struct reproduce_row *row =
        reproduce_row(json_string_value(json_object_get(line, "row")));
    const char *system = json_string_value(json_object_get(line, "system"));
    bool other = row && row->stack == STACK_L4 && strcmp(row->title, system) != 0;
    return other && json_object_get(line, "simulated") ? row->title : NULL;
}

static const char *hardware_of(const struct joining *j)
{
    for (size_t i = 0; i < j->figures.rows; i++)
        if (is_in_table(j, i))
            return figures_get(&j->figures, i, "hardware");
    return "";
}

json_t *reproduce_join(const struct reproduce_table *t, const char *folder, const json_t *runs,
                       const char *machine, const char *no_machine)
{
    struct joining j = {.table = t, .runs = runs, .machine = machine ? machine : t->machine,
                        .no_machine = no_machine, .lines = json_array()};
    json_t *o = json_object();
    open_figures(&j, folder);
    add_tests(&j);
    put_text(o, "paper", t->paper);
    put_text(o, "table", t->name);
    put_text(o, "title", t->title);
    put_text(o, "source", t->source);
    put_text(o, "hardware", hardware_of(&j));
    put_text(o, "published_on", t->machine);
    put_text(o, "machine", j.machine);
    if (t->version)
        put_text(o, "published_linux", t->version);
    if (status_of(j.lines))
        put_text(o, "status", status_of(j.lines));
    json_object_set_new(o, "lines", j.lines);
    close_figures(&j);
    return o;
}

static bool boots_linux(const struct reproduce_row *row)
{
    return row->stack == STACK_NATIVE || row->stack == STACK_BARE || row->stack == STACK_L4;
}

void reproduce_wants(const struct reproduce_table *t, const char *folder,
                     void (*want)(void *owner, const char *row, const char *program,
                                  const char *line), void *owner)
{
    struct joining j = {.table = t};
    open_figures(&j, folder);
    for (size_t i = 0; i < j.figures.rows; i++) {
        if (!is_in_table(&j, i) || !is_first(&j, i))
            continue;
        const struct reproduce_what what = what_of(&j, i);
        const struct reproduce_source source = reproduce_source(&what);
        for (const struct reproduce_system *s = t->systems; s->row && source.program; s++)
            if (boots_linux(reproduce_row(s->row)))
                want(owner, s->row, source.program, source.line);
    }
    if (t->l4_source)
        want(owner, "l4", "measure", "");
    close_figures(&j);
}
