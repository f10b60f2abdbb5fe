// ipc.c: untyped messages, partners, timeouts, both stubs: clauses 96 to 119 [L4X2 4.2, 4.8, 6].
#include "suite.h"

#include <l4/string.h>

static word_t pattern(word_t count, word_t index)
{
    return 0x5EED0000 ^ count << 8 ^ index * 0x01010101;
}

static void fill_message(word_t count)
{
    for (word_t i = 1; i <= count; i++)
        l4_set_mr(i, pattern(count, i));
}

static void c096_a_send_delivers_label_and_all_words(void)
{
    struct transfer *t[2] = {transfer_new(tester_id), transfer_new(tester_id)};
    struct helper h[2] = {helper_start(root, receive_repeatedly, t[0]),
                          helper_start(space_make(), receive_repeatedly, t[1])};
    for (unsigned where = 0; where < 2; where++) {
        for (word_t count = 0; count < L4_MR_COUNT; count++) {
            fill_message(count);
            l4_tag tag = l4_make_tag(0xA000 + count, count, 0);
            EQUAL(outcome(send_tag(h[where].id, tag, SECOND)), 0);
            EQUAL(t[where]->count, count + 1);
            EQUAL(t[where]->tag, tag);
            EQUAL(t[where]->mr[0], tag);
            for (word_t i = 1; i <= count; i++)
                EQUAL(t[where]->mr[i], pattern(count, i));
        }
    }
}

static void c097_call_and_reply_wait_deliver_the_same(void)
{
    struct helper here = helper_start(root, invert_for_ever, NULL);
    struct helper there = helper_start(space_make(), invert_for_ever, NULL);
    EQUAL(call_inverter(here.id, l4_stubs.ipc), 0);
    EQUAL(call_inverter(there.id, l4_stubs.ipc), 0);
}

static void c098_a_zero_send_timeout_to_a_busy_thread_fails(void)
{
    struct helper h = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    l4_clock before = l4_system_clock();
    EQUAL(outcome(send_tag(h.id, 0, L4_ZERO_TIME)), L4_IPC_SEND_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 0, 600000);
    EQUAL(outcome(send_tag(l4_my_global_id(), 0, L4_ZERO_TIME)), L4_IPC_SEND_TIMEOUT);
}

static void c099_a_send_gives_up_after_its_timeout(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    l4_clock before = l4_system_clock();
    EQUAL(outcome(send_tag(h.id, 0, SECOND)), L4_IPC_SEND_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 1000000, 1900000);
}

static void receive_then_wait(void *transfer)
{
    struct transfer *t = transfer;
    receive_once(t);
    t->timeouts = 0;
    receive_once(t);
}

static void c100_a_receive_gives_up_after_its_timeout(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    l4_clock before = l4_system_clock();
    EQUAL(outcome(receive(h.id, SECOND, NULL)), L4_IPC_RECEIVE_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 1000000, 1900000);
    before = l4_system_clock();
    EQUAL(outcome(receive(L4_ANY_THREAD, l4_period(50000), NULL)), L4_IPC_RECEIVE_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 50000, 900000);
    // A timeout that was not needed disturbs nobody later.
    struct transfer *t = transfer_new(L4_ANY_THREAD);
    t->timeouts = l4_period(60000);
    struct helper server = helper_start(root, receive_then_wait, t);
    sleep_us(20000);
    helper_start(root, call_once, transfer_new(server.id));
    EQUAL(t->error, 0);
    EQUAL(t->count, 1);
    sleep_us(120000);
    EQUAL(t->count, 1); // it still waits for ever
    EQUAL(thread_state(server.id), L4_STATE_WAITING);
    // A call whose answer does not come.
    server = helper_start(root, receive_repeatedly, transfer_new(L4_ANY_THREAD));
    l4_set_mr(0, 0);
    EQUAL(outcome(l4_call_timeouts(server.id, L4_NEVER, l4_period(50000))), L4_IPC_RECEIVE_TIMEOUT);
    for (word_t words = 0; words < 4; words++) {
        l4_set_mr(0, words);
        EQUAL(outcome(l4_ipc(server.id, L4_ANY_THREAD, l4_period(10000), NULL)),
              L4_IPC_RECEIVE_TIMEOUT);
    }
}

