// regions.c: the list of intervals. A change copies the list's tail at most twice; there are a few
// hundred entries at the most, and requests are rare.
#include "regions.h"

#include <l4/string.h>

static word_t index_of(const struct regions *r, word_t page)
{
    word_t low = 0, high = r->count;
    while (high - low > 1) {
        word_t middle = (low + high) / 2;
        if (r->list[middle].start <= page)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const struct region *regions_at(const struct regions *r, word_t page)
{
    return &r->list[index_of(r, page)];
}

// Makes page the start of an entry; the caller has made sure of room.
static word_t split(struct regions *r, word_t page)
{
    if (page >= PAGE_COUNT)
        return r->count;
    word_t index = index_of(r, page);
    if (r->list[index].start == page)
        return index;
    memmove(&r->list[index + 1], &r->list[index],
            (r->count - index) * sizeof(r->list[0]));
    r->count++;
    r->list[index].end = page;
    r->list[index + 1].start = page;
    return index + 1;
}

static bool alike(const struct region *a, const struct region *b)
{
    return a->kind == b->kind && a->owner == b->owner;
}

// Joins equal neighbours among the entries from first - 1 to last.
static void merge(struct regions *r, word_t first, word_t last)
{
    word_t from = first > 0 ? first - 1 : 0;
    word_t to = last < r->count ? last : r->count - 1;
    word_t kept = from;
    for (word_t i = from + 1; i <= to; i++) {
        if (alike(&r->list[kept], &r->list[i]))
            r->list[kept].end = r->list[i].end;
        else
            r->list[++kept] = r->list[i];
    }
    memmove(&r->list[kept + 1], &r->list[to + 1],
            (r->count - to - 1) * sizeof(r->list[0]));
    r->count -= to - kept;
}

bool regions_set(struct regions *r, word_t start, word_t end, enum region_kind kind,
                 l4_thread_id owner)
{
    if (r->count + 2 > REGION_MAX)
        return false;
    word_t first = split(r, start), last = split(r, end);
    for (word_t i = first; i < last; i++) {
        r->list[i].kind = kind;
        r->list[i].owner = owner;
    }
    merge(r, first, last);
    return true;
}

bool regions_own(struct regions *r, word_t start, word_t end, l4_thread_id owner)
{
    if (r->count + 2 > REGION_MAX)
        return false;
    word_t first = split(r, start), last = split(r, end);
    for (word_t i = first; i < last; i++)
        r->list[i].owner = owner;
    merge(r, first, last);
    return true;
}

bool regions_available(const struct regions *r, word_t start, word_t end, l4_thread_id asker)
{
    if (start >= end || end > PAGE_COUNT)
        return false;
    for (word_t i = index_of(r, start); i < r->count && r->list[i].start < end; i++) {
        const struct region *region = &r->list[i];
        if (region->kind == REGION_KERNEL)
            return false;
        if (region->owner != L4_NIL_THREAD && region->owner != asker)
            return false;
    }
    return true;
}

static word_t find_between(const struct regions *r, word_t bits, word_t low, word_t high)
{
    word_t pages = 1u << bits;
    for (word_t i = index_of(r, low); i < r->count && r->list[i].start < high; i++) {
        const struct region *region = &r->list[i];
        if (region->kind != REGION_CONVENTIONAL || region->owner != L4_NIL_THREAD)
            continue;
        word_t start = region->start > low ? region->start : low;
        word_t end = region->end < high ? region->end : high;
        start = (start + pages - 1) & ~(pages - 1);
        if (start < end && end - start >= pages)
            return start;
    }
    return PAGE_COUNT;
}

word_t regions_find(const struct regions *r, word_t bits)
{
    const word_t megabyte = (1u << 20) >> L4_PAGE_BITS;
    if (bits >= 20)
        return PAGE_COUNT;
    word_t page = find_between(r, bits, megabyte, PAGE_COUNT);
    return page < PAGE_COUNT ? page : find_between(r, bits, 0, megabyte);
}

static enum region_kind kind_of(const struct l4_memory_descriptor *d)
{
    switch (l4_memory_type(d)) {
    case L4_MEMORY_CONVENTIONAL: return REGION_CONVENTIONAL;
    case L4_MEMORY_RESERVED: return REGION_KERNEL;
    case L4_MEMORY_BOOT_SPECIFIC: return REGION_BOOT;
    default: return REGION_DEVICE;
    }
}

void regions_init(struct regions *r, const struct l4_kip *kip)
{
    r->count = 1;
    r->list[0] = (struct region){0, PAGE_COUNT, REGION_DEVICE, L4_NIL_THREAD};
    for (word_t i = 0; i < l4_memory_descriptor_count(kip); i++) {
        const struct l4_memory_descriptor *d = l4_memory_descriptor(kip, i);
        if (l4_memory_is_virtual(d) || l4_memory_type(d) == L4_MEMORY_UNDEFINED)
            continue;
        enum region_kind kind = kind_of(d);
        word_t start = l4_memory_low(d) >> L4_PAGE_BITS;
        word_t end = (l4_memory_high(d) >> L4_PAGE_BITS) + 1;
        // A page that is only in part memory for all is not.
        if (kind == REGION_CONVENTIONAL) {
            start = (l4_memory_low(d) + L4_PAGE_SIZE - 1) >> L4_PAGE_BITS;
            end = (l4_memory_high(d) >> L4_PAGE_BITS) +
                  ((l4_memory_high(d) & (L4_PAGE_SIZE - 1)) == L4_PAGE_SIZE - 1);
        }
        if (start < end)
            regions_set(r, start, end, kind, L4_NIL_THREAD);
    }
    // Page 0 holds the firmware's data, and a null pointer should find nothing there.
    if (regions_at(r, 0)->kind == REGION_CONVENTIONAL)
        regions_set(r, 0, 1, REGION_DEVICE, L4_NIL_THREAD);
}
