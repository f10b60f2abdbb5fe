/* The 8259A, alone and as the PC's pair, one behaviour a test. */
#include "devices/pic_8259.h"
#include "sim/core/check.h"
#include "sim/core/snap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The PC/AT's two controllers: vectors 20h-27h and 28h-2Fh here. */
struct board {
    struct pic master, slave;
    bool intr;
    unsigned intr_rises;
    unsigned slave_falls;
};

static void on_intr(void *owner, int n, bool level)
{
    struct board *b = owner;
    (void)n;
    b->intr = level;
    b->intr_rises += level;
}

static void on_slave_int(void *owner, int n, bool level)
{
    struct board *b = owner;
    b->slave_falls += !level;
    pic_set_irq(&b->master, n, level);
}

static void initialize(struct pic *p, unsigned icw1, unsigned icw2, unsigned icw3, unsigned icw4)
{
    pic_write(p, 0, (uint8_t)icw1);
    pic_write(p, 1, (uint8_t)icw2);
    if (!(icw1 & 2))
        pic_write(p, 1, (uint8_t)icw3);
    if (icw1 & 1)
        pic_write(p, 1, (uint8_t)icw4);
}

static int setup(void **state)
{
    struct board *b = xalloc(1, sizeof *b);
    pic_init(&b->slave,
             (struct pic_config){.elcr_writable = 0xDE, .out_int = {on_slave_int, b, 2}});
    pic_init(&b->master, (struct pic_config){.master = true,
                                             .elcr_writable = 0xF8,
                                             .out_int = {on_intr, b, 0},
                                             .slave_acknowledge = pic_acknowledge_cascaded,
                                             .slave_owner = &b->slave});
    initialize(&b->master, 0x11, 0x20, 0x04, 0x01);
    initialize(&b->slave, 0x11, 0x28, 0x02, 0x01);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void raise_irq(struct board *b, int irq)
{
    pic_set_irq(irq < 8 ? &b->master : &b->slave, irq & 7, true);
}

static void lower_irq(struct board *b, int irq)
{
    pic_set_irq(irq < 8 ? &b->master : &b->slave, irq & 7, false);
}

static void pulse_irq(struct board *b, int irq)
{
    lower_irq(b, irq);
    raise_irq(b, irq);
}

static uint8_t read_irr(struct pic *p)
{
    pic_write(p, 0, 0x0A);
    return pic_read(p, 0);
}

static uint8_t read_isr(struct pic *p)
{
    pic_write(p, 0, 0x0B);
    return pic_read(p, 0);
}

/* ---- initialization ---- */

static void pic_asks_for_nothing_before_it_is_initialized(void **state)
{
    struct board *b = *state;
    pic_reset(&b->master);
    raise_irq(b, 0);
    pic_write(&b->master, 1, 0x00);
    assert_false(b->intr);
    assert_int_equal(read_irr(&b->master), 0x01);
}

static void pic_is_ready_after_the_last_icw_its_icw1_announced(void **state)
{
    struct board *b = *state;
    pic_write(&b->master, 0, 0x11);
    raise_irq(b, 1);
    pic_write(&b->master, 1, 0x40);
    pic_write(&b->master, 1, 0x04);
    assert_false(b->intr);
    pic_write(&b->master, 1, 0x01);
    assert_true(b->intr);
    assert_int_equal(pic_acknowledge(&b->master), 0x41);
}

static void pic_icw1_clears_masks_services_and_edges(void **state)
{
    struct board *b = *state;
    raise_irq(b, 3);
    pic_acknowledge(&b->master);
    raise_irq(b, 1);
    pic_write(&b->master, 1, 0xFF);
    pic_write(&b->master, 0, 0xC5); /* and a rotated order */
    initialize(&b->master, 0x11, 0x20, 0x04, 0x01);
    assert_int_equal(pic_read(&b->master, 1), 0x00);
    assert_int_equal(read_isr(&b->master), 0x00);
    assert_int_equal(read_irr(&b->master), 0x00); /* the inputs are high, but must rise again */
    pulse_irq(b, 7);
    pulse_irq(b, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
}

static void pic_single_mode_takes_no_icw3(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x13, 0x50, 0, 0x01);
    pic_write(&b->master, 1, 0xFB);
    assert_int_equal(pic_read(&b->master, 1), 0xFB);
    raise_irq(b, 2);
    assert_int_equal(pic_acknowledge(&b->master), 0x52);
}

static void pic_buffered_mode_takes_its_role_from_icw4(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x11, 0x20, 0x04, 0x09); /* a buffered slave: its ICW3 is no map */
    raise_irq(b, 2);
    assert_int_equal(pic_acknowledge(&b->master), 0x22);
    lower_irq(b, 2);
    initialize(&b->master, 0x11, 0x20, 0x04, 0x0D);
    raise_irq(b, 8);
    assert_int_equal(pic_acknowledge(&b->master), 0x28);
}

