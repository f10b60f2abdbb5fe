// SPDX-License-Identifier: GPL-2.0-only
/* memory.c: the server's own memory. Its physical memory lies where the image was loaded and above:
 * Linux's address 0 is the image's start. What Linux maps a second time, for vmalloc, is asked for
 * again, page by page, at the other address. */
#include <errno.h>
#include <l4/syscalls.h>
#include <as-layout.h>
#include <os.h>
#include "layer.h"
#include "place.h"

#define LARGE_BITS 22u
#define PAGE_BITS  12u

void layer_take_memory(uintptr_t first, uintptr_t end)
{
    word_t at = first;

    while (at < end) {
        word_t large = 1u << LARGE_BITS;
        if (!(at & (large - 1)) && end - at >= large && layer_place->memory(at, LARGE_BITS)) {
            at += large;
            continue;
        }
        if (!layer_place->memory(at, PAGE_BITS))
            layer_panic("no memory at %08x: give mem= less than %u KB", at,
                        (unsigned)(at - first) / 1024);
        at += PAGE_BYTES;
    }
}

/* Where setup_physmem wants its memory file mapped is where the memory is. */
int create_mem_file(unsigned long long length)
{
    layer_take_memory(uml_physmem, uml_physmem + (uintptr_t)length);
    return 0;
}

int os_map_memory(void *virt, int fd, unsigned long long offset, unsigned long length, int r,
                  int w, int x)
{
    word_t to = (word_t)(uintptr_t)virt, from = uml_physmem + (word_t)offset;

    (void)fd, (void)r, (void)w, (void)x;
    if (to == from)
        return 0;
    for (; length; length -= PAGE_BYTES, to += PAGE_BYTES, from += PAGE_BYTES)
        if (!layer_place->memory_again(from, to))
            return -ENOMEM;
    return 0;
}

int os_unmap_memory(void *virt, int length)
{
    word_t at = (word_t)(uintptr_t)virt;

    for (; length > 0; length -= (int)PAGE_BYTES, at += PAGE_BYTES)
        l4_unmap_fpage(l4_make_fpage(at, PAGE_BITS, L4_FULLY_ACCESSIBLE), true);
    return 0;
}

int os_protect_memory(void *virt, unsigned long length, int r, int w, int x)
{
    (void)virt, (void)length, (void)r, (void)w, (void)x;
    return 0;
}

unsigned long os_get_top_address(void)
{
    return PROCESS_TOP;
}

void stack_protections(unsigned long address)
{
    (void)address;
}
