/* foreign_state.c: the state of a foreign thread that its messages do not carry, for its keeper.
 * Ours, beyond X.2; guests/lib/include/l4/foreign.h has the layouts.
 *
 *      EAX  the thread         EAX  0: refused, ErrorCode says why; 1: done; 2: it has used no x87
 *      ECX  the operation
 *      EDX  the state's address in the caller's space, within one page; of L4_STATE_UNMAP a count
 *
 * Allowed to the threads of the space that the thread's keeper is in. */
#include "api/ipc_short.h"
#include "api/mapping_tree.h"
#include "api/syscalls.h"

/* The thread, if it is the caller's to rule. */
static struct tcb *kept_thread(thread_id_t id)
{
    struct tcb *t = thread_find_any(current()->space, id), *keeper;

    if (!t || !t->utcb || !t->space->foreign || t == current())
        return NULL;
    keeper = thread_find_any(t->space, t->keeper);
    return keeper && keeper->space == current()->space ? t : NULL;
}

static word_t state_bytes(word_t operation)
{
    switch (operation) {
    case L4_STATE_TLS_SET: return sizeof(struct l4_state_tls);
    case L4_STATE_DEBUG_SET: return sizeof(struct l4_state_debug);
    case L4_STATE_X87_GET:
    case L4_STATE_X87_SET: return arch_fpu_bytes();
    case L4_STATE_SEGMENTS_GET: return sizeof(struct l4_state_segments);
    case L4_STATE_TRAMPOLINE_SET: return sizeof(word_t);
    default: return 0;
    }
}

/* The words are the caller's, aligned as they may be: structures of words alone. */
static word_t exchange(struct tcb *t, word_t operation, void *state)
{
    switch (operation) {
    case L4_STATE_TLS_SET: return arch_foreign_set_tls(t, state);
    case L4_STATE_DEBUG_SET: return arch_foreign_set_debug(t, state);
    case L4_STATE_X87_GET: return arch_fpu_get(t, state) ? 1 : 2;
    case L4_STATE_X87_SET: arch_fpu_set(t, state); return 1;
    case L4_STATE_TRAMPOLINE_SET: t->trampoline = *(word_t *)state; return 1;
    default:
        *(struct l4_state_segments *)state = (struct l4_state_segments){t->gs, t->fs};
        return 1;
    }
}

/* The thread may be gone, or have become another's, whenever interrupts have been let in. */
static enum l4_error unmap_pages(thread_id_t id, word_t count)
{
    word_t first, last;

    for (word_t i = 0; i < count;) {
        struct tcb *t = kept_thread(id);
        fpage_t page = current()->utcb->mr[i % MR_COUNT];

        if (!t)
            return L4_INVALID_THREAD;
        if (!fpage_range(page, &first, &last) || last - first >= LARGE_PAGE_SIZE)
            return L4_INVALID_PARAMETER;
        if (!mapping_splits(t->space, first, last)) {
            mapping_unmap(t->space, first, last, page & ALL_RIGHTS, true);
            i++;
        }
        preemption_point();
    }
    return L4_OK;
}

/* Whoever is to use the thread and its space next finds nothing of who did before. */
static enum l4_error reset(struct tcb *t)
{
    static const struct l4_state_tls no_tls;
    static const struct l4_state_debug no_debug;

    for (const struct tcb *other = t->space->threads; other; other = other->space_next)
        if (other != t && other->utcb)
            return L4_INVALID_SPACE;
    arch_foreign_set_tls(t, &no_tls);
    arch_foreign_set_debug(t, &no_debug);
    arch_fpu_drop(t);
    t->trampoline = 0;
    kmem_clear(direct(physical(t->utcb) & ~(PAGE_SIZE - 1)), PAGE_SIZE);
    t->utcb->my_global_id = t->id;
    t->utcb->pager = t->keeper;
    return L4_OK;
}

static enum l4_error foreign_state(struct trap_frame *f)
{
    word_t operation = f->ecx, bytes = state_bytes(operation), result = 1;
    bool writes = operation == L4_STATE_X87_GET || operation == L4_STATE_SEGMENTS_GET;
    struct tcb *t = kept_thread(f->eax);
    struct user_frame state;

    if (!t)
        return L4_INVALID_THREAD;
    f->eax = 1;
    if (operation == L4_STATE_UNMAP)
        return unmap_pages(t->id, f->edx);
    if (operation == L4_STATE_RESET)
        return reset(t);
    if (operation == L4_STATE_X87_SET && f->edx == 0) {
        arch_fpu_drop(t);
    } else {
        state = bytes ? space_user_frame(current()->space, f->edx, writes)
                      : (struct user_frame){NULL, 0};
        if (!state.bytes || state.size < bytes || f->edx % sizeof(word_t))
            return L4_INVALID_PARAMETER;
        result = exchange(t, operation, state.bytes);
        if (!result)
            return L4_INVALID_PARAMETER;
    }
    f->eax = result;
    return L4_OK;
}

void sys_foreign_state(struct trap_frame *f)
{
    enum l4_error error = foreign_state(f);

    if (error) {
        current()->utcb->error_code = error;
        f->eax = 0;
    }
}
