// fuzz.c: a root task that lets unprivileged spaces throw random and hostile system calls,
// instructions and messages at the kernel while other threads keep a heartbeat.
//
// Three spaces of four fuzzers each see the image's text and data read-only and one arena of their
// own to write to. The first thread (priority 255) is their pager and exception handler, starts
// again what hangs, and at the end counts. Not thrown: CLI and writes to ports, which IOPL 3
// allows every program and which stop any machine. The command line may say cycles=N (million,
// default 2000), seed=N.
#include "fuzz.h"

#include <l4/library.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/thread.h>

#define SPACES 3
#define FUZZERS 12 // in all
#define FIRST_NUMBER 200u
#define UTCB_AREA 0x80000000u
#define PAGE L4_PAGE_SIZE

struct arena fuzz_arena[SPACES] __attribute__((aligned(4096)));
static uint8_t int3_page[PAGE] __attribute__((aligned(4096))); // for addresses where nothing is
extern char __executable_start[], _end[];

static l4_thread_id self;
static struct fuzzer {
    l4_thread_id id;
    word_t calls_seen, calls_before, restarts, idle_looks;
    bool wants_restart;
} fuzzers[FUZZERS];
static word_t fault_count, exception_count, strange_count;

// ---- The steady ones ---------------------------------------------------------------------------

static volatile word_t beats, echoes, wrong_echoes, interrupts, storms;
static uint8_t stacks[8][4096] __attribute__((aligned(16)));
static l4_thread_id steady[8];
static unsigned steady_count;

static void beat(void *unused)
{
    (void)unused;
    for (;;) {
        l4_sleep(l4_period(10000));
        beats++;
    }
}

static void echo(void *unused)
{
    (void)unused;
    l4_thread_id caller = L4_NIL_THREAD;
    l4_wait(&caller);
    for (;;) {
        l4_set_mr(0, l4_make_tag(0xEC, 2, 0));
        l4_set_mr(1, ~l4_mr(1));
        l4_set_mr(2, ~l4_mr(2));
        l4_reply_wait(caller, &caller);
    }
}

static void call_echo(void *unused)
{
    (void)unused;
    for (word_t i = 1;; i++) {
        l4_set_mr(1, i);
        l4_set_mr(2, i * 3);
        l4_set_mr(0, l4_make_tag(0xEC, 2, 0));
        l4_tag tag = l4_call(steady[1]);
        if (tag == l4_make_tag(0xEC, 2, 0) && l4_mr(1) == ~i && l4_mr(2) == ~(i * 3))
            echoes++;
        else
            wrong_echoes++;
        if (i % 16 == 0)
            l4_sleep(l4_period(5000));
    }
}

// COM1's transmitter interrupts again as soon as it may; the 8254 adds ten thousand a second.
static void storm(void *unused)
{
    (void)unused;
    l4_out8(0x3FC, 0x0B);
    l4_out8(0x3F9, 2);
    l4_out8(0x43, 0x34);
    l4_out8(0x40, 120);
    l4_out8(0x40, 0);
    for (;;) {
        l4_thread_id from;
        l4_tag tag = l4_wait(&from);
        while (!l4_tag_failed(tag) && l4_is_interrupt(tag)) {
            interrupts++;
            if (from == l4_irq_thread(4)) {
                l4_in8(0x3FA);
                l4_out8(0x3F9, 0);
                l4_out8(0x3F9, 2);
            }
            if (interrupts % 64 == 0) // leave the others some time
                l4_sleep(l4_period(4000));
            l4_set_mr(0, 0);
            tag = l4_reply_wait(from, &from);
        }
        storms++; // something else, from a fuzzer
    }
}

static void start_steady(void (*function)(void *), word_t priority)
{
    l4_thread_id id = l4_global_id(100 + steady_count, 1);
    if (!l4_thread_create(id, 1 + steady_count) || !l4_set_priority(id, priority))
        l4_panic("fuzz: no thread for a heartbeat: error %u", l4_error_code());
    steady[steady_count] = id;
    l4_thread_start(id, function, NULL, stacks[steady_count], sizeof(stacks[0]));
    steady_count++;
}

// ---- Starting fuzzers --------------------------------------------------------------------------

static unsigned space_of(unsigned index)
{
    return index / (FUZZERS / SPACES);
}

static l4_thread_id anchor_of(unsigned space)
{
    return l4_global_id(FIRST_NUMBER + 50 + space, 1);
}

