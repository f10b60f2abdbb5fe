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

/* --- the reference's caches ------------------------------------------------------------------- */

static bool ref_bus(struct world *w, paddr_t pa, bool keeps, int array, unsigned bucket)
{
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, MIRROR_L2, line);
    if (e) {
        ref_touch(w, MIRROR_L2, e);
        return true;
    }
    if (array >= 0)
        ref_miss(w, MIRROR_L2, (enum blame_array)array, line, bucket);
    if (keeps)
        ref_fill(w, MIRROR_L2, ref_victim(w, MIRROR_L2, line), (struct ref_entry){.tag = line});
    else
        referenced(w, MIRROR_L2, line, false);
    return false;
}

static void ref_give_up(struct world *w, enum blame_mirror i, paddr_t pa)
{
    struct ref_entry *e = ref_find(w, i, pa / LINE);
    if (!e)
        return;
    if (e->dirty)
        ref_bus(w, pa, false, -1, BUCKET_NONE);
    ref_remove(w, i, e, GIVEN_UP, DEED_CODE);
}

/* A read or a fetch: i misses or hits. */
static void ref_read(struct world *w, enum blame_mirror i, paddr_t pa, unsigned attributes)
{
    bool code = i == MIRROR_L1I, keeps = !(attributes & TLB_UNCACHED) && !w->caches_off;
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, i, line);
    if (e) {
        ref_touch(w, i, e);
        return;
    }
    unsigned mine = w->misses;
    ref_miss(w, i, code ? BLAME_L1I : BLAME_L1D, line, BUCKET_NONE);
    ref_give_up(w, code ? MIRROR_L1D : MIRROR_L1I, pa);
    if (ref_bus(w, pa, keeps, BLAME_L2, code ? BUCKET_FETCH_DRAM : BUCKET_DATA_DRAM))
        w->miss[mine].bucket = code ? BUCKET_FETCH_L2 : BUCKET_DATA_L2;
    if (!keeps) {
        referenced(w, i, line, false);
        return;
    }
    struct ref_entry *victim = ref_victim(w, i, line);
    if (victim->valid && victim->dirty)
        ref_bus(w, victim->tag * LINE, false, -1, BUCKET_NONE);
    ref_fill(w, i, victim, (struct ref_entry){.tag = line, .through = attributes & TLB_THROUGH});
}

static void ref_write(struct world *w, paddr_t pa, unsigned attributes)
{
    uint32_t line = pa / LINE;
    struct ref_entry *e = ref_find(w, MIRROR_L1D, line);
    if (!e) {
        ref_miss(w, MIRROR_L1D, BLAME_L1D_WRITE, line, BUCKET_NONE);
        referenced(w, MIRROR_L1D, line, false);
        ref_give_up(w, MIRROR_L1I, pa);
        ref_bus(w, pa, false, BLAME_L2_WRITE, BUCKET_NONE);
        return;
    }
    ref_touch(w, MIRROR_L1D, e);
    if (!e->through) {
        e->dirty = true;
        return;
    }
    ref_bus(w, pa, false, BLAME_L2_WRITE, BUCKET_NONE);
    e->through = (attributes & (TLB_THROUGH | TLB_UNCACHED)) || w->caches_off;
}

static void ref_locked(struct world *w, paddr_t pa, bool write)
{
    ref_give_up(w, MIRROR_L1D, pa);
    ref_give_up(w, MIRROR_L1I, pa);
    ref_bus(w, pa, false, write ? BLAME_L2_WRITE : BLAME_L2, BUCKET_NONE);
}

/* --- the reference's translation -------------------------------------------------------------- */

static void ref_walk_read(struct world *w, paddr_t pa, unsigned attributes)
{
    struct ref_entry *e = ref_find(w, MIRROR_L1D, pa / LINE);
    if (e)
        ref_touch(w, MIRROR_L1D, e);
    else
        ref_bus(w, pa, !(attributes & TLB_UNCACHED) && !w->caches_off, BLAME_L2, BUCKET_NONE);
}

static void ref_update(struct world *w, paddr_t pa, bool *updates)
{
    ref_locked(w, pa, false);
    ref_bus(w, pa, false, -1, BUCKET_NONE);
    *updates = true;
}

/* False: a page fault. */
static bool ref_walk(struct world *w, laddr_t la, bool write, bool user,
                            struct ref_entry *found, bool *large, bool *updates)
{
    paddr_t at = w->directory + (la >> 22) * 4;
    uint32_t pde = peek(w, at), entry = pde, wanted = PTE_ACCESSED | (write ? PTE_DIRTY : 0u);
    ref_walk_read(w, at, 0);
    *large = pde & PTE_LARGE;
    if (!(pde & PTE_PRESENT))
        return false;
    if (!*large) {
        if (!(pde & PTE_ACCESSED))
            ref_update(w, at, updates);
        at = (pde & ~0xFFFu) + (la >> 12 & 0x3FF) * 4;
        entry = peek(w, at);
        ref_walk_read(w, at, attributes_of(pde));
        if (!(entry & PTE_PRESENT))
            return false;
    }
    if (!permits(flags_of(pde, entry), write, user))
        return false;
    if ((entry & wanted) != wanted)
        ref_update(w, at, updates);
    found->flags = flags_of(pde, entry | wanted);
    found->frame = *large ? (entry & 0xFFC00000u) >> 12 : entry >> 12;
    return true;
}

static void ref_drop_page(struct world *w, laddr_t la, enum blame_deed deed)
{
    for (int i = MIRROR_ITLB; i < MIRRORS; i++)
        for (unsigned set = 0; set < w->array[i].sets; set++)
            for (unsigned way = 0; way < w->array[i].ways; way++) {
                struct ref_entry *e = &w->array[i].entry[set][way];
                uint32_t tag = i == MIRROR_LARGE ? la >> 22 : la >> 12;
                if (e->valid && (e->tag == tag || (e->split && e->tag >> 10 == la >> 22)))
                    ref_remove(w, (enum blame_mirror)i, e, FLUSHED, deed);
            }
}

