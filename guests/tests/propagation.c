// propagation.c: sending on behalf of others, and redirection: clauses 146 to 149 [L4X2 5.7, 5.8,
// 6].
#include "suite.h"

static struct transfer *propagating(l4_thread_id to, l4_thread_id as)
{
    struct transfer *t = transfer_new(to);
    t->mr[0] = 0x00990000 | L4_TAG_PROPAGATED;
    transfer_word(t, 0xABCDEF);
    t->virtual_sender = as;
    t->timeouts = l4_timeouts(SECOND, SECOND);
    return t;
}

static void c146_propagation_within_a_space_shows_the_virtual_sender(void)
{
    struct helper virtual = helper_start(root, wait_for_ever, NULL);
    struct transfer *out = propagating(tester_id, virtual.id);
    struct helper actual = helper_start(root, send_once, out);
    l4_thread_id from;
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0x00990001 | L4_TAG_PROPAGATED);
    EQUAL(from, virtual.local);
    EQUAL(global_of(l4_tcr(L4_TCR_SENDER)), actual.id);
    EQUAL(l4_mr(1), 0xABCDEF);
    EQUAL(out->error, 0);
    // A closed receive from the virtual sender takes it too, and so with the receiver waiting.
    struct transfer *in = transfer_new(virtual.id);
    struct helper receiver = helper_start(root, receive_once, in);
    out = propagating(receiver.id, virtual.id);
    actual = helper_start(root, send_once, out);
    EQUAL(out->error, 0);
    EQUAL(in->count, 1);
    EQUAL(in->tag, 0x00990001 | L4_TAG_PROPAGATED);
    EQUAL(in->from == virtual.local || in->from == virtual.id, true);
    EQUAL(global_of(in->actual_sender), actual.id);
}

static void c147_propagation_that_is_not_allowed_is_a_plain_message(void)
{
    struct space *a = space_make(), *b = space_make();
    struct helper stranger = helper_start(b, wait_for_ever, NULL);
    struct transfer *out = propagating(tester_id, stranger.id);
    struct helper sender = helper_start(a, send_once, out);
    l4_thread_id from;
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0x00990001);
    EQUAL(from, sender.id);
    EQUAL(out->error, 0);
    out = propagating(tester_id, new_id()); // nobody
    sender = helper_start(root, send_once, out);
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0x00990001);
    EQUAL(from, sender.local);
}

// A client that calls the tester and notes the answer.
struct client {
    l4_tag tag;
    word_t word;
    l4_thread_id from;
    volatile word_t count;
};

static void call_tester(void *client)
{
    struct client *c = client;
    l4_set_mr(0, 0x00110000);
    c->tag = l4_ipc(tester_id, tester_id, 0, &c->from);
    c->word = l4_mr(1);
    c->count++;
}

static void c148_the_virtual_senders_wait_goes_to_the_receiver(void)
{
    static struct client c; // waits for the tester, then for the server
    c.count = 0;
    struct helper client = helper_start(root, call_tester, &c);
    EQUAL(receive(client.id, SECOND, NULL), 0x00110000);
    // A propagation that fails moves nothing.
    struct helper busy = helper_start(root, wait_for_ever, NULL);
    l4_set_mr(0, 0x00220000);
    EQUAL(outcome(l4_send_as(busy.id, client.id, L4_ZERO_TIME)), L4_IPC_SEND_TIMEOUT);
    struct transfer *other = transfer_new(client.id);
    other->timeouts = l4_timeouts(l4_period(20000), 0);
    helper_start(root, send_once, other);
    sleep_us(40000);
    EQUAL(other->error, L4_IPC_SEND_TIMEOUT);
    EQUAL(c.count, 0);
    // One that succeeds: now the server may answer, and the tester may not.
    struct transfer *in = transfer_new(L4_ANY_THREAD);
    struct helper server = helper_start(root, receive_once, in);
    l4_set_mr(0, 0x00330000);
    EQUAL(outcome(l4_send_as(server.id, client.id, SECOND)), 0);
    EQUAL(in->count, 1);
    EQUAL(in->from, client.local);
    EQUAL(outcome(send_tag(client.id, 0x00440000, L4_ZERO_TIME)), L4_IPC_SEND_TIMEOUT);
    HOLDS(l4_thread_stop(server.id) != 0);
    struct transfer *answer = transfer_new(client.id);
    answer->mr[0] = 0x00550000;
    transfer_word(answer, 0x5A5A);
    word_t sp = helper_stack(&server, send_once, answer);
    HOLDS(l4_thread_start_at(server.id, sp, ADDRESS(helper_prologue)) != 0);
    EQUAL(answer->error, 0);
    EQUAL(answer->count, 1);
    EQUAL(c.count, 1);
    EQUAL(c.tag, 0x00550001);
    EQUAL(c.word, 0x5A5A);
}

