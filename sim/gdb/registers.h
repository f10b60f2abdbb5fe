/* registers: the processor's registers as GDB numbers them: org.gnu.gdb.i386.core (EAX to GS, ST0
 * to ST7, the x87 control registers), then what a kernel's writer wants beside them: CR0, CR2, CR3
 * and CR4, where segments and tables begin, the privilege level, and two that no processor has:
 * `cycle`, the machine's clock, and `retired`, the instructions so far; last, where the machine has
 * SSE, org.gnu.gdb.i386.sse: XMM0 to XMM7 and MXCSR. The x87 tag word is the full one. */
#pragma once

#include "cpu/cpu.h"

#define GDB_REGISTER_BYTES_MAX 16

const char *gdb_target_xml(const struct cpu *c);

/* Bytes of register n: 4, 10 for ST0..ST7, 8 for cycle and retired, 16 for XMM0..XMM7; 0 where
 * there is none, and from then on. */
unsigned gdb_register_size(const struct cpu *c, unsigned n);
const char *gdb_register_name(unsigned n);
/* Little endian. */
void gdb_register_read(const struct cpu *c, unsigned n, uint8_t *bytes);
/* A write of what is there already does nothing and succeeds. False: this register cannot be
 * written so (control registers and all behind them; in protected mode segment registers;
 * EFLAGS.VM; reserved bits of MXCSR). */
bool gdb_register_write(struct cpu *c, unsigned n, const uint8_t *bytes);
