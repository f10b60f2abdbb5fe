#include "sim/report/json_lines.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX 480  /* characters of what may stand on one line */
#define HEIGHT_MAX 2  /* and how deep it may be */
#define DOCUMENT_MAX ((size_t)1 << 30)
#define BUFFER_BYTES (1u << 18)

/* Too many for a line: each takes a digit, a comma and a blank. */
static bool is_many(size_t count) { return 3 * count > LINE_MAX; }

/* 0: a scalar; at most `most` + 1. */
static int height(const json_t *value, int most)
{
    int deepest = -1, n;
    size_t i;
    const char *key;
    json_t *v;
    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    if (most == 0)
        return 1;
    json_array_foreach(value, i, v)
        deepest = (n = height(v, most - 1)) > deepest ? n : deepest;
    json_object_foreach((json_t *)(uintptr_t)value, key, v)
        deepest = (n = height(v, most - 1)) > deepest ? n : deepest;
    return deepest < 0 ? 0 : deepest + 1;
}

/* --- one line --------------------------------------------------------------------------------- */

/* As jansson writes it, which takes several times as long: it looks for cycles, and asks printf for
 * each number. */
struct line {
    char text[LINE_MAX];
    size_t length;
    const json_t *never; /* NULL, or what has no room on any */
};

/* This and those below: false if there is no room. */
static bool put(struct line *l, const char *text, size_t length)
{
    if (length > LINE_MAX - l->length)
        return false;
    memcpy(l->text + l->length, text, length);
    l->length += length;
    return true;
}

/* What is rare is left to jansson. */
static bool put_other(struct line *l, const json_t *value)
{
    size_t room = LINE_MAX - l->length;
    size_t length = json_dumpb(value, l->text + l->length, room, JSON_ENCODE_ANY);
    l->length += length <= room ? length : 0;
    return length <= room;
}

static bool put_integer(struct line *l, json_int_t n)
{
    char digits[24], *first = digits + sizeof digits;
    uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        *--first = (char)('0' + rest % 10);
    while (rest /= 10);
    if (n < 0)
        *--first = '-';
    return put(l, first, (size_t)(digits + sizeof digits - first));
}

static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

static bool put_string(struct line *l, const char *text, size_t length)
{
    if (is_plain(text, length))
        return put(l, "\"", 1) && put(l, text, length) && put(l, "\"", 1);
    json_t *string = json_stringn(text, length);
    bool fits = put_other(l, string);
    json_decref(string);
    return fits;
}

static bool put_value(struct line *l, const json_t *value);

static bool put_array(struct line *l, const json_t *array)
{
    size_t i;
    json_t *v;
    bool fits = array != l->never && put(l, "[", 1);
    json_array_foreach(array, i, v)
        fits = fits && (i == 0 || put(l, ", ", 2)) && put_value(l, v);
    return fits && put(l, "]", 1);
}

static bool put_object(struct line *l, const json_t *object)
{
    const char *key, *between = "";
    json_t *v;
    bool fits = put(l, "{", 1);
    json_object_foreach((json_t *)(uintptr_t)object, key, v) {
        fits = fits && put(l, between, strlen(between)) && put_string(l, key, strlen(key)) &&
               put(l, ": ", 2) && put_value(l, v);
        between = ", ";
    }
    return fits && put(l, "}", 1);
}

static bool put_value(struct line *l, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return put_object(l, value);
    case JSON_ARRAY: return put_array(l, value);
    case JSON_STRING: return put_string(l, json_string_value(value), json_string_length(value));
    case JSON_INTEGER: return put_integer(l, json_integer_value(value));
    default: return put_other(l, value);
    }
}

static void print_line(const struct line *l, FILE *out) { fwrite(l->text, 1, l->length, out); }

/* --- several ---------------------------------------------------------------------------------- */

static void print_scalar(const json_t *value, FILE *out)
{
    struct line l;
    l.length = 0;
    l.never = NULL;
    if (put_value(&l, value))
        print_line(&l, out);
    else
        CHECK(json_dumpf(value, out, JSON_ENCODE_ANY) == 0);
}

static void print_key(const char *key, FILE *out)
{
    json_t *text = json_string(key);
    print_scalar(text, out);
    json_decref(text);
    fputs(": ", out);
}

static bool print_flat(const json_t *value, const struct json_rows *rows, FILE *out)
{
    struct line l;
    l.length = 0;
    l.never = rows ? rows->array : NULL;
    bool fits = height(value, HEIGHT_MAX) <= HEIGHT_MAX && put_value(&l, value);
    if (fits)
        print_line(&l, out);
    return fits;
}

/* Where the next value begins. */
static void begin_line(bool first, unsigned depth, FILE *out)
{
    static const char blanks[] = "                ";
    fputs(first ? "\n" : ",\n", out);
    for (unsigned n = 0; n < depth; n += sizeof blanks - 1)
        fwrite(blanks, 1, depth - n < sizeof blanks - 1 ? depth - n : sizeof blanks - 1, out);
}

static void print(const json_t *value, const struct json_rows *rows, unsigned depth, FILE *out);

static void print_rows(const struct json_rows *rows, unsigned depth, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < rows->count; i++) {
        json_t *row = rows->row(rows->owner, i);
        begin_line(i == 0, depth + 1, out);
        print(row, NULL, depth + 1, out);
        json_decref(row);
    }
    begin_line(true, depth, out);
    fputc(']', out);
}

static void print(const json_t *value, const struct json_rows *rows, unsigned depth, FILE *out)
{
    size_t i, count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    const char *key;
    json_t *v;
    if (UNLIKELY(rows && value == rows->array) && rows->count) {
        print_rows(rows, depth, out);
        return;
    }
    if (count == 0) {
        print_scalar(value, out);
        return;
    }
    if (!is_many(count) && print_flat(value, rows, out))
        return;
    fputc(json_is_array(value) ? '[' : '{', out);
    json_array_foreach(value, i, v) {
        begin_line(i == 0, depth + 1, out);
        print(v, rows, depth + 1, out);
    }
    i = 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, v) {
        begin_line(i++ == 0, depth + 1, out);
        print_key(key, out);
        print(v, rows, depth + 1, out);
    }
    begin_line(true, depth, out);
    fputc(json_is_array(value) ? ']' : '}', out);
}

static void print_document(const json_t *value, const struct json_rows *rows, FILE *out)
{
    print(value, rows, 0, out);
    fputc('\n', out);
}

json_t *json_lines_read(const char *option, const char *path, const char *accepted)
{
    json_error_t error;
    size_t size;
    char *text = file_read(option, path, DOCUMENT_MAX, &size);
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        usage_error("%s%s: %s (line %d); accepted is %s", option, path, error.text, error.line,
                    accepted);
    free(text);
    return document;
}

void json_lines_print(const json_t *value, FILE *out) { print_document(value, NULL, out); }

bool json_lines_write(const json_t *value, const struct json_rows *rows, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    setvbuf(f, NULL, _IOFBF, BUFFER_BYTES);
    print_document(value, rows, f);
    bool good = !ferror(f);
    int error = errno;
    if (fclose(f) == 0)
        return good;
    errno = good ? errno : error;
    return false;
}
