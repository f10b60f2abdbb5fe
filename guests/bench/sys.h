// sys.h: the little that a freestanding Linux program needs: system calls by int 0x80, numbers as
// text, and the time-stamp counter. The programs run wherever Linux runs IA-32 code: on a Pentium
// (no CMOV, no SSE), in the simulator, under QEMU, on the machine that built them.
#pragma once

#define SYS_EXIT 1
#define SYS_WRITE 4

static inline int sys3(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

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

static inline void line_write(struct line *line)
{
    line_char(line, '\n');
    sys3(SYS_WRITE, 1, (int)line->text, (int)line->length);
    line->length = 0;
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
