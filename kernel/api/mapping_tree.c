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

/* A 4 MB page came, went or moved; `entry` has, or had, its frame. */
static void large_changed(struct space *s, pte_t entry)
{
    small_area_changed(s);
    if (entry / LARGE_PAGE_SIZE == kernel.split_region)
        kernel.splitting = NULL;
}

/* The node of a page table that is ready for the split of n; or NULL. */
static struct mapping *part_of(const struct mapping *n, word_t i)
{
    return *page_node(&n->table[i]);
}

/* Nothing stays ready for the split of n. */
static void table_drop(struct mapping *n)
{
    if (!n->table)
        return;
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++)
        if (part_of(n, i))
            kmem_pool_give(&kernel.mapping_pool, part_of(n, i));
    kmem_frames_free(n->table, 2);
    n->table = NULL;
}

static void set_entry(struct space *s, vaddr_t va, pte_t *entry, pte_t value, struct mapping *n)
{
    pte_t old = *entry;
    *entry = value;
    *page_node(entry) = n;
    if ((old | value) & PTE_S)
        large_changed(s, old & PTE_S ? old : value);
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
    ASSERT(!(*entry & PTE_P));
    n->table = NULL;
    mapping_link(n, parent, to, va, entry, value);
    if (value & PTE_S)
        large_changed(to, value);
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
    if (old & PTE_S) {
        large_changed(n->space, old);
        table_drop(n);
    }
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
    bool removes = rights & RIGHT_R;
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
 * Each 4 MB mapping of a run becomes a page table with a node for every entry. They are made ready
 * beside the list, some frames at a time, so that interrupts may come in between (mapping_splits):
 * a chain of the parts of frame 0 in the order of the run, then those of frame 1, and so on. If the
 * region's 4 MB mappings change meanwhile, it begins again. The chain takes the run's place at
 * once, and what was derived from a 4 MB mapping in 4 KB comes, with its own run, behind the part
 * that has its frame. */
#define SPLIT_FRAMES 32 /* at a time */

static void join(struct mapping *n, struct mapping *next)
{
    n->next = next;
    next->prev = n;
}

static struct mapping *next_large(struct mapping *n, const struct mapping *top)
{
    do
        n = n->next;
    while (n && n->depth > top->depth && !(n->va & MAPPING_LARGE));
    return n && n->depth > top->depth ? n : NULL;
}

static bool part_make(struct mapping *n, word_t i, const struct mapping *top)
{
    pte_t *entry = &n->table[i];
    struct mapping **part = page_node(entry);
    if (!*part && !(*part = kmem_pool_take_as_is(&kernel.mapping_pool)))
        return false;
    **part = (struct mapping){.parent = n == top ? n->parent : part_of(n->parent, i),
                              .space = n->space, .depth = n->depth, .entry = entry,
                              .va = (n->va & -PAGE_SIZE) + i * PAGE_SIZE};
    return true;
}

static bool split_prepare(struct mapping *top)
{
    if (kernel.splitting != top) {
        kernel.splitting = top;
        kernel.split_region = mapping_frame(top) / LARGE_PAGE_SIZE;
        kernel.split_done = 0;
    }
    struct mapping *last = NULL;
    word_t first = kernel.split_done, end = first + SPLIT_FRAMES;
    for (struct mapping *n = top; n; last = n, n = next_large(n, top)) {
        if (!n->table && !(n->table = kmem_frames(2)))
            return false;
        for (word_t i = first; i < end; i++) {
            if (!part_make(n, i, top))
                return false;
            if (last)
                join(part_of(last, i), part_of(n, i));
        }
    }
    for (word_t i = first ? first : 1; i < end; i++)
        join(part_of(last, i - 1), part_of(top, i));
    kernel.split_done = end;
    return true;
}

static bool split_ready(const struct mapping *n)
{
    return kernel.splitting == n && kernel.split_done == FRAMES_PER_LARGE;
}

bool mapping_splits(struct space *s, vaddr_t first, vaddr_t last)
{
    struct held h;
    return !s->is_sigma0 && first < USER_END && last - first < LARGE_PAGE_SIZE - 1 &&
           held_at(s, first, &h) && h.large && h.node && !split_ready(h.node) &&
           split_prepare(h.node);
}

/* The table replaces n. What n's page was used for stands in each entry, as if nobody knew. */
static void install(struct mapping *n)
{
    pte_t status = (mapping_status(n) & (RIGHT_X | RIGHT_W)) * PTE_A, *table = n->table;
    pte_t entry = (*n->entry & ~PTE_S) | status;
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++, entry += PAGE_SIZE)
        table[i] = entry;
    set_entry(n->space, n->va, n->entry, physical(table) | PTE_P | PTE_W | PTE_U, NULL);
    kmem_pool_give(&kernel.mapping_pool, n);
}

/* Links the nodes from first to last in behind n. */
static void link_behind(struct mapping *n, struct mapping *first, struct mapping *last)
{
    last->next = n->next;
    if (last->next)
        last->next->prev = last;
    join(n, first);
}

bool mapping_split(struct mapping *n)
{
    struct mapping *d, *next, *large = n, *after = mapping_run_last(n)->next;
    while (!split_ready(n))
        if (!split_prepare(n)) {
            kernel.splitting = NULL;
            for (d = n; d; d = next_large(d, n))
                table_drop(d);
            return false;
        }
    /* The 4 MB ones become a list of their own; all else is brought to where it belongs. */
    for (d = n->next; d != after; d = next) {
        struct mapping *last = d->va & MAPPING_LARGE ? d : mapping_run_last(d);
        next = last->next;
        if (d->va & MAPPING_LARGE) {
            large->next = d;
            large = d;
        } else {
            word_t i = mapping_frame(d) / PAGE_SIZE % FRAMES_PER_LARGE;
            link_behind(part_of(d->parent, i), d, last);
            d->parent = part_of(d->parent, i);
        }
    }
    struct mapping *head = part_of(n, 0);
    struct mapping *tail = mapping_run_last(part_of(large, FRAMES_PER_LARGE - 1));
    head->prev = n->prev;
    *(n->prev ? &n->prev->next : &region_of(mapping_frame(n))->first) = head;
    tail->next = after;
    if (after)
        after->prev = tail;
    for (large->next = NULL, d = n; d; d = next) {
        next = d->next;
        install(d);
    }
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
