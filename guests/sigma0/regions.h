// regions.h: who owns which page of physical memory, as a sorted list of intervals that covers all
// 2^20 page numbers. It starts from the memory descriptors of the kernel interface page, of which
// later ones override earlier ones [L4X2 1.3].
#pragma once

#include <l4/kip.h>
#include <l4/types.h>

#define REGION_MAX 2048
#define PAGE_COUNT (1u << 20)

enum region_kind {
    REGION_DEVICE,       // everything that is not memory for all: on explicit request only
    REGION_CONVENTIONAL, // memory for whoever asks first
    REGION_BOOT,         // what the boot loader left: on explicit request or by a fault
    REGION_KERNEL,       // nobody's
    REGION_KIND_COUNT,
};

struct region {
    word_t start, end; // page numbers; end is exclusive
    enum region_kind kind;
    l4_thread_id owner; // nil: free
};

struct regions {
    word_t count;
    struct region list[REGION_MAX];
};

void regions_init(struct regions *r, const struct l4_kip *kip);

// Gives [start, end) this kind and owner. False when the list is full; then nothing has changed.
bool regions_set(struct regions *r, word_t start, word_t end, enum region_kind kind,
                 l4_thread_id owner);

// The same, keeping the kinds.
bool regions_own(struct regions *r, word_t start, word_t end, l4_thread_id owner);

// Whether a thread may have all of [start, end): no kernel memory in it, each page free or its own.
bool regions_available(const struct regions *r, word_t start, word_t end, l4_thread_id asker);

// The first free conventional block of 2^bits pages aligned to its size, or PAGE_COUNT. Memory
// below 1 MB comes last, since some devices can reach no other.
word_t regions_find(const struct regions *r, word_t bits);

const struct region *regions_at(const struct regions *r, word_t page);
