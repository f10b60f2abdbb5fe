/* kernel_mapping_test.c: the kernel's lists of mappings against a naive model of map, grant and
 * unmap.
 *
 * The kernel's own files are compiled for this host in 32 bits, with its direct map at the very
 * addresses that it has in the kernel; page tables and a TLB are this file's. The model knows 4 KB
 * pages only: a 4 MB mapping is 1024 records in it, each derived from one of 1024. Hence it has
 * nothing of what is hard in the kernel: preorder lists, 4 MB pages and their splitting, bits that
 * wait in page tables.
 *
 *     kernel_mapping_test [operations [seed]]
 */
#include "api/kip.h"
#include "api/mapping_tree.h"
#include "debugger/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPACES 5
#define SLOTS 4
#define PAGES (SLOTS * 1024u)       /* of each space, from address 0 */
#define FRAME_BASE 0x10000000u      /* the frames that are mapped: as many, from here */
#define KIP_PAGE 0xC05u
#define UTCB_PAGE 0xC10u            /* two of them */
#define SIGMA0 SPACES
#define DEPTH 70001u
#define KERNEL_MEMORY (64u << 20)

struct kernel kernel;
struct kip kip;
static struct space *spaces[SPACES + 1];
static unsigned long seed, operation;

static void fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "operation %lu, seed %lu: ", operation, seed);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    abort();
}

void panic(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fail("panic");
    abort();
}

void ipc_redirector_changed(struct space *s) { (void)s; }
void ports_hide(const struct space *s) { (void)s; }

/* --- page tables and TLB as the processor has them -------------------------------------------- */
struct tlb_entry {
    bool valid;
    pte_t entry; /* with A and D as they were when it was loaded */
};
static struct tlb_entry tlb_small[SPACES + 1][PAGES], tlb_large[SPACES + 1][SLOTS];

static unsigned space_index(const struct space *s)
{
    for (unsigned i = 0; i <= SPACES; i++)
        if (spaces[i] == s)
            return i;
    return SPACES + 1;
}

bool arch_space_init(struct space *s)
{
    void *directory = kmem_frames(2);
    if (directory)
        s->directory = physical(directory);
    return directory;
}

void arch_space_free(struct space *s)
{
    for (unsigned i = 0; i < USER_END >> 22; i++) {
        pte_t e = directory_of(s)[i];
        if ((e & PTE_P) && !(e & PTE_S))
            kmem_frames_free(direct(e & ~0xFFFu), 2);
        if ((e & PTE_S) && !s->is_sigma0)
            fail("4 MB page left in a deleted space");
    }
    kmem_frames_free(directory_of(s), 2);
}

pte_t *page_entry(struct space *s, vaddr_t va, bool create, bool *large)
{
    pte_t *e = &directory_of(s)[va >> 22];
    *large = *e & PTE_S;
    if (*large)
        return e;
    if (!(*e & PTE_P)) {
        void *table = create ? kmem_frames(2) : NULL;
        if (!table)
            return NULL;
        *e = physical(table) | PTE_P | PTE_W | PTE_U;
    }
    return (pte_t *)direct(*e & ~0xFFFu) + (va >> 12 & 1023);
}

void small_area_changed(struct space *s) { (void)s; }
void space_segments(struct space *s) { (void)s; }
void *frame_window(paddr_t pa) { return direct(pa); }

void tlb_flush_page(struct space *s, vaddr_t va)
{
    unsigned i = space_index(s);
    if (i > SPACES || va / PAGE_SIZE >= PAGES)
        return;
    tlb_small[i][va / PAGE_SIZE].valid = false;
    tlb_large[i][va / LARGE_PAGE_SIZE].valid = false;
}

