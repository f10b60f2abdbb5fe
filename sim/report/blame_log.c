/* blame_log: the access log of one instruction, gone through once more on the mirrors. Each
 * function here says what the one of its name in mmu/hierarchy.c or mmu/translate.c did. */
#include "cpu/note.h"
#include "mmu/cache.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"
#include "sim/report/blame_misses.h"

#include <string.h>

#define REGION_SHIFT 22
#define LARGE_FRAME 0xFFC00000u

/* --- misses ----------------------------------------------------------------------------------- */

struct blame_miss *blame_add_miss(struct blame *b, enum blame_array array, enum blame_kind kind,
                                  enum blame_bucket bucket)
{
    return blame_add(b, array, kind, bucket, BLAME_NOBODY);
}

struct blame_miss *blame_missed_record(struct blame *b, struct mirror *m, enum blame_array array,
                                       uint32_t unit, uint32_t record, enum blame_bucket bucket)
{
    return blame_missed(b, m, array, unit, record, bucket);
}

struct blame_miss *blame_missed_line(struct blame *b, enum blame_mirror i, enum blame_array array,
                                     uint32_t line, enum blame_bucket bucket)
{
    return blame_missed_record(b, &b->mirror[i], array, line, line, bucket);
}

/* --- caches ----------------------------------------------------------------------------------- */

static uint32_t line_of(const struct mirror *m, paddr_t pa) { return pa >> m->shift; }

/* Whether what was read from outside is brought in. */
static bool kept(const struct blame *b, const struct access *a)
{
    return !b->caches_off && !(a->flags & ACCESS_UNCACHED);
}

/* A bus cycle to memory. keeps: a miss brings the line in. */
static void bus(struct blame *b, const struct access *a, paddr_t pa, bool keeps,
                enum blame_array array, enum blame_bucket bucket)
{
    struct mirror *m = &b->mirror[MIRROR_L2];
    if (!m->sets)
        return;
    uint32_t line = line_of(m, pa);
    int index = mirror_find(m, line);
    if (a)
        CHECK((index >= 0) == (a->level == LEVEL_L2));
    if (index >= 0) {
        mirror_touch(m, (uint32_t)index);
        return;
    }
    if (a)
        blame_missed_line(b, MIRROR_L2, array, line, bucket);
    if (keeps)
        mirror_fill(m, mirror_victim(m, line), line, line, blame_who_runs(b));
    else
        mirror_pass(m, line);
}

/* A modified line goes to L2 or memory; nobody waits for it. */
static void write_back(struct blame *b, paddr_t pa)
{
    bus(b, NULL, pa, false, BLAME_L2_WRITE, BUCKET_NONE);
}

/* A first-level cache gives the line up. */
static void give_up(struct blame *b, enum blame_mirror i, const struct access *a)
{
    struct mirror *m = &b->mirror[i];
    int index = m->sets ? mirror_find(m, line_of(m, a->pa)) : -1;
    if (index < 0)
        return;
    if (i == MIRROR_L1D && (a->flags & ACCESS_EVICT_DIRTY))
        write_back(b, a->pa);
    mirror_drop(m, (uint32_t)index, GIVEN_UP, blame_who_runs(b));
}

/* The first level missed: its own miss costs what L2 took, if it was L2 that answered. */
static enum blame_bucket inner(const struct blame *b, const struct access *a, enum blame_bucket l2,
                               enum blame_bucket dram)
{
    if (a->level == LEVEL_L2)
        return l2;
    return b->mirror[MIRROR_L2].sets ? BUCKET_NONE : dram;
}

static void fill_l1(struct blame *b, enum blame_mirror i, const struct access *a)
{
    struct mirror *m = &b->mirror[i];
    if (!m->sets)
        return;
    uint32_t line = line_of(m, a->pa);
    if (!kept(b, a)) {
        mirror_pass(m, line);
        return;
    }
    uint32_t victim = mirror_victim(m, line);
    if (i == MIRROR_L1D && (a->flags & ACCESS_EVICT_DIRTY))
        write_back(b, m->tag[victim] << m->shift);
    mirror_fill(m, victim, line, line, blame_who_runs(b));
}

