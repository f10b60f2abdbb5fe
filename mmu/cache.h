/* cache: tags, states and replacement of one cache; never data, so that it cannot change a result.
 *
 * Direct-mapped, two ways with one LRU bit, or up to 8 ways with tree pseudo-LRU. A fill takes the
 * first invalid way of its set, else the least recently used one. What a miss means (who is asked,
 * what is written back) is decided in mmu/hierarchy.c. */
#pragma once

#include "mmu/mmu.h"
#include "mmu/plru.h"

#define CACHE_TAG_INVALID UINT32_MAX

/* Sizes are powers of two, 8 ways at most; 0 bytes make a cache that never hits. */
void cache_init(struct cache *c, struct cache_geometry g);
void cache_free(struct cache *c);
void cache_clear(struct cache *c);

static inline bool cache_exists(const struct cache *c) { return c->sets != 0; }

/* The index of the line that holds pa, -1 if it is absent. No replacement effect. */
static inline int cache_find(const struct cache *c, paddr_t pa)
{
    if (!c->sets)
        return -1;
    uint32_t tag = pa >> c->line_shift;
    uint32_t first = (tag & (c->sets - 1)) * c->ways;
    if (c->tag[first] == tag)
        return (int)first;
    for (uint32_t way = 1; way < c->ways; way++)
        if (c->tag[first + way] == tag)
            return (int)(first + way);
    return -1;
}

static inline void cache_touch(struct cache *c, uint32_t index)
{
    if (LIKELY(c->ways == 2)) /* the way to evict next, see mmu/plru.h */
        c->lru[index / 2] = (uint8_t)(~index & 1);
    else if (c->ways > 2)
        plru_touch(&c->lru[index >> __builtin_ctz(c->ways)], c->ways, index & (c->ways - 1));
}

/* The index of the line that a fill of pa displaces. */
static inline uint32_t cache_victim(const struct cache *c, paddr_t pa)
{
    uint32_t set = (pa >> c->line_shift) & (c->sets - 1), first = set * c->ways;
    for (uint32_t way = 0; way < c->ways; way++)
        if (c->tag[first + way] == CACHE_TAG_INVALID)
            return first + way;
    return first + plru_victim(c->lru[set], c->ways);
}

static inline paddr_t cache_address(const struct cache *c, uint32_t index)
{
    return c->tag[index] << c->line_shift;
}

static inline void cache_fill(struct cache *c, uint32_t index, paddr_t pa, enum line_state state)
{
    c->tag[index] = pa >> c->line_shift;
    c->state[index] = (uint8_t)state;
    cache_touch(c, index);
}

static inline void cache_drop(struct cache *c, uint32_t index)
{
    c->tag[index] = CACHE_TAG_INVALID;
    c->state[index] = LINE_INVALID;
}
