/* exception_words.h: the registers of a thread as an exception's message tells them [L4X2 5.3], and
 * as its answer sets them. */
#pragma once

#include "api/thread.h"
#include "arch/arch.h"

/* MR0 .. MR12. */
static inline void exception_put_words(msg_tag_t tag, const struct trap_frame *f, word_t vector,
                                       word_t error, word_t *words)
{
    words[0] = tag;
    words[1] = f->eip;
    words[2] = f->eflags;
    words[3] = vector;
    words[4] = error;
    words[5] = f->edi;
    words[6] = f->esi;
    words[7] = f->ebp;
    words[8] = f->esp;
    words[9] = f->ebx;
    words[10] = f->edx;
    words[11] = f->ecx;
    words[12] = f->eax;
}

static inline void exception_take_words(const word_t *words, struct trap_frame *f)
{
    f->eip = words[1];
    f->eflags = (f->eflags & ~USER_FLAGS_MASK) | (words[2] & USER_FLAGS_MASK);
    f->edi = words[5];
    f->esi = words[6];
    f->ebp = words[7];
    f->esp = words[8];
    f->ebx = words[9];
    f->edx = words[10];
    f->ecx = words[11];
    f->eax = words[12];
}
