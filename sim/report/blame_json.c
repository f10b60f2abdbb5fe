/* blame_json: the cells as JSON. Each table is a sum over all of them. */
#include "sim/core/check.h"
#include "sim/report/blame.h"
#include "sim/report/ledger_json.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MOST 300
#define SETS_MOST 256 /* columns of a heat map */

static json_t *number(uint64_t n) { return json_integer((json_int_t)n); }

/* --- arrays ----------------------------------------------------------------------------------- */

static const struct mirror *mirror_of(const struct blame *b, enum blame_array a)
{
    static const int8_t mirrors[BLAME_ARRAY_COUNT] = {
        [BLAME_L1I] = MIRROR_L1I,   [BLAME_L1D] = MIRROR_L1D,   [BLAME_L1D_WRITE] = -1,
        [BLAME_L2] = MIRROR_L2,     [BLAME_L2_WRITE] = -1,      [BLAME_ITLB] = MIRROR_ITLB,
        [BLAME_DTLB] = MIRROR_DTLB, [BLAME_DTLB_LARGE] = MIRROR_LARGE,
        [BLAME_ITLB_LARGE] = MIRROR_CODE_LARGE,
        [BLAME_ITLB2] = MIRROR_ITLB2, [BLAME_DTLB2] = MIRROR_DTLB2,
    };
    return mirrors[a] < 0 ? NULL : &b->mirror[mirrors[a]];
}

/* Neighbouring sets are added up where there are more than a picture has columns. */
static json_t *sets_json(const struct mirror *m)
{
    uint32_t per = m->sets > SETS_MOST ? m->sets / SETS_MOST : 1;
    json_t *misses = json_array(), *conflicts = json_array();
    for (uint32_t i = 0; i < m->sets; i += per) {
        uint64_t all = 0, conflict = 0;
        for (uint32_t k = i; k < i + per; k++) {
            all += m->set[k].misses;
            conflict += m->set[k].conflicts;
        }
        json_array_append_new(misses, number(all));
        json_array_append_new(conflicts, number(conflict));
    }
    return json_pack("{s:I,s:I,s:o,s:o}", "sets", (json_int_t)m->sets, "sets_per_column",
                     (json_int_t)per, "misses", misses, "conflicts", conflicts);
}

static json_t *array_json(const struct blame *b, enum blame_array a)
{
    uint64_t misses[BLAME_KIND_COUNT] = {0}, cycles[BLAME_KIND_COUNT] = {0}, all = 0, sum = 0;
    json_t *kinds = json_array();
    for (uint32_t i = 0; i < b->cells.count; i++) {
        const struct blame_cell *k = &b->cells.cell[i];
        if (k->array != a)
            continue;
        misses[k->kind] += k->misses;
        cycles[k->kind] += k->cycles;
        all += k->misses;
        sum += k->cycles;
    }
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        if (misses[k])
            json_array_append_new(kinds, json_pack("{s:s,s:I,s:I}", "name", blame_kind_names[k],
                                                   "misses", (json_int_t)misses[k], "cycles",
                                                   (json_int_t)cycles[k]));
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:o}", "name", blame_array_names[a], "text",
                          blame_array_texts[a], "misses", (json_int_t)all, "cycles",
                          (json_int_t)sum, "kinds", kinds);
    const struct mirror *m = mirror_of(b, a);
    if (m && m->sets)
        json_object_set_new(o, "by_set", sets_json(m));
    return o;
}

/* --- sums over parts of who ------------------------------------------------------------------- */

enum part { PART_PATH, PART_PLACE };

/* Who, without what a table does not tell apart. */
static uint32_t reduced(struct blame_cells *to, const struct blame_who *w, enum part part)
{
    struct blame_who r = {.deed = w->deed};
    if (part == PART_PATH) {
        r.space = w->space;
        r.path = w->path;
    } else {
        r.place = w->place;
    }
    return w->deed == DEED_COUNT ? BLAME_NOBODY : blame_who(to, r);
}

/* Cells are many, who is in them are few: each is asked for once. */
static void reduce(const struct blame_cells *from, struct blame_cells *to, enum part part)
{
    uint32_t *known = xalloc(from->who_count, sizeof *known); /* index + 1 */
    blame_cells_init(to);
    for (uint32_t i = 0; i < from->count; i++) {
        struct blame_cell k = from->cell[i];
        uint32_t *of[] = {&k.charged, &k.caused};
        for (unsigned n = 0; n < ARRAY_COUNT(of); n++) {
            uint32_t who = *of[n];
            if (!known[who])
                known[who] = reduced(to, &from->who[who], part) + 1;
            *of[n] = known[who] - 1;
        }
        blame_count(to, k);
    }
    free(known);
}

