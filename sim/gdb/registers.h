/* registers: the processor's registers as GDB numbers them: org.gnu.gdb.i386.core (EAX to GS, ST0
 * to ST7, the x87 control registers), then CR0, CR2, CR3 and CR4. The x87 tag word is the full
 * one. */
#pragma once

#include "cpu/cpu.h"

#define GDB_REGISTERS 36
#define GDB_REGISTER_BYTES_MAX 10

extern const char gdb_target_xml[];

/* Bytes of register n: 4, or 10 for ST0..ST7; 0 where there is none. */
unsigned gdb_register_size(unsigned n);
const char *gdb_register_name(unsigned n);
/* Little endian. */
void gdb_register_read(const struct cpu *c, unsigned n, uint8_t *bytes);
/* A write of what is there already does nothing and succeeds. False: this register cannot be
 * written so (control registers; in protected mode segment registers; EFLAGS.VM). */
bool gdb_register_write(struct cpu *c, unsigned n, const uint8_t *bytes);
