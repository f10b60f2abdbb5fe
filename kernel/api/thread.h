/* thread.h: threads. A thread's control block holds its kernel stack, so that a thread may block
 * anywhere in the kernel and the others go on.
 *
 * Blocks are 99 cache lines long, an odd number: their hot first lines spread over all sets of the
 * first-level cache. */
#pragma once

#include <l4/foreign.h>

#include "abi.h"
#include "api/space.h"

enum thread_state {
    INACTIVE = 0, /* exists, but has no UTCB yet: takes part in nothing */
    READY,        /* running, or in a ready queue */
    WAITING,      /* in the receive phase of its own Ipc: the fast path may deliver and resume it */
    WAITING_KERNEL, /* the same for a message that the kernel sent for it (fault, exception) */
    POLLING,      /* in the send phase: linked in its receiver's queue of senders */
    /* sender of a string in transfer; runs, or waits for a pager inside the transfer */
    COPYING,
    LOCKED,       /* receiver of a string in transfer: waits for the sender */
    HALTED,       /* stopped by ExchangeRegisters, or for lack of a pager or handler */
};

/* Reasons why the fast path must leave a thread to ipc.c, as bits of tcb.slow. */
enum thread_slow {
    SLOW_TIMEOUT = 1,   /* linked in the queue of timeouts */
    SLOW_REDIRECT = 2,  /* its space has a redirector */
    SLOW_HALT = 4,      /* is to halt when its Ipc is over */
    SLOW_FOREIGN = 8,   /* its space is foreign: it has paths of its own (arch/foreign_path.S) */
};

/* What INT, or SYSENTER made to look like it, leaves at the top of a kernel stack. */
struct trap_frame {
    word_t edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax; /* PUSHA */
    word_t vector, error;
    word_t eip, cs, eflags, esp, ss;
};

struct tcb {
    /* Line 0: what the fast path reads of a receiver. Offsets are in arch/offsets.h. */
    thread_id_t id;         /* global; 0: no such thread */
    uint16_t state;         /* enum thread_state */
    uint16_t slow;          /* bits of enum thread_slow; 0: the fast path may take it */
    thread_id_t partner;    /* global id sent to or awaited, ANY_THREAD or ANY_LOCAL_THREAD */
    /* the message is one of the kernel's: in kernel_mr, not in the UTCB */
    bool kernel_ipc;
    bool kernel_accepts_map; /* and its answer may map into the complete space */
    bool receive_entered;   /* whoever took its message has entered its receive phase for it */
    bool send_again;        /* its redirector changed: start the send phase anew */
    struct utcb *utcb;      /* the kernel's address of it */
    word_t local_id;        /* the program's address of MR0: what gs:0 holds */
    struct space *space;
    word_t esp;             /* kernel stack pointer while another thread runs: a return address */

    /* Line 1. */
    word_t priority;        /* 0 .. 255 */
    thread_id_t ipc_from;   /* whom the last message came from, as the receiver is to see it */
    struct tcb *senders;    /* threads that poll this one, first come first: circular */
    struct tcb *send_next, *send_prev;   /* in the partner's queue, while POLLING */
    struct tcb *ready_next, *ready_prev; /* in a ready queue; ready_next NULL: in none */
    word_t stack_top;       /* what the TSS's ESP0 is while it runs */

    /* Line 2: what else the kernel's own messages write. */
    thread_id_t recv_from;  /* the receive phase that follows the send phase */
    word_t ipc_result;      /* error word of the Ipc that is ending; 0: none */
    word_t recv_timeout;
    thread_id_t sender_as;  /* the id that the receiver is to see (propagation) */

    /* Of a foreign space: who gets its exceptions, whatever its UTCB says; %gs and %fs while it is
     * not in its program; and it is to stop with an exception as soon as it is back there
     * (foreign.c, arch/foreign.c). int 0x80 leads to the trampoline, if it has one. */
    thread_id_t keeper;
    uint16_t gs, fs;
    bool raised;
    vaddr_t trampoline;

    /* Scheduling. */
    usec_t timeslice_us, timeslice_left_us; /* length 0: never ends */
    usec_t quantum_us, quantum_left_us;     /* total quantum; 0: never ends */
    thread_id_t scheduler;
    word_t sensitive_priority, delay_max_us, delay_left_us;
    usec_t timeout_at;      /* while linked */
    struct tcb *timeout_child, *timeout_next, *timeout_prev; /* a heap: timeout.c */
    struct tcb *space_next, *space_prev;

    /* IPC state that only ipc*.c read. */
    /* while POLLING: the queue it is in, a receiver's or kernel.orphans */
    struct tcb **send_queue;
    /* of a redirected message: whom it was for; NIL_THREAD: not redirected */
    thread_id_t intended;
    word_t kernel_mr[14];

    /* String transfers (ipc_string.c). */
    struct tcb *transfer;     /* the other side; NULL: in no transfer */
    bool transfer_receives;   /* this is the receiver */
    word_t transfer_bytes;    /* sender: of string data moved so far */
    word_t transfer_stop;     /* sender: how it is to end at once: TRANSFER_CODES; 0: go on */
    word_t transfer_expires;  /* sender: how its timeout ends it; 0: no fault yet, no timeout */
    vaddr_t transfer_fault;   /* receiver: the address it is to have paged in */

    /* What else the processor has of a foreign thread (arch/foreign.c). */
    word_t tls[L4_TLS_ENTRIES][2];
    struct l4_state_debug debug;

    bool out_of_quantum;      /* HALTED, or about to be, until Schedule gives it a new quantum */
    bool irq_masked;          /* interrupt threads: a message is out and not acknowledged */
    bool fpu_used;            /* fpu holds a state */
    vaddr_t utcb_location;  /* as ThreadControl gave it, before activation; -1: not given */

    uint8_t fpu[512] __attribute__((aligned(16)));
    uint8_t stack[];        /* to TCB_SIZE */
};
#define TCB_SIZE (99u * CACHE_LINE)

static inline struct trap_frame *thread_frame(struct tcb *t)
{
    return (struct trap_frame *)(t->stack_top - sizeof(struct trap_frame));
}

/* The thread with this global id (right version), or local id in the space; NULL: none. */
struct tcb *thread_find(thread_id_t global);
struct tcb *thread_find_local(struct space *s, thread_id_t local);
struct tcb *thread_find_any(struct space *s, thread_id_t id); /* either kind */
struct tcb *thread_by_number(word_t number); /* any version; NULL: none */

struct tcb *thread_new(thread_id_t id, struct space *s); /* INACTIVE; NULL: no memory */
void thread_delete(struct tcb *t); /* not the running one; its space goes with its last thread */
/* The list of a space's threads; the space is deleted when its last one leaves. */
void thread_enter_space(struct tcb *t, struct space *s);
void thread_leave_space(struct tcb *t);
void thread_set_utcb(struct tcb *t, struct utcb *u); /* the memory at t->utcb_location */
enum l4_error thread_activate(struct tcb *t, thread_id_t pager); /* then waits for its start */

/* Starts one of the first servers: active and ready at (ip, sp) with priority 255. */
struct tcb *thread_start_server(word_t number, struct space *s, vaddr_t utcb, word_t ip, word_t sp);

/* How t is to see `other`: a local id within a space, else the global one. */
static inline thread_id_t thread_id_seen_by(const struct tcb *t, const struct tcb *other)
{
    return t->space == other->space ? other->local_id : other->id;
}
