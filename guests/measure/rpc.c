// rpc.c: client and server in C, as programs are written: the client calls, the server answers and
// waits for anyone. One word each way, and strings of 64 bytes to 64 KB to the server.
#include "measure.h"

#define STRING_MIN 64u
#define STRING_MAX (64 * KILOBYTE)
#define STRING_SIZES 11

static uint8_t sent[STRING_MAX] __attribute__((aligned(4096)));
static uint8_t received[STRING_MAX] __attribute__((aligned(4096)));
static struct summary by_size[STRING_SIZES];

// ---- RPC --------------------------------------------------------------------------------------

static void server(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_wait(&from);
    for (;;) {
        word_t value = l4_mr(1);
        l4_msg_begin(0);
        l4_msg_word(value + 1);
        answer_and_wait(&from);
    }
}

static void client(void *argument)
{
    l4_thread_id to = *(const l4_thread_id *)argument;
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        l4_msg_begin(1);
        l4_msg_word(i);
        l4_tag tag = l4_call(to);
        word_t value = l4_mr(1);
        uint32_t end = now();
        if (l4_tag_failed(tag) || value != i + 1)
            done(1);
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    by_size[0] = summarise(samples, SAMPLE_COUNT);
    done(0);
}

void part_rpc(void)
{
    struct space a = {0}, b = {0};
    static l4_thread_id to;
    to = thread_in(&b, pager_thread, server, NULL);
    await_done(thread_in(&a, pager_thread, client, &to), "rpc");
    world_end();
    report_number("rpc", "words", 1, &by_size[0], 1);
}

// ---- Strings ----------------------------------------------------------------------------------

static void string_server(void *unused)
{
    (void)unused;
    l4_thread_id from;
    for (word_t i = 0; i < STRING_MAX; i += L4_PAGE_SIZE)
        touch((word_t)(uintptr_t)received + i);
    l4_accept_string(L4_NIL_FPAGE, received, STRING_MAX);
    l4_wait(&from);
    for (;;) {
        l4_msg_begin(0);
        answer_and_wait(&from);
    }
}

static struct summary measure_string(l4_thread_id to, word_t size, word_t count)
{
    for (word_t i = 0; i < WARM_COUNT + count; i++) {
        uint32_t begin = now();
        l4_msg_begin(1);
        l4_msg_string(sent, size);
        l4_tag tag = l4_call(to);
        uint32_t end = now();
        if (l4_tag_failed(tag))
            done(size);
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    return summarise(samples, count);
}

static void string_client(void *argument)
{
    l4_thread_id to = *(const l4_thread_id *)argument;
    for (word_t i = 0; i < STRING_MAX; i++)
        sent[i] = (uint8_t)(i * 7);
    word_t size = STRING_MIN;
    for (word_t k = 0; k < STRING_SIZES; k++, size *= 2)
        by_size[k] = measure_string(to, size, size > 8 * KILOBYTE ? 11 : SAMPLE_COUNT);
    if (memcmp(sent, received, STRING_MAX) != 0)
        done(1);
    done(0);
}

void part_string(void)
{
    struct space a = {0}, b = {0};
    static l4_thread_id to;
    to = thread_in(&b, pager_thread, string_server, NULL);
    await_done(thread_in(&a, pager_thread, string_client, &to), "string");
    world_end();
    word_t size = STRING_MIN;
    for (word_t k = 0; k < STRING_SIZES; k++, size *= 2)
        report_number("string_rpc", "bytes", size, &by_size[k], 1);
}
