/* SPDX-License-Identifier: GPL-2.0-only */
/* emulation.S: the page that every process has at PROCESS_EMULATION: a system call as a message to
 * the server, without an exception. AT_SYSINFO tells programs of it; they call it with their
 * registers as for int 0x80.
 *
 * The message lies in the thread's UTCB, at a fixed address since %gs is Linux's, and nobody may use
 * that in between: Linux's other threads in the space and its signal handlers have the same one. So
 * from emulation_fill to emulation_sent the server lets nothing happen: whatever stops the thread
 * there, it goes on at once (library.c). Before and behind, all there is of the call is on the
 * program's stack and in its registers.
 *
 * To Linux a process in a call stands at emulation_back, two bytes behind an int 0x80, where it can
 * go on with any registers: those of a signal's return, of a fork's child; or at the int 0x80,
 * when the call is to be made again. */
#include "emulation.h"

#define MR(n)   PROCESS_UTCB + 0x100 + 4 * (n)
#define VECTOR_IPC 0x30

        .data
        .balign 4096
        .globl  emulation_page, emulation_fill, emulation_sent, emulation_back, emulation_server
emulation_page:
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %edx
        pushl   %ecx
        pushl   %ebx
emulation_fill:
        movl    %eax, MR(1)
        movl    %ebx, MR(2)
        movl    %ecx, MR(3)
        movl    %edx, MR(4)
        movl    %esi, MR(5)
        movl    %edi, MR(6)
        movl    %ebp, MR(7)
        movl    %esp, MR(8)
        movw    %gs, MR(9)
        movw    %fs, MR(9) + 2
        movl    $0, %eax                /* the server's id, filled in when Linux starts */
emulation_server = . - 4
        movl    $CALL_TAG, %esi
        movl    %eax, %edx              /* sent to the server, awaited from it */
        xorl    %ecx, %ecx              /* for ever */
        int     $VECTOR_IPC
emulation_sent:
        movl    %ebx, %eax
        popl    %ebx
        popl    %ecx
        popl    %edx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret

        .balign 32
        int     $0x80
emulation_back:
        popl    %ebx
        popl    %ecx
        popl    %edx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret

        .balign 4096
        .section .note.GNU-stack, "", @progbits
