/* decode: from code bytes to struct op, by tables built once from the rows. */
#pragma once

#include "cpu/cpu.h"

/* What a decoded instruction depends on besides its bytes. */
enum {
    MODE_32 = 1 << 0,        /* CS.D */
    MODE_PROTECTED = 1 << 1, /* not real, not V86 */
    MODE_V86 = 1 << 2,
    MODE_CPL_SHIFT = 3,      /* CPL in bits 3-4 */
};

struct decoder *decoder_new(const struct identity *identity);
void decoder_free(struct decoder *d);

/* Decodes one instruction at eip from the available bytes into *o (all but timing). Returns its
 * length, or 0 if it does not end within the bytes given. An invalid instruction decodes into one
 * whose body raises #UD; one longer than 15 bytes into one that raises #GP(0). */
unsigned decode(const struct decoder *d, uint32_t mode, uint32_t eip, const uint8_t *bytes,
                unsigned available, struct op *o);

/* The row an encoding belongs to, NULL if none: for tests and documentation. */
const struct row *decoder_row(const struct decoder *d, bool two_byte, uint8_t opcode,
                              uint8_t modrm);
