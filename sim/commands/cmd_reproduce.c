/* reproduce: measures again what was published of microkernels and Linux, and prints both. */
#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/commands/reproduce_progress.h"
#include "sim/commands/reproduce_run.h"
#include "sim/core/check.h"
#include "sim/report/json_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 32
#define TABLES_MAX 64
#define FIGURES_FOLDER "figures" /* beside the command */

static const struct option_spec specs[] = {
    {"list", NULL, "the papers and tables there are, and which rows can be measured", 'L'},
    {"format", "text|json|csv|html", "how to print them (default text); html is one page", 'f'},
    {"out", "FILE", "where to; default: the standard output", 'o'},
    {"save", "FILE", "write what was measured as JSON, for --from", 's'},
    {"from", "FILE", "print what --save or --format json wrote; measure nothing", 'F'},
    {"machine", "NAME", "measure on this machine, whatever a table was published of", 'm'},
    {"rows", "LIST", "measure only these rows, as a list with commas; --list has them", 'r'},
    {"guests", "FOLDER", "the source tree's folder `guests`, whose `images` builds the guests; "
                         "default: looked for above the command and the working folder", 'g'},
    {"quiet", NULL, "no progress on stderr", 'q'},
    {"help", NULL, "this text", 'h'},
};

struct reproduce {
    const struct reproduce_table *table[TABLES_MAX];
    unsigned tables;
    struct reproduce_job job[JOBS_MAX];
    unsigned jobs;
    const char *machine, *format, *out, *save, *from, *guests, *rows;
    const char *on; /* the machine of the table whose wants are being gathered */
    struct reproduce_place place;
    char figures[4200];
    json_t *runs;
};

static void help(void)
{
    puts("usage: isochron reproduce [OPTIONS] PAPER [TABLE...] | all\n\n"
         "Boots native Linux, Linux on the L4 kernel and the kernel's own measuring programs as\n"
         "the tables need them, measures, and prints published and simulated figures, the error,\n"
         "and ratios to native Linux, above 1 for slower. A line that cannot be measured says\n"
         "why. What is measured is exact, and the same each time; guest images are built when\n"
         "first needed.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexamples:\n"
         "  isochron reproduce sosp97 table2\n"
         "  isochron reproduce sosp97 figure5 table5\n"
         "  isochron reproduce all --format html --out reproduce.html --save measured.json\n"
         "  isochron reproduce sosp97 --from measured.json --format csv\n"
         "  isochron reproduce thesis2007 table5.1 --machine p133");
}

/* Why a machine cannot be measured on; NULL: it can. */
static const char *no_machine(const char *name, char why[128])
{
    for (unsigned i = 0; machines[i]; i++) {
        const struct machine_config *m = machines[i];
        if (strcmp(m->name, name) != 0)
            continue;
        for (unsigned k = 0; m->models[k]; k++)
            if (strcmp(m->models[k], m->model) == 0 && strcmp(m->model, "flat") != 0)
                return NULL;
        snprintf(why, 128, "not built: machine %s has no timing model", name);
        return why;
    }
    snprintf(why, 128, "not built: there is no machine %s", name);
    return why;
}

static void list(void)
{
    char why[128];
    for (const struct reproduce_table *t = reproduce_tables; t->name; t++) {
        const char *missing = no_machine(t->machine, why);
        printf("%-10s %-11s %-44s %s%s%s\n", t->paper, t->name, t->title, t->machine,
               missing ? ": " : "", missing ? missing : "");
    }
    puts("\nrows:");
    for (const struct reproduce_row *r = reproduce_rows; r->name; r++)
        printf(r->missing ? "  %-20s %-36s %s\n" : "  %-20s %s\n", r->name, r->title, r->missing);
}

/* --- what is asked for ------------------------------------------------------------------------ */

static unsigned add_tables(struct reproduce *r, const char *paper, const char *name)
{
    unsigned found = 0;
    for (const struct reproduce_table *t = reproduce_tables; t->name; t++) {
        if ((paper && strcmp(t->paper, paper) != 0) || (name && strcmp(t->name, name) != 0))
            continue;
        CHECK(r->tables < TABLES_MAX);
        r->table[r->tables++] = t;
        found++;
    }
    return found;
}

static bool is_paper(const char *word)
{
    for (const struct reproduce_table *t = reproduce_tables; t->name; t++)
        if (strcmp(t->paper, word) == 0)
            return true;
    return false;
}

