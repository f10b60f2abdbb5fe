/* debug: the debug registers [SDM3 17.2].
 *
 *   DR7  31 30 29 28 ... 19 18 17 16   13  9  8   7  6  5  4  3  2  1  0
 *        LEN3  R/W3  ... LEN0  R/W0    GD  GE LE  G3 L3 G2 L2 G1 L1 G0 L0
 *   DR6  15 BT  14 BS  13 BD  3..0 B3..B0
 *
 * R/W: 0 execution, 1 writes, 2 ports (with CR4.DE), 3 reads and writes. Data and port breakpoints
 * are traps: hits collect in cpu->debug_hits and become #DB after the instruction. Ask
 * debug_armed(c) first. Undefined here: LEN 2 counts as one byte, R/W 2 without CR4.DE never
 * hits. */
#pragma once

#include "cpu/cpu.h"

enum {
    DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15,
    DR6_WRITABLE = 0xE00F,
    DR7_GD = 1 << 13,
    DR7_LOCAL = 0x155, /* L0..L3 and LE: a task switch clears them */
};
#define DR6_FIXED 0xFFFF0FF0u
#define DR7_WRITABLE 0xFFFF23FFu
#define DR7_FIXED 0x400u

/* Whether an execution breakpoint lies at la; sets its bits in DR6. The caller looks at RF. */
bool debug_instruction_hit(struct cpu *c, laddr_t la);
/* Called when DR7, a debugger's watches or the privilege changed: while a data breakpoint is armed
 * every access goes the slow way, where debug_data sees it. Leaves the state and timing of accesses
 * as they were. */
void debug_apply(struct cpu *c);
/* Collects the data breakpoints that an access of size bytes at la touches; stops the run for a
 * debugger's watches. Ask debug_watches(c) first. */
void debug_data(struct cpu *c, laddr_t la, unsigned size, bool write);
/* ... and the port breakpoints. */
void debug_io(struct cpu *c, uint16_t port, unsigned size);

/* Whether what breakpoint i covers (its address and DR7's length) meets these bytes or ports. */
bool debug_covers(const struct cpu *c, unsigned i, uint32_t first, uint32_t size);

/* MOV from and to DR0-7: aliases, fixed bits, #UD and #DB (general detect). */
uint32_t debug_read(struct cpu *c, unsigned index);
void debug_write(struct cpu *c, unsigned index, uint32_t value);
