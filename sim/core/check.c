#include "sim/core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The process's, like stderr, and no machine's: nothing that a machine does reads it. */
static struct {
    void (*speak)(void *owner, char *where, size_t size);
    void *owner;
} last_words;

void check_set_last_words(void (*speak)(void *owner, char *where, size_t size), void *owner)
{
    last_words.speak = speak;
    last_words.owner = owner;
}

/* Once only: last words may themselves run into a check. */
static void speak_last(char *where, size_t size)
{
    void (*speak)(void *owner, char *where, size_t size) = last_words.speak;
    where[0] = 0;
    last_words.speak = NULL;
    if (speak)
        speak(last_words.owner, where, size);
    fflush(stdout);
}

void check_failed(const char *file, int line, const char *cond)
{
    char where[200];
    speak_last(where, sizeof where);
    fprintf(stderr, "isochron: internal error at %s:%d: %s%s\n", file, line, cond, where);
    abort();
}

/* What a user gave stands in messages: a newline or an escape sequence in it stays one line. */
static void print_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            fprintf(stderr, "\\x%02x", *text);
        else
            fputc(*text, stderr);
}

static void say(const char *what, bool say_where, const char *fmt, va_list ap)
{
    char where[200], text[8192];
    speak_last(where, sizeof where);
    vsnprintf(text, sizeof text, fmt, ap);
    fprintf(stderr, "isochron: %s", what);
    print_plain(text);
    fprintf(stderr, "%s\n", say_where ? where : "");
}

void usage_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("", false, fmt, ap);
    va_end(ap);
    exit(EXIT_USAGE);
}

void unimplemented(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("unimplemented: ", true, fmt, ap);
    va_end(ap);
    exit(EXIT_UNIMPLEMENTED);
}

void *xalloc(size_t count, size_t size)
{
    void *p = calloc(count, size);
    CHECK(p != NULL);
    return p;
}

void *xalloc_table(size_t count, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = xalloc(count, size), *first = p + (page - (uintptr_t)p % page) % page;
    if (first + page <= p + count * size) /* advice: what it says to it does not matter */
        (void)madvise(first, (size_t)(p + count * size - first) / page * page, MADV_HUGEPAGE);
    return p;
}
