/* shadow_equals_caches: a shadow of which nothing is ideal gives back the log that it was shown,
 * and comes to the same tags, states and replacement. Random accesses, fetches, locked cycles and
 * faults over pages of every cacheability, with CR0.CD going on and off, INVD and WBINVD; every
 * other seed with exclusive caches, which prefetch, write pages of every type, and know CLFLUSH.
 *
 * And a fully associative cache is what a list of lines is, the one used last first. */
#include "cpu/note.h"
#include "cpu/rows.h"
#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/paging.h"
#include "sim/report/shadow.h"
#include "tests/property/twin_run.h"

#define RAM_BYTES (4u << 20)
#define TABLES 0x1000u /* a directory, and one table for every region */
#define DEVICE_PAGE 0xA0u
#define ROM_PAGE 0xF0u
#define FULL_LINES 64

struct subject {
    struct mmu m;
    struct bus bus;
    struct phys phys;
    struct cpu *cpu;
    struct shadow shadow;
    struct access_log log;
    struct op op;
    const struct row *nop, *invd, *wbinvd;
    bool exclusive;
    struct random random;
    struct verdict verdict;
};

static uint32_t device_read(void *owner, uint32_t address, unsigned size)
{
    (void)owner, (void)size;
    return address;
}

static void device_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    (void)owner, (void)address, (void)size, (void)value;
}

static const struct row *row_named(const char *name)
{
    for (unsigned f = 0; families[f]; f++)
        for (unsigned i = 0; i < families[f]->count; i++)
            if (strcmp(families[f]->rows[i].name, name) == 0)
                return &families[f]->rows[i];
    return NULL;
}

static uint32_t random_pte(struct random *r)
{
    uint32_t page = 16 + random_below(r, 140);
    if (random_chance(r, 6))
        page = random_chance(r, 50) ? DEVICE_PAGE : ROM_PAGE;
    return page << 12 | PTE_PRESENT | PTE_USER |
           ((uint32_t)random_next(r) & (PTE_ACCESSED | PTE_DIRTY)) |
           (random_chance(r, 90) ? PTE_WRITE : 0u) | (random_chance(r, 12) ? PTE_UNCACHED : 0u) |
           (random_chance(r, 12) ? PTE_THROUGH : 0u);
}

static struct mmu_geometry exclusive_geometry(uint64_t seed)
{
    return (struct mmu_geometry){
        .itlb = {32, 32}, .dtlb = {32, 32}, .itlb_large = {8, 8}, .dtlb_large = {8, 8},
        .itlb2 = {64, 4}, .dtlb2 = {64, 4}, .directory_entries = 4,
        .l1i = {2048, 2, 64}, .l1d = {4096, 2, 64}, .l2 = {32768, seed & 2 ? 16 : 32, 64},
        .l2_exclusive = true, .l2_prefetch = true, .access_bytes = 8, .physical_bits = 40,
        .dram = {4096, 4},
    };
}

static void subject_init(struct subject *s, uint64_t seed)
{
    static const struct memory_types types = {
        .present = true, .on = true, .otherwise = TYPE_WB,
        .pat = {TYPE_WB, TYPE_WT, TYPE_WC, TYPE_WP},
    };
    struct mmu_geometry p5 = {.itlb = {32, 4}, .dtlb = {64, 4}, .dtlb_large = {8, 4},
                             .l1i = {2048, 2, 32}, .l1d = {4096, seed % 3 ? 2 : 4, 32},
                             .l2 = {seed % 4 ? 32768 : 0, 1, 32}, .dram = {4096, 4},
                             .large_pages_split_in_itlb = true};
    struct mmu_geometry g = seed % 2 ? exclusive_geometry(seed) : p5;
    s->random = (struct random){seed};
    s->cpu = calloc(1, sizeof *s->cpu);
    s->cpu->mmu = &s->m;
    bus_init(&s->bus);
    bus_map_memory(&s->bus, (struct bus_range){DEVICE_PAGE << 12, (DEVICE_PAGE << 12) + 0xFFF, 4,
                                               device_read, device_write, s, "device"});
    s->phys = (struct phys){calloc(1, RAM_BYTES), RAM_BYTES, calloc(1, RAM_BYTES / 4096), &s->bus};
    s->phys.page_flags[DEVICE_PAGE] = PAGE_DEVICE;
    s->phys.page_flags[ROM_PAGE] = PAGE_ROM;
    mmu_init(&s->m, &g, &s->phys, true);
    s->m.log = &s->cpu->log;
    for (uint32_t i = 0; i < 1024; i++) {
        uint32_t pde = (TABLES + 0x1000) | PTE_PRESENT | PTE_WRITE | PTE_USER |
                       (i % 5 == 0 ? PTE_UNCACHED : 0u);
        uint32_t pte = random_pte(&s->random);
        phys_write(&s->phys, TABLES + i * 4, &pde, 4);
        phys_write(&s->phys, TABLES + 0x1000 + i * 4, &pte, 4);
    }
    s->exclusive = seed % 2;
    if (s->exclusive)
        mmu_set_types(&s->m, &types);
    mmu_set_cr3(&s->m, TABLES);
    mmu_set_control(&s->m, true, true, false, false);
    s->nop = row_named("NOP");
    s->invd = row_named("INVD");
    s->wbinvd = row_named("WBINVD");
}

