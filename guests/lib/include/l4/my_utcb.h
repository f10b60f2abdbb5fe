// my_utcb.h: where a program on the microkernel finds its control block; utcb.h includes this.
#pragma once

#include <l4/types.h>

// The address of MR0. Not volatile: it is the same all through a thread's life.
static inline word_t *l4_utcb(void)
{
    word_t *mr0;
    __asm__("movl %%gs:0, %0" : "=r"(mr0));
    return mr0;
}
