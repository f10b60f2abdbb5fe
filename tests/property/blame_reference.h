/* blame_reference: a memory unit's caches and TLBs once more, for the test of blame: it never sees
 * the access log, reads the page tables itself, writes down every reference and every removal, and
 * finds what made a miss one by going back through all of it. */
#pragma once

#include "cpu/model.h"
#include "mmu/access.h"
#include "mmu/paging.h"
#include "mmu/plru.h"
#include "sim/report/blame.h"
#include "tests/property/twin_run.h"

#define RAM_BYTES (4u << 20)
#define DIRECTORIES 0x1000u /* two of them */
#define TABLES 0x3000u      /* region 0's, shared; then region 1's of each directory */
#define FRAMES 0x10000u     /* where pages lie, tables below */
#define FRAME_COUNT 24
#define LARGE_LA 0x00800000u
#define DEVICE_PAGE 0xA0u
#define PAGES 12
#define LINE 32
#define MISSES_MAX 64
#define WAYS_MAX 8

/* --- the reference ---------------------------------------------------------------------------- */

/* Kept: brought in, or used there. Taken: out of the second level, to the first. */
enum { IS_KEPT, IS_PASSED, IS_REMOVED, IS_TAKEN };

struct happening {
    uint64_t key;
    uint8_t what;
    enum removal how;
    struct blame_who who;
};

struct ref_entry {
    bool valid, dirty, through, split, passing;
    uint32_t tag, frame;
    uint32_t name; /* of a TLB entry: its tag, told apart by directory and not by number of space */
    uint8_t flags; /* of a TLB entry */
};

struct ref_array {
    uint32_t sets, ways;
    struct ref_entry entry[64][WAYS_MAX];
    uint8_t plru[64];
    struct happening *history;
    size_t count, room;
};

struct ref_miss {
    enum blame_array array;
    enum blame_kind kind;
    unsigned bucket;
    bool updates;
    struct blame_who who;
    uint64_t cycles;
};

/* A flush filter: the directories that have a number, the pages of tables that were read. */
struct ref_filter {
    bool on, written;
    uint32_t cr3[2], spaces;
    bool table[16]; /* by physical page number */
};

struct world {
    struct cpu cpu;
    struct mmu m;
    struct bus bus;
    struct phys phys;
    struct clock clock;
    struct ledger ledger;
    struct model model;
    struct op op;
    struct watch watch;
    struct blame blame;
    struct ref_array array[MIRRORS];
    struct ref_miss miss[MISSES_MAX];
    unsigned misses;
    struct blame_who now; /* who runs */
    struct random *random;
    struct verdict *verdict;
    uint32_t directory;
    bool caches_off;
    bool tlbs_only; /* what the reference has */
    struct ref_filter filter;
    bool globals; /* there are global pages */
    uint32_t last_miss; /* exclusive caches: the line of the last data miss */
    uint64_t checked;
};

static inline uint64_t key_of(enum blame_mirror i, const struct ref_entry *e)
{
    return i < MIRROR_ITLB ? e->tag : (uint64_t)e->name << 32 | e->frame;
}

static inline void write_down(struct world *w, enum blame_mirror i, struct happening e)
{
    struct ref_array *a = &w->array[i];
    if (a->count == a->room) {
        a->room = a->room * 2 + 256;
        a->history = realloc(a->history, a->room * sizeof *a->history);
    }
    a->history[a->count++] = e;
}

static inline void referenced(struct world *w, enum blame_mirror i, uint64_t key, bool kept)
{
    write_down(w, i, (struct happening){.key = key, .what = kept ? IS_KEPT : IS_PASSED});
}

/* A list of what a fully associative array holds, most recent first, from the first event on. */
static inline bool associative_holds(const struct ref_array *a, uint64_t key)
{
    uint64_t list[256];
    unsigned size = a->sets * a->ways, held = 0;
    if (size > ARRAY_COUNT(list))
        abort();
    for (size_t e = 0; e < a->count; e++) {
        unsigned at = 0;
        if (a->history[e].what == IS_REMOVED)
            continue;
        while (at < held && list[at] != a->history[e].key)
            at++;
        if (at == held && a->history[e].what != IS_KEPT)
            continue;
        if (a->history[e].what == IS_TAKEN) {
            memmove(&list[at], &list[at + 1], (--held - at) * sizeof *list);
            continue;
        }
        if (at == held)
            held += held < size;
        for (unsigned k = at < size ? at : size - 1; k > 0; k--)
            list[k] = list[k - 1];
        list[0] = a->history[e].key;
    }
    for (unsigned k = 0; k < held; k++)
        if (list[k] == key)
            return true;
    return false;
}

