#include "sim/report/source.h"

#include "sim/core/check.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void source_free(struct source *s)
{
    for (uint32_t i = 0; i < s->file_count; i++)
        free(s->files[i]);
    for (unsigned i = 0; i < s->images; i++)
        free(s->image[i].path);
    free(s->files);
    free(s->list);
    memset(s, 0, sizeof *s);
}

void source_add(struct source *s, const char *path, uint32_t offset)
{
    if (s->images == SOURCE_IMAGES_MAX)
        usage_error("--symbols %s: at most %d files", path, SOURCE_IMAGES_MAX);
    s->image[s->images].path = strdup(path);
    CHECK(s->image[s->images].path != NULL);
    s->image[s->images++].offset = offset;
}

static void add(struct source *s, laddr_t address, uint32_t file, uint32_t line)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 1024;
        s->list = realloc(s->list, s->capacity * sizeof *s->list);
        CHECK(s->list != NULL);
    }
    s->list[s->count++] = (struct source_line){address, file, line};
}

static uint32_t add_file(struct source *s, const char *name)
{
    if (s->file_count == s->file_capacity) {
        s->file_capacity = s->file_capacity * 2 + 64;
        s->files = realloc(s->files, s->file_capacity * sizeof *s->files);
        CHECK(s->files != NULL);
    }
    s->files[s->file_count] = strdup(name);
    CHECK(s->files[s->file_count] != NULL);
    return s->file_count++;
}

/* A table names the same file for many lines in a row. */
static uint32_t file_of(struct source *s, const char *name)
{
    for (uint32_t i = s->file_count; i-- > 0;)
        if (strcmp(s->files[i], name) == 0)
            return i;
    return add_file(s, name);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_unit(struct source *s, Dwarf_Die *unit, uint32_t offset)
{
    Dwarf_Lines *lines;
    size_t count;
    const char *last = NULL;
    uint32_t file = SOURCE_NONE;
    if (dwarf_getsrclines(unit, &lines, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        Dwarf_Line *l = dwarf_onesrcline(lines, i);
        Dwarf_Addr address;
        bool ends;
        int number;
        if (!l || dwarf_lineaddr(l, &address) != 0 || dwarf_lineendsequence(l, &ends) != 0 ||
            dwarf_lineno(l, &number) != 0)
            continue;
        const char *name = dwarf_linesrc(l, NULL, NULL);
        if (ends || !name) {
            add(s, (laddr_t)address + offset, SOURCE_NONE, 0);
            continue;
        }
        if (name != last)
            file = file_of(s, name);
        last = name;
        add(s, (laddr_t)address + offset, file, (uint32_t)number);
    }
}

static void read_image(struct source *s, const char *path, uint32_t offset)
{
    int fd = open(path, O_RDONLY);
    Dwarf *dwarf = fd >= 0 ? dwarf_begin(fd, DWARF_C_READ) : NULL;
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    while (dwarf && dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
        read_unit(s, &die, offset);
    if (dwarf)
        dwarf_end(dwarf);
    if (fd >= 0)
        close(fd);
}

/* Of several entries for one address the last in the table's order counts: the end of a sequence
 * gives way to the beginning of the next. */
static int by_address(const void *a, const void *b)
{
    const struct source_line *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if ((x->file == SOURCE_NONE) != (y->file == SOURCE_NONE))
        return x->file == SOURCE_NONE ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void sort(struct source *s)
{
    if (s->count)
        qsort(s->list, s->count, sizeof *s->list, by_address);
}

static void read_images(struct source *s)
{
    if (!s->images)
        return;
    for (unsigned i = 0; i < s->images; i++) {
        read_image(s, s->image[i].path, s->image[i].offset);
        free(s->image[i].path);
    }
    s->images = 0;
    sort(s);
}

bool source_find(struct source *s, laddr_t la, const char **file, uint32_t *line)
{
    read_images(s);
    int64_t low = -1, high = (int64_t)s->count;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (s->list[middle].address <= la)
            low = middle;
        else
            high = middle;
    }
    if (low < 0 || s->list[low].file == SOURCE_NONE)
        return false;
    *file = s->files[s->list[low].file];
    *line = s->list[low].line;
    return true;
}

/* --- in traces -------------------------------------------------------------------------------- */

/* How many characters of folders all files have in common. */
static size_t common_folders(const struct source *s)
{
    size_t common = s->file_count ? strlen(s->files[0]) : 0;
    for (uint32_t i = 0; i < s->file_count; i++) {
        size_t n = 0;
        while (n < common && s->files[i][n] == s->files[0][n])
            n++;
        common = n;
    }
    while (common && s->files[0][common - 1] != '/')
        common--;
    return common;
}

void source_write(struct source *s, FILE *out)
{
    read_images(s);
    size_t common = common_folders(s);
    for (uint32_t i = 0; i < s->file_count; i++)
        fprintf(out, "f %s\n", s->files[i] + common);
    for (uint32_t i = 0; i < s->count; i++)
        fprintf(out, "%x %d %u\n", s->list[i].address, (int)s->list[i].file, s->list[i].line);
}

/* Each line is copied out: sscanf measures what it reads, to the end of all text otherwise. */
void source_add_text(struct source *s, const char *text)
{
    unsigned address, line;
    int file;
    char copy[4096];
    uint32_t first = s->file_count;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        if (end - text >= (ptrdiff_t)sizeof copy)
            continue;
        snprintf(copy, sizeof copy, "%.*s", (int)(end - text), text);
        if (copy[0] == 'f' && copy[1] == ' ' && copy[2]) {
            add_file(s, copy + 2);
        } else if (sscanf(copy, "%x %d %u", &address, &file, &line) == 3) {
            bool known = file >= 0 && first + (uint32_t)file < s->file_count;
            add(s, address, known ? first + (uint32_t)file : SOURCE_NONE, line);
        }
    }
    sort(s);
}
