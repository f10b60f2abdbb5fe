/* SPDX-License-Identifier: GPL-2.0-only */
/* layout.h: what entry.S and the rest of the stand-in know of each other: two pages at the top of
 * every space, which a process cannot touch, and selectors.
 *
 * The second page begins with the two threads' control blocks. The processor pushes what it pushes
 * on the way in behind the message registers of Linux's, and PUSHA then fills MR5 .. MR12 just as
 * l4/foreign.h has them:
 *
 *      MR1 eip  MR2 eflags  MR3 gs|vector  MR4 fs|error  MR5 .. MR12 edi .. eax  MR13 address
 *      MR13 vector  MR14 error  MR15 eip  MR16 cs  MR17 eflags  MR18 esp  MR19 ss
 */
#pragma once

#define STANDIN_CODE 0xFFC00000 /* entry.S */
#define STANDIN_DATA 0xFFC01000 /* struct standin_page */

#define STANDIN_MR(n)   (STANDIN_DATA + 0x100 + 4 * (n))
#define STANDIN_PUSHED  STANDIN_MR(5)
#define STANDIN_STACK   STANDIN_MR(20) /* where a process's registers are pushed */

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS   0x1B
#define USER_DS   0x23
#define TSS_SELECTOR 0x28
#define FAULT_TSS_SELECTOR 0x48 /* behind a process's three descriptors */

/* What the closed gate of int 80h would have pushed on L4, where it is a fault. */
#define VECTOR_INT_80 0x80
#define VECTOR_CLOSED 13
#define ERROR_CLOSED  (VECTOR_INT_80 << 3 | 2)

#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_LINES 0x20 /* 8259's lines 0 to 15 */
#define GATES        0x30 /* and int 80h's */
#define BOOT_STACK   8192 /* bytes, until os-L4/start.c has its own */
