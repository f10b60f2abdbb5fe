/* blame_brute_force: blame against a reference that keeps the whole history.
 *
 * A small memory unit gets random accesses, fetches, locked accesses, faults, CR3 writes, INVLPGs,
 * WBINVDs and changes of page tables, one or several of them told as one instruction. The reference
 * never sees the access log: it knows what was asked for and reads the page tables, has caches and
 * TLBs of its own, and writes down every reference and every removal. What made a miss one, and
 * who, it finds by going back through all of it; whether a fully associative array would have
 * missed, by building that array anew from the first reference on. Misses, kinds, who, and the
 * cycles of each must agree at every step, and the reference's arrays with the unit's. */
#include "tests/property/blame_reference.h"

/* --- one operation, first on the reference, then on the unit ---------------------------------- */

static void put_note(struct world *w, enum note n, uint32_t value)
{
    access_log_put(&w->m, value, 0, ACCESS_NOTE, n, 0, 0);
}

static bool is_device(paddr_t pa) { return pa >> 12 == DEVICE_PAGE; }

static void do_data(struct world *w, laddr_t la, enum access_kind kind, bool user, bool locked)
{
    uint64_t value = random_next(w->random);
    unsigned attributes = 0;
    paddr_t pa = 0;
    bool good = ref_translate(w, la, kind != ACCESS_READ, user, false, &pa, &attributes);
    for (int half = 0; good && !is_device(pa) && half < (kind == ACCESS_RMW ? 2 : 1); half++) {
        bool write = kind == ACCESS_WRITE || half;
        if (locked)
            ref_locked(w, pa, write);
        else if (write)
            ref_write(w, pa, attributes);
        else
            ref_read(w, MIRROR_L1D, pa, attributes);
    }
    w->m.locked = locked;
    bool done = mmu_access(&w->m, la, 4, kind, user, 0, &value) == MMU_OK;
    if (done && kind == ACCESS_RMW)
        mmu_rmw_commit(&w->m, 4, value);
    w->m.locked = false;
    if (!done)
        put_note(w, NOTE_PAGE_FAULT, w->m.fault_la);
    if (done != good)
        verdict_fail(w->verdict, "%08x: the unit %s, the reference does not", la,
                     done ? "finds a page" : "faults");
}

static void do_fetch(struct world *w, laddr_t la, bool user)
{
    unsigned attributes = 0;
    paddr_t pa = 0, real;
    mmu_set_user(&w->m, user);
    bool good = ref_translate(w, la, false, user, true, &pa, &attributes);
    if (good && !is_device(pa))
        ref_read(w, MIRROR_L1I, pa, attributes);
    if (mmu_fetch_slow(&w->m, la, &real) == MMU_OK)
        mmu_fetch_line(&w->m, la, real);
    else
        put_note(w, NOTE_PAGE_FAULT, w->m.fault_la);
}

static void ref_empty(struct world *w, enum blame_mirror first, enum blame_mirror last,
                      enum blame_deed deed, bool write_back)
{
    for (unsigned i = first; i <= (unsigned)last; i++) {
        struct ref_array *a = &w->array[i];
        for (unsigned set = 0; set < a->sets; set++)
            for (unsigned way = 0; way < a->ways; way++) {
                struct ref_entry *e = &a->entry[set][way];
                if (e->valid && e->dirty && write_back)
                    ref_bus(w, e->tag * LINE, false, -1, BUCKET_NONE);
            }
    }
    for (unsigned i = first; i <= (unsigned)last; i++) {
        struct ref_array *a = &w->array[i];
        for (unsigned set = 0; set < a->sets; set++)
            for (unsigned way = 0; way < a->ways; way++)
                if (a->entry[set][way].valid)
                    ref_remove(w, (enum blame_mirror)i, &a->entry[set][way], FLUSHED, deed);
        if (i < MIRROR_ITLB)
            memset(a->plru, 0, sizeof a->plru);
    }
}

