/* check: assertions that stay on in release, and the three ways a run can stop with a message.
 *
 * CHECK is for the simulator's own mistakes (abort, with file and line). A user's mistake goes
 * through usage_error (exit 2): it says what, which value and what is accepted. Hardware that the
 * guest asks for and that is not modelled goes through unimplemented (exit 5). */
#pragma once

#include "sim/core/types.h"

#include <stddef.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (UNLIKELY(!(cond)))                                                                     \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

enum exit_code {
    EXIT_DONE = 0,
    EXIT_GUEST_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_BUDGET = 3,
    EXIT_DIVERGED = 4,
    EXIT_UNIMPLEMENTED = 5,
    EXIT_CYCLE_LIMIT = 124,
};

NORETURN void check_failed(const char *file, int line, const char *cond);

/* One line on stderr, "isochron: ...", then exit(EXIT_USAGE). */
NORETURN void usage_error(const char *fmt, ...) PRINTF(1, 2);

/* One line on stderr, "isochron: unimplemented: ...", then exit(EXIT_UNIMPLEMENTED). */
NORETURN void unimplemented(const char *fmt, ...) PRINTF(1, 2);

/* Called once before the program stops in one of these three ways: puts right what must not be left
 * behind (a raw terminal) and writes to where the place the guest is at, which ends the line of all
 * but a user's mistake. One for the process, as stderr is; NULL: none. */
void check_set_last_words(void (*speak)(void *owner, char *where, size_t size), void *owner);

/* malloc and calloc that never return NULL. Zeroed. */
void *xalloc(size_t count, size_t size);
/* The same for what spans all of a machine's memory and is touched here and there: in large pages
 * where the host has some, which spares it a fault and a TLB entry for each 4 KB. */
void *xalloc_table(size_t count, size_t size);
