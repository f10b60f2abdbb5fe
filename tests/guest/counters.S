/* counters: a Multiboot guest that programs the Pentium's performance counters for every documented
 * event and runs work that makes the event happen a known number of times. For each it prints
 *
 *     event CESR COUNT0 COUNT1 WANTED0 WANTED1
 *
 * in hexadecimal: the counts less those of an empty piece of work; wanted FFFFFFFF is "some", FFFFFFFE
 * "any". Then the time stamp counter and the counters' registers: lines "check NAME VALUE WANTED".
 * Ends with CLI and HLT. tests/property/guest_counters.c runs it and holds every count against its own
 * count of what the model priced. */

    .set CODE0, 0x08
    .set DATA0, 0x10
    .set CODE3, 0x1B
    .set DATA3, 0x23
    .set TSS, 0x28
    .set COM1, 0x3F8
    .set CESR, 0x11
    .set CTR0, 0x12
    .set SOME, 0xFFFFFFFF
    .set ANY, 0xFFFFFFFE
    .set UNCACHED, 0x300000     /* a page with PCD */
    .set PAGES, 0x310000        /* pages of their own */

    .section .multiboot, "a"
    .align 4
    .long 0x1BADB002, 0, -0x1BADB002

    .text
    .globl _start
_start:
    movl $stack_top, %esp
    pushl $0
    popfl
    cld
    call open_serial
    call build_tables
    call start_paging
    fninit
    call measure_all
    call check_registers
    call check_time
    movl $text_done, %esi
    call put_text
1:  movw $COM1 + 5, %dx         /* until the last character has left */
    inb %dx, %al
    testb $0x40, %al
    jz 1b
    cli
2:  hlt
    jmp 2b

/* --- output: registers are kept -------------------------------------------------------------- */

open_serial:
    .macro out_byte port, value
    movw $\port, %dx
    movb $\value, %al
    outb %al, %dx
    .endm
    out_byte COM1 + 3, 0x80
    out_byte COM1, 1
    out_byte COM1 + 1, 0
    out_byte COM1 + 3, 3
    out_byte COM1 + 2, 7
    ret

put:                            /* AL */
    pushl %edx
    pushl %eax
    movw $COM1 + 5, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    movw $COM1, %dx
    movl (%esp), %eax
    outb %al, %dx
    popl %eax
    popl %edx
    ret

put_text:                       /* ESI */
    pushal
1:  lodsb
    testb %al, %al
    jz 2f
    call put
    jmp 1b
2:  popal
    ret

put_hex:                        /* a space, EAX */
    pushal
    movl %eax, %ebx
    movb $' ', %al
    call put
    movl $8, %ecx
1:  roll $4, %ebx
    movl %ebx, %eax
    andl $15, %eax
    movb digits(%eax), %al
    call put
    loop 1b
    popal
    ret

/* --- tables ------------------------------------------------------------------------------------ */

    .macro gate vector, handler, access
    movl $\handler, %eax
    movw %ax, idt + 8 * \vector
    shrl $16, %eax
    movw %ax, idt + 8 * \vector + 6
    movl $CODE0 | \access << 24, idt + 8 * \vector + 2
    .endm

build_tables:
    movl $tss, %eax
    movw %ax, gdt + TSS + 2
    shrl $16, %eax
    movb %al, gdt + TSS + 4
    movl $stack_top_inner, tss + 4
    movl $DATA0, tss + 8
    gate 1, on_debug, 0x8E
    gate 6, on_invalid, 0x8E
    gate 13, on_protection, 0x8E
    gate 32, on_timer, 0x8E
    gate 0x80, on_leave, 0xEE
    gate 0x81, on_nothing, 0xEE
    lgdt gdt_pointer
    lidt idt_pointer
    ljmp $CODE0, $1f
1:  movl $DATA0, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $TSS, %eax
    ltr %ax
    ret

/* 4 MB of 4 KB pages, one to one, everything the user's, with A and D set so that walks only read. */
start_paging:
    movl $table, %edi
    movl $0x67, %eax
    movl $1024, %ecx
