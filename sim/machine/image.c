#include "sim/machine/image.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define UNPACKED_MAX ((size_t)1 << 30)

static void inflate_image(struct image *i)
{
    z_stream z = {.next_in = i->data, .avail_in = (uInt)i->size};
    size_t capacity = i->size * 4 + 65536, used = 0;
    uint8_t *out = malloc(capacity);
    CHECK(out != NULL && inflateInit2(&z, 15 + 32) == Z_OK);
    int status = Z_OK;
    while (status == Z_OK) {
        if (used == capacity) {
            if (capacity >= UNPACKED_MAX)
                usage_error("%s: unpacks to more than %zu bytes", i->path, UNPACKED_MAX);
            out = realloc(out, capacity *= 2);
            CHECK(out != NULL);
        }
        z.next_out = out + used;
        z.avail_out = (uInt)(capacity - used);
        status = inflate(&z, Z_NO_FLUSH);
        used = capacity - z.avail_out;
    }
    inflateEnd(&z);
    if (status != Z_STREAM_END)
        usage_error("%s: damaged gzip data (%s)", i->path, z.msg ? z.msg : "it ends too early");
    free(i->data);
    i->data = out;
    i->size = used;
}

struct image image_read(const char *path)
{
    struct image i = {.path = path};
    i.data = (uint8_t *)file_read("", path, UNPACKED_MAX, &i.size);
    return i;
}

struct image image_read_unpacked(const char *path)
{
    struct image i = image_read(path);
    if (i.size >= 2 && i.data[0] == 0x1F && i.data[1] == 0x8B)
        inflate_image(&i);
    return i;
}

void image_free(struct image *i)
{
    free(i->data);
    i->data = NULL;
}

uint16_t image_u16(const struct image *i, uint64_t offset)
{
    const uint8_t *p = image_at(i, offset, 2);
    uint16_t v;
    if (!p)
        usage_error("%s: ends at byte %zu, a header field is expected at %llu", i->path, i->size,
                    (unsigned long long)offset);
    memcpy(&v, p, 2);
    return v;
}

uint32_t image_u32(const struct image *i, uint64_t offset)
{
    const uint8_t *p = image_at(i, offset, 4);
    uint32_t v;
    if (!p)
        usage_error("%s: ends at byte %zu, a header field is expected at %llu", i->path, i->size,
                    (unsigned long long)offset);
    memcpy(&v, p, 4);
    return v;
}
