/* state.c: the kernel's state: one variable, and the block of the thread that runs when no other
 * can. */
#include "state.h"

struct kernel kernel __attribute__((section(".bss.kernel"), aligned(CACHE_LINE)));

struct tcb *thread_table[THREAD_NUMBERS]; /* fast_path.S knows it by name */

uint8_t idle_block[TCB_SIZE] __attribute__((aligned(CACHE_LINE)));
