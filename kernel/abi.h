/* abi.h: the binary interface of the L4 API, version X.2, on IA-32: numbers and layouts that
 * programs are compiled against. Nothing here is ours to choose [L4X2]. */
#pragma once

#include "types.h"

/* --- thread ids [L4X2 4.1] --------------------------------------------------------------------
 *    31             14 13          0
 *   | thread number   |  version    |   global; version never 0 in its low 6 bits taken together
 *   | UTCB address + 0x100  | 000000|   local
 */
#define NIL_THREAD       0x00000000u
#define ANY_THREAD       0xFFFFFFFFu
#define ANY_LOCAL_THREAD 0xFFFFFFC0u

#define THREAD_NUMBER_BITS 17
#define THREAD_NUMBERS     (1u << THREAD_NUMBER_BITS)
#define SYSTEM_BASE        16   /* below: interrupt threads */
#define USER_BASE          48   /* below: kernel threads */

static inline word_t thread_number(thread_id_t id)
{
    return id >> 14;
}

static inline bool id_is_local(thread_id_t id)
{
    return (id & 0x3F) == 0 && id != NIL_THREAD;
}

static inline thread_id_t global_id(word_t number, word_t version)
{
    return number << 14 | version;
}

/* --- the user's thread control block -----------------------------------------------------------
 * 512 bytes; MR0 is at 0x100 and its address is the local id. BRs grow downward from 0xC0. */
#define UTCB_SIZE      512u
#define UTCB_SIZE_LOG2 9
#define UTCB_MR0       0x100u
#define MR_COUNT       64
#define BR_COUNT       33

struct utcb {
    word_t reserved0[16];
    word_t br_down[BR_COUNT]; /* BR32 .. BR0 */
    word_t my_global_id;      /* 0xC4 */
    word_t processor_no;
    word_t user_handle;
    thread_id_t pager;
    thread_id_t exception_handler;
    uint8_t preempt_flags; /* 0xD8 */
    uint8_t cop_flags;
    uint16_t reserved1;
    word_t error_code;
    word_t xfer_timeouts; /* 16..31 send, 0..15 receive */
    thread_id_t intended_receiver;
    thread_id_t virtual_sender; /* the actual sender, after a receive */
    word_t thread_word[2];
    word_t reserved2[3];
    word_t mr[MR_COUNT]; /* 0x100 */
};
_Static_assert(offsetof(struct utcb, my_global_id) == 0xC4, "UTCB");
_Static_assert(offsetof(struct utcb, preempt_flags) == 0xD8, "UTCB");
_Static_assert(offsetof(struct utcb, virtual_sender) == 0xE8, "UTCB");
_Static_assert(offsetof(struct utcb, mr) == UTCB_MR0, "UTCB");
_Static_assert(sizeof(struct utcb) == UTCB_SIZE, "UTCB");

static inline word_t utcb_br(const struct utcb *u, unsigned index)
{
    return u->br_down[BR_COUNT - 1 - index];
}

#define PREEMPT_SIGNAL  0x20 /* s */
#define PREEMPT_DELAY   0x40 /* d */
#define PREEMPT_PENDING 0x80 /* I */

/* --- message tag [L4X2 4.2] --------------------------------------------------------------------
 *    31      16 15 14 13 12 11   6 5    0
 *   |  label   |E |X |R |P |  t   |  u   |
 */
#define TAG_P     0x1000u /* propagated */
#define TAG_R     0x2000u /* redirected */
#define TAG_X     0x4000u /* from another processor */
#define TAG_E     0x8000u /* error */
#define TAG_FLAGS 0xF000u

static inline unsigned tag_untyped(msg_tag_t tag)
{
    return tag & 0x3F;
}

static inline unsigned tag_typed(msg_tag_t tag)
{
    return tag >> 6 & 0x3F;
}

/* --- IPC errors [L4X2 4.8]: phase in bit 0, code in 1..3, offset above ------------------------ */
enum ipc_error {
    IPC_TIMEOUT = 1,
    IPC_NO_PARTNER = 2,
    IPC_CANCELLED = 3,
    IPC_OVERFLOW = 4,
    IPC_XFER_TIMEOUT_OWN = 5,
    IPC_XFER_TIMEOUT_PARTNER = 6,
    IPC_ABORTED = 7,
};
enum ipc_phase { SEND_PHASE = 0, RECEIVE_PHASE = 1 };

static inline word_t ipc_error_word(enum ipc_phase phase, enum ipc_error code, word_t offset)
{
    return (word_t)phase | (word_t)code << 1 | offset << 4;
}

/* --- errors of the other system calls [L4X2 4.7] ---------------------------------------------- */
enum l4_error {
    L4_OK = 0,
    L4_NO_PRIVILEGE = 1,
    L4_INVALID_THREAD = 2,
    L4_INVALID_SPACE = 3,
    L4_INVALID_SCHEDULER = 4,
    L4_INVALID_PARAMETER = 5,
    L4_UTCB_AREA = 6,
    L4_KIP_AREA = 7,
    L4_NO_MEMORY = 8,
};

/* --- fpages [L4X2 4.5] ------------------------------------------------------------------------ */
#define RIGHT_X        1u
#define RIGHT_W        2u
#define RIGHT_R        4u
#define FPAGE_NIL      0x00000000u
#define FPAGE_COMPLETE 0x00000010u

static inline unsigned fpage_size_log2(fpage_t f)
{
    return f >> 4 & 0x3F;
}

/* --- timeouts [L4X2 4.6] ---------------------------------------------------------------------- */
#define TIME_NEVER 0x0000u
#define TIME_ZERO  0x0400u

/* --- kernel-made messages [L4X2 5] ------------------------------------------------------------ */
#define TAG_PAGE_FAULT  0xFFE00002u /* rights in 16..19 */
#define TAG_PREEMPTION  0xFFD00002u
#define TAG_EXCEPTION   0xFFB0000Cu
#define TAG_INTERRUPT   0xFFF00000u
#define TAG_KERNEL_FREE 0x00000000u
