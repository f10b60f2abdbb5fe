// ipc.h: synchronous IPC on top of the Ipc system call [L4X2 4.2-4.8]: building a message in the
// message registers, saying what is accepted, and the usual combinations of send and receive.
// Messages are built in place, so nothing that does IPC itself (printing through the console
// server, for one) may come between the first l4_msg_* call and the Ipc; page faults may.
//
//     l4_msg_begin(label);             tag in MR0
//     l4_msg_word(word);               untyped words first,
//     l4_msg_map(fpage, send_base);    then typed items
//     tag = l4_call(server);
//     if (l4_tag_failed(tag)) ... l4_ipc_error(), l4_ipc_error_phase()
#pragma once

#include <l4/syscalls.h>
#include <l4/types.h>
#include <l4/utcb.h>

// ---- Errors of Ipc: the TCR ErrorCode, bit 0 the phase, 3..1 the code, 31..4 the offset -------

enum l4_ipc_error {
    L4_IPC_TIMEOUT = 1,
    L4_IPC_NO_PARTNER = 2,
    L4_IPC_CANCELLED = 3,
    L4_IPC_OVERFLOW = 4,
    L4_IPC_XFER_TIMEOUT_OWN = 5,
    L4_IPC_XFER_TIMEOUT_PARTNER = 6,
    L4_IPC_ABORTED = 7,
};

// The complete ErrorCode words without an offset.
#define L4_IPC_SEND_TIMEOUT 2u
#define L4_IPC_RECEIVE_TIMEOUT 3u
#define L4_IPC_SEND_NO_PARTNER 4u
#define L4_IPC_RECEIVE_NO_PARTNER 5u
#define L4_IPC_SEND_CANCELLED 6u
#define L4_IPC_RECEIVE_CANCELLED 7u
#define L4_IPC_SEND_OVERFLOW 8u
#define L4_IPC_RECEIVE_OVERFLOW 9u

static inline enum l4_ipc_error l4_ipc_error(void)
{
    return (enum l4_ipc_error)(l4_error_code() >> 1 & 7);
}

static inline bool l4_ipc_error_in_receive(void)
{
    return (l4_error_code() & 1) != 0;
}

// Bytes of string data transferred before the error.
static inline word_t l4_ipc_error_offset(void)
{
    return l4_error_code() >> 4;
}

// ---- Building and reading messages ------------------------------------------------------------

// An empty message. Labels from -1 to -8 in bits 31..20 belong to the kernel's protocols.
static inline void l4_msg_begin(word_t label)
{
    l4_set_mr(0, label << 16);
}

static inline void l4_msg_flags(word_t flags)
{
    l4_set_mr(0, l4_mr(0) | flags);
}

// The next untyped word; all of them come before the first typed item.
static inline void l4_msg_word(word_t word)
{
    word_t *utcb = l4_utcb();
    word_t tag = utcb[0];
    utcb[l4_tag_untyped(tag) + 1] = word;
    utcb[0] = tag + 1;
}

// The next typed item of two words. Sets the C bit of nothing: an item is followed by another when
// the tag's t says so; l4_msg_item_after sets it for kernels that look.
static inline void l4_msg_item(struct l4_item item)
{
    word_t *utcb = l4_utcb();
    word_t tag = utcb[0];
    word_t index = l4_tag_untyped(tag) + l4_tag_typed(tag) + 1;
    utcb[index] = item.word[0];
    utcb[index + 1] = item.word[1];
    utcb[0] = tag + (2 << 6);
}

// As l4_msg_item, for an item behind another two-word one, whose C bit it sets.
static inline void l4_msg_item_after(struct l4_item item)
{
    word_t tag = l4_mr(0);
    word_t previous = l4_tag_untyped(tag) + l4_tag_typed(tag) - 1;
    l4_set_mr(previous, l4_mr(previous) | L4_ITEM_MORE);
    l4_msg_item(item);
}

static inline void l4_msg_map(l4_fpage fpage, word_t send_base)
{
    l4_msg_item(l4_map_item(fpage, send_base));
}

static inline void l4_msg_grant(l4_fpage fpage, word_t send_base)
{
    l4_msg_item(l4_grant_item(fpage, send_base));
}

static inline void l4_msg_string(const void *start, word_t length)
{
    l4_msg_item(l4_string_item(start, length));
}

// The first word of the n-th word of typed items of the message in the MRs, n from 0.
static inline word_t l4_msg_typed_word(word_t n)
{
    return l4_mr(l4_tag_untyped(l4_mr(0)) + 1 + n);
}

