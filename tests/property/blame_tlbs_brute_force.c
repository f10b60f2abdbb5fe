/* blame_tlbs_brute_force: blame on the two-level TLBs of a K7 or K8 against a reference that keeps
 * the whole history (blame_reference.h).
 *
 * The reference has the rules of mmu/translate.c and mmu/filter.c in its own words: four first
 * levels, for 4 KB and for large pages, of code and of data; two second levels, that hold 4 KB
 * pages alone and give them back; global pages; and a flush filter that keeps entries of several
 * directories while nobody writes to a table. It never sees the access log and reads the tables
 * itself. Random accesses, fetches, faults, INVLPGs, writes to CR3 and stores into tables, each an
 * instruction; the caches have a reference of their own. */
#include "tests/property/blame_reference.h"

#define PAGES_TWO 30u
#define HALF_SHIFT 21 /* a 4 MB page takes two entries, of 2 MB each */

/* --- the reference ---------------------------------------------------------------------------- */

static uint32_t space_of(const struct world *w)
{
    uint32_t i = 0;
    while (w->filter.on && w->filter.cr3[i] != w->directory)
        i++;
    return i << TAG_SPACE_SHIFT;
}

static uint32_t name_of(const struct world *w, uint32_t unit, bool global)
{
    uint32_t directory = (w->directory - DIRECTORIES) >> 12;
    return !w->filter.on ? unit : unit | (global ? TAG_GLOBAL : directory << TAG_SPACE_SHIFT);
}

static uint32_t tag_of(const struct world *w, uint32_t unit, bool global)
{
    return unit | (w->filter.on && global ? TAG_GLOBAL : space_of(w));
}

static struct ref_entry *t_find(struct world *w, enum blame_mirror i, uint32_t unit)
{
    struct ref_entry *e = ref_find(w, i, tag_of(w, unit, false));
    return e ? e : ref_find(w, i, tag_of(w, unit, true));
}

/* Over the entry with this tag, if there is one: what is told apart from it has replaced it. */
static struct ref_entry *t_fill(struct world *w, enum blame_mirror i, struct ref_entry new)
{
    struct ref_array *a = &w->array[i];
    struct ref_entry *at = ref_find(w, i, new.tag);
    new.valid = true;
    if (at && key_of(i, at) == key_of(i, &new)) {
        *at = new;
        plru_touch(&a->plru[new.tag & (a->sets - 1)], a->ways,
                   (uint32_t)(at - a->entry[new.tag & (a->sets - 1)]));
        return at;
    }
    at = at ? at : ref_victim(w, i, new.tag);
    ref_fill(w, i, at, new);
    return at;
}

/* The pages of la go from all TLBs, as far as the present space sees them. */
static void t_drop(struct world *w, laddr_t la, enum blame_deed deed)
{
    for (int i = MIRROR_ITLB; i < MIRRORS; i++) {
        bool large = i == MIRROR_LARGE || i == MIRROR_CODE_LARGE;
        struct ref_entry *e;
        while ((e = t_find(w, (enum blame_mirror)i, la >> (large ? HALF_SHIFT : 12))) != NULL)
            ref_remove(w, (enum blame_mirror)i, e, FLUSHED, deed);
    }
}

/* All but global pages. */
static void t_flush(struct world *w, enum blame_deed deed)
{
    for (int i = MIRROR_ITLB; i < MIRRORS; i++) {
        struct ref_array *a = &w->array[i];
        for (unsigned set = 0; set < a->sets; set++)
            for (unsigned way = 0; way < a->ways; way++)
                if (a->entry[set][way].valid && !(a->entry[set][way].flags & TLB_GLOBAL))
                    ref_remove(w, (enum blame_mirror)i, &a->entry[set][way], FLUSHED, deed);
    }
}