static void do_cr3(struct world *w)
{
    w->directory = DIRECTORIES + 4096 * random_below(w->random, 2);
    ref_empty(w, MIRROR_ITLB, MIRROR_LARGE, DEED_CR3, false);
    mmu_set_cr3(&w->m, w->directory);
    put_note(w, NOTE_CR3_LOAD, w->directory);
}

static void do_invalidate(struct world *w, laddr_t la)
{
    ref_drop_page(w, la, DEED_INVLPG);
    mmu_invalidate_page(&w->m, la);
    put_note(w, NOTE_TLB_DROP, la);
}

static void do_empty_caches(struct world *w)
{
    bool write_back = random_chance(w->random, 50);
    ref_empty(w, MIRROR_L1I, MIRROR_L1D, DEED_CACHE_FLUSH, write_back);
    mmu_invalidate_caches(&w->m, write_back);
    put_note(w, NOTE_CACHE_FLUSH, write_back);
}

/* --- what is mapped where --------------------------------------------------------------------- */

static void poke(struct world *w, paddr_t pa, uint32_t v) { memcpy(w->phys.ram + pa, &v, 4); }

static uint32_t random_entry(struct world *w)
{
    struct random *r = w->random;
    uint32_t frame = random_chance(r, 4) ? DEVICE_PAGE << 12
                                         : FRAMES + 4096 * random_below(r, FRAME_COUNT);
    return frame | (random_chance(r, 92) ? PTE_PRESENT : 0u) |
           (random_chance(r, 85) ? PTE_WRITE : 0u) | (random_chance(r, 85) ? PTE_USER : 0u) |
           (random_chance(r, 8) ? PTE_UNCACHED : 0u) | (random_chance(r, 15) ? PTE_THROUGH : 0u);
}

static paddr_t table_of(const struct world *w, unsigned region, unsigned directory)
{
    (void)w;
    return TABLES + 4096 * (region == 0 ? 0 : 1 + directory);
}

static void map_all(struct world *w)
{
    for (unsigned d = 0; d < 2; d++) {
        for (unsigned region = 0; region < 2; region++) {
            poke(w, DIRECTORIES + 4096 * d + 4 * region,
                 table_of(w, region, d) | PTE_PRESENT | PTE_WRITE | PTE_USER);
            for (unsigned p = 0; p < PAGES; p++)
                poke(w, table_of(w, region, d) + 4 * p, random_entry(w));
        }
        poke(w, DIRECTORIES + 4096 * d + 4 * (LARGE_LA >> 22),
             PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE);
    }
}

/* Software that changes an entry says so. */
static void remap(struct world *w)
{
    unsigned region = random_below(w->random, 2), p = random_below(w->random, PAGES);
    unsigned d = random_below(w->random, 2);
    poke(w, table_of(w, region, d) + 4 * p, random_entry(w));
    do_invalidate(w, region << 22 | p << 12);
}

