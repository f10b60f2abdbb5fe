/* Virtual-8086 mode. The programs are copied to segment 800h; the gate for INT 30h has DPL 3. */

.macro LOW label:req
    movl $\label, %esi
    movl $0x8000, %edi
    movl $64, %ecx
    rep movsb
.endm

test_v86:
    LOW v86_ud
    TRY
    V86 0
    END
    EXPECT "v86: ud2", 6
    CHECK "v86: frame has nine doublewords", frame_esp, $stack0_top-36
    CHECK "v86: IP", frame+EIP, $0
    CHECK "v86: CS", frame+CS, $0x800
    CHECK "v86: flags", frame+FLAGS, $0x30002
    CHECK "v86: SP", frame+ESP3, $0xF000
    CHECK "v86: SS", frame+SS3, $0x800
    CHECK "v86: ES", frame+V_ES, $0x1111
    CHECK "v86: DS", frame+V_DS, $0x2222
    CHECK "v86: FS", frame+V_FS, $0x3333
    CHECK "v86: GS", frame+V_GS, $0x4444
    CHECK "v86: DS is null in the handler", handler_ds, $0
    CHECK "v86: handler's flags", handler_flags, $2

    LOW v86_int
    TRY
    V86 0
    END
    EXPECT "v86: int with IOPL 0", 13, 0, 0
    TRY
    V86 0, 0x3000
    END
    EXPECT "v86: int with IOPL 3", 0x30, -1, 2
    CHECK "v86: flags of int", frame+FLAGS, $0x23002
    LOW v86_int3
    TRY
    V86 0
    END
    EXPECT "v86: int3 with IOPL 0", 3, -1, 1
    LOW v86_hlt
    TRY
    V86 0
    END
    EXPECT "v86: hlt", 13, 0, 0
    LOW v86_cli
    TRY
    V86 0
    END
    EXPECT "v86: cli with IOPL 0", 13, 0, 0
    LOW v86_pushf
    TRY
    V86 0
    END
    EXPECT "v86: pushf with IOPL 0", 13, 0, 0
    LOW v86_iret
    TRY
    V86 0
    END
    EXPECT "v86: iret with IOPL 0", 13, 0, 0
    movw $0x20, 0x8000+0xF000
    movw $0x800, 0x8000+0xF002
    movw $0x0043, 0x8000+0xF004 /* IOPL 0 in the image: ignored */
    TRY
    V86 0, 0x3000
    END
    EXPECT "v86: iret with IOPL 3", 0x30, -1, 0x22
    CHECK "v86: iret keeps IOPL", frame+FLAGS, $0x23043
    LOW v86_segment
    TRY
    V86 0
    END
    EXPECT "v86: segment loads", 6
    CHECK "v86: DS loaded", frame+V_DS, $0x1234
    LOW v86_limit
    TRY
    V86 0
    END
    EXPECT "v86: word at FFFF", 13, 0, 0
    LOW v86_sldt
    TRY
    V86 0
    END
    EXPECT "v86: sldt", 6, -1, 0
    TRY
    USER 1f
1:  pushl $0x20002 /* VM in an image popped at CPL 3 is ignored */
    pushl $CODE3
    pushl $2f
    iretl
2:  int $0x30
    END
    EXPECT "iret at user level cannot set VM", 0x30, -1
    CHECK "no VM", frame+FLAGS, $2
    ret

/* CR4.VME: only where CPUID has it. The redirection bitmap lies below the I/O bitmap. */
test_vme:
    movl $1, %eax
    cpuid
    testl $2, %edx
    jz 9f
    movl %cr4, %eax
    orl $1, %eax
    movl %eax, %cr4
    movl $0x08000100, 0x21*4 /* 800:100 */
    LOW v86_int21
    movw $0x0B0F, 0x8100 /* ud2 */
    TRY
    V86 0, 0x80000 /* VIF */
    END
    EXPECT "vme: redirected", 6, -1, 0x100
    CHECK "vme: VIF cleared", frame+FLAGS, $0x30002
    CHECK "vme: SP", frame+ESP3, $0xEFFA
    movzwl 0x8000+0xEFFA, %eax
    CHECK "vme: IP", %eax, $2
    movzwl 0x8000+0xEFFE, %eax
    CHECK "vme: flags image", %eax, $0x3202
    TRY
    V86 0, 0x83000 /* IOPL 3: VIF stays */
    END
    EXPECT "vme: redirected with IOPL 3", 6, -1, 0x100
    CHECK "vme: VIF stays", frame+FLAGS, $0xB3002
    movb $0xFF, tss1+0x68+0x21/8 /* to the monitor */
    TRY
    V86 0
    END
    EXPECT "vme: to the monitor", 13, 0, 0
    movb $0xFD, tss1+0x68+0x21/8
    LOW v86_iret
    movw $0x22, 0x8000+0xF000
    movw $0x800, 0x8000+0xF002
    movw $0x0243, 0x8000+0xF004
    TRY
    V86 0
    END
    EXPECT "vme: iret", 6, -1, 0x22
    CHECK "vme: iret sets VIF", frame+FLAGS, $0xB0043
    TRY
    V86 0, 0x100000 /* VIP */
    END
    EXPECT "vme: iret with VIP", 13, 0, 0
    LOW v86_cli
    TRY
    V86 0, 0x80000
    END
    EXPECT "vme: cli", 6, -1, 1
    CHECK "vme: cli clears VIF", frame+FLAGS, $0x30002
    LOW v86_sti
    TRY
    V86 0
    END
    EXPECT "vme: sti", 6, -1, 1
    CHECK "vme: sti sets VIF", frame+FLAGS, $0xB0002
    TRY
    V86 0, 0x100000
    END
    EXPECT "vme: sti with VIP", 13, 0, 0
    movl %cr4, %eax
    andl $~1, %eax
    movl %eax, %cr4
9:  ret

    .pushsection .rodata
    .code16
v86_ud:
    ud2
v86_int:
    int $0x30
v86_int21:
    int $0x21
v86_int3:
    int3
v86_hlt:
    hlt
v86_cli:
    cli
    ud2
v86_sti:
    sti
    ud2
v86_pushf:
    pushf
v86_iret:
    iretw
    .skip 31
    int $0x30
    ud2
v86_segment:
    movw $0x1234, %ax
    movw %ax, %ds
    ud2
v86_limit:
    movw 0xFFFF, %ax
v86_sldt:
    sldt %ax
    .skip 64
    .code32
    .popsection