/* ---- requests ---- */

static void pic_acknowledge_takes_the_highest_priority(void **state)
{
    struct board *b = *state;
    raise_irq(b, 5);
    raise_irq(b, 3);
    raise_irq(b, 4);
    assert_int_equal(pic_acknowledge(&b->master), 0x23);
    assert_int_equal(read_isr(&b->master), 0x08);
    assert_int_equal(read_irr(&b->master), 0x30);
    assert_false(b->intr);
}

static void pic_higher_request_nests_into_a_lower_service(void **state)
{
    struct board *b = *state;
    raise_irq(b, 4);
    pic_acknowledge(&b->master);
    raise_irq(b, 5);
    assert_false(b->intr);
    raise_irq(b, 1);
    assert_true(b->intr);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
    assert_int_equal(read_isr(&b->master), 0x12);
    pic_write(&b->master, 0, 0x20); /* ends the highest */
    assert_int_equal(read_isr(&b->master), 0x10);
    assert_false(b->intr);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x25);
}

static void pic_masked_request_waits_in_irr(void **state)
{
    struct board *b = *state;
    pic_write(&b->master, 1, 0x01);
    raise_irq(b, 0);
    assert_false(b->intr);
    assert_int_equal(read_irr(&b->master), 0x01);
    pic_write(&b->master, 1, 0x00);
    assert_true(b->intr);
}

static void pic_edge_request_needs_a_new_rise_after_service(void **state)
{
    struct board *b = *state;
    raise_irq(b, 3);
    pic_acknowledge(&b->master);
    pic_write(&b->master, 0, 0x20);
    assert_false(b->intr);
    raise_irq(b, 3);
    assert_false(b->intr);
    pulse_irq(b, 3);
    assert_true(b->intr);
}

static void pic_level_request_lasts_as_long_as_its_pin(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x19, 0x20, 0x04, 0x01);
    raise_irq(b, 3);
    pic_acknowledge(&b->master);
    assert_int_equal(read_irr(&b->master), 0x08);
    pic_write(&b->master, 0, 0x20);
    assert_true(b->intr);
    lower_irq(b, 3);
    assert_false(b->intr);
}

static void pic_elcr_makes_single_inputs_level_triggered(void **state)
{
    struct board *b = *state;
    pic_elcr_write(&b->master, 0xFF);
    assert_int_equal(pic_elcr_read(&b->master), 0xF8); /* 0, 1 and 2 stay edge triggered */
    raise_irq(b, 5);
    raise_irq(b, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x25);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x25);
}

static void pic_vanished_request_is_acknowledged_as_irq7_out_of_service(void **state)
{
    struct board *b = *state;
    raise_irq(b, 3);
    lower_irq(b, 3);
    assert_false(b->intr);
    assert_int_equal(b->intr_rises, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x27);
    assert_int_equal(read_isr(&b->master), 0x00);
}

/* ---- end of interrupt, rotation ---- */

static void pic_specific_eoi_ends_its_own_level(void **state)
{
    struct board *b = *state;
    raise_irq(b, 4);
    pic_acknowledge(&b->master);
    raise_irq(b, 1);
    pic_acknowledge(&b->master);
    pic_write(&b->master, 0, 0x64);
    assert_int_equal(read_isr(&b->master), 0x02);
}

static void pic_automatic_eoi_leaves_nothing_in_service(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x11, 0x20, 0x04, 0x03);
    raise_irq(b, 4);
    raise_irq(b, 5);
    b->intr_rises = 0;
    assert_int_equal(pic_acknowledge(&b->master), 0x24);
    assert_int_equal(read_isr(&b->master), 0x00);
    assert_true(b->intr);
    assert_int_equal(b->intr_rises, 1); /* INT fell during the acknowledge and rose again */
}

static void pic_rotate_on_eoi_makes_the_ended_level_lowest(void **state)
{
    struct board *b = *state;
    raise_irq(b, 4);
    pic_acknowledge(&b->master);
    pic_write(&b->master, 0, 0xA0);
    pulse_irq(b, 4);
    raise_irq(b, 3);
    raise_irq(b, 5);
    assert_int_equal(pic_acknowledge(&b->master), 0x25);
    pic_write(&b->master, 0, 0xE1); /* specific: 1 becomes the lowest, 5 stays in service */
    assert_int_equal(read_isr(&b->master), 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x23); /* 2, 3, 4, 5, 6, 7, 0, 1 */
}