1:  stosl
    addl $4096, %eax
    loop 1b
    orl $0x10, table + UNCACHED / 4096 * 4
    movl $table + 0x27, %eax
    movl %eax, directory
    movl $directory, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $8, %eax                /* DE */
    movl %eax, %cr4
    movl %cr0, %eax
    andl $0x9FFFFFF3, %eax      /* caches on, no emulation */
    orl $0x80010022, %eax
    movl %eax, %cr0
    ret

on_debug:                       /* counts; a code breakpoint goes on by RF */
    incl debugs
    orl $0x10000, 8(%esp)
    iret
on_invalid:                     /* UD2 is skipped */
    addl $2, (%esp)
    iret
on_protection:                  /* RDTSC is skipped */
    incl protections
    addl $4, %esp
    addl $2, (%esp)
    iret
on_timer:
    pushl %eax
    movb $0x20, %al
    outb %al, $0x20
    popl %eax
    incl ticks
    iret
on_nothing:
    iret
on_leave:                       /* from the user's run back to in_user's caller */
    movl $DATA0, %eax
    movl %eax, %ds
    movl %eax, %es
    movl saved_esp, %esp
    popal
    ret

/* --- measuring ------------------------------------------------------------------------------------ */

in_user:                        /* EBX: work, run at privilege 3 */
    pushal
    movl %esp, saved_esp
    movl $DATA3, %eax
    movl %eax, %ds
    movl %eax, %es
    pushl $DATA3
    pushl $user_stack_top
    pushl $2
    pushl $CODE3
    pushl $1f
    iret
1:  call *%ebx
    int $0x80

in_kernel:
    pushal
    call *%ebx
    popal
    ret

/* EBX work, EDI CESR, EBP in_kernel or in_user: counts in first and second. */
measure:
    xorl %eax, %eax
    xorl %edx, %edx
    movl $CTR0, %ecx
    wrmsr
    incl %ecx
    wrmsr
    movl $CESR, %ecx
    movl %edi, %eax
    wrmsr
    call *%ebp
    movl $CESR, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    movl $CTR0, %ecx
    rdmsr
    movl %eax, first
    incl %ecx
    rdmsr
    movl %eax, second
    ret

/* The piece of work runs three times before it counts, so that caches, TLBs, marked instructions and the
 * branch target buffer are as it leaves them. */
settled:
    call measure
    call measure
    call measure
    jmp measure

measure_all:
    movl $works, %esi
1:  movl (%esi), %edi           /* CESR */
    testl %edi, %edi
    jz 2f
    movl 4(%esi), %ebp
    movl $nothing, %ebx
    call settled
    pushl first
    pushl second
    movl 8(%esi), %ebx
    call settled
    popl %eax
    subl %eax, second
    popl %eax
    subl %eax, first
    pushl %esi
    movl $text_event, %esi
    call put_text
    popl %esi
    movl %edi, %eax
    call put_hex
    movl first, %eax
    call put_hex
    movl second, %eax
    call put_hex
    movl 12(%esi), %eax
    call put_hex
    movl 16(%esi), %eax
    call put_hex
    movb $'\n', %al
    call put
    addl $20, %esi
    jmp 1b
2:  ret

/* --- pieces of work ---------------------------------------------------------------------------------- */

    .macro work name
    .p2align 5
