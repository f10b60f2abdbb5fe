/* Far transfers, call gates, and returns to outer levels. */

/* Puts a call gate at GATE. */
.macro CALL_GATE target:req, selector:req, access:req, count=0
    movl $\target, %eax
    movw %ax, gdt+GATE
    movw $\selector, gdt+GATE+2
    movw $(\access<<8)+\count, gdt+GATE+4
    shrl $16, %eax
    movw %ax, gdt+GATE+6
.endm

test_far:
    TRY
    lcall $CODE0, $1f
2:  nop
1:  int $0x41
    END
    CHECK "far call pushes EIP", frame+ESP3, $2b
    CHECK "far call pushes CS", frame+SS3, $CODE0

    TRY
    lcall $0, $1b
    END
    EXPECT "far call to null", 13, 0
    TRY
    lcall $DATA0, $1b
    END
    EXPECT "far call to data", 13, DATA0
    TRY
    ljmp $CODE3, $1b
    END
    EXPECT "far jump outward", 13, (CODE3&~3)
    TRY
    USER 3f
3:  ljmp $CODE0, $1b
    END
    EXPECT "far jump inward", 13, CODE0, 3b
    TRY
    ljmp $0x1000, $1b
    END
    EXPECT "far jump beyond the GDT", 13, 0x1000
    DESCRIPTOR SPARE, 0x000000FF, 0x00409B00 /* limit FF */
    TRY
3:  lcall $SPARE, $0x100
    END
    EXPECT "far call beyond the limit", 13, 0, 3b
    movl resume_esp, %eax
    subl $16, %eax
    CHECK "far call that faults leaves ESP", frame_esp, %eax
    DESCRIPTOR SPARE, 0x0000FFFF, 0x00CF1B00
    TRY
    lcall $SPARE, $1b
    END
    EXPECT "far call to a missing segment", 11, SPARE

    DESCRIPTOR CONFORM, 0x0000FFFF, 0x00CF9E00
    TRY
    USER 3f
3:  lcall $CONFORM, $4f
4:  int $0x30
    END
    EXPECT "conforming", 0x30
    CHECK "conforming keeps CPL", frame+CS, $CONFORM+3
    CHECK "conforming pushes the caller", stack3_top-4, $CODE3

    CALL_GATE 5f, CODE0, 0xEC, 2
    TRY
    USER 3f
3:  pushl $0x22222222
    pushl $0x11111111
    lcall $GATE+3, $0
4:  int $0x30
5:  movl %esp, gate_esp
    movl $gate_frame, %edi
    movl %esp, %esi
    movl $6, %ecx
    rep movsl
    lret $8
    END
    EXPECT "call gate and back", 0x30
    CHECK "call gate: stack", gate_esp, $stack0_top-24
    CHECK "call gate: EIP", gate_frame, $4b
    CHECK "call gate: CS", gate_frame+4, $CODE3
    CHECK "call gate: parameter 1", gate_frame+8, $0x11111111
    CHECK "call gate: parameter 2", gate_frame+12, $0x22222222
    CHECK "call gate: ESP", gate_frame+16, $stack3_top-8
    CHECK "call gate: SS", gate_frame+20, $DATA3
    CHECK "retf 8: ESP", frame+ESP3, $stack3_top

    CALL_GATE 5f, CODE0, 0x8C
    TRY
    USER 3f
3:  lcall $GATE+3, $0
    END
    EXPECT "kernel's call gate", 13, GATE, 3b
    CALL_GATE 5f, CODE0, 0xEC
    TRY
    USER 3f
3:  ljmp $GATE+3, $0
    END
    EXPECT "jump through a gate inward", 13, CODE0, 3b
    CALL_GATE 5f, CODE0, 0x6C
    TRY
    USER 3f
3:  lcall $GATE+3, $0
    END
    EXPECT "missing call gate", 11, GATE, 3b
    CALL_GATE 5f, 0, 0xEC
    TRY
    USER 3f
3:  lcall $GATE+3, $0
    END
    EXPECT "call gate to null", 13, 0, 3b
    CALL_GATE 5f, DATA0, 0xEC
    TRY
    USER 3f
3:  lcall $GATE+3, $0
    END
    EXPECT "call gate to data", 13, DATA0, 3b
    CALL_GATE 5f, CODE0, 0xEC, 7
    TRY
    lcall $GATE, $0
4:  nop
5:  int $0x41
    END
    CHECK "call gate at the same level copies nothing", frame+ESP3, $4b
    CALL_GATE 5b, CODE0, 0xEC
    TRY
    ljmp $GATE, $0
    END
    EXPECT "jump through a gate", 0x41

    CALL_GATE 5b, CODE0, 0xEC
    movl $DATA3, tss1+8 /* wrong level: #TS, taken at CPL 3 on a conforming segment */
    movl $conforming_handler, %eax
    movw %ax, idt+10*8
    movw $CONFORM, idt+10*8+2
    TRY
    USER 3f
3:  lcall $GATE+3, $0
    END
    movw $CODE0, idt+10*8+2
    movl $stubs+10*16, %eax
    movw %ax, idt+10*8
    CHECK "stack of the wrong level", conform_code, $DATA3&~3
    CHECK "stack of the wrong level: EIP", conform_eip, $3b
    ret

/* At CPL 3: keeps the frame, and goes back to level 0 by INT. Its gate shares the upper half of its
 * offset with the stubs: setup checks that. */
conforming_handler:
    popl conform_code
    popl conform_eip
    movl $DATA0, tss1+8
    int $0x30
