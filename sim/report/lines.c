#include "sim/report/lines.h"

#include "mmu/mmu.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

const char *const line_kind_names[LINE_KINDS] = {"code", "data", "page tables"};

void lines_init(struct lines *l, const struct cpu *c)
{
    l->slot = xalloc(LINES_SIZE, sizeof *l->slot);
    l->count = 0;
    l->line_bytes = 1u << c->mmu->l1d.line_shift;
    l->overflowed = false;
}

void lines_copy(struct lines *l, const struct lines *from)
{
    *l = *from;
    l->slot = xalloc(LINES_SIZE, sizeof *l->slot);
    memcpy(l->slot, from->slot, LINES_SIZE * sizeof *l->slot);
}

void lines_free(struct lines *l)
{
    free(l->slot);
    l->slot = NULL;
}

/* --- counting --------------------------------------------------------------------------------- */

/* A line of code that is read as data is two lines: it may take room in both caches. */
static struct line *find(struct lines *l, paddr_t pa, enum line_kind kind)
{
    uint32_t at = (pa / l->line_bytes * 2654435761u + kind) & (LINES_SIZE - 1);
    while (l->slot[at].by && (l->slot[at].pa != pa || l->slot[at].kind != kind))
        at = (at + 1) & (LINES_SIZE - 1);
    return &l->slot[at];
}

static void touch(struct lines *l, paddr_t pa, laddr_t la, enum line_kind kind, bool kernel,
                  bool missed)
{
    pa &= ~(l->line_bytes - 1);
    struct line *e = find(l, pa, kind);
    if (!e->by) {
        if (l->count == LINES_SIZE / 2) {
            l->overflowed = true;
            return;
        }
        l->count++;
        e->pa = pa;
        e->la = la;
        e->kind = (uint8_t)kind;
    }
    e->by |= kernel ? LINE_BY_KERNEL : LINE_BY_USER;
    e->touches++;
    e->misses += missed;
}

/* Code from the instruction itself: the log tells only of the change to another line. */
static void add_code(struct lines *l, const struct cpu *c, laddr_t la, unsigned length, bool kernel)
{
    laddr_t ends[2] = {la, la + length - 1};
    paddr_t pa;
    for (int i = 0; i < 2; i++) {
        bool same = i == 1 && ends[0] / l->line_bytes == ends[1] / l->line_bytes;
        if (!same && mmu_translate_peek(c->mmu, ends[i], &pa))
            touch(l, pa, ends[i], LINE_CODE, kernel, false);
    }
}

static void add_fetch_miss(struct lines *l, const struct access *a)
{
    struct line *e = find(l, a->pa & ~(l->line_bytes - 1), LINE_CODE);
    if (e->by)
        e->misses++;
}

void lines_add(struct lines *l, const struct cpu *c, laddr_t la, unsigned length, bool kernel_code,
               bool kernel_data)
{
    if (length)
        add_code(l, c, la, length, kernel_code);
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        bool missed = a->level != LEVEL_L1;
        if (a->kind == ACCESS_NOTE || a->level == LEVEL_DEVICE)
            continue;
        if (a->kind == ACCESS_FETCH && missed)
            add_fetch_miss(l, a);
        else if (a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE)
            touch(l, a->pa, a->la, LINE_TABLE, kernel_data, missed);
        else if (a->kind != ACCESS_FETCH)
            touch(l, a->pa, a->la, LINE_DATA, kernel_data, missed);
    }
}

/* --- printing --------------------------------------------------------------------------------- */

void lines_print(const struct lines *l, FILE *out)
{
    uint32_t user[LINE_KINDS] = {0}, kernel[LINE_KINDS] = {0}, both[LINE_KINDS] = {0};
    uint32_t all_user = 0, all_kernel = 0;
    for (uint32_t i = 0; i < LINES_SIZE; i++) {
        const struct line *e = &l->slot[i];
        user[e->kind] += e->by == LINE_BY_USER;
        kernel[e->kind] += (e->by & LINE_BY_KERNEL) != 0;
        both[e->kind] += e->by == (LINE_BY_USER | LINE_BY_KERNEL);
    }
    fprintf(out, "\n  %-24s %8s %8s  of %u bytes\n", "cache lines touched", "kernel", "user",
            l->line_bytes);
    for (int k = 0; k < LINE_KINDS; k++) {
        all_kernel += kernel[k];
        all_user += user[k];
        fprintf(out, "  %-24s %8u %8u", line_kind_names[k], kernel[k], user[k]);
        fprintf(out, both[k] ? "  %u of the kernel's by the program, too\n" : "\n", both[k]);
    }
    fprintf(out, "  %-24s %8u %8u\n", "sum", all_kernel, all_user);
    if (l->overflowed)
        fprintf(out, "  more than %d lines: the rest is not counted\n", LINES_SIZE / 2);
}

static int by_address(const void *a, const void *b)
{
    const struct line *x = *(const struct line *const *)a, *y = *(const struct line *const *)b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->pa < y->pa ? -1 : x->pa > y->pa;
}

json_t *lines_json(const struct lines *l, const struct symbols *symbols)
{
    static const char *const by_names[] = {"", "user", "kernel", "both"};
    const struct line **sorted = xalloc(l->count ? l->count : 1, sizeof *sorted);
    json_t *list = json_array();
    uint32_t count = 0;
    for (uint32_t i = 0; i < LINES_SIZE; i++)
        if (l->slot[i].by)
            sorted[count++] = &l->slot[i];
    qsort(sorted, count, sizeof *sorted, by_address);
    for (uint32_t i = 0; i < count; i++) {
        const struct line *e = sorted[i];
        char name[96];
        symbols_format(symbols, e->la, name, sizeof name);
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:I,s:I,s:s,s:I,s:I}", "kind", line_kind_names[e->kind], "by",
                            by_names[e->by], "physical", (json_int_t)e->pa, "address",
                            (json_int_t)e->la, "symbol", name, "touches", (json_int_t)e->touches,
                            "misses", (json_int_t)e->misses));
    }
    free(sorted);
    return list;
}