\name:
    .endm

    work nothing
    ret

    work reads                  /* 20 */
    .rept 20
    movl data, %eax
    .endr
    ret

    work writes                 /* 20 that hit */
    movl data, %eax
    .rept 20
    movl %eax, data
    .endr
    ret

    work modifies               /* 7 */
    .rept 7
    addl $1, data
    .endr
    ret

    work split_reads            /* 5, of which each is two */
    .rept 5
    movl data + 2, %eax
    .endr
    ret

    work crossing_reads         /* 5 that cross a line */
    .rept 5
    movl data + 30, %eax
    .endr
    ret

    work split_modifies         /* 3 */
    .rept 3
    incl data + 1
    .endr
    ret

    work data_walks             /* 16 */
    .set i, 0
    .rept 16
    invlpg PAGES + i * 4096
    movl PAGES + i * 4096, %eax
    .set i, i + 1
    .endr
    ret

    work code_walks             /* 4 */
    invlpg far_pages
    invlpg far_pages + 4096
    invlpg far_pages + 8192
    invlpg far_pages + 12288
    call far_pages
    call far_pages + 4096
    call far_pages + 8192
    call far_pages + 12288
    ret

    work read_misses            /* 10, and the stack's 2 */
    wbinvd
    .set i, 0
    .rept 10
    movl PAGES + i * 32, %eax
    .set i, i + 1
    .endr
    ret

    work write_misses           /* 11 */
    wbinvd
    .set i, 0
    .rept 10
    movl %eax, PAGES + i * 32
    .set i, i + 1
    .endr
    movl %eax, PAGES
    ret

    work write_backs            /* the second WBINVD's 6, and the first's: the stack */
    wbinvd
    .set i, 0
    .rept 6
    movl PAGES + i * 32, %eax
    movl %eax, PAGES + i * 32
    .set i, i + 1
    .endr
    wbinvd
    ret

    work replacements           /* 4 modified lines leave for others of their sets */
    .set i, 0
    .rept 4
    movl PAGES + i * 32, %eax
    movl %eax, PAGES + i * 32
    movl PAGES + 0x1000 + i * 32, %eax
    movl PAGES + 0x2000 + i * 32, %eax
    movl PAGES + 0x3000 + i * 32, %eax
    .set i, i + 1
    .endr
    ret

    work pairs                  /* 10 that read in both pipes */
    movl $data, %esi
    nop
    nop
    nop
    .rept 10
    movl (%esi), %eax
    movl 4(%esi), %ecx
    .endr
    ret

    work conflicts              /* 10 in one bank */
    movl $data, %esi
    nop
    nop
    nop
    .rept 10
    movl (%esi), %eax
    movl 32(%esi), %ecx
    .endr
    ret

    work odd_ports              /* 1 misaligned, 2 cycles */
    inw $0xE3, %ax
    ret

    work lines                  /* 8 code lines instead of 1 */
    .rept 255
    nop
    .endr
    ret

    work cold_lines
    wbinvd
    .rept 255
    nop
    .endr
    ret

    work segments               /* 2 */
    movl %ds, %eax
    movl %eax, %es
    movl %eax, %es
    ret

    work tables                 /* 2 */
    lgdt gdt_pointer
    lidt idt_pointer
    ret

    work far_jump               /* 1 segment, 1 branch */
    ljmp $CODE0, $1f
1:  ret

    work software_interrupt     /* INT and IRET: 2 segments, or 4 between privileges; 2 branches */
    int $0x81
    ret

    work invalid                /* a fault and IRET */
    ud2
    ret

    work jumps                  /* 10 taken */
    .rept 10
    jmp 1f
    .p2align 3
1:
    .endr
    ret

    work not_taken              /* 5 */
    .rept 8                     /* away from the entry that CALL's group has */
    nop
    .endr
    xorl %eax, %eax
    .rept 5
    jnz nothing
    nop
    .endr
    ret

    work loops                  /* 100 taken */
    movl $101, %ecx
1:  decl %ecx
    jnz 1b
    ret

    work unpredictable          /* a bit sequence that no 2-bit counter follows */
    movl $0xA5D317C9, %eax
    movl $32, %ecx
1:  shrl $1, %eax
    jc 2f
    nop
