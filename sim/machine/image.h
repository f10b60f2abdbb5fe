/* image: a file read whole. Hostile input ends in usage_error, never in a
 * crash: whoever reads an image asks image_at for every piece. */
#pragma once

#include "sim/core/types.h"

struct image {
    const char *path;
    uint8_t *data;
    size_t size;
};

/* Reads path as it is, at most 1 GB. usage_error where it cannot be read. */
struct image image_read(const char *path);
/* The same, and inflates it (to at most 1 GB) if it is gzip: for kernels, not for initrds. */
struct image image_read_unpacked(const char *path);
void image_free(struct image *i);

/* size bytes at offset, NULL if the file does not have them. */
static inline const uint8_t *image_at(const struct image *i, uint64_t offset, uint64_t size)
{
    return offset <= i->size && size <= i->size - offset ? i->data + offset : NULL;
}

uint16_t image_u16(const struct image *i, uint64_t offset);
uint32_t image_u32(const struct image *i, uint64_t offset); /* usage_error past the end */
