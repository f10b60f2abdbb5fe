/* vga_text: registers, memory, the beam in mode 3 at exact dots, and the screen as text. A dot of
 * the 28 MHz clock is 4 cycles: a character 36, a line 3600, the frame 449 lines. */
#include "devices/vga_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOT 4u
#define CHARACTER (9 * DOT)
#define LINE (100 * CHARACTER)
#define FRAME (449 * LINE)

struct bench {
    struct clock clock;
    struct vga vga;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    clock_init(&b->clock);
    vga_init(&b->vga, (struct vga_config){&b->clock, {5, 1}, {DOT, 1}});
    vga_firmware_done(&b->vga);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    clock_free(&b->clock);
    free(b);
    return 0;
}

static uint8_t in(struct bench *b, uint32_t port)
{
    return (uint8_t)vga_port_read(&b->vga, port, 1);
}

static void out(struct bench *b, uint32_t port, uint8_t value)
{
    vga_port_write(&b->vga, port, 1, value);
}

static void out_indexed(struct bench *b, uint32_t port, uint8_t index, uint8_t value)
{
    out(b, port, index);
    out(b, port + 1, value);
}

static uint8_t in_indexed(struct bench *b, uint32_t port, uint8_t index)
{
    out(b, port, index);
    return in(b, port + 1);
}

/* Mode 3 protects the registers of the CRTC that hold its width. */
static void set_columns(struct bench *b, uint8_t columns)
{
    out_indexed(b, 0x3D4, 0x11, 0x0E);
    out_indexed(b, 0x3D4, 0x01, columns - 1);
}

static void put_text(struct bench *b, unsigned row, unsigned column, const char *text,
                     uint8_t attribute)
{
    for (uint32_t at = 0xB8000 + 2 * (row * 80 + column); *text; at += 2, text++)
        vga_memory_write(&b->vga, at, 2, (uint8_t)*text | (uint32_t)attribute << 8);
}

static void vga_crtc_answers_at_3d4_or_3b4_as_misc_says(void **state)
{
    struct bench *b = *state;
    assert_int_equal(in_indexed(b, 0x3D4, 0x13), 0x28);
    assert_int_equal(in(b, 0x3B5), 0xFF);
    out(b, 0x3C2, 0x66);
    assert_int_equal(in_indexed(b, 0x3B4, 0x13), 0x28);
    assert_int_equal(in(b, 0x3D5), 0xFF);
    assert_int_equal(in(b, 0x3CC), 0x66);
}

static void vga_crtc_protects_registers_0_to_7(void **state)
{
    struct bench *b = *state;
    out_indexed(b, 0x3D4, 0x11, 0x8E);
    out_indexed(b, 0x3D4, 0x00, 0x00);
    assert_int_equal(in_indexed(b, 0x3D4, 0x00), 0x5F);
    out_indexed(b, 0x3D4, 0x07, 0x00);
    assert_int_equal(in_indexed(b, 0x3D4, 0x07), 0x0F); /* only the line compare bit */
    out_indexed(b, 0x3D4, 0x11, 0x0E);
    out_indexed(b, 0x3D4, 0x00, 0x60);
    assert_int_equal(in_indexed(b, 0x3D4, 0x00), 0x60);
}

static void vga_unused_register_bits_read_zero(void **state)
{
    struct bench *b = *state;
    out_indexed(b, 0x3C4, 2, 0xFF);
    assert_int_equal(in_indexed(b, 0x3C4, 2), 0x0F);
    out_indexed(b, 0x3CE, 3, 0xFF);
    assert_int_equal(in_indexed(b, 0x3CE, 3), 0x1F);
    assert_int_equal(in_indexed(b, 0x3C4, 7), 0x00);
}

