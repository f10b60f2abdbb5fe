/* cache: tags, states and replacement of one cache; never data, so that it cannot change a result.
 *
 * Direct-mapped, two ways with one LRU bit, or 4 to 32 with tree pseudo-LRU. A fill takes the
 * first invalid way of its set, else the least recently used one. What a miss means (who is asked,
 * what is written back) is decided in mmu/hierarchy.c.
 *
 * No part has a fully associative cache of lines, but questions about conflicts are asked of one:
 * one set of more than 16 ways has true LRU, its lines are found through a hash table. */
#pragma once

#include "mmu/mmu.h"
#include "mmu/plru.h"

#define CACHE_TAG_INVALID UINT32_MAX

/* Sizes are powers of two; 32 ways at most, or one set. 0 bytes make a cache that never hits. */
void cache_init(struct cache *c, struct cache_geometry g);
void cache_free(struct cache *c);
void cache_clear(struct cache *c);

/* Of a fully associative cache. */
NOINLINE int cache_find_full(const struct cache *c, uint32_t tag);
NOINLINE void cache_touch_full(struct cache *c, uint32_t index);
NOINLINE uint32_t cache_oldest(const struct cache *c);
/* Before the line at index gets another tag, or none (CACHE_TAG_INVALID). */
NOINLINE void cache_rename(struct cache *c, uint32_t index, uint32_t tag);

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
    if (UNLIKELY(c->order != NULL))
        return cache_find_full(c, tag);
    for (uint32_t way = 1; way < c->ways; way++)
        if (c->tag[first + way] == tag)
            return (int)(first + way);
    return -1;
}

static inline void cache_touch(struct cache *c, uint32_t index)
{
    if (LIKELY(c->ways == 2)) /* the way to evict next, see mmu/plru.h */
        c->lru[index / 2] = (uint8_t)(~index & 1);
    else if (UNLIKELY(c->order != NULL))
        cache_touch_full(c, index);
    else if (c->ways == 16)
        plru_touch_16(&c->lru[index / 16 * 2], index & 15);
    else if (UNLIKELY(c->ways == 32))
        plru_touch_32(&c->lru[index / 32 * 4], index & 31);
    else if (c->ways > 2)
        plru_touch(&c->lru[index >> __builtin_ctz(c->ways)], c->ways, index & (c->ways - 1));
}

/* How many bytes of replacement state all sets have. */
static inline size_t cache_lru_bytes(const struct cache *c)
{
    return (size_t)c->sets * (c->ways == 16 ? 2 : c->ways == 32 ? 4 : 1);
}

/* The index of the line that a fill of pa displaces. */
static inline uint32_t cache_victim(const struct cache *c, paddr_t pa)
{
    uint32_t set = (pa >> c->line_shift) & (c->sets - 1), first = set * c->ways;
    if (UNLIKELY(c->order != NULL))
        return cache_oldest(c);
    for (uint32_t way = 0; way < c->ways; way++)
        if (c->tag[first + way] == CACHE_TAG_INVALID)
            return first + way;
    if (c->ways == 16)
        return first + plru_victim_16(&c->lru[set * 2]);
    if (c->ways == 32)
        return first + plru_victim_32(&c->lru[set * 4]);
    return first + plru_victim(c->lru[set], c->ways);
}

static inline paddr_t cache_address(const struct cache *c, uint32_t index)
{
    return c->tag[index] << c->line_shift;
}

static inline void cache_fill(struct cache *c, uint32_t index, paddr_t pa, enum line_state state)
{
    if (UNLIKELY(c->order != NULL))
        cache_rename(c, index, pa >> c->line_shift);
    c->tag[index] = pa >> c->line_shift;
    c->state[index] = (uint8_t)state;
    cache_touch(c, index);
}

static inline void cache_drop(struct cache *c, uint32_t index)
{
    if (UNLIKELY(c->order != NULL))
        cache_rename(c, index, CACHE_TAG_INVALID);
    c->tag[index] = CACHE_TAG_INVALID;
    c->state[index] = LINE_INVALID;
}
