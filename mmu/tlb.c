#include "mmu/tlb.h"

#include "sim/core/check.h"

#include <string.h>

static bool power_of_two(uint32_t v) { return v && !(v & (v - 1)); }

void tlb_init(struct tlb *t, struct tlb_geometry g)
{
    memset(t, 0, sizeof *t);
    for (uint32_t i = 0; i < TLB_ENTRIES_MAX; i++)
        t->entry[i].tag = TLB_INVALID;
    if (!g.entries)
        return;
    CHECK(g.entries <= TLB_ENTRIES_MAX && g.ways <= g.entries);
    CHECK(g.ways == g.entries || (power_of_two(g.entries) && power_of_two(g.ways) && g.ways <= 8));
    CHECK(g.ways > 8 || power_of_two(g.ways));
    t->entries = g.entries;
    t->ways = g.ways;
    t->sets = g.entries / g.ways;
}

/* The first entry from the hand on that was not used since the hand last passed. */
static uint32_t under_the_hand(struct tlb *t)
{
    for (;;) {
        uint32_t index = t->hand;
        uint8_t bit = (uint8_t)(1u << index % 8);
        t->hand = (uint8_t)((index + 1) % t->entries);
        if (!(t->plru[index / 8] & bit))
            return index;
        t->plru[index / 8] &= (uint8_t)~bit;
    }
}

static uint32_t choose(struct tlb *t, uint32_t tag)
{
    int present = tlb_find(t, tag);
    if (present >= 0)
        return (uint32_t)present;
    uint32_t set = tag & (t->sets - 1);
    for (uint32_t way = 0; way < t->ways; way++)
        if (t->entry[set * t->ways + way].tag == TLB_INVALID)
            return set * t->ways + way;
    if (t->ways > 8)
        return under_the_hand(t);
    return set * t->ways + plru_victim(t->plru[set], t->ways);
}

uint32_t tlb_fill(struct tlb *t, uint32_t tag, uint32_t page, uint16_t flags, uint32_t *evicted)
{
    uint32_t index = choose(t, tag);
    *evicted = t->entry[index].tag;
    t->entry[index] = (struct tlb_entry){.tag = tag, .page = page, .flags = flags};
    t->filled[index / 64] |= 1ull << (index % 64);
    tlb_touch(t, index);
    return index;
}

static void clear(struct tlb *t, uint32_t index)
{
    t->entry[index] = (struct tlb_entry){.tag = TLB_INVALID};
}

bool tlb_invalidate(struct tlb *t, uint32_t tag)
{
    int index = tlb_find(t, tag);
    if (index >= 0)
        clear(t, (uint32_t)index);
    return index >= 0;
}

bool tlb_drop(const struct mmu *m, struct tlb *t, uint32_t unit)
{
    bool dropped = tlb_invalidate(t, m->space_tag | unit);
    if (m->global_tag)
        dropped |= tlb_invalidate(t, m->global_tag | unit);
    return dropped;
}

void tlb_flush_space(struct tlb *t)
{
    for (uint32_t i = 0; i < t->entries; i += 64)
        for (uint64_t left = t->filled[i / 64]; left; left &= left - 1) {
            uint32_t index = i + (uint32_t)__builtin_ctzll(left);
            if (t->entry[index].tag != TLB_INVALID && t->entry[index].flags & TLB_GLOBAL)
                continue;
            clear(t, index);
            t->filled[i / 64] &= ~(1ull << (index % 64));
        }
}

void tlb_flush(struct tlb *t)
{
    for (uint32_t i = 0; i < t->entries; i += 64) {
        uint64_t filled = t->filled[i / 64];
        t->filled[i / 64] = 0;
        for (; filled; filled &= filled - 1)
            clear(t, i + (uint32_t)__builtin_ctzll(filled));
    }
}