// ---- What is accepted: BR0, and string buffers in BR1.. ---------------------------------------

#define L4_ACCEPT_STRINGS 1u

// window: where map and grant items go, L4_NIL_FPAGE for none, L4_COMPLETE_SPACE for anywhere.
static inline void l4_accept(l4_fpage window, bool strings)
{
    l4_set_br(0, (window & ~0xFu) | (strings ? L4_ACCEPT_STRINGS : 0));
}

// No items at all, which is also what a new thread accepts.
static inline void l4_accept_nothing(void)
{
    l4_set_br(0, 0);
}

// One string of at most capacity bytes into the buffer, and map items into the window.
static inline void l4_accept_string(l4_fpage window, void *buffer, word_t capacity)
{
    struct l4_item item = l4_string_item(buffer, capacity);
    l4_set_br(1, item.word[0]);
    l4_set_br(2, item.word[1]);
    l4_accept(window, true);
}

// Limits for string copies that fault, in the TCR XferTimeouts.
static inline void l4_set_xfer_timeouts(l4_time send, l4_time receive)
{
    l4_set_tcr(L4_TCR_XFER_TIMEOUTS, l4_timeouts(send, receive));
}

// ---- The usual combinations -------------------------------------------------------------------
// All return the tag: of the message received, or after a send alone zero or the error bit.

static inline l4_tag l4_send_timeout(l4_thread_id to, l4_time send)
{
    return l4_ipc(to, L4_NIL_THREAD, l4_timeouts(send, L4_NEVER), NULL);
}

static inline l4_tag l4_send(l4_thread_id to)
{
    return l4_send_timeout(to, L4_NEVER);
}

// Delivers only if the receiver is waiting already, as a server does that trusts no client.
static inline l4_tag l4_reply(l4_thread_id to)
{
    return l4_send_timeout(to, L4_ZERO_TIME);
}

static inline l4_tag l4_receive_timeout(l4_thread_id from, l4_time receive)
{
    return l4_ipc(L4_NIL_THREAD, from, l4_timeouts(L4_NEVER, receive), NULL);
}

static inline l4_tag l4_receive(l4_thread_id from)
{
    return l4_receive_timeout(from, L4_NEVER);
}

static inline l4_tag l4_wait_timeout(l4_time receive, l4_thread_id *from)
{
    return l4_ipc(L4_NIL_THREAD, L4_ANY_THREAD, l4_timeouts(L4_NEVER, receive), from);
}

static inline l4_tag l4_wait(l4_thread_id *from)
{
    return l4_wait_timeout(L4_NEVER, from);
}

// Waits for threads of the own space only.
static inline l4_tag l4_wait_local(l4_thread_id *from)
{
    return l4_ipc(L4_NIL_THREAD, L4_ANY_LOCAL_THREAD, l4_timeouts(L4_NEVER, L4_NEVER), from);
}

static inline l4_tag l4_call_timeouts(l4_thread_id to, l4_time send, l4_time receive)
{
    return l4_ipc(to, to, l4_timeouts(send, receive), NULL);
}

static inline l4_tag l4_call(l4_thread_id to)
{
    return l4_call_timeouts(to, L4_NEVER, L4_NEVER);
}

// Replies, then waits for anyone. The reply does not wait for a client that is not receiving:
// then the send phase fails, nothing is received, and the server goes on with l4_wait.
static inline l4_tag l4_reply_wait(l4_thread_id to, l4_thread_id *from)
{
    return l4_ipc(to, L4_ANY_THREAD, l4_timeouts(L4_ZERO_TIME, L4_NEVER), from);
}

static inline l4_tag l4_reply_wait_timeouts(l4_thread_id to, l4_time send, l4_time receive,
                                            l4_thread_id *from)
{
    return l4_ipc(to, L4_ANY_THREAD, l4_timeouts(send, receive), from);
}

// Sends on behalf of another thread (propagation): the receiver sees virtual_sender as the sender,
// and this thread in the TCR Sender, if the kernel allows it.
static inline l4_tag l4_send_as(l4_thread_id to, l4_thread_id virtual_sender, l4_time send)
{
    l4_set_tcr(L4_TCR_SENDER, virtual_sender);
    l4_msg_flags(L4_TAG_PROPAGATED);
    return l4_send_timeout(to, send);
}

// Receiving from oneself never succeeds, which makes a sleep of it.
static inline void l4_sleep(l4_time period)
{
    l4_receive_timeout(l4_my_local_id(), period);
}
