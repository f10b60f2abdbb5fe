#include "sim/report/guest_lines.h"

#include "sim/core/types.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 256
#define WORD_SIZE 64

struct reader {
    json_t *results;
    char *wrong;
    size_t wrong_size;
    unsigned number;         /* of the line, from 1 */
    char program[WORD_SIZE]; /* that has begun and not ended; "" if none */
    unsigned lines;          /* it has printed */
    bool strict, failed;
};

PRINTF(2, 3) static void fail(struct reader *r, const char *fmt, ...)
{
    va_list list;
    if (r->failed)
        return;
    r->failed = true;
    va_start(list, fmt);
    vsnprintf(r->wrong, r->wrong_size, fmt, list);
    va_end(list);
}

/* --- words ------------------------------------------------------------------------------------ */

/* The next word of *at without its blanks; false: there is none, or it is too long. */
static bool next_word(const char **at, char word[WORD_SIZE])
{
    const char *p = *at + strspn(*at, " ");
    size_t n = strcspn(p, " ");
    if (n == 0 || n >= WORD_SIZE)
        return false;
    memcpy(word, p, n);
    word[n] = 0;
    *at = p + n;
    return true;
}

static bool is_name(const char *word)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && !word[n];
}

/* Digits, and perhaps a point and digits; else a word. NULL: neither. */
static json_t *value_of(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    if (whole > 0 && whole <= 15 && !text[whole])
        return json_integer(strtoll(text, NULL, 10));
    if (whole > 0 && whole <= 15 && text[whole] == '.') {
        size_t part = strspn(text + whole + 1, "0123456789");
        if (part > 0 && part <= 6 && !text[whole + 1 + part])
            return json_real(strtod(text, NULL));
    }
    return is_name(text) ? json_string(text) : NULL;
}

/* KEY=VALUE ... into o; false: something else is there, or a key twice. */
static bool read_pairs(const char *at, json_t *o)
{
    char word[WORD_SIZE];
    while (at[strspn(at, " ")]) {
        if (!next_word(&at, word))
            return false;
        char *equals = strchr(word, '=');
        if (!equals)
            return false;
        *equals = 0;
        json_t *value = value_of(equals + 1);
        if (!value || !is_name(word) || json_object_get(o, word)) {
            json_decref(value);
            return false;
        }
        json_object_set_new(o, word, value);
    }
    return true;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* A result and another have the same name and parameters. */
static bool same(const json_t *a, const json_t *b)
{
    static const char *const measured[] = {"cycles", "min", "max", "n", "overhead", "sum"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value) {
        bool is_measured = false;
        for (unsigned i = 0; i < ARRAY_COUNT(measured); i++)
            is_measured |= strcmp(key, measured[i]) == 0;
        if (!is_measured && !json_equal(value, json_object_get(b, key)))
            return false;
    }
    return true;
}

static void add_result(struct reader *r, const char *line, json_t *o)
{
    size_t i;
    json_t *other;
    json_array_foreach(r->results, i, other)
        if (same(o, other) && same(other, o)) {
            fail(r, "line %u: '%s' comes twice", r->number, line);
            json_decref(o);
            return;
        }
    json_array_append_new(r->results, o);
    r->lines++;
}

static void read_result(struct reader *r, const char *line, const char *at, bool skipped)
{
    char name[WORD_SIZE];
    json_t *o = json_object();
    bool good = next_word(&at, name) && is_name(name);
    if (good)
        json_object_set_new(o, "name", json_string(name));
    good = good && read_pairs(at, o);
    if (skipped)
        json_object_set_new(o, "skipped", json_true());
    else
        good = good && json_is_number(json_object_get(o, "cycles"));
    if (good) {
        add_result(r, line, o);
        return;
    }
    fail(r, "line %u: '%s': accepted is NAME [KEY=VALUE ...] cycles=NUMBER ...", r->number, line);
    json_decref(o);
}

static void read_begin(struct reader *r, const char *line, const char *at)
{
    if (*r->program)
        fail(r, "line %u: '%s', but %s has not ended", r->number, line, r->program);
    if (!next_word(&at, r->program) || at[strspn(at, " ")])
        fail(r, "line %u: '%s': accepted is begin PROGRAM", r->number, line);
    r->lines = 0;
}

static void read_end(struct reader *r, const char *line, const char *at)
{
    char program[WORD_SIZE] = "";
    json_t *o = json_object();
    if (!next_word(&at, program) || !read_pairs(at, o) ||
        !json_is_integer(json_object_get(o, "lines")))
        fail(r, "line %u: '%s': accepted is end PROGRAM lines=N", r->number, line);
    else if (strcmp(program, r->program) != 0)
        fail(r, "line %u: '%s', but what has begun is '%s'", r->number, line, r->program);
    else if (json_integer_value(json_object_get(o, "lines")) != r->lines)
        fail(r, "line %u: '%s', but %u of them came", r->number, line, r->lines);
    *r->program = 0;
    json_decref(o);
}

/* What follows "PREFIX: ". */
static void read_line(struct reader *r, const char *line, const char *at)
{
    const char *rest = at;
    char word[WORD_SIZE] = "";
    bool first = next_word(&rest, word);
    if (r->strict && first && strcmp(word, "begin") == 0)
        read_begin(r, line, rest);
    else if (r->strict && first && strcmp(word, "end") == 0)
        read_end(r, line, rest);
    else if (r->strict && first && strcmp(word, "error") == 0)
        fail(r, "line %u: '%s'", r->number, line);
    else if (r->strict && first && strcmp(word, "skipped") == 0)
        read_result(r, line, rest, true);
    else if (r->strict || strstr(at, " cycles="))
        read_result(r, line, at, false);
}

bool guest_lines_parse(const char *text, const char *prefix, bool strict, json_t *results,
                       char *wrong, size_t size)
{
    struct reader r = {.results = results, .wrong = wrong, .wrong_size = size, .strict = strict};
    size_t length = strlen(prefix);
    for (const char *p = text, *next; *p && !r.failed; p = next) {
        char line[LINE_SIZE];
        size_t n = strcspn(p, "\n"), kept = n;
        next = p + n + (p[n] == '\n');
        r.number++;
        while (kept && p[kept - 1] == '\r')
            kept--;
        if (kept <= length || strncmp(p, prefix, length) != 0 || p[length] != ':')
            continue;
        if (kept >= sizeof line) {
            fail(&r, "line %u: a line of %zu characters", r.number, kept);
            continue;
        }
        memcpy(line, p, kept);
        line[kept] = 0;
        read_line(&r, line, line + length + 1);
    }
    if (*r.program)
        fail(&r, "%s did not end: its last line is missing", r.program);
    return !r.failed;
}

/* --- finding ---------------------------------------------------------------------------------- */

static bool has(const json_t *result, const char *at)
{
    char word[WORD_SIZE];
    const char *name = json_string_value(json_object_get(result, "name"));
    if (!next_word(&at, word) || !name || strcmp(name, word) != 0)
        return false;
    while (next_word(&at, word)) {
        char *equals = strchr(word, '=');
        if (!equals)
            return false;
        *equals = 0;
        json_t *wanted = value_of(equals + 1);
        bool equal = wanted && json_equal(wanted, json_object_get(result, word));
        json_decref(wanted);
        if (!equal)
            return false;
    }
    return true;
}

const json_t *guest_lines_find(const json_t *results, const char *wanted)
{
    size_t i;
    json_t *result;
    json_array_foreach(results, i, result)
        if (has(result, wanted))
            return result;
    return NULL;
}
