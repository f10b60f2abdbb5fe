/* blame_exclusive: blame on parts whose second level is exclusive, the K7 and K8.
 *
 * What their caches do is not said here once more: a shadow (shadow.h) of which nothing is ideal
 * meets each access after the machine has, one at a time, and what is in other places behind it
 * was moved by it. The second level is missed by what is on no level of the chip; a line's record
 * there tells how it left the chip. The fully associative array that it is held against takes the
 * same lines from the first level, and gives them back to it.
 *
 * TLBs have two levels, and entries of several spaces where the flush filter keeps them. What they
 * hold is seen in them when the instruction is over. */
#include "cpu/note.h"
#include "mmu/cache.h"
#include "mmu/paging.h"
#include "mmu/tlb.h"
#include "sim/core/check.h"
#include "sim/report/blame.h"

#include <stdlib.h>
#include <string.h>

#define LEFT_MAX 16 /* lines that one access displaces from the first level */
#define GLOBAL_NUMBER 15u

/* --- life ------------------------------------------------------------------------------------- */

struct blame_copy {
    struct shadow shadow;
    struct access_log log;
    uint32_t space_tag, global_tag; /* when the log begins */
    uint32_t cr3;
    uint32_t refilled; /* the page that the second level gave last; MIRROR_NONE: none in this log */
    uint32_t refilled_record; /* in the first level; MIRROR_NONE: not known */
    struct mirror *refilled_in;
    uint32_t directory[SHADOW_DIRECTORIES], directories; /* told apart by translations */
    bool kept; /* the flush filter has kept the TLBs */
};

static struct cache *copied(const struct blame *b, enum blame_mirror i)
{
    struct mmu *m = &b->copy->shadow.mmu;
    return i == MIRROR_L1I ? &m->l1i : i == MIRROR_L1D ? &m->l1d : &m->l2;
}

static void follow_state(struct blame *b)
{
    const struct mmu *m = b->cpu->mmu;
    b->copy->space_tag = m->space_tag;
    b->copy->global_tag = m->global_tag;
    b->copy->cr3 = m->cr3;
    b->copy->kept = false;
    b->copy->refilled = MIRROR_NONE;
}

/* First levels have two ways: the bytes that a hit copies are the shadow's own. */
void blame_copy_start(struct blame *b)
{
    if (!b->cpu->mmu->geometry.l2_exclusive)
        return;
    b->copy = xalloc(1, sizeof *b->copy);
    shadow_init(&b->copy->shadow, b->cpu, 0, &b->copy->log);
    for (int i = MIRROR_L1I; i <= MIRROR_L1D; i++) {
        if (b->mirror[i].ways > 8)
            usage_error("--blame: a first-level cache of %u ways; accepted are at most 8",
                        b->mirror[i].ways);
        free(b->mirror[i].lru);
        b->mirror[i].lru = copied(b, i)->lru;
    }
    const struct flush_filter *f = &b->cpu->mmu->filter;
    b->copy->directories = f->on ? f->spaces : 0; /* the mirrors' first records have its numbers */
    memcpy(b->copy->directory, f->cr3, b->copy->directories * sizeof *f->cr3);
    follow_state(b);
}

void blame_copy_free(struct blame *b)
{
    if (!b->copy)
        return;
    b->mirror[MIRROR_L1I].lru = b->mirror[MIRROR_L1D].lru = NULL;
    shadow_free(&b->copy->shadow);
    free(b->copy);
}

void blame_copy_reset(struct blame *b)
{
    struct mmu *m = &b->copy->shadow.mmu;
    b->copy->log.count = 0;
    mmu_invalidate_caches(m, false);
    m->last_miss = b->cpu->mmu->last_miss;
    m->caches_off = b->cpu->mmu->caches_off;
    follow_state(b);
}

/* --- lines ------------------------------------------------------------------------------------ */

static uint32_t line_of(const struct blame *b, paddr_t pa)
{
    return pa >> b->mirror[MIRROR_L2].shift;
}

static bool holds(const struct blame *b, enum blame_mirror i, uint32_t line)
{
    return mirror_find(&b->mirror[i], line) >= 0;
}