static void subject_free(struct subject *s)
{
    shadow_free(&s->shadow);
    mmu_free(&s->m);
    free(s->phys.ram);
    free(s->phys.page_flags);
    free(s->cpu);
}

/* --- one instruction -------------------------------------------------------------------------- */

static laddr_t random_la(struct random *r)
{
    return random_below(r, 12) << 22 | random_below(r, 40) << 12 |
           (random_chance(r, 90) ? random_below(r, 16) * 32 + random_below(r, 32)
                                 : random_below(r, 4096));
}

static void access_once(struct subject *s)
{
    struct random *r = &s->random;
    static const enum access_kind kinds[] = {ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_RMW};
    enum access_kind kind = kinds[random_below(r, 4)];
    unsigned size = 1u << random_below(r, 4);
    uint64_t value = 0;
    s->m.locked = random_chance(r, 5);
    if (mmu_access(&s->m, random_la(r), size, kind, false, 0, &value) == MMU_OK &&
        kind == ACCESS_RMW)
        mmu_rmw_commit(&s->m, size, value);
    s->m.locked = false;
}

static void fetch_once(struct subject *s)
{
    laddr_t la = random_la(&s->random);
    paddr_t pa;
    if (mmu_fetch_slow(&s->m, la, &pa) == MMU_OK)
        mmu_fetch_line(&s->m, la, pa);
}

static void execute(struct subject *s)
{
    struct random *r = &s->random;
    s->cpu->log.count = 0;
    s->op.row = s->nop;
    if (random_chance(r, 40))
        fetch_once(s);
    for (unsigned n = random_below(r, 4); n; n--)
        access_once(s);
    if (random_chance(r, 5))
        mmu_prefetch(&s->m, random_la(r), (enum mmu_prefetch)random_below(r, 3), false);
    if (s->exclusive && random_chance(r, 2)) {
        laddr_t la = random_la(r);
        mmu_flush_line(&s->m, la);
        access_log_put(&s->m, la, 0, ACCESS_NOTE, NOTE_LINE_FLUSH, 0, 0);
    }
    if (random_chance(r, 1)) {
        s->op.row = random_chance(r, 50) ? s->invd : s->wbinvd;
        mmu_invalidate_caches(&s->m, s->op.row == s->wbinvd);
        if (s->exclusive) /* where the note comes before what the shadow does */
            access_log_put(&s->m, s->op.row == s->wbinvd, 0, ACCESS_NOTE, NOTE_CACHE_FLUSH, 0, 0);
    } else if (random_chance(r, 1)) {
        mmu_set_control(&s->m, true, true, random_chance(r, 40), false);
    }
}

/* --- comparing -------------------------------------------------------------------------------- */

/* Bits that only tell shadows what they must know are not given back. */
static unsigned flags_shown(const struct access *a)
{
    unsigned hints = a->kind == ACCESS_NOTE    ? 0
                     : a->kind == ACCESS_WRITE ? ACCESS_TAKES_LINE
                                               : ACCESS_UNCACHED | ACCESS_THROUGH;
    return a->flags & ~hints;
}

