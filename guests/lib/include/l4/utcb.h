// utcb.h: the running thread's control block: message registers, buffer registers and thread
// control registers [L4X2 3]. gs:[0] holds the address of MR0, which is the thread's local id; BRs
// and TCRs lie below it. A TCR is fetched by the kernel when it needs it, so a plain store works.
//
//   -192 BR32 ... -64 BR0 | -60 my global id | -56 processor | -52 user handle | -48 pager
//   -44 exception handler | -40 flags | -36 error | -32 xfer timeouts | -28 intended receiver
//   -24 virtual/actual sender | -20, -16 thread words | 0 MR0 ... 252 MR63
#pragma once

#include <l4/my_utcb.h>
#include <l4/types.h>

#define L4_UTCB_SIZE 512u
#define L4_UTCB_MR_OFFSET 0x100u // from the UTCB location to MR0

enum l4_tcr {
    L4_TCR_MY_GLOBAL_ID = -15,
    L4_TCR_PROCESSOR_NO = -14,
    L4_TCR_USER_HANDLE = -13,
    L4_TCR_PAGER = -12,
    L4_TCR_EXCEPTION_HANDLER = -11,
    L4_TCR_FLAGS = -10, // byte 0 preemption flags, byte 1 coprocessor flags
    L4_TCR_ERROR_CODE = -9,
    L4_TCR_XFER_TIMEOUTS = -8,
    L4_TCR_INTENDED_RECEIVER = -7,
    L4_TCR_SENDER = -6, // virtual sender when sending, actual sender after receiving
    L4_TCR_THREAD_WORD1 = -5,
    L4_TCR_THREAD_WORD0 = -4,
};

#define L4_PREEMPT_SIGNAL 0x20u  // s: preemptions are signalled
#define L4_PREEMPT_DELAY 0x40u   // d: preemptions are delayed
#define L4_PREEMPT_PENDING 0x80u // I: one was delayed

static inline word_t l4_mr(word_t index)
{
    return l4_utcb()[index];
}

static inline void l4_set_mr(word_t index, word_t value)
{
    l4_utcb()[index] = value;
}

static inline word_t l4_br(word_t index)
{
    return l4_utcb()[-16 - (int)index];
}

static inline void l4_set_br(word_t index, word_t value)
{
    l4_utcb()[-16 - (int)index] = value;
}

static inline word_t l4_tcr(enum l4_tcr index)
{
    return *(volatile word_t *)(l4_utcb() + index);
}

static inline void l4_set_tcr(enum l4_tcr index, word_t value)
{
    *(volatile word_t *)(l4_utcb() + index) = value;
}

static inline l4_thread_id l4_my_local_id(void)
{
    return (l4_thread_id)(uintptr_t)l4_utcb();
}

static inline l4_thread_id l4_my_global_id(void)
{
    return l4_tcr(L4_TCR_MY_GLOBAL_ID);
}

static inline word_t l4_my_utcb_location(void)
{
    return l4_my_local_id() - L4_UTCB_MR_OFFSET;
}

// Why the last system call, or Ipc with the tag's E bit, failed (syscalls.h and ipc.h name them).
static inline word_t l4_error_code(void)
{
    return l4_tcr(L4_TCR_ERROR_CODE);
}

// Coprocessor flag n tells the kernel whether the thread's state of coprocessor n is of use.
static inline void l4_set_cop_flag(word_t n)
{
    volatile uint8_t *flags = (volatile uint8_t *)(l4_utcb() + L4_TCR_FLAGS);
    flags[1] |= (uint8_t)(1u << n);
}

static inline void l4_clear_cop_flag(word_t n)
{
    volatile uint8_t *flags = (volatile uint8_t *)(l4_utcb() + L4_TCR_FLAGS);
    flags[1] &= (uint8_t)~(1u << n);
}

// Both return the previous state of the bit. One instruction, since a preemption may change I.
static inline bool l4_preempt_flag_set(word_t bit_index)
{
    bool old;
    __asm__ volatile("btsl %2, %1\n\tsetc %0"
                     : "=q"(old), "+m"(l4_utcb()[L4_TCR_FLAGS])
                     : "r"(bit_index)
                     : "cc");
    return old;
}

static inline bool l4_preempt_flag_clear(word_t bit_index)
{
    bool old;
    __asm__ volatile("btrl %2, %1\n\tsetc %0"
                     : "=q"(old), "+m"(l4_utcb()[L4_TCR_FLAGS])
                     : "r"(bit_index)
                     : "cc");
    return old;
}

static inline bool l4_delay_preemption(void)
{
    return l4_preempt_flag_set(6);
}

static inline bool l4_allow_preemption(void)
{
    return l4_preempt_flag_clear(6);
}

static inline bool l4_signal_preemption(bool on)
{
    return on ? l4_preempt_flag_set(5) : l4_preempt_flag_clear(5);
}

// Reads and clears the mark that a preemption was delayed.
static inline bool l4_preemption_pending(void)
{
    return l4_preempt_flag_clear(7);
}
