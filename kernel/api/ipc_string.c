/* ipc_string.c: the copying of strings from space to space [L4X2 4.3, 5.9].
 *
 *    31               10 9 8    4 3 2  1 0
 *   | length of each    |c|  j   |0| hh |C|   then j+1 pointers, each to `length` bytes
 *
 * c: the compound string goes on with another such descriptor after the pointers. The sender's are
 * in its MRs, the receiver's buffers, in the same form, in its BRs from BR1 on, C saying that
 * another buffer follows. The substrings on the two sides need not be cut alike.
 *
 * The sender copies, page by page, through the kernel's mapping of memory. A page that is
 * missing on its own side it asks its pager for, as if it had touched it; one that is missing on
 * the receiver's side the receiver asks its own pager for, woken for it, with an instruction
 * pointer of all ones. From the first such fault on the transfer timeouts run, the sender's for
 * sending and the receiver's for receiving, the shorter of them. After each page interrupts are
 * let in; then another thread may run and anything may have happened: the receiver may be gone,
 * or ExchangeRegisters may have ended the transfer. So all that is kept between pages is indices
 * and counts, and descriptors are checked at each use. */
#include "api/ipc.h"
#include "api/ipc_transfer.h"
#include "api/scheduler.h"
#include "arch/arch.h"
#include "state.h"

#define STRING_SUBSTRINGS(w) (((w) >> 4 & 0x1F) + 1)
#define STRING_CONTINUES     0x200u
#define STRING_LENGTH(w)     ((w) >> 10)
#define STRING_TYPE_BIT      8u /* must be 0 */
#define STRING_MORE_ITEMS    1u /* C */

#define KERNEL_FAULT_IP 0xFFFFFFFFu
#define BOUNCE_SIZE     64u

/* --- places in compound strings --------------------------------------------------------------- */
struct cursor {
    const struct tcb *owner;
    bool buffers;       /* the words are BRs, not MRs */
    unsigned index;     /* of the descriptor */
    unsigned end;       /* one past the last word */
    unsigned substring; /* from 0 */
    word_t done;        /* bytes of the substring that are used up */
};

static word_t cursor_word(const struct cursor *c, unsigned index)
{
    return c->buffers ? utcb_br(c->owner->utcb, index) : c->owner->utcb->mr[index];
}

static bool descriptor_valid(const struct cursor *c)
{
    if (c->index >= c->end)
        return false;
    word_t d = cursor_word(c, c->index);
    return !(d & STRING_TYPE_BIT) && c->index + STRING_SUBSTRINGS(d) < c->end;
}

/* Bytes left in the substring at c, which steps over used up ones; 0: the string is over. */
static word_t cursor_rest(struct cursor *c)
{
    while (descriptor_valid(c)) {
        word_t d = cursor_word(c, c->index);

        if (c->substring < STRING_SUBSTRINGS(d) && c->done < STRING_LENGTH(d))
            return STRING_LENGTH(d) - c->done;
        c->done = 0;
        if (++c->substring < STRING_SUBSTRINGS(d))
            continue;
        if (!(d & STRING_CONTINUES))
            return 0;
        c->index += 1 + STRING_SUBSTRINGS(d);
        c->substring = 0;
    }
    return 0;
}

static vaddr_t cursor_address(const struct cursor *c)
{
    return cursor_word(c, c->index + 1 + c->substring) + c->done;
}

unsigned ipc_string_end(const word_t *mr, unsigned index, unsigned end)
{
    for (;;) {
        if (index >= end)
            return 0;
        word_t d = mr[index];
        if (d & STRING_TYPE_BIT || index + STRING_SUBSTRINGS(d) >= end)
            return 0;
        index += 1 + STRING_SUBSTRINGS(d);
        if (!(d & STRING_CONTINUES))
            return index;
    }
}

/* The BR where the buffer after the compound one at `index` starts, 0 if it is the last. The C
 * of its first or of its last descriptor may say so: libraries differ. */
