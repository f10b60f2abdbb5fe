/* entry.S: every way into the kernel but the short IPC (fast_path.S), and the way out.
 *
 * INT and faults push SS, ESP, EFLAGS, CS, EIP on the stack that the TSS names, the top of the
 * running thread's block; this code completes them to a struct trap_frame, loads the kernel's data
 * segments, and calls C with the frame's address. Interrupts stay off until the program, or the
 * idle thread, runs again. */
#include "arch/offsets.h"

        .section .text.hot, "ax", @progbits

        .macro  KERNEL_SEGMENTS
        movl    $KERNEL_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        cld
        .endm

/* --- exceptions ------------------------------------------------------------------------------ */
        .macro  FAULT vector, has_error
fault_\vector:
        .if     !\has_error
        pushl   $0
        .endif
        pushl   $\vector
        jmp     fault
        .endm

        FAULT   0, 0
        FAULT   1, 0
        FAULT   2, 0
        FAULT   3, 0
        FAULT   4, 0
        FAULT   5, 0
        FAULT   6, 0
        FAULT   7, 0
        FAULT   8, 1
        FAULT   9, 0
        FAULT   10, 1
        FAULT   11, 1
        FAULT   12, 1
        FAULT   13, 1
        .globl  enter_page_fault
enter_page_fault:
        FAULT   14, 1
        FAULT   15, 0
        FAULT   16, 0
        FAULT   17, 1
        FAULT   18, 0
        FAULT   19, 0

/* PUSHA's copy of ESP is of no use: DS and ES go there, for the repair of segment registers. */
fault:
        pusha
        .globl  fault_saved
fault_saved:                            /* where fault_path.S gives up */
        movw    %ds, FRAME_DS(%esp)
        movw    %es, FRAME_ES(%esp)
        KERNEL_SEGMENTS
        pushl   %esp
        call    trap
        movl    %eax, %esp              /* the frame to go on with */
        jmp     return_to_user

        .section .text.fast, "ax", @progbits
/* --- the way out: ESP points to a trap frame ----------------------------------------------------
 * A program gets its flat segments back whatever it had loaded, so that no space sees with
 * another's; but %gs and %fs of a foreign one are its own, and it never has I/O privilege. The
 * kernel itself, interrupted when idle or repaired by trap(), keeps its own. */
        .globl  return_to_user
return_to_user:
        movl    FRAME_CS(%esp), %eax
        testb   $3, %al
        jz      1f
        SELECT_GATE
        movl    kernel + KERNEL_CURRENT, %edx
        movl    $USER_GS, %ecx
        movl    TCB_STATE(%edx), %ebx
        movl    $USER_DS, %eax
        testl   $STATE_FOREIGN, %ebx
        jnz     2f
        movl    %ecx, %gs
3:      movl    %eax, %ds
        movl    %eax, %es
1:      popa
        addl    $8, %esp
        .globl  return_iret
return_iret:
        iret
2:      andl    $~FLAGS_IOPL, FRAME_EFLAGS(%esp)
        jmp     3b

        .section .text.hot, "ax", @progbits
/* --- interrupts ------------------------------------------------------------------------------ */
        .macro  INTERRUPT line
interrupt_\line:
        pushl   $0
        pushl   $0x20 + \line
        jmp     interrupt_entry
        .endm

        .irp    line, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        INTERRUPT \line
        .endr

interrupt_entry:
        pusha
        KERNEL_SEGMENTS
        pushl   %esp
        call    interrupt
        movl    %eax, %esp
        jmp     return_to_user

/* --- system calls ---------------------------------------------------------------------------- */
        .macro  SYSTEM_CALL name, vector
        .globl  enter_\name
enter_\name:
        pushl   $0
        pushl   $\vector
        pusha
        KERNEL_SEGMENTS
        pushl   %esp
        call    sys_\name
        addl    $4, %esp
        jmp     return_to_user
        .endm

        SYSTEM_CALL ipc, 0x30
        SYSTEM_CALL exchange_registers, 0x32
        SYSTEM_CALL thread_control, 0x33
        SYSTEM_CALL system_clock, 0x34
        SYSTEM_CALL thread_switch, 0x35
        SYSTEM_CALL schedule, 0x36
        .section .text.fast, "ax", @progbits
        SYSTEM_CALL unmap, 0x37
        .section .text.hot, "ax", @progbits
        SYSTEM_CALL space_control, 0x38
        SYSTEM_CALL processor_control, 0x39
        SYSTEM_CALL memory_control, 0x3A
        SYSTEM_CALL foreign_state, 0x3B

/* --- switching of stacks ------------------------------------------------------------------------
 * stack_switch(word_t *save, word_t load): what a thread needs to go on is on its own stack, under
 * the address where it goes on. */
        .globl  stack_switch
stack_switch:
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        pushl   $1f
        movl    %esp, (%eax)
        movl    %edx, %esp
        ret
1:      popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

/* Where a thread made by arch_thread_call starts: fn and t are on the stack, the frame above
 * them. */
        .globl  thread_call
thread_call:
        popl    %eax
        call    *%eax                   /* t is its argument */
        addl    $4, %esp
        jmp     return_to_user

/* --- reading and writing model-specific registers that may not be there -------------------------
 * bool msr_read(word_t msr, word_t value[2]), bool msr_write(same): #GP leads to msr_missing. */
        .globl  msr_read, msr_write
msr_read:
        pushl   %ebx
        movl    8(%esp), %ecx
        movl    12(%esp), %ebx
msr_read_instruction:
        rdmsr
        movl    %eax, (%ebx)
        movl    %edx, 4(%ebx)
        movl    $1, %eax
        popl    %ebx
        ret
msr_write:
        pushl   %ebx
        movl    8(%esp), %ecx
        movl    12(%esp), %ebx
        movl    (%ebx), %eax
        movl    4(%ebx), %edx
msr_write_instruction:
        wrmsr
        movl    $1, %eax
        popl    %ebx
        ret
msr_missing:
        xorl    %eax, %eax
        popl    %ebx
        ret

/* bool segment_limits(void): does reading the second word of a segment of one word fault? */
        .globl  segment_limits
segment_limits:
        xorl    %eax, %eax
segment_limits_instruction:
        movl    %gs:4, %ecx
        ret
segment_limits_fault:
        incl    %eax
        ret

/* --- what segments.c puts into the IDT ------------------------------------------------------- */
        .section .rodata
        .balign 4
        .globl  fault_entries, interrupt_entries, fixups
fixups:                                 /* vector, where, where to go on */
        .long   13, msr_read_instruction, msr_missing
        .long   13, msr_write_instruction, msr_missing
        .long   13, segment_limits_instruction, segment_limits_fault
        .long   14, lipc_read, enter_ipc
        .long   14, trampoline_push, foreign_message
        .long   0, 0, 0
fault_entries:
        .irp    vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
        .long   fault_\vector
        .endr
interrupt_entries:
        .irp    line, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        .long   interrupt_\line
        .endr

/* --- the GDT ------------------------------------------------------------------------------------
 * It begins 24 bytes into a cache line, so that entries 1 to 4, all that a system call and its
 * return read, fill the next one, and 5 to 8, what %gs may be, the one after. */
        .section .data.gdt, "aw", @progbits
        .balign 32
        .skip   24
        .globl  gdt
gdt:    .skip   88

        .section .note.GNU-stack, "", @progbits
