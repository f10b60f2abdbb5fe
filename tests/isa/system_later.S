/* What later parts have, as far as CPUID says that this one has it: SYSENTER, SYSCALL, PAE, NX,
 * PSE-36's reserved bits, global pages. */

#define EFER 0xC0000080
#define STAR 0xC0000081
#define LATER_LA 0x800000 /* behind what the tables of `setup` map */

.macro WRITE_MSR number:req, low:req, high=0
    movl $\number, %ecx
    movl \low, %eax
    movl $\high, %edx
    wrmsr
.endm

/* ZF: the part has not this bit of EDX of a leaf. */
.macro HAS leaf:req, bit:req
    movl $\leaf, %eax
    call cpuid_edx
    testl $(1 << \bit), %edx
.endm

test_later:
    HAS 1, 11
    jz 1f
    call test_sysenter
1:  HAS 0x80000001, 11
    jz 1f
    call test_syscall
1:  HAS 1, 13
    jz 1f
    call test_global
1:  HAS 1, 6
    jz 1f
    call test_pae
1:  ret

/* EDX of leaf EAX, 0 if there is none. */
cpuid_edx:
    pushl %eax
    andl $0x80000000, %eax
    cpuid
    cmpl %eax, (%esp)
    ja 1f
    popl %eax
    cpuid
    ret
1:  popl %eax
    xorl %edx, %edx
    ret

/* --- fast calls ------------------------------------------------------------------------------- */

/* Comes from user level: where and as what it arrived. The way back is an INT like any other. */
fast_entry:
    movl %esp, fast_esp
    movl $stack0_top-64, %esp
    pushfl
    popl %ss:fast_flags
    movl %cs, %eax
    movl %eax, %ss:fast_cs
    movl %ss, %eax
    movl %eax, %ss:fast_ss
    int $0x30

test_sysenter:
    WRITE_MSR 0x175, $stack0_top-32
    WRITE_MSR 0x176, $fast_entry
    WRITE_MSR 0x174, $0
    TRY
    USER 1f
1:  sysenter
    END
    EXPECT "sysenter without a segment", 13, 0, 1b
    WRITE_MSR 0x174, $CODE0
    TRY
    USER 1f, 0x400
1:  sysenter
    END
    EXPECT "sysenter", 0x30
    CHECK "sysenter: CS", fast_cs, $CODE0
    CHECK "sysenter: SS", fast_ss, $DATA0
    CHECK "sysenter: ESP", fast_esp, $stack0_top-32
    CHECK "sysenter: DF stays", fast_flags, $0x402
    TRY
    movl $1f, %edx
    movl $stack3_top-16, %ecx
    sysexit
1:  int $0x30
    END
    EXPECT "sysexit", 0x30
    CHECK "sysexit: CS", frame+CS, $CODE3
    CHECK "sysexit: SS", frame+SS3, $DATA3
    CHECK "sysexit: ESP", frame+ESP3, $stack3_top-16
    TRY
    USER 1f
1:  sysexit
    END
    EXPECT "sysexit at user level", 13, 0, 1b
    ret

test_syscall:
    movb $0xFF, %al /* SYSRET enables interrupts: the PICs pass none on */
    outb %al, $0x21
    outb %al, $0xA1
    WRITE_MSR EFER, $0
    TRY
2:  syscall
    END
    EXPECT "syscall without EFER.SCE", 6, -1, 2b
    TRY
2:  sysret
    END
    EXPECT "sysret without EFER.SCE", 6, -1, 2b
    WRITE_MSR EFER, $1
    WRITE_MSR STAR, $fast_entry, (CODE3 & ~3) << 16 | CODE0
    TRY
    USER 1f, 0x400
1:  syscall
2:  END
    EXPECT "syscall", 0x30
    CHECK "syscall: CS", fast_cs, $CODE0
    CHECK "syscall: SS", fast_ss, $DATA0
    CHECK "syscall: ESP stays", fast_esp, $stack3_top
    CHECK "syscall: ECX", registers+24, $2b
    CHECK "syscall: DF stays", fast_flags, $0x402
    TRY
    movl $1f, %ecx
    sysret
1:  int $0x30
    END
    EXPECT "sysret", 0x30
    CHECK "sysret: CS", frame+CS, $CODE3
    CHECK "sysret: SS", frame+SS3, $DATA3
    CHECK "sysret: IF is set", frame+FLAGS, $0x202
    TRY
    USER 1f
1:  sysret
    END
    EXPECT "sysret at user level", 13, 0, 1b
    WRITE_MSR EFER, $0
    ret

/* --- paging ----------------------------------------------------------------------------------- */

