// frames.c: frames come out of pieces of 1 MB, of smaller ones when sigma0 has no more of those.
// What is given back is kept in lists through its first words.
#include <l4/frames.h>

#include <l4/sigma0.h>
#include <l4/string.h>

#define PIECE_BITS 20

static word_t piece_next, piece_end;
static word_t free_frames, free_count, frames_in_use;
static word_t free_blocks, blocks_in_use;

static bool get_piece(void)
{
    for (word_t bits = PIECE_BITS; bits >= L4_PAGE_BITS; bits--) {
        l4_fpage fpage = l4_sigma0_get_any(bits, L4_COMPLETE_SPACE);
        if (fpage == L4_NIL_FPAGE)
            continue;
        piece_next = l4_fpage_base(fpage);
        piece_end = piece_next + l4_fpage_size(fpage);
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
        if (piece_next == piece_end && !get_piece())
            return 0;
        frame = piece_next;
        piece_next += L4_PAGE_SIZE;
    }
    frames_in_use++;
    memset((void *)(uintptr_t)frame, 0, L4_PAGE_SIZE);
    return frame;
}

void l4_frame_give(word_t frame)
{
    l4_unmap_fpage(l4_make_fpage(frame, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), false);
    *(word_t *)(uintptr_t)frame = free_frames;
    free_frames = frame;
    free_count++;
    frames_in_use--;
}

word_t l4_frames_spare(void)
{
    return free_count;
}

word_t l4_frames_in_use(void)
{
    return frames_in_use;
}

word_t l4_block_take(void)
{
    word_t block = free_blocks;
    if (block) {
        free_blocks = *(word_t *)(uintptr_t)block;
    } else {
        l4_fpage fpage = l4_sigma0_get_any(L4_BLOCK_BITS, L4_COMPLETE_SPACE);
        if (fpage == L4_NIL_FPAGE)
            return 0;
        block = l4_fpage_base(fpage);
    }
    blocks_in_use++;
    memset((void *)(uintptr_t)block, 0, L4_BLOCK_SIZE);
    return block;
}

void l4_block_give(word_t block)
{
    l4_unmap_fpage(l4_make_fpage(block, L4_BLOCK_BITS, L4_FULLY_ACCESSIBLE), false);
    *(word_t *)(uintptr_t)block = free_blocks;
    free_blocks = block;
    blocks_in_use--;
}

word_t l4_blocks_in_use(void)
{
    return blocks_in_use;
}