static bool on_chip(const struct blame *b, uint32_t line)
{
    return holds(b, MIRROR_L1I, line) || holds(b, MIRROR_L1D, line) || holds(b, MIRROR_L2, line);
}

static void set_gone(struct mirror *m, uint32_t record, enum removal how, uint32_t by)
{
    recency_record(&m->shadow, record)->gone = by << REMOVAL_BITS | how;
}

/* One set of a first level as it is now; asked: the line that it is for. Lines that left are put
 * into left. Returns how many there are. */
static unsigned sync_first(struct blame *b, enum blame_mirror i, uint32_t asked, uint32_t *left,
                           unsigned count, uint32_t by)
{
    struct mirror *m = &b->mirror[i];
    const struct cache *c = copied(b, i);
    uint32_t first = (asked & (m->sets - 1)) * m->ways;
    for (uint32_t k = first; k < first + m->ways; k++) {
        uint32_t was = m->tag[k], is = c->tag[k];
        if (was == is)
            continue;
        m->tag[k] = is;
        m->last = MIRROR_NONE;
        if (was != MIRROR_NONE) {
            set_gone(m, was, was == asked ? GIVEN_UP : REPLACED, by);
            left[count++] = was;
        }
        if (is != MIRROR_NONE) {
            set_gone(m, is, NEVER_HELD, BLAME_NOBODY);
            set_gone(&b->mirror[MIRROR_L2], is, NEVER_HELD, BLAME_NOBODY);
            recency_touch(&m->shadow, is);
        }
    }
    return count;
}

/* One set of the second level; expelled: how the line that was asked for has left, if it has. */
static void sync_second(struct blame *b, uint32_t line, uint32_t asked, enum removal expelled,
                        uint32_t by)
{
    struct mirror *m = &b->mirror[MIRROR_L2];
    const struct cache *c = copied(b, MIRROR_L2);
    uint32_t first = (line & (m->sets - 1)) * m->ways, left[32];
    unsigned count = 0;
    CHECK(m->ways <= ARRAY_COUNT(left));
    for (uint32_t k = first; k < first + m->ways; k++) {
        if (m->tag[k] == c->tag[k])
            continue;
        if (m->tag[k] != MIRROR_NONE)
            left[count++] = m->tag[k];
        m->tag[k] = c->tag[k];
        if (c->tag[k] != MIRROR_NONE)
            set_gone(m, c->tag[k], NEVER_HELD, BLAME_NOBODY);
    }
    for (unsigned i = 0; i < count; i++)
        if (!on_chip(b, left[i]))
            set_gone(m, left[i], left[i] == asked ? expelled : REPLACED, by);
}

/* What an access to a line, or its prefetch, has moved. */
static void follow(struct blame *b, uint32_t line, enum removal expelled, uint32_t by)
{
    struct mirror *l2 = &b->mirror[MIRROR_L2];
    bool code = holds(b, MIRROR_L1I, line), data = holds(b, MIRROR_L1D, line);
    uint32_t left[LEFT_MAX];
    unsigned count = sync_first(b, MIRROR_L1I, line, left, 0, by);
    count = sync_first(b, MIRROR_L1D, line, left, count, by);
    bool came = (!code && holds(b, MIRROR_L1I, line)) || (!data && holds(b, MIRROR_L1D, line));
    if ((code && !holds(b, MIRROR_L1I, line)) || (data && !holds(b, MIRROR_L1D, line)))
        if (came || cache_find(copied(b, MIRROR_L2), line << l2->shift) >= 0)
            recency_put(&l2->shadow, line); /* by way of the second level */
    if (came)
        recency_remove(&l2->shadow, line);
    sync_second(b, line, line, expelled, by);
    for (unsigned i = 0; i < count; i++) {
        if (left[i] == line || cache_find(copied(b, MIRROR_L2), left[i] << l2->shift) < 0)
            continue; /* or went past the second level */
        recency_put(&l2->shadow, left[i]);
        sync_second(b, left[i], line, expelled, by);
    }
    for (unsigned i = 0; i < count; i++)
        if (!on_chip(b, left[i]))
            set_gone(l2, left[i], left[i] == line ? expelled : REPLACED, by);
}

