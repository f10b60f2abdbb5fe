#include "sim/core/snap.h"

#include "sim/core/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = mix(h, v);
    }
    uint64_t tail = n;
    for (; n; n--)
        tail = tail << 8 | *p++;
    return mix(h, tail);
}

static void begin(struct snap *s, enum snap_mode mode)
{
    memset(s, 0, sizeof *s);
    s->mode = mode;
    s->hash = 0x49534F4348524F4Eu; /* "ISOCHRON" */
}

void snap_begin_save(struct snap *s) { begin(s, SNAP_SAVE); }
void snap_begin_hash(struct snap *s) { begin(s, SNAP_HASH); }

void snap_begin_load(struct snap *s, const uint8_t *data, size_t size)
{
    begin(s, SNAP_LOAD);
    s->data = (uint8_t *)(uintptr_t)data;
    s->size = size;
    s->cycle_most = UINT64_MAX;
}

void snap_begin_diff(struct snap *s, const uint8_t *data, size_t size)
{
    snap_begin_load(s, data, size);
    s->mode = SNAP_DIFF;
}

void snap_free(struct snap *s)
{
    if (s->mode == SNAP_SAVE)
        free(s->data);
    s->data = NULL;
}

void snap_enter(struct snap *s, const char *name)
{
    size_t length = strlen(name);
    CHECK(s->path_length + length + 2 < sizeof s->path);
    memcpy(s->path + s->path_length, name, length);
    s->path_length += (uint32_t)length;
    s->path[s->path_length++] = '.';
    s->path[s->path_length] = 0;
}

void snap_leave(struct snap *s)
{
    CHECK(s->path_length > 0);
    do
        s->path_length--;
    while (s->path_length > 0 && s->path[s->path_length - 1] != '.');
    s->path[s->path_length] = 0;
}

static void put(struct snap *s, const void *p, size_t n)
{
    if (s->size + n > s->capacity) {
        s->capacity = (s->size + n) * 2 + PAGE;
        s->data = realloc(s->data, s->capacity);
        CHECK(s->data != NULL);
    }
    memcpy(s->data + s->size, p, n);
    s->size += n;
}

static void fail(struct snap *s, const char *name, const char *what)
{
    if (!s->failed)
        snprintf(s->message, sizeof s->message, "%s%s: %s", s->path, name, what);
    s->failed = true;
}

void snap_refuse(struct snap *s, const char *name, const char *why) { fail(s, name, why); }

static const uint8_t *take(struct snap *s, const char *name, size_t n)
{
    if (s->failed && s->mode == SNAP_LOAD)
        return NULL;
    if (s->size - s->position < n) {
        fail(s, name, "the saved state ends here");
        s->position = s->size;
        return NULL;
    }
    const uint8_t *p = s->data + s->position;
    s->position += n;
    return p;
}

static uint16_t tag_of(const struct snap *s, const char *name)
{
    uint64_t h = mix_bytes(1, (const uint8_t *)s->path, s->path_length);
    return (uint16_t)mix_bytes(h, (const uint8_t *)name, strlen(name));
}

static bool take_tag(struct snap *s, const char *name)
{
    uint16_t want = tag_of(s, name), have;
    const uint8_t *p = take(s, name, sizeof have);
    if (!p)
        return false;
    memcpy(&have, p, sizeof have);
    if (have != want)
        fail(s, name, "the saved state has another shape (made by another version?)");
    return have == want;
}

static void scalar(struct snap *s, const char *name, void *v, size_t n)
{
    uint16_t tag;
    const uint8_t *p;
    uint64_t here = 0, there = 0;
    memcpy(&here, v, n);
    switch (s->mode) {
    case SNAP_SAVE:
        tag = tag_of(s, name);
        put(s, &tag, sizeof tag);
        put(s, v, n);
        break;
    case SNAP_HASH:
        s->hash = mix(mix(s->hash, tag_of(s, name)), here);
        break;
    case SNAP_LOAD:
        if (take_tag(s, name) && (p = take(s, name, n)))
            memcpy(v, p, n);
        break;
    case SNAP_DIFF:
        if (s->failed || !take_tag(s, name) || !(p = take(s, name, n)))
            break;
        memcpy(&there, p, n);
        if (here != there) {
            char text[64];
            snprintf(text, sizeof text, "%0*llx here, %0*llx there", (int)n * 2,
                     (unsigned long long)here, (int)n * 2, (unsigned long long)there);
            fail(s, name, text);
        }
        break;
    }
}

void snap_bool(struct snap *s, const char *name, bool *v)
{
    uint8_t byte = *v;
    scalar(s, name, &byte, 1);
    if (snap_loading(s))
        *v = byte != 0;
}

void snap_u8(struct snap *s, const char *name, uint8_t *v) { scalar(s, name, v, 1); }
void snap_u16(struct snap *s, const char *name, uint16_t *v) { scalar(s, name, v, 2); }
void snap_u32(struct snap *s, const char *name, uint32_t *v) { scalar(s, name, v, 4); }
void snap_u64(struct snap *s, const char *name, uint64_t *v) { scalar(s, name, v, 8); }

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static void compare_chunk(struct snap *s, const char *name, const uint8_t *here,
                          const uint8_t *there, size_t offset, size_t n)
{
    for (size_t i = 0; i < n && !s->failed; i++) {
        uint8_t t = there ? there[i] : 0;
        if (here[i] != t) {
            char text[96];
            snprintf(text, sizeof text, "at offset %zx: %02x here, %02x there", offset + i, here[i],
                     t);
            fail(s, name, text);
        }
    }
}

/* Of a page that is all zeros only that is kept: a byte before it says which it is. */
static void save_chunk(struct snap *s, const uint8_t *bytes, size_t n)
{
    uint8_t zero = all_zero(bytes, n);
    put(s, &zero, 1);
    if (!zero)
        put(s, bytes, n);
}

static void hash_chunk(struct snap *s, const uint8_t *bytes, size_t at, size_t n)
{
    s->hash = all_zero(bytes, n) ? mix(s->hash, at) : mix_bytes(mix(s->hash, ~at), bytes, n);
}

/* Loads or compares. */
static void load_chunk(struct snap *s, const char *name, uint8_t *bytes, size_t at, size_t n)
{
    const uint8_t *zero = take(s, name, 1), *there = NULL;
    if (!zero || (!*zero && !(there = take(s, name, n))))
        return;
    if (s->mode == SNAP_DIFF)
        compare_chunk(s, name, bytes, there, at, n);
    else if (there)
        memcpy(bytes, there, n);
    else if (!all_zero(bytes, n)) /* else the host need not find memory for it */
        memset(bytes, 0, n);
}

void snap_bytes(struct snap *s, const char *name, void *v, size_t size)
{
    uint8_t *bytes = v;
    uint64_t length = size;
    scalar(s, name, &length, sizeof length);
    if ((s->mode == SNAP_LOAD || s->mode == SNAP_DIFF) && (s->failed || length != size)) {
        if (length != size)
            fail(s, name, "another size");
        return;
    }
    for (size_t at = 0; at < size && !s->failed; at += PAGE) {
        size_t n = size - at < PAGE ? size - at : PAGE;
        if (s->mode == SNAP_SAVE)
            save_chunk(s, bytes + at, n);
        else if (s->mode == SNAP_HASH)
            hash_chunk(s, bytes + at, at, n);
        else
            load_chunk(s, name, bytes + at, at, n);
    }
}
