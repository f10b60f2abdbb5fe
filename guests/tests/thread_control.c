// thread_control.c: making, changing and deleting threads: clauses 46 to 71 [L4X2 4.12, 6].
#include "suite.h"

#include <l4/string.h>

#define INVALID L4_ERROR_INVALID_THREAD

struct attempt {
    l4_thread_id thread, space, scheduler, pager;
    word_t utcb, result, error;
};

static void attempt_control(void *attempt)
{
    struct attempt *a = attempt;
    a->result = l4_thread_control(a->thread, a->space, a->scheduler, a->pager, a->utcb);
    a->error = l4_error_code();
}

static void c046_an_unprivileged_space_may_not(void)
{
    struct attempt a = {new_id(), L4_NIL_THREAD, 0, 0, L4_UTCB_UNCHANGED, 99, 99};
    helper_start(space_make(), attempt_control, &a);
    EQUAL(a.result, 0);
    EQUAL(a.error, L4_ERROR_NO_PRIVILEGE);
}

static void c047_system_threads_are_refused(void)
{
    static const word_t number[] = {16, 31, 47};
    for (unsigned i = 0; i < 3; i++) {
        l4_thread_id id = l4_global_id(number[i], 1);
        FAILS(l4_thread_control(id, tester_id, controller_id, controller_id, l4_utcb_area + 0x4000),
              INVALID);
        FAILS(l4_thread_control(id, L4_NIL_THREAD, 0, 0, L4_UTCB_UNCHANGED), INVALID);
    }
}

