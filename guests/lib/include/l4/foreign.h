// foreign.h: what this kernel has beyond X.2 for a server whose programs know nothing of L4, such
// as the processes of Linux (kernel/api/foreign.c, foreign_state.c). The kernel includes it too:
// numbers and layouts, no types of L4's.
//
// SpaceControl makes a space foreign. Whatever stops one of its threads becomes a message to the
// thread's keeper, the pager that ThreadControl gave it, and the answer says with which registers
// it goes on.
#pragma once

#if __has_include(<stdint.h>)
#include <stdint.h>
#else // among Linux's own headers
#include <linux/types.h>
#endif

#define L4_SPACE_FOREIGN 0x40000000u // SpaceControl's control
#define L4_EXREGS_RAISE  0x00000400u // ExchangeRegisters' control: stop with L4_VECTOR_RAISED

#define L4_TAG_FOREIGN    0xFFB0000Du // from the kernel; the answer has as many words
#define L4_FOREIGN_WORDS  13u
#define L4_VECTOR_RAISED  0x100u

// MR1 to MR13. %gs and %fs of the answer are loaded where they differ from the message's; a
// selector that the thread could not load is 0 for it. Of EFLAGS the answer sets what a program can
// set by POPF without I/O privilege, and RF.
struct l4_foreign_frame {
    uint32_t eip, eflags;
    uint16_t vector, gs;
    uint16_t error, fs;
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t address; // vector 14: CR2; vector 1: DR6; in the answer: anything
};

// The rest of a thread's state, which changes seldom: INT 3Bh, by a thread in its keeper's space.
// EAX: the thread; ECX: one of these; EDX: the address of what is read or written, which lies in
// one page, or what the operation says. EAX is 1 when it was done, 0 when not (the UTCB's error
// word says why); 2 after L4_STATE_X87_GET: the thread has used no x87, and nothing was written.
#define L4_STATE_VECTOR 0x3Bu
enum l4_state_operation {
    L4_STATE_TLS_SET,      // struct l4_state_tls
    L4_STATE_DEBUG_SET,    // struct l4_state_debug
    L4_STATE_X87_GET,      // FNSAVE's 108 bytes, or FXSAVE's 512 where CPUID announces that
    L4_STATE_X87_SET,      // the same; address 0: as a new thread's
    L4_STATE_TRAMPOLINE_SET, // uint32_t: int 80h becomes a call to there; 0: the keeper hears of it
    L4_STATE_SEGMENTS_GET, // struct l4_state_segments: for keepers that also hear of calls by Ipc
    L4_STATE_UNMAP,        // EDX: how many fpages are in MR0 and on, of 4 MB at most: rights that
                           // the thread's space, and who has got pages from there, loses at them
    L4_STATE_RESET,        // all of the above, and the UTCB's page, as a new thread's, if no other
                           // is active in its space; what it waits for and its registers stay
};

// Descriptors as the GDT has them, for selectors 33h, 3Bh and 43h: data of privilege 3, or 0.
#define L4_TLS_ENTRIES        3u
#define L4_TLS_FIRST_SELECTOR 0x33u
struct l4_state_tls {
    uint32_t descriptor[L4_TLS_ENTRIES][2];
};

// Breakpoints on execution, writes and accesses in the program's part of the space; DR7 0: none.
struct l4_state_debug {
    uint32_t dr[4], dr7;
};

struct l4_state_segments {
    uint32_t gs, fs;
};
