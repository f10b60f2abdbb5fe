/* foreign_path.S: a foreign program's faults and calls to its keeper, and the keeper's answers, when
 * nothing about them is unusual (api/foreign.c): the fast path of Ipc (fast_path.S) once more.
 *
 *      int 0x80, page fault    a message of the kernel: all registers; the answer brings them back,
 *                              and perhaps one page
 *      INT 30h                 a message of the program's own, to its keeper and nobody else; the
 *                              answer is two words at most
 *
 * Taken if the keeper waits for the thread or for anyone, nobody more important than it is ready,
 * and neither x87 nor breakpoints are live; an answer if the GDT still has the thread's descriptors
 * and its %gs and %fs are to stay. While a foreign thread runs, the gates of Ipc, Lipc and page
 * faults lead here (arch/switch.c), so these paths set them, and a thread of any other space pays
 * nothing for them.
 *
 * Instructions that belong together share a line; most go through the Pentium's pipes together.
 *
 * An exception's registers lie as a trap frame on the thread's stack, with foreign_resume under
 * them; the answer's go from the keeper's message to the processor. */
#include "arch/fast_path.h"

#define MR(n, utcb) UTCB_OFFSET_MR0 + 4 * (n)(%ebp, utcb)

/* The running thread's block as FRAMED0, FRAMED and CUR have it. */
        .set    own_framed0, FRAME_SIZE - TCB_BYTES
        .set    own_framed, FRAME_SIZE + 4 - TCB_BYTES
        .set    own_cur, FRAME_HARDWARE + 4 - TCB_BYTES

/* EDI: the keeper's block, from its id in EAX. `own` is where the thread's lies, as seen from ESP. */
        .macro  FIND_KEEPER own, slow
        movl    %eax, %edi; xorl %ebp, %ebp
        shrl    $12, %edi; movl kernel + KERNEL_LIVE(%ebp), %ebx
        andl    $(THREAD_NUMBERS - 1) * 4, %edi
        testl   %ebx, %ebx; jnz \slow
        movl    thread_table(%ebp, %edi), %edi; movl \own + TCB_DR7(%esp), %ebx
        testl   %edi, %edi; jz \slow
        testl   %ebx, %ebx; jnz \slow
        movl    DEST(TCB_ID), %ebx; movl DEST(TCB_STATE), %edx /* and `slow` */
        cmpl    %eax, %ebx; jne \slow
        movl    DEST(TCB_PARTNER), %ebx
        cmpl    $STATE_WAITING, %edx; jne \slow
        movl    \own + TCB_ID(%esp), %edx
        cmpl    $ANY_THREAD, %ebx; je 80f
        cmpl    %edx, %ebx; jne \slow
80:     movl    kernel + KERNEL_READY_TOP(%ebp), %ebx; movl DEST(TCB_PRIORITY), %edx
        cmpl    %ebx, %edx; jl \slow
        .endm

/* The thread is left: its segments are kept, and nothing of them stays but GS. */
        .macro  LEAVE own
        movw    %gs, \own + TCB_GS(%esp)
        movl    %ds, %eax
        movw    %fs, \own + TCB_GS + 2(%esp)
        movl    %es, %ebx
        cmpb    $USER_DS, %al; jne 81f
        cmpb    $USER_DS, %bl; je 82f
81:     movl    $USER_DS, %eax; movl %eax, %ds; movl %eax, %es
82:     movl    %fs, %eax
        testb   %al, %al; jz 83f
        movl    %ebp, %fs
83:
        .endm

        .macro  SET_GATES row, reasons  /* reasons: kernel.ipc_general's */
        movl    entry_gates + 16 * \row(%ebp), %eax; movl entry_gates + 16 * \row + 4(%ebp), %ebx
        movl    %eax, idt + 8 * VECTOR_IPC(%ebp); movl entry_gates + 16 * \row + 8(%ebp), %eax
        movl    %ebx, idt + 8 * VECTOR_LIPC(%ebp); movl \reasons, %ebx
        movl    %eax, idt + 8 * VECTOR_PAGE_FAULT(%ebp)
        movl    %ebx, kernel + KERNEL_IPC_GENERAL(%ebp)
        .endm

        .section .text.foreign, "ax", @progbits

/* --- exceptions ---------------------------------------------------------------------------------
 * Of the general protection faults only int 0x80's is one of these. With a trampoline it becomes a
 * call to that, by a word on the stack; without one, or in a single step, it is one still. */
        .balign 32
        .globl  enter_general_protection, enter_page_fault_foreign, trampoline_push, foreign_message
