/* state.h: all global state of the kernel, in one place (state.c defines it). */
#pragma once

#include "api/mapping.h"
#include "api/thread.h"
#include "memory/kmem.h"

#define PRIORITIES 256

#define LIVE_FPU   1u /* TS is clear: leaving the owner must set it */
#define LIVE_PORTS 2u /* a bitmap of ports is behind the TSS: leaving its space must hide it */

struct kernel {
    /* One cache line that every IPC reads: offsets in arch/offsets.h. */
    struct tcb *current;
    struct space *active_space;  /* whose page directory CR3 holds: a large one */
    struct space *segment_space; /* whose segments are loaded: the running thread's */
    word_t ready_top;            /* highest priority in a ready queue; -1: all are empty (signed) */
    struct tcb **threads;        /* by number: THREAD_NUMBERS pointers */
    word_t *gs_word;             /* kernel address of the word at gs:0 */
    word_t *tss_esp0;            /* where INT takes its stack pointer from */
    struct tcb *fpu_owner;       /* whose x87 state is in the registers; TS is clear only for it */

    word_t live;                 /* LIVE_ bits: what whoever is switched to must not find */
    word_t fast_path;            /* short messages take arch/fast_path.S */
    word_t small_spaces;         /* how many there are */
    word_t ipc_general;          /* why the gate of Ipc leads to the general path; 0: it does not */
    struct tcb *tls_owner;       /* the foreign thread whose descriptors the GDT has */
    struct tcb *idle;
    struct tcb *ready[PRIORITIES]; /* first of each circular queue */
    word_t ready_bits[PRIORITIES / 32];
    struct tcb *timeouts;          /* the heap's first: the earliest */
    struct tcb *orphans;           /* senders whose space's redirector does not exist: circular */
    struct tcb *donee;             /* runs on time that ThreadSwitch gave it, at donated_priority */
    word_t donated_priority;
    usec_t donated_us;             /* what is left of it */
    struct space *spaces;
    struct space *dying;         /* without threads: space_bury */
    struct space *sigma0_space, *sigma1_space, *root_space;
    thread_id_t interrupt_handler[SYSTEM_BASE];
    usec_t last_charge;          /* when the running thread was last charged for its time */
    bool has_sysenter, has_pge, has_fxsr;
    bool has_limits;             /* segment limits are checked: not so in some emulators */
    word_t mxcsr_mask;           /* the bits that it may have set */
    word_t tsc_khz;
    word_t clock_scale;          /* 2^32 * 1000 / tsc_khz: microseconds = TSC * clock_scale >> 32 */

    bool ports_by_fpage;         /* option ioports=fpages: IOPL 0 and bitmaps */
    struct space *ports_space;   /* whose bitmap is behind the TSS, while LIVE_PORTS */
    struct ports *ports;         /* all spaces that have, or had, any */
    struct kmem_pool ports_pool, port_range_pool;

    struct mapping *splitting;   /* made ready for its split, up to this frame; or NULL */
    word_t split_done, split_region;
    struct kmem_pool tcb_pool, space_pool, mapping_pool;
    struct kmem kmem;
    struct mapping_region regions[MAPPING_REGIONS]; /* of physical memory, 4 MB each */
};
extern struct kernel kernel;

static inline struct tcb *current(void)
{
    return kernel.current;
}