2:  decl %ecx
    jnz 1b
    ret

    work serialising            /* 3 */
    pushl %ebx
    xorl %eax, %eax
    cpuid
    movl %cr3, %eax
    movl %eax, %cr3
    movl $DATA0, %eax
    verr %ax
    popl %ebx
    ret

    work nops                   /* 33 */
    .rept 33
    nop
    .endr
    ret

    work repeats                /* 3 instructions */
    movl $PAGES, %edi
    movl $1000, %ecx
    rep stosl
    ret

    work paired                 /* 10 pairs */
    .rept 10
    incl %eax
    incl %edx
    .endr
    ret

    work stalled_writes         /* a buffer each pipe: more of them wait */
    .set i, 0
    .rept 8
    movl %eax, UNCACHED + i * 64
    .set i, i + 1
    .endr
    ret

    work ordered_writes         /* a write hit behind a buffered write: 3 */
    movl data, %eax
    .rept 3
    movl %eax, UNCACHED
    movl %eax, data
    .endr
    ret

    work locked                 /* 4 */
    lock addl $1, data
    lock incl data
    lock btsl $3, data
    xchgl %eax, data
    ret

    work ports                  /* 4 */
    .rept 4
    outb %al, $0xED
    .endr
    ret

    work uncached_reads         /* 4 */
    .rept 4
    movl UNCACHED, %eax
    .endr
    ret

    work interlocks             /* 10 */
    .rept 10
    movl $data, %esi
    movl (%esi), %eax
    .endr
    ret

    work double_interlocks      /* 10 in 5 clocks */
    .rept 5
    movl $data, %esi
    nop
    movl (%esi), %eax
    movl 4(%esi), %ecx
    .endr
    ret

    work operations             /* 4 and 3 */
    fld1
    fld1
    fadd %st(1), %st
    fmul %st(1), %st
    fdiv %st(1), %st
    fsqrt
    fxch %st(1)
    fcomp %st(1)
    fstp %st(0)
    imull %eax, %eax
    imull %eax, %eax
    mull %eax
    ret

    work matches                /* DR0 and DR1 not enabled: 5 accesses, 1 instruction of 3 */
    movl $data, %eax
    movl %eax, %dr0
    movl $1f, %eax
    movl %eax, %dr1
    movl $0x000F0400, %eax      /* DR0 reads and writes of 4 bytes, DR1 instructions */
    movl %eax, %dr7
    movl data, %eax
    movl data + 2, %eax
    movl %eax, data
    incl data
    movl data + 4, %eax
    nop
1:  nop                         /* in U */
    xorl %eax, %eax
    movl %eax, %dr7
    movl %eax, %dr0
    movl %eax, %dr1
    ret

    work enabled_matches        /* DR2 writes, DR3 instructions, both trapping: 2 and 1 */
    movl $data, %eax
    movl %eax, %dr2
    movl $1f, %eax
    movl %eax, %dr3
    movl $0x0D0004A0, %eax
    movl %eax, %dr7
    movl %eax, data
    movl data, %eax
    movl %eax, data
1:  nop
    xorl %eax, %eax
    movl %eax, %dr7
    movl %eax, %dr2
    movl %eax, %dr3
    ret

    work interrupt              /* 1: the timer, waited for halted */
    movb $0x11, %al
    outb %al, $0x20
    movb $32, %al
    outb %al, $0x21
    movb $4, %al
    outb %al, $0x21
    movb $1, %al
    outb %al, $0x21
    movb $0xFE, %al
    outb %al, $0x21
    movb $0x30, %al             /* channel 0, mode 0: one shot */
    outb %al, $0x43
    movb $100, %al
    outb %al, $0x40
    xorb %al, %al
    outb %al, $0x40
    sti
    hlt
    cli
    ret

    .p2align 12
far_pages:
    .rept 4
    ret
    .p2align 12
    .endr

/* --- registers and time -------------------------------------------------------------------------- */

    .macro check name, wanted   /* EAX */
    pushl \wanted
    pushl %eax
    movl $\name, %esi
    call put_text
    popl %eax
    call put_hex
    popl %eax
    call put_hex
    movb $'\n', %al
    call put
    .endm

    .macro write_msr number, high, low
    movl $\number, %ecx
    movl $\high, %edx
    movl $\low, %eax
    wrmsr
    .endm

    .macro read_msr number
    movl $\number, %ecx
    rdmsr
    .endm

/* Instructions at every privilege on CTR0: 16h, CC 3. */
    .set INSTRUCTIONS, 0xD6
    .set READS, 0xC0

