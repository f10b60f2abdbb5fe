/* server_image.h: an ELF program among the boot modules, loaded to the physical addresses it
 * asks for. */
#pragma once

#include "types.h"

struct server_image {
    word_t low, high; /* all of its segments: [low, high), whole pages */
    word_t entry;
};

/* Reads the headers of the file of `size` bytes; false: this is no program for IA-32, or is cut
 * off. */
bool server_image_measure(struct server_image *s, const void *file, word_t size);
/* Copies the segments; the file must not lie in the way of any. */
void server_image_load(const struct server_image *s, const void *file);
