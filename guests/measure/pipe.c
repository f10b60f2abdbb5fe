// pipe.c: pipes built on L4 alone. A pipe is memory that both ends have, and a message where one of
// them waits for the other: a write goes into a ring of a page and wakes a reader who waits, a read
// takes what is there and wakes a writer who waits for room. Nobody stands between, so nobody but
// the two need trust what is in the memory. Latency is one byte through one pipe to a thread in
// another space and back through a second. Bandwidth is that of 16 KB writes.
#include "measure.h"

#define RING (4096u - 32)
#define BLOCK (16 * KILOBYTE)
#define TOTAL (64 * KILOBYTE)

// A page, so that each end translates one address more when it runs again.
struct pipe {
    volatile word_t put, taken;   // bytes, since the beginning
    word_t put_at, taken_at;      // where in the ring: each end's own affair
    volatile word_t reader_waits, writer_waits; // 1: and who sets it to 0 sends a message
    word_t unused[2];
    uint8_t ring[RING];
} __attribute__((aligned(4096)));

static uint8_t block_sent[BLOCK] __attribute__((aligned(4096)));
static uint8_t block_received[BLOCK] __attribute__((aligned(4096)));
static struct pipe pipes[2];
static l4_thread_id writer_id, echo_id;
static struct summary latency, bandwidth;

// ---- Waiting ----------------------------------------------------------------------------------

// Was it 1? It is 0 now, and nobody came between: one instruction, and there is one processor.
static bool take_flag(volatile word_t *flag)
{
    bool was;
    __asm__ volatile("btrl $0, %1\n\tsetc %0" : "=q"(was), "+m"(*flag) : : "memory");
    return was;
}

static void wake(volatile word_t *flag, l4_thread_id other)
{
    if (*flag && take_flag(flag)) {
        l4_msg_begin(0);
        if (l4_tag_failed(l4_send(other)))
            done(10);
    }
}

// The caller has set the flag. If what it waits for has come meanwhile it takes the flag back,
// unless the other one has: then a message is on its way.
static void wait(volatile word_t *flag, bool come, l4_thread_id other)
{
    if (come && take_flag(flag))
        return;
    if (l4_tag_failed(l4_receive(other)))
        done(20);
}

// Both in one: who is woken finds our flag and answers when it has done what we wait for.
static void wake_and_wait(l4_thread_id other)
{
    l4_msg_begin(0);
    if (l4_tag_failed(l4_call(other)))
        done(30);
}

// ---- Writing and reading ----------------------------------------------------------------------

// A line is read before it is written: a Pentium's write gets it no place in the cache.
static void copy(uint8_t *to, const uint8_t *from, word_t size)
{
    for (; size >= 32; size -= 32, to += 32, from += 32) {
        volatile word_t *d = (volatile word_t *)to;
        const word_t *s = (const word_t *)from;
        (void)d[7];
#pragma GCC unroll 4
        for (word_t i = 0; i < 8; i += 2) {
            word_t a = s[i], b = s[i + 1];
            d[i] = a;
            d[i + 1] = b;
        }
    }
    for (; size > 0; size--)
        *to++ = *from++;
}

static word_t least(word_t a, word_t b)
{
    return a < b ? a : b;
}

// The ring's pieces of `count` bytes from `at` on: the first ends with them or with the ring, the
// second is the rest. Returns where the next ones are.
static word_t copy_in(struct pipe *p, word_t at, const uint8_t *bytes, word_t count)
{
    word_t first = least(count, RING - at);
    copy(p->ring + at, bytes, first);
    if (first < count)
        copy(p->ring, bytes + first, count - first);
    return at + count < RING ? at + count : at + count - RING;
}

static word_t copy_out(const struct pipe *p, word_t at, uint8_t *bytes, word_t count)
{
    word_t first = least(count, RING - at);
    copy(bytes, p->ring + at, first);
    if (first < count)
        copy(bytes + first, p->ring, count - first);
    return at + count < RING ? at + count : at + count - RING;
}