static void vga_attribute_flip_flop_is_reset_by_status_1(void **state)
{
    struct bench *b = *state;
    in(b, 0x3DA);
    out(b, 0x3C0, 0x13);
    out(b, 0x3C0, 0x05);
    assert_int_equal(in(b, 0x3C1), 0x05);
    out(b, 0x3C0, 0x12); /* an index ... */
    in(b, 0x3DA);
    out(b, 0x3C0, 0x13); /* ... and another */
    assert_int_equal(in(b, 0x3C0), 0x13);
    assert_int_equal(in(b, 0x3C1), 0x05);
}

static void vga_palette_is_written_only_while_the_display_does_not_use_it(void **state)
{
    struct bench *b = *state;
    in(b, 0x3DA);
    out(b, 0x3C0, 0x21);
    out(b, 0x3C0, 0x3F);
    assert_int_equal(in(b, 0x3C1), 0x01);
    out(b, 0x3C0, 0x01);
    out(b, 0x3C0, 0x3F);
    assert_int_equal(in(b, 0x3C1), 0x3F);
}

static void vga_dac_takes_and_gives_colours_in_threes(void **state)
{
    struct bench *b = *state;
    out(b, 0x3C8, 0x10);
    for (uint8_t i = 0; i < 6; i++)
        out(b, 0x3C9, 0xC0 | (i + 1));
    assert_int_equal(in(b, 0x3C7), 0);
    assert_int_equal(in(b, 0x3C8), 0x12);
    out(b, 0x3C7, 0x10);
    assert_int_equal(in(b, 0x3C7), 3);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(in(b, 0x3C9), i + 1);
    out(b, 0x3C6, 0x0F);
    assert_int_equal(in(b, 0x3C6), 0x0F);
}

static void vga_mode_3_retrace_follows_the_dot_clock(void **state)
{
    static const struct {
        cycle_t cycle;
        uint8_t status;
    } points[] = {
        {0, 0},
        {80 * CHARACTER - 1, 0},
        {80 * CHARACTER, VGA_STATUS_DD},
        {LINE - 1, VGA_STATUS_DD},
        {LINE, 0},
        {400 * LINE - 20 * CHARACTER - 1, 0},
        {400 * LINE, VGA_STATUS_DD},
        {412 * LINE - 1, VGA_STATUS_DD},
        {412 * LINE, VGA_STATUS_DD | VGA_STATUS_VR},
        {414 * LINE - 1, VGA_STATUS_DD | VGA_STATUS_VR},
        {414 * LINE, VGA_STATUS_DD},
        {FRAME - 1, VGA_STATUS_DD},
        {FRAME, 0},
        {1000ull * FRAME + 413 * LINE, VGA_STATUS_DD | VGA_STATUS_VR},
    };
    struct bench *b = *state;
    for (unsigned i = 0; i < ARRAY_COUNT(points); i++) {
        b->clock.now = points[i].cycle;
        assert_int_equal(in(b, 0x3DA), points[i].status);
    }
}

static void vga_changed_frame_length_starts_the_frame_anew(void **state)
{
    struct bench *b = *state;
    b->clock.now = 412 * LINE;
    assert_int_equal(in(b, 0x3DA), VGA_STATUS_DD | VGA_STATUS_VR);
    out_indexed(b, 0x3C4, 1, 0x01); /* 8 dots a character */
    assert_int_equal(in(b, 0x3DA), 0);
    b->clock.now += 80 * 8 * DOT;
    assert_int_equal(in(b, 0x3DA), VGA_STATUS_DD);
}

static void vga_text_goes_to_planes_0_and_1(void **state)
{
    struct bench *b = *state;
    vga_memory_write(&b->vga, 0xB8000, 4, 0x1F420741);
    assert_int_equal(b->vga.memory[0][0], 'A');
    assert_int_equal(b->vga.memory[1][0], 0x07);
    assert_int_equal(b->vga.memory[0][2], 'B');
    assert_int_equal(b->vga.memory[1][2], 0x1F);
    assert_int_equal(vga_memory_read(&b->vga, 0xB8000, 4), 0x1F420741);
}

