/* pool.c: objects of one size, cut from slabs of one or two frames.
 *
 * A slab starts with its header; an object finds it by its own address, since slabs are aligned to
 * their size. What a slab has left over shifts its objects by some cache lines, other ones in each
 * slab: were all threads' hot lines at the same place of an 8 KB slab, they would compete for two
 * sets of the first-level cache. */
#include "debugger/print.h"
#include "memory/kmem.h"

#define COLOUR_STEP 3 /* lines; not a divisor of a slab's 128 or 256 lines */

struct kmem_slab {
    struct kmem_slab *next, *prev; /* in pool->partial, while it has a free object */
    void *free;                    /* objects, linked by their first word */
    word_t in_use;
} __attribute__((aligned(CACHE_LINE)));

static word_t slab_size(const struct kmem_pool *pool)
{
    return pool->frames_per_slab == 2 ? 2 * PAGE_SIZE : PAGE_SIZE;
}

static void link_slab(struct kmem_pool *pool, struct kmem_slab *slab)
{
    slab->prev = NULL;
    slab->next = pool->partial;
    if (slab->next)
        slab->next->prev = slab;
    pool->partial = slab;
}

static void unlink_slab(struct kmem_pool *pool, struct kmem_slab *slab)
{
    *(slab->prev ? &slab->prev->next : &pool->partial) = slab->next;
    if (slab->next)
        slab->next->prev = slab->prev;
}

static struct kmem_slab *slab_new(struct kmem_pool *pool)
{
    word_t size = slab_size(pool), count = (size - sizeof(struct kmem_slab)) / pool->object_size;
    struct kmem_slab *slab = kmem_frames(size / PAGE_SIZE);
    if (!slab)
        return NULL;
    word_t spare_lines = (size - sizeof *slab - count * pool->object_size) / CACHE_LINE;
    word_t step = pool->colour_step ? pool->colour_step : COLOUR_STEP;
    word_t colours = (spare_lines - pool->colour_first) / step + 1;
    word_t lines = pool->colour_first + pool->colour++ % colours * step;
    uint8_t *first = (uint8_t *)(slab + 1) + lines * CACHE_LINE;
    for (word_t i = count; i-- > 0;) {
        void **object = (void **)(first + i * pool->object_size);
        *object = slab->free;
        slab->free = object;
    }
    pool->total += count;
    pool->per_slab = count;
    link_slab(pool, slab);
    return slab;
}

void *kmem_pool_take_as_is(struct kmem_pool *pool)
{
    void *object = kmem_pool_take_quick(pool);
    if (object)
        return object;
    struct kmem_slab *slab = pool->partial ? pool->partial : slab_new(pool);
    if (!slab)
        return NULL;
    object = slab->free;
    slab->free = *(void **)object;
    slab->in_use++;
    pool->in_use++;
    if (!slab->free)
        unlink_slab(pool, slab);
    return object;
}

void *kmem_pool_take(struct kmem_pool *pool)
{
    void *object = kmem_pool_take_as_is(pool);
    if (object)
        kmem_clear(object, pool->object_size);
    return object;
}

static void slab_free(struct kmem_pool *pool, struct kmem_slab *slab)
{
    unlink_slab(pool, slab);
    pool->total -= pool->per_slab;
    kmem_frames_free(slab, slab_size(pool) / PAGE_SIZE);
}

void kmem_pool_give(struct kmem_pool *pool, void *object)
{
    word_t size = slab_size(pool);
    struct kmem_slab *slab = (struct kmem_slab *)((uintptr_t)object & ~(uintptr_t)(size - 1));
    ASSERT(slab->in_use > 0 && pool->in_use > 0);
    bool was_full = !slab->free;
    *(void **)object = slab->free;
    slab->free = object;
    slab->in_use--;
    pool->in_use--;
    if (was_full)
        link_slab(pool, slab);
    if (slab->in_use == 0 && pool->total - pool->in_use >= 2 * pool->per_slab)
        slab_free(pool, slab);
}

void kmem_pool_shrink(struct kmem_pool *pool)
{
    void *object;
    while ((object = kmem_pool_take_quick(pool)) != NULL)
        kmem_pool_give(pool, object);
    for (struct kmem_slab *slab = pool->partial, *next; slab; slab = next) {
        next = slab->next;
        if (slab->in_use == 0)
            slab_free(pool, slab);
    }
}
