/* inspect.c: the kernel's state, shown by the debugger. Nothing here changes anything but the
 * accessed bits of pages that `dump` reads. */
#include "api/kip.h"
#include "api/mapping_tree.h"
#include "api/scheduler.h"
#include "debugger/debugger.h"
#include "debugger/print.h"

static const char *const state_names[] = {"inactive", "ready",   "waiting", "waiting(k)",
                                          "polling",  "copying", "locked",  "halted"};

static const char *state_name(const struct tcb *t)
{
    return t == current() ? "running" : state_names[t->state];
}

static const char *space_name(const struct space *s)
{
    return !s                         ? "none"
           : s == kernel.sigma0_space ? "sigma0"
           : s == kernel.sigma1_space ? "sigma1"
           : s == kernel.root_space   ? "root"
                                      : "";
}

/* --- threads ---------------------------------------------------------------------------------- */
void show_frame(const struct trap_frame *f)
{
    bool user = f->cs & 3; /* else no ESP was pushed */
    print("eip %08x  esp %08x  eflags %08x  cs %04x  vector %x error %x\n", f->eip,
          user ? f->esp : (word_t)(uintptr_t)&f->esp, f->eflags, f->cs, f->vector, f->error);
    print("eax %08x  ebx %08x  ecx %08x  edx %08x\n", f->eax, f->ebx, f->ecx, f->edx);
    print("esi %08x  edi %08x  ebp %08x\n", f->esi, f->edi, f->ebp);
}

static struct tcb *thread_named(word_t name)
{
    struct tcb *t = thread_by_number(name < THREAD_NUMBERS ? name : thread_number(name));
    if (!t)
        print("no such thread\n");
    return t;
}

static void thread_line(struct tcb *t)
{
    print("%08x %-10s %3u  %-9s %08x %08x %08x %s\n", t->id, state_name(t), t->priority,
          space_name(t->space), t->space ? t->space->directory : 0,
          t->space && t->state != INACTIVE ? thread_frame(t)->eip : 0, t->partner,
          t->slow & SLOW_TIMEOUT ? "timeout" : "");
}

static const char thread_heading[] =
    "id       state      prio space     directory eip      partner\n";

void show_threads(const word_t argument[])
{
    (void)argument;
    print(thread_heading);
    for (word_t i = 0; i < THREAD_NUMBERS; i++)
        if (kernel.threads[i])
            thread_line(kernel.threads[i]);
}

static void show_senders(const struct tcb *t)
{
    const struct tcb *s = t->senders;
    if (!s)
        return;
    print("senders:");
    do {
        print(" %08x", s->id);
        s = s->send_next;
    } while (s && s != t->senders);
    print("\n");
}

void show_thread(const word_t argument[])
{
    struct tcb *t = thread_named(argument[0]);
    if (!t)
        return;
    print(thread_heading);
    thread_line(t);
    print("local id %08x  utcb %p  scheduler %08x  slow %x  kernel esp %08x\n", t->local_id,
          (void *)t->utcb, t->scheduler, t->slow, t->esp);
    print("timeslice %llu of %llu us, quantum %llu of %llu us\n", t->timeslice_left_us,
          t->timeslice_us, t->quantum_left_us, t->quantum_us);
    show_senders(t);
    if (!t->space || !t->utcb)
        return;
    show_frame(thread_frame(t));
    print("pager %08x  exception handler %08x  error %x  timeouts %08x\n", t->utcb->pager,
          t->utcb->exception_handler, t->utcb->error_code, t->utcb->xfer_timeouts);
    for (unsigned i = 0; i < MR_COUNT; i++)
        print("%s%08x", i == 0 ? "mr  " : i % 8 ? " " : "\n    ", t->utcb->mr[i]);
    print("\nbr0 %08x  br1 %08x\n", utcb_br(t->utcb, 0), utcb_br(t->utcb, 1));
}

/* --- spaces ----------------------------------------------------------------------------------- */
void show_spaces(const word_t argument[])
{
    (void)argument;
    print("directory name   kip area utcb area small            redirector threads\n");
    for (const struct space *s = kernel.spaces; s; s = s->next) {
        print("%08x  %-6s %08x %08x  %08x+%08x %08x ", s->directory, space_name(s), s->kip_area,
              s->utcb_area, s->small_base, s->small_size, s->redirector);
        for (const struct tcb *t = s->threads; t; t = t->space_next)
            print(" %08x", t->id);
        print("\n");
    }
}

/* Entries that continue each other are shown as one line. */
struct run {
    vaddr_t first;
    pte_t entry; /* of the first page */
    word_t size;
};
#define SHOWN_BITS (PTE_W | PTE_CACHE | PTE_S)

static void print_run(const struct run *r)
{
    if (r->size)
        print("%08x..%08x -> %08x  r%c %s%s%s\n", r->first, r->first + r->size - 1,
              r->entry & ~(PAGE_SIZE - 1), r->entry & PTE_W ? 'w' : '-',
              r->entry & PTE_S ? "4 MB " : "", r->entry & PTE_PCD ? "uncached " : "",
              r->entry & PTE_PWT ? "write-through" : "");
}

