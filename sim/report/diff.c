#include "sim/report/diff.h"

#include "sim/core/check.h"
#include "sim/report/diff_align.h"

#include <stdlib.h>
#include <string.h>

#define GAP_MOST 2 /* lines of equal cost inside a site */

const char *const diff_status_names[] = {"same", "new", "gone"};

/* --- lines in order --------------------------------------------------------------------------- */

/* B's lines in their order; a line that is gone stands behind what ran before it. */
static void order_lines(struct diff_path *p, const uint32_t *partner)
{
    uint32_t in_a = p->a->line_count, in_b = p->b->line_count;
    uint32_t *of_b = xalloc(in_b + 1, sizeof *of_b);      /* A's line of each of B's */
    uint32_t *behind = xalloc(in_b + 2, sizeof *behind);  /* the first gone one behind it, +1 */
    uint32_t *next = xalloc(in_a + 1, sizeof *next), last = 0, *tail = &behind[0];
    p->lines = xalloc(in_a + in_b + 1, sizeof *p->lines);
    memset(of_b, 0xFF, (in_b + 1) * sizeof *of_b);
    for (uint32_t i = 0; i < in_a; i++) {
        if (partner[i] != DIFF_NONE) {
            of_b[partner[i]] = i;
            last = partner[i] + 1;
            for (tail = &behind[last]; *tail; tail = &next[*tail - 1])
                ;
        } else {
            *tail = i + 1;
            tail = &next[i];
        }
    }
    for (uint32_t n = 0; n <= in_b; n++) {
        if (n > 0) {
            struct diff_line *l = &p->lines[p->line_count++];
            l->b = &p->b->lines[n - 1];
            l->a = of_b[n - 1] == DIFF_NONE ? NULL : &p->a->lines[of_b[n - 1]];
            l->status = l->a ? DIFF_SAME : DIFF_NEW;
        }
        for (uint32_t i = behind[n]; i; i = next[i - 1])
            p->lines[p->line_count++] =
                (struct diff_line){.a = &p->a->lines[i - 1], .status = DIFF_GONE};
    }
    CHECK(p->line_count <= in_a + in_b);
    free(of_b);
    free(behind);
    free(next);
}

/* --- what they differ by ---------------------------------------------------------------------- */

/* A's costs for B's number of instances, one after the other, so that the rounded parts sum to the
 * rounded whole. */
struct scale {
    uint64_t count_a, count_b, sum, scaled;
};

static int64_t scaled(struct scale *s, uint64_t cycles)
{
    s->sum += cycles;
    uint64_t to = (uint64_t)(((unsigned __int128)s->sum * s->count_b + s->count_a / 2) /
                             s->count_a);
    int64_t part = (int64_t)(to - s->scaled);
    s->scaled = to;
    return part;
}

static void subtract(struct diff_path *p)
{
    struct scale s = {p->a->count, p->b->count, 0, 0};
    for (uint32_t i = 0; i < p->line_count; i++) {
        struct diff_line *l = &p->lines[i];
        for (int k = 0; k < CAUSE_COUNT; k++) {
            int64_t before = l->a ? scaled(&s, l->a->cause[k]) : 0;
            l->cause[k] = (l->b ? (int64_t)l->b->cause[k] : 0) - before;
            l->cycles += l->cause[k];
            p->cause[k] += l->cause[k];
        }
        p->cost += l->cycles;
    }
    const uint64_t *rest_a = p->detailed ? p->a->rest : p->a->cause;
    const uint64_t *rest_b = p->detailed ? p->b->rest : p->b->cause;
    for (int k = 0; k < CAUSE_COUNT; k++) {
        p->rest_cause[k] = (int64_t)rest_b[k] - scaled(&s, rest_a[k]);
        p->rest += p->rest_cause[k];
        p->cause[k] += p->rest_cause[k];
    }
    p->cost += p->rest;
    p->instances = (int64_t)s.scaled - (int64_t)p->a->cycles;
    CHECK(p->instances + p->cost == p->cycles);
}

/* --- sites ------------------------------------------------------------------------------------ */

static bool differs(const struct diff_line *l)
{
    if (l->status != DIFF_SAME)
        return true;
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (l->cause[k])
            return true;
    return false;
}

