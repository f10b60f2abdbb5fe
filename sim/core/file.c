#include "sim/core/file.h"

#include "sim/core/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *file_read(const char *option, const char *path, size_t most, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        usage_error("%s%s: %s", option, path, strerror(errno));
    size_t capacity = 1 << 16, used = 0;
    char *data = malloc(capacity);
    CHECK(data != NULL);
    for (size_t n; (n = fread(data + used, 1, capacity - used - 1, f)) > 0;) {
        used += n;
        if (used > most)
            usage_error("%s%s: larger than the %zu MB accepted", option, path, most >> 20);
        if (used + 1 < capacity)
            continue;
        data = realloc(data, capacity *= 2);
        CHECK(data != NULL);
    }
    if (ferror(f))
        usage_error("%s%s: %s", option, path, strerror(errno));
    fclose(f);
    data[used] = 0;
    *size = used;
    return data;
}

char *file_read_text(const char *option, const char *path)
{
    size_t size;
    char *text = file_read(option, path, FILE_TEXT_MAX, &size);
    if (strlen(text) != size)
        usage_error("%s%s: a byte 0 is in it; accepted is text", option, path);
    return text;
}

char *file_next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!*line)
        return NULL;
    *at = end ? end + 1 : line + strlen(line);
    if (end)
        *end = 0;
    return line;
}

bool file_same(const char *a, const char *b)
{
    struct stat x, y;
    return a && b && stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) &&
           x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

void file_check_recording(const char *option, const char *path)
{
    struct stat s;
    if (stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0)
        usage_error("%s%s: that file has something in it, and a recording replaces nothing; remove "
                    "it first, or name another", option, path);
}

FILE *file_new_recording(const char *option, const char *path)
{
    file_check_recording(option, path);
    FILE *f = fopen(path, "wb");
    if (!f)
        usage_error("%s%s: %s", option, path, strerror(errno));
    return f;
}
