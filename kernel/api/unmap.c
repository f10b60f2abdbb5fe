/* unmap.c: the system call Unmap.
 *
 * The manual's rule in our words. A program names up to 64 fpages in its message registers, each
 * with the rights to take away. They are taken from every page that anybody has got, directly or
 * over others, from the caller's pages in these fpages; with the flush bit also from the caller's
 * own. Each message register then tells in its rights field how those pages, the caller's and the
 * derived ones, were used since the caller last asked: r referenced, w written, x executed. With no
 * rights at all it is only the question [L4X2 4.13]. */
#include "api/mapping_tree.h"
#include "api/ports.h"
#include "api/syscalls.h"

/* The usual case: one other program at most has the page, nobody from that one in turn, it loses
 * it, and the caller's own page stays and has not been used. False: it is another one. */
static ALWAYS_INLINE bool unmap_leaf(struct mapping *n, word_t *used)
{
    struct mapping *d = n->next, *next;
    word_t seen = 0;
    if (*n->entry & (PTE_A | PTE_D | PTE_S))
        return false;
    if (d && d->depth > n->depth) {
        next = d->next;
        if (next && next->depth > n->depth)
            return false;
        seen = mapping_uses(*d->entry);
        *d->entry = 0;
        *page_node(d->entry) = NULL;
        mapping_flush(d->space, d->va);
        kmem_pool_give_quick(&kernel.mapping_pool, d);
        n->next = next;
        if (next)
            next->prev = n;
        if (seen)
            mapping_tell_above(n, seen);
    }
    *used = mapping_status(n) | seen;
    n->va &= ~(ALL_RIGHTS << MAPPING_STATUS);
    return true;
}

/* The program has one node's pages unmapped, and is told how they were used. */
static inline word_t unmap_node(struct mapping *n, word_t rights, bool flush)
{
    word_t leaf;
    if (!flush && (rights & RIGHT_R) && unmap_leaf(n, &leaf))
        return leaf;
    word_t told = mapping_status(n);
    bool gone = flush && (rights & RIGHT_R);
    word_t used = told | mapping_revoke(n, rights, flush);
    if (!gone)
        n->va &= ~(ALL_RIGHTS << MAPPING_STATUS);
    return used;
}

/* The first page of a table, from i to last, that has a node; last + 1: none. Most tables are
 * nearly empty, so it looks at four at a time. */
static word_t next_node(pte_t *table, word_t i, word_t last)
{
    struct mapping **n;
    while (i <= last && !*(n = page_node(&table[i])))
        i += i % 4 == 0 && i + 3 <= last && !n[1] && !n[2] && !n[3] ? 4 : 1;
    return i;
}

/* Part of one 4 MB slot. A 4 MB page of which a part is meant is split first; where there is no
 * memory for that, all of it is unmapped: who still needs the rest will fault and be given it
 * again, but nobody may keep what was revoked. */
static word_t unmap_slot(struct space *s, vaddr_t first, vaddr_t last, word_t rights, bool flush)
{
    word_t used = 0;
    pte_t *slot = &directory_of(s)[first / LARGE_PAGE_SIZE];
    if (!(*slot & PTE_P))
        return 0;
    if (*slot & PTE_S) {
        struct mapping *n = *page_node(slot);
        if (!n)
            return 0;
        if (last - first == LARGE_PAGE_SIZE - 1 || !mapping_split(n))
            return unmap_node(n, rights, flush);
    }
    pte_t *table = table_of(*slot);
    word_t end = page_index(last), i = next_node(table, page_index(first), end);
    for (; i <= end; i = next_node(table, i + 1, end))
        used |= unmap_node(*page_node(&table[i]), rights, flush);
    return used;
}

#define FORGET_SIZE (512u * 1024)
vaddr_t mapping_forget(struct space *s, vaddr_t va)
{
    const pte_t *directory = directory_of(s);
    while (va < USER_END && !(directory[va / LARGE_PAGE_SIZE] & PTE_P))
        va += LARGE_PAGE_SIZE;
    if (va == USER_END)
        return va;
    word_t size = directory[va / LARGE_PAGE_SIZE] & PTE_S ? LARGE_PAGE_SIZE : FORGET_SIZE;
    unmap_slot(s, va, va + size - 1, ALL_RIGHTS, true);
    return va + size;
}

/* The same for sigma0, for which all nodes of the lists are derived ones and addresses are
 * physical. It is told only how pages were used since anybody looked: it has no nodes to keep
 * more. */
static word_t unmap_owned(paddr_t first, paddr_t last, word_t rights)
{
    word_t used = 0;
    struct mapping *n = mapping_owned(region_of(first)->first, first, last), *next;
    for (; n; n = mapping_owned(next, first, last)) {
        next = mapping_run_last(n)->next;
        used |= mapping_revoke(n, rights, true);
    }
    return used;
}

word_t mapping_unmap(struct space *s, word_t first, word_t last, word_t rights, bool flush)
{
    if (s->is_sigma0)
        return unmap_owned(first, last, rights);
    return first < USER_END ? unmap_slot(s, first, last, rights, flush) : 0;
}

/* One page, which is what pagers mostly take back. False: it is not as simple as that. */
static inline bool unmap_simply(struct space *s, fpage_t f, bool flush, word_t *used)
{
    vaddr_t va = f & ~(PAGE_SIZE - 1);
    if (fpage_size_log2(f) != 12 || va >= USER_END || s->is_sigma0)
        return false;
    pte_t slot = directory_of(s)[va / LARGE_PAGE_SIZE];
    if ((slot & (PTE_P | PTE_S)) != PTE_P)
        return false;
    struct mapping *n = *page_node(&table_of(slot)[page_index(va)]);
    *used = n ? unmap_node(n, f & ALL_RIGHTS, flush) : 0;
    return true;
}

/* The same for a program, with interrupts let in between slots. The program's thread may be
 * preempted there, and somebody may have moved it to another space by the time that it runs again:
 * then the rest is not its business any more. */
__attribute__((noinline)) HOT static word_t unmap_all(struct tcb *t, fpage_t f, bool flush)
{
    struct space *s = t->space;
    word_t first, last, used = 0;
    if (!fpage_range(f, &first, &last)) {
        ports_unmap(s, f, flush);
        return 0;
    }
    while (t->space == s) {
        word_t slot_last = first | (LARGE_PAGE_SIZE - 1);
        word_t part_last = slot_last < last ? slot_last : last;
        if (mapping_splits(s, first, part_last)) {
            preemption_point();
            continue;
        }
        used |= mapping_unmap(s, first, part_last, f & ALL_RIGHTS, flush);
        if (part_last == last)
            break;
        first = part_last + 1;
        preemption_point();
    }
    return used;
}

FAST void sys_unmap(struct trap_frame *f)
{
    struct tcb *t = current();
    word_t count = (f->eax & 0x3F) + 1;
    t->utcb->mr[0] = f->esi;
    for (word_t i = 0; i < count; i++) {
        if (i > 0)
            preemption_point();
        fpage_t fpage = t->utcb->mr[i];
        word_t used;
        if (!unmap_simply(t->space, fpage, f->eax & 0x40, &used))
            used = unmap_all(t, fpage, f->eax & 0x40);
        t->utcb->mr[i] = (fpage & ~ALL_RIGHTS) | used;
    }
    f->esi = t->utcb->mr[0];
}