static void compare_logs(struct subject *s)
{
    const struct access_log *real = &s->cpu->log, *mine = &s->log;
    verdict_expect(&s->verdict, "entries", mine->count, real->count);
    for (uint32_t i = 0; i < real->count && !s->verdict.failed; i++) {
        const struct access *a = &mine->list[i], *b = &real->list[i];
        if (a->la != b->la || a->pa != b->pa || a->kind != b->kind || a->level != b->level ||
            a->size != b->size || flags_shown(a) != flags_shown(b))
            verdict_fail(&s->verdict, "entry %u: pa %x kind %u level %u flags %x, shown was pa %x "
                                      "kind %u level %u flags %x", i, a->pa, a->kind, a->level,
                         a->flags, b->pa, b->kind, b->level, b->flags);
    }
}

static void compare_cache(struct verdict *v, const char *name, const struct cache *mine,
                          const struct cache *real)
{
    size_t lines = (size_t)real->sets * real->ways;
    if (real->sets && (memcmp(mine->tag, real->tag, lines * sizeof *real->tag) != 0 ||
                       memcmp(mine->state, real->state, lines) != 0 ||
                       memcmp(mine->lru, real->lru, cache_lru_bytes(real)) != 0))
        verdict_fail(v, "%s: another content", name);
}

/* --- fully associative ------------------------------------------------------------------------ */

/* The naive one: tags, the one used last first. */
struct list {
    uint32_t tag[FULL_LINES];
    unsigned count;
};

static bool list_take(struct list *l, uint32_t tag)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->tag[i] == tag) {
            memmove(&l->tag[i], &l->tag[i + 1], (--l->count - i) * sizeof *l->tag);
            return true;
        }
    return false;
}

static void list_put(struct list *l, uint32_t tag)
{
    l->count -= l->count == FULL_LINES;
    memmove(&l->tag[1], &l->tag[0], l->count++ * sizeof *l->tag);
    l->tag[0] = tag;
}

static void full_step(struct cache *c, struct list *l, struct random *r, struct verdict *v)
{
    paddr_t pa = random_below(r, random_chance(r, 50) ? FULL_LINES / 2 : FULL_LINES * 2) * 32;
    int index = cache_find(c, pa);
    bool held = list_take(l, pa >> 5);
    verdict_expect(v, "a line is held", index >= 0, held);
    if (random_chance(r, 10)) {
        if (index >= 0)
            cache_drop(c, (uint32_t)index);
        return;
    }
    if (index >= 0)
        cache_touch(c, (uint32_t)index);
    else
        cache_fill(c, cache_victim(c, pa), pa, LINE_EXCLUSIVE);
    list_put(l, pa >> 5);
    if (random_below(r, 2000) == 0) {
        cache_clear(c);
        l->count = 0;
    }
}

static void full_run(struct subject *s, uint64_t operations)
{
    struct cache c;
    struct list l = {.count = 0};
    cache_init(&c, (struct cache_geometry){FULL_LINES * 32, FULL_LINES, 32});
    for (uint64_t i = 0; i < operations && !s->verdict.failed; i++)
        full_step(&c, &l, &s->random, &s->verdict);
    cache_free(&c);
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct subject *s = calloc(1, sizeof *s);
    subject_init(s, seed);
    for (unsigned i = 0; i < 2000; i++)
        execute(s);
    shadow_init(&s->shadow, s->cpu, 0, &s->log);
    for (uint64_t i = 0; i < operations && !s->verdict.failed; i++) {
        s->verdict.operation = i;
        execute(s);
        shadow_meet(&s->shadow, s->cpu, &s->op, s->cpu->log.list,
                    s->cpu->log.list + s->cpu->log.count, false);
        compare_logs(s);
    }
    compare_cache(&s->verdict, "l1i", &s->shadow.mmu.l1i, &s->m.l1i);
    compare_cache(&s->verdict, "l1d", &s->shadow.mmu.l1d, &s->m.l1d);
    compare_cache(&s->verdict, "l2", &s->shadow.mmu.l2, &s->m.l2);
    full_run(s, operations);
    struct verdict v = s->verdict;
    subject_free(s);
    free(s);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "shadow_equals_caches", run); }
