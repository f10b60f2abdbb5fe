// pages.c: the root server's frames. It asks sigma0 for blocks of 1 MB, and for smaller ones when
// there are no more of those.
#include <l4/sigma0.h>
#include <l4/string.h>

#include "root.h"

#define BLOCK_BITS 20

static word_t block_next, block_end;
static word_t free_frames; // a list through the frames' first words

static bool get_block(void)
{
    for (word_t bits = BLOCK_BITS; bits >= L4_PAGE_BITS; bits--) {
        l4_fpage fpage = l4_sigma0_get_any(bits, L4_COMPLETE_SPACE);
        if (fpage == L4_NIL_FPAGE)
            continue;
        block_next = l4_fpage_base(fpage);
        block_end = block_next + l4_fpage_size(fpage);
        return true;
    }
    return false;
}

word_t page_take(void)
{
    word_t frame = free_frames;
    if (frame) {
        free_frames = *(word_t *)(uintptr_t)frame;
    } else {
        if (block_next == block_end && !get_block())
            return 0;
        frame = block_next;
        block_next += L4_PAGE_SIZE;
    }
    memset((void *)(uintptr_t)frame, 0, L4_PAGE_SIZE);
    return frame;
}

void page_give(word_t frame)
{
    l4_unmap_fpage(l4_make_fpage(frame, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), false);
    *(word_t *)(uintptr_t)frame = free_frames;
    free_frames = frame;
}