static void check_tlb_entry(unsigned space, vaddr_t va, const struct tlb_entry *t, bool large)
{
    if (!t->valid)
        return;
    bool is_large;
    pte_t *e = page_entry(spaces[space], va, false, &is_large);
    if (!e || !(*e & PTE_P) || is_large != large)
        fail("space %u, %08x: stale TLB entry", space, va);
    pte_t must = PTE_CACHE | 0xFFFFF000u, gained = t->entry & ~*e;
    if (((*e ^ t->entry) & must) || (gained & (PTE_W | PTE_A | PTE_D)))
        fail("space %u, %08x: TLB has %08x, page table %08x", space, va, t->entry, *e);
}

static void check_tlb(void)
{
    for (unsigned s = 0; s < SPACES; s++) {
        for (unsigned i = 0; i < SLOTS; i++)
            check_tlb_entry(s, i * LARGE_PAGE_SIZE, &tlb_large[s][i], true);
        for (unsigned i = 0; i < PAGES; i++)
            check_tlb_entry(s, i * PAGE_SIZE, &tlb_small[s][i], false);
    }
}

/* A switch of spaces flushes what the TLB holds of the old one. */
static void activate(unsigned space)
{
    if (kernel.active_space == spaces[space])
        return;
    unsigned old = space_index(kernel.active_space);
    if (kernel.active_space && old <= SPACES) {
        memset(tlb_small[old], 0, sizeof tlb_small[old]);
        memset(tlb_large[old], 0, sizeof tlb_large[old]);
    }
    kernel.active_space = spaces[space];
}

/* The program in `space` reads or writes: 0 fault, 1 done, 2 done through a 4 MB page. */
static int access_page(unsigned space, unsigned page, bool write)
{
    bool large;
    activate(space);
    pte_t *e = page_entry(spaces[space], page * PAGE_SIZE, false, &large);
    struct tlb_entry *t = large ? &tlb_large[space][page / 1024] : &tlb_small[space][page];
    if (!t->valid || (write && !(t->entry & PTE_D))) {
        if (!e || !(*e & PTE_P) || (write && !(*e & PTE_W)))
            return 0;
        *e |= write ? PTE_A | PTE_D : PTE_A;
        *t = (struct tlb_entry){true, *e};
    }
    return large ? 2 : 1;
}

/* --- the model -------------------------------------------------------------------------------- */
struct record {
    bool held, write;
    uint16_t frame;
    int parent; /* record number; -1: sigma0 */
    uint8_t status, cache;
};
static struct record records[SPACES * PAGES];
static uint8_t sigma0_cache[PAGES];
static int holders[PAGES][SPACES * 64]; /* of each frame */
static int holder_count[PAGES];

static bool model_reserved(unsigned page)
{
    return page == KIP_PAGE || (page & ~1u) == UTCB_PAGE;
}

static void model_hold(int r, struct record value)
{
    if (holder_count[value.frame] == SPACES * 64)
        fail("the model has no room");
    holders[value.frame][holder_count[value.frame]++] = r;
    records[r] = value;
}

static void model_drop(int r)
{
    int frame = records[r].frame, *list = holders[frame];
    for (int i = 0; i < holder_count[frame]; i++)
        if (list[i] == r) {
            list[i] = list[--holder_count[frame]];
            break;
        }
    records[r].held = false;
}

static bool model_derives(int r, int above)
{
    if (r < 0)
        return false;
    for (r = records[r].parent; r >= 0; r = records[r].parent)
        if (r == above)
            return true;
    return false;
}

/* Gives all children of r another parent. */
static void model_adopt(int r, int parent)
{
    int frame = records[r].frame;
    for (int i = 0; i < holder_count[frame]; i++)
        if (records[holders[frame][i]].parent == r)
            records[holders[frame][i]].parent = parent;
}

/* Revokes from what is derived from r (-1: everything of the frame), and from r if self. */
static void model_revoke(int frame, int r, unsigned rights, bool self)
{
    int gone[SPACES * 64], count = 0;
    for (int i = 0; i < holder_count[frame]; i++) {
        int h = holders[frame][i];
        if (r < 0 || (self && h == r) || model_derives(h, r))
            gone[count++] = h;
    }
    for (int i = 0; i < count; i++) {
        if (rights & RIGHT_R)
            model_drop(gone[i]);
        else if (rights & RIGHT_W)
            records[gone[i]].write = false;
    }
}

