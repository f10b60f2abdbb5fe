/* kbd_8042 with its keyboard, port_92, port_80 and debug_exit. A microsecond is 10 cycles; times
 * are those of kbd_timing_ps2. What happens at the ports at tick n begins with tick n + 1. */
#include "devices/debug_exit.h"
#include "devices/kbd_8042.h"
#include "devices/port_80.h"
#include "devices/port_92.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define US 10u
#define COMMAND_US 20u
#define RECEIVE_US 880u
#define SEND_US 1060u
#define RESPONSE_US 1000u
#define BAT_US 500000u

enum { LINE_IRQ1, LINE_IRQ12, LINE_A20, LINE_RESET, LINE_COUNT };

struct bench {
    struct clock clock;
    struct kbd kbd;
    bool level[LINE_COUNT];
    cycle_t at[LINE_COUNT];
    unsigned changes[LINE_COUNT];
};

static void on_line(void *owner, int number, bool level)
{
    struct bench *b = owner;
    b->level[number] = level;
    b->at[number] = b->clock.now;
    b->changes[number]++;
}

static void begin_at_power_on(struct bench *b)
{
    memset(b, 0, sizeof *b);
    clock_init(&b->clock);
    kbd_init(&b->kbd, (struct kbd_config){.clock = &b->clock,
                                          .microsecond = {US, 1},
                                          .timing = kbd_timing_ps2(),
                                          .input_port = 0xBF,
                                          .irq1 = {on_line, b, LINE_IRQ1},
                                          .irq12 = {on_line, b, LINE_IRQ12},
                                          .a20 = {on_line, b, LINE_A20},
                                          .reset = {on_line, b, LINE_RESET}});
}

static void begin(struct bench *b)
{
    begin_at_power_on(b);
    kbd_firmware_done(&b->kbd);
}

static void end(struct bench *b) { clock_free(&b->clock); }

static void run_to(struct bench *b, cycle_t cycle)
{
    while (clock_next(&b->clock) <= cycle) {
        b->clock.now = clock_next(&b->clock);
        clock_dispatch(&b->clock);
    }
    b->clock.now = cycle;
}

static void wait_us(struct bench *b, unsigned us) { run_to(b, b->clock.now + us * US); }
static uint8_t status(struct bench *b) { return (uint8_t)kbd_read(&b->kbd, KBD_PORT_COMMAND, 1); }
static uint8_t data(struct bench *b) { return (uint8_t)kbd_read(&b->kbd, KBD_PORT_DATA, 1); }
static void to_keyboard(struct bench *b, uint8_t v) { kbd_write(&b->kbd, KBD_PORT_DATA, 1, v); }

/* A command and the time it takes. */
static void command(struct bench *b, uint8_t value)
{
    kbd_write(&b->kbd, KBD_PORT_COMMAND, 1, value);
    wait_us(b, 1 + COMMAND_US);
}

static void command_data(struct bench *b, uint8_t value, uint8_t argument)
{
    command(b, value);
    kbd_write(&b->kbd, KBD_PORT_DATA, 1, argument);
    wait_us(b, 1 + COMMAND_US);
}

/* Takes what comes, as an interrupt routine would. */
static void expect_bytes(struct bench *b, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned us = 0; us < 100000 && !(status(b) & KBD_OBF); us++)
            wait_us(b, 1);
        assert_int_equal(data(b), bytes[i]);
    }
    wait_us(b, 3000);
    assert_int_equal(status(b) & KBD_OBF, 0);
}

#define EXPECT(b, ...)                                                                             \
    expect_bytes(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void kbd_power_on_passes_a20_and_disables_both_devices(void **state)
{
    struct bench b;
    (void)state;
    begin_at_power_on(&b);
    assert_true(b.level[LINE_A20]);
    assert_false(b.level[LINE_RESET]);
    assert_int_equal(status(&b), KBD_INH);
    command(&b, 0x20);
    assert_int_equal(data(&b), KBD_CTR_KCD | KBD_CTR_MCD);
    end(&b);
}

static void kbd_keyboard_sends_aa_after_its_test(void **state)
{
    struct bench b;
    (void)state;
    begin_at_power_on(&b);
    command_data(&b, 0x60, KBD_CTR_EKI);
    cycle_t due = (1 + BAT_US + RECEIVE_US) * US;
    run_to(&b, due - 1);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    run_to(&b, due);
    assert_int_equal(b.at[LINE_IRQ1], due);
    assert_int_equal(data(&b), 0xAA);
    end(&b);
}

static void kbd_self_test_answers_55_and_sets_sys(void **state)
{
    struct bench b;
    (void)state;
    begin_at_power_on(&b);
    assert_int_equal(status(&b) & KBD_SYS, 0);
    command(&b, 0xAA);
    wait_us(&b, 1999);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_SYS), 0);
    wait_us(&b, 1);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_SYS), KBD_OBF | KBD_SYS);
    assert_int_equal(data(&b), 0x55);
    end(&b);
}

