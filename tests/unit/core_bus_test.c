#include "sim/core/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct device {
    uint32_t last_port, last_value;
    unsigned last_size, writes;
};

static uint32_t read_port(void *owner, uint32_t port, unsigned size)
{
    struct device *d = owner;
    d->last_size = size;
    return port & 0xFF;
}

static void write_port(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct device *d = owner;
    d->last_port = port;
    d->last_size = size;
    d->last_value = value;
    d->writes++;
}

static void map_device(struct bus *b, struct device *d, unsigned width)
{
    bus_init(b);
    memset(d, 0, sizeof *d);
    bus_map_ports(b, (struct bus_range){.first = 0x40, .last = 0x43, .width = width,
                                        .read = read_port, .write = write_port, .owner = d,
                                        .name = "device"});
}

static void nothing_answers_with_all_ones(void **state)
{
    (void)state;
    struct bus b;
    bus_init(&b);
    assert_int_equal(bus_port_read(&b, 0x300, 1), 0xFF);
    assert_int_equal(bus_port_read(&b, 0x300, 2), 0xFFFF);
    assert_int_equal(bus_port_read(&b, 0x300, 4), 0xFFFFFFFF);
    bus_port_write(&b, 0x300, 4, 1);
}

static void a_wide_access_to_a_byte_device_is_split_low_byte_first(void **state)
{
    (void)state;
    struct bus b;
    struct device d;
    map_device(&b, &d, 1);
    assert_int_equal(bus_port_read(&b, 0x40, 4), 0x43424140);
    bus_port_write(&b, 0x40, 2, 0xBBAA);
    assert_int_equal(d.writes, 2);
    assert_int_equal(d.last_port, 0x41);
    assert_int_equal(d.last_value, 0xBB);
}

static void a_wide_access_past_the_end_meets_open_bus(void **state)
{
    (void)state;
    struct bus b;
    struct device d;
    map_device(&b, &d, 1);
    assert_int_equal(bus_port_read(&b, 0x43, 2), 0xFF43);
}

static void a_wide_device_takes_the_access_whole(void **state)
{
    (void)state;
    struct bus b;
    struct device d;
    map_device(&b, &d, 4);
    bus_port_write(&b, 0x40, 4, 0x11223344);
    assert_int_equal(d.writes, 1);
    assert_int_equal(d.last_size, 4);
    bus_port_write(&b, 0x41, 4, 0x11223344); /* unaligned: 1, 2 and, past the end, nothing */
    assert_int_equal(d.writes, 3);
    assert_int_equal(d.last_size, 2);
    assert_int_equal(d.last_value, 0x2233);
}

static void the_last_port_wraps_to_the_first(void **state)
{
    (void)state;
    struct bus b;
    bus_init(&b);
    assert_int_equal(bus_port_read(&b, 0xFFFF, 2), 0xFFFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_answers_with_all_ones),
        cmocka_unit_test(a_wide_access_to_a_byte_device_is_split_low_byte_first),
        cmocka_unit_test(a_wide_access_past_the_end_meets_open_bus),
        cmocka_unit_test(a_wide_device_takes_the_access_whole),
        cmocka_unit_test(the_last_port_wraps_to_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
