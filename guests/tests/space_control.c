// space_control.c: the areas of a space: clauses 72 to 79 [L4X2 4.11, 6].
#include "suite.h"

static struct attempt {
    l4_thread_id space;
    word_t result, error;
} attempt;

static void attempt_control(void *unused)
{
    (void)unused;
    attempt.result = l4_space_control(attempt.space, 0, l4_make_fpage(0x90000000, 12, 0),
                                      l4_make_fpage(CHILD_UTCB_AREA, 12, 0), L4_NIL_THREAD, NULL);
    attempt.error = l4_error_code();
}

static word_t configure(l4_thread_id space, l4_fpage kip, l4_fpage utcb)
{
    return l4_space_control(space, 0, kip, utcb, L4_NIL_THREAD, NULL);
}

#define GOOD_KIP l4_make_fpage(0x90000000, 12, 0)
#define GOOD_UTCB l4_make_fpage(CHILD_UTCB_AREA, 14, 0)

static void c072_an_unprivileged_space_may_not(void)
{
    attempt = (struct attempt){space_make_bare()->anchor, 99, 99};
    helper_start(space_make(), attempt_control, NULL);
    EQUAL(attempt.result, 0);
    EQUAL(attempt.error, L4_ERROR_NO_PRIVILEGE);
}

static void c073_the_space_must_exist_and_be_global(void)
{
    FAILS(configure(new_id(), GOOD_KIP, GOOD_UTCB), L4_ERROR_INVALID_SPACE);
    FAILS(configure(l4_my_local_id(), GOOD_KIP, GOOD_UTCB), L4_ERROR_INVALID_SPACE);
    FAILS(configure(L4_NIL_THREAD, GOOD_KIP, GOOD_UTCB), L4_ERROR_INVALID_SPACE);
}

static void c074_a_utcb_area_below_the_smallest_size_is_refused(void)
{
    struct space *s = space_make_bare();
    FAILS(configure(s->anchor, GOOD_KIP, l4_make_fpage(CHILD_UTCB_AREA, 11, 0)),
          L4_ERROR_UTCB_AREA);
    FAILS(configure(s->anchor, GOOD_KIP, L4_NIL_FPAGE), L4_ERROR_UTCB_AREA);
}

static void c075_a_utcb_area_among_kernel_addresses_is_refused(void)
{
    struct space *s = space_make_bare();
    FAILS(configure(s->anchor, GOOD_KIP, l4_make_fpage(0xC0000000, 14, 0)), L4_ERROR_UTCB_AREA);
    FAILS(configure(s->anchor, GOOD_KIP, l4_make_fpage(0xFFFFC000, 14, 0)), L4_ERROR_UTCB_AREA);
    FAILS(configure(s->anchor, GOOD_KIP, l4_make_fpage(0x80000000, 31, 0)), L4_ERROR_UTCB_AREA);
}

static void c076_a_bad_kip_area_is_refused(void)
{
    struct space *s = space_make_bare();
    FAILS(configure(s->anchor, l4_make_fpage(CHILD_UTCB_AREA + 0x1000, 12, 0), GOOD_UTCB),
          L4_ERROR_KIP_AREA);
    FAILS(configure(s->anchor, l4_make_fpage(0x90000000, 11, 0), GOOD_UTCB), L4_ERROR_KIP_AREA);
    FAILS(configure(s->anchor, l4_make_fpage(0xE0000000, 12, 0), GOOD_UTCB), L4_ERROR_KIP_AREA);
    FAILS(configure(s->anchor, L4_NIL_FPAGE, GOOD_UTCB), L4_ERROR_KIP_AREA);
    EQUAL(configure(s->anchor, GOOD_KIP, GOOD_UTCB), 1); // the failures left nothing behind
}

static void note_local_id(void *unused)
{
    (void)unused;
    attempt.result = l4_my_local_id();
    attempt.error = l4_kernel_interface().kip->magic;
}

static void c077_a_configured_space_has_its_page_and_utcbs(void)
{
    struct space *s = space_make_at(0x90000000, 0x20000000);
    attempt = (struct attempt){0, 0, 0};
    struct helper h = helper_start(s, note_local_id, NULL);
    EQUAL(attempt.error, L4_KIP_MAGIC);
    EQUAL(attempt.result, 0x20000100);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
}

