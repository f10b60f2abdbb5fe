// chaos.c: a root task that strikes at its own threads. 24 workers in four spaces send each other
// words, map items and strings of several pieces, whose pages fault on both sides, call and wait
// with all kinds of timeouts, delay preemption, propagate, divide by zero. Meanwhile the first
// thread stops them, aborts their Ipcs, starts them anew, deletes and makes, renames, migrates,
// redirects, schedules them and takes their pages.
//
// Checked: ThreadControl does all of it; no byte of a string comes wrong; a thread of the highest
// priority sleeps for 10 ms as often as it should; and when all are deleted, the kernel has as much
// memory as before. The command line may say n=N, the number of blows (default 20000), and seed=N;
// the kernel's option kmem=2M makes the count of memory shorter.
#include <l4/library.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/thread.h>

#define WORKERS      24u
#define SPACES       4u // number 0 is the root task's own
#define HELPERS      2u
#define FIRST_WORKER 200u
#define FIRST_HELPER 190u
#define FIRST_ANCHOR 180u
#define FIRST_SPARE  1000u
#define SPARE_MAX    60000u
#define VERSIONS     60u
#define UTCB_AREA    0x80000000u
#define LABEL        0x77u
#define SOURCE_BYTES (24 * L4_PAGE_SIZE)
#define TARGET_BYTES (6 * L4_PAGE_SIZE)
#define PIECE_MAX    6000u               // bytes of a piece that is sent: four at most
#define BUFFER_MAX   (TARGET_BYTES / 16) // bytes of a piece that is received: six at most
#define ONE_MORE     0x200u              // a string item whose string the next one continues
#define MAP_ITEM     8u                  // in the first word of a typed item
#define RWX          L4_FULLY_ACCESSIBLE
#define BEAT         10000u // microseconds

// What a worker got instead of the string that was sent.
struct damage {
    l4_tag tag; // 0: there is none
    l4_thread_id from;
    word_t offset, length, place;
    uint8_t got[16];
};

struct worker {
    l4_thread_id id;
    word_t space, version, random;
    volatile word_t received, strings;
    volatile struct damage damage;
    uint8_t stack[3000] __attribute__((aligned(16)));
};

static uint8_t source[SOURCE_BYTES] __attribute__((aligned(4096)));
static uint8_t target[WORKERS][TARGET_BYTES] __attribute__((aligned(4096)));
static struct worker workers[WORKERS];
static uint8_t helper_stack[HELPERS][4096] __attribute__((aligned(16)));
static l4_thread_id self, pager, heart, anchor[SPACES];
static volatile word_t beats, faults;
static word_t random_state, pager_random;
extern char __executable_start[], _end[];

static void require(bool condition, const char *what, word_t index)
{
    if (!condition)
        l4_panic("chaos: %s fails at %u, error 0x%x", what, index, l4_error_code());
}

static word_t address_of(const void *pointer) { return (word_t)(uintptr_t)pointer; }

// A number below the limit, by xorshift, whose lowest bits are the worst.
static word_t below(word_t *state, word_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (*state >> 4) % limit;
}

static uint8_t pattern(word_t place) { return (uint8_t)(place * 7 + (place >> 8) * 13); }

// ---- A worker ----------------------------------------------------------------------------------

// One string buffer of one to three items with one or two pieces each, back to back.
static void accept_strings(word_t *random, const uint8_t *buffer)
{
    word_t items = 1 + below(random, 3), br = 1;
    for (word_t i = 0; i < items; i++) {
        word_t length = 1 + below(random, BUFFER_MAX), pieces = 1 + below(random, 2);
        l4_set_br(br++, length << 10 | (pieces - 1) << 4 | (i + 1 < items ? ONE_MORE : 0));
        for (word_t piece = 0; piece < pieces; piece++, buffer += length)
            l4_set_br(br++, address_of(buffer));
    }
    l4_accept(L4_NIL_FPAGE, true);
}

