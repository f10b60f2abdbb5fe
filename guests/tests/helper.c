// helper.c: threads and spaces for the tests, and what tests do with them again and again.
#include "suite.h"

#include <l4/string.h>

#define STACKS 40
#define STACK_SIZE 4096u
#define SPACES 16
#define FIRST_NUMBER 128u // of helper threads; below are the servers and the suite's first thread

static uint8_t stacks[STACKS][STACK_SIZE] __attribute__((aligned(16)));
static bool stack_used[STACKS];
static struct space spaces[SPACES]; // number 0 is the suite's
static unsigned space_count;
static word_t ids_used, version;
volatile word_t counters[COUNTERS];
struct space *const root = &spaces[0];

// ---- Ids, spaces --------------------------------------------------------------------------------

l4_thread_id new_id(void)
{
    return l4_global_id(FIRST_NUMBER + ids_used++, version);
}

// Deletes whatever the last test made. Versions differ from test to test, so that an id that
// outlives its test is seen.
void reset_helpers(unsigned test)
{
    while (ids_used > 0)
        l4_thread_delete(l4_global_id(FIRST_NUMBER + --ids_used, version));
    version = 1 + test % 63;
    memset(stack_used, 0, sizeof(stack_used));
    memset(spaces, 0, sizeof(spaces));
    reset_transfers();
    for (unsigned i = 0; i < COUNTERS; i++)
        counters[i] = 0;
    space_count = 1;
    *root = (struct space){controller_id, ADDRESS(l4_kip), l4_utcb_area, 1};
}

struct space *space_make_bare(void)
{
    HOLDS(space_count < SPACES);
    struct space *s = &spaces[space_count++];
    *s = (struct space){new_id(), 0, 0, 0};
    EQUAL(l4_thread_control(s->anchor, s->anchor, controller_id, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
          1);
    return s;
}

struct space *space_make_at(word_t kip, word_t utcb_base)
{
    struct space *s = space_make_bare();
    s->kip = kip;
    s->utcb_base = utcb_base;
    EQUAL(l4_space_control(s->anchor, 0, l4_make_fpage(kip, L4_PAGE_BITS, 0),
                           l4_make_fpage(utcb_base, CHILD_UTCB_LOG2, 0), L4_ANY_THREAD, NULL),
          1);
    return s;
}

struct space *space_make(void)
{
    return space_make_at(ADDRESS(l4_kip), CHILD_UTCB_AREA);
}

// ---- Helpers ------------------------------------------------------------------------------------

static unsigned take_stack(void)
{
    unsigned i = 0;
    while (i < STACKS && stack_used[i])
        i++;
    HOLDS(i < STACKS);
    stack_used[i] = true;
    return i;
}

struct helper helper_make(struct space *space, l4_thread_id pager)
{
    struct helper h = {.id = new_id(), .space = space, .pager = pager, .stack = take_stack()};
    h.utcb = space->utcb_base + L4_UTCB_SIZE * space->utcb_count++;
    h.local = h.utcb + L4_UTCB_MR_OFFSET;
    EQUAL(l4_thread_control(h.id, space->anchor, controller_id, pager, h.utcb), 1);
    return h;
}

// Through the page of the space it runs in, which may be elsewhere than the suite's.
void wait_for_ever(void *unused)
{
    (void)unused;
    struct l4_stubs stubs;
    l4_find_stubs(&stubs, l4_kernel_interface().kip);
    for (;;)
        l4_ipc_through(stubs.ipc, L4_NIL_THREAD, l4_my_local_id(), 0, NULL);
}

void helper_prologue(void (*function)(void *), void *argument)
{
    l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, controller_id);
    function(argument);
    wait_for_ever(NULL);
}

word_t helper_stack(const struct helper *h, void (*function)(void *), void *argument)
{
    word_t *sp = (word_t *)(stacks[h->stack] + STACK_SIZE) - 4;
    sp[0] = 0; // no return
    sp[1] = ADDRESS(function);
    sp[2] = ADDRESS(argument);
    return ADDRESS(sp);
}

void helper_begin(const struct helper *h, void (*function)(void *), void *argument)
{
    word_t sp = helper_stack(h, function, argument);
    if (h->pager == controller_id) {
        start_by_controller(h->id, ADDRESS(helper_prologue), sp);
        return;
    }
    l4_put_start_message(ADDRESS(helper_prologue), sp);
    EQUAL(outcome(l4_send_timeout(h->id, SECOND)), 0);
}

struct helper helper_start(struct space *space, void (*function)(void *), void *argument)
{
    struct helper h = helper_make(space, controller_id);
    helper_begin(&h, function, argument);
    return h;
}

struct helper helper_start_at(struct space *space, word_t priority, void (*function)(void *),
                              void *argument)
{
    struct helper h = helper_make(space, controller_id);
    HOLDS(l4_set_priority(h.id, priority) != 0);
    helper_begin(&h, function, argument);
    return h;
}

// The UTCB can be used again if it is the last that was given.
void helper_delete(const struct helper *h)
{
    EQUAL(l4_thread_delete(h->id), 1);
    stack_used[h->stack] = false;
    if (h->utcb == h->space->utcb_base + L4_UTCB_SIZE * (h->space->utcb_count - 1))
        h->space->utcb_count--;
}

word_t thread_state(l4_thread_id id)
{
    return l4_schedule(id, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, L4_UNCHANGED, NULL);
}

l4_thread_id global_of(l4_thread_id id)
{
    if (!l4_is_local_id(id))
        return id;
    return *word_at(id + 4 * (word_t)L4_TCR_MY_GLOBAL_ID);
}

word_t control_of(l4_thread_id id)
{
    struct l4_exchange x = {.thread = id, .control = L4_EXREGS_DELIVER};
    HOLDS(l4_exchange_registers(&x) != L4_NIL_THREAD);
    return x.control & 7;
}

// ---- Time ---------------------------------------------------------------------------------------

void sleep_us(word_t microseconds)
{
    receive(l4_my_local_id(), l4_period(microseconds), NULL);
}

void settle(void)
{
    sleep_us(8000);
}

void spin_us(word_t microseconds)
{
    l4_clock end = l4_system_clock() + microseconds;
    while (l4_system_clock() < end) {
    }
}

void count_for_ever(void *counter)
{
    volatile word_t *count = counter;
    for (;;)
        ++*count;
}

void count_and_yield(void *counter)
{
    volatile word_t *count = counter;
    for (;;) {
        ++*count;
        l4_thread_switch(L4_NIL_THREAD);
    }
}

word_t advance_asleep(volatile word_t *counter, word_t microseconds)
{
    word_t before = *counter;
    sleep_us(microseconds);
    return *counter - before;
}

word_t advance_spinning(volatile word_t *counter, word_t microseconds)
{
    word_t before = *counter;
    spin_us(microseconds);
    return *counter - before;
}
