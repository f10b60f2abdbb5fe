/* syscalls.h: the system calls as the entry code calls them. Each reads its arguments from the
 * frame's registers and writes its results there, as section 2 of the ABI has them. */
#pragma once

#include "api/thread.h"

void sys_ipc(struct trap_frame *f);
void sys_exchange_registers(struct trap_frame *f);
void sys_thread_control(struct trap_frame *f);
void sys_system_clock(struct trap_frame *f);
void sys_thread_switch(struct trap_frame *f);
void sys_schedule(struct trap_frame *f);
void sys_unmap(struct trap_frame *f);
void sys_space_control(struct trap_frame *f);
void sys_processor_control(struct trap_frame *f);
void sys_memory_control(struct trap_frame *f);
void sys_foreign_state(struct trap_frame *f);

/* The vector of each, in this order from VECTOR_IPC on; the stubs in the kernel interface page
 * and the gates in arch/segments.c use these. */
enum syscall_vector {
    VECTOR_IPC = 0x30,
    VECTOR_LIPC,
    VECTOR_EXCHANGE_REGISTERS,
    VECTOR_THREAD_CONTROL,
    VECTOR_SYSTEM_CLOCK,
    VECTOR_THREAD_SWITCH,
    VECTOR_SCHEDULE,
    VECTOR_UNMAP,
    VECTOR_SPACE_CONTROL,
    VECTOR_PROCESSOR_CONTROL,
    VECTOR_MEMORY_CONTROL,
    VECTOR_FOREIGN_STATE,
    VECTOR_SYSCALL_END,
};