/* --- accesses --------------------------------------------------------------------------------- */

static bool is_dram(const struct access *a)
{
    return a->level >= LEVEL_DRAM_HIT && a->level <= LEVEL_DRAM_MISS;
}

/* Which misses it has, before anything moves. The outermost one is who waits for the line later. */
static void count_misses(struct blame *b, const struct access *a, uint32_t line)
{
    bool code = a->kind == ACCESS_FETCH, pays = code || a->kind <= ACCESS_RMW;
    bool write = a->kind == ACCESS_WRITE, outside = write && a->flags & ACCESS_LINE_SHARED;
    enum blame_mirror first = code ? MIRROR_L1I : MIRROR_L1D;
    pays &= !write;
    if (a->level == LEVEL_L1)
        return;
    if (a->kind != ACCESS_WALK && !holds(b, first, line))
        blame_missed_line(b, first, code ? BLAME_L1I : write ? BLAME_L1D_WRITE : BLAME_L1D, line,
                          !pays || is_dram(a) ? BUCKET_NONE
                          : code              ? BUCKET_FETCH_L2
                                              : BUCKET_DATA_L2);
    if (is_dram(a))
        blame_missed_line(b, MIRROR_L2, outside ? BLAME_L2_WRITE : BLAME_L2, line,
                          !pays  ? BUCKET_NONE
                          : code ? BUCKET_FETCH_DRAM
                                 : BUCKET_DATA_DRAM);
    if (b->misses && !outside)
        b->miss[b->misses - 1].line = line;
}

static void touch(struct mirror *m, uint32_t line)
{
    if (m->last == line)
        return;
    m->last = line;
    recency_touch(&m->shadow, line);
}

/* Lines that came unasked, as the shadow tells. */
static void follow_prefetches(struct blame *b, uint32_t asked, uint32_t by)
{
    const struct access_log *l = &b->copy->log;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct access *n = &l->list[i];
        if (n->kind != ACCESS_NOTE || n->level != NOTE_LINE_PREFETCHED)
            continue;
        uint32_t line = line_of(b, n->pa);
        follow(b, line, GIVEN_UP, by);
        if (!(n->flags & ACCESS_CODE_SIDE))
            recency_put(&b->mirror[MIRROR_L2].shadow, line);
        if (b->misses && b->miss[b->misses - 1].line == asked)
            b->miss[b->misses - 1].also = line;
    }
}

static void meet(struct blame *b, const struct cpu *c, const struct access *a)
{
    struct access_log *l = &b->copy->log;
    uint32_t line = line_of(b, a->pa), by = blame_who_runs(b);
    struct mirror *first = &b->mirror[a->kind == ACCESS_FETCH ? MIRROR_L1I : MIRROR_L1D];
    struct mirror *l2 = &b->mirror[MIRROR_L2];
    count_misses(b, a, line);
    l->count = 0;
    shadow_meet_one(&b->copy->shadow, c, a);
    const struct access *mine = &l->list[l->count - 1];
    CHECK(is_dram(mine) ? is_dram(a) : mine->level == a->level);
    if (a->level != LEVEL_L1)
        follow(b, line, GIVEN_UP, by);
    if (mirror_find(first, line) >= 0)
        touch(first, line);
    else if (a->kind != ACCESS_WALK)
        mirror_pass(first, line);
    if (a->level != LEVEL_L1 && a->kind == ACCESS_WALK && holds(b, MIRROR_L2, line))
        recency_put(&l2->shadow, line);
    else if (!on_chip(b, line))
        mirror_pass(l2, line);
    follow_prefetches(b, line, by);
}

/* --- translations ----------------------------------------------------------------------------- */

static const enum blame_mirror all_tlbs[] = {MIRROR_ITLB, MIRROR_DTLB, MIRROR_LARGE,
                                             MIRROR_CODE_LARGE, MIRROR_ITLB2, MIRROR_DTLB2};

static uint32_t directory_number(struct blame_copy *y, uint32_t cr3)
{
    uint32_t i = 0;
    while (i < y->directories && y->directory[i] != cr3)
        i++;
    if (i == y->directories && i < SHADOW_DIRECTORIES)
        y->directory[y->directories++] = cr3;
    i %= SHADOW_DIRECTORIES;
    return i < GLOBAL_NUMBER ? i : i + 1;
}

