/* fault_path.S: the page fault that a pager waits for, and the pager's answer [L4X2 5.2]: from the
 * program's access to the pager and back without a line of C but the mapping itself.
 *
 * A page fault is a message of the kernel in the thread's name (api/faults.c), so this is the fast
 * path of Ipc once more: a thread that waits, in another large space or the same one, and nobody
 * more important ready. Everything else goes to the general way before anything has happened. What
 * is different is that the thread keeps all its registers: they are a trap frame on its stack, and
 * page_fault_resume, under it, is where it goes on. That address also tells the answer that there
 * is a page fault to end here, and not some other wait for a message to the kernel.
 *
 *      at page_fault_resume's stack:   return address, EDI .. EAX, vector, error, EIP .. SS
 *
 * The answer comes as an Ipc (fast_path.S), which finds its receiver WAITING_KERNEL: to `answer`,
 * with EAX kernel.ready_top, EDX the receiver's priority, EBX its state, ESI the tag. */
#include "arch/fast_path.h"

        .section .text.fast, "ax", @progbits

        .balign 32
        .globl  enter_page_fault_fast
enter_page_fault_fast:
        pushl   $VECTOR_PAGE_FAULT
        cmpl    %eax, -8(%esp)          /* a Pentium's write to no line of the cache gets it none */
        pusha
        movl    FRAME_CS(%esp), %eax; movl FRAME_EFLAGS(%esp), %edx
        testb   $3, %al
        jz      fault_saved             /* the kernel's own: lipc_read */
        testl   $EFLAGS_VM, %edx; jnz fault_saved
        movl    FRAMED0(TCB_UTCB), %ecx
        xorl    %ebp, %ebp
        movl    %cr2, %ebx
        movl    FRAMED0(TCB_SPACE), %esi; movl UTCB_PAGER(%ebp, %ecx), %eax
        cmpl    %ebx, SPACE_OWN_END(%ebp, %esi)
        jbe     fault_saved             /* sigma0's, too, has none of its own */
        movl    %eax, %edi
        shrl    $12, %edi
        andl    $(THREAD_NUMBERS - 1) * 4, %edi
        movl    FRAMED0(TCB_ID), %edx; movl thread_table(%ebp, %edi), %edi
        testl   %edi, %edi; jz fault_saved
        movl    DEST(TCB_ID), %ecx; movl DEST(TCB_SPACE), %esi
        cmpl    %ecx, %eax; jne fault_saved
        movl    DEST(TCB_PARTNER), %ecx
        movl    DEST(TCB_STATE), %eax   /* and `slow` */
        cmpl    $ANY_THREAD, %ecx; jne pager_awaits
1:      cmpl    $STATE_WAITING, %eax
        jne     fault_saved
        movl    kernel + KERNEL_READY_TOP(%ebp), %eax; movl DEST(TCB_PRIORITY), %ecx
        cmpl    %eax, %ecx; jl fault_saved
        movl    gdt + GDT_USER_DATA(%ebp), %eax; movl SPACE_SEGMENT0(%ebp, %esi), %ecx
        cmpl    $LARGE_SEGMENT0, %eax; jne fault_saved
        cmpl    $LARGE_SEGMENT0, %ecx; jne fault_saved

/* It will be. The thread's own state, then the message. EBX: the address, ESI: the pager's
 * space. */
        pushl   $page_fault_resume
        movl    DEST(TCB_ID), %eax; movl %esp, FRAMED(TCB_ESP)
        movl    $KERNEL_IPC_MAP, %ecx; movl %eax, FRAMED(TCB_PARTNER)
        movl    %eax, FRAMED(TCB_RECV_FROM); movl %ecx, FRAMED(TCB_KERNEL_IPC)
        movl    $STATE_WAITING_KERNEL, %edx; movl %ebp, FRAMED(TCB_IPC_RESULT)
        movl    $STATE_READY, %eax; movl %edx, FRAMED(TCB_STATE)
        movl    %eax, DEST(TCB_STATE); movl FRAME_ERROR + 4(%esp), %edx
        movl    DEST(TCB_UTCB), %ecx
        andl    $2, %edx                /* it was a write */
        movl    UTCB_OFFSET_MR0(%ebp, %ecx), %eax /* the line, as above */
        shll    $16, %edx
        movl    FRAME_EIP + 4(%esp), %eax; movl %eax, UTCB_OFFSET_MR0 + 8(%ebp, %ecx)
        movl    %ebx, UTCB_OFFSET_MR0 + 4(%ebp, %ecx); movl FRAMED(TCB_SPACE), %eax
        movl    %esi, %ebx; movl $TAG_PAGE_FAULT + (RIGHT_R << 16), %esi
        cmpl    %eax, %ebx; je pager_in_same_space
        subl    %edx, %esi              /* 4 for R becomes 2 for W */
        movl    DEST(TCB_STACK_TOP), %edx; movl %esi, UTCB_OFFSET_MR0(%ebp, %ecx)
        movl    %edi, kernel + KERNEL_CURRENT(%ebp); movl DEST(TCB_LOCAL_ID), %edi
        movl    %edx, task + TASK_ESP0(%ebp); movl %edi, gs_page + GS_PAGE_WORD(%ebp)
        movl    %ebx, kernel + KERNEL_SEGMENT_SPACE(%ebp)
        movl    %ebx, kernel + KERNEL_ACTIVE_SPACE(%ebp); movl %gs, %eax
        cmpb    $USER_GS, %al; jne 3f
