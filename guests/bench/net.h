// net.h: sockets for the benchmarks, by socketcall; the loopback interface is brought up if nobody
// has done it.
#pragma once
#include "process.h"

enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2 };
enum {
    CALL_SOCKET = 1,
    CALL_BIND = 2,
    CALL_CONNECT = 3,
    CALL_LISTEN = 4,
    CALL_ACCEPT = 5,
    CALL_SOCKETPAIR = 8,
    CALL_SEND = 9,
    CALL_RECV = 10,
    CALL_SENDTO = 11,
    CALL_RECVFROM = 12,
};
enum { SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, IFF_UP = 1, IFF_RUNNING = 0x40 };

struct address {
    unsigned short family, port; // the port in the network's order of bytes
    unsigned host;
    char zero[8];
};

#define LOOPBACK 0x0100007Fu // 127.0.0.1 in the network's order

static inline struct address loopback(unsigned port)
{
    return (struct address){AF_INET, (unsigned short)(port >> 8 | port << 8), LOOPBACK, {0}};
}

static inline int socketcall(int call, int a, int b, int c, int d, int e, int f)
{
    int arguments[6] = {a, b, c, d, e, f};
    return sys2(SYS_SOCKETCALL, call, (int)arguments);
}

static inline int socket_new(int family, int type)
{
    return must(socketcall(CALL_SOCKET, family, type, 0, 0, 0, 0), "socket");
}

static inline void net_up(void)
{
    struct {
        char name[16];
        union {
            struct address address;
            short flags;
        };
        char more[16];
    } request = {.name = "lo"};
    int any = socket_new(AF_INET, SOCK_DGRAM);
    request.address = loopback(0);
    must(sys3(SYS_IOCTL, any, SIOCSIFADDR, (int)&request), "SIOCSIFADDR of lo");
    request.address = (struct address){0};
    request.flags = IFF_UP | IFF_RUNNING;
    must(sys3(SYS_IOCTL, any, SIOCSIFFLAGS, (int)&request), "SIOCSIFFLAGS of lo");
    must(sys1(SYS_CLOSE, any), "close");
}

static inline int socket_bound(int type, unsigned port)
{
    struct address at = loopback(port);
    int s = socket_new(AF_INET, type);
    must(socketcall(CALL_BIND, s, (int)&at, sizeof at, 0, 0, 0), "bind");
    if (type == SOCK_STREAM)
        must(socketcall(CALL_LISTEN, s, 1, 0, 0, 0, 0), "listen");
    return s;
}

static inline int socket_connected(int type, unsigned port)
{
    struct address to = loopback(port);
    int s = socket_new(AF_INET, type);
    must(socketcall(CALL_CONNECT, s, (int)&to, sizeof to, 0, 0, 0), "connect");
    return s;
}

static inline int socket_accept(int s)
{
    return must(socketcall(CALL_ACCEPT, s, 0, 0, 0, 0, 0), "accept");
}

// A datagram from whom it is answered to.
static inline int datagram_get(int s, void *to, unsigned size, struct address *from)
{
    unsigned length = sizeof *from;
    return must(socketcall(CALL_RECVFROM, s, (int)to, (int)size, 0, (int)from, (int)&length),
                "recvfrom");
}

static inline void datagram_put(int s, const void *from, unsigned size, const struct address *to)
{
    must(socketcall(CALL_SENDTO, s, (int)from, (int)size, 0, (int)to, sizeof *to), "sendto");
}

// Waits until there is something to read; a second is as good as for ever.
static inline void poll_in(int file)
{
    struct {
        int file;
        short events, got;
    } one = {file, 1, 0};
    if (must(sys3(SYS_POLL, (int)&one, 1, 1000), "poll") != 1)
        must(-1, "poll: nothing within a second");
}