static void c101_a_send_to_no_thread_fails(void)
{
    struct transfer *t = transfer_new(L4_ANY_THREAD);
    struct helper h = helper_start(root, receive_repeatedly, t);
    EQUAL(outcome(send_tag(new_id(), 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
    EQUAL(outcome(send_tag(h.id ^ 0x40, 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
    word_t nobody = l4_utcb_area + 200 * L4_UTCB_SIZE + L4_UTCB_MR_OFFSET;
    EQUAL(outcome(send_tag(nobody, 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
    l4_thread_id to[] = {new_id(), h.id ^ 0x40, nobody};
    for (unsigned i = 0; i < 3; i++) {
        l4_set_mr(0, 0);
        EQUAL(outcome(l4_call(to[i])), L4_IPC_SEND_NO_PARTNER);
        l4_set_mr(0, 0);
        EQUAL(outcome(l4_ipc(to[i], L4_ANY_THREAD, 0, NULL)), L4_IPC_SEND_NO_PARTNER);
    }
    EQUAL(t->count, 0);
}

static void c102_a_receive_from_no_thread_fails(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    EQUAL(outcome(receive(new_id(), L4_NEVER, NULL)), L4_IPC_RECEIVE_NO_PARTNER);
    EQUAL(outcome(receive(h.id ^ 0x40, L4_NEVER, NULL)), L4_IPC_RECEIVE_NO_PARTNER);
}

static void send_and_receive(void *transfer)
{
    send_tag(tester_id, 0, L4_NEVER);
    receive_once(transfer);
}

static void c103_wildcards_and_system_threads_are_no_partners(void)
{
    static const l4_thread_id to[] = {L4_ANY_THREAD, L4_ANY_LOCAL_THREAD, 20 << 14 | 1,
                                      47 << 14 | 1};
    // There is somebody whom the last message came from, and who waits for anyone.
    struct transfer *t = transfer_new(L4_ANY_THREAD);
    struct helper h = helper_start(space_make(), send_and_receive, t);
    for (unsigned way = 0; way < 2; way++) {
        l4_thread_id from = L4_NIL_THREAD;
        if (way == 0)
            EQUAL(outcome(receive(L4_ANY_THREAD, SECOND, &from)), 0);
        for (unsigned i = 0; i < 4; i++) {
            if (way == 0)
                EQUAL(outcome(send_tag(to[i], 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
            l4_set_mr(0, 0);
            EQUAL(outcome(l4_call(to[i])), L4_IPC_SEND_NO_PARTNER);
            l4_set_mr(0, 0);
            EQUAL(outcome(l4_lipc(to[i], to[i], 0, NULL)), L4_IPC_SEND_NO_PARTNER);
            l4_set_mr(0, 0);
            EQUAL(outcome(l4_ipc(to[i], L4_ANY_THREAD, 0, NULL)), L4_IPC_SEND_NO_PARTNER);
            EQUAL(t->count, 0);
        }
    }
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
}

static void c104_an_ipc_without_phases_returns_at_once(void)
{
    l4_set_mr(0, 0x12340001);
    struct l4_registers r = {.esi = 0x12340001, .edi = l4_my_local_id()};
    l4_clock before = l4_system_clock();
    l4_raw_ipc(&r);
    BETWEEN(l4_system_clock() - before, 0, 600000);
    EQUAL(r.esi & L4_TAG_ERROR, 0);
}

#define SENDERS 5

// Helpers that all block in a send to the tester; the first word says which.
static void start_senders(struct helper h[SENDERS], struct transfer *t[SENDERS], struct space *last)
{
    for (unsigned i = 0; i < SENDERS; i++) {
        t[i] = transfer_new(tester_id);
        transfer_word(t[i], i);
        h[i] = helper_start(i == SENDERS - 1 ? last : root, send_once, t[i]);
        EQUAL(t[i]->count, 0);
    }
}

static void c105_an_open_receive_takes_each_queued_sender_once(void)
{
    struct helper h[SENDERS];
    struct transfer *t[SENDERS];
    start_senders(h, t, space_make());
    word_t seen = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        l4_thread_id from;
        EQUAL(receive(L4_ANY_THREAD, SECOND, &from), l4_make_tag(0, 1, 0));
        word_t which = l4_mr(1);
        BETWEEN(which, 0, SENDERS - 1);
        EQUAL(global_of(from), h[which].id);
        EQUAL(seen & 1u << which, 0);
        seen |= 1u << which;
        EQUAL(t[which]->count, 1);
        EQUAL(t[which]->error, 0);
    }
    EQUAL(outcome(receive(L4_ANY_THREAD, L4_ZERO_TIME, NULL)), L4_IPC_RECEIVE_TIMEOUT);
    // A server that answers one while the others are queued comes to all of them.
    struct helper server = helper_start_at(root, 40, invert_for_ever, NULL);
    for (unsigned i = 0; i < SENDERS; i++) {
        t[i] = transfer_new(server.id);
        transfer_word(t[i], 0x100 + i);
        helper_start(i % 2 ? h[SENDERS - 1].space : root, call_once, t[i]);
    }
    sleep_us(20000);
    for (unsigned i = 0; i < SENDERS; i++) {
        EQUAL(t[i]->count, 1);
        EQUAL(t[i]->tag, 0xFFFF0001);
        EQUAL(t[i]->mr[1], ~(0x100 + i));
    }
}

static void send_and_wait(void *transfer)
{
    struct transfer *t = transfer;
    send_once(t);
    t->tag = receive(t->partner, SECOND, NULL);
}

static void receive_and_answer_at_once(void *transfer)
{
    struct transfer *t = transfer;
    receive_once(t);
    t->error = outcome(send_tag(t->from, 0xA0 << 16, L4_ZERO_TIME));
}

// The suite of Pistachio has such a pair of threads: who queued comes to its next Ipc before its
// partner does, if it is not less important.
static void c105_a_sender_that_queued_goes_on_before_its_receiver(void)
{
    static const word_t sender_priority[] = {60, 61};
    for (unsigned i = 0; i < 2; i++) {
        struct helper server = helper_make(root, controller_id);
        HOLDS(l4_set_priority(server.id, 60) != 0);
        struct transfer *out = transfer_new(server.id), *in = transfer_new(L4_ANY_THREAD);
        struct helper client = helper_start_at(root, sender_priority[i], send_and_wait, out);
        settle();
        EQUAL(thread_state(client.id), L4_STATE_PENDING_SEND);
        helper_begin(&server, receive_and_answer_at_once, in);
        settle();
        EQUAL(out->count, 1);
        EQUAL(in->error, 0);
        EQUAL(out->tag, 0xA0 << 16);
    }
}

static void c106_a_closed_receive_leaves_the_others_queued(void)
{
    struct helper h[SENDERS];
    struct transfer *t[SENDERS];
    start_senders(h, t, space_make());
    static const word_t order[SENDERS] = {3, 0, 4, 2, 1};
    for (unsigned i = 0; i < SENDERS; i++) {
        EQUAL(outcome(receive(h[order[i]].id, SECOND, NULL)), 0);
        EQUAL(l4_mr(1), order[i]);
        word_t done = 0;
        for (unsigned j = 0; j < SENDERS; j++)
            done += t[j]->count;
        EQUAL(done, i + 1);
    }
}

static void c107_anylocalthread_means_the_own_space(void)
{
    struct transfer *far = transfer_new(tester_id), *near = transfer_new(tester_id);
    transfer_word(far, 1);
    transfer_word(near, 2);
    struct helper stranger = helper_start(space_make(), send_once, far);
    EQUAL(outcome(receive(L4_ANY_LOCAL_THREAD, l4_period(20000), NULL)), L4_IPC_RECEIVE_TIMEOUT);
    struct helper neighbour = helper_start(root, send_once, near);
    l4_thread_id from;
    EQUAL(outcome(receive(L4_ANY_LOCAL_THREAD, SECOND, &from)), 0);
    EQUAL(l4_mr(1), 2);
    EQUAL(global_of(from), neighbour.id);
    EQUAL(outcome(receive(L4_ANY_LOCAL_THREAD, L4_ZERO_TIME, NULL)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(far->count, 0);
    EQUAL(outcome(receive(stranger.id, SECOND, NULL)), 0);
    EQUAL(l4_mr(1), 1);
    // And a receiver that waits is found by the right one only.
    struct transfer *wait = transfer_new(L4_ANY_LOCAL_THREAD);
    struct helper waiting = helper_start(root, receive_once, wait);
    far = transfer_new(waiting.id);
    helper_start(stranger.space, send_once, far);
    helper_start(stranger.space, call_once, transfer_new(waiting.id));
    EQUAL(far->count + wait->count, 0);
    EQUAL(outcome(send_tag(waiting.id, 0, L4_ZERO_TIME)), 0);
    EQUAL(wait->count, 1);
    EQUAL(wait->from, l4_my_local_id());
}

static void c108_the_sender_is_local_in_its_own_space_and_global_elsewhere(void)
{
    struct helper near = helper_start(root, send_once, transfer_new(tester_id));
    l4_thread_id from;
    EQUAL(outcome(receive(L4_ANY_THREAD, SECOND, &from)), 0);
    EQUAL(from, near.local);
    struct helper far = helper_start(space_make(), send_once, transfer_new(tester_id));
    EQUAL(outcome(receive(L4_ANY_THREAD, SECOND, &from)), 0);
    EQUAL(from, far.id);
    struct transfer *t = transfer_new(L4_ANY_THREAD);
    struct helper h = helper_start(far.space, receive_once, t);
    EQUAL(outcome(send_tag(h.id, 0, SECOND)), 0);
    EQUAL(t->from, tester_id);
}

static void c109_a_local_id_is_a_destination(void)
{
    struct transfer *t = transfer_new(L4_ANY_THREAD);
    struct helper h = helper_start(root, receive_once, t);
    EQUAL(outcome(send_tag(h.local, 0x00070000, L4_ZERO_TIME)), 0);
    EQUAL(t->tag, 0x00070000);
    EQUAL(t->from, l4_my_local_id());
}

static void c110_a_local_id_says_whom_to_receive_from(void)
{
    struct helper h[SENDERS];
    struct transfer *t[SENDERS];
    start_senders(h, t, root);
    l4_thread_id from;
    EQUAL(outcome(receive(h[2].local, SECOND, &from)), 0);
    EQUAL(from, h[2].local);
    EQUAL(l4_mr(1), 2);
    struct transfer *wait = transfer_new(l4_my_local_id()); // a receiver that waits so
    struct helper waiting = helper_start(root, receive_once, wait);
    struct transfer *other = transfer_new(waiting.id);
    helper_start(root, send_once, other);
    EQUAL(wait->count, 0);
    EQUAL(outcome(send_tag(waiting.id, 0, L4_ZERO_TIME)), 0);
    EQUAL(wait->count, 1);
    EQUAL(other->count, 0);
}

static void c111_a_reply_to_a_dead_client_ends_without_receiving(void)
{
    struct helper dead = helper_start(root, wait_for_ever, NULL);
    struct transfer *t = transfer_new(tester_id);
    helper_start(root, send_once, t); // somebody to receive from
    helper_delete(&dead);
    l4_set_mr(0, 0);
    EQUAL(outcome(l4_ipc(dead.id, L4_ANY_THREAD, 0, NULL)), L4_IPC_SEND_NO_PARTNER);
    EQUAL(t->count, 0);
    EQUAL(outcome(receive(L4_ANY_THREAD, SECOND, NULL)), 0);
    EQUAL(t->count, 1);
}

static void c112_a_failed_send_phase_skips_the_receive_phase(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    l4_clock before = l4_system_clock();
    l4_set_mr(0, 0);
    EQUAL(outcome(l4_call_timeouts(h.id, L4_ZERO_TIME, SECOND)), L4_IPC_SEND_TIMEOUT);
    l4_set_mr(0, 0);
    EQUAL(outcome(l4_call_timeouts(h.id, l4_period(10000), SECOND)), L4_IPC_SEND_TIMEOUT);
    BETWEEN(l4_system_clock() - before, 10000, 900000);
}

static void c113_a_plain_message_has_no_flags(void)
{
    struct transfer *t = transfer_new(tester_id);
    struct helper h = helper_start(root, receive_repeatedly, t);
    EQUAL(outcome(send_tag(h.id, 0xABCD0000, SECOND)), 0);
    EQUAL(t->tag, 0xABCD0000);
    EQUAL(outcome(send_tag(h.id, 0xABCD6000, SECOND)), 0); // only P is looked at on sending
    EQUAL(t->tag, 0xABCD0000);
    EQUAL(t->mr[0], 0xABCD0000);
}

static void c114_the_tag_is_in_memory_too(void)
{
    struct transfer *t = transfer_new(tester_id);
    t->mr[0] = 0x77770000;
    transfer_word(t, 0x11112222);
    transfer_word(t, 0x33334444);
    helper_start(root, send_once, t);
    l4_set_mr(0, 0);
    l4_set_mr(1, 0);
    l4_set_mr(2, 0);
    struct l4_registers r = {.edx = L4_ANY_THREAD, .edi = l4_my_local_id()};
    l4_raw_ipc(&r);
    EQUAL(r.esi, 0x77770002);
    EQUAL(r.ebx, 0x11112222);
    EQUAL(r.ebp, 0x33334444);
    EQUAL(l4_mr(0), 0x77770002);
    // An error's tag as well.
    r = (struct l4_registers){.edx = l4_my_local_id(), .ecx = L4_ZERO_TIME,
                              .edi = l4_my_local_id()};
    l4_raw_ipc(&r);
    EQUAL(r.esi, L4_TAG_ERROR);
    EQUAL(l4_mr(0), L4_TAG_ERROR);
}

static void c115_edi_is_kept(void)
{
    struct helper h = helper_start(root, receive_repeatedly, transfer_new(tester_id));
    struct helper server = helper_start(root, invert_for_ever, NULL);
    l4_thread_id to[] = {h.id, server.id, L4_NIL_THREAD, new_id()};
    l4_thread_id from[] = {L4_NIL_THREAD, server.id, l4_my_local_id(), L4_ANY_THREAD};
    for (unsigned i = 0; i < 4; i++) {
        l4_set_mr(0, 0);
        struct l4_registers r = {.eax = to[i], .edx = from[i], .ecx = L4_ZERO_TIME,
                                 .edi = l4_my_local_id()};
        if (i == 1)
            r.ecx = 0;
        l4_raw_ipc(&r);
        EQUAL(r.edi, l4_my_local_id());
    }
}

static void c116_a_tag_of_too_many_words_is_an_overflow(void)
{
    static const l4_tag tag[] = {63 | 2 << 6, 63 | 63 << 6, 62 | 2 << 6};
    for (unsigned i = 0; i < 3; i++) {
        struct transfer *t = transfer_new(tester_id);
        struct helper h = helper_start(root, receive_once, t);
        l4_set_mr(63, L4_ITEM_MAP);
        EQUAL(outcome(send_tag(h.id, tag[i], SECOND)), L4_IPC_SEND_OVERFLOW);
        EQUAL(t->count, 1);
        EQUAL(t->error, L4_IPC_RECEIVE_OVERFLOW);
        helper_delete(&h);
    }
}

static word_t lipc_outcome(l4_thread_id to, l4_thread_id from, word_t timeouts, l4_thread_id *who)
{
    return outcome(l4_lipc(to, from, timeouts, who));
}

static void c117_lipc_does_as_ipc(void)
{
    struct helper here = helper_start(root, invert_for_ever, NULL);
    struct helper there = helper_start(space_make(), invert_for_ever, NULL);
    EQUAL(call_inverter(here.id, l4_stubs.lipc), 0);
    EQUAL(call_inverter(here.local, l4_stubs.lipc), 0);
    EQUAL(call_inverter(there.id, l4_stubs.lipc), 0);
    l4_set_mr(0, 0);
    EQUAL(lipc_outcome(new_id(), L4_NIL_THREAD, 0, NULL), L4_IPC_SEND_NO_PARTNER);
    // Memory that looks like somebody's control block makes no local id.
    static word_t forged[32] __attribute__((aligned(128)));
    l4_thread_id looks_local = ADDRESS(&forged[16]);
    forged[16 + L4_TCR_MY_GLOBAL_ID] = here.id;
    l4_set_mr(0, 0);
    EQUAL(lipc_outcome(looks_local, looks_local, 0, NULL), L4_IPC_SEND_NO_PARTNER);
    l4_set_mr(0, 0);
    EQUAL(outcome(l4_call(looks_local)), L4_IPC_SEND_NO_PARTNER);
    l4_set_mr(0, 0); // nor do addresses where there is nothing, or the kernel
    EQUAL(lipc_outcome(HOLE, HOLE, 0, NULL), L4_IPC_SEND_NO_PARTNER);
    l4_set_mr(0, 0);
    EQUAL(lipc_outcome(0xD0100000, 0xD0100000, 0, NULL), L4_IPC_SEND_NO_PARTNER);
    l4_set_mr(0, 0);
    EQUAL(lipc_outcome(tester_id, L4_NIL_THREAD, L4_ZERO_TIME << 16, NULL), L4_IPC_SEND_TIMEOUT);
    EQUAL(lipc_outcome(L4_NIL_THREAD, new_id(), 0, NULL), L4_IPC_RECEIVE_NO_PARTNER);
    EQUAL(lipc_outcome(L4_NIL_THREAD, l4_my_local_id(), l4_period(5000), NULL),
          L4_IPC_RECEIVE_TIMEOUT);
    struct helper sender = helper_start(root, send_once, transfer_new(tester_id));
    l4_thread_id from;
    EQUAL(lipc_outcome(L4_NIL_THREAD, L4_ANY_LOCAL_THREAD, 0, &from), 0);
    EQUAL(from, sender.local);
}

static void c118_a_send_leaves_the_senders_words(void)
{
    struct helper h = helper_start(root, receive_repeatedly, transfer_new(tester_id));
    static const word_t counts[] = {0, 1, 2, 3, 10, 63};
    for (unsigned i = 0; i < 6; i++) {
        for (word_t j = 1; j < L4_MR_COUNT; j++)
            l4_set_mr(j, pattern(99, j));
        EQUAL(outcome(send_tag(h.id, counts[i], SECOND)), 0);
        for (word_t j = 1; j < L4_MR_COUNT; j++)
            EQUAL(l4_mr(j), pattern(99, j));
    }
}

static void c119_words_beyond_the_message_stay(void)
{
    for (word_t count = 3; count < 64; count += 20) {
        struct transfer *t = transfer_new(tester_id);
        for (word_t i = 0; i < L4_MR_COUNT; i++)
            t->mr[i] = 0xDEAD0000 + i;
        struct helper h = helper_start(root, receive_once, t);
        fill_message(count);
        EQUAL(outcome(send_tag(h.id, count, SECOND)), 0);
        for (word_t i = 1; i < L4_MR_COUNT; i++)
            EQUAL(t->mr[i], i <= count ? pattern(count, i) : 0xDEAD0000 + i);
        helper_delete(&h);
    }
}

const struct test ipc_tests[] = {
    TEST(c096_a_send_delivers_label_and_all_words),
    TEST(c097_call_and_reply_wait_deliver_the_same),
    TEST(c098_a_zero_send_timeout_to_a_busy_thread_fails),
    TEST(c099_a_send_gives_up_after_its_timeout),
    TEST(c100_a_receive_gives_up_after_its_timeout),
    TEST(c101_a_send_to_no_thread_fails),
    TEST(c102_a_receive_from_no_thread_fails),
    TEST(c103_wildcards_and_system_threads_are_no_partners),
    TEST(c104_an_ipc_without_phases_returns_at_once),
    TEST(c105_an_open_receive_takes_each_queued_sender_once),
    TEST(c105_a_sender_that_queued_goes_on_before_its_receiver),
    TEST(c106_a_closed_receive_leaves_the_others_queued),
    TEST(c107_anylocalthread_means_the_own_space),
    TEST(c108_the_sender_is_local_in_its_own_space_and_global_elsewhere),
    TEST(c109_a_local_id_is_a_destination),
    TEST(c110_a_local_id_says_whom_to_receive_from),
    TEST(c111_a_reply_to_a_dead_client_ends_without_receiving),
    TEST(c112_a_failed_send_phase_skips_the_receive_phase),
    TEST(c113_a_plain_message_has_no_flags),
    TEST(c114_the_tag_is_in_memory_too),
    TEST(c115_edi_is_kept),
    TEST(c116_a_tag_of_too_many_words_is_an_overflow),
    TEST(c117_lipc_does_as_ipc),
    TEST(c118_a_send_leaves_the_senders_words),
    TEST(c119_words_beyond_the_message_stay),
    TESTS_END,
};