static void t_load_cr3(struct world *w, uint32_t cr3)
{
    w->directory = cr3;
    uint32_t i = 0;
    while (i < w->filter.spaces && w->filter.cr3[i] != cr3)
        i++;
    if (w->filter.on && !w->filter.written) {
        w->filter.cr3[i] = cr3;
        w->filter.spaces += i == w->filter.spaces;
        return;
    }
    t_flush(w, DEED_CR3);
    w->filter = (struct ref_filter){.on = w->filter.on, .cr3 = {cr3}, .spaces = 1};
}

/* False: a page fault. */
static bool t_walk(struct world *w, laddr_t la, bool write, bool user, struct ref_entry *found,
                   bool *large, bool *updates)
{
    paddr_t at = w->directory + (la >> 22) * 4;
    uint32_t pde = peek(w, at), entry = pde, wanted = PTE_ACCESSED | (write ? PTE_DIRTY : 0u);
    w->filter.table[at >> 12] = true;
    *large = pde & PTE_LARGE;
    if (!*large) {
        *updates = !(pde & PTE_ACCESSED);
        at = (pde & ~0xFFFu) + (la >> 12 & 0x3FF) * 4;
        entry = peek(w, at);
        w->filter.table[at >> 12] = true;
    }
    if (!(entry & PTE_PRESENT) || !permits(flags_of(pde, entry), write, user))
        return false;
    *updates |= (entry & wanted) != wanted;
    found->flags = flags_of(pde, entry | wanted);
    if (w->globals && entry & PTE_GLOBAL)
        found->flags |= TLB_GLOBAL;
    found->frame = *large ? ((entry & 0xFFC00000u) | (la & 1u << HALF_SHIFT)) >> 12 : entry >> 12;
    return true;
}

struct levels {
    enum blame_mirror small, large, second;
    enum blame_array of_small, of_large, of_second;
    unsigned bucket;
};
static const struct levels of_data = {MIRROR_DTLB, MIRROR_LARGE, MIRROR_DTLB2, BLAME_DTLB,
                                      BLAME_DTLB_LARGE, BLAME_DTLB2, BUCKET_DTLB};
static const struct levels of_code = {MIRROR_ITLB, MIRROR_CODE_LARGE, MIRROR_ITLB2, BLAME_ITLB,
                                      BLAME_ITLB_LARGE, BLAME_ITLB2, BUCKET_ITLB};

static void t_miss(struct world *w, struct ref_miss m)
{
    m.who = (struct blame_who){.deed = DEED_COUNT};
    w->miss[w->misses++] = m;
}

/* The second level gives the page to the first, if it has it. */
static struct ref_entry *t_refill(struct world *w, const struct levels *l, laddr_t la)
{
    struct ref_entry *s = t_find(w, l->second, la >> 12);
    if (!s)
        return NULL;
    ref_touch(w, l->second, s);
    ref_miss(w, l->small, l->of_small, key_of(l->small, s), l->bucket);
    return t_fill(w, l->small, *s);
}

/* Where global pages have a name of their own, data's forgets the page under either first. */
static void t_fill_second(struct world *w, const struct levels *l, struct ref_entry new)
{
    struct ref_entry *old = t_find(w, l->second, new.tag & TAG_ADDRESS);
    if (!old || !w->filter.on || !w->globals || l != &of_data) {
        t_fill(w, l->second, new);
        return;
    }
    struct ref_entry was = *old;
    bool same = key_of(l->second, &was) == key_of(l->second, &new);
    if (!same)
        ref_remove(w, l->second, old, REPLACED, DEED_CODE);
    old->valid = false;
    if (same)
        *ref_victim(w, l->second, new.tag) = was;
    t_fill(w, l->second, new);
}