static void c078_a_second_call_changes_nothing(void)
{
    struct space *s = space_make();
    struct helper h = helper_start(s, wait_for_ever, NULL);
    EQUAL(thread_state(h.id), L4_STATE_WAITING);
    EQUAL(configure(s->anchor, GOOD_KIP, l4_make_fpage(0x20000000, 14, 0)), 1);
    READS(s, s->kip, L4_KIP_MAGIC);
    HOLDS(!readable(s, 0x90000000, NULL));
    FAILS(l4_thread_control(new_id(), s->anchor, controller_id, controller_id, 0x20000000),
          L4_ERROR_UTCB_AREA);
    EQUAL(l4_thread_control(new_id(), s->anchor, controller_id, controller_id,
                            CHILD_UTCB_AREA + 20 * L4_UTCB_SIZE),
          1);
}

static struct small_client {
    l4_thread_id server;
    word_t wrong;
    volatile bool done;
} small_client;

static void call_from_small(void *unused)
{
    (void)unused;
    struct l4_stubs stubs;
    l4_find_stubs(&stubs, l4_kernel_interface().kip);
    small_client.wrong = call_inverter(small_client.server, stubs.ipc);
    small_client.wrong += call_inverter(small_client.server, stubs.lipc);
    small_client.done = true;
}

// Spaces whose areas and image lie below 16 MB, as pingpong's: where the kernel has small spaces,
// these are some. Messages from, to and between them, and with the large ones, must not show it.
static void check_small_spaces(void)
{
    struct helper server[3];
    struct space *s[3];
    word_t old;
    for (unsigned i = 0; i < 3; i++) {
        s[i] = i < 2 ? space_make_at(0x00C00000, 0x00800000) : space_make();
        if (i < 2)
            EQUAL(l4_space_control(s[i]->anchor, 0x80000000 | (4 + 8 * i), L4_NIL_FPAGE,
                                   L4_NIL_FPAGE, L4_NIL_THREAD, &old),
                  1);
        server[i] = helper_start(s[i], invert_for_ever, NULL);
        EQUAL(call_inverter(server[i].id, l4_stubs.ipc), 0);
        EQUAL(call_inverter(server[i].id, l4_stubs.lipc), 0);
    }
    for (unsigned from = 0; from < 3; from++) {
        for (unsigned to = 0; to < 3; to++) {
            small_client = (struct small_client){server[to].id, 99, false};
            struct helper h = helper_start(s[from], call_from_small, NULL);
            HOLDS(small_client.done);
            EQUAL(small_client.wrong, 0);
            helper_delete(&h);
        }
    }
}

static void c079_a_request_for_a_small_space_is_harmless(void)
{
    struct space *s = space_make();
    word_t old = 99;
    EQUAL(l4_space_control(s->anchor, 0, L4_NIL_FPAGE, L4_NIL_FPAGE, L4_NIL_THREAD, &old), 1);
    EQUAL(old, 0);
    for (word_t id = 1; id < 5; id++) { // as pingpong asks, after the space is configured
        EQUAL(l4_space_control(s->anchor, 0x80000000 | id, L4_NIL_FPAGE, L4_NIL_FPAGE,
                               L4_NIL_THREAD, &old),
              1);
        READS(s, s->kip, L4_KIP_MAGIC);
    }
    EQUAL(l4_space_control(s->anchor, 0x80000000, L4_NIL_FPAGE, L4_NIL_FPAGE, L4_NIL_THREAD, &old),
          1);
    READS(s, s->kip, L4_KIP_MAGIC);
    check_small_spaces();
}

const struct test space_control_tests[] = {
    TEST(c072_an_unprivileged_space_may_not),
    TEST(c073_the_space_must_exist_and_be_global),
    TEST(c074_a_utcb_area_below_the_smallest_size_is_refused),
    TEST(c075_a_utcb_area_among_kernel_addresses_is_refused),
    TEST(c076_a_bad_kip_area_is_refused),
    TEST(c077_a_configured_space_has_its_page_and_utcbs),
    TEST(c078_a_second_call_changes_nothing),
    TEST(c079_a_request_for_a_small_space_is_harmless),
    TESTS_END,
};
