/* mapping_quick.c: the usual map item, straight on: 4 KB to 64 KB that the sender holds, for a
 * place below all that the kernel keeps in the receiver's space, where there is a page table, and
 * in it nothing yet, or the same pages already. Pagers answer with such items, and so do file
 * servers; all else is mapping.c's, which knows every case and looks for one after the other.
 *
 * What is done to each page: the sender's entry leads to its node, a node at hand becomes the one
 * behind it in the list, and the receiver's entry and the pointer beside it are written. */
#include "api/ipc_transfer.h"
#include "api/mapping_tree.h"

#define QUICK_LOG2_MAX 16

/* The same page is there already: it may gain the right to write. */
static inline bool place_again(const struct mapping *source, struct space *to, vaddr_t va,
                               pte_t *entry, pte_t value)
{
    const struct mapping *n = *page_node(entry);
    if (!n || n->parent != source)
        return false;
    if (value & ~*entry & PTE_W) {
        *entry |= PTE_W;
        mapping_flush(to, va);
    }
    return true;
}

/* The table entry for a program's address; NULL: there is no page table. */
static inline pte_t *table_entry(const struct space *s, vaddr_t va)
{
    pte_t slot = directory_of(s)[va / LARGE_PAGE_SIZE];
    return (slot & (PTE_P | PTE_S)) == PTE_P ? &table_of(slot)[page_index(va)] : NULL;
}

/* `size` bytes from src to dst, both aligned to that. */
static ALWAYS_INLINE bool place(const struct space *from, vaddr_t src, struct space *to,
                                vaddr_t dst, word_t size, pte_t kept)
{
    const pte_t *source_entry = table_entry(from, src);
    pte_t *entry = table_entry(to, dst);
    if (!source_entry || !entry)
        return false;
    for (;; source_entry++, entry++, dst += PAGE_SIZE) {
        struct mapping *source = *page_node(source_entry), *n;
        pte_t value = *source_entry & kept;
        if (!source)
            return false;
        if (*entry & PTE_P) {
            if (!place_again(source, to, dst, entry, value))
                return false;
        } else {
            n = kmem_pool_take_quick(&kernel.mapping_pool);
            if (!n)
                return false;
            mapping_link(n, source, to, dst, entry, value);
        }
        size -= PAGE_SIZE;
        if (size == 0)
            return true;
    }
}

static ALWAYS_INLINE bool map(const struct space *from, fpage_t send, word_t send_base,
                              struct space *to, fpage_t window)
{
    word_t log2 = fpage_size_log2(send), size = PAGE_SIZE;
    if (log2 != 12) {
        if (log2 < 12 || log2 > QUICK_LOG2_MAX)
            return false;
        size = 1u << log2;
    }
    if (window != FPAGE_COMPLETE) {
        word_t window_log2 = fpage_size_log2(window);
        if (window_log2 < log2 || window_log2 > 31)
            return false;
        word_t mask = ~0u << window_log2;
        send_base = (send_base & ~mask) | (window & mask);
    }
    vaddr_t src = send & -size, dst = send_base & -size;
    if (!(send & ALL_RIGHTS) || src >= USER_END || dst + (size - 1) >= to->own_end)
        return false;
    /* The bit W is where the right to write is. */
    _Static_assert(RIGHT_W == PTE_W, "");
    pte_t kept = ~(PAGE_SIZE - 1) | PTE_CACHE | PTE_P | PTE_U | (send & PTE_W);
    return place(from, src, to, dst, size, kept);
}

bool mapping_map_quick(const struct space *from, fpage_t send, word_t send_base, struct space *to,
                       fpage_t window)
{
    return map(from, send, send_base, to, window);
}

#define ITEM_TYPE 0xEu
#define ITEM_MAP  0x8u

FAST_MAP IPC_REGISTERS bool ipc_map_item(struct tcb *r, const word_t item[2])
{
    fpage_t window = ipc_window(r);
    return (item[0] & ITEM_TYPE) == ITEM_MAP && window != FPAGE_NIL &&
           map(current()->space, item[1], item[0], r->space, window);
}