/* After a walk: nothing had the page, or what had it was clean. */
static struct ref_entry *t_translated(struct world *w, const struct levels *l, laddr_t la,
                                      bool large, bool updates, struct ref_entry found,
                                      bool resident)
{
    uint32_t unit = la >> (large ? HALF_SHIFT : 12);
    found.tag = tag_of(w, unit, found.flags & TLB_GLOBAL);
    found.name = name_of(w, unit, found.flags & TLB_GLOBAL);
    enum blame_mirror to = large ? l->large : l->small;
    enum blame_array array = large ? l->of_large : l->of_small;
    if (resident) {
        t_miss(w, (struct ref_miss){l->of_small, BLAME_DIRTY, l->bucket, updates, {0}, 0});
    } else {
        struct ref_miss *m = ref_miss(w, to, array, key_of(to, &found),
                                      large ? l->bucket : BUCKET_NONE);
        if (!large)
            m = ref_miss(w, l->second, l->of_second, key_of(l->second, &found), l->bucket);
        m->updates = updates;
    }
    struct ref_entry *e = t_fill(w, to, found);
    if (resident)
        referenced(w, to, key_of(to, e), true);
    if (!large)
        t_fill_second(w, l, found);
    return e;
}

/* Whether there is no fault. */
static bool t_translate(struct world *w, laddr_t la, bool write, bool user, bool code,
                        paddr_t *pa)
{
    const struct levels *l = code ? &of_code : &of_data;
    struct ref_entry *e = t_find(w, l->large, la >> HALF_SHIFT), found = {0};
    bool large = e != NULL, updates = false;
    e = e ? e : t_find(w, l->small, la >> 12);
    e = e ? e : t_refill(w, l, la);
    if (e && !permits(e->flags, write, user)) {
        t_drop(w, la, DEED_PAGE_FAULT);
        return false;
    }
    if (e && (!write || e->flags & TLB_DIRTY)) {
        ref_touch(w, large ? l->large : l->small, e);
    } else if (t_walk(w, la, write, user, &found, &large, &updates)) {
        e = t_translated(w, l, la, large, updates, found, e != NULL);
    } else {
        t_miss(w, (struct ref_miss){l->of_small, BLAME_FAULT, l->bucket, updates, {0}, 0});
        t_drop(w, la, DEED_PAGE_FAULT);
        return false;
    }
    *pa = e->frame << 12 | (la & (large ? (1u << HALF_SHIFT) - 1 : 0xFFF));
    return true;
}

/* --- one operation, first on the reference, then on the unit ---------------------------------- */

static void expect(struct world *w, laddr_t la, bool good, bool done)
{
    if (!done)
        put_note(w, NOTE_PAGE_FAULT, w->m.fault_la);
    if (done != good)
        verdict_fail(w->verdict, "%08x: the unit %s, the reference does not", la,
                     done ? "finds a page" : "faults");
}

static void do_data(struct world *w, laddr_t la, enum access_kind kind, bool user, uint64_t value)
{
    paddr_t pa = 0;
    bool good = t_translate(w, la, kind != ACCESS_READ, user, false, &pa);
    if (good && kind == ACCESS_WRITE && pa >> 12 < ARRAY_COUNT(w->filter.table))
        w->filter.written |= w->filter.table[pa >> 12];
    expect(w, la, good, mmu_access(&w->m, la, 4, kind, user, 0, &value) == MMU_OK);
}

static void do_fetch(struct world *w, laddr_t la, bool user)
{
    paddr_t pa = 0, real = 0;
    mmu_set_user(&w->m, user);
    bool good = t_translate(w, la, false, user, true, &pa);
    bool done = mmu_fetch_slow(&w->m, la, &real) == MMU_OK;
    if (done)
        mmu_fetch_line(&w->m, la, real);
    expect(w, la, good, done);
    if (good && done && pa != real)
        verdict_fail(w->verdict, "%08x: the unit has %08x, the reference %08x", la, real, pa);
}

static void do_cr3(struct world *w)
{
    uint32_t cr3 = DIRECTORIES + 4096 * random_below(w->random, 2);
    t_load_cr3(w, cr3);
    mmu_set_cr3(&w->m, cr3);
    put_note(w, NOTE_CR3_LOAD, cr3);
}

static void do_invalidate(struct world *w, laddr_t la)
{
    t_drop(w, la, DEED_INVLPG);
    mmu_invalidate_page(&w->m, la);
    put_note(w, NOTE_TLB_DROP, la);
}

