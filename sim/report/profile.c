#define _GNU_SOURCE /* qsort_r */
#include "sim/report/profile.h"

#include "cpu/model.h"
#include "cpu/op.h"
#include "mmu/mmu.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING UINT32_MAX

const char *const profile_phase_names[PROFILE_PHASES] = {"entry", "kernel", "nested", "exit"};

/* The list with room for one more. */
static void *grown(void *list, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity * 2 + 32;
    list = realloc(list, *capacity * size);
    CHECK(list != NULL);
    return list;
}

/* --- which instruction ------------------------------------------------------------------------ */

static uint32_t bucket_of(const struct profile *p, const struct profile_code *k)
{
    uint64_t h = ((uint64_t)k->la << 32 | k->cr3) ^ (uint64_t)k->phase << 30 ^ k->delivery;
    h = (h ^ h >> 31) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) & (p->bucket_count - 1);
}

static bool is_same(const struct profile_code *a, const struct profile_code *b)
{
    return a->la == b->la && a->phase == b->phase && a->cr3 == b->cr3 &&
           a->delivery == b->delivery && a->length == b->length;
}

static void hang(struct profile *p, uint32_t code)
{
    uint32_t *bucket = &p->bucket[bucket_of(p, &p->code[code])];
    p->code[code].chain = *bucket;
    *bucket = code + 1;
}

static void grow_buckets(struct profile *p)
{
    free(p->bucket);
    p->bucket_count = p->bucket_count ? p->bucket_count * 4 : 4096;
    p->bucket = xalloc(p->bucket_count, sizeof *p->bucket);
    for (uint32_t i = 0; i < p->code_count; i++)
        hang(p, i);
}

static struct profile_index *grown_index(struct profile_index *list, uint32_t from, uint32_t to)
{
    list = realloc(list, to * sizeof *list);
    CHECK(list != NULL);
    memset(list + from, 0, (to - from) * sizeof *list);
    return list;
}

static uint32_t add_code(struct profile *p, const struct profile_code *k)
{
    uint32_t before = p->code_capacity;
    p->code = grown(p->code, p->code_count, &p->code_capacity, sizeof *p->code);
    if (p->code_capacity > before) {
        p->in_instance = grown_index(p->in_instance, before, p->code_capacity);
        p->in_cluster = grown_index(p->in_cluster, before, p->code_capacity);
    }
    struct profile_code *n = &p->code[p->code_count];
    *n = *k;
    n->follower = NOTHING;
    if (!n->delivery)
        mmu_peek(p->cpu->mmu, n->la, n->bytes, n->length);
    if (++p->code_count > p->bucket_count)
        grow_buckets(p);
    else
        hang(p, p->code_count - 1);
    return p->code_count - 1;
}

static uint32_t find_code(struct profile *p, const struct profile_code *k)
{
    uint32_t before = p->last_code, found = NOTHING;
    if (before != NOTHING && p->code[before].follower != NOTHING &&
        is_same(&p->code[p->code[before].follower], k))
        return p->code[before].follower;
    if (p->bucket_count)
        for (uint32_t i = p->bucket[bucket_of(p, k)]; i && found == NOTHING;
             i = p->code[i - 1].chain)
            if (is_same(&p->code[i - 1], k))
                found = i - 1;
    if (found == NOTHING)
        found = add_code(p, k);
    if (before != NOTHING)
        p->code[before].follower = found;
    return found;
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct profile_row *add_row(struct profile_rows *s, uint32_t code)
{
    s->list = grown(s->list, s->count, &s->capacity, sizeof *s->list);
    s->list[s->count] = (struct profile_row){.code = code};
    return &s->list[s->count++];
}

static void add_cycles(struct profile_rows *s, struct profile_row *r, uint32_t cause,
                       uint64_t cycles)
{
    r->cycles += cycles;
    for (uint32_t i = r->cells; i; i = s->cell[i - 1].next)
        if (s->cell[i - 1].cause == cause) {
            s->cell[i - 1].cycles += cycles;
            return;
        }
    s->cell = grown(s->cell, s->cell_count, &s->cell_capacity, sizeof *s->cell);
    s->cell[s->cell_count++] = (struct profile_cell){r->cells, cause, cycles};
    r->cells = s->cell_count;
}

static void drop_rows(struct profile_rows *s)
{
    free(s->list);
    free(s->cell);
    *s = (struct profile_rows){.dropped = true};
}

/* --- clusters --------------------------------------------------------------------------------- */

static void index_cluster(struct profile *p, const struct profile_rows *s)
{
    p->cluster_generation++;
    for (uint32_t i = 0; i < s->count; i++)
        p->in_cluster[s->list[i].code] = (struct profile_index){p->cluster_generation, i};
}

/* Instances of a cluster run the same branches, so that its instructions mostly come in its order;
 * where they do not, an index is made for this once. */
static void merge(struct profile *p, struct profile_rows *to)
{
    const struct profile_rows *from = &p->instance;
    bool indexed = false;
    uint32_t cursor = 0, rows_before = to->count;
    for (uint32_t i = 0; i < from->count; i++, cursor++) {
        const struct profile_row *r = &from->list[i];
        if (cursor >= to->count || to->list[cursor].code != r->code) {
            if (!indexed)
                index_cluster(p, to);
            indexed = true;
            const struct profile_index *n = &p->in_cluster[r->code];
            cursor = n->generation == p->cluster_generation ? n->row : to->count;
            if (cursor == to->count)
                add_row(to, r->code);
        }
        struct profile_row *sum = &to->list[cursor];
        sum->executions += r->executions;
        sum->u += r->u;
        sum->v += r->v;
        sum->paired += r->paired;
        sum->units |= r->units;
        for (uint32_t n = r->cells; n; n = from->cell[n - 1].next)
            add_cycles(to, sum, from->cell[n - 1].cause, from->cell[n - 1].cycles);
    }
    p->rows_kept += to->count - rows_before;
}

static int by_cycles(const void *a, const void *b, void *list)
{
    const struct path_cluster *clusters = list;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (clusters[x].cycles != clusters[y].cycles)
        return clusters[x].cycles < clusters[y].cycles ? 1 : -1;
    return x < y ? -1 : x > y;
}

uint32_t *profile_order(const struct profile *p)
{
    uint32_t count = p->paths->count, *order = xalloc(count + 1, sizeof *order);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_cycles, p->paths->list);
    return order;
}

