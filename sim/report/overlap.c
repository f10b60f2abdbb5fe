#include "sim/report/overlap.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

const char *const overlap_names[OVERLAP_KINDS] = {"code_lines", "data_lines", "itlb", "dtlb"};

#define PAGE_SHIFT 12
#define LARGE_SHIFT 10 /* pages in a large one, as a shift */

/* --- setting up ------------------------------------------------------------------------------- */

static void cache_start(struct overlap_cache *k, const struct cache *cache)
{
    uint32_t lines = cache->sets * cache->ways + 1;
    k->cache = cache;
    k->tag = xalloc(lines, sizeof *k->tag);
    k->owner = xalloc(lines, sizeof *k->owner);
    k->shared = xalloc(lines, sizeof *k->shared);
    if (cache->sets)
        memcpy(k->tag, cache->tag, (lines - 1) * sizeof *k->tag);
}

/* Who made what is there already is not known: nobody in particular. */
static void tlb_start(struct overlap_tlb *k, const struct tlb *tlb)
{
    k->tlb = tlb;
    for (uint32_t i = 0; i < tlb->entries; i++)
        k->tag[i] = tlb->entry[i].tag;
}

static void make_room(struct overlap *o, uint32_t space)
{
    uint32_t count = o->spaces ? o->spaces : 16;
    while (count <= space)
        count *= 2;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t *used = xalloc(count, sizeof *used);
        memcpy(used, o->cache[i].used ? o->cache[i].used : used, o->spaces * sizeof *used);
        free(o->cache[i].used);
        o->cache[i].used = used;
    }
    o->spaces = count;
}

void overlap_init(struct overlap *o, const struct cpu *c)
{
    memset(o, 0, sizeof *o);
    cache_start(&o->cache[OVERLAP_CODE], &c->mmu->l1i);
    cache_start(&o->cache[OVERLAP_DATA], &c->mmu->l1d);
    tlb_start(&o->tlb[0], &c->mmu->itlb);
    tlb_start(&o->tlb[1], &c->mmu->dtlb);
    tlb_start(&o->tlb[2], &c->mmu->dtlb_large);
    make_room(o, 0);
}

void overlap_free(struct overlap *o)
{
    for (unsigned i = 0; i < 2; i++) {
        free(o->cache[i].tag);
        free(o->cache[i].owner);
        free(o->cache[i].shared);
        free(o->cache[i].used);
    }
}

/* --- looking at the caches -------------------------------------------------------------------- */

static void gone(struct overlap *o, unsigned kind, uint32_t index)
{
    struct overlap_cache *k = &o->cache[kind];
    if (!k->owner[index])
        return;
    k->used[k->owner[index] - 1]--;
    if (o->instance && k->owner[index] - 1 == o->victim)
        o->now.displaced[kind]++;
    k->owner[index] = 0;
}

/* Something has happened to the set that this address is in. */
static void look_at_set(struct overlap *o, unsigned kind, paddr_t pa)
{
    struct overlap_cache *k = &o->cache[kind];
    if (!k->cache->sets)
        return;
    uint32_t ways = k->cache->ways;
    uint32_t first = ((pa >> k->cache->line_shift) & (k->cache->sets - 1)) * ways;
    for (uint32_t i = first; i < first + ways; i++)
        if (UNLIKELY(k->tag[i] != k->cache->tag[i])) {
            gone(o, kind, i);
            k->tag[i] = k->cache->tag[i];
        }
}

static void look_at_tlb(struct overlap *o, unsigned which, uint32_t first, uint32_t count,
                        bool by_program)
{
    struct overlap_tlb *k = &o->tlb[which];
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t tag = k->tlb->entry[i].tag;
        if (tag == k->tag[i])
            continue;
        if (k->of_program[i] && o->instance)
            o->now.displaced[which ? OVERLAP_DTLB : OVERLAP_ITLB]++;
        k->used -= k->of_program[i];
        k->of_program[i] = by_program && tag != TLB_INVALID;
        k->used += k->of_program[i];
        k->tag[i] = tag;
    }
}

static void look_at_walk(struct overlap *o, unsigned which, uint32_t page, bool by_program)
{
    const struct tlb *t = o->tlb[which].tlb;
    if (t->entries)
        look_at_tlb(o, which, (page & (t->sets - 1)) * t->ways, t->ways, by_program);
}

