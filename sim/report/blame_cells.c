#include "sim/report/blame_cells.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

const char *const blame_array_names[BLAME_ARRAY_COUNT] = {
#define X(id, name, text) [BLAME_##id] = name,
    BLAME_ARRAYS(X)
#undef X
};

const char *const blame_array_texts[BLAME_ARRAY_COUNT] = {
#define X(id, name, text) [BLAME_##id] = text,
    BLAME_ARRAYS(X)
#undef X
};

const char *const blame_kind_names[BLAME_KIND_COUNT] = {
#define X(id, name, text) [BLAME_##id] = name,
    BLAME_KINDS(X)
#undef X
};

const char *const blame_kind_texts[BLAME_KIND_COUNT] = {
#define X(id, name, text) [BLAME_##id] = text,
    BLAME_KINDS(X)
#undef X
};

const char *const blame_deed_names[DEED_COUNT] = {
#define X(id, name) [DEED_##id] = name,
    BLAME_DEEDS(X)
#undef X
};

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v ^ v >> 32) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint32_t hash_who(const struct blame_who *w)
{
    uint64_t h = mix(w->deed, (uint64_t)w->space << 32 | w->path);
    return (uint32_t)(mix(h, (uint64_t)w->place << 32 | w->la) >> 16);
}

static uint32_t hash_cell(const struct blame_cell *k)
{
    uint64_t h = mix(k->array << 8 | k->kind, (uint64_t)k->charged << 32 | k->caused);
    return (uint32_t)(h >> 16);
}

static bool same_who(const struct blame_who *a, const struct blame_who *b)
{
    return a->space == b->space && a->path == b->path && a->place == b->place && a->la == b->la &&
           a->deed == b->deed;
}

static bool same_cell(const struct blame_cell *a, const struct blame_cell *b)
{
    return a->array == b->array && a->kind == b->kind && a->charged == b->charged &&
           a->caused == b->caused;
}

static void *grown(void *list, uint32_t *room, size_t size)
{
    *room *= 2;
    list = realloc(list, *room * size);
    CHECK(list != NULL);
    return list;
}

void blame_cells_init(struct blame_cells *c)
{
    memset(c, 0, sizeof *c);
    c->who_room = c->room = 1024;
    c->who_slots = c->slots = 4096;
    c->who = xalloc(c->who_room, sizeof *c->who);
    c->cell = xalloc(c->room, sizeof *c->cell);
    c->who_slot = xalloc(c->who_slots, sizeof *c->who_slot);
    c->slot = xalloc(c->slots, sizeof *c->slot);
    blame_who(c, (struct blame_who){.deed = DEED_COUNT});
}

void blame_cells_free(struct blame_cells *c)
{
    free(c->who);
    free(c->cell);
    free(c->who_slot);
    free(c->slot);
}

void blame_cells_clear(struct blame_cells *c)
{
    memset(c->slot, 0, c->slots * sizeof *c->slot);
    c->count = c->waiting_count = 0;
    for (uint32_t i = 0; i < c->who_count; i++)
        c->who[i].times = 0;
}

static void rehash_who(struct blame_cells *c)
{
    free(c->who_slot);
    c->who_slots *= 2;
    c->who_slot = xalloc(c->who_slots, sizeof *c->who_slot);
    for (uint32_t i = 0; i < c->who_count; i++) {
        uint32_t at = hash_who(&c->who[i]) & (c->who_slots - 1);
        while (c->who_slot[at])
            at = (at + 1) & (c->who_slots - 1);
        c->who_slot[at] = i + 1;
    }
}

uint32_t blame_who(struct blame_cells *c, struct blame_who w)
{
    uint32_t at = hash_who(&w) & (c->who_slots - 1);
    for (; c->who_slot[at]; at = (at + 1) & (c->who_slots - 1))
        if (same_who(&c->who[c->who_slot[at] - 1], &w))
            return c->who_slot[at] - 1;
    uint32_t index = c->who_count++;
    c->who[index] = w;
    c->who_slot[at] = index + 1;
    if (c->who_count == c->who_room) {
        c->who = grown(c->who, &c->who_room, sizeof *c->who);
        rehash_who(c);
    }
    return index;
}

static void rehash_cells(struct blame_cells *c)
{
    free(c->slot);
    c->slots *= 2;
    c->slot = xalloc(c->slots, sizeof *c->slot);
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t at = hash_cell(&c->cell[i]) & (c->slots - 1);
        while (c->slot[at])
            at = (at + 1) & (c->slots - 1);
        c->slot[at] = i + 1;
    }
}

static uint32_t find(struct blame_cells *c, const struct blame_cell *key, uint32_t hash)
{
    uint32_t at = hash & (c->slots - 1);
    for (; c->slot[at]; at = (at + 1) & (c->slots - 1))
        if (same_cell(&c->cell[c->slot[at] - 1], key))
            return c->slot[at] - 1;
    if (c->count == c->room) {
        c->cell = grown(c->cell, &c->room, sizeof *c->cell);
        rehash_cells(c);
        return find(c, key, hash);
    }
    c->cell[c->count] = *key;
    c->cell[c->count].misses = c->cell[c->count].cycles = 0;
    c->slot[at] = ++c->count;
    return c->count - 1;
}

uint32_t blame_find(struct blame_cells *c, const struct blame_cell *key)
{
    return find(c, key, hash_cell(key));
}

static uint32_t count(struct blame_cells *c, const struct blame_cell *k, uint32_t hash)
{
    uint32_t index = find(c, k, hash); /* first: it may move the list */
    struct blame_cell *cell = &c->cell[index];
    cell->misses += k->misses;
    cell->cycles += k->cycles;
    c->latest[k->array][k->kind] = index;
    return index;
}

uint32_t blame_count(struct blame_cells *c, struct blame_cell k)
{
    return count(c, &k, hash_cell(&k));
}

void blame_count_later(struct blame_cells *c, const struct blame_cell *k)
{
    uint32_t hash = hash_cell(k);
    __builtin_prefetch(&c->slot[hash & (c->slots - 1)]);
    c->waiting[c->waiting_count] = (struct blame_cell){k->array, k->kind, k->charged, k->caused,
                                                       k->misses, k->cycles};
    c->waiting_hash[c->waiting_count] = hash;
    if (++c->waiting_count == BLAME_WAITING)
        blame_count_waiting(c);
}

void blame_count_waiting(struct blame_cells *c)
{
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        uint32_t cell = c->slot[c->waiting_hash[i] & (c->slots - 1)];
        if (cell)
            __builtin_prefetch(&c->cell[cell - 1]);
    }
    for (uint32_t i = 0; i < c->waiting_count; i++)
        count(c, &c->waiting[i], c->waiting_hash[i]);
    c->waiting_count = 0;
}
