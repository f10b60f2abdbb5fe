// utcb.c: the thread control block that a program sees: clauses 19 to 25 [L4X2 3, 6].
#include "suite.h"

static word_t helper_saw[4];

static void look_at_own_ids(void *unused)
{
    (void)unused;
    struct l4_exchange x = {.thread = l4_my_global_id()};
    helper_saw[0] = l4_my_local_id();
    helper_saw[1] = l4_my_global_id();
    helper_saw[2] = l4_exchange_registers(&x);
    x = (struct l4_exchange){.thread = l4_my_local_id()};
    helper_saw[3] = l4_exchange_registers(&x);
}

static void c019_gs_0_is_the_local_id_and_lies_in_the_utcb(void)
{
    EQUAL(l4_my_local_id() - L4_UTCB_MR_OFFSET, l4_utcb_area + L4_UTCB_SIZE); // the second one
    struct helper here = helper_start(root, look_at_own_ids, NULL);
    EQUAL(helper_saw[0], here.utcb + 0x100);
    struct helper there = helper_start(space_make(), look_at_own_ids, NULL);
    EQUAL(helper_saw[0], there.utcb + 0x100);
    EQUAL(helper_saw[0], CHILD_UTCB_AREA + 0x100);
}

static void c020_exchange_registers_turns_the_local_id_into_the_global_one(void)
{
    struct l4_exchange x = {.thread = l4_my_local_id()};
    EQUAL(l4_exchange_registers(&x), l4_my_global_id());
    EQUAL(l4_my_global_id(), tester_id);
    struct helper h = helper_start(space_make(), look_at_own_ids, NULL);
    EQUAL(helper_saw[1], h.id);
    EQUAL(helper_saw[3], h.id);
}

static void c021_exchange_registers_turns_the_global_id_into_the_local_one(void)
{
    struct l4_exchange x = {.thread = l4_my_global_id()};
    EQUAL(l4_exchange_registers(&x), l4_my_local_id());
    struct helper h = helper_start(space_make(), look_at_own_ids, NULL);
    EQUAL(helper_saw[2], h.local);
}

static void c022_control_registers_survive_system_calls(void)
{
    static const enum l4_tcr kept[] = {L4_TCR_USER_HANDLE, L4_TCR_THREAD_WORD0,
                                       L4_TCR_THREAD_WORD1, L4_TCR_XFER_TIMEOUTS,
                                       L4_TCR_EXCEPTION_HANDLER, L4_TCR_PAGER};
    static const word_t value[] = {0xCAFE0001, 0xCAFE0002, 0xCAFE0003, 0x04010402};
    for (unsigned i = 0; i < 4; i++)
        l4_set_tcr(kept[i], value[i]);
    l4_system_clock();
    l4_thread_switch(L4_NIL_THREAD);
    thread_state(l4_my_global_id());
    control_of(l4_my_local_id());
    sleep_us(5000);
    send_tag(controller_id + 0x4000 * 5000, 0, L4_ZERO_TIME);
    FAILS(l4_thread_control(l4_global_id(20, 1), tester_id, tester_id, tester_id, 0), 2);
    l4_unmap_fpage(l4_make_fpage(HOLE, 12, 7), true);
    helper_start(root, look_at_own_ids, NULL);
    for (unsigned i = 0; i < 4; i++)
        EQUAL(l4_tcr(kept[i]), value[i]);
    EQUAL(l4_tcr(L4_TCR_EXCEPTION_HANDLER), controller_id);
    EQUAL(l4_tcr(L4_TCR_PAGER), controller_id);
}

static void change_pager_and_fault(void *pager)
{
    l4_set_tcr(L4_TCR_PAGER, *(l4_thread_id *)pager);
    helper_saw[0] = *word_at(HOLE);
}

static void c023_a_store_to_the_pager_register_takes_effect_at_once(void)
{
    struct helper h = helper_start(root, change_pager_and_fault, &tester_id);
    l4_thread_id from;
    EQUAL(next_message(L4_ANY_THREAD, &from, 1000000), 0xFFE40002);
    EQUAL(from, h.id);
    EQUAL(l4_page_fault_address(), HOLE);
}

static void note_processor(void *unused)
{
    (void)unused;
    helper_saw[0] = l4_tcr(L4_TCR_PROCESSOR_NO);
}

static void c024_processor_number_is_that_of_this_processor(void)
{
    EQUAL(l4_tcr(L4_TCR_PROCESSOR_NO), 0);
    helper_saw[0] = 99;
    helper_start(space_make(), note_processor, NULL);
    EQUAL(helper_saw[0], 0);
}

static void c025_coprocessor_flags_and_preemption_flags_are_apart(void)
{
    l4_set_tcr(L4_TCR_FLAGS, 0);
    l4_delay_preemption();
    l4_set_cop_flag(0);
    l4_set_cop_flag(7);
    sleep_us(3000);
    EQUAL(l4_tcr(L4_TCR_FLAGS) & 0xFF60, 0x8140);
    l4_clear_cop_flag(7);
    l4_thread_switch(L4_NIL_THREAD);
    EQUAL(l4_tcr(L4_TCR_FLAGS) & 0xFF60, 0x0140);
    HOLDS(l4_allow_preemption()); // it was set
    EQUAL(l4_tcr(L4_TCR_FLAGS) & 0xFF60, 0x0100);
}

const struct test utcb_tests[] = {
    TEST(c019_gs_0_is_the_local_id_and_lies_in_the_utcb),
    TEST(c020_exchange_registers_turns_the_local_id_into_the_global_one),
    TEST(c021_exchange_registers_turns_the_global_id_into_the_local_one),
    TEST(c022_control_registers_survive_system_calls),
    TEST(c023_a_store_to_the_pager_register_takes_effect_at_once),
    TEST(c024_processor_number_is_that_of_this_processor),
    TEST(c025_coprocessor_flags_and_preemption_flags_are_apart),
    TESTS_END,
};
