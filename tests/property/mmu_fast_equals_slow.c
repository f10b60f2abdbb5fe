/* mmu_fast_equals_slow: the fast path changes nothing.
 *
 * Three memory units get the same random accesses, privilege changes, CR3 loads, INVLPGs and writes
 * to page tables: one goes every access the slow way, one uses the fast path, and one uses it with
 * its fast entries thrown away, or the whole unit saved and loaded, at random moments. Values,
 * faults, access logs, calls to code_written and device accesses must agree at every step; memory
 * and the state hash at every 64th. */
#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/fast.h"
#include "mmu/paging.h"
#include "mmu/tlb.h"
#include "tests/property/twin_run.h"

#define RAM_BYTES (8u << 20)
#define TABLES 0x1000u /* two directories, then four tables that both share */
#define DEVICE_PAGE 0xA0u
#define ROM_PAGE 0xF0u
#define UNITS 3
#define HOT_COUNT 8

enum { SLOW, FAST, FORGETFUL };

struct unit {
    struct mmu m;
    struct bus bus;
    struct phys phys;
    struct access_log log;
    uint32_t device;
    uint64_t calls; /* a hash of all calls out */
    bool by_fast_path;
    uint64_t fast_hits;
};

struct pair {
    struct unit unit[UNITS];
    struct random random;
    struct verdict verdict;
    bool timed;
    bool later; /* the geometry of a later part, with global pages and memory types */
    laddr_t hot[HOT_COUNT]; /* where most accesses go, for a while */
};

/* --- the units --- */

static void told(struct unit *u, uint64_t what)
{
    u->calls = (u->calls ^ what) * 0x9E3779B97F4A7C15u;
}

static uint32_t device_read(void *owner, uint32_t address, unsigned size)
{
    struct unit *u = owner;
    told(u, (uint64_t)address << 8 | size);
    return u->device += 0x01010101;
}

static void device_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    struct unit *u = owner;
    told(u, (uint64_t)address << 8 | size | 128);
    u->device ^= value;
}

static void code_written(void *owner, paddr_t pa, unsigned size)
{
    struct unit *u = owner;
    told(u, (uint64_t)pa << 32 | (uint64_t)size << 8 | u->phys.ram[pa]);
}

static void unit_init(struct unit *u, const struct mmu_geometry *g, bool timed, bool fast)
{
    memset(u, 0, sizeof *u);
    bus_init(&u->bus);
    bus_map_memory(&u->bus, (struct bus_range){DEVICE_PAGE << 12, (DEVICE_PAGE << 12) + 0xFFF, 4,
                                               device_read, device_write, u, "device"});
    u->phys = (struct phys){calloc(1, RAM_BYTES), RAM_BYTES, calloc(1, RAM_BYTES / 4096), &u->bus};
    u->phys.page_flags[DEVICE_PAGE] = PAGE_DEVICE;
    u->phys.page_flags[ROM_PAGE] = PAGE_ROM;
    mmu_init(&u->m, g, &u->phys, timed);
    mmu_set_fast(&u->m, fast);
    u->m.log = &u->log;
    u->m.code_written = code_written;
    u->m.code_owner = u;
    u->by_fast_path = fast;
    mmu_set_control(&u->m, false, false, false, false);
}

static void unit_free(struct unit *u)
{
    mmu_free(&u->m);
    free(u->phys.ram);
    free(u->phys.page_flags);
}

static uint64_t unit_hash(struct unit *u)
{
    struct snap s;
    snap_begin_hash(&s);
    mmu_snapshot(&u->m, &s);
    return s.hash;
}

/* Names the first field in which two units differ. */
static void unit_explain(struct unit *u, struct unit *slow, struct verdict *v)
{
    struct snap save, diff;
    snap_begin_save(&save);
    mmu_snapshot(&slow->m, &save);
    snap_begin_diff(&diff, save.data, save.size);
    mmu_snapshot(&u->m, &diff);
    verdict_fail(v, "%s", diff.message);
    snap_free(&save);
}

