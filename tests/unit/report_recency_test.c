/* The fully associative array against a list in order of use. */
#include "sim/report/recency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RECORDS 600

struct naive {
    uint32_t list[RECORDS], count, capacity; /* the most recent first */
};

static bool naive_holds(const struct naive *n, uint32_t i)
{
    for (uint32_t k = 0; k < n->count; k++)
        if (n->list[k] == i)
            return true;
    return false;
}

static void naive_touch(struct naive *n, uint32_t i)
{
    uint32_t k = 0;
    while (k < n->count && n->list[k] != i)
        k++;
    if (k == n->count && n->count < n->capacity)
        n->count++;
    if (k == n->count)
        k--;
    memmove(n->list + 1, n->list, k * sizeof *n->list);
    n->list[0] = i;
}

static uint32_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Few lines again and again, a walk through many, and now and then any. */
static uint32_t choose(uint64_t *seed, uint32_t step)
{
    uint32_t kind = step >> 11 & 3, r = next(seed);
    return kind == 0 ? r % 7 : kind == 1 ? step % RECORDS : kind == 2 ? r % 40 : r % RECORDS;
}

static void compare(uint32_t capacity, uint32_t now_most, uint32_t stride)
{
    struct recency s;
    struct naive n = {.capacity = capacity};
    struct record *records = calloc(RECORDS * stride, sizeof *records);
    uint64_t seed = capacity;
    recency_init(&s, capacity, records, stride, RECORDS);
    s.now_most = now_most;
    for (uint32_t step = 0; step < 60000; step++) {
        uint32_t i = choose(&seed, step), asked = next(&seed) % RECORDS;
        records[i * stride].gone = i;
        recency_touch(&s, i);
        naive_touch(&n, i);
        assert_int_equal(recency_holds(&s, asked), naive_holds(&n, asked));
    }
    for (uint32_t i = 0; i < RECORDS; i++) {
        assert_int_equal(recency_holds(&s, i), naive_holds(&n, i));
        assert_true(records[i * stride].gone == i);
    }
    recency_free(&s);
    free(records);
}

static void recency_holds_what_was_touched_last(void **state)
{
    static const uint32_t capacities[] = {1, 2, 31, 64, 127, 128, 129, 256, 500, 599};
    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(capacities); i++)
        compare(capacities[i], UINT32_MAX / 2, 1 + i % 2);
}

static void recency_goes_on_when_stamps_begin_anew(void **state)
{
    (void)state;
    compare(32, 1000, 2);
    compare(256, 5000, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recency_holds_what_was_touched_last),
        cmocka_unit_test(recency_goes_on_when_stamps_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
