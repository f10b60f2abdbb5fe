/* blame_exclusive_brute_force: blame on exclusive caches against a reference that keeps the whole
 * history (blame_reference.h).
 *
 * The reference has the rules of mmu/hierarchy_exclusive.c in its own words: what the first level
 * gives up goes to the second, what it brings comes from there or from memory, code brings the next
 * line, and two data misses side by side a third. It never sees the access log. Random accesses,
 * locked ones, fetches, prefetch instructions, CLFLUSH, INVD and WBINVD, one or several told as one
 * instruction, on memory that is written back, written through and uncached; and cycles that are
 * charged when nothing was missed. */
#include "tests/property/blame_reference.h"

#define BACK 0x10000u /* write-back; the next 64 KB is written through, that after it uncached */
#define THROUGH 0x20000u
#define UNCACHED 0x30000u
#define PAGE 4096u

/* --- the reference ---------------------------------------------------------------------------- */

static bool on_chip(struct world *w, uint32_t line)
{
    return ref_find(w, MIRROR_L1I, line) || ref_find(w, MIRROR_L1D, line) ||
           ref_find(w, MIRROR_L2, line);
}

/* The second level takes a line. */
static void x_take(struct world *w, uint32_t line)
{
    ref_fill(w, MIRROR_L2, ref_victim(w, MIRROR_L2, line), (struct ref_entry){.tag = line});
}

static void x_give_up(struct world *w, enum blame_mirror i, uint32_t line)
{
    struct ref_entry *e = ref_find(w, i, line);
    if (!e)
        return;
    ref_remove(w, i, e, GIVEN_UP, DEED_CODE);
    x_take(w, line);
}

/* Out of the second level or memory into a first; what makes room goes down, or away if it was only
 * passing. */
static struct ref_entry *x_bring(struct world *w, enum blame_mirror i, uint32_t line)
{
    struct ref_entry *e = ref_find(w, MIRROR_L2, line);
    if (e)
        e->valid = false;
    write_down(w, MIRROR_L2, (struct happening){.key = line, .what = IS_TAKEN});
    struct ref_entry *at = ref_victim(w, i, line);
    if (at->valid) {
        struct ref_entry down = *at;
        ref_remove(w, i, at, REPLACED, DEED_CODE);
        if (down.passing)
            ref_remove(w, MIRROR_L2, &down, REPLACED, DEED_CODE);
        else
            x_take(w, down.tag);
    }
    ref_fill(w, i, at, (struct ref_entry){.tag = line});
    return at;
}

static void x_prefetch_data(struct world *w, uint32_t line)
{
    uint32_t before = w->last_miss, wanted = line + 2 * (line - before);
    w->last_miss = line;
    if (line != before + 1 && line != before - 1)
        return;
    if (wanted * LINE / PAGE == line * LINE / PAGE && !on_chip(w, wanted))
        x_take(w, wanted);
}

static void x_prefetch_code(struct world *w, uint32_t line)
{
    uint32_t next = line + 1;
    if (next * LINE / PAGE == line * LINE / PAGE && !ref_find(w, MIRROR_L1I, next) &&
        !ref_find(w, MIRROR_L1D, next))
        x_bring(w, MIRROR_L1I, next);
}

static bool is_uncached(paddr_t pa) { return pa >> 16 == UNCACHED >> 16; }
static bool is_through(paddr_t pa) { return pa >> 16 == THROUGH >> 16; }

static void x_pass(struct world *w, enum blame_mirror i, uint32_t line)
{
    referenced(w, i, line, false);
    referenced(w, MIRROR_L2, line, false);
}

/* A read or fetch, or a write that brings its line. */
static void x_access(struct world *w, enum blame_mirror i, paddr_t pa, bool write)
{
    static const uint8_t buckets[2][2] = {{BUCKET_FETCH_L2, BUCKET_FETCH_DRAM},
                                          {BUCKET_DATA_L2, BUCKET_DATA_DRAM}};
    bool data = i == MIRROR_L1D;
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, i, line);
    if (e) {
        ref_touch(w, i, e);
        return;
    }
    bool dram = !on_chip(w, line);
    ref_miss(w, i, !data ? BLAME_L1I : write ? BLAME_L1D_WRITE : BLAME_L1D, line,
             write || dram ? BUCKET_NONE : buckets[data][0]);
    if (dram)
        ref_miss(w, MIRROR_L2, BLAME_L2, line, write ? BUCKET_NONE : buckets[data][1]);
    if (is_uncached(pa)) {
        x_pass(w, i, line);
        return;
    }
    x_give_up(w, data ? MIRROR_L1I : MIRROR_L1D, line);
    x_bring(w, i, line);
    if (data)
        x_prefetch_data(w, line);
    else
        x_prefetch_code(w, line);
}

