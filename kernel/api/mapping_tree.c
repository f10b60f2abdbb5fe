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

pte_t *mapping_entry(const struct mapping *n)
{
    bool large;
    pte_t *entry = page_entry(n->space, n->va, false, &large);
    ASSERT(entry && (*entry & PTE_P) && large == n->large && *page_node(entry) == n);
    return entry;
}

paddr_t mapping_frame(const struct mapping *n)
{
    return entry_frame(*mapping_entry(n), n->large, n->va);
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
        tlb_flush_page(s, va);
}

static void link_after(struct mapping_region *r, struct mapping *before, struct mapping *n)
{
    n->prev = before;
    n->next = before ? before->next : r->first;
    *(before ? &before->next : &r->first) = n;
    if (n->next)
        n->next->prev = n;
}

static void unlink_node(struct mapping_region *r, struct mapping *n)
{
    *(n->prev ? &n->prev->next : &r->first) = n->next;
    if (n->next)
        n->next->prev = n->prev;
    kmem_pool_give(&kernel.mapping_pool, n);
}

bool mapping_insert(struct mapping *parent, struct space *to, vaddr_t va, pte_t *entry, pte_t value)
{
    if (parent && parent->depth == UINT16_MAX)
        return false;
    struct mapping *n = kmem_pool_take(&kernel.mapping_pool);
    if (!n)
        return false;
    n->parent = parent;
    n->space = to;
    n->va = va;
    n->depth = parent ? parent->depth + 1 : 1;
    n->large = value & PTE_S ? 1 : 0;
    link_after(region_of(value), parent, n);
    set_entry(to, va, entry, value, n);
    return true;
}

void mapping_move(struct mapping *n, struct space *to, vaddr_t va, pte_t *entry, pte_t value)
{
    set_entry(n->space, n->va, mapping_entry(n), 0, NULL);
    n->space = to;
    n->va = va;
    set_entry(to, va, entry, value, n);
}

static word_t uses(pte_t entry)
{
    return (entry & PTE_A ? RIGHT_R | RIGHT_X : 0) | (entry & PTE_D ? RIGHT_R | RIGHT_W : 0);
}

static void tell_above(const struct mapping *n, word_t seen)
{
    if (seen)
        for (struct mapping *p = n->parent; p; p = p->parent)
            p->status |= seen;
}

/* Walks the run from its end back to n: what is derived from a node comes before it that way, so
 * that each finds in `pending` what was seen below it. */
word_t mapping_revoke(struct mapping *n, word_t rights, bool self)
{
    struct mapping_region *r = region_of(mapping_frame(n));
    struct mapping *d = mapping_run_last(n);
    for (;;) {
        pte_t *entry = mapping_entry(d);
        word_t seen = d->pending | uses(*entry);
        pte_t value = *entry & ~(PTE_A | PTE_D | (rights & RIGHT_W ? PTE_W : 0));
        bool last = d == n, taken = !last || self;
        if (last && !self)
            value |= *entry & PTE_W;
        if (last)
            tell_above(n, seen);
        else
            d->parent->pending |= seen;
        struct mapping *before = d->prev;
        if (taken && revocation_removes(rights)) {
            set_entry(d->space, d->va, entry, 0, NULL);
            unlink_node(r, d);
        } else {
            d->pending = 0;
            d->status |= seen;
            if (value != *entry)
                set_entry(d->space, d->va, entry, value, d);
        }
        if (last)
            return seen;
        d = before;
    }
}

void mapping_dissolve(struct mapping *n)
{
    pte_t *entry = mapping_entry(n);
    struct mapping_region *r = region_of(*entry);
    tell_above(n, uses(*entry));
    for (struct mapping *d = n->next; d && d->depth > n->depth; d = d->next) {
        if (d->parent == n)
            d->parent = n->parent;
        d->depth--;
    }
    set_entry(n->space, n->va, entry, 0, NULL);
    unlink_node(r, n);
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

/* What a split needs is taken before anything changes. Free tables are linked by their first word.
 * */
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
    pte_t *directory_entry = mapping_entry(n), old = *directory_entry;
    pte_t *table = (pte_t *)s->tables;
    s->tables = *s->tables;
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++) {
        struct mapping *part = s->nodes;
        s->nodes = part->next;
        *part = (struct mapping){.space = n->space,
                                 .va = n->va + i * PAGE_SIZE,
                                 .depth = n->depth,
                                 .status = n->status};
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
        large += d->large;
    struct supply s;
    if (!supply_take(&s, large))
        return false;

    for (struct mapping *d = n, *next; d != after; d = next) {
        next = d->next;
        if (d->large)
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
