// dataspaces.c: see the header. The list of a dataspace's frames is itself made of frames, so that
// the server needs no other memory: a page of it lists 1,024 frames, and a directory those pages.
#include "dataspaces.h"

#include <l4/frames.h>
#include <l4/string.h>
#include <l4/syscalls.h>

#define PER_PAGE (L4_PAGE_SIZE / sizeof(word_t))

// 4 GB at most: 1,024 pages of list.
static word_t *frame_slot(struct dataspaces *d, struct dataspace *space, word_t page)
{
    word_t *list = &space->frames[page / PER_PAGE];
    if (!*list) {
        *list = l4_frame_take();
        if (!*list)
            return NULL;
        d->frames_in_use++;
    }
    return (word_t *)(uintptr_t)*list + page % PER_PAGE;
}

static void give(struct dataspaces *d, word_t frame)
{
    l4_frame_give(frame);
    d->frames_in_use--;
}

static struct dataspace *find(struct dataspaces *d, word_t number)
{
    return number >= 1 && number <= DATASPACE_MAX && d->dataspaces[number - 1].pages
               ? &d->dataspaces[number - 1]
               : NULL;
}

enum l4_memory_error dataspace_open(struct dataspaces *d, word_t task, word_t size, word_t *number)
{
    if (size == 0 || size > REGION_TOP)
        return L4_MEMORY_BAD;
    for (word_t i = 0; i < DATASPACE_MAX; i++) {
        struct dataspace *space = &d->dataspaces[i];
        if (space->pages)
            continue;
        word_t directory = l4_frame_take();
        if (!directory)
            return L4_MEMORY_NO_ROOM;
        d->frames_in_use++;
        *space = (struct dataspace){.pages = (size + L4_PAGE_SIZE - 1) / L4_PAGE_SIZE,
                                    .frames = (word_t *)(uintptr_t)directory,
                                    .owner = task};
        *number = i + 1;
        return L4_MEMORY_OK;
    }
    return L4_MEMORY_NO_ROOM;
}

static void destroy(struct dataspaces *d, struct dataspace *space)
{
    word_t index = (word_t)(space - d->dataspaces);
    for (word_t i = 0; i < REGION_MAX; i++) {
        if (d->regions[i].dataspace == index)
            d->regions[i].size = 0;
    }
    for (word_t i = 0; i < PER_PAGE; i++) {
        word_t *list = (word_t *)(uintptr_t)space->frames[i];
        for (word_t page = 0; list && page < PER_PAGE; page++) {
            if (list[page])
                give(d, list[page]);
        }
        if (list)
            give(d, (word_t)(uintptr_t)list);
    }
    give(d, (word_t)(uintptr_t)space->frames);
    space->pages = 0;
}

enum l4_memory_error dataspace_close(struct dataspaces *d, word_t task, word_t number)
{
    struct dataspace *space = find(d, number);
    if (!space || space->owner != task)
        return L4_MEMORY_NONE;
    destroy(d, space);
    return L4_MEMORY_OK;
}

enum l4_memory_error dataspace_share(struct dataspaces *d, word_t task, word_t number, word_t with,
                                     word_t rights)
{
    struct dataspace *space = find(d, number);
    if (!space || space->owner != task)
        return L4_MEMORY_NONE;
    word_t i = 0;
    while (i < space->share_count && space->shares[i].task != with)
        i++;
    if (i == SHARE_MAX)
        return L4_MEMORY_NO_ROOM;
    if (i == space->share_count)
        space->share_count++;
    space->shares[i] = (struct share){with, rights & L4_FULLY_ACCESSIBLE};
    return L4_MEMORY_OK;
}

static word_t rights_of(const struct dataspace *space, word_t task)
{
    if (space->owner == task)
        return L4_FULLY_ACCESSIBLE;
    for (word_t i = 0; i < space->share_count; i++) {
        if (space->shares[i].task == task)
            return space->shares[i].rights;
    }
    return 0;
}

// The first region of the task that meets [start, start + size).
static const struct region *overlap(const struct dataspaces *d, word_t task, word_t start,
                                    word_t size)
{
    for (word_t i = 0; i < REGION_MAX; i++) {
        const struct region *region = &d->regions[i];
        if (region->size && region->task == task && start < region->start + region->size &&
            region->start < start + size)
            return region;
    }
    return NULL;
}