static void kbd_input_buffer_stays_full_until_the_command_is_done(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_write(&b.kbd, KBD_PORT_COMMAND, 1, 0xAB);
    assert_int_equal(status(&b) & (KBD_IBF | KBD_CMD), KBD_IBF | KBD_CMD);
    run_to(&b, (1 + COMMAND_US) * US - 1);
    assert_int_equal(status(&b) & (KBD_IBF | KBD_OBF), KBD_IBF);
    run_to(&b, (1 + COMMAND_US) * US);
    assert_int_equal(status(&b) & (KBD_IBF | KBD_OBF), KBD_OBF);
    assert_int_equal(data(&b), 0x00);
    end(&b);
}

static void kbd_command_byte_and_ram_are_read_back(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command_data(&b, 0x60, 0x65);
    command_data(&b, 0x7F, 0x99);
    command(&b, 0x20);
    assert_int_equal(data(&b), 0x65);
    command(&b, 0x3F);
    assert_int_equal(data(&b), 0x99);
    end(&b);
}

static void kbd_devices_are_disabled_and_enabled_by_command(void **state)
{
    static const struct {
        uint8_t command, bit, set;
    } commands[] = {{0xA7, KBD_CTR_MCD, KBD_CTR_MCD}, {0xA8, KBD_CTR_MCD, 0},
                    {0xAD, KBD_CTR_KCD, KBD_CTR_KCD}, {0xAE, KBD_CTR_KCD, 0}};
    struct bench b;
    (void)state;
    begin(&b);
    for (unsigned i = 0; i < ARRAY_COUNT(commands); i++) {
        command(&b, commands[i].command);
        command(&b, 0x20);
        assert_int_equal(data(&b) & commands[i].bit, commands[i].set);
    }
    end(&b);
}

static void kbd_ports_are_read_by_command(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command(&b, 0xC0);
    assert_int_equal(data(&b), 0xBF);
    command(&b, 0xD0);
    assert_int_equal(data(&b), 0xCF); /* neither IRQ line is up while it reads them */
    command(&b, 0xE0);
    assert_int_equal(data(&b), 0x01); /* the auxiliary clock is held low */
    end(&b);
}

static void kbd_d1_drives_a20_and_reset(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command_data(&b, 0xD1, 0xDD);
    assert_false(b.level[LINE_A20]);
    command_data(&b, 0xD1, 0xDF);
    assert_true(b.level[LINE_A20]);
    command_data(&b, 0xD1, 0xDE);
    assert_true(b.level[LINE_RESET]);
    end(&b);
}

static void kbd_dd_and_df_switch_a20(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command(&b, 0xDD);
    assert_false(b.level[LINE_A20]);
    command(&b, 0xDF);
    assert_true(b.level[LINE_A20]);
    end(&b);
}

static void kbd_fe_pulses_reset_for_6_us(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_write(&b.kbd, KBD_PORT_COMMAND, 1, 0xFE);
    run_to(&b, 100 * US);
    assert_int_equal(b.changes[LINE_RESET], 2);
    assert_false(b.level[LINE_RESET]);
    assert_int_equal(b.at[LINE_RESET], (1 + COMMAND_US + 6) * US);
    assert_true(b.level[LINE_A20]);
    assert_int_equal(b.changes[LINE_A20], 1); /* as init left it */
    end(&b);
}

static void kbd_d2_and_d3_fill_the_output_buffer(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command_data(&b, 0x60, KBD_CTR_EKI | KBD_CTR_EMI);
    command_data(&b, 0xD2, 0x12);
    assert_true(b.level[LINE_IRQ1]);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_AUXB), KBD_OBF);
    assert_int_equal(data(&b), 0x12);
    assert_false(b.level[LINE_IRQ1]);
    command_data(&b, 0xD3, 0x34);
    assert_true(b.level[LINE_IRQ12]);
    assert_false(b.level[LINE_IRQ1]);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_AUXB), KBD_OBF | KBD_AUXB);
    assert_int_equal(data(&b), 0x34);
    assert_false(b.level[LINE_IRQ12]);
    end(&b);
}