// All of it, to the thread at the other end.
static void pipe_write(word_t pipe, const uint8_t *bytes, word_t size, l4_thread_id reader)
{
    struct pipe *p = &pipes[pipe];
    for (;;) {
        word_t count = least(size, RING - (p->put - p->taken));
        p->put_at = copy_in(p, p->put_at, bytes, count);
        p->put += count;
        bytes += count;
        size -= count;
        if (size == 0)
            break;
        p->writer_waits = 1;
        if (p->reader_waits && take_flag(&p->reader_waits))
            wake_and_wait(reader);
        else
            wait(&p->writer_waits, p->put - p->taken != RING, reader);
    }
    wake(&p->reader_waits, reader);
}

// What there is, `size` bytes at most, and one at least. Returns how many.
static word_t pipe_read(word_t pipe, uint8_t *bytes, word_t size, l4_thread_id writer)
{
    struct pipe *p = &pipes[pipe];
    while (p->put == p->taken) {
        p->reader_waits = 1;
        wait(&p->reader_waits, p->put != p->taken, writer);
    }
    word_t count = least(size, p->put - p->taken);
    p->taken_at = copy_out(p, p->taken_at, bytes, count);
    p->taken += count;
    wake(&p->writer_waits, writer);
    return count;
}

// ---- Their users ------------------------------------------------------------------------------

static void echo(void *unused)
{
    (void)unused;
    for (;;) {
        pipe_read(0, block_received, 1, writer_id);
        pipe_write(1, block_received, 1, writer_id);
    }
}

static void latency_writer(void *unused)
{
    (void)unused;
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint8_t byte = (uint8_t)i, back = 0;
        uint32_t begin = now();
        pipe_write(0, &byte, 1, echo_id);
        pipe_read(1, &back, 1, echo_id);
        uint32_t end = now();
        if (back != byte)
            done(1);
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    latency = summarise(samples, SAMPLE_COUNT);
    done(0);
}

#define ROUNDS 11

// TOTAL bytes to a reader that says, through the other pipe, that it has them all.
static void block_reader(void *unused)
{
    (void)unused;
    for (;;) {
        for (word_t got = 0; got < TOTAL;)
            got += pipe_read(0, block_received + got % BLOCK, BLOCK - got % BLOCK, writer_id);
        pipe_write(1, block_received, 1, writer_id);
    }
}

static void block_writer(void *unused)
{
    (void)unused;
    uint8_t byte = 0;
    for (word_t i = 0; i < BLOCK; i++)
        block_sent[i] = (uint8_t)(i * 7 + i / 256);
    for (word_t i = 0; i < 2 + ROUNDS; i++) {
        uint32_t begin = now();
        for (word_t put = 0; put < TOTAL; put += BLOCK)
            pipe_write(0, block_sent, BLOCK, echo_id);
        pipe_read(1, &byte, 1, echo_id);
        uint32_t end = now();
        samples[i < 2 ? 0 : i - 2] = end - begin;
    }
    bandwidth = summarise(samples, ROUNDS);
    done(memcmp(block_sent, block_received, BLOCK) == 0 ? 0 : 2);
}

static void run(void (*reader)(void *), void (*writer)(void *), const char *what)
{
    struct space a = {0}, b = {0};
    echo_id = thread_id_next(0);
    writer_id = thread_id_next(1);
    memset(pipes, 0, sizeof(pipes));
    thread_in(&b, pager_thread, reader, NULL);
    await_done(thread_in(&a, pager_thread, writer, NULL), what);
    world_end();
}

void part_pipe(void)
{
    run(echo, latency_writer, "pipe_latency");
    report("pipe_latency", "", &latency, 1);
    run(block_reader, block_writer, "pipe_bandwidth");
    report_number("pipe_bandwidth", "bytes", TOTAL, &bandwidth, 1);
}
