/* kmem.h: the kernel's own memory: frames, and pools of equal objects cut from them. Nothing else in
 * the kernel allocates. All of it lies in the direct map, so a pointer is a physical address plus
 * DIRECT_MAP. Exhaustion returns NULL, and every caller turns that into L4_NO_MEMORY. */
#pragma once

#include "types.h"

/* Hands the region [low, high) of physical memory to the allocator; may be called again. */
void kmem_add(paddr_t low, paddr_t high);

/* `count` contiguous frames, cleared, aligned to their size (1 or 2); NULL when there are none. */
void *kmem_frames(unsigned count);
void kmem_frames_free(void *frames, unsigned count);
word_t kmem_free_frames(void); /* for the debugger and for tests of leaks */

/* Objects of one size. A pool with `object_size` set and the rest zero is empty and ready. */
struct kmem_pool {
    word_t object_size;     /* bytes; a frame, or two, is cut into as many as fit */
    word_t frames_per_slab; /* 1 or 2; 0 counts as 1 */
    void *free;
    word_t in_use, total;
};
void *kmem_pool_take(struct kmem_pool *pool); /* cleared, or NULL */
void kmem_pool_give(struct kmem_pool *pool, void *object);
