/* memory_control.c: the system call MemoryControl.
 *
 * The manual's rule in our words. A privileged program sets the attribute of up to 64 fpages of its
 * own space, and with them of everything derived from them: how the processor may cache them. Two
 * bits of each fpage choose one of four attributes given in registers [L4X2 4.14]. What is mapped
 * from a page later inherits the attribute.
 *
 * Of the attributes of IA-32 the Pentium's page tables can express three; the others need the page
 * attribute table of later parts and fall to the nearest that is not weaker:
 *
 *     default, write-back   -- --    cached
 *     write-through         -- PWT   cached, every write goes to memory
 *     write-protected       -- PWT   meant to be cached for reading; memory is always up to date so
 *     uncacheable minus     PCD --   an MTRR may make it write-combining
 *     write-combining       PCD --   which is what this asks for
 *     uncacheable           PCD PWT
 */
#include "api/mapping_tree.h"
#include "api/syscalls.h"

#define ATTRIBUTES 9

static const struct {
    bool valid;
    pte_t bits;
} attributes[ATTRIBUTES] = {
    [0] = {true, 0},
    [1] = {true, 0},
    [2] = {true, PTE_PWT},
    [3] = {true, PTE_PCD},
    [4] = {true, PTE_PCD | PTE_PWT},
    [5] = {true, PTE_PCD},
    [8] = {true, PTE_PWT},
};

static void set_run(struct mapping *n, pte_t bits)
{
    struct mapping *end = mapping_run_last(n)->next;
    for (struct mapping *d = n; d != end; d = d->next) {
        *d->entry = (*d->entry & ~PTE_CACHE) | bits;
        if (d->va & MAPPING_LARGE)
            small_area_changed(d->space);
        tlb_flush_page(d->space, d->va);
    }
}

static void set_slot(struct space *s, vaddr_t first, vaddr_t last, pte_t bits)
{
    pte_t *slot = &directory_of(s)[first / LARGE_PAGE_SIZE];
    if (!(*slot & PTE_P))
        return;
    if (*slot & PTE_S) {
        struct mapping *n = *page_node(slot);
        if (last - first == LARGE_PAGE_SIZE - 1 || !mapping_split(n)) {
            set_run(n, bits);
            return;
        }
    }
    pte_t *table = table_of(*slot);
    for (word_t i = page_index(first); i <= page_index(last); i++) {
        struct mapping *n = *page_node(&table[i]);
        if (n)
            set_run(n, bits);
    }
}

/* Notes how sigma0 wants these frames cached, for what it maps from now on. If there is no memory
 * to note it frame by frame, it holds for the whole 4 MB: the stricter of the two, at worst
 * slow. */
static void note_frames(paddr_t first, paddr_t last, pte_t bits)
{
    struct mapping_region *r = region_of(first);
    bool whole = last - first == LARGE_PAGE_SIZE - 1;
    if (!whole && !r->frame_cache) {
        if (r->cache == bits)
            return;
        r->frame_cache = kmem_frames(1);
        for (word_t i = 0; r->frame_cache && i < FRAMES_PER_LARGE; i++)
            r->frame_cache[i] = r->cache;
    }
    if (whole && r->frame_cache) {
        kmem_frames_free(r->frame_cache, 1);
        r->frame_cache = NULL;
    }
    if (!r->frame_cache)
        r->cache = whole ? bits : r->cache | bits;
    else
        for (paddr_t pa = first; pa - first <= last - first; pa += PAGE_SIZE)
            r->frame_cache[pa / PAGE_SIZE % FRAMES_PER_LARGE] = bits;
}

/* For sigma0 addresses are physical, and its own entries are made anew when it touches the
 * memory. */
static void set_owned(struct space *s, paddr_t first, paddr_t last, pte_t bits)
{
    note_frames(first, last, bits);
    space_sigma0_forget(s, first);
    struct mapping *n = mapping_owned(region_of(first)->first, first, last), *next;
    for (; n; n = mapping_owned(next, first, last)) {
        next = mapping_run_last(n)->next;
        set_run(n, bits);
    }
}

void mapping_set_attribute(struct space *s, fpage_t f, word_t attribute)
{
    word_t first, last;
    if (!fpage_range(f, &first, &last))
        return;
    for (;;) {
        word_t slot_last = first | (LARGE_PAGE_SIZE - 1);
        if (slot_last > last)
            slot_last = last;
        if (s->is_sigma0)
            set_owned(s, first, slot_last, attributes[attribute].bits);
        else if (first < USER_END)
            set_slot(s, first, slot_last, attributes[attribute].bits);
        if (slot_last == last)
            return;
        first = slot_last + 1;
    }
}

static enum l4_error check(const struct tcb *t, word_t count, const word_t attribute[4])
{
    if (!t->space->privileged)
        return L4_NO_PRIVILEGE;
    if (count > MR_COUNT)
        return L4_INVALID_PARAMETER;
    for (word_t i = 0; i < count; i++) {
        fpage_t f = t->utcb->mr[i];
        word_t a = attribute[f & 3];
        if (fpage_size_log2(f) && (a >= ATTRIBUTES || !attributes[a].valid))
            return L4_INVALID_PARAMETER;
    }
    return L4_OK;
}

void sys_memory_control(struct trap_frame *f)
{
    struct tcb *t = current();
    const word_t attribute[4] = {f->ecx, f->edx, f->ebx, f->ebp};
    word_t count = f->eax < MR_COUNT ? f->eax + 1 : MR_COUNT + 1;
    t->utcb->mr[0] = f->esi;
    enum l4_error error = check(t, count, attribute);
    for (word_t i = 0; error == L4_OK && i < count; i++)
        mapping_set_attribute(t->space, t->utcb->mr[i], attribute[t->utcb->mr[i] & 3]);
    if (error)
        t->utcb->error_code = error;
    f->eax = error == L4_OK;
}
