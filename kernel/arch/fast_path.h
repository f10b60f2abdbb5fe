/* fast_path.h: how the paths in assembly name what they touch.
 *
 * The data segments stay the program's. The kernel's data is reached through SS, which addressing
 * by EBP or ESP uses without a prefix: EBP is 0 throughout, EDI is the receiver's block, and the
 * running thread's block is at a fixed distance from ESP, the stack being its end. */
#pragma once

#include "arch/offsets.h"

/* The running thread's block: where INT has left the stack, and one word further down. */
#define CUR0(field)     (field) - TCB_BYTES + FRAME_HARDWARE(%esp)
#define CUR(field)      (field) - TCB_BYTES + FRAME_HARDWARE + 4(%esp)
/* The same under a whole trap frame, and one word further down. */
#define FRAMED0(field)  (field) - TCB_BYTES + FRAME_SIZE(%esp)
#define FRAMED(field)   (field) - TCB_BYTES + FRAME_SIZE + 4(%esp)
/* The receiver's. */
#define DEST(field)     (field)(%ebp, %edi)

/* Words of a message from EBP's UTCB to the one EDX further on: EBX of them, more than two or one;
 * EAX is the first. */
#define FROM(n)         UTCB_OFFSET_MR0 + 4 * (n)(%ebp)
#define TO(n)           UTCB_OFFSET_MR0 + 4 * (n)(%ebp, %edx)

        .macro  COPY_WORDS
        shrl    $1, %ebx
        jnc     71f
        movl    %eax, TO(1)
        addl    $4, %ebp
71:     shrl    $1, %ebx
        jnc     72f
        movl    FROM(1), %eax
        movl    FROM(2), %ecx
        movl    %eax, TO(1)
        movl    %ecx, TO(2)
        addl    $8, %ebp
72:     testl   %ebx, %ebx
        jz      74f
73:     movl    FROM(1), %eax
        movl    FROM(2), %ecx
        movl    %eax, TO(1)
        movl    %ecx, TO(2)
        movl    FROM(3), %eax
        movl    FROM(4), %ecx
        movl    %eax, TO(3)
        movl    %ecx, TO(4)
        addl    $16, %ebp
        decl    %ebx
        jnz     73b
74:
        .endm
