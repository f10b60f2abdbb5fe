/* disassemble: one instruction as text, by Capstone, in Intel syntax. */
#pragma once

#include "sim/core/types.h"

struct disassembler;

struct disassembler *disassembler_new(void);
void disassembler_free(struct disassembler *d);
/* "add eax, dword ptr [ebx]"; bytes in hex where Capstone knows no instruction. 32-bit code. */
void disassemble(struct disassembler *d, const uint8_t *bytes, unsigned length, laddr_t la,
                 char *text, size_t size);
