/* figures: published figures, from CSV files: what a document printed, a line each. A file's first
 * line names its columns; lines that begin with '#' are comments; a field may be quoted. Files are
 * in guests/bench/figures and guests/measure; the build puts them beside the command. */
#pragma once

#include <stddef.h>

struct figures {
    char *text;         /* the file, in which the fields lie */
    const char **field; /* rows of `columns` each, the names first */
    size_t rows;        /* without the names */
    unsigned columns;
};

/* usage_error naming file and line if it is no such file. */
void figures_read(struct figures *f, const char *path);
void figures_free(struct figures *f);
/* The field of that column in a row, "" if it is empty. usage_error: there is no such column. */
const char *figures_get(const struct figures *f, size_t row, const char *column);
