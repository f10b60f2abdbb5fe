#include "mmu/cache.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

static bool power_of_two(uint32_t v) { return v && !(v & (v - 1)); }

void cache_init(struct cache *c, struct cache_geometry g)
{
    memset(c, 0, sizeof *c);
    if (!g.size_bytes)
        return;
    CHECK(power_of_two(g.size_bytes) && power_of_two(g.line_bytes) && g.line_bytes >= 8);
    CHECK(power_of_two(g.ways) && g.ways <= 8 && g.size_bytes >= g.ways * g.line_bytes);
    c->ways = g.ways;
    c->sets = g.size_bytes / g.line_bytes / g.ways;
    c->line_shift = (uint32_t)__builtin_ctz(g.line_bytes);
    size_t lines = (size_t)c->sets * c->ways;
    c->tag = xalloc(lines, sizeof *c->tag);
    c->state = xalloc(lines, sizeof *c->state);
    c->lru = xalloc(c->sets, sizeof *c->lru);
    cache_clear(c);
}

void cache_free(struct cache *c)
{
    free(c->tag);
    free(c->state);
    free(c->lru);
    memset(c, 0, sizeof *c);
}

void cache_clear(struct cache *c)
{
    if (!c->sets)
        return;
    size_t lines = (size_t)c->sets * c->ways;
    memset(c->tag, 0xFF, lines * sizeof *c->tag);
    memset(c->state, LINE_INVALID, lines);
    memset(c->lru, 0, c->sets);
}