static void unit_save_and_load(struct unit *u)
{
    struct snap save, load;
    snap_begin_save(&save);
    mmu_snapshot(&u->m, &save);
    snap_begin_load(&load, save.data, save.size);
    mmu_snapshot(&u->m, &load);
    snap_free(&save);
}

/* --- one access, as the processor makes it --- */

struct request {
    laddr_t la;
    unsigned size;
    enum access_kind kind;
    bool system, locked;
    uint64_t value;
};

struct outcome {
    enum mmu_status status;
    uint64_t value;
    laddr_t fault_la;
    uint32_t fault_code;
};

static struct outcome fault_of(const struct unit *u)
{
    return (struct outcome){MMU_FAULT, 0, u->m.fault_la, u->m.fault_code};
}

static struct outcome access_slow(struct unit *u, const struct request *r)
{
    struct outcome o = {.value = r->value};
    bool user = u->m.user && !r->system;
    u->m.locked = r->locked;
    o.status =
        mmu_access(&u->m, r->la, r->size, r->kind, user, r->system ? ACCESS_SYSTEM : 0, &o.value);
    if (o.status == MMU_OK && r->kind == ACCESS_RMW)
        mmu_rmw_commit(&u->m, r->size, o.value + r->value);
    u->m.locked = false;
    return o.status == MMU_OK ? o : fault_of(u);
}

/* The second half of a fast read-modify-write, as in cpu/mem.h. */
static void commit_fast(struct mmu *m, uint8_t *host, const struct request *r, uint64_t value)
{
    memcpy(host, &value, r->size);
    if (!m->timed)
        return;
    paddr_t pa = m->log->list[m->log->count - 1].pa;
    m->l1d.state[((pa >> 5) & 127) * 2 + (uint32_t)l1d_find(m, pa)] = LINE_MODIFIED;
    access_log_put(m, r->la, pa, ACCESS_WRITE, LEVEL_L1, ACCESS_HIT_M, r->size);
}

static struct outcome access_any(struct unit *u, const struct request *r)
{
    struct outcome o = {.value = r->value};
    uint8_t *host = NULL;
    if (u->by_fast_path && !r->system && !r->locked)
        host = mmu_fast(&u->m, r->la, r->size, r->kind);
    if (!host)
        return access_slow(u, r);
    u->fast_hits++;
    if (r->kind == ACCESS_WRITE) {
        memcpy(host, &r->value, r->size);
        return o;
    }
    o.value = 0;
    memcpy(&o.value, host, r->size);
    if (r->kind == ACCESS_RMW)
        commit_fast(&u->m, host, r, o.value + r->value);
    return o;
}

/* A fetch as the run loop makes it: cpu/run.c. */
static struct outcome fetch(struct unit *u, laddr_t la)
{
    struct fast_code *f = &u->m.fast_code[u->m.user][(la >> 12) & (FAST_COUNT - 1)];
    paddr_t pa;
    if (u->by_fast_path && f->tag == (la & 0xFFFFF000u)) {
        *f->plru = (uint8_t)((*f->plru & f->plru_and) | f->plru_or);
        pa = f->pa | (la & 0xFFF);
        u->fast_hits++;
    } else if (mmu_fetch_slow(&u->m, la, &pa) != MMU_OK) {
        return fault_of(u);
    }
    if (u->m.timed)
        mmu_fetch_line(&u->m, la, pa);
    return (struct outcome){.status = MMU_OK, .value = pa};
}

/* --- comparing --- */

static void compare_logs(struct pair *p, int i)
{
    struct access_log *slow = &p->unit[SLOW].log, *log = &p->unit[i].log;
    verdict_expect(&p->verdict, "log entries", log->count, slow->count);
    for (uint32_t k = 0; k < slow->count && !p->verdict.failed; k++) {
        const struct access *a = &log->list[k], *b = &slow->list[k];
        if (memcmp(a, b, sizeof *a) != 0)
            verdict_fail(&p->verdict,
                         "unit %d, log %u: la %x pa %x kind %u level %u flags %x size %u, slow: la "
                         "%x pa %x kind %u level %u flags %x size %u",
                         i, k, a->la, a->pa, a->kind, a->level, a->flags, a->size, b->la, b->pa,
                         b->kind, b->level, b->flags, b->size);
    }
}