static int by_cycles(const void *a, const void *b)
{
    const struct blame_cell *x = a, *y = b;
    if (x->cycles != y->cycles)
        return x->cycles < y->cycles ? 1 : -1;
    if (x->misses != y->misses)
        return x->misses < y->misses ? 1 : -1;
    if (x->array != y->array)
        return x->array < y->array ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->charged != y->charged)
        return x->charged < y->charged ? -1 : 1;
    return x->caused < y->caused ? -1 : x->caused > y->caused;
}

/* --- tables of pairs -------------------------------------------------------------------------- */

static json_t *space_name(const struct blame *b, uint32_t space)
{
    char name[64] = "all";
    if (b->spaces)
        spaces_name(b->spaces, space, name, sizeof name);
    return json_string(name);
}

static json_t *path_of(uint32_t path)
{
    char name[64];
    return json_string(path_name(path, name, sizeof name));
}

/* Nobody, code, or a deed: then "by" names it. */
static const char *deed_name(const struct blame_who *w)
{
    return w->deed == DEED_COUNT ? "nobody" : blame_deed_names[w->deed];
}

/* The names of each who, made once for all rows. */
struct named {
    json_t *space, *path;
};

static struct named *names_of(const struct blame *b, const struct blame_cells *c)
{
    struct named *names = xalloc(c->who_count, sizeof *names);
    for (uint32_t i = 0; i < c->who_count; i++)
        names[i] = (struct named){space_name(b, c->who[i].space), path_of(c->who[i].path)};
    return names;
}

static void names_free(struct named *names, const struct blame_cells *c)
{
    for (uint32_t i = 0; i < c->who_count; i++) {
        json_decref(names[i].space);
        json_decref(names[i].path);
    }
    free(names);
}

/* The names that rows of the matrix have in common; a row only counts who uses them. */
struct row_names {
    json_t *array[BLAME_ARRAY_COUNT], *kind[BLAME_KIND_COUNT], *deed[DEED_COUNT + 1], *itself;
    struct named *who;
};

static struct row_names row_names_of(const struct blame *b, const struct blame_cells *c)
{
    struct row_names n = {.itself = json_string("itself"), .who = names_of(b, c)};
    for (int a = 0; a < BLAME_ARRAY_COUNT; a++)
        n.array[a] = json_string(blame_array_names[a]);
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        n.kind[k] = json_string(blame_kind_names[k]);
    for (int d = 0; d <= DEED_COUNT; d++)
        n.deed[d] = json_string(deed_name(&(struct blame_who){.deed = (uint32_t)d}));
    return n;
}

static void row_names_free(struct row_names *n, const struct blame_cells *c)
{
    json_decref(n->itself);
    for (int a = 0; a < BLAME_ARRAY_COUNT; a++)
        json_decref(n->array[a]);
    for (int k = 0; k < BLAME_KIND_COUNT; k++)
        json_decref(n->kind[k]);
    for (int d = 0; d <= DEED_COUNT; d++)
        json_decref(n->deed[d]);
    names_free(n->who, c);
}

struct blame_matrix {
    struct blame_cells sums;
    struct row_names names;
    struct json_rows rows;
};

static json_t *matrix_row(void *owner, size_t i)
{
    const struct blame_matrix *m = owner;
    const struct blame_cell *k = &m->sums.cell[i];
    const struct blame_who *charged = &m->sums.who[k->charged], *by = &m->sums.who[k->caused];
    const struct row_names *n = &m->names;
    json_t *o = json_object();
    json_object_set_nocheck(o, "array", n->array[k->array]);
    json_object_set_nocheck(o, "kind", n->kind[k->kind]);
    json_object_set_new_nocheck(o, "space", number(charged->space));
    json_object_set_nocheck(o, "space_name", n->who[k->charged].space);
    json_object_set_nocheck(o, "path", n->who[k->charged].path);
    json_object_set_nocheck(o, "by", k->charged == k->caused ? n->itself : n->deed[by->deed]);
    if (k->caused != BLAME_NOBODY && by->deed != DEED_RESET) {
        json_object_set_new_nocheck(o, "by_space", number(by->space));
        json_object_set_nocheck(o, "by_space_name", n->who[k->caused].space);
        json_object_set_nocheck(o, "by_path", n->who[k->caused].path);
    }
    json_object_set_new_nocheck(o, "misses", number(k->misses));
    json_object_set_new_nocheck(o, "cycles", number(k->cycles));
    return o;
}

static struct blame_matrix *matrix_of(const struct blame *b, const json_t *array)
{
    struct blame_matrix *m = xalloc(1, sizeof *m);
    reduce(&b->cells, &m->sums, PART_PATH);
    m->names = row_names_of(b, &m->sums);
    qsort(m->sums.cell, m->sums.count, sizeof *m->sums.cell, by_cycles);
    m->rows = (struct json_rows){array, m->sums.count, m, matrix_row};
    return m;
}