static void make_space(unsigned space)
{
    l4_thread_id id = anchor_of(space);
    if (!l4_thread_control(id, id, self, L4_NIL_THREAD, L4_UTCB_UNCHANGED) ||
        !l4_space_control(id, 0, l4_make_fpage((word_t)(uintptr_t)l4_kip, 12, 0),
                          l4_make_fpage(UTCB_AREA, 14, 0), L4_ANY_THREAD, NULL))
        l4_panic("fuzz: no space: error %u", l4_error_code());
}

static word_t entry_stack(unsigned index)
{
    struct arena *a = &fuzz_arena[space_of(index)];
    struct fuzz_thread *t = &a->thread[index % (FUZZERS / SPACES)];
    word_t *sp = (word_t *)(t->stack + sizeof(t->stack)) - 4;
    sp[0] = (word_t)(uintptr_t)t;
    return (word_t)(uintptr_t)sp;
}

static void start_fuzzer(unsigned index)
{
    struct fuzzer *f = &fuzzers[index];
    l4_thread_id id = l4_global_id(FIRST_NUMBER + index, 1 + f->restarts % 63);
    l4_thread_delete(id); // whatever its version is
    f->id = id;
    f->restarts++;
    f->idle_looks = 0;
    f->wants_restart = false;
    word_t utcb = UTCB_AREA + (index % (FUZZERS / SPACES)) * L4_UTCB_SIZE;
    if (!l4_thread_control(id, anchor_of(space_of(index)), self, self, utcb)) {
        f->wants_restart = true; // memory may be short for a while
        return;
    }
    l4_schedule(id, (word_t)l4_period(1000) << 16, L4_UNCHANGED, 50, L4_UNCHANGED, NULL);
    l4_put_start_message((word_t)(uintptr_t)fuzz_entry, entry_stack(index));
    l4_send_timeout(id, L4_ZERO_TIME);
}

// ---- Serving them ------------------------------------------------------------------------------

static struct fuzzer *fuzzer_of(l4_thread_id id)
{
    for (unsigned i = 0; i < FUZZERS; i++)
        if (fuzzers[i].id == id)
            return &fuzzers[i];
    return NULL;
}

static void serve_page_fault(struct fuzzer *f)
{
    word_t page = l4_page_fault_address() & ~(PAGE - 1);
    unsigned space = space_of((unsigned)(f - fuzzers));
    word_t arena = (word_t)(uintptr_t)&fuzz_arena[space];
    fault_count++;
    if (page >= arena && page < arena + sizeof(fuzz_arena[0])) {
        l4_put_page_fault_reply(l4_map_item(l4_make_fpage(page, 12, L4_FULLY_ACCESSIBLE), page));
    } else if (page >= (word_t)(uintptr_t)__executable_start && page < (word_t)(uintptr_t)_end &&
               !(l4_page_fault_access(l4_mr(0)) & L4_WRITABLE)) {
        l4_put_page_fault_reply(
            l4_map_item(l4_make_fpage(page, 12, L4_READABLE | L4_EXECUTABLE), page));
    } else if (page < 0xC0000000 && fault_count % 2 &&
               l4_page_fault_address() != l4_page_fault_ip()) {
        l4_put_page_fault_reply(
            l4_map_item(l4_make_fpage((word_t)(uintptr_t)int3_page, 12,
                                      L4_READABLE | L4_EXECUTABLE),
                        page));
    } else {
        start_fuzzer((unsigned)(f - fuzzers));
        return;
    }
    l4_reply(f->id);
}

static void serve_exception(struct fuzzer *f)
{
    struct l4_exception e;
    l4_get_exception(&e);
    exception_count++;
    e.eip = (word_t)(uintptr_t)fuzz_entry;
    e.esp = entry_stack((unsigned)(f - fuzzers));
    e.eflags = 0;
    l4_put_exception_reply(&e);
    l4_reply(f->id);
}

static void serve_until(l4_clock end)
{
    for (l4_clock now = l4_system_clock(); now < end; now = l4_system_clock()) {
        l4_thread_id from = L4_NIL_THREAD;
        l4_tag tag = l4_wait_timeout(l4_period((word_t)(end - now)), &from);
        if (l4_tag_failed(tag))
            continue;
        struct fuzzer *f = fuzzer_of(from);
        if (f && l4_is_page_fault(tag))
            serve_page_fault(f);
        else if (f && l4_is_exception(tag))
            serve_exception(f);
        else
            strange_count++;
    }
}

