// schedule.c: priorities, time and the processor: clauses 80 to 95 [L4X2 4.10, 5.10, 6].
#include "suite.h"

static word_t set_time(l4_thread_id id, word_t time_control)
{
    return l4_schedule(id, time_control, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, NULL);
}

#define SLICE(microseconds) ((word_t)l4_period(microseconds) << 16) // and the quantum never ends

static void c080_a_non_existing_thread_is_an_error(void)
{
    FAILS(thread_state(new_id()), L4_ERROR_INVALID_THREAD);
    struct helper h = helper_start(root, wait_for_ever, NULL);
    FAILS(thread_state(h.id ^ 0x40), L4_ERROR_INVALID_THREAD);
}

struct attempt {
    l4_thread_id thread;
    word_t priority, result, error;
};

static void attempt_priority(void *attempt)
{
    struct attempt *a = attempt;
    a->result = l4_set_priority(a->thread, a->priority);
    a->error = a->result ? 0 : l4_error_code();
}

static void c081_only_the_scheduler_or_the_privileged_may(void)
{
    struct attempt a = {tester_id, 20, 99, 99};
    helper_start(space_make(), attempt_priority, &a);
    EQUAL(a.result, 0);
    EQUAL(a.error, L4_ERROR_NO_PRIVILEGE);
}

