/* p5_btb_test: what the branch target buffer remembers [AF-MA 3.2]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/models/p5/core.h"

#define KEY 0x1040u
#define TARGET 0x2000u
#define FAR_APART 100 /* groups between visits: no tight loop */

struct visitor {
    struct btb b;
    uint64_t group;
};

static bool mispredicts(struct visitor *v, bool taken)
{
    v->group += FAR_APART;
    return btb_branch(&v->b, KEY, taken, taken ? TARGET : KEY + 2, v->group, false).mispredicted;
}

static struct visitor fresh(void)
{
    struct visitor v = {.group = 0};
    btb_reset(&v.b);
    return v;
}

static void an_unknown_branch_is_predicted_not_taken(void **state)
{
    (void)state;
    struct visitor v = fresh();
    assert_false(mispredicts(&v, false));
    assert_false(btb_branch(&v.b, KEY, false, 0, 0, false).hit); /* and is not remembered */
    assert_true(mispredicts(&v, true));
    assert_false(mispredicts(&v, true));
}

static void a_taken_branch_starts_strongly_taken(void **state)
{
    (void)state;
    struct visitor v = fresh();
    mispredicts(&v, true);
    assert_true(mispredicts(&v, false));
    assert_false(mispredicts(&v, true)); /* one exit of a loop does not change the prediction */
}

static void from_state_0_it_jumps_to_strongly_taken(void **state)
{
    (void)state;
    struct visitor v = fresh();
    mispredicts(&v, true);
    for (int i = 0; i < 3; i++)
        mispredicts(&v, false);
    assert_true(mispredicts(&v, true));
    assert_true(mispredicts(&v, false)); /* already predicted taken */
    assert_true(mispredicts(&v, false));
}

static void in_a_tight_loop_state_0_steps_to_1(void **state)
{
    (void)state;
    struct visitor v = fresh();
    mispredicts(&v, true);
    for (int i = 0; i < 3; i++)
        mispredicts(&v, false);
    assert_true(btb_branch(&v.b, KEY, true, TARGET, v.group + 2, false).mispredicted);
    assert_false(btb_branch(&v.b, KEY, false, 0, v.group + 4, false).mispredicted);
}

static void another_target_is_a_misprediction(void **state)
{
    (void)state;
    struct visitor v = fresh();
    mispredicts(&v, true);
    assert_true(btb_branch(&v.b, KEY, true, TARGET + 4, 0, false).mispredicted);
    assert_false(btb_branch(&v.b, KEY, true, TARGET + 4, 0, false).mispredicted);
}

static void a_fifth_branch_of_a_set_evicts_one(void **state)
{
    (void)state;
    struct visitor v = fresh();
    unsigned remembered = 0;
    for (uint32_t i = 0; i < 5; i++)
        btb_branch(&v.b, KEY + i * BTB_SETS, true, TARGET, 0, false);
    for (uint32_t i = 0; i < 5; i++) {
        struct btb copy = v.b;
        remembered += btb_branch(&copy, KEY + i * BTB_SETS, true, TARGET, 0, false).hit;
    }
    assert_int_equal(remembered, BTB_WAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_branch_is_predicted_not_taken),
        cmocka_unit_test(a_taken_branch_starts_strongly_taken),
        cmocka_unit_test(from_state_0_it_jumps_to_strongly_taken),
        cmocka_unit_test(in_a_tight_loop_state_0_steps_to_1),
        cmocka_unit_test(another_target_is_a_misprediction),
        cmocka_unit_test(a_fifth_branch_of_a_set_evicts_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