static void c048_a_local_destination_is_refused(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    FAILS(l4_thread_control(h.local, L4_NIL_THREAD, 0, 0, L4_UTCB_UNCHANGED), INVALID);
    FAILS(l4_thread_control(h.local, tester_id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          INVALID);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
}

static void c049_a_new_thread_needs_a_scheduler(void)
{
    l4_thread_id id = new_id();
    FAILS(l4_thread_control(id, id, L4_NIL_THREAD, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          L4_ERROR_INVALID_SCHEDULER);
    FAILS(thread_state(id), INVALID);
}

static void c050_a_new_threads_space_must_exist(void)
{
    l4_thread_id id = new_id(), none = new_id();
    FAILS(l4_thread_control(id, none, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          L4_ERROR_INVALID_SPACE);
    FAILS(l4_thread_control(id, none, controller_id, controller_id, l4_utcb_area + 0x4000),
          L4_ERROR_INVALID_SPACE);
}

static void c051_a_thread_in_a_new_space_is_inactive(void)
{
    l4_thread_id id = new_id();
    EQUAL(l4_thread_control(id, id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(thread_state(id), L4_STATE_DEAD);
    HOLDS(outcome(send_tag(id, 0, L4_ZERO_TIME)) != 0);
}

static volatile word_t place_seen;

static void note_place(void *unused)
{
    (void)unused;
    place_seen = l4_my_local_id();
}

static void c052_a_utcb_given_to_an_inactive_thread_is_remembered(void)
{
    struct space *s = space_make_bare();
    struct helper h = {.id = new_id(), .pager = controller_id};
    word_t utcb = CHILD_UTCB_AREA + 3 * L4_UTCB_SIZE;
    EQUAL(l4_thread_control(h.id, s->anchor, controller_id, L4_NIL_THREAD, utcb), 1);
    EQUAL(l4_space_control(s->anchor, 0, l4_make_fpage(ADDRESS(l4_kip), 12, 0),
                           l4_make_fpage(CHILD_UTCB_AREA, 13, 0), L4_NIL_THREAD, NULL),
          1);
    EQUAL(l4_thread_control(h.id, h.id, L4_NIL_THREAD, controller_id, L4_UTCB_UNCHANGED), 1);
    h.stack = 30;
    helper_begin(&h, note_place, NULL);
    EQUAL(place_seen, utcb + L4_UTCB_MR_OFFSET);
}

static void c053_an_active_thread_needs_a_configured_space(void)
{
    l4_thread_id id = new_id();
    FAILS(l4_thread_control(id, id, controller_id, controller_id, CHILD_UTCB_AREA),
          L4_ERROR_INVALID_SPACE);
    struct space *s = space_make_bare();
    FAILS(l4_thread_control(new_id(), s->anchor, controller_id, controller_id, CHILD_UTCB_AREA),
          L4_ERROR_INVALID_SPACE);
}

static void c054_an_active_thread_needs_a_utcb(void)
{
    FAILS(l4_thread_control(new_id(), tester_id, controller_id, controller_id, L4_UTCB_UNCHANGED),
          L4_ERROR_UTCB_AREA);
}

static void c055_a_utcb_beside_the_area_is_refused(void)
{
    struct space *s = space_make();
    word_t end = CHILD_UTCB_AREA + (1u << CHILD_UTCB_LOG2);
    FAILS(l4_thread_control(new_id(), s->anchor, controller_id, controller_id,
                            CHILD_UTCB_AREA - L4_UTCB_SIZE),
          L4_ERROR_UTCB_AREA);
    FAILS(l4_thread_control(new_id(), s->anchor, controller_id, controller_id, end),
          L4_ERROR_UTCB_AREA);
    EQUAL(l4_thread_control(new_id(), s->anchor, controller_id, controller_id, end - L4_UTCB_SIZE),
          1);
    EQUAL(l4_thread_control(new_id(), s->anchor, controller_id, controller_id, CHILD_UTCB_AREA), 1);
}

static void c056_a_misaligned_utcb_is_refused(void)
{
    l4_thread_id id = new_id();
    FAILS(l4_thread_control(id, tester_id, controller_id, controller_id, l4_utcb_area + 0x4666),
          L4_ERROR_UTCB_AREA);
    FAILS(thread_state(id), INVALID);
    EQUAL(outcome(send_tag(id, 0, L4_ZERO_TIME)), L4_IPC_SEND_NO_PARTNER);
}

static void c057_a_message_of_ip_and_sp_starts_a_thread(void)
{
    struct helper h = helper_make(root, tester_id);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
    place_seen = 0;
    helper_begin(&h, note_place, NULL);
    EQUAL(place_seen, h.local);
}

static void c058_only_the_pager_can_start_a_thread(void)
{
    struct helper h = helper_make(root, tester_id);
    place_seen = 0;
    struct transfer *t = transfer_new(h.id);
    t->timeouts = l4_timeouts(l4_period(20000), L4_NEVER);
    transfer_word(t, ADDRESS(helper_prologue));
    transfer_word(t, helper_stack(&h, note_place, NULL));
    helper_start(root, send_once, t);
    sleep_us(60000);
    EQUAL(t->count, 1);
    EQUAL(t->error, L4_IPC_SEND_TIMEOUT);
    EQUAL(place_seen, 0);
    helper_begin(&h, note_place, NULL);
    EQUAL(place_seen, h.local);
}

static void c059_a_deleted_thread_is_no_partner(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    EQUAL(l4_thread_delete(h.id), 1);
    EQUAL(outcome(send_tag(h.id, 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
    FAILS(thread_state(h.id), INVALID);
}

static void c060_deleting_what_does_not_exist_succeeds(void)
{
    EQUAL(l4_thread_delete(new_id()), 1);
    EQUAL(l4_thread_delete(l4_global_id((1u << 17) - 1, 1)), 1);
}

static void c061_deletion_ignores_the_version(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    EQUAL(l4_thread_delete(h.id ^ 0x1FC0), 1);
    FAILS(thread_state(h.id), INVALID);
    EQUAL(outcome(send_tag(h.id, 0, L4_NEVER)), L4_IPC_SEND_NO_PARTNER);
}

static void c062_a_thread_cannot_delete_itself(void)
{
    FAILS(l4_thread_delete(l4_my_global_id()), INVALID);
    EQUAL(thread_state(tester_id), L4_STATE_RUNNING);
}

static void c063_the_last_thread_takes_its_space_along(void)
{
    struct space *s = space_make();
    struct helper h = helper_start(s, wait_for_ever, NULL);
    EQUAL(l4_thread_delete(s->anchor), 1);
    FAILS(l4_thread_control(new_id(), s->anchor, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          L4_ERROR_INVALID_SPACE);
    l4_thread_id other = new_id(); // the space lives as long as h
    EQUAL(l4_thread_control(other, h.id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(l4_thread_delete(other), 1);
    EQUAL(l4_thread_delete(h.id), 1);
    FAILS(l4_thread_control(new_id(), h.id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          L4_ERROR_INVALID_SPACE);
}

static void c064_creating_and_deleting_1000_times_leaks_nothing(void)
{
    word_t kip = l4_make_fpage(ADDRESS(l4_kip), 12, 0);
    word_t utcb = l4_make_fpage(CHILD_UTCB_AREA, 12, 0);
    l4_thread_id id = new_id();
    for (unsigned i = 0; i < 1000; i++) { // a leak of one frame a time would be 4 MB ...
        EQUAL(l4_thread_control(id, tester_id, controller_id, controller_id, l4_utcb_area + 0x8000),
              1);
        EQUAL(l4_thread_delete(id), 1);
    }
    for (unsigned i = 0; i < 4000; i++) { // ... here of five frames, 80 MB
        EQUAL(l4_space_create(id, controller_id, controller_id, kip, utcb), 1);
        EQUAL(l4_thread_delete(id), 1);
    }
    FAILS(thread_state(id), INVALID);
}

static void c065_a_new_version_makes_a_new_id(void)
{
    struct transfer *t = transfer_new(tester_id);
    struct helper h = helper_start(root, receive_once, t);
    l4_thread_id id = h.id ^ 0x40;
    EQUAL(l4_thread_control(id, tester_id, L4_NIL_THREAD, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(*word_at(h.local + 4 * (word_t)L4_TCR_MY_GLOBAL_ID), id);
    EQUAL(outcome(send_tag(h.id, 0, L4_ZERO_TIME)), L4_IPC_SEND_NO_PARTNER);
    EQUAL(t->count, 0);
    EQUAL(outcome(send_tag(id, 0, L4_ZERO_TIME)), 0);
    EQUAL(t->count, 1);
    EQUAL(t->error, 0);
}

static void c066_a_pager_activates_an_inactive_thread(void)
{
    struct helper h = helper_make(root, tester_id); // for its stack and UTCB
    EQUAL(l4_thread_delete(h.id), 1);
    EQUAL(l4_thread_control(h.id, tester_id, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(thread_state(h.id), L4_STATE_DEAD);
    EQUAL(l4_thread_control(h.id, tester_id, L4_NIL_THREAD, tester_id, h.utcb), 1);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
    place_seen = 0;
    helper_begin(&h, note_place, NULL);
    EQUAL(place_seen, h.local);
}

static void c067_an_active_threads_utcb_cannot_move(void)
{
    struct helper h = helper_start(root, wait_for_ever, NULL);
    FAILS(l4_thread_control(h.id, tester_id, L4_NIL_THREAD, L4_NIL_THREAD, h.utcb + 0x2000),
          L4_ERROR_UTCB_AREA);
    EQUAL(l4_exregs(h.id, 0, 0, 0), h.local);
}

struct asking {
    l4_thread_id thread;
    word_t result, error;
};

static void ask_state(void *asking)
{
    struct asking *a = asking;
    for (;;) {
        a->result = thread_state(a->thread);
        a->error = a->result ? 0 : l4_error_code();
        receive(tester_id, L4_NEVER, NULL); // again when told
    }
}

static void c068_only_the_schedulers_space_may_schedule(void)
{
    struct helper target = helper_make(root, controller_id);
    struct asking a = {target.id, 99, 99}, b = {target.id, 99, 99};
    struct helper first = helper_start(space_make(), ask_state, &a);
    struct helper second = helper_start(space_make(), ask_state, &b);
    EQUAL(a.result, 0);
    EQUAL(a.error, L4_ERROR_NO_PRIVILEGE);
    EQUAL(b.error, L4_ERROR_NO_PRIVILEGE);
    for (unsigned i = 0; i < 2; i++) {
        l4_thread_id scheduler = i == 0 ? first.id : second.id;
        EQUAL(l4_thread_control(target.id, tester_id, scheduler, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
              1);
        EQUAL(outcome(send_tag(first.id, 0, L4_ZERO_TIME)), 0);
        EQUAL(outcome(send_tag(second.id, 0, L4_ZERO_TIME)), 0);
        struct asking *may = i == 0 ? &a : &b, *may_not = i == 0 ? &b : &a;
        EQUAL(may->result, L4_STATE_WAITING);
        EQUAL(may_not->result, 0);
        EQUAL(may_not->error, L4_ERROR_NO_PRIVILEGE);
    }
}

static void c069_senders_to_a_deleted_thread_wake(void)
{
    struct helper victim = helper_start(root, wait_for_ever, NULL);
    struct transfer *here = transfer_new(victim.id), *there = transfer_new(victim.id);
    helper_start(root, send_once, here);
    helper_start(space_make(), call_once, there);
    EQUAL(here->count + there->count, 0);
    EQUAL(l4_thread_delete(victim.id), 1);
    EQUAL(here->count, 1);
    EQUAL(here->error, L4_IPC_SEND_NO_PARTNER);
    EQUAL(there->count, 1);
    EQUAL(there->error, L4_IPC_SEND_NO_PARTNER);
}

static void c070_receivers_from_a_deleted_thread_wake(void)
{
    struct helper victim = helper_start(root, receive_once, transfer_new(L4_ANY_THREAD));
    struct transfer *here = transfer_new(victim.id), *there = transfer_new(victim.id);
    helper_start(root, receive_once, here);
    helper_start(space_make(), call_once, there); // its message is taken, no answer comes
    EQUAL(here->count + there->count, 0);
    EQUAL(l4_thread_delete(victim.id), 1);
    EQUAL(here->count, 1);
    EQUAL(here->error, L4_IPC_RECEIVE_NO_PARTNER);
    EQUAL(there->count, 1);
    EQUAL(there->error, L4_IPC_RECEIVE_NO_PARTNER);
}

static struct migration {
    volatile word_t page, word, mr, local, done;
} migration;

static void be_migrated(void *unused)
{
    (void)unused;
    l4_set_tcr(L4_TCR_THREAD_WORD0, 0x77777777);
    l4_set_mr(40, 0x40404040);
    migration.page = *word_at(SCRATCH);
    receive(tester_id, L4_NEVER, NULL);
    migration.page = *word_at(SCRATCH);
    migration.word = l4_tcr(L4_TCR_THREAD_WORD0);
    migration.mr = l4_mr(40);
    migration.local = l4_my_local_id();
    migration.done = 1;
}

static void c071_migration_keeps_the_utcb(void)
{
    struct space *from = space_make(), *to = space_make();
    for (unsigned i = 0; i < 2; i++) {
        *word_at(pool_page(i)) = 100 + i;
        EQUAL(map_to(i == 0 ? from : to, L4_COMPLETE_SPACE,
                     l4_map_item(l4_make_fpage(pool_page(i), 12, 7), SCRATCH), NULL),
              0);
    }
    memset(&migration, 0, sizeof(migration));
    struct helper h = helper_start(from, be_migrated, NULL);
    EQUAL(migration.page, 100);
    EQUAL(l4_thread_control(h.id, to->anchor, L4_NIL_THREAD, L4_NIL_THREAD, L4_UTCB_UNCHANGED), 1);
    EQUAL(outcome(send_tag(h.id, 0, SECOND)), 0);
    EQUAL(migration.done, 1);
    EQUAL(migration.page, 101);
    EQUAL(migration.word, 0x77777777);
    EQUAL(migration.mr, 0x40404040);
    EQUAL(migration.local, h.local);
}

const struct test thread_control_tests[] = {
    TEST(c046_an_unprivileged_space_may_not),
    TEST(c047_system_threads_are_refused),
    TEST(c048_a_local_destination_is_refused),
    TEST(c049_a_new_thread_needs_a_scheduler),
    TEST(c050_a_new_threads_space_must_exist),
    TEST(c051_a_thread_in_a_new_space_is_inactive),
    TEST(c052_a_utcb_given_to_an_inactive_thread_is_remembered),
    TEST(c053_an_active_thread_needs_a_configured_space),
    TEST(c054_an_active_thread_needs_a_utcb),
    TEST(c055_a_utcb_beside_the_area_is_refused),
    TEST(c056_a_misaligned_utcb_is_refused),
    TEST(c057_a_message_of_ip_and_sp_starts_a_thread),
    TEST(c058_only_the_pager_can_start_a_thread),
    TEST(c059_a_deleted_thread_is_no_partner),
    TEST(c060_deleting_what_does_not_exist_succeeds),
    TEST(c061_deletion_ignores_the_version),
    TEST(c062_a_thread_cannot_delete_itself),
    TEST(c063_the_last_thread_takes_its_space_along),
    TEST(c064_creating_and_deleting_1000_times_leaks_nothing),
    TEST(c065_a_new_version_makes_a_new_id),
    TEST(c066_a_pager_activates_an_inactive_thread),
    TEST(c067_an_active_threads_utcb_cannot_move),
    TEST(c068_only_the_schedulers_space_may_schedule),
    TEST(c069_senders_to_a_deleted_thread_wake),
    TEST(c070_receivers_from_a_deleted_thread_wake),
    TEST(c071_migration_keeps_the_utcb),
    TESTS_END,
};
