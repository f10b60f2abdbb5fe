// transfer.c: messages between the tester and its helpers, and what they find in memory.
#include "suite.h"

#include <l4/string.h>

#define TRANSFERS 32
#define LABEL_PROBED 0x5B01u

static struct transfer transfers[TRANSFERS];
static unsigned transfer_count;

// ---- Single calls -------------------------------------------------------------------------------

l4_tag send_tag(l4_thread_id to, l4_tag tag, l4_time timeout)
{
    l4_set_mr(0, tag);
    return l4_send_timeout(to, timeout);
}

l4_tag receive(l4_thread_id from, l4_time timeout, l4_thread_id *sender)
{
    return l4_ipc(L4_NIL_THREAD, from, l4_timeouts(L4_NEVER, timeout), sender);
}

word_t outcome(l4_tag tag)
{
    if (!l4_tag_failed(tag))
        return 0;
    word_t error = l4_error_code();
    HOLDS(error != 0);
    return error;
}

// ---- Faults -------------------------------------------------------------------------------------

void answer_fault(l4_thread_id faulter, struct l4_item item)
{
    l4_put_page_fault_reply(item);
    l4_reply(faulter);
}

static void answer_image_fault(l4_thread_id faulter)
{
    word_t page = l4_page_fault_address() & ~(L4_PAGE_SIZE - 1);
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)page;
    *byte = *byte;
    answer_fault(faulter,
                 l4_map_item(l4_make_fpage(page, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), page));
}

l4_tag next_message(l4_thread_id from, l4_thread_id *sender, word_t microseconds)
{
    l4_accept_nothing();
    for (;;) {
        l4_thread_id who = L4_NIL_THREAD;
        l4_tag tag = receive(from, l4_period(microseconds), &who);
        if (l4_tag_failed(tag))
            return tag;
        if (l4_is_page_fault(tag) && in_image(l4_page_fault_address())) {
            answer_image_fault(who);
            continue;
        }
        if (sender)
            *sender = global_of(who);
        return tag;
    }
}

// ---- Transfers ---------------------------------------------------------------------------------

void reset_transfers(void)
{
    memset(transfers, 0, sizeof(transfers));
    transfer_count = 0;
}

struct transfer *transfer_new(l4_thread_id partner)
{
    HOLDS(transfer_count < TRANSFERS);
    struct transfer *t = &transfers[transfer_count++];
    t->partner = partner;
    return t;
}

void transfer_word(struct transfer *t, word_t value)
{
    t->mr[l4_tag_untyped(t->mr[0]) + 1] = value;
    t->mr[0]++;
}

void transfer_item(struct transfer *t, struct l4_item item)
{
    word_t index = l4_tag_untyped(t->mr[0]) + l4_tag_typed(t->mr[0]) + 1;
    t->mr[index] = item.word[0];
    t->mr[index + 1] = item.word[1];
    t->mr[0] += 2 << 6;
}

void transfer_load(const struct transfer *t)
{
    for (unsigned i = 0; i < L4_BR_COUNT; i++)
        l4_set_br(i, t->br[i]);
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        l4_set_mr(i, t->mr[i]);
    l4_set_tcr(L4_TCR_XFER_TIMEOUTS, t->xfer_timeouts);
    if (t->mr[0] & L4_TAG_PROPAGATED)
        l4_set_tcr(L4_TCR_SENDER, t->virtual_sender);
}

static void note_result(struct transfer *t, l4_tag tag, l4_thread_id from)
{
    t->tag = tag;
    t->error = l4_tag_failed(tag) ? l4_error_code() : 0;
    t->from = from;
    t->actual_sender = l4_tcr(L4_TCR_SENDER);
    t->intended_receiver = l4_tcr(L4_TCR_INTENDED_RECEIVER);
    t->count++;
}

void send_once(void *transfer)
{
    struct transfer *t = transfer;
    transfer_load(t);
    note_result(t, l4_ipc(t->partner, L4_NIL_THREAD, t->timeouts, NULL), L4_NIL_THREAD);
}

void call_once(void *transfer)
{
    struct transfer *t = transfer;
    l4_thread_id from = L4_NIL_THREAD;
    transfer_load(t);
    l4_tag tag = l4_ipc(t->partner, t->partner, t->timeouts, &from);
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        t->mr[i] = l4_mr(i);
    note_result(t, tag, from);
}

void receive_once(void *transfer)
{
    struct transfer *t = transfer;
    l4_thread_id from = L4_NIL_THREAD;
    transfer_load(t);
    l4_tag tag = l4_ipc(L4_NIL_THREAD, t->partner, t->timeouts, &from);
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        t->mr[i] = l4_mr(i);
    note_result(t, tag, from);
}

void receive_repeatedly(void *transfer)
{
    for (;;)
        receive_once(transfer);
}

// ---- A server ----------------------------------------------------------------------------------

