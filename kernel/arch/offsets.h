/* offsets.h: the layouts that assembly code knows, and the selectors. Included by C too, where
 * arch/switch.c holds every number against the structures. */
#pragma once

/* struct tcb */
#define TCB_ID          0x00
#define TCB_STATE       0x04 /* and tcb.slow in the upper half */
#define TCB_PARTNER     0x08
#define TCB_KERNEL_IPC  0x0C
#define TCB_KERNEL_ACCEPTS_MAP 0x0D
#define TCB_UTCB        0x10
#define TCB_LOCAL_ID    0x14
#define TCB_SPACE       0x18
#define TCB_ESP         0x1C
#define TCB_PRIORITY    0x20
#define TCB_IPC_FROM    0x24
#define TCB_SENDERS     0x28
#define TCB_STACK_TOP   0x3C
#define TCB_RECV_FROM   0x40
#define TCB_IPC_RESULT  0x44
#define TCB_KEEPER      0x50
#define TCB_GS          0x54 /* and tcb.fs */
#define TCB_RAISED      0x58
#define TCB_TRAMPOLINE  0x5C
#define TCB_DR7         0x12C
#define TCB_BYTES       (99 * 32)

/* enum thread_state */
#define STATE_READY     1
#define STATE_WAITING   2
#define STATE_WAITING_KERNEL 3
#define SLOW_SHIFT      16
#define STATE_FOREIGN   0x80000 /* tcb.slow's SLOW_FOREIGN, beside the state */
#define STATE_REDIRECT  0x20000

/* struct space */
#define SPACE_DIRECTORY    0x00
#define SPACE_SEGMENT0     0x04
#define SPACE_SEGMENT1     0x08
#define SPACE_SEGMENT_CODE 0x0C
#define SPACE_SMALL_BASE   0x10
#define SPACE_SMALL_SIZE   0x14
#define SPACE_OWN_END      0x18
#define SPACE_KIP_AREA     0x20

#define LARGE_SEGMENT0     0xFFFF /* first word of large spaces' descriptors only */

/* struct kernel */
#define KERNEL_CURRENT       0x00
#define KERNEL_ACTIVE_SPACE  0x04
#define KERNEL_SEGMENT_SPACE 0x08
#define KERNEL_READY_TOP     0x0C
#define KERNEL_THREADS       0x10
#define KERNEL_FPU_OWNER     0x1C
#define KERNEL_LIVE          0x20
#define KERNEL_FAST_PATH     0x24
#define KERNEL_SMALL_SPACES  0x28
#define KERNEL_IPC_GENERAL   0x2C
#define KERNEL_TLS_OWNER     0x30

/* struct gs_page */
#define GS_PAGE_WORD         0x8E0

/* struct task */
#define TASK_ESP0            0x120

/* struct trap_frame */
#define FRAME_DS        0x0C /* in the place of PUSHA's ESP, after a fault only */
#define FRAME_ES        0x0E
#define FRAME_VECTOR    0x20
#define FRAME_ERROR     0x24
#define FRAME_EIP       0x28
#define FRAME_CS        0x2C
#define FRAME_EFLAGS    0x30
#define FRAME_ESP       0x34
#define FRAME_SS        0x38
#define FRAME_SIZE      0x3C
#define FRAME_HARDWARE  0x14 /* the bytes of it that INT pushes: EIP, CS, EFLAGS, ESP, SS */

/* UTCB */
#define UTCB_OFFSET_MR0   0x100
#define UTCB_MY_GLOBAL_ID 0xC4
#define UTCB_PAGER        0xD0

#define VECTOR_PAGE_FAULT 14

/* Rows of entry_gates, 16 bytes each. */
#define ENTRIES_GENERAL 0
#define ENTRIES_FAST    1
#define ENTRIES_FOREIGN 2

/* Selectors. Their order is SYSENTER's: kernel code, kernel data, user code, user data. */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS   0x1B
#define USER_DS   0x23
#define USER_GS   0x2B
#define TLS_SELECTOR   0x33 /* and 0x3B, 0x43: the running foreign thread's, where Linux has them */
#define TSS_SELECTOR   0x48
#define PANIC_SELECTOR 0x50 /* the task that a double fault switches to */

/* Byte offsets of the user's descriptors in the GDT. */
#define GDT_USER_CODE 0x18
#define GDT_USER_DATA 0x20

#define EFLAGS_TF    0x00100
#define EFLAGS_VM    0x20000
#define FLAGS_IOPL   0x3000
#define KERNEL_FLAGS 0x3002 /* IOPL 3 as programs have it, interrupts off */

/* What types.h and abi.h define for C. */
#ifdef __ASSEMBLER__
#define ANY_THREAD          0xFFFFFFFF
#define USER_END            0xC0000000
#define THREAD_NUMBERS      0x20000
#define MR_COUNT            64
#define TAG_FLAGS           0xF000
#define TAG_PAGE_FAULT      0xFFE00002
#define VECTOR_GP           13
#define VECTOR_IPC          0x30
#define VECTOR_LIPC         0x31
#define ERROR_INT_80        0x402
#define TAG_FOREIGN         0xFFB0000D
#define FOREIGN_WORDS       13
#define FOREIGN_FLAGS_MASK  0x254DD5
#define FOREIGN_FLAGS       0x202
#define RIGHT_W             2
#define RIGHT_R             4
#define KERNEL_IPC_MAP      0x101 /* kernel_ipc and kernel_accepts_map; the next two are false */
#define USER_FLAGS          0x3202

/* Before a return to a program from C: does the gate of Ipc still lead where it should? */
.macro SELECT_GATE
        movl    kernel + KERNEL_CURRENT, %edx
        movl    TCB_STATE(%edx), %eax
        shrl    $SLOW_SHIFT, %eax
        movl    kernel + KERNEL_LIVE, %ecx
        orl     %ecx, %eax
        cmpl    %eax, kernel + KERNEL_IPC_GENERAL
        je      99f
        call    ipc_entry_select
99:
.endm
#endif