enter_general_protection:
        pushl   $VECTOR_GP; pusha
        movl    FRAME_ERROR(%esp), %eax
        xorl    %esi, %esi              /* no address */
        movl    FRAMED0(TCB_TRAMPOLINE), %ecx
        cmpl    $ERROR_INT_80, %eax; jne fault_saved
        testl   %ecx, %ecx; jz foreign_message
        movl    FRAME_ESP(%esp), %eax; movl FRAME_EIP(%esp), %ebx
        subl    $4, %eax; addl $2, %ebx
        cmpl    $USER_END - 4, %eax; ja foreign_message
        cmpl    $USER_DS, FRAME_SS(%esp); jne foreign_message
        testl   $EFLAGS_TF, FRAME_EFLAGS(%esp); jnz foreign_message
trampoline_push:
        movl    %ebx, %ss:(%eax)
        movl    %eax, FRAME_ESP(%esp); movl %ecx, FRAME_EIP(%esp)
        popa; addl $8, %esp
        .globl  trampoline_iret
trampoline_iret:
        iret

enter_page_fault_foreign:
        pushl   $VECTOR_PAGE_FAULT; pusha
        movl    FRAME_CS(%esp), %eax; movl %cr2, %esi
        testb   $3, %al; jz fault_saved /* the kernel's own: lipc_read */

foreign_message:
        movl    FRAME_EFLAGS(%esp), %edx; movl FRAMED0(TCB_STATE), %ebx /* and `slow` */
        testl   $EFLAGS_VM, %edx; jnz fault_saved
        andl    $~STATE_REDIRECT, %ebx; movl FRAMED0(TCB_KEEPER), %eax
        cmpl    $STATE_READY | STATE_FOREIGN, %ebx; jne fault_saved
        FIND_KEEPER own_framed0, fault_saved

/* It will be. The thread's own state, then the message. */
        pushl   $foreign_resume
        movl    %eax, FRAMED(TCB_PARTNER); movl %esp, FRAMED(TCB_ESP)
        movl    %eax, FRAMED(TCB_RECV_FROM); movl $KERNEL_IPC_MAP, %ecx
        movl    %ebp, FRAMED(TCB_IPC_RESULT); movl %ecx, FRAMED(TCB_KERNEL_IPC)
        movb    $0, FRAMED(TCB_RAISED)
        movw    $STATE_WAITING_KERNEL, FRAMED(TCB_STATE)
        LEAVE   own_framed
        movl    DEST(TCB_UTCB), %ecx
        movl    FRAMED(TCB_GS), %eax    /* and FS above it */
        movl    MR(0, %ecx), %ebx       /* a Pentium's write to no line of the cache gets it none */
        movl    MR(8, %ecx), %ebx; movl FRAME_VECTOR + 4(%esp), %edx
        movl    %eax, %ebx; shll $16, %ebx
        andl    $0xFFFF0000, %eax; orl %edx, %ebx
        movl    FRAME_ERROR + 4(%esp), %edx; orl %edx, %eax
        movl    %ebx, MR(3, %ecx); movl %eax, MR(4, %ecx)
        movl    FRAME_EIP + 4(%esp), %eax; movl FRAME_EFLAGS + 4(%esp), %ebx
        movl    %eax, MR(1, %ecx); movl %ebx, MR(2, %ecx)
        .irp    n, 0, 2, 4, 6           /* as PUSHA has them, but for ESP */
        movl    4 + 4 * \n(%esp), %eax; movl 8 + 4 * \n(%esp), %ebx
        movl    %eax, MR(5 + \n, %ecx); movl %ebx, MR(6 + \n, %ecx)
        .endr
        movl    FRAME_ESP + 4(%esp), %eax; movl %eax, MR(8, %ecx)
        movl    %esi, MR(13, %ecx); movl $TAG_FOREIGN, %esi
        addl    $FRAME_SIZE - FRAME_HARDWARE, %esp /* where CUR has it */

/* To the keeper. ECX: its UTCB, ESI: the tag. This is a page of code by itself, so it is not left
 * where the flush of the TLB would make that a miss. */
