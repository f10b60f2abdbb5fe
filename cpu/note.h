/* note: what an instruction tells the timing model beside its accesses. Written to the access log
 * as ACCESS_NOTE (level = enum note, la = value), in program order, only on timed models. Semantics
 * say which case ran, never what it costs. */
#pragma once

#include "mmu/mmu.h"

enum note {
    /* value: iterations of a REP chunk, bits shifted or scanned, levels ... */
    NOTE_COUNT = NOTE_MMU_LIMIT,
    NOTE_REP_START, /* a REP instruction began (not a continuation after a chunk) */

    /* delivery of an interrupt or exception; value: enum delivery_source */
    NOTE_INT_REAL,
    NOTE_INT_SAME,  /* protected mode, same privilege */
    NOTE_INT_INNER, /* protected mode, to an inner privilege: stack switch */
    NOTE_INT_V86,   /* from virtual-8086 mode to privilege 0 */
    NOTE_INT_TASK,  /* through a task gate; a NOTE_TASK_* follows */
    NOTE_INT_VME,   /* VME: redirected to the V86 program's own table */

    NOTE_IRET_REAL,
    NOTE_IRET_SAME,
    NOTE_IRET_OUTER,
    NOTE_IRET_V86,
    NOTE_IRET_TASK,

    NOTE_FAR_REAL, /* far JMP, CALL, RET in real or V86 mode */
    NOTE_FAR_SAME, /* to a code segment, same privilege */
    NOTE_FAR_GATE_SAME,
    NOTE_FAR_GATE_INNER, /* value: parameters copied */
    NOTE_FAR_TSS,
    NOTE_FAR_TASK_GATE,
    NOTE_RET_OUTER,

    NOTE_TASK_32, /* a task switch to a 32-bit TSS */
    NOTE_TASK_16,
    NOTE_TASK_V86,

    NOTE_SEGMENT_REAL, /* a data segment register was loaded: real or V86 mode */
    NOTE_SEGMENT_SAME, /* protected, the selector it already held (or null) */
    NOTE_SEGMENT_NEW,  /* protected, another selector: descriptor read */
    NOTE_SEGMENT_SS,   /* in addition: it was SS */

    NOTE_IO_REAL,    /* port access in real mode; value: port */
    NOTE_IO_ALLOWED, /* CPL <= IOPL */
    NOTE_IO_BITMAP,  /* through the TSS's permission bitmap */
    NOTE_IO_V86,

    NOTE_X87_SPECIAL, /* an x87 operand was zero, infinite, NaN or denormal; own value */
    NOTE_X87_COUNT,   /* value: exponent difference (FPREM), digits ... */
    NOTE_POWER_OF_TWO, /* a division, and the divisor's mantissa has one bit; SSE: in every lane
                          that, or a zero is divided */
    NOTE_INTA,        /* the interrupt acknowledge cycles ran */

    /* what leaves TLBs or caches otherwise than by replacement: the timing model takes no notice */
    NOTE_CR3_LOAD,
    NOTE_TLB_FLUSH,   /* CR0.PG, CR4.PSE or what else empties the TLBs was changed */
    NOTE_TLB_DROP,    /* INVLPG; value: linear address */
    NOTE_PAGE_FAULT,  /* value: linear address; its entries were dropped */
    NOTE_CACHE_FLUSH, /* INVD and WBINVD, behind what the latter wrote back */
    NOTE_LINE_FLUSH,  /* CLFLUSH; value: linear address */

    NOTE_PREFETCH, /* value: linear address; what came of it, if anything, precedes */

    NOTE_FAST_ENTRY, /* SYSENTER, SYSCALL; value: where to */
    NOTE_FAST_EXIT,  /* SYSEXIT, SYSRET */
    NOTE_LIMIT
};

enum delivery_source {
    SOURCE_SOFTWARE,  /* INT n */
    SOURCE_INT3,
    SOURCE_INTO,
    SOURCE_FAULT,     /* fault or trap found by the processor */
    SOURCE_EXTERNAL,  /* INTR */
    SOURCE_NMI,
    SOURCE_ICEBP,
};