/* The page that an entry's tag names: with the flush filter in force, of its directory. */
static uint32_t key_of(struct blame *b, uint32_t tag)
{
    const struct flush_filter *f = &b->cpu->mmu->filter;
    uint32_t space = tag >> TAG_SPACE_SHIFT, page = tag & TAG_ADDRESS;
    if (!f->on || space == GLOBAL_NUMBER)
        return tag;
    CHECK(space < FILTER_SPACES);
    return directory_number(b->copy, f->cr3[space]) << TAG_SPACE_SHIFT | page;
}

static int find_in(const struct blame *b, enum blame_mirror i, uint32_t unit)
{
    const struct mirror *m = &b->mirror[i];
    int at = mirror_find(m, b->copy->space_tag | unit);
    return at < 0 && b->copy->global_tag ? mirror_find(m, b->copy->global_tag | unit) : at;
}

static uint32_t unit_of(const struct blame *b, enum blame_mirror i, laddr_t la)
{
    bool large = i == MIRROR_LARGE || i == MIRROR_CODE_LARGE;
    return la >> (large ? b->cpu->mmu->large_shift : 12);
}

/* The record of the page that holds la in a first level; its array. */
bool blame_copy_find(const struct blame *b, uint32_t page, bool code, struct mirror **m,
                     uint32_t *record)
{
    enum blame_mirror small = code ? MIRROR_ITLB : MIRROR_DTLB;
    enum blame_mirror large = code ? MIRROR_CODE_LARGE : MIRROR_LARGE;
    enum blame_mirror i = small;
    int at = find_in(b, small, page);
    if (at < 0)
        at = find_in(b, i = large, unit_of(b, large, page << 12));
    *m = (struct mirror *)(uintptr_t)&b->mirror[i];
    *record = at < 0 ? MIRROR_NONE : (*m)->record[at];
    return at >= 0;
}

static struct blame_miss *missed_page(struct blame *b, enum blame_mirror i, uint32_t unit,
                                      uint32_t record, enum blame_bucket bucket)
{
    static const uint8_t arrays[MIRRORS] = {
        [MIRROR_ITLB] = BLAME_ITLB,   [MIRROR_DTLB] = BLAME_DTLB,
        [MIRROR_LARGE] = BLAME_DTLB_LARGE, [MIRROR_CODE_LARGE] = BLAME_ITLB_LARGE,
        [MIRROR_ITLB2] = BLAME_ITLB2, [MIRROR_DTLB2] = BLAME_DTLB2,
    };
    return blame_missed_record(b, &b->mirror[i], (enum blame_array)arrays[i], unit, record, bucket);
}

/* The second level gave the page. */
static void refilled(struct blame *b, const struct access *a)
{
    bool code = a->flags & ACCESS_CODE_SIDE;
    enum blame_mirror first = code ? MIRROR_ITLB : MIRROR_DTLB;
    struct mirror *m = &b->mirror[first], *second = &b->mirror[code ? MIRROR_ITLB2 : MIRROR_DTLB2];
    int at = find_in(b, code ? MIRROR_ITLB2 : MIRROR_DTLB2, a->la >> 12);
    b->copy->refilled = a->la >> 12;
    b->copy->refilled_record = MIRROR_NONE;
    b->copy->refilled_in = m;
    b->translated = true;
    if (at < 0) /* it was learnt too late */
        return;
    uint64_t key = second->key[second->record[at]];
    uint32_t record = mirror_translation(m, (uint32_t)(key >> 32), (uint32_t)key);
    recency_touch(&second->shadow, second->record[at]);
    b->copy->refilled_record = record;
    missed_page(b, first, a->la >> 12, record, code ? BUCKET_ITLB : BUCKET_DTLB);
}

/* What the second level had given to a first was there for a moment. */
static void lose_refilled(struct blame *b, enum removal how, uint32_t by)
{
    struct blame_copy *y = b->copy;
    if (y->refilled_record == MIRROR_NONE)
        return;
    recency_touch(&y->refilled_in->shadow, y->refilled_record);
    set_gone(y->refilled_in, y->refilled_record, how, by);
}

