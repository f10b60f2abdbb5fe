/* What the tests of timing models by exact clocks share: some code, measured in a warm loop as
 * `isochron cycles` does. Code is bytes, so that no assembler is needed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/report/cycles.h"

#define BUFFER_IN_ESI "\xBE\x00\x00\x10\x00" /* mov esi, buf */

/* The caller frees the result. */
static inline struct cycles_result bench_cycles(const char *machine, unsigned copies,
                                                const char *setup, size_t setup_size,
                                                const char *code, size_t size)
{
    struct machine_config *m = machine_find(machine);
    struct assembly text = {.bytes = (uint8_t *)(uintptr_t)code, .size = size};
    struct assembly before = {.bytes = (uint8_t *)(uintptr_t)setup, .size = setup_size};
    struct cycles_request q = {.config = m, .code = &text, .setup = &before, .copies = copies};
    struct cycles_result r;
    cycles_measure(&q, &r);
    free(m);
    assert_false(r.raised);
    return r;
}
