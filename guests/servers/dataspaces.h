// dataspaces.h: pieces of memory (dataspaces) and where tasks see them (regions). Frames come into
// being when a page is first touched. Tasks are known by their number (task.h) and, above it, by
// their version: which of their lives it is.
#pragma once

#include <l4/memory.h>
#include <l4/types.h>

#define DATASPACE_MAX 128
#define REGION_MAX 512
#define SHARE_MAX 8
#define LIFE_SHIFT 16

// Where regions are put when the task leaves it to us.
#define REGION_AREA_START 0x40000000u
#define REGION_AREA_END 0x80000000u
#define REGION_TOP 0xBE000000u

struct share {
    word_t task, rights;
};

struct dataspace {
    word_t pages;   // 0: free
    word_t *frames; // each page's, 0 if untouched
    word_t owner;   // a task
    word_t share_count;
    struct share shares[SHARE_MAX];
};

struct region {
    word_t task;
    word_t start, size; // bytes; size 0: free
    word_t dataspace;   // its index
    word_t offset, rights;
};

struct dataspaces {
    struct dataspace dataspaces[DATASPACE_MAX];
    struct region regions[REGION_MAX];
    word_t frames_in_use;
};

// Numbers that tasks see are indices plus one.
enum l4_memory_error dataspace_open(struct dataspaces *d, word_t task, word_t size,
                                    word_t *number);
enum l4_memory_error dataspace_close(struct dataspaces *d, word_t task, word_t number);
enum l4_memory_error dataspace_share(struct dataspaces *d, word_t task, word_t number, word_t with,
                                     word_t rights);

// region's task, start (0: choose), size, offset and rights are given; start is returned in it.
enum l4_memory_error region_map(struct dataspaces *d, word_t number, struct region *region);
enum l4_memory_error region_unmap(struct dataspaces *d, word_t task, word_t start);
struct region *region_at(struct dataspaces *d, word_t task, word_t address);

// The frame that the region shows at the address; 0: no memory.
word_t region_frame(struct dataspaces *d, const struct region *region, word_t address);

// Everything of the task with this number but what belongs to its present life; 0: it has none.
void dataspaces_forget(struct dataspaces *d, word_t number, word_t life);
