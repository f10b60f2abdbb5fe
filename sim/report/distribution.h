/* distribution: how often each duration occurred, of all instances of something.
 *
 * The distinct values with their counts, in a hash table: one probe for an instance, and every
 * quantile is exact. What is kept is bounded: beyond DISTRIBUTION_VALUES distinct ones, values are
 * rounded down to multiples of a power of two, the least that makes them few enough again. That
 * resolution is told; the least and the greatest are their owners' and stay exact. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define DISTRIBUTION_VALUES 16384
#define DISTRIBUTION_BUCKETS 96 /* at most: of one width, then those that double */

struct distribution_value {
    uint64_t value, count;
};

struct distribution {
    struct distribution_value *slot; /* count 0: free */
    uint32_t slots, values;          /* slots: 0 or a power of two */
    unsigned coarse;                 /* the resolution is 1 << coarse */
};

void distribution_free(struct distribution *d);
void distribution_add(struct distribution *d, uint64_t value, uint64_t times);

/* In a document an object has `values`: [[value, count]] in their order, `p50`, `p90`, `p99`: the
 * least value that so many percent of them do not exceed, and `resolution` if that is not 1. */
void distribution_write(const struct distribution *d, json_t *o);
/* Adds those of an object; what is no pair of such numbers is left out. */
void distribution_read(struct distribution *d, const json_t *o);

/* `p50` and so on of an object, or from the values of one that is older; -1: it does not have the
 * values of all `count` instances. */
json_int_t distribution_quantile(const json_t *o, unsigned percent);
/* The commonest value and how many have it; of equals the least. */
struct distribution_value distribution_mode(const json_t *o);

struct distribution_bucket {
    uint64_t from, to, count; /* `to` is the first value behind it */
};

/* A histogram: up to 16 buckets of one round width (1, 2, 5, 10 ...) over the bulk of the values;
 * behind them widths double, and empty ones are left out. Returns how many there are; 0 if not
 * all values are known. */
unsigned distribution_buckets(const json_t *o, struct distribution_bucket *list);
