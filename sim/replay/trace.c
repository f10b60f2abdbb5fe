#include "sim/replay/trace.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define HEAD_SIZE 16
#define CHUNK_HEAD 32
#define CHUNK_SUMMED 28 /* bytes of a chunk's head that head_sum covers */
#define CHUNK_SIZE_MAX ((uint64_t)1 << 33)
#define ZLIB_RATIO_MAX 1032 /* no byte of its format stands for more */

static const char magic[8] = "ISOTRACE";

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

static uint32_t sum_of(const void *data, uint64_t size)
{
    uLong sum = crc32(0, NULL, 0);
    for (const uint8_t *p = data; size;) {
        uInt n = size > 1u << 30 ? 1u << 30 : (uInt)size;
        sum = crc32(sum, p, n);
        p += n;
        size -= n;
    }
    return (uint32_t)sum;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct trace_writer {
    FILE *f;
    char *path;
};

static void write_all(struct trace_writer *w, const void *data, size_t size)
{
    if (size && fwrite(data, 1, size, w->f) != size)
        usage_error("%s: cannot be written: %s", w->path, strerror(errno));
}

static void flush(struct trace_writer *w)
{
    if (fflush(w->f) != 0)
        usage_error("%s: cannot be written: %s", w->path, strerror(errno));
}

struct trace_writer *trace_create(const char *path)
{
    struct trace_writer *w = xalloc(1, sizeof *w);
    uint8_t head[HEAD_SIZE] = {0};
    w->path = strdup(path);
    w->f = file_new_recording("", path);
    memcpy(head, magic, sizeof magic);
    put32(head + 8, TRACE_VERSION);
    write_all(w, head, sizeof head);
    flush(w);
    return w;
}

void trace_put(struct trace_writer *w, enum trace_kind kind, uint32_t flags, const void *data,
               size_t size)
{
    uLongf stored = compressBound(size);
    uint8_t *packed = xalloc(stored, 1), head[CHUNK_HEAD];
    CHECK(compress2(packed, &stored, data, size, Z_BEST_SPEED) == Z_OK);
    put32(head, kind);
    put32(head + 4, flags);
    put64(head + 8, size);
    put64(head + 16, stored);
    put32(head + 24, sum_of(packed, stored));
    put32(head + 28, sum_of(head, CHUNK_SUMMED));
    write_all(w, head, sizeof head);
    write_all(w, packed, stored);
    flush(w);
    free(packed);
}

void trace_close(struct trace_writer *w)
{
    if (fclose(w->f) != 0)
        usage_error("%s: cannot be written: %s", w->path, strerror(errno));
    free(w->path);
    free(w);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* As many of size bytes at offset as the file has. */
static size_t read_at(const struct trace *t, uint64_t offset, void *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(t->fd, (uint8_t *)to + done, size - done, (off_t)(offset + done));
        if (n < 0)
            usage_error("%s: %s", t->path, strerror(errno));
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static bool known(uint32_t kind)
{
    return kind == TRACE_MANIFEST || kind == TRACE_SYMBOLS || kind == TRACE_STATE ||
           kind == TRACE_INPUT || kind == TRACE_HASH || kind == TRACE_END;
}

static bool optional(uint32_t kind) { return (kind & 0xFF) >= 'a' && (kind & 0xFF) <= 'z'; }

static void add_chunk(struct trace *t, struct trace_chunk c)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity * 2 + 64;
        t->chunks = realloc(t->chunks, t->capacity * sizeof *t->chunks);
        CHECK(t->chunks != NULL);
    }
    t->chunks[t->count++] = c;
}

/* The chunk whose head is at `offset`; false at the end of what is whole. */
static bool read_chunk_head(struct trace *t, uint64_t offset, uint64_t file_size)
{
    uint8_t head[CHUNK_HEAD];
    size_t n = read_at(t, offset, head, sizeof head);
    if (n < sizeof head) {
        t->cut_short = n > 0;
        return false;
    }
    struct trace_chunk c = {get32(head), get32(head + 4), get64(head + 8), get64(head + 16),
                            offset + CHUNK_HEAD, get32(head + 24)};
    if (get32(head + 28) != sum_of(head, CHUNK_SUMMED))
        usage_error("%s: damaged at byte %llu: the head of a chunk has a wrong check sum", t->path,
                    (unsigned long long)offset);
    if (c.stored > CHUNK_SIZE_MAX || c.size > c.stored * ZLIB_RATIO_MAX)
        usage_error("%s: damaged at byte %llu: a chunk of %llu bytes in %llu", t->path,
                    (unsigned long long)offset, (unsigned long long)c.size,
                    (unsigned long long)c.stored);
    if (c.stored > file_size - c.offset) {
        t->cut_short = true;
        return false;
    }
    if (!known(c.kind) && !optional(c.kind))
        usage_error("%s: a chunk of unknown kind %08x at byte %llu: made by a newer version?",
                    t->path, c.kind, (unsigned long long)offset);
    add_chunk(t, c);
    return true;
}

bool trace_is(const char *path)
{
    char head[sizeof magic];
    int fd = open(path, O_RDONLY);
    bool is = fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head &&
              memcmp(head, magic, sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

struct trace *trace_open(const char *path)
{
    struct trace *t = xalloc(1, sizeof *t);
    uint8_t head[HEAD_SIZE];
    struct stat st;
    t->path = strdup(path);
    t->fd = open(path, O_RDONLY);
    if (t->fd < 0 || fstat(t->fd, &st) != 0)
        usage_error("%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || read_at(t, 0, head, sizeof head) < sizeof head ||
        memcmp(head, magic, sizeof magic) != 0)
        usage_error("%s: not a trace: it does not begin with ISOTRACE", path);
    if (get32(head + 8) != TRACE_VERSION)
        usage_error("%s: a trace of version %u; accepted is version %u", path, get32(head + 8),
                    TRACE_VERSION);
    uint64_t at = HEAD_SIZE;
    while (read_chunk_head(t, at, (uint64_t)st.st_size))
        at = t->chunks[t->count - 1].offset + t->chunks[t->count - 1].stored;
    return t;
}

uint8_t *trace_read(const struct trace *t, size_t index)
{
    CHECK(index < t->count);
    const struct trace_chunk *c = &t->chunks[index];
    uint8_t *packed = malloc(c->stored + 1), *data = malloc(c->size + 1);
    uLongf size = c->size;
    if (!packed || !data)
        usage_error("%s: no memory for a chunk of %llu bytes", t->path,
                    (unsigned long long)c->size);
    bool good = read_at(t, c->offset, packed, c->stored) == c->stored &&
                sum_of(packed, c->stored) == c->sum;
    if (!good || uncompress(data, &size, packed, c->stored) != Z_OK || size != c->size)
        usage_error("%s: damaged: the chunk at byte %llu has a wrong check sum", t->path,
                    (unsigned long long)c->offset);
    free(packed);
    data[c->size] = 0; /* so that text can be read as a string */
    return data;
}

void trace_peek(const struct trace *t, size_t index, void *to, size_t size)
{
    CHECK(index < t->count);
    const struct trace_chunk *c = &t->chunks[index];
    uint8_t packed[1024];
    z_stream z = {.next_in = packed, .next_out = to, .avail_out = (uInt)size};
    z.avail_in = (uInt)read_at(t, c->offset, packed,
                               c->stored < sizeof packed ? c->stored : sizeof packed);
    CHECK(inflateInit(&z) == Z_OK);
    inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    if (z.avail_out)
        usage_error("%s: damaged: the chunk at byte %llu cannot be unpacked", t->path,
                    (unsigned long long)c->offset);
}

void trace_free(struct trace *t)
{
    close(t->fd);
    free(t->chunks);
    free(t->path);
    free(t);
}
