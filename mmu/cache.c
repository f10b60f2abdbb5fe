#include "mmu/cache.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define PLRU_WAYS_MAX 32
#define ONE_SET_WAYS 16 /* of more in one set the order is kept */
#define NOWHERE UINT32_MAX

static bool power_of_two(uint32_t v) { return v && !(v & (v - 1)); }

/* --- the order of a fully associative cache --------------------------------------------------- */

/* Lines in a ring, from the one used last to the oldest, and behind that, as the ring closes, the
 * one used last again; free ones are the oldest. */
struct cache_order {
    uint32_t newest;
    uint32_t *older, *newer;       /* by index: its neighbours in the ring */
    uint32_t *bucket, *chain;      /* of hashed tags: the first index, and by index the next */
};

static uint32_t bucket_of(const struct cache *c, uint32_t tag) { return tag & (c->ways - 1); }

static void order_clear(struct cache *c)
{
    struct cache_order *o = c->order;
    for (uint32_t i = 0; i < c->ways; i++) {
        o->older[i] = (i - 1) & (c->ways - 1); /* so that the first ones are filled first */
        o->newer[i] = (i + 1) & (c->ways - 1);
        o->bucket[i] = NOWHERE;
    }
    o->newest = c->ways - 1;
}

static struct cache_order *order_new(uint32_t ways)
{
    struct cache_order *o = xalloc(1, sizeof *o);
    o->older = xalloc(ways, sizeof *o->older);
    o->newer = xalloc(ways, sizeof *o->newer);
    o->bucket = xalloc(ways, sizeof *o->bucket);
    o->chain = xalloc(ways, sizeof *o->chain);
    return o;
}

static void order_free(struct cache_order *o)
{
    if (!o)
        return;
    free(o->older);
    free(o->newer);
    free(o->bucket);
    free(o->chain);
    free(o);
}

/* Puts the line before the newest one, which in the ring is behind the oldest one, too. */
static void to_the_seam(struct cache_order *o, uint32_t index)
{
    uint32_t older = o->older[index], newer = o->newer[index];
    o->newer[older] = newer;
    o->older[newer] = older;
    uint32_t newest = o->newest, oldest = o->newer[newest];
    o->older[index] = newest;
    o->newer[index] = oldest;
    o->newer[newest] = index;
    o->older[oldest] = index;
}

void cache_touch_full(struct cache *c, uint32_t index)
{
    struct cache_order *o = c->order;
    if (o->newest == index)
        return;
    to_the_seam(o, index);
    o->newest = index;
}

uint32_t cache_oldest(const struct cache *c) { return c->order->newer[c->order->newest]; }

int cache_find_full(const struct cache *c, uint32_t tag)
{
    const struct cache_order *o = c->order;
    for (uint32_t i = o->bucket[bucket_of(c, tag)]; i != NOWHERE; i = o->chain[i])
        if (c->tag[i] == tag)
            return (int)i;
    return -1;
}

static void unhash(struct cache *c, uint32_t index)
{
    uint32_t *at = &c->order->bucket[bucket_of(c, c->tag[index])];
    while (*at != index)
        at = &c->order->chain[*at];
    *at = c->order->chain[index];
}

void cache_rename(struct cache *c, uint32_t index, uint32_t tag)
{
    struct cache_order *o = c->order;
    if (c->tag[index] != CACHE_TAG_INVALID)
        unhash(c, index);
    if (tag != CACHE_TAG_INVALID) {
        o->chain[index] = o->bucket[bucket_of(c, tag)];
        o->bucket[bucket_of(c, tag)] = index;
        return;
    }
    if (o->newest == index)
        o->newest = o->older[index];
    if (o->newest != index)
        to_the_seam(o, index);
}

/* --- life ------------------------------------------------------------------------------------- */

void cache_init(struct cache *c, struct cache_geometry g)
{
    memset(c, 0, sizeof *c);
    if (!g.size_bytes)
        return;
    CHECK(power_of_two(g.size_bytes) && power_of_two(g.line_bytes) && g.line_bytes >= 8);
    CHECK(power_of_two(g.ways) && g.size_bytes >= g.ways * g.line_bytes);
    c->ways = g.ways;
    c->sets = g.size_bytes / g.line_bytes / g.ways;
    CHECK(g.ways <= PLRU_WAYS_MAX || c->sets == 1);
    c->line_shift = (uint32_t)__builtin_ctz(g.line_bytes);
    size_t lines = (size_t)c->sets * c->ways;
    c->tag = xalloc(lines, sizeof *c->tag);
    c->state = xalloc(lines, sizeof *c->state);
    c->lru = xalloc(cache_lru_bytes(c), sizeof *c->lru);
    c->order = c->sets == 1 && g.ways > ONE_SET_WAYS ? order_new(g.ways) : NULL;
    cache_clear(c);
}

void cache_free(struct cache *c)
{
    free(c->tag);
    free(c->state);
    free(c->lru);
    order_free(c->order);
    memset(c, 0, sizeof *c);
}

void cache_clear(struct cache *c)
{
    if (!c->sets)
        return;
    size_t lines = (size_t)c->sets * c->ways;
    memset(c->tag, 0xFF, lines * sizeof *c->tag);
    memset(c->state, LINE_INVALID, lines);
    memset(c->lru, 0, cache_lru_bytes(c));
    if (c->order)
        order_clear(c);
}