/* A paper stands for all its tables, unless names of tables follow it. */
static void take_words(struct reproduce *r, const char **word, unsigned count)
{
    const char *paper = NULL;
    for (unsigned i = 0; i < count; i++) {
        bool last = i + 1 == count || is_paper(word[i + 1]) || strcmp(word[i + 1], "all") == 0;
        if (strcmp(word[i], "all") == 0) {
            add_tables(r, NULL, NULL);
        } else if (is_paper(word[i])) {
            paper = word[i];
            if (last)
                add_tables(r, paper, NULL);
        } else if (!paper || !add_tables(r, paper, word[i])) {
            usage_error("reproduce: no table '%s'%s%s; `isochron reproduce --list` has them",
                        word[i], paper ? " of " : "", paper ? paper : "");
        }
    }
    if (r->tables == 0)
        usage_error("reproduce: which table? `isochron reproduce --list` has them");
}

/* Whether a name stands in a list with commas. */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || !p[n]))
            return true;
    return false;
}

static void check_rows(const char *list)
{
    char name[64];
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(p, ","), p);
        const struct reproduce_row *row = reproduce_row(name);
        if (!row || row->missing)
            usage_error("reproduce: --rows %s: '%s' is %s; `isochron reproduce --list` has the "
                        "rows", list, name, row ? row->missing : "no row");
    }
}

/* --- what must be run ------------------------------------------------------------------------- */

static struct reproduce_job *job_of(struct reproduce *r, const char *row)
{
    for (unsigned i = 0; i < r->jobs; i++)
        if (strcmp(r->job[i].row->name, row) == 0 && strcmp(r->job[i].machine, r->on) == 0)
            return &r->job[i];
    CHECK(r->jobs < JOBS_MAX);
    struct reproduce_job *job = &r->job[r->jobs++];
    *job = (struct reproduce_job){.row = reproduce_row(row), .machine = r->on,
                                  .lines = json_array()};
    return job;
}

static void add_number(unsigned *list, unsigned *count, unsigned number)
{
    for (unsigned i = 0; i < *count; i++)
        if (list[i] == number)
            return;
    CHECK(*count < REPRODUCE_CELLS_MAX);
    list[(*count)++] = number;
}

static void want(void *owner, const char *row, const char *program, const char *line)
{
    struct reproduce *r = owner;
    unsigned i = 0, processes, kilobytes;
    if (r->rows && !is_listed(r->rows, row))
        return;
    struct reproduce_job *job = job_of(r, row);
    while (i < job->programs && strcmp(job->program[i], program) != 0)
        i++;
    if (i == job->programs) {
        CHECK(i < REPRODUCE_PROGRAMS_MAX);
        job->program[job->programs++] = program;
    }
    if (sscanf(line, "ctx processes=%u kb=%u", &processes, &kilobytes) == 2) {
        add_number(job->processes, &job->process_counts, processes);
        add_number(job->kilobytes, &job->kilobyte_counts, kilobytes);
    }
    /* Which phases a call has depends on the row: they are checked where they are told apart. */
    if (*line && strncmp(line, "phase ", 6) != 0)
        json_array_append_new(job->lines, json_string(line));
}

/* After each row: what was measured stays, should a later one fail. */
static void save(const struct reproduce *r)
{
    if (r->save && !json_lines_write(r->runs, NULL, r->save))
        usage_error("reproduce: --save %s: %s", r->save, strerror(errno));
}

static void measure(struct reproduce *r)
{
    char why[128];
    struct reproduce_progress progress;
    json_t *list = json_array();
    for (unsigned i = 0; i < r->tables; i++) {
        r->on = r->machine ? r->machine : r->table[i]->machine;
        if (!no_machine(r->on, why))
            reproduce_wants(r->table[i], r->figures, want, r);
    }
    r->runs = json_pack("{s:s, s:o}", "schema", REPRODUCE_SCHEMA, "runs", list);
    save(r);
    reproduce_progress_start(&progress, r->place.quiet, r->job, r->jobs);
    for (unsigned i = 0; i < r->jobs; i++) {
        json_array_append_new(list, reproduce_run(&r->place, &r->job[i], &progress));
        json_decref(r->job[i].lines);
        save(r);
    }
}

/* --- what was saved --------------------------------------------------------------------------- */

