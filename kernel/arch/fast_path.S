#include "arch/offsets.h"

        .section .text.fast, "ax", @progbits
        .globl  enter_ipc_fast
enter_ipc_fast:
        jmp     enter_ipc

        .globl  enter_sysenter
enter_sysenter:
        movl    (%esp), %esp
        pushl   $USER_DS
        pushl   %ebp
        pushl   $0x3202
        pushl   $USER_CS
        movl    %ss:kernel + KERNEL_CURRENT, %ebx
        movl    %ss:TCB_SPACE(%ebx), %ebx
        movl    %ss:SPACE_KIP_AREA(%ebx), %ebx
        andl    $0xFFFFF000, %ebx
        addl    $stub_sysenter_return_offset, %ebx
        pushl   %ebx
        jmp     enter_ipc

        .globl  ipc_resume, ipc_resume_iret, ipc_fast_iret
ipc_resume:
        nop
ipc_fast_iret:
        nop
ipc_resume_iret:
        iret
        .section .note.GNU-stack, "", @progbits
