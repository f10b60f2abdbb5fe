// fault.c: page faults that a thread in another space resolves, and what can be built on them: a
// handler for protected pages, and the two benchmarks of Appel and Li.
//
// The pager holds the pages; the faulting thread has them from it, at the same addresses. To
// protect a page the pager takes the right to write back; to unprotect it, it maps it again.
#include "measure.h"

#define APPEL_PAGES 100u
#define APPEL1_COUNT 201

enum fault_result { PAGER_FAULT, TRAP_OTHER_SPACE, TRAP_SAME_SPACE, APPEL1, APPEL2, FAULT_RESULTS };

static struct summary results[FAULT_RESULTS];
static volatile uint32_t trap_begin; // when the write was tried
static volatile uint32_t trap_end;   // when its handler ran
static l4_thread_id holder; // of the pages

#define LABEL_PROTECT 0x180u // all of Appel2's pages

// What is accessed lies somewhere in the region, as it would in a program: at its beginning it
// would be at offset 0 of everything, page and page table, and compete for the same two lines of
// the first-level cache with all else that is.
#define FAULT_OFFSET (37 * L4_PAGE_SIZE + 0x560)

static l4_fpage page_at(word_t address, word_t rights)
{
    return l4_make_fpage(address & ~(L4_PAGE_SIZE - 1), L4_PAGE_BITS, rights);
}

static void put_page(word_t address, word_t rights)
{
    l4_put_page_fault_reply(l4_map_item(page_at(address, rights), address & ~(L4_PAGE_SIZE - 1)));
}

// The holder's first: it can map only what it has itself.
static void have_pages(void)
{
    for (word_t i = 0; i < APPEL_PAGES; i++)
        touch(region + i * L4_PAGE_SIZE);
}

static void revoke(l4_fpage what)
{
    l4_msg_begin(LABEL_REVOKE);
    l4_msg_word(what);
    if (l4_tag_failed(l4_call(holder)))
        done(100);
}

// ---- A fault and its pager; the trap ----------------------------------------------------------

// The shortest there is for pages in the region; everything else as all pagers do. Where the region
// begins is in a register or on the stack: after a switch of spaces each page of data costs 25
// cycles to translate.
static void fault_pager(void *unused)
{
    (void)unused;
    l4_thread_id from;
    word_t first = region;
    have_pages();
    l4_tag tag = l4_wait(&from);
    for (;;) {
        if (l4_is_page_fault(tag) && l4_page_fault_address() >= first)
            put_page(l4_page_fault_address(), L4_FULLY_ACCESSIBLE);
        else
            pager_serve(tag);
        tag = answer_and_wait(&from);
    }
}

// The same; the time is that of the last message.
static void trap_handler(void *unused)
{
    (void)unused;
    l4_thread_id from;
    word_t first = region;
    have_pages();
    l4_tag tag = l4_wait(&from);
    for (;;) {
        trap_end = now();
        if (l4_is_page_fault(tag) && l4_page_fault_address() >= first)
            put_page(l4_page_fault_address(), L4_FULLY_ACCESSIBLE);
        else
            pager_serve(tag);
        tag = answer_and_wait(&from);
    }
}

// In the space where the fault is a handler has nothing to map: it does to the page what the thread
// tried, and its own pager, the holder, unprotects it.
static void serve_by_touch(l4_tag tag)
{
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)l4_page_fault_address();
    uint8_t value = *byte;
    if (l4_page_fault_access(tag) & L4_WRITABLE)
        *byte = value;
    l4_msg_begin(0);
}

static void local_trap_handler(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_tag tag = l4_wait(&from);
    for (;;) {
        trap_end = now();
        if (l4_is_page_fault(tag)) {
            serve_by_touch(tag);
        } else {
            pager_serve(tag);
        }
        tag = answer_and_wait(&from);
    }
}

static void measure_fault(void)
{
    volatile word_t *page = (volatile word_t *)(uintptr_t)(region + FAULT_OFFSET);
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        revoke(page_at(region + FAULT_OFFSET, L4_FULLY_ACCESSIBLE));
        uint32_t begin = now();
        (void)*page;
        uint32_t end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    results[PAGER_FAULT] = summarise(samples, SAMPLE_COUNT);
}

static void measure_trap(enum fault_result result)
{
    volatile word_t *page = (volatile word_t *)(uintptr_t)(region + FAULT_OFFSET);
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        *page = i; // the page is there; then it is protected
        revoke(page_at(region + FAULT_OFFSET, L4_WRITABLE));
        trap_begin = now();
        *page = i;
        if (trap_end - trap_begin > 0x80000000u)
            done(2); // no fault: the right to write was not taken
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = trap_end - trap_begin;
    }
    results[result] = summarise(samples, SAMPLE_COUNT);
}

static void faulting(void *unused)
{
    (void)unused;
    measure_fault();
    done(0);
}

