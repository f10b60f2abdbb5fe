/* source: which line of which file an instruction came from, by DWARF's tables of lines, read
 * through elfutils. A table is read when somebody first asks: a big kernel's takes seconds. */
#pragma once

#include "sim/core/types.h"

#include <stddef.h>
#include <stdio.h>

struct source_line {
    laddr_t address; /* up to the next one's */
    uint32_t file;   /* index into files; SOURCE_NONE: no line from here on */
    uint32_t line;
};

#define SOURCE_NONE UINT32_MAX
#define SOURCE_IMAGES_MAX 32

struct source {
    struct source_line *list; /* sorted by address */
    uint32_t count, capacity;
    char **files;
    uint32_t file_count, file_capacity;
    struct {
        char *path;
        uint32_t offset;
    } image[SOURCE_IMAGES_MAX]; /* not yet read */
    unsigned images;
};

void source_free(struct source *s);
/* An ELF file whose tables are to be read, and what is added to each address. A file without tables
 * is no error. */
void source_add(struct source *s, const char *path, uint32_t offset);
/* The line at la; false if there is none. *file belongs to s. */
bool source_find(struct source *s, laddr_t la, const char **file, uint32_t *line);

/* As a trace carries them, without the folders that all files have in common: lines "f FILE" (the
 * next index) and "ADDRESS INDEX LINE", INDEX -1 for none; the address in hexadecimal. */
void source_write(struct source *s, FILE *out);
void source_add_text(struct source *s, const char *text);