/* A prefetch instruction: a line for L1D that nobody has missed. */
static void x_request(struct world *w, paddr_t pa, enum mmu_prefetch how)
{
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, MIRROR_L1D, line);
    bool memory = !on_chip(w, line);
    if (is_uncached(pa))
        return;
    if (e) {
        ref_touch(w, MIRROR_L1D, e);
        return;
    }
    x_give_up(w, MIRROR_L1I, line);
    x_bring(w, MIRROR_L1D, line)->passing = how == PREFETCH_PASSING && memory && !is_through(pa);
}

/* Memory gets it at once. */
static void x_write_outside(struct world *w, paddr_t pa)
{
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, MIRROR_L1D, line);
    bool held = on_chip(w, line);
    if (!e)
        ref_miss(w, MIRROR_L1D, BLAME_L1D_WRITE, line, BUCKET_NONE);
    struct ref_miss *m = ref_miss(w, MIRROR_L2, BLAME_L2_WRITE, line, BUCKET_NONE);
    if (held) { /* no miss of the second level's, but a write that goes past it */
        m->kind = BLAME_UNHELD;
        m->who = (struct blame_who){.deed = DEED_COUNT};
    }
    x_give_up(w, MIRROR_L1I, line);
    if (e) {
        ref_touch(w, MIRROR_L1D, e);
        return;
    }
    referenced(w, MIRROR_L1D, line, false);
    if (!on_chip(w, line))
        referenced(w, MIRROR_L2, line, false);
}

/* A line leaves the chip, wherever it is. */
static void x_expel(struct world *w, uint32_t line, enum blame_deed deed)
{
    for (int i = MIRROR_L1I; i <= MIRROR_L2; i++) {
        struct ref_entry *e = ref_find(w, (enum blame_mirror)i, line);
        if (!e)
            continue;
        struct ref_entry copy = *e;
        ref_remove(w, (enum blame_mirror)i, e, FLUSHED, deed);
        if (i != MIRROR_L2)
            ref_remove(w, MIRROR_L2, &copy, FLUSHED, deed);
    }
}

static void x_empty(struct world *w)
{
    for (int i = MIRROR_L1I; i <= MIRROR_L2; i++) {
        struct ref_array *a = &w->array[i];
        for (unsigned set = 0; set < a->sets; set++)
            for (unsigned way = 0; way < a->ways; way++)
                if (a->entry[set][way].valid)
                    x_expel(w, a->entry[set][way].tag, DEED_CACHE_FLUSH);
        memset(a->plru, 0, sizeof a->plru);
    }
}

/* --- one operation, first on the reference, then on the unit ---------------------------------- */

static void do_data(struct world *w, paddr_t pa, enum access_kind kind)
{
    uint64_t value = random_next(w->random);
    bool outside = is_uncached(pa) || is_through(pa);
    if (kind != ACCESS_WRITE)
        x_access(w, MIRROR_L1D, pa, false);
    if (kind != ACCESS_READ && outside)
        x_write_outside(w, pa);
    else if (kind != ACCESS_READ)
        x_access(w, MIRROR_L1D, pa, true);
    w->m.locked = !outside && kind == ACCESS_RMW && random_chance(w->random, 50);
    mmu_access(&w->m, pa, 4, kind, false, 0, &value);
    if (kind == ACCESS_RMW)
        mmu_rmw_commit(&w->m, 4, value);
    w->m.locked = false;
}

static void do_fetch(struct world *w, laddr_t la)
{
    paddr_t pa;
    x_access(w, MIRROR_L1I, la, false);
    mmu_fetch_slow(&w->m, la, &pa);
    mmu_fetch_line(&w->m, la, pa);
}

