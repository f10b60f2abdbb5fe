/* print.c: formatted output to the serial line. */
#include "debugger/print.h"
#include "platform/platform.h"

#define DIGITS_MAX 20 /* of 2^64 - 1 in decimal */

struct field {
    unsigned width;
    bool zeros, left;
};

static void put_padding(unsigned length, const struct field *f)
{
    for (unsigned i = length; i < f->width; i++)
        serial_put(f->zeros ? '0' : ' ');
}

static void put_text(const char *text, unsigned length, const struct field *f)
{
    if (!f->left)
        put_padding(length, f);
    for (unsigned i = 0; i < length; i++)
        serial_put(text[i]);
    if (f->left)
        put_padding(length, f);
}

/* *value /= base; returns the remainder. In two steps of DIV, since the library's 64-bit division
 * is no part of the kernel. */
static word_t divide(uint64_t *value, word_t base)
{
    word_t high = (word_t)(*value >> 32), low = (word_t)*value, rest = high % base;
    high /= base;
    __asm__("divl %2" : "+a"(low), "+d"(rest) : "r"(base) : "cc");
    *value = (uint64_t)high << 32 | low;
    return rest;
}

static void put_number(uint64_t value, word_t base, bool negative, const struct field *f)
{
    char text[DIGITS_MAX + 1];
    unsigned at = sizeof text;
    do
        text[--at] = "0123456789abcdef"[divide(&value, base)];
    while (value);
    if (negative)
        text[--at] = '-';
    put_text(text + at, sizeof text - at, f);
}

static unsigned text_length(const char *s)
{
    unsigned n = 0;
    while (s[n])
        n++;
    return n;
}

void print_v(const char *format, va_list *list)
{
    for (const char *p = format; *p; p++) {
        struct field f = {0, false, false};
        if (*p != '%') {
            serial_put(*p);
            continue;
        }
        p++;
        if (*p == '-') {
            f.left = true;
            p++;
        }
        f.zeros = *p == '0';
        for (; *p >= '0' && *p <= '9'; p++)
            f.width = f.width * 10 + (unsigned)(*p - '0');
        unsigned longs = 0;
        for (; *p == 'l'; p++)
            longs++;
        char letter;
        const char *text;
        int number;
        switch (*p) {
        case 's':
            text = va_arg(*list, const char *);
            put_text(text, text_length(text), &f);
            break;
        case 'c':
            letter = (char)va_arg(*list, int);
            put_text(&letter, 1, &f);
            break;
        case 'd':
            number = va_arg(*list, int);
            put_number(number < 0 ? -(word_t)number : (word_t)number, 10, number < 0, &f);
            break;
        case 'u':
            put_number(longs == 2 ? va_arg(*list, uint64_t) : va_arg(*list, word_t), 10, false, &f);
            break;
        case 'p':
            f = (struct field){8, true, false};
            put_number((word_t)(uintptr_t)va_arg(*list, void *), 16, false, &f);
            break;
        case 'x':
            put_number(longs == 2 ? va_arg(*list, uint64_t) : va_arg(*list, word_t), 16, false, &f);
            break;
        case 0:
            return;
        default:
            serial_put(*p);
        }
    }
}

void print(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_v(format, &list);
    va_end(list);
}
