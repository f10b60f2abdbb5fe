// text.h: numbers as text, and the time-stamp counter, for freestanding guest programs. They run on
// a Pentium (no CMOV, no SSE), in the simulator, under QEMU.
#pragma once

static inline unsigned tsc_low(void)
{
    unsigned low;
    __asm__ volatile("rdtsc" : "=a"(low) : : "edx", "memory");
    return low;
}

// A line of output, collected so that it leaves by one write.
struct line {
    unsigned length;
    char text[120];
};

static inline void line_char(struct line *line, char c)
{
    if (line->length < sizeof line->text)
        line->text[line->length++] = c;
}

static inline void line_text(struct line *line, const char *text)
{
    while (*text)
        line_char(line, *text++);
}

static inline void line_number(struct line *line, unsigned number)
{
    char digits[10];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        line_char(line, digits[--count]);
}

static inline void line_hex(struct line *line, unsigned number)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        line_char(line, "0123456789abcdef"[number >> shift & 15]);
}

// The number in text, or fallback if there is no text or it is not a decimal number.
static inline unsigned number_or(const char *text, unsigned fallback)
{
    unsigned number = 0;
    if (!text || !*text)
        return fallback;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return fallback;
        number = number * 10 + (unsigned)(*text - '0');
    }
    return number;
}

// Each program's own; start.S calls it with the kernel's argument vector and exits with its result.
int start(int argc, char **argv);
