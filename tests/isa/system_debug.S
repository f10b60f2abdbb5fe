/* Debug registers, control registers, privileged instructions, ports. */

.macro DR6_IS name:req, value:req
    movl %dr6, %eax
    andl $0xE00F, %eax
    CHECK "\name", %eax, $\value
    xorl %eax, %eax
    movl %eax, %dr6
.endm

test_debug:
    xorl %eax, %eax
    movl %eax, %dr6
    TRY
    pushl $0x102
    popfl
    nop
1:  nop
    END
    EXPECT "single step", 1, -1, 1b
    CHECK "single step: image has TF", frame+FLAGS, $0x102
    CHECK "single step: TF cleared", handler_flags, $2
    DR6_IS "single step: BS", 0x4000
    TRY
    movl $DATA0, %eax
    pushl $0x102
    popfl
    movl %eax, %ss
    nop
1:  nop
    END
    EXPECT "mov ss holds off the trap", 1, -1, 1b
    DR6_IS "mov ss: BS", 0x4000
    TRY
    .byte 0xF1
1:  END
    EXPECT "icebp", 1, -1, 1b

    movl $1f, %eax
    movl %eax, %dr0
    movl $1, %eax
    TRY
    movl %eax, %dr7
    nop
1:  nop
    nop
    END
    EXPECT "instruction breakpoint", 1, -1, 1b
    DR6_IS "instruction breakpoint: B0", 1
    movl $1f, %eax
    movl %eax, %dr0
    TRY
    movl $1, %eax
    movl %eax, %dr7
    pushl $0x10002
    pushl $CODE0
    pushl $1f
    iretl
1:  nop
    END
    EXPECT "RF passes it", -1

    movl $scratch, %eax
    movl %eax, %dr1
    TRY
    movl $0x00D00008, %eax /* writes, four bytes */
    movl %eax, %dr7
    movl scratch, %ecx
    movb %al, scratch+3
1:  nop
    END
    EXPECT "write breakpoint", 1, -1, 1b
    DR6_IS "write breakpoint: B1", 2
    TRY
    movl $0x00700008, %eax /* reads and writes, two bytes */
    movl %eax, %dr7
    movb scratch+2, %cl
    movb scratch+1, %cl
1:  nop
    END
    EXPECT "access breakpoint", 1, -1, 1b
    DR6_IS "access breakpoint: B1", 2
    TRY
    leal -8(%esp), %eax
    movl %eax, %dr1
    movl $0x00D00008, %eax
    movl %eax, %dr7
    pushl %ecx
    pushl %ecx
1:  nop
    END
    EXPECT "push onto a breakpoint", 1, -1, 1b

    movl $0xFFFFFFFF, %eax
    movl %eax, %dr6
    xorl %eax, %eax
    movl %eax, %dr6
    movl %dr6, %eax
    andl $0xEFF0, %eax
    CHECK "DR6 fixed ones", %eax, $0x0FF0
    movl %dr7, %eax
    CHECK "DR7 fixed one", %eax, $0x400
    movl %cr4, %eax
    orl $8, %eax
    movl %eax, %cr4
    TRY
1:  .byte 0x0F, 0x21, 0xE0 /* mov eax, dr4 */
    END
    EXPECT "DR4 with DE", 6, -1, 1b
    movl %cr4, %eax
    andl $~8, %eax
    movl %eax, %cr4
    TRY
    .byte 0x0F, 0x21, 0xE0
    END
    EXPECT "DR4 without DE", -1
    ret

test_control:
    cmpb $0, careful
    jne 3f
    TRY
    movl %cr0, %eax
    andl $~1, %eax
1:  movl %eax, %cr0
    END
    EXPECT "PG without PE", 13, 0, 1b
    TRY
    movl %cr0, %eax
    andl $~0x40000000, %eax
    orl $0x20000000, %eax
1:  movl %eax, %cr0
    END
    EXPECT "NW without CD", 13, 0, 1b
    TRY
    movl %cr4, %eax
    orl $0x80000000, %eax
1:  movl %eax, %cr4
    END
    EXPECT "reserved bit of CR4", 13, 0, 1b
    TRY
    xorl %eax, %eax
    ltr %ax
    END
    EXPECT "ltr of null", 13, 0
3:  TRY
1:  .byte 0x0F, 0x22, 0xC8
    END
    EXPECT "CR1", 6, -1, 1b
    TRY
1:  .byte 0x0F, 0x24, 0xF0
    END
    EXPECT "TR6", 6, -1, 1b
    TRY
1:  .byte 0x0F, 0x01, 0xC0+0x38 /* invlpg eax */
    END
    EXPECT "invlpg of a register", 6, -1, 1b
    TRY
1:  .byte 0x0F, 0xAA
    END
    EXPECT "rsm", 6, -1, 1b
    movl %cr0, %ebx
    movl %ebx, %eax
    andl $0xFFFE, %eax
    orl $8, %eax
    lmsw %ax
    smsw %cx
    andl $0xF, %ecx
    andl $0xF, %ebx
    orl $8, %ebx
    CHECK "lmsw sets TS and keeps PE", %ecx, %ebx
    clts
    smsw %cx
    andl $8, %ecx
    CHECK "clts", %ecx, $0

    sidt table_image
    movl $idt, %eax
    CHECK "sidt", table_image+2, %eax
    TRY
    movl $LDT, %eax
    ltr %ax
    END
    EXPECT "ltr of an LDT", 13, LDT
    TRY
    movl $TSS1, %eax
    ltr %ax
    END
    EXPECT "ltr of a busy TSS", 13, TSS1
    TRY
    movl $DATA0, %eax
    lldt %ax
    END
    EXPECT "lldt of data", 13, DATA0
    ret

/* Each of these is #GP(0) at CPL 3. Four bytes each. */
test_privilege:
    movl $privileged, %esi
1:  cmpl $privileged_end, %esi
    je 2f
    movl (%esi), %eax
    movl %eax, user_code
    movl %esi, case
    TRY
    xorl %eax, %eax
    xorl %ecx, %ecx
    USER user_code
    END
    EXPECT "privileged instruction", 13, 0, user_code
    movl case, %esi
    addl $4, %esi
    jmp 1b
2:
    movl %cr4, %eax
    orl $4, %eax
    movl %eax, %cr4
    TRY
    USER 3f
3:  rdtsc
    END
    EXPECT "rdtsc with TSD", 13, 0, 3b
    movl %cr4, %eax
    andl $~4, %eax
    movl %eax, %cr4
    TRY
    USER 3f
3:  inb $0x80, %al
    END
    EXPECT "port without permission", 13, 0, 3b
    movb $0xFE, tss1+0x88+0x80/8
    TRY
    USER 3f
3:  inb $0x80, %al
    int $0x30
    END
    EXPECT "port with permission", 0x30
    TRY
    USER 3f
3:  inw $0x80, %ax
    END
    EXPECT "word port needs both bits", 13, 0, 3b
    TRY
    USER 3f, 0x3000
3:  inw $0x80, %ax
    int $0x30
    END
    EXPECT "port with IOPL 3", 0x30
    TRY
    USER 3f
3:  pushl $0x3202
    popfl
    int $0x30
    END
    CHECK "popf at CPL 3 keeps IF and IOPL", frame+FLAGS, $2
    ret
