/* SPDX-License-Identifier: GPL-2.0-only */
/* What vmalloc maps is there at once: no fault of the kernel's own would bring it later. */
#ifndef __UM_CACHEFLUSH_H
#define __UM_CACHEFLUSH_H

void flush_tlb_kernel_range(unsigned long start, unsigned long end);
#define flush_cache_vmap(start, end) flush_tlb_kernel_range(start, end)

#include <asm-generic/cacheflush.h>

#endif