static void vga_memory_answers_in_its_window_only(void **state)
{
    struct bench *b = *state;
    assert_int_equal(vga_memory_read(&b->vga, 0xA0000, 4), 0xFFFFFFFF);
    assert_int_equal(vga_memory_read(&b->vga, 0xB0000, 1), 0xFF);
    out_indexed(b, 0x3CE, 6, 0x0A); /* monochrome: B0000 */
    assert_int_equal(vga_memory_read(&b->vga, 0xB8000, 1), 0xFF);
    vga_memory_write(&b->vga, 0xB0000, 1, 'm');
    assert_int_equal(vga_memory_read(&b->vga, 0xB0000, 1), 'm');
    out(b, 0x3C2, 0x65); /* RAM off */
    assert_int_equal(vga_memory_read(&b->vga, 0xB0000, 1), 0xFF);
}

static void vga_font_plane_is_reached_through_a0000(void **state)
{
    struct bench *b = *state;
    out_indexed(b, 0x3C4, 2, 0x04);
    out_indexed(b, 0x3C4, 4, 0x06);
    out_indexed(b, 0x3CE, 4, 0x02);
    out_indexed(b, 0x3CE, 5, 0x00);
    out_indexed(b, 0x3CE, 6, 0x04);
    vga_memory_write(&b->vga, 0xA0001, 1, 0x7E);
    assert_int_equal(vga_memory_read(&b->vga, 0xA0001, 1), 0x7E);
    assert_int_equal(b->vga.memory[2][1], 0x7E);
    assert_int_equal(b->vga.memory[0][0], ' ');
}

static void vga_screen_prints_text_without_trailing_blanks(void **state)
{
    struct bench *b = *state;
    char text[8192];
    put_text(b, 0, 0, "hello", 0x07);
    put_text(b, 24, 78, "\xB0\x01", 0x07);
    size_t length = vga_format_text(&b->vga, text, sizeof text, false);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(text, "hello\n\n", 7);
    assert_string_equal(text + 5 + 24 + 78, "\xE2\x96\x91\xE2\x98\xBA\n");
    unsigned lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 25);
}

static void vga_screen_prints_the_same_into_a_file(void **state)
{
    struct bench *b = *state;
    char text[8192], from_file[8192] = {0};
    put_text(b, 3, 4, "f\x81r", 0x1F);
    size_t length = vga_format_text(&b->vga, text, sizeof text, true);
    FILE *file = tmpfile();
    assert_true(vga_print_text(&b->vga, file, true));
    rewind(file);
    assert_int_equal(fread(from_file, 1, sizeof from_file - 1, file), length);
    assert_string_equal(text, from_file);
    fclose(file);
}

static void vga_format_text_cuts_off_like_snprintf(void **state)
{
    struct bench *b = *state;
    char text[4] = "xyz";
    put_text(b, 0, 0, "hello", 0x07);
    assert_int_equal(vga_format_text(&b->vga, text, sizeof text, false), 5 + 25);
    assert_string_equal(text, "hel");
    assert_int_equal(vga_format_text(&b->vga, NULL, 0, false), 5 + 25);
}

static void vga_screen_colours_are_ansi_sequences(void **state)
{
    struct bench *b = *state;
    char text[8192];
    set_columns(b, 4);
    put_text(b, 0, 0, "ab", 0x1E);  /* yellow on blue */
    put_text(b, 0, 2, "c", 0x84);   /* blinking red */
    vga_format_text(&b->vga, text, sizeof text, true);
    const char *want = "\033[0;93;44mab\033[0;5;31;40mc\033[0;37;40m \033[0m\n";
    assert_memory_equal(text, want, strlen(want));
}

static void vga_screen_follows_start_address_and_font_height(void **state)
{
    struct bench *b = *state;
    char text[8192];
    put_text(b, 1, 0, "second", 0x07);
    out_indexed(b, 0x3D4, 0x0D, 80);
    vga_format_text(&b->vga, text, sizeof text, false);
    assert_memory_equal(text, "second\n", 7);
    assert_int_equal(vga_rows(&b->vga), 25);
    out_indexed(b, 0x3D4, 0x09, 0x47);
    assert_int_equal(vga_rows(&b->vga), 50);
    set_columns(b, 40);
    assert_int_equal(vga_columns(&b->vga), 40);
}

