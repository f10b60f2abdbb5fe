#include "sim/gdb/listen.h"

#include "sim/core/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPTED "accepted are PORT, :PORT, tcp::PORT and unix:PATH"

/* --- reading what the user said --------------------------------------------------------------- */

/* Passes over text if it is next. */
static bool literal(const char **p, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0)
        return false;
    *p += n;
    return true;
}

/* QEMU's words behind an address: only those that change nothing. */
static void check_words(const char *whole, const char *p)
{
    static const char *const harmless[] = {"server=on", "server", "wait=off", "nowait"};
    while (*p) {
        size_t n = strcspn(++p, ",");
        bool known = false;
        for (unsigned i = 0; i < ARRAY_COUNT(harmless); i++)
            known |= strlen(harmless[i]) == n && strncmp(p, harmless[i], n) == 0;
        if (!known)
            usage_error("--gdb %s: behind the address only server=on and wait=off are accepted; "
                        "-S waits for the debugger", whole);
        p += n;
    }
}

static uint16_t parse_port(const char *whole, const char *p, size_t n)
{
    char *end;
    unsigned long port = strtoul(p, &end, 10);
    if (n == 0 || end != p + n || *p == '-' || *p == '+')
        usage_error("--gdb %s: '%.*s' is no port; " ACCEPTED, whole, (int)n, p);
    if (port > 65535)
        usage_error("--gdb %s: a port is at most 65535", whole);
    return (uint16_t)port;
}

struct gdb_address gdb_address_parse(const char *text)
{
    struct gdb_address a = {.port = 0};
    const char *p = text;
    if (literal(&p, "unix:")) {
        size_t n = strcspn(p, ",");
        if (n == 0 || n >= sizeof a.path)
            usage_error("--gdb %s: a Unix socket's path has 1 to %zu bytes", text,
                        sizeof a.path - 1);
        memcpy(a.path, p, n);
        check_words(text, p + n);
        return a;
    }
    if (literal(&p, "tcp:") && !literal(&p, "127.0.0.1:") && !literal(&p, "localhost:") &&
        !literal(&p, ":"))
        usage_error("--gdb %s: only this host's own address is listened on: tcp::PORT", text);
    if (p == text)
        literal(&p, ":");
    size_t n = strcspn(p, ",");
    a.port = parse_port(text, p, n);
    check_words(text, p + n);
    return a;
}

/* --- listening -------------------------------------------------------------------------------- */

static int listen_tcp(const struct gdb_address *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(address->port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&a, &size) < 0)
        usage_error("--gdb %u: %s", address->port, strerror(errno));
    fprintf(stderr, "isochron: gdb: target remote 127.0.0.1:%u\n", ntohs(a.sin_port));
    return listener;
}

/* A socket that a run left behind when it was killed is nobody's: nobody answers there. */
static void remove_stale(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    bool alive = s >= 0 && connect(s, (const struct sockaddr *)a, sizeof *a) == 0;
    if (s >= 0)
        close(s);
    if (!alive)
        unlink(a->sun_path);
}

static int listen_unix(const struct gdb_address *address)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, address->path, sizeof address->path);
    remove_stale(&a);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listener, 1) < 0)
        usage_error("--gdb unix:%s: %s", address->path, strerror(errno));
    fprintf(stderr, "isochron: gdb: target remote %s\n", address->path);
    return listener;
}

int gdb_listen(const struct gdb_address *a)
{
    return a->path[0] ? listen_unix(a) : listen_tcp(a);
}

void gdb_unlisten(const struct gdb_address *a, int listener)
{
    close(listener);
    if (a->path[0])
        unlink(a->path);
}
