/* silicon: the host's own processor as the reference for user-level IA-32 code.
 *
 * A case runs in this very process: the 64-bit host enters its compatibility code segment with
 * IRETQ and the case runs natively until it traps; every case ends in a trap, because an INT3
 * follows its last instruction. The signal handler takes the whole state from the signal's frame
 * and returns to silicon_run without a system call, so that a case costs about two microseconds.
 *
 * 32-bit code can reach nothing above 4 GB, and below 4 GB this process has mapped only the
 * case's windows (silicon_open makes sure), so that no case can damage the host. A system call
 * that a case strays into (INT 80h, SYSENTER, SYSCALL) is refused by a seccomp filter and ends
 * the case.
 *
 * The windows lie below 64 KB, where 16-bit addresses and 16-bit jumps reach them too:
 *
 *     2000-2FFF  code    readable, executable
 *     8000-9FFF  data    readable, writable, executable
 *     A000-AFFF  fixed   readable: the page after the data
 *     anything else is not present
 *
 * The local descriptor table offers segments that the flat environment lacks (enum
 * isa_selector). Not modelled: what the 64-bit kernel hides or emulates; see
 * tests/isa/host-differences. */
#pragma once

#include "sim/core/types.h"

enum {
    ISA_CODE = 0x2000,
    ISA_CODE_SIZE = 0x1000,
    ISA_DATA = 0x8000,
    ISA_DATA_SIZE = 0x2000,
    ISA_FIXED = 0xA000,
    ISA_FIXED_SIZE = 0x1000,
};

/* Selectors of Linux's flat user environment, and the local ones; the RPL is 3. */
enum isa_selector {
    ISA_FLAT_CODE = 0x23,
    ISA_FLAT_DATA = 0x2B,
    ISA_LIMITED = 0x07,      /* data, base 8000, limit 0FFF bytes */
    ISA_READ_ONLY = 0x0F,    /* data, base 8000, limit 1FFF bytes */
    ISA_DOWN = 0x17,         /* expand-down data, base 0, offsets 9000 and up */
    ISA_CODE_32 = 0x1F,      /* readable code, base 0, limit 213F, among the cases' instructions */
    ISA_CODE_16 = 0x27,      /* 16-bit readable code, base 0, limit FFFF */
    ISA_DATA_16 = 0x2F,      /* 16-bit data (stack), base 0, limit FFFF */
    ISA_ABSENT = 0x37,       /* data, not present */
    ISA_EXECUTE_ONLY = 0x3F, /* code, base 0, limit FFFFF bytes */
    ISA_DOWN_16 = 0x47,      /* expand-down data, base 0, offsets 9000-FFFF */
    ISA_SHIFTED = 0x4F,      /* data, base 8003, limit 1FFC bytes */
    ISA_LDT_COUNT = 10,
};

/* The descriptors as modify_ldt writes them, for whoever builds the same table elsewhere. */
extern const uint64_t isa_ldt[ISA_LDT_COUNT];

/* Whether a selector's segment is a 16-bit one: as a stack it uses SP, and bits 31-16 of ESP
 * cannot be given to a case (they start as zero). */
static inline bool isa_is_16_bit(uint16_t selector)
{
    return (selector & 4) && !(isa_ldt[selector >> 3] >> 54 & 1);
}

/* Whether CS:EIP can be entered: EIP inside the limit. */
static inline bool isa_can_enter(uint16_t code_selector, uint32_t eip)
{
    uint64_t d = isa_ldt[code_selector >> 3];
    uint32_t limit = (uint32_t)(d & 0xFFFF) | (uint32_t)(d >> 32 & 0xF0000);
    return !(code_selector & 4) || eip <= limit;
}

struct isa_x87 {
    uint16_t control;
    uint16_t status; /* with TOP */
    uint8_t full;    /* bit i: physical register i is not empty */
    uint8_t st[8][10];
    uint8_t reserved; /* zero: states are compared as bytes */
};

struct isa_state {
    uint32_t r[8];
    uint32_t eip, eflags;
    uint32_t mxcsr;
    uint8_t xmm[8][16];
    uint16_t selector[6]; /* ES CS SS DS FS GS */
    struct isa_x87 x87;   /* the MMX registers are in it */
};

/* The vector of a case that left 32-bit code: it made a system call, or reached the 64-bit
 * selector. It says nothing about the simulator. */
#define SILICON_STRAYED 255

struct isa_outcome {
    struct isa_state state;
    bool timeout; /* did not end by itself: nothing else is valid */
    uint8_t vector;
    uint32_t error; /* error code, 0 where the vector has none */
    uint32_t cr2;   /* of a page fault, else 0 */
};

/* The windows' bytes. Writing them is how a case gets its code and data. */
struct isa_memory {
    uint8_t *code, *data, *fixed;
};

/* False with a line on stderr where the host cannot: not x86-64, no 32-bit support, a foreign
 * mapping below 4 GB (AddressSanitizer's shadow). Once a process. */
bool silicon_open(struct isa_memory *memory);

/* Only for states that IRETQ can enter: isa_can_enter. */
void silicon_run(const struct isa_state *in, struct isa_outcome *out);
