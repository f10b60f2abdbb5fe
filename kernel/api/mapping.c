/* mapping.c: map and grant: what a map or grant item of a message does to the two address spaces.
 *
 * The manual's rule in our words. The sender names a region of its own space (the send fpage) and a
 * send base; the receiver has named a window. If the region is smaller than the window, the send
 * base says where in the window it goes; if it is larger, the send base says which part of it, as
 * large as the window, is sent; of equal ones all is sent. Each page that the sender holds then
 * appears at the corresponding place in the receiver's space. What the receiver had there is
 * unmapped first, unless it is the same page: then it gains rights and keeps what it has derived. A
 * page that the sender does not hold leaves the receiver's as it is. A granted page leaves the
 * sender's space, and what the sender had derived from it is then derived from the receiver's [L4X2
 * 4.3, 4.4, 4.5].
 *
 * A 4 MB page stays one if all of it is sent and the receiver's 4 MB there are free of smaller
 * pages, but for parts of that very page. */
#include "api/mapping_tree.h"
#include "api/ports.h"

struct transfer {
    struct space *from, *to;
    word_t rights;
    bool grant;
};

/* What the sender can give at an address. sigma0 can give every frame of the physical address
 * space, with or without an entry of its own, and a grant takes nothing from it. */
struct source {
    struct mapping *node; /* NULL: sigma0's */
    paddr_t frame;
    pte_t cache;
    bool write, large;
};

static bool source_at(const struct transfer *t, word_t va, struct source *src)
{
    if (t->from->is_sigma0) {
        paddr_t frame = va & ~(PAGE_SIZE - 1);
        *src = (struct source){NULL, frame, region_cache(frame), true, !region_of(va)->frame_cache};
        return true;
    }
    struct held h;
    if (va >= USER_END || !held_at(t->from, va, &h) || !h.node)
        return false;
    pte_t entry = *h.entry;
    *src = (struct source){h.node, h.frame, entry & PTE_CACHE, entry & PTE_W, h.large};
    return true;
}

#define GIVE_WAY_MAX (FRAMES_PER_LARGE / 4)
/* Is all that the receiver's table has a part of the sender's page, with no right more, cached like
 * it, not mapped on, and not too much? It goes; *seen says what it was used for. */
static bool table_gives_way(pte_t *table, const struct source *whole, pte_t write, word_t *seen)
{
    word_t count = 0;
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++) {
        const struct mapping *n = *page_node(&table[i]);
        if ((table[i] & PTE_P) &&
            (++count > GIVE_WAY_MAX || !n || n->parent != whole->node ||
             (n->next && n->next->depth > n->depth) || (table[i] & PTE_W & ~write) ||
             (table[i] & PTE_CACHE) != whole->cache ||
             mapping_frame(n) != whole->frame + i * PAGE_SIZE))
            return false;
    }
    for (word_t i = 0; i < FRAMES_PER_LARGE; i++)
        if (table[i] & PTE_P) {
            *seen |= mapping_status(*page_node(&table[i]));
            *seen |= mapping_revoke(*page_node(&table[i]), ALL_RIGHTS, true);
        }
    return true;
}

/* Can the 4 MB at va be one entry? Not in a small space: its directory entries are copied into
 * other directories, and the processor would note the use of a page in the copy. */
static bool large_fits(const struct transfer *t, vaddr_t va, const struct source *whole,
                       word_t *seen)
{
    pte_t write = whole->write && (t->rights & RIGHT_W) ? PTE_W : 0;
    if (space_reserved_range(t->to, va, va + LARGE_PAGE_SIZE - 1) || va < t->to->small_size)
        return false;
    pte_t entry = directory_of(t->to)[va / LARGE_PAGE_SIZE];
    return !(entry & PTE_P) || (entry & PTE_S) ||
           table_gives_way(table_of(entry), whole, write, seen);
}

/* The directory's own entry for va, whose page table, if it has one, is empty. */
static pte_t *large_entry(struct space *to, vaddr_t va)
{
    pte_t *entry = &directory_of(to)[va / LARGE_PAGE_SIZE], old = *entry;
    if ((old & PTE_P) && !(old & PTE_S)) {
        *entry = 0;
        small_area_changed(to);
        tlb_flush_page(to, va);
        kmem_frames_free(table_of(old), 2);
    }
    return entry;
}

