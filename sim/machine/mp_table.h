/* mp_table: what a BIOS writes for the operating system where there is a local APIC: the
 * multiprocessor specification's floating pointer and table [MPS 4], for one processor in PIC
 * mode, which the IMCR ends. There is no I/O APIC on these boards, and so none in the table. */
#pragma once

#include "cpu/cpu.h"

/* Into the BIOS's segment. */
void mp_table_write(struct cpu *c);
