/* reproduce_print: a joined table as text and as CSV. */
#include "sim/report/reproduce.h"

#include "sim/core/types.h"
#include "sim/report/ledger_json.h"

#include <string.h>

#define FIELD_SIZE 64

enum { COLUMN_TEST, COLUMN_SYSTEM, COLUMN_UNIT, COLUMN_NUMBERS, COLUMN_COUNT = 8 };

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

int reproduce_digits(double value)
{
    return value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : value > 0 ? 4 : 2;
}

static void format_number(const json_t *o, const char *key, char text[FIELD_SIZE])
{
    const json_t *v = json_object_get(o, key);
    double value = json_number_value(v);
    *text = 0;
    if (v)
        snprintf(text, FIELD_SIZE, "%.*f", reproduce_digits(value), value);
}

static void format_published(const json_t *line, char text[FIELD_SIZE])
{
    char high[FIELD_SIZE];
    format_number(line, "published", text);
    format_number(line, "published_high", high);
    if (*high)
        snprintf(text + strlen(text), FIELD_SIZE - strlen(text), "-%.30s", high);
}

static void format_error(const json_t *line, char text[FIELD_SIZE])
{
    const json_t *v = json_object_get(line, "error");
    *text = 0;
    if (v)
        snprintf(text, FIELD_SIZE, "%+.1f %%", json_number_value(v));
}

/* The fields of a line, in the order of the columns. */
static void format_line(const json_t *line, char field[COLUMN_COUNT][FIELD_SIZE])
{
    snprintf(field[COLUMN_TEST], FIELD_SIZE, "%s", text_of(line, "test"));
    snprintf(field[COLUMN_SYSTEM], FIELD_SIZE, "%s", text_of(line, "system"));
    snprintf(field[COLUMN_UNIT], FIELD_SIZE, "%s", text_of(line, "unit"));
    format_published(line, field[COLUMN_NUMBERS]);
    format_number(line, "simulated", field[COLUMN_NUMBERS + 1]);
    format_error(line, field[COLUMN_NUMBERS + 2]);
    format_number(line, "published_ratio", field[COLUMN_NUMBERS + 3]);
    format_number(line, "simulated_ratio", field[COLUMN_NUMBERS + 4]);
}

static void print_fields(char field[COLUMN_COUNT][FIELD_SIZE], const size_t width[COLUMN_COUNT],
                         const char *note, FILE *out)
{
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        fprintf(out, "%s%*s", c ? "  " : "  ", c < COLUMN_NUMBERS ? -(int)width[c] : (int)width[c],
                field[c]);
    fprintf(out, "%s%s\n", *note ? "  " : "", note);
}

/* The systems that something else stands for, each once. */
static void print_stand_ins(const json_t *lines, FILE *out)
{
    size_t i, k;
    json_t *line, *other;
    unsigned count = 0;
    json_array_foreach(lines, i, line) {
        const char *stands = reproduce_stand_in(line);
        json_array_foreach(lines, k, other)
            if (k < i && strcmp(text_of(other, "system"), text_of(line, "system")) == 0 &&
                reproduce_stand_in(other))
                stands = NULL;
        if (stands)
            fprintf(out, "%s%s: %s", count++ ? "; " : "  ", text_of(line, "system"), stands);
    }
    if (count)
        fputc('\n', out);
}

/* Whose phases these are, of each system once. */
static void print_calls(const json_t *lines, FILE *out)
{
    size_t i, k;
    json_t *line, *other;
    unsigned count = 0;
    json_array_foreach(lines, i, line) {
        const json_t *call = json_object_get(line, "call");
        json_array_foreach(lines, k, other)
            if (k < i && json_object_get(other, "call") &&
                strcmp(text_of(other, "system"), text_of(line, "system")) == 0)
                call = NULL;
        if (call)
            fprintf(out, "%s%s: call %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
                    count++ ? "; " : "  phases of the first call that costs the median: ",
                    text_of(line, "system"), json_integer_value(call),
                    json_integer_value(json_object_get(line, "calls")));
    }
    if (count)
        fputc('\n', out);
}

/* What a reader has to know beside the figures. */
static void print_notes(const json_t *table, FILE *out)
{
    const char *on = text_of(table, "published_on"), *machine = text_of(table, "machine");
    const char *version = text_of(table, "published_linux"), *status = text_of(table, "status");
    if (*status) {
        fprintf(out, "  %s\n", status);
        return;
    }
    if (strcmp(on, machine) != 0)
        fprintf(out, "  simulated on %s, which is not the machine it was published of (%s): the "
                     "ratios compare, the rest does not\n", machine, on);
    if (*version)
        fprintf(out, "  Linux %s was published, " REPRODUCE_LINUX " is simulated; it boots on "
                     "flat, and is measured on the model of %s\n", version, machine);
    print_stand_ins(json_object_get(table, "lines"), out);
    print_calls(json_object_get(table, "lines"), out);
}

void reproduce_print(const json_t *table, FILE *out)
{
    static const char *const names[COLUMN_COUNT] = {
        "test", "system", "unit", "published", "simulated", "error", "published x", "simulated x"};
    char field[COLUMN_COUNT][FIELD_SIZE];
    size_t width[COLUMN_COUNT], i;
    json_t *line;
    const json_t *lines = json_object_get(table, "lines");
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        width[c] = strlen(names[c]);
    json_array_foreach(lines, i, line) {
        format_line(line, field);
        for (unsigned c = 0; c < COLUMN_COUNT; c++)
            width[c] = strlen(field[c]) > width[c] ? strlen(field[c]) : width[c];
    }
    fprintf(out, "%s %s: %s [%s]\n", text_of(table, "paper"), text_of(table, "table"),
            text_of(table, "title"), text_of(table, "source"));
    print_notes(table, out);
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        snprintf(field[c], FIELD_SIZE, "%s", names[c]);
    print_fields(field, width, "", out);
    const char *last = "";
    json_array_foreach(lines, i, line) {
        const char *status = text_of(line, "status"), *test = text_of(line, "test");
        format_line(line, field);
        if (i && strcmp(test, last) == 0)
            *field[COLUMN_TEST] = 0;
        last = test;
        bool said = strcmp(status, "measured") == 0 ||
                    strcmp(status, text_of(table, "status")) == 0;
        print_fields(field, width, said ? "" : status, out);
    }
    fputc('\n', out);
}

/* --- CSV -------------------------------------------------------------------------------------- */

static const char *const csv_columns[] = {
    "paper", "table", "machine", "test", "system", "row", "unit", "published", "published_high",
    "simulated", "error", "published_ratio", "simulated_ratio", "status"};

void reproduce_csv_head(FILE *out)
{
    for (unsigned c = 0; c < ARRAY_COUNT(csv_columns); c++)
        fprintf(out, "%s%s", c ? "," : "", csv_columns[c]);
    fputc('\n', out);
}

void reproduce_csv(const json_t *table, FILE *out)
{
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(table, "lines"), i, line) {
        for (unsigned c = 0; c < ARRAY_COUNT(csv_columns); c++) {
            const json_t *v = json_object_get(c < 3 ? table : line, csv_columns[c]);
            if (c)
                fputc(',', out);
            if (json_is_number(v))
                fprintf(out, "%.6g", json_number_value(v));
            else if (v)
                csv_text(json_string_value(v), out);
        }
        fputc('\n', out);
    }
}
