#include "sim/gdb/gdb.h"

#include "sim/core/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIGNAL_INTERRUPT = 2, SIGNAL_TRAP = 5, SIGNAL_SEGMENT = 11 };

struct gdb {
    struct machine *machine;
    struct gdb_target target;
    struct gdb_session session;
    struct event poll_event;
    struct gdb_address address;
    int listener, connection; /* connection is -1 without a debugger */
    bool stopped;             /* the debugger holds the machine */
    bool interrupted;         /* it wants it stopped, or has just come */
    bool killed;
    bool step;
    enum gdb_action back; /* GDB_STEP_BACK or GDB_CONTINUE_BACK: where it goes; else GDB_STAY */
};

/* --- the socket ------------------------------------------------------------------------------- */

/* A debugger that has gone away is noticed when it is read from. */
static void send_bytes(void *owner, const void *data, size_t size)
{
    struct gdb *g = owner;
    const char *p = data;
    while (size && g->connection >= 0) {
        ssize_t n = send(g->connection, p, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        p += n;
        size -= (size_t)n;
    }
}

static bool readable(int fd, bool block)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, block ? -1 : 0) > 0;
}

static void accept_debugger(struct gdb *g)
{
    int on = 1;
    g->connection = accept(g->listener, NULL, NULL);
    if (g->connection < 0)
        return;
    setsockopt(g->connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    gdb_session_init(&g->session, &g->target);
    g->session.log = stderr;
    g->session.send = send_bytes;
    g->session.owner = g;
}

static void hang_up(struct gdb *g)
{
    gdb_session_end(&g->session);
    close(g->connection);
    g->connection = -1;
    g->stopped = g->step = g->interrupted = false;
    g->back = GDB_STAY;
}

struct gdb *gdb_new(struct machine *m, const struct gdb_address *address, bool wait)
{
    struct gdb *g = xalloc(1, sizeof *g);
    g->machine = m;
    g->target.machine = m;
    g->address = *address;
    g->connection = -1;
    g->stopped = wait;
    g->listener = gdb_listen(address);
    return g;
}

void gdb_set_target(struct gdb *g, const struct gdb_target *target)
{
    g->target = g->session.target = *target;
}

void gdb_free(struct gdb *g, unsigned code)
{
    if (g->connection >= 0) {
        if (!g->killed && g->session.running)
            gdb_session_exited(&g->session, code);
        hang_up(g);
    }
    event_cancel(&g->machine->clock, &g->poll_event);
    gdb_unlisten(&g->address, g->listener);
    free(g);
}

/* --- serving ---------------------------------------------------------------------------------- */

static void take_action(struct gdb *g, enum gdb_action action)
{
    switch (action) {
    case GDB_STAY: break;
    case GDB_STOP: g->interrupted = true; break;
    case GDB_CONTINUE:
    case GDB_STEP:
        g->stopped = false;
        g->step = action == GDB_STEP;
        break;
    case GDB_STEP_BACK:
    case GDB_CONTINUE_BACK:
        g->stopped = false;
        g->back = action;
        break;
    case GDB_DETACH: hang_up(g); break;
    case GDB_KILL: g->killed = true; break;
    }
}

/* Feeds what has arrived; the bytes behind a resume wait in the socket. */
static void serve_input(struct gdb *g)
{
    uint8_t byte;
    ssize_t n = recv(g->connection, &byte, 1, 0);
    if (n == 1)
        take_action(g, gdb_session_feed(&g->session, byte));
    else if (n == 0 || errno != EINTR)
        hang_up(g);
}

/* While the machine stands: until the debugger lets it go. */
static void serve(struct gdb *g)
{
    while (g->stopped && !g->killed) {
        if (g->connection < 0) {
            readable(g->listener, true);
            accept_debugger(g);
        } else {
            serve_input(g);
        }
    }
}

/* While it runs: an observer's event. */
static void look(void *owner)
{
    struct gdb *g = owner;
    struct clock *clock = &g->machine->clock;
    if (g->connection < 0 && readable(g->listener, false)) {
        accept_debugger(g);
        g->interrupted = g->connection >= 0;
    }
    while (g->connection >= 0 && !g->interrupted && !g->killed && readable(g->connection, false))
        serve_input(g);
    if (g->interrupted || g->killed)
        machine_stop(g->machine);
    event_schedule_observer(clock, &g->poll_event, clock->now + GDB_POLL_CYCLES);
}

/* --- running ---------------------------------------------------------------------------------- */

/* One instruction; a REP is one, however many turns it takes, unless the debugger breaks in. False:
 * something else stopped it. */
static bool step(struct gdb *g)
{
    bool plain;
    do
        plain = machine_step(g->machine);
    while (plain && g->machine->cpu->rep_running);
    g->step = false;
    if (plain && g->target.history)
        history_settle(g->target.history);
    return plain;
}

/* While the machine looks for the place to go back to: does the debugger want it to stop? */
static bool gives_up(void *owner)
{
    struct gdb *g = owner;
    while (g->connection >= 0 && !g->interrupted && !g->killed && readable(g->connection, false))
        serve_input(g);
    return g->interrupted || g->killed || g->connection < 0;
}

static void go_back(struct gdb *g)
{
    struct history *h = g->target.history;
    enum history_back how;
    if (g->back == GDB_STEP_BACK) {
        how = history_step_back(h) ? HISTORY_BREAK : HISTORY_BEGIN;
    } else {
        history_ask(h, gives_up, g);
        how = history_continue_back(h);
    }
    g->back = GDB_STAY;
    g->session.over = false;
    if (g->connection < 0 || g->killed)
        return;
    if (how == HISTORY_BEGIN)
        gdb_session_at_edge(&g->session, "begin");
    else
        gdb_session_stopped(&g->session,
                            how == HISTORY_INTERRUPTED ? SIGNAL_INTERRUPT : SIGNAL_TRAP);
    g->interrupted = false;
    g->stopped = true;
}

static bool recorded_end(const struct gdb *g)
{
    return g->target.history && history_at_end(g->target.history);
}

/* Whether a recorded run has been lived to its end; the debugger keeps it, to go back. */
static bool hold_at_end(struct gdb *g)
{
    if (g->connection < 0 || !recorded_end(g))
        return false;
    gdb_session_at_edge(&g->session, "end");
    g->interrupted = false;
    g->stopped = true;
    return true;
}

/* Whether the stop is the debugger's; if so it is told. */
static bool report(struct gdb *g, bool stepped)
{
    struct gdb_session *s = &g->session;
    const struct machine *m = g->machine;
    if (g->connection < 0 || (m->end != END_STOPPED && m->end != END_SHUTDOWN))
        return false;
    unsigned signal = m->end == END_SHUTDOWN ? SIGNAL_SEGMENT
                      : g->interrupted       ? SIGNAL_INTERRUPT
                                             : SIGNAL_TRAP;
    bool mine = signal != SIGNAL_TRAP || stepped || m->cpu->watches.hit || gdb_session_at_break(s);
    if (!mine)
        return false;
    s->over = m->end == END_SHUTDOWN;
    if (s->running) /* a debugger that has just come will ask by itself */
        gdb_session_stopped(s, signal);
    g->interrupted = false;
    g->stopped = true;
    return true;
}

/* One turn of gdb_run: what the debugger has asked for. False: the run is over. */
static bool go_on(struct gdb *g)
{
    struct machine *m = g->machine;
    bool stepped = false;
    if (g->back != GDB_STAY) {
        go_back(g);
        return true;
    }
    if (recorded_end(g))
        return hold_at_end(g);
    event_schedule_observer(&m->clock, &g->poll_event, m->clock.now + GDB_POLL_CYCLES);
    if (g->step)
        stepped = step(g);
    else
        machine_run(m);
    event_cancel(&m->clock, &g->poll_event);
    return !g->killed && (report(g, stepped) || hold_at_end(g));
}

void gdb_run(struct gdb *g)
{
    struct machine *m = g->machine;
    event_init(&g->poll_event, look, g, 201);
    for (;;) {
        enum machine_end end = m->end;
        serve(g);
        if (g->killed || (g->session.over && end == END_SHUTDOWN && g->back == GDB_STAY)) {
            m->end = g->session.over ? end : END_STOPPED;
            break;
        }
        if (!go_on(g))
            break;
    }
}
