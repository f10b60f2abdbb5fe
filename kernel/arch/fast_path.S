/* fast_path.S: Ipc when nothing about it is unusual [L4X2 2]: a message of untyped words to a
 * thread that waits for it, and then waiting for the next one.
 *
 *      EAX  to                 EAX  from
 *      EDX  from               ESI  MR0, EBX MR1, EBP MR2
 *      ECX  timeouts           EDI  the receiver's UTCB
 *      ESI  MR0                in: MR1 .. in the UTCB; EBX, EBP and EDI carry nothing
 *
 * Taken if the receive timeout is never, the tag has no flags and names no typed items, `to` is
 * the global id of a thread that waits for the sender or for anyone, `from` is `to` or anyone with
 * nobody queued, neither of the two has a bit in tcb.slow, and nobody ready has a higher priority
 * than the receiver. The send timeout does not matter then. One item that is to be mapped may follow
 * the words, and the receiver may be a thread whose page fault this is the answer to
 * (fault_path.S). All else goes to the general path, enter_ipc, as if it had come there at once.
 *
 * How it is fast on a Pentium, whose cycles it is written for:
 * - Instructions are ordered so that they come in pairs, none needs the address that the pair
 *   before it made, and no two of a pair use the same bank of the data cache. The usual case takes
 *   no jump but to another space's part; where two usual cases would share one, there are copies.
 * - The data segments stay the program's (fast_path.h).
 * - The segments are loaded only if they change, and CR3 only for a large space, last of all.
 * - Neither the x87 nor the sender's tcb.slow is looked at: while there is something about them,
 *   the gate leads to the general path (arch/switch.c).
 *
 * The sender is left with the address ipc_resume on its stack, for whoever resumes it in another
 * way. */
#include "arch/fast_path.h"

/* The table's entry for `to`; EDI: `to` / 4096. */
        .macro  FIND
        andl    $(THREAD_NUMBERS - 1) * 4, %edi
        xorl    %ebp, %ebp
        movl    %ecx, %ebx
        movl    %edx, CUR(TCB_PARTNER)
        orl     %esi, %ebx
        movl    thread_table(%ebp, %edi), %edi
        .endm

/* Does EDI exist, is it `to`, does it wait for the sender or for anyone, is nobody above it ready?
 * The sender has no bit in `slow`, or the gate would not have led here. */
        .macro  CHECK way, slow
        testl   %edi, %edi
        jz      \slow
        movl    DEST(TCB_ID), %ebx
        movl    DEST(TCB_PARTNER), %edx
        cmpl    %ebx, %eax
        jne     \slow
        movl    CUR(TCB_ID), %eax
        movl    DEST(TCB_STATE), %ebx   /* and `slow` */
        cmpl    %eax, %edx
        jne     \way\()_other_partner
\way\()_partner:
        movl    kernel + KERNEL_READY_TOP(%ebp), %eax
        movl    DEST(TCB_PRIORITY), %edx
        cmpl    $STATE_WAITING, %ebx
        jne     answer                  /* to a fault, or not a case for this file */
        cmpl    %eax, %edx
        jl      \slow
        .endm

        .section .text.fast, "ax", @progbits
/* Lipc: the same with local ids, the addresses of threads' message registers in their own space.
 * What the word MyGlobalId at such an address says is taken as a hint where to find the thread,
 * which then must have that local id. The address may be anything: trap() sends a fault at
 * lipc_read to the general path. */
        .balign 32
        .globl  enter_lipc_fast, lipc_read
enter_lipc_fast:
        testb   $0x3F, %al
        jnz     enter_ipc_fast
        xorl    %ebp, %ebp
        movl    CUR0(TCB_SPACE), %ebx
        movl    SPACE_SMALL_BASE(%ebp, %ebx), %edi
        addl    %eax, %edi
lipc_read:
        movl    UTCB_MY_GLOBAL_ID - UTCB_OFFSET_MR0(%ebp, %edi), %edi
        shrl    $12, %edi
        andl    $(THREAD_NUMBERS - 1) * 4, %edi
        movl    thread_table(%ebp, %edi), %edi
        testl   %edi, %edi
        jz      enter_ipc
        cmpl    DEST(TCB_SPACE), %ebx
        movl    DEST(TCB_LOCAL_ID), %ebx
        jne     enter_ipc
        cmpl    %ebx, %eax
        movl    DEST(TCB_ID), %ebx
        jne     enter_ipc
        cmpl    %eax, %edx
        movl    %ebx, %eax
        jne     enter_ipc_fast
        movl    %ebx, %edx
        jmp     enter_ipc_fast

        .balign 32
        .globl  enter_ipc_fast
