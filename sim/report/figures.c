#include "sim/report/figures.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

/* Ends the field at *at in place and goes behind what ends it; '"' in a quoted field is doubled. */
static char *take_field(char **at, bool *last)
{
    char *from = *at, *to = from, *begin = from;
    bool quoted = *from == '"';
    if (quoted) {
        from++;
        for (; *from && *from != '\n' && !(*from == '"' && from[1] != '"'); from++) {
            from += *from == '"';
            *to++ = *from;
        }
        if (*from != '"')
            return NULL;
        from++;
    } else {
        while (*from && *from != ',' && *from != '\n' && *from != '\r')
            *to++ = *from++;
    }
    if (*from == '\r')
        from++;
    if (*from && *from != ',' && *from != '\n')
        return NULL;
    *last = *from != ',';
    *at = from + (*from != 0);
    *to = 0;
    return begin;
}

/* One line into fields; how many, 0: they cannot be told apart. */
static unsigned take_line(char **at, const char *fields[COLUMNS_MAX])
{
    unsigned count = 0;
    for (bool last = false; !last;) {
        if (count == COLUMNS_MAX || !(fields[count++] = take_field(at, &last)))
            return 0;
    }
    return count;
}

void figures_read(struct figures *f, const char *path)
{
    const char *fields[COLUMNS_MAX];
    size_t capacity = 0, used = 0;
    memset(f, 0, sizeof *f);
    f->text = file_read_text("", path);
    unsigned line = 0;
    for (char *at = f->text; *at;) {
        line++;
        if (*at == '#' || *at == '\n') {
            at += strcspn(at, "\n");
            at += *at == '\n';
            continue;
        }
        unsigned count = take_line(&at, fields);
        if (count == 0 || (f->columns && count != f->columns))
            usage_error("%s:%u: %u fields; accepted are %u, with commas between them", path, line,
                        count, f->columns);
        f->columns = count;
        if (used + count > capacity) {
            capacity = capacity * 2 + 64 * COLUMNS_MAX;
            f->field = realloc(f->field, capacity * sizeof *f->field);
            CHECK(f->field != NULL);
        }
        memcpy(f->field + used, fields, count * sizeof *fields);
        used += count;
    }
    if (!f->columns)
        usage_error("%s: there is nothing in it", path);
    f->rows = used / f->columns - 1;
}

void figures_free(struct figures *f)
{
    free(f->field);
    free(f->text);
}

const char *figures_get(const struct figures *f, size_t row, const char *column)
{
    CHECK(row < f->rows);
    for (unsigned i = 0; i < f->columns; i++)
        if (strcmp(f->field[i], column) == 0)
            return f->field[(row + 1) * f->columns + i];
    usage_error("a file of figures has no column '%s'", column);
}
