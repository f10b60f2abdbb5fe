/* options: a small table-driven parser for long options, with one dash or two, as QEMU takes
 * them. */
#pragma once

#include "sim/core/types.h"

struct option_spec {
    const char *name;     /* without dashes */
    const char *argument; /* how --help names it; NULL: the option takes none */
    const char *help;     /* options_help breaks its lines; NULL: a heading, `name` is its text */
    int letter;           /* what options_next returns */
};

#define REPEATS 0x100 /* in `letter`: may be given again with another value */
#define OPTIONS_MAX 64

struct options {
    const struct option_spec *specs;
    unsigned count;
    int argc;
    char **argv;
    int at;
    const char *command; /* for messages */
    const char *given[OPTIONS_MAX]; /* the last value of each */
};

#define OPTIONS(name, list, words, texts)                                                          \
    {.specs = list, .count = ARRAY_COUNT(list), .argc = words, .argv = texts, .at = 1,             \
     .command = name}

/* The next option's letter and *value; 0 at the end; '?' is never returned: a mistake ends in
 * usage_error. A word that is no option is returned as letter 1 with *value. */
int options_next(struct options *o, const char **value);
void options_help(const struct option_spec *specs, unsigned count);

/* Which of accepted (NULL-terminated) text is; usage_error if it is none. */
unsigned option_accepts(const char *option, const char *text, const char *const *accepted);
/* A number with k, M, G suffixes in the decimal sense ("20M" cycles). usage_error if it is none. */
uint64_t option_number(const char *option, const char *text);
/* The same, from least to most. */
uint64_t option_within(const char *option, const char *text, uint64_t least, uint64_t most);
/* A size in bytes or, with no suffix, megabytes, as QEMU's -m. */
uint32_t option_memory(const char *option, const char *text);