static void vga_cursor_is_found_on_the_screen(void **state)
{
    struct bench *b = *state;
    unsigned row, column;
    out_indexed(b, 0x3D4, 0x0E, (80 * 3 + 7) >> 8);
    out_indexed(b, 0x3D4, 0x0F, (80 * 3 + 7) & 0xFF);
    assert_true(vga_cursor(&b->vga, &row, &column));
    assert_int_equal(row, 3);
    assert_int_equal(column, 7);
    out_indexed(b, 0x3D4, 0x0A, 0x20);
    assert_false(vga_cursor(&b->vga, &row, &column));
}

static void vga_graphics_mode_prints_nothing(void **state)
{
    struct bench *b = *state;
    char text[16] = "x";
    out_indexed(b, 0x3CE, 6, 0x05);
    assert_false(vga_is_text(&b->vga));
    assert_false(vga_print_text(&b->vga, stdout, false));
    assert_int_equal(vga_format_text(&b->vga, text, sizeof text, false), 0);
    assert_string_equal(text, "");
}

static void vga_unicode_knows_code_page_437(void **state)
{
    (void)state;
    assert_int_equal(vga_unicode('A'), 'A');
    assert_int_equal(vga_unicode(0x00), ' ');
    assert_int_equal(vga_unicode(0x7F), 0x2302);
    assert_int_equal(vga_unicode(0x84), 0xE4);
    assert_int_equal(vga_unicode(0xC4), 0x2500);
    assert_int_equal(vga_unicode(0xDB), 0x2588);
    assert_int_equal(vga_unicode(0xE1), 0xDF);
    assert_int_equal(vga_unicode(0xFE), 0x25A0);
    assert_int_equal(vga_unicode(0xFF), ' ');
}

static void vga_snapshot_restores_screen_and_registers(void **state)
{
    struct bench *b = *state;
    struct snap save, load, diff;
    put_text(b, 0, 0, "kept", 0x07);
    snap_begin_save(&save);
    vga_snapshot(&b->vga, &save);
    vga_reset(&b->vga);
    snap_begin_load(&load, save.data, save.size);
    vga_snapshot(&b->vga, &load);
    assert_false(load.failed);
    snap_begin_diff(&diff, save.data, save.size);
    vga_snapshot(&b->vga, &diff);
    assert_false(diff.failed);
    assert_int_equal(vga_cell(&b->vga, 0, 0), 0x0700 | 'k');
    snap_free(&save);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vga_crtc_answers_at_3d4_or_3b4_as_misc_says),
        TEST(vga_crtc_protects_registers_0_to_7),
        TEST(vga_unused_register_bits_read_zero),
        TEST(vga_attribute_flip_flop_is_reset_by_status_1),
        TEST(vga_palette_is_written_only_while_the_display_does_not_use_it),
        TEST(vga_dac_takes_and_gives_colours_in_threes),
        TEST(vga_mode_3_retrace_follows_the_dot_clock),
        TEST(vga_changed_frame_length_starts_the_frame_anew),
        TEST(vga_text_goes_to_planes_0_and_1),
        TEST(vga_memory_answers_in_its_window_only),
        TEST(vga_font_plane_is_reached_through_a0000),
        TEST(vga_screen_prints_text_without_trailing_blanks),
        TEST(vga_screen_prints_the_same_into_a_file),
        TEST(vga_format_text_cuts_off_like_snprintf),
        TEST(vga_screen_colours_are_ansi_sequences),
        TEST(vga_screen_follows_start_address_and_font_height),
        TEST(vga_cursor_is_found_on_the_screen),
        TEST(vga_graphics_mode_prints_nothing),
        TEST(vga_unicode_knows_code_page_437),
        TEST(vga_snapshot_restores_screen_and_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
