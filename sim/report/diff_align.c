#define _GNU_SOURCE /* qsort_r */
#include "sim/report/diff_align.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MOST (1u << 26) /* cells; sequences that need more are matched greedily */

/* The lines of one path, function by function and each by address. */
struct order {
    const struct cost_path *path;
    uint32_t *list; /* indices of lines */
    uint32_t count;
};

static bool is_nested(const struct cost_line *l) { return strcmp(l->phase, "nested") == 0; }

/* Interrupts inside a path may run a function that the path itself runs. */
static int compare_groups(const struct cost_line *x, const struct cost_line *y)
{
    int by_function = strcmp(x->function, y->function);
    return by_function ? by_function : (int)is_nested(x) - (int)is_nested(y);
}

static int by_place(const void *a, const void *b, void *lines)
{
    uint32_t i = *(const uint32_t *)a, n = *(const uint32_t *)b;
    const struct cost_line *x = (const struct cost_line *)lines + i;
    const struct cost_line *y = (const struct cost_line *)lines + n;
    int by_group = compare_groups(x, y);
    if (by_group)
        return by_group;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return i < n ? -1 : i > n;
}

static struct order in_order(const struct cost_path *p)
{
    struct order o = {p, xalloc(p->line_count + 1, sizeof *o.list), p->line_count};
    for (uint32_t i = 0; i < o.count; i++)
        o.list[i] = i;
    qsort_r(o.list, o.count, sizeof *o.list, by_place, p->lines);
    return o;
}

static const struct cost_line *line(const struct order *o, uint32_t at)
{
    return &o->path->lines[o->list[at]];
}

/* Where the function that begins at `at` ends. */
static uint32_t group_end(const struct order *o, uint32_t at)
{
    uint32_t end = at;
    while (end < o->count && compare_groups(line(o, end), line(o, at)) == 0)
        end++;
    return end;
}

/* A stretch of an order. */
struct span {
    const struct order *order;
    uint32_t first, end;
};

static uint32_t length(const struct span *s) { return s->end - s->first; }

static bool same(const struct span *a, uint32_t i, const struct span *b, uint32_t n)
{
    return strcmp(line(a->order, a->first + i)->shape, line(b->order, b->first + n)->shape) == 0;
}

static void match(const struct span *a, uint32_t i, const struct span *b, uint32_t n,
                  uint32_t *partner)
{
    partner[a->order->list[a->first + i]] = b->order->list[b->first + n];
}

/* The longest common sequence by the table: cell (i, n) is its length for what follows both. */
static void match_by_table(const struct span *a, const struct span *b, uint32_t *partner)
{
    uint32_t rows = length(a), columns = length(b), width = columns + 1;
    uint16_t *table = xalloc((size_t)(rows + 1) * width, sizeof *table);
    for (uint32_t i = rows; i-- > 0;)
        for (uint32_t n = columns; n-- > 0;) {
            const uint16_t *here = &table[(size_t)i * width + n];
            uint16_t down = here[width], right = here[1];
            table[(size_t)i * width + n] =
                same(a, i, b, n) ? (uint16_t)(here[width + 1] + 1) : down > right ? down : right;
        }
    for (uint32_t i = 0, n = 0; i < rows && n < columns;) {
        const uint16_t *here = &table[(size_t)i * width + n];
        if (same(a, i, b, n) && *here == here[width + 1] + 1) {
            match(a, i++, b, n++, partner);
        } else if (here[width] >= here[1]) {
            i++;
        } else {
            n++;
        }
    }
    free(table);
}

/* For what is too long for a table: each line's next like one, if it is near. */
static void match_greedily(const struct span *a, const struct span *b, uint32_t *partner)
{
    const uint32_t near = 64;
    for (uint32_t i = 0, n = 0; i < length(a) && n < length(b); i++)
        for (uint32_t k = n; k < length(b) && k < n + near; k++)
            if (same(a, i, b, k)) {
                match(a, i, b, k, partner);
                n = k + 1;
                break;
            }
}

static void align_spans(struct span a, struct span b, uint32_t *partner)
{
    while (length(&a) && length(&b) && same(&a, 0, &b, 0)) {
        match(&a, 0, &b, 0, partner);
        a.first++;
        b.first++;
    }
    while (length(&a) && length(&b) && same(&a, length(&a) - 1, &b, length(&b) - 1)) {
        match(&a, length(&a) - 1, &b, length(&b) - 1, partner);
        a.end--;
        b.end--;
    }
    if (!length(&a) || !length(&b))
        return;
    uint64_t cells = (uint64_t)(length(&a) + 1) * (length(&b) + 1);
    if (cells > TABLE_MOST || length(&a) > UINT16_MAX || length(&b) > UINT16_MAX)
        match_greedily(&a, &b, partner);
    else
        match_by_table(&a, &b, partner);
}

/* Functions that only one run has are left over, in the order of their names. */
static void leave(struct order *left, const struct span *s)
{
    for (uint32_t i = s->first; i < s->end; i++)
        left->list[left->count++] = s->order->list[i];
}

static struct order nothing_of(const struct cost_path *p)
{
    return (struct order){p, xalloc(p->line_count + 1, sizeof(uint32_t)), 0};
}

void diff_align(const struct cost_path *a, const struct cost_path *b, uint32_t *partner)
{
    struct order x = in_order(a), y = in_order(b);
    struct order gone = nothing_of(a), new = nothing_of(b);
    memset(partner, 0xFF, a->line_count * sizeof *partner);
    for (uint32_t i = 0, n = 0; i < x.count || n < y.count;) {
        struct span s = {&x, i, i < x.count ? group_end(&x, i) : i};
        struct span t = {&y, n, n < y.count ? group_end(&y, n) : n};
        int before = !length(&s) ? 1 : !length(&t) ? -1 : compare_groups(line(&x, i), line(&y, n));
        if (before == 0)
            align_spans(s, t, partner);
        else if (before < 0)
            leave(&gone, &s);
        else
            leave(&new, &t);
        i = before <= 0 ? s.end : i;
        n = before >= 0 ? t.end : n;
    }
    align_spans((struct span){&gone, 0, gone.count}, (struct span){&new, 0, new.count}, partner);
    free(x.list);
    free(y.list);
    free(gone.list);
    free(new.list);
}
