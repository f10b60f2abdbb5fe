/* SPDX-License-Identifier: GPL-2.0-only */
/* emulation.S: the page that every process has at PROCESS_EMULATION: a system call as a message to
 * the server, without an exception. Two ways lead here with a return address on the stack and all
 * other registers as for int 0x80: a call by a program that AT_SYSINFO told of the page, and int
 * 0x80 itself, by the kernel's trampoline. No flag is changed.
 *
 * The message lies in the thread's UTCB, at a fixed address since %gs is Linux's, and nobody else may
 * use that in between: Linux's other threads in the space and its signal handlers have the same one.
 * So from emulation_fill to emulation_sent, and in trampoline_fill, the server lets nothing happen:
 * whatever stops the thread there, it goes on at once (library.c). Before and behind, all there is
 * of the call is on the program's stack and in its registers.
 *
 * Where a process in a call stands, as Linux sees it, is two bytes behind an int 0x80, where it can
 * go on with any registers: those of a signal's return, of a fork's child; or at the int 0x80, when
 * the call is to be made again. For the trampoline that is the program's own; for the library it is
 * emulation_back. */
#include "emulation.h"

#define MR(n)   PROCESS_UTCB + 0x100 + 4 * (n)
#define VECTOR_IPC 0x30

        .macro  SAVE
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %edx
        pushl   %ecx
        pushl   %ebx
        .endm

        .macro  RESTORE_AND_RETURN
        popl    %ebx
        popl    %ecx
        popl    %edx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret
        .endm

        .data
        .balign 4096
        .globl  emulation_page, emulation_fill, emulation_sent, emulation_server
        .globl  trampoline_page, trampoline_fill, trampoline_filled
emulation_page:
        SAVE
emulation_fill:
        movl    %eax, MR(1)
        movl    %esp, MR(8)
        movl    $PROCESS_EMULATION + emulation_back - emulation_page, MR(10)
emulation_send:
        movl    %ebx, MR(2)
        movl    %ecx, MR(3)
        movl    %edx, MR(4)
        movl    %esi, MR(5)
        movl    %edi, MR(6)
        movl    %ebp, MR(7)
        movw    %gs, MR(9)
        movw    %fs, MR(9) + 2
        movl    $0, %eax                /* the server's id, filled in when Linux starts */
emulation_server = . - 4
        movl    $CALL_TAG, %esi
        movl    %eax, %edx              /* sent to the server, awaited from it */
        movl    $0, %ecx                /* for ever */
        int     $VECTOR_IPC
emulation_sent:
        movl    %ebx, %eax
        RESTORE_AND_RETURN

        .balign 32
        int     $0x80
emulation_back:
        RESTORE_AND_RETURN

        .balign 32
trampoline_page:
        SAVE
trampoline_fill:
        movl    %eax, MR(1)
        leal    28(%esp), %eax          /* behind what SAVE and the kernel have pushed */
        movl    %eax, MR(8)
        movl    24(%esp), %eax          /* what the kernel has pushed */
        movl    %eax, MR(10)
        jmp     emulation_send
trampoline_filled:

        .balign 4096
        .section .note.GNU-stack, "", @progbits
