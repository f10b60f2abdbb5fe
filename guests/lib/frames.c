// frames.c: frames come out of blocks of 1 MB, of smaller ones when sigma0 has no more of those.
#include <l4/frames.h>

#include <l4/sigma0.h>
#include <l4/string.h>

#define BLOCK_BITS 20

static word_t block_next, block_end;
static word_t free_frames, free_count; // a list through the frames' first words

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

word_t l4_frame_take(void)
{
    word_t frame = free_frames;
    if (frame) {
        free_frames = *(word_t *)(uintptr_t)frame;
        free_count--;
    } else {
        if (block_next == block_end && !get_block())
            return 0;
        frame = block_next;
        block_next += L4_PAGE_SIZE;
    }
    memset((void *)(uintptr_t)frame, 0, L4_PAGE_SIZE);
    return frame;
}

void l4_frame_give(word_t frame)
{
    l4_unmap_fpage(l4_make_fpage(frame, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), false);
    *(word_t *)(uintptr_t)frame = free_frames;
    free_frames = frame;
    free_count++;
}

word_t l4_frames_spare(void)
{
    return free_count;
}
