/* kmem.h: the kernel's own memory: frames, and pools of equal objects cut from them. Nothing else
 * in the kernel allocates. All of it lies in the direct map, so a pointer is a physical address
 * plus DIRECT_MAP. Exhaustion returns NULL, and every caller turns that into L4_NO_MEMORY. */
#pragma once

#include "types.h"

/* --- frames (kmem.c) -------------------------------------------------------------------------- */

/* Hands the region [low, high) of physical memory to the allocator; may be called again. */
void kmem_add(paddr_t low, paddr_t high);

/* `count` contiguous frames, cleared, aligned to their size (1 or 2); NULL when there are none. */
void *kmem_frames(unsigned count);
void kmem_frames_free(void *frames, unsigned count);
void kmem_clear(void *memory, word_t size); /* whole words */
word_t kmem_free_frames(void); /* for the debugger and for tests of leaks */

/* The allocator's state, in struct kernel. */
#define KMEM_FRAMES (DIRECT_MAP_SIZE / PAGE_SIZE)
struct kmem {
    struct free_frames *pairs;        /* linked one way */
    struct free_frames *singles;      /* both ways: the other half may be taken from the middle */
    word_t free_count;                /* frames */
    word_t single[KMEM_FRAMES / 32];  /* bit set: this frame is in `singles` */
};

/* --- pools (pool.c) --------------------------------------------------------------------------- */

/* Objects of one size. A pool with `object_size` set and the rest zero is empty and ready. A slab
 * is one frame or two, cut into as many objects as fit; one that becomes empty goes back to the
 * frames, but for one that a pool keeps so that taking and giving in turn costs no clearing of
 * frames. Objects may also be kept at hand, which touches nothing but the pool and the object. When
 * frames run out the pools give up what they keep. */
struct kmem_pool {
    void *at_hand;          /* objects given back of late, linked by their first word */
    word_t at_hand_count;   /* they are in use, as far as their slabs know */
    word_t object_size;     /* bytes; a multiple of 32 makes objects lie on cache lines */
    word_t frames_per_slab; /* 1 or 2; 0 counts as 1 */
    struct kmem_slab *partial; /* slabs with a free object */
    word_t in_use, total;   /* objects */
    word_t per_slab;        /* objects */
    word_t colour;          /* how many slabs there have been: the next one's objects are shifted */
    word_t colour_first, colour_step; /* by so many cache lines; 0: by any number of lines */
};
void *kmem_pool_take(struct kmem_pool *pool); /* cleared, or NULL */
void *kmem_pool_take_as_is(struct kmem_pool *pool); /* for who sets every field */
void kmem_pool_give(struct kmem_pool *pool, void *object);

/* The quick way, for objects whose fields all are set by who takes them. NULL: none is at hand. */
#define KMEM_AT_HAND_MAX 64
static inline void *kmem_pool_take_quick(struct kmem_pool *pool)
{
    void **object = pool->at_hand;
    if (!object)
        return NULL;
    pool->at_hand = *object;
    pool->at_hand_count--;
    return object;
}

static inline void kmem_pool_give_quick(struct kmem_pool *pool, void *object)
{
    if (pool->at_hand_count == KMEM_AT_HAND_MAX) {
        kmem_pool_give(pool, object);
        return;
    }
    *(void **)object = pool->at_hand;
    pool->at_hand = object;
    pool->at_hand_count++;
}

/* How many the users of the pool have. */
static inline word_t kmem_pool_used(const struct kmem_pool *pool)
{
    return pool->in_use - pool->at_hand_count;
}

/* Frames have run out: what the pool keeps goes back. */
void kmem_pool_shrink(struct kmem_pool *pool);