static unsigned next_buffer(const struct tcb *r, unsigned index)
{
    struct cursor c = {.owner = r, .buffers = true, .index = index, .end = BR_COUNT};
    word_t more = 0;

    while (descriptor_valid(&c)) {
        word_t d = cursor_word(&c, c.index);

        if (c.index == index || !(d & STRING_CONTINUES))
            more |= d & STRING_MORE_ITEMS;
        c.index += 1 + STRING_SUBSTRINGS(d);
        if (!(d & STRING_CONTINUES))
            return more && c.index < BR_COUNT ? c.index : 0;
    }
    return 0;
}

/* --- the end of a transfer from outside ------------------------------------------------------- */
static bool in_kernel_call(const struct tcb *t)
{
    return t->kernel_ipc && (t->state == POLLING || t->state == WAITING_KERNEL);
}

static void end_kernel_call(struct tcb *t)
{
    enum ipc_phase phase = t->state == POLLING ? SEND_PHASE : RECEIVE_PHASE;

    ipc_abort(t, ipc_error_word(phase, IPC_CANCELLED, 0));
}

struct tcb *ipc_transfer_sender(struct tcb *t)
{
    return t->transfer && t->transfer_receives ? t->transfer : t;
}

void ipc_stop_transfer(struct tcb *s, word_t codes)
{
    if (s->transfer_stop)
        return;
    s->transfer_stop = codes;
    if (in_kernel_call(s))
        end_kernel_call(s);
    else if (in_kernel_call(s->transfer))
        end_kernel_call(s->transfer); /* it hands the processor back to s */
}

void ipc_forget_transfer(struct tcb *dying)
{
    struct tcb *other = dying->transfer;

    other->transfer = dying->transfer = NULL;
    timeout_cancel(other);
    if (in_kernel_call(other)) {
        other->transfer_bytes = dying->transfer_bytes;
        end_kernel_call(other);
    } else if (other->state == LOCKED) {
        ipc_abort(other, ipc_error_word(RECEIVE_PHASE, IPC_ABORTED, dying->transfer_bytes));
    } else if (other->state == COPYING && !other->ready_next) {
        ready_enqueue(other); /* it waited for a fault of the dying one to be resolved */
    }
}

/* --- page faults ------------------------------------------------------------------------------ */
/* The first fault of a transfer: from now on there is a timeout. Returns codes if it is zero. */
static word_t start_timeout(struct tcb *s, const struct tcb *r)
{
    l4_time_t send = (l4_time_t)(s->utcb->xfer_timeouts >> 16);
    l4_time_t receive = (l4_time_t)r->utcb->xfer_timeouts;
    usec_t now = now_us();
    usec_t send_at = time_deadline(send, now), receive_at = time_deadline(receive, now);
    bool receiver_first = receive_at && (!send_at || receive_at < send_at);

    s->transfer_expires = receiver_first
                              ? TRANSFER_CODES(IPC_XFER_TIMEOUT_PARTNER, IPC_XFER_TIMEOUT_OWN)
                              : TRANSFER_CODES(IPC_XFER_TIMEOUT_OWN, IPC_XFER_TIMEOUT_PARTNER);
    if (time_is_zero(receiver_first ? receive : send))
        return s->transfer_expires;
    timeout_set(s, receiver_first ? receive_at : send_at);
    return 0;
}

/* Lets t's pager resolve the fault; the transfer cannot go on without a pager. */
static void ask_pager(struct tcb *t, vaddr_t address, word_t ip, word_t right)
{
    word_t words[13] = {TAG_PAGE_FAULT | right << 16, address, ip};

    if (ipc_kernel_call(t, t->utcb->pager, words, 3, true) || !t->transfer)
        return;
    struct tcb *s = ipc_transfer_sender(t);
    if ((t->ipc_result >> 1 & 7) == IPC_NO_PARTNER && !s->transfer_stop)
        s->transfer_stop = TRANSFER_BOTH(IPC_ABORTED);
}

