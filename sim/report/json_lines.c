#include "sim/report/json_lines.h"

#include "sim/core/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX 480  /* characters of what may stand on one line */
#define HEIGHT_MAX 2  /* and how deep it may be */

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

static void print_key(const char *key, FILE *out)
{
    json_t *text = json_string(key);
    json_dumpf(text, out, JSON_ENCODE_ANY);
    json_decref(text);
    fputs(": ", out);
}

static void print(const json_t *value, unsigned depth, FILE *out)
{
    size_t i, count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    const char *key;
    json_t *v;
    if (!is_many(count) && height(value, HEIGHT_MAX) <= HEIGHT_MAX) {
        char *line = json_dumps(value, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
        CHECK(line != NULL);
        bool fits = strlen(line) <= LINE_MAX || count == 0;
        if (fits)
            fputs(line, out);
        free(line);
        if (fits)
            return;
    }
    fputc(json_is_array(value) ? '[' : '{', out);
    json_array_foreach(value, i, v) {
        fprintf(out, "%s\n%*s", i ? "," : "", (int)depth + 1, "");
        print(v, depth + 1, out);
    }
    i = 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, v) {
        fprintf(out, "%s\n%*s", i++ ? "," : "", (int)depth + 1, "");
        print_key(key, out);
        print(v, depth + 1, out);
    }
    fprintf(out, "\n%*s%c", (int)depth, "", json_is_array(value) ? ']' : '}');
}

void json_lines_print(const json_t *value, FILE *out)
{
    print(value, 0, out);
    fputc('\n', out);
}

bool json_lines_write(const json_t *value, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    json_lines_print(value, f);
    bool good = !ferror(f);
    int error = errno;
    if (fclose(f) == 0)
        return good;
    errno = good ? errno : error;
    return false;
}
