/* file: files of a user, read whole; and what may become a recording. A mistake ends in
 * usage_error, never in half of what was meant: a folder, a read that fails and a file without end
 * are told. */
#pragma once

#include "sim/core/types.h"

#include <stddef.h>
#include <stdio.h>

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

/* A recording replaces none: what was typed, or the kernel of that day, may be gone. usage_error
 * where a file is that has something in it; `option` begins the message. */
void file_check_recording(const char *option, const char *path);
/* That file, open and empty. */
FILE *file_new_recording(const char *option, const char *path);
