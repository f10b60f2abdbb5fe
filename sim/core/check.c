#include "sim/core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *cond)
{
    fprintf(stderr, "isochron: internal error at %s:%d: %s\n", file, line, cond);
    abort();
}

static void say(const char *what, const char *fmt, va_list ap)
{
    fflush(stdout);
    fprintf(stderr, "isochron: %s", what);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void usage_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("", fmt, ap);
    va_end(ap);
    exit(EXIT_USAGE);
}

void unimplemented(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("unimplemented: ", fmt, ap);
    va_end(ap);
    exit(EXIT_UNIMPLEMENTED);
}

void *xalloc(size_t count, size_t size)
{
    void *p = calloc(count, size);
    CHECK(p != NULL);
    return p;
}
