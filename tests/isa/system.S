/* system: self-checking system semantics. A Multiboot kernel that provokes faults, gates, stack
 * switches, task switches and V86 mode, compares what the processor did with what the manual says,
 * and prints "N passed, N failed" on COM1; then it writes 0 (all passed) or 1 to isa-debug-exit.
 *
 * Run it on QEMU (TCG), on silicon through KVM, and on Isochron: tests/isa/system.sh. Nothing here
 * depends on undefined behaviour, or on how a part differs from another.
 *
 * A test sets `resume`, does something, and every exception or INT comes back there with the
 * handler's frame copied to `frame`. Checks then compare. [SDM2], [SDM3 5, 6, 7, 17, 20] */

#define CODE0 0x08
#define DATA0 0x10
#define CODE3 0x1B
#define DATA3 0x23
#define TSS1 0x28
#define TSS2 0x30
#define LDT 0x38
#define SPARE 0x40
#define GATE 0x48
#define CONFORM 0x50
#define CODE16 0x58
#define STACK16 0x63 /* DPL 3, B = 0 */

#define VECTOR 0 /* offsets in frame */
#define CODE 4
#define EIP 8
#define CS 12
#define FLAGS 16
#define ESP3 20
#define SS3 24
#define V_ES 28
#define V_DS 32
#define V_FS 36
#define V_GS 40

    .section .multiboot, "a"
    .long 0x1BADB002, 0, -0x1BADB002

/* check(name, actual, expected) */
.macro CHECK name:req, actual:req, expected:req
    .pushsection .rodata
99:
    .asciz "\name"
    .popsection
    pushl \expected
    pushl \actual
    pushl $99b
    call check
.endm

/* Everything up to END runs until an exception, or falls through with vector -1. */
.macro TRY
    movl $98f, resume
    movl %esp, resume_esp
    movl $-1, frame+VECTOR
    movl $-1, frame+CODE
    movl $-1, frame+EIP
    pushl $2
    popfl
.endm
.macro END
98:
    call settle
.endm

.macro EXPECT name:req, vector:req, code=-1, eip=-1
    CHECK "\name: vector", frame+VECTOR, $\vector
    .ifnc \code,-1
    CHECK "\name: error code", frame+CODE, $\code
    .endif
    .ifnc \eip,-1
    CHECK "\name: EIP", frame+EIP, $\eip
    .endif
.endm

.macro DESCRIPTOR selector:req, low:req, high:req
    movl $\low, gdt + (\selector & ~7)
    movl $\high, gdt + (\selector & ~7) + 4
.endm

/* To CPL 3 at a label, with some flags beside the fixed bit. */
.macro USER label:req, flags=0
    pushl $DATA3
    popl %ds
    pushl $DATA3
    popl %es
    pushl $DATA3
    pushl $stack3_top
    pushl $\flags + 2
    pushl $CODE3
    pushl $\label
    iretl
.endm

/* To V86 mode at low memory (segment 0x800). */
.macro V86 offset:req, flags=0
    pushl $0x4444
    pushl $0x3333
    pushl $0x2222
    pushl $0x1111
    pushl $0x800
    pushl $0xF000
    pushl $\flags + 0x20002
    pushl $0x800
    pushl $\offset
    iretl
.endm

    .text
    .globl _start
_start:
    cli
    movl $stack_top, %esp
    movl 16(%ebx), %esi /* Multiboot's command line: "!" leaves out what QEMU's TCG cannot survive */
    testl $4, (%ebx)
    jz 2f
1:  lodsb
    cmpb $'!', %al
    sete careful
    je 2f
    testb %al, %al
    jnz 1b
2:
    call setup
    call test_interrupts
    call test_faults
    call test_pages
    call test_segments
    call test_selector_instructions
    call test_far
    call test_returns
    call test_v86
    call test_vme
    call test_tasks
    call test_debug
    call test_control
    call test_privilege
    call test_later
    jmp report

/* --- interrupts --- */

test_interrupts:
    TRY
    pushl $0x4002
    popfl
    int $0x41
1:  END
    EXPECT "int same level", 0x41
    CHECK "int: EIP", frame+EIP, $1b
    CHECK "int: CS", frame+CS, $CODE0
    CHECK "int: EFLAGS image has NT", frame+FLAGS, $0x4002
    movl resume_esp, %eax
    subl $12, %eax
    CHECK "int: three doublewords", frame_esp, %eax
    CHECK "int: NT cleared", handler_flags, $2

    TRY
    USER 2f
