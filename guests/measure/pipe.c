// pipe.c: pipes built on L4 alone. A pipe is a thread with a buffer, in a space of its own: who
// writes sends it a string and goes on, who reads asks and gets what is there, or waits. Latency is
// one byte through one pipe to a thread in another space and back through a second. Bandwidth is
// that of 16 KB writes.
#include "measure.h"

#define PIPE_SIZE (64 * KILOBYTE)
#define BLOCK (16 * KILOBYTE)
#define LABEL_WRITE 0x200u // a string
#define LABEL_READ 0x201u  // answered by a string

struct pipe {
    uint8_t *bytes;
    word_t begin, end;   // what is in it
    l4_thread_id reader; // waits for data; nil: nobody does
};

static uint8_t memory[2][PIPE_SIZE] __attribute__((aligned(4096)));
static uint8_t block_sent[BLOCK] __attribute__((aligned(4096)));
static uint8_t block_received[BLOCK] __attribute__((aligned(4096)));
static struct pipe pipes[2];
static l4_thread_id pipe_id[2], writer_id, echo_id;
static struct summary latency, bandwidth;

// ---- The pipe ---------------------------------------------------------------------------------

static void put_data(struct pipe *p)
{
    word_t size = p->end - p->begin;
    if (size > BLOCK)
        size = BLOCK;
    l4_msg_begin(0);
    l4_msg_string(p->bytes + p->begin, size);
    p->begin += size;
    if (p->begin == p->end)
        p->begin = p->end = 0;
}

// Data that comes goes right behind what is there.
static void take(struct pipe *p)
{
    l4_accept_string(L4_NIL_FPAGE, p->bytes + p->end, PIPE_SIZE - p->end);
}

static bool is_full(const struct pipe *p)
{
    return PIPE_SIZE - p->end < BLOCK;
}

// A write: the writer goes on, and a reader who waited has its data.
static void serve_write(struct pipe *p, l4_thread_id from)
{
    p->end += l4_string_length(l4_msg_typed_word(0));
    l4_msg_begin(0);
    l4_reply(from);
    if (p->reader != L4_NIL_THREAD) {
        put_data(p);
        l4_reply(p->reader);
        p->reader = L4_NIL_THREAD;
    }
}

static void serve_read(struct pipe *p, l4_thread_id from)
{
    if (p->begin == p->end) {
        p->reader = from;
    } else {
        put_data(p);
        l4_reply(from);
    }
}

// When it is full it hears nobody but its reader. Which thread that is is known here; a pipe for
// strangers would learn it from their first call.
static void pipe_thread(void *argument)
{
    struct pipe *p = argument;
    l4_thread_id reader = p == &pipes[0] ? echo_id : writer_id;
    for (;;) {
        l4_thread_id from = reader;
        take(p);
        l4_tag tag = is_full(p) ? l4_receive(reader) : l4_wait(&from);
        if (l4_tag_failed(tag))
            continue;
        if (l4_tag_label(tag) == LABEL_WRITE)
            serve_write(p, from);
        else
            serve_read(p, from);
    }
}

// ---- Its users --------------------------------------------------------------------------------

static void pipe_write(word_t pipe, const void *bytes, word_t size)
{
    l4_msg_begin(LABEL_WRITE);
    l4_msg_string(bytes, size);
    if (l4_tag_failed(l4_call(pipe_id[pipe])))
        done(10 + pipe);
}

static word_t pipe_read(word_t pipe, void *bytes, word_t size)
{
    l4_accept_string(L4_NIL_FPAGE, bytes, size);
    l4_msg_begin(LABEL_READ);
    if (l4_tag_failed(l4_call(pipe_id[pipe])))
        done(20 + pipe);
    return l4_string_length(l4_msg_typed_word(0));
}

static void echo(void *unused)
{
    (void)unused;
    for (;;) {
        pipe_read(0, block_received, BLOCK);
        pipe_write(1, block_received, 1);
    }
}

static void latency_writer(void *unused)
{
    (void)unused;
    uint8_t byte = 0;
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        pipe_write(0, &byte, 1);
        pipe_read(1, &byte, 1);
        uint32_t end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    latency = summarise(samples, SAMPLE_COUNT);
    done(0);
}

#define ROUNDS 11

// PIPE_SIZE bytes to a reader that says, through the other pipe, that it has them all.
static void block_reader(void *unused)
{
    (void)unused;
    for (;;) {
        for (word_t got = 0; got < PIPE_SIZE;)
            got += pipe_read(0, block_received, BLOCK);
        pipe_write(1, block_received, 1);
    }
}

static void block_writer(void *unused)
{
    (void)unused;
    uint8_t byte;
    for (word_t i = 0; i < 2 + ROUNDS; i++) {
        uint32_t begin = now();
        for (word_t put = 0; put < PIPE_SIZE; put += BLOCK)
            pipe_write(0, block_sent, BLOCK);
        pipe_read(1, &byte, 1);
        uint32_t end = now();
        samples[i < 2 ? 0 : i - 2] = end - begin;
    }
    bandwidth = summarise(samples, ROUNDS);
    done(0);
}

static void run(void (*reader)(void *), void (*writer)(void *), const char *what)
{
    struct space a = {0}, b = {0}, c = {0};
    echo_id = thread_id_next(2);
    writer_id = thread_id_next(3);
    for (word_t i = 0; i < 2; i++) {
        pipes[i] = (struct pipe){.bytes = memory[i]};
        pipe_id[i] = thread_in(&c, pager_thread, pipe_thread, &pipes[i]);
    }
    thread_in(&b, pager_thread, reader, NULL);
    await_done(thread_in(&a, pager_thread, writer, NULL), what);
    world_end();
}

void part_pipe(void)
{
    run(echo, latency_writer, "pipe_latency");
    report("pipe_latency", "", &latency, 1);
    run(block_reader, block_writer, "pipe_bandwidth");
    report_number("pipe_bandwidth", "bytes", PIPE_SIZE, &bandwidth, 1);
}
