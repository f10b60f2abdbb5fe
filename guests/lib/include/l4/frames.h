// frames.h: physical memory from sigma0 in frames of 4 KB and blocks of 4 MB, for programs that
// hand memory on (the root server, the memory server). They see every frame at its physical
// address, so they must be linked where no physical memory is, or where their own image is that
// memory.
#pragma once

#include <l4/types.h>

// A zeroed frame's address. 0 when sigma0 has no more memory.
word_t l4_frame_take(void);

// Takes it back from everyone it was mapped to.
void l4_frame_give(word_t frame);

// Frames that were given back and not taken again; those that are taken.
word_t l4_frames_spare(void);
word_t l4_frames_in_use(void);

// The same for 4 MB at an address that divides by that.
#define L4_BLOCK_BITS 22u
#define L4_BLOCK_SIZE (1u << L4_BLOCK_BITS)
word_t l4_block_take(void);
void l4_block_give(word_t block);
word_t l4_blocks_in_use(void);