static bool ref_fault(struct world *w, laddr_t la)
{
    ref_drop_page(w, la, DEED_PAGE_FAULT);
    return false;
}

/* The entry for la in the TLB that it is in. */
static struct ref_entry *ref_entry_of(struct world *w, laddr_t la, bool code,
                                             enum blame_mirror *i)
{
    *i = code ? MIRROR_ITLB : MIRROR_DTLB;
    struct ref_entry *e = ref_find(w, *i, la >> 12);
    if (e || code)
        return e;
    *i = MIRROR_LARGE;
    return ref_find(w, *i, la >> 22);
}

/* Fills after a walk; resident: the entry that was there, clean. */
static void ref_translated(struct world *w, laddr_t la, bool code, bool large, bool updates,
                                  struct ref_entry found, struct ref_entry *resident)
{
    enum blame_mirror to = code ? MIRROR_ITLB : MIRROR_DTLB;
    if (large && !code && w->array[MIRROR_LARGE].sets)
        to = MIRROR_LARGE;
    found.tag = to == MIRROR_LARGE ? la >> 22 : la >> 12;
    found.name = found.tag;
    found.split = large && to != MIRROR_LARGE;
    found.frame += found.split ? la >> 12 & 0x3FF : 0;
    struct ref_miss *m = ref_miss(
        w, to, to == MIRROR_ITLB ? BLAME_ITLB : to == MIRROR_DTLB ? BLAME_DTLB : BLAME_DTLB_LARGE,
        key_of(to, &found), code ? BUCKET_ITLB : BUCKET_DTLB);
    m->updates = updates;
    if (!resident) {
        ref_fill(w, to, ref_victim(w, to, found.tag), found);
        return;
    }
    m->kind = BLAME_DIRTY;
    m->who = (struct blame_who){.deed = DEED_COUNT};
    found.valid = true;
    *resident = found;
    ref_touch(w, to, resident);
}

/* False: a page fault. */
static bool ref_translate(struct world *w, laddr_t la, bool write, bool user, bool code,
                                 paddr_t *pa, unsigned *attributes)
{
    enum blame_mirror i;
    struct ref_entry *e = ref_entry_of(w, la, code, &i), found = {0};
    bool large = false, updates = false;
    if (e && !permits(e->flags, write, user))
        return ref_fault(w, la);
    if (!e || (write && !(e->flags & TLB_DIRTY))) {
        if (!ref_walk(w, la, write, user, &found, &large, &updates)) {
            struct ref_miss *m = &w->miss[w->misses++];
            *m = (struct ref_miss){code ? BLAME_ITLB : BLAME_DTLB, BLAME_FAULT,
                                   code ? BUCKET_ITLB : BUCKET_DTLB, updates,
                                   {.deed = DEED_COUNT}, 0};
            return ref_fault(w, la);
        }
        ref_translated(w, la, code, large, updates, found, e);
        e = ref_entry_of(w, la, code, &i);
    } else {
        ref_touch(w, i, e);
    }
    *attributes = e->flags & (TLB_UNCACHED | TLB_THROUGH);
    *pa = e->frame << 12 | (la & (i == MIRROR_LARGE ? 0x3FFFFF : 0xFFF));
    return true;
}

/* --- one operation, first on the reference, then on the unit ---------------------------------- */

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

static uint32_t random_entry(struct world *w, unsigned page)
{
    (void)page;
    struct random *r = w->random;
    uint32_t frame = random_chance(r, 4) ? DEVICE_PAGE << 12
                                         : FRAMES + 4096 * random_below(r, FRAME_COUNT);
    return frame | (random_chance(r, 92) ? PTE_PRESENT : 0u) |
           (random_chance(r, 85) ? PTE_WRITE : 0u) | (random_chance(r, 85) ? PTE_USER : 0u) |
           (random_chance(r, 8) ? PTE_UNCACHED : 0u) | (random_chance(r, 15) ? PTE_THROUGH : 0u);
}

/* Software that changes an entry says so. */
static void remap(struct world *w)
{
    unsigned region = random_below(w->random, 2), p = random_below(w->random, PAGES);
    unsigned d = random_below(w->random, 2);
    poke(w, entry_at(region, d, p), random_entry(w, p));
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

/* --- an instruction --------------------------------------------------------------------------- */

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

static uint32_t device_read(void *owner, uint32_t address, unsigned size)
{
    (void)owner, (void)address, (void)size;
    return 0;
}

static void device_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    (void)owner, (void)address, (void)size, (void)value;
}

static struct world *world_new(struct random *r, struct verdict *v)
{
    struct mmu_geometry g = random_geometry(r);
    struct world *w = ref_world(&g, r, v);
    bus_map_memory(&w->bus, (struct bus_range){DEVICE_PAGE << 12, (DEVICE_PAGE << 12) + 0xFFF, 4,
                                               device_read, device_write, w, "device"});
    w->phys.page_flags[DEVICE_PAGE] = PAGE_DEVICE;
    map_all(w, PAGES, random_entry);
    w->directory = DIRECTORIES;
    mmu_set_cr3(&w->m, w->directory);
    mmu_set_control(&w->m, true, false, false, true);
    ref_start(w, MIRROR_L1I, MIRRORS - 1);
    return w;
}

int main(int argc, char **argv)
{
    static const struct reference test = {.seeds = 25, .instructions = 2000, .operations = 4,
                                          .world = world_new, .operate = operate};
    return brute_force(argc, argv, &test);
}
