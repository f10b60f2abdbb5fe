/* file: files of a user, read whole. A mistake ends in usage_error, never in half of what was
 * meant: a folder, a read that fails and a file without end are told. */
#pragma once

#include "sim/core/types.h"

#include <stddef.h>

#define FILE_TEXT_MAX ((size_t)64 << 20)

/* The bytes of path and a 0 behind them; *size does not count that. `option`, which may be empty,
 * begins the message where path cannot be read or has more than most bytes: "--budgets ". */
char *file_read(const char *option, const char *path, size_t most, size_t *size);
/* The same of text up to FILE_TEXT_MAX: a byte 0 in it is refused. */
char *file_read_text(const char *option, const char *path);
/* The next line of such a text at *at, whose newline becomes a 0; NULL at the end. */
char *file_next_line(char **at);

/* Whether both lead to one regular file; either may be NULL. */
bool file_same(const char *a, const char *b);
/* Now rather than after the run: usage_error where path, which `option` is to write, cannot be
 * written. Makes the file, and leaves alone what is in it. */
void file_check_output(const char *option, const char *path);
