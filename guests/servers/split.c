// split.c: gives back one page out of 4 MB, over and over: each time the kernel makes 1024 pages of
// one, and one again when the page is wanted back. A thread with a deadline is to notice nothing of
// it (../root/latency). Its task needs mem=8M: what follows its program is the 4 MB.
#include <l4/library.h>
#include <l4/syscalls.h>
#include <l4/types.h>

#define BLOCK 0x01400000u
#define BLOCK_SIZE 0x400000u
#define PAGE_SIZE 0x1000u

int l4_main(const char *command_line)
{
    (void)command_line;
    for (word_t at = 0;; at = (at + 17 * PAGE_SIZE) % BLOCK_SIZE) {
        volatile word_t *word = (volatile word_t *)(BLOCK + at);
        *word = at;
        l4_unmap_fpage(l4_make_fpage(BLOCK + at, 12, L4_FULLY_ACCESSIBLE), true);
        *word = at;
    }
}
