// world.c: the spaces and threads that are measured, made and unmade by the root task.
#include "measure.h"

// The small spaces' areas, below 8 MB and above any image linked at 4 MB.
#define SMALL_KIP_AREA 0x00780000u
#define SMALL_UTCB_AREA 0x00790000u

#define IMAGE_BASE 0x00400000u
#define STACK_SIZE 4096u

extern char _end[];

l4_thread_id main_thread, pager_thread;
struct l4_stubs small_stubs;
word_t region;

static uint8_t stacks[THREAD_MAX + 1][STACK_SIZE] __attribute__((aligned(4096)));
static l4_thread_id made[THREAD_MAX];
static word_t made_count, small_count, version;

// ---- Serving ----------------------------------------------------------------------------------

static bool is_shared(word_t address)
{
    return (address >= IMAGE_BASE && address < (word_t)(uintptr_t)_end) ||
           (address >= region && address < region + REGION_SIZE);
}

static void serve_start(void)
{
    l4_thread_id thread = l4_mr(1);
    word_t ip = l4_mr(2), sp = l4_mr(3);
    l4_tag tag = l4_send_start(thread, ip, sp);
    word_t error = l4_tag_failed(tag) ? l4_error_code() : 0;
    l4_msg_begin(LABEL_START);
    l4_msg_word(error);
}

void pager_serve(l4_tag tag)
{
    if (l4_is_page_fault(tag)) {
        word_t address = l4_page_fault_address(), ip = l4_page_fault_ip();
        if (!is_shared(address))
            l4_panic("measure: a fault at %08x, instruction %08x", address, ip);
        touch(address); // if this is no root thread, the own pager maps it here first
        l4_put_page_fault_reply(
            l4_map_item(l4_make_fpage(address & ~(L4_PAGE_SIZE - 1), L4_PAGE_BITS,
                                      L4_FULLY_ACCESSIBLE),
                        address & ~(L4_PAGE_SIZE - 1)));
    } else if (l4_tag_label(tag) == LABEL_START) {
        serve_start();
    } else if (l4_tag_label(tag) == LABEL_REVOKE) {
        l4_unmap_fpage(l4_mr(1), false);
        l4_msg_begin(0);
    } else {
        l4_panic("measure: a pager does not know tag %08x", tag);
    }
}

void pager_loop(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_tag tag = l4_wait(&from);
    for (;;) {
        pager_serve(tag);
        tag = answer_and_wait(&from);
    }
}

// ---- Making -----------------------------------------------------------------------------------

static l4_fpage kip_area(const struct space *s)
{
    return l4_make_fpage(s->size == SMALL ? SMALL_KIP_AREA : L4_KIP_AREA_BASE, 12, 0);
}

static l4_fpage utcb_area(const struct space *s)
{
    return s->size == SMALL ? l4_make_fpage(SMALL_UTCB_AREA, 12, 0)
                            : l4_make_fpage(L4_UTCB_AREA_BASE, L4_UTCB_AREA_LOG2_SIZE, 0);
}

word_t local_id_of(const struct space *s, word_t thread_index)
{
    return l4_fpage_base(utcb_area(s)) + thread_index * L4_UTCB_SIZE + L4_UTCB_MR_OFFSET;
}

// A slot of 8 MB for each small space that lives: the lowest set bit of the id says how large, the
// bits above it where [L4X2 4.11].
static word_t small_control(void)
{
    return 0x80000000u | (4 * small_count++ + 2);
}

// Says whether the space has its areas and the size that was asked for.
static bool configure(const struct space *s)
{
    word_t control = s->size == SMALL ? small_control() : 0, old = 0;
    if (!l4_space_control(s->first, control, kip_area(s), utcb_area(s), L4_ANY_THREAD, &old))
        return false;
    return s->size == LARGE || (old & 0x80000000u);
}

