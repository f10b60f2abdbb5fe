// alloc.c: first fit over one list of free blocks in order of their addresses. Every block has a
// header of 16 bytes, in use or not, so that what is handed out is 16-byte aligned.
#include <l4/alloc.h>

#include <l4/kip.h>
#include <l4/library.h>
#include <l4/memory.h>
#include <l4/sigma0.h>
#include <l4/string.h>

#define HEADER 16u
#define GROWTH_MIN 0x10000u
#define IN_USE 0x45535542u

struct block {
    word_t size; // with the header
    struct block *next;
    word_t mark, unused;
};

_Static_assert(sizeof(struct block) == HEADER, "blocks stay aligned");

static struct block *free_list;

static bool touches(const struct block *a, const struct block *b)
{
    return (word_t)(uintptr_t)a + a->size == (word_t)(uintptr_t)b;
}

static void insert(struct block *block)
{
    struct block *before = NULL, *after = free_list;
    while (after && after < block) {
        before = after;
        after = after->next;
    }
    block->mark = 0;
    block->next = after;
    if (after && touches(block, after)) {
        block->size += after->size;
        block->next = after->next;
    }
    if (!before) {
        free_list = block;
        return;
    }
    before->next = block;
    if (touches(before, block)) {
        before->size += block->size;
        before->next = block->next;
    }
}

void l4_heap_add(void *start, word_t size)
{
    word_t low = ((word_t)(uintptr_t)start + HEADER - 1) & ~(HEADER - 1);
    word_t high = ((word_t)(uintptr_t)start + size) & ~(HEADER - 1);
    if (high < low || high - low < 2 * HEADER)
        return;
    struct block *block = (struct block *)(uintptr_t)low;
    block->size = high - low;
    insert(block);
}

static bool grow(word_t size)
{
    word_t log2_size = 16;
    while (log2_size < 30 && 1u << log2_size < size)
        log2_size++;
    if (!l4_is_root()) {
        word_t bytes = (size + GROWTH_MIN - 1) & ~(GROWTH_MIN - 1);
        word_t dataspace = l4_memory_open(bytes);
        void *start = dataspace ? l4_memory_map(dataspace, NULL, 0, bytes,
                                                L4_READABLE | L4_WRITABLE)
                                : NULL;
        if (start)
            l4_heap_add(start, bytes);
        return start != NULL;
    }
    l4_fpage fpage = l4_sigma0_get_any(log2_size, L4_COMPLETE_SPACE);
    if (fpage == L4_NIL_FPAGE)
        return false;
    l4_heap_add((void *)(uintptr_t)l4_fpage_base(fpage), l4_fpage_size(fpage));
    return true;
}

static void *take(word_t size)
{
    for (struct block **link = &free_list; *link; link = &(*link)->next) {
        struct block *block = *link;
        if (block->size < size)
            continue;
        if (block->size - size >= 2 * HEADER) {
            struct block *rest = (struct block *)((char *)block + size);
            rest->size = block->size - size;
            rest->next = block->next;
            rest->mark = 0;
            *link = rest;
            block->size = size;
        } else {
            *link = block->next;
        }
        block->mark = IN_USE;
        return (char *)block + HEADER;
    }
    return NULL;
}

void *l4_alloc(word_t size)
{
    if (size > 1u << 30)
        return NULL;
    size = (size + HEADER + HEADER - 1) & ~(HEADER - 1);
    void *block = take(size);
    return block || !grow(size) ? block : take(size);
}

void *l4_alloc_zeroed(word_t size)
{
    void *block = l4_alloc(size);
    return block ? memset(block, 0, size) : NULL;
}

void l4_free(void *memory)
{
    if (!memory)
        return;
    struct block *block = (struct block *)((char *)memory - HEADER);
    if (block->mark != IN_USE)
        l4_panic("free of %p, which is not allocated", memory);
    insert(block);
}

word_t l4_heap_free_bytes(void)
{
    word_t sum = 0;
    for (const struct block *block = free_list; block; block = block->next)
        sum += block->size;
    return sum;
}