/* The entry was there, but clean: the walk set D. What the tables say now has replaced it. */
static struct blame_miss *dirtied(struct blame *b, laddr_t la, bool code, uint32_t frame)
{
    static const enum blame_mirror first[2][2] = {{MIRROR_DTLB, MIRROR_LARGE},
                                                  {MIRROR_ITLB, MIRROR_CODE_LARGE}};
    for (unsigned n = 0; n < 2; n++) {
        struct mirror *m = &b->mirror[first[code][n]];
        int at = find_in(b, first[code][n], unit_of(b, first[code][n], la));
        if (at >= 0 && (uint32_t)m->key[m->record[at]] != frame)
            mirror_drop(m, (uint32_t)at, REPLACED, blame_who_runs(b));
    }
    const struct blame_copy *y = b->copy;
    if (y->refilled == la >> 12 && y->refilled_record != MIRROR_NONE &&
        (uint32_t)y->refilled_in->key[y->refilled_record] != frame)
        lose_refilled(b, REPLACED, blame_who_runs(b));
    return blame_add_miss(b, code ? BLAME_ITLB : BLAME_DTLB, BLAME_DIRTY,
                          code ? BUCKET_ITLB : BUCKET_DTLB);
}

/* A walk that found a translation. */
static struct blame_miss *walked(struct blame *b, laddr_t la, bool code)
{
    const struct mmu *m = b->cpu->mmu;
    enum blame_mirror small = code ? MIRROR_ITLB : MIRROR_DTLB;
    enum blame_mirror second = code ? MIRROR_ITLB2 : MIRROR_DTLB2;
    enum blame_mirror large = code ? MIRROR_CODE_LARGE : MIRROR_LARGE;
    enum blame_bucket bucket = code ? BUCKET_ITLB : BUCKET_DTLB;
    struct translation t = {.page = 0};
    paddr_t at[2];
    struct mirror *held;
    uint32_t record;
    paging_trace(m, b->copy->cr3, la, &t, at);
    uint32_t tag = t.flags & TLB_GLOBAL ? b->copy->global_tag : b->copy->space_tag;
    bool is_large = t.flags & TLB_LARGE && b->mirror[large].sets && !t.mixed;
    enum blame_mirror to = is_large ? large : small;
    uint32_t unit = unit_of(b, to, la), frame = t.page;
    if (t.flags & TLB_LARGE && !is_large)
        frame += la >> 12 & ((1u << (m->large_shift - 12)) - 1);
    if (blame_copy_find(b, la >> 12, code, &held, &record) || b->copy->refilled == la >> 12)
        return dirtied(b, la, code, frame);
    uint32_t key = key_of(b, tag | unit);
    bool both = !(t.flags & TLB_LARGE) && b->mirror[second].sets;
    struct blame_miss *miss =
        missed_page(b, to, unit, mirror_translation(&b->mirror[to], key, frame),
                    both ? BUCKET_NONE : bucket);
    if (!both)
        return miss;
    record = mirror_translation(&b->mirror[second], key, frame);
    return missed_page(b, second, unit, record, bucket);
}

static bool walks(const struct access *a)
{
    return a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE;
}

/* One walk, of one or two entries, and their updates; returns the first entry behind it. */
static const struct access *walk(struct blame *b, const struct cpu *c, const struct access *a,
                                 const struct access *end)
{
    const struct access *first = a, *entry = NULL;
    bool code = a->flags & ACCESS_CODE_SIDE, updates = false;
    unsigned levels = 0;
    for (; a < end && walks(a) && a->la == first->la && !(a->flags & ACCESS_CODE_SIDE) == !code;
         a++) {
        bool reads = a->kind == ACCESS_WALK;
        if (reads && entry && (levels == 2 || a->pa == entry->pa))
            break;
        levels += reads;
        updates |= !reads;
        entry = reads ? a : entry;
        if (a->level != LEVEL_DEVICE)
            meet(b, c, a);
    }
    bool fault = a < end && a->kind == ACCESS_NOTE && a->level == NOTE_PAGE_FAULT;
    struct blame_miss *m = fault ? blame_add_miss(b, code ? BLAME_ITLB : BLAME_DTLB, BLAME_FAULT,
                                                  code ? BUCKET_ITLB : BUCKET_DTLB)
                                 : walked(b, first->la, code);
    m->updates = updates;
    b->sharers[BUCKET_UPDATE] += updates;
    b->translated = true;
    return a;
}

