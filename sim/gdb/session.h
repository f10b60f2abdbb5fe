/* session: what GDB asks of a stopped machine, and what the machine answers: the commands of the
 * remote protocol [GDB-REMOTE Packets]; monitor.h has the `monitor` commands. No sockets: bytes
 * come in through gdb_session_feed and go out through a function, so that tests and fuzzers need
 * no network.
 *
 * Observation is free: breakpoints, watchpoints, steps and reads leave every cycle and the state's
 * hash as they were. Writing registers or memory is an input of the run, and is logged as one with
 * its cycle; what is recorded, or is a recording, refuses it.
 *
 * Addresses are linear; memory is what the processor's translation shows now. EIP is reported as it
 * is, so that breakpoints in segments whose base is not 0 want base + EIP. A single step may be the
 * delivery of an interrupt: nothing is held back. One thread. */
#pragma once

#include "sim/gdb/packet.h"
#include "sim/gdb/target.h"

#include <stdio.h>

enum gdb_action {
    GDB_STAY,     /* stopped: feed on */
    GDB_CONTINUE,
    GDB_STEP,     /* one instruction */
    GDB_STEP_BACK,
    GDB_CONTINUE_BACK,
    GDB_STOP,     /* running: the debugger wants it stopped */
    GDB_DETACH,   /* run on without it */
    GDB_KILL,     /* end the run */
};

struct gdb_session {
    struct gdb_target target;
    struct machine *machine;
    FILE *log; /* for writes to guest state; NULL: none */
    void (*send)(void *owner, const void *data, size_t size);
    void *owner;
    struct gdb_reader reader;
    struct gdb_reply reply;
    bool no_ack;   /* QStartNoAckMode was accepted */
    bool running;  /* a continue or step has not been answered yet */
    bool over;     /* the machine cannot go on: the next resume is answered with an exit */
    char stop[64]; /* the last stop reply */
    laddr_t breaks[CPU_STOPS_MAX];
    unsigned break_count;
    struct cpu_watch watches[CPU_WATCHES_MAX];
    unsigned watch_count;
    char frame[sizeof(((struct gdb_reply *)0)->data) + 8];
    size_t frame_size;
};

/* A stopped machine; send may be called from every function below. */
void gdb_session_init(struct gdb_session *s, const struct gdb_target *target);
/* Removes what the session has put into the machine. */
void gdb_session_end(struct gdb_session *s);

/* One byte from the debugger. */
enum gdb_action gdb_session_feed(struct gdb_session *s, uint8_t byte);

/* The machine that was continued or stepped has stopped: signal is GDB's number. */
void gdb_session_stopped(struct gdb_session *s, unsigned signal);
/* ... or there is nothing recorded beyond: edge is "begin" or "end". */
void gdb_session_at_edge(struct gdb_session *s, const char *edge);
/* ... or its run is over. */
void gdb_session_exited(struct gdb_session *s, unsigned code);
/* Whether the processor stands at a breakpoint of this session, just arrived. */
bool gdb_session_at_break(const struct gdb_session *s);