static bool is_run(const json_t *run)
{
    size_t i;
    json_t *result;
    const json_t *results = json_object_get(run, "results");
    if (!json_is_string(json_object_get(run, "row")) || !json_is_array(results) ||
        !json_is_string(json_object_get(run, "machine")) ||
        json_number_value(json_object_get(run, "hz")) <= 0)
        return false;
    json_array_foreach(results, i, result)
        if (!json_is_string(json_object_get(result, "name")) ||
            !(json_is_number(json_object_get(result, "cycles")) ||
              json_is_true(json_object_get(result, "skipped"))))
            return false;
    return true;
}

static void load(struct reproduce *r)
{
    size_t i;
    json_t *run;
    r->runs = json_lines_read("reproduce: --from ", r->from, "what --save writes");
    const char *schema = json_string_value(json_object_get(r->runs, "schema"));
    const json_t *list = json_object_get(r->runs, "runs");
    if (!schema || strcmp(schema, REPRODUCE_SCHEMA) != 0 || !json_is_array(list))
        usage_error("reproduce: --from %s: accepted is what --save or --format json wrote (%s)",
                    r->from, REPRODUCE_SCHEMA);
    json_array_foreach(list, i, run)
        if (!is_run(run))
            usage_error("reproduce: --from %s: run %zu is no {row, machine, hz, results}", r->from,
                        i);
}

/* --- what is printed -------------------------------------------------------------------------- */

static json_t *join(const struct reproduce *r)
{
    json_t *tables = json_array();
    char why[128];
    for (unsigned i = 0; i < r->tables; i++) {
        const struct reproduce_table *t = r->table[i];
        const char *on = r->machine ? r->machine : t->machine;
        json_array_append_new(tables,
                              reproduce_join(t, r->figures, r->runs, on, no_machine(on, why)));
    }
    return tables;
}

static void print_tables(const struct reproduce *r, unsigned format, json_t *tables, FILE *out)
{
    size_t i;
    json_t *table;
    switch (format) {
    case 0:
        json_array_foreach(tables, i, table)
            reproduce_print(table, out);
        break;
    case 1:
        json_object_set(r->runs, "tables", tables);
        json_lines_print(r->runs, out);
        break;
    case 2:
        reproduce_csv_head(out);
        json_array_foreach(tables, i, table)
            reproduce_csv(table, out);
        break;
    default:
        reproduce_html(tables, out);
        break;
    }
}

static void print(const struct reproduce *r)
{
    static const char *const formats[] = {"text", "json", "csv", "html", NULL};
    unsigned format = r->format ? option_accepts("format", r->format, formats) : 0;
    json_t *tables = join(r);
    FILE *out = r->out ? fopen(r->out, "w") : stdout;
    if (!out)
        usage_error("reproduce: --out %s: %s", r->out, strerror(errno));
    print_tables(r, format, tables, out);
    bool bad = fflush(out) != 0 || ferror(out);
    if ((r->out && fclose(out) != 0) || bad)
        usage_error("reproduce: %s: %s", r->out ? r->out : "the standard output", strerror(errno));
    json_decref(tables);
}

static void parse(struct reproduce *r, int argc, char **argv)
{
    struct options o = OPTIONS("reproduce", specs, argc, argv);
    const char *value, *word[TABLES_MAX];
    unsigned words = 0;
    for (int c; (c = options_next(&o, &value));) {
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 'L': list(); exit(EXIT_DONE);
        case 'f': r->format = value; break;
        case 'o': r->out = value; break;
        case 's': r->save = value; break;
        case 'F': r->from = value; break;
        case 'm': r->machine = value; break;
        case 'g': r->guests = value; break;
        case 'r': check_rows(value); r->rows = value; break;
        case 'q': r->place.quiet = true; break;
        default:
            if (words == TABLES_MAX)
                usage_error("reproduce: more than %d words", TABLES_MAX);
            word[words++] = value;
        }
    }
    take_words(r, word, words);
    if (r->machine)
        free(machine_find(r->machine));
    if (r->from && r->save)
        usage_error("reproduce: --save with --from: nothing is measured");
}

int cmd_reproduce(int argc, char **argv)
{
    struct reproduce *r = xalloc(1, sizeof *r);
    parse(r, argc, argv);
    reproduce_place(&r->place, r->guests);
    snprintf(r->figures, sizeof r->figures, "%s/" FIGURES_FOLDER, r->place.build);
    if (r->from)
        load(r);
    else
        measure(r);
    print(r);
    json_decref(r->runs);
    free(r);
    return EXIT_DONE;
}