// One string of one or two items with one or two pieces each. Its length into *total; returns the
// number of typed words.
static word_t put_string(word_t *random, const uint8_t *begin, word_t *total)
{
    word_t items = 1 + below(random, 2), mr = 3;
    for (word_t i = 0; i < items; i++) {
        word_t length = below(random, PIECE_MAX), pieces = 1 + below(random, 2);
        l4_set_mr(mr++, length << 10 | (pieces - 1) << 4 | (i + 1 < items ? ONE_MORE : 0));
        for (word_t piece = 0; piece < pieces; piece++, *total += length)
            l4_set_mr(mr++, address_of(begin + *total));
    }
    return mr - 3;
}

// MR1 says where in the source the string begins and MR2 how long it is, 0 for none.
static void put_message(word_t *random, const uint8_t *own_target)
{
    word_t offset = below(random, SOURCE_BYTES - 4 * PIECE_MAX), kind = below(random, 6);
    word_t total = 0, typed = 0;
    if (kind < 2) {
        typed = put_string(random, source + offset, &total);
    } else if (kind == 2) { // nobody has a window for it
        l4_set_mr(3, (address_of(own_target) & ~0x3FFu) | MAP_ITEM | below(random, 2));
        l4_set_mr(4, l4_make_fpage(address_of(source), 12, below(random, 8)));
        typed = 2;
    }
    l4_set_mr(1, offset);
    l4_set_mr(2, total);
    l4_set_mr(0, l4_make_tag(LABEL, 2, typed));
    if (below(random, 6) == 0) {
        l4_set_tcr(L4_TCR_SENDER, workers[below(random, WORKERS)].id);
        l4_msg_flags(L4_TAG_PROPAGATED);
    }
}

static l4_time some_period(word_t *random, word_t limit)
{
    return l4_period(1 + below(random, limit));
}

// Sends, calls, sends and waits, or only waits. True if a message came.
static bool exchange(word_t *random, l4_thread_id *from)
{
    l4_thread_id to = workers[below(random, WORKERS)].id;
    l4_time send = below(random, 2) ? L4_ZERO_TIME : L4_NEVER, receive = L4_NEVER;
    if (below(random, 5))
        send = some_period(random, 9000);
    if (below(random, 6))
        receive = some_period(random, 9000);
    l4_time timeouts = l4_timeouts(send, receive);
    switch (below(random, 4)) {
    case 0: l4_send_timeout(to, send); return false;
    case 1: return !l4_tag_failed(l4_ipc(to, to, timeouts, from));
    case 2:
        return !l4_tag_failed(
            l4_ipc(to, below(random, 4) ? L4_ANY_THREAD : L4_ANY_LOCAL_THREAD, timeouts, from));
    default: return !l4_tag_failed(l4_wait_timeout(receive, from));
    }
}

// Looks at the string just received, at growing intervals.
static void check_string(struct worker *me, const uint8_t *got, l4_thread_id from)
{
    word_t tag = l4_mr(0), offset = l4_mr(1), length = l4_mr(2);
    if (l4_tag_typed(tag) == 0 || length == 0 || (l4_mr(3) & MAP_ITEM))
        return;
    me->strings++;
    for (word_t place = 0; place < length; place += 1 + place % 37) {
        if (got[place] == pattern(offset + place))
            continue;
        volatile struct damage *d = &me->damage;
        d->from = from;
        d->offset = offset;
        d->length = length;
        d->place = place;
        for (word_t i = 0; i < sizeof(d->got); i++)
            d->got[i] = got[place + i];
        d->tag = tag; // says that all of it is there
        return;
    }
}

// What a worker does now and then after a message: hand its slice on, fault, use up time.
static void misbehave(word_t *random)
{
    if (below(random, 30) == 0)
        l4_thread_switch(workers[below(random, WORKERS)].id);
    if (below(random, 100) == 0) {
        volatile word_t zero = 0;
        __asm__ volatile("divl %0" : : "m"(zero), "a"(1), "d"(0));
    }
    if (below(random, 40) == 0)
        for (volatile word_t i = 0; i < 100000; i++)
            ;
}