2:  int $0x30
3:  END
    EXPECT "int from user", 0x30
    CHECK "int from user: EIP", frame+EIP, $3b
    CHECK "int from user: CS", frame+CS, $CODE3
    CHECK "int from user: ESP", frame+ESP3, $stack3_top
    CHECK "int from user: SS", frame+SS3, $DATA3
    CHECK "int from user: stack of the TSS", frame_esp, $stack0_top-20

    TRY
    USER 4f
4:  int $0x41
    END
    EXPECT "int through kernel gate", 13, 0x41*8+2, 4b

    TRY
    movb $0x0E, idt + 0x42 * 8 + 5
5:  int $0x42
    END
    EXPECT "int through missing gate", 11, 0x42*8+2, 5b

    TRY
    movb $0x8C, idt + 0x42 * 8 + 5 /* a call gate */
6:  int $0x42
    END
    EXPECT "int through call gate", 13, 0x42*8+2, 6b

    TRY
    movl $(SPARE << 16), idt + 0x42 * 8
    movb $0x8E, idt + 0x42 * 8 + 5
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9200 /* data */
7:  int $0x42
    END
    EXPECT "int to data segment", 13, SPARE, 7b

    TRY
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1A00 /* not present */
8:  int $0x42
    END
    EXPECT "int to missing segment", 11, SPARE, 8b

    TRY
    USER 9f
9:  int3
1:  END
    EXPECT "int3 from user", 3
    CHECK "int3: EIP after", frame+EIP, $1b

    TRY
    movb $0x7F, %al
    addb $1, %al
    into
1:  END
    EXPECT "into", 4
    CHECK "into: EIP after", frame+EIP, $1b
    TRY
    xorl %eax, %eax
    into
    END
    EXPECT "into without overflow", -1

    TRY
    movb $0x86, idt + 0x43 * 8 + 5
    movl $gate16_handler, %eax
    subl $_start, %eax
    movw %ax, idt + 0x43 * 8
    movw $CODE16 + 0x30, idt + 0x43 * 8 + 2
    movw $0, idt + 0x43 * 8 + 6
    DESCRIPTOR (CODE16+0x30), 0x0000FFFF, 0x00CF9B00
    movl $_start, %eax
    movw %ax, gdt + CODE16 + 0x30 + 2
    shrl $16, %eax
    movb %al, gdt + CODE16 + 0x30 + 4
    movl %esp, %ebx
    int $0x43
    END
    CHECK "16-bit gate: six bytes", gate16_size, $6
    ret

gate16_handler:
    subl %esp, %ebx
    movl %ebx, gate16_size
    addl $6, %esp
    ljmp $CODE0, $1f
1:  jmp *resume

/* --- faults --- */

test_faults:
    TRY
1:  ud2
    END
    EXPECT "ud2", 6
    CHECK "ud2: EIP", frame+EIP, $1b
    CHECK "fault sets RF in the image", frame+FLAGS, $0x10002

    TRY
    xorl %edx, %edx
    xorl %eax, %eax
    xorl %ecx, %ecx
1:  divl %ecx
    END
    EXPECT "divide by zero", 0
    CHECK "divide by zero: EIP", frame+EIP, $1b

    TRY
    movl $6, %eax
1:  bound %eax, bounds
    END
    EXPECT "bound", 5
    CHECK "bound: EIP", frame+EIP, $1b
    TRY
    movl $-5, %eax
    bound %eax, bounds
    END
    EXPECT "bound at the lower edge", -1

    TRY
1:  .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66
    nop
    END
    EXPECT "sixteen bytes", 13, 0, 1b
    TRY
1:  .byte 0xF0, 0x89, 0x05 /* lock mov */
    .long scratch
    END
    EXPECT "lock mov", 6
    TRY
    .byte 0xF0, 0xFF, 0x05 /* lock inc */
    .long scratch
    END
    EXPECT "lock inc", -1

    TRY /* #GP's gate is missing: #NP while delivering #GP is double */
    movb $0x0E, idt + 13 * 8 + 5
    USER 1f
1:  hlt
    END
    movb $0x8E, idt + 13 * 8 + 5
    EXPECT "contributory pair", 8, 0

    TRY
    movb $0x0E, idt + 6 * 8 + 5