static void compare_outcomes(struct pair *p, const struct outcome o[UNITS])
{
    for (int i = FAST; i < UNITS; i++) {
        verdict_expect(&p->verdict, "status", o[i].status, o[SLOW].status);
        verdict_expect(&p->verdict, "value", o[i].value, o[SLOW].value);
        verdict_expect(&p->verdict, "fault address", o[i].fault_la, o[SLOW].fault_la);
        verdict_expect(&p->verdict, "fault code", o[i].fault_code, o[SLOW].fault_code);
        verdict_expect(&p->verdict, "calls", p->unit[i].calls, p->unit[SLOW].calls);
        compare_logs(p, i);
    }
}

/* Every fast entry must say what the TLB entry it came from says. */
static void check_fast_entry(struct unit *u, bool user, unsigned slot, struct verdict *v)
{
    struct mmu *m = &u->m;
    const struct fast_entry *f = &m->fast_table[user][slot];
    struct tlb *t = &m->dtlb;
    laddr_t la = f->tag_read;
    int index = tlb_find_page(m, t, la >> 12);
    if (la == FAST_NEVER || !m->paging)
        return;
    if (index < 0) {
        t = &m->dtlb_large;
        index = tlb_find_page(m, t, la >> m->large_shift);
    }
    if (index < 0)
        verdict_fail(v, "fast entry of %x has no TLB entry", la);
    else if (f->plru != tlb_plru(t, (uint32_t)index))
        verdict_fail(v, "fast entry of %x touches another set than its TLB entry", la);
    else if (f->tag_write != FAST_NEVER && !(t->entry[index].flags & TLB_DIRTY))
        verdict_fail(v, "fast entry of %x may write a clean page", la);
}

static void compare_state(struct pair *p)
{
    for (unsigned i = 0; i < 4 * FAST_COUNT; i++)
        check_fast_entry(&p->unit[i & 2 ? FAST : FORGETFUL], i & 1, i / 4, &p->verdict);
    uint64_t hash = unit_hash(&p->unit[SLOW]);
    for (int i = FAST; i < UNITS; i++) {
        if (unit_hash(&p->unit[i]) != hash)
            unit_explain(&p->unit[i], &p->unit[SLOW], &p->verdict);
        if (memcmp(p->unit[i].phys.ram, p->unit[SLOW].phys.ram, RAM_BYTES / 4) != 0)
            verdict_fail(&p->verdict, "unit %d: memory differs", i);
    }
}

/* --- the program --- */

/* Page-table entries are mostly present, and point into the first 2 MB, sometimes at the tables,
 * the device or the ROM, rarely past memory. */
static uint32_t random_pte(struct pair *p)
{
    struct random *r = &p->random;
    uint32_t page = 16 + random_below(r, 200);
    if (random_chance(r, 8) && !p->later) /* else stray bits become addresses beyond 4 GB */
        page = 1 + random_below(r, 6);
    if (random_chance(r, 4))
        page = random_chance(r, 50) ? DEVICE_PAGE : ROM_PAGE;
    if (random_chance(r, 1))
        page = 0xFEC00;
    uint32_t bits = (uint32_t)random_next(r) & (PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY);
    bits |= random_chance(r, 85) ? PTE_USER | PTE_WRITE : 0u;
    bits |= random_chance(r, 95) ? PTE_PRESENT : 0u;
    bits |= random_chance(r, 5) ? PTE_UNCACHED : 0u;
    bits |= random_chance(r, 5) ? PTE_THROUGH : 0u;
    bits |= random_chance(r, 20) ? PTE_GLOBAL : 0u;
    return page << 12 | bits;
}

static uint32_t random_pde(struct pair *p)
{
    struct random *r = &p->random;
    uint32_t bits = PTE_PRESENT | PTE_WRITE | PTE_USER;
    if (random_chance(r, 45))
        return (random_chance(r, 97) ? 0 : 0x1000u) | (p->later ? 0x400000u : 0) | bits |
               PTE_LARGE |
               ((uint32_t)random_next(r) & (PTE_DIRTY | PTE_UNCACHED | PTE_ACCESSED));
    if (random_chance(r, 10))
        bits = (uint32_t)random_next(r) & 0x3F;
    return (TABLES + 0x2000 + 0x1000 * random_below(r, 4)) | bits;
}

