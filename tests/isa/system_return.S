/* RETF and IRET. */

/* Pushes five doublewords for an IRET to an outer level. */
.macro FRAME eip:req, cs:req, flags:req, esp:req, ss:req
    pushl $\ss
    pushl $\esp
    pushl $\flags
    pushl $\cs
    pushl $\eip
.endm

test_returns:
    TRY
    movl $DATA3, %eax
    movl %eax, %fs
    FRAME 1f, CODE3, 0x200ED7, stack3_top, DATA3 /* ID and all arithmetic flags but IF, TF */
    andl $~0x200, 8(%esp)
    iretl
1:  int $0x30
    END
    EXPECT "iret to user", 0x30
    CHECK "iret to user: flags", frame+FLAGS, $0x200CD7
    CHECK "iret to user: DS is null", handler_ds, $0
    CHECK "iret to user: ES is null", handler_es, $0
    CHECK "iret to user: FS stays", handler_fs, $DATA3

    TRY
    FRAME 1b, CODE3, 2, stack3_top, DATA0
2:  iretl
    END
    EXPECT "iret with a kernel stack", 13, DATA0, 2b
    TRY
    FRAME 1b, CODE3, 2, stack3_top, 0
2:  iretl
    END
    EXPECT "iret with a null stack", 13, 0, 2b
    TRY
    FRAME 1b, 0, 2, stack3_top, DATA3
2:  iretl
    END
    EXPECT "iret to null", 13, 0, 2b
    TRY
    FRAME 1b, DATA0, 2, stack3_top, DATA3
2:  iretl
    END
    EXPECT "iret to data", 13, DATA0, 2b
    TRY
    FRAME 1b, CODE0+3, 2, stack3_top, DATA3
2:  iretl
    END
    EXPECT "iret with the wrong RPL", 13, CODE0, 2b
    TRY
    USER 1f
1:  FRAME 1b, CODE0, 2, stack3_top, DATA3
2:  iretl
    END
    EXPECT "iret inward", 13, CODE0, 2b
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF7200 /* a stack that is not present */
    TRY
    FRAME 1b, CODE3, 2, stack3_top, SPARE+3
2:  iretl
    END
    EXPECT "iret with a missing stack", 11, SPARE, 2b
    TRY
    pushl $SPARE+3
    pushl $stack3_top
    pushl $CODE3
    pushl $1b
2:  lret
    END
    EXPECT "retf with a missing stack", 12, SPARE, 2b

    TRY
    USER 1f
1:  pushl $0x3202 /* IF and IOPL 3: neither may change */
    pushl $CODE3
    pushl $2f
    iretl
2:  int $0x30
    END
    EXPECT "iret at user level", 0x30
    CHECK "iret at user level keeps IF and IOPL", frame+FLAGS, $2

    TRY
    pushw $0x0046 /* a 16-bit IRET leaves the upper half of EFLAGS */
    pushw $CODE16
    pushw $0
    movl $1f, %eax
    movw %ax, gdt+CODE16+2
    shrl $16, %eax
    movb %al, gdt+CODE16+4
    pushl $0x200002
    popfl
    iretw
    .code16
1:  int $0x41
    .code32
    END
    EXPECT "16-bit iret", 0x41
    CHECK "16-bit iret: EIP", frame+EIP, $2
    CHECK "16-bit iret: flags", frame+FLAGS, $0x200046

    TRY /* onto a 16-bit stack: only SP is loaded */
    FRAME 1f, CODE3, 2, 0x12345678, STACK16
    iretl
1:  movl %esp, %eax
    int $0x30
    END
    movzwl registers+28, %eax
    CHECK "iret to a 16-bit stack: SP", %eax, $0x5678

    TRY
    pushl $DATA3
    pushl $stack3_top
    pushl $CODE3
    pushl $1f
    lret
1:  int $0x30
    END
    EXPECT "retf to user", 0x30
    CHECK "retf to user: ESP", frame+ESP3, $stack3_top
    CHECK "retf to user: DS is null", handler_ds, $0
    TRY
    pushl $CODE3
    pushl $1b
    USER 2f
2:  pushl $CODE0
    pushl $1b
3:  lret
    END
    EXPECT "retf inward", 13, CODE0, 3b
    ret