static void pic_rotate_in_automatic_eoi_shares_equally(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x13, 0x20, 0, 0x03);
    pic_write(&b->master, 0, 0x80);
    raise_irq(b, 0);
    raise_irq(b, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x20);
    pulse_irq(b, 0);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
    pulse_irq(b, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x20);
    pic_write(&b->master, 0, 0x00); /* off: 0 is lowest now and stays so */
    pulse_irq(b, 0);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
    pulse_irq(b, 1);
    assert_int_equal(pic_acknowledge(&b->master), 0x21);
}

static void pic_set_priority_turns_the_order(void **state)
{
    struct board *b = *state;
    pic_write(&b->master, 0, 0xC0 | 3);
    raise_irq(b, 0);
    raise_irq(b, 3);
    raise_irq(b, 4);
    assert_int_equal(pic_acknowledge(&b->master), 0x24);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x20);
}

static void pic_eoi_with_nothing_in_service_does_not_rotate(void **state)
{
    struct board *b = *state;
    pic_write(&b->master, 0, 0xA0);
    raise_irq(b, 0);
    raise_irq(b, 7);
    assert_int_equal(pic_acknowledge(&b->master), 0x20);
}

/* ---- special modes ---- */

static void pic_special_mask_mode_lets_lower_levels_through(void **state)
{
    struct board *b = *state;
    raise_irq(b, 3);
    pic_acknowledge(&b->master);
    raise_irq(b, 6);
    assert_false(b->intr);
    pic_write(&b->master, 0, 0x68);
    assert_false(b->intr); /* 3 is in service and not masked */
    pic_write(&b->master, 1, 0x08);
    assert_int_equal(pic_acknowledge(&b->master), 0x26);
    pic_write(&b->master, 0, 0x20); /* passes over the masked level in service */
    assert_int_equal(read_isr(&b->master), 0x08);
    pic_write(&b->master, 0, 0x48);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(read_isr(&b->master), 0x00);
}

static void pic_poll_acknowledges_and_names_the_level(void **state)
{
    struct board *b = *state;
    raise_irq(b, 5);
    pic_write(&b->master, 0, 0x0C);
    assert_int_equal(pic_read(&b->master, 0), 0x85);
    assert_false(b->intr);
    assert_int_equal(read_isr(&b->master), 0x20);
    pic_write(&b->master, 0, 0x0C);
    assert_int_equal(pic_read(&b->master, 0) & 0x80, 0x00);
    assert_int_equal(pic_read(&b->master, 0), 0x20); /* one poll only: ISR is still selected */
}

static void pic_read_selection_lasts_and_starts_at_irr(void **state)
{
    struct board *b = *state;
    raise_irq(b, 4);
    assert_int_equal(pic_read(&b->master, 0), 0x10);
    pic_acknowledge(&b->master);
    pic_write(&b->master, 0, 0x0B);
    assert_int_equal(pic_read(&b->master, 0), 0x10);
    pic_write(&b->master, 0, 0x08); /* RR = 0 leaves the selection */
    assert_int_equal(pic_read(&b->master, 0), 0x10);
    pic_write(&b->master, 0, 0x0A);
    assert_int_equal(pic_read(&b->master, 0), 0x00);
}

/* ---- cascade ---- */

static void pic_slave_gives_the_vector_and_both_are_in_service(void **state)
{
    struct board *b = *state;
    raise_irq(b, 12);
    assert_true(b->intr);
    assert_int_equal(pic_acknowledge(&b->master), 0x2C);
    assert_int_equal(read_isr(&b->master), 0x04);
    assert_int_equal(read_isr(&b->slave), 0x10);
}

static void pic_spurious_slave_request_leaves_the_master_in_service(void **state)
{
    struct board *b = *state;
    raise_irq(b, 12);
    b->slave.config.out_int.set = NULL; /* the fall does not reach the master in time */
    lower_irq(b, 12);
    assert_int_equal(pic_acknowledge(&b->master), 0x2F);
    assert_int_equal(read_isr(&b->slave), 0x00);
    assert_int_equal(read_isr(&b->master), 0x04);
}

static void pic_slave_waits_for_the_masters_eoi(void **state)
{
    struct board *b = *state;
    raise_irq(b, 12);
    pic_acknowledge(&b->master);
    raise_irq(b, 8);
    assert_false(b->intr);
    pic_write(&b->slave, 0, 0x20);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x28);
}