/* --- what the TLBs hold now ------------------------------------------------------------------- */

/* What is gone from the TLBs, of a page or (MIRROR_NONE) any, was emptied. */
static void drop_gone(struct blame *b, uint32_t page, uint32_t by)
{
    for (unsigned n = 0; n < ARRAY_COUNT(all_tlbs); n++) {
        struct mirror *m = &b->mirror[all_tlbs[n]];
        const struct tlb *t = blame_tlb(b, all_tlbs[n]);
        uint32_t unit = unit_of(b, all_tlbs[n], page << 12);
        for (uint32_t k = 0; k < m->sets * m->ways; k++) {
            bool of_page = (m->tag[k] & TAG_ADDRESS) == unit || m->split[k];
            if (m->tag[k] != MIRROR_NONE && m->tag[k] != t->entry[k].tag &&
                (page == MIRROR_NONE || of_page))
                mirror_drop(m, k, FLUSHED, by);
        }
    }
    b->dropped = b->translated = true;
}

static void learn_entry(struct blame *b, struct mirror *m, const struct tlb *t, uint32_t k)
{
    const struct tlb_entry *e = &t->entry[k];
    if (m->tag[k] == e->tag && (e->tag == TLB_INVALID || (uint32_t)m->key[m->record[k]] == e->page))
        return;
    if (m->tag[k] != MIRROR_NONE)
        mirror_drop(m, k, REPLACED, blame_who_runs(b));
    if (e->tag == TLB_INVALID)
        return;
    uint32_t record = mirror_translation(m, key_of(b, e->tag), e->page);
    m->tag[k] = e->tag;
    m->record[k] = record;
    m->split[k] = e->flags & TLB_LARGE && m != &b->mirror[MIRROR_LARGE] &&
                  m != &b->mirror[MIRROR_CODE_LARGE];
    set_gone(m, record, NEVER_HELD, BLAME_NOBODY);
    m->last = MIRROR_NONE;
    recency_touch(&m->shadow, record);
}

static void learn_set(struct blame *b, enum blame_mirror i, uint32_t unit)
{
    struct mirror *m = &b->mirror[i];
    uint32_t set = m->sets ? unit & (m->sets - 1) : 0;
    for (uint32_t k = set * m->ways; k < (set + 1) * m->ways && m->sets; k++)
        learn_entry(b, m, blame_tlb(b, i), k);
}

void blame_copy_learn(struct blame *b)
{
    for (unsigned n = 0; n < ARRAY_COUNT(all_tlbs); n++)
        for (uint32_t set = 0; set < b->mirror[all_tlbs[n]].sets; set++)
            learn_set(b, all_tlbs[n], set);
}

static void learn(struct blame *b, const struct access *a, const struct access *end)
{
    if (b->dropped) {
        blame_copy_learn(b);
        return;
    }
    for (; a < end; a++)
        for (unsigned n = 0; n < ARRAY_COUNT(all_tlbs); n++)
            if (walks(a) || (a->kind == ACCESS_NOTE && a->level == NOTE_TLB_REFILL))
                learn_set(b, all_tlbs[n], unit_of(b, all_tlbs[n], a->la));
}

/* --- the log ---------------------------------------------------------------------------------- */

static void empty_caches(struct blame *b, const struct cpu *c, const struct access *a, uint32_t by)
{
    b->copy->log.count = 0;
    shadow_meet_one(&b->copy->shadow, c, a);
    struct mirror *l2 = &b->mirror[MIRROR_L2];
    for (int i = MIRROR_L1I; i <= MIRROR_L1D; i++) {
        struct mirror *m = &b->mirror[i];
        for (uint32_t k = 0; k < m->sets * m->ways; k++)
            if (m->tag[k] != MIRROR_NONE)
                set_gone(l2, m->tag[k], FLUSHED, by);
        mirror_flush(m, FLUSHED, by);
    }
    mirror_flush(l2, FLUSHED, by);
}

