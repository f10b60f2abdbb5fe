/* instruction.c: see instruction.h; encodings from [SDM2 MOV, POP, LDS, RDMSR, WRMSR]. */
#include "arch/instruction.h"

#define LENGTH_MAX 15

struct reader {
    struct space *space;
    vaddr_t at;
    word_t count;
};

static bool next_byte(struct reader *r, uint8_t *byte)
{
    return r->count++ < LENGTH_MAX && space_read(r->space, r->at++, byte, 1);
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || (byte & 0xE7) == 0x26 || byte == 0x64 || byte == 0x65 ||
           byte == 0xF2 || byte == 0xF3;
}

/* Passes over a ModRM byte and what belongs to it, 32-bit addressing. */
static bool pass_modrm(struct reader *r)
{
    uint8_t modrm, sib = 0;
    if (!next_byte(r, &modrm))
        return false;
    word_t mod = modrm >> 6, rm = modrm & 7, displacement = 0;
    if (mod != 3 && rm == 4 && !next_byte(r, &sib))
        return false;
    if (mod == 1)
        displacement = 1;
    else if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
        displacement = 4;
    r->count += displacement;
    r->at += displacement;
    return true;
}

bool instruction_read(struct space *s, vaddr_t eip, struct instruction *i)
{
    struct reader r = {s, eip, 0};
    uint8_t byte;
    word_t operand_size = 4;

    do {
        if (!next_byte(&r, &byte))
            return false;
        if (byte == 0x66)
            operand_size = 2;
        if (byte == 0x67)
            return false;
    } while (is_prefix(byte));
    i->opcode = byte;
    if (byte == 0x0F) {
        if (!next_byte(&r, &byte))
            return false;
        i->opcode = 0x0F00 | byte;
    }
    i->pops = 0;
    i->loads_segment = true;
    switch (i->opcode) {
    case 0x07: case 0x17: case 0x1F: case 0x0FA1: case 0x0FA9: /* POP ES, SS, DS, FS, GS */
        i->pops = operand_size;
        break;
    case 0x8E: /* MOV Sw,Ew */
        if (!pass_modrm(&r))
            return false;
        break;
    case 0x0F30: case 0x0F32: /* WRMSR, RDMSR */
        i->loads_segment = false;
        break;
    default:
        return false;
    }
    i->length = r.count;
    return true;
}
