/* Tables, the common handler, checks and the report. */

#define EXIT_PORT 0xF4
#define COM1 0x3F8

setup:
    movl $COM1+3, %edx
    movb $3, %al /* eight bits, no parity */
    outb %al, %dx
    movl $tss1, %eax
    movl $TSS1, %ebx
    call set_base
    movl $tss2, %eax
    movl $TSS2, %ebx
    call set_base
    movl $ldt, %eax
    movl $LDT, %ebx
    call set_base
    xorl %ecx, %ecx
1:  movl %ecx, %eax /* 256 interrupt gates */
    shll $4, %eax
    addl $stubs, %eax
    movw %ax, idt(,%ecx,8)
    movw $CODE0, idt+2(,%ecx,8)
    movw $0x8E00, idt+4(,%ecx,8)
    shrl $16, %eax
    movw %ax, idt+6(,%ecx,8)
    incl %ecx
    cmpl $256, %ecx
    jne 1b
    movb $0xEE, idt+0x30*8+5
    movb $0xEE, idt+3*8+5
    lgdt gdt_pointer
    lidt idt_pointer
    ljmp $CODE0, $1f
1:  movl $DATA0, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $LDT, %eax
    lldt %ax
    movl $TSS1, %eax
    ltr %ax
    xorl %ecx, %ecx
1:  movl %ecx, %eax /* 8 MB, present, writable, user */
    shll $12, %eax
    orl $7, %eax
    movl %eax, page_table(,%ecx,4)
    incl %ecx
    cmpl $2048, %ecx
    jne 1b
    movl $page_table+7, page_directory
    movl $page_table+4096+7, page_directory+4
    movl $page_directory, %eax
    movl %eax, %cr3
    movl %eax, tss1+0x1C
    movl %cr0, %eax
    orl $0x80000000, %eax
    andl $~0x6005000E, %eax
    movl %eax, %cr0
    pushl $2
    popfl
    ret

/* EAX: base, EBX: selector. */
set_base:
    movw %ax, gdt+2(%ebx)
    shrl $16, %eax
    movb %al, gdt+4(%ebx)
    movb %ah, gdt+7(%ebx)
    ret

/* One stub a vector, 16 bytes each. */
    .balign 16
stubs:
    .set vector, 0
    .rept 256
    .balign 16
    pushl $vector
    jmp handler
    .set vector, vector + 1
    .endr

/* Keeps frame, registers and segments, and goes on at `resume` with the stack of TRY. */
handler:
    pushal
    pushfl
    popl %eax
    movl %eax, %ss:handler_flags
    cld
    movl %ds, %eax
    movzwl %ax, %eax
    movl %eax, %ss:handler_ds
    movl %es, %eax
    movzwl %ax, %eax
    movl %eax, %ss:handler_es
    movl %fs, %eax
    movzwl %ax, %eax
    movl %eax, %ss:handler_fs
    movl $DATA0, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %esp, %esi
    movl $registers, %edi
    movl $8, %ecx
    rep movsl
    lodsl
    movl %eax, frame+VECTOR
    movl %esi, frame_esp
    movl $-1, frame+CODE
    movl $0x27D00, %ecx /* the vectors with an error code: 8, 10-14, 17 */
    cmpl $17, %eax
    ja 1f
    btl %eax, %ecx
    jnc 1f
    lodsl
    movl %eax, frame+CODE
1:  movl $frame+EIP, %edi
    movl $9, %ecx
    rep movsl
    movl resume_esp, %esp
    jmp *resume

/* Known segments, flags and debug state after a test; EAX is lost. */
settle:
    movl $DATA0, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %dr7
    pushl $2
    popfl
    ret

/* check(name, actual, expected): keeps every register. */
check:
    pushal
    movl 40(%esp), %eax
    cmpl 44(%esp), %eax
    jne 1f
    incl passed
    popal
    ret $12