/* Linear addresses crowd into twelve 4 MB regions with a few pages each, so that sets fill up. */
static laddr_t random_la(struct random *r)
{
    laddr_t region = random_below(r, 6) + (random_chance(r, 50) ? 0x3F8 : 0);
    laddr_t page = random_below(r, 6) * (random_chance(r, 50) ? 16 : 1);
    laddr_t offset = random_chance(r, 20) ? random_below(r, 4096) : random_below(r, 24) * 4;
    if (random_chance(r, 3))
        offset = 4096 - 1 - random_below(r, 8);
    return region << 22 | page << 12 | offset;
}

static laddr_t next_la(struct pair *p)
{
    struct random *r = &p->random;
    laddr_t *hot = &p->hot[random_below(r, HOT_COUNT)];
    if (random_chance(r, 1))
        *hot = random_la(r);
    return random_chance(r, 90) ? *hot + random_below(r, 4) * 4 : random_la(r);
}

static void store_everywhere(struct pair *p, paddr_t pa, uint32_t value)
{
    for (int i = 0; i < UNITS; i++)
        phys_write(&p->unit[i].phys, pa, &value, 4);
}

static void op_access(struct pair *p)
{
    static const unsigned sizes[] = {1, 2, 4, 4, 4, 8};
    struct random *r = &p->random;
    struct outcome o[UNITS];
    struct request q = {.la = next_la(p), .size = sizes[random_below(r, 6)]};
    unsigned what = random_below(r, 10);
    q.kind = what < 5 ? ACCESS_READ : what < 8 ? ACCESS_WRITE : ACCESS_RMW;
    q.system = random_chance(r, 5);
    q.locked = random_chance(r, 3);
    q.value = random_next(r);
    /* Page tables stay sensible: what may land in one is an entry. */
    if (q.kind != ACCESS_READ)
        q.value = q.size == 4 && q.kind == ACCESS_WRITE ? random_pte(p) : q.value & 0x7F;
    if (!random_chance(r, 15))
        q.la &= ~(laddr_t)(q.size - 1);
    for (int i = 0; i < UNITS; i++)
        o[i] = access_any(&p->unit[i], &q);
    compare_outcomes(p, o);
}

static void op_fetch(struct pair *p)
{
    struct outcome o[UNITS];
    laddr_t la = next_la(p);
    for (int i = 0; i < UNITS; i++)
        o[i] = fetch(&p->unit[i], la);
    compare_outcomes(p, o);
}

static void op_probe(struct pair *p)
{
    struct outcome o[UNITS];
    laddr_t la = random_la(&p->random);
    unsigned size = 1 + random_below(&p->random, 9000);
    bool write = random_chance(&p->random, 50), user = random_chance(&p->random, 50);
    for (int i = 0; i < UNITS; i++) {
        struct unit *u = &p->unit[i];
        o[i] = (struct outcome){.status = mmu_probe(&u->m, la, size, write, user)};
        if (o[i].status == MMU_FAULT)
            o[i] = fault_of(u);
    }
    compare_outcomes(p, o);
}

static void op_tables(struct pair *p)
{
    struct random *r = &p->random;
    if (random_chance(r, 85)) {
        uint32_t index = random_below(r, 6) * (random_chance(r, 50) ? 16 : 1);
        store_everywhere(p, TABLES + 0x2000 + 0x1000 * random_below(r, 4) + index * 4,
                         random_pte(p));
        return;
    }
    uint32_t region = random_below(r, 6) + (random_chance(r, 50) ? 0x3F8 : 0);
    store_everywhere(p, TABLES + 0x1000 * random_below(r, 2) + region * 4, random_pde(p));
}

