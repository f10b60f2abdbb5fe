/* cpu.h: the processor's own instructions, and what arch/'s files offer each other. */
#pragma once

#include "arch/arch.h"

#define CR0_EM 0x04u
#define CR0_TS 0x08u
#define CR4_PGE        0x080u
#define CR4_OSFXSR     0x200u
#define CR4_OSXMMEXCPT 0x400u

#define MSR_SYSENTER_CS  0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

static inline word_t read_cr0(void)
{
    word_t v;
    __asm__ volatile("movl %%cr0, %0" : "=r"(v));
    return v;
}

static inline void write_cr0(word_t v)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(v) : "memory");
}

static inline word_t read_cr2(void)
{
    word_t v;
    __asm__ volatile("movl %%cr2, %0" : "=r"(v));
    return v;
}

static inline void write_cr3(word_t v)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(v) : "memory");
}

static inline word_t read_cr4(void)
{
    word_t v;
    __asm__ volatile("movl %%cr4, %0" : "=r"(v));
    return v;
}

static inline void write_cr4(word_t v)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(v) : "memory");
}

static inline void invlpg(word_t la)
{
    __asm__ volatile("invlpg (%0)" : : "r"(la) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint64_t v;
    __asm__ volatile("rdtsc" : "=A"(v));
    return v;
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* --- cpu.c: what the processor can do -------------------------------------------------------- */
void cpu_init(void);        /* fills kernel.has_*; stops if something needed is missing */
bool cpu_has_fpu(void);
bool cpu_has_msr(void);
bool cpu_has_sse(void);

/* --- entry.S --------------------------------------------------------------------------------- */
void stack_switch(word_t *save, word_t load);
void return_to_user(void);
void thread_call(void);
bool msr_read(word_t msr, word_t value[2]);
bool msr_write(word_t msr, const word_t value[2]);
bool segment_limits(void);
void enter_page_fault(void);
void enter_ipc(void);
void enter_exchange_registers(void);
void enter_thread_control(void);
void enter_system_clock(void);
void enter_thread_switch(void);
void enter_schedule(void);
void enter_unmap(void);
void enter_space_control(void);
void enter_processor_control(void);
void enter_memory_control(void);
void enter_foreign_state(void);

/* --- fast_path.S ----------------------------------------------------------------------------- */
void enter_ipc_fast(void);
void enter_page_fault_fast(void); /* fault_path.S */
void enter_lipc_fast(void);
void enter_sysenter(void);
void leave_sysexit(void);

/* --- switch.c -------------------------------------------------------------------------------- */
void switch_init(void);
void space_activate(struct space *s); /* its segments, and CR3 if it is a large one */
void space_activate_again(struct space *s);
void ipc_entry_init(bool fast); /* the gate for Ipc; fast: short messages by fast_path.S */
void ipc_entry_select(void);    /* after kernel.live changed */
/* --- foreign_path.S -------------------------------------------------------------------------- */
void enter_ipc_foreign(void);
void enter_page_fault_foreign(void);
void enter_general_protection(void);

/* --- paging.c -------------------------------------------------------------------------------- */
extern pte_t kernel_directory[1024];
void paging_init(void);
void kernel_page_set(word_t index, paddr_t pa); /* one of the pages from KERNEL_PAGES on */
void paging_share_gs(void); /* before there are spaces */

/* --- fpu.c ----------------------------------------------------------------------------------- */
void fpu_init(void);
bool fpu_take(void);         /* for the running thread, after #NM; false: there is no x87 */
void fpu_leave(void);        /* the running thread, whose x87 is live, is left */

/* --- foreign.c ------------------------------------------------------------------------------- */
void foreign_switch(struct tcb *from, struct tcb *to); /* one of them at least is foreign */
word_t foreign_debug_status(void); /* DR6, which is cleared */

/* --- ports.c --------------------------------------------------------------------------------- */
void ports_init(void);       /* programs get IOPL 0 and bitmaps; before there are any */
/* The running thread's #GP: was it for a port? Then it is settled, and the instruction is to be
 * tried again. */
bool ports_fault(struct trap_frame *f);

/* --- init.c ---------------------------------------------------------------------------------- */
void init(word_t magic, paddr_t information) __attribute__((noreturn));

/* --- traps.c --------------------------------------------------------------------------------- */
struct trap_frame *trap(struct trap_frame *f); /* returns the frame to go on with */
struct trap_frame *interrupt(struct trap_frame *f);
void double_fault(void) __attribute__((noreturn));