/* The receiver, on its own stack; whatever it had there is no longer needed. */
static void receiver_fault(struct tcb *r)
{
    struct tcb *s = r->transfer;

    if (s && !s->transfer_stop)
        ask_pager(r, r->transfer_fault, KERNEL_FAULT_IP, RIGHT_W);
    s = r->transfer;
    if (s) {
        r->state = LOCKED;
        switch_from_blocked(s); /* until the transfer is over */
    } else {
        ipc_fail(r, ipc_error_word(RECEIVE_PHASE, IPC_ABORTED, r->transfer_bytes));
    }
    ipc_registers(r);
}

/* Something at `address` on one side is not mapped. */
static word_t resolve_fault(struct tcb *s, struct tcb *r, bool receiver, vaddr_t address)
{
    word_t codes = s->transfer_expires == 0 ? start_timeout(s, r) : 0;

    if (codes)
        return codes;
    if (!receiver) {
        ask_pager(s, address, thread_frame(s)->eip, RIGHT_R);
        return 0;
    }
    r->transfer_fault = address;
    r->state = READY;
    arch_thread_call(r, receiver_fault);
    switch_from_blocked(r);
    return 0;
}

/* --- copying ---------------------------------------------------------------------------------- */
/* A Pentium's write gets its line no place in the cache: 64 KB that are written so go over the bus
 * word by word. So each line of the target is read before it is written. */
static void copy_bytes(void *to, const void *from, word_t size)
{
    for (; size >= CACHE_LINE; size -= CACHE_LINE) {
        word_t *d = to;
        const word_t *s = from;

        (void)*(volatile word_t *)&d[7];
#pragma GCC unroll 4
        for (unsigned i = 0; i < 8; i += 2) {
            word_t a = s[i], b = s[i + 1];

            d[i] = a;
            d[i + 1] = b;
        }
        to = d + 8;
        from = s + 8;
    }
    word_t words = size / 4, rest = size % 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

/* Up to `size` bytes from one space to the other, within a page on either side. Returns how
 * many, or 0 with *receiver set: which side has no page there. */
static word_t copy_piece(struct tcb *s, vaddr_t from, struct tcb *r, vaddr_t to, word_t size,
                         bool *receiver)
{
    struct user_frame source = space_user_frame(s->space, from, false);
    uint8_t bounce[BOUNCE_SIZE];

    *receiver = false;
    if (!source.bytes)
        return 0;
    if (size > source.size)
        size = source.size;
    /* Seen through the one window for frames beyond the direct map, which the target may need? */
    if ((word_t)(uintptr_t)source.bytes >= KERNEL_PAGES) {
        if (size > BOUNCE_SIZE)
            size = BOUNCE_SIZE;
        copy_bytes(bounce, source.bytes, size);
        source.bytes = bounce;
    }
    struct user_frame target = space_user_frame(r->space, to, true);
    *receiver = true;
    if (!target.bytes)
        return 0;
    if (size > target.size)
        size = target.size;
    copy_bytes(target.bytes, source.bytes, size);
    return size;
}

word_t ipc_copy_string(struct tcb *s, struct tcb *r, unsigned index, unsigned end,
                       unsigned *buffer)
{
    struct cursor from = {.owner = s, .buffers = false, .index = index, .end = end};
    struct cursor to = {.owner = r, .buffers = true, .index = *buffer, .end = BR_COUNT};
    word_t size;

    while ((size = cursor_rest(&from)) != 0) {
        bool receiver;
        word_t room = cursor_rest(&to);

        if (room == 0)
            return TRANSFER_BOTH(IPC_OVERFLOW);
        if (size > room)
            size = room;
        vaddr_t source = cursor_address(&from), target = cursor_address(&to);
        word_t moved = copy_piece(s, source, r, target, size, &receiver);
        if (moved) {
            from.done += moved;
            to.done += moved;
            s->transfer_bytes += moved;
            preemption_point();
        } else {
            word_t codes = resolve_fault(s, r, receiver, receiver ? target : source);
            if (codes)
                return codes;
        }
        if (!s->transfer)
            return TRANSFER_BOTH(IPC_ABORTED);
        if (s->transfer_stop)
            return s->transfer_stop;
    }
    *buffer = next_buffer(r, *buffer);
    return 0;
}
