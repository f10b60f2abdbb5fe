/* replay: a machine that lives a recorded run again, from any checkpoint of its trace.
 *
 * Nothing but the trace is needed: images are in its first state. Recorded characters arrive at
 * their cycles. Verifying compares every recorded hash and state on the way; a difference is told
 * with the first component and field that differ. */
#pragma once

#include "sim/replay/manifest.h"
#include "sim/replay/recorder.h"
#include "sim/report/symbols.h"

/* What a replay compares with: a state names the field that differs, but there are fewer. */
enum replay_verifying { VERIFY_NOTHING, VERIFY_ALL, VERIFY_STATES };

struct replay {
    struct trace *trace;
    struct manifest manifest;
    struct machine *machine;
    cycle_t first, last;    /* cycles of the first and of the last moment that the trace holds */
    bool ended;             /* the trace has its end; false: the recorder was killed */
    uint64_t instructions;  /* at the end; 0 if it did not end */
    char end[32];           /* "halted", "stopped", ... */

    bool diverged;
    uint64_t checked;       /* hashes and states that agreed */
    char message[512];      /* how it diverged */

    /* private */
    struct trace_input *inputs;
    size_t *input_chunk;    /* of each input, to know which came after a state */
    size_t input_count, next_input;
    size_t check_chunk;     /* the next one to compare with; trace->count: none */
    cycle_t until;          /* where the machine is made to stop */
    size_t reset_chunk;     /* where the search for the state after the next reset begins */
    struct event input_event, check_event, stop_event;
    enum replay_verifying verifying;
    struct recorder *recorder;
};

/* Reads a trace; damage ends in usage_error. The machine is built, and nothing runs yet. */
struct replay *replay_open(const char *path, const struct machine_host *host);
/* Adds the trace's own names of code. */
void replay_symbols(const struct replay *r, struct symbols *symbols);
/* Puts the machine into the last checkpoint at or before the cycle. usage_error if the trace begins
 * later. */
void replay_seek(struct replay *r, cycle_t cycle);
/* The cycle of that checkpoint; CYCLE_NEVER: there is none. */
cycle_t replay_state_before(const struct replay *r, cycle_t cycle);
/* After the next replay_seek recorded hashes and states are compared; the first difference stops
 * the machine. */
void replay_verify(struct replay *r, enum replay_verifying what);
/* Makes the machine stop at the first instruction boundary at or after the cycle, or at the trace's
 * end if that comes first. */
void replay_until(struct replay *r, cycle_t cycle);
/* The cycle at which that will be. */
cycle_t replay_end(const struct replay *r);

/* How far the trace has been read, and back to there: whoever puts the machine into a state of its
 * own (history.h) puts the trace there too. Nothing is compared after that. */
struct replay_cursor {
    size_t next_input, reset_chunk;
};
struct replay_cursor replay_cursor(const struct replay *r);
void replay_return(struct replay *r, const struct replay_cursor *cursor);
/* After the run: compares what is due and not compared yet. */
void replay_finish(struct replay *r);
/* Typed characters are told to a recorder too. */
void replay_record(struct replay *r, struct recorder *recorder);
void replay_free(struct replay *r);