enter_ipc_fast:
        pushl   $ipc_resume
        movl    %eax, %edi
        shrl    $12, %edi
        cmpl    %eax, %edx
        movl    %esp, CUR(TCB_ESP)
        jne     open
        FIND
        shll    $16, %ebx               /* the tag but for its label, or the receive timeout */
        jnz     closed_words
        CHECK   closed, closed_slow

/* Nothing can go wrong from here on. ECX: the receiver's UTCB, EDX: its stack. */
deliver:
        movl    DEST(TCB_UTCB), %ecx
        movl    DEST(TCB_STACK_TOP), %edx
        movl    $STATE_WAITING, %eax
        movl    %edx, task + TASK_ESP0(%ebp)
        movl    %esi, UTCB_OFFSET_MR0(%ebp, %ecx)
        movl    %eax, CUR(TCB_STATE)
        decl    %eax                    /* STATE_READY */
        movl    DEST(TCB_SPACE), %ebx
        movl    %eax, DEST(TCB_STATE)
        movl    CUR(TCB_SPACE), %eax
        movl    %edi, kernel + KERNEL_CURRENT(%ebp)
        movl    DEST(TCB_LOCAL_ID), %edi
        cmpl    %eax, %ebx
        jne     other_space
        movl    CUR(TCB_LOCAL_ID), %eax
        movl    %edi, gs_page + GS_PAGE_WORD(%ebp)
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        .globl  ipc_fast_iret
ipc_fast_iret:
        iret
        nop                             /* room for a jump to leave_sysexit */
        nop
        nop
        nop

/* --- to another space ---------------------------------------------------------------------------
 * EAX, EBX: old and new space; EDI: the receiver's local id. A small space is an area of the
 * directory that is loaded, whichever that is: its segments are all that changes. FS becomes null
 * and GS is made sure of, lest they keep the old space's. */
        .balign 16
other_space:
        movl    SPACE_SEGMENT0(%ebp, %ebx), %eax
        movl    %ebx, kernel + KERNEL_SEGMENT_SPACE(%ebp)
        cmpl    $LARGE_SEGMENT0, %eax
        je      to_large
        .globl  to_small
to_small:
        movl    %eax, gdt + GDT_USER_CODE(%ebp)
        movl    %eax, gdt + GDT_USER_DATA(%ebp)
        movl    SPACE_SEGMENT1(%ebp, %ebx), %eax
        movl    SPACE_SEGMENT_CODE(%ebp, %ebx), %ebx
        movl    %eax, gdt + GDT_USER_DATA + 4(%ebp)
        movl    %ebx, gdt + GDT_USER_CODE + 4(%ebp)
        movl    %edi, gs_page + GS_PAGE_WORD(%ebp)
        movl    $USER_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %ebp, %fs
        movl    %gs, %ebx
        cmpb    $USER_GS, %bl
        jne     1f