1:  ud2
    END
    movb $0x8E, idt + 6 * 8 + 5
    EXPECT "benign then contributory", 11, (6*8+3), 1b

    TRY
    movl %cr0, %eax
    orl $0x40000, %eax
    movl %eax, %cr0 /* AM */
    USER 1f, 0x40000
1:  movl scratch + 1, %eax
    END
    EXPECT "alignment check", 17, 0, 1b
    TRY
    pushl $0x40002
    popfl
    movl scratch + 1, %eax
    END
    EXPECT "no alignment check at level 0", -1
    ret

/* --- paging --- */

test_pages:
    TRY
    movl $0x100000, %eax
    USER 1f
1:  movl 0x800000, %eax
    END
    EXPECT "user read of a missing page", 14, 4, 1b
    movl %cr2, %eax
    CHECK "CR2", %eax, $0x800000
    TRY
    USER 1f
1:  movl %eax, 0x800123
    END
    EXPECT "user write of a missing page", 14, 6, 1b
    movl %cr2, %eax
    CHECK "CR2 of a write", %eax, $0x800123
    TRY
1:  movl 0x800000, %eax
    END
    EXPECT "kernel read of a missing page", 14, 0, 1b

    andl $~4, page_table + (0x300000 >> 10) /* supervisor */
    invlpg 0x300000
    TRY
    USER 1f
1:  movl 0x300000, %eax
    END
    EXPECT "user read of a supervisor page", 14, 5, 1b
    TRY
    USER 1f
1:  movl %eax, 0x300000
    END
    EXPECT "user write of a supervisor page", 14, 7, 1b
    TRY
    movl 0x300000, %eax
    END
    EXPECT "kernel read of a supervisor page", -1

    orl $4, page_table + (0x300000 >> 10)
    andl $~2, page_table + (0x300000 >> 10) /* read-only */
    invlpg 0x300000
    TRY
    movl %eax, 0x300000
    END
    EXPECT "kernel write of a read-only page without WP", -1
    movl %cr0, %eax
    orl $0x10000, %eax
    movl %eax, %cr0
    TRY
1:  movl %eax, 0x300000
    END
    EXPECT "kernel write of a read-only page with WP", 14, 3, 1b
    movl %cr0, %eax
    andl $~0x10000, %eax
    movl %eax, %cr0
    TRY
    USER 1f
1:  movl %eax, 0x300000
    END
    EXPECT "user write of a read-only page", 14, 7, 1b
    movl $0x300007, page_table + (0x300000 >> 10)
    invlpg 0x300000
    movl 0x300000, %eax
    movl page_table + (0x300000 >> 10), %eax
    CHECK "a read sets A, not D", %eax, $0x300027
    movl %eax, 0x300000
    CHECK "a write sets D", page_table+(0x300000 >> 10), $0x300067

    TRY /* crossing into a missing page: nothing is written */
    movl $0x11111111, 0x7FFFFC
    movl $0x22222222, %eax
1:  movl %eax, 0x7FFFFE
    END
    EXPECT "crossing write", 14, 2, 1b
    movl %cr2, %eax
    CHECK "CR2 of a crossing write", %eax, $0x800000
    CHECK "crossing write changes nothing", 0x7FFFFC, $0x11111111
    ret

/* --- loading segments --- */

/* Table: access byte, RPL, register (0 DS, 1 SS), expected vector. */
test_segments:
    movl $segment_cases, %esi
1:  cmpl $segment_cases_end, %esi
    je 3f
    movl $0x0000FFFF, gdt + SPARE
    movl $0x00CF0000, gdt + SPARE + 4
    movb (%esi), %al
    movb %al, gdt + SPARE + 5
    movzbl 1(%esi), %eax
    orl $SPARE, %eax
    movl %esi, case
    TRY
    cmpb $0, 2(%esi)
    jne 2f
    movl %eax, %ds
    jmp 98f
2:  movl %eax, %ss
    END
    movl case, %esi
    movsbl 3(%esi), %eax
    CHECK "segment load: vector", frame+VECTOR, %eax
    movl case, %esi
    cmpb $-1, 3(%esi)
    je 4f
    CHECK "segment load: error code", frame+CODE, $SPARE
    jmp 5f
4:  movb gdt + SPARE + 5, %al
    andl $1, %eax
    CHECK "segment load: accessed bit", %eax, $1
5:  movl case, %esi
    addl $4, %esi
    jmp 1b
