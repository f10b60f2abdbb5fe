// strings.c: string items, their faults and timeouts: clauses 136 to 145 [L4X2 4.3, 4.4, 5.9, 6].
#include "suite.h"

#include <l4/string.h>

#define PAGE L4_PAGE_SIZE
#define UNTOUCHED 0xEE

static uint8_t source[5 * PAGE] __attribute__((aligned(PAGE)));
static uint8_t target[5 * PAGE] __attribute__((aligned(PAGE)));

static void prepare(void)
{
    for (unsigned i = 0; i < sizeof(source); i++)
        source[i] = (uint8_t)(i * 7 + (i >> 8));
    memset(target, UNTOUCHED, sizeof(target));
}

// A string item of substrings of equal length.
static void add_string(struct transfer *t, word_t flags, word_t length, unsigned count,
                       const word_t *start)
{
    word_t *word = &t->mr[l4_tag_untyped(t->mr[0]) + l4_tag_typed(t->mr[0]) + 1];
    *word = length << 10 | flags | (count - 1) << 4;
    for (unsigned i = 0; i < count; i++)
        word[i + 1] = start[i];
    t->mr[0] += (count + 1) << 6;
}

// The same as a buffer, at the first of the given BRs; returns the next free one.
static unsigned add_buffer(struct transfer *t, unsigned br, word_t flags, word_t length,
                           unsigned count, const word_t *start)
{
    t->br[0] |= L4_ACCEPT_STRINGS;
    t->br[br++] = length << 10 | flags | (count - 1) << 4;
    for (unsigned i = 0; i < count; i++)
        t->br[br++] = start[i];
    return br;
}

static struct transfer *receiver_of(const void *buffer, word_t capacity)
{
    struct transfer *t = transfer_new(tester_id);
    word_t start = ADDRESS(buffer);
    add_buffer(t, 1, 0, capacity, 1, &start);
    return t;
}

static word_t send_string(l4_thread_id to, const void *start, word_t length)
{
    l4_msg_begin(0x57);
    l4_msg_string(start, length);
    return outcome(l4_send_timeout(to, SECOND));
}

static void check_target(word_t length)
{
    EQUAL(memcmp(source, target, length), 0);
    EQUAL(target[length], UNTOUCHED);
}

static void send_largest(void)
{
    word_t from = big_region(0), to = big_region(1);
    for (word_t offset = 0; offset < BIG_SIZE; offset += 4) {
        *word_at(from + offset) = offset * 0x9E3779B1;
        *word_at(to + offset) = 0;
    }
    struct transfer *t = receiver_of((void *)(uintptr_t)(to + 1), L4_STRING_LENGTH_MAX);
    struct helper h = helper_start(root, receive_once, t);
    EQUAL(send_string(h.id, (void *)(uintptr_t)from, L4_STRING_LENGTH_MAX), 0);
    EQUAL(t->error, 0);
    EQUAL(memcmp((void *)(uintptr_t)from, (void *)(uintptr_t)(to + 1), L4_STRING_LENGTH_MAX), 0);
    EQUAL(*(uint8_t *)(uintptr_t)to, 0);
}

static void c136_strings_from_1_byte_to_the_largest_arrive(void)
{
    static const word_t length[] = {1, 3, 64, PAGE - 1, 2 * PAGE, 2 * PAGE + 777};
    struct space *s = space_make();
    for (unsigned i = 0; i < 12; i++) {
        word_t bytes = length[i % 6];
        prepare();
        struct transfer *t = receiver_of(target, bytes);
        struct helper h = helper_start(i < 6 ? root : s, receive_once, t);
        EQUAL(send_string(h.id, source, bytes), 0);
        EQUAL(t->error, 0);
        EQUAL(t->tag, 0x57 << 16 | 2 << 6);
        check_target(bytes);
        helper_delete(&h);
    }
    send_largest();
}