static void work(void *argument)
{
    struct worker *me = argument;
    word_t *random = &me->random;
    uint8_t *buffer = target[me - workers];
    for (;;) {
        l4_time send = below(random, 2) ? L4_ZERO_TIME : l4_period(3000);
        l4_time receive = some_period(random, 5000);
        l4_set_xfer_timeouts(below(random, 3) ? L4_NEVER : send,
                             below(random, 3) ? L4_NEVER : receive);
        if (below(random, 8) == 0) // any of the preemption flags, which are byte 0
            *(volatile uint8_t *)(l4_utcb() + L4_TCR_FLAGS) = (uint8_t)(below(random, 8) << 5);
        accept_strings(random, buffer);
        put_message(random, buffer);
        l4_thread_id from = L4_NIL_THREAD;
        if (exchange(random, &from) && l4_tag_label(l4_mr(0)) == LABEL) {
            me->received++;
            check_string(me, buffer, from);
            misbehave(random);
        } else if (below(random, 50) == 0) {
            l4_yield();
        }
    }
}

// ---- The pager and the heart -------------------------------------------------------------------

// Answers the workers' page faults, now and then late. Takes and forgets what else comes to it.
static void serve_faults(void *unused)
{
    (void)unused;
    l4_accept_nothing();
    for (;;) {
        l4_thread_id from;
        l4_tag tag = l4_wait(&from);
        while (!l4_tag_failed(tag) && l4_is_page_fault(tag)) {
            faults++;
            word_t page = l4_page_fault_address() & ~(L4_PAGE_SIZE - 1);
            bool ours = page >= address_of(__executable_start) && page < address_of(_end);
            if (below(&pager_random, 20) == 0)
                l4_sleep(some_period(&pager_random, 5000));
            l4_put_page_fault_reply(
                l4_map_item(ours ? l4_make_fpage(page, 12, RWX) : L4_NIL_FPAGE, page));
            tag = l4_reply_wait(from, &from);
        }
    }
}

static void beat(void *unused)
{
    (void)unused;
    for (;;) {
        l4_sleep(l4_period(BEAT));
        beats++;
    }
}

// ---- Making and deleting -----------------------------------------------------------------------

static void start(word_t i)
{
    struct worker *w = &workers[i];
    w->random = w->random * 3 + 77777 + i * 31;
    if (w->random == 0) // where xorshift would stay
        w->random = 1;
    l4_thread_start_at(w->id, l4_stack_prepare(w->stack, sizeof(w->stack), w), address_of(work));
}

static word_t utcb_of(word_t i, word_t space)
{
    return space == 0 ? l4_utcb_location(1 + HELPERS + i) : UTCB_AREA + i * L4_UTCB_SIZE;
}

static l4_thread_id next_id(word_t i)
{
    workers[i].version = workers[i].version % VERSIONS + 1;
    return l4_global_id(FIRST_WORKER + i, workers[i].version);
}

static void make_worker(word_t i, word_t space)
{
    struct worker *w = &workers[i];
    w->space = space;
    w->id = next_id(i);
    l4_thread_id scheduler = below(&random_state, 2) ? self : pager;
    require(l4_thread_control(w->id, anchor[space], scheduler, pager, utcb_of(i, space)),
            "creation of worker", i);
    start(i);
}

static l4_thread_id make_helper(word_t i, word_t priority, void (*function)(void *))
{
    l4_thread_id id = l4_global_id(FIRST_HELPER + i, 1);
    require(l4_thread_create(id, 1 + i), "creation of helper", i);
    l4_set_priority(id, priority);
    l4_thread_start(id, function, NULL, helper_stack[i], sizeof(helper_stack[i]));
    return id;
}

