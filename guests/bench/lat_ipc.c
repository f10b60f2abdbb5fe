// lat_ipc: a message to another process and its answer, by each way that Linux has:
//
//     pipe      a byte through one pipe and back through another
//     unix      a byte through a pair of AF_UNIX stream sockets and back
//     udp, tcp  a word over loopback and back
//     rpc_udp, rpc_tcp   a remote procedure call of the shape of [RFC5531]: a call of 40 bytes
//                        (transaction, version, program, procedure, empty credentials) that the
//                        server examines, a word as its argument, 4 bytes; an answer of 24 and 4.
//                        Both wait by poll before they read, as the libraries of the time do by
//                        select; over TCP a mark of 4 bytes precedes each message and is read by
//                        itself. There is no port mapper, and no retransmission.
#include "net.h"

enum { SAMPLES = 21, WARM = 5, PORT_UDP = 5001, PORT_TCP, PORT_RPC_UDP, PORT_RPC_TCP };
enum { RPC_PROGRAM = 0x20001234, RPC_PROCEDURE = 1, CALL_WORDS = 11, ANSWER_WORDS = 7 };

// A ready server has said so by a byte, so that no client comes before it.
static int ready[2];

static void say_ready(void) { write_all(ready[1], "r", 1); }
static void await_ready(void)
{
    char byte;
    read_all(ready[0], &byte, 1);
}

static void echo(int from, int to, unsigned size)
{
    unsigned word;
    for (;;) {
        read_all(from, &word, size);
        write_all(to, &word, size);
    }
}

static void ask(int to, int from, unsigned size)
{
    unsigned word = 1;
    write_all(to, &word, size);
    read_all(from, &word, size);
}

static void measure_pipe(void)
{
    int there[2], back[2], child;
    pipe_make(there);
    pipe_make(back);
    child = process_fork();
    if (child == 0)
        echo(there[0], back[1], 1);
    MEASURE("pipe", WARM, SAMPLES, ask(there[1], back[0], 1));
    process_end(child);
}

static void measure_unix(void)
{
    int pair[2], child;
    must(socketcall(CALL_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (int)pair, 0, 0), "socketpair");
    child = process_fork();
    if (child == 0)
        echo(pair[1], pair[1], 1);
    MEASURE("unix", WARM, SAMPLES, ask(pair[0], pair[0], 1));
    process_end(child);
}

static void serve_udp(void)
{
    struct address from;
    unsigned word;
    int s = socket_bound(SOCK_DGRAM, PORT_UDP);
    say_ready();
    for (;;) {
        datagram_get(s, &word, sizeof word, &from);
        datagram_put(s, &word, sizeof word, &from);
    }
}

static void serve_tcp(void)
{
    int s = socket_bound(SOCK_STREAM, PORT_TCP);
    say_ready();
    s = socket_accept(s);
    echo(s, s, sizeof(unsigned));
}

// --- remote procedure calls ---------------------------------------------------------------------

static unsigned swapped(unsigned v)
{
    return v << 24 | (v << 8 & 0xFF0000) | (v >> 8 & 0xFF00) | v >> 24;
}

static unsigned transaction;

// Fills a call: transaction, 0 (a call), RPC version 2, program, its version, procedure, empty
// credentials and verifier (4 words), the argument.
static void call_make(unsigned call[CALL_WORDS], unsigned argument)
{
    const unsigned words[CALL_WORDS] = {++transaction, 0, 2, RPC_PROGRAM, 1, RPC_PROCEDURE,
                                        0,             0, 0, 0,           argument};
    for (unsigned i = 0; i < CALL_WORDS; i++)
        call[i] = swapped(words[i]);
}

// The answer: transaction, 1 (an answer), accepted, empty verifier (2), success, the result.
static void call_serve(const unsigned call[CALL_WORDS], unsigned answer[ANSWER_WORDS])
{
    unsigned good = swapped(call[1]) == 0 && swapped(call[2]) == 2 &&
                    swapped(call[3]) == RPC_PROGRAM && swapped(call[4]) == 1 &&
                    swapped(call[5]) == RPC_PROCEDURE && !call[6] && !call[7] && !call[8] &&
                    !call[9];
    answer[0] = call[0];
    answer[1] = swapped(1);
    answer[2] = answer[3] = answer[4] = 0;
    answer[5] = swapped(good ? 0 : 3);
    answer[6] = swapped(swapped(call[10]) + 1);
}