check_registers:
    write_msr CESR, 0xFFFFFFFF, 0xFC00FC00 /* reserved bits stay 0 */
    read_msr CESR
    check text_reserved, $0
    write_msr CTR0, 0xFFFFFFFF, 0xFFFFFFFD /* -3: 40 bits are kept */
    read_msr CTR0
    pushl %edx
    check text_low, $0xFFFFFFFD
    popl %eax
    check text_high, $0xFF

    write_msr CESR, 0, INSTRUCTIONS /* itself, then 4: 2 after the wrap */
    nop
    xorl %eax, %eax
    xorl %edx, %edx
    movl $CESR, %ecx
    wrmsr
    read_msr CTR0
    pushl %edx
    check text_wrapped, $2
    popl %eax
    check text_wrapped_high, $0

    write_msr CTR0, 0, 0        /* read while counting, one after the other */
    write_msr CESR, 0, INSTRUCTIONS
    movl $CTR0, %ecx            /* WRMSR, MOV: 2 */
    rdmsr
    movl %eax, %ebx
    rdmsr                       /* RDMSR, MOV: 2 more */
    subl %ebx, %eax
    pushl %eax
    movl %ebx, %eax
    check text_sampled, $2
    popl %eax
    check text_sampled_again, $2

    write_msr CESR, 0, 0        /* another event on top of what was counted */
    write_msr CTR0, 0, 100
    write_msr CESR, 0, INSTRUCTIONS /* 1, 3 for the next: 4 */
    write_msr CESR, 0, READS        /* 5 reads */
    .rept 5
    movl data, %ebx
    .endr
    write_msr CESR, 0, 0
    read_msr CTR0
    check text_switched, $109
    write_msr CTR0, 0, 7        /* written while counting */
    write_msr CESR, 0, READS
    movl data, %ebx
    write_msr CTR0, 0, 1000
    movl data, %ebx
    movl data, %ebx
    read_msr CTR0
    check text_rewritten, $1002
    write_msr CESR, 0, 0
    ret

check_time:
    rdtsc
    movl %eax, %ebx
    rdtsc
    subl %ebx, %eax
    check text_tsc, $ANY        /* the host knows */
    write_msr 0x10, 0x12, 0xFFFFFFF0 /* over the middle: the high half counts on */
    rdtsc
    movl %edx, %eax
    check text_tsc_high, $0x13
    movl $user_time, %ebx
    call in_user
    movl protections, %eax
    check text_user_time, $0
    movl %cr4, %eax
    orl $4, %eax                /* TSD */
    movl %eax, %cr4
    rdtsc
    call in_user
    movl protections, %eax
    check text_denied, $1
    ret

user_time:
    rdtsc
    ret

/* --- what is measured ------------------------------------------------------------------------------ */

    .macro run where, name, event0, control0, event1, control1, wanted0, wanted1
    .long (\event0) | (\control0) << 6 | (\event1) << 16 | (\control1) << 22
    .long \where, \name, \wanted0, \wanted1
    .endm
    .macro kernel name, event0, wanted0, event1, wanted1
    run in_kernel, \name, \event0, 3, \event1, 3, \wanted0, \wanted1
    .endm
    .macro clocks name, event, wanted0, wanted1 /* as events, as clocks */
    run in_kernel, \name, \event, 3, \event, 7, \wanted0, \wanted1
    .endm
    .macro user name, event, wanted0, wanted1 /* at privilege 3, at 0 */
    run in_user, \name, \event, 2, \event, 1, \wanted0, \wanted1
    .endm

    .section .rodata
    .align 4
