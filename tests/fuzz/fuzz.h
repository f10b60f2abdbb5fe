/* fuzz: what the fuzzers share. A case is a function of its seed. Cases run in a child process,
 * many in one; a case may end by exit() (a user's error, hardware that is not modelled): the linker
 * wraps exit, and the next case begins. A crash, a sanitizer's report or more than FUZZ_CPU_SECONDS
 * of processor time ends the child: a failure, printed with the seed and what the child said last.
 *
 *     fuzz_X [--seconds S] [--seed N] [--cases N] [--show]
 *
 * Cases have the seeds N, N + 1 ...; --show lets a case print to stderr. Plain gcc is enough; the
 * sanitizers find more. */
#pragma once

#include "sim/machine/machine.h"
#include "tests/property/twin_run.h"

#include <setjmp.h>

/* A random value of a kind that upsets parsers and limits. */
uint32_t fuzz_value(struct random *r);
/* Changes a buffer: bits, bytes, words of fuzz_value, copies within, most of it near the front; may
 * shorten it. Returns the new size. */
size_t fuzz_mutate(struct random *r, uint8_t *data, size_t size);
/* A file of these bytes, whose path is good until the next call with the same slot (0..3). */
const char *fuzz_file(unsigned slot, const void *data, size_t size);
/* A machine without a kernel, with some megabytes of memory. */
struct machine *fuzz_machine(struct random *r, const char *name, const char *model);
/* Runs for some cycles. */
void fuzz_run(struct machine *m, cycle_t cycles);

/* Runs f(owner); false if it ended by exit, whose code is in *code. Does not nest. */
bool fuzz_guard(void (*f)(void *owner), void *owner, int *code);

/* Counts a kind of case for the summary; at most 16 kinds, by their literal's text. */
void fuzz_count(const char *kind);
/* A case found something wrong that did not crash. */
NORETURN void fuzz_fail(const char *fmt, ...) PRINTF(1, 2);

int fuzz_main(int argc, char **argv, const char *name, void (*one_case)(uint64_t seed));