// Through the page of the space it runs in.
void invert_for_ever(void *unused)
{
    (void)unused;
    struct l4_stubs stubs;
    l4_find_stubs(&stubs, l4_kernel_interface().kip);
    l4_thread_id client;
    l4_tag tag = l4_ipc_through(stubs.ipc, L4_NIL_THREAD, L4_ANY_THREAD, 0, &client);
    for (;;) {
        for (word_t i = 1; i <= l4_tag_untyped(tag); i++)
            l4_set_mr(i, ~l4_mr(i));
        l4_set_mr(0, tag ^ 0xFFFF0000);
        tag = l4_ipc_through(stubs.ipc, client, L4_ANY_THREAD, 0, &client);
    }
}

word_t call_inverter(l4_thread_id server, word_t stub)
{
    word_t wrong = 0;
    for (word_t count = 0; count < L4_MR_COUNT; count++) {
        l4_tag tag = l4_make_tag(0xB000 + count, count, 0);
        for (word_t i = 1; i <= count; i++)
            l4_set_mr(i, count << 16 ^ i * 0x01010101);
        l4_set_mr(0, tag);
        wrong += l4_ipc_through(stub, server, server, 0, NULL) != (tag ^ 0xFFFF0000);
        for (word_t i = 1; i <= count; i++)
            wrong += l4_mr(i) != ~(count << 16 ^ i * 0x01010101);
    }
    return wrong;
}

// ---- Memory ------------------------------------------------------------------------------------

word_t map_to(struct space *to, l4_fpage window, struct l4_item item, word_t *receiver)
{
    struct transfer *t = transfer_new(tester_id);
    t->br[0] = window & ~0xFu;
    struct helper h = helper_start(to, receive_once, t);
    l4_msg_begin(0);
    l4_msg_item(item);
    word_t error = outcome(l4_send_timeout(h.id, SECOND));
    EQUAL(t->count, 1);
    if (receiver)
        *receiver = t->error;
    helper_delete(&h);
    transfer_count--;
    memset(t, 0, sizeof(*t));
    return error;
}

void map_between(struct space *from, struct space *to, l4_fpage window, struct l4_item item)
{
    struct transfer *in = transfer_new(L4_ANY_THREAD), *out = transfer_new(L4_NIL_THREAD);
    in->br[0] = window & ~0xFu;
    struct helper receiver = helper_start(to, receive_once, in);
    out->partner = receiver.id;
    transfer_item(out, item);
    struct helper sender = helper_start(from, send_once, out);
    EQUAL(out->count, 1);
    EQUAL(out->error, 0);
    EQUAL(in->count, 1);
    EQUAL(in->error, 0);
    helper_delete(&sender);
    helper_delete(&receiver);
    transfer_count -= 2;
    memset(in, 0, sizeof(*in));
    memset(out, 0, sizeof(*out));
}

struct unmapping {
    word_t control;
    l4_fpage fpage;
    volatile bool done;
};

static void unmap_main(void *unmapping)
{
    struct unmapping *u = unmapping;
    l4_set_mr(0, u->fpage);
    l4_unmap(u->control);
    u->fpage = l4_mr(0);
    u->done = true;
}

l4_fpage unmap_in(struct space *space, word_t control, l4_fpage fpage)
{
    static struct unmapping u; // a helper in another space reaches static data only
    u = (struct unmapping){control, fpage, false};
    struct helper h = helper_start(space, unmap_main, &u);
    HOLDS(u.done);
    helper_delete(&h);
    return u.fpage;
}

static void probe_read(void *address)
{
    word_t value = *word_at(ADDRESS(address));
    l4_set_mr(1, value);
    send_tag(tester_id, l4_make_tag(LABEL_PROBED, 1, 0), L4_NEVER);
}

static word_t probe_written;

static void probe_write(void *address)
{
    *word_at(ADDRESS(address)) = probe_written;
    send_tag(tester_id, l4_make_tag(LABEL_PROBED, 0, 0), L4_NEVER);
}

static bool probe(struct space *space, void (*function)(void *), word_t address)
{
    struct helper h = helper_make(space, tester_id);
    helper_begin(&h, function, (void *)(uintptr_t)address);
    l4_tag tag = next_message(h.id, NULL, 2000000);
    EQUAL(outcome(tag), 0);
    if (l4_is_page_fault(tag))
        EQUAL(l4_page_fault_address(), address);
    else
        EQUAL(l4_tag_label(tag), LABEL_PROBED);
    word_t value = l4_mr(1);
    helper_delete(&h);
    l4_set_mr(1, value);
    return !l4_is_page_fault(tag);
}

bool readable(struct space *space, word_t address, word_t *value)
{
    bool read = probe(space, probe_read, address);
    if (value)
        *value = l4_mr(1);
    return read;
}

bool writable(struct space *space, word_t address, word_t value)
{
    probe_written = value;
    return probe(space, probe_write, address);
}

void check_reads(const char *file, int line, const char *what, struct space *space, word_t address,
                 word_t expected)
{
    word_t value = 0;
    bool read = readable(space, address, &value);
    check_equal(file, line, what, read, 1);
    check_equal(file, line, what, value, expected);
}
