/* Distributions against the sorted list of everything that was counted. */
#include "sim/report/distribution.h"
#include "sim/core/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define MOST 40000

static uint64_t list[MOST];

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The document of the first so many of the list, which is sorted then. */
static json_t *document(unsigned count)
{
    struct distribution d = {0};
    json_t *o = json_pack("{s:I}", "count", (json_int_t)count);
    for (unsigned i = 0; i < count; i++)
        distribution_add(&d, list[i], 1);
    distribution_write(&d, o);
    distribution_free(&d);
    qsort(list, count, sizeof *list, by_value);
    return o;
}

/* Of a sorted list: the least value that so many percent do not exceed. */
static uint64_t naive(unsigned count, unsigned percent)
{
    return list[((uint64_t)count * percent + 99) / 100 - 1];
}

static void check_histogram(const json_t *o, unsigned count)
{
    struct distribution_bucket b[DISTRIBUTION_BUCKETS];
    unsigned buckets = distribution_buckets(o, b), at = 0;
    assert_in_range(buckets, 1, DISTRIBUTION_BUCKETS);
    for (unsigned n = 0; n < buckets; n++) {
        assert_true(b[n].from < b[n].to && (n == 0 || b[n - 1].to <= b[n].from));
        for (uint64_t in = 0; in < b[n].count; in++, at++)
            assert_in_range(list[at], b[n].from, b[n].to - 1);
    }
    assert_int_equal(at, count);
}

static void quantiles_are_those_of_all_that_was_counted(void **state)
{
    static const unsigned percents[] = {50, 75, 90, 99};
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t s = seed, spread = 1 + next(&s) % 300;
        unsigned count = 1 + (unsigned)(next(&s) % 700);
        for (unsigned i = 0; i < count; i++)
            list[i] = 100 + next(&s) % spread * (next(&s) % 16 ? 1 : 1 + next(&s) % 1000);
        json_t *o = document(count);
        for (unsigned i = 0; i < ARRAY_COUNT(percents); i++)
            assert_int_equal(distribution_quantile(o, percents[i]), naive(count, percents[i]));
        check_histogram(o, count);
        assert_null(json_object_get(o, "resolution"));
        json_decref(o);
    }
}

/* Forty thousand different ones are kept as multiples of four. */
static void too_many_values_are_rounded_and_it_is_said(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MOST; i++)
        list[i] = 7 + (uint64_t)i * 7919 % MOST;
    json_t *o = document(MOST);
    assert_int_equal(json_integer_value(json_object_get(o, "resolution")), 4);
    assert_true(json_array_size(json_object_get(o, "values")) <= DISTRIBUTION_VALUES);
    assert_int_equal(distribution_quantile(o, 50), naive(MOST, 50) / 4 * 4);
    assert_int_equal(distribution_quantile(o, 99), naive(MOST, 99) / 4 * 4);
    json_decref(o);
}

static void documents_add_up(void **state)
{
    (void)state;
    struct distribution d = {0};
    json_t *sum = json_pack("{s:i}", "count", 7);
    json_t *fine = json_pack("{s:[[i,i],[i,i]]}", "values", 10, 2, 11, 1);
    json_t *coarse = json_pack("{s:[[i,i]],s:i}", "values", 8, 3, "resolution", 4);
    json_t *odd = json_pack("{s:[[i],[s,i],[i,i],[i,i]]}", "values", 3, "x", 5, -3, 1, 9, 1);
    distribution_read(&d, fine);
    distribution_read(&d, coarse);
    distribution_read(&d, odd); /* "x" counts as 0 five times, and 9 as 8 once */
    distribution_write(&d, sum);
    assert_int_equal(json_integer_value(json_object_get(sum, "resolution")), 4);
    assert_int_equal(distribution_mode(sum).value, 8);
    assert_int_equal(distribution_mode(sum).count, 7);
    distribution_free(&d);
    json_decref(sum);
    json_decref(fine);
    json_decref(coarse);
    json_decref(odd);
}

/* Ledgers had the first two dozen values of a path only. */
static void quantiles_of_some_are_not_told(void **state)
{
    (void)state;
    struct distribution_bucket b[DISTRIBUTION_BUCKETS];
    json_t *o = json_pack("{s:i,s:[[i,i],[i,i]]}", "count", 5, "values", 10, 2, 12, 2);
    assert_int_equal(distribution_quantile(o, 50), -1);
    assert_int_equal(distribution_buckets(o, b), 0);
    json_object_set_new(o, "count", json_integer(4));
    assert_int_equal(distribution_quantile(o, 50), 10);
    assert_int_equal(distribution_quantile(o, 51), 12);
    assert_int_equal(distribution_buckets(o, b), 3);
    json_decref(o);
}

/* The few that take very long do not press the many into one bucket. */
static void a_histogram_shows_the_bulk_and_the_tail(void **state)
{
    (void)state;
    struct distribution_bucket b[DISTRIBUTION_BUCKETS];
    for (unsigned i = 0; i < 1000; i++)
        list[i] = i < 850 ? 135 + i % 10 : 10000;
    json_t *o = document(1000);
    assert_int_equal(distribution_buckets(o, b), 11);
    for (unsigned i = 0; i < 9; i++)
        assert_true(b[i].from == 135 + i && b[i].to == 136 + i && b[i].count == 85);
    assert_true(b[9].from == 144 && b[9].to == 146 && b[9].count == 85);
    assert_true(b[10].from <= 10000 && b[10].to > 10000 && b[10].count == 150);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_all_that_was_counted),
        cmocka_unit_test(too_many_values_are_rounded_and_it_is_said),
        cmocka_unit_test(documents_add_up),
        cmocka_unit_test(quantiles_of_some_are_not_told),
        cmocka_unit_test(a_histogram_shows_the_bulk_and_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