static void kbd_auxiliary_port_times_out_without_a_mouse(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command(&b, 0xA9);
    assert_int_equal(data(&b), 0x00);
    command_data(&b, 0xD4, 0xFF);
    wait_us(&b, 14999);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    wait_us(&b, 1);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_AUXB | KBD_TIM), KBD_OBF | KBD_AUXB | KBD_TIM);
    assert_int_equal(data(&b), 0xFE);
    end(&b);
}

static void kbd_key_arrives_translated_after_its_11_bits(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_key(&b.kbd, 0x1E, true);
    run_to(&b, (1 + RECEIVE_US) * US - 1);
    assert_false(b.level[LINE_IRQ1]);
    run_to(&b, (1 + RECEIVE_US) * US);
    assert_int_equal(b.at[LINE_IRQ1], (1 + RECEIVE_US) * US);
    EXPECT(&b, 0x1E);
    kbd_key(&b.kbd, 0x1E, false);
    EXPECT(&b, 0x9E);
    end(&b);
}

static void kbd_without_translation_passes_set_2(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command_data(&b, 0x60, KBD_CTR_EKI);
    kbd_key(&b.kbd, 0x1E, true);
    kbd_key(&b.kbd, 0x1E, false);
    kbd_key(&b.kbd, 0xE048, true);
    kbd_key(&b.kbd, 0xE048, false);
    EXPECT(&b, 0x1C, 0xF0, 0x1C, 0xE0, 0x75, 0xE0, 0xF0, 0x75);
    end(&b);
}

static void kbd_translates_every_key_into_its_name(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    for (unsigned key = 0x01; key <= 0x58; key++) {
        if (key == 0x54) /* SysRq is a key of its own on the 84-key keyboard only */
            continue;
        kbd_key(&b.kbd, (uint16_t)key, true);
        kbd_key(&b.kbd, (uint16_t)key, false);
        EXPECT(&b, (uint8_t)key, (uint8_t)(key | 0x80));
    }
    end(&b);
}

static void kbd_print_screen_and_pause_send_their_sequences(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_key(&b.kbd, KEYBOARD_PRINT_SCREEN, true);
    kbd_key(&b.kbd, KEYBOARD_PRINT_SCREEN, false);
    EXPECT(&b, 0xE0, 0x2A, 0xE0, 0x37, 0xE0, 0xB7, 0xE0, 0xAA);
    kbd_key(&b.kbd, KEYBOARD_PAUSE, true);
    kbd_key(&b.kbd, KEYBOARD_PAUSE, false);
    EXPECT(&b, 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5);
    end(&b);
}

static void kbd_num_lock_puts_a_shift_around_grey_keys(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    to_keyboard(&b, 0xED);
    EXPECT(&b, 0xFA);
    to_keyboard(&b, KEYBOARD_LED_NUM);
    EXPECT(&b, 0xFA);
    assert_int_equal(kbd_leds(&b.kbd), KEYBOARD_LED_NUM);
    kbd_key(&b.kbd, 0xE04B, true);
    kbd_key(&b.kbd, 0xE04B, false);
    EXPECT(&b, 0xE0, 0x2A, 0xE0, 0x4B, 0xE0, 0xCB, 0xE0, 0xAA);
    end(&b);
}

static void kbd_output_buffer_full_holds_the_keyboard_back(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_key(&b.kbd, 0x02, true);
    kbd_key(&b.kbd, 0x03, true);
    wait_us(&b, 10000);
    assert_int_equal(data(&b), 0x02);
    cycle_t read = b.clock.now;
    run_to(&b, read + (1 + RECEIVE_US) * US - 1);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    run_to(&b, read + (1 + RECEIVE_US) * US);
    assert_int_equal(data(&b), 0x03);
    end(&b);
}

static void kbd_command_is_acknowledged_at_its_exact_time(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    to_keyboard(&b, 0xF4);
    cycle_t due = (1 + COMMAND_US + SEND_US + RESPONSE_US + RECEIVE_US) * US;
    run_to(&b, due - 1);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    run_to(&b, due);
    assert_int_equal(b.at[LINE_IRQ1], due);
    assert_int_equal(data(&b), 0xFA);
    end(&b);
}

static void kbd_answers_echo_id_set_and_resend(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command_data(&b, 0x60, KBD_CTR_EKI);
    to_keyboard(&b, 0xEE);
    EXPECT(&b, 0xEE);
    to_keyboard(&b, 0xF2);
    EXPECT(&b, 0xFA, 0xAB, 0x83);
    to_keyboard(&b, 0xFE);
    EXPECT(&b, 0x83);
    to_keyboard(&b, 0xF0);
    EXPECT(&b, 0xFA);
    to_keyboard(&b, 0x00);
    EXPECT(&b, 0xFA, 0x02);
    to_keyboard(&b, 0xF0);
    EXPECT(&b, 0xFA);
    to_keyboard(&b, 0x01);
    EXPECT(&b, 0xFA);
    kbd_key(&b.kbd, 0x1E, true);
    kbd_key(&b.kbd, 0x1E, false);
    EXPECT(&b, 0x1E, 0x9E);
    to_keyboard(&b, 0xF1);
    EXPECT(&b, 0xFE);
    end(&b);
}