to_keeper:
        SET_GATES ENTRIES_FAST, $0
        movl    DEST(TCB_STACK_TOP), %edx; movl $STATE_READY, %eax
        movl    %esi, MR(0, %ecx); movl %eax, DEST(TCB_STATE)
        movl    %edx, task + TASK_ESP0(%ebp); movl DEST(TCB_SPACE), %ebx
        movl    %edi, kernel + KERNEL_CURRENT(%ebp); movl SPACE_SEGMENT0(%ebp, %ebx), %eax
        movl    DEST(TCB_LOCAL_ID), %edi; movl %ebx, kernel + KERNEL_SEGMENT_SPACE(%ebp)
        cmpl    $LARGE_SEGMENT0, %eax; jne to_small
        movl    $USER_GS, %eax; movl %edi, gs_page + GS_PAGE_WORD(%ebp)
        movl    %eax, %gs
        movl    %ebx, kernel + KERNEL_ACTIVE_SPACE(%ebp); movl CUR(TCB_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    SPACE_DIRECTORY(%ebp, %ebx), %edx; movl MR(1, %ecx), %ebx
        movl    MR(2, %ecx), %ebp; movl %edx, %cr3
        .globl  to_keeper_iret
to_keeper_iret:
        iret

/* --- calls --------------------------------------------------------------------------------------
 * Registers as in fast_path.S. To the keeper and from it, for ever, words only. */
        .balign 32
        .globl  enter_ipc_foreign
enter_ipc_foreign:
        pushl   $ipc_resume
        movl    CUR(TCB_KEEPER), %ebx
        cmpl    %eax, %edx; jne call_slow
        cmpl    %eax, %ebx; jne call_slow
        movl    %esi, %ebx; andl $0xFFFF, %ebx
        cmpl    $2, %ebx; jbe call_slow
        cmpl    $MR_COUNT, %ebx; jae call_slow
        testl   %ecx, %ecx; jnz call_slow
        FIND_KEEPER own_cur, call_slow_from

        movl    %esp, CUR(TCB_ESP); movl %eax, CUR(TCB_PARTNER)
        movw    $STATE_WAITING, CUR(TCB_STATE)
        LEAVE   own_cur
        movl    DEST(TCB_UTCB), %edx; movl CUR(TCB_UTCB), %ebp
        subl    %ebp, %edx
        movl    %esi, %ebx
        movl    TO(0), %eax             /* the line, as above */
        andl    $0xFFFF, %ebx; movl FROM(1), %eax
        COPY_WORDS
        xorl    %ebp, %ebp; movl DEST(TCB_UTCB), %ecx
        jmp     to_keeper

call_slow_from:
        movl    %eax, %edx
call_slow:
        addl    $4, %esp
        jmp     enter_ipc

/* --- answers ------------------------------------------------------------------------------------
 * From fast_path.S, with EAX kernel.ready_top, EDX the receiver's priority, EBX its state, ESI the
 * tag. */
        .balign 32
        .globl  foreign_answer
foreign_answer:
        andl    $~STATE_REDIRECT, %ebx
        cmpl    %eax, %edx; jl many_slow
        movl    kernel + KERNEL_TLS_OWNER(%ebp), %eax; movl DEST(TCB_DR7), %edx
        cmpl    %edi, %eax; jne many_slow
        testl   %edx, %edx; jnz many_slow
        movl    CUR(TCB_UTCB), %edx
        cmpl    $STATE_WAITING | STATE_FOREIGN, %ebx; je answer_to_call
        cmpl    $STATE_WAITING_KERNEL | STATE_FOREIGN, %ebx; jne many_slow
        movl    DEST(TCB_ESP), %eax
        movb    DEST(TCB_RAISED), %bl
        movl    (%ebp, %eax), %eax
        testb   %bl, %bl; jnz many_slow
        cmpl    $foreign_resume, %eax; jne many_slow
        movl    MR(3, %edx), %eax; movl MR(4, %edx), %ebx
        shrl    $16, %eax; andl $0xFFFF0000, %ebx
        orl     %ebx, %eax; movl DEST(TCB_GS), %ebx
        cmpl    %ebx, %eax; jne many_slow
        movl    %esi, %eax; andl $0xFFFF, %eax
        cmpl    $FOREIGN_WORDS, %eax; jne answer_page

/* Only the frame's EIP, EFLAGS and ESP are still needed. */
answer_registers:
        movl    DEST(TCB_STACK_TOP), %ecx; movl MR(2, %edx), %eax
        movl    MR(1, %edx), %ebx; andl $FOREIGN_FLAGS_MASK, %eax
        movl    %ebx, FRAME_EIP - FRAME_SIZE(%ebp, %ecx); orl $FOREIGN_FLAGS, %eax
        movl    MR(8, %edx), %ebx; movl %eax, FRAME_EFLAGS - FRAME_SIZE(%ebp, %ecx)
        movl    %ebx, FRAME_ESP - FRAME_SIZE(%ebp, %ecx); movl %ebp, DEST(TCB_KERNEL_IPC)
        .macro  TO_FOREIGN              /* ECX: its stack; EAX, EBX go */
        movl    $STATE_WAITING, %eax; movl DEST(TCB_LOCAL_ID), %ebx
        movl    %eax, CUR(TCB_STATE); movl %ebx, gs_page + GS_PAGE_WORD(%ebp)
        movw    $STATE_READY, DEST(TCB_STATE)
        movl    %ecx, task + TASK_ESP0(%ebp); movl %edi, kernel + KERNEL_CURRENT(%ebp)
        movl    DEST(TCB_STATE), %ebx; shrl $SLOW_SHIFT, %ebx
        SET_GATES ENTRIES_FOREIGN, %ebx
        movl    DEST(TCB_SPACE), %ebx; movl gdt + GDT_USER_DATA(%ebp), %eax
        movl    %ebx, kernel + KERNEL_SEGMENT_SPACE(%ebp)
        cmpl    $LARGE_SEGMENT0, %eax; je 85f
        movl    SPACE_SEGMENT0(%ebp, %ebx), %eax; movl %eax, gdt + GDT_USER_CODE(%ebp)
        movl    %eax, gdt + GDT_USER_DATA(%ebp); movl SPACE_SEGMENT1(%ebp, %ebx), %eax
        movl    %eax, gdt + GDT_USER_DATA + 4(%ebp); movl SPACE_SEGMENT_CODE(%ebp, %ebx), %eax
        movl    %eax, gdt + GDT_USER_CODE + 4(%ebp); movl $USER_DS, %eax
        movl    %eax, %ds; movl %eax, %es
85:     movl    DEST(TCB_GS), %eax; movl %eax, %gs
        shrl    $16, %eax; movl %eax, %fs
        movl    kernel + KERNEL_ACTIVE_SPACE(%ebp), %eax
        cmpl    %eax, %ebx; je 86f
        movl    %ebx, kernel + KERNEL_ACTIVE_SPACE(%ebp); movl SPACE_DIRECTORY(%ebp, %ebx), %eax
        movl    %eax, %cr3
86:
        .endm
        TO_FOREIGN
        leal    -FRAME_HARDWARE(%ecx), %esp
        movl    MR(5, %edx), %edi; movl MR(6, %edx), %esi
        movl    MR(9, %edx), %ebx; movl MR(11, %edx), %ecx
        movl    MR(12, %edx), %eax; movl MR(7, %edx), %ebp
        movl    %ss:UTCB_OFFSET_MR0 + 4 * 10(%edx), %edx
        .globl  foreign_answer_iret
foreign_answer_iret:
        iret

/* One item behind the words, which is to be mapped. The C function wants its data segment, and uses
 * no other. */
answer_page:
        cmpl    $FOREIGN_WORDS | 2 << 6, %eax; jne many_slow
        pushl   %ecx; pushl %edx
        addl    $UTCB_OFFSET_MR0 + 4 * (FOREIGN_WORDS + 1), %edx; movl $KERNEL_DS, %eax
        movl    %eax, %ds
        movl    %edi, %eax
        call    ipc_map_item
        popl    %edx; popl %ecx
        testb   %al, %al; jz many_slow
        movl    $USER_DS, %eax
        movl    %eax, %ds
        jmp     answer_registers

/* The result of a call: two words at most. */
        .balign 16
answer_to_call:
        movl    %esi, %eax; movl DEST(TCB_UTCB), %ecx
        andl    $0xFFFF, %eax
        cmpl    $2, %eax; ja many_slow
        movl    MR(0, %ecx), %eax       /* the line, as above */
        movl    MR(1, %edx), %eax; movl MR(2, %edx), %ebx
        movl    %esi, MR(0, %ecx); movl %eax, MR(1, %ecx)
        movl    %ebx, MR(2, %ecx); movl DEST(TCB_STACK_TOP), %ecx
        TO_FOREIGN
        movl    CUR(TCB_ID), %eax; movl DEST(TCB_LOCAL_ID), %edi
        leal    -FRAME_HARDWARE(%ecx), %esp
        movl    MR(1, %edx), %ebx; movl MR(2, %edx), %ebp
        .globl  foreign_call_iret
foreign_call_iret:
        iret

/* Whoever ended the wait in another way switches to here, in the kernel's segments. */
        .globl  foreign_resume
foreign_resume:
        movl    kernel + KERNEL_CURRENT, %eax
        pushl   %eax
        call    foreign_answered
        addl    $4, %esp
        jmp     return_to_user

        .section .note.GNU-stack, "", @progbits
