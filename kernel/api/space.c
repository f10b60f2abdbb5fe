/* space.c: address spaces: making and freeing them, their areas, and the program's memory as the
 * kernel reaches it. Page tables themselves are arch/paging.c; what programs map is mapping.c. */
#include "api/kip.h"
#include "api/mapping_tree.h"
#include "api/ports.h"
#include "debugger/print.h"

#define AREA_MIN_LOG2 12 /* of KIP and UTCB areas, as the kernel interface page says */

struct space *space_new(void)
{
    struct space *s = kmem_pool_take(&kernel.space_pool);
    if (!s)
        return NULL;
    if (!arch_space_init(s)) {
        kmem_pool_give(&kernel.space_pool, s);
        return NULL;
    }
    s->redirector = ANY_THREAD;
    s->next = kernel.spaces;
    if (s->next)
        s->next->prev = s;
    kernel.spaces = s;
    return s;
}

static void free_utcbs(struct space *s)
{
    word_t first, last;
    struct held h;
    if (!fpage_range(s->utcb_area, &first, &last))
        return;
    const pte_t *directory = directory_of(s);
    for (vaddr_t va = first; va - first <= last - first;) {
        if (!(directory[va / LARGE_PAGE_SIZE] & PTE_P)) {
            va = (va | (LARGE_PAGE_SIZE - 1)) + 1;
            continue;
        }
        if (held_at(s, va, &h)) {
            ASSERT(!h.node && !h.large);
            *h.entry = 0;
            kmem_frames_free(direct(h.frame), 1);
        }
        va += PAGE_SIZE;
    }
}

void space_delete(struct space *s)
{
    struct space **servers[] = {&kernel.sigma0_space, &kernel.sigma1_space, &kernel.root_space};
    ASSERT(!s->threads);
    for (unsigned i = 0; i < 3; i++)
        if (*servers[i] == s)
            *servers[i] = NULL;
    space_make_large(s);
    s->forgotten = s->is_sigma0 ? USER_END : 0;
    s->dying_next = kernel.dying;
    kernel.dying = s;
}

static void free_space(struct space *s)
{
    kernel.dying = s->dying_next;
    ports_forget(s);
    free_utcbs(s);
    arch_space_free(s);
    *(s->prev ? &s->prev->next : &kernel.spaces) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    kmem_pool_give(&kernel.space_pool, s);
}

bool space_bury(void)
{
    struct space *s = kernel.dying;
    if (s && s->forgotten < USER_END)
        s->forgotten = mapping_forget(s, s->forgotten);
    else if (s)
        free_space(s);
    return s;
}

/* --- the areas that the kernel keeps ---------------------------------------------------------- */
static bool overlap(fpage_t area, word_t first, word_t last)
{
    word_t area_first, area_last;
    return fpage_range(area, &area_first, &area_last) && first <= area_last && last >= area_first;
}

bool space_reserved_range(const struct space *s, vaddr_t first, vaddr_t last)
{
    return last >= USER_END || overlap(s->kip_area, first, last) ||
           overlap(s->utcb_area, first, last);
}

bool space_reserved(const struct space *s, vaddr_t va)
{
    return space_reserved_range(s, va, va);
}

/* An area of at least the smallest size, wholly in the user's part. */
static bool area_valid(fpage_t area, word_t *first, word_t *last)
{
    return fpage_size_log2(area) >= AREA_MIN_LOG2 && fpage_range(area, first, last) &&
           *last < USER_END;
}

enum l4_error space_configure(struct space *s, fpage_t kip_area, fpage_t utcb_area)
{
    word_t utcb_first, utcb_last, kip_first, kip_last;
    bool large;
    if (s->configured)
        return L4_OK; /* areas are given once; later ones are ignored */
    if (!area_valid(utcb_area, &utcb_first, &utcb_last))
        return L4_UTCB_AREA;
    if (!area_valid(kip_area, &kip_first, &kip_last) || overlap(utcb_area, kip_first, kip_last))
        return L4_KIP_AREA;

    pte_t *entry = page_entry(s, kip_first, true, &large);
    if (!entry)
        return L4_NO_MEMORY;
    *entry = physical(&kip) | PTE_P | PTE_U;
    s->kip_area = kip_area;
    s->utcb_area = utcb_area;
    s->own_end = s->is_sigma0 ? 0 : kip_first < utcb_first ? kip_first : utcb_first;
    s->configured = true;
    return L4_OK;
}

bool space_utcb_valid(const struct space *s, vaddr_t utcb)
{
    word_t first, last;
    return s->configured && utcb % UTCB_SIZE == 0 && fpage_range(s->utcb_area, &first, &last) &&
           utcb >= first && utcb <= last;
}

struct utcb *space_utcb(struct space *s, vaddr_t utcb)
{
    bool large;
    pte_t *entry = page_entry(s, utcb, true, &large);
    if (!entry)
        return NULL;
    if (!(*entry & PTE_P)) {
        void *frame = kmem_frames(1);
        if (!frame)
            return NULL;
        *entry = physical(frame) | PTE_P | PTE_W | PTE_U;
    }
    return direct((*entry & ~(PAGE_SIZE - 1)) + utcb % PAGE_SIZE);
}

