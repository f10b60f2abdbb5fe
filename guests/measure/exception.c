// exception.c: INT 80h, which the kernel has no gate for, as a message to the thread's exception
// handler and back, as an emulated system call is; and ThreadSwitch.
#include "measure.h"

static struct summary result;
static l4_thread_id handler_id;

// ---- INT 80h ----------------------------------------------------------------------------------

// The twelve words of the exception are the answer, with EIP behind the instruction.
static void exception_handler(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_tag tag = l4_wait(&from);
    for (;;) {
        word_t *mr = l4_utcb();
        if (!l4_is_exception(tag))
            l4_panic("measure: no exception but %08x", tag);
        mr[0] = l4_make_tag(0, L4_EXCEPTION_WORDS, 0);
        mr[1] += 2;
        tag = answer_and_wait(&from);
    }
}

static void trapping(void *unused)
{
    (void)unused;
    l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, handler_id);
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        __asm__ volatile("int $0x80" : : : "memory");
        uint32_t end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    result = summarise(samples, SAMPLE_COUNT);
    done(0);
}

static void reflect(bool one_space, const char *parameters)
{
    struct space a = {0}, b = {0};
    handler_id = thread_in(one_space ? &a : &b, pager_thread, exception_handler, NULL);
    await_done(thread_in(&a, pager_thread, trapping, NULL), "exception");
    world_end();
    report("exception", parameters, &result, 1);
}

void part_exception(void)
{
    reflect(false, "handler=other_space ");
    reflect(true, "handler=same_space ");
}

// ---- ThreadSwitch -----------------------------------------------------------------------------

static l4_thread_id switch_partner[2];

static void switch_back(void *unused)
{
    (void)unused;
    for (;;)
        l4_thread_switch(switch_partner[1]);
}

static void switching(void *unused)
{
    (void)unused;
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        l4_thread_switch(switch_partner[0]);
        uint32_t end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    result = summarise(samples, SAMPLE_COUNT);
    done(0);
}

static void yielding(void *unused)
{
    (void)unused;
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        l4_yield();
        uint32_t end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    result = summarise(samples, SAMPLE_COUNT);
    done(0);
}

// The thread that switches first is made first, for its partner runs as soon as it is started.
static void switch_pair(bool one_space, const char *parameters)
{
    struct space a = {0}, b = {0};
    switch_partner[0] = thread_id_next(1);
    switch_partner[1] = thread_id_next(0);
    l4_thread_id first = thread_in(&a, pager_thread, switching, NULL);
    thread_in(one_space ? &a : &b, pager_thread, switch_back, NULL);
    await_done(first, "thread_switch");
    world_end();
    report("thread_switch", parameters, &result, 2);
}

void part_switch(void)
{
    switch_pair(true, "spaces=1 ");
    switch_pair(false, "spaces=2 ");
    struct space a = {0};
    await_done(thread_in(&a, pager_thread, yielding, NULL), "yield");
    world_end();
    report("thread_switch", "to=nobody ", &result, 1);
}