static void make_everything(word_t seed)
{
    random_state = seed * 0x9E3779B1 + 1;
    pager_random = 99;
    pager = make_helper(0, 100, serve_faults);
    heart = make_helper(1, 250, beat);
    anchor[0] = self;
    for (word_t i = 1; i < SPACES; i++) {
        anchor[i] = l4_global_id(FIRST_ANCHOR + i, 1);
        require(l4_thread_control(anchor[i], anchor[i], self, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
                "creation of space", i);
        require(l4_space_control(anchor[i], 0, l4_make_fpage(address_of(l4_kip), 12, 0),
                                 l4_make_fpage(UTCB_AREA, 16, 0), L4_ANY_THREAD, NULL),
                "areas of space", i);
    }
    for (word_t i = 0; i < WORKERS; i++) {
        workers[i].random = random_state + i * 7919;
        make_worker(i, i % SPACES);
    }
}

static void delete_everything(void)
{
    for (word_t i = 0; i < WORKERS; i++)
        require(l4_thread_delete(workers[i].id), "deletion of worker", i);
    for (word_t i = 1; i < SPACES; i++)
        require(l4_thread_delete(anchor[i]), "deletion of space", i);
    require(l4_thread_delete(heart), "deletion of the heart", 0);
    require(l4_thread_delete(pager), "deletion of the pager", 0);
}

// How many inactive threads there is memory for.
static word_t threads_until_full(void)
{
    word_t count = 0;
    while (count < SPARE_MAX && l4_thread_control(l4_global_id(FIRST_SPARE + count, 1), self, self,
                                                  L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        count++;
    require(count < SPARE_MAX && l4_error_code() == L4_ERROR_NO_MEMORY, "the last thread", count);
    for (word_t i = 0; i < count; i++)
        require(l4_thread_delete(l4_global_id(FIRST_SPARE + i, 1)), "deletion of a thread", i);
    return count;
}

// ---- Blows -------------------------------------------------------------------------------------

static void rename_worker(word_t i)
{
    l4_thread_id old = workers[i].id, new = next_id(i);
    require(l4_thread_control(new, old, L4_NIL_THREAD, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
            "a new name of worker", i);
    workers[i].id = new;
}

static void migrate(word_t i, word_t space)
{
    struct worker *w = &workers[i];
    if (space == w->space)
        return;
    require(
        l4_thread_control(w->id, anchor[space], L4_NIL_THREAD, L4_NIL_THREAD, utcb_of(i, space)),
        "migration of worker", i);
    w->space = space;
}

// All that a space sends goes to nobody else, to a worker, or to a thread that does not exist.
static void redirect(word_t space, l4_thread_id worker)
{
    l4_thread_id to = L4_ANY_THREAD;
    if (below(&random_state, 3) == 0)
        to = below(&random_state, 4) ? worker : l4_global_id(77777, 1);
    if (space != 0)
        l4_space_control(anchor[space], 0, 0, 0, to, NULL);
}

// Slices and quanta, priorities and preemption controls. The pager's workers are refused.
static void schedule(l4_thread_id worker)
{
    word_t *random = &random_state;
    word_t time = L4_UNCHANGED, priority = L4_UNCHANGED, preemption = L4_UNCHANGED;
    if (below(random, 3) == 0) {
        time = (word_t)l4_period(1000 + below(random, 20000)) << 16;
        if (below(random, 2))
            time |= l4_period(1000 + below(random, 30000));
    }
    if (below(random, 2))
        priority = 80 + below(random, 10);
    word_t delay = below(random, 5000);
    if (below(random, 2))
        preemption = below(random, 100) << 16 | delay;
    l4_schedule(worker, time, L4_UNCHANGED, priority, preemption, NULL);
}

static void take_pages(void)
{
    word_t address = address_of(source) + below(&random_state, SOURCE_BYTES);
    if (below(&random_state, 2))
        address = address_of(target) + below(&random_state, sizeof(target));
    l4_unmap_fpage(l4_make_fpage(address & ~0x3FFFu, 14, RWX), false);
}

static void strike(void)
{
    word_t i = below(&random_state, WORKERS), space = below(&random_state, SPACES);
    l4_thread_id id = workers[i].id;
    switch (below(&random_state, 16)) {
    case 0: l4_thread_stop(id); break;
    case 1: l4_thread_unhalt(id); break;
    case 2: l4_abort_ipc(id); break;
    case 3: l4_abort_send(id); break;
    case 4: l4_abort_receive(id); break;
    case 5:
    case 6: start(i); break;
    case 7:
        require(l4_thread_delete(id), "deletion of worker", i);
        make_worker(i, space);
        break;
    case 8: rename_worker(i); break;
    case 9: migrate(i, space); break;
    case 10: redirect(space, id); break;
    case 11:
    case 12: schedule(id); break;
    default: take_pages();
    }
}

// Takes what workers send to us, their scheduler, until nothing comes.
static void take_messages(word_t microseconds)
{
    l4_thread_id from;
    l4_accept_nothing();
    while (!l4_tag_failed(l4_wait_timeout(l4_period(microseconds), &from)))
        microseconds = 1;
}

static void look_for_damage(word_t blow)
{
    for (word_t i = 0; i < WORKERS; i++) {
        const volatile struct damage *d = &workers[i].damage;
        if (d->tag == 0)
            continue;
        l4_printf("chaos: byte %u of %u is wrong, tag 0x%x from 0x%x, place 0x%x of the source:",
                  d->place, d->length, d->tag, d->from, d->offset + d->place);
        for (word_t k = 0; k < sizeof(d->got); k++)
            l4_printf(" %x", d->got[k]);
        l4_printf("\n");
        l4_panic("chaos: worker %u in space %u got it at blow %u", i, workers[i].space, blow);
    }
}

// ---- The whole ---------------------------------------------------------------------------------

static void touch_image(void)
{
    for (char *page = __executable_start; page < _end; page += L4_PAGE_SIZE) {
        volatile char *byte = page;
        *byte = *byte;
    }
}

static word_t number_option(const char *command_line, const char *name, word_t otherwise)
{
    char value[16];
    return l4_option(command_line, name, value, sizeof(value)) ? (word_t)strtoul(value, NULL, 0)
                                                               : otherwise;
}

// Returns the milliseconds that it took.
static word_t strike_often(word_t blows)
{
    l4_clock begin = l4_system_clock();
    for (word_t blow = 0; blow < blows; blow++) {
        strike();
        if (blow % 4 == 0)
            take_messages(1 + below(&random_state, 3000));
        look_for_damage(blow);
    }
    return (word_t)(l4_system_clock() - begin) / 1000;
}

int l4_main(const char *command_line)
{
    self = l4_my_global_id();
    touch_image();
    word_t blows = number_option(command_line, "n", 20000);
    word_t seed = number_option(command_line, "seed", 1);
    for (word_t i = 0; i < SOURCE_BYTES; i++)
        source[i] = pattern(i);
    make_everything(seed);
    for (word_t i = 0; i < WORKERS; i++) // the pages of their UTCBs in our own space stay
        migrate(i, 0);
    delete_everything();
    word_t threads = threads_until_full();
    make_everything(seed);
    beats = 0;
    word_t milliseconds = strike_often(blows), counted = beats;
    delete_everything();
    word_t threads_after = threads_until_full();
    word_t received = 0, strings = 0;
    for (word_t i = 0; i < WORKERS; i++) {
        received += workers[i].received;
        strings += workers[i].strings;
    }
    l4_printf("chaos: seed %u, %u ms, %u beats, %u threads fit before and %u after\n", seed,
              milliseconds, counted, threads, threads_after);
    require(counted >= milliseconds / 40, "the heartbeat", counted);
    require(threads_after >= threads, "the memory afterwards", threads_after);
    l4_printf("chaos: %u blows, %u messages, %u strings, %u faults: passed\n", blows, received,
              strings, faults);
    return 0;
}
