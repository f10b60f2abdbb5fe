#include "sim/report/cells.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

/* --- what a cell consists of ------------------------------------------------------------------ */

/* Causes that misses are charged with: they are divided by whose doing the misses were. */
static bool is_missing(enum cause k)
{
    return k == CAUSE_DATA_L2 || k == CAUSE_DATA_DRAM || k == CAUSE_FETCH_L2 ||
           k == CAUSE_FETCH_DRAM || k == CAUSE_ITLB || k == CAUSE_DTLB || k == CAUSE_TLB_UPDATE;
}

static bool is_waiting(enum cause k)
{
    return k == CAUSE_WRITE_FULL || k == CAUSE_WRITE_ORDER || k == CAUSE_BUS_WAIT;
}

static bool is_tlb(unsigned array)
{
    return array >= BLAME_ITLB;
}

/* Whose doing it was, as seen by who has the miss: an offset to CELL_L1_PROGRAM or _L2_PROGRAM. */
static unsigned doer(const struct blame_who *charged, const struct blame_who *caused)
{
    if (caused->deed == DEED_COUNT)
        return CELL_L1_FIRST - CELL_L1_PROGRAM;
    if (caused->path != PATH_USER)
        return CELL_L1_KERNEL - CELL_L1_PROGRAM;
    return (caused->space == charged->space ? CELL_L1_PROGRAM : CELL_L1_OTHERS) - CELL_L1_PROGRAM;
}

static enum cell_part part_of(const struct blame_cells *c, const struct blame_cell *k)
{
    const struct blame_who *charged = &c->who[k->charged], *caused = &c->who[k->caused];
    if (is_tlb(k->array))
        return k->kind == BLAME_FLUSH && caused->deed == DEED_CR3 ? CELL_TLB_FLUSHED
                                                                  : CELL_TLB_OTHER;
    bool second = k->array == BLAME_L2 || k->array == BLAME_L2_WRITE;
    return (second ? CELL_L2_PROGRAM : CELL_L1_PROGRAM) + doer(charged, caused);
}

/* What the two tallies have between them that is no miss's. */
static void add_direct(struct cell *l, const struct whatif_tally *from,
                       const struct whatif_tally *to)
{
    for (enum cause k = 0; k < CAUSE_COUNT; k++) {
        uint64_t user = to->user[k] - from->user[k];
        uint64_t elsewhere = to->elsewhere[k] - from->elsewhere[k];
        if (is_missing(k))
            continue;
        l->part[is_waiting(k) ? CELL_STORES : CELL_USER] += user;
        l->part[is_waiting(k) ? CELL_STORES : CELL_PATH] += elsewhere;
    }
}

static void end_cell(struct cells *c, const struct whatif_tally *now)
{
    struct cell *l = &c->list[c->count - 1];
    const struct blame_cells *cells = &c->blame.cells;
    uint64_t sum = 0;
    c->open = false;
    l->end = c->cpu->clock->now;
    blame_verify(&c->blame);
    add_direct(l, &c->begin, now);
    for (uint32_t i = 0; i < cells->count; i++)
        l->part[part_of(cells, &cells->cell[i])] += cells->cell[i].cycles;
    for (unsigned run = 0; run < c->whatif->count; run++)
        l->cycles[run] = now->cycles[run] - c->begin.cycles[run];
    for (unsigned p = 0; p < CELL_PART_COUNT; p++)
        sum += l->part[p];
    CHECK(sum == l->cycles[0] && sum == l->end - l->begin);
}

/* --- the marks -------------------------------------------------------------------------------- */

/* The name that the program passes, cut to what fits; bytes that would spoil a table are not in
 * it. */
static void read_name(const struct cpu *c, char name[CELL_NAME_SIZE])
{
    unsigned n = 0;
    laddr_t la = c->seg[DS].base + c->r[EAX];
    for (char byte; n < CELL_NAME_SIZE - 1; n++) {
        if (!mmu_peek(c->mmu, la + n, &byte, 1) || byte <= ' ' || byte == ',' || byte > '~')
            break;
        name[n] = byte;
    }
    name[n] = 0;
}

static void begin_cell(struct cells *c, const char *name, const struct whatif_tally *now)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity * 2 + 16;
        c->list = realloc(c->list, c->capacity * sizeof *c->list);
        CHECK(c->list != NULL);
    }
    struct cell *l = &c->list[c->count++];
    memset(l, 0, sizeof *l);
    snprintf(l->name, sizeof l->name, "%s", name);
    l->operations = c->cpu->r[EDX];
    l->begin = c->cpu->clock->now;
    c->begin = *now;
    c->open = true;
    blame_restart(&c->blame);
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct cells *l = owner;
    struct whatif_tally now;
    char name[CELL_NAME_SIZE];
    if (LIKELY(o->eip != l->mark) || delivery)
        return;
    whatif_tally(l->whatif, &now);
    if (l->open)
        end_cell(l, &now);
    read_name(c, name);
    if (*name)
        begin_cell(l, name, &now);
}

void cells_start(struct cells *l, struct watch *h, struct cpu *c, const struct spaces *spaces,
                 const struct symbols *symbols, struct whatif *whatif, const char *symbol)
{
    const struct symbol *s = symbols_by_name(symbols, symbol);
    if (!s)
        usage_error("--cells %s: no such symbol; the trace's own and --symbols are searched",
                    symbol);
    memset(l, 0, sizeof *l);
    l->cpu = c;
    l->whatif = whatif;
    l->mark = s->address;
    blame_start(&l->blame, spaces, h, c);
    watch_add(h, c, (struct watcher){.priced = priced, .owner = l});
}

void cells_free(struct cells *l, struct watch *h)
{
    watch_remove(h, l);
    blame_free(&l->blame, h);
    free(l->list);
}
