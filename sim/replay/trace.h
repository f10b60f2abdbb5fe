/* trace: a recorded run as a file.
 *
 * A file is a head and then chunks, appended one by one as the run goes on and never changed
 * afterwards: killing the recorder at any moment leaves a file whose whole chunks can be read.
 *
 *   head    "ISOTRACE"  version  0              8 + 4 + 4 bytes, little-endian as all numbers here
 *   chunk   kind  flags  size  stored  sum  head_sum        4 + 4 + 8 + 8 + 4 + 4, then the bytes
 *
 * `kind` is four letters; `stored` bytes of zlib's format hold `size` bytes; `sum` is the CRC-32 of
 * the stored bytes and head_sum that of the 28 bytes before it. Kinds (recorder.h says what is in
 * them): MANI, SYMB, STAT, INPT, HASH, ENDS. A reader that meets another kind refuses the file; an
 * optional kind would begin with a small letter and is skipped. */
#pragma once

#include "sim/core/types.h"

#include <stddef.h>

#define TRACE_VERSION 1
#define TRACE_KIND(a, b, c, d)                                                                     \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

enum trace_kind {
    TRACE_MANIFEST = TRACE_KIND('M', 'A', 'N', 'I'),
    TRACE_SYMBOLS = TRACE_KIND('S', 'Y', 'M', 'B'),
    TRACE_STATE = TRACE_KIND('S', 'T', 'A', 'T'),
    TRACE_INPUT = TRACE_KIND('I', 'N', 'P', 'T'),
    TRACE_HASH = TRACE_KIND('H', 'A', 'S', 'H'),
    TRACE_END = TRACE_KIND('E', 'N', 'D', 'S'),
    TRACE_NAMES = TRACE_KIND('n', 'a', 'm', 'e'), /* of data, and of code in one space */
    TRACE_LINES = TRACE_KIND('l', 'i', 'n', 'e'), /* of source files */
};

/* --- writing ---------------------------------------------------------------------------------- */

struct trace_writer;

/* usage_error where the file cannot be written. */
struct trace_writer *trace_create(const char *path);
/* Compresses, appends and flushes one chunk. A full disk ends the program with a clear line. */
void trace_put(struct trace_writer *w, enum trace_kind kind, uint32_t flags, const void *data,
               size_t size);
void trace_close(struct trace_writer *w);

/* --- reading ---------------------------------------------------------------------------------- */

struct trace_chunk {
    uint32_t kind, flags;
    uint64_t size, stored, offset; /* of the stored bytes in the file */
    uint32_t sum;
};

struct trace {
    char *path;
    int fd;
    struct trace_chunk *chunks;
    size_t count, capacity;
    bool cut_short; /* the last chunk was not whole: the recorder was killed */
};

/* Whether the file begins as a trace does; false if it cannot be read. */
bool trace_is(const char *path);
/* Reads the heads of all chunks. A file that is no trace, of another version, or damaged ends in
 * usage_error, one line; a last chunk that is not whole is left out and cut_short says so. */
struct trace *trace_open(const char *path);
/* The i-th chunk's bytes, checked and unpacked, for the caller to free; usage_error if damaged. */
uint8_t *trace_read(const struct trace *t, size_t index);
/* The first bytes of the i-th chunk, without checking the rest. */
void trace_peek(const struct trace *t, size_t index, void *to, size_t size);
void trace_free(struct trace *t);