static inline enum blame_kind why(const struct ref_array *a, uint64_t key, struct blame_who *who)
{
    bool seen = false;
    *who = (struct blame_who){.deed = DEED_COUNT};
    for (size_t e = a->count; e > 0; e--) {
        const struct happening *v = &a->history[e - 1];
        if (v->key != key)
            continue;
        seen = true;
        if (v->what != IS_REMOVED)
            continue;
        *who = v->who;
        if (v->how == FLUSHED)
            return BLAME_FLUSH;
        if (v->how == GIVEN_UP)
            return BLAME_COHERENCE;
        return associative_holds(a, key) ? BLAME_CONFLICT : BLAME_CAPACITY;
    }
    return seen ? BLAME_UNHELD : BLAME_COMPULSORY;
}

static inline struct ref_entry *ref_find(struct world *w, enum blame_mirror i, uint32_t tag)
{
    struct ref_array *a = &w->array[i];
    for (unsigned way = 0; a->sets && way < a->ways; way++) {
        struct ref_entry *e = &a->entry[tag & (a->sets - 1)][way];
        if (e->valid && e->tag == tag)
            return e;
    }
    return NULL;
}

static inline void ref_touch(struct world *w, enum blame_mirror i, struct ref_entry *e)
{
    struct ref_array *a = &w->array[i];
    uint32_t set = e->tag & (a->sets - 1);
    plru_touch(&a->plru[set], a->ways, (uint32_t)(e - a->entry[set]));
    referenced(w, i, key_of(i, e), true);
}

static inline void ref_remove(struct world *w, enum blame_mirror i, struct ref_entry *e,
                              enum removal how, enum blame_deed deed)
{
    struct blame_who who = w->now;
    who.deed = deed;
    if (deed != DEED_CODE)
        who.la = w->op.eip;
    write_down(w, i, (struct happening){key_of(i, e), IS_REMOVED, how, who});
    e->valid = false;
}

/* The entry that a fill takes, still holding what it displaces. */
static inline struct ref_entry *ref_victim(struct world *w, enum blame_mirror i, uint32_t tag)
{
    struct ref_array *a = &w->array[i];
    uint32_t set = tag & (a->sets - 1);
    for (unsigned way = 0; way < a->ways; way++)
        if (!a->entry[set][way].valid)
            return &a->entry[set][way];
    return &a->entry[set][plru_victim(a->plru[set], a->ways)];
}

static inline void ref_fill(struct world *w, enum blame_mirror i, struct ref_entry *at,
                            struct ref_entry new)
{
    if (at->valid)
        ref_remove(w, i, at, REPLACED, DEED_CODE);
    new.valid = true;
    *at = new;
    ref_touch(w, i, at);
}

static inline struct ref_miss *ref_miss(struct world *w, enum blame_mirror i,
                                        enum blame_array array, uint64_t key, unsigned bucket)
{
    struct ref_miss *m = &w->miss[w->misses++];
    *m = (struct ref_miss){.array = array, .bucket = bucket};
    m->kind = why(&w->array[i], key, &m->who);
    return m;
}

/* --- the reference's caches ------------------------------------------------------------------- */

static inline bool ref_bus(struct world *w, paddr_t pa, bool keeps, int array, unsigned bucket)
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

static inline void ref_give_up(struct world *w, enum blame_mirror i, paddr_t pa)
{
    struct ref_entry *e = ref_find(w, i, pa / LINE);
    if (!e)
        return;
    if (e->dirty)
        ref_bus(w, pa, false, -1, BUCKET_NONE);
    ref_remove(w, i, e, GIVEN_UP, DEED_CODE);
}

/* A read or a fetch: i misses or hits. */
static inline void ref_read(struct world *w, enum blame_mirror i, paddr_t pa, unsigned attributes)
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

static inline void ref_write(struct world *w, paddr_t pa, unsigned attributes)
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

static inline void ref_locked(struct world *w, paddr_t pa, bool write)
{
    ref_give_up(w, MIRROR_L1D, pa);
    ref_give_up(w, MIRROR_L1I, pa);
    ref_bus(w, pa, false, write ? BLAME_L2_WRITE : BLAME_L2, BUCKET_NONE);
}

/* --- the reference's translation -------------------------------------------------------------- */

static inline uint32_t peek(const struct world *w, paddr_t pa)
{
    uint32_t v;
    memcpy(&v, w->phys.ram + pa, 4);
    return v;
}

static inline unsigned attributes_of(uint32_t entry)
{
    return (entry & PTE_UNCACHED ? TLB_UNCACHED : 0u) | (entry & PTE_THROUGH ? TLB_THROUGH : 0u);
}

