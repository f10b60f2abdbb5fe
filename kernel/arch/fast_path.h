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
