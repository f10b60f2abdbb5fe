/* net.c: TCP, UDP and Unix sockets over loopback: what one process sends another must receive. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

static uint32_t next(uint32_t *seed)
{
    return *seed = *seed * 1664525 + 1013904223;
}

/* bytes of the seed's sequence into the socket, or checked out of it; how many were right. */
static unsigned send_all(int s, uint32_t seed, unsigned bytes)
{
    static uint8_t block[8192];
    unsigned done = 0;

    while (done < bytes) {
        unsigned count = 1 + next(&seed) % sizeof(block), at = 0;

        if (count > bytes - done)
            count = bytes - done;
        for (unsigned i = 0; i < count; i++)
            block[i] = (uint8_t)(done + i + (done + i) / 251);
        while (at < count) {
            ssize_t n = write(s, block + at, count - at);

            if (n <= 0)
                return done + at;
            at += (unsigned)n;
        }
        done += count;
    }
    return done;
}

static unsigned receive_all(int s, unsigned bytes)
{
    static uint8_t block[8192];
    unsigned done = 0, right = 0;

    while (done < bytes) {
        ssize_t n = read(s, block, sizeof(block));

        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++, done++)
            right += block[i] == (uint8_t)(done + done / 251);
    }
    return right;
}

/* A child answers as many bytes as it got right; streams of any family. */
static void stream(const char *name, int listener, const struct sockaddr *a, socklen_t length,
                   unsigned clients, unsigned bytes)
{
    unsigned right = 0;

    fflush(stdout);
    for (unsigned c = 0; c < clients; c++)
        if (fork() == 0) {
            int s = socket(a->sa_family, SOCK_STREAM, 0);

            if (connect(s, a, length) || send_all(s, c, bytes) != bytes)
                _exit(1);
            _exit(receive_all(s, bytes) != bytes);
        }
    for (unsigned c = 0; c < clients; c++) {
        int s = accept(listener, NULL, NULL);

        if (fork() == 0)
            _exit(receive_all(s, bytes) != bytes || send_all(s, c + 7, bytes) != bytes);
        close(s);
    }
    for (unsigned c = 0; c < 2 * clients; c++) {
        int status;

        wait(&status);
        right += status == 0;
    }
    printf("%s: %u of %u sides right, %u bytes each way\n", name, right, 2 * clients, bytes);
    close(listener);
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void udp(unsigned packets)
{
    struct sockaddr_in a = loopback(5001), b = loopback(5002);
    int s = socket(AF_INET, SOCK_DGRAM, 0), r = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned right = 0;
    uint32_t word;

    CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0);
    CHECK(bind(r, (struct sockaddr *)&b, sizeof(b)) == 0);
    fflush(stdout);
    if (fork() == 0) {
        for (unsigned i = 0; i < packets; i++) {
            struct sockaddr_in from;
            socklen_t length = sizeof(from);

            recvfrom(r, &word, sizeof(word), 0, (struct sockaddr *)&from, &length);
            word = ~word;
            sendto(r, &word, sizeof(word), 0, (struct sockaddr *)&from, length);
        }
        _exit(0);
    }
    for (uint32_t i = 0; i < packets; i++) {
        sendto(s, &i, sizeof(i), 0, (struct sockaddr *)&b, sizeof(b));
        recv(s, &word, sizeof(word), 0);
        right += word == ~i;
    }
    wait(NULL);
    printf("UDP: %u of %u answers right\n", right, packets);
}

int main(int count, char **arguments)
{
    unsigned bytes = count > 1 ? (unsigned)atoi(arguments[1]) : 100000;
    struct sockaddr_in in = loopback(5000);
    struct sockaddr_un un = {AF_UNIX, "/tmp/net.socket"};
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CHECK(bind(s, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(s, 8) == 0);
    stream("TCP", s, (struct sockaddr *)&in, sizeof(in), 3, bytes);
    unlink(un.sun_path);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(s, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(s, 8) == 0);
    stream("Unix", s, (struct sockaddr *)&un, sizeof(un), 3, bytes);
    unlink(un.sun_path);
    udp(bytes / 500);
    printf("net: %d wrong\n", wrong);
    return wrong != 0;
}
