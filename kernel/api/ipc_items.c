/* ipc_items.c: the words of a message and its typed items [L4X2 4.3, 4.4].
 *
 * Words go over as they are, typed ones too. Then the items take effect in their order:
 *
 *   map, grant   two words: where in the receiver's window, and the sender's fpage
 *   string       a length, one or more pointers; the next buffer of the receiver takes it
 *
 * What the receiver allows is in its BR0: the window for map and grant items, and whether it has
 * string buffers. An item that it does not allow, or of a type that is none, ends the transfer
 * as an overflow. What has been transferred until then stays. */
#include "api/ipc_transfer.h"
#include "api/mapping.h"
#include "state.h"

#define ITEM_TYPE(w)   ((w) >> 1 & 7)
#define TYPE_MAP       4
#define TYPE_GRANT     5
#define ITEM_IS_STRING(w) (((w) & 8) == 0)

#define ACCEPT_STRINGS 1u

/* The typed words of a message are MR first .. MR end-1. */
struct typed_words {
    unsigned first, end;
};

static struct typed_words typed_words(msg_tag_t tag)
{
    unsigned first = tag_untyped(tag) + 1;

    return (struct typed_words){first, first + tag_typed(tag)};
}

/* The index after the item at `index`, 0 if there is no such item. */
static unsigned item_end(const word_t *mr, unsigned index, unsigned end)
{
    word_t item = mr[index];

    if (ITEM_IS_STRING(item))
        return ipc_string_end(mr, index, end);
    if (ITEM_TYPE(item) != TYPE_MAP && ITEM_TYPE(item) != TYPE_GRANT)
        return 0;
    return index + 2 <= end ? index + 2 : 0;
}

bool ipc_has_strings(struct tcb *s)
{
    if (s->kernel_ipc)
        return false;
    const word_t *mr = s->utcb->mr;
    struct typed_words typed = typed_words(mr[0]);
    if (typed.end > MR_COUNT)
        return false;
    for (unsigned i = typed.first; i != 0 && i < typed.end; i = item_end(mr, i, typed.end))
        if (ITEM_IS_STRING(mr[i]))
            return true;
    return false;
}

HOT static word_t transfer_map(struct tcb *s, struct tcb *r, word_t item, fpage_t send)
{
    fpage_t window = ipc_window(r);

    if (window == FPAGE_NIL)
        return TRANSFER_BOTH(IPC_OVERFLOW);
    if (send != FPAGE_NIL
        && !mapping_map(s->space, send, item & ~0x3FFu, r->space, window,
                        ITEM_TYPE(item) == TYPE_GRANT))
        return TRANSFER_BOTH(IPC_OVERFLOW); /* memory for page tables has run out */
    return 0;
}

static word_t transfer_items(struct tcb *s, struct tcb *r, struct typed_words typed)
{
    bool strings = !r->kernel_ipc && utcb_br(r->utcb, 0) & ACCEPT_STRINGS;
    unsigned buffer = strings ? 1 : 0;

    for (unsigned i = typed.first, next; i < typed.end; i = next) {
        const word_t *mr = s->utcb->mr;
        word_t item = mr[i], codes;

        next = item_end(mr, i, typed.end);
        if (next == 0)
            return TRANSFER_BOTH(IPC_OVERFLOW);
        if (!ITEM_IS_STRING(item))
            codes = transfer_map(s, r, item, mr[i + 1]);
        else if (buffer == 0)
            codes = TRANSFER_BOTH(IPC_OVERFLOW);
        else
            codes = ipc_copy_string(s, r, i, next, &buffer);
        if (codes)
            return codes;
    }
    return 0;
}

word_t ipc_transfer(struct tcb *s, struct tcb *r)
{
    const word_t *from = ipc_message(s);
    word_t *to = ipc_message(r);
    msg_tag_t tag = from[0];
    struct typed_words typed = typed_words(tag);

    if (!s->kernel_ipc) /* a fault inside a transfer leaves that one's count alone */
        s->transfer_bytes = 0;
    if (typed.end > MR_COUNT)
        return TRANSFER_BOTH(IPC_OVERFLOW);
    unsigned words = r->kernel_ipc ? typed.first : typed.end;
    if (r->kernel_ipc && words > KERNEL_WORDS_MAX + 1)
        words = KERNEL_WORDS_MAX + 1;
    for (unsigned i = 0; i < words; i++)
        to[i] = from[i];
    return typed.first < typed.end ? transfer_items(s, r, typed) : 0;
}

HOT bool ipc_map_items(struct tcb *s, struct tcb *r, msg_tag_t tag)
{
    struct typed_words typed = typed_words(tag);
    const word_t *mr = s->utcb->mr;

    if (typed.end > MR_COUNT || tag_typed(tag) % 2 != 0 || ipc_window(r) == FPAGE_NIL)
        return false;
    for (unsigned i = typed.first; i < typed.end; i += 2)
        if ((ITEM_TYPE(mr[i]) & ~1u) != TYPE_MAP)
            return false;
    for (unsigned i = typed.first; i < typed.end; i += 2)
        if (transfer_map(s, r, mr[i], mr[i + 1]))
            return false;
    return true;
}