static void c082_a_priority_above_the_callers_is_refused(void)
{
    struct helper target = helper_start(root, wait_for_ever, NULL);
    struct space *s = space_make();
    static const word_t priority[] = {200, 101, 100, 7}, error[] = {1, 1, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        struct helper h = helper_make(s, controller_id); // of priority 100
        EQUAL(l4_thread_control(target.id, tester_id, h.id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
        struct attempt a = {target.id, priority[i], 99, 99};
        helper_begin(&h, attempt_priority, &a);
        EQUAL(a.error, error[i]);
        EQUAL(a.result, error[i] ? 0 : L4_STATE_WAITING);
    }
}

static void c083_all_ones_change_nothing(void)
{
    struct helper h = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(set_time(h.id, SLICE(20000)) != 0);
    for (unsigned i = 0; i < 3; i++)
        EQUAL(thread_state(h.id), L4_STATE_RUNNING);
    EQUAL(advance_spinning(&counters[0], 30000), 0); // still below the tester
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
    word_t time[2];
    l4_thread_stop(h.id);
    for (unsigned i = 0; i < 2; i++)
        l4_schedule(h.id, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, &time[i]);
    EQUAL(time[0], time[1]);
}

static void c084_the_state_is_told(void)
{
    struct helper halted = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    struct helper runnable = helper_start_at(root, 50, count_for_ever, (void *)&counters[1]);
    struct helper sender = helper_start(root, send_once, transfer_new(tester_id));
    struct helper receiver = helper_start(root, receive_once, transfer_new(tester_id));
    HOLDS(l4_thread_stop(halted.id) != 0);
    EQUAL(thread_state(halted.id), L4_STATE_INACTIVE);
    EQUAL(thread_state(runnable.id), L4_STATE_RUNNING);
    EQUAL(thread_state(sender.id), L4_STATE_PENDING_SEND);
    EQUAL(thread_state(receiver.id), L4_STATE_WAITING);
    EQUAL(thread_state(tester_id), L4_STATE_RUNNING);
}

static void c085_an_inactive_thread_is_in_state_1(void)
{
    l4_thread_id id = new_id();
    EQUAL(l4_thread_control(id, tester_id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(thread_state(id), L4_STATE_DEAD);
}

static void c086_an_interrupt_thread_exists_once_associated(void)
{
    EQUAL(thread_state(l4_irq_thread(3)), 0);
    EQUAL(l4_irq_associate(3, tester_id), 1);
    HOLDS(l4_set_priority(l4_irq_thread(3), 80) != 0);
    HOLDS(thread_state(l4_irq_thread(3)) != 0);
    EQUAL(l4_irq_dissociate(3), 1);
}

static struct order {
    volatile word_t count, log[8];
} order;

static void log_order(void *value)
{
    order.log[order.count++] = ADDRESS(value);
}

static volatile word_t switches, last_runner;

static void note_switches(void *value)
{
    for (;;) {
        if (last_runner != ADDRESS(value)) {
            last_runner = ADDRESS(value);
            switches++;
        }
    }
}

static void c087_priorities_are_strict_and_equals_take_turns(void)
{
    static const word_t priority[] = {40, 60, 50, 30}, expected[] = {60, 50, 40, 30};
    order.count = 0;
    for (unsigned i = 0; i < 4; i++)
        helper_start_at(root, priority[i], log_order, (void *)(uintptr_t)priority[i]);
    EQUAL(order.count, 0); // all are below the tester
    sleep_us(20000);
    EQUAL(order.count, 4);
    for (unsigned i = 0; i < 4; i++)
        EQUAL(order.log[i], expected[i]);
    // A thread (100) that calls one below the tester does not make that one run first.
    struct helper server = helper_start_at(root, 40, invert_for_ever, NULL);
    sleep_us(10000);
    EQUAL(thread_state(server.id), L4_STATE_WAITING);
    struct transfer *call = transfer_new(server.id);
    helper_start(root, call_once, call);
    spin_us(10000);
    EQUAL(thread_state(server.id), L4_STATE_RUNNING);
    EQUAL(call->count, 0);
    sleep_us(10000);
    EQUAL(call->count, 1);
    EQUAL(call->error, 0);
    for (word_t i = 1; i <= 2; i++) {
        struct helper h = helper_start_at(root, 50, note_switches, (void *)(uintptr_t)i);
        HOLDS(set_time(h.id, SLICE(10000)) != 0);
    }
    switches = last_runner = 0;
    sleep_us(400000);
    BETWEEN(switches, 10, 80);
}

static void c088_lowering_ones_own_priority_switches_at_once(void)
{
    order.count = 0;
    helper_start_at(root, 50, log_order, (void *)50);
    EQUAL(order.count, 0);
    EQUAL(l4_set_priority(l4_my_global_id(), 40), L4_STATE_RUNNING);
    EQUAL(order.count, 1);
}

// The message to the scheduler that tells of a preemption, or of the end of the total quantum.
static void check_preemption_message(l4_thread_id about, l4_clock since)
{
    l4_thread_id from;
    EQUAL(receive(L4_ANY_THREAD, SECOND, &from), 0xFFD00002);
    l4_clock said = l4_preemption_clock();
    EQUAL(global_of(from), about);
    HOLDS(said >= since && said <= l4_system_clock());
}

static struct helper start_scheduled_by_tester(void (*function)(void *), volatile word_t *counter)
{
    struct helper h = helper_start_at(root, 50, function, (void *)counter);
    EQUAL(l4_thread_control(h.id, tester_id, tester_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    return h;
}

static void check_total_quantum(void)
{
    struct helper h = start_scheduled_by_tester(count_for_ever, &counters[2]);
    l4_clock before = l4_system_clock();
    HOLDS(set_time(h.id, l4_period(20000)) != 0);
    check_preemption_message(h.id, before + 20000);
    HOLDS(counters[2] > 0);
    EQUAL(advance_asleep(&counters[2], 30000), 0);
    HOLDS(set_time(h.id, 0) != 0);
    HOLDS(advance_asleep(&counters[2], 30000) > 0);
    HOLDS(l4_thread_stop(h.id) != 0);
}

static void c089_a_timeslice_of_never_is_not_preempted_by_equals(void)
{
    struct helper endless = helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(set_time(endless.id, 0) != 0);
    HOLDS(advance_asleep(&counters[0], 10000) > 0);
    helper_start_at(root, 50, count_for_ever, (void *)&counters[1]);
    sleep_us(200000);
    EQUAL(counters[1], 0);
    HOLDS(set_time(endless.id, SLICE(5000)) != 0);
    sleep_us(100000);
    HOLDS(counters[1] > 0);
    HOLDS(advance_asleep(&counters[0], 50000) > 0);
    HOLDS(l4_thread_stop(endless.id) != 0);
    check_total_quantum();
}

static void c090_time_points_are_rejected(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    FAILS(set_time(h.id, 0x80010000), L4_ERROR_INVALID_PARAMETER);
    FAILS(set_time(h.id, 0x00008001), L4_ERROR_INVALID_PARAMETER);
    FAILS(set_time(h.id, 0x000C8001), L4_ERROR_INVALID_PARAMETER); // as pingpong's
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
}

static void c091_switching_to_nil_lets_equals_run_and_keeps_registers(void)
{
    helper_start_at(root, TESTER_PRIORITY, count_and_yield, (void *)&counters[0]);
    l4_thread_switch(L4_NIL_THREAD);
    word_t before = counters[0];
    struct l4_registers r = {0, 0xC0FFEE01, 0xC0FFEE02, 0xC0FFEE03,
                             0xC0FFEE04, 0xC0FFEE05, 0xC0FFEE06, 0};
    l4_raw_thread_switch(&r);
    EQUAL(counters[0], before + 1);
    EQUAL(r.eax, 0);
    EQUAL(r.ecx, 0xC0FFEE01);
    EQUAL(r.edx, 0xC0FFEE02);
    EQUAL(r.esi, 0xC0FFEE03);
    EQUAL(r.edi, 0xC0FFEE04);
    EQUAL(r.ebx, 0xC0FFEE05);
    EQUAL(r.ebp, 0xC0FFEE06);
}

static void c092_switching_to_a_thread_runs_it_though_its_priority_is_lower(void)
{
    struct helper h = helper_start_at(root, 50, count_and_yield, (void *)&counters[0]);
    EQUAL(counters[0], 0);
    struct l4_registers r = {h.id, 1, 2, 3, 4, 5, 6, 0};
    l4_raw_thread_switch(&r);
    EQUAL(counters[0], 1);
    EQUAL(r.eax, h.id);
    EQUAL(r.ebx + r.ecx + r.edx + r.esi + r.edi + r.ebp, 21);
    l4_thread_switch(h.local);
    EQUAL(counters[0], 2);
}

static void c093_switching_to_nobody_yields(void)
{
    struct helper blocked = helper_start(root, wait_for_ever, NULL);
    helper_start_at(root, TESTER_PRIORITY, count_and_yield, (void *)&counters[0]);
    l4_thread_switch(L4_NIL_THREAD);
    word_t before = counters[0];
    l4_thread_switch(new_id());
    EQUAL(counters[0], before + 1);
    l4_thread_switch(blocked.id);
    EQUAL(counters[0], before + 2);
    EQUAL(thread_state(blocked.id), L4_STATE_WAITING);
}

// A thread that delays its preemption and notes when it is told of one.
#define DELAY 60000u
static struct delayer {
    volatile bool delays, yields, told;
    volatile word_t work; // microseconds between the mark and yielding
    volatile word_t flags_after_yield, yields_done;
} delayer;

static void loop_delaying(void *unused)
{
    (void)unused;
    for (;;) {
        if (delayer.delays)
            l4_delay_preemption();
        else
            l4_allow_preemption();
        if (!(l4_tcr(L4_TCR_FLAGS) & L4_PREEMPT_PENDING))
            continue;
        delayer.told = true;
        if (delayer.yields) {
            spin_us(delayer.work);
            l4_thread_switch(L4_NIL_THREAD);
            delayer.flags_after_yield = l4_tcr(L4_TCR_FLAGS);
            delayer.yields_done++;
        }
    }
}

// Of several tries: a busy host makes its virtual machine late now and then.
#define TRIES 5

// The tester (90) sleeps 10 ms while the delayer (50, sensitive up to 95) has the processor.
// Returns the shortest time it took, of several, up to the first that is below `enough`.
static word_t sleep_beside_delayer(bool delays, bool yields, word_t enough)
{
    word_t shortest = 0xFFFFFFFF;
    delayer.delays = delays;
    delayer.yields = yields;
    for (unsigned i = 0; i < TRIES && shortest > enough; i++) {
        delayer.told = false;
        l4_clock before = l4_system_clock();
        sleep_us(10000);
        word_t took = (word_t)(l4_system_clock() - before);
        shortest = took < shortest ? took : shortest;
    }
    return shortest;
}

#define AT_ONCE (10000 + DELAY / 2)
#define DELAYED (10000 + 2 * DELAY)

static struct helper start_delayer(void)
{
    struct helper h = helper_start_at(root, 50, loop_delaying, NULL);
    HOLDS(l4_schedule(h.id, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, 95 << 16 | DELAY, NULL) != 0);
    sleep_beside_delayer(false, false, AT_ONCE); // it gets going
    return h;
}

static void count_and_signal(void *counter)
{
    l4_signal_preemption(true);
    count_for_ever(counter);
}

static void c094_preemption_is_delayed_up_to_the_maximal_delay(void)
{
    start_delayer();
    BETWEEN(sleep_beside_delayer(false, false, AT_ONCE), 10000, AT_ONCE);
    EQUAL(delayer.told, false);
    BETWEEN(sleep_beside_delayer(true, false, DELAYED), 10000 + DELAY - 5000, DELAYED);
    EQUAL(delayer.told, true);
    // Its scheduler is told of a preemption if it wants that.
    struct helper h = start_scheduled_by_tester(count_and_signal, &counters[0]);
    HOLDS(l4_set_priority(h.id, 60) != 0);
    l4_clock before = l4_system_clock();
    sleep_us(10000);
    HOLDS(counters[0] > 0);
    check_preemption_message(h.id, before + 10000);
    HOLDS(advance_asleep(&counters[0], 10000) > 0);
}

static void c095_yielding_in_time_clears_the_mark_and_refills_the_delay(void)
{
    start_delayer();
    delayer.work = 0;
    for (unsigned i = 1; i <= 3; i++) {
        delayer.yields_done = 0;
        BETWEEN(sleep_beside_delayer(true, true, AT_ONCE), 10000, AT_ONCE);
        EQUAL(delayer.told, true);
        BETWEEN(sleep_beside_delayer(false, true, AT_ONCE), 10000, AT_ONCE);
        BETWEEN(delayer.yields_done, 1, TRIES);
        EQUAL(delayer.flags_after_yield & L4_PREEMPT_PENDING, 0);
    }
    delayer.work = DELAY / 2 + 5000; // twice what is left after one, were it not refilled
    for (unsigned i = 1; i <= 3; i++) {
        BETWEEN(sleep_beside_delayer(true, true, DELAYED), 10000 + delayer.work - 3000, DELAYED);
        sleep_beside_delayer(false, true, AT_ONCE);
    }
    BETWEEN(sleep_beside_delayer(true, false, DELAYED), 10000 + DELAY - 5000, DELAYED);
}

const struct test schedule_tests[] = {
    TEST(c080_a_non_existing_thread_is_an_error),
    TEST(c081_only_the_scheduler_or_the_privileged_may),
    TEST(c082_a_priority_above_the_callers_is_refused),
    TEST(c083_all_ones_change_nothing),
    TEST(c084_the_state_is_told),
    TEST(c085_an_inactive_thread_is_in_state_1),
    TEST(c086_an_interrupt_thread_exists_once_associated),
    TEST(c087_priorities_are_strict_and_equals_take_turns),
    TEST(c088_lowering_ones_own_priority_switches_at_once),
    TEST(c089_a_timeslice_of_never_is_not_preempted_by_equals),
    TEST(c090_time_points_are_rejected),
    TEST(c091_switching_to_nil_lets_equals_run_and_keeps_registers),
    TEST(c092_switching_to_a_thread_runs_it_though_its_priority_is_lower),
    TEST(c093_switching_to_nobody_yields),
    TEST(c094_preemption_is_delayed_up_to_the_maximal_delay),
    TEST(c095_yielding_in_time_clears_the_mark_and_refills_the_delay),
    TESTS_END,
};