static void watch_fuzzers(void)
{
    for (unsigned i = 0; i < FUZZERS; i++) {
        struct fuzzer *f = &fuzzers[i];
        word_t calls = fuzz_arena[space_of(i)].thread[i % (FUZZERS / SPACES)].calls;
        f->idle_looks = calls == f->calls_before ? f->idle_looks + 1 : 0;
        if (f->idle_looks >= 8 || f->wants_restart)
            start_fuzzer(i);
        if (calls - f->calls_before < 100000) // a fuzzer may have written over it
            f->calls_seen += calls - f->calls_before;
        f->calls_before = calls;
    }
}

// ---- Threads until there is no memory for more -------------------------------------------------

static word_t exhaust_threads(void)
{
    word_t made = 0;
    while (made < 60000) {
        l4_thread_id id = l4_global_id(2000 + made, 1);
        if (!l4_thread_control(id, self, self, L4_NIL_THREAD, L4_UTCB_UNCHANGED))
            break;
        made++;
    }
    if (made < 60000 && l4_error_code() != L4_ERROR_NO_MEMORY)
        l4_panic("fuzz: thread %u is refused with error %u", made, l4_error_code());
    for (word_t i = 0; i < made; i++)
        l4_thread_delete(l4_global_id(2000 + i, 1));
    return made;
}

static word_t number_option(const char *command_line, const char *name, word_t otherwise)
{
    char value[16];
    return l4_option(command_line, name, value, sizeof(value)) ? (word_t)strtoul(value, NULL, 0)
                                                               : otherwise;
}

static void touch_image(void)
{
    for (char *page = __executable_start; page < _end; page += PAGE) {
        volatile char *byte = page;
        *byte = *byte;
    }
}

static void start_everything(word_t seed)
{
    start_steady(beat, 100);
    start_steady(echo, 100);
    start_steady(call_echo, 100);
    start_steady(storm, 60);
    for (word_t line = 0; line <= 4; line += 4)
        if (!l4_irq_associate(line, steady[3]))
            l4_panic("fuzz: line %u is refused: error %u", line, l4_error_code());
    for (unsigned i = 0; i < SPACES; i++)
        make_space(i);
    for (unsigned i = 0; i < FUZZERS; i++) {
        struct fuzz_thread *t = &fuzz_arena[space_of(i)].thread[i % (FUZZERS / SPACES)];
        t->random = seed * 0x9E3779B1 + i + 1;
        t->arena = &fuzz_arena[space_of(i)];
        start_fuzzer(i);
    }
}

int l4_main(const char *command_line)
{
    self = l4_my_global_id();
    touch_image();
    memset(int3_page, 0xCC, sizeof(int3_page));
    uint64_t cycles = (uint64_t)number_option(command_line, "cycles", 2000) * 1000000;
    word_t seed = number_option(command_line, "seed", 1);
    word_t threads = exhaust_threads();
    start_everything(seed);
    uint64_t begin = l4_read_tsc();
    l4_clock clock_begin = l4_system_clock();
    while (l4_read_tsc() - begin < cycles) {
        serve_until(l4_system_clock() + 5000);
        watch_fuzzers();
    }
    word_t milliseconds = (word_t)(l4_system_clock() - clock_begin) / 1000;
    for (word_t line = 0; line <= 4; line += 4)
        l4_irq_dissociate(line);
    word_t calls = 0, restarts = 0;
    for (unsigned i = 0; i < FUZZERS; i++) {
        l4_thread_delete(fuzzers[i].id);
        calls += fuzzers[i].calls_seen;
        restarts += fuzzers[i].restarts;
    }
    for (unsigned i = 0; i < SPACES; i++)
        l4_thread_delete(anchor_of(i));
    word_t threads_after = exhaust_threads();
    l4_printf("fuzz: seed %u, %u ms, %u faults, %u exceptions, %u restarts, %u strange messages, "
              "%u interrupts, %u threads before and %u after\n",
              seed, milliseconds, fault_count, exception_count, restarts, strange_count, interrupts,
              threads, threads_after);
    bool steady_enough = beats >= milliseconds / 40 && echoes > 0 && wrong_echoes == 0;
    l4_printf("fuzz: %u calls, %u heartbeats, %u echoes (%u wrong)\n", calls, beats, echoes,
              wrong_echoes);
    l4_printf(steady_enough ? "fuzz: survived\n" : "fuzz: the heartbeat suffered\n");
    return !steady_enough;
}