3:
    TRY
    xorl %eax, %eax
    movl %eax, %ss
    END
    EXPECT "null SS", 13, 0
    TRY
    movl $0x1000, %eax
    movl %eax, %ds
    END
    EXPECT "beyond the GDT", 13, 0x1000
    TRY
    movl $0x1004, %eax
    movl %eax, %ds
    END
    EXPECT "beyond the LDT", 13, 0x1004
    TRY
    movl $4, %eax /* entry 0 of the LDT is no null selector */
    movl %eax, %ds
    END
    EXPECT "first entry of the LDT", -1
    TRY
    xorl %eax, %eax
    movl %eax, %es
1:  movb %es:0, %al
    END
    EXPECT "use of a null segment", 13, 0, 1b
    TRY
    .byte 0x8E, 0xC8 /* mov cs, ax */
    END
    EXPECT "mov to CS", 6
    TRY
    .byte 0x8E, 0xF0 /* mov seg6, ax */
    END
    EXPECT "mov to a seventh segment", 6

    DESCRIPTOR SPARE, 0x0000001F, 0x00C09700 /* expand down, above 1FFFF */
    TRY
    movl $SPARE, %eax
    movl %eax, %es
1:  movb %es:0x1FFFF, %al
    END
    EXPECT "expand down, below", 13, 0, 1b
    TRY
    movl $SPARE, %eax
    movl %eax, %es
    movb %es:0x20000, %al
    END
    EXPECT "expand down, above", -1
    DESCRIPTOR SPARE, 0x000000FF, 0x00409300 /* limit FF */
    TRY
    movl $SPARE, %eax
    movl %eax, %es
    movb %es:0xFF, %al
    movl %es:0xFC, %eax
1:  movl %es:0xFD, %eax
    END
    EXPECT "limit", 13, 0, 1b
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF9100 /* read-only */
    TRY
    movl $SPARE, %eax
    movl %eax, %es
    movl %es:scratch, %eax
1:  movl %eax, %es:scratch
    END
    EXPECT "write to read-only data", 13, 0, 1b
    TRY
1:  movl %eax, %cs:scratch
    END
    EXPECT "write to code", 13, 0, 1b
    TRY
    lssl null_pointer, %eax
    END
    EXPECT "lss of null", 13, 0
    TRY
    movl $7, %eax
    lesl null_pointer, %eax
    END
    EXPECT "les of null", -1
    ret

/* --- LAR, LSL, VERR, VERW, ARPL --- */

/* Table: access, RPL, LAR, LSL, VERR, VERW valid (bits 0..3), asked at CPL 3. */
test_selector_instructions:
    movl $selector_cases, %esi
1:  cmpl $selector_cases_end, %esi
    je 3f
    movl $0x0000FFFF, gdt + SPARE
    movl $0x00CF0000, gdt + SPARE + 4
    movb (%esi), %al
    movb %al, gdt + SPARE + 5
    movzbl 1(%esi), %ebx
    orl $SPARE, %ebx
    movl %esi, case
    TRY
    USER 2f
2:  xorl %edi, %edi
    larl %ebx, %eax
    jnz 4f
    orl $1, %edi
4:  lsll %ebx, %eax
    jnz 4f
    orl $2, %edi
4:  verr %bx
    jnz 4f
    orl $4, %edi
4:  verw %bx
    jnz 4f
    orl $8, %edi
4:  int $0x30
    END
    movl case, %esi
    movzbl 2(%esi), %eax
    CHECK "lar lsl verr verw", registers, %eax /* EDI */
    movl case, %esi
    addl $3, %esi
    jmp 1b
3:
    movl $DATA3, %ebx
    larl %ebx, %eax
    andl $0xF0FF00, %eax
    CHECK "lar", %eax, $0xC0F300
    lsll %ebx, %eax
    CHECK "lsl", %eax, $-1
    movl $0x10, %eax
    movl $3, %ecx
    arpl %cx, %ax
    setz %dl
    movzbl %dl, %edx
    CHECK "arpl raises", %eax, $0x13
    movl $3, %ecx
    movl $0x13, %eax
    arpl %cx, %ax
    setz %dl
    movzbl %dl, %edx
    CHECK "arpl clears ZF", %edx, $0
    ret

#include "system_far.S"
#include "system_return.S"
#include "system_v86.S"
#include "system_task.S"
#include "system_debug.S"
#include "system_later.S"
#include "system_base.S"