/* The receiver's side: false means no memory for a page table. *present: there is a page
 * already. */
static bool target_at(struct space *to, vaddr_t va, bool large, struct held *dst, bool *present)
{
    pte_t *entry = large ? large_entry(to, va) : page_entry(to, va, true, &dst->large);
    if (!entry)
        return false;
    *present = held_at(to, va, dst);
    dst->entry = entry;
    return true;
}

static bool place(const struct transfer *t, word_t from_va, vaddr_t to_va, bool large);

static bool fill(const struct transfer *t, const struct source *src, pte_t *entry, vaddr_t to_va,
                 bool write, bool large)
{
    pte_t value = src->frame | src->cache | PTE_P | PTE_U | (write ? PTE_W : 0);
    if (large)
        value |= PTE_S;
    if (!t->grant)
        return mapping_insert(src->node, t->to, to_va, entry, value);
    /* The frame's use so far goes along: those above have not been told of it. */
    value |= *src->node->entry & (PTE_A | PTE_D);
    mapping_move(src->node, t->to, to_va, entry, value);
    return true;
}

/* The receiver has the very frame at the place already. */
static bool place_again(const struct transfer *t, word_t from_va, vaddr_t to_va, bool large,
                        const struct source *src, const struct held *dst)
{
    bool write = src->write && (t->rights & RIGHT_W), had_write = *dst->entry & PTE_W;
    if (dst->node == src->node || (!t->grant && (had_write || !write)))
        return true;
    if (dst->large && !large)
        return mapping_split(dst->node) && place(t, from_va, to_va, large);
    if (mapping_derives(src->node, dst->node)) {
        /* It goes back to whom it came from, who keeps the rights it has. */
        if (t->grant)
            mapping_dissolve(src->node);
        return true;
    }
    if (!t->grant && dst->node->parent == src->node) {
        *dst->entry |= PTE_W;
        tlb_flush_page(t->to, to_va);
        return true;
    }
    if (t->grant && mapping_derives(dst->node, src->node)) {
        mapping_dissolve(dst->node);
        return fill(t, src, dst->entry, to_va, write || had_write, large);
    }
    /* From somebody else, who may have given fewer rights: now it is derived from the sender's. */
    mapping_revoke(dst->node, ALL_RIGHTS, true);
    return place(t, from_va, to_va, large);
}

/* One page, of 4 MB if `large`. Where a 4 MB page is in the way of a 4 KB one, or a page of the
 * receiver's has to go, that is done and then all is looked at anew, since it may have changed the
 * sender's too. */
static bool place(const struct transfer *t, word_t from_va, vaddr_t to_va, bool large)
{
    struct source src;
    struct held dst;
    bool present;
    if (!source_at(t, from_va, &src) || space_reserved(t->to, to_va))
        return true;
    if (t->grant && src.large && !large)
        return mapping_split(src.node) && place(t, from_va, to_va, large);
    if (!target_at(t->to, to_va, large, &dst, &present))
        return false;
    if (!present)
        return fill(t, &src, dst.entry, to_va, src.write && (t->rights & RIGHT_W), large);
    if (dst.frame == src.frame)
        return place_again(t, from_va, to_va, large, &src, &dst);
    if (dst.large && !large)
        return mapping_split(dst.node) && place(t, from_va, to_va, large);
    mapping_revoke(dst.node, ALL_RIGHTS, true);
    return place(t, from_va, to_va, large);
}

/* --- many pages ----------------------------------------------------------------------------------
 * Page by page everything above is right, and slow. Here the two page tables are walked side by
 * side, and only where the receiver has something already, or with grants, is a page looked at for
 * itself. */
struct walk {
    const pte_t *entries; /* the sender's; NULL: all its pages are parts of `whole` */
    pte_t whole;
    struct mapping *node; /* of `whole` */
};

