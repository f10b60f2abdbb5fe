/* Hardware task switches between tss1, which runs, and tss2. */

.macro TSS_TYPE register:req, selector:req
    movb gdt+\selector+5, %al
    andl $0xF, %eax
    movl %eax, \register
.endm

/* Back in task 1, whichever task an exception was taken in. */
.macro HOME
    str %ax
    cmpw $TSS2, %ax
    jne 97f
    ljmp $TSS1, $0
97:
.endm

reset_tss2:
    movl $2, tss2+0x24
    movl $stack3_top, tss2+0x28+16
    movl $DATA0, tss2+0x48
    movl $CODE0, tss2+0x4C
    movl $DATA0, tss2+0x50
    movl $DATA0, tss2+0x54
    movl $LDT, tss2+0x60
    movl $page_directory, tss2+0x1C
    movw $0, tss2+0x64
    movb $0x89, gdt+TSS2+5
    movw $0x67, gdt+TSS2
    ret

test_tasks:
    call reset_tss2
    movl $1f, tss2+0x20
    movl $0x12345678, tss2+0x28 /* EAX */
    movl $0xCAFEBABE, %ebx
    ljmp $TSS2, $0
2:  jmp 3f
1:  movl %eax, %esi /* in task 2 */
    movl %cr0, %edi
    str %dx
    ljmp $TSS1, $0
3:  CHECK "task: EBX comes back", %ebx, $0xCAFEBABE
    CHECK "task: EAX loaded", tss2+0x28+24, $0x12345678 /* ESI of task 2 */
    movl tss2+0x28+28, %eax
    andl $8, %eax
    CHECK "task: TS set", %eax, $8
    movzwl tss2+0x28+8, %eax
    CHECK "task: TR", %eax, $TSS2
    CHECK "task: EIP saved", tss1+0x20, $2b
    clts
    TSS_TYPE %eax, TSS1
    CHECK "task: task 1 busy again", %eax, $11
    TSS_TYPE %eax, TSS2
    CHECK "task: task 2 available again", %eax, $9

    call reset_tss2
    movl $1f, tss2+0x20
    lcall $TSS2, $0
    jmp 3f
1:  pushfl
    popl %esi
    movzwl tss2, %edi
    TSS_TYPE %edx, TSS1
    iretl
3:  movl tss2+0x28+24, %eax
    andl $0x4000, %eax
    CHECK "task call: NT set", %eax, $0x4000
    CHECK "task call: link", tss2+0x28+28, $TSS1
    CHECK "task call: caller stays busy", tss2+0x28+8, $11
    TSS_TYPE %eax, TSS2
    CHECK "task return: available", %eax, $9
    movl tss2+0x24, %eax
    andl $0x4000, %eax
    CHECK "task return: NT cleared in the image", %eax, $0
    clts

    TRY
1:  ljmp $TSS1, $0
    END
    EXPECT "jump to a busy task", 13, TSS1, 1b
    movw $0x66, gdt+TSS2
    TRY
1:  ljmp $TSS2, $0
    END
    EXPECT "short TSS", 10, TSS2, 1b
    call reset_tss2
    movb $0x09, gdt+TSS2+5
    TRY
1:  ljmp $TSS2, $0
    END
    EXPECT "missing TSS", 11, TSS2, 1b
    call reset_tss2
    TRY
    USER 1f
1:  ljmp $TSS2, $0
    END
    EXPECT "kernel's TSS", 13, TSS2, 1b

    call reset_tss2
    movl $0x12345, tss2+0x20
    movl $0x1000, tss2+0x54
    TRY
    ljmp $TSS2, $0
    END
    HOME
    EXPECT "bad DS in the new task", 10, 0x1000, 0x12345
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1200
    call reset_tss2 /* SS is loaded before the data segments: the handler has a stack */
    movl $0x12345, tss2+0x20
    movl $SPARE, tss2+0x48
    TRY
    ljmp $TSS2, $0
    END
    HOME
    EXPECT "missing ES in the new task", 11, SPARE, 0x12345

    call reset_tss2 /* an exception through a task gate */
    movl $1f, tss2+0x20
    movw $TSS2, idt+13*8+2
    movb $0x85, idt+13*8+5
    TRY
    USER 2f
2:  int $0x41
1:  popl task_code
    movl tss1+0x20, %eax
    movl %eax, task_eip
    movl resume, %eax /* send task 1 back to the test */
    movl %eax, tss1+0x20
    movl $2, tss1+0x24
    movl resume_esp, %eax
    movl %eax, tss1+0x28+16
    movl $DATA0, tss1+0x48
    movl $CODE0, tss1+0x4C
    movl $DATA0, tss1+0x50
    movl $DATA0, tss1+0x54
    iretl
    END
    movw $CODE0, idt+13*8+2
    movb $0x8E, idt+13*8+5
    CHECK "task gate: error code", task_code, $0x41*8+2
    CHECK "task gate: EIP of the fault", task_eip, $2b
    clts

    call reset_tss2 /* a V86 task: its stack for INT 30h is that of tss2 */
    LOW v86_int
    movl $0, tss2+0x20
    movl $0x23002, tss2+0x24
    movl $0x800, tss2+0x48
    movl $0x800, tss2+0x4C
    movl $0x800, tss2+0x50
    movl $0x800, tss2+0x54
    movl $stack3_top, tss2+4
    movl $DATA0, tss2+8
    TRY
    ljmp $TSS2, $0
    END
    HOME
    EXPECT "v86 task", 0x30, -1, 2
    CHECK "v86 task: stack", frame_esp, $stack3_top-36
    clts
    ret
