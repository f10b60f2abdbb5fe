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
/* False, with errno set: the file cannot be written. */
bool json_lines_write(const json_t *value, const char *path);
