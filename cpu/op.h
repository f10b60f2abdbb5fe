/* op: a decoded instruction, and the row it was decoded from.
 *
 * A row is the one place where an instruction is defined: its encoding and operands in the manual's
 * letters, the flags it reads, writes and leaves undefined, its validity, feature and timing class,
 * and its bodies. Everything else (decoder, disassembly check, undefined-flag masks, pairing
 * dependencies, documentation) derives from rows.
 *
 *   code      "00 /r"  "80 /4"  "0F AF /r"  "50+r"  "D8 C0+i"  "D9 /5"  "D9 F0"
 *             "NP 0F 6F /r"  "66 0F 6F /r"  "0F 0F /r 9E"
 *             opcode bytes in hex; /r a ModRM byte; /0../7 a ModRM byte with that reg field;
 *             +r the low three bits are a register; D8..DF: /n is the memory form, "D8 C0+i" and
 *             "D9 F0" are register forms by whole ModRM byte. Before 0F a prefix that is part of
 *             the opcode: 66, F3, F2, or NP for none of the three; without it a row takes them
 *             all. Where there are several, the last of F3 and F2 counts, and 66 beside it does
 *             not. A byte behind /r is the opcode's last, and follows the operands (3DNow!).
 *   operands  the manual's letters, comma separated, e.g. "Eb,Gb": E r/m  G reg field  Z opcode's
 *             register  M memory only  I immediate  J relative A far pointer  O moffs  S segment
 *             register  C control  D debug  R r/m as register X [DS:eSI]  Y [ES:eDI]   with b 8, w
 *             16, v 16/32 by operand size, d 32, z 16/32 immediate, s sign-extended 8-bit immediate
 *             ("Is" after v operands), p far pointer, q 64, o 128, t 80 bits, a two operands
 *             (BOUND); P MMX and V XMM register by the reg field, Q and W the same or memory by
 *             r/m, N and U r/m as register, with the bits that are used; plus AL AX eAX CL DX 1 3
 *             and ES CS SS DS FS GS.
 */
#pragma once

#include "sim/core/types.h"

struct cpu;
struct op;

typedef void (*body_fn)(struct cpu *c, const struct op *o);

/* Registers by number; 8 is always zero so that an address without base or index needs no
 * branch. */
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, REG_ZERO, REG_COUNT };
enum { ES, CS, SS, DS, FS, GS, SEG_COUNT };

/* Masks of registers, for rows' implied operands and for pairing. */
enum {
    RM_EAX = 1 << EAX, RM_ECX = 1 << ECX, RM_EDX = 1 << EDX, RM_EBX = 1 << EBX,
    RM_ESP = 1 << ESP, RM_EBP = 1 << EBP, RM_ESI = 1 << ESI, RM_EDI = 1 << EDI,
    RM_ALL = 0xFF,
};

/* EFLAGS bits. */
enum {
    F_CF = 1 << 0, F_PF = 1 << 2, F_AF = 1 << 4, F_ZF = 1 << 6, F_SF = 1 << 7, F_TF = 1 << 8,
    F_IF = 1 << 9, F_DF = 1 << 10, F_OF = 1 << 11, F_IOPL = 3 << 12, F_NT = 1 << 14,
    F_RF = 1 << 16, F_VM = 1 << 17, F_AC = 1 << 18, F_VIF = 1 << 19, F_VIP = 1 << 20,
    F_ID = 1 << 21,
    F_ARITH = F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF,
};

/* Row attributes. */
enum {
    A_LOCK = 1 << 0,       /* LOCK is allowed with a memory destination */
    A_REP = 1 << 1,        /* string instruction without flags to test: REP repeats */
    A_REPZ = 1 << 2,       /* string instruction that REPE and REPNE repeat with ZF */
    A_BRANCH = 1 << 3,     /* may change EIP other than to the next instruction: ends a block */
    A_END = 1 << 4,        /* ends a block for another reason (mode may change, heavy log ...) */
    A_ALONE = 1 << 5,      /* reads or acts on the clock, ports, or must run at its exact cycle */
    A_CPL0 = 1 << 6,       /* #GP unless CPL 0 (checked by the decoder's wrapper: see cpu/run.c) */
    A_NO_REAL = 1 << 7,    /* #UD in real and V86 mode */
    A_X87 = 1 << 8,        /* #NM when CR0.EM or CR0.TS is set */
    A_WAIT = 1 << 9,       /* WAIT: #NM when CR0.MP and CR0.TS are set */
    A_DEST_READ = 1 << 10, /* the first operand is only read (CMP, TEST, PUSH ...) */
    A_DEST_WRITE = 1 << 11, /* the first operand is only written (MOV, LEA, SETcc, POP ...) */
                            /* neither: it is read and written */
    A_SECOND_WRITE = 1 << 12, /* the second operand is written too (XCHG, XADD) */
    A_STACK64 = 1 << 13,
    A_BYTE = 1 << 14,      /* operates on bytes whatever the operand size */
    A_COND = 1 << 15,      /* conditional branch */
    A_PREFIX_FREE_0F = 1 << 16, /* its 0F escape is no prefix for timing (near Jcc) */
    A_SHADOW = 1 << 17,    /* interrupts are inhibited after it (MOV SS, POP SS, STI) */
    A_NO_IMM_PAIR = 1 << 18,
    A_NEAR = 1 << 19,      /* a branch that changes nothing but EIP (and the stack) */
};

