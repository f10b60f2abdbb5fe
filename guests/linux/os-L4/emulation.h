/* SPDX-License-Identifier: GPL-2.0-only */
/* emulation.h: what emulation.S and the layer know of each other: addresses in a process, and the
 * message of a system call.
 *
 *      MR0  tag        MR1 .. MR10  EAX EBX ECX EDX ESI EDI EBP ESP FS:GS EIP
 *      and the answer: MR0 tag,    MR1  EAX
 */
#pragma once

/* Where a process has its emulation page, its thread's control block and its kernel interface
 * page: above what Linux takes for the top of its memory. */
#define PROCESS_TOP       0xBF000000
#define PROCESS_EMULATION 0xBFD00000
#define PROCESS_UTCBS     0xBFE00000
#define PROCESS_KIP       0xBFF00000

/* Not at the page's start: there is the server's, and both with a third would compete for two lines
 * of a Pentium's cache. */
#define PROCESS_UTCB      (PROCESS_UTCBS + 0x600)

#define CALL_WORDS 10
#define CALL_TAG   (0x80 << 16 | CALL_WORDS)
