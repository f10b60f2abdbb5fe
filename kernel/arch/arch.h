/* arch.h: what the rest of the kernel asks of the processor. */
#pragma once

#include "api/space.h"
#include "api/thread.h"

/* --- switching ----------------------------------------------------------------------------------
 * arch_switch saves the caller's registers and ESP on from's stack and continues `to` where it
 * left off: address space, segments, gs:0, TSS, x87 ownership. */
void arch_switch(struct tcb *from, struct tcb *to);
/* The same when `from` waits in an Ipc of its own, so that nothing on its stack is needed any
 * more: it goes on as the fast path would let it. */
void arch_switch_ipc(struct tcb *from, struct tcb *to) __attribute__((noreturn));

/* Puts t's stack into the state of a thread that will go to user mode at (ip, sp) when switched
 * to, with the flags and selectors of a new thread. */
void arch_thread_start(struct tcb *t, word_t ip, word_t sp);
/* The same for a thread that will run fn(t) in the kernel first and then, if that returns, go to
 * user mode with its frame. */
void arch_thread_call(struct tcb *t, void (*fn)(struct tcb *));
/* The idle thread: HLT with interrupts on, for ever. */
void arch_idle(void) __attribute__((noreturn));
void ports_hide(const struct space *s); /* its bitmap is not to be seen by the processor */
void arch_fpu_drop(struct tcb *t); /* a dying thread owns no x87 state */
/* The state of a thread that is not running, in the processor's layout; false: it has used none. */
bool arch_fpu_get(struct tcb *t, void *to);
void arch_fpu_set(struct tcb *t, const void *from);
word_t arch_fpu_bytes(void);

/* Foreign threads that are not running (arch/foreign.c). False: the processor could be brought to
 * do what it must not. */
bool arch_foreign_set_tls(struct tcb *t, const struct l4_state_tls *s);
bool arch_foreign_set_debug(struct tcb *t, const struct l4_state_debug *s);
/* The running one's %gs and %fs, as its message says them; and those of the answer. */
static inline void arch_foreign_segments(word_t *gs, word_t *fs)
{
    __asm__ volatile("movl %%gs, %0\n\tmovl %%fs, %1" : "=r"(*gs), "=r"(*fs));
    *gs &= 0xFFFF; /* the upper halves are undefined [SDM2 MOV] */
    *fs &= 0xFFFF;
}
void arch_foreign_set_segments(struct tcb *t, word_t gs, word_t fs);
void arch_foreign_drop(struct tcb *t); /* a dying thread's descriptors are nobody's */

/* Interrupts are off in the kernel; here they come in, and other threads may run. */
static inline void preemption_point(void)
{
    __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
}

#define USER_FLAGS_MASK 0x8D5u /* CF PF AF ZF SF OF: what programs may change through the kernel */
#define USER_FLAGS      0x3202u
#define EFLAGS_IOPL     0x3000u
/* Of a foreign space: what POPF may change at IOPL 0, and RF, by which a breakpoint is passed. */
#define FOREIGN_FLAGS_MASK 0x254DD5u /* ID AC RF NT OF DF TF SF ZF AF PF CF */
#define FOREIGN_FLAGS      0x000202u
word_t user_flags_now(void); /* without IOPL if ports are mapped as fpages */

/* --- page tables --------------------------------------------------------------------------------
 *    31               12 11   9 8 7 6 5 4   3   2 1 0
 *   | frame              |      |G|S|D|A|PCD|PWT|U|W|P|     S: 4 MB page, in the directory only
 */
typedef word_t pte_t;
#define PTE_P   0x001u
#define PTE_W   0x002u
#define PTE_U   0x004u
#define PTE_PWT 0x008u
#define PTE_PCD 0x010u
#define PTE_A   0x020u
#define PTE_D   0x040u
#define PTE_S   0x080u
#define PTE_G   0x100u

static inline pte_t *directory_of(const struct space *s)
{
    return (pte_t *)direct(s->directory);
}

bool arch_space_init(struct space *s); /* a directory with the kernel's half, and its nodes */
void arch_space_free(struct space *s);
/* The entry for va, and the node beside it: creates the page table if `create` (NULL: no memory).
 * *large tells whether it is the directory's own entry for a 4 MB page. */
pte_t *page_entry(struct space *s, vaddr_t va, bool create, bool *large);
/* The pointer that belongs to an entry, in the other frame of the two, which are aligned to their
 * size. Half a page further on: at the same place the two, with those of another space's table for
 * the same address, would compete for the two lines that the Pentium's first-level cache has for
 * each place in a page. */
static inline struct mapping **page_node(const pte_t *entry)
{
    return (struct mapping **)((uintptr_t)entry ^ (PAGE_SIZE | PAGE_SIZE / 2));
}

/* After an entry of s changed from present: the stale TLB entry goes, in the small area too. */
void tlb_flush_page(struct space *s, vaddr_t va);
void tlb_flush_all(void);
/* A kernel address for one frame, beyond the direct map, too; until the next call. */
void *frame_window(paddr_t pa);
/* A small space's page table appeared, changed or went: its slot in the other directories
 * follows. */
void small_area_changed(struct space *s);
/* The user page fault at linear address `la` was only a small-area directory entry not yet
 * copied. */
bool small_area_resolve(word_t la);
void space_segments(struct space *s); /* recomputes s->segment* from small_base, small_size */

/* --- kernel interface page and processor ----------------------------------------------------- */
word_t arch_processor_khz(void);

/* Microseconds as the SystemClock stub computes them in user mode, bit for bit. */
usec_t arch_clock_us(void);