static inline void ref_walk_read(struct world *w, paddr_t pa, unsigned attributes)
{
    struct ref_entry *e = ref_find(w, MIRROR_L1D, pa / LINE);
    if (e)
        ref_touch(w, MIRROR_L1D, e);
    else
        ref_bus(w, pa, !(attributes & TLB_UNCACHED) && !w->caches_off, BLAME_L2, BUCKET_NONE);
}

static inline void ref_update(struct world *w, paddr_t pa, bool *updates)
{
    ref_locked(w, pa, false);
    ref_bus(w, pa, false, -1, BUCKET_NONE);
    *updates = true;
}

static inline bool permits(unsigned flags, bool write, bool user)
{
    return !user || ((flags & TLB_USER) && (!write || (flags & TLB_WRITE)));
}

static inline uint8_t flags_of(uint32_t pde, uint32_t entry)
{
    return (uint8_t)((pde & entry & PTE_USER ? TLB_USER : 0u) |
                     (pde & entry & PTE_WRITE ? TLB_WRITE : 0u) |
                     (entry & PTE_DIRTY ? TLB_DIRTY : 0u) | attributes_of(entry));
}

/* False: a page fault. */
static inline bool ref_walk(struct world *w, laddr_t la, bool write, bool user,
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

static inline void ref_drop_page(struct world *w, laddr_t la, enum blame_deed deed)
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

static inline bool ref_fault(struct world *w, laddr_t la)
{
    ref_drop_page(w, la, DEED_PAGE_FAULT);
    return false;
}

/* The entry for la in the TLB that it is in. */
static inline struct ref_entry *ref_entry_of(struct world *w, laddr_t la, bool code,
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
static inline void ref_translated(struct world *w, laddr_t la, bool code, bool large, bool updates,
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
static inline bool ref_translate(struct world *w, laddr_t la, bool write, bool user, bool code,
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

/* --- charging and comparing ------------------------------------------------------------------- */

static inline bool ref_shares(const struct ref_miss *m, unsigned bucket)
{
    return bucket == BUCKET_UPDATE ? m->updates : m->bucket == bucket;
}

/* Charges any number of cycles for each class that missed, as a model would, and gives each miss
 * its part, one cycle at a time. */
static inline void charge(struct world *w)
{
    static const enum cause causes[BUCKETS] = {
        [BUCKET_DATA_L2] = CAUSE_DATA_L2,   [BUCKET_DATA_DRAM] = CAUSE_DATA_DRAM,
        [BUCKET_FETCH_L2] = CAUSE_FETCH_L2, [BUCKET_FETCH_DRAM] = CAUSE_FETCH_DRAM,
        [BUCKET_ITLB] = CAUSE_ITLB,         [BUCKET_DTLB] = CAUSE_DTLB,
        [BUCKET_UPDATE] = CAUSE_TLB_UPDATE,
    };
    ledger_charge(&w->ledger, CAUSE_ISSUE, 1, QUALITY_READ);
    for (unsigned b = BUCKET_NONE + 1; b < BUCKETS; b++) {
        bool any = false;
        for (unsigned i = 0; i < w->misses; i++)
            any |= ref_shares(&w->miss[i], b);
        uint32_t cycles = any ? random_below(w->random, 40) : 0;
        if (cycles)
            ledger_charge(&w->ledger, causes[b], cycles, QUALITY_READ);
        for (unsigned i = 0; cycles; i = (i + 1) % w->misses)
            if (ref_shares(&w->miss[i], b)) {
                w->miss[i].cycles++;
                cycles--;
            }
    }
}

static inline bool same_who(const struct blame_who *a, const struct blame_who *b)
{
    return a->deed == b->deed && a->path == b->path && a->place == b->place && a->la == b->la;
}

static inline bool is_compared(const struct world *w, enum blame_array a)
{
    return !w->tlbs_only || a == BLAME_ITLB || a == BLAME_DTLB || a == BLAME_DTLB_LARGE ||
           a == BLAME_ITLB_LARGE || a == BLAME_ITLB2 || a == BLAME_DTLB2;
}

/* In the order of the reference, each of its misses must be one of blame's. */
static inline void compare(struct world *w)
{
    const struct blame *b = &w->blame;
    bool used[MISSES_MAX] = {false};
    unsigned misses = 0;
    for (unsigned k = 0; k < b->misses; k++) {
        used[k] = !is_compared(w, (enum blame_array)b->miss[k].array);
        misses += !used[k];
    }
    if (misses != w->misses)
        verdict_fail(w->verdict, "blame has %u misses, the reference %u", misses, w->misses);
    for (unsigned i = 0; i < w->misses; i++) {
        const struct ref_miss *m = &w->miss[i];
        unsigned k = 0;
        for (; k < b->misses; k++) {
            const struct blame_miss *n = &b->miss[k];
            if (!used[k] && n->array == m->array && n->kind == m->kind &&
                n->updates == m->updates && n->cycles == m->cycles &&
                same_who(&b->cells.who[n->caused], &m->who))
                break;
        }
        if (k == b->misses)
            verdict_fail(w->verdict, "%s: the reference has %s by %s of place %u, %u cycles; blame "
                         "has %s first", blame_array_names[m->array], blame_kind_names[m->kind],
                         m->who.deed == DEED_COUNT ? "nobody" : blame_deed_names[m->who.deed],
                         m->who.place, (unsigned)m->cycles,
                         b->misses ? blame_kind_names[b->miss[0].kind] : "nothing");
        else
            used[k] = true;
    }
    w->checked += w->misses;
}

static inline void compare_arrays(struct world *w)
{
    for (int i = 0; i < MIRRORS; i++)
        for (unsigned set = 0; set < w->array[i].sets; set++)
            for (unsigned way = 0; way < w->array[i].ways; way++) {
                const struct ref_entry *e = &w->array[i].entry[set][way];
                uint32_t at = set * w->array[i].ways + way;
                uint32_t expected = e->valid ? e->tag : UINT32_MAX;
                uint32_t tag = i < MIRROR_ITLB ? blame_cache(&w->blame, i)->tag[at]
                                               : blame_tlb(&w->blame, i)->entry[at].tag;
                if (tag != expected)
                    verdict_fail(w->verdict, "array %d set %u way %u: the unit has %x, the "
                                 "reference %x", i, set, way, tag, expected);
            }
}

/* --- a world ---------------------------------------------------------------------------------- */

static inline uint32_t one_of(struct random *r, uint32_t a, uint32_t b)
{
    return random_chance(r, 50) ? a : b;
}

static inline uint32_t device_read(void *owner, uint32_t address, unsigned size)
{
    (void)owner, (void)address, (void)size;
    return 0;
}

static inline void device_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    (void)owner, (void)address, (void)size, (void)value;
}

static inline void world_free(struct world *w)
{
    blame_free(&w->blame, &w->watch);
    ledger_free(&w->ledger);
    mmu_free(&w->m);
    for (int i = 0; i < MIRRORS; i++)
        free(w->array[i].history);
    free(w->phys.ram);
    free(w->phys.page_flags);
    free(w);
}

/* The main of a test with its run of one seed; --seed, --seeds and --operations change it. */
typedef void reference_run(uint64_t operations, struct random *r, struct verdict *v,
                           uint64_t *checked);

static int brute_force(int argc, char **argv, uint64_t seeds, uint64_t operations,
                       reference_run *run)
{
    uint64_t first = 1, failed = 0, checked = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = twin_number(argv[0], argv[i], argv[i + 1]);
        *(!strcmp(argv[i], "--seed") ? &first : !strcmp(argv[i], "--seeds") ? &seeds
                                                                            : &operations) = n;
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct random r = {seed};
        struct verdict v = {0};
        run(operations, &r, &v, &checked);
        failed += v.failed;
        if (v.failed)
            printf("seed %llu, instruction %llu: %s\nrepeat: %s --seed %llu --seeds 1\n",
                   (unsigned long long)seed, (unsigned long long)v.operation, v.message, argv[0],
                   (unsigned long long)seed);
    }
    printf("%llu misses compared; %llu passed, %llu failed\n", (unsigned long long)checked,
           (unsigned long long)(seeds - failed), (unsigned long long)failed);
    return failed > 0;
}

/* --- a world ---------------------------------------------------------------------------------- */

/* A memory unit and a ledger, paging off, and nothing that runs. */
static inline struct world *ref_world(const struct mmu_geometry *g, struct random *r,
                                      struct verdict *v)
{
    struct world *w = calloc(1, sizeof *w);
    w->random = r;
    w->verdict = v;
    clock_init(&w->clock);
    ledger_init(&w->ledger, &w->clock);
    bus_init(&w->bus);
    w->phys = (struct phys){calloc(1, RAM_BYTES), RAM_BYTES, calloc(1, RAM_BYTES / 4096), &w->bus};
    mmu_init(&w->m, g, &w->phys, true);
    w->m.log = &w->cpu.log;
    w->model.timed = true;
    w->cpu.mmu = &w->m;
    w->cpu.ledger = &w->ledger;
    w->cpu.clock = &w->clock;
    w->cpu.model = &w->model;
    return w;
}
