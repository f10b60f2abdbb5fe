// syscalls.h: the system calls of L4 API X.2 on IA-32 [L4X2 2]: their words here, one inline
// function each in bindings.h. A result of 0 means failure, with the reason in l4_error_code().
#pragma once

#include <l4/foreign.h>
#include <l4/kip.h>
#include <l4/types.h>
#include <l4/utcb.h>

// The addresses of the stubs in the running space.
struct l4_stubs {
    word_t space_control, thread_control, processor_control, memory_control;
    word_t ipc, lipc, unmap, exchange_registers, system_clock, thread_switch, schedule;
};

extern struct l4_stubs l4_stubs;

static inline void l4_find_stubs(struct l4_stubs *stubs, const struct l4_kip *kip)
{
    word_t base = (word_t)(uintptr_t)kip;
    *stubs = (struct l4_stubs){
        .space_control = base + kip->space_control,
        .thread_control = base + kip->thread_control,
        .processor_control = base + kip->processor_control,
        .memory_control = base + kip->memory_control,
        .ipc = base + kip->ipc,
        .lipc = base + kip->lipc,
        .unmap = base + kip->unmap,
        .exchange_registers = base + kip->exchange_registers,
        .system_clock = base + kip->system_clock,
        .thread_switch = base + kip->thread_switch,
        .schedule = base + kip->schedule,
    };
}

// ErrorCode after a failed system call [L4X2 4.7]; Ipc has its own (ipc.h).
enum l4_error {
    L4_ERROR_OK = 0,
    L4_ERROR_NO_PRIVILEGE = 1,
    L4_ERROR_INVALID_THREAD = 2,
    L4_ERROR_INVALID_SPACE = 3,
    L4_ERROR_INVALID_SCHEDULER = 4,
    L4_ERROR_INVALID_PARAMETER = 5,
    L4_ERROR_UTCB_AREA = 6,
    L4_ERROR_KIP_AREA = 7,
    L4_ERROR_NO_MEMORY = 8,
};

// ---- Threads ----------------------------------------------------------------------------------

// ExchangeRegisters control bits [L4X2 4.9]; the low three are also its output.
#define L4_EXREGS_HALT 0x001u // in: new halt state (with APPLY_HALT); out: was halted
#define L4_EXREGS_RECEIVE 0x002u
#define L4_EXREGS_SEND 0x004u
#define L4_EXREGS_SP 0x008u
#define L4_EXREGS_IP 0x010u
#define L4_EXREGS_FLAGS 0x020u
#define L4_EXREGS_HANDLE 0x040u
#define L4_EXREGS_PAGER 0x080u
#define L4_EXREGS_APPLY_HALT 0x100u
#define L4_EXREGS_DELIVER 0x200u

struct l4_exchange {
    l4_thread_id thread; // in: the thread; out: its other id form, nil on error
    word_t control, sp, ip, flags, user_handle, pager;
};

#define L4_UTCB_UNCHANGED 0xFFFFFFFFu

// Thread states that Schedule returns [L4X2 4.10].
enum l4_thread_state {
    L4_STATE_ERROR = 0,
    L4_STATE_DEAD = 1,
    L4_STATE_INACTIVE = 2,
    L4_STATE_RUNNING = 3,
    L4_STATE_PENDING_SEND = 4,
    L4_STATE_SENDING = 5,
    L4_STATE_WAITING = 6,
    L4_STATE_RECEIVING = 7,
};

#define L4_UNCHANGED 0xFFFFFFFFu

#define L4_UNMAP_FLUSH 0x40u // also out of the caller's own space

enum l4_memory_attribute {
    L4_ATTRIBUTE_DEFAULT = 0,
    L4_ATTRIBUTE_WRITE_BACK = 1,
    L4_ATTRIBUTE_WRITE_THROUGH = 2,
    L4_ATTRIBUTE_UNCACHED_MINUS = 3,
    L4_ATTRIBUTE_UNCACHEABLE = 4,
    L4_ATTRIBUTE_WRITE_COMBINING = 5,
    L4_ATTRIBUTE_WRITE_PROTECTED = 8,
};

// ---- The calls, and their usual forms ---------------------------------------------------------

#include <l4/bindings.h>

static inline void l4_yield(void)
{
    l4_thread_switch(L4_NIL_THREAD);
}

static inline word_t l4_set_priority(l4_thread_id thread, word_t priority)
{
    return l4_schedule(thread, L4_UNCHANGED, L4_UNCHANGED, priority, L4_UNCHANGED, NULL);
}

// One page: revokes the rights in it from everyone who has it from here, and with flush from the
// own space. Returns the page with the status bits in place of its rights.
static inline l4_fpage l4_unmap_fpage(l4_fpage fpage, bool flush)
{
    l4_set_mr(0, fpage);
    l4_unmap(flush ? L4_UNMAP_FLUSH : 0);
    return l4_mr(0);
}