static void model_place(unsigned from, unsigned from_page, unsigned to, unsigned to_page,
                        unsigned rights, bool grant)
{
    int s = from == SIGMA0 ? -1 : (int)(from * PAGES + from_page), d = (int)(to * PAGES + to_page);
    struct record src = {true, true, (uint16_t)from_page, -1, 0, sigma0_cache[from_page]};
    if (s >= 0)
        src = records[s];
    if (!src.held || model_reserved(to_page) || !(rights & 7))
        return;
    if (s < 0)
        grant = false;
    bool write = src.write && (rights & RIGHT_W);
    if (records[d].held && records[d].frame == src.frame) {
        if (d == s || (!grant && (records[d].write || !write)))
            return;
        if (model_derives(s, d)) {
            if (grant) {
                model_adopt(s, src.parent);
                model_drop(s);
            }
            return;
        }
        if (!grant && records[d].parent == s) {
            records[d].write = true;
            return;
        }
        if (grant && model_derives(d, s)) {
            write |= records[d].write;
            model_adopt(d, records[d].parent);
            model_drop(d);
        }
    }
    if (records[d].held) {
        model_revoke(records[d].frame, d, 7, true);
        if (s >= 0 && !records[s].held)
            return;
    }
    struct record value = src;
    value.write = write;
    if (grant) {
        model_drop(s);
        model_hold(d, value);
        model_adopt(s, d);
        return;
    }
    value.parent = s;
    value.status = 0;
    model_hold(d, value);
}

/* First address and size of an fpage; of the whole space it is what the test looks at. */
static uint64_t fpage_size(fpage_t f)
{
    unsigned log2 = f >> 4 & 63;
    return log2 == 1 ? 1ull << 32 : 1ull << log2;
}

static uint64_t fpage_base(fpage_t f)
{
    return (f & ~0x3FFull) / fpage_size(f) * fpage_size(f);
}

static void model_map(unsigned from, fpage_t send, word_t base, unsigned to, fpage_t window,
                      bool grant)
{
    uint64_t s = fpage_base(send), s_size = fpage_size(send);
    uint64_t w = fpage_base(window), w_size = fpage_size(window), size = s_size;
    if (s_size > w_size) {
        size = w_size;
        s += base % s_size / w_size * w_size;
    } else {
        w += base % w_size / s_size * s_size;
    }
    if (from == SIGMA0)
        s -= FRAME_BASE;
    for (uint64_t i = 0; i < size; i += PAGE_SIZE) {
        if (s + i >= PAGES * (uint64_t)PAGE_SIZE || w + i >= PAGES * (uint64_t)PAGE_SIZE)
            break;
        model_place(from, (unsigned)((s + i) / PAGE_SIZE), to, (unsigned)((w + i) / PAGE_SIZE),
                    send & 7, grant);
    }
}

static unsigned model_unmap(unsigned space, fpage_t f, bool flush)
{
    uint64_t first = fpage_base(f), size = fpage_size(f);
    unsigned used = 0, rights = f & 7;
    for (uint64_t a = first; a < first + size; a += PAGE_SIZE) {
        uint64_t page = (space == SIGMA0 ? a - FRAME_BASE : a) / PAGE_SIZE;
        if (page >= PAGES)
            break;
        int r = (int)(space * PAGES + page);
        if (space == SIGMA0) {
            model_revoke((int)page, -1, rights, true);
        } else if (records[r].held) {
            used |= records[r].status;
            records[r].status = 0;
            model_revoke(records[r].frame, r, rights, flush);
        }
    }
    return used;
}

static void model_use(int r, unsigned bits)
{
    for (; r >= 0; r = records[r].parent)
        records[r].status |= bits;
}

