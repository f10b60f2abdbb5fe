/* rows: the instruction families. Each family is one file with its rows and, beside them,
 * bodies. */
#pragma once

#include "cpu/op.h"

struct row_family {
    const struct row *rows;
    unsigned count;
};

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
extern const struct row_family family_segment; /* MOV Sreg, PUSH/POP Sreg, LDS ... */
extern const struct row_family family_system;  /* LGDT ... CRx DRx MSRs CPUID HLT INVLPG ... */
extern const struct row_family family_x87;     /* D8-DF, WAIT */

/* All families, NULL-terminated. */
extern const struct row_family *const families[];
