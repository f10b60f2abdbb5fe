/* kmem.c: frames for the kernel's own use, one or two at a time.
 *
 * Two is what a page table and a thread need, so free memory is kept as aligned pairs where it can
 * be: a single frame is taken from a broken pair if there is one, and a freed single joins its
 * other half again. One bit a frame tells whether it is free as a single. It cannot be told from
 * the frame's content, which may be a program's (a UTCB). */
#include "memory/kmem.h"
#include "debugger/print.h"
#include "state.h"

#define PAIR_SIZE (2 * PAGE_SIZE)

/* What a free frame or pair holds. */
struct free_frames {
    struct free_frames *next, *prev;
};

static word_t frame_number(const void *frame)
{
    return physical(frame) / PAGE_SIZE;
}

static bool is_single(const void *frame)
{
    word_t n = frame_number(frame);
    return kernel.kmem.single[n / 32] >> n % 32 & 1;
}

static void flip_single(const void *frame)
{
    word_t n = frame_number(frame);
    kernel.kmem.single[n / 32] ^= 1u << n % 32;
}

static void push_single(void *frame)
{
    struct free_frames *f = frame;
    *f = (struct free_frames){kernel.kmem.singles, NULL};
    if (f->next)
        f->next->prev = f;
    kernel.kmem.singles = f;
    flip_single(f);
}

static void remove_single(struct free_frames *f)
{
    *(f->prev ? &f->prev->next : &kernel.kmem.singles) = f->next;
    if (f->next)
        f->next->prev = f->prev;
    flip_single(f);
}

static void push_pair(void *frame)
{
    struct free_frames *f = frame;
    f->next = kernel.kmem.pairs;
    kernel.kmem.pairs = f;
}

static struct free_frames *pop_pair(void)
{
    struct free_frames *f = kernel.kmem.pairs;
    if (f)
        kernel.kmem.pairs = f->next;
    return f;
}

static struct free_frames *pop_single(void)
{
    struct free_frames *f = kernel.kmem.singles;
    if (f) {
        remove_single(f);
        return f;
    }
    f = pop_pair();
    if (f)
        push_single((uint8_t *)f + PAGE_SIZE);
    return f;
}

/* A Pentium brings no line into its cache for a store, so each would wait for the bus: reading the
 * line first costs less, and nothing has to be stored in one that is clear already. */
void kmem_clear(void *memory, word_t size)
{
    word_t *w = memory, *end = w + size / sizeof *w;
    for (; end - w >= 8; w += 8)
        if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
            w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = 0;
    while (w < end)
        *w++ = 0;
}

static struct free_frames *take(unsigned count)
{
    return count == 2 ? pop_pair() : pop_single();
}

void *kmem_frames(unsigned count)
{
    ASSERT(count == 1 || count == 2);
    struct free_frames *f = take(count);
    if (!f) {
        kmem_pool_shrink(&kernel.mapping_pool);
        kmem_pool_shrink(&kernel.tcb_pool);
        kmem_pool_shrink(&kernel.space_pool);
        f = take(count);
    }
    if (!f)
        return NULL;
    kernel.kmem.free_count -= count;
    kmem_clear(f, count * PAGE_SIZE);
    return f;
}

void kmem_frames_free(void *memory, unsigned count)
{
    ASSERT(count == 1 || count == 2);
    ASSERT(physical(memory) % (count * PAGE_SIZE) == 0);
    kernel.kmem.free_count += count;
    if (count == 2) {
        push_pair(memory);
        return;
    }
    ASSERT(!is_single(memory));
    void *other = direct(physical(memory) ^ PAGE_SIZE);
    if (!is_single(other)) {
        push_single(memory);
        return;
    }
    remove_single(other);
    push_pair(direct(physical(memory) & ~(PAIR_SIZE - 1)));
}

void kmem_add(paddr_t low, paddr_t high)
{
    low = (low + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    high = high > DIRECT_MAP_SIZE ? DIRECT_MAP_SIZE : high & ~(PAGE_SIZE - 1);
    for (paddr_t at = low; at < high;) {
        unsigned count = at % PAIR_SIZE == 0 && high - at >= PAIR_SIZE ? 2 : 1;
        kmem_frames_free(direct(at), count);
        at += count * PAGE_SIZE;
    }
}

word_t kmem_free_frames(void)
{
    return kernel.kmem.free_count;
}