static void model_attribute(unsigned space, fpage_t f, uint8_t bits)
{
    uint64_t first = fpage_base(f), size = fpage_size(f);
    for (uint64_t a = first; a < first + size; a += PAGE_SIZE) {
        uint64_t page = (space == SIGMA0 ? a - FRAME_BASE : a) / PAGE_SIZE;
        if (page >= PAGES)
            break;
        int r = space == SIGMA0 ? -1 : (int)(space * PAGES + page);
        if (r >= 0 && !records[r].held)
            continue;
        int frame = r < 0 ? (int)page : records[r].frame;
        if (r < 0)
            sigma0_cache[page] = bits;
        for (int i = 0; i < holder_count[frame]; i++) {
            int h = holders[frame][i];
            if (r < 0 || h == r || model_derives(h, r))
                records[h].cache = bits;
        }
    }
}

/* --- checks ----------------------------------------------------------------------------------- */
/* Nodes beside the lists: of the page table that is ready for the split of n. */
static unsigned nodes_ready(const struct mapping *n)
{
    unsigned nodes = 0;
    for (unsigned i = 0; (n->va & MAPPING_LARGE) && n->table && i < FRAMES_PER_LARGE; i++)
        nodes += *page_node(&n->table[i]) != NULL;
    return nodes;
}

static unsigned check_lists(void)
{
    unsigned nodes = 0, ready = 0;
    for (unsigned i = 0; i < MAPPING_REGIONS; i++) {
        struct mapping *before = NULL;
        for (struct mapping *n = kernel.regions[i].first; n; before = n, n = n->next, nodes++) {
            struct mapping *p = before;
            while (p && p->depth >= n->depth)
                p = p->parent;
            if (n->prev != before || n->parent != p || n->depth != (p ? p->depth + 1 : 1))
                fail("region %x: list or tree broken at %08x, depth %u", i, n->va, n->depth);
            bool large;
            pte_t *e = page_entry(n->space, n->va, false, &large);
            if (!e || !(*e & PTE_P) || large != (n->va & MAPPING_LARGE) || *page_node(e) != n ||
                n->va >> MAPPING_PENDING & ALL_RIGHTS)
                fail("region %x: node and entry at %08x disagree", i, n->va);
            paddr_t low = *e & ~(large ? LARGE_PAGE_SIZE - 1 : PAGE_SIZE - 1);
            if (low / LARGE_PAGE_SIZE != i)
                fail("region %x: a node of another region", i);
            if (p && (mapping_frame(p) > low || (!(p->va & MAPPING_LARGE) &&
                      (large || mapping_frame(p) != low))))
                fail("region %x: %08x derived from another frame", i, n->va);
            ready += nodes_ready(n);
        }
    }
    if (nodes + ready != kmem_pool_used(&kernel.mapping_pool))
        fail("%u nodes in lists, %u ready for splits, %u in use", nodes, ready,
             kmem_pool_used(&kernel.mapping_pool));
    return nodes;
}

static void compare_page(unsigned space, unsigned page)
{
    const struct record *r = &records[space * PAGES + page];
    struct held h;
    bool held = held_at(spaces[space], page * PAGE_SIZE, &h) && h.node;
    if (held != r->held)
        fail("space %u page %x: held %d, model %d", space, page, held, r->held);
    if (!held)
        return;
    if (h.frame != FRAME_BASE + r->frame * PAGE_SIZE)
        fail("space %u page %x: frame %08x, model %x", space, page, h.frame, r->frame);
    if (!(*h.entry & PTE_W) == r->write)
        fail("space %u page %x: write differs, model %d", space, page, r->write);
    if ((*h.entry & PTE_CACHE) != r->cache)
        fail("space %u page %x: cache bits %08x, model %x", space, page, *h.entry, r->cache);
    int parent = -1;
    if (h.node->parent) {
        const struct mapping *p = h.node->parent;
        parent = (int)(space_index(p->space) * PAGES + p->va / PAGE_SIZE);
        parent += p->va & MAPPING_LARGE ? (int)(h.frame / PAGE_SIZE % 1024) : 0;
    }
    if (parent != r->parent)
        fail("space %u page %x: parent %x, model %x", space, page, parent, r->parent);
}

