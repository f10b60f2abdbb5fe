// alloc.h: a small allocator. It takes blocks of at least 64 KB where the program gets its memory:
// from sigma0 in the root server, from the memory server in another task, or from a region that
// l4_heap_add gave it. First fit in one list in order of addresses; freed neighbours are joined.
#pragma once

#include <l4/types.h>

// 16-byte aligned; NULL when there is no more memory.
void *l4_alloc(word_t size);
void *l4_alloc_zeroed(word_t size);
void l4_free(void *block);

void l4_heap_add(void *start, word_t size);
word_t l4_heap_free_bytes(void);