/* The cheapest clusters lose their rows until half of the room is free; the dearest keeps its. */
static void drop_cheapest(struct profile *p)
{
    uint32_t *order = profile_order(p);
    for (uint32_t n = p->paths->count; n-- > 1 && p->rows_kept > p->rows_most / 2;) {
        if (order[n] >= p->cluster_count)
            continue;
        struct profile_rows *s = &p->cluster[order[n]];
        p->rows_kept -= s->count;
        drop_rows(s);
    }
    free(order);
}

static void keep_instance(struct profile *p, uint32_t cluster)
{
    if (cluster >= p->cluster_count) {
        uint32_t before = p->cluster_count, count = cluster * 2 + 16;
        p->cluster = realloc(p->cluster, count * sizeof *p->cluster);
        CHECK(p->cluster != NULL);
        memset(p->cluster + before, 0, (count - before) * sizeof *p->cluster);
        p->cluster_count = count;
    }
    if (!p->cluster[cluster].dropped)
        merge(p, &p->cluster[cluster]);
    if (p->rows_kept > p->rows_most)
        drop_cheapest(p);
}

/* --- listening -------------------------------------------------------------------------------- */

static enum profile_phase phase_now(struct profile *p)
{
    bool nested = p->nested || p->paths->now.depth > 0;
    p->nested = p->paths->now.depth > 0;
    if (p->instance.count == 0)
        return PROFILE_ENTRY;
    return p->ended ? PROFILE_EXIT : nested ? PROFILE_NESTED : PROFILE_KERNEL;
}

static void begin_instance(struct profile *p)
{
    p->paths_generation = p->paths->generation;
    p->instance_generation++;
    p->instance.count = 0;
    p->instance.cell_count = 0;
    p->last_code = NOTHING;
    p->nested = false;
}

static void record(struct profile *p, const struct cpu *c, const struct op *o, bool delivery)
{
    struct profile_code k = {.la = p->last_cs_base + o->eip, .cr3 = p->last_cpl == 3 ? c->cr3 : 0,
                             .phase = (uint8_t)phase_now(p), .delivery = delivery,
                             .length = delivery ? 0 : o->length};
    uint32_t code = p->last_code = find_code(p, &k);
    struct profile_index *n = &p->in_instance[code];
    if (n->generation != p->instance_generation) {
        *n = (struct profile_index){p->instance_generation, p->instance.count};
        add_row(&p->instance, code);
    }
    struct profile_row *r = &p->instance.list[n->row];
    r->executions++;
    for (uint64_t mask = p->pending_causes; mask; mask &= mask - 1) {
        uint32_t cause = (uint32_t)__builtin_ctzll(mask);
        add_cycles(&p->instance, r, cause, p->pending[cause]);
    }
    if (!delivery) {
        struct model_last last;
        c->model->last(c->model, &last);
        *(last.pipe == 'V' ? &r->v : &r->u) += 1;
        r->paired += last.paired;
        r->units |= units_of(&last);
    }
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct profile *p = owner;
    if (p->paths->now.open || p->ended) {
        if (p->paths_generation != p->paths->generation)
            begin_instance(p);
        record(p, c, o, delivery);
        if (p->ended)
            keep_instance(p, p->ended - 1);
        p->ended = 0;
    }
    for (uint64_t mask = p->pending_causes; mask; mask &= mask - 1)
        p->pending[__builtin_ctzll(mask)] = 0;
    p->pending_causes = 0;
    p->last_cpl = c->cpl;
    p->last_cs_base = c->seg[CS].base;
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct profile *p = owner;
    if (cause == CAUSE_HALTED && !p->paths->now.open) /* of no instance, as the paths have it */
        return;
    p->pending[cause] += cycles;
    p->pending_causes |= (uint64_t)(cycles > 0) << cause;
}

static void ended(void *owner, uint32_t cluster)
{
    struct profile *p = owner;
    p->ended = cluster + 1;
}

void profile_start(struct profile *p, struct paths *paths, struct watch *h, struct cpu *c)
{
    _Static_assert(CAUSE_COUNT <= 64, "causes are a mask of 64 bits");
    memset(p, 0, sizeof *p);
    p->cpu = c;
    p->paths = paths;
    p->rows_most = PROFILE_ROWS;
    p->last_code = NOTHING;
    p->last_cpl = c->cpl;
    p->last_cs_base = c->seg[CS].base;
    paths->on_end = ended;
    paths->on_end_owner = p;
    watch_add(h, c, (struct watcher){.priced = priced, .charged = charged, .owner = p});
}

void profile_free(struct profile *p, struct watch *h)
{
    watch_remove(h, p);
    p->paths->on_end = NULL;
    for (uint32_t i = 0; i < p->cluster_count; i++)
        drop_rows(&p->cluster[i]);
    drop_rows(&p->instance);
    free(p->cluster);
    free(p->code);
    free(p->bucket);
    free(p->in_instance);
    free(p->in_cluster);
}