void show_pages(const word_t argument[])
{
    struct tcb *t = thread_named(argument[0]);
    if (!t || !t->space)
        return;
    struct run r = {0, 0, 0};
    for (vaddr_t va = 0; va < USER_END;) {
        struct held h;
        word_t step = PAGE_SIZE;
        if (!(directory_of(t->space)[va / LARGE_PAGE_SIZE] & PTE_P)) {
            step = LARGE_PAGE_SIZE;
        } else if (held_at(t->space, va, &h)) {
            step = h.large ? LARGE_PAGE_SIZE : PAGE_SIZE;
            bool continues = r.size && va == r.first + r.size &&
                             h.frame == (r.entry & ~(PAGE_SIZE - 1)) + r.size &&
                             !((r.entry ^ *h.entry) & SHOWN_BITS);
            if (!continues) {
                print_run(&r);
                r = (struct run){va, (*h.entry & (PAGE_SIZE - 1)) | h.frame, 0};
            }
            r.size += step;
        }
        va += step;
    }
    print_run(&r);
}

void show_mappings(const word_t argument[])
{
    paddr_t pa = argument[0];
    unsigned shown = 0;
    for (const struct mapping *n = region_of(pa)->first; n; n = n->next) {
        paddr_t low = mapping_frame(n);
        if (pa - low >= mapping_size(n))
            continue;
        for (word_t i = 0; i < n->depth; i++)
            print("  ");
        print("%08x of directory %08x %s, r%c, status %x%s\n", n->va & -PAGE_SIZE,
              n->space->directory, space_name(n->space), *n->entry & PTE_W ? 'w' : '-',
              mapping_status(n), n->va & MAPPING_LARGE ? ", 4 MB" : "");
        shown++;
    }
    print("%u mappings\n", shown);
}

/* What must hold of every node: mapping.h says why. NULL: all does. */
static const char *node_fault(const struct mapping *n, const struct mapping *before)
{
    const struct mapping *p = before;
    while (p && p->depth >= n->depth)
        p = p->parent;
    if (n->prev != before)
        return "is not linked back";
    if (n->parent != p || n->depth != (p ? p->depth + 1 : 1))
        return "has a wrong parent or depth";
    bool large;
    const pte_t *entry = page_entry(n->space, n->va, false, &large);
    if (!entry || !(*entry & PTE_P) || large != (n->va & MAPPING_LARGE) ||
        n->entry != entry || *page_node(entry) != n)
        return "has no entry of its own";
    if (p && !(p->va & MAPPING_LARGE) && (large || mapping_frame(p) != mapping_frame(n)))
        return "is derived from another frame";
    return space_reserved(n->space, n->va) ? "lies in the kernel's areas" : NULL;
}

void check_mappings(const word_t argument[])
{
    (void)argument;
    word_t nodes = 0, wrong = 0;
    for (word_t i = 0; i < MAPPING_REGIONS; i++) {
        const struct mapping *before = NULL, *n = kernel.regions[i].first;
        for (; n; before = n, n = n->next, nodes++) {
            const char *fault = node_fault(n, before);
            if (!fault)
                continue;
            wrong++;
            print("%08x of directory %08x %s\n", n->va & -PAGE_SIZE, n->space->directory, fault);
        }
    }
    print("%u mappings, %u wrong; the pool has %u in use\n", nodes, wrong,
          kmem_pool_used(&kernel.mapping_pool));
}

void show_memory(const word_t argument[])
{
    struct tcb *t = thread_named(argument[0]);
    if (!t || !t->space)
        return;
    for (vaddr_t va = argument[1] & ~15u, end = va + 256; va != end; va += 16) {
        uint8_t bytes[16];
        print("%08x ", va);
        if (!space_read(t->space, va, bytes, sizeof bytes)) {
            print("not mapped\n");
            continue;
        }
        for (unsigned i = 0; i < sizeof bytes; i++)
            print(" %02x", bytes[i]);
        print("  ");
        for (unsigned i = 0; i < sizeof bytes; i++)
            print("%c", bytes[i] >= ' ' && bytes[i] < 0x7F ? bytes[i] : '.');
        print("\n");
    }
}

/* --- the kernel's memory ---------------------------------------------------------------------- */
static void pool_line(const char *name, const struct kmem_pool *p)
{
    print("%-9s %6u in use of %6u, %4u bytes each\n", name, kmem_pool_used(p), p->total,
          p->object_size);
}

void show_kernel_memory(const word_t argument[])
{
    (void)argument;
    print("%u frames free\n", kmem_free_frames());
    pool_line("threads", &kernel.tcb_pool);
    pool_line("spaces", &kernel.space_pool);
    pool_line("mappings", &kernel.mapping_pool);
}