/* --- what is mapped where --------------------------------------------------------------------- */

/* Every third page is global wherever it is mapped. */
static uint32_t random_entry(struct world *w, unsigned page)
{
    struct random *r = w->random;
    uint32_t frame = FRAMES + 4096 * random_below(r, FRAME_COUNT);
    return frame | (random_chance(r, 92) ? PTE_PRESENT : 0u) |
           (random_chance(r, 85) ? PTE_WRITE : 0u) | (random_chance(r, 85) ? PTE_USER : 0u) |
           (page % 3 == 0 ? PTE_GLOBAL : 0u);
}

/* A store into a table through the large page, which maps all memory. */
static void do_table(struct world *w)
{
    unsigned p = random_below(w->random, PAGES_TWO), region = random_below(w->random, 2);
    paddr_t at = entry_at(region, random_below(w->random, 2), p);
    do_data(w, LARGE_LA + at, ACCESS_WRITE, false, random_entry(w, p));
}

/* Regions 0 and 1 alone depend on the directory; the large page is everybody's. */
static laddr_t random_address(struct world *w)
{
    struct random *r = w->random;
    uint32_t pages = random_chance(r, 60) ? 10 : PAGES_TWO;
    if (random_chance(r, 12))
        return LARGE_LA + FRAMES + 4096 * random_below(r, FRAME_COUNT);
    return random_below(r, 2) << 22 | random_below(r, pages) << 12 | LINE * random_below(r, 128);
}

/* --- an instruction --------------------------------------------------------------------------- */

static void operate(struct world *w, bool alone)
{
    (void)alone;
    struct random *r = w->random;
    laddr_t la = random_address(w);
    bool user = random_chance(r, 60);
    unsigned what = random_below(r, 100);
    if (what < 30)
        do_data(w, la, ACCESS_READ, user, 0);
    else if (what < 55)
        do_data(w, la, ACCESS_WRITE, user, random_next(r));
    else if (what < 86)
        do_fetch(w, la, user);
    else if (what < 92)
        do_cr3(w);
    else if (what < 96)
        do_invalidate(w, la);
    else
        do_table(w);
}

/* --- a world ---------------------------------------------------------------------------------- */

static struct mmu_geometry random_geometry(struct random *r)
{
    return (struct mmu_geometry){
        .itlb = {one_of(r, 4, 8), 4}, .dtlb = {8, one_of(r, 4, 8)},
        .itlb_large = {2, 2}, .dtlb_large = {2, 2},
        .itlb2 = {16, 4}, .dtlb2 = {one_of(r, 8, 16), 4},
        .directory_entries = random_chance(r, 50) ? 4 : 0,
        .l1i = {512, 2, LINE}, .l1d = {512, 2, LINE}, .l2 = {2048, 4, LINE},
        .dram = {.row_bytes = 4096, .banks = 4},
        .l2_exclusive = true, .access_bytes = 8, .physical_bits = 40, .flush_filter = 1,
    };
}

static struct world *world_new(struct random *r, struct verdict *v)
{
    struct mmu_geometry g = random_geometry(r);
    struct world *w = ref_world(&g, r, v);
    w->tlbs_only = true;
    map_all(w, PAGES_TWO, random_entry);
    w->directory = DIRECTORIES;
    w->filter = (struct ref_filter){.on = random_chance(r, 60), .cr3 = {DIRECTORIES}, .spaces = 1};
    w->globals = random_chance(r, 60);
    mmu_set_cr3(&w->m, w->directory);
    mmu_set_flush_filter(&w->m, w->filter.on);
    mmu_set_extensions(&w->m, false, w->globals, false);
    mmu_set_control(&w->m, true, false, false, true);
    w->cpu.log.count = 0;
    ref_start(w, MIRROR_ITLB, MIRRORS - 1);
    return w;
}

int main(int argc, char **argv)
{
    static const struct reference test = {.seeds = 20, .instructions = 3000, .operations = 1,
                                          .world = world_new, .operate = operate};
    return brute_force(argc, argv, &test);
}
