/* json_lines: JSON that people and version control can read: what is small stands on one line, what
 * is not has a line for each of its parts. A change of one instruction is a change of one line. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The document in a file; usage_error, which begins with `option` and ends with what is accepted
 * instead, where there is none. */
json_t *json_lines_read(const char *option, const char *path, const char *accepted);
void json_lines_print(const json_t *value, FILE *out);

/* Rows of an array that are made when they are printed, one after the other: a long table costs
 * more to hold than to make. */
struct json_rows {
    const json_t *array; /* their place in the document: an empty one */
    size_t count;
    void *owner;
    json_t *(*row)(void *owner, size_t i); /* a new reference */
};

/* rows: NULL, or those of one array. False, with errno set: the file cannot be written. */
bool json_lines_write(const json_t *value, const struct json_rows *rows, const char *path);
