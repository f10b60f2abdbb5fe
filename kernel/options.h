/* options.h: the kernel's command line: words of the form name=value. */
#pragma once

#include "types.h"

/* Keeps a copy of the line (its first part, if it is very long). */
void options_set(const char *line);
/* Does the line contain exactly this word, as in "fastpath=off"? */
bool option_given(const char *word);
/* The number behind "name=", decimal or 0x, with K or M behind it; `otherwise` if it is not
 * given. */
word_t option_number(const char *name, word_t otherwise);
