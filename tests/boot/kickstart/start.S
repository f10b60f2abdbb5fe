// start.S: the Multiboot header and the first instructions.
        .section .start, "ax"
        .balign 4
        .long   0x1BADB002, 0, -0x1BADB002
        .globl  _start
_start:
        movl    $stack_top, %esp
        pushl   %ebx
        call    kickstart               // returns the kernel's entry
        xorl    %ebx, %ebx              // kickstart promises nothing in registers [L4X2 7]
        movl    $0x5EED5EED, %ecx
        movl    %ecx, %edx
        movl    %ecx, %esi
        movl    %ecx, %edi
        movl    %ecx, %ebp
        movl    %ecx, %esp
        jmp     *%eax

        .bss
        .balign 16
        .skip   4096
stack_top:
        .section .note.GNU-stack, "", @progbits
