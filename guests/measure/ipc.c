// ipc.c: ping-pong by Ipc and Lipc: within a space, between spaces, large and small, for every
// number of words. One direction is half a round trip; both ends are ping.S.
#include "measure.h"

extern void ping_loop(word_t stub, l4_thread_id partner, word_t tag, uint32_t *list,
                      word_t count);
extern _Noreturn void pong_loop(word_t stub, l4_thread_id partner);
extern void ledger_stretch(word_t stub, l4_thread_id partner, word_t tag, word_t count);

#define WORDS_MAX 63
#define LEDGER_CALLS 200

uint32_t ledger_cycles; // set by ledger_stretch

struct end {
    word_t stub, ipc_stub; // the call that is measured; Ipc, to be done
    l4_thread_id partner;
};

static struct end ping_end_of, pong_end_of;
static struct summary by_words[WORDS_MAX + 1];

static void ping(void *argument)
{
    const struct end *e = argument;
    for (word_t words = 0; words <= WORDS_MAX; words++) {
        ping_loop(e->stub, e->partner, l4_make_tag(0, words, 0), samples, WARM_COUNT);
        ping_loop(e->stub, e->partner, l4_make_tag(0, words, 0), samples, SAMPLE_COUNT);
        by_words[words] = summarise(samples, SAMPLE_COUNT);
    }
    done_through(e->ipc_stub, 0);
}

static void pong(void *argument)
{
    const struct end *e = argument;
    pong_loop(e->stub, e->partner);
}

static void stretch(void *argument)
{
    const struct end *e = argument;
    ledger_stretch(e->stub, e->partner, l4_make_tag(0, 0, 0), LEDGER_CALLS);
    done_through(e->ipc_stub, 0);
}

static void window(void *argument)
{
    const struct end *e = argument;
    ping_loop(e->stub, e->partner, l4_make_tag(0, 0, 0), samples, SAMPLE_COUNT);
    done_through(e->ipc_stub, 0);
}

// Both ends know each other's ids before they run: pong is started first, and waits for ping.
static l4_thread_id make_pair(enum space_size ping_size, enum space_size pong_size, bool one_space,
                              bool lipc, void (*ping_function)(void *))
{
    struct space a = {.size = ping_size}, b = {.size = pong_size};
    struct space *of_pong = one_space ? &a : &b;
    const struct l4_stubs *ping_stubs = ping_size == SMALL ? &small_stubs : &l4_stubs;
    const struct l4_stubs *pong_stubs = pong_size == SMALL ? &small_stubs : &l4_stubs;
    ping_end_of = (struct end){lipc ? ping_stubs->lipc : ping_stubs->ipc, ping_stubs->ipc, 0};
    pong_end_of = (struct end){lipc ? pong_stubs->lipc : pong_stubs->ipc, pong_stubs->ipc, 0};
    pong_end_of.partner = lipc ? local_id_of(&a, 1) : thread_id_next(1);
    l4_thread_id id;
    if (!thread_new(of_pong, pager_thread, pong, &pong_end_of, &id))
        return L4_NIL_THREAD;
    ping_end_of.partner = lipc ? local_id_of(&a, 0) : id;
    if (!thread_new(&a, pager_thread, ping_function, &ping_end_of, &id))
        return L4_NIL_THREAD;
    return id;
}

static void ping_pong(const char *name, enum space_size ping_size, enum space_size pong_size,
                      bool one_space, bool lipc)
{
    l4_thread_id id = make_pair(ping_size, pong_size, one_space, lipc, ping);
    if (id == L4_NIL_THREAD) {
        l4_printf("measure: %s skipped: the kernel makes no such spaces, error %u\n", name,
                  l4_error_code());
        world_end();
        return;
    }
    await_done(id, name);
    world_end();
    for (word_t words = 0; words <= WORDS_MAX; words++)
        report_number(name, "words", words, &by_words[words], 2);
}

void part_ipc(void)
{
    ping_pong("lipc", LARGE, LARGE, true, true);
    ping_pong("ipc_intra", LARGE, LARGE, true, false);
    ping_pong("ipc_large_large", LARGE, LARGE, false, false);
    ping_pong("ipc_small_small", SMALL, SMALL, false, false);
    ping_pong("ipc_small_large", SMALL, LARGE, false, false);
}

// Round trips for a window. Of two small spaces, pong's is the first slot, ping's the second.
static void window_of(enum space_size size, const char *name)
{
    l4_thread_id id = make_pair(size, size, false, false, window);
    if (id != L4_NIL_THREAD) {
        await_done(id, name);
        l4_printf("measure: %s calls=%u last=%u\n", name, SAMPLE_COUNT, samples[SAMPLE_COUNT - 1]);
    }
    world_end();
}

// What the ledger is held against: a stretch of round trips; and single ones (the last one's cycles
// are printed, with the overhead) for `--window ping_begin..ping_end`.
void part_window(void)
{
    l4_thread_id id = make_pair(LARGE, LARGE, false, false, stretch);
    if (id == L4_NIL_THREAD)
        l4_panic("measure: no threads: error %u", l4_error_code());
    await_done(id, "ledger_stretch");
    world_end();
    l4_printf("measure: ledger_stretch calls=%u cycles=%u\n", LEDGER_CALLS, ledger_cycles);
    window_of(LARGE, "ledger_window");
    window_of(SMALL, "ledger_window_small");
}
