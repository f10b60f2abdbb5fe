// SPDX-License-Identifier: GPL-2.0-only
/* standin_spaces.c: frames and page tables [SDM3 4.3]. A frame's address is the same in Linux's
 * space as on the bus. */
#include <string.h>
#include "layer.h"
#include "standin.h"

word_t standin_directory[1024] __attribute__((aligned(4096)));

/* --- frames ----------------------------------------------------------------------------------- */

static word_t frames_at, frames_end; /* never used ones */
static void *frames_free;            /* each has the next one's address */

void standin_frames(word_t first, word_t end)
{
    frames_at = first;
    frames_end = end;
}

void *standin_frame(void)
{
    void *frame = frames_free;

    if (frame) {
        frames_free = *(void **)frame;
    } else if (frames_at < frames_end) {
        frame = (void *)(uintptr_t)frames_at;
        frames_at += PAGE_BYTES;
    } else {
        return NULL;
    }
    return memset(frame, 0, PAGE_BYTES);
}

void standin_frame_free(void *frame)
{
    *(void **)frame = frames_free;
    frames_free = frame;
}

/* --- page tables ------------------------------------------------------------------------------ */

static word_t *table_of(word_t entry)
{
    return (word_t *)(uintptr_t)(entry & ~(PAGE_BYTES - 1));
}

word_t *standin_entry(word_t *directory, word_t address, bool make)
{
    word_t *entry = &directory[address >> 22];

    if (!*entry) {
        void *table = make ? standin_frame() : NULL;

        if (!table)
            return NULL;
        *entry = (word_t)(uintptr_t)table | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_USED;
    }
    return &table_of(*entry)[address / PAGE_BYTES % 1024];
}

/* The two pages at the top are in each space. */
word_t *standin_directory_new(void)
{
    word_t *directory = standin_frame();

    if (directory)
        directory[STANDIN_CODE >> 22] = standin_directory[STANDIN_CODE >> 22];
    return directory;
}

void standin_directory_free(word_t *directory)
{
    for (word_t i = 0; i < STANDIN_CODE >> 22; i++)
        if (directory[i])
            standin_frame_free(table_of(directory[i]));
    standin_frame_free(directory);
}

/* --- Linux's own space ------------------------------------------------------------------------ */

/* 4 MB where they are asked for and nothing is yet, and else a page. */
static bool give_here(word_t from, word_t bits)
{
    word_t entry = standin_directory[from >> 22], *page;

    if (entry & PAGE_LARGE)
        return true;
    if (bits == 22 && !entry) {
        standin_directory[from >> 22] = from | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED |
                                        PAGE_LARGE;
        return true;
    }
    page = bits == 12 ? standin_entry(standin_directory, from, true) : NULL;
    if (page)
        *page = from | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED;
    return page;
}

bool standin_give(word_t fpage, word_t to)
{
    word_t from = l4_fpage_base(fpage), bits = l4_fpage_log2_size(fpage), *page;

    if (from >= standin_memory_end || standin_memory_end - from < 1u << bits)
        return false;
    if (to == L4_COMPLETE_SPACE)
        return give_here(from, bits);
    if (bits != 12 || standin_directory[to >> 22] & PAGE_LARGE)
        return false;
    page = standin_entry(standin_directory, to, true);
    if (page)
        *page = from | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED;
    return page;
}

/* Of the fpages in the message registers the layer has one, a page that was given a second time. */
void l4_unmap(word_t control)
{
    word_t address = l4_fpage_base(l4_mr(0));
    word_t *page = standin_entry(standin_directory, address, false);

    (void)control;
    if (page)
        *page = 0;
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