static void do_prefetch(struct world *w, laddr_t la)
{
    enum mmu_prefetch how = (enum mmu_prefetch)random_below(w->random, 3);
    x_request(w, la, how);
    mmu_prefetch(&w->m, la, how, false);
}

static void do_flush(struct world *w, laddr_t la)
{
    if (random_chance(w->random, 85)) {
        x_expel(w, la / LINE, DEED_LINE_FLUSH);
        mmu_flush_line(&w->m, la);
        put_note(w, NOTE_LINE_FLUSH, la);
        return;
    }
    bool write_back = random_chance(w->random, 50);
    x_empty(w);
    mmu_invalidate_caches(&w->m, write_back);
    put_note(w, NOTE_CACHE_FLUSH, write_back);
}

static paddr_t random_address(struct world *w)
{
    struct random *r = w->random;
    uint32_t lines = random_chance(r, 60) ? 24 : 160, part = random_below(r, 10);
    paddr_t region = part == 0 ? UNCACHED : part <= 2 ? THROUGH : BACK;
    if (region != BACK)
        lines = 12;
    if (random_chance(r, 25)) /* side by side */
        return region + (w->last_miss * LINE + LINE) % (lines * LINE);
    return region + random_below(r, lines) * LINE + 4 * random_below(r, LINE / 4);
}

static void operate(struct world *w, bool alone)
{
    (void)alone;
    paddr_t pa = random_address(w);
    unsigned what = random_below(w->random, 100);
    if (what < 35)
        do_data(w, pa, ACCESS_READ);
    else if (what < 55)
        do_data(w, pa, ACCESS_WRITE);
    else if (what < 63)
        do_data(w, pa, ACCESS_RMW);
    else if (what < 90)
        do_fetch(w, pa);
    else if (what < 98)
        do_prefetch(w, pa);
    else
        do_flush(w, pa);
}

/* Out of order, an instruction waits for what another has asked for. */
static void charge_late(struct world *w)
{
    static const enum cause causes[] = {CAUSE_DATA_L2, CAUSE_DATA_DRAM, CAUSE_FETCH_DRAM,
                                        CAUSE_DTLB};
    if (!w->misses && random_chance(w->random, 30))
        ledger_charge(&w->ledger, causes[random_below(w->random, 4)],
                      1 + random_below(w->random, 20), QUALITY_READ);
}

/* --- a world ---------------------------------------------------------------------------------- */

static struct mmu_geometry random_geometry(struct random *r)
{
    return (struct mmu_geometry){
        .itlb = {8, 8}, .dtlb = {8, 8}, .itlb_large = {2, 2}, .dtlb_large = {2, 2},
        .itlb2 = {16, 4}, .dtlb2 = {16, 4},
        .l1i = {one_of(r, 256, 512), 2, LINE},
        .l1d = {one_of(r, 256, 512), 2, LINE},
        .l2 = {one_of(r, 1024, 2048), one_of(r, 2, 4), LINE},
        .dram = {.row_bytes = 4096, .banks = 4},
        .l2_exclusive = true, .l2_prefetch = true, .access_bytes = 8, .physical_bits = 40,
    };
}

static void set_types(struct world *w)
{
    struct memory_types t = {.present = true, .on = true, .fixed_on = true, .otherwise = TYPE_WB};
    memset(t.fixed, TYPE_WB, sizeof t.fixed);
    t.fixed[THROUGH >> 16] = TYPE_WT;
    t.fixed[UNCACHED >> 16] = TYPE_UC;
    mmu_set_types(&w->m, &t);
}

static struct world *world_new(struct random *r, struct verdict *v)
{
    struct mmu_geometry g = random_geometry(r);
    struct world *w = ref_world(&g, r, v);
    mmu_set_control(&w->m, false, false, false, false);
    set_types(w);
    ref_start(w, MIRROR_L1I, MIRROR_L2);
    return w;
}

int main(int argc, char **argv)
{
    static const struct reference test = {.seeds = 20, .instructions = 1500, .operations = 4,
                                          .world = world_new, .operate = operate,
                                          .charge_late = charge_late};
    return brute_force(argc, argv, &test);
}