static void compare_all(void)
{
    check_lists();
    check_tlb();
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned page = 0; page < PAGES; page++)
            compare_page(s, page);
}

/* --- random operations ------------------------------------------------------------------------ */
static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (unsigned)((z ^ z >> 31) >> 33) % n;
}

static unsigned random_page(void)
{
    unsigned page = random_below(3) ? random_below(SLOTS) * 1024 + random_below(6) * 3
                                    : random_below(PAGES);
    return random_below(20) ? page : KIP_PAGE - 2 + random_below(16);
}

static fpage_t random_fpage(bool large, bool complete)
{
    static const unsigned sizes[] = {12, 12, 12, 12, 12, 13, 14, 16, 18, 21, 22, 22, 23, 24};
    unsigned log2 = sizes[random_below(large ? 14 : 10)], page = random_page();
    if (complete && random_below(4) == 0)
        return FPAGE_COMPLETE;
    if (log2 >= 22 && random_below(3))
        log2 = 22;
    return page * PAGE_SIZE >> log2 << log2 | log2 << 4;
}

static fpage_t random_rights(void)
{
    static const unsigned rights[] = {7, 7, 7, 7, 6, 5, 4, 2, 1, 0, 3};
    return rights[random_below(sizeof rights / sizeof *rights)];
}

static void new_space(unsigned i)
{
    spaces[i] = space_new();
    if (!spaces[i])
        fail("no space");
    if (space_configure(spaces[i], KIP_PAGE * PAGE_SIZE | 12 << 4, UTCB_PAGE * PAGE_SIZE | 13 << 4))
        fail("not configured");
    if (!space_utcb(spaces[i], UTCB_PAGE * PAGE_SIZE))
        fail("no UTCB");
}

static void delete_space(unsigned i)
{
    if (kernel.active_space == spaces[i])
        kernel.active_space = NULL;
    space_delete(spaces[i]);
    while (space_bury())
        continue;
    spaces[i] = NULL;
    memset(tlb_small[i], 0, sizeof tlb_small[i]);
    memset(tlb_large[i], 0, sizeof tlb_large[i]);
}

/* Slot by slot, as the system call does it. Of what has to be split most is made ready before, some
 * only begun, as when the caller is preempted, and some is left for the split itself. */
static unsigned long splits_ready, splits_begun;

static void make_ready(struct space *s, word_t first, word_t last, unsigned steps)
{
    unsigned made = 0;
    while (made < steps && mapping_splits(s, first, last))
        made++;
    splits_begun += made > 0;
    splits_ready += made > 0 && made < steps;
}

static word_t unmap_fpage(struct space *s, fpage_t f, bool flush)
{
    word_t first, last, used = 0;
    bool any = fpage_range(f, &first, &last);
    while (any) {
        word_t slot_last = first | (LARGE_PAGE_SIZE - 1), end = slot_last < last ? slot_last : last;
        make_ready(s, first, end, random_below(4) ? 1000 : random_below(40));
        used |= mapping_unmap(s, first, end, f & ALL_RIGHTS, flush);
        any = end != last;
        first = end + 1;
    }
    return used;
}

