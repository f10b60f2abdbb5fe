/* blame_reference: a memory unit's caches and TLBs once more, for the tests of blame: it never sees
 * the access log, reads the page tables itself, writes down every reference and every removal, and
 * finds what made a miss one by going back through all of it. What all processors' have is here;
 * the rules by which arrays are looked up and filled are each test's own. */
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

/* --- page tables ------------------------------------------------------------------------------ */

static inline uint32_t peek(const struct world *w, paddr_t pa)
{
    uint32_t v;
    memcpy(&v, w->phys.ram + pa, 4);
    return v;
}

static inline void poke(struct world *w, paddr_t pa, uint32_t v)
{
    memcpy(w->phys.ram + pa, &v, 4);
}

static inline unsigned attributes_of(uint32_t entry)
{
    return (entry & PTE_UNCACHED ? TLB_UNCACHED : 0u) | (entry & PTE_THROUGH ? TLB_THROUGH : 0u);
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

static inline paddr_t entry_at(unsigned region, unsigned directory, unsigned page)
{
    return TABLES + 4096 * (region == 0 ? 0 : 1 + directory) + 4 * page;
}

/* So many pages of both regions for both directories, and a large one that maps all memory. */
static inline void map_all(struct world *w, unsigned pages,
                           uint32_t (*random_entry)(struct world *w, unsigned page))
{
    for (unsigned d = 0; d < 2; d++) {
        for (unsigned region = 0; region < 2; region++) {
            poke(w, DIRECTORIES + 4096 * d + 4 * region,
                 entry_at(region, d, 0) | PTE_PRESENT | PTE_WRITE | PTE_USER);
            for (unsigned p = 0; p < pages; p++)
                poke(w, entry_at(region, d, p), random_entry(w, p));
        }
        poke(w, DIRECTORIES + 4096 * d + 4 * (LARGE_LA >> 22),
             PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE);
    }
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

/* Blame begins to look, and the reference has empty arrays of the unit's shapes. */
static inline void ref_start(struct world *w, enum blame_mirror first, enum blame_mirror last)
{
    blame_start(&w->blame, NULL, &w->watch, &w->cpu);
    for (unsigned i = first; i <= (unsigned)last; i++) {
        enum blame_mirror m = (enum blame_mirror)i;
        bool cache = m < MIRROR_ITLB;
        w->array[i].sets = cache ? blame_cache(&w->blame, m)->sets : blame_tlb(&w->blame, m)->sets;
        w->array[i].ways = cache ? blame_cache(&w->blame, m)->ways : blame_tlb(&w->blame, m)->ways;
    }
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

/* --- a test ----------------------------------------------------------------------------------- */

struct reference {
    uint64_t seeds, instructions; /* that are tried where nobody asks for other numbers */
    unsigned operations;          /* at most, of an instruction */
    struct world *(*world)(struct random *r, struct verdict *v);
    /* alone: the instruction has no other operation. */
    void (*operate)(struct world *w, bool alone);
    void (*charge_late)(struct world *w); /* NULL: what is charged was missed by this instruction */
};

static inline void put_note(struct world *w, enum note n, uint32_t value)
{
    access_log_put(&w->m, value, 0, ACCESS_NOTE, n, 0, 0);
}

/* Somebody's, at one of a few places. */
static inline void ref_instruction(struct world *w, const struct reference *t)
{
    struct random *r = w->random;
    unsigned operations = 1;
    if (t->operations > 1 && !random_chance(r, 75))
        operations = 1 + random_below(r, t->operations);
    ledger_select(&w->ledger, random_chance(r, 50) ? PATH_USER : PATH_VECTOR + random_below(r, 3),
                  2 + random_below(r, 5));
    w->now = (struct blame_who){.path = w->ledger.path, .place = w->ledger.place,
                                .deed = DEED_CODE};
    w->op.eip = 16 * random_below(r, 8);
    w->misses = w->blame.misses = 0;
    for (unsigned i = 0; i < operations; i++)
        t->operate(w, operations == 1);
    charge(w);
    if (t->charge_late)
        t->charge_late(w);
    w->cpu.on_priced(w->cpu.priced_owner, &w->cpu, &w->op, false);
    w->cpu.log.count = 0;
    compare(w);
    compare_arrays(w);
}

/* Returns how many misses were compared. */
static inline uint64_t ref_run(const struct reference *t, uint64_t instructions, struct random *r,
                               struct verdict *v)
{
    struct world *w = t->world(r, v);
    for (v->operation = 0; v->operation < instructions && !v->failed; v->operation++)
        ref_instruction(w, t);
    if (!v->failed)
        blame_verify(&w->blame); /* its own sums, and the ledger's */
    if (!v->failed && w->blame.adopted)
        verdict_fail(v, "%u entries were learnt from the TLBs", (unsigned)w->blame.adopted);
    uint64_t checked = w->checked;
    world_free(w);
    return checked;
}

/* The main of a test; --seed, --seeds and --operations say which runs, and how long. */
static int brute_force(int argc, char **argv, const struct reference *t)
{
    uint64_t first = 1, seeds = t->seeds, instructions = t->instructions, failed = 0, checked = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = twin_number(argv[0], argv[i], argv[i + 1]);
        *(!strcmp(argv[i], "--seed") ? &first : !strcmp(argv[i], "--seeds") ? &seeds
                                                                            : &instructions) = n;
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct random r = {seed};
        struct verdict v = {0};
        checked += ref_run(t, instructions, &r, &v);
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