static void kbd_f5_stops_and_f4_starts_scanning(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    to_keyboard(&b, 0xF5);
    EXPECT(&b, 0xFA);
    kbd_key(&b.kbd, 0x1E, true);
    wait_us(&b, 10000);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    to_keyboard(&b, 0xF4);
    EXPECT(&b, 0xFA);
    kbd_key(&b.kbd, 0x1E, false);
    EXPECT(&b, 0x9E);
    end(&b);
}

static void kbd_reset_is_acknowledged_then_tested(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    to_keyboard(&b, 0xFF);
    wait_us(&b, 1 + COMMAND_US + SEND_US + RESPONSE_US + RECEIVE_US);
    assert_int_equal(data(&b), 0xFA);
    to_keyboard(&b, 0xF4); /* during its test the keyboard does not listen */
    wait_us(&b, 1 + COMMAND_US + 15000);
    assert_int_equal(status(&b) & (KBD_OBF | KBD_TIM | KBD_AUXB), KBD_OBF | KBD_TIM);
    assert_int_equal(data(&b), 0xFE);
    unsigned acknowledged = 1 + COMMAND_US + SEND_US + RESPONSE_US + RECEIVE_US;
    run_to(&b, (acknowledged + BAT_US + RECEIVE_US) * US - 1);
    assert_int_equal(status(&b) & KBD_OBF, 0);
    run_to(&b, (acknowledged + BAT_US + RECEIVE_US) * US);
    assert_int_equal(data(&b), 0xAA);
    end(&b);
}

static void kbd_held_key_repeats_after_500_ms_then_every_92_ms(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    kbd_key(&b.kbd, 0x1E, true);
    wait_us(&b, 1000);
    assert_int_equal(data(&b), 0x1E);
    /* (8 + 3) 2^1 units of 4170 us: 10.9 a second */
    for (unsigned n = 0; n < 4; n++) {
        cycle_t due = (1 + 500000 + n * 22 * 4170 + RECEIVE_US) * US;
        run_to(&b, due - 1);
        assert_int_equal(status(&b) & KBD_OBF, 0);
        run_to(&b, due);
        assert_int_equal(data(&b), 0x1E);
    }
    kbd_key(&b.kbd, 0x1E, false);
    EXPECT(&b, 0x9E);
    end(&b);
}

static void kbd_buffer_keeps_16_bytes_and_an_overrun_code(void **state)
{
    struct bench b;
    (void)state;
    begin(&b);
    command(&b, 0xAD);
    for (unsigned key = 2; key <= 8; key++) { /* 3 bytes each: five fit, one byte is left */
        assert_int_equal(kbd_can_key(&b.kbd), key <= 4);
        kbd_key(&b.kbd, (uint16_t)key, true);
        kbd_key(&b.kbd, (uint16_t)key, false);
    }
    kbd_write(&b.kbd, KBD_PORT_COMMAND, 1, 0xAE);
    EXPECT(&b, 0x02, 0x82, 0x03, 0x83, 0x04, 0x84, 0x05, 0x85, 0x06, 0x86, 0x07, 0xFF);
    end(&b);
}

static void kbd_snapshot_continues_in_the_middle_of_a_byte(void **state)
{
    struct bench a, b;
    struct snap save, load;
    (void)state;
    begin(&a);
    begin(&b);
    kbd_key(&a.kbd, 0x1E, true);
    run_to(&a, 400 * US);
    run_to(&b, 400 * US);
    snap_begin_save(&save);
    kbd_snapshot(&a.kbd, &save);
    snap_begin_load(&load, save.data, save.size);
    kbd_snapshot(&b.kbd, &load);
    assert_false(load.failed);
    run_to(&b, (1 + RECEIVE_US) * US);
    assert_int_equal(b.at[LINE_IRQ1], (1 + RECEIVE_US) * US);
    assert_int_equal(data(&b), 0x1E);
    snap_free(&save);
    end(&a);
    end(&b);
}