/* Both sides do the same thing. `exact`: without 4 MB pages bits of use are known page by page. */
static void one_operation(bool large, bool exact, bool model)
{
    unsigned from = random_below(SPACES), to = random_below(SPACES), kind = random_below(100);
    word_t base = random_page() * PAGE_SIZE;
    if (kind < 45) {
        if (random_below(3) == 0)
            from = SIGMA0;
        fpage_t send = random_fpage(large, from != SIGMA0 && large) | random_rights();
        fpage_t window = random_below(3) ? FPAGE_COMPLETE : random_fpage(large, true);
        bool grant = random_below(4) == 0;
        if (from == SIGMA0)
            send += FRAME_BASE;
        bool done = mapping_map(spaces[from], send, base, spaces[to], window, grant);
        if (model && !done)
            fail("memory ran out");
        if (model)
            model_map(from, send, base, to, window, grant);
    } else if (kind < 65) {
        unsigned space = random_below(30) ? from : SIGMA0;
        fpage_t f = random_fpage(large, space != SIGMA0 && random_below(20) == 0) | random_rights();
        bool flush = random_below(2);
        if (space == SIGMA0)
            f += FRAME_BASE;
        unsigned used = unmap_fpage(spaces[space], f, flush);
        unsigned expected = model ? model_unmap(space, f, flush) : 0;
        if (model && space != SIGMA0 && (exact ? used != expected : expected & ~used))
            fail("unmap of %08x tells %x, model %x", f, used, expected);
    } else if (kind < 97) {
        unsigned page = random_page();
        bool write = random_below(2);
        if (kernel.active_space && random_below(10))
            from = space_index(kernel.active_space);
        int done = access_page(from, page, write);
        unsigned bits = write ? RIGHT_R | RIGHT_W | RIGHT_X : RIGHT_R | RIGHT_X;
        if (model && done == 1 && !model_reserved(page))
            model_use((int)(from * PAGES + page), bits);
        for (unsigned i = 0; model && done == 2 && i < 1024; i++)
            model_use((int)(from * PAGES + (page & ~1023u) + i), bits);
    } else if (kind == 97) {
        vaddr_t slot = random_below(SLOTS) * LARGE_PAGE_SIZE;
        make_ready(spaces[to], slot, slot + PAGE_SIZE - 1, random_below(40));
        delete_space(from);
        for (unsigned page = 0; model && page < PAGES; page++)
            if (records[from * PAGES + page].held)
                model_revoke(records[from * PAGES + page].frame, (int)(from * PAGES + page), 7,
                             true);
        new_space(from);
    } else {
        static const uint8_t bits[] = {0, 0, PTE_PWT, PTE_PCD, PTE_PCD | PTE_PWT};
        unsigned space = random_below(4) ? from : SIGMA0, attribute = random_below(5);
        fpage_t f = random_fpage(large, false) + (space == SIGMA0 ? FRAME_BASE : 0);
        mapping_set_attribute(spaces[space], f, attribute);
        if (model)
            model_attribute(space, f, bits[attribute]);
    }
}

/* --- the tests -------------------------------------------------------------------------------- */
static void start(word_t memory)
{
    memset(&kernel, 0, sizeof kernel);
    memset(records, 0, sizeof records);
    memset(holder_count, 0, sizeof holder_count);
    memset(sigma0_cache, 0, sizeof sigma0_cache);
    memset(tlb_small, 0, sizeof tlb_small);
    memset(tlb_large, 0, sizeof tlb_large);
    kernel.space_pool.object_size = sizeof(struct space);
    kernel.mapping_pool.object_size = sizeof(struct mapping);
    kmem_add(0x100000, 0x100000 + memory);
    spaces[SIGMA0] = space_new();
    spaces[SIGMA0]->is_sigma0 = true;
    for (unsigned i = 0; i < SPACES; i++)
        new_space(i);
}

static void stop(word_t memory)
{
    for (unsigned i = 0; i <= SPACES; i++)
        delete_space(i);
    if (check_lists() != 0)
        fail("nodes remain");
    kmem_pool_shrink(&kernel.mapping_pool);
    word_t kept = 0;
    for (unsigned i = 0; i < MAPPING_REGIONS; i++)
        kept += kernel.regions[i].frame_cache ? 1 : 0;
    if (kernel.kmem.free_count + kept + 2 < memory / PAGE_SIZE)
        fail("%u of %u frames are free", kernel.kmem.free_count, memory / PAGE_SIZE);
}