static void answer_check(const unsigned answer[ANSWER_WORDS], unsigned argument)
{
    if (swapped(answer[0]) != transaction || swapped(answer[1]) != 1 || answer[2] || answer[5] ||
        swapped(answer[6]) != argument + 1)
        must(-1, "rpc: not the answer to the call");
}

static void serve_rpc_udp(void)
{
    unsigned call[CALL_WORDS], answer[ANSWER_WORDS];
    struct address from;
    int s = socket_bound(SOCK_DGRAM, PORT_RPC_UDP);
    say_ready();
    for (;;) {
        poll_in(s);
        datagram_get(s, call, sizeof call, &from);
        call_serve(call, answer);
        datagram_put(s, answer, sizeof answer, &from);
    }
}

static void call_udp(int s)
{
    unsigned call[CALL_WORDS], answer[ANSWER_WORDS];
    struct address to = loopback(PORT_RPC_UDP), from;
    call_make(call, 7);
    datagram_put(s, call, sizeof call, &to);
    poll_in(s);
    datagram_get(s, answer, sizeof answer, &from);
    answer_check(answer, 7);
}

// A record: its mark, whose first bit says that it is the last fragment, and its bytes.
static void record_put(int s, const unsigned *words, unsigned count)
{
    unsigned record[CALL_WORDS + 1];
    record[0] = swapped(0x80000000u | count * sizeof *words);
    for (unsigned i = 0; i < count; i++)
        record[i + 1] = words[i];
    write_all(s, record, (count + 1) * sizeof *words);
}

static void record_get(int s, unsigned *words, unsigned count)
{
    unsigned mark;
    poll_in(s);
    read_all(s, &mark, sizeof mark);
    if (swapped(mark) != (0x80000000u | count * sizeof *words))
        must(-1, "rpc: a record of another size");
    read_all(s, words, count * sizeof *words);
}

static void serve_rpc_tcp(void)
{
    unsigned call[CALL_WORDS], answer[ANSWER_WORDS];
    int s = socket_bound(SOCK_STREAM, PORT_RPC_TCP);
    say_ready();
    s = socket_accept(s);
    for (;;) {
        record_get(s, call, CALL_WORDS);
        call_serve(call, answer);
        record_put(s, answer, ANSWER_WORDS);
    }
}

static void call_tcp(int s)
{
    unsigned call[CALL_WORDS], answer[ANSWER_WORDS];
    call_make(call, 7);
    record_put(s, call, CALL_WORDS);
    record_get(s, answer, ANSWER_WORDS);
    answer_check(answer, 7);
}

// --- each in its turn ---------------------------------------------------------------------------

static int served_by(void (*serve)(void))
{
    int child = process_fork();
    if (child == 0)
        serve();
    await_ready();
    return child;
}

int start(int argc, char **argv)
{
    int child, s;
    (void)argc;
    bench_begin("lat_ipc", argv);
    pipe_make(ready);
    net_up();
    measure_pipe();
    measure_unix();

    child = served_by(serve_udp);
    s = socket_connected(SOCK_DGRAM, PORT_UDP);
    MEASURE("udp", WARM, SAMPLES, ask(s, s, sizeof(unsigned)));
    process_end(child);

    child = served_by(serve_rpc_udp);
    s = socket_new(AF_INET, SOCK_DGRAM);
    MEASURE("rpc_udp", WARM, SAMPLES, call_udp(s));
    process_end(child);

    child = served_by(serve_tcp);
    s = socket_connected(SOCK_STREAM, PORT_TCP);
    MEASURE("tcp", WARM, SAMPLES, ask(s, s, sizeof(unsigned)));
    process_end(child);

    child = served_by(serve_rpc_tcp);
    s = socket_connected(SOCK_STREAM, PORT_RPC_TCP);
    MEASURE("rpc_tcp", WARM, SAMPLES, call_tcp(s));
    process_end(child);
    return bench_end();
}
