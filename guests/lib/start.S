# start.S: the entry of every program. The stack is the program's own: the kernel starts the first
# servers with a stack pointer of its choosing, zero with some loaders [L4X2 7]. The root server
# starts its tasks with the address of their start area as the stack pointer (task.h); which of the
# two it is, l4_start tells from the thread's id.
        .globl  _start
        .type   _start, @function
_start: cld
        movl    %esp, %eax
        movl    $l4_first_stack_end, %esp
        xorl    %ebp, %ebp
        subl    $12, %esp
        pushl   %eax
        call    l4_start
        ud2
        .size   _start, . - _start

# Where a function started by l4_thread_start returns to: a receive from nobody that may come.
        .globl  l4_thread_end
        .type   l4_thread_end, @function
l4_thread_end:
        call    l4_sleep_for_ever
        jmp     l4_thread_end
        .size   l4_thread_end, . - l4_thread_end

        .bss
        .balign 4096
        .skip   16384
l4_first_stack_end:
        .section .note.GNU-stack, "", @progbits