static uint64_t size_of(int64_t n) { return n < 0 ? (uint64_t)-n : (uint64_t)n; }

static void add_to_site(struct diff_path *p, struct diff_site *s, uint32_t line)
{
    const struct diff_line *l = &p->lines[line], *head = &p->lines[s->head];
    bool structural = l->status != DIFF_SAME, headed = head->status != DIFF_SAME && s->count > 0;
    if (s->count == 0 || (structural && !headed) ||
        (structural == headed && !headed && size_of(l->cycles) > size_of(head->cycles)))
        s->head = line;
    s->count = line + 1 - s->first;
    s->cycles += l->cycles;
    for (int k = 0; k < CAUSE_COUNT; k++)
        s->cause[k] += l->cause[k];
}

static int by_size(const void *a, const void *b)
{
    const struct diff_site *x = a, *y = b;
    uint64_t p = size_of(x->cycles), q = size_of(y->cycles);
    if (p != q)
        return p < q ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void find_sites(struct diff_path *p)
{
    struct diff_site *s = NULL;
    p->sites = xalloc(p->line_count + 1, sizeof *p->sites);
    for (uint32_t i = 0; i < p->line_count; i++) {
        if (!differs(&p->lines[i]))
            continue;
        bool far = s && (i > s->first + s->count + GAP_MOST ||
                         strcmp(diff_line_of(&p->lines[i])->phase,
                                diff_line_of(&p->lines[s->head])->phase) != 0);
        if (!s || far) {
            s = &p->sites[p->site_count++];
            *s = (struct diff_site){.first = i, .head = i};
        }
        add_to_site(p, s, i);
    }
    if (p->site_count)
        qsort(p->sites, p->site_count, sizeof *p->sites, by_size);
}

/* --- paths ------------------------------------------------------------------------------------ */

void diff_path_make(struct diff_path *p, const struct cost_path *a, const struct cost_path *b)
{
    *p = (struct diff_path){.name = b ? b->name : a->name, .a = a, .b = b};
    p->cycles = (b ? (int64_t)b->cycles : 0) - (a ? (int64_t)a->cycles : 0);
    if (!a || !b) {
        p->instances = p->cycles;
        return;
    }
    p->detailed = a->line_count && b->line_count;
    if (p->detailed) {
        uint32_t *partner = xalloc(a->line_count, sizeof *partner);
        diff_align(a, b, partner);
        order_lines(p, partner);
        free(partner);
    }
    subtract(p);
    find_sites(p);
}

void diff_path_free(struct diff_path *p)
{
    free(p->lines);
    free(p->sites);
}

static int by_cost(const void *a, const void *b)
{
    const struct diff_path *x = a, *y = b;
    uint64_t p = size_of(x->cost), q = size_of(y->cost);
    if (p != q)
        return p < q ? 1 : -1;
    p = size_of(x->instances);
    q = size_of(y->instances);
    if (p != q)
        return p < q ? 1 : -1;
    return strcmp(x->name, y->name);
}

void diff_make(struct diff *d, const struct costs *a, const struct costs *b)
{
    *d = (struct diff){.a = a, .b = b, .cycles = (int64_t)b->cycles - (int64_t)a->cycles};
    int64_t sum = 0;
    for (int n = 0; n < COST_ACCOUNTS; n++)
        sum += d->account[n] = (int64_t)b->account[n] - (int64_t)a->account[n];
    d->paths = xalloc(a->path_count + b->path_count + 1, sizeof *d->paths);
    for (uint32_t i = 0; i < a->path_count; i++)
        diff_path_make(&d->paths[d->path_count++], &a->paths[i],
                       costs_find(b, a->paths[i].name));
    for (uint32_t i = 0; i < b->path_count; i++)
        if (!costs_find(a, b->paths[i].name))
            diff_path_make(&d->paths[d->path_count++], NULL, &b->paths[i]);
    for (uint32_t i = 0; i < d->path_count; i++)
        sum += d->paths[i].cycles;
    CHECK(sum == d->cycles);
    qsort(d->paths, d->path_count, sizeof *d->paths, by_cost);
}

void diff_free(struct diff *d)
{
    for (uint32_t i = 0; i < d->path_count; i++)
        diff_path_free(&d->paths[i]);
    free(d->paths);
}