/* --- small spaces --------------------------------------------------------------------------------
 * The lowest bit set in the id, bit k, tells the size: 4 MB << k; the bits above are the place in
 * the area of small spaces, in units of 2 MB. */
static bool slot_free(const struct space *s, word_t base, word_t size)
{
    for (const struct space *other = kernel.spaces; other; other = other->next)
        if (other != s && other->small_size && base < other->small_base + other->small_size &&
            other->small_base < base + size)
            return false;
    return true;
}

/* No 4 MB page may lie in a small space: its directory entry would be copied into other
 * directories, and the processor would note its use there. */
static bool split_below(struct space *s, word_t size)
{
    struct held h;
    for (vaddr_t va = 0; va < size; va += LARGE_PAGE_SIZE)
        if (held_at(s, va, &h) && h.large && h.node && !mapping_split(h.node))
            return false;
    return true;
}

bool space_set_small(struct space *s, word_t id)
{
    id &= 0xFF;
    if (id == 0) {
        space_make_large(s);
        return true;
    }
    if (!kernel.has_limits)
        return false; /* nothing would keep it from its neighbours */
    word_t lowest = id & -id, size = lowest * LARGE_PAGE_SIZE, offset = (id & ~lowest) << 21;
    if (offset % size != 0 || offset + size > SMALL_AREA_SIZE ||
        !slot_free(s, SMALL_AREA + offset, size) || !split_below(s, size))
        return false;
    s->small_id = id;
    s->small_base = SMALL_AREA + offset;
    s->small_size = size;
    space_segments(s);
    small_area_changed(s);
    return true;
}

void space_make_large(struct space *s)
{
    if (!s->small_size)
        return;
    s->small_id = 0;
    s->small_base = s->small_size = 0;
    space_segments(s);
}

/* --- sigma0 ----------------------------------------------------------------------------------- */
bool space_sigma0_fill(struct space *s, vaddr_t va)
{
    if (space_reserved(s, va))
        return false;
    vaddr_t slot = va & ~(LARGE_PAGE_SIZE - 1), page = va & ~(PAGE_SIZE - 1);
    pte_t *directory_entry = &directory_of(s)[va / LARGE_PAGE_SIZE];
    if (!(*directory_entry & PTE_P) && !region_of(va)->frame_cache &&
        !space_reserved_range(s, slot, slot + LARGE_PAGE_SIZE - 1)) {
        *directory_entry = slot | region_cache(slot) | PTE_P | PTE_W | PTE_U | PTE_S;
        small_area_changed(s);
        return true;
    }
    bool large;
    pte_t *entry = page_entry(s, va, true, &large);
    if (entry && !(*entry & PTE_P))
        *entry = page | region_cache(page) | PTE_P | PTE_W | PTE_U;
    return entry;
}

void space_sigma0_forget(struct space *s, vaddr_t va)
{
    vaddr_t slot = va & ~(LARGE_PAGE_SIZE - 1);
    if (slot >= USER_END)
        return;
    pte_t *directory_entry = &directory_of(s)[va / LARGE_PAGE_SIZE];
    if (*directory_entry & PTE_S) {
        *directory_entry = 0;
        small_area_changed(s);
        tlb_flush_page(s, slot);
        return;
    }
    struct held h;
    for (vaddr_t page = slot; page - slot < LARGE_PAGE_SIZE; page += PAGE_SIZE)
        if (!space_reserved(s, page) && held_at(s, page, &h)) {
            *h.entry = 0;
            tlb_flush_page(s, page);
        }
}

/* --- the program's memory as the kernel reaches it -------------------------------------------- */

/* The page table, asked as the processor would: it notes the use as well, since the program's
 * pagers want to know of it whoever used the page. */
struct user_frame space_user_frame(struct space *s, vaddr_t va, bool write)
{
    struct held h;
    struct user_frame none = {NULL, 0};
    if (va >= USER_END)
        return none;
    if (!held_at(s, va, &h)) {
        if (!s->is_sigma0 || !space_sigma0_fill(s, va) || !held_at(s, va, &h))
            return none;
    }
    if (write && !(*h.entry & PTE_W))
        return none;
    *h.entry |= write ? PTE_A | PTE_D : PTE_A;

    word_t offset = va % PAGE_SIZE;
    if (h.frame >= DIRECT_MAP_SIZE)
        return (struct user_frame){(uint8_t *)frame_window(h.frame) + offset, PAGE_SIZE - offset};
    word_t size = h.large ? LARGE_PAGE_SIZE - va % LARGE_PAGE_SIZE : PAGE_SIZE - offset;
    if (size > DIRECT_MAP_SIZE - h.frame - offset)
        size = DIRECT_MAP_SIZE - h.frame - offset;
    return (struct user_frame){(uint8_t *)direct(h.frame) + offset, size};
}

bool space_read(struct space *s, vaddr_t va, void *to, word_t size)
{
    uint8_t *bytes = to;
    while (size) {
        struct user_frame f = space_user_frame(s, va, false);
        if (!f.bytes)
            return false;
        word_t count = f.size < size ? f.size : size;
        for (word_t i = 0; i < count; i++)
            bytes[i] = f.bytes[i];
        bytes += count;
        va += count;
        size -= count;
    }
    return true;
}
