/* start: Multiboot header, first instructions, and the ways into the kernel. */
    .section .multiboot, "a"
    .align 4
    .long 0x1BADB002, 0x00000002, -(0x1BADB002 + 0x00000002)

    .text
    .globl _start
_start:
    movl $boot_stack_top, %esp
    pushl $0
    popfl
    pushl %ebx
    pushl %eax
    call kernel_main
1:  cli
    hlt
    jmp 1b

/* One stub a vector: every frame has an error code and a number. */
    .macro stub vector
stub_\vector:
    .if !(\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17)
    pushl $0
    .endif
    pushl $\vector
    jmp enter
    .endm

    .altmacro
    .set i, 0
    .rept 129
    stub %i
    .set i, i + 1
    .endr

    .macro entry vector
    .long stub_\vector
    .endm

/* Everything is saved on the thread's kernel stack; trap() answers which stack to leave from. */
enter:
    pushl %ds
    pushl %es
    pushal
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl %esp, %eax
    pushl %eax
    call trap
    .globl leave
leave:
    movl %eax, %esp
    popal
    popl %es
    popl %ds
    addl $8, %esp
    iret

    .section .user_text, "ax"
    .globl user_start
user_start:
    pushl %eax
    call user_main

    .section .rodata
    .globl stubs
stubs:
    .set i, 0
    .rept 129
    entry %i
    .set i, i + 1
    .endr

    .bss
    .align 4096
boot_stack:
    .skip 4096
boot_stack_top:
