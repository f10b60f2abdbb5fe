/* paging.c: page directories and tables [SDM3 3.6].
 *
 * All directories share the kernel's quarter, which never changes once the kernel runs, but for
 * the small spaces' area: there each has copies of small spaces' own entries, made when a program
 * first faults on one (small_area_resolve) and cleared in all directories when the original
 * changes. A page table is followed by a frame with a pointer to the mapping of each entry. */
#include "arch/cpu.h"

#include "arch/segments.h"
#include "debugger/print.h"
#include "state.h"

#define ENTRIES       1024u
#define KERNEL_FIRST  (USER_END >> 22) /* directory entries from here on are the kernel's */
#define FRAME_MASK    0xFFFFF000u
#define WINDOW        (KERNEL_PAGES + PAGE_SIZE)
#define TABLE_FLAGS   (PTE_P | PTE_W | PTE_U | PTE_A)

/* Single kernel pages: entry 0 the word at gs:0, entry 1 the window, then those of ports.c. */
static pte_t kernel_pages[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

void paging_init(void)
{
    pte_t global = kernel.has_pge ? PTE_G : 0;

    kernel_directory[0] = 0;
    for (word_t i = 0; i < DIRECT_MAP_SIZE / LARGE_PAGE_SIZE; i++)
        kernel_directory[(DIRECT_MAP >> 22) + i] =
            i * LARGE_PAGE_SIZE | PTE_P | PTE_W | PTE_A | PTE_D | PTE_S | global;
    kernel_directory[KERNEL_PAGES >> 22] = physical(kernel_pages) | TABLE_FLAGS;
    kernel_pages[0] = physical(&gs_page) | PTE_P | PTE_U | PTE_A | global;
    write_cr3(physical(kernel_directory));
}

/* The word at gs:0 has a page of its own, which programs may read: where a switch of spaces
 * flushes the TLB, that costs each of them one more miss. Without global pages, but with segment
 * limits, there is a better way: programs see the word in the kernel's own first 4 MB, whose TLB
 * entry every entry to the kernel needs. By paging they may then read those; but no segment
 * reaches so far, save GS, which is as long as the word, and SYSEXIT, which would give them such a
 * segment, is not used. */
void paging_share_gs(void)
{
    kernel_directory[DIRECT_MAP >> 22] |= PTE_U;
    segments_move_gs(&gs_page.word);
    tlb_flush_all();
}

void kernel_page_set(word_t index, paddr_t pa)
{
    kernel_pages[index] = (pa & FRAME_MASK) | PTE_P | PTE_W | PTE_A | PTE_D;
    invlpg(KERNEL_PAGES + index * PAGE_SIZE);
}

bool arch_space_init(struct space *s)
{
    pte_t *directory = kmem_frames(2);
    if (!directory)
        return false;
    s->directory = physical(directory);
    for (word_t i = DIRECT_MAP >> 22; i < ENTRIES; i++)
        directory[i] = kernel_directory[i];
    space_segments(s);
    return true;
}

pte_t *page_entry(struct space *s, vaddr_t va, bool create, bool *large)
{
    pte_t *entry = &directory_of(s)[va >> 22];
    *large = (*entry & (PTE_P | PTE_S)) == (PTE_P | PTE_S);
    if (*large)
        return entry;
    if (!(*entry & PTE_P)) {
        pte_t *table = create ? kmem_frames(2) : NULL;
        if (!table)
            return NULL;
        *entry = physical(table) | TABLE_FLAGS;
        small_area_changed(s);
    }
    return (pte_t *)direct(*entry & FRAME_MASK) + (va >> 12) % ENTRIES;
}

void tlb_flush_page(struct space *s, vaddr_t va)
{
    if (s->small_size != 0 && va < s->small_size)
        invlpg(s->small_base + va);
    if (s == kernel.active_space)
        invlpg(va);
}

void tlb_flush_all(void)
{
    __asm__ volatile("movl %%cr3, %%eax\n\tmovl %%eax, %%cr3" : : : "eax", "memory");
}

void *frame_window(paddr_t pa)
{
    pa &= FRAME_MASK;
    if (pa < DIRECT_MAP_SIZE)
        return direct(pa);
    kernel_page_set(1, pa);
    return (void *)WINDOW;
}

/* --- small spaces ---------------------------------------------------------------------------- */

/* Removes from a directory the copies at [base, base + size) that differ from the originals; with
 * no originals, all. What is not present is copied on demand. Returns whether there was one. */
static bool small_area_forget(pte_t *directory, word_t base, word_t size, const pte_t *original)
{
    pte_t *copy = &directory[base >> 22];
    bool stale = false;
    for (word_t i = 0; i < size >> 22; i++) {
        pte_t changed = original ? (copy[i] ^ original[i]) & ~(PTE_A | PTE_D) : copy[i];
        if ((copy[i] & PTE_P) && changed) {
            copy[i] = 0;
            stale = true;
        }
    }
    return stale;
}

static void small_area_sync(word_t base, word_t size, const pte_t *original)
{
    bool stale = small_area_forget(kernel_directory, base, size, original);
    for (struct space *d = kernel.spaces; d; d = d->next)
        stale |= small_area_forget(directory_of(d), base, size, original);
    if (stale)
        tlb_flush_all();
}

void small_area_changed(struct space *s)
{
    if (s->small_size != 0)
        small_area_sync(s->small_base, s->small_size, directory_of(s));
}

bool small_area_resolve(word_t la)
{
    struct space *s = kernel.segment_space;
    if (!s || s->small_size == 0 || la - s->small_base >= s->small_size)
        return false;
    pte_t *original = &directory_of(s)[(la - s->small_base) >> 22];
    pte_t *active = kernel.active_space ? directory_of(kernel.active_space) : kernel_directory;
    pte_t *copy = &active[la >> 22];
    if (!(*original & PTE_P) || (*copy & PTE_P))
        return false;
    /* The processor will set the copy's bits for what happens to a 4 MB page from now on. */
    if (*original & PTE_S)
        *original |= PTE_A | (*original & PTE_W ? PTE_D : 0);
    *copy = *original;
    return true;
}

/* What the descriptors in s say of where it is: 0 for a large space. */
static word_t segment_base(const struct space *s)
{
    return s->segment[0] >> 16 | (s->segment[1] & 0xFF) << 16 | (s->segment[1] & 0xFF000000);
}

static word_t segment_size(const struct space *s)
{
    return (((s->segment[0] & 0xFFFF) | (s->segment[1] & 0xF0000)) + 1) * PAGE_SIZE;
}

void space_segments(struct space *s)
{
    word_t base = segment_base(s);
    if (base != 0) {
        kernel.small_spaces--;
        small_area_sync(base, segment_size(s), NULL);
    }
    if (s->small_size != 0) {
        kernel.small_spaces++;
        segments_describe(s, s->small_base, s->small_size);
    } else {
        segments_describe(s, 0, USER_END);
    }
    if (s == kernel.segment_space)
        space_activate_again(s);
}

void arch_space_free(struct space *s)
{
    pte_t *directory = directory_of(s);
    if (kernel.segment_space == s)
        kernel.segment_space = NULL;
    s->small_size = 0;
    space_segments(s);
    if (kernel.active_space == s) {
        kernel.active_space = NULL;
        write_cr3(physical(kernel_directory));
    }
    for (word_t i = 0; i < KERNEL_FIRST; i++)
        if ((directory[i] & PTE_P) && !(directory[i] & PTE_S))
            kmem_frames_free(direct(directory[i] & FRAME_MASK), 2);
    kmem_frames_free(directory, 2);
    s->directory = 0;
}