static bool touch_l1(struct blame *b, enum blame_mirror i, paddr_t pa)
{
    struct mirror *m = &b->mirror[i];
    int index = m->sets ? mirror_find(m, line_of(m, pa)) : -1;
    if (index >= 0)
        mirror_touch(m, (uint32_t)index);
    return index >= 0;
}

static void first_miss(struct blame *b, enum blame_mirror i, enum blame_array array,
                       const struct access *a, enum blame_bucket bucket)
{
    if (b->mirror[i].sets)
        blame_missed_line(b, i, array, line_of(&b->mirror[i], a->pa), bucket);
}

static void read_missed(struct blame *b, const struct access *a)
{
    bool keeps = kept(b, a);
    first_miss(b, MIRROR_L1D, BLAME_L1D, a, inner(b, a, BUCKET_DATA_L2, BUCKET_DATA_DRAM));
    give_up(b, MIRROR_L1I, a);
    bus(b, a, a->pa, keeps, BLAME_L2, BUCKET_DATA_DRAM);
    fill_l1(b, MIRROR_L1D, a);
}

static void read(struct blame *b, const struct access *a)
{
    if (!touch_l1(b, MIRROR_L1D, a->pa))
        read_missed(b, a);
    else
        CHECK(a->level == LEVEL_L1);
}

static void write(struct blame *b, const struct access *a)
{
    if (touch_l1(b, MIRROR_L1D, a->pa)) {
        if (a->flags & ACCESS_LINE_SHARED)
            bus(b, a, a->pa, false, BLAME_L2_WRITE, BUCKET_NONE);
        return;
    }
    first_miss(b, MIRROR_L1D, BLAME_L1D_WRITE, a, BUCKET_NONE);
    if (b->mirror[MIRROR_L1D].sets)
        mirror_pass(&b->mirror[MIRROR_L1D], line_of(&b->mirror[MIRROR_L1D], a->pa));
    give_up(b, MIRROR_L1I, a);
    bus(b, a, a->pa, false, BLAME_L2_WRITE, BUCKET_NONE);
}

static void fetch_missed(struct blame *b, const struct access *a)
{
    bool keeps = kept(b, a);
    first_miss(b, MIRROR_L1I, BLAME_L1I, a, inner(b, a, BUCKET_FETCH_L2, BUCKET_FETCH_DRAM));
    give_up(b, MIRROR_L1D, a);
    bus(b, a, a->pa, keeps, BLAME_L2, BUCKET_FETCH_DRAM);
    fill_l1(b, MIRROR_L1I, a);
}

static void fetch(struct blame *b, const struct access *a)
{
    if (!touch_l1(b, MIRROR_L1I, a->pa))
        fetch_missed(b, a);
    else
        CHECK(a->level == LEVEL_L1);
}

static void locked(struct blame *b, const struct access *a)
{
    bool write = a->kind == ACCESS_WRITE;
    give_up(b, MIRROR_L1D, a);
    give_up(b, MIRROR_L1I, a);
    bus(b, a, a->pa, false, write ? BLAME_L2_WRITE : BLAME_L2, BUCKET_NONE);
}

static void walk_entry(struct blame *b, const struct access *a)
{
    if (a->level == LEVEL_DEVICE)
        return;
    if (a->kind == ACCESS_UPDATE) {
        locked(b, a);
        write_back(b, a->pa); /* its locked write: the same line on the bus once more */
    } else if (!touch_l1(b, MIRROR_L1D, a->pa)) {
        bus(b, a, a->pa, kept(b, a), BLAME_L2, BUCKET_NONE);
    }
}

/* --- TLBs ------------------------------------------------------------------------------------- */

/* The array and index that hold a page's translation; -1: none does. */
static int find_page(const struct blame *b, laddr_t la, bool code, enum blame_mirror *i)
{
    *i = code ? MIRROR_ITLB : MIRROR_DTLB;
    int index = mirror_find(&b->mirror[*i], la >> BLAME_PAGE_SHIFT);
    if (index >= 0 || code)
        return index;
    *i = MIRROR_LARGE;
    return mirror_find(&b->mirror[*i], la >> REGION_SHIFT);
}

static void touch_page(struct blame *b, laddr_t la, bool code)
{
    enum blame_mirror i;
    if (!b->paging)
        return;
    int index = find_page(b, la, code, &i);
    if (index >= 0) /* else it was learnt too late, and is put in when the log has ended */
        mirror_touch(&b->mirror[i], (uint32_t)index);
}

