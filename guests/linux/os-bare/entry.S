/* SPDX-License-Identifier: GPL-2.0-only */
/* entry.S: the ways into Linux and out again. This page lies at STANDIN_CODE in every space, so
 * that the processor finds it in a process's and goes on in Linux's after the write to CR3; what
 * is elsewhere is named by its address in Linux's. */
#include "layout.h"

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 3               /* modules on page boundaries, memory sizes */

        .section .multiboot, "ax", @progbits
        .balign 4
        .long   MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

/* A Multiboot loader comes with its magic word in EAX and its information in EBX, paging off. */
        .globl  standin_start
standin_start:
        cli
        cld
        movl    $standin_boot_stack + BOOT_STACK, %esp
        pushl   %ebx
        pushl   %eax
        xorl    %ebp, %ebp
        call    standin_begin
        jmp     _start                  /* start.c, as on L4 */

/* void standin_switch(word_t **from, word_t *to): to the other thread of Linux's, and back. */
        .text
        .globl  standin_switch
standin_switch:
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %ebx
        movl    %esp, (%eax)
        movl    %edx, %esp
        popl    %ebx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret

        .data
        .balign 4096
        .globl  standin_code, standin_gates
standin_code:

/* standin_enter(directory), called here: a process runs, with the registers that are pushed at
 * STANDIN_PUSHED, until it stops. */
        pushl   %ebp
        pushl   %edi
        pushl   %esi
        pushl   %ebx
        movl    20(%esp), %eax
        movl    %esp, standin_linux_esp
        movl    $STANDIN_PUSHED, %esp
        movl    %eax, %cr3
        popal
        addl    $8, %esp                /* vector and error */
        iret

        .balign 32
/* MR14 error, MR13 vector are pushed. */
entered:
        testb   $3, 12(%esp)            /* CS */
        jz      entered_from_linux
        pushal
        movl    $standin_directory, %eax
        movl    %eax, %cr3
        movl    $USER_DS, %eax          /* good for privilege 0, too, and it may stay */
        movw    %ax, %ds
        movw    %ax, %es
        cld
        movl    standin_linux_esp, %esp
        popl    %ebx
        popl    %esi
        popl    %edi
        popl    %ebp
        ret

entered_by_int_80:
        subl    $2, (%esp)              /* as the fault has it */
        pushl   $ERROR_CLOSED
        pushl   $VECTOR_CLOSED
        jmp     entered

/* On Linux's own stack: an interrupt, or else what should not be. */
entered_from_linux:
        pushal
        cld
        pushl   %esp
        movl    $standin_from_linux, %eax
        call    *%eax
        addl    $4, %esp
        popal
        addl    $8, %esp
        iret

/* Each 16 bytes behind the one before. */
        .balign 16
standin_gates:
        vector = 0
        .rept   GATES
        .balign 16
        .if     vector != 8 && (vector < 10 || vector > 14) && vector != 17
        pushl   $0                      /* the processor pushes no error code for it */
        .endif
        pushl   $vector
        jmp     entered
        vector = vector + 1
        .endr
        .balign 16
        jmp     entered_by_int_80

        .org    standin_code + 4096     /* they are in one page */
        .globl  standin_page
standin_page:
        .skip   4096

        .bss
        .balign 16
        .globl  standin_boot_stack
standin_boot_stack:
        .skip   BOOT_STACK
        .globl  standin_linux_esp
standin_linux_esp:
        .skip   4

        .section .note.GNU-stack, "", @progbits
