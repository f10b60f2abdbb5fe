#include "sim/report/mirror.h"

#include "mmu/plru.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------- */

static void init(struct mirror *m, uint32_t sets, uint32_t ways)
{
    uint32_t count = sets * ways;
    memset(m, 0, sizeof *m);
    m->sets = sets;
    m->ways = ways;
    m->last = MIRROR_NONE;
    m->tag = m->record = xalloc(count + 1, sizeof *m->tag);
    m->split = xalloc(count + 1, sizeof *m->split);
    m->lru = xalloc(sets + 1, 1);
    m->set = xalloc(sets + 1, sizeof *m->set);
    memset(m->tag, 0xFF, (count + 1) * sizeof *m->tag);
}

/* What is there already has been held; when it was touched nobody knows. */
static void put(struct mirror *m, uint32_t index, uint32_t tag, uint32_t record)
{
    m->tag[index] = tag;
    m->record[index] = record;
    recency_record(&m->shadow, record)->gone = NEVER_HELD;
    recency_touch(&m->shadow, record);
}

void mirror_init_cache(struct mirror *m, const struct cache *c, struct record *records,
                       uint32_t stride, uint32_t lines)
{
    init(m, c->sets, c->ways);
    m->shift = c->line_shift;
    recency_init(&m->shadow, c->sets * c->ways, records, stride, lines);
    for (uint32_t i = 0; i < c->sets * c->ways; i++)
        if (c->tag[i] != UINT32_MAX)
            put(m, i, c->tag[i], c->tag[i]);
    if (c->sets)
        memcpy(m->lru, c->lru, c->sets);
}

void mirror_init_tlb(struct mirror *m, const struct tlb *t)
{
    init(m, t->sets, t->ways);
    m->record = xalloc(t->entries + 1, sizeof *m->record);
    memset(m->record, 0xFF, (t->entries + 1) * sizeof *m->record);
    m->room = 1024;
    m->own = xalloc(m->room, sizeof *m->own);
    m->key = xalloc(m->room, sizeof *m->key);
    m->slots = 4096;
    m->slot = xalloc(m->slots, sizeof *m->slot);
    recency_init(&m->shadow, t->entries, m->own, 1, m->room);
    for (uint32_t i = 0; i < t->entries; i++) {
        const struct tlb_entry *e = &t->entry[i];
        if (e->tag == TLB_INVALID)
            continue;
        put(m, i, e->tag, mirror_translation(m, e->tag, e->page));
        m->split[i] = e->flags & TLB_LARGE;
    }
    memcpy(m->lru, t->plru, t->sets);
}

void mirror_free(struct mirror *m)
{
    if (m->record != m->tag)
        free(m->record);
    free(m->tag);
    free(m->split);
    free(m->lru);
    free(m->own);
    free(m->key);
    free(m->slot);
    free(m->set);
    recency_free(&m->shadow);
}

/* --- records of translations ------------------------------------------------------------------ */

static uint32_t hash(uint64_t key)
{
    key = (key ^ key >> 31) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(key >> 32);
}

static void rehash(struct mirror *m)
{
    free(m->slot);
    m->slots *= 4;
    m->slot = xalloc(m->slots, sizeof *m->slot);
    for (uint32_t i = 0; i < m->records; i++) {
        uint32_t at = hash(m->key[i]) & (m->slots - 1);
        while (m->slot[at])
            at = (at + 1) & (m->slots - 1);
        m->slot[at] = i + 1;
    }
}

static void make_room(struct mirror *m)
{
    uint32_t before = m->room;
    m->room *= 2;
    m->key = realloc(m->key, m->room * sizeof *m->key);
    m->own = realloc(m->own, m->room * sizeof *m->own);
    CHECK(m->key && m->own);
    memset(m->own + before, 0, (m->room - before) * sizeof *m->own);
    m->shadow.record = m->own;
    m->shadow.records = m->room;
    rehash(m);
}

uint32_t mirror_translation(struct mirror *m, uint32_t tag, uint32_t frame)
{
    uint64_t key = (uint64_t)tag << 32 | frame;
    uint32_t at = hash(key) & (m->slots - 1);
    for (; m->slot[at]; at = (at + 1) & (m->slots - 1))
        if (m->key[m->slot[at] - 1] == key)
            return m->slot[at] - 1;
    m->key[m->records] = key;
    m->slot[at] = ++m->records;
    uint32_t record = m->records - 1;
    if (m->records == m->room)
        make_room(m);
    return record;
}

/* --- what happens to them --------------------------------------------------------------------- */

void mirror_touch(struct mirror *m, uint32_t index)
{
    m->last = m->record[index];
    plru_touch(&m->lru[index / m->ways], m->ways, index & (m->ways - 1));
    recency_touch(&m->shadow, m->last);
}

uint32_t mirror_victim(const struct mirror *m, uint32_t tag)
{
    uint32_t set = tag & (m->sets - 1), first = set * m->ways;
    for (uint32_t way = 0; way < m->ways; way++)
        if (m->tag[first + way] == MIRROR_NONE)
            return first + way;
    return first + plru_victim(m->lru[set], m->ways);
}

static void remove_at(struct mirror *m, uint32_t index, enum removal how, uint32_t by)
{
    uint32_t record = m->record[index];
    recency_record(&m->shadow, record)->gone = by << REMOVAL_BITS | how;
    if (m->last == record)
        m->last = MIRROR_NONE;
}

void mirror_fill(struct mirror *m, uint32_t index, uint32_t tag, uint32_t record, uint32_t by)
{
    if (m->tag[index] != MIRROR_NONE && m->record[index] != record)
        remove_at(m, index, REPLACED, by);
    m->tag[index] = tag;
    m->record[index] = record;
    m->split[index] = false;
    recency_record(&m->shadow, record)->gone = NEVER_HELD;
    mirror_touch(m, index);
}

void mirror_drop(struct mirror *m, uint32_t index, enum removal how, uint32_t by)
{
    remove_at(m, index, how, by);
    m->tag[index] = MIRROR_NONE;
    m->record[index] = MIRROR_NONE;
    m->split[index] = false;
}

void mirror_flush(struct mirror *m, enum removal how, uint32_t by)
{
    for (uint32_t i = 0; i < m->sets * m->ways; i++)
        if (m->tag[i] != MIRROR_NONE)
            mirror_drop(m, i, how, by);
}
