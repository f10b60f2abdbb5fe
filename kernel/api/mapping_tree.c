/* mapping_tree.c: insertion, change of owner and removal in the lists of mappings (mapping.h draws
 * one). */
#include "api/mapping_tree.h"
#include "debugger/print.h"

static paddr_t entry_frame(pte_t entry, bool large, vaddr_t va)
{
    if (!large)
        return entry & ~(PAGE_SIZE - 1);
    return (entry & ~(LARGE_PAGE_SIZE - 1)) | (va & (LARGE_PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
}

bool held_at(struct space *s, vaddr_t va, struct held *h)
{
    h->entry = page_entry(s, va, false, &h->large);
    if (!h->entry || !(*h->entry & PTE_P))
        return false;
    h->node = *page_node(h->entry);
    h->frame = entry_frame(*h->entry, h->large, va);
    return true;
}

struct mapping *mapping_run_last(struct mapping *n)
{
    struct mapping *last = n;
    while (last->next && last->next->depth > n->depth)
        last = last->next;
    return last;
}

bool mapping_derives(const struct mapping *n, const struct mapping *above)
{
    for (const struct mapping *p = n ? n->parent : NULL; p; p = p->parent)
        if (p == above)
            return true;
    return false;
}

static void set_entry(struct space *s, vaddr_t va, pte_t *entry, pte_t value, struct mapping *n)
{
    pte_t old = *entry;
    *entry = value;
    *page_node(entry) = n;
    if ((old | value) & PTE_S)
        small_area_changed(s);
    if (old & PTE_P)
        mapping_flush(s, va);
}

/* frame: any address in what n maps, or mapped. */
static void unlink_node(struct mapping *n, paddr_t frame)
{
    *(n->prev ? &n->prev->next : &region_of(frame)->first) = n->next;
    if (n->next)
        n->next->prev = n->prev;
}

bool mapping_insert(struct mapping *parent, struct space *to, vaddr_t va, pte_t *entry, pte_t value)
{
    struct mapping *n = kmem_pool_take_as_is(&kernel.mapping_pool);
    if (!n)
        return false;
    pte_t old = *entry;
    mapping_link(n, parent, to, va, entry, value);
    if ((old | value) & PTE_S)
        small_area_changed(to);
    if (old & PTE_P)
        mapping_flush(to, va);
    return true;
}

void mapping_move(struct mapping *n, struct space *to, vaddr_t va, pte_t *entry, pte_t value)
{
    set_entry(n->space, n->va, n->entry, 0, NULL);
    n->space = to;
    n->entry = entry;
    n->va = va | (n->va & (PAGE_SIZE - 1));
    set_entry(to, va, entry, value, n);
}

/* The page of n, which is in no list any more, goes. */
FAST static void take_away(struct mapping *n)
{
    pte_t *entry = n->entry, old = *entry;
    ASSERT((old & PTE_P) && *page_node(entry) == n);
    *entry = 0;
    *page_node(entry) = NULL;
    if (old & PTE_S)
        small_area_changed(n->space);
    mapping_flush(n->space, n->va);
    kmem_pool_give_quick(&kernel.mapping_pool, n);
}

/* n stays, without the entry's bits `off`, which has A and D: what they told is noted. */
FAST static void keep(struct mapping *n, pte_t off, word_t seen)
{
    pte_t *entry = n->entry, old = *entry;
    ASSERT((old & PTE_P) && *page_node(entry) == n);
    n->va = (n->va & ~(ALL_RIGHTS << MAPPING_PENDING)) | seen << MAPPING_STATUS;
    if (!(old & off))
        return;
    *entry = old & ~off;
    if (old & PTE_S)
        small_area_changed(n->space);
    mapping_flush(n->space, n->va);
}

/* All that is derived from n goes. Returns what it was used for. */
static inline word_t remove_run(struct mapping *n)
{
    word_t seen = 0, depth = n->depth;
    struct mapping *d = n->next;
    while (d && d->depth > depth) {
        struct mapping *next = d->next;
        seen |= mapping_uses(*d->entry);
        take_away(d);
        d = next;
    }
    n->next = d;
    if (d)
        d->prev = n;
    return seen;
}

/* All that is derived from n keeps its pages without the bits `off`. Walks the run from its end:
 * what is derived from a node comes before it that way, so that each finds as pending what was seen
 * below it. */
__attribute__((noinline)) HOT static word_t keep_run(struct mapping *n, pte_t off)
{
    word_t seen = 0;
    for (struct mapping *d = mapping_run_last(n); d != n; d = d->prev) {
        word_t used = (d->va >> MAPPING_PENDING & ALL_RIGHTS) | mapping_uses(*d->entry);
        if (d->parent == n)
            seen |= used;
        else
            d->parent->va |= used << MAPPING_PENDING;
        keep(d, off, used);
    }
    return seen;
}

FAST word_t mapping_revoke(struct mapping *n, word_t rights, bool self)
{
    bool removes = revocation_removes(rights);
    pte_t off = rights & RIGHT_W ? PTE_A | PTE_D | PTE_W : PTE_A | PTE_D;
    word_t seen = mapping_uses(*n->entry) | (removes ? remove_run(n) : keep_run(n, off));
    if (seen)
        mapping_tell_above(n, seen);
    if (self && removes) {
        unlink_node(n, *n->entry);
        take_away(n);
    } else if (seen || self) {
        keep(n, self ? off : PTE_A | PTE_D, seen);
    }
    return seen;
}

void mapping_dissolve(struct mapping *n)
{
    mapping_tell_above(n, mapping_uses(*n->entry));
    for (struct mapping *d = n->next; d && d->depth > n->depth; d = d->next) {
        if (d->parent == n)
            d->parent = n->parent;
        d->depth--;
    }
    unlink_node(n, *n->entry);
    take_away(n);
}

/* --- splitting -----------------------------------------------------------------------------------
 * The run of a 4 MB mapping is dealt out into one list for each of its 1024 frames: a 4 KB node
 * into that of its frame, of a 4 MB node one new node into every list. A node that maps a frame is
 * derived from nodes that map that frame, so each list is in preorder again, and all of them one
 * after the other take the place of the run. */
struct split {
    struct mapping *first[FRAMES_PER_LARGE], *last[FRAMES_PER_LARGE];
};
_Static_assert(sizeof(struct mapping *) != 4 || sizeof(struct split) == 2 * PAGE_SIZE, "");

/* What a split needs is taken before anything changes. Free tables are linked by their first
 * word. */
struct supply {
    struct split *split;
    struct mapping *nodes;
    void **tables;
};

static void supply_return(struct supply *s)
{
    while (s->nodes) {
        struct mapping *n = s->nodes;
        s->nodes = n->next;
        kmem_pool_give(&kernel.mapping_pool, n);
    }
    while (s->tables) {
        void *table = s->tables;
        s->tables = *s->tables;
        kmem_frames_free(table, 2);
    }
    if (s->split)
        kmem_frames_free(s->split, 2);
}

static bool supply_take(struct supply *s, word_t tables)
{
    *s = (struct supply){.split = kmem_frames(2)};
    bool enough = s->split;
    for (word_t i = 0; enough && i < tables; i++) {
        void **table = kmem_frames(2);
        if (table) {
            *table = s->tables;
            s->tables = table;
        }
        enough = table;
    }
    for (word_t i = 0; enough && i < tables * FRAMES_PER_LARGE; i++) {
        struct mapping *n = kmem_pool_take(&kernel.mapping_pool);
        if (n) {
            n->next = s->nodes;
            s->nodes = n;
        }
        enough = n;
    }
    if (!enough)
        supply_return(s);
    return enough;
}

static void deal(struct split *lists, word_t frame, struct mapping *n, struct mapping *top_parent)
{
    struct mapping *last = lists->last[frame], *parent = last ? last : top_parent;
    while (parent && parent->depth >= n->depth)
        parent = parent->parent;
    n->parent = parent;
    n->prev = last;
    n->next = NULL;
    *(last ? &last->next : &lists->first[frame]) = n;
    lists->last[frame] = n;
}

/* Replaces the 4 MB mapping n by a page table with a node for each entry. */
static void deal_large(struct supply *s, struct mapping *n, struct mapping *top_parent)
{
    pte_t *directory_entry = n->entry, old = *directory_entry;
    pte_t *table = (pte_t *)s->tables;
    s->tables = *s->tables;
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++) {
        struct mapping *part = s->nodes;
        s->nodes = part->next;
        part->space = n->space;
        part->depth = n->depth;
        part->va = (n->va & ~MAPPING_LARGE) + i * PAGE_SIZE;
        part->entry = &table[i];
        table[i] = (old & ~PTE_S) + i * PAGE_SIZE;
        *page_node(&table[i]) = part;
        deal(s->split, i, part, top_parent);
    }
    set_entry(n->space, n->va, directory_entry, physical(table) | PTE_P | PTE_W | PTE_U, NULL);
    kmem_pool_give(&kernel.mapping_pool, n);
}

bool mapping_split(struct mapping *n)
{
    struct mapping_region *r = region_of(mapping_frame(n));
    struct mapping *before = n->prev, *after = mapping_run_last(n)->next, *parent = n->parent;
    word_t large = 0;
    for (struct mapping *d = n; d != after; d = d->next)
        large += d->va & MAPPING_LARGE;
    struct supply s;
    if (!supply_take(&s, large))
        return false;

    for (struct mapping *d = n, *next; d != after; d = next) {
        next = d->next;
        if (d->va & MAPPING_LARGE)
            deal_large(&s, d, parent);
        else
            deal(s.split, mapping_frame(d) / PAGE_SIZE % FRAMES_PER_LARGE, d, parent);
    }
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++) {
        *(before ? &before->next : &r->first) = s.split->first[i];
        s.split->first[i]->prev = before;
        before = s.split->last[i];
    }
    before->next = after;
    if (after)
        after->prev = before;
    supply_return(&s);
    return true;
}

struct mapping *mapping_owned(struct mapping *n, paddr_t first, paddr_t last)
{
    while (n) {
        paddr_t low = mapping_frame(n), high = low + mapping_size(n) - 1;
        if (high < first || low > last)
            n = mapping_run_last(n)->next;
        else if ((low < first || high > last) && mapping_split(n))
            n = region_of(first)->first;
        else
            break;
    }
    return n;
}

/* --- fpages and regions ----------------------------------------------------------------------- */
pte_t region_cache(paddr_t frame)
{
    const struct mapping_region *r = region_of(frame);
    return r->frame_cache ? r->frame_cache[frame / PAGE_SIZE % FRAMES_PER_LARGE] : r->cache;
}

bool fpage_range(fpage_t f, word_t *first, word_t *last)
{
    unsigned log2 = fpage_size_log2(f);
    if (log2 == 0 || log2 == 2) /* nil, and ports */
        return false;
    if (log2 == 1 || log2 >= 32) {
        *first = 0;
        *last = ~0u;
        return true;
    }
    word_t mask = (1u << (log2 < 12 ? 12 : log2)) - 1;
    *first = (f & ~0x3FFu) & ~mask;
    *last = *first | mask;
    return true;
}
