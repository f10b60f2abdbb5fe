// sys.h: the little that a freestanding program needs beyond text.h: Linux system calls.
#pragma once
#include "text.h"

#define SYS_EXIT 1
#define SYS_WRITE 4

static inline int sys3(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static inline void line_write(struct line *line)
{
    line_char(line, '\n');
    sys3(SYS_WRITE, 1, (int)line->text, (int)line->length);
    line->length = 0;
}