static void c137_a_receiver_that_takes_no_strings_overflows(void)
{
    prepare();
    struct transfer *t = receiver_of(target, 1000);
    t->br[0] = 0;
    struct helper h = helper_start(root, receive_once, t);
    EQUAL(send_string(h.id, source, 1000), L4_IPC_SEND_OVERFLOW);
    EQUAL(t->error, L4_IPC_RECEIVE_OVERFLOW);
    EQUAL(target[0], UNTOUCHED);
}

static void c138_a_short_buffer_is_filled_and_overflows(void)
{
    static const word_t capacity[] = {1000, PAGE, 1};
    for (unsigned i = 0; i < 3; i++) {
        prepare();
        struct transfer *t = receiver_of(target, capacity[i]);
        struct helper h = helper_start(root, receive_once, t);
        EQUAL(send_string(h.id, source, 3 * PAGE), send_error(L4_IPC_OVERFLOW, capacity[i]));
        EQUAL(t->error, receive_error(L4_IPC_OVERFLOW, capacity[i]));
        check_target(capacity[i]);
        helper_delete(&h);
    }
}

static word_t send_loaded(struct transfer *out, l4_thread_id to)
{
    transfer_load(out);
    return outcome(l4_send_timeout(to, SECOND));
}

static void c139_substrings_and_compounds_are_put_together(void)
{
    prepare();
    // Three substrings of 100 bytes into one buffer.
    const word_t parts[] = {ADDRESS(source), ADDRESS(source + 1000), ADDRESS(source + 5000)};
    struct transfer *in = receiver_of(target, 300), *out = transfer_new(tester_id);
    struct helper h = helper_start(root, receive_once, in);
    add_string(out, 0, 100, 3, parts);
    EQUAL(send_loaded(out, h.id), 0);
    EQUAL(in->error, 0);
    for (unsigned i = 0; i < 3; i++)
        EQUAL(memcmp(target + 100 * i, (void *)(uintptr_t)parts[i], 100), 0);
    EQUAL(target[300], UNTOUCHED);
    // A compound of 50 and twice 70 bytes into a compound of 60 and four times 40.
    prepare();
    in = transfer_new(tester_id);
    const word_t holes[] = {ADDRESS(target), ADDRESS(target + 1000), ADDRESS(target + 2000),
                            ADDRESS(target + 3000), ADDRESS(target + 4090)};
    unsigned next = add_buffer(in, 1, L4_STRING_CONTINUED, 60, 1, holes);
    add_buffer(in, next, 0, 40, 4, holes + 1);
    h = helper_start(root, receive_once, in);
    out = transfer_new(tester_id);
    add_string(out, L4_STRING_CONTINUED, 50, 1, parts);
    add_string(out, 0, 70, 2, parts + 1);
    EQUAL(send_loaded(out, h.id), 0);
    EQUAL(in->error, 0);
    uint8_t sent[190], arrived[190];
    memcpy(sent, source, 50);
    memcpy(sent + 50, source + 1000, 70);
    memcpy(sent + 120, source + 5000, 70);
    memcpy(arrived, target, 60);
    for (unsigned i = 0; i < 3; i++)
        memcpy(arrived + 60 + 40 * i, target + 1000 * (i + 1), 40);
    memcpy(arrived + 180, target + 4090, 10);
    EQUAL(memcmp(sent, arrived, 190), 0);
    EQUAL(target[60], UNTOUCHED);
    EQUAL(target[1040], UNTOUCHED);
    EQUAL(target[4100], UNTOUCHED);
}

// A receiver with two buffers of 2000 bytes, at target and at target + 4096.
static struct transfer *two_buffers(void)
{
    const word_t start[] = {ADDRESS(target), ADDRESS(target + PAGE)};
    struct transfer *t = transfer_new(tester_id);
    unsigned next = add_buffer(t, 1, L4_ITEM_MORE, 2000, 1, start);
    add_buffer(t, next, 0, 2000, 1, start + 1);
    return t;
}