static bool activate(struct space *s, l4_thread_id id, l4_thread_id pager)
{
    word_t utcb = local_id_of(s, s->thread_count) - L4_UTCB_MR_OFFSET;
    if (s->first != L4_NIL_THREAD)
        return l4_thread_control(id, s->first, main_thread, pager, utcb);
    if (!l4_thread_control(id, id, main_thread, L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        return false;
    s->first = id;
    made[made_count++] = id;
    return configure(s) && l4_thread_control(id, id, L4_NIL_THREAD, pager, utcb);
}

static bool start(l4_thread_id id, l4_thread_id pager, void (*function)(void *), void *argument)
{
    uint8_t *stack = stacks[made_count - 1];
    memset(stack, 0, STACK_SIZE);
    word_t sp = l4_stack_prepare(stack, STACK_SIZE, argument);
    l4_msg_begin(LABEL_START);
    l4_msg_word(id);
    l4_msg_word((word_t)(uintptr_t)function);
    l4_msg_word(sp);
    return !l4_tag_failed(l4_call(pager)) && l4_mr(1) == 0;
}

l4_thread_id thread_id_next(word_t after)
{
    return l4_global_id(l4_thread_number(main_thread) + 2 + made_count + after, version);
}

bool thread_new(struct space *s, l4_thread_id pager, void (*function)(void *), void *argument,
                l4_thread_id *id)
{
    if (made_count == THREAD_MAX)
        l4_panic("measure: more than %u threads", THREAD_MAX);
    *id = thread_id_next(0);
    bool first = s->first == L4_NIL_THREAD;
    if (!activate(s, *id, pager))
        return false;
    if (!first)
        made[made_count++] = *id;
    s->thread_count++;
    return start(*id, pager, function, argument);
}

l4_thread_id thread_in(struct space *s, l4_thread_id pager, void (*function)(void *),
                       void *argument)
{
    l4_thread_id id;
    if (!thread_new(s, pager, function, argument, &id))
        l4_panic("measure: no thread: error %u", l4_error_code());
    return id;
}

void world_end(void)
{
    while (made_count)
        l4_thread_delete(made[--made_count]);
    small_count = 0;
    version = version == 0x3FF ? 2 : version + 1;
}

// ---- The first --------------------------------------------------------------------------------

static word_t moved_stub(word_t stub)
{
    return stub - (word_t)(uintptr_t)l4_kip + SMALL_KIP_AREA;
}

// sigma0 gives the image to the first thread alone, so that thread asks for all of it.
static void touch_image(void)
{
    for (word_t page = IMAGE_BASE; page < (word_t)(uintptr_t)_end; page += L4_PAGE_SIZE)
        touch(page);
}

static void find_region(void)
{
    for (word_t base = 0x03000000; base >= 0x00800000; base -= REGION_SIZE) {
        l4_fpage got = l4_sigma0_get(base, 22, L4_COMPLETE_SPACE);
        if (got != L4_NIL_FPAGE) {
            region = base;
            return;
        }
    }
    l4_panic("measure: sigma0 gives no 4 MB of memory");
}

void world_init(void)
{
    if ((word_t)(uintptr_t)_end > SMALL_KIP_AREA)
        l4_panic("measure: too large for a small space");
    main_thread = l4_my_global_id();
    version = 2;
    touch_image();
    small_stubs.ipc = moved_stub(l4_stubs.ipc);
    small_stubs.lipc = moved_stub(l4_stubs.lipc);
    find_region();
    pager_thread = l4_global_id(l4_thread_number(main_thread) + 1, 2);
    if (!l4_thread_create(pager_thread, 1))
        l4_panic("measure: no pager thread: error %u", l4_error_code());
    l4_set_priority(pager_thread, 255);
    l4_thread_start(pager_thread, pager_loop, NULL, stacks[THREAD_MAX], STACK_SIZE);
}

// ---- Being done -------------------------------------------------------------------------------

void done_through(word_t ipc_stub, word_t failed)
{
    word_t error = failed ? l4_error_code() : 0;
    l4_msg_begin(LABEL_DONE);
    l4_msg_word(failed);
    l4_msg_word(error);
    for (;;) // the root task deletes the thread
        l4_ipc_through(ipc_stub, main_thread, main_thread, 0, NULL);
}

void done(word_t failed)
{
    done_through(l4_stubs.ipc, failed);
}

void await_done(l4_thread_id id, const char *what)
{
    l4_tag tag = l4_receive_timeout(id, l4_period(20 * 1000 * 1000));
    if (l4_tag_failed(tag))
        l4_panic("measure: %s does not end: error %u", what, l4_error_code());
    if (l4_mr(1) != 0)
        l4_panic("measure: %s failed at %u: error %u", what, l4_mr(1), l4_mr(2));
}