works:
    kernel reads, 0x00, 20, 0x28, 20
    kernel modifies, 0x00, 7, 0x01, 7
    kernel modifies, 0x05, 7, 0x28, 14
    kernel split_reads, 0x00, 10, 0x0B, 5
    kernel crossing_reads, 0x00, 10, 0x0B, 5
    kernel split_modifies, 0x28, 12, 0x0B, 6
    kernel writes, 0x01, 20, 0x05, 20
    kernel data_walks, 0x02, 16, 0x00, 16
    kernel code_walks, 0x0D, 4, 0x12, 8 + 4
    kernel read_misses, 0x03, 12, 0x29, 12
    kernel read_misses, 0x00, 10, 0x04, 0
    kernel write_misses, 0x04, 11, 0x01, 11
    kernel write_misses, 0x29, 13, 0x05, 0
    kernel write_backs, 0x06, SOME, 0x05, 6
    kernel replacements, 0x06, 4, 0x03, SOME
    kernel reads, 0x07, 0, 0x08, 0
    kernel reads, 0x10, 0, 0x11, 0
    kernel reads, 0x20, 0, 0x21, 0
    kernel reads, 0x2A, 0, 0x3F, 0
    kernel pairs, 0x09, 10, 0x0A, 0
    kernel conflicts, 0x09, 10, 0x0A, 10
    kernel odd_ports, 0x0B, 1, 0x1D, 2
    kernel lines, 0x0C, 7, 0x0E, 0
    kernel cold_lines, 0x0E, SOME, 0x0C, SOME
    kernel segments, 0x0F, 2, 0x16, 3
    kernel tables, 0x0F, 2, 0x12, 2
    kernel far_jump, 0x0F, 1, 0x12, 1
    kernel software_interrupt, 0x0F, 2, 0x12, 2
    kernel software_interrupt, 0x16, 2, 0x27, 0
    kernel invalid, 0x16, 3, 0x12, 2
    kernel invalid, 0x15, SOME, 0x0F, 2
    kernel jumps, 0x12, 10, 0x14, 10
    kernel not_taken, 0x12, 5, 0x14, 0
    kernel loops, 0x12, 101, 0x13, SOME
    kernel unpredictable, 0x15, SOME, 0x14, SOME
    kernel serialising, 0x12, 3, 0x14, 3
    kernel nops, 0x16, 33, 0x17, SOME
    kernel repeats, 0x16, 3, 0x01, 1000
    kernel paired, 0x16, 20, 0x17, 10
    clocks read_misses, 0x18, SOME, SOME
    clocks ports, 0x18, SOME, SOME
    clocks stalled_writes, 0x19, SOME, SOME
    clocks read_misses, 0x1A, 12, SOME
    clocks data_walks, 0x1A, SOME, SOME
    clocks ordered_writes, 0x1B, 3, SOME
    kernel locked, 0x1C, 4, 0x00, 4
    kernel locked, 0x03, 4, 0x1E, 4
    kernel ports, 0x1D, 4, 0x28, 0
    kernel uncached_reads, 0x1E, 4, 0x03, 4
    clocks interlocks, 0x1F, 10, 10
    clocks double_interlocks, 0x1F, 10, 5
    kernel operations, 0x22, 7, 0x17, ANY
    kernel matches, 0x23, 5, 0x24, 1
    kernel enabled_matches, 0x25, 2, 0x26, 1
    kernel interrupt, 0x27, 1, 0x16, SOME
    clocks reads, 0x00, 20, 20
    clocks nops, 0x16, 33, 33
    user reads, 0x00, 20, 0
    user writes, 0x01, 20, 0
    user nops, 0x16, 33, 0
    user software_interrupt, 0x16, 1, 1
    user software_interrupt, 0x0F, 0, 4
    user software_interrupt, 0x12, 0, 2
    user jumps, 0x12, 10, 0
    user loops, 0x12, 101, 0
    user interlocks, 0x1F, 10, 0
    user split_reads, 0x0B, 5, 0
    user invalid, 0x16, 0, 3
    user stalled_writes, 0x19, SOME, ANY
    user stalled_writes, 0x18, SOME, ANY
    run in_user, stalled_writes, 0x19, 6, 0x19, 5, SOME, ANY
    run in_kernel, nops, 0x16, 4, 0x16, 0, 0, 0
    run in_kernel, reads, 0x00, 1, 0x00, 2, 20, 0
    .long 0

text_event: .asciz "event"
text_done: .asciz "counters guest: done\n"
text_reserved: .asciz "check reserved-bits"
text_low: .asciz "check minus-three"
text_high: .asciz "check forty-bits"
text_wrapped: .asciz "check wraps"
text_wrapped_high: .asciz "check wraps-to-zero"
text_sampled: .asciz "check read-while-counting"
text_sampled_again: .asciz "check read-again"
text_switched: .asciz "check another-event"
text_rewritten: .asciz "check written-while-counting"
text_tsc: .asciz "check rdtsc-twice"
text_tsc_high: .asciz "check tsc-written"
text_user_time: .asciz "check rdtsc-by-user"
text_denied: .asciz "check rdtsc-denied"
digits: .ascii "0123456789abcdef"

    .data
    .align 8
gdt:
    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF
    .quad 0x0000890000000067
gdt_pointer:
    .word 47
    .long gdt
    .align 4
idt_pointer:
    .word 0x82 * 8 - 1
    .long idt

    .bss
    .align 4096
directory: .skip 4096
table: .skip 4096
data: .skip 4096
idt: .skip 2048
tss: .skip 128
first: .skip 4
second: .skip 4
saved_esp: .skip 4
debugs: .skip 4
protections: .skip 4
ticks: .skip 4
    .align 4096
    .skip 4096
stack_top:
    .skip 4096
stack_top_inner:
    .skip 4096
user_stack_top:
    .skip 64