static void port_92_drives_a20_and_reset(void **state)
{
    struct bench b = {.changes = {0}};
    struct port_92 p;
    (void)state;
    port_92_init(&p, (struct irq_line){on_line, &b, LINE_A20},
                 (struct irq_line){on_line, &b, LINE_RESET});
    assert_int_equal(port_92_read(&p, 0x92, 1), 0x00);
    port_92_write(&p, 0x92, 1, 0x02);
    assert_true(b.level[LINE_A20]);
    port_92_write(&p, 0x92, 1, 0x03);
    port_92_write(&p, 0x92, 1, 0x03);
    assert_true(b.level[LINE_RESET]);
    assert_int_equal(b.changes[LINE_RESET], 1);
    assert_int_equal(port_92_read(&p, 0x92, 1), 0x03);
}

static void port_92_lock_stays_until_power_on(void **state)
{
    struct port_92 p;
    (void)state;
    port_92_init(&p, (struct irq_line){0}, (struct irq_line){0});
    port_92_write(&p, 0x92, 1, 0xFF);
    assert_int_equal(port_92_read(&p, 0x92, 1), 0xCB);
    port_92_write(&p, 0x92, 1, 0x00);
    assert_int_equal(port_92_read(&p, 0x92, 1), PORT_92_LOCK);
    port_92_reset(&p);
    assert_int_equal(port_92_read(&p, 0x92, 1), 0x00);
}

static void on_code(void *owner, uint8_t value) { *(unsigned *)owner = value; }
static void on_exit_value(void *owner, uint32_t value) { *(uint32_t *)owner = value; }

static void port_80_keeps_and_tells_the_last_code(void **state)
{
    struct port_80 p;
    unsigned told = 0;
    (void)state;
    port_80_init(&p, on_code, &told);
    port_80_write(&p, 0x80, 1, 0xA5);
    assert_int_equal(told, 0xA5);
    assert_int_equal(port_80_read(&p, 0x80, 1), 0xA5);
}

static void debug_exit_tells_the_whole_value(void **state)
{
    struct debug_exit d;
    uint32_t told = 0;
    (void)state;
    debug_exit_init(&d, on_exit_value, &told);
    debug_exit_write(&d, 0xF4, 4, 0x12345);
    assert_int_equal(told, 0x12345);
    assert_int_equal(debug_exit_status(0x10), 0x21);
    assert_int_equal(debug_exit_read(&d, 0xF4, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kbd_power_on_passes_a20_and_disables_both_devices),
        cmocka_unit_test(kbd_keyboard_sends_aa_after_its_test),
        cmocka_unit_test(kbd_self_test_answers_55_and_sets_sys),
        cmocka_unit_test(kbd_input_buffer_stays_full_until_the_command_is_done),
        cmocka_unit_test(kbd_command_byte_and_ram_are_read_back),
        cmocka_unit_test(kbd_devices_are_disabled_and_enabled_by_command),
        cmocka_unit_test(kbd_ports_are_read_by_command),
        cmocka_unit_test(kbd_d1_drives_a20_and_reset),
        cmocka_unit_test(kbd_dd_and_df_switch_a20),
        cmocka_unit_test(kbd_fe_pulses_reset_for_6_us),
        cmocka_unit_test(kbd_d2_and_d3_fill_the_output_buffer),
        cmocka_unit_test(kbd_auxiliary_port_times_out_without_a_mouse),
        cmocka_unit_test(kbd_key_arrives_translated_after_its_11_bits),
        cmocka_unit_test(kbd_without_translation_passes_set_2),
        cmocka_unit_test(kbd_translates_every_key_into_its_name),
        cmocka_unit_test(kbd_print_screen_and_pause_send_their_sequences),
        cmocka_unit_test(kbd_num_lock_puts_a_shift_around_grey_keys),
        cmocka_unit_test(kbd_output_buffer_full_holds_the_keyboard_back),
        cmocka_unit_test(kbd_command_is_acknowledged_at_its_exact_time),
        cmocka_unit_test(kbd_answers_echo_id_set_and_resend),
        cmocka_unit_test(kbd_f5_stops_and_f4_starts_scanning),
        cmocka_unit_test(kbd_reset_is_acknowledged_then_tested),
        cmocka_unit_test(kbd_held_key_repeats_after_500_ms_then_every_92_ms),
        cmocka_unit_test(kbd_buffer_keeps_16_bytes_and_an_overrun_code),
        cmocka_unit_test(kbd_snapshot_continues_in_the_middle_of_a_byte),
        cmocka_unit_test(port_92_drives_a20_and_reset),
        cmocka_unit_test(port_92_lock_stays_until_power_on),
        cmocka_unit_test(port_80_keeps_and_tells_the_last_code),
        cmocka_unit_test(debug_exit_tells_the_whole_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