/* Global pages are translated anew after INVLPG, and when CR4.PGE is cleared. */
test_global:
    movl %cr4, %eax
    orl $0x80, %eax
    movl %eax, %cr4
    movl $page_table+0x107, page_table+0x700*4 /* 700000, global, to the first table */
    invlpg 0x700000
    movl 0x700000, %eax
    CHECK "a global page", %eax, page_table
    movl $page_directory+0x107, page_table+0x700*4
    invlpg 0x700000
    movl 0x700000, %eax
    CHECK "a global page after INVLPG", %eax, page_directory
    movl $page_table+0x107, page_table+0x700*4
    movl %cr4, %eax
    andl $~0x80, %eax
    movl %eax, %cr4
    movl 0x700000, %eax
    CHECK "a global page after CR4.PGE", %eax, page_table
    movl $0x700007, page_table+0x700*4
    invlpg 0x700000
    ret

/* CR4.PAE is switched with paging off; EAX: CR3. */
switch_pae:
    movl %cr0, %ecx
    andl $~0x80000000, %ecx
    movl %ecx, %cr0
    movl %eax, %cr3
    movl %cr4, %eax
    xorl $0x20, %eax
    movl %eax, %cr4
    orl $0x80000000, %ecx
    movl %ecx, %cr0
    ret

/* The entry of LATER_LA's page, low and high half. */
.macro ENTRY low:req, high=0
    movl \low, pae_table
    movl $\high, pae_table+4
    invlpg LATER_LA
.endm

test_pae:
    movl $pae_directory+1, pae_pointers
    movl $0x87, pae_directory
    movl $0x200087, pae_directory+8
    movl $0x400087, pae_directory+16
    movl $0x600087, pae_directory+24
    movl $pae_table+7, pae_directory+32
    movl $pae_pointers, %eax
    call switch_pae
    movl $0x12345678, scratch
    movl $scratch, %ebx
    andl $0xFFF, %ebx
    addl $LATER_LA, %ebx
    movl $scratch, %esi
    andl $~0xFFF, %esi
    orl $7, %esi
    ENTRY %esi
    CHECK "pae: a page", (%ebx), $0x12345678
    movl pae_table, %eax
    andl $0x60, %eax
    CHECK "pae: accessed", %eax, $0x20
    movl $0x87654321, (%ebx)
    movl pae_table, %eax
    andl $0x60, %eax
    CHECK "pae: dirty", %eax, $0x60
    CHECK "pae: written", scratch, $0x87654321

    ENTRY $0
    TRY
1:  movl LATER_LA, %eax
    END
    EXPECT "pae: no page", 14, 0, 1b
    ENTRY $7, 0x40000000 /* bit 62 */
    TRY
1:  movl %eax, LATER_LA
    END
    EXPECT "pae: a reserved bit", 14, 0xB, 1b
    movl $0x4020E7, pae_directory+40
    TRY
1:  movl LATER_LA+0x200000, %eax
    END
    EXPECT "pae: a reserved bit of a large page", 14, 9, 1b
    movl $0x4000E7, pae_directory+40
    movl $0xCAFE, 0x500000
    invlpg LATER_LA+0x200000
    CHECK "pae: a large page", LATER_LA+0x300000, $0xCAFE
    movl $pae_directory+7, pae_pointers+8 /* present ones may not have bits 2..1 */
    TRY
1:  movl %cr3, %eax
2:  movl %eax, %cr3
    END
    EXPECT "pae: a reserved bit of a pointer", 13, 0, 2b
    movl $0, pae_pointers+8
    movl %cr3, %eax
    movl %eax, %cr3

    HAS 0x80000001, 20
    jz 1f
    call test_nx
1:  movl $page_directory, %eax
    call switch_pae
    ret

test_nx:
    movl $nx_code, %esi
    andl $~0xFFF, %esi
    orl $7, %esi
    movl $nx_code, %ebx
    andl $0xFFF, %ebx
    addl $LATER_LA, %ebx
    ENTRY %esi, 0x80000000
    TRY
1:  movl LATER_LA, %eax
    END
    EXPECT "nx without EFER.NXE", 14, 9, 1b
    WRITE_MSR EFER, $0x800
    movl %ebx, %eax
    invlpg LATER_LA
    CHECK "nx: is read", (%ebx), nx_code
    TRY
    jmp *%ebx
    END
    EXPECT "nx: is not run", 14, 0x11
    CHECK "nx: is not run: EIP", frame+EIP, %ebx
    movl %cr2, %eax
    CHECK "nx: is not run: CR2", %eax, %ebx
    ENTRY $0
    TRY
    jmp *%ebx
    END
    EXPECT "nx: a fetch without a page", 14, 0x10
    movl $nx_code, %esi /* the handler has used it */
    andl $~0xFFF, %esi
    orl $7, %esi
    ENTRY %esi
    TRY
    jmp *%ebx
    END
    EXPECT "nx: clear", 0x30
    WRITE_MSR EFER, $0
    ret
    .balign 4
nx_code:
    int $0x30
    nop
    nop

    .bss
    .balign 4096
pae_directory:
    .skip 4096
pae_table:
    .skip 4096
pae_pointers:
    .skip 32
fast_esp:
    .skip 4
fast_flags:
    .skip 4
fast_cs:
    .skip 4
fast_ss:
    .skip 4
    .text