2:      movl    CUR(TCB_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        .globl  ipc_small_iret
ipc_small_iret:
        iret
1:      movl    $USER_GS, %ebx
        movl    %ebx, %gs
        jmp     2b

/* CR3 is loaded last, since all entries of the TLBs go with it. */
        .balign 16
to_large:
        movl    %gs, %eax
        cmpb    $USER_GS, %al
        jne     1f
2:      movl    gdt + GDT_USER_DATA(%ebp), %eax
        movl    %edi, gs_page + GS_PAGE_WORD(%ebp)
        cmpl    $LARGE_SEGMENT0, %eax
        jne     small_to_large
segments_right:
        movl    kernel + KERNEL_ACTIVE_SPACE(%ebp), %eax
        cmpl    %eax, %ebx
        je      3f
        movl    %ebx, kernel + KERNEL_ACTIVE_SPACE(%ebp)
        movl    CUR(TCB_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    SPACE_DIRECTORY(%ebp, %ebx), %edx
        movl    UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        movl    %edx, %cr3
        .globl  ipc_large_iret
ipc_large_iret:
        iret
        nop
        nop
        nop
        nop

3:      movl    CUR(TCB_ID), %eax
        leal    -FRAME_HARDWARE(%edx), %esp
        movl    UTCB_OFFSET_MR0 + 4(%ebp, %ecx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%ebp, %ecx), %ebp
        .globl  ipc_same_directory_iret
ipc_same_directory_iret:
        iret
        nop
        nop
        nop
        nop

1:      movl    $USER_GS, %eax
        movl    %eax, %gs
        jmp     2b

small_to_large:
        movl    SPACE_SEGMENT0(%ebp, %ebx), %eax
        movl    %eax, gdt + GDT_USER_CODE(%ebp)
        movl    %eax, gdt + GDT_USER_DATA(%ebp)
        movl    SPACE_SEGMENT1(%ebp, %ebx), %eax
        movl    %eax, gdt + GDT_USER_DATA + 4(%ebp)
        movl    SPACE_SEGMENT_CODE(%ebp, %ebx), %eax
        movl    %eax, gdt + GDT_USER_CODE + 4(%ebp)
        movl    $USER_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %ebp, %fs
        jmp     segments_right

/* --- less usual ---------------------------------------------------------------------------------
 * `from` is not `to`: the next message may come from anyone if nobody is queued. This has its own
 * copy of the checks because of their branch on the receiver's partner: a server's is not a
 * client's. */
        .balign 16
open:   cmpl    $ANY_THREAD, %edx
        movl    CUR(TCB_SENDERS), %ebx
        jne     slow_at_once
        testl   %ebx, %ebx
        movl    %eax, CUR(TCB_IPC_FROM) /* where open_slow finds it */
        jnz     slow_at_once
        FIND
        shll    $16, %ebx
        jnz     open_words
        CHECK   open, open_slow
        jmp     deliver

/* The receiver waits for anyone, or for somebody else. */
closed_other_partner:
        cmpl    $ANY_THREAD, %edx
        je      closed_partner
        jmp     closed_slow
closed_words_other_partner:
        cmpl    $ANY_THREAD, %edx
        je      closed_words_partner
        jmp     closed_slow
open_words_other_partner:
        cmpl    $ANY_THREAD, %edx
        je      open_words_partner
        jmp     open_slow
open_other_partner:
        cmpl    $ANY_THREAD, %edx
        je      open_partner

/* --- not a case for this file: the registers as they were --------------------------------------
 * ECX and ESI are, still. */
open_slow:
        movl    CUR(TCB_IPC_FROM), %eax
        movl    $ANY_THREAD, %edx
        jmp     slow_at_once
        .globl  many_slow
many_slow:
        movl    %ss:TCB_ID(%edi), %eax  /* it is `to` */
        movl    CUR(TCB_PARTNER), %edx
        jmp     slow_at_once
closed_slow:
        movl    CUR(TCB_PARTNER), %edx
        movl    %edx, %eax
slow_at_once:
        addl    $4, %esp
        jmp     enter_ipc

/* --- more words than MR0 ------------------------------------------------------------------------
 * One or two, or an odd one and fours. EBP is the sender's UTCB meanwhile, EDX the distance to the
 * receiver's. */
        .balign 16
open_words:
        movl    %ecx, %edx
        shll    $16, %edx
        jnz     open_slow
        CHECK   open_words, open_slow
        jmp     copy

        .balign 16
closed_words:
        movl    %ecx, %edx
        shll    $16, %edx
        jnz     closed_slow
        CHECK   closed_words, closed_slow
copy:   movl    %esi, %ebx
        movl    DEST(TCB_UTCB), %edx
        andl    $0xFFFF, %ebx
        movl    CUR(TCB_UTCB), %ebp
        subl    %ebp, %edx
        cmpl    $2, %ebx
        movl    FROM(1), %eax
        ja      many
        movl    FROM(2), %ecx
        jb      1f
        movl    %eax, TO(1)
        movl    %ecx, TO(2)
        xorl    %ebp, %ebp
        jmp     deliver
1:      movl    %eax, TO(1)
        xorl    %ebp, %ebp
        jmp     deliver

        .balign 16
many:   cmpl    $MR_COUNT, %ebx
        jae     item                    /* typed items or flags */
copy_many:
        COPY_WORDS
        xorl    %ebp, %ebp
        jmp     deliver

/* One item, which is to be mapped, and goes over with the words. The C function wants its data
 * segment, and uses no other. */
item:   movl    %ebx, %eax
        andl    $0x3F, %ebx
        andl    $0xFFC0, %eax
        cmpl    $2 << 6, %eax
        jne     many_slow
        cmpl    $MR_COUNT - 3, %ebx
        ja      many_slow
        pushl   %ecx
        pushl   %edx
        leal    UTCB_OFFSET_MR0 + 4(%ebp, %ebx, 4), %edx
        movl    $KERNEL_DS, %eax
        movl    %eax, %ds
        movl    %edi, %eax
        call    ipc_map_item
        popl    %edx
        popl    %ecx
        testb   %al, %al
        jz      many_slow
        movl    $USER_DS, %eax
        addl    $2, %ebx
        movl    %eax, %ds
        movl    FROM(1), %eax
        jmp     copy_many

/* --- a thread that waits in Ipc is switched to from C -------------------------------------------
 * Everything it is to find is in its UTCB and its block. */
        .globl  ipc_resume, ipc_resume_iret
ipc_resume:
        SELECT_GATE
        movl    kernel + KERNEL_CURRENT, %ecx
        movl    TCB_UTCB(%ecx), %edx
        movl    TCB_IPC_FROM(%ecx), %eax
        movl    TCB_LOCAL_ID(%ecx), %edi
        movl    UTCB_OFFSET_MR0(%edx), %esi
        movl    UTCB_OFFSET_MR0 + 4(%edx), %ebx
        movl    UTCB_OFFSET_MR0 + 8(%edx), %ebp
        testl   $STATE_FOREIGN, TCB_STATE(%ecx)
        movl    $USER_DS, %ecx
        jnz     1f                      /* as in return_to_user */
        movl    $USER_GS, %edx
        movl    %edx, %gs
2:      movl    %ecx, %ds
        movl    %ecx, %es
ipc_resume_iret:
        iret
1:      andl    $~FLAGS_IOPL, FRAME_EFLAGS - FRAME_EIP(%esp)
        jmp     2b

/* --- SYSENTER and SYSEXIT -----------------------------------------------------------------------
 * The stub passes ESP in EBP, and the kernel knows where in the space it is to go on. What the
 * processor leaves of the program's flags must not reach the kernel: trap, nested task,
 * direction. */
        .section .text.hot, "ax", @progbits
        .globl  enter_sysenter, leave_sysexit
enter_sysenter:
        movl    (%esp), %esp
        pushl   $USER_DS
        pushl   %ebp
        .globl  sysenter_kernel_flags, sysenter_user_flags /* ports.c knows them */
sysenter_kernel_flags:
        pushl   $KERNEL_FLAGS
        popfl
sysenter_user_flags:
        pushl   $USER_FLAGS
        movl    %ss:kernel + KERNEL_CURRENT, %ebx
        pushl   $USER_CS
        movl    %ss:TCB_SPACE(%ebx), %ebx
        movl    %ss:SPACE_KIP_AREA(%ebx), %ebx
        andl    $0xFFFFF000, %ebx
        addl    $stub_sysenter_return_offset, %ebx
        pushl   %ebx
        cmpl    $0, %ss:kernel + KERNEL_IPC_GENERAL
        jne     enter_ipc
        cmpl    $0, %ss:kernel + KERNEL_FAST_PATH
        je      enter_ipc
        testl   %eax, %eax
        jnz     enter_lipc_fast
        jmp     enter_ipc

/* SYSEXIT gives the program segments of 4 GB whatever the descriptors say. With small spaces
 * about, their area would be open to it, so it is used only if there are none. Each IRET above
 * becomes a jump to here where the processor has SYSEXIT. */
leave_sysexit:
        cmpl    $0, %ss:kernel + KERNEL_SMALL_SPACES
        jne     1f
        movl    (%esp), %edx
        movl    12(%esp), %ecx
        cld
        sti
        sysexit
        .globl  ipc_exit_iret
1:
ipc_exit_iret:
        iret

/* For trap(): where a program's bad EIP makes the kernel fault. And where SYSEXIT can be. */
        .section .rodata
        .balign 4
        .globl  iret_addresses, sysexit_places
iret_addresses:
        .long   return_iret, ipc_fast_iret, ipc_small_iret, ipc_large_iret, ipc_same_directory_iret
        .long   ipc_resume_iret, ipc_exit_iret
        .long   page_fault_iret, page_fault_same_space_iret, answer_iret
        .long   trampoline_iret, to_keeper_iret, foreign_answer_iret, foreign_call_iret, 0
sysexit_places:
        .long   ipc_fast_iret, ipc_large_iret, ipc_same_directory_iret, 0

        .section .note.GNU-stack, "", @progbits