static word_t choose(const struct dataspaces *d, word_t task, word_t size)
{
    word_t start = REGION_AREA_START;
    while (start < REGION_AREA_END && REGION_AREA_END - start >= size) {
        const struct region *other = overlap(d, task, start, size);
        if (!other)
            return start;
        // One page stays empty behind every region.
        start = other->start + other->size + L4_PAGE_SIZE;
    }
    return 0;
}

static bool is_aligned(word_t value)
{
    return (value & (L4_PAGE_SIZE - 1)) == 0;
}

enum l4_memory_error region_map(struct dataspaces *d, word_t number, struct region *region)
{
    const struct dataspace *space = find(d, number);
    if (!space)
        return L4_MEMORY_NONE;
    word_t rights = region->rights & L4_FULLY_ACCESSIBLE;
    if (rights == 0 || (rights & ~rights_of(space, region->task)))
        return L4_MEMORY_NONE;
    word_t bytes = space->pages * L4_PAGE_SIZE;
    if (!is_aligned(region->start) || !is_aligned(region->offset) || region->offset >= bytes)
        return L4_MEMORY_BAD;
    if (region->size == 0)
        region->size = bytes - region->offset;
    if (region->size > bytes - region->offset)
        return L4_MEMORY_BAD;
    region->size = (region->size + L4_PAGE_SIZE - 1) & ~(L4_PAGE_SIZE - 1);
    if (region->start == 0)
        region->start = choose(d, region->task, region->size);
    if (region->start == 0)
        return L4_MEMORY_NO_ROOM;
    if (region->start >= REGION_TOP || REGION_TOP - region->start < region->size ||
        overlap(d, region->task, region->start, region->size))
        return L4_MEMORY_BAD;
    region->dataspace = number - 1;
    for (word_t i = 0; i < REGION_MAX; i++) {
        if (d->regions[i].size == 0) {
            d->regions[i] = *region;
            return L4_MEMORY_OK;
        }
    }
    return L4_MEMORY_NO_ROOM;
}

struct region *region_at(struct dataspaces *d, word_t task, word_t address)
{
    for (word_t i = 0; i < REGION_MAX; i++) {
        struct region *region = &d->regions[i];
        if (region->size && region->task == task && address >= region->start &&
            address - region->start < region->size)
            return region;
    }
    return NULL;
}

// The frames are taken back from all who see them; other regions of theirs fault them in again.
enum l4_memory_error region_unmap(struct dataspaces *d, word_t task, word_t start)
{
    struct region *region = region_at(d, task, start);
    if (!region || region->start != start)
        return L4_MEMORY_NONE;
    struct dataspace *space = &d->dataspaces[region->dataspace];
    word_t first = region->offset / L4_PAGE_SIZE, count = region->size / L4_PAGE_SIZE;
    for (word_t page = first; page < first + count; page++) {
        const word_t *list = (const word_t *)(uintptr_t)space->frames[page / PER_PAGE];
        word_t frame = list ? list[page % PER_PAGE] : 0;
        if (frame)
            l4_unmap_fpage(l4_make_fpage(frame, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), false);
    }
    region->size = 0;
    return L4_MEMORY_OK;
}

word_t region_frame(struct dataspaces *d, const struct region *region, word_t address)
{
    struct dataspace *space = &d->dataspaces[region->dataspace];
    word_t page = (address - region->start + region->offset) / L4_PAGE_SIZE;
    word_t *slot = frame_slot(d, space, page);
    if (!slot)
        return 0;
    if (!*slot && (*slot = l4_frame_take()) != 0)
        d->frames_in_use++;
    return *slot;
}

static bool is_past(word_t owner, word_t number, word_t life)
{
    return (owner & ((1u << LIFE_SHIFT) - 1)) == number && owner != life;
}

void dataspaces_forget(struct dataspaces *d, word_t number, word_t life)
{
    for (word_t i = 0; i < REGION_MAX; i++) {
        if (is_past(d->regions[i].task, number, life))
            d->regions[i].size = 0;
    }
    for (word_t i = 0; i < DATASPACE_MAX; i++) {
        if (d->dataspaces[i].pages && is_past(d->dataspaces[i].owner, number, life))
            destroy(d, &d->dataspaces[i]);
    }
}