/* What the walk found; the entry that it read last is as it was, but for A and D. */
static uint32_t frame_of(const struct blame *b, uint32_t tag, const struct access *entry,
                         bool large, laddr_t la)
{
    uint32_t value = 0;
    phys_read(&b->cpu->mmu->phys, entry->pa & ~3u, &value, sizeof value);
    if (!large)
        return value >> BLAME_PAGE_SHIFT;
    uint32_t first = (value & LARGE_FRAME) >> BLAME_PAGE_SHIFT;
    return tag == la >> REGION_SHIFT ? first : first + (la >> BLAME_PAGE_SHIFT & 0x3FF);
}

/* Where the fill went: by the replacement bits, unless what they would displace is still there: a
 * look-up without an access (a probe of a stack, say) had changed them, and the TLB tells. */
static uint32_t place_for(const struct blame *b, const struct mirror *m, const struct tlb *t,
                          uint32_t tag)
{
    int present = mirror_find(m, tag), real = tlb_find(t, tag);
    if (present >= 0)
        return (uint32_t)present;
    uint32_t victim = mirror_victim(m, tag);
    bool kept = m->tag[victim] != MIRROR_NONE && t->entry[victim].tag == m->tag[victim];
    return kept && !b->flushes && real >= 0 ? (uint32_t)real : victim;
}

/* A walk that found a translation. large: it ended at the directory. */
static struct blame_miss *walked(struct blame *b, laddr_t la, bool code, bool large,
                                 const struct access *last)
{
    enum blame_mirror to = code ? MIRROR_ITLB : MIRROR_DTLB, from;
    if (large && !code && b->mirror[MIRROR_LARGE].sets)
        to = MIRROR_LARGE;
    struct mirror *m = &b->mirror[to];
    uint32_t tag = to == MIRROR_LARGE ? la >> REGION_SHIFT : la >> BLAME_PAGE_SHIFT, caused = 0;
    uint32_t frame = frame_of(b, tag, last, large, la);
    uint32_t record = mirror_translation(m, tag, frame);
    int resident = find_page(b, la, code, &from);
    enum blame_kind kind = resident >= 0 ? BLAME_DIRTY : blame_kind_of(m, record, &caused);
    if (resident >= 0 && from != to)
        mirror_drop(&b->mirror[from], (uint32_t)resident, FLUSHED,
                    blame_who(&b->cells, (struct blame_who){.deed = DEED_TABLES}));
    uint32_t index = place_for(b, m, blame_tlb(b, to), tag);
    mirror_fill(m, index, tag, record, blame_who_runs(b));
    m->split[index] = large && to != MIRROR_LARGE;
    b->walks++;
    b->walked_in = to;
    b->walked_set = tag & (m->sets - 1);
    b->dropped |= resident >= 0;
    if (kind != BLAME_DIRTY)
        mirror_count(m, tag, kind == BLAME_CONFLICT);
    static const uint8_t arrays[] = {
        [MIRROR_ITLB] = BLAME_ITLB, [MIRROR_DTLB] = BLAME_DTLB, [MIRROR_LARGE] = BLAME_DTLB_LARGE};
    struct blame_miss *miss = blame_add_miss(b, (enum blame_array)arrays[to], kind,
                                             code ? BUCKET_ITLB : BUCKET_DTLB);
    miss->caused = caused;
    return miss;
}

static bool walks(const struct access *a)
{
    return a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE;
}

/* One walk of up to two entries and their updates; returns the first entry behind it. */
static const struct access *walk(struct blame *b, const struct access *a, const struct access *end)
{
    const struct access *first = a, *last = a;
    bool code = a->flags & ACCESS_CODE_SIDE, updates = false;
    unsigned levels = 0;
    for (; a < end && walks(a) && a->la == first->la && !(a->flags & ACCESS_CODE_SIDE) == !code;
         a++) {
        if (a->kind == ACCESS_WALK && levels == 2)
            break;
        levels += a->kind == ACCESS_WALK;
        updates |= a->kind == ACCESS_UPDATE;
        last = a->kind == ACCESS_WALK ? a : last;
        walk_entry(b, a);
    }
    bool fault = a < end && a->kind == ACCESS_NOTE && a->level == NOTE_PAGE_FAULT;
    struct blame_miss *m;
    if (fault)
        m = blame_add_miss(b, code ? BLAME_ITLB : BLAME_DTLB, BLAME_FAULT,
                           code ? BUCKET_ITLB : BUCKET_DTLB);
    else
        m = walked(b, first->la, code, levels == 1, last);
    m->updates = updates;
    b->sharers[BUCKET_UPDATE] += updates;
    b->translated = true;
    return a;
}

