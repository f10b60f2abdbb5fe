#include "sim/report/recency.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define SLACK 32 /* buckets of the ring beside those that N records take: how rarely it is packed */
#define NOW_MOST (UINT32_MAX / 2)

/* Bucket 0 has no record: stamp 0 is of what was never touched. */
static void begin(struct recency *s)
{
    s->oldest = 1;
    s->younger = 0;
    s->now = RECENCY_BUCKET - 1;
}

void recency_init(struct recency *s, uint32_t capacity, struct record *record, uint32_t stride,
                  uint32_t records)
{
    uint32_t size = SLACK;
    memset(s, 0, sizeof *s);
    while (size < capacity / RECENCY_BUCKET * 4 + SLACK)
        size *= 2;
    s->capacity = capacity;
    s->mask = size - 1;
    s->bucket = xalloc(size, sizeof *s->bucket);
    s->left = xalloc(size, sizeof *s->left);
    s->record = record;
    s->stride = stride;
    s->records = records;
    s->now_most = NOW_MOST;
    begin(s);
}

void recency_free(struct recency *s)
{
    free(s->bucket);
    free(s->left);
}

static struct recency_bucket *bucket_at(const struct recency *s, uint32_t bucket)
{
    return &s->bucket[bucket & s->mask];
}

static uint32_t *left_at(const struct recency *s, uint32_t bucket)
{
    return &s->left[bucket & s->mask];
}

static bool is_left(const struct recency *s, uint32_t bucket, uint32_t i)
{
    return recency_record(s, i)->stamp >> RECENCY_SHIFT == bucket;
}

/* What is not left is struck off on the way: it is asked about this bucket again and again. */
bool recency_is_young(struct recency *s, uint32_t stamp)
{
    struct recency_bucket *b = bucket_at(s, s->oldest);
    uint32_t before = s->younger, kept = 0;
    if (before + *left_at(s, s->oldest) <= s->capacity)
        return true;
    for (uint32_t k = 0; k < b->listed; k++) {
        uint32_t other = recency_record(s, b->list[k])->stamp;
        if (other >> RECENCY_SHIFT != s->oldest)
            continue;
        b->list[kept++] = b->list[k];
        before += other > stamp;
    }
    b->listed = kept;
    return before < s->capacity;
}

/* --- packing ---------------------------------------------------------------------------------- */

static int by_stamp(const void *a, const void *b)
{
    const struct record *const *x = a, *const *y = b;
    return (*x)->stamp < (*y)->stamp ? -1 : (*x)->stamp > (*y)->stamp;
}

/* The records of all buckets, in their order; returns how many. */
static uint32_t collect(const struct recency *s, struct record **all)
{
    uint32_t count = 0, last = s->now >> RECENCY_SHIFT;
    for (uint32_t n = s->oldest; n <= last; n++) {
        const struct recency_bucket *b = bucket_at(s, n);
        uint32_t first = count;
        for (uint32_t k = 0; k < b->listed; k++)
            if (is_left(s, n, b->list[k]))
                all[count++] = recency_record(s, b->list[k]);
        CHECK(count - first == *left_at(s, n));
        qsort(all + first, count - first, sizeof *all, by_stamp);
    }
    return count;
}

/* What is too old to be held is as if it had never been touched, which is all the same. */
static void forget_stamps(struct recency *s, uint32_t now)
{
    for (uint32_t i = 0; i < s->records && now > s->now_most; i++)
        recency_record(s, i)->stamp = 0;
}

/* Those that are held, and no bucket but those they need, from the next one on; or from the first
 * one on, when stamps begin anew. */
static void pack(struct recency *s)
{
    uint32_t most = s->younger + RECENCY_BUCKET;
    struct record **all = xalloc(most, sizeof *all);
    uint32_t count = collect(s, all), first = count > s->capacity ? count - s->capacity : 0;
    uint32_t now = s->now | (RECENCY_BUCKET - 1);
    CHECK(count <= most);
    forget_stamps(s, now);
    if (now > s->now_most)
        begin(s);
    else
        s->now = now;
    s->oldest = (s->now >> RECENCY_SHIFT) + 1;
    s->younger = 0;
    for (uint32_t k = first; k < count; k++) {
        struct recency_bucket *b = bucket_at(s, ++s->now >> RECENCY_SHIFT);
        if (!(s->now & (RECENCY_BUCKET - 1)))
            b->listed = *left_at(s, s->now >> RECENCY_SHIFT) = 0;
        all[k]->stamp = s->now;
        b->list[b->listed++] = (uint32_t)((size_t)(all[k] - s->record) / s->stride);
        ++*left_at(s, s->now >> RECENCY_SHIFT);
        s->younger += s->now >> RECENCY_SHIFT > s->oldest;
    }
    free(all);
}

/* --- moving ----------------------------------------------------------------------------------- */

/* Younger ones are N again: the oldest bucket is one further on. */
static void grow_older(struct recency *s)
{
    while (s->younger >= s->capacity)
        s->younger -= *left_at(s, ++s->oldest);
}

/* The bucket of the present stamp begins. The record that has it is in none; it is to be the last
 * of all when the others are packed. */
static NOINLINE void begin_bucket(struct recency *s, uint32_t i)
{
    if ((s->now >> RECENCY_SHIFT) - s->oldest > s->mask || s->now > s->now_most) {
        s->now--;
        pack(s);
        recency_record(s, i)->stamp = ++s->now;
    }
    if (!(s->now & (RECENCY_BUCKET - 1))) {
        bucket_at(s, s->now >> RECENCY_SHIFT)->listed = 0;
        *left_at(s, s->now >> RECENCY_SHIFT) = 0;
    }
}

void recency_move(struct recency *s, uint32_t i, uint32_t before)
{
    uint32_t from = before >> RECENCY_SHIFT;
    if (from >= s->oldest) {
        --*left_at(s, from);
        s->younger -= from > s->oldest;
    }
    if (!(s->now & (RECENCY_BUCKET - 1)))
        begin_bucket(s, i);
    uint32_t to = s->now >> RECENCY_SHIFT;
    struct recency_bucket *b = bucket_at(s, to);
    b->list[b->listed++] = i;
    ++*left_at(s, to);
    s->younger += to > s->oldest;
    if (s->younger >= s->capacity)
        grow_older(s);
}

/* --- taking out ------------------------------------------------------------------------------- */

/* The others stay held: with one place less they are the most recent ones of as many. */
void recency_remove(struct recency *s, uint32_t i)
{
    if (!recency_holds(s, i))
        return;
    struct record *r = recency_record(s, i);
    uint32_t bucket = r->stamp >> RECENCY_SHIFT, k = 0;
    struct recency_bucket *b = bucket_at(s, bucket);
    while (b->list[k] != i)
        k++;
    CHECK(k < b->listed);
    b->list[k] = b->list[--b->listed];
    --*left_at(s, bucket);
    s->younger -= bucket > s->oldest;
    r->stamp = 0;
    s->capacity--;
    s->holes++;
    if (s->capacity)
        grow_older(s);
}