const struct json_rows *blame_matrix_rows(const struct blame_matrix *m) { return &m->rows; }

void blame_matrix_free(struct blame_matrix *m)
{
    row_names_free(&m->names, &m->sums);
    blame_cells_free(&m->sums);
    free(m);
}

static json_t *matrix_json(const struct blame *b, struct blame_matrix **later)
{
    json_t *list = json_array();
    struct blame_matrix *m = matrix_of(b, list);
    if (later) {
        *later = m;
        return list;
    }
    for (size_t i = 0; i < m->rows.count; i++)
        json_array_append_new(list, matrix_row(m, i));
    blame_matrix_free(m);
    return list;
}

static json_t *pairs_json(const struct blame *b, const struct symbols *symbols)
{
    struct blame_cells sums;
    json_t *list = json_array();
    reduce(&b->cells, &sums, PART_PLACE);
    qsort(sums.cell, sums.count, sizeof *sums.cell, by_cycles);
    for (uint32_t i = 0; i < sums.count && i < PAIRS_MOST; i++) {
        const struct blame_cell *k = &sums.cell[i];
        const struct blame_who *charged = &sums.who[k->charged], *by = &sums.who[k->caused];
        bool place = k->caused != BLAME_NOBODY && by->deed != DEED_RESET;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "array", blame_array_names[k->array],
                            "kind", blame_kind_names[k->kind], "name",
                            symbols_place_name(symbols, charged->place), "by", deed_name(by),
                            "by_name", place ? symbols_place_name(symbols, by->place) : "",
                            "misses", (json_int_t)k->misses, "cycles", (json_int_t)k->cycles));
    }
    blame_cells_free(&sums);
    return list;
}

/* --- flushes ---------------------------------------------------------------------------------- */

/* What misses came later because of each instruction that emptied something, and how much of that
 * other spaces had to take. */
struct later {
    uint64_t misses, cycles, other_misses, other_cycles;
};

static struct later *later_of(const struct blame_cells *c)
{
    struct later *l = xalloc(c->who_count, sizeof *l);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct blame_cell *k = &c->cell[i];
        bool other = c->who[k->charged].space != c->who[k->caused].space;
        l[k->caused].misses += k->misses;
        l[k->caused].cycles += k->cycles;
        l[k->caused].other_misses += other ? k->misses : 0;
        l[k->caused].other_cycles += other ? k->cycles : 0;
    }
    return l;
}

static json_t *flushes_json(const struct blame *b, const struct symbols *symbols)
{
    struct later *later = later_of(&b->cells);
    json_t *list = json_array();
    for (uint32_t i = 1; i < b->cells.who_count; i++) {
        const struct blame_who *w = &b->cells.who[i];
        char where[128];
        bool rare = w->deed == DEED_PAGE_FAULT; /* there is one for each place that faulted */
        if (w->deed == DEED_CODE || w->deed == DEED_COUNT)
            continue;
        if (!later[i].misses && (rare || !w->times))
            continue;
        symbols_format(symbols, w->la, where, sizeof where);
        json_array_append_new(
            list, json_pack("{s:s,s:I,s:s,s:I,s:o,s:o,s:I,s:I,s:I,s:I,s:I}", "by",
                            blame_deed_names[w->deed], "address", (json_int_t)w->la, "symbol",
                            where, "space", (json_int_t)w->space, "space_name",
                            space_name(b, w->space), "path", path_of(w->path), "times",
                            (json_int_t)w->times, "misses", (json_int_t)later[i].misses, "cycles",
                            (json_int_t)later[i].cycles, "other_misses",
                            (json_int_t)later[i].other_misses, "other_cycles",
                            (json_int_t)later[i].other_cycles));
    }
    free(later);
    return list;
}

json_t *blame_json(struct blame *b, const struct symbols *symbols, struct blame_matrix **later)
{
    json_t *arrays = json_array();
    uint64_t misses = 0, cycles = 0;
    blame_verify(b);
    for (uint32_t i = 0; i < b->cells.count; i++) {
        misses += b->cells.cell[i].misses;
        cycles += b->cells.cell[i].cycles;
    }
    for (int a = 0; a < BLAME_ARRAY_COUNT; a++)
        json_array_append_new(arrays, array_json(b, a));
    return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "since", (json_int_t)b->since, "misses",
                     (json_int_t)misses, "cycles", (json_int_t)cycles, "arrays", arrays, "matrix",
                     matrix_json(b, later), "pairs", pairs_json(b, symbols), "flushes",
                     flushes_json(b, symbols));
}
