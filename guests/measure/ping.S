// ping.S: the two ends of a ping-pong by Ipc or Lipc. In assembly because the path is about as
// short as a compiler's way of getting at seven registers, and for the labels, between which the
// simulator's windows are opened: ping_begin and ping_end are the reads of the counter, pong_back
// is where the message has arrived.

        .text

// void ping_loop(word_t stub, l4_thread_id partner, word_t tag, uint32_t *samples, word_t count)
// A call to the partner, count times; the cycles of each, with the overhead, into samples.
        .globl  ping_loop, ping_begin, ping_end
        .type   ping_loop, @function
        .p2align 5
ping_loop:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     36(%esp), %ecx          // count
        mov     32(%esp), %edx          // samples
1:      push    %ecx
        push    %edx                    // 28: stub, 32: partner, 36: tag
ping_begin:
        rdtsc
        push    %eax                    // 32: stub, 36: partner, 40: tag
        mov     36(%esp), %eax
        mov     40(%esp), %esi
        mov     %eax, %edx
        mov     %gs:0, %edi
        xor     %ecx, %ecx
        call    *32(%esp)
ping_end:
        rdtsc
        pop     %ecx
        pop     %edx
        sub     %ecx, %eax
        pop     %ecx
        mov     %eax, (%edx)
        add     $4, %edx
        dec     %ecx
        jnz     1b
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret
        .size   ping_loop, . - ping_loop

// void pong_loop(word_t stub, l4_thread_id partner)
// Waits for the partner, then answers each message with the tag it came with. Never returns.
        .globl  pong_loop, pong_back
        .type   pong_loop, @function
        .p2align 5
pong_loop:
        mov     8(%esp), %edx
        add     $4, %esp                // 0: stub, 4: partner
        xor     %eax, %eax
1:      xor     %ecx, %ecx
        mov     %gs:0, %edi
        call    *(%esp)
pong_back:
        mov     4(%esp), %eax
        mov     %eax, %edx
        jmp     1b
        .size   pong_loop, . - pong_loop

// void ledger_stretch(word_t stub, l4_thread_id partner, word_t tag, word_t count)
// count calls between two reads of the counter, whose difference goes to ledger_cycles; then a
// dword out to port 0xF4, which ends a run with isa-debug-exit there and does nothing in others. So
// the ledger of a run that counts from ledger_begin to its end is that difference, and what ran
// under the name of ledger_end.
        .globl  ledger_stretch, ledger_begin, ledger_end
        .type   ledger_stretch, @function
        .p2align 5
ledger_stretch:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     32(%esp), %ecx          // count
ledger_begin:
        rdtsc
        push    %eax                    // 24: stub, 28: partner, 32: tag
1:      push    %ecx                    // 28: stub, 32: partner, 36: tag
        mov     32(%esp), %eax
        mov     36(%esp), %esi
        mov     %eax, %edx
        mov     %gs:0, %edi
        xor     %ecx, %ecx
        call    *28(%esp)
        pop     %ecx
        dec     %ecx
        jnz     1b
        jmp     ledger_end
        .size   ledger_stretch, . - ledger_stretch

        .type   ledger_end, @function
        .p2align 5
ledger_end:
        rdtsc
        pop     %ecx
        sub     %ecx, %eax
        mov     %eax, ledger_cycles
        xor     %eax, %eax
        mov     $0xF4, %edx
        out     %eax, %dx
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret
        .size   ledger_end, . - ledger_end

        .section .note.GNU-stack, "", @progbits