/* --- removals --------------------------------------------------------------------------------- */

uint32_t blame_doer(struct blame *b, const struct cpu *c, const struct op *o, enum blame_deed deed)
{
    uint32_t runs = blame_who_runs(b); /* first: it may move the list */
    struct blame_who w = b->cells.who[runs];
    w.deed = deed;
    w.la = c->seg[CS].base + o->eip;
    w.times = 0;
    uint32_t by = blame_who(&b->cells, w);
    b->cells.who[by].times++;
    return by;
}

static void flush_tlbs(struct blame *b, uint32_t by)
{
    for (int i = MIRROR_ITLB; i < MIRRORS; i++)
        mirror_flush(&b->mirror[i], FLUSHED, by);
}

/* As mmu_invalidate_page: the page's own entries, and those made of its 4 MB page. */
static void drop_page(struct blame *b, laddr_t la, uint32_t by)
{
    for (int i = MIRROR_ITLB; i < MIRRORS; i++) {
        struct mirror *m = &b->mirror[i];
        uint32_t tag = i == MIRROR_LARGE ? la >> REGION_SHIFT : la >> BLAME_PAGE_SHIFT;
        for (uint32_t k = 0; k < m->sets * m->ways; k++)
            if (m->tag[k] == tag ||
                (m->tag[k] != MIRROR_NONE && m->split[k] && m->tag[k] >> 10 == la >> REGION_SHIFT))
                mirror_drop(m, k, FLUSHED, by);
    }
}

static void hear(struct blame *b, const struct cpu *c, const struct op *o, const struct access *a)
{
    switch (a->level) {
    case NOTE_CR3_LOAD:
        if (b->paging)
            flush_tlbs(b, blame_doer(b, c, o, DEED_CR3));
        break;
    case NOTE_TLB_FLUSH:
        flush_tlbs(b, blame_doer(b, c, o, DEED_CONTROL));
        b->paging = c->mmu->paging;
        break;
    case NOTE_TLB_DROP: drop_page(b, a->la, blame_doer(b, c, o, DEED_INVLPG)); break;
    case NOTE_PAGE_FAULT: drop_page(b, a->la, blame_doer(b, c, o, DEED_PAGE_FAULT)); break;
    case NOTE_CACHE_FLUSH: {
        uint32_t by = blame_doer(b, c, o, DEED_CACHE_FLUSH);
        for (int i = MIRROR_L1I; i <= MIRROR_L1D; i++) {
            mirror_flush(&b->mirror[i], FLUSHED, by);
            memset(b->mirror[i].lru, 0, b->mirror[i].sets);
        }
        break;
    }
    default: return;
    }
    b->dropped = b->translated = true;
}

static bool is_memory(const struct access *a)
{
    return a->kind != ACCESS_NOTE && a->level != LEVEL_DEVICE;
}

/* --- against the real arrays ------------------------------------------------------------------ */

static void compare_line(const struct blame *b, enum blame_mirror i, paddr_t pa)
{
    const struct mirror *m = &b->mirror[i];
    const struct cache *c = blame_cache(b, i);
    uint32_t set = m->sets ? line_of(m, pa) & (m->sets - 1) : 0;
    for (uint32_t k = set * m->ways; k < (set + 1) * m->ways; k++)
        CHECK(m->tag[k] == c->tag[k]);
}

void blame_compare_lines(const struct blame *b, const struct access *a, const struct access *end)
{
    for (; a < end; a++)
        for (int i = MIRROR_L1I; i <= MIRROR_L2 && is_memory(a); i++)
            compare_line(b, (enum blame_mirror)i, a->pa);
}

/* Look-ups without an access (a probe of a stack that is there) may have changed which entry was
 * replaced when a log replaces several in a set: the TLB's own word counts. */