static void trapping_elsewhere(void *unused)
{
    (void)unused;
    measure_trap(TRAP_OTHER_SPACE);
    done(0);
}

static void trapping(void *unused)
{
    (void)unused;
    measure_trap(TRAP_SAME_SPACE);
    done(0);
}

// ---- Appel and Li -----------------------------------------------------------------------------

// Every page once, in an order that is none: 37 and 100 have no common factor.
static word_t appel_page(word_t i)
{
    return region + (i * 37 + 11) % APPEL_PAGES * L4_PAGE_SIZE;
}

static void protect_all(void)
{
    word_t rights = L4_WRITABLE;
    l4_set_mr(0, l4_make_fpage(region, 18, rights)); // 64 pages
    l4_set_mr(1, l4_make_fpage(region + 64 * L4_PAGE_SIZE, 17, rights));
    l4_set_mr(2, l4_make_fpage(region + 96 * L4_PAGE_SIZE, 14, rights));
    l4_unmap(2);
}

// Appel1: unprotects the page of the fault and protects the one before it.
static void appel1_handler(void *unused)
{
    (void)unused;
    l4_thread_id from;
    word_t first = region;
    word_t before = region;
    have_pages();
    l4_tag tag = l4_wait(&from);
    for (;;) {
        if (l4_is_page_fault(tag) && l4_page_fault_address() >= first) {
            word_t address = l4_page_fault_address();
            l4_unmap_fpage(page_at(before, L4_WRITABLE), false);
            before = address;
            put_page(address, L4_FULLY_ACCESSIBLE);
        } else {
            pager_serve(tag);
        }
        tag = answer_and_wait(&from);
    }
}

// Appel2: unprotects the page of the fault; protects all of them when asked.
static void appel2_handler(void *unused)
{
    (void)unused;
    l4_thread_id from;
    word_t first = region;
    have_pages();
    l4_tag tag = l4_wait(&from);
    for (;;) {
        if (l4_is_page_fault(tag) && l4_page_fault_address() >= first) {
            put_page(l4_page_fault_address(), L4_FULLY_ACCESSIBLE);
        } else if (l4_tag_label(tag) == LABEL_PROTECT) {
            protect_all();
            l4_msg_begin(0);
        } else {
            pager_serve(tag);
        }
        tag = answer_and_wait(&from);
    }
}

static void write_to(word_t address)
{
    *(volatile word_t *)(uintptr_t)address = 1;
}

static void appel1(void *unused)
{
    (void)unused;
    for (word_t i = 0; i < APPEL_PAGES; i++)
        write_to(appel_page(i)); // all are there, and protected but for the last
    for (word_t i = 0; i < APPEL1_COUNT; i++) {
        uint32_t begin = now();
        write_to(appel_page(i));
        uint32_t end = now();
        samples[i] = end - begin;
    }
    results[APPEL1] = summarise(samples, APPEL1_COUNT);
    done(0);
}

#define APPEL2_COUNT 11

static void appel2(void *unused)
{
    (void)unused;
    for (word_t i = 0; i < APPEL_PAGES; i++)
        write_to(appel_page(i));
    for (word_t pass = 0; pass < 1 + APPEL2_COUNT; pass++) {
        uint32_t begin = now();
        l4_msg_begin(LABEL_PROTECT);
        l4_call(holder);
        for (word_t i = 0; i < APPEL_PAGES; i++)
            write_to(appel_page(i));
        uint32_t end = now();
        samples[pass ? pass - 1 : 0] = end - begin;
    }
    results[APPEL2] = summarise(samples, APPEL2_COUNT);
    done(0);
}

static void with_holder(void (*handler)(void *), void (*function)(void *), const char *what)
{
    struct space a = {0}, b = {0};
    holder = thread_in(&b, pager_thread, handler, NULL);
    await_done(thread_in(&a, holder, function, NULL), what);
    world_end();
}

static void with_local_handler(void)
{
    struct space a = {0}, b = {0};
    holder = thread_in(&b, pager_thread, pager_loop, NULL);
    l4_thread_id handler = thread_in(&a, holder, local_trap_handler, NULL);
    await_done(thread_in(&a, handler, trapping, NULL), "trap in one space");
    world_end();
}

void part_fault(void)
{
    with_holder(fault_pager, faulting, "pager_fault");
    report("pager_fault", "", &results[PAGER_FAULT], 1);
    with_holder(trap_handler, trapping_elsewhere, "trap");
    report("trap", "handler=other_space ", &results[TRAP_OTHER_SPACE], 1);
    with_local_handler();
    report("trap", "handler=same_space ", &results[TRAP_SAME_SPACE], 1);
    with_holder(appel1_handler, appel1, "appel1");
    report("appel1", "", &results[APPEL1], 1);
    with_holder(appel2_handler, appel2, "appel2");
    report_number("appel2", "pages", APPEL_PAGES, &results[APPEL2], APPEL_PAGES);
}
