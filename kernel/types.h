/* types.h: the words that every file of the kernel uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t word_t;
/* an address as the program itself sees it: small spaces start at 0 too */
typedef uint32_t vaddr_t;
typedef uint32_t paddr_t;    /* a physical address */
typedef uint64_t usec_t;     /* microseconds since the start of the kernel */
/* a global or local thread id, or one of the special ones [L4X2 4.1] */
typedef word_t thread_id_t;
typedef word_t msg_tag_t;    /* MR0 of a message [L4X2 4.2] */
typedef word_t fpage_t;      /* rights 0..2, log2 of the size 4..9, base / 1024 10..31 [L4X2 4.5] */
typedef uint16_t l4_time_t;  /* a period or a point in time [L4X2 4.6] */

#define PAGE_SIZE       4096u
#define LARGE_PAGE_SIZE (4096u * 1024)

#define CACHE_LINE 32

/* Code that faults and mapping run: kept together, so that it does not displace itself in the
 * cache. What the fast paths need lies behind them in the same 4 KB: one entry of the code TLB. */
#define HOT __attribute__((hot))
#define FAST     __attribute__((section(".text.fast")))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define FAST_MAP __attribute__((section(".text.fast.map"))) /* right behind the paths */

/* Where things are in every address space. The kernel is linked at its physical address plus
 * DIRECT_MAP; everything that it allocates is reached through that mapping by 4 MB pages.
 *
 *   00000000 .. BFFFFFFF   the program's own
 *   C0000000 .. C3FFFFFF   where the small spaces are, in every page directory
 *   D0000000 .. FFBFFFFF   the first 764 MB of physical memory, kernel only
 *   FFC00000 .. FFFFFFFF   single kernel pages: the word at gs:0, the window for one frame */
#define USER_END         0xC0000000u
#define SMALL_AREA       0xC0000000u
#define SMALL_AREA_SIZE  0x04000000u
#define DIRECT_MAP       0xD0000000u
#define DIRECT_MAP_SIZE  0x2FC00000u
#define KERNEL_PAGES     0xFFC00000u

static inline void *direct(paddr_t pa)
{
    return (void *)(pa + DIRECT_MAP);
}

static inline paddr_t physical(const void *p)
{
    return (paddr_t)(uintptr_t)p - DIRECT_MAP;
}