static void set_redirector(struct space *s, l4_thread_id redirector)
{
    EQUAL(l4_space_control(s->anchor, 0, L4_NIL_FPAGE, L4_NIL_FPAGE, redirector, NULL), 1);
}

static struct transfer *sending(l4_thread_id to)
{
    struct transfer *t = transfer_new(to);
    t->mr[0] = 0x00660000;
    transfer_word(t, 0x1DEA);
    t->timeouts = l4_timeouts(SECOND, SECOND);
    return t;
}

// A thread that was there before its space was redirected: it calls when told to.
static void call_when_told(void *transfer)
{
    receive(tester_id, L4_NEVER, NULL);
    call_once(transfer);
}

static void c149_what_a_redirected_space_sends_out_reaches_the_redirector(void)
{
    struct space *inner = space_make(), *outer = space_make();
    struct transfer *in = transfer_new(L4_ANY_THREAD);
    struct helper receiver = helper_start(outer, receive_repeatedly, in);
    struct transfer *first_in = in;
    struct helper elder = helper_start(inner, call_when_told, transfer_new(receiver.id));
    set_redirector(inner, tester_id);
    struct transfer *out = sending(receiver.id);
    struct helper sender = helper_start(inner, send_once, out);
    EQUAL(in->count, 0);
    EQUAL(out->count, 0); // the redirector is not receiving yet
    l4_thread_id from;
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0x00660001 | L4_TAG_REDIRECTED);
    EQUAL(from, sender.id);
    EQUAL(l4_tcr(L4_TCR_INTENDED_RECEIVER), receiver.id);
    EQUAL(l4_mr(1), 0x1DEA);
    EQUAL(out->error, 0);
    l4_set_mr(0, 0x00660001); // forwarded
    EQUAL(outcome(l4_send_as(receiver.id, sender.id, SECOND)), 0);
    EQUAL(in->count, 1);
    EQUAL(in->from, sender.id);
    EQUAL(in->tag & L4_TAG_PROPAGATED, L4_TAG_PROPAGATED);
    EQUAL(in->mr[1], 0x1DEA);
    // A call of the same kind, to a receiver that waits for anyone.
    in = transfer_new(L4_ANY_THREAD);
    receiver = helper_start(outer, receive_once, in);
    struct transfer *call = transfer_new(receiver.id);
    sender = helper_start(inner, call_once, call);
    EQUAL(in->count, 0);
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), L4_TAG_REDIRECTED);
    EQUAL(from, sender.id);
    EQUAL(call->count, 0);
    helper_delete(&sender);
    EQUAL(outcome(send_tag(elder.id, 0, SECOND)), 0);
    EQUAL(first_in->count, 1); // the one that was forwarded
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), L4_TAG_REDIRECTED);
    EQUAL(from, elder.id);
    // Within the space, and to the redirector's space, nothing is redirected.
    in = transfer_new(L4_ANY_THREAD);
    receiver = helper_start(inner, receive_once, in);
    out = sending(receiver.id);
    helper_start(inner, send_once, out);
    EQUAL(in->tag, 0x00660001);
    sender = helper_start(inner, send_once, sending(tester_id));
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0x00660001);
    // And without a redirector neither.
    set_redirector(inner, L4_ANY_THREAD);
    in = transfer_new(L4_ANY_THREAD);
    receiver = helper_start(outer, receive_once, in);
    helper_start(inner, send_once, sending(receiver.id));
    EQUAL(in->count, 1);
    EQUAL(in->tag, 0x00660001);
}

const struct test propagation_tests[] = {
    TEST(c146_propagation_within_a_space_shows_the_virtual_sender),
    TEST(c147_propagation_that_is_not_allowed_is_a_plain_message),
    TEST(c148_the_virtual_senders_wait_goes_to_the_receiver),
    TEST(c149_what_a_redirected_space_sends_out_reaches_the_redirector),
    TESTS_END,
};
