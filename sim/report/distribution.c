#include "sim/report/distribution.h"

#include "sim/core/check.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOTS_FIRST 4
#define LINEAR 16 /* buckets of one width, at most, */
#define BULK 8    /* up to a quantile at most so many times as far from the least as the median */

static const unsigned percents[] = {50, 90, 99};

void distribution_free(struct distribution *d)
{
    free(d->slot);
    *d = (struct distribution){0};
}

/* --- counting --------------------------------------------------------------------------------- */

/* The value's slot, or the free one where it belongs. */
static struct distribution_value *find(const struct distribution *d, uint64_t value)
{
    uint32_t at = (uint32_t)(value * 0x9E3779B97F4A7C15u >> 32) & (d->slots - 1);
    while (d->slot[at].count && d->slot[at].value != value)
        at = (at + 1) & (d->slots - 1);
    return &d->slot[at];
}

static void rehash(struct distribution *d, uint32_t slots, unsigned coarse)
{
    struct distribution_value *old = d->slot;
    uint32_t count = d->slots;
    *d = (struct distribution){.slot = xalloc(slots, sizeof *old), .slots = slots,
                               .coarse = coarse};
    for (uint32_t i = 0; i < count; i++)
        if (old[i].count)
            distribution_add(d, old[i].value, old[i].count);
    free(old);
}

static void make_room(struct distribution *d)
{
    if (d->values < DISTRIBUTION_VALUES)
        rehash(d, d->slots ? d->slots * 2 : SLOTS_FIRST, d->coarse);
    while (d->values >= DISTRIBUTION_VALUES)
        rehash(d, d->slots, d->coarse + 1);
}

void distribution_add(struct distribution *d, uint64_t value, uint64_t times)
{
    if (d->values * 2 >= d->slots)
        make_room(d);
    value = value >> d->coarse << d->coarse;
    struct distribution_value *v = find(d, value);
    d->values += v->count == 0;
    v->value = value;
    v->count += times;
}

/* --- documents -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const struct distribution_value *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* The pair at this place; count 0 if it is none. */
static struct distribution_value pair(const json_t *values, size_t i)
{
    const json_t *v = json_array_get(values, i);
    json_int_t value = json_integer_value(json_array_get(v, 0));
    json_int_t count = json_integer_value(json_array_get(v, 1));
    if (value < 0 || count < 0)
        return (struct distribution_value){0};
    return (struct distribution_value){(uint64_t)value, (uint64_t)count};
}

/* Of so many in all; how many the values are is told by the last one. */
static uint64_t quantile_of(const json_t *values, uint64_t count, unsigned percent)
{
    uint64_t seen = 0, last = 0;
    for (size_t i = 0; i < json_array_size(values) && seen * 100 < count * percent; i++) {
        struct distribution_value v = pair(values, i);
        seen += v.count;
        last = v.value;
    }
    return last;
}

void distribution_write(const struct distribution *d, json_t *o)
{
    struct distribution_value *sorted = xalloc(d->values + 1, sizeof *sorted);
    json_t *values = json_array();
    uint32_t n = 0;
    uint64_t count = 0;
    for (uint32_t i = 0; i < d->slots; i++)
        if (d->slot[i].count)
            sorted[n++] = d->slot[i];
    qsort(sorted, n, sizeof *sorted, by_value);
    for (uint32_t i = 0; i < n; i++) {
        count += sorted[i].count;
        json_array_append_new(values, json_pack("[I,I]", (json_int_t)sorted[i].value,
                                                (json_int_t)sorted[i].count));
    }
    free(sorted);
    json_object_set_new(o, "values", values);
    for (unsigned i = 0; count && i < ARRAY_COUNT(percents); i++) {
        char key[8];
        snprintf(key, sizeof key, "p%u", percents[i]);
        json_object_set_new(o, key,
                            json_integer((json_int_t)quantile_of(values, count, percents[i])));
    }
    if (d->coarse)
        json_object_set_new(o, "resolution", json_integer((json_int_t)1 << d->coarse));
}

void distribution_read(struct distribution *d, const json_t *o)
{
    const json_t *values = json_object_get(o, "values");
    while (d->coarse < 62 && (json_int_t)1 << d->coarse < number(o, "resolution"))
        if (d->slots)
            rehash(d, d->slots, d->coarse + 1);
        else
            d->coarse++;
    for (size_t i = 0; i < json_array_size(values); i++) {
        struct distribution_value v = pair(values, i);
        if (v.count)
            distribution_add(d, v.value, v.count);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* How many the values are of; 0 if the object has more of them than values. */
static uint64_t counted(const json_t *o)
{
    const json_t *values = json_object_get(o, "values");
    uint64_t count = 0;
    for (size_t i = 0; i < json_array_size(values); i++)
        count += pair(values, i).count;
    return count == (uint64_t)number(o, "count") ? count : 0;
}

json_int_t distribution_quantile(const json_t *o, unsigned percent)
{
    char key[16];
    snprintf(key, sizeof key, "p%u", percent);
    if (json_is_integer(json_object_get(o, key)))
        return number(o, key);
    uint64_t count = counted(o);
    return count ? (json_int_t)quantile_of(json_object_get(o, "values"), count, percent) : -1;
}

struct distribution_value distribution_mode(const json_t *o)
{
    const json_t *values = json_object_get(o, "values");
    struct distribution_value best = {0};
    for (size_t i = 0; i < json_array_size(values); i++) {
        struct distribution_value v = pair(values, i);
        if (v.count > best.count || (v.count == best.count && v.value < best.value))
            best = v;
    }
    return best;
}

/* --- a histogram ------------------------------------------------------------------------------ */

/* Where its bulk ends: the highest quantile that is not far out beside the median. */
static uint64_t bulk_end(const json_t *values, uint64_t count, uint64_t least)
{
    static const unsigned candidates[] = {99, 90, 75};
    uint64_t median = quantile_of(values, count, 50), reach = (median - least + 1) * BULK;
    for (unsigned i = 0; i < ARRAY_COUNT(candidates); i++) {
        uint64_t q = quantile_of(values, count, candidates[i]);
        if (q - least <= reach)
            return q;
    }
    return median;
}

/* The least of 1, 2, 5, 10, 20 ... with which few buckets are enough. */
static uint64_t round_width(uint64_t least, uint64_t end)
{
    uint64_t width = 1;
    for (unsigned n = 0; end / width - least / width >= LINEAR; n++)
        width = n % 3 == 1 ? width / 2 * 5 : width * 2;
    return width;
}

unsigned distribution_buckets(const json_t *o, struct distribution_bucket *list)
{
    const json_t *values = json_object_get(o, "values");
    uint64_t count = counted(o), least = pair(values, 0).value;
    unsigned n = 0;
    if (!count)
        return 0;
    uint64_t end = bulk_end(values, count, least), width = round_width(least, end);
    uint64_t from = least / width * width;
    for (size_t i = 0; i < json_array_size(values);) {
        struct distribution_bucket b = {from, from + width, 0};
        for (; i < json_array_size(values) && pair(values, i).value < b.to; i++)
            b.count += pair(values, i).count;
        CHECK(n < DISTRIBUTION_BUCKETS);
        if (b.count || b.to <= end)
            list[n++] = b;
        from = b.to;
        width = from > end ? width * 2 : width;
    }
    return n;
}