static laddr_t random_address(struct world *w)
{
    struct random *r = w->random;
    uint32_t line = random_chance(r, 70) ? random_below(r, 6) : random_below(r, 128);
    if (random_chance(r, 25))
        return LARGE_LA + FRAMES + 4096 * random_below(r, FRAME_COUNT) + LINE * line;
    return random_below(r, 2) << 22 | random_below(r, PAGES) << 12 | LINE * line;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void do_switch_caches(struct world *w)
{
    w->caches_off = random_chance(w->random, 30);
    mmu_set_control(&w->m, true, false, w->caches_off, true);
}

/* alone: an instruction of its own. No other changes tables: none uses what it changes. */
static void operate(struct world *w, bool alone)
{
    struct random *r = w->random;
    laddr_t la = random_address(w) + 4 * random_below(r, LINE / 4);
    bool user = random_chance(r, 60);
    unsigned what = random_below(r, 100);
    if (what < 34)
        do_data(w, la, ACCESS_READ, user, false);
    else if (what < 52)
        do_data(w, la, ACCESS_WRITE, user, false);
    else if (what < 60)
        do_data(w, la, ACCESS_RMW, user, random_chance(r, 50));
    else if (what < 92)
        do_fetch(w, la, user);
    else if (what < 95)
        do_cr3(w);
    else if (what < 97)
        do_invalidate(w, la);
    else if (what == 99)
        do_empty_caches(w);
    else if (alone && random_chance(r, 80))
        remap(w);
    else if (alone)
        do_switch_caches(w);
}

static void instruction(struct world *w)
{
    struct random *r = w->random;
    unsigned operations = random_chance(r, 75) ? 1 : 1 + random_below(r, 4);
    ledger_select(&w->ledger, random_chance(r, 50) ? PATH_USER : PATH_VECTOR + random_below(r, 3),
                  2 + random_below(r, 5));
    w->now = (struct blame_who){.path = w->ledger.path, .place = w->ledger.place,
                                .deed = DEED_CODE};
    w->op.eip = 16 * random_below(r, 8);
    w->misses = 0;
    w->blame.misses = 0;
    for (unsigned i = 0; i < operations; i++)
        operate(w, operations == 1);
    charge(w);
    w->cpu.on_priced(w->cpu.priced_owner, &w->cpu, &w->op, false);
    w->cpu.log.count = 0;
    compare(w);
    compare_arrays(w);
}

/* --- a world ---------------------------------------------------------------------------------- */

static struct mmu_geometry random_geometry(struct random *r)
{
    return (struct mmu_geometry){
        .itlb = {one_of(r, 4, 8), one_of(r, 2, 4)},
        .dtlb = {one_of(r, 8, 16), one_of(r, 2, 4)},
        .dtlb_large = {random_chance(r, 70) ? 2 : 0, one_of(r, 1, 2)},
        .l1i = {one_of(r, 256, 512), one_of(r, 2, 4), LINE},
        .l1d = {one_of(r, 256, 512), one_of(r, 1, 2), LINE},
        .l2 = {one_of(r, 1024, 2048), one_of(r, 1, 2), LINE},
        .dram = {.row_bytes = 4096, .banks = 4},
        .large_pages_split_in_itlb = true,
    };
}

static void shape(struct world *w, enum blame_mirror i)
{
    struct ref_array *a = &w->array[i];
    a->sets = i < MIRROR_ITLB ? blame_cache(&w->blame, i)->sets : blame_tlb(&w->blame, i)->sets;
    a->ways = i < MIRROR_ITLB ? blame_cache(&w->blame, i)->ways : blame_tlb(&w->blame, i)->ways;
}

static struct world *world_new(struct random *r, struct verdict *v)
{
    struct mmu_geometry g = random_geometry(r);
    struct world *w = ref_world(&g, r, v);
    bus_map_memory(&w->bus, (struct bus_range){DEVICE_PAGE << 12, (DEVICE_PAGE << 12) + 0xFFF, 4,
                                               device_read, device_write, w, "device"});
    w->phys.page_flags[DEVICE_PAGE] = PAGE_DEVICE;
    map_all(w);
    w->directory = DIRECTORIES;
    mmu_set_cr3(&w->m, w->directory);
    mmu_set_control(&w->m, true, false, false, true);
    blame_start(&w->blame, NULL, &w->watch, &w->cpu);
    for (int i = 0; i < MIRRORS; i++)
        shape(w, (enum blame_mirror)i);
    return w;
}

static void run(uint64_t operations, struct random *r, struct verdict *v, uint64_t *checked)
{
    struct world *w = world_new(r, v);
    for (v->operation = 0; v->operation < operations && !v->failed; v->operation++)
        instruction(w);
    if (!v->failed)
        blame_verify(&w->blame); /* its own sums, and the ledger's */
    if (!v->failed && w->blame.adopted)
        verdict_fail(v, "%u entries were learnt from the TLBs", (unsigned)w->blame.adopted);
    *checked += w->checked;
    world_free(w);
}

int main(int argc, char **argv) { return brute_force(argc, argv, 25, 2000, run); }