static void op_control(struct pair *p)
{
    struct random *r = &p->random;
    bool paging = random_chance(r, 90) || p->later, protect = random_chance(r, 50);
    bool off = random_chance(r, 10), large = random_chance(r, 80), a20 = random_chance(r, 90);
    bool global = random_chance(r, 80);
    for (int i = 0; i < UNITS; i++) {
        mmu_set_control(&p->unit[i].m, paging, protect, off, large);
        if (p->later)
            mmu_set_extensions(&p->unit[i].m, false, global, false);
        mmu_set_a20(&p->unit[i].m, a20);
    }
}

/* The block cache begins or ends to hold code of a page. */
static void op_page_flags(struct pair *p)
{
    uint32_t page = 16 + random_below(&p->random, 100);
    if (page == DEVICE_PAGE || page == ROM_PAGE)
        return;
    for (int i = 0; i < UNITS; i++) {
        p->unit[i].phys.page_flags[page] ^= PAGE_CODE;
        mmu_forget_fast(&p->unit[i].m, page);
    }
}

static void op_rare(struct pair *p)
{
    unsigned what = random_below(&p->random, 10);
    bool write_back = random_chance(&p->random, 50);
    uint32_t cr3 = TABLES + 0x1000 * random_below(&p->random, 2) +
                   (random_chance(&p->random, 10) ? PTE_UNCACHED : 0u);
    for (int i = 0; i < UNITS; i++) {
        struct mmu *m = &p->unit[i].m;
        if (what < 6)
            mmu_set_cr3(m, cr3);
        else if (what < 9)
            mmu_invalidate_caches(m, write_back);
        else if (write_back)
            mmu_set_timed(m, m->timed);
    }
}

static void op_forget(struct pair *p)
{
    struct unit *u = &p->unit[FORGETFUL];
    unsigned what = random_below(&p->random, 10);
    if (what < 6)
        mmu_forget_fast(&u->m, 16 + random_below(&p->random, 200));
    else if (what < 9)
        mmu_set_fast(&u->m, true);
    else
        unit_save_and_load(u);
}

static void step(struct pair *p)
{
    struct random *r = &p->random;
    unsigned what = random_below(r, 1000);
    laddr_t la;
    bool user;
    for (int i = 0; i < UNITS; i++)
        p->unit[i].log.count = 0;
    if (what < 800) {
        op_access(p);
    } else if (what < 930) {
        op_fetch(p);
    } else if (what < 934) {
        op_probe(p);
    } else if (what < 965) {
        op_tables(p);
    } else if (what < 975) {
        la = next_la(p) + (random_chance(r, 50) ? random_below(r, 256) << 12 : 0);
        for (int i = 0; i < UNITS; i++)
            mmu_invalidate_page(&p->unit[i].m, la);
    } else if (what < 985) {
        user = random_chance(r, 50);
        for (int i = 0; i < UNITS; i++)
            mmu_set_user(&p->unit[i].m, user);
    } else if (what < 987) {
        op_control(p);
    } else if (what < 991) {
        op_page_flags(p);
    } else if (what < 993) {
        op_rare(p);
    } else {
        op_forget(p);
    }
}

/* A small K8: every size but the lines' is too small for what the program does. */
static void make_later(struct mmu_geometry *g)
{
    *g = (struct mmu_geometry){
        .itlb = {9, 9},
        .itlb_large = {4, 4},
        .dtlb = {12, 12},
        .dtlb_large = {4, 4},
        .itlb2 = {16, 4},
        .dtlb2 = {16, 4},
        .directory_entries = 5,
        .l1i = {4096, 2, 64},
        .l1d = {4096, 2, 64},
        .l2 = {16384, 16, 64},
        .dram = {.row_bytes = 4096, .banks = 4},
        .l2_exclusive = true,
        .l2_prefetch = true,
        .flush_filter = 1,
        .access_bytes = 8,
        .physical_bits = 36,
    };
}

static void set_types(struct unit *u)
{
    struct memory_types t = {.present = true, .on = true, .fixed_on = true, .otherwise = TYPE_WB};
    static const uint8_t pat[8] = {TYPE_WB, TYPE_WT, TYPE_UC_MINUS, TYPE_UC,
                                   TYPE_WB, TYPE_WP, TYPE_WC,       TYPE_UC};
    memcpy(t.pat, pat, sizeof pat);
    for (unsigned i = 0; i < FIXED_RANGES; i++)
        t.fixed[i] = i < 20 ? TYPE_WB : i < 30 ? TYPE_WC : TYPE_WP;
    mmu_set_types(&u->m, &t);
    mmu_set_flush_filter(&u->m, true);
}

