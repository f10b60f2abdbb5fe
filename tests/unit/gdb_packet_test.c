/* Tests of the GDB protocol's framing: packets, checksums, escapes, and bytes that are none. */
#include "sim/gdb/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Feeds everything; returns what the last byte completed. */
static enum gdb_input feed(struct gdb_reader *r, const char *bytes, size_t size)
{
    enum gdb_input last = GDB_NOTHING;
    for (size_t i = 0; i < size; i++)
        last = gdb_reader_feed(r, (uint8_t)bytes[i]);
    return last;
}

#define FEED(r, text) feed(r, text, sizeof(text) - 1)

static void a_packet_with_its_checksum_is_taken(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(FEED(&r, "+$m10,4#2e"), GDB_PACKET);
    assert_string_equal(r.data, "m10,4");
    assert_int_equal(FEED(&r, "$#00"), GDB_PACKET);
    assert_int_equal(r.length, 0);
}

static void a_wrong_checksum_is_damage(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(FEED(&r, "$m10,4#2f"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "$g#6x"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "$g#z"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "$g#67"), GDB_PACKET);
}

static void an_escape_stands_for_its_byte_and_counts_as_sent(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    uint8_t sum = ('X' + '}' + 0x03 + '}' + 0x5D) & 0xFF;
    char packet[16];
    int n = snprintf(packet, sizeof packet, "$X}\x03}]#%02x", sum);
    assert_int_equal(feed(&r, packet, (size_t)n), GDB_PACKET);
    assert_int_equal(r.length, 3);
    assert_memory_equal(r.data, "X#}", 3);
}

static void a_new_start_drops_the_packet_before(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(FEED(&r, "$m123$g#67"), GDB_PACKET);
    assert_string_equal(r.data, "g");
}

static void interrupt_and_nak_are_seen_between_packets_only(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(FEED(&r, "\x03"), GDB_INTERRUPT);
    assert_int_equal(FEED(&r, "-"), GDB_NAK);
    assert_int_equal(FEED(&r, "$-\x03"), GDB_NOTHING);
}

static void a_packet_that_is_too_long_is_damage(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    gdb_reader_feed(&r, '$');
    for (unsigned i = 0; i < GDB_PACKET_MAX + 100; i++)
        gdb_reader_feed(&r, 0);
    assert_int_equal(FEED(&r, "#00"), GDB_DAMAGED);
    assert_int_equal(FEED(&r, "$?#3f"), GDB_PACKET);
}

static void a_reply_is_framed_and_escaped(void **state)
{
    static struct gdb_reply r;
    static char out[sizeof r.data + 4];
    (void)state;
    gdb_reply_text(&r, "%s", "O");
    gdb_reply_hex(&r, "\xAB", 1);
    gdb_reply_binary(&r, "#}", 2);
    size_t n = gdb_reply_frame(&r, out);
    uint8_t sum = ('O' + 'a' + 'b' + '}' + 0x03 + '}' + 0x5D) & 0xFF;
    char expected[16];
    snprintf(expected, sizeof expected, "$Oab}\x03}]#%02x", sum);
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(out, expected, n);
}

static void numbers_end_where_they_end_and_do_not_overflow(void **state)
{
    uint32_t v;
    uint64_t wide;
    uint8_t bytes[2];
    (void)state;
    struct gdb_words w = gdb_words_of("fF0,", 4);
    assert_true(gdb_word(&w, &v) && v == 0xFF0 && gdb_literal(&w, ",") && gdb_at_end(&w));
    w = gdb_words_of("100000000", 9);
    assert_false(gdb_word(&w, &v));
    w = gdb_words_of("11111111111111111", 17);
    assert_false(gdb_number(&w, &wide));
    w = gdb_words_of("", 0);
    assert_false(gdb_number(&w, &wide));
    w = gdb_words_of("12g4", 4);
    assert_false(gdb_bytes(&w, bytes, 2));
    w = gdb_words_of("123", 3);
    assert_false(gdb_bytes(&w, bytes, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_with_its_checksum_is_taken),
        cmocka_unit_test(a_wrong_checksum_is_damage),
        cmocka_unit_test(an_escape_stands_for_its_byte_and_counts_as_sent),
        cmocka_unit_test(a_new_start_drops_the_packet_before),
        cmocka_unit_test(interrupt_and_nak_are_seen_between_packets_only),
        cmocka_unit_test(a_packet_that_is_too_long_is_damage),
        cmocka_unit_test(a_reply_is_framed_and_escaped),
        cmocka_unit_test(numbers_end_where_they_end_and_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
