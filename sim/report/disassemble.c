#include "sim/report/disassemble.h"

#include "sim/core/check.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>

struct disassembler {
    csh handle;
};

struct disassembler *disassembler_new(void)
{
    struct disassembler *d = xalloc(1, sizeof *d);
    CHECK(cs_open(CS_ARCH_X86, CS_MODE_32, &d->handle) == CS_ERR_OK);
    return d;
}

void disassembler_free(struct disassembler *d)
{
    cs_close(&d->handle);
    free(d);
}

void disassemble(struct disassembler *d, const uint8_t *bytes, unsigned length, laddr_t la,
                 char *text, size_t size)
{
    cs_insn *insn = NULL;
    if (cs_disasm(d->handle, bytes, length, la, 1, &insn) == 1) {
        snprintf(text, size, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        cs_free(insn, 1);
        return;
    }
    size_t at = (size_t)snprintf(text, size, "(bytes");
    for (unsigned i = 0; i < length && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " %02x", bytes[i]);
    if (at < size)
        snprintf(text + at, size - at, ")");
}