/* No line is in two places; a second unit would have caught a wrong level, not this. */
static void check_exclusive(struct pair *p)
{
    const struct mmu *m = &p->unit[SLOW].m;
    for (uint32_t i = 0; i < m->l2.sets * m->l2.ways; i++) {
        if (m->l2.tag[i] == CACHE_TAG_INVALID)
            continue;
        paddr_t pa = cache_address(&m->l2, i);
        if (cache_find(&m->l1d, pa) >= 0 || cache_find(&m->l1i, pa) >= 0)
            verdict_fail(&p->verdict, "line %x is in L1 and in L2", pa);
    }
    for (uint32_t i = 0; i < m->l1i.sets * m->l1i.ways; i++)
        if (m->l1i.tag[i] != CACHE_TAG_INVALID &&
            cache_find(&m->l1d, cache_address(&m->l1i, i)) >= 0)
            verdict_fail(&p->verdict, "line %x is in both first levels",
                         cache_address(&m->l1i, i));
}

static void pair_init(struct pair *p, uint64_t seed)
{
    struct mmu_geometry g = {
        .itlb = {32, 4},
        .dtlb = {64, 4},
        .dtlb_large = {8, 4},
        .l1i = {8192, 2, 32},
        .l1d = {8192, 2, 32},
        .l2 = {16384, 1, 32},
        .dram = {.row_bytes = 4096, .banks = 4},
        .large_pages_split_in_itlb = true,
    };
    p->random = (struct random){seed};
    p->verdict = (struct verdict){0};
    p->timed = seed % 4 != 0;
    p->later = seed % 2 != 0;
    if (seed % 3 == 0)
        g.dtlb = (struct tlb_geometry){16, 4}, g.dtlb_large.entries = 0;
    if (seed % 5 == 0)
        g.l2.size_bytes = 0;
    if (p->later)
        make_later(&g);
    for (int i = 0; i < UNITS; i++)
        unit_init(&p->unit[i], &g, p->timed, i != SLOW);
    for (int i = 0; p->later && i < UNITS; i++)
        set_types(&p->unit[i]);
    for (uint32_t region = 0; region < 1024; region++)
        for (uint32_t directory = 0; directory < 2; directory++)
            store_everywhere(p, TABLES + directory * 0x1000 + region * 4, random_pde(p));
    for (uint32_t entry = 0; entry < 4096; entry++)
        store_everywhere(p, TABLES + 0x2000 + entry * 4, random_pte(p));
    for (unsigned i = 0; i < HOT_COUNT; i++)
        p->hot[i] = random_la(&p->random);
    for (int i = 0; i < UNITS; i++) {
        mmu_set_cr3(&p->unit[i].m, TABLES);
        mmu_set_control(&p->unit[i].m, true, true, false, true);
    }
}

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct pair *p = calloc(1, sizeof *p);
    pair_init(p, seed);
    for (uint64_t i = 0; i < operations && !p->verdict.failed; i++) {
        p->verdict.operation = i;
        step(p);
        if (i % 64 == 63 || i + 1 == operations)
            compare_state(p);
        if (i % 64 == 63 && p->later)
            check_exclusive(p);
    }
    bool inlined = !p->timed || !p->later;
    if (!p->verdict.failed && inlined && operations >= 10000 &&
        p->unit[FAST].fast_hits < operations / 20)
        verdict_fail(&p->verdict, "only %llu of the accesses took the fast path",
                     (unsigned long long)p->unit[FAST].fast_hits);
    printf("seed %llu: %s, %llu fast hits\n", (unsigned long long)seed,
           p->timed ? "timed" : "untimed", (unsigned long long)p->unit[FAST].fast_hits);
    struct verdict v = p->verdict;
    for (int i = 0; i < UNITS; i++)
        unit_free(&p->unit[i]);
    free(p);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "mmu_fast_equals_slow", run); }
