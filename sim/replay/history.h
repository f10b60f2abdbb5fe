/* history: a machine that can go back: by states kept in memory while it runs, and by living the
 * stretch behind one of them again. Every boundary between two instructions can be come back to
 * exactly, with the same registers, cycle and hash as on the first visit.
 *
 * States are kept every few million cycles and share the pages of memory that did not change
 * between them, so that a reverse step lives at most those cycles again. What is lived again is not
 * heard again: characters that have left the serial ports do not leave them twice; nor is what a
 * jump to a state of the trace leaves out.
 *
 * A replay goes back as far as its trace, a live run as far as history_new; characters typed into a
 * live run are remembered with their cycles (history_input). Nothing here moves a cycle. */
#pragma once

#include "sim/machine/machine.h"
#include "sim/replay/replay.h"

/* A boundary between instructions. Two of the same cycle (an instruction in the V pipe takes none)
 * differ in the instructions before them. */
struct history_place {
    cycle_t cycle;
    uint64_t instructions;
};

static inline bool place_before(struct history_place a, struct history_place b)
{
    return a.cycle != b.cycle ? a.cycle < b.cycle : a.instructions < b.instructions;
}

enum history_back {
    HISTORY_BEGIN,       /* there is nothing before; the machine is where the past begins */
    HISTORY_BREAK,       /* at an instruction that has a breakpoint */
    HISTORY_WATCH,       /* before an access to watched bytes: cpu->watches says which */
    HISTORY_INTERRUPTED, /* somewhere on the way; going on from there loses nothing */
};

struct history;

/* The past begins now, or with the trace that the machine lives again; NULL: it is a live run. */
struct history *history_new(struct machine *m, struct replay *replay);
void history_free(struct history *h);
/* States are kept every so many cycles, from now on; a default fits the model. */
void history_keep_every(struct history *h, cycle_t cycles);
/* Asked now and then while history_continue_back looks: true makes it give up. */
void history_ask(struct history *h, bool (*gives_up)(void *owner), void *owner);

/* A live run: the past begins here (somebody changed the machine by hand), and a character was
 * typed at a serial port, now. */
void history_restart(struct history *h);
void history_input(struct history *h, int port, uint8_t byte);

struct history_place history_here(const struct history *h);
/* Where the past begins; where a replay ends (CYCLE_NEVER: a live run). */
cycle_t history_first(const struct history *h);
cycle_t history_last(const struct history *h);
/* Whether the recorded run goes no further. */
bool history_at_end(const struct history *h);

/* To the first boundary at or after a cycle, back or on. False: the run ends before it (the machine
 * is at its end), or it is before the past begins (nothing has moved). */
bool history_goto_cycle(struct history *h, cycle_t cycle);
/* Back, or on, to a place that history_here has told. */
void history_goto(struct history *h, struct history_place place);
/* The same for a place not before here, every instruction on the way for an observer to see. */
void history_live(struct history *h, struct history_place place);
/* Fires the events that are due here, as a run does when it stops: then a place has one hash. */
void history_settle(struct history *h);

/* One instruction back (a REP, or a wait in HLT, is one). False: the past begins here. */
bool history_step_back(struct history *h);
/* Back to the last breakpoint or watchpoint of the processor (cpu/stops.h) before here. */
enum history_back history_continue_back(struct history *h);

/* A debugger's stops, out of the way for a while: they cost time, and iterations of a REP end where
 * bytes are watched and else do not. */
struct history_stops {
    struct cpu_stops stops;
    struct cpu_watches watches;
};
void history_hide_stops(struct history *h, struct history_stops *kept);
void history_show_stops(struct history *h, const struct history_stops *kept);

/* To the n-th arrival at a linear address, counted from where the past begins (of a live run: up to
 * here). False: there are only *found of them, and nothing has moved. */
bool history_goto_arrival(struct history *h, laddr_t la, uint64_t n, uint64_t *found);

/* Some `cycles` or more before here, to live the stretch up to `here` again by history_live. False:
 * the past is shorter; the machine is at its begin. */
bool history_rewind(struct history *h, cycle_t cycles);