/* Features a part may have; a row's instruction is #UD where the part lacks its feature. */
enum feature {
    FEATURE_BASE = 0, /* every part modelled */
    FEATURE_CMOV,     /* CMOVcc, and with FPU also FCMOVcc, FCOMI */
    FEATURE_UD2,      /* documented UD2; always #UD, but a part without it calls it invalid, too */
    FEATURE_HINT_NOP, /* 0F 18-1F with ModRM */
    FEATURE_MMX,
    FEATURE_SEP,
    FEATURE_FXSR,
    FEATURE_SSE,
    FEATURE_RDPMC,
    /* what has no instruction of its own, but a flag of CPUID, MSRs, bits of page tables */
    FEATURE_PAE,
    FEATURE_MTRR,
    FEATURE_PGE,
    FEATURE_MCA,
    FEATURE_PAT,
    FEATURE_PSE36,
    FEATURE_NX,
    FEATURE_SYSCALL,
    FEATURE_MMX_EXT, /* AMD's: the integer part of SSE; a part with SSE has both */
    FEATURE_SSE2,
    FEATURE_SSE3,
    FEATURE_CLFLUSH,
    FEATURE_3DNOW,
    FEATURE_3DNOW_EXT,
    FEATURE_FAST_FXSR,
};

struct row {
    const char *code;
    const char *name;
    const char *operands;
    /* [0] 16-bit register form, [1] 16-bit memory form, [2] and [3] the 32-bit ones. Byte-only and
     * width-free instructions repeat theirs. NULL: the form is #UD. */
    body_fn body[4];
    uint16_t flags_read, flags_written, flags_undefined;
    uint32_t attributes;
    uint8_t feature; /* enum feature */
    uint8_t uses, sets; /* implied registers, RM_ masks */
    const char *timing; /* name of the timing class, looked up by the model; see cpu/models */
};

/* Bodies are written once as always-inline templates  f(cpu, op, width, mem)  and instantiated for
 * each constant width and operand form. */
#define BODIES_V(f)                                                                                \
    static void f##_w_r(struct cpu *c, const struct op *o) { f(c, o, 2, false); }                  \
    static void f##_w_m(struct cpu *c, const struct op *o) { f(c, o, 2, true); }                   \
    static void f##_d_r(struct cpu *c, const struct op *o) { f(c, o, 4, false); }                  \
    static void f##_d_m(struct cpu *c, const struct op *o) { f(c, o, 4, true); }
#define BODIES_B(f)                                                                                \
    static void f##_b_r(struct cpu *c, const struct op *o) { f(c, o, 1, false); }                  \
    static void f##_b_m(struct cpu *c, const struct op *o) { f(c, o, 1, true); }
#define BODIES_M(f) /* memory operand only, with VMEM */                                          \
    static void f##_w_m(struct cpu *c, const struct op *o) { f(c, o, 2, true); }                   \
    static void f##_d_m(struct cpu *c, const struct op *o) { f(c, o, 4, true); }
#define BODIES(f) BODIES_B(f) BODIES_V(f)
#define VFORM(f) {f##_w_r, f##_w_m, f##_d_r, f##_d_m}
#define BFORM(f) {f##_b_r, f##_b_m, f##_b_r, f##_b_m}
#define VMEM(f) {NULL, f##_w_m, NULL, f##_d_m} /* memory operand only */
/* Bodies f(cpu, op, width) of instructions whose only choice is the operand size. */
#define BODIES_W(f)                                                                                \
    static void f##_w(struct cpu *c, const struct op *o) { f(c, o, 2); }                           \
    static void f##_d(struct cpu *c, const struct op *o) { f(c, o, 4); }
#define WFORM(f) {f##_w, f##_w, f##_d, f##_d}
#define ANYFORM(f) {f, f, f, f}
#define MEMFORM(f) {NULL, f, NULL, f}

/* Op flags: what the prefixes were and what the decoder found. */
enum {
    OP_LOCK = 1 << 0,
    OP_REPE = 1 << 1,  /* F3 */
    OP_REPNE = 1 << 2, /* F2 */
    OP_OPSIZE = 1 << 3,
    OP_ADDRSIZE = 1 << 4,
    OP_SEGMENT = 1 << 5,
    OP_MEM = 1 << 6,      /* the r/m operand is memory (also moffs) */
    OP_0F = 1 << 7,
    OP_NEW_LINE = 1 << 8, /* its last byte lies in another code line than its first byte or than the
                             previous instruction's last byte: fetch (see cpu/run.c) */
    OP_DISP = 1 << 9,     /* has a displacement */
    OP_IMM = 1 << 10,     /* has an immediate */
    OP_ADDR16 = 1 << 11,  /* effective 16-bit addressing */
    OP_DATA16 = 1 << 12,  /* effective 16-bit operands */
};

struct op {
    body_fn body;
    const struct row *row;
    uint32_t eip, next_eip; /* offsets in CS */
    uint32_t disp;
    uint32_t imm; /* immediate or relative displacement, sign-extended as the row says */
    uint32_t amask; /* 0xFFFF or 0xFFFFFFFF: the address size */
    uint16_t imm2; /* far selector; ENTER's level; x87: low bits of the first byte, and ModRM */
    uint16_t flags;
    uint8_t length;
    uint8_t prefixes; /* number of prefix bytes, 0F not counted */
    uint8_t seg;      /* segment of the memory operand */
    uint8_t base, index, scale;
    uint8_t reg; /* ModRM reg field */
    uint8_t rm;  /* ModRM r/m register, or the opcode's +r register, or x87 st(i) */
    uint64_t timing; /* the model's static facts, see struct model */
};