/* The sender's pages from va on. False: they are not simple. */
static bool walk_from(const struct transfer *t, word_t va, struct walk *w)
{
    if (t->grant)
        return false;
    if (t->from->is_sigma0) {
        *w = (struct walk){NULL, va | region_of(va)->cache | PTE_P | PTE_W, NULL};
        return !region_of(va)->frame_cache;
    }
    const pte_t *slot = &directory_of(t->from)[va / LARGE_PAGE_SIZE];
    *w = (struct walk){NULL, *slot + (va & (LARGE_PAGE_SIZE - PAGE_SIZE)), *page_node(slot)};
    if (!(*slot & PTE_S))
        w->entries = &table_of(*slot)[page_index(va)];
    return true;
}

/* `count` pages, in one 4 MB slot on either side; the sender has something in that slot. */
static bool place_run(const struct transfer *t, word_t from_va, vaddr_t to_va, word_t count)
{
    struct walk w = {NULL, 0, NULL};
    word_t size = count * PAGE_SIZE;
    bool large = true, simple = walk_from(t, from_va, &w) &&
                                !space_reserved_range(t->to, to_va, to_va + size - 1);
    pte_t *to = simple ? page_entry(t->to, to_va, true, &large) : NULL;
    if (simple && !to)
        return false;

    pte_t kept = ~(PAGE_SIZE - 1) | PTE_CACHE | (t->rights & RIGHT_W ? PTE_W : 0);
    for (word_t i = 0, at = 0; i < count; i++, at += PAGE_SIZE) {
        pte_t entry = w.entries ? w.entries[i] : w.whole + at;
        struct mapping *node = w.entries ? *page_node(&w.entries[i]) : w.node;
        if (large || (to[i] & PTE_P)) {
            bool same = !large && !((entry ^ to[i]) & -PAGE_SIZE) &&
                        !(entry & kept & PTE_W & ~to[i]);
            if (!same && !place(t, from_va + at, to_va + at, false))
                return false;
            continue;
        }
        if ((node || t->from->is_sigma0) &&
            !mapping_insert(node, t->to, to_va + at, &to[i], (entry & kept) | PTE_P | PTE_U))
            return false;
    }
    return true;
}

static bool sender_has_slot(const struct space *from, word_t va)
{
    return from->is_sigma0 ||
           (va < USER_END && (directory_of(from)[va / LARGE_PAGE_SIZE] & PTE_P));
}

/* 4 MB, aligned on both sides. */
static bool place_slot(const struct transfer *t, word_t from_va, vaddr_t to_va)
{
    struct source src;
    word_t seen = 0;
    if (!source_at(t, from_va, &src) || !src.large || !large_fits(t, to_va, &src, &seen))
        return place_run(t, from_va, to_va, FRAMES_PER_LARGE);
    bool placed = place(t, from_va, to_va, true);
    if (placed && seen)
        (*page_node(&directory_of(t->to)[to_va / LARGE_PAGE_SIZE]))->va |= seen << MAPPING_STATUS;
    return placed;
}

bool mapping_map(struct space *from, fpage_t send, word_t send_base, struct space *to,
                 fpage_t window, bool grant)
{
    if (!grant && mapping_map_quick(from, send, send_base, to, window))
        return true;
    word_t src, src_last, dst, dst_last;
    if (!fpage_range(send, &src, &src_last))
        return ports_map(from, send, to, grant);
    if (!fpage_range(window, &dst, &dst_last))
        return true;
    /* sigma0 has everything, and where: what is mapped to it changes nothing. */
    if (to->is_sigma0 || !(send & ALL_RIGHTS))
        return true;

    word_t src_mask = src_last - src, dst_mask = dst_last - dst, mask;
    if (src_mask > dst_mask) {
        src += send_base & src_mask & ~dst_mask;
        mask = dst_mask;
    } else {
        dst += send_base & dst_mask & ~src_mask;
        mask = src_mask;
    }
    const struct transfer t = {from, to, send & ALL_RIGHTS, grant && !from->is_sigma0};
    if (mask < LARGE_PAGE_SIZE - 1)
        return dst >= USER_END || !sender_has_slot(from, src) ||
               place_run(&t, src, dst, (mask + 1) / PAGE_SIZE);
    for (word_t i = 0; dst + i < USER_END; i += LARGE_PAGE_SIZE) {
        if (sender_has_slot(from, src + i) && !place_slot(&t, src + i, dst + i))
            return false;
        if (mask - i < LARGE_PAGE_SIZE)
            break;
    }
    return true;
}
