#include "sim/core/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct clock clock;
    struct ledger ledger;
};

static struct fixture fixture;

static int set_up(void **state)
{
    memset(&fixture, 0, sizeof fixture);
    clock_init(&fixture.clock);
    ledger_init(&fixture.ledger, &fixture.clock);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ledger_free(&f->ledger);
    clock_free(&f->clock);
    return 0;
}

static void a_charge_is_what_moves_the_clock(void **state)
{
    struct fixture *f = *state;
    ledger_charge(&f->ledger, CAUSE_ISSUE, 3, QUALITY_READ);
    ledger_charge(&f->ledger, CAUSE_AGI, 1, QUALITY_ESTIMATE);
    assert_int_equal(f->clock.now, 4);
    assert_int_equal(ledger_sum(&f->ledger), 4);
    assert_int_equal(f->ledger.quality[QUALITY_ESTIMATE], 1);
    ledger_verify(&f->ledger);
}

static void charges_go_to_the_present_path_and_place(void **state)
{
    struct fixture *f = *state;
    ledger_at(&f->ledger, 5000); /* beyond the first capacity: the table grows */
    ledger_charge(&f->ledger, CAUSE_ISSUE, 2, QUALITY_READ);
    ledger_enter(&f->ledger, PATH_VECTOR + 0x80);
    ledger_charge(&f->ledger, CAUSE_KERNEL_ENTRY, 48, QUALITY_READ);
    assert_int_equal(f->ledger.paths[PATH_BOOT].rows[5000][CAUSE_ISSUE], 2);
    assert_int_equal(f->ledger.paths[PATH_VECTOR + 0x80].rows[5000][CAUSE_KERNEL_ENTRY], 48);
    assert_int_equal(f->ledger.paths[PATH_VECTOR + 0x80].entries, 1);
    ledger_verify(&f->ledger);
}

static void a_restart_forgets_and_still_adds_up(void **state)
{
    struct fixture *f = *state;
    ledger_charge(&f->ledger, CAUSE_ISSUE, 100, QUALITY_READ);
    ledger_restart(&f->ledger);
    assert_int_equal(ledger_sum(&f->ledger), 0);
    ledger_charge(&f->ledger, CAUSE_HALTED, 7, QUALITY_READ);
    assert_int_equal(ledger_sum(&f->ledger), 7);
    ledger_verify(&f->ledger);
}

static void tapped(void *owner, enum cause cause, cycle_t cycles)
{
    uint64_t *sum = owner;
    sum[cause] += cycles;
}

static void a_tap_sees_every_charge(void **state)
{
    struct fixture *f = *state;
    uint64_t seen[CAUSE_COUNT] = {0};
    f->ledger.tap = tapped;
    f->ledger.tap_owner = seen;
    for (unsigned k = 0; k < CAUSE_COUNT; k++)
        ledger_charge(&f->ledger, (enum cause)k, k, QUALITY_READ);
    f->ledger.tap = NULL;
    f->ledger.tap_owner = NULL;
    for (unsigned k = 0; k < CAUSE_COUNT; k++)
        assert_int_equal(seen[k], k);
}

static void every_cause_has_a_name_of_its_own_and_a_text(void **state)
{
    (void)state;
    for (unsigned k = 0; k < CAUSE_COUNT; k++) {
        assert_non_null(cause_texts[k]);
        for (unsigned j = 0; j < k; j++)
            assert_string_not_equal(cause_names[k], cause_names[j]);
    }
}

int main(void)
{
#define IN_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(a_charge_is_what_moves_the_clock),
        IN_FIXTURE(charges_go_to_the_present_path_and_place),
        IN_FIXTURE(a_restart_forgets_and_still_adds_up),
        IN_FIXTURE(a_tap_sees_every_charge),
        cmocka_unit_test(every_cause_has_a_name_of_its_own_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
