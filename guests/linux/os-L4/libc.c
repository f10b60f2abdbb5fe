// SPDX-License-Identifier: GPL-2.0-only
/* libc.c: of a C library, the functions that the kernel does not bring along itself. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size)
{
    void *start = to;
    size_t words = size / 4;

    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    size &= 3;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;
    size_t words = size / 4;
    uint32_t word = (uint8_t)byte * 0x01010101u;

    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    size &= 3;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(word) : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *last_to = (unsigned char *)to + size - 1;
    const unsigned char *last_from = (const unsigned char *)from + size - 1;

    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    __asm__ volatile("std\n\trep movsb\n\tcld"
                     : "+D"(last_to), "+S"(last_from), "+c"(size) : : "memory");
    return to;
}

char *strstr(const char *text, const char *part)
{
    for (;; text++) {
        size_t i = 0;

        while (part[i] && text[i] == part[i])
            i++;
        if (!part[i])
            return (char *)text;
        if (!*text)
            return NULL;
    }
}
