/* rows: the instruction families. Each family is one file with its rows and, beside them,
 * bodies. */
#pragma once

#include "cpu/op.h"

struct row_family {
    const struct row *rows;
    unsigned count;
};

/* A row's code (cpu/op.h), taken apart. */
struct row_code {
    enum { CODE_PLAIN, CODE_PLUS_R, CODE_MODRM, CODE_X87 } shape;
    bool two;       /* after 0F */
    bool exact;     /* only with the prefix below, or with none of 66, F3, F2 if that is 0 */
    uint8_t prefix; /* 66, F3, F2 */
    uint8_t opcode;
    int8_t digit;   /* /0../7, -1: the reg field is an operand */
    uint8_t modrm;  /* CODE_X87: the first ModRM byte, of count */
    uint8_t count;
    int16_t suffix; /* the opcode's last byte, -1: none */
};

struct row_code row_code_parse(const char *code);

extern const struct row_family family_arith;   /* ADD ... CMP, INC, DEC, NEG, NOT, TEST */
extern const struct row_family family_shift;   /* shifts, rotates, SHLD, SHRD */
extern const struct row_family family_muldiv;  /* MUL IMUL DIV IDIV, BCD */
extern const struct row_family family_bit;     /* BT family, BSF, BSR, BSWAP, SETcc, CMOVcc */
extern const struct row_family family_move;    /* MOV XCHG LEA MOVZX XLAT CMPXCHG XADD CBW ... */
extern const struct row_family family_stack;   /* PUSH POP PUSHA ENTER LEAVE PUSHF POPF */
extern const struct row_family family_string;  /* MOVS CMPS SCAS LODS STOS INS OUTS */
extern const struct row_family family_control; /* near Jcc JMP CALL RET LOOP, NOP, hints, UD2 */
extern const struct row_family family_flag;    /* CLC ... STD, LAHF, SAHF, CLI, STI */
extern const struct row_family family_io;      /* IN OUT */
extern const struct row_family family_far;     /* far JMP CALL RET, INT, INTO, INT3, IRET, BOUND */
extern const struct row_family family_fast_call; /* SYSENTER SYSEXIT SYSCALL SYSRET */
extern const struct row_family family_segment; /* MOV Sreg, PUSH/POP Sreg, LDS ... */
extern const struct row_family family_system;  /* LGDT ... CRx DRx MSRs CPUID HLT INVLPG ... */
extern const struct row_family family_x87;     /* D8-DF, WAIT */
extern const struct row_family family_packed;  /* integers in MMX and XMM registers */
extern const struct row_family family_vector_move; /* MOVD ... MOVNTPS, SHUFPS, ANDPS ... */
extern const struct row_family family_sse;      /* arithmetic of singles and doubles */
extern const struct row_family family_sse_convert; /* CVT..., FISTTP */
extern const struct row_family family_3dnow;
extern const struct row_family family_vector_state; /* FXSAVE, MXCSR, EMMS, fences, prefetches */

/* All families, NULL-terminated. */
extern const struct row_family *const families[];