2:      movl    FRAMED(TCB_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    SPACE_DIRECTORY(%ebp, %ebx), %edx; movl UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        movl    %edx, %cr3
        .globl  page_fault_iret
page_fault_iret:
        iret
3:      movl    $USER_GS, %eax
        movl    %eax, %gs
        jmp     2b

pager_awaits:
        cmpl    %ecx, %edx; je 1b
        jmp     fault_saved

pager_in_same_space:
        subl    %edx, %esi
        movl    DEST(TCB_STACK_TOP), %edx; movl %esi, UTCB_OFFSET_MR0(%ebp, %ecx)
        movl    %edi, kernel + KERNEL_CURRENT(%ebp); movl DEST(TCB_LOCAL_ID), %edi
        movl    %edx, task + TASK_ESP0(%ebp); movl %edi, gs_page + GS_PAGE_WORD(%ebp)
        movl    FRAMED(TCB_LOCAL_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx; movl UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        .globl  page_fault_same_space_iret
page_fault_same_space_iret:
        iret

/* --- the answer ---------------------------------------------------------------------------------
 * Nothing in it, or one item, which is to be mapped; the words do not matter. */
        .balign 32
        .globl  answer
answer: cmpl    $STATE_WAITING_KERNEL, %ebx
        jne     foreign_answer
        cmpl    %eax, %edx; jl many_slow
        movl    DEST(TCB_ESP), %eax; movl DEST(TCB_SPACE), %ebx
        movl    gdt + GDT_USER_DATA(%ebp), %edx
        cmpl    $LARGE_SEGMENT0, %edx; jne many_slow
        movl    (%ebp, %eax), %eax; movl SPACE_SEGMENT0(%ebp, %ebx), %edx
        cmpl    $page_fault_resume, %eax; jne many_slow
        cmpl    $LARGE_SEGMENT0, %edx; jne many_slow
        movl    %esi, %eax; movl CUR(TCB_UTCB), %edx
        andl    $0xFFC0, %eax           /* flags and typed words */
        jnz     answer_item
answered:
        movl    $STATE_WAITING, %eax; movl DEST(TCB_STACK_TOP), %edx
        movl    %eax, CUR(TCB_STATE)
        decl    %eax                    /* STATE_READY */
        movl    %edx, task + TASK_ESP0(%ebp); movl %eax, DEST(TCB_STATE)
        movl    DEST(TCB_LOCAL_ID), %edx; movl CUR(TCB_SPACE), %eax
        movl    %edx, gs_page + GS_PAGE_WORD(%ebp); movl %ebp, DEST(TCB_KERNEL_IPC)
        movl    %edi, kernel + KERNEL_CURRENT(%ebp); movl DEST(TCB_ESP), %esp
        cmpl    %eax, %ebx; je 1f
        movl    %ebx, kernel + KERNEL_SEGMENT_SPACE(%ebp)
        movl    %ebx, kernel + KERNEL_ACTIVE_SPACE(%ebp); movl %gs, %eax
        cmpb    $USER_GS, %al; jne 2f
3:      movl    SPACE_DIRECTORY(%ebp, %ebx), %eax
        movl    %eax, %cr3
1:      addl    $4, %esp
        popa
        addl    $8, %esp
        .globl  answer_iret
answer_iret:
        iret
2:      movl    $USER_GS, %eax
        movl    %eax, %gs
        jmp     3b

/* The C function wants its data segment, and uses no other. */
answer_item:
        cmpl    $2 << 6, %eax; jne many_slow
        movl    %esi, %eax
        andl    $0x3F, %eax
        cmpl    $MR_COUNT - 3, %eax; ja many_slow
        pushl   %ecx
        leal    UTCB_OFFSET_MR0 + 4(%edx, %eax, 4), %edx
        movl    $KERNEL_DS, %eax; movl %eax, %ds
        movl    %edi, %eax
        call    ipc_map_item
        popl    %ecx
        testb   %al, %al; jz many_slow
        movl    $USER_DS, %eax; movl %eax, %ds
        jmp     answered

/* Whoever ended the wait in another way switches to here, in the kernel's segments. */
        .globl  page_fault_resume
page_fault_resume:
        movl    kernel + KERNEL_CURRENT, %eax
        movb    $0, TCB_KERNEL_IPC(%eax)
        jmp     return_to_user

        .section .note.GNU-stack, "", @progbits
