/* page: the sources of the HTML page, built into the command by embed.cmake. */
#pragma once

#include <stddef.h>

struct page_file {
    const char *name, *bytes;
    size_t size;
};

/* In the order in which scripts must run; the last has no name. */
extern const struct page_file page_files[];