void overlap_flush(struct overlap *o, bool caches)
{
    for (unsigned which = 0; which < 3; which++)
        look_at_tlb(o, which, 0, o->tlb[which].tlb->entries, false);
    for (unsigned kind = 0; kind < 2 && caches; kind++)
        for (uint32_t set = 0; set < o->cache[kind].cache->sets; set++)
            look_at_set(o, kind, set << o->cache[kind].cache->line_shift);
}

void overlap_look_anew(struct overlap *o)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        struct overlap_cache *k = &o->cache[kind];
        if (k->cache->sets)
            memcpy(k->tag, k->cache->tag, k->cache->sets * k->cache->ways * sizeof *k->tag);
    }
    for (unsigned which = 0; which < 3; which++)
        look_at_tlb(o, which, 0, o->tlb[which].tlb->entries, false);
}

/* A line that came or went, in either cache; an entry of a TLB. An update is a locked cycle, which
 * makes both caches give up the line that they have. */
static NOINLINE void look(struct overlap *o, const struct access *a, bool by_program)
{
    if (a->level != LEVEL_L1 || a->kind == ACCESS_UPDATE) {
        look_at_set(o, OVERLAP_CODE, a->pa);
        look_at_set(o, OVERLAP_DATA, a->pa);
    }
    if (a->kind != ACCESS_WALK && a->kind != ACCESS_UPDATE)
        return;
    bool code = a->flags & ACCESS_CODE_SIDE;
    look_at_walk(o, code ? 0 : 1, a->la >> PAGE_SHIFT, by_program);
    if (!code)
        look_at_walk(o, 2, a->la >> PAGE_SHIFT >> LARGE_SHIFT, by_program);
}

static ALWAYS_INLINE bool is_plain_hit(const struct access *a)
{
    return a->level == LEVEL_L1 && a->kind != ACCESS_WALK && a->kind != ACCESS_UPDATE;
}

/* The index of the line that holds pa, -1 if it is not there. */
static ALWAYS_INLINE int find(const struct overlap_cache *k, paddr_t pa)
{
    uint32_t tag = pa >> k->cache->line_shift;
    uint32_t first = (tag & (k->cache->sets - 1)) * k->cache->ways;
    for (uint32_t i = first; i < first + k->cache->ways; i++)
        if (k->tag[i] == tag)
            return (int)i;
    return -1;
}

static NOINLINE void take_over(struct overlap *o, struct overlap_cache *k, uint32_t index,
                               uint32_t space)
{
    if (space >= o->spaces)
        make_room(o, space);
    if (k->owner[index])
        k->used[k->owner[index] - 1]--;
    k->used[space]++;
    k->owner[index] = space + 1;
}

void overlap_user(struct overlap *o, uint32_t space, const struct access *const *list,
                  uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct access *a = list[i];
        if (UNLIKELY(!is_plain_hit(a)))
            look(o, a, true);
        if (a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE || a->level == LEVEL_DEVICE)
            continue;
        struct overlap_cache *k = &o->cache[a->kind == ACCESS_FETCH ? OVERLAP_CODE : OVERLAP_DATA];
        int index = k->cache->sets ? find(k, a->pa) : -1;
        if (index >= 0 && UNLIKELY(k->owner[index] != space + 1))
            take_over(o, k, (uint32_t)index, space);
    }
}

void overlap_kernel(struct overlap *o, const struct access *const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct access *a = list[i];
        if (UNLIKELY(!is_plain_hit(a))) {
            look(o, a, false);
            continue;
        }
        unsigned kind = a->kind == ACCESS_FETCH ? OVERLAP_CODE : OVERLAP_DATA;
        struct overlap_cache *k = &o->cache[kind];
        int index = o->instance && k->cache->sets ? find(k, a->pa) : -1;
        if (index < 0 || k->owner[index] != o->victim + 1 || k->shared[index] == o->instance)
            continue;
        k->shared[index] = o->instance;
        o->now.shared[kind]++;
    }
}

/* --- instances -------------------------------------------------------------------------------- */

void overlap_begin(struct overlap *o, uint32_t victim)
{
    if (victim >= o->spaces)
        make_room(o, victim);
    memset(&o->now, 0, sizeof o->now);
    o->instance = ++o->instances ? o->instances : ++o->instances;
    o->victim = victim;
    for (unsigned kind = 0; kind < 2; kind++)
        o->now.used[kind] = o->cache[kind].used[victim];
    o->now.used[OVERLAP_ITLB] = o->tlb[0].used;
    o->now.used[OVERLAP_DTLB] = o->tlb[1].used + o->tlb[2].used;
}

void overlap_end(struct overlap *o) { o->instance = 0; }