1:  incl failed
    movl $text_fail, %esi
    call print
    movl 36(%esp), %esi
    call print
    movl $text_is, %esi
    call print
    movl 40(%esp), %eax
    call print_hex
    movl $text_not, %esi
    call print
    movl 44(%esp), %eax
    call print_hex
    call print_line
    popal
    ret $12

report:
    movl passed, %eax
    call print_decimal
    movl $text_passed, %esi
    call print
    movl failed, %eax
    call print_decimal
    movl $text_failed, %esi
    call print
    call print_line
    xorl %eax, %eax
    cmpl $0, failed
    setne %al
    movl $EXIT_PORT, %edx
    outl %eax, %dx
1:  cli
    hlt
    jmp 1b

print_line:
    movl $text_line, %esi
print:
    lodsb
    testb %al, %al
    jz 1f
    call print_byte
    jmp print
1:  ret

print_byte:
    movb %al, %cl
    movl $COM1+5, %edx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    movl $COM1, %edx
    movb %cl, %al
    outb %al, %dx
    ret

print_hex:
    movl %eax, %ebx
    movl $8, %edi
1:  roll $4, %ebx
    movl %ebx, %eax
    andl $0xF, %eax
    movb digits(%eax), %al
    call print_byte
    decl %edi
    jnz 1b
    ret

print_decimal:
    movl $10, %ebx
    xorl %edi, %edi
1:  xorl %edx, %edx
    divl %ebx
    pushl %edx
    incl %edi
    testl %eax, %eax
    jnz 1b
2:  popl %eax
    movb digits(%eax), %al
    call print_byte
    decl %edi
    jnz 2b
    ret

    .section .rodata
digits:
    .ascii "0123456789abcdef"
text_fail:
    .asciz "FAIL "
text_is:
    .asciz ": is "
text_not:
    .asciz ", expected "
text_passed:
    .asciz " passed, "
text_failed:
    .asciz " failed"
text_line:
    .asciz "\r\n"
bounds:
    .long -5, 5
null_pointer:
    .long 0
    .word 0
/* access, RPL, 0 DS or 1 SS, vector */
segment_cases:
    .byte 0x92, 0, 0, -1
    .byte 0x92, 3, 0, 13
    .byte 0xF2, 3, 0, -1
    .byte 0x90, 0, 0, -1
    .byte 0x9A, 0, 0, -1
    .byte 0x98, 0, 0, 13
    .byte 0x9E, 3, 0, -1
    .byte 0x12, 0, 0, 11
    .byte 0x12, 3, 0, 13
    .byte 0x89, 0, 0, 13
    .byte 0x82, 0, 0, 13
    .byte 0x8C, 0, 0, 13
    .byte 0x92, 0, 1, -1
    .byte 0x92, 3, 1, 13
    .byte 0xF2, 0, 1, 13
    .byte 0xF2, 3, 1, 13
    .byte 0x90, 0, 1, 13
    .byte 0x9A, 0, 1, 13
    .byte 0x12, 0, 1, 12
segment_cases_end:
/* access, RPL, which of LAR 1, LSL 2, VERR 4, VERW 8 succeed at CPL 3 */
selector_cases:
    .byte 0xF3, 3, 15
    .byte 0xF1, 3, 7
    .byte 0xFB, 3, 7
    .byte 0xF9, 3, 3
    .byte 0x93, 0, 0
    .byte 0x9F, 3, 7
    .byte 0x9D, 3, 3
    .byte 0x73, 3, 15 /* LAR does not ask for presence; VERW does not either */
    .byte 0xE9, 3, 3
    .byte 0xEB, 3, 3
    .byte 0xE2, 3, 3
    .byte 0xEC, 3, 1
    .byte 0xE5, 3, 1
    .byte 0xEE, 3, 0
    .byte 0xE8, 3, 0