static void learn_set(struct blame *b, enum blame_mirror i, uint32_t set)
{
    struct mirror *m = &b->mirror[i];
    const struct tlb *t = blame_tlb(b, i);
    for (uint32_t k = set * m->ways; k < (set + 1) * m->ways; k++) {
        const struct tlb_entry *e = &t->entry[k];
        if (m->tag[k] == e->tag)
            continue;
        b->adopted++;
        if (m->tag[k] != MIRROR_NONE)
            mirror_drop(m, k, e->tag == TLB_INVALID ? FLUSHED : REPLACED, blame_who_runs(b));
        if (e->tag != TLB_INVALID) {
            mirror_fill(m, k, e->tag, mirror_translation(m, e->tag, e->page), BLAME_NOBODY);
            m->split[k] = i != MIRROR_LARGE && (e->flags & TLB_LARGE);
        }
    }
    m->lru[set] = t->plru[set];
}

static void learn_page(struct blame *b, laddr_t la, bool code)
{
    for (int i = code ? MIRROR_ITLB : MIRROR_DTLB; i < (code ? MIRROR_DTLB : MIRRORS); i++) {
        const struct mirror *m = &b->mirror[i];
        uint32_t tag = i == MIRROR_LARGE ? la >> REGION_SHIFT : la >> BLAME_PAGE_SHIFT;
        if (m->sets)
            learn_set(b, (enum blame_mirror)i, tag & (m->sets - 1));
    }
}

/* One walk has changed one set; in what several did, any may have. */
static void learn_pages(struct blame *b, const struct access *a, const struct access *end)
{
    if (b->walks == 1 && !b->dropped) {
        learn_set(b, (enum blame_mirror)b->walked_in, b->walked_set);
        return;
    }
    for (; a < end && b->paging; a++)
        if (a->kind != ACCESS_NOTE)
            learn_page(b, a->la, a->kind == ACCESS_FETCH || (walks(a) &&
                                                             (a->flags & ACCESS_CODE_SIDE)));
    for (int i = MIRROR_ITLB; b->dropped && i < MIRRORS; i++)
        for (uint32_t set = 0; set < b->mirror[i].sets; set++)
            learn_set(b, (enum blame_mirror)i, set);
}

void blame_compare(const struct blame *b)
{
    for (int i = 0; i < MIRRORS; i++) {
        const struct mirror *m = &b->mirror[i];
        for (uint32_t k = 0; k < m->sets * m->ways; k++)
            CHECK(m->tag[k] == (i < MIRROR_ITLB ? blame_cache(b, i)->tag[k]
                                                : blame_tlb(b, i)->entry[k].tag));
    }
}

/* --- the log ---------------------------------------------------------------------------------- */

/* WBINVD tells of a modified line with its address for both. */
static bool is_flushed(const struct access *a)
{
    return a->kind == ACCESS_WRITE && (a->flags & ACCESS_EVICT_DIRTY) &&
           !(a->flags & ACCESS_LOCKED);
}

static void access_seen(struct blame *b, const struct access *a)
{
    if (is_flushed(a)) {
        write_back(b, a->pa);
        return;
    }
    touch_page(b, a->la, a->kind == ACCESS_FETCH);
    if (a->level == LEVEL_DEVICE)
        return;
    if (a->kind == ACCESS_FETCH)
        fetch(b, a);
    else if (a->flags & ACCESS_LOCKED)
        locked(b, a);
    else if (a->kind == ACCESS_WRITE)
        write(b, a);
    else
        read(b, a);
}

static bool holds_flush(const struct access *a, const struct access *end)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE && (a->level == NOTE_CR3_LOAD || a->level == NOTE_TLB_FLUSH))
            return true;
    return false;
}

void blame_replay(struct blame *b, const struct cpu *c, const struct op *o)
{
    const struct access *a = c->log.list, *end = a + c->log.count;
    b->dropped = b->translated = false;
    b->walks = 0;
    b->flushes = holds_flush(a, end);
    while (a < end) {
        if (walks(a)) {
            a = walk(b, a, end);
            continue;
        }
        if (a->kind == ACCESS_NOTE)
            hear(b, c, o, a);
        else
            access_seen(b, a);
        a++;
    }
    if (b->translated)
        learn_pages(b, c->log.list, end);
    b->code_page = b->data_page = MIRROR_NONE;
    b->generation += b->translated;
}