static void random_against_model(unsigned long operations, bool large)
{
    start(KERNEL_MEMORY - (1u << 20));
    for (operation = 0; operation < operations; operation++) {
        one_operation(large, !large, true);
        if (operation % 50 == 0 || operation < 200)
            compare_all();
    }
    compare_all();
    printf("%lu operations %s: %u mappings at the end\n", operations,
           large ? "with 4 MB pages" : "with 4 KB pages", kmem_pool_used(&kernel.mapping_pool));
    if (large && (splits_ready < operations / 2000 || splits_begun == splits_ready))
        fail("%lu splits made ready of %lu begun are too few", splits_ready, splits_begun);
    stop(KERNEL_MEMORY - (1u << 20));
}

/* Little memory: operations fail in the middle, splits cannot be done. The lists must stay whole,
 * what is flushed must be gone, and no frame may be lost. */
static void random_without_memory(unsigned long operations)
{
    for (unsigned frames = 40; frames <= 140; frames += 20) {
        start(frames * PAGE_SIZE);
        for (operation = 0; operation < operations / 6; operation++) {
            if (random_below(10) == 0) {
                unsigned space = random_below(SPACES);
                fpage_t f = random_fpage(true, true) | 7;
                unmap_fpage(spaces[space], f, true);
                struct held h;
                for (uint64_t a = fpage_base(f); a < fpage_base(f) + fpage_size(f); a += PAGE_SIZE)
                    if (a < PAGES * PAGE_SIZE && held_at(spaces[space], (vaddr_t)a, &h) && h.node)
                        fail("%08x still there after a flush", (vaddr_t)a);
            } else {
                unsigned kind = random_below(100);
                if (kind != 97 || kmem_free_frames() > 20)
                    one_operation(true, false, false);
            }
            if (operation % 50 == 0) {
                check_lists();
                check_tlb();
            }
        }
        stop(frames * PAGE_SIZE);
    }
    printf("%lu operations with little memory\n", operations);
}

/* One page mapped on and on within two spaces. */
static void deep(void)
{
    start(KERNEL_MEMORY - (1u << 20));
    struct space *a = spaces[0], *b = spaces[1];
    word_t page = 12 << 4 | 7, far = 0x20000000;
    if (!mapping_map(spaces[SIGMA0], FRAME_BASE | page, far, a, FPAGE_COMPLETE, false))
        fail("first");
    for (word_t depth = 1; depth < DEPTH; depth++) {
        struct space *from = depth % 2 ? a : b, *to = depth % 2 ? b : a;
        vaddr_t va = far + (depth - 1) / 2 * PAGE_SIZE, next = far + depth / 2 * PAGE_SIZE;
        if (!mapping_map(from, va | page, next, to, FPAGE_COMPLETE, false))
            fail("depth %u", depth);
    }
    if (check_lists() != DEPTH)
        fail("not all there");
    struct held h;
    if (!held_at(a, far + (DEPTH - 1) / 2 * PAGE_SIZE, &h))
        fail("the deepest is not there");
    *h.entry |= PTE_A;
    if (unmap_fpage(a, far | 12 << 4, false) != 5 || unmap_fpage(a, far | 12 << 4, false) != 0)
        fail("use of the deepest page is not told");
    if (unmap_fpage(b, far | 12 << 4, false) != 5)
        fail("use is not told to the second");
    unmap_fpage(a, far | page, false);
    if (check_lists() != 1)
        fail("not all unmapped");
    stop(KERNEL_MEMORY - (1u << 20));
    printf("%u levels\n", DEPTH);
}

int main(int argc, char **argv)
{
    unsigned long operations = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    random_state = seed;
    void *memory = mmap((void *)DIRECT_MAP, KERNEL_MEMORY, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != (void *)DIRECT_MAP) {
        perror("memory at the kernel's addresses");
        return 1;
    }
    random_against_model(operations, false);
    random_against_model(operations, true);
    random_without_memory(operations);
    deep();
    return 0;
}
