// exchange_registers.c: stopping, starting and asking threads: clauses 26 to 45 [L4X2 4.9, 6].
#include "suite.h"

#include <l4/string.h>

#define INVALID L4_ERROR_INVALID_THREAD

static struct l4_exchange query(l4_thread_id id)
{
    struct l4_exchange x = {.thread = id, .control = L4_EXREGS_DELIVER};
    HOLDS(l4_exchange_registers(&x) != L4_NIL_THREAD);
    return x;
}

static void c026_a_non_existing_thread_is_an_error(void)
{
    FAILS(l4_exregs(new_id(), L4_EXREGS_DELIVER, 0, 0), INVALID);
    FAILS(l4_exregs(L4_NIL_THREAD, L4_EXREGS_DELIVER, 0, 0), INVALID);
    FAILS(l4_exregs(l4_utcb_area + 0x100 + 250 * L4_UTCB_SIZE, 0, 0, 0), INVALID); // local
}

static void c027_an_inactive_thread_is_an_error(void)
{
    l4_thread_id id = new_id();
    EQUAL(l4_thread_control(id, tester_id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    FAILS(l4_exregs(id, L4_EXREGS_DELIVER, 0, 0), INVALID);
    FAILS(l4_exregs(id, L4_EXREGS_APPLY_HALT, 0, 0), INVALID);
}

struct attempt {
    l4_thread_id thread;
    word_t control, result, error;
};

static void attempt_exregs(void *attempt)
{
    struct attempt *a = attempt;
    a->result = l4_exregs(a->thread, a->control, 0, 0);
    a->error = l4_error_code();
}

static void c028_a_thread_of_another_space_is_an_error(void)
{
    struct attempt a = {tester_id, L4_EXREGS_DELIVER, 99, 99};
    helper_start(space_make(), attempt_exregs, &a);
    EQUAL(a.result, L4_NIL_THREAD);
    EQUAL(a.error, INVALID);
}

static void c029_the_pagers_space_may_exchange(void)
{
    struct helper h = helper_start(space_make(), wait_for_ever, NULL);
    EQUAL(l4_exregs(h.id, L4_EXREGS_DELIVER, 0, 0), h.local);
    EQUAL(control_of(h.id), L4_EXREGS_RECEIVE);
    l4_set_user_handle_of(h.id, 0x600D);
    EQUAL(query(h.id).user_handle, 0x600D);
}

static void c030_a_wrong_version_is_an_error(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    FAILS(l4_exregs(h.id ^ 0x40, L4_EXREGS_DELIVER, 0, 0), INVALID);
    FAILS(l4_exregs(h.id + 1, L4_EXREGS_DELIVER, 0, 0), INVALID);
}

static void c031_control_0_changes_nothing_and_converts_the_id(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    struct l4_exchange before = query(h.id);
    struct l4_exchange x = {h.id, 0, 1, 2, 3, 4, 5};
    EQUAL(l4_exchange_registers(&x), h.local);
    x = (struct l4_exchange){h.local, 0, 1, 2, 3, 4, 5};
    EQUAL(l4_exchange_registers(&x), h.id);
    struct l4_exchange after = query(h.id);
    EQUAL(memcmp(&before, &after, sizeof(before)), 0);
    EQUAL(after.control & 7, L4_EXREGS_RECEIVE);
}

static void c032_p_sets_the_pager(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    EQUAL(query(h.id).pager, controller_id);
    HOLDS(l4_set_pager_of(h.id, tester_id) != 0);
    EQUAL(query(h.id).pager, tester_id);
    EQUAL(*word_at(h.local + 4 * (word_t)L4_TCR_PAGER), tester_id);
}

static void c033_u_sets_the_handle_that_the_thread_sees(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    EQUAL(l4_set_user_handle_of(h.local, 0xFEEDF00D), h.id);
    EQUAL(query(h.id).user_handle, 0xFEEDF00D);
    EQUAL(*word_at(h.local + 4 * (word_t)L4_TCR_USER_HANDLE), 0xFEEDF00D);
}

static struct helper start_counting(void)
{
    struct helper h = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
    return h;
}

static void c034_stop_halts_a_running_thread(void)
{
    struct helper h = start_counting();
    EQUAL(l4_thread_stop(h.id), h.local);
    EQUAL(control_of(h.id), L4_EXREGS_HALT);
    EQUAL(advance_asleep(&counters[0], 50000), 0);
    // One that is in an Ipc stops when that is over.
    for (unsigned way = 0; way < 2; way++) {
        struct transfer *t = transfer_new(L4_ANY_THREAD);
        h = helper_start(root, receive_once, t);
        l4_thread_stop(h.id);
        EQUAL(control_of(h.id), L4_EXREGS_HALT | L4_EXREGS_RECEIVE);
        struct transfer *out = transfer_new(h.id);
        transfer_word(out, 0x1234 + way);
        helper_start(root, way == 0 ? send_once : call_once, out);
        EQUAL(t->count, 0);
        EQUAL(control_of(h.id), L4_EXREGS_HALT);
        l4_thread_unhalt(h.id);
        EQUAL(t->count, 1);
        EQUAL(t->error, 0);
        EQUAL(t->mr[1], 0x1234 + way);
    }
}

static void c035_start_continues_where_it_was(void)
{
    struct helper h = start_counting();
    l4_thread_stop(h.id);
    word_t count = counters[0];
    HOLDS(l4_thread_continue(h.id) != 0);
    EQUAL(control_of(h.id), 0);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
    HOLDS(counters[0] > count); // it did not begin again
    l4_thread_stop(h.id);
    HOLDS(l4_thread_unhalt(h.id) != 0);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
}

static void c036_stopping_twice_is_harmless(void)
{
    struct helper h = start_counting();
    struct l4_exchange x = {.thread = h.id, .control = 0x301};
    EQUAL(l4_exchange_registers(&x), h.local);
    EQUAL(x.control & 7, 0);
    x = (struct l4_exchange){.thread = h.id, .control = 0x301};
    EQUAL(l4_exchange_registers(&x), h.local);
    EQUAL(x.control & 7, L4_EXREGS_HALT);
    l4_thread_continue(h.id);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
}

static void c037_abort_of_a_receive_returns_cancelled(void)
{
    struct transfer *t = transfer_new(tester_id);
    struct helper h = helper_start(root, receive_once, t);
    EQUAL(l4_abort_receive(h.id), h.local);
    EQUAL(t->count, 1);
    EQUAL(t->error, L4_IPC_RECEIVE_CANCELLED);
    HOLDS(l4_tag_failed(t->tag));
}

static void c038_abort_of_a_send_returns_cancelled(void)
{
    struct transfer *t = transfer_new(tester_id);
    struct helper h = helper_start(root, send_once, t);
    EQUAL(t->count, 0);
    EQUAL(l4_abort_send(h.id), h.local);
    EQUAL(t->count, 1);
    EQUAL(t->error, L4_IPC_SEND_CANCELLED);
    HOLDS(l4_tag_failed(t->tag));
}

static void c039_each_abort_leaves_the_other_phase_alone(void)
{
    struct transfer *in = transfer_new(tester_id), *out = transfer_new(tester_id);
    struct helper receiver = helper_start(root, receive_once, in);
    struct helper sender = helper_start(root, send_once, out);
    HOLDS(l4_abort_send(receiver.id) != 0);
    HOLDS(l4_abort_receive(sender.id) != 0);
    EQUAL(in->count, 0);
    EQUAL(out->count, 0);
    EQUAL(outcome(receive(sender.id, SECOND, NULL)), 0);
    EQUAL(outcome(send_tag(receiver.id, 0, SECOND)), 0);
    EQUAL(out->error, 0);
    EQUAL(in->error, 0);
}

static void c040_the_output_bits_tell_the_state(void)
{
    struct helper receiver = helper_start(root, wait_for_ever, NULL);
    struct helper sender = helper_start(root, send_once, transfer_new(tester_id));
    struct helper runner = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    EQUAL(control_of(receiver.id), L4_EXREGS_RECEIVE);
    EQUAL(control_of(sender.id), L4_EXREGS_SEND);
    EQUAL(control_of(runner.id), 0);
    EQUAL(control_of(tester_id), 0);
}

static word_t reached;

static void note_reached(void *value)
{
    reached = ADDRESS(value);
}

static void c041_sp_and_ip_of_a_halted_thread_take_effect_on_start(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    struct l4_exchange x = {.thread = h.id, .control = 0x303}; // abort the receive and stop
    HOLDS(l4_exchange_registers(&x) != 0);
    reached = 0;
    word_t sp = helper_stack(&h, note_reached, (void *)0x1234);
    x = (struct l4_exchange){h.id, 0x218, 0x11111110, 0x22222222, 0, 0, 0};
    HOLDS(l4_exchange_registers(&x) != 0);
    HOLDS(in_image(x.sp));
    x = (struct l4_exchange){h.id, 0x218, sp, ADDRESS(helper_prologue), 0, 0, 0};
    HOLDS(l4_exchange_registers(&x) != 0);
    EQUAL(x.sp, 0x11111110);
    EQUAL(x.ip, 0x22222222);
    EQUAL(reached, 0);
    HOLDS(l4_thread_unhalt(h.id) != 0);
    EQUAL(reached, 0x1234);
}

static void c042_start_with_sp_and_ip_starts_a_new_thread(void)
{
    struct helper h = helper_make(root, controller_id);
    reached = 0;
    word_t sp = helper_stack(&h, note_reached, (void *)0x4321);
    EQUAL(l4_exregs(h.id, 0x11E, sp, ADDRESS(helper_prologue)), h.local);
    EQUAL(reached, 0x4321);
    EQUAL(control_of(h.id), L4_EXREGS_RECEIVE);
}

word_t flags_seen;
void note_flags(void);
__asm__(".text\n"
        "note_flags:\n\t"
        "pushfl\n\tpopl flags_seen\n\t"
        "pushl $0\n\tpushl $0\n\tjmp wait_for_ever\n");

static void c043_f_changes_the_arithmetic_flags_only(void)
{
    static const word_t given[] = {0xFFFFFFFF, 0, 0x00000044};
    for (unsigned i = 0; i < 3; i++) {
        struct helper h = helper_make(root, controller_id);
        struct l4_exchange x = {h.id, 0x13E, helper_stack(&h, wait_for_ever, NULL),
                                ADDRESS(note_flags), given[i], 0, 0};
        flags_seen = 0;
        EQUAL(l4_exchange_registers(&x), h.local);
        EQUAL(flags_seen, 0x3202 | (given[i] & 0x8D5));
    }
}

static struct kept_words {
    word_t mr[L4_MR_COUNT], br0, error_code;
    volatile word_t read;
    volatile bool done;
} kept;

static void fault_with_full_registers(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        l4_set_mr(i, 0xA5000000 | i);
    l4_set_br(0, 0x123450);
    __asm__ volatile("" : : : "memory");
    kept.read = *word_at(HOLE);
    __asm__ volatile("" : : : "memory");
    memcpy(kept.mr, l4_utcb(), sizeof(kept.mr));
    kept.br0 = l4_br(0);
    kept.done = true;
}

static void c044_an_aborted_page_fault_is_tried_again_with_all_mrs_kept(void)
{
    kept.done = false;
    struct helper h = helper_make(space_make(), tester_id);
    helper_begin(&h, fault_with_full_registers, NULL);
    l4_thread_id from;
    EQUAL(next_message(h.id, &from, 1000000), 0xFFE40002); // it waits for the answer now
    EQUAL(l4_abort_receive(h.id), h.local);
    EQUAL(control_of(h.id) & 6, L4_EXREGS_SEND); // it faulted again and waits for us
    EQUAL(l4_abort_send(h.id), h.local);
    EQUAL(next_message(h.id, &from, 1000000), 0xFFE40002);
    EQUAL(l4_page_fault_address(), HOLE);
    *word_at(pool_page(0)) = 0xF00D;
    answer_fault(h.id, l4_map_item(l4_make_fpage(pool_page(0), 12, 7), HOLE));
    EQUAL(outcome(next_message(h.id, NULL, 20000)), L4_IPC_RECEIVE_TIMEOUT); // all is well
    HOLDS(kept.done);
    EQUAL(kept.read, 0xF00D);
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        EQUAL(kept.mr[i], 0xA5000000 | i);
    EQUAL(kept.br0, 0x123450);
}

static void c045_a_looping_thread_is_exchanged_a_hundred_times(void)
{
    struct helper h = start_counting();
    l4_set_user_handle_of(h.id, 0);
    for (unsigned i = 1; i <= 100; i++) {
        struct l4_exchange x = {.thread = h.id, .control = 0x240, .user_handle = i};
        EQUAL(l4_exchange_registers(&x), h.local);
        EQUAL(x.user_handle, i - 1);
        HOLDS(in_image(x.ip));
        HOLDS(in_image(x.sp));
        HOLDS(l4_thread_stop(h.id) != 0);
        HOLDS(l4_thread_continue(h.id) != 0);
        if (i % 25 == 0)
            HOLDS(advance_asleep(&counters[0], 10000) > 0);
    }
    EQUAL(query(h.id).user_handle, 100);
}

const struct test exchange_registers_tests[] = {
    TEST(c026_a_non_existing_thread_is_an_error),
    TEST(c027_an_inactive_thread_is_an_error),
    TEST(c028_a_thread_of_another_space_is_an_error),
    TEST(c029_the_pagers_space_may_exchange),
    TEST(c030_a_wrong_version_is_an_error),
    TEST(c031_control_0_changes_nothing_and_converts_the_id),
    TEST(c032_p_sets_the_pager),
    TEST(c033_u_sets_the_handle_that_the_thread_sees),
    TEST(c034_stop_halts_a_running_thread),
    TEST(c035_start_continues_where_it_was),
    TEST(c036_stopping_twice_is_harmless),
    TEST(c037_abort_of_a_receive_returns_cancelled),
    TEST(c038_abort_of_a_send_returns_cancelled),
    TEST(c039_each_abort_leaves_the_other_phase_alone),
    TEST(c040_the_output_bits_tell_the_state),
    TEST(c041_sp_and_ip_of_a_halted_thread_take_effect_on_start),
    TEST(c042_start_with_sp_and_ip_starts_a_new_thread),
    TEST(c043_f_changes_the_arithmetic_flags_only),
    TEST(c044_an_aborted_page_fault_is_tried_again_with_all_mrs_kept),
    TEST(c045_a_looping_thread_is_exchanged_a_hundred_times),
    TESTS_END,
};