selector_cases_end:
privileged:
    .byte 0xF4, 0x90, 0x90, 0x90 /* hlt */
    .byte 0xFA, 0x90, 0x90, 0x90 /* cli */
    .byte 0xFB, 0x90, 0x90, 0x90 /* sti */
    .byte 0x0F, 0x06, 0x90, 0x90 /* clts */
    .byte 0x0F, 0x08, 0x90, 0x90 /* invd */
    .byte 0x0F, 0x09, 0x90, 0x90 /* wbinvd */
    .byte 0x0F, 0x30, 0x90, 0x90 /* wrmsr */
    .byte 0x0F, 0x32, 0x90, 0x90 /* rdmsr */
    .byte 0x0F, 0x20, 0xC0, 0x90 /* mov eax, cr0 */
    .byte 0x0F, 0x22, 0xD8, 0x90 /* mov cr3, eax */
    .byte 0x0F, 0x21, 0xF8, 0x90 /* mov eax, dr7 */
    .byte 0x0F, 0x23, 0xF8, 0x90 /* mov dr7, eax */
    .byte 0x0F, 0x01, 0x10, 0x90 /* lgdt [eax] */
    .byte 0x0F, 0x01, 0x18, 0x90 /* lidt [eax] */
    .byte 0x0F, 0x01, 0x38, 0x90 /* invlpg [eax] */
    .byte 0x0F, 0x01, 0xF0, 0x90 /* lmsw ax */
    .byte 0x0F, 0x00, 0xD0, 0x90 /* lldt ax */
    .byte 0x0F, 0x00, 0xD8, 0x90 /* ltr ax */
privileged_end:

    .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF /* 08 code 0 */
    .quad 0x00CF93000000FFFF /* 10 data 0 */
    .quad 0x00CFFB000000FFFF /* 18 code 3 */
    .quad 0x00CFF3000000FFFF /* 20 data 3 */
    .quad 0x00008900000000A8 /* 28 task 1 */
    .quad 0x0000890000000067 /* 30 task 2 */
    .quad 0x000082000000000F /* 38 LDT */
    .quad 0                  /* 40 spare */
    .quad 0                  /* 48 gate */
    .quad 0                  /* 50 conforming */
    .quad 0x00009B000000FFFF /* 58 16-bit code */
    .quad 0x0000F3000000FFFF /* 60 16-bit stack for CPL 3 */
    .quad 0, 0, 0, 0, 0
gdt_end:
ldt:
    .quad 0x00CF93000000FFFF, 0
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
idt_pointer:
    .word 256*8-1
    .long idt
    .balign 8
tss1:
    .long 0, stack0_top, DATA0
    .skip 0x66 - 12
    .word 0x88
    .fill 4, 1, 0xFF /* redirection: only INT 21h to the V86 program */
    .byte 0xFD
    .fill 27, 1, 0xFF
    .fill 33, 1, 0xFF /* ports 0-FF */
    .balign 8
tss2:
    .skip 0x66
    .word 0x68
    .balign 4
user_code:
    .long 0

    .bss
    .balign 4096
page_directory:
    .skip 4096
page_table:
    .skip 8192
idt:
    .skip 2048
    .skip 4096
stack_top:
    .skip 4096
stack0_top:
    .skip 4096
stack3_top:
    .skip 16
frame:
    .skip 64
registers:
    .skip 32
frame_esp:
    .skip 4
handler_flags:
    .skip 4
handler_ds:
    .skip 4
handler_es:
    .skip 4
handler_fs:
    .skip 4
resume:
    .skip 4
resume_esp:
    .skip 4
scratch:
    .skip 16
case:
    .skip 4
gate16_size:
    .skip 4
gate_esp:
    .skip 4
gate_frame:
    .skip 24
conform_code:
    .skip 4
conform_eip:
    .skip 4
task_code:
    .skip 4
task_eip:
    .skip 4
table_image:
    .skip 8
careful:
    .skip 4
passed:
    .skip 4
failed:
    .skip 4
