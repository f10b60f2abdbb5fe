/* recorder: writes a run down as it goes on: what it is a function of, and enough states and hashes
 * to jump into it and to prove a replay of it.
 *
 *   MANI  the manifest, JSON
 *   SYMB  names of code, lines "address size name" in hexadecimal
 *   STAT  a checkpoint: struct trace_state, then what the snapshot visitor saves
 *   INPT  characters typed since the chunk before: struct trace_input each
 *   HASH  struct trace_moment, hash of the state, chain of all such hashes
 *   ENDS  how the run ended, JSON
 *
 * A recorder is an observer: nothing it does moves a cycle. */
#pragma once

#include "sim/machine/machine.h"
#include "sim/replay/manifest.h"
#include "sim/replay/trace.h"
#include "sim/report/symbols.h"

#define RECORD_HASH_CYCLES  ((cycle_t)20000000)
#define RECORD_STATE_CYCLES ((cycle_t)1000000000)

/* Flag of a STAT chunk: the machine as it is after a reset that the guest asked for. */
#define TRACE_AFTER_RESET 1u

#define TRACE_CYCLES_MAX ((uint64_t)1 << 52) /* a year of any machine */

/* When something was written down: the cycle it was planned for and the end of the instruction that
 * reached that cycle. */
struct trace_moment {
    uint64_t due, cycle;
};

struct trace_input {
    uint64_t cycle;
    uint32_t port, byte;
};

struct trace_hash {
    struct trace_moment at;
    uint64_t state, chain;
};

struct trace_state {
    struct trace_moment at;
    uint64_t path; /* the ledger's: how privilege 0 was entered, or PATH_USER */
};

uint64_t trace_chain(uint64_t chain, uint64_t state);

struct recorder;

/* Begins with the machine as it is now. hash_every, state_every: cycles; 0 takes the defaults. */
struct recorder *recorder_new(struct machine *m, const char *path, const struct manifest *manifest,
                              struct symbols *symbols, cycle_t hash_every,
                              cycle_t state_every);
/* A character was typed at a serial port, now. */
void recorder_input(struct recorder *r, int port, uint8_t byte);
/* Writes the last state, hash and the end, and closes the file. */
void recorder_free(struct recorder *r);