static void c140_each_string_goes_to_its_own_buffer(void)
{
    const word_t start[] = {ADDRESS(source), ADDRESS(source + 3000), ADDRESS(source + 9000)};
    for (unsigned strings = 2; strings <= 3; strings++) {
        prepare();
        struct transfer *in = two_buffers(), *out = transfer_new(tester_id);
        struct helper h = helper_start(root, receive_once, in);
        add_string(out, L4_ITEM_MORE, 1500, 1, start);
        add_string(out, strings == 3 ? L4_ITEM_MORE : 0, 1200, 1, start + 1);
        if (strings == 3)
            add_string(out, 0, 100, 1, start + 2);
        word_t error = send_loaded(out, h.id);
        EQUAL(error & 0xF, strings == 2 ? 0 : L4_IPC_SEND_OVERFLOW);
        EQUAL(in->error & 0xF, strings == 2 ? 0 : L4_IPC_RECEIVE_OVERFLOW);
        EQUAL(error >> 4, in->error >> 4);
        EQUAL(memcmp(target, source, 1500), 0);
        EQUAL(target[1500], UNTOUCHED);
        EQUAL(memcmp(target + PAGE, source + 3000, 1200), 0);
        EQUAL(target[PAGE + 1200], UNTOUCHED);
        helper_delete(&h);
    }
}

static void c141_a_map_item_and_a_string_both_take_effect(void)
{
    prepare();
    struct space *s = space_make();
    struct transfer *in = receiver_of(target, 500);
    in->br[0] |= L4_COMPLETE_SPACE;
    struct helper h = helper_start(s, receive_once, in);
    *word_at(pool_page(0)) = 0x3A11;
    l4_msg_begin(0);
    l4_msg_word(0x1234);
    l4_msg_map(l4_make_fpage(pool_page(0), 12, L4_FULLY_ACCESSIBLE), 0x10000000);
    l4_msg_item_after(l4_string_item(source, 500));
    EQUAL(outcome(l4_send_timeout(h.id, SECOND)), 0);
    EQUAL(in->error, 0);
    EQUAL(in->tag, 1 | 4 << 6);
    EQUAL(in->mr[1], 0x1234);
    check_target(500);
    READS(s, 0x10000000, 0x3A11);
}

// ---- Faults in the copy -----------------------------------------------------------------------

// A sender and a receiver in spaces of their own whose strings lie at SCRATCH, pages 0.. of the
// pool for the sender and 4.. for the receiver. The tester pages for both.
struct pair {
    struct transfer *out, *in;
    struct helper sender, receiver;
    word_t faults[2]; // of each, outside the image
};

// Gives `count` pages, from page 0 on, in advance.
static void give_pages(struct space *s, unsigned pool_first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        EQUAL(map_to(s, L4_COMPLETE_SPACE,
                     l4_map_item(l4_make_fpage(pool_page(pool_first + i), 12, 7),
                                 SCRATCH + i * PAGE),
                     NULL),
              0);
}