static void flush_line(struct blame *b, const struct cpu *c, const struct access *a, uint32_t by)
{
    paddr_t pa;
    if (!mmu_translate_peek(c->mmu, a->la, &pa))
        return;
    uint32_t line = line_of(b, pa);
    b->copy->log.count = 0;
    shadow_meet_one(&b->copy->shadow, c, a);
    bool held[] = {holds(b, MIRROR_L1I, line), holds(b, MIRROR_L1D, line)};
    follow(b, line, FLUSHED, by);
    for (int i = MIRROR_L1I; i <= MIRROR_L1D; i++)
        if (held[i - MIRROR_L1I])
            set_gone(&b->mirror[i], line, FLUSHED, by);
}

/* A prefetch instruction's line: nobody has missed it yet. */
static void requested(struct blame *b, const struct cpu *c, const struct access *a)
{
    uint32_t line = line_of(b, a->pa);
    b->copy->log.count = 0;
    shadow_meet_one(&b->copy->shadow, c, a);
    follow(b, line, GIVEN_UP, blame_who_runs(b));
    if (holds(b, MIRROR_L1D, line))
        touch(&b->mirror[MIRROR_L1D], line);
}

static void page_fault(struct blame *b, uint32_t page, uint32_t by)
{
    if (b->copy->refilled == page)
        lose_refilled(b, FLUSHED, by);
    drop_gone(b, page, by);
}

static void hear(struct blame *b, const struct cpu *c, const struct op *o, const struct access *a)
{
    switch (a->level) {
    case NOTE_TLB_REFILL: refilled(b, a); break;
    case NOTE_LINE_PREFETCHED:
        if (a->flags & ACCESS_BY_REQUEST)
            requested(b, c, a);
        break;
    case NOTE_TLBS_KEPT: b->copy->kept = true; break;
    case NOTE_CR3_LOAD:
        if (b->paging && !b->copy->kept)
            drop_gone(b, MIRROR_NONE, blame_doer(b, c, o, DEED_CR3));
        follow_state(b);
        b->translated = true;
        break;
    case NOTE_TLB_FLUSH:
        drop_gone(b, MIRROR_NONE, blame_doer(b, c, o, DEED_CONTROL));
        b->paging = c->mmu->paging;
        follow_state(b);
        break;
    case NOTE_TLB_DROP: drop_gone(b, a->la >> 12, blame_doer(b, c, o, DEED_INVLPG)); break;
    case NOTE_PAGE_FAULT: page_fault(b, a->la >> 12, blame_doer(b, c, o, DEED_PAGE_FAULT)); break;
    case NOTE_CACHE_FLUSH:
        empty_caches(b, c, a, blame_doer(b, c, o, DEED_CACHE_FLUSH));
        break;
    case NOTE_LINE_FLUSH: flush_line(b, c, a, blame_doer(b, c, o, DEED_LINE_FLUSH)); break;
    default: break;
    }
}

static void touch_page(struct blame *b, const struct access *a)
{
    struct mirror *m;
    uint32_t record;
    if (b->paging && blame_copy_find(b, a->la >> 12, a->kind == ACCESS_FETCH, &m, &record))
        touch(m, record);
}

void blame_copy_replay(struct blame *b, const struct cpu *c, const struct op *o)
{
    const struct access *begin = c->log.list, *a = begin, *end = a + c->log.count;
    b->dropped = b->translated = false;
    b->copy->shadow.mmu.caches_off = b->caches_off;
    while (a < end) {
        if (walks(a)) {
            a = walk(b, c, a, end);
            continue;
        }
        if (a->kind == ACCESS_NOTE) {
            hear(b, c, o, a);
        } else {
            touch_page(b, a);
            if (a->level != LEVEL_DEVICE)
                meet(b, c, a);
        }
        a++;
    }
    if (b->translated)
        learn(b, begin, end);
    follow_state(b);
    b->copy->shadow.mmu.caches_off = c->mmu->caches_off;
    b->code_page = b->data_page = MIRROR_NONE;
    b->generation += b->translated;
}
