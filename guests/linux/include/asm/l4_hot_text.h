/* SPDX-License-Identifier: GPL-2.0-only */
/* l4_hot_text.h: what every system call runs, in one page of the image, and behind it what every
 * page fault runs. Left to the order of the files, a call's code lies in five pages, and by luck of
 * the linker these share a set of the Pentium's code TLB, which has four ways: then each call walks
 * page tables. arch/um/kernel/uml.lds.S puts it first (linux.patch). */
#define L4_HOT_TEXT                                                                     \
    . = ALIGN(PAGE_SIZE);                                                           \
    *(.text.userspace .text.library_call .text.library_place)                       \
    *(.text.standin_run)                                                            \
    *(.text.library_can_answer .text.interrupt_end .text.singlestepping)            \
    *(.text.handle_syscall .text.syscall_trace_enter .text.syscall_trace_leave)     \
    *(.text.memcpy .text.sys_getpid .text.__task_pid_nr_ns)                         \
    *(.text.library_page .text.library_busy .text.state_bring_other)                \
    *(.text.um_set_signals .text.unblock_signals* .text.block_signals)              \
    *(.text.segv .text.handle_page_fault .text.layer_page_of .text.layer_page_there)