static void pic_special_fully_nested_mode_lets_a_slave_nest(void **state)
{
    struct board *b = *state;
    initialize(&b->master, 0x11, 0x20, 0x04, 0x11);
    raise_irq(b, 12);
    pic_acknowledge(&b->master);
    raise_irq(b, 13);
    raise_irq(b, 3);
    assert_false(b->intr); /* lower ones still wait, inside the slave and below it */
    raise_irq(b, 8);
    assert_true(b->intr);
    assert_int_equal(pic_acknowledge(&b->master), 0x28);
    assert_int_equal(read_isr(&b->slave), 0x11);
}

static void pic_slave_int_falls_for_an_edge_in_automatic_eoi(void **state)
{
    struct board *b = *state;
    initialize(&b->slave, 0x11, 0x28, 0x02, 0x03);
    initialize(&b->master, 0x11, 0x20, 0x04, 0x03);
    raise_irq(b, 8);
    raise_irq(b, 9);
    assert_int_equal(pic_acknowledge(&b->master), 0x28);
    assert_int_equal(b->slave_falls, 1);
    assert_true(b->intr);
    assert_int_equal(pic_acknowledge(&b->master), 0x29);
}

static void pic_slave_of_another_identity_does_not_answer(void **state)
{
    struct board *b = *state;
    initialize(&b->slave, 0x11, 0x28, 0x05, 0x01);
    raise_irq(b, 8);
    assert_int_equal(pic_acknowledge(&b->master), 0xFF);
}

static void pic_cascade_input_without_a_slave_is_open_bus(void **state)
{
    struct board *b = *state;
    b->master.config.slave_acknowledge = NULL;
    raise_irq(b, 8);
    assert_int_equal(pic_acknowledge(&b->master), 0xFF);
}

static void pic_snapshot_keeps_a_service_in_progress(void **state)
{
    struct board *b = *state;
    struct snap save, load;
    raise_irq(b, 4);
    pic_acknowledge(&b->master);
    raise_irq(b, 6);
    snap_begin_save(&save);
    pic_snapshot(&b->master, &save);
    initialize(&b->master, 0x13, 0x60, 0, 0x03);
    snap_begin_load(&load, save.data, save.size);
    pic_snapshot(&b->master, &load);
    assert_false(load.failed);
    snap_free(&save);
    assert_int_equal(read_isr(&b->master), 0x10);
    pic_write(&b->master, 0, 0x20);
    assert_int_equal(pic_acknowledge(&b->master), 0x26);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pic_asks_for_nothing_before_it_is_initialized),
        TEST(pic_is_ready_after_the_last_icw_its_icw1_announced),
        TEST(pic_icw1_clears_masks_services_and_edges),
        TEST(pic_single_mode_takes_no_icw3),
        TEST(pic_buffered_mode_takes_its_role_from_icw4),
        TEST(pic_acknowledge_takes_the_highest_priority),
        TEST(pic_higher_request_nests_into_a_lower_service),
        TEST(pic_masked_request_waits_in_irr),
        TEST(pic_edge_request_needs_a_new_rise_after_service),
        TEST(pic_level_request_lasts_as_long_as_its_pin),
        TEST(pic_elcr_makes_single_inputs_level_triggered),
        TEST(pic_vanished_request_is_acknowledged_as_irq7_out_of_service),
        TEST(pic_specific_eoi_ends_its_own_level),
        TEST(pic_automatic_eoi_leaves_nothing_in_service),
        TEST(pic_rotate_on_eoi_makes_the_ended_level_lowest),
        TEST(pic_rotate_in_automatic_eoi_shares_equally),
        TEST(pic_set_priority_turns_the_order),
        TEST(pic_eoi_with_nothing_in_service_does_not_rotate),
        TEST(pic_special_mask_mode_lets_lower_levels_through),
        TEST(pic_poll_acknowledges_and_names_the_level),
        TEST(pic_read_selection_lasts_and_starts_at_irr),
        TEST(pic_slave_gives_the_vector_and_both_are_in_service),
        TEST(pic_spurious_slave_request_leaves_the_master_in_service),
        TEST(pic_slave_waits_for_the_masters_eoi),
        TEST(pic_special_fully_nested_mode_lets_a_slave_nest),
        TEST(pic_slave_int_falls_for_an_edge_in_automatic_eoi),
        TEST(pic_slave_of_another_identity_does_not_answer),
        TEST(pic_cascade_input_without_a_slave_is_open_bus),
        TEST(pic_snapshot_keeps_a_service_in_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
