# start.S: the entry of a freestanding program, on Linux or Mach: argc and argv are on the stack.
        .globl  _start
        .type   _start, @function
_start: xorl    %ebp, %ebp
        movl    (%esp), %eax
        leal    4(%esp), %edx
        andl    $-16, %esp
        subl    $8, %esp
        pushl   %edx
        pushl   %eax
        call    start
        movl    %eax, %ebx
        movl    $1, %eax                # Linux's exit; a program for Mach does not return
        int     $0x80
        hlt
        .size   _start, . - _start
        .section .note.GNU-stack, "", @progbits