// Starts the receiver, then the sender, and answers their faults for code and stack; returns at the
// first message that is something else, or with an error tag when nothing happens.
static l4_tag start_pair(struct pair *p, word_t start, word_t length, unsigned sender_pages,
                         unsigned receiver_pages, word_t sender_xfer, word_t receiver_xfer)
{
    for (unsigned i = 0; i < 4; i++) {
        memset(pool[i], (int)i + 1, PAGE);
        memset(pool[4 + i], UNTOUCHED, PAGE);
    }
    struct space *a = space_make(), *b = space_make();
    give_pages(a, 0, sender_pages);
    give_pages(b, 4, receiver_pages);
    p->in = transfer_new(L4_ANY_THREAD);
    add_buffer(p->in, 1, 0, length, 1, &start);
    p->in->xfer_timeouts = receiver_xfer;
    p->receiver = helper_make(b, tester_id);
    helper_begin(&p->receiver, receive_once, p->in);
    EQUAL(outcome(next_message(L4_ANY_THREAD, NULL, 20000)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(thread_state(p->receiver.id), L4_STATE_WAITING);
    p->out = transfer_new(p->receiver.id);
    add_string(p->out, 0, length, 1, &start);
    p->out->xfer_timeouts = sender_xfer << 16;
    p->sender = helper_make(a, tester_id);
    p->faults[0] = p->faults[1] = 0;
    helper_begin(&p->sender, send_once, p->out);
    return next_message(L4_ANY_THREAD, NULL, 100000);
}

static void check_pair(const struct pair *p, word_t sender_error, word_t receiver_error)
{
    EQUAL(p->out->count, 1);
    EQUAL(p->in->count, 1);
    EQUAL(p->out->error, sender_error);
    EQUAL(p->in->error, receiver_error);
}

static void c142_a_copy_goes_on_after_faults_of_both_sides(void)
{
    struct pair p;
    word_t length = 3 * PAGE - 200;
    l4_tag tag = start_pair(&p, SCRATCH + 100, length, 0, 0, 0, 0);
    for (unsigned turn = 0; turn < 6 && !l4_tag_failed(tag); turn++) {
        word_t page = (l4_page_fault_address() - SCRATCH) / PAGE;
        BETWEEN(page, 0, 2);
        bool receiving = tag == 0xFFE20002;
        if (receiving)
            EQUAL(l4_page_fault_ip(), 0xFFFFFFFF);
        else
            EQUAL(tag, 0xFFE40002);
        p.faults[receiving]++;
        answer_fault(receiving ? p.receiver.id : p.sender.id,
                     l4_map_item(l4_make_fpage(pool_page(page + 4 * receiving), 12, 7),
                                 SCRATCH + page * PAGE));
        tag = next_message(L4_ANY_THREAD, NULL, 50000);
    }
    EQUAL(outcome(tag), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(p.faults[0], 3);
    EQUAL(p.faults[1], 3);
    check_pair(&p, 0, 0);
    const uint8_t *sent = (const uint8_t *)(uintptr_t)pool_page(0);
    const uint8_t *arrived = (const uint8_t *)(uintptr_t)pool_page(4);
    EQUAL(memcmp(sent + 100, arrived + 100, length), 0);
    EQUAL(arrived[99], UNTOUCHED);
    EQUAL(arrived[100 + length], UNTOUCHED);
}

static void receive_and_answer(void *transfer)
{
    struct transfer *t = transfer;
    receive_once(t);
    l4_msg_begin(0xA25);
    l4_send_timeout(t->from, SECOND);
}

// The caller queues first, since its partner is not started yet; its fault comes when that one
// takes the message. The kernel once let such a call end without its receive phase.
static void c142_a_call_that_queued_and_faulted_waits_for_its_answer(void)
{
    const word_t start = SCRATCH;
    struct space *a = space_make(), *b = space_make();
    give_pages(a, 0, 1);
    give_pages(b, 4, 2);
    struct transfer *in = transfer_new(L4_ANY_THREAD);
    add_buffer(in, 1, 0, 2 * PAGE, 1, &start);
    struct helper receiver = helper_make(b, tester_id), caller = helper_make(a, tester_id);
    struct transfer *out = transfer_new(receiver.id);
    add_string(out, 0, 2 * PAGE, 1, &start);
    helper_begin(&caller, call_once, out);
    EQUAL(outcome(next_message(L4_ANY_THREAD, NULL, 50000)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(thread_state(caller.id), L4_STATE_PENDING_SEND);
    helper_begin(&receiver, receive_and_answer, in);
    EQUAL(next_message(L4_ANY_THREAD, NULL, 50000), 0xFFE40002);
    EQUAL(l4_page_fault_address(), SCRATCH + PAGE);
    answer_fault(caller.id, l4_map_item(l4_make_fpage(pool_page(1), 12, 7), SCRATCH + PAGE));
    EQUAL(outcome(next_message(L4_ANY_THREAD, NULL, 50000)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(in->error, 0);
    EQUAL(out->count, 1);
    EQUAL(out->error, 0);
    EQUAL(out->tag, 0xA25 << 16);
}

static void c143_a_zero_transfer_timeout_ends_the_copy_at_its_first_fault(void)
{
    struct pair p;
    word_t own[2] = {send_error(L4_IPC_XFER_TIMEOUT_OWN, PAGE),
                     receive_error(L4_IPC_XFER_TIMEOUT_OWN, PAGE)};
    word_t partners[2] = {send_error(L4_IPC_XFER_TIMEOUT_PARTNER, PAGE),
                          receive_error(L4_IPC_XFER_TIMEOUT_PARTNER, PAGE)};
    // Whose page is missing makes no difference, whose timeout is zero does.
    for (unsigned missing = 0; missing < 2; missing++) {
        l4_tag tag = start_pair(&p, SCRATCH, 2 * PAGE, 1 + missing, 2 - missing, L4_ZERO_TIME, 0);
        EQUAL(outcome(tag), L4_IPC_RECEIVE_TIMEOUT); // the pager was not asked
        check_pair(&p, own[0], partners[1]);
        EQUAL(memcmp(pool[0], pool[4], PAGE), 0);
        EQUAL(pool[5][0], UNTOUCHED);
        tag = start_pair(&p, SCRATCH, 2 * PAGE, 1 + missing, 2 - missing, 0, L4_ZERO_TIME);
        EQUAL(outcome(tag), L4_IPC_RECEIVE_TIMEOUT);
        check_pair(&p, partners[0], own[1]);
    }
}

static void c144_a_slow_pager_lets_the_shorter_timeout_expire(void)
{
    struct pair p;
    static const word_t short_time = 30000, long_time = 400000;
    for (unsigned side = 0; side < 2; side++) {
        l4_tag tag = start_pair(&p, SCRATCH, 2 * PAGE, 1, 2,
                                l4_period(side == 0 ? short_time : long_time),
                                l4_period(side == 0 ? long_time : short_time));
        EQUAL(tag, 0xFFE40002); // the sender's second page, never answered
        EQUAL(l4_page_fault_address(), SCRATCH + PAGE);
        EQUAL(p.out->count + p.in->count, 0);
        sleep_us(2 * short_time + 20000);
        check_pair(&p,
                   send_error(side == 0 ? L4_IPC_XFER_TIMEOUT_OWN : L4_IPC_XFER_TIMEOUT_PARTNER,
                              PAGE),
                   receive_error(side == 0 ? L4_IPC_XFER_TIMEOUT_PARTNER : L4_IPC_XFER_TIMEOUT_OWN,
                                 PAGE));
    }
}

static void c145_an_abort_during_the_copy_ends_it_at_both_ends(void)
{
    struct pair p;
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned missing = 0; missing < 2; missing++) {
            l4_tag tag = start_pair(&p, SCRATCH, 2 * PAGE, 1 + missing, 2 - missing, 0, 0);
            EQUAL(tag, missing == 0 ? 0xFFE40002 : 0xFFE20002);
            HOLDS(l4_abort_ipc(side == 0 ? p.sender.id : p.receiver.id) != 0);
            settle();
            check_pair(&p, send_error(L4_IPC_ABORTED, PAGE), receive_error(L4_IPC_ABORTED, PAGE));
        }
    }
}

const struct test strings_tests[] = {
    TEST(c136_strings_from_1_byte_to_the_largest_arrive),
    TEST(c137_a_receiver_that_takes_no_strings_overflows),
    TEST(c138_a_short_buffer_is_filled_and_overflows),
    TEST(c139_substrings_and_compounds_are_put_together),
    TEST(c140_each_string_goes_to_its_own_buffer),
    TEST(c141_a_map_item_and_a_string_both_take_effect),
    TEST(c142_a_copy_goes_on_after_faults_of_both_sides),
    TEST(c142_a_call_that_queued_and_faulted_waits_for_its_answer),
    TEST(c143_a_zero_transfer_timeout_ends_the_copy_at_its_first_fault),
    TEST(c144_a_slow_pager_lets_the_shorter_timeout_expire),
    TEST(c145_an_abort_during_the_copy_ends_it_at_both_ends),
    TESTS_END,
};
